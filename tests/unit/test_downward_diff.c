/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A diff is right if it names what differs, and nothing else: random pairs of
 * pods and nodes, all that can be found in them, before and after.
 */
#include "downward.h"

#include <time.h>

#define NODE(cpu, address)                                                                         \
	"{`status`:{`allocatable`:{`cpu`:`" cpu "`},`addresses`:[{`type`:`InternalIP`,"            \
	"`address`:`" address "`}],`conditions`:[]}}"
#define NAMED(label, more) "{`metadata`:{`name`:`p`,`labels`:{`x.io/a`:`" label "`}}," more "}"
#define VOLUME(mode)                                                                               \
	"`spec`:{`volumes`:[{`name`:`v`,`downwardAPI`:{`items`:[{`path`:`d/l`,`mode`:" mode        \
	",`fieldRef`:{`fieldPath`:`metadata.labels`}}]}}]}"
#define BELOW(field)                                                                               \
	"`spec`:{`volumes`:[{`name`:`v`,`downwardAPI`:{`items`:[{`path`:`d/l`,"                    \
	"`fieldRef`:{`fieldPath`:`metadata.labels`}},{`path`:`d`,`fieldRef`:{`fieldPath`:`" field  \
	"`}}]}}]}"
#define ON_HOST(yes, status) NAMED("1", "`spec`:{`hostNetwork`:" yes "},`status`:{" status "}")
#define CONTAINER(resources, phase)                                                                \
	NAMED("1", "`spec`:{`containers`:[{`name`:`m`,`resources`:{" resources                     \
		   "},`env`:[{`name`:`C`,`valueFrom`:{`resourceFieldRef`:{`resource`:"             \
		   "`limits.cpu`}}}]}]},`status`:{`phase`:`" phase "`}")
#define NODE_2 NODE("2", "10.0.0.1")

/* A piece of a pod that stays the same between two pods, or does not. */
struct parts {
	uint64_t seeds[32];
};

static struct dice part(const struct parts *p, size_t i)
{
	return (struct dice){.state = p->seeds[i]};
}

static const char *pick(struct dice *d, const char *const *from, size_t count)
{
	return from[dice_roll(d, (uint32_t)count)];
}
#define PICK(d, ...)                                                                               \
	pick(d, (const char *const[]){__VA_ARGS__},                                                \
	     ARRAY_SIZE(((const char *const[]){__VA_ARGS__})))

static void add_labels(struct dice *d, struct buf *out)
{
	buf_addstr(out, "{");
	for (uint32_t n = dice_roll(d, 4), i = 0; i < n; i++)
		buf_addf(out, "%s\"%s\":\"%s\"", i ? "," : "",
			 PICK(d, "a", "b", "x.io/y", "X.io/y", "a\\u0062", "no such key", "%", "."),
			 PICK(d, "", "1", "2", "\\n\\u0000"));
	buf_addstr(out, "}");
}

static void add_amounts(struct dice *d, struct buf *out)
{
	buf_addstr(out, "{");
	for (uint32_t n = dice_roll(d, 4), i = 0; i < n; i++)
		buf_addf(out, "%s\"%s\":%s", i ? "," : "",
			 PICK(d, "cpu", "memory", "ephemeral-storage", "hugepages-2Mi",
			      "hugepages-1Gi", "hugepages-", "pods"),
			 PICK(d, "\"0\"", "\"1\"", "\"1000m\"", "\"1500m\"", "\"1Gi\"",
			      "\"1024Mi\"", "\"100M\"", "null", "7", "\"bad\"", "true"));
	buf_addstr(out, "}");
}

static void add_resources(struct dice *d, struct buf *out)
{
	buf_addstr(out, "{\"limits\":");
	add_amounts(d, out);
	buf_addstr(out, ",\"requests\":");
	add_amounts(d, out);
	buf_addstr(out, "}");
}

