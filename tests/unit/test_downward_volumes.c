/* SPDX-License-Identifier: Apache-2.0 */
#include "downward.h"

#define NODE_6_4 "{`status`:{`allocatable`:{`cpu`:`6`,`memory`:`4Gi`}}}"
#define FIELD(path, field) "{`path`:`" path "`,`fieldRef`:{`fieldPath`:`" field "`}}"
#define NAME(path) FIELD(path, "metadata.name")
#define MODE(path, mode)                                                                           \
	"{`path`:`" path "`,`mode`:" mode ",`fieldRef`:{`fieldPath`:`metadata.uid`}}"
#define VOLUME(name, items) "{`name`:`" name "`,`downwardAPI`:{`items`:[" items "]}}"
#define POD(volumes)                                                                               \
	"{`metadata`:{`name`:`p`,`namespace`:`n`,`uid`:`u`,`labels`:{`b`:`2`,`a`:`1`}},"           \
	"`spec`:{`nodeName`:`node`,`containers`:[{`name`:`m`,`resources`:{`requests`:{"            \
	"`memory`:`32Mi`}}}],`initContainers`:[{`name`:`i`}],"                                     \
	"`ephemeralContainers`:[{`name`:`e`}],`resources`:{`limits`:{`cpu`:`1`}},"                 \
	"`volumes`:[" volumes "]},`status`:{`podIP`:`10.0.0.1`}}"

static void files_where_the_pod_wants_them(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    POD(VOLUME(
		"podinfo",
		FIELD("labels", "metadata.labels") "," FIELD(
		    "this//annotations",
		    "metadata."
		    "annotations") "," FIELD("this/./name",
					     "metadata.name") "," FIELD("this/deep/er/ns",
									"metadata.namespace") "," FIELD("a",
													"metadata.labels['a'"
													"]") "," FIELD("non"
														       "e",
														       "meta"
														       "data"
														       ".ann"
														       "otat"
														       "ions"
														       "['x'"
														       "]")) ","
															     "{`name`:`tmp`,`emptyDir`:{}}"),
	    NULL);
	expect_list(&s, "volumes", "podinfo/ ");
	expect_list(&s, "volumes/podinfo", "a labels none this/ ");
	expect_list(&s, "volumes/podinfo/this", "annotations deep/ name ");
	expect_list(&s, "volumes/podinfo/this/deep", "er/ ");
	expect_text(&s, "volumes/podinfo/labels", "a=\"1\"\nb=\"2\"");
	expect_text(&s, "volumes/podinfo/this/annotations", "");
	expect_text(&s, "volumes/podinfo/this/name", "p");
	expect_text(&s, "volumes/podinfo/this/deep/er/ns", "n");
	expect_text(&s, "volumes/podinfo/a", "1");
	expect_text(&s, "volumes/podinfo/none", "");
	expect_nothing(&s, "volumes/tmp");
	expect_nothing(&s, "volumes/podinfo/labels/x");
	expect_nothing(&s, "volumes/podinfo/this/dee");
	expect_nothing(&s, "volumes/podinfo/this//name");
}

static void what_no_volume_can_have_is_left_out(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    POD(VOLUME(
		"v",
		NAME("/abs") "," NAME("../up") "," NAME("a/../b") "," NAME("..start") "," NAME(".//"
											       "./"
											       ".."
											       "sta"
											       "rt") "," NAME("") "," NAME(".") "," NAME(
		    "./") "," NAME("a/..") "," NAME("x\\u0000y") ","
								 "7,{},{`path`:7},{`path`:`empty`}"
								 "," FIELD("node", "spec.nodeName") "," FIELD(
								     "ip",
								     "status.podIP")) "," VOLUME("w",
												 NAME("a/..b") "," NAME(
												     "...") "," NAME("./ok"))),
	    NULL);
	/* "..." starts with "..", which the API server does not let in either. */
	expect_list(&s, "volumes", "w/ ");
	expect_list(&s, "volumes/w", "a/ ok ");
	expect_text(&s, "volumes/w/a/..b", "p");
	expect_nothing(&s, "volumes/v");
	expect_nothing(&s, "volumes/v/abs");
	expect_nothing(&s, "volumes/v/node");
}

