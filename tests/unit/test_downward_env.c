/* SPDX-License-Identifier: Apache-2.0 */
#include "downward.h"

#define NODE_6_4                                                                                   \
	"{`status`:{`allocatable`:{`cpu`:`6`,`memory`:`4Gi`,`ephemeral-storage`:`100Gi`},"         \
	"`addresses`:[{`type`:`InternalIP`,`address`:`10.0.0.1`}]}}"

#define FIELD(name, path) "{`name`:`" name "`,`valueFrom`:{`fieldRef`:{`fieldPath`:`" path "`}}}"
#define RESOURCE(name, more, resource, divisor)                                                    \
	"{`name`:`" name "`,`valueFrom`:{`resourceFieldRef`:{" more "`resource`:`" resource        \
	"`,`divisor`:`" divisor "`}}}"
#define CPU_MEM                                                                                    \
	"`env`:[" RESOURCE("CPU", "", "limits.cpu", "0") "," RESOURCE("MEM", "", "limits.memory",  \
								      "0") "]"

#define GI4 "4294967296"

static void every_field_an_environment_can_have(void **state)
{
	static const struct {
		const char *path;
		const char *want; /* NULL: there is no such variable */
	} rows[] = {
	    {"metadata.name", "p"},
	    {"metadata.namespace", "n"},
	    {"metadata.uid", "u"},
	    {"metadata.labels['app']", "web"},
	    {"metadata.labels['none']", ""},
	    {"metadata.annotations['x.io/y']", "1\n2"},
	    {"spec.nodeName", "node"},
	    {"spec.host", "node"},
	    {"spec.serviceAccountName", "sa"},
	    {"status.hostIP", "10.0.0.1"},
	    {"status.hostIPs", "10.0.0.1"},
	    {"status.podIP", "10.1.0.1"},
	    {"status.podIPs", "10.1.0.1"},
	    /* The rest is for volumes, or for nobody. */
	    {"metadata.labels", NULL},
	    {"metadata.annotations", NULL},
	    {"metadata.labels['in valid']", NULL},
	    {"status.phase", NULL},
	    {"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_setting struct setting s = {0};
		cleanup_buf struct buf pod = {0};

		buf_addf(&pod,
			 "{`metadata`:{`name`:`p`,`namespace`:`n`,`uid`:`u`,`labels`:{`app`:"
			 "`web`},`annotations`:{`x.io/y`:`1\\n2`}},`spec`:{`nodeName`:`node`,"
			 "`serviceAccountName`:`sa`,`containers`:[{`name`:`m`,`env`:[" FIELD(
			     "X", "%s") "]}]},`status`:{`podIP`:`10.1.0.1`}}",
			 rows[i].path);
		setting_write(&s, pod.data, NODE_6_4);
		if (rows[i].want)
			expect_text(&s, "env/m/X", rows[i].want);
		else
			expect_nothing(&s, "env");
	}
}

static void a_pod_that_waits_has_no_addresses(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    "{`metadata`:{`name`:`p`},`spec`:{`containers`:[{`name`:`m`,`env`:[" FIELD(
		"NAME",
		"metadata.name") "," FIELD("IP",
					   "status.podIP") "," FIELD("NODE",
								     "spec.nodeName") "," FIELD("S"
												"A",
												"sp"
												"ec"
												".s"
												"er"
												"vi"
												"ce"
												"Ac"
												"co"
												"un"
												"tN"
												"am"
												"e") "]}]}}",
	    NULL);
	/* A pod without a service account has an empty variable. */
	expect_list(&s, "env/m", "NAME SA ");
	expect_text(&s, "env/m/SA", "");
	expect_nothing(&s, "spec.serviceAccountName");
}