static void add_reference(struct dice *d, struct buf *out)
{
	if (dice_one_in(d, 2))
		buf_addf(out, "\"fieldRef\":{\"fieldPath\":\"%s\"}",
			 PICK(d, "metadata.name", "metadata.labels", "metadata.labels['a']",
			      "metadata.annotations['b']", "metadata.annotations", "status.podIP",
			      "status.hostIPs", "spec.host", "spec.serviceAccountName", "bad"));
	else
		buf_addf(out,
			 "\"resourceFieldRef\":{\"resource\":\"%s\",\"divisor\":\"%s\","
			 "\"containerName\":\"%s\"}",
			 PICK(d, "limits.cpu", "limits.memory", "requests.cpu",
			      "limits.ephemeral-storage", "limits.hugepages-2Mi", "bad"),
			 PICK(d, "0", "1", "1Mi"), PICK(d, "", "a", "b", "c"));
}

static void add_containers(const struct parts *p, size_t from, struct buf *out)
{
	struct dice d = part(p, from);
	uint32_t count = dice_roll(&d, 3);

	buf_addstr(out, "[");
	for (uint32_t i = 0; i < count; i++) {
		d = part(p, from + 1 + i);
		buf_addf(out, "%s{\"name\":\"%s\",\"resources\":", i ? "," : "",
			 PICK(&d, "a", "b", "c", "x/y", "a"));
		add_resources(&d, out);
		buf_addstr(out, ",\"env\":[");
		for (uint32_t n = dice_roll(&d, 4), e = 0; e < n; e++) {
			buf_addf(out, "%s{\"name\":\"%s\",\"value\":\"%s\",\"valueFrom\":{",
				 e ? "," : "", PICK(&d, "A", "B", "C/D", ""),
				 PICK(&d, "", "", "", "v"));
			add_reference(&d, out);
			buf_addstr(out, "}}");
		}
		buf_addstr(out, "]}");
	}
	buf_addstr(out, "]");
}

static void add_items(struct dice *d, struct buf *out)
{
	buf_addstr(out, "\"items\":[");
	for (uint32_t n = dice_roll(d, 4), i = 0; i < n; i++) {
		buf_addf(out, "%s{\"path\":\"%s\",\"mode\":%s,", i ? "," : "",
			 PICK(d, "p", "q", "p/q", "p//r", "p-q", "p/q/r", "p-q/s", "/bad", "../bad",
			      "./q"),
			 PICK(d, "256", "420", "null"));
		add_reference(d, out);
		buf_addstr(out, "}");
	}
	buf_addstr(out, "]");
}

static void add_volumes(const struct parts *p, size_t from, struct buf *out)
{
	struct dice d = part(p, from);
	uint32_t count = dice_roll(&d, 3);

	buf_addstr(out, "[");
	for (uint32_t i = 0; i < count; i++) {
		d = part(p, from + 1 + i);
		buf_addf(out, "%s{\"name\":\"%s\",", i ? "," : "", PICK(&d, "v", "w", "v-w", "v"));
		if (dice_one_in(&d, 2)) {
			buf_addf(out, "\"downwardAPI\":{\"defaultMode\":%s,",
				 PICK(&d, "292", "420", "9999"));
			add_items(&d, out);
			buf_addstr(out, "}}");
			continue;
		}
		buf_addstr(out, "\"projected\":{\"sources\":[{\"downwardAPI\":{");
		add_items(&d, out);
		buf_addstr(out, "}},{\"configMap\":{\"name\":\"c\"}},{\"downwardAPI\":{");
		add_items(&d, out);
		buf_addstr(out, "}}]}}");
	}
	buf_addstr(out, "]");
}

static void add_ips(struct dice *d, const char *key, const char *format, struct buf *out)
{
	buf_addf(out, "\"%s\":[", key);
	for (uint32_t n = dice_roll(d, 3), i = 0; i < n; i++) {
		buf_addstr(out, i ? "," : "");
		buf_addf(out, "{\"%s\":\"%s\",\"type\":\"%s\"}", format,
			 PICK(d, "10.0.0.1", "10.0.0.2", "fd00::1", "FD00:0::2", "none"),
			 PICK(d, "InternalIP", "ExternalIP", "Hostname"));
	}
	buf_addstr(out, "]");
}

