/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list: a collection as one answer, or page by page.
 */
#pragma once

#include "render.h"
#include "selector.h"

struct list_options {
	enum kind kind;
	const char *ns; /* NULL: all */
	struct view view;
	struct selector selector; /* taken over */
	uint64_t limit;           /* 0: none */
	const char *next;         /* a continue token, or "" */
	uint64_t at_least;        /* revision; 0: any */
	bool exact;               /* that very revision */
};

/** No page holds more than that; 0: no such limit. Before serving. */
void list_init(uint64_t max_page);

void list_reply(struct request *req, struct list_options *o);
/** Answers that nobody has come so far yet. */
void list_too_large(struct request *req, uint64_t asked);
