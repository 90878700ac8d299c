/* SPDX-License-Identifier: Apache-2.0 */
#include "downward.h"

#define NODE_6_4 "{`status`:{`allocatable`:{`cpu`:`6`,`memory`:`4Gi`}}}"
#define FIELD(path, field) "{`path`:`" path "`,`fieldRef`:{`fieldPath`:`" field "`}}"
#define NAME(path) FIELD(path, "metadata.name")
#define MODE(path, mode)                                                                           \
	"{`path`:`" path "`,`mode`:" mode ",`fieldRef`:{`fieldPath`:`metadata.uid`}}"

/* Appends a volume, of which @items are what is between @head and @tail. */
static void add_volume(struct buf *volumes, const char *head, const char *const *items,
		       const char *tail)
{
	buf_addf(volumes, "%s%s", volumes->len ? "," : "", head);
	add_joined(volumes, items);
	assert_int_equal(buf_addstr(volumes, tail), 0);
}

static void add_downward(struct buf *volumes, const char *name, const char *const *items)
{
	cleanup_buf struct buf head = {0};

	buf_addf(&head, "{`name`:`%s`,`downwardAPI`:{`items`:[", name);
	assert_int_equal(head.err, 0);
	add_volume(volumes, head.data, items, "]}}");
}

/* A pod with these volumes. */
static void write_pod(struct setting *s, const struct buf *volumes, const char *node)
{
	cleanup_buf struct buf pod = {0};

	buf_addf(&pod,
		 "{`metadata`:{`name`:`p`,`namespace`:`n`,`uid`:`u`,`labels`:{`b`:`2`,`a`:`1`}},"
		 "`spec`:{`nodeName`:`node`,`containers`:[{`name`:`m`,`resources`:{`requests`:{"
		 "`memory`:`32Mi`}}}],`initContainers`:[{`name`:`i`}],"
		 "`ephemeralContainers`:[{`name`:`e`}],`resources`:{`limits`:{`cpu`:`1`}},"
		 "`volumes`:[%s]},`status`:{`podIP`:`10.0.0.1`}}",
		 volumes->data);
	assert_int_equal(pod.err, 0);
	setting_write(s, pod.data, node);
}

/* A pod with one volume, `v`. */
static void write_items(struct setting *s, const char *const *items, const char *node)
{
	cleanup_buf struct buf volumes = {0};

	add_downward(&volumes, "v", items);
	write_pod(s, &volumes, node);
}