static void make(const struct parts *p, struct setting *s)
{
	struct buf *pod = &s->pod.text;
	struct buf *node = &s->node.text;
	struct dice d = part(p, 0);

	buf_clear(pod);
	buf_addf(pod, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"n\",\"uid\":\"u\"",
		 PICK(&d, "p", "p", "q"));
	d = part(p, 1);
	buf_addstr(pod, ",\"labels\":");
	add_labels(&d, pod);
	d = part(p, 2);
	buf_addstr(pod, ",\"annotations\":");
	add_labels(&d, pod);
	d = part(p, 3);
	buf_addf(pod, "},\"spec\":{\"nodeName\":\"%s\",\"serviceAccountName\":\"%s\"",
		 PICK(&d, "", "n"), PICK(&d, "", "s"));
	d = part(p, 21);
	buf_addf(pod, ",\"hostNetwork\":%s,\"resources\":", PICK(&d, "true", "false"));
	d = part(p, 4);
	add_resources(&d, pod);
	buf_addstr(pod, ",\"containers\":");
	add_containers(p, 5, pod);
	buf_addstr(pod, ",\"initContainers\":");
	add_containers(p, 8, pod);
	buf_addstr(pod, ",\"ephemeralContainers\":");
	add_containers(p, 11, pod);
	buf_addstr(pod, ",\"volumes\":");
	add_volumes(p, 14, pod);
	d = part(p, 17);
	buf_addf(pod, "},\"status\":{\"hostIP\":\"%s\",\"podIP\":\"%s\",", PICK(&d, "", "10.0.0.9"),
		 PICK(&d, "", "10.0.0.8"));
	add_ips(&d, "hostIPs", "ip", pod);
	buf_addstr(pod, ",");
	add_ips(&d, "podIPs", "ip", pod);
	buf_addstr(pod, "}}");
	doc_index(&s->pod);
	d = part(p, 18);
	buf_clear(node);
	buf_addstr(node, "{\"status\":{\"allocatable\":");
	add_amounts(&d, node);
	d = part(p, 19);
	buf_addstr(node, ",");
	add_ips(&d, "addresses", "address", node);
	buf_addstr(node, "}}");
	doc_index(&s->node);
	d = part(p, 20);
	s->source =
	    (struct downward_source){&s->pod.view, dice_one_in(&d, 3) ? NULL : &s->node.view};
}

/* Names to ask for: those that are listed in either, and those that could be looked up. */
struct names {
	char *names[4096];
	size_t count;
};

static void names_add(struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (!strcmp(n->names[i], name))
			return;
	assert_true(n->count < ARRAY_SIZE(n->names));
	n->names[n->count++] = strdup(name);
}

static void names_release(struct names *n)
{
	while (n->count)
		free(n->names[--n->count]);
}

