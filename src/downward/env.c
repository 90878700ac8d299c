/* SPDX-License-Identifier: Apache-2.0 */
/* Variables whose value is a reference, in every kind of container. */
#include <errno.h>

#include "internal.h"

/* A value goes before a reference; of an empty one nothing can be said. */
static uint32_t holder_of(const struct view *pod, uint32_t variable)
{
	uint32_t value = node_member(pod, variable, "value");

	if (value && node_at(pod, value)->type == JSON_STRING && node_at(pod, value)->len)
		return 0;
	return node_member(pod, variable, "valueFrom");
}

static int add_variable(const struct view *pod, uint32_t container, struct bytes folder, uint32_t n,
			struct files *ret)
{
	cleanup_buf struct buf scratch = {0};
	struct bytes name = node_string(pod, node_member(pod, n, "name"), &scratch);
	size_t off = ret->paths.len;

	if (scratch.err)
		return scratch.err;
	buf_addstr(&ret->paths, "env/");
	buf_add(&ret->paths, folder.p, folder.len);
	buf_addch(&ret->paths, '/');
	if (name_add(&ret->paths, name))
		return files_add(ret, off,
				 (struct file){.mode = 0444,
					       .holder = holder_of(pod, n),
					       .container = container});
	ret->paths.len = off;
	return ret->paths.err;
}

static int add_container(const struct view *pod, uint32_t container, struct bytes folder,
			 struct files *ret)
{
	uint32_t env = node_member(pod, container, "env");
	int r = 0;

	for (uint32_t c = node_first(pod, env); c && r == 0; c = node_at(pod, c)->next)
		r = add_variable(pod, container, folder, c, ret);
	return r;
}

int env_files(const struct downward_source *s, struct bytes only, struct files *ret)
{
	cleanup_downward_list struct downward_list containers = {0};
	uint32_t container;
	int r;

	if (only.len) {
		r = container_at(s->pod, CONTAINERS_ALL, only, &container);
		return r < 0 || !container ? r : add_container(s->pod, container, only, ret);
	}
	r = containers_list(s->pod, CONTAINERS_ALL, &containers);
	for (size_t i = 0; i < containers.count && r == 0; i++) {
		const struct downward_entry *e = &containers.entries[i];
		struct bytes folder = {downward_entry_name(&containers, i), e->name_len};

		r = add_container(s->pod, e->node, folder, ret);
	}
	return r;
}

int env_read(const struct downward_source *s, struct bytes folder, struct bytes name,
	     struct buf *out)
{
	cleanup_buf struct buf scratch = {0};
	cleanup_buf struct buf file_name = {0};
	uint32_t container;
	uint32_t found = 0;
	int r = container_at(s->pod, CONTAINERS_ALL, folder, &container);

	if (r < 0 || !container)
		return r < 0 ? r : -ENOENT;
	uint32_t env = node_member(s->pod, container, "env");
	for (uint32_t c = node_first(s->pod, env); c; c = node_at(s->pod, c)->next) {
		struct bytes is = node_string(s->pod, node_member(s->pod, c, "name"), &scratch);

		buf_clear(&file_name);
		if (name_add(&file_name, is) &&
		    bytes_equal(file_name.data, file_name.len, name.p, name.len))
			found = c;
	}
	if (scratch.err || file_name.err)
		return -ENOMEM;
	return reference_read(s, found ? holder_of(s->pod, found) : 0, container, out);
}