static void every_kind_of_container(void **state)
{
#define NAMED "`env`:[" FIELD("NAME", "metadata.name") "]"
	cleanup_setting struct setting s = {0};

	setting_write(&s,
		      "{`metadata`:{`name`:`p`},`spec`:{`containers`:[{`name`:`main`," NAMED "},"
		      "{`name`:`quiet`,`env`:[{`name`:`A`,`value`:`1`}]}],"
		      "`initContainers`:[{`name`:`init`," NAMED "},{`name`:`sidecar`,"
		      "`restartPolicy`:`Always`," NAMED "}],"
		      "`ephemeralContainers`:[{`name`:`debug`," NAMED "}]}}",
		      NULL);
	expect_list(&s, "env", "debug/ init/ main/ sidecar/ ");
	expect_text(&s, "env/debug/NAME", "p");
	expect_text(&s, "env/init/NAME", "p");
	expect_mode(&s, "env/sidecar/NAME", 0444);
	expect_nothing(&s, "env/quiet");
	expect_nothing(&s, "env/quiet/A");
	expect_nothing(&s, "env/main/NAME/x");
}

static void of_one_name_the_last_counts(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    "{`metadata`:{`name`:`p`,`uid`:`u`},`spec`:{`containers`:[{`name`:`m`,`env`:"
	    "[" FIELD("A", "metadata.name") "," FIELD("A", "metadata.uid") "," FIELD(
		"B", "metadata.name") ",{`name`:`B`,`value`:`plain`},{`name`:`C`,`value`:`"
				      "plain`}," FIELD("C", "metadata.name") ",{`name`:`D`,`value`:"
									     "``,`valueFrom`:{`"
									     "fieldRef`:{"
									     "`fieldPath`:`"
									     "metadata.uid`}}},"
									     "{`name`:`E`,`value`:`"
									     "x`,`valueFrom`:{`"
									     "fieldRef`:{"
									     "`fieldPath`:`"
									     "metadata.uid`}}}"
									     "," FIELD(
										 "F", "metadata."
										      "name") ",{`"
											      "name"
											      "`:`"
											      "F`,`"
											      "valu"
											      "eFro"
											      "m`:{"
											      "`con"
											      "figM"
											      "apKe"
											      "yRef"
											      "`:{`"
											      "name"
											      "`:`"
											      "c`,"
											      "`key"
											      "`:`"
											      "k`}}"
											      "},"
											      "{`"
											      "name"
											      "`:`"
											      "G`,`"
											      "valu"
											      "eFro"
											      "m`:{"
											      "`fie"
											      "ldRe"
											      "f`:{"
											      "`api"
											      "Vers"
											      "ion`"
											      ":`"
											      "v2`,"
											      "`fie"
											      "ldPa"
											      "th`:"
											      "`met"
											      "adat"
											      "a."
											      "uid`"
											      "}}}]"
											      "}]}"
											      "}",
	    NULL);
	expect_list(&s, "env/m", "A C D ");
	expect_text(&s, "env/m/A", "u");
	expect_text(&s, "env/m/C", "p");
	expect_text(&s, "env/m/D", "u");
	expect_nothing(&s, "env/m/B");
	expect_nothing(&s, "env/m/F");
}

