/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real pods on real nodes, and what the kubelet's own code prints for each
 * field, resource, divisor, volume and variable: data/downward, a line a pod.
 */
#include "downward.h"

#include <zlib.h>

#include <podfs/model/name.h>

#define DATA PODFS_TEST_DATA "/downward/"

struct counts {
	size_t pods;
	size_t fields;
	size_t volumes;
	size_t env;
	size_t resources;
	size_t env_own;
	size_t env_by_name;
};

static void read_all(const char *path, struct buf *ret)
{
	char chunk[65536];
	int n;
	gzFile file = gzopen(path, "rb");

	if (!file)
		fail_msg("cannot open %s", path);
	while ((n = gzread(file, chunk, sizeof(chunk))) > 0)
		buf_add(ret, chunk, (size_t)n);
	assert_int_equal(n, 0);
	gzclose(file);
}

static uint32_t member(const struct view *v, uint32_t n, const char *key)
{
	uint32_t m = json_member(&v->index, v->text, n, key);

	if (!m)
		fail_msg("no %s", key);
	return m;
}

/* A string that the test may keep until its end. */
static const char *string(const struct view *v, uint32_t n, const char *key, struct buf *ret)
{
	const struct json_node *node = &v->index.nodes[member(v, n, key)];

	buf_clear(ret);
	buf_reserve(ret, 1);
	assert_int_equal(json_string(ret, v->text, node), 0);
	return ret->data;
}

/* The object of a list that is called so. */
static void find_object(const struct doc *list, const char *namespace, const char *name,
			struct doc *ret)
{
	const struct view *v = &list->view;
	cleanup_buf struct buf text = {0};

	for (uint32_t o = json_first(&v->index, member(v, 0, "items")); o;
	     o = v->index.nodes[o].next) {
		uint32_t metadata = member(v, o, "metadata");

		if (strcmp(string(v, metadata, "name", &text), name) != 0 ||
		    (namespace && strcmp(string(v, metadata, "namespace", &text), namespace) != 0))
			continue;
		buf_clear(&ret->text);
		buf_add(&ret->text, v->text + v->index.nodes[o].off, v->index.nodes[o].len);
		doc_index(ret);
		return;
	}
	fail_msg("no object %s", name);
}

static int base64_digit(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The bytes in `b64`; `data` is the same where it is text. */
static void exact_bytes(const struct view *v, uint32_t n, struct buf *ret)
{
	cleanup_buf struct buf text = {0};
	const char *s = string(v, n, "b64", &text);
	unsigned int bits = 0;
	int have = 0;

	buf_clear(ret);
	buf_reserve(ret, 1);
	for (; *s && *s != '='; s++) {
		assert_true(base64_digit(*s) >= 0);
		bits = bits << 6 | (unsigned int)base64_digit(*s);
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_addch(ret, (char)(bits >> have & 0xff));
		}
	}
}

