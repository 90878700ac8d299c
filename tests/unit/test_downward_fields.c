/* SPDX-License-Identifier: Apache-2.0 */
#include "downward.h"

#define NODE(addresses) "{`status`:{`addresses`:[" addresses "]}}"
#define INTERNAL(ip) "{`type`:`InternalIP`,`address`:`" ip "`}"
#define EXTERNAL(ip) "{`type`:`ExternalIP`,`address`:`" ip "`}"
#define HOSTNAME(name) "{`type`:`Hostname`,`address`:`" name "`}"

static void metadata_is_always_there(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s, "{`metadata`:{`name`:`p`,`namespace`:`n`,`uid`:`u-1`}}", NULL);
	expect_text(&s, "metadata.name", "p");
	expect_text(&s, "metadata.namespace", "n");
	expect_text(&s, "metadata.uid", "u-1");
	expect_text(&s, "metadata.labels", "");
	expect_text(&s, "metadata.annotations", "");
	expect_mode(&s, "metadata.labels", 0444);
	/* Nothing else is known of this one. */
	expect_list(&s, "",
		    "metadata.annotations metadata.labels metadata.name metadata.namespace "
		    "metadata.uid ");
	expect_nothing(&s, "spec.nodeName");
	expect_nothing(&s, "spec.serviceAccountName");
	expect_nothing(&s, "status.hostIP");
	expect_nothing(&s, "status.hostIPs");
	expect_nothing(&s, "status.podIP");
	expect_nothing(&s, "status.podIPs");
	expect_nothing(&s, "resources");
	expect_nothing(&s, "volumes");
	expect_nothing(&s, "env");
}

static void the_rest_comes_when_it_is_known(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(
	    &s,
	    "{`metadata`:{`name`:`p`},"
	    "`spec`:{`nodeName`:`node-1`,`serviceAccountName`:`default`},"
	    "`status`:{`hostIP`:`10.0.0.1`,`hostIPs`:[{`ip`:`10.0.0.1`},{`ip`:`fd00::1`}],"
	    "`podIP`:`10.1.0.1`,`podIPs`:[{`ip`:`10.1.0.1`},{`ip`:`fd00:1::1`}]}}",
	    NULL);
	expect_text(&s, "spec.nodeName", "node-1");
	expect_text(&s, "spec.serviceAccountName", "default");
	expect_text(&s, "status.hostIP", "10.0.0.1");
	expect_text(&s, "status.hostIPs", "10.0.0.1,fd00::1");
	expect_text(&s, "status.podIP", "10.1.0.1");
	expect_text(&s, "status.podIPs", "10.1.0.1,fd00:1::1");
	expect_list(&s, "",
		    "metadata.annotations metadata.labels metadata.name metadata.namespace "
		    "metadata.uid spec.nodeName spec.serviceAccountName status.hostIP "
		    "status.hostIPs status.podIP status.podIPs ");
}

static void nothing_else_is_a_field(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s,
		      "{`metadata`:{`name`:`p`,`generation`:1},`spec`:{`nodeName`:`n`,"
		      "`restartPolicy`:`Always`},`status`:{`phase`:`Running`}}",
		      NULL);
	expect_nothing(&s, "status.phase");
	expect_nothing(&s, "spec.restartPolicy");
	expect_nothing(&s, "spec.host");
	expect_nothing(&s, "metadata.whoops");
	expect_nothing(&s, "metadata");
	expect_nothing(&s, "metadata.name/x");
	expect_nothing(&s, "metadata.name/");
	expect_nothing(&s, "/metadata.name");
}

static void labels_are_sorted_and_quoted(void **state)
{
	cleanup_setting struct setting s = {0};

	/* The order in the text, and a key that begins another, do not matter. */
	setting_write(&s,
		      "{`metadata`:{`labels`:{`kubernetes.io/os`:`linux`,"
		      "`kubernetes.io/arch`:`amd64`,`a-b`:`2`,`a`:`1`,"
		      "`node-role.kubernetes.io/master`:`true`,"
		      "`node-role.kubernetes.io/control-plane`:`true`,"
		      "`beta.kubernetes.io/os`:`linux`,`kubernetes.io/hostname`:`master01`}}}",
		      NULL);
	expect_text(&s, "metadata.labels",
		    "a=\"1\"\na-b=\"2\"\nbeta.kubernetes.io/os=\"linux\"\n"
		    "kubernetes.io/arch=\"amd64\"\nkubernetes.io/hostname=\"master01\"\n"
		    "kubernetes.io/os=\"linux\"\nnode-role.kubernetes.io/control-plane=\"true\"\n"
		    "node-role.kubernetes.io/master=\"true\"");
}

