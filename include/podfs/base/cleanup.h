/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup: owned locals release themselves when their scope ends.
 */
#ifndef PODFS_BASE_CLEANUP_H
#define PODFS_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define cleanup_(fn) __attribute__((cleanup(fn)))

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* A local pointer from malloc(), freed at the end of its scope. */
#define cleanup_free cleanup_(cleanup_freep)
/* A local file descriptor, closed at the end of its scope unless negative. */
#define cleanup_close cleanup_(cleanup_closep)

/* Hands an owned pointer on: the local no longer owns it. */
#define take_ptr(p)                                                                                \
	__extension__({                                                                            \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

/* The same for a file descriptor. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