/* How many files there are in a directory and below it. */
static size_t count_files(const struct setting *s, const char *path)
{
	cleanup_downward_list struct downward_list list = {0};
	size_t count = 0;

	assert_int_equal(downward_list(&s->source, path, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		cleanup_buf struct buf below = {0};

		if (list.entries[i].place.type == DOWNWARD_FILE) {
			count++;
			continue;
		}
		buf_addf(&below, "%s/%s", path, downward_entry_name(&list, i));
		count += count_files(s, below.data);
	}
	return count;
}

static void check_volumes(const struct setting *s, const struct view *v, uint32_t volumes,
			  struct counts *counts)
{
	cleanup_buf struct buf name = {0};
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf want = {0};
	size_t files = 0;

	for (uint32_t c = json_first(&v->index, volumes); c; c = v->index.nodes[c].next) {
		string(v, c, "name", &name);
		for (uint32_t f = json_first(&v->index, member(v, c, "files")); f;
		     f = v->index.nodes[f].next) {
			buf_clear(&path);
			buf_addf(&path, "volumes/%s/%s", name.data, string(v, f, "path", &text));
			exact_bytes(v, f, &want);
			expect_bytes(s, path.data, want.data, want.len);
			expect_mode(s, path.data,
				    (mode_t)strtoul(string(v, f, "mode", &text), NULL, 8));
			files++;
		}
	}
	/* And none besides them. */
	assert_int_equal(count_files(s, "volumes"), files);
	counts->volumes += files;
}

static void check_env(const struct setting *s, const struct view *v, uint32_t env,
		      struct counts *counts)
{
	cleanup_buf struct buf container = {0};
	cleanup_buf struct buf name = {0};
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf want = {0};
	size_t files = 0;

	for (uint32_t c = json_first(&v->index, env); c; c = v->index.nodes[c].next, files++) {
		buf_clear(&path);
		buf_addf(&path, "env/%s/%s", string(v, c, "container", &container),
			 string(v, c, "name", &name));
		exact_bytes(v, c, &want);
		expect_bytes(s, path.data, want.data, want.len);
	}
	assert_int_equal(count_files(s, "env"), files);
	counts->env += files;
}

static void check_fields(const struct setting *s, const struct view *v, uint32_t fields,
			 struct counts *counts)
{
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf want = {0};

	for (uint32_t c = json_first(&v->index, fields); c; c = v->index.nodes[c].next) {
		buf_clear(&path);
		for (const char *p = string(v, c, "path", &text); *p; p++)
			buf_addf(&path, *p == '/' ? "%%2F" : "%c", *p);
		exact_bytes(v, c, &want);
		expect_bytes(s, path.data, want.data, want.len);
		counts->fields++;
	}
}

static void check_resources(const struct setting *s, const struct view *v, uint32_t resources,
			    struct counts *counts)
{
	cleanup_buf struct buf container = {0};
	cleanup_buf struct buf resource = {0};
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf path = {0};

	for (uint32_t c = json_first(&v->index, resources); c; c = v->index.nodes[c].next) {
		buf_clear(&path);
		buf_addf(&path, "resources/%s/%s", string(v, c, "container", &container),
			 string(v, c, "resource", &resource));
		size_t len = path.len;
		string(v, c, "divisor", &text);
		bool plain = !strcmp(text.data, "1");
		buf_addf(&path, "@%s", text.data);
		string(v, c, "volume", &text);
		expect_text(s, path.data, text.data);
		path.data[path.len = len] = '\0';
		if (plain)
			expect_text(s, path.data, text.data);
		counts->resources++;
	}
}

/*
 * The rows' env columns belong to variables that the pods do not have: one that
 * names no container, and one in another container that names it. They are put
 * into the pod, as the last `env` of its containers.
 */
static void add_variables(const struct view *v, uint32_t resources, const char *container,
			  struct buf *out)
{
	cleanup_buf struct buf text = {0};
	size_t i = 0;

	buf_addstr(out, ",\"env\":[");
	for (uint32_t c = json_first(&v->index, resources); c; c = v->index.nodes[c].next, i++) {
		bool own = !strcmp(string(v, c, "container", &text), container);

		buf_addf(out,
			 "%s{\"name\":\"BY%zu\",\"valueFrom\":{\"resourceFieldRef\":{"
			 "\"containerName\":\"%s\"",
			 i ? "," : "", i, text.data);
		buf_addf(out, ",\"resource\":\"%s\"", string(v, c, "resource", &text));
		buf_addf(out, ",\"divisor\":\"%s\"}}}", string(v, c, "divisor", &text));
		if (!own)
			continue;
		buf_addf(out, ",{\"name\":\"OWN%zu\",\"valueFrom\":{\"resourceFieldRef\":{", i);
		buf_addf(out, "\"resource\":\"%s\"", string(v, c, "resource", &text));
		buf_addf(out, ",\"divisor\":\"%s\"}}}", string(v, c, "divisor", &text));
	}
	buf_addstr(out, "]");
}

/* Copies the pod, up to its end or the next container's, with variables in each container. */
static void put_variables(const struct doc *pod, const struct view *v, uint32_t resources,
			  struct doc *ret)
{
	static const char *const lists[] = {"containers", "initContainers"};
	const struct view *p = &pod->view;
	cleanup_buf struct buf name = {0};
	size_t done = 0;

	buf_clear(&ret->text);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		uint32_t list = json_member(&p->index, p->text, member(p, 0, "spec"), lists[i]);

		for (uint32_t c = list ? json_first(&p->index, list) : 0; c;
		     c = p->index.nodes[c].next) {
			size_t end = p->index.nodes[c].off + p->index.nodes[c].len - 1;

			assert_true(end > done);
			buf_add(&ret->text, p->text + done, end - done);
			add_variables(v, resources, string(p, c, "name", &name), &ret->text);
			done = end;
		}
	}
	buf_add(&ret->text, p->text + done, p->len - done);
	doc_index(ret);
}