static void annotations_may_hold_anything(void **state)
{
	cleanup_setting struct setting s = {0};
	static const char key2[] = "a\0b\x7f\n";

	setting_write(&s,
		      "{`metadata`:{`annotations`:{`builder`:`john-doe`,`key`:`value\\n`,"
		      "`multiline`:`c\\nb\\na`,`nul`:`a\\u0000b\\u007f\\n`,`empty`:``,`null`:null,"
		      "`lone`:`\\ud800`,`html`:`\\u003c&>`,"
		      "`flannel.alpha.coreos.com/backend-data`:"
		      "`{\\`VNI\\`:1,\\`VtepMAC\\`:\\`ce:f9:c7:a4:de:64\\`}`,`key`:`last\\t`}}}",
		      NULL);
	expect_text(&s, "metadata.annotations",
		    "builder=\"john-doe\"\nempty=\"\"\n"
		    "flannel.alpha.coreos.com/backend-data="
		    "\"{\\\"VNI\\\":1,\\\"VtepMAC\\\":\\\"ce:f9:c7:a4:de:64\\\"}\"\n"
		    "html=\"<&>\"\nkey=\"last\\t\"\nlone=\"\xef\xbf\xbd\"\n"
		    "multiline=\"c\\nb\\na\"\nnul=\"a\\x00b\\x7f\\n\"\nnull=\"\"");
	expect_text(&s, "metadata.annotations['key']", "last\t");
	expect_text(&s, "metadata.annotations['multiline']", "c\nb\na");
	expect_text(&s, "metadata.annotations['html']", "<&>");
	expect_bytes(&s, "metadata.annotations['nul']", key2, sizeof(key2) - 1);
}

static void annotations_may_be_large(void **state)
{
	cleanup_setting struct setting s = {0};
	cleanup_buf struct buf got = {0};
	enum { SIZE = 256 * 1024 };

	buf_addstr(&s.pod.text, "{\"metadata\":{\"annotations\":{\"k\":\"");
	buf_addfill(&s.pod.text, '\x7f', SIZE);
	buf_addstr(&s.pod.text, "\"}}}");
	doc_index(&s.pod);
	s.source = (struct downward_source){&s.pod.view, NULL};
	assert_int_equal(downward_read(&s.source, "metadata.annotations", &got), 0);
	assert_int_equal(got.len, 4 * SIZE + strlen("k=\"\""));
	assert_memory_equal(got.data, "k=\"\\x7f\\x7f", 11);
}

static void a_key_is_looked_up_by_name(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s,
		      "{`metadata`:{`labels`:{`app`:`web`,`Www.k8s.io/test`:`no`,"
		      "`example.com/a`:`1`,`\\u0062`:`escaped`},"
		      "`annotations`:{`Www.k8s.io/test`:`1`,`a`:`x=y`,`\xe2\x84\xaa`:`kelvin`}}}",
		      NULL);
	expect_text(&s, "metadata.labels['app']", "web");
	expect_mode(&s, "metadata.labels['app']", 0444);
	expect_text(&s, "metadata.labels['example.com%2Fa']", "1");
	expect_text(&s, "metadata.labels['b']", "escaped");
	expect_text(&s, "metadata.annotations['Www.k8s.io%2Ftest']", "1");
	expect_text(&s, "metadata.annotations['a']", "x=y");
	/* Go's lower case of it is a plain k. */
	expect_text(&s, "metadata.annotations['\xe2\x84\xaa']", "kelvin");
	/* A key that the pod lacks, as in the kubelet. */
	expect_text(&s, "metadata.labels['none']", "");
	expect_text(&s, "metadata.annotations['x.io%2Fnone']", "");
	/* One name for one key. */
	expect_nothing(&s, "metadata.labels['example.com%2fa']");
	expect_nothing(&s, "metadata.labels['a%70p']");
	expect_nothing(&s, "metadata.labels['example.com/a']");
}