static void pod_level_limits_go_before_the_nodes(void **state)
{
	static const struct {
		const char *pod;
		const char *container;
		const char *cpu;
		const char *memory;
	} rows[] = {
	    {"", "`cpu`:`0`,`memory`:`0`", "6", GI4},
	    {"", "`cpu`:`1`,`memory`:`0`", "1", GI4},
	    {"", "", "6", GI4},
	    {"", "`cpu`:`0`,`memory`:`1Mi`", "6", "1048576"},
	    {"`cpu`:`0`,`memory`:`1Mi`", "`cpu`:`0`,`memory`:`0`", "6", "1048576"},
	    {"`cpu`:`1`,`memory`:`0`", "`cpu`:`0`,`memory`:`0`", "1", GI4},
	    {"`cpu`:`1`,`memory`:`1Mi`", "", "1", "1048576"},
	    {"`cpu`:`1`,`memory`:`5Mi`", "`cpu`:`0`,`memory`:`1Mi`", "1", "1048576"},
	    {"`cpu`:`1`,`memory`:`5Mi`", "`cpu`:`1`,`memory`:`1Mi`", "1", "1048576"},
	    {"`cpu`:`1250m`", "", "2", GI4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_setting struct setting s = {0};
		cleanup_buf struct buf pod = {0};

		buf_addf(&pod,
			 "{`spec`:{`resources`:{`limits`:{%s}},`containers`:[{`name`:`m`,"
			 "`resources`:{`limits`:{%s}}," CPU_MEM "}]}}",
			 rows[i].pod, rows[i].container);
		setting_write(&s, pod.data, NODE_6_4);
		expect_text(&s, "env/m/CPU", rows[i].cpu);
		expect_text(&s, "env/m/MEM", rows[i].memory);
	}
}

static void no_pod_level_limit_of_what_the_node_lacks(void **state)
{
	static const char pod[] = "{`spec`:{`resources`:{`limits`:{`cpu`:`1`,`memory`:`5Mi`}},"
				  "`containers`:[{`name`:`m`," CPU_MEM "}]}}";
	static const struct {
		const char *node; /* NULL: it is not known */
		const char *cpu;
		const char *memory;
	} rows[] = {
	    {"{`status`:{`allocatable`:{`cpu`:`6`}}}", "1", "0"},
	    {"{`status`:{`allocatable`:{`cpu`:`0`,`memory`:`4Gi`}}}", "1", "5242880"},
	    {"{`status`:{`allocatable`:{}}}", "0", "0"},
	    {"{`status`:{}}", "0", "0"},
	    {NULL, "1", "5242880"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_setting struct setting s = {0};

		setting_write(&s, pod, rows[i].node);
		expect_text(&s, "env/m/CPU", rows[i].cpu);
		expect_text(&s, "env/m/MEM", rows[i].memory);
	}
}

static void who_asks_decides_what_an_unset_limit_is(void **state)
{
#define OF(name) "`containerName`:`" name "`,"
#define ASK                                                                                                                                                       \
	"`env`:[" RESOURCE("OWN", "", "limits.cpu", "1m") "," RESOURCE("APP", OF("app"), "limits.cpu", "1m") "," RESOURCE(                                        \
	    "INIT", OF("init"), "limits.cpu",                                                                                                                     \
	    "1m") "," RESOURCE("SET", OF("set"), "limits.cpu",                                                                                                    \
			       "1m") "," RESOURCE("DEBUG", OF("debug"), "limits.cpu",                                                                             \
						  "1m") "," RESOURCE("NONE", OF("none"),                                                                          \
								     "limits.cpu",                                                                                \
								     "1m") "," RESOURCE("REQ", "",                                                                \
											"requests"                                                                \
											".cpu",                                                                   \
											"1m") "," RESOURCE("DISK",                                                \
													   "",                                                    \
													   "limits.ephemeral-storage",                            \
													   "1Gi") "," RESOURCE("HUGE",                            \
															       "",                                \
															       "limits.hugepages-2Mi",            \
															       "1Mi") "," RESOURCE("BAD",         \
																		   "",            \
																		   "limits.pods", \
																		   "1") "]"
	static const char pod[] =
	    "{`spec`:{`resources`:{`limits`:{`cpu`:`2`,`ephemeral-storage`:`1Gi`}},"
	    "`containers`:[{`name`:`app`," ASK "}],`initContainers`:[{`name`:`init`," ASK "},"
	    "{`name`:`set`,`resources`:{`limits`:{`cpu`:`300m`}}}],"
	    "`ephemeralContainers`:[{`name`:`debug`," ASK "}]}}";
	static const char *const containers[] = {"app", "init", "debug"};

	for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
		cleanup_setting struct setting s = {0};
		static const struct {
			const char *name;
			const char *want;
		} rows[] = {
		    {"OWN", "2000"}, /* also of a debugging container, which is its own */
		    {"APP", "2000"}, {"INIT", "0"},   {"SET", "300"},
		    {"REQ", "0"},    {"DISK", "100"}, {"HUGE", "0"},
		};

		setting_write(&s, pod, NODE_6_4);
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			cleanup_buf struct buf path = {0};

			buf_addf(&path, "env/%s/%s", containers[i], rows[k].name);
			expect_text(&s, path.data, rows[k].want);
		}
		cleanup_buf struct buf path = {0};
		buf_addf(&path, "env/%s", containers[i]);
		/* A debugging container is not found by name: DEBUG is missing, as are NONE and
		 * BAD. */
		expect_list(&s, path.data, "APP DISK HUGE INIT OWN REQ SET ");
	}
	cleanup_setting struct setting s = {0};
	setting_write(&s, pod, NULL);
	expect_text(&s, "env/app/OWN", "2000");
	expect_nothing(&s, "env/app/DISK");
}

