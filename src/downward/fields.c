/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields a fieldRef can name. Which of them a variable or a volume may use
 * is the API server's rule; downward/ itself shows all.
 */
#include <errno.h>

#include <podfs/model/go_quote.h>

#include "internal.h"

enum field_value {
	VALUE_UNSET,
	VALUE_STRING, /* "" if the pod does not say */
	VALUE_MAP,
	VALUE_KNOWN, /* a string that has no file before it is known */
	VALUE_HOST_IP,
	VALUE_HOST_IPS,
	VALUE_POD_IP,
	VALUE_POD_IPS,
};

static const struct {
	const char *path;
	enum field_value value;
	const char *folder;
	const char *member;
	bool in_env;
	bool in_volume;
} fields[FIELD_COUNT] = {
    {"metadata.name", VALUE_STRING, "metadata", "name", true, true},
    {"metadata.namespace", VALUE_STRING, "metadata", "namespace", true, true},
    {"metadata.uid", VALUE_STRING, "metadata", "uid", true, true},
    {"metadata.labels", VALUE_MAP, "metadata", "labels", false, true},
    {"metadata.annotations", VALUE_MAP, "metadata", "annotations", false, true},
    {"spec.nodeName", VALUE_KNOWN, "spec", "nodeName", true, false},
    {"spec.serviceAccountName", VALUE_KNOWN, "spec", "serviceAccountName", true, false},
    {"status.hostIP", VALUE_HOST_IP, NULL, NULL, true, false},
    {"status.hostIPs", VALUE_HOST_IPS, NULL, NULL, true, false},
    {"status.podIP", VALUE_POD_IP, NULL, NULL, true, false},
    {"status.podIPs", VALUE_POD_IPS, NULL, NULL, true, false},
};

const char *field_path(size_t i)
{
	return fields[i].path;
}

int map_read(const struct view *pod, const char *map, struct buf *out)
{
	cleanup_sorted_members struct sorted_members sorted = {0};
	cleanup_buf struct buf scratch = {0};
	uint32_t n = view_member(pod, "metadata", map);

	if (!n || node_at(pod, n)->type != JSON_OBJECT)
		return 0;
	if (sort_members(pod, n, &sorted) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < sorted.count; i++) {
		const struct sorted_member *m = &sorted.members[i];
		struct bytes value = node_string(pod, m->node, &scratch);

		if (i)
			buf_addch(out, '\n');
		buf_add(out, sorted.keys.data + m->key_off, m->key_len);
		buf_addch(out, '=');
		go_quote(out, value.p, value.len);
	}
	return scratch.err ? scratch.err : out->err;
}

static int read_string(const struct view *pod, size_t i, struct buf *out)
{
	cleanup_buf struct buf scratch = {0};
	uint32_t n = view_member(pod, fields[i].folder, fields[i].member);
	struct bytes value = node_string(pod, n, &scratch);

	if (scratch.err)
		return scratch.err;
	if (!value.len && fields[i].value == VALUE_KNOWN)
		return -ENOENT;
	return out ? buf_add(out, value.p, value.len) : 0;
}

static int read_field(const struct downward_source *s, size_t i, struct buf *out)
{
	switch (fields[i].value) {
	case VALUE_MAP:
		return out ? map_read(s->pod, fields[i].member, out) : 0;
	case VALUE_HOST_IP:
	case VALUE_HOST_IPS:
		return host_ips_read(s, fields[i].value == VALUE_HOST_IPS, out);
	case VALUE_POD_IP:
	case VALUE_POD_IPS:
		return pod_ips_read(s, fields[i].value == VALUE_POD_IPS, out);
	default:
		return read_string(s->pod, i, out);
	}
}

int field_read(const struct downward_source *s, struct bytes path, enum field_use use,
	       struct buf *out)
{
	struct subscript subscript;

	if (subscript_parse(path, &subscript))
		return out ? subscript_read(s->pod, &subscript, out) : 0;
	/* The name it had in the first versions of the API. */
	if (use == USE_ENV && bytes_are(path, "spec.host"))
		path = (struct bytes){"spec.nodeName", sizeof("spec.nodeName") - 1};
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (bytes_are(path, fields[i].path) && (use != USE_ENV || fields[i].in_env) &&
		    (use != USE_VOLUME || fields[i].in_volume))
			return read_field(s, i, out);
	return -ENOENT;
}

int fields_list(const struct downward_source *s, struct downward_list *ret)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		int r = read_field(s, i, NULL);

		if (r == 0)
			r = list_add(ret, (struct bytes){fields[i].path, strlen(fields[i].path)},
				     (struct downward_place){DOWNWARD_FILE, 0444}, 0);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}