static void check_variables(struct setting *s, const struct view *v, uint32_t resources,
			    struct counts *counts)
{
	cleanup_doc struct doc with = {0};
	cleanup_buf struct buf container = {0};
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf path = {0};
	const struct view *pod = s->source.pod;
	size_t i = 0;

	put_variables(&s->pod, v, resources, &with);
	s->source.pod = &with.view;
	for (uint32_t c = json_first(&v->index, resources); c; c = v->index.nodes[c].next, i++) {
		string(v, c, "container", &container);
		buf_clear(&path);
		buf_addf(&path, "env/%s/OWN%zu", container.data, i);
		expect_text(s, path.data, string(v, c, "env", &text));
		buf_clear(&path);
		buf_addf(&path, "env/%s/BY%zu", container.data, i);
		expect_text(s, path.data, string(v, c, "envByName", &text));
		counts->env_own++;
		counts->env_by_name++;
	}
	s->source.pod = pod;
}

static void gives_what_the_kubelet_gives(void **state)
{
	cleanup_doc struct doc pods = {0};
	cleanup_doc struct doc nodes = {0};
	cleanup_buf struct buf lines = {0};
	cleanup_doc struct doc row = {0};
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf namespace = {0};
	struct counts counts = {0};

	read_all(DATA "pods.json.gz", &pods.text);
	doc_index(&pods);
	read_all(DATA "nodes.json.gz", &nodes.text);
	doc_index(&nodes);
	read_all(DATA "expected.ndjson.gz", &lines);
	for (char *line = lines.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		const struct view *v = &row.view;

		*end = '\0';
		doc_parse(&row, line);
		string(v, 0, "namespace", &namespace);
		find_object(&pods, namespace.data, string(v, 0, "name", &text), &s.pod);
		find_object(&nodes, NULL, string(v, 0, "node", &text), &s.node);
		s.source = (struct downward_source){&s.pod.view, &s.node.view};
		check_fields(&s, v, member(v, 0, "fields"), &counts);
		check_volumes(&s, v, member(v, 0, "volumes"), &counts);
		check_env(&s, v, member(v, 0, "env"), &counts);
		check_resources(&s, v, member(v, 0, "resources"), &counts);
		check_variables(&s, v, member(v, 0, "resources"), &counts);
		counts.pods++;
	}
	print_message("# %zu pods: %zu fields, %zu volume files, %zu variables, %zu resources, "
		      "%zu of them as a variable, %zu by name\n",
		      counts.pods, counts.fields, counts.volumes, counts.env, counts.resources,
		      counts.env_own, counts.env_by_name);
	assert_int_equal(counts.pods, 39);
	assert_int_equal(counts.fields, 1238);
	assert_int_equal(counts.volumes, 507);
	assert_int_equal(counts.env, 644);
	assert_int_equal(counts.resources, 5940);
	assert_int_equal(counts.env_own, 5940);
	assert_int_equal(counts.env_by_name, 5940);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_what_the_kubelet_gives),
	};

	return cmocka_run_group_tests_name("downward_expected", tests, NULL, NULL);
}
