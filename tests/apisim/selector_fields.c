/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field selectors: terms `field=value`, `field==value`, `field!=value`, with
 * commas between them and `\,` `\=` `\\` inside a value.
 */
#include <string.h>

#include "selector_impl.h"

static const struct {
	const char *name;
	enum field field;
	unsigned kinds; /* a bit for each kind that has it */
} names[] = {
    {"metadata.name", FIELD_NAME, 1 << KIND_NAMESPACES | 1 << KIND_NODES | 1 << KIND_PODS},
    {"metadata.namespace", FIELD_NAMESPACE, 1 << KIND_PODS},
    {"name", FIELD_NAME, 1 << KIND_NAMESPACES},
    {"spec.nodeName", FIELD_NODE_NAME, 1 << KIND_PODS},
    {"spec.host", FIELD_NODE_NAME, 1 << KIND_PODS},
    {"spec.restartPolicy", FIELD_RESTART_POLICY, 1 << KIND_PODS},
    {"spec.schedulerName", FIELD_SCHEDULER_NAME, 1 << KIND_PODS},
    {"spec.serviceAccountName", FIELD_SERVICE_ACCOUNT, 1 << KIND_PODS},
    {"spec.hostNetwork", FIELD_HOST_NETWORK, 1 << KIND_PODS},
    {"spec.unschedulable", FIELD_UNSCHEDULABLE, 1 << KIND_NODES},
    {"status.phase", FIELD_PHASE, 1 << KIND_PODS | 1 << KIND_NAMESPACES},
    {"status.podIP", FIELD_POD_IP, 1 << KIND_PODS},
    {"status.podIPs", FIELD_POD_IPS, 1 << KIND_PODS},
    {"status.nominatedNodeName", FIELD_NOMINATED_NODE, 1 << KIND_PODS},
};

static bool find_field(const char *name, size_t len, enum kind kind, enum field *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if ((names[i].kinds & 1u << kind) && strlen(names[i].name) == len &&
		    !memcmp(names[i].name, name, len)) {
			*ret = names[i].field;
			return true;
		}
	return false;
}

/* The end of a term: a comma that no backslash takes away. */
static const char *term_end(const char *p)
{
	for (; *p && *p != ','; p++)
		if (*p == '\\' && p[1])
			p++;
	return p;
}

static void add_value(struct requirement *r, const char *p, const char *end)
{
	struct buf b = {0};

	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		buf_putc(&b, *p);
	}
	requirement_add_value(r, b.data, b.len);
	buf_release(&b);
}

bool selector_parse_fields(struct selector *s, enum kind kind, const char *text, char **ret_message)
{
	for (const char *p = text; *p;) {
		const char *end = term_end(p);
		size_t n = strcspn(p, "=!");
		const char *value = p + n;
		bool negated = *value == '!';
		struct requirement *r;
		enum field field;

		if (value >= end || (negated && value[1] != '=')) {
			*ret_message = xasprintf("invalid selector: '%s'; can't understand '%.*s'",
						 text, (int)(end - p), p);
			return false;
		}
		value += negated || value[1] == '=' ? 2 : 1;
		if (!find_field(p, n, kind, &field)) {
			*ret_message = xasprintf("field label not supported: %.*s", (int)n, p);
			return false;
		}
		r = requirement_add(&s->fields, &s->n_fields);
		r->op = negated ? OP_NOT_IN : OP_IN;
		r->field = field;
		add_value(r, value, end);
		p = *end ? end + 1 : end;
	}
	return true;
}
