/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app: what serves, from a parsed command line to an exit code: a worker's life
 * (supervisor.h), or the whole program's, with --no-supervise.
 */
#ifndef PODFS_APP_H
#define PODFS_APP_H

#include "options.h"

/* Where it runs. */
struct app_place {
	int link;   /* to the supervisor (link.h); -1: there is none */
	int memory; /* base/memory.h */
	int mount;  /* of a mount that another worker has served; -1: there is none yet */
	const char *mountpoint; /* its real path */
};

/* Without a supervisor: mounts and unmounts itself. */
enum exit_code app_run(const struct options *o);

/* @place's descriptors are taken over. */
enum exit_code app_work(const struct options *o, const struct app_place *place);

#endif
