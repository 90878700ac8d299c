/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The projection, rule by rule: a document and all the paths it has, files with
 * their bytes. Then: what listings show and what lookups find is the same.
 */
#include "docs.h"

/* Appends "path" or "path=value" for every entry, in the order of listings. */
static void show(const struct view *view, struct field dir, struct buf *path, struct buf *out)
{
	cleanup_field_list struct field_list list = {0};
	size_t len = path->len;

	assert_int_equal(field_list(view, dir, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		struct field f = list.entries[i].field;

		buf_addf(path, "%s%.*s", len ? "/" : "", (int)list.entries[i].name_len,
			 field_entry_name(&list, i));
		buf_add(out, path->data, path->len);
		if (field_is_dir(f)) {
			buf_addstr(out, "/\n");
			show(view, f, path, out);
		} else {
			buf_addch(out, '=');
			field_value(view, f, out);
		}
		path->len = len;
	}
}

static void assert_shows(const char *json, const char *want)
{
	cleanup_doc struct doc d = {0};
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf out = {0};

	doc_parse(&d, json);
	buf_addstr(&out, "");
	show(&d.view, field_root(), &path, &out);
	assert_string_equal(out.data, want);
}

static void maps_are_directories_and_values_are_files(void **state)
{
	(void)state;
	assert_shows("{\"spec\":{\"b\":1,\"a\":{\"x\":\"y\"}}}",
		     "spec/\nspec/a/\nspec/a/x=y\nspec/b=1\n");
}

static void a_value_is_written_as_the_api_sent_it_and_one_newline(void **state)
{
	(void)state;
	assert_shows("{\"s\":{\"1\":1.50,\"2\":-0,\"3\":1E+3,\"4\":true,\"5\":false,\"6\":\"\","
		     "\"7\":\"a\\n\"}}",
		     "s/\ns/1=1.50\ns/2=-0\ns/3=1E+3\ns/4=true\ns/5=false\ns/6=\ns/7=a\n\n");
}

static void a_null_has_no_file_and_empty_containers_are_empty_directories(void **state)
{
	(void)state;
	assert_shows("{\"s\":{\"n\":null,\"m\":{},\"l\":[],\"e\":\"\"}}", "s/\ns/e=\ns/l/\ns/m/\n");
}

static void apiversion_and_kind_are_hidden_at_the_top_alone(void **state)
{
	(void)state;
	assert_shows("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"apiVersion\":\"v2\","
		     "\"kind\":\"X\"}}",
		     "spec/\nspec/apiVersion=v2\nspec/kind=X\n");
}

static void a_list_is_named_by_index(void **state)
{
	(void)state;
	assert_shows("{\"l\":[\"a\",\"b\",{\"name\":\"c\"},[7]]}",
		     "l/\nl/0=a\nl/1=b\nl/2/\nl/2/name=c\nl/3/\nl/3/0=7\n");
}

static void an_index_counts_nulls(void **state)
{
	(void)state;
	assert_shows("{\"l\":[null,\"b\",null]}", "l/\nl/1=b\n");
}

static void eleven_elements_are_sorted_by_the_bytes_of_their_names(void **state)
{
	(void)state;
	assert_shows("{\"l\":[0,1,2,3,4,5,6,7,8,9,10]}",
		     "l/\nl/0=0\nl/1=1\nl/10=10\nl/2=2\nl/3=3\nl/4=4\nl/5=5\nl/6=6\nl/7=7\nl/8=8\n"
		     "l/9=9\n");
}

static void exactly_these_lists_are_named_by_a_key(void **state)
{
	static const struct {
		const char *list;
		const char *key;
	} lists[] = {
	    {"containers", "name"},
	    {"initContainers", "name"},
	    {"ephemeralContainers", "name"},
	    {"containerStatuses", "name"},
	    {"initContainerStatuses", "name"},
	    {"ephemeralContainerStatuses", "name"},
	    {"volumes", "name"},
	    {"env", "name"},
	    {"imagePullSecrets", "name"},
	    {"resourceClaims", "name"},
	    {"conditions", "type"},
	    {"podIPs", "ip"},
	    {"hostIPs", "ip"},
	};
	static const char *const others[] = {
	    "ports",     "tolerations", "ownerReferences", "addresses", "volumeMounts",
	    "envFrom",   "container",   "taints",          "images",    "resourceClaimStatuses",
	    "finalizers"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		char json[256];
		char want[256];

		snprintf(json, sizeof(json), "{\"s\":{\"%s\":[{\"x\":1,\"%s\":\"q\"}]}}",
			 lists[i].list, lists[i].key);
		snprintf(want, sizeof(want), "s/\ns/%s/\ns/%s/q/\ns/%s/q/%s=q\ns/%s/q/x=1\n",
			 lists[i].list, lists[i].list, lists[i].list, lists[i].key, lists[i].list);
		/* "ip" < "x" < no key of these: their order is the one above. */
		assert_shows(json, want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		char json[256];
		char want[256];

		snprintf(json, sizeof(json), "{\"s\":{\"%s\":[{\"name\":\"q\"}]}}", others[i]);
		snprintf(want, sizeof(want), "s/\ns/%s/\ns/%s/0/\ns/%s/0/name=q\n", others[i],
			 others[i], others[i]);
		assert_shows(json, want);
	}
}

static void one_unusable_key_makes_the_whole_list_go_by_index(void **state)
{
	char long_name[300];
	char json[400];
	static const char *const bad[] = {
	    "{\"type\":\"x\"}",        /* missing */
	    "{\"name\":\"\"}",         /* empty */
	    "{\"name\":\"a\"}",        /* repeated */
	    "{\"name\":\"\\u0061\"}",  /* repeated, written otherwise */
	    "{\"name\":7}",            /* no string */
	    "{\"name\":null}",         /* no string */
	    "{\"name\":\"x\\u0000\"}", /* no file's name */
	    "\"a\"",                   /* no map */
	    "null",                    /* nothing */
	};

	(void)state;
	for (size_t i = 0; i <= ARRAY_SIZE(bad); i++) {
		cleanup_doc struct doc d = {0};
		struct field f;

		if (i < ARRAY_SIZE(bad)) {
			snprintf(json, sizeof(json), "{\"env\":[{\"name\":\"a\"},%s]}", bad[i]);
		} else {
			memset(long_name, 'x', 256);
			long_name[256] = '\0';
			snprintf(json, sizeof(json),
				 "{\"env\":[{\"name\":\"a\"},{\"name\":\"%s\"}]}", long_name);
		}
		doc_parse(&d, json);
		assert_int_equal(field_walk(&d.view, field_root(), "env/0/name", &f), 0);
		assert_int_equal(field_walk(&d.view, field_root(), "env/a", &f), -ENOENT);
	}
}

static void a_name_of_255_bytes_is_still_a_name(void **state)
{
	cleanup_doc struct doc d = {0};
	cleanup_buf struct buf path = {0};
	struct field f;

	(void)state;
	buf_addstr(&path, "env/");
	buf_addfill(&path, 'x', 255);
	buf_addf(&d.text, "{\"env\":[{\"name\":\"%s\"}],\"m\":{\"%s\":1}}", path.data + 4,
		 path.data + 4);
	doc_index(&d);
	assert_int_equal(field_walk(&d.view, field_root(), path.data, &f), 0);
	path.data[3] = '/';
	memcpy(path.data, "/m/", 2);
	assert_int_equal(field_walk(&d.view, field_root(), "m", &f), 0);
	assert_int_equal(field_lookup(&d.view, f, path.data + 4, 255, &f), 0);
}

static void keys_of_lists_are_escaped_like_other_keys(void **state)
{
	(void)state;
	assert_shows(
	    "{\"conditions\":[{\"type\":\"cloud.example.com/neg-ready\"},{\"type\":\"100%\"},"
	    "{\"type\":\"..\"}]}",
	    "conditions/\nconditions/%2E%2E/\nconditions/%2E%2E/type=..\n"
	    "conditions/100%25/\nconditions/100%25/type=100%\n"
	    "conditions/cloud.example.com%2Fneg-ready/\n"
	    "conditions/cloud.example.com%2Fneg-ready/type=cloud.example.com/neg-ready\n");
}

static void a_slash_in_a_key_is_escaped(void **state)
{
	(void)state;
	assert_shows(
	    "{\"m\":{\"a/b\":1,\"%\":2,\"%2F\":3,\".\":4,\"..\":5,\"...\":6,\".x\":7,\"/\":8}}",
	    "m/\nm/%25=2\nm/%252F=3\nm/%2E=4\nm/%2E%2E=5\nm/%2F=8\nm/...=6\nm/.x=7\n"
	    "m/a%2Fb=1\n");
}

static void labels_and_annotations_open_a_directory_for_a_prefix(void **state)
{
	static const char *const maps[] = {"labels", "annotations"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		cleanup_buf struct buf json = {0};
		cleanup_buf struct buf want = {0};
		const char *m = maps[i];

		buf_addf(&json,
			 "{\"metadata\":{\"%s\":{\"app\":\"web\",\"k8s.io/b\":\"2\",\"z\":\"9\","
			 "\"k8s.io/a\":\"1\",\"q/r/s\":\"3\"}}}",
			 m);
		buf_addf(&want,
			 "metadata/\nmetadata/%s/\nmetadata/%s/app=web\nmetadata/%s/k8s.io/\n"
			 "metadata/%s/k8s.io/a=1\nmetadata/%s/k8s.io/b=2\nmetadata/%s/q/\n"
			 "metadata/%s/q/r%%2Fs=3\nmetadata/%s/z=9\n",
			 m, m, m, m, m, m, m, m);
		assert_shows(json.data, want.data);
	}
}

static void a_key_that_is_also_a_prefix_moves_into_its_directory(void **state)
{
	(void)state;
	assert_shows("{\"metadata\":{\"labels\":{\"a\":\"own\",\"a/b\":\"x\",\"ab\":\"y\"}}}",
		     "metadata/\nmetadata/labels/\nmetadata/labels/a/\n"
		     "metadata/labels/a/.value=own\nmetadata/labels/a/b=x\nmetadata/labels/ab=y\n");
	/* The same, whichever comes first. */
	assert_shows("{\"metadata\":{\"labels\":{\"a/b\":\"x\",\"ab\":\"y\",\"a\":\"own\"}}}",
		     "metadata/\nmetadata/labels/\nmetadata/labels/a/\n"
		     "metadata/labels/a/.value=own\nmetadata/labels/a/b=x\nmetadata/labels/ab=y\n");
}

static void only_the_labels_in_metadata_are_label_maps(void **state)
{
	(void)state;
	assert_shows("{\"labels\":{\"a/b\":1},\"spec\":{\"labels\":{\"a/"
		     "b\":1},\"metadata\":{\"labels\":{\"a/"
		     "b\":1}},\"selector\":{\"a/b\":1}}}",
		     "labels/\nlabels/a%2Fb=1\nspec/\nspec/labels/\nspec/labels/a%2Fb=1\n"
		     "spec/metadata/\nspec/metadata/labels/\nspec/metadata/labels/a/\n"
		     "spec/metadata/labels/a/b=1\nspec/selector/\nspec/selector/a%2Fb=1\n");
}

static void the_last_of_equal_keys_counts(void **state)
{
	(void)state;
	assert_shows("{\"m\":{\"a\":1,\"\\u0061\":2},\"n\":{\"a\":1,\"a\":null},\"m\":{\"b\":3}}",
		     "m/\nm/b=3\nn/\n");
	assert_shows(
	    "{\"metadata\":{\"labels\":{\"a/b\":\"1\",\"c\":\"2\",\"a/b\":\"3\",\"c\":null}}}",
	    "metadata/\nmetadata/labels/\nmetadata/labels/a/\nmetadata/labels/a/b=3\n");
}

static void what_cannot_be_named_is_left_out_and_counted(void **state)
{
	cleanup_doc struct doc d = {0};
	cleanup_buf struct buf big = {0};
	cleanup_field_list struct field_list list = {0};
	struct field f;

	(void)state;
	buf_addfill(&big, 'x', 256);
	buf_addf(
	    &d.text,
	    "{\"m\":{\"%s\":1,\"\":2,\"a\\u0000b\":3,\"ok\":4,\"%.252s%%%%\":5,\"%.252s%%\":6},"
	    "\"n\":{\"o\":[{\"%s\":7}]}}",
	    big.data, big.data, big.data, big.data);
	doc_index(&d);
	assert_int_equal(field_walk(&d.view, field_root(), "m", &f), 0);
	assert_int_equal(field_list(&d.view, f, &list), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.left_out, 4);
	assert_int_equal(field_lookup(&d.view, f, big.data, 256, &f), -ENOENT);
	assert_int_equal(field_count_left_out(&d.view), 5);
}

static void an_object_without_long_keys_leaves_nothing_out_that_counts(void **state)
{
	cleanup_doc struct doc d = {0};

	(void)state;
	doc_parse(&d, "{\"m\":{\"a\":1,\"a/b\":[1,2]}}");
	assert_int_equal(field_count_left_out(&d.view), 0);
}

static void names_that_are_none_are_not_found(void **state)
{
	cleanup_doc struct doc d = {0};
	struct field f;
	static const char *const names[] = {
	    "",
	    ".",
	    "..",
	    "nope",
	    "a/b",
	    "%2f",
	    "a%2fb",
	    "%",
	    "%25%",
	    "00",
	    "01",
	    "+1",
	    "-0",
	    "1 ",
	    "2",
	    "kind",
	    "0x0",
	    "4294967296",
	    "99999999999999999999",
	};

	(void)state;
	doc_parse(&d, "{\"kind\":\"X\",\"l\":[0,1],\"a/b\":2,\"..\":3,\"\":4}");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct field l;

		if (field_lookup(&d.view, field_root(), names[i], strlen(names[i]), &f) != -ENOENT)
			fail_msg("found '%s'", names[i]);
		assert_int_equal(field_lookup(&d.view, field_root(), "l", 1, &l), 0);
		if (field_lookup(&d.view, l, names[i], strlen(names[i]), &f) != -ENOENT)
			fail_msg("found '%s' in a list", names[i]);
	}
}

static void nothing_is_found_below_a_file(void **state)
{
	cleanup_doc struct doc d = {0};
	cleanup_field_list struct field_list list = {0};
	struct field f;

	(void)state;
	doc_parse(&d, "{\"a\":\"x\"}");
	assert_int_equal(field_walk(&d.view, field_root(), "a", &f), 0);
	assert_int_equal(field_list(&d.view, f, &list), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(field_walk(&d.view, field_root(), "a/b", &f), -ENOENT);
}

/* Names of all kinds, of which the ones in @list must be found and no others. */
static void check_lookups(struct dice *dice, const struct view *view, struct field dir,
			  const struct field_list *list)
{
	static const char *const names[] = {"a",      "b",     "0",      "1",   "2",
					    ".value", "name",  "%2F",    "%2E", "%2E%2E",
					    "a%2Fb",  "%252F", "labels", "kind"};

	for (size_t i = 0; i < list->count; i++) {
		const struct field_entry *e = &list->entries[i];
		const char *name = field_entry_name(list, i);
		struct field f;

		assert_int_equal(field_lookup(view, dir, name, e->name_len, &f), 0);
		assert_int_equal(f.node, e->field.node);
		assert_int_equal(f.style, e->field.style);
	}
	for (int round = 0; round < 6; round++) {
		const char *name =
		    round % 2 ? doc_random_key(dice) : names[dice_roll(dice, ARRAY_SIZE(names))];
		bool listed = false;
		struct field f;

		for (size_t i = 0; i < list->count; i++)
			listed |= list->entries[i].name_len == strlen(name) &&
				  !memcmp(field_entry_name(list, i), name, strlen(name));
		int r = field_lookup(view, dir, name, strlen(name), &f);
		if (r != (listed ? 0 : -ENOENT))
			fail_msg("'%s' is%s listed, lookup says %d, in %s", name,
				 listed ? "" : " not", r, view->text);
	}
}

static void check_names(const struct view *view, const struct field_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *name = field_entry_name(list, i);
		size_t len = list->entries[i].name_len;

		assert_true(len >= 1 && len <= FIELD_NAME_MAX);
		assert_null(memchr(name, '/', len));
		assert_null(memchr(name, '\0', len));
		assert_false((len == 1 && name[0] == '.') ||
			     (len == 2 && name[0] == '.' && name[1] == '.'));
		if (!i)
			continue;
		/* Sorted, so that no name is there twice. */
		const char *last = field_entry_name(list, i - 1);
		size_t last_len = list->entries[i - 1].name_len;
		int order = memcmp(last, name, last_len < len ? last_len : len);
		if (order > 0 || (!order && last_len >= len))
			fail_msg("%.*s, %.*s in %s", (int)last_len, last, (int)len, name,
				 view->text);
	}
}

static int check_below(struct dice *dice, const struct view *view, struct field dir, unsigned depth)
{
	cleanup_field_list struct field_list list = {0};

	assert_true(depth < 64);
	assert_int_equal(field_list(view, dir, &list), 0);
	check_names(view, &list);
	check_lookups(dice, view, dir, &list);
	int left_out = (int)list.left_out;
	for (size_t i = 0; i < list.count; i++) {
		cleanup_buf struct buf value = {0};
		struct field f = list.entries[i].field;

		if (field_is_dir(f)) {
			left_out += check_below(dice, view, f, depth + 1);
			continue;
		}
		assert_int_equal(field_value(view, f, &value), 0);
		assert_int_equal(value.data[value.len - 1], '\n');
	}
	return left_out;
}

static void lookups_find_what_listings_show_and_nothing_else(void **state)
{
	struct dice dice = {3};

	(void)state;
	for (int round = 0; round < 30000; round++) {
		cleanup_doc struct doc d = {0};

		doc_random(&dice, &d);
		int left_out = check_below(&dice, &d.view, field_root(), 0);
		/* Short keys that no file can have are not worth a search. */
		if (d.view.index.key_max > FIELD_NAME_MAX / 3)
			assert_int_equal(field_count_left_out(&d.view), left_out);
		else
			assert_int_equal(field_count_left_out(&d.view), 0);
	}
}

/* What else can be asked of a directory says the same as its listing and its values. */
static void check_shortcuts(const struct view *view, const struct field_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct field f = list->entries[i].field;
		cleanup_field_list struct field_list plain = {0};
		cleanup_field_list struct field_list below = {0};
		cleanup_buf struct buf value = {0};
		uint32_t dirs = 0;
		uint32_t counted;
		size_t size;

		if (!field_is_dir(f)) {
			assert_int_equal(field_value(view, f, &value), 0);
			assert_int_equal(field_size(view, f, &size), 0);
			assert_int_equal(size, value.len);
			continue;
		}
		assert_int_equal(field_list(view, f, &plain), 0);
		assert_int_equal(field_list_below(view, list, i, &below), 0);
		assert_int_equal(below.count, plain.count);
		assert_int_equal(below.left_out, plain.left_out);
		for (size_t k = 0; k < plain.count; k++) {
			assert_string_equal(field_entry_name(&below, k),
					    field_entry_name(&plain, k));
			assert_int_equal(below.entries[k].field.node, plain.entries[k].field.node);
			assert_int_equal(below.entries[k].field.style,
					 plain.entries[k].field.style);
			dirs += field_is_dir(plain.entries[k].field);
		}
		assert_int_equal(field_count_dirs(view, f, &counted), 0);
		if (counted != dirs)
			fail_msg("%u, not %u directories in %.*s of %s", counted, dirs,
				 (int)list->entries[i].name_len, field_entry_name(list, i),
				 view->text);
		check_shortcuts(view, &below);
	}
}

