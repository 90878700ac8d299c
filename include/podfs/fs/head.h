/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head: what the one who mounts and those who serve, one after the other, know
 * together of the FUSE connection. At the start of MEMORY_HEAD (base/memory.h).
 *
 * Only one process writes it at a time: the supervisor while nobody serves,
 * and then the worker.
 */
#ifndef PODFS_FS_HEAD_H
#define PODFS_FS_HEAD_H

#include <limits.h>
#include <stdint.h>

/* Changes when what lies in the memory means something else: a new program cannot take it over. */
#define FS_LAYOUT 1u

/* Both are smaller in all versions of the protocol. */
#define FS_INIT_MAX 512u

#define FS_SUSPECTS 16u
/* FORGETs that the supervisor took while nobody served. */
#define FS_FORGETS_MAX 65536u

struct fs_head {
	uint32_t layout;     /* FS_LAYOUT; 0: nobody has served yet */
	uint32_t generation; /* of the worker that serves: 1, 2, ... */
	int32_t death;       /* the signal that ended the one before; 0: it ended itself */
	uint32_t failed_upgrades;

	char mountpoint[PATH_MAX]; /* its real path; "": nothing is mounted yet */
	uint32_t init_len;
	uint32_t init_reply_len;
	uint32_t init_answered;
	char init[FS_INIT_MAX]; /* the kernel's request */
	char init_reply[FS_INIT_MAX];

	/* Requests during which a worker died, the latest first. */
	struct fs_suspect {
		uint64_t unique; /* 0: none */
		uint32_t weight; /* FS_WEIGHT_* of each death */
		uint32_t unused;
	} suspects[FS_SUSPECTS];

	uint32_t forget_count;
	uint32_t unused;
	struct fs_forget {
		uint64_t id;
		uint64_t count;
	} forgets[FS_FORGETS_MAX];
};

/* The thread that crashed was at this request. */
#define FS_WEIGHT_CRASH 4u
/* It was under way when the worker was killed from outside, which is hardly its doing. */
#define FS_WEIGHT_KILLED 1u
/* A request of that weight is answered with EIO: it has killed two workers. */
#define FS_WEIGHT_MAX 8u

/* Maps it. 0 or -errno. */
int fs_head_map(int memory, struct fs_head **ret);
void fs_head_unmap(struct fs_head *head);

#endif
