/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume: up to where the store in the memory is complete, for the worker that
 * comes after this one. In MEMORY_HEAD, behind fs/head.h's. [loop]
 */
#ifndef PODFS_RESUME_H
#define PODFS_RESUME_H

#include <podfs/kube/client.h>

struct resume;

/* 0 or -errno. */
int resume_open(int memory, struct resume **ret);
void resume_close(struct resume *r);

/* What was said last; NULL: nothing yet. */
const struct kube_resume *resume_point(const struct resume *r);

/* What the store has taken in comes first. Costs little when it is as before. */
void resume_set(struct resume *r, const struct kube_resume *point);

#endif
