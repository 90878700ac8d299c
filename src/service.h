/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: what there is to say to systemd, where it has started us with Type=notify
 * (sd_notify(3)), and what it keeps for us (FileDescriptorStoreMax=2, sd_listen_fds(3)).
 */
#ifndef PODFS_SERVICE_H
#define PODFS_SERVICE_H

/* "READY=1". Without a systemd that wants to know, nothing happens. */
void service_tell(const char *state);

/* Has it keep a descriptor, should we die; it stays ours. */
void service_keep(int fd, const char *name);
/* It is not needed any more. */
void service_keep_no_longer(const char *name);

/* One that it has kept, the caller's; -1: none of that name. */
int service_kept(const char *name);

#endif
