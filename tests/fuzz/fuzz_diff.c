/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes between two versions of an object (src/model: field.c, entries.c, labels.c,
 * keyed.c, count.c, diff.c): every listed name can be a file's, is found as what it is listed, and
 * is as long as it says; and the difference turns the one projection into the other, both ways,
 * and says nothing else.
 *
 * Input: two JSON documents with a NUL between them.
 */
#include <podfs/base/bytes.h>

#include "turns.h"

#include "fuzz.h"

/* At that depth what is shown grows faster than the document. */
#define DEPTH_MAX 24

static void check_entry(const struct view *view, struct field dir, const struct field_list *list,
			size_t i)
{
	const struct field_entry *e = &list->entries[i];
	const char *name = field_entry_name(list, i);
	struct field found;
	cleanup_buf struct buf value = {0};
	size_t size = 0;

	fuzz_check(e->name_len > 0 && e->name_len <= FIELD_NAME_MAX);
	fuzz_check(!memchr(name, '/', e->name_len) && !memchr(name, '\0', e->name_len));
	fuzz_check(name[0] != '.' || (e->name_len != 1 && (e->name_len != 2 || name[1] != '.')));
	fuzz_check(i == 0 || bytes_compare(field_entry_name(list, i - 1),
					   list->entries[i - 1].name_len, name, e->name_len) < 0);
	fuzz_check(field_lookup(view, dir, name, e->name_len, &found) == 0);
	fuzz_check(found.node == e->field.node && found.style == e->field.style);
	if (field_is_dir(e->field))
		return;
	fuzz_check(field_value(view, e->field, &value) == 0);
	fuzz_check(field_size(view, e->field, &size) == 0 && size == value.len);
	fuzz_check(size > 0 && value.data[size - 1] == '\n');
}

static void check_below(const struct view *view, const struct field_list *list, size_t i)
{
	cleanup_field_list struct field_list a = {0};
	cleanup_field_list struct field_list b = {0};

	fuzz_check(field_list(view, list->entries[i].field, &a) == 0);
	fuzz_check(field_list_below(view, list, i, &b) == 0);
	fuzz_check(a.count == b.count);
	for (size_t k = 0; k < a.count; k++)
		fuzz_check(bytes_equal(field_entry_name(&a, k), a.entries[k].name_len,
				       field_entry_name(&b, k), b.entries[k].name_len) &&
			   a.entries[k].field.node == b.entries[k].field.node);
}

static void check_dir(const struct view *view, struct field dir)
{
	cleanup_field_list struct field_list list = {0};
	uint32_t dirs = 0;
	uint32_t counted = 0;

	fuzz_check(field_list(view, dir, &list) == 0);
	for (size_t i = 0; i < list.count; i++) {
		check_entry(view, dir, &list, i);
		if (!field_is_dir(list.entries[i].field))
			continue;
		dirs++;
		check_below(view, &list, i);
		check_dir(view, list.entries[i].field);
	}
	fuzz_check(field_count_dirs(view, dir, &counted) == 0 && counted == dirs);
}

/* False: it is no object, or one that takes too long. */
static bool read_doc(struct fuzz_input in, struct doc *ret)
{
	size_t off;
	size_t depth = 0;
	size_t deepest = 0;

	buf_add(&ret->text, in.p, in.len);
	for (size_t i = 0; i < in.len; i++) {
		depth += in.p[i] == '{' || in.p[i] == '[';
		depth -= depth && (in.p[i] == '}' || in.p[i] == ']');
		deepest = depth > deepest ? depth : deepest;
	}
	if (deepest > DEPTH_MAX || json_scan(&ret->view.index, ret->text.data, in.len, &off) < 0 ||
	    ret->view.index.nodes[0].type != JSON_OBJECT)
		return false;
	doc_index(ret);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	cleanup_doc struct doc old = {0};
	cleanup_doc struct doc new = {0};
	bool has_old = read_doc(fuzz_until(&in, '\0'), &old);
	bool has_new = read_doc(in, &new);

	if (has_old)
		check_dir(&old.view, field_root());
	if (has_new)
		check_dir(&new.view, field_root());
	if (has_old && has_new) {
		assert_turns_into(&old, &new);
		assert_turns_into(&new, &old);
	}
	return 0;
}