static void shortcuts_say_what_listings_say(void **state)
{
	struct dice dice = {7};

	(void)state;
	for (int round = 0; round < 20000; round++) {
		cleanup_doc struct doc d = {0};
		cleanup_field_list struct field_list top = {0};

		doc_random(&dice, &d);
		assert_int_equal(field_list(&d.view, field_root(), &top), 0);
		check_shortcuts(&d.view, &top);
	}
}

static void a_map_of_many_maps_is_counted_as_it_is_listed(void **state)
{
	cleanup_doc struct doc d = {0};
	uint32_t counted;

	(void)state;
	buf_addstr(&d.text, "{\"a\":1,\"kind\":{}");
	for (int i = 0; i < 100000; i++)
		buf_addf(&d.text, ",\"m%d\":[]", i / 2);
	buf_addstr(&d.text, "}");
	doc_index(&d);
	assert_int_equal(field_count_dirs(&d.view, field_root(), &counted), 0);
	assert_int_equal(counted, 50000);
}

/* In quadratic time this takes minutes. */
static void a_hundred_thousand_prefixes_are_no_trouble(void **state)
{
	cleanup_doc struct doc d = {0};
	cleanup_field_list struct field_list list = {0};
	struct field map;

	(void)state;
	buf_addstr(&d.text, "{\"metadata\":{\"annotations\":{\"");
	buf_addfill(&d.text, 'x', 256);
	buf_addstr(&d.text, "\":\"left out\"");
	for (int i = 0; i < 100000; i++)
		buf_addf(&d.text, ",\"p%d/k\":\"\"", i);
	buf_addstr(&d.text, "}}}");
	doc_index(&d);
	assert_int_equal(field_count_left_out(&d.view), 1);
	assert_int_equal(field_walk(&d.view, field_root(), "metadata/annotations", &map), 0);
	assert_int_equal(field_list(&d.view, map, &list), 0);
	assert_int_equal(list.count, 100000);
	for (size_t i = 0; i < list.count; i++) {
		cleanup_field_list struct field_list below = {0};
		uint32_t dirs;

		assert_int_equal(field_count_dirs(&d.view, list.entries[i].field, &dirs), 0);
		assert_int_equal(dirs, 0);
		assert_int_equal(field_list_below(&d.view, &list, i, &below), 0);
		assert_int_equal(below.count, 1);
		assert_string_equal(field_entry_name(&below, 0), "k");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(maps_are_directories_and_values_are_files),
	    cmocka_unit_test(a_value_is_written_as_the_api_sent_it_and_one_newline),
	    cmocka_unit_test(a_null_has_no_file_and_empty_containers_are_empty_directories),
	    cmocka_unit_test(apiversion_and_kind_are_hidden_at_the_top_alone),
	    cmocka_unit_test(a_list_is_named_by_index),
	    cmocka_unit_test(an_index_counts_nulls),
	    cmocka_unit_test(eleven_elements_are_sorted_by_the_bytes_of_their_names),
	    cmocka_unit_test(exactly_these_lists_are_named_by_a_key),
	    cmocka_unit_test(one_unusable_key_makes_the_whole_list_go_by_index),
	    cmocka_unit_test(a_name_of_255_bytes_is_still_a_name),
	    cmocka_unit_test(keys_of_lists_are_escaped_like_other_keys),
	    cmocka_unit_test(a_slash_in_a_key_is_escaped),
	    cmocka_unit_test(labels_and_annotations_open_a_directory_for_a_prefix),
	    cmocka_unit_test(a_key_that_is_also_a_prefix_moves_into_its_directory),
	    cmocka_unit_test(only_the_labels_in_metadata_are_label_maps),
	    cmocka_unit_test(the_last_of_equal_keys_counts),
	    cmocka_unit_test(what_cannot_be_named_is_left_out_and_counted),
	    cmocka_unit_test(an_object_without_long_keys_leaves_nothing_out_that_counts),
	    cmocka_unit_test(names_that_are_none_are_not_found),
	    cmocka_unit_test(nothing_is_found_below_a_file),
	    cmocka_unit_test(lookups_find_what_listings_show_and_nothing_else),
	    cmocka_unit_test(shortcuts_say_what_listings_say),
	    cmocka_unit_test(a_map_of_many_maps_is_counted_as_it_is_listed),
	    cmocka_unit_test(a_hundred_thousand_prefixes_are_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