static void what_is_no_key_is_no_name(void **state)
{
	static const char *const names[] = {
	    "metadata.annotations['a[b']c']",
	    "metadata.labels['['key']",
	    "metadata.labels['key']']",
	    "metadata.labels['']",
	    "metadata.labels[' ']",
	    "metadata.labels[ 'key' ]",
	    "metadata.labels[]",
	    "metadata.labels[']",
	    "metadata.labels['key']foo",
	    "['key']",
	    "metadata.annotations['invalid~key']",
	    "metadata.labels['Www.k8s.io%2Ftest']",
	    "metadata.notexisting['something']",
	    "metadata.name['key']",
	    "metadata.labels['%25']",
	    "metadata.labels['a%2Fb%2Fc']",
	    "metadata.labels['%2Fa']",
	    "metadata.labels['a%2F']",
	    "metadata.labels['-a']",
	    "metadata.labels['a.']",
	    "metadata.labels['a..b%2Fc']",
	    "metadata.labels['a.-b%2Fc']",
	    "metadata.labels['a-.b%2Fc']",
	    "metadata.labels['a_b%2Fc']",
	    "metadata.labels['\xe2\x84\xaa']",
	    "metadata.annotations['\xc3\xa9']",
	    "metadata.labels['']extra']",
	};
	cleanup_setting struct setting s = {0};

	setting_write(&s, "{`metadata`:{`labels`:{`a`:`1`}}}", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		expect_nothing(&s, names[i]);
}

static void keys_have_limits(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s, "{`metadata`:{}}", NULL);
	for (int prefix = 252; prefix <= 254; prefix++)
		for (int name = 62; name <= 64; name++) {
			cleanup_buf struct buf path = {0};

			buf_addstr(&path, "metadata.labels['");
			buf_addfill(&path, 'p', (size_t)prefix);
			buf_addstr(&path, "%2F");
			buf_addfill(&path, 'N', (size_t)name);
			buf_addstr(&path, "']");
			if (prefix <= 253 && name <= 63)
				expect_text(&s, path.data, "");
			else
				expect_nothing(&s, path.data);
		}
}