static void add_listed(const struct setting *s, const char *dir, struct names *to)
{
	cleanup_downward_list struct downward_list list = {0};

	assert_int_equal(downward_list(&s->source, dir, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		cleanup_buf struct buf path = {0};

		buf_addf(&path, "%s%s%s", dir, *dir ? "/" : "", downward_entry_name(&list, i));
		names_add(to, path.data);
		if (list.entries[i].place.type == DOWNWARD_DIR)
			add_listed(s, path.data, to);
	}
}

static void add_looked_up(struct names *to)
{
	static const char *const keys[] = {"a", "b", "x.io%2Fy", "X.io%2Fy", "ab", "zzz"};
	static const char *const containers[] = {"a", "b", "c", "x%2Fy"};
	static const char *const resources[] = {
	    "cpu",           "memory",     "ephemeral-storage", "hugepages-2Mi",
	    "hugepages-1Gi", "hugepages-", "hugepages-3Mi",     "pods"};
	static const char *const units[] = {"",     "@1",   "@1m",  "@1k",    "@1M",  "@1G",
					    "@1T",  "@1P",  "@1E",  "@1Ki",   "@1Mi", "@1Gi",
					    "@1Ti", "@1Pi", "@1Ei", "@1000m", "@2"};
	cleanup_buf struct buf path = {0};

	for (size_t i = 0; i < ARRAY_SIZE(keys) * 2; i++) {
		buf_clear(&path);
		buf_addf(&path, "metadata.%s['%s']", i % 2 ? "labels" : "annotations", keys[i / 2]);
		names_add(to, path.data);
	}
	for (size_t c = 0; c < ARRAY_SIZE(containers); c++)
		for (size_t i = 0; i < ARRAY_SIZE(resources) * ARRAY_SIZE(units) * 2; i++) {
			buf_clear(&path);
			buf_addf(&path, "resources/%s/%s.%s%s", containers[c],
				 i % 2 ? "limits" : "requests",
				 resources[i / 2 % ARRAY_SIZE(resources)],
				 units[i / 2 / ARRAY_SIZE(resources)]);
			names_add(to, path.data);
		}
}

/* All that can be seen of a name. */
struct sight {
	int found;
	struct downward_place place;
	bool listed;
	struct buf bytes;
};

static bool is_listed(const struct setting *s, const char *path)
{
	cleanup_downward_list struct downward_list list = {0};
	const char *slash = strrchr(path, '/');
	cleanup_buf struct buf dir = {0};
	const char *name = slash ? slash + 1 : path;

	buf_reserve(&dir, 1);
	dir.data[0] = '\0';
	buf_add(&dir, path, slash ? (size_t)(slash - path) : 0);
	if (downward_list(&s->source, dir.data, &list) < 0)
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (!strcmp(downward_entry_name(&list, i), name))
			return true;
	return false;
}

static void look(const struct setting *s, const char *path, struct sight *ret)
{
	ret->found = downward_find(&s->source, path, &ret->place);
	ret->listed = is_listed(s, path);
	if (ret->found == 0 && ret->place.type == DOWNWARD_FILE)
		assert_int_equal(downward_read(&s->source, path, &ret->bytes), 0);
	else
		assert_int_equal(downward_read(&s->source, path, &ret->bytes), -ENOENT);
	if (ret->listed)
		assert_int_equal(ret->found, 0);
}

/* Which changes a name needs: of kinds REMOVED and ADDED, or VALUE. */
static void wanted(const struct sight *was, const struct sight *is, bool ret[4])
{
	bool was_there = !was->found;
	bool is_there = !is->found;

	memset(ret, 0, 4);
	if (was_there && is_there &&
	    (was->place.type != is->place.type || was->place.mode != is->place.mode)) {
		ret[CHANGE_REMOVED] = ret[CHANGE_ADDED] = true;
		return;
	}
	ret[CHANGE_REMOVED] = (was_there && !is_there) || (was->listed && !is->listed);
	ret[CHANGE_ADDED] = (!was_there && is_there) || (!was->listed && is->listed);
	ret[CHANGE_VALUE] =
	    !ret[CHANGE_REMOVED] && !ret[CHANGE_ADDED] && was_there && is_there &&
	    (was->bytes.len != is->bytes.len ||
	     (is->bytes.len && memcmp(was->bytes.data, is->bytes.data, is->bytes.len) != 0));
}

/* How often a diff says so of a name. */
static size_t count_said(const struct diff *diff, enum change_kind kind, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < diff->count; i++)
		count += diff->changes[i].kind == kind &&
			 !strcmp(diff_path(diff, i) + strlen("downward/"), name);
	return count;
}

/* Whether a directory above a name came, went, or changed its kind. */
static bool is_below_said(const struct diff *diff, const char *name)
{
	char dir[1024];

	snprintf(dir, sizeof(dir), "%s", name);
	for (char *slash; (slash = strrchr(dir, '/'));) {
		*slash = '\0';
		if (count_said(diff, CHANGE_ADDED, dir) || count_said(diff, CHANGE_REMOVED, dir))
			return true;
	}
	return false;
}

