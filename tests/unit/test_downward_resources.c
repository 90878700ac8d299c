/* SPDX-License-Identifier: Apache-2.0 */
#include "downward.h"

#define NODE(allocatable) "{`status`:{`allocatable`:{" allocatable "}}}"
#define NODE_6_4 NODE("`cpu`:`6`,`memory`:`4Gi`,`ephemeral-storage`:`100Gi`")
#define CONTAINER(name, limits, requests)                                                          \
	"{`name`:`" name "`,`resources`:{`limits`:{" limits "},`requests`:{" requests "}}}"
#define POD(containers) "{`spec`:{`containers`:[" containers "]}}"

#define GI4 "4294967296"

static void limits_and_requests_in_any_unit(void **state)
{
	static const struct {
		const char *amount; /* of both the limit and the request */
		const char *file;
		const char *want;
	} rows[] = {
	    {"`cpu`:`9`", "limits.cpu", "9"},
	    {"`cpu`:`8`", "requests.cpu", "8"},
	    {"`cpu`:`100m`", "requests.cpu", "1"},
	    {"", "requests.cpu", "0"},
	    {"", "requests.memory", "0"},
	    {"", "requests.ephemeral-storage", "0"},
	    {"`memory`:`100Mi`", "requests.memory", "104857600"},
	    {"`memory`:`100Mi`", "requests.memory@1Mi", "100"},
	    {"`memory`:`100Mi`", "limits.memory", "104857600"},
	    {"`cpu`:`1250m`,`memory`:`64Mi`", "limits.cpu", "2"},
	    {"`cpu`:`1250m`,`memory`:`64Mi`", "limits.memory", "67108864"},
	    {"`cpu`:`250m`", "limits.cpu@1m", "250"},
	    {"`cpu`:`250m`", "limits.cpu@1", "1"},
	    {"`cpu`:`1`", "limits.cpu@1m", "1000"},
	    {"`cpu`:`0.1m`", "limits.cpu@1m", "1"},
	    {"`cpu`:`1001m`", "limits.cpu", "2"},
	    {"`cpu`:`3920m`", "limits.cpu", "4"},
	    {"`memory`:`64Mi`", "limits.memory@1Mi", "64"},
	    {"`memory`:`64Mi`", "limits.memory@1M", "68"},
	    {"`memory`:`64Mi`", "limits.memory@1Gi", "1"},
	    {"`memory`:`1.5Gi`", "limits.memory@1Gi", "2"},
	    {"`memory`:`1.5Gi`", "limits.memory@1Mi", "1536"},
	    {"`memory`:`100M`", "limits.memory@1Mi", "96"},
	    {"`memory`:`1`", "limits.memory@1Ki", "1"},
	    {"`memory`:`1025`", "limits.memory@1Ki", "2"},
	    {"`memory`:`128974848500m`", "limits.memory", "128974849"},
	    {"`memory`:`9007199254740993`", "limits.memory", "9007199254740992"},
	    {"`memory`:`8Ei`", "limits.memory", "9223372036854775807"},
	    {"`hugepages-2Mi`:`4Mi`", "limits.hugepages-2Mi@1Mi", "4"},
	    {"`hugepages-2Mi`:`0Mi`", "requests.hugepages-2Mi", "0"},
	    {"`ephemeral-storage`:`1Gi`", "requests.ephemeral-storage@1Gi", "1"},
	    /* What the API server's own JSON reader accepts: numbers, space, null. */
	    {"`cpu`:2", "requests.cpu", "2"},
	    {"`cpu`:` 2 `", "requests.cpu", "2"},
	    {"`cpu`:null", "requests.cpu", "0"},
	    {"`cpu`:`1`,`cpu`:`3`", "requests.cpu", "3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_setting struct setting s = {0};
		cleanup_buf struct buf pod = {0};
		cleanup_buf struct buf path = {0};

		/* The same for an init container. */
		buf_addf(&pod,
			 "{`spec`:{`containers`:[{`name`:`m`,`resources`:{`limits`:{%s},"
			 "`requests`:{%s}}}],`initContainers`:[{`name`:`i`,`resources`:{"
			 "`limits`:{%s},`requests`:{%s}}}]}}",
			 rows[i].amount, rows[i].amount, rows[i].amount, rows[i].amount);
		setting_write(&s, pod.data, NODE_6_4);
		buf_addf(&path, "resources/m/%s", rows[i].file);
		expect_text(&s, path.data, rows[i].want);
		path.data[strlen("resources/")] = 'i';
		expect_text(&s, path.data, rows[i].want);
	}
}

static void a_unit_has_one_name(void **state)
{
	static const char *const bytes[] = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
					    "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
	static const char *const none[] = {
	    "limits.cpu@",
	    "limits.cpu@0",
	    "limits.cpu@1000m",
	    "limits.cpu@1k",
	    "limits.cpu@1Mi",
	    "limits.cpu@2",
	    "limits.cpu@01",
	    "limits.cpu@100m",
	    "limits.memory@1m",
	    "limits.memory@2Mi",
	    "limits.memory@1Mi@1",
	    "limits.memory@1024Mi",
	    "limits.memory@1K",
	    "limits",
	    "limits.",
	    "limits.pods",
	    "memory",
	    "limit.memory",
	    "limits.memory ",
	    "limits.hugepages",
	    "limits.hugepages-2Mi@1m",
	};
	cleanup_setting struct setting s = {0};

	setting_write(&s, POD(CONTAINER("m", "`cpu`:`1`,`memory`:`1`", "")), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		cleanup_buf struct buf path = {0};

		buf_addf(&path, "resources/m/limits.memory@%s", bytes[i]);
		expect_text(&s, path.data, "1");
		buf_clear(&path);
		buf_addf(&path, "resources/m/requests.hugepages-64Ki@%s", bytes[i]);
		expect_text(&s, path.data, "0");
		expect_mode(&s, path.data, 0444);
	}
	expect_text(&s, "resources/m/limits.cpu@1m", "1000");
	expect_text(&s, "resources/m/limits.cpu@1", "1");
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		cleanup_buf struct buf path = {0};

		buf_addf(&path, "resources/m/%s", none[i]);
		expect_nothing(&s, path.data);
	}
	expect_nothing(&s, "resources/m/limits.cpu/x");
	expect_nothing(&s, "resources/x/limits.cpu");
	expect_nothing(&s, "resources//limits.cpu");
}