static void files_where_the_pod_wants_them(void **state)
{
	static const char *const items[] = {
	    FIELD("labels", "metadata.labels"),
	    FIELD("this//annotations", "metadata.annotations"),
	    FIELD("this/./name", "metadata.name"),
	    FIELD("this/deep/er/ns", "metadata.namespace"),
	    FIELD("a", "metadata.labels['a']"),
	    FIELD("none", "metadata.annotations['x']"),
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_items(&s, items, NULL);
	expect_list(&s, "volumes", "v/ ");
	expect_list(&s, "volumes/v", "a labels none this/ ");
	expect_list(&s, "volumes/v/this", "annotations deep/ name ");
	expect_list(&s, "volumes/v/this/deep", "er/ ");
	expect_text(&s, "volumes/v/labels", "a=\"1\"\nb=\"2\"");
	expect_text(&s, "volumes/v/this/annotations", "");
	expect_text(&s, "volumes/v/this/name", "p");
	expect_text(&s, "volumes/v/this/deep/er/ns", "n");
	expect_text(&s, "volumes/v/a", "1");
	expect_text(&s, "volumes/v/none", "");
	expect_nothing(&s, "volumes/v/labels/x");
	expect_nothing(&s, "volumes/v/this/dee");
	expect_nothing(&s, "volumes/v/this//name");
}

static void other_volumes_have_no_directory(void **state)
{
	static const char *const items[] = {NAME("name"), NULL};
	static const char *const none[] = {NULL};
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf volumes = {0};

	add_volume(&volumes, "{`name`:`tmp`,`emptyDir`:{}", none, "}");
	add_volume(&volumes, "{`name`:`t`,`projected`:{`sources`:[", none,
		   "{`serviceAccountToken`:{`path`:`t`}}]}}");
	add_downward(&volumes, "v", items);
	write_pod(&s, &volumes, NULL);
	expect_list(&s, "volumes", "v/ ");
	expect_nothing(&s, "volumes/tmp");
	expect_nothing(&s, "volumes/t");
}

static void what_no_volume_can_have_is_left_out(void **state)
{
	static const char *const refused[] = {
	    NAME("/abs"),
	    NAME("../up"),
	    NAME("a/../b"),
	    NAME("..start"),
	    NAME(".//./..start"),
	    /* It starts with "..", which the API server does not let in either. */
	    NAME("..."),
	    NAME(""),
	    NAME("."),
	    NAME("./"),
	    NAME("a/.."),
	    NAME("x\\u0000y"),
	    "7",
	    "{}",
	    "{`path`:7}",
	    "{`path`:`empty`}",
	    FIELD("node", "spec.nodeName"),
	    FIELD("host", "spec.host"),
	    FIELD("ip", "status.podIP"),
	    NULL,
	};
	static const char *const taken[] = {NAME("a/..b"), NAME("./ok"), NULL};
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf volumes = {0};

	add_downward(&volumes, "v", refused);
	add_downward(&volumes, "w", taken);
	write_pod(&s, &volumes, NULL);
	expect_list(&s, "volumes", "w/ ");
	expect_list(&s, "volumes/w", "a/ ok ");
	expect_text(&s, "volumes/w/a/..b", "p");
	expect_nothing(&s, "volumes/v");
	expect_nothing(&s, "volumes/v/abs");
	expect_nothing(&s, "volumes/v/node");
}

static void modes_are_as_given(void **state)
{
	static const char *const own[] = {
	    MODE("own", "256"),
	    MODE("zero", "0"),
	    NAME("default"),
	    MODE("null", "null"),
	    MODE("large", "512"),
	    MODE("odd", "-1"),
	    NULL,
	};
	static const char *const plain[] = {NAME("x"), NULL};
	static const char *const both[] = {NAME("x"), MODE("y", "511"), NULL};
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf volumes = {0};

	add_volume(&volumes, "{`name`:`v`,`downwardAPI`:{`defaultMode`:288,`items`:[", own, "]}}");
	add_downward(&volumes, "w", plain);
	/* Of a projected volume's sources none has a mode of its own. */
	add_volume(&volumes,
		   "{`name`:`p`,`projected`:{`defaultMode`:292,`sources`:[{`downwardAPI`:{"
		   "`defaultMode`:256,`items`:[",
		   both, "]}}]}}");
	add_volume(&volumes, "{`name`:`q`,`projected`:{`sources`:[{`downwardAPI`:{`items`:[", plain,
		   "]}}]}}");
	write_pod(&s, &volumes, NULL);
	expect_mode(&s, "volumes/v/own", 0400);
	expect_mode(&s, "volumes/v/zero", 0);
	expect_mode(&s, "volumes/v/default", 0440);
	expect_mode(&s, "volumes/v/null", 0440);
	expect_mode(&s, "volumes/v/large", 0440);
	expect_mode(&s, "volumes/v/odd", 0440);
	expect_mode(&s, "volumes/w/x", 0644);
	expect_mode(&s, "volumes/p/x", 0444);
	expect_mode(&s, "volumes/p/y", 0777);
	expect_mode(&s, "volumes/q/x", 0644);
}

static void later_sources_win(void **state)
{
	static const char *const sources[] = {
	    "{`downwardAPI`:{`items`:[" NAME("a") "]}}",
	    "{`downwardAPI`:{`items`:[" NAME("b/c") "]}}",
	    "{`serviceAccountToken`:{`path`:`token`}}",
	    "{`configMap`:{`name`:`c`,`items`:[{`key`:`k`,`path`:`k`}]}}",
	    "{`downwardAPI`:{`items`:[" FIELD("a", "metadata.uid") "]}}",
	    "{`downwardAPI`:{`items`:[" MODE("b//c", "256") "]}}",
	    "7",
	    NULL,
	};
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf volumes = {0};

	add_volume(&volumes, "{`name`:`v`,`projected`:{`sources`:[", sources, "]}}");
	write_pod(&s, &volumes, NULL);
	expect_list(&s, "volumes/v", "a b/ ");
	expect_text(&s, "volumes/v/a", "u");
	expect_text(&s, "volumes/v/b/c", "u");
	expect_mode(&s, "volumes/v/b/c", 0400);
}

static void later_items_win_but_the_first_volume(void **state)
{
	static const char *const twice[] = {NAME("x"), FIELD("x", "metadata.uid"), NULL};
	static const char *const second[] = {NAME("second"), NULL};
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf volumes = {0};

	add_downward(&volumes, "v", twice);
	add_downward(&volumes, "v", second);
	write_pod(&s, &volumes, NULL);
	expect_list(&s, "volumes/v", "x ");
	expect_text(&s, "volumes/v/x", "u");
}

static void a_file_has_nothing_below_it(void **state)
{
	static const char *const items[] = {
	    NAME("a/b/c"),   NAME("a-b"), NAME("a/b"), NAME("a/b.c"),
	    NAME("a/b/c/d"), NAME("z"),   NAME("z/z"), NULL,
	};
	cleanup_setting struct setting s = {0};

	write_items(&s, items, NULL);
	expect_list(&s, "volumes/v", "a/ a-b z ");
	expect_list(&s, "volumes/v/a", "b b.c ");
	expect_nothing(&s, "volumes/v/a/b/c");
	expect_nothing(&s, "volumes/v/z/z");
}

static void resources_of_the_containers_it_names(void **state)
{
#define RESOURCE(path, ref) "{`path`:`" path "`,`resourceFieldRef`:{" ref "}}"
	static const char *const items[] = {
	    RESOURCE("cpu", "`containerName`:`m`,`resource`:`limits.cpu`,`divisor`:`1m`"),
	    RESOURCE("mem", "`containerName`:`m`,`resource`:`requests.memory`,`divisor`:`1Mi`"),
	    RESOURCE("init", "`containerName`:`i`,`resource`:`limits.memory`,`divisor`:`1Gi`"),
	    RESOURCE("ephemeral", "`containerName`:`e`,`resource`:`limits.cpu`"),
	    RESOURCE("none", "`resource`:`limits.cpu`"),
	    RESOURCE("bad", "`containerName`:`m`,`resource`:`limits.pods`"),
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_items(&s, items, NODE_6_4);
	expect_list(&s, "volumes/v", "cpu init mem ");
	/* Not the pod's own limit: that is for variables. */
	expect_text(&s, "volumes/v/cpu", "6000");
	expect_text(&s, "volumes/v/mem", "32");
	expect_text(&s, "volumes/v/init", "4");
}

static void without_the_node_no_limit_of_its(void **state)
{
	static const char *const items[] = {
	    RESOURCE("cpu", "`containerName`:`m`,`resource`:`limits.cpu`"),
	    RESOURCE("mem", "`containerName`:`m`,`resource`:`requests.memory`,`divisor`:`1Mi`"),
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_items(&s, items, NULL);
	expect_list(&s, "volumes/v", "mem ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_where_the_pod_wants_them),
	    cmocka_unit_test(other_volumes_have_no_directory),
	    cmocka_unit_test(what_no_volume_can_have_is_left_out),
	    cmocka_unit_test(modes_are_as_given),
	    cmocka_unit_test(later_sources_win),
	    cmocka_unit_test(later_items_win_but_the_first_volume),
	    cmocka_unit_test(a_file_has_nothing_below_it),
	    cmocka_unit_test(resources_of_the_containers_it_names),
	    cmocka_unit_test(without_the_node_no_limit_of_its),
	};

	return cmocka_run_group_tests_name("downward_volumes", tests, NULL, NULL);
}