/* Whether that is the time of an amount's other units, and no name. */
static bool is_time(const char *path)
{
	return !strncmp(path, "downward/resources/", 19) && path[strlen(path) - 1] == '@';
}

/* It comes once, and for a reason. */
static void check_time(const struct diff *diff, size_t at)
{
	const char *path = diff_path(diff, at);
	size_t units = 0;

	assert_int_equal(diff->changes[at].kind, CHANGE_VALUE);
	assert_int_equal(count_said(diff, CHANGE_VALUE, path + strlen("downward/")), 1);
	for (size_t i = 0; i < diff->count; i++)
		units += i != at && !strncmp(diff_path(diff, i), path, strlen(path));
	assert_true(units > 0);
}

/* Every other unit that differs has that time. */
static void check_noted(const struct diff *diff, size_t at)
{
	cleanup_buf struct buf time = {0};
	const char *path = diff_path(diff, at);
	size_t len = downward_time_path(path);

	if (!path[len])
		return;
	buf_add(&time, path + strlen("downward/"), len - strlen("downward/"));
	assert_int_equal(count_said(diff, CHANGE_VALUE, time.data), 1);
}

/* How many changes there are. */
static size_t compare(const struct setting *old, const struct setting *new)
{
	cleanup_diff struct diff diff = {0};
	struct names names = {0};

	add_listed(old, "", &names);
	add_listed(new, "", &names);
	add_looked_up(&names);
	assert_int_equal(downward_diff(&old->source, &new->source, &diff), 0);
	for (size_t i = 0; i < diff.count; i++) {
		assert_int_equal(strncmp(diff_path(&diff, i), "downward/", 9), 0);
		if (is_time(diff_path(&diff, i)))
			check_time(&diff, i);
		else
			names_add(&names, diff_path(&diff, i) + 9);
	}
	for (size_t i = 0; i < diff.count; i++)
		check_noted(&diff, i);
	for (size_t i = 0; i < names.count; i++) {
		struct sight was = {0};
		struct sight is = {0};
		bool want[4];

		look(old, names.names[i], &was);
		look(new, names.names[i], &is);
		wanted(&was, &is, want);
		if (is_below_said(&diff, names.names[i]))
			memset(want, 0, sizeof(want));
		for (int kind = CHANGE_VALUE; kind <= CHANGE_REMOVED; kind++)
			if (count_said(&diff, (enum change_kind)kind, names.names[i]) != want[kind])
				fail_msg("%s: kind %d, want %d\nold %s %s\nnew %s %s",
					 names.names[i], kind, want[kind], old->pod.text.data,
					 old->source.node ? old->node.text.data : "",
					 new->pod.text.data,
					 new->source.node ? new->node.text.data : "");
		buf_release(&was.bytes);
		buf_release(&is.bytes);
	}
	names_release(&names);
	return diff.count;
}

static void names_exactly_what_differs(void **state)
{
	cleanup_setting struct setting a = {0};
	cleanup_setting struct setting b = {0};
	struct dice dice = {.state = 4};
	size_t with_changes = 0;

	for (int round = 0; round < 100; round++) {
		struct parts p;
		uint32_t rarely = dice_one_in(&dice, 2) ? 20 : 3;

		for (size_t i = 0; i < ARRAY_SIZE(p.seeds); i++)
			p.seeds[i] = dice_roll(&dice, 1u << 30);
		make(&p, &a);
		assert_int_equal(compare(&a, &a), 0);
		for (size_t i = 0; i < ARRAY_SIZE(p.seeds); i++)
			if (dice_one_in(&dice, rarely))
				p.seeds[i] = dice_roll(&dice, 1u << 30);
		make(&p, &b);
		with_changes += compare(&a, &b) > 0;
		compare(&b, &a);
	}
	/* Else the dice were poor. */
	assert_in_range(with_changes, 50, 100);
}

