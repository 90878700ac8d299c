/* SPDX-License-Identifier: Apache-2.0 */
/*
 * churn: a cluster that lives.
 */
#pragma once

#include "options.h"

/** Starts the thread that changes objects, at options.churn changes a second. */
void churn_init(const struct options *o);

/** Changes the rate. With 0 it returns when the last change has been made. */
void churn_set_rate(uint64_t changes_per_second);
/** Changes made so far. */
uint64_t churn_made(void);
