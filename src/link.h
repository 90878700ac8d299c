/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: what the supervisor and its worker say to each other.
 *
 *	worker                      supervisor
 *	SYNCED ------------------->            the first lists are in: mount
 *	       <------------------- MOUNTED    with the mount's descriptor; only to the first one
 *	SERVING ------------------>            requests are answered
 *	       <------------------- END        stop serving, and exit
 *	ENDING (exit code) ------->            it ends itself, and so shall all
 *
 * A message is a packet of its own. The other side is gone when there is an end of file.
 */
#ifndef PODFS_LINK_H
#define PODFS_LINK_H

#include <stdint.h>

enum link_message {
	LINK_UNSET,
	LINK_SYNCED,
	LINK_MOUNTED,
	LINK_SERVING,
	LINK_END,
	LINK_ENDING,
};

/* Two ends, close-on-exec. 0 or -errno. */
int link_pair(int ret_ends[2]);

/* @fd goes along, if it is not negative, and stays the caller's. 0 or -errno. */
int link_send(int end, enum link_message message, int32_t value, int fd);

/**
 * Waits for a message.
 *
 * @ret_fd  a descriptor that came along, the caller's; or -1.
 *
 * 0; -EAGAIN: none is there (if the end does not block); -EPIPE: the other side is gone; -errno.
 */
int link_receive(int end, enum link_message *ret_message, int32_t *ret_value, int *ret_fd);

#endif