/* The most frequent change: which files there are does not depend on it. */
static void names_exactly_the_files_of_a_label(void **state)
{
	cleanup_setting struct setting a = {0};
	cleanup_setting struct setting b = {0};
	struct dice dice = {.state = 7};
	size_t with_changes = 0;

	for (int round = 0; round < 120; round++) {
		struct parts p;

		for (size_t i = 0; i < ARRAY_SIZE(p.seeds); i++)
			p.seeds[i] = dice_roll(&dice, 1u << 30);
		make(&p, &a);
		/* The labels, the annotations, or both. */
		for (size_t i = 1; i <= 2; i++)
			if (round % 3 != (int)i)
				p.seeds[i] = dice_roll(&dice, 1u << 30);
		make(&p, &b);
		b.source.node = a.source.node;
		with_changes += compare(&a, &b) > 0;
	}
	assert_in_range(with_changes, 60, 120);
}

static void a_node_matters_if_a_pod_shows_it(void **state)
{
	cleanup_setting struct setting a = {0};
	cleanup_setting struct setting b = {0};
	cleanup_doc struct doc heartbeat = {0};
	struct dice dice = {.state = 6};
	size_t shown = 0;

	for (int round = 0; round < 300; round++) {
		cleanup_diff struct diff diff = {0};
		struct parts p;

		for (size_t i = 0; i < ARRAY_SIZE(p.seeds); i++)
			p.seeds[i] = dice_roll(&dice, 1u << 30);
		make(&p, &a);
		/* Of its amounts, its addresses, and whether it is known, one differs. */
		p.seeds[18 + dice_roll(&dice, 3)]++;
		make(&p, &b);
		b.source.pod = a.source.pod;
		assert_int_equal(downward_diff(&a.source, &b.source, &diff), 0);
		if (diff.count)
			assert_true(downward_node_matters(a.source.node, b.source.node));
		shown += diff.count > 0;
	}
	assert_in_range(shown, 100, 500);
	doc_write(&a.node, NODE_2);
	doc_write(&heartbeat, "{`metadata`:{`resourceVersion`:`2`},`status`:{`allocatable`:{`cpu`:"
			      "`2`},`addresses`:[{`type`:`InternalIP`,`address`:`10.0.0.1`}]}}");
	assert_false(downward_node_matters(&a.node.view, &heartbeat.view));
	assert_false(downward_node_matters(NULL, NULL));
	assert_true(downward_node_matters(NULL, &heartbeat.view));
}

static void any_text_does_no_harm(void **state)
{
	cleanup_setting struct setting a = {0};
	cleanup_setting struct setting b = {0};
	struct dice dice = {.state = 5};
	struct parts p;

	for (int round = 0; round < 200; round++) {
		if (round % 8 == 0) {
			for (size_t i = 0; i < ARRAY_SIZE(p.seeds); i++)
				p.seeds[i] = dice_roll(&dice, 1u << 30);
			make(&p, &a);
			make(&p, &b);
		}
		doc_mutate(&dice, &a.pod, &b.pod);
		compare(&a, &b);
		doc_mutate(&dice, &b.pod, &a.pod);
	}
}

