/* SPDX-License-Identifier: Apache-2.0 */
#include "downward.h"

#define NODE_6_4                                                                                   \
	"{`status`:{`allocatable`:{`cpu`:`6`,`memory`:`4Gi`,`ephemeral-storage`:`100Gi`},"         \
	"`addresses`:[{`type`:`InternalIP`,`address`:`10.0.0.1`}]}}"

#define FIELD(name, path) "{`name`:`" name "`,`valueFrom`:{`fieldRef`:{`fieldPath`:`" path "`}}}"
#define RESOURCE(name, ref) "{`name`:`" name "`,`valueFrom`:{`resourceFieldRef`:{" ref "}}}"
#define CPU_MEM                                                                                    \
	"`env`:[{`name`:`CPU`,`valueFrom`:{`resourceFieldRef`:{`resource`:`limits.cpu`}}},"        \
	"{`name`:`MEM`,`valueFrom`:{`resourceFieldRef`:{`resource`:`limits.memory`}}}]"

#define GI4 "4294967296"

/* A pod whose container `m` has these variables. */
static void write_env(struct setting *s, const char *const *variables)
{
	cleanup_buf struct buf pod = {0};

	buf_addstr(&pod, "{`metadata`:{`name`:`p`,`uid`:`u`},`spec`:{`containers`:[{`name`:`m`,"
			 "`resources`:{`requests`:{`cpu`:`1200m`}},`env`:[");
	add_joined(&pod, variables);
	assert_int_equal(buf_addstr(&pod, "]}]}}"), 0);
	setting_write(s, pod.data, NULL);
}

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
	static const char *const variables[] = {
	    FIELD("NAME", "metadata.name"),
	    FIELD("IP", "status.podIP"),
	    FIELD("NODE", "spec.nodeName"),
	    FIELD("SA", "spec.serviceAccountName"),
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_env(&s, variables);
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
	static const char *const variables[] = {
	    FIELD("A", "metadata.name"),
	    FIELD("A", "metadata.uid"),
	    FIELD("B", "metadata.name"),
	    "{`name`:`B`,`value`:`plain`}",
	    "{`name`:`C`,`value`:`plain`}",
	    FIELD("C", "metadata.name"),
	    FIELD("D", "metadata.name"),
	    "{`name`:`D`,`valueFrom`:{`configMapKeyRef`:{`name`:`c`,`key`:`k`}}}",
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_env(&s, variables);
	expect_list(&s, "env/m", "A C ");
	expect_text(&s, "env/m/A", "u");
	expect_text(&s, "env/m/C", "p");
	expect_nothing(&s, "env/m/B");
	expect_nothing(&s, "env/m/D");
}

static void a_value_goes_before_a_reference(void **state)
{
#define UID "`valueFrom`:{`fieldRef`:{`fieldPath`:`metadata.uid`}}"
	static const char *const variables[] = {
	    "{`name`:`EMPTY`,`value`:``," UID "}",
	    "{`name`:`VALUE`,`value`:`x`," UID "}",
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_env(&s, variables);
	expect_list(&s, "env/m", "EMPTY ");
	expect_text(&s, "env/m/EMPTY", "u");
}

static void a_field_is_of_a_version_of_the_api(void **state)
{
#define UID_OF(version) "`fieldRef`:{`apiVersion`:`" version "`,`fieldPath`:`metadata.uid`}"
	static const char *const variables[] = {
	    "{`name`:`V1`,`valueFrom`:{" UID_OF("v1") "}}",
	    "{`name`:`NONE`,`valueFrom`:{" UID_OF("") "}}",
	    "{`name`:`V2`,`valueFrom`:{" UID_OF("v2") "}}",
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_env(&s, variables);
	expect_list(&s, "env/m", "NONE V1 ");
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

/* A pod of which each kind of container asks the same; the node may be NULL. */
static void write_asking(struct setting *s, const char *node)
{
#define CPU_OF(name) "`containerName`:`" name "`,`resource`:`limits.cpu`,`divisor`:`1m`"
	static const char *const ask[] = {
	    RESOURCE("OWN", "`resource`:`limits.cpu`,`divisor`:`1m`"),
	    RESOURCE("APP", CPU_OF("app")),
	    RESOURCE("INIT", CPU_OF("init")),
	    RESOURCE("SET", CPU_OF("set")),
	    RESOURCE("DEBUG", CPU_OF("debug")),
	    RESOURCE("NONE", CPU_OF("none")),
	    RESOURCE("REQ", "`resource`:`requests.cpu`,`divisor`:`1m`"),
	    RESOURCE("DISK", "`resource`:`limits.ephemeral-storage`,`divisor`:`1Gi`"),
	    RESOURCE("HUGE", "`resource`:`limits.hugepages-2Mi`,`divisor`:`1Mi`"),
	    RESOURCE("BAD", "`resource`:`limits.pods`"),
	    RESOURCE("GPU", "`resource`:`limits.nvidia.com/gpu`"),
	    NULL,
	};
	cleanup_buf struct buf env = {0};
	cleanup_buf struct buf pod = {0};

	add_joined(&env, ask);
	assert_int_equal(env.err, 0);
	buf_addf(&pod,
		 "{`spec`:{`resources`:{`limits`:{`cpu`:`2`,`ephemeral-storage`:`1Gi`}},"
		 "`containers`:[{`name`:`app`,`env`:[%s]}],"
		 "`initContainers`:[{`name`:`init`,`env`:[%s]},"
		 "{`name`:`set`,`resources`:{`limits`:{`cpu`:`300m`}}}],"
		 "`ephemeralContainers`:[{`name`:`debug`,`env`:[%s]}]}}",
		 env.data, env.data, env.data);
	assert_int_equal(pod.err, 0);
	setting_write(s, pod.data, node);
}

static void who_asks_decides_what_an_unset_limit_is(void **state)
{
	static const char *const containers[] = {"app", "init", "debug"};
	static const struct {
		const char *name;
		const char *want;
	} rows[] = {
	    {"OWN", "2000"}, /* also of a debugging container, which is its own */
	    {"APP", "2000"}, {"INIT", "0"},   {"SET", "300"},
	    {"REQ", "0"},    {"DISK", "100"}, {"HUGE", "0"},
	};
	cleanup_setting struct setting s = {0};

	write_asking(&s, NODE_6_4);
	for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
		cleanup_buf struct buf dir = {0};

		buf_addf(&dir, "env/%s", containers[i]);
		/* By name nobody finds a debugging container. Nor are there BAD and GPU. */
		expect_list(&s, dir.data, "APP DISK HUGE INIT OWN REQ SET ");
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			cleanup_buf struct buf path = {0};

			buf_addf(&path, "%s/%s", dir.data, rows[k].name);
			expect_text(&s, path.data, rows[k].want);
		}
	}
}

static void without_the_node_a_pod_level_limit_is_known(void **state)
{
	cleanup_setting struct setting s = {0};

	write_asking(&s, NULL);
	expect_text(&s, "env/app/OWN", "2000");
	expect_nothing(&s, "env/app/DISK");
}

static void any_divisor_that_the_api_let_in(void **state)
{
	static const char *const variables[] = {
	    RESOURCE("A", "`resource`:`requests.cpu`,`divisor`:`100m`"),
	    RESOURCE("B", "`resource`:`requests.cpu`,`divisor`:`x`"),
	    RESOURCE("C", "`resource`:`requests.cpu`"),
	    RESOURCE("D", "`resource`:`requests.cpu`,`divisor`:`0`"),
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_env(&s, variables);
	expect_text(&s, "env/m/A", "12");
	expect_nothing(&s, "env/m/B");
	expect_text(&s, "env/m/C", "2");
	expect_text(&s, "env/m/D", "2");
}

static void odd_names_do_no_harm(void **state)
{
	static const char *const variables[] = {
	    FIELD("a/b", "metadata.name"),      FIELD("%", "metadata.name"),
	    FIELD("..", "metadata.name"),       FIELD("", "metadata.name"),
	    FIELD("x\\u0000", "metadata.name"), NULL,
	};
	cleanup_setting struct setting s = {0};

	write_env(&s, variables);
	expect_list(&s, "env", "m/ ");
	expect_list(&s, "env/m", "%25 %2E%2E a%2Fb ");
	expect_text(&s, "env/m/a%2Fb", "p");
	expect_text(&s, "env/m/%2E%2E", "p");
	expect_nothing(&s, "env/m/..");
}

static void what_is_no_variable_does_no_harm(void **state)
{
	static const char *const variables[] = {
	    "7",
	    "null",
	    "{}",
	    "{`name`:7}",
	    "{`name`:`A`,`valueFrom`:7}",
	    "{`name`:`B`,`valueFrom`:{`fieldRef`:7}}",
	    "{`name`:`C`,`valueFrom`:{`fieldRef`:{}}}",
	    FIELD("D", "metadata.name"),
	    NULL,
	};
	cleanup_setting struct setting s = {0};

	write_env(&s, variables);
	expect_list(&s, "env/m", "D ");
}

static void of_one_container_name_the_first_counts(void **state)
{
#define NAME_AS(variable) "{`name`:`m`,`env`:[" FIELD(variable, "metadata.name") "]}"
	static const char *const containers[] = {NAME_AS("FIRST"), NAME_AS("SECOND"), NULL};
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf pod = {0};

	buf_addstr(&pod, "{`metadata`:{`name`:`p`},`spec`:{`containers`:[");
	add_joined(&pod, containers);
	buf_addstr(&pod, "],`ephemeralContainers`:[" NAME_AS("THIRD"));
	assert_int_equal(buf_addstr(&pod, "]}}"), 0);
	setting_write(&s, pod.data, NULL);
	expect_list(&s, "env", "m/ ");
	expect_list(&s, "env/m", "FIRST ");
	expect_nothing(&s, "env/m/SECOND");
	expect_nothing(&s, "env/m/THIRD");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_field_an_environment_can_have),
	    cmocka_unit_test(a_pod_that_waits_has_no_addresses),
	    cmocka_unit_test(every_kind_of_container),
	    cmocka_unit_test(of_one_name_the_last_counts),
	    cmocka_unit_test(a_value_goes_before_a_reference),
	    cmocka_unit_test(a_field_is_of_a_version_of_the_api),
	    cmocka_unit_test(pod_level_limits_go_before_the_nodes),
	    cmocka_unit_test(no_pod_level_limit_of_what_the_node_lacks),
	    cmocka_unit_test(who_asks_decides_what_an_unset_limit_is),
	    cmocka_unit_test(without_the_node_a_pod_level_limit_is_known),
	    cmocka_unit_test(any_divisor_that_the_api_let_in),
	    cmocka_unit_test(odd_names_do_no_harm),
	    cmocka_unit_test(what_is_no_variable_does_no_harm),
	    cmocka_unit_test(of_one_container_name_the_first_counts),
	};

	return cmocka_run_group_tests_name("downward_env", tests, NULL, NULL);
}