static void any_divisor_that_the_api_let_in(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s,
		      "{`spec`:{`containers`:[{`name`:`m`,`resources`:{`requests`:{`cpu`:`1200m`}},"
		      "`env`:[" RESOURCE("A", "", "requests.cpu", "100m") "," RESOURCE(
			  "B", "", "requests.cpu", "x") ",{`name`:`C`,`valueFrom`:{"
							"`resourceFieldRef`:{`resource`:"
							"`requests.cpu`}}}]}]}}",
		      NULL);
	expect_text(&s, "env/m/A", "12");
	expect_nothing(&s, "env/m/B");
	expect_text(&s, "env/m/C", "2");
}

static void odd_names_do_no_harm(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    "{`metadata`:{`name`:`p`},`spec`:{`containers`:[{`name`:`m`,`env`:[" FIELD(
		"a/b",
		"meta"
		"data"
		".nam"
		"e") "," FIELD("%",
			       "metadata.name") "," FIELD("..",
							  "metadata.name") "," FIELD("",
										     "metadata."
										     "name") "," FIELD("x\\u0000",
												       "metadata.name") ",7,"
															"null,{}"
															",{`"
															"name`:"
															"7},{`"
															"name`:`"
															"A`,`"
															"valueFr"
															"om`:7},"
															"{`name`"
															":`B`,`"
															"valueFr"
															"om`:{`"
															"fieldRe"
															"f`:7}},"
															"{`name`"
															":`C`,`"
															"valueFr"
															"om`:{`"
															"fieldRe"
															"f`:{}}}"
															"]},"
															"{`name`"
															":`m`,`"
															"env`:"
															"[" FIELD(
															    "SEC"
															    "ON"
															    "D",
															    "met"
															    "ada"
															    "ta."
															    "nam"
															    "e") "]}],"
																 "`ephemeralContainers`:[{`name`:`m`,`env`:[" FIELD(
																     "THIRD",
																     "metadata.name") "]}]}}",
	    NULL);
	expect_list(&s, "env", "m/ ");
	expect_list(&s, "env/m", "%25 %2E%2E a%2Fb ");
	expect_text(&s, "env/m/a%2Fb", "p");
	expect_text(&s, "env/m/%2E%2E", "p");
	expect_nothing(&s, "env/m/..");
	expect_nothing(&s, "env/m/SECOND");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_field_an_environment_can_have),
	    cmocka_unit_test(a_pod_that_waits_has_no_addresses),
	    cmocka_unit_test(every_kind_of_container),
	    cmocka_unit_test(of_one_name_the_last_counts),
	    cmocka_unit_test(pod_level_limits_go_before_the_nodes),
	    cmocka_unit_test(no_pod_level_limit_of_what_the_node_lacks),
	    cmocka_unit_test(who_asks_decides_what_an_unset_limit_is),
	    cmocka_unit_test(any_divisor_that_the_api_let_in),
	    cmocka_unit_test(odd_names_do_no_harm),
	};

	return cmocka_run_group_tests_name("downward_env", tests, NULL, NULL);
}