static void host_ips_are_the_nodes(void **state)
{
	static const char pod[] = "{`status`:{`hostIP`:`1.1.1.1`,`hostIPs`:[{`ip`:`1.1.1.1`}]}}";
	static const struct {
		const char *node;
		const char *first;
		const char *all;
	} rows[] = {
	    {NODE(INTERNAL("10.0.0.1")), "10.0.0.1", "10.0.0.1"},
	    {NODE(HOSTNAME("n") "," INTERNAL("10.0.0.1") "," INTERNAL("fd00::1")), "10.0.0.1",
	     "10.0.0.1,fd00::1"},
	    {NODE(INTERNAL("fd00::1") "," INTERNAL("10.0.0.1")), "fd00::1", "fd00::1,10.0.0.1"},
	    /* Internal ones first, wherever they stand. */
	    {NODE(EXTERNAL("8.8.8.8") "," INTERNAL("10.0.0.1")), "10.0.0.1", "10.0.0.1"},
	    {NODE(EXTERNAL("2001:db8::1") "," INTERNAL("10.0.0.1")), "10.0.0.1",
	     "10.0.0.1,2001:db8::1"},
	    {NODE(EXTERNAL("8.8.8.8")), "8.8.8.8", "8.8.8.8"},
	    /* Only the first of each family. */
	    {NODE(INTERNAL("10.0.0.1") "," INTERNAL("10.0.0.2") "," INTERNAL(
		 "fd00::1") "," INTERNAL("fd00::2")),
	     "10.0.0.1", "10.0.0.1,fd00::1"},
	    /* What is no address is passed over; one is printed as Go prints it. */
	    {NODE(INTERNAL("") "," INTERNAL("node-1") "," INTERNAL("10.0.0.1\\u0000") "," INTERNAL(
		 "10.0.0") "," INTERNAL("10.0.0.256") "," INTERNAL("010.0.00.9")),
	     "10.0.0.9", "10.0.0.9"},
	    {NODE(INTERNAL("FD00:0:0:0:1:0:0:0001")), "fd00::1:0:0:1", "fd00::1:0:0:1"},
	    {NODE(INTERNAL("1:0:0:2:0:0:0:3")), "1:0:0:2::3", "1:0:0:2::3"},
	    {NODE(INTERNAL("1:0:2:3:4:5:6:7")), "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
	    {NODE(INTERNAL("::1.2.3.4")), "::102:304", "::102:304"},
	    {NODE(INTERNAL("::")), "::", "::"},
	    {NODE(INTERNAL("1::")), "1::", "1::"},
	    {NODE(INTERNAL("::ffff:1.2.3.4") "," INTERNAL("fd00::1")), "1.2.3.4",
	     "1.2.3.4,fd00::1"},
	    /* A node without any: what the kubelet said last. */
	    {NODE(HOSTNAME("n")), "1.1.1.1", "1.1.1.1"},
	    {"{}", "1.1.1.1", "1.1.1.1"},
	    {NULL, "1.1.1.1", "1.1.1.1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_setting struct setting s = {0};

		setting_write(&s, pod, rows[i].node);
		expect_text(&s, "status.hostIP", rows[i].first);
		expect_text(&s, "status.hostIPs", rows[i].all);
	}
}

static void without_the_node_one_host_ip_will_do(void **state)
{
	cleanup_setting struct setting s = {0};

	setting_write(&s, "{`status`:{`hostIP`:`1.1.1.1`}}", NULL);
	expect_text(&s, "status.hostIP", "1.1.1.1");
	expect_text(&s, "status.hostIPs", "1.1.1.1");
}

static void pod_ips_are_in_the_nodes_order(void **state)
{
#define V4_NODE NODE(INTERNAL("10.0.0.1") "," INTERNAL("fd00::1"))
#define V6_NODE NODE(INTERNAL("fd00::1") "," INTERNAL("10.0.0.1"))
#define V4_V6 "`podIP`:`10.1.0.1`,`podIPs`:[{`ip`:`10.1.0.1`},{`ip`:`fd01::1`}]"
#define V6_V4 "`podIP`:`fd01::1`,`podIPs`:[{`ip`:`fd01::1`},{`ip`:`10.1.0.1`}]"
#define FOUR "`podIPs`:[{`ip`:`10.1.0.1`},{`ip`:`10.1.0.2`},{`ip`:`fd01::1`},{`ip`:`fd01::2`}]"
	static const struct {
		bool host_network;
		const char *status;
		const char *node;
		const char *first; /* NULL: not known */
		const char *all;
	} rows[] = {
	    {false, V4_V6, V4_NODE, "10.1.0.1", "10.1.0.1,fd01::1"},
	    {false, V6_V4, V4_NODE, "10.1.0.1", "10.1.0.1,fd01::1"},
	    {false, V4_V6, V6_NODE, "fd01::1", "fd01::1,10.1.0.1"},
	    {false, V6_V4, V6_NODE, "fd01::1", "fd01::1,10.1.0.1"},
	    /* Without the node as they are. */
	    {false, V4_V6, NULL, "10.1.0.1", "10.1.0.1,fd01::1"},
	    {false, V6_V4, NULL, "fd01::1", "fd01::1,10.1.0.1"},
	    {false, FOUR, V6_NODE, "fd01::1", "fd01::1,10.1.0.1"},
	    {false, "`podIP`:`10.1.0.1`", V6_NODE, "10.1.0.1", "10.1.0.1"},
	    {false, "`podIPs`:[{`ip`:`FD01:0::1`}]", V6_NODE, "FD01:0::1", "FD01:0::1"},
	    {false, "`podIP`:``,`podIPs`:[]", V4_NODE, NULL, NULL},
	    {false, "`phase`:`Pending`", V4_NODE, NULL, NULL},
	    /* On the host's network: the host's. */
	    {true, "`phase`:`Pending`", V4_NODE, "10.0.0.1", "10.0.0.1,fd00::1"},
	    {true, "`phase`:`Pending`", NULL, NULL, NULL},
	    {true, "`podIP`:`10.0.0.1`,`podIPs`:[{`ip`:`10.0.0.1`}]", V4_NODE, "10.0.0.1",
	     "10.0.0.1,fd00::1"},
	    /* The first one stays as it once was, and only the second one is added to it. */
	    {true, "`podIP`:`fd00::7`,`podIPs`:[{`ip`:`fd00::7`}]", V4_NODE, "fd00::7", "fd00::7"},
	    {true, "`podIP`:`10.0.0.7`,`podIPs`:[{`ip`:`10.0.0.7`}]", NODE(INTERNAL("10.0.0.1")),
	     "10.0.0.7", "10.0.0.7"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_setting struct setting s = {0};
		cleanup_buf struct buf pod = {0};

		buf_addf(&pod, "{`spec`:{`hostNetwork`:%s},`status`:{%s}}",
			 rows[i].host_network ? "true" : "false", rows[i].status);
		setting_write(&s, pod.data, rows[i].node);
		if (rows[i].first) {
			expect_text(&s, "status.podIP", rows[i].first);
			expect_text(&s, "status.podIPs", rows[i].all);
		} else {
			expect_nothing(&s, "status.podIP");
			expect_nothing(&s, "status.podIPs");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(metadata_is_always_there),
	    cmocka_unit_test(the_rest_comes_when_it_is_known),
	    cmocka_unit_test(nothing_else_is_a_field),
	    cmocka_unit_test(labels_are_sorted_and_quoted),
	    cmocka_unit_test(annotations_may_hold_anything),
	    cmocka_unit_test(annotations_may_be_large),
	    cmocka_unit_test(a_key_is_looked_up_by_name),
	    cmocka_unit_test(what_is_no_key_is_no_name),
	    cmocka_unit_test(keys_have_limits),
	    cmocka_unit_test(host_ips_are_the_nodes),
	    cmocka_unit_test(without_the_node_one_host_ip_will_do),
	    cmocka_unit_test(pod_ips_are_in_the_nodes_order),
	};

	return cmocka_run_group_tests_name("downward_fields", tests, NULL, NULL);
}