static void an_unset_limit_is_the_nodes(void **state)
{
	static const struct {
		const char *limits;
		const char *cpu;
		const char *memory;
	} rows[] = {
	    {"`cpu`:`0`,`memory`:`0`", "6", GI4},
	    {"`cpu`:`1`,`memory`:`0`", "1", GI4},
	    {"", "6", GI4},
	    {"`cpu`:`0`,`memory`:`1Mi`", "6", "1048576"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_setting struct setting s = {0};
		cleanup_buf struct buf pod = {0};

		buf_addf(&pod, POD("{`name`:`m`,`resources`:{`limits`:{%s}}}"), rows[i].limits);
		setting_write(&s, pod.data, NODE_6_4);
		expect_text(&s, "resources/m/limits.cpu", rows[i].cpu);
		expect_text(&s, "resources/m/limits.memory", rows[i].memory);
		expect_text(&s, "resources/m/limits.ephemeral-storage@1Gi", "100");
		expect_text(&s, "resources/m/limits.hugepages-2Mi", "0");
		expect_text(&s, "resources/m/requests.cpu", "0");
	}
}

static void pod_level_limits_do_not_count_in_a_volume(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s,
		      "{`spec`:{`resources`:{`limits`:{`cpu`:`1`,`memory`:`5Mi`}},"
		      "`containers`:[{`name`:`m`}]}}",
		      NODE_6_4);
	expect_text(&s, "resources/m/limits.cpu", "6");
	expect_text(&s, "resources/m/limits.memory", GI4);
}

static void without_the_node_its_limits_are_absent(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s, POD(CONTAINER("m", "`memory`:`1Gi`,`cpu`:`0`", "`cpu`:`1`")), NULL);
	expect_nothing(&s, "resources/m/limits.cpu");
	expect_nothing(&s, "resources/m/limits.cpu@1m");
	expect_nothing(&s, "resources/m/limits.ephemeral-storage");
	expect_text(&s, "resources/m/limits.memory@1Gi", "1");
	expect_text(&s, "resources/m/requests.ephemeral-storage", "0");
	expect_text(&s, "resources/m/limits.hugepages-2Mi", "0");
	expect_list(&s, "resources/m",
		    "limits.memory requests.cpu requests.ephemeral-storage requests.memory ");
}