static void modes_are_as_given(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    POD("{`name`:`v`,`downwardAPI`:{`defaultMode`:288,`items`:[" MODE("own", "256") "," MODE("zero", "0") "," NAME(
		"default") "," MODE("null",
				    "null") "," MODE("large",
						     "512") "," MODE("odd",
								     "-1") "]}},"
									   "{`name`:`w`,`"
									   "downwardAPI`:{`items`:"
									   "[" NAME(
									       "x") "]}},"
										    "{`name`:`p`,`"
										    "projected`:{`"
										    "defaultMode`:"
										    "292,`sources`:"
										    "[{`"
										    "downwardAPI`:{"
										    "`defaultMode`:"
										    "256,`items`:"
										    "[" NAME("x") "," MODE(
											"y",
											"511") "]}}"
											       "]}}"
											       ","
											       "{`"
											       "nam"
											       "e`:"
											       "`q`"
											       ",`"
											       "pro"
											       "jec"
											       "ted"
											       "`:{"
											       "`so"
											       "urc"
											       "es`"
											       ":[{"
											       "`do"
											       "wnw"
											       "ard"
											       "API"
											       "`:{"
											       "`it"
											       "ems"
											       "`:"
											       "[" NAME(
												   "x") "]}}]}}"),
	    NULL);
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
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    POD("{`name`:`v`,`projected`:{`sources`:[{`downwardAPI`:{`items`:[" NAME("a") "," NAME(
		"b/c") "]}},{`serviceAccountToken`:{`path`:`token`}},"
		       "{`configMap`:{`name`:`c`,`items`:[{`key`:`k`,`path`:`k`}]}},"
		       "{`downwardAPI`:{`items`:[" FIELD("a", "metadata.uid") "," MODE(
			   "b//c", "256") "]}},7]}},"
					  "{`name`:`token`,`projected`:{`sources`:[{`"
					  "serviceAccountToken`:{`path`:`t`}}]}}," VOLUME(
					      "twice",
					      NAME("x") "," FIELD(
						  "x", "metadata.uid")) "," VOLUME("twice",
										   NAME("second"))),
	    NULL);
	expect_list(&s, "volumes", "twice/ v/ ");
	expect_list(&s, "volumes/v", "a b/ ");
	expect_text(&s, "volumes/v/a", "u");
	expect_text(&s, "volumes/v/b/c", "u");
	expect_mode(&s, "volumes/v/b/c", 0400);
	expect_list(&s, "volumes/twice", "x ");
	expect_text(&s, "volumes/twice/x", "u");
}

static void a_file_has_nothing_below_it(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    POD(VOLUME("v", NAME("a/b/c") "," NAME("a-b") "," NAME("a/b") "," NAME(
				"a/b.c") "," NAME("a/b/c/d") "," NAME("z") "," NAME("z/z"))),
	    NULL);
	expect_list(&s, "volumes/v", "a/ a-b z ");
	expect_list(&s, "volumes/v/a", "b b.c ");
	expect_nothing(&s, "volumes/v/a/b/c");
	expect_nothing(&s, "volumes/v/z/z");
}

static void resources_of_the_containers_it_names(void **state)
{
#define RESOURCE(path, container, resource, divisor)                                               \
	"{`path`:`" path "`,`resourceFieldRef`:{`containerName`:`" container                       \
	"`,`resource`:`" resource "`,`divisor`:`" divisor "`}}"
	static const char pod[] = POD(VOLUME(
	    "v",
	    RESOURCE("cpu", "m", "limits.cpu", "1m") "," RESOURCE(
		"mem", "m", "requests.memory",
		"1Mi") "," RESOURCE("init", "i", "limits.memory",
				    "1Gi") "," RESOURCE("ephemeral", "e", "limits.cpu",
							"1") "," RESOURCE("none", "", "limits.cpu",
									  "1") "," RESOURCE("bad",
											    "m",
											    "limits"
											    ".pods",
											    "1")));
	cleanup_setting struct setting s = {0};

	setting_write(&s, pod, NODE_6_4);
	expect_list(&s, "volumes/v", "cpu init mem ");
	/* Not the pod's own limit: that is for variables. */
	expect_text(&s, "volumes/v/cpu", "6000");
	expect_text(&s, "volumes/v/mem", "32");
	expect_text(&s, "volumes/v/init", "4");
	setting_write(&s, pod, NULL);
	expect_list(&s, "volumes/v", "mem ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_where_the_pod_wants_them),
	    cmocka_unit_test(what_no_volume_can_have_is_left_out),
	    cmocka_unit_test(modes_are_as_given),
	    cmocka_unit_test(later_sources_win),
	    cmocka_unit_test(a_file_has_nothing_below_it),
	    cmocka_unit_test(resources_of_the_containers_it_names),
	};

	return cmocka_run_group_tests_name("downward_volumes", tests, NULL, NULL);
}