static void says_what_a_reader_must_know(void **state)
{
	static const struct {
		const char *old_pod;
		const char *old_node;
		const char *new_pod;
		const char *new_node;
		const char *want; /* '=' another value, '+' added, '-' removed */
	} rows[] = {
	    /* Most of what happens is not in downward/. */
	    {CONTAINER("", "Pending"), NODE_2, CONTAINER("", "Running"),
	     "{`status`:{`allocatable`:{`cpu`:`2`},`addresses`:[{`type`:`InternalIP`,"
	     "`address`:`10.0.0.1`}],`conditions`:[{`type`:`Ready`}]}}",
	     ""},
	    {NAMED("1", VOLUME("256")), NULL, NAMED("2", VOLUME("256")), NULL,
	     "=metadata.labels =metadata.labels['x.io%2Fa'] =volumes/v/d/l "},
	    /* What would be below a file is none, unless that has no value. */
	    {NAMED("1", BELOW("metadata.name")), NULL, NAMED("2", BELOW("metadata.name")), NULL,
	     "=metadata.labels =metadata.labels['x.io%2Fa'] "},
	    {NAMED("1", BELOW("no.field")), NULL, NAMED("2", BELOW("no.field")), NULL,
	     "=metadata.labels =metadata.labels['x.io%2Fa'] =volumes/v/d/l "},
	    {NAMED("1", VOLUME("256")), NULL, NAMED("1", VOLUME("288")), NULL,
	     "-volumes/v/d/l +volumes/v/d/l "},
	    {NAMED("1", VOLUME("256")), NULL, NAMED("1", "`spec`:{}"), NULL, "-volumes "},
	    /* The node's limits count where the container has none. */
	    {CONTAINER("", "Running"), NODE_2, CONTAINER("", "Running"), NODE("3", "10.0.0.1"),
	     "=resources/m/limits.cpu =resources/m/limits.cpu@1 =resources/m/limits.cpu@1m "
	     "=resources/m/limits.cpu@ =env/m/C "},
	    {CONTAINER("`limits`:{`cpu`:`1`}", "Running"), NODE_2,
	     CONTAINER("`limits`:{`cpu`:`1`}", "Running"), NODE("3", "10.0.0.1"), ""},
	    {CONTAINER("`limits`:{`cpu`:`1`}", "Running"), NODE_2,
	     CONTAINER("`limits`:{`cpu`:`900m`}", "Running"), NODE_2,
	     "=resources/m/limits.cpu@1m =resources/m/limits.cpu@ "},
	    {CONTAINER("", "Running"), NODE_2, CONTAINER("", "Running"), NODE("2", "10.0.0.2"),
	     "=status.hostIP =status.hostIPs "},
	    {CONTAINER("`limits`:{`memory`:`1`,`ephemeral-storage`:`1`}", "Running"), NODE_2,
	     CONTAINER("`limits`:{`memory`:`1`,`ephemeral-storage`:`1`}", "Running"), NULL,
	     "-status.hostIP -status.hostIPs -resources/m/limits.cpu -resources/m/limits.cpu@1 "
	     "-resources/m/limits.cpu@1m =resources/m/limits.cpu@ -env "},
	    {ON_HOST("true", ""), NODE_2, ON_HOST("false", ""), NODE_2,
	     "-status.podIP -status.podIPs "},
	    {ON_HOST("true", ""), NODE_2, ON_HOST("true", "`podIP`:`10.0.0.1`"), NODE_2, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const char signs[] = {
		    [CHANGE_VALUE] = '=', [CHANGE_ADDED] = '+', [CHANGE_REMOVED] = '-'};
		cleanup_setting struct setting a = {0};
		cleanup_setting struct setting b = {0};
		cleanup_diff struct diff diff = {0};
		cleanup_buf struct buf got = {0};

		setting_write(&a, rows[i].old_pod, rows[i].old_node);
		setting_write(&b, rows[i].new_pod, rows[i].new_node);
		assert_int_equal(downward_diff(&a.source, &b.source, &diff), 0);
		buf_reserve(&got, 1);
		for (size_t c = 0; c < diff.count; c++)
			buf_addf(&got, "%c%s ", signs[diff.changes[c].kind],
				 diff_path(&diff, c) + strlen("downward/"));
		assert_string_equal(diff.count ? got.data : "", rows[i].want);
	}
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A pod with @count annotations, each as long as @fill, and as many files that show @field ("%u": a
 * number). */
static void write_files(struct buf *out, unsigned int count, size_t fill, const char *field,
			const char *first)
{
	buf_addf(out, "{\"metadata\":{\"annotations\":{\"a\":\"%s\"", first);
	for (unsigned int i = 0; i < count; i++) {
		buf_addf(out, ",\"k%u\":\"", i);
		buf_addfill(out, 'x', fill);
		buf_addstr(out, "\"");
	}
	buf_addstr(out, "}},\"spec\":{\"volumes\":[{\"name\":\"v\",\"downwardAPI\":{\"items\":[");
	for (unsigned int i = 0; i < count; i++) {
		buf_addf(out, "%s{\"path\":\"f%u\",\"fieldRef\":{\"fieldPath\":\"", i ? "," : "",
			 i);
		if (strstr(field, "KEY"))
			buf_addf(out, "metadata.annotations['k%u']", i);
		else
			buf_addstr(out, field);
		buf_addstr(out, "\"}}");
	}
	buf_addstr(out, "]}}]}}");
}

/* What a change of one annotation costs. */
static int64_t cost_of_a_change(unsigned int count, size_t fill, const char *field)
{
	cleanup_setting struct setting a = {0};
	cleanup_setting struct setting b = {0};
	cleanup_buf struct buf old = {0};
	cleanup_buf struct buf new = {0};
	int64_t best = INT64_MAX;

	write_files(&old, count, fill, field, "1");
	write_files(&new, count, fill, field, "2");
	setting_write(&a, old.data, NULL);
	setting_write(&b, new.data, NULL);
	for (int i = 0; i < 3; i++) {
		cleanup_diff struct diff diff = {0};
		int64_t start = cpu_ns();

		assert_int_equal(downward_diff(&a.source, &b.source, &diff), 0);
		int64_t cost = cpu_ns() - start;
		best = cost < best ? cost : best;
		/* The map, the key, and the files that show all of the map. */
		assert_int_equal(diff.count, 2 + (strstr(field, "KEY") ? 0 : count));
	}
	return best;
}

/* Whoever may write a pod chooses how many files there are, and how much they show. */
static void many_files_of_a_large_map_cost_little(void **state)
{
	static const char *const fields[] = {"metadata.annotations", "KEY"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		int64_t some = cost_of_a_change(250, 20, fields[i]);
		int64_t many = cost_of_a_change(4000, 20, fields[i]);

		if (many > some * 80)
			fail_msg("%s: %lld us of 250, %lld us of 4000", fields[i],
				 (long long)some / 1000, (long long)many / 1000);
	}
}

/* Each container has files of all huge pages that any container of the pod names. */
static int64_t cost_of_pages(unsigned int count)
{
	cleanup_setting struct setting a = {0};
	cleanup_setting struct setting b = {0};
	int64_t best = INT64_MAX;

	for (int side = 0; side < 2; side++) {
		cleanup_buf struct buf pod = {0};

		buf_addstr(&pod, "{\"spec\":{\"containers\":[");
		for (unsigned int i = 0; i < count; i++)
			buf_addf(&pod,
				 "%s{\"name\":\"c%u\",\"image\":\"%d\",\"resources\":{\"limits\":{"
				 "\"hugepages-%u\":\"1\"}}}",
				 i ? "," : "", i, side, i + 1);
		buf_addstr(&pod, "]}}");
		setting_write(side ? &b : &a, pod.data, NULL);
	}
	for (int i = 0; i < 3; i++) {
		cleanup_diff struct diff diff = {0};
		int64_t start = cpu_ns();

		assert_int_equal(downward_diff(&a.source, &b.source, &diff), 0);
		int64_t cost = cpu_ns() - start;
		best = cost < best ? cost : best;
		assert_int_equal(diff.count, 0);
	}
	return best;
}

static void many_huge_pages_cost_little(void **state)
{
	(void)state;
	int64_t some = cost_of_pages(50);
	int64_t many = cost_of_pages(800);

	if (many > some * 80)
		fail_msg("%lld us of 50, %lld us of 800", (long long)some / 1000,
			 (long long)many / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_what_a_reader_must_know),
	    cmocka_unit_test(names_exactly_what_differs),
	    cmocka_unit_test(names_exactly_the_files_of_a_label),
	    cmocka_unit_test(a_node_matters_if_a_pod_shows_it),
	    cmocka_unit_test(any_text_does_no_harm),
	    cmocka_unit_test(many_files_of_a_large_map_cost_little),
	    cmocka_unit_test(many_huge_pages_cost_little),
	};

	return cmocka_run_group_tests_name("downward_diff", tests, NULL, NULL);
}