static void a_node_may_not_have_it(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s, POD("{`name`:`m`}"), NODE("`cpu`:`2`,`memory`:`lots`"));
	expect_text(&s, "resources/m/limits.cpu", "2");
	expect_text(&s, "resources/m/limits.ephemeral-storage", "0");
	/* Nobody can say how much that is. */
	expect_nothing(&s, "resources/m/limits.memory");
}

static void lists_containers_and_their_resources(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s,
		      "{`spec`:{`containers`:[" CONTAINER("main", "", "") "," CONTAINER(
			  "big", "`hugepages-1Gi`:`1Gi`",
			  "") "],"
			      "`initContainers`:[{`name`:`init`},{`name`:`sidecar`,`restartPolicy`:"
			      "`Always`}],`ephemeralContainers`:[{`name`:`debug`}]}}",
		      NODE("`cpu`:`6`,`memory`:`4Gi`,`hugepages-2Mi`:`0`,`pods`:`110`"));
	expect_list(&s, "resources", "big/ init/ main/ sidecar/ ");
	expect_nothing(&s, "resources/debug");
	expect_nothing(&s, "resources/debug/limits.cpu");
	/* Huge pages of the node, and of any container of the pod. */
	expect_list(&s, "resources/sidecar",
		    "limits.cpu limits.ephemeral-storage limits.hugepages-1Gi "
		    "limits.hugepages-2Mi limits.memory requests.cpu requests.ephemeral-storage "
		    "requests.hugepages-1Gi requests.hugepages-2Mi requests.memory ");
	expect_text(&s, "resources/big/limits.hugepages-1Gi@1Gi", "1");
	expect_text(&s, "resources/main/limits.hugepages-1Gi@1Gi", "0");
}

static void odd_containers_do_no_harm(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s,
		      POD(CONTAINER("a", "`cpu`:`1`", "") "," CONTAINER(
			  "a", "`cpu`:`2`",
			  "") ","
			      "{`name`:``},{`name`:5},{},7,null,{`name`:`x\\u0000`},"
			      "{`name`:`b`,`resources`:7},{`name`:`c`,`resources`:{`limits`:[1],"
			      "`requests`:{`cpu`:{},`memory`:`1x`}}}," CONTAINER(
				  "x/y", "`cpu`:`3`",
				  "") "," CONTAINER("%", "`cpu`:`4`",
						    "") "," CONTAINER(".", "`cpu`:`5`", "")),
		      NODE_6_4);
	expect_list(&s, "resources", "%25/ %2E/ a/ b/ c/ x%2Fy/ ");
	expect_text(&s, "resources/a/limits.cpu", "1");
	expect_text(&s, "resources/b/limits.cpu", "6");
	expect_text(&s, "resources/c/limits.cpu", "6");
	expect_nothing(&s, "resources/c/requests.cpu");
	expect_nothing(&s, "resources/c/requests.memory");
	expect_text(&s, "resources/x%2Fy/limits.cpu", "3");
	expect_text(&s, "resources/%25/limits.cpu", "4");
	expect_text(&s, "resources/%2E/limits.cpu", "5");
	setting_write(&s, "{`spec`:7,`metadata`:[],`status`:null}", "[]");
	expect_nothing(&s, "resources");
	expect_list(&s, "",
		    "metadata.annotations metadata.labels metadata.name metadata.namespace "
		    "metadata.uid ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_and_requests_in_any_unit),
	    cmocka_unit_test(a_unit_has_one_name),
	    cmocka_unit_test(an_unset_limit_is_the_nodes),
	    cmocka_unit_test(pod_level_limits_do_not_count_in_a_volume),
	    cmocka_unit_test(without_the_node_its_limits_are_absent),
	    cmocka_unit_test(a_node_may_not_have_it),
	    cmocka_unit_test(lists_containers_and_their_resources),
	    cmocka_unit_test(odd_containers_do_no_harm),
	};

	return cmocka_run_group_tests_name("downward_resources", tests, NULL, NULL);
}
