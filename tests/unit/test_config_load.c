/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_config_load() on files in a directory of its own, with an environment
 * of its own: precedence, merging, every field, and what is refused.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <podfs/base/log.h>
#include <podfs/config/config.h>

static char dir[64];
static char cwd[4096];

struct world {
	const char *kubeconfig; /* KUBECONFIG */
	const char *home;
	const char *host;
	const char *port;
	const char *pod_namespace;
};

static const char *world_getenv(void *ctx, const char *name)
{
	const struct world *w = ctx;

	if (!strcmp(name, "KUBECONFIG"))
		return w->kubeconfig;
	if (!strcmp(name, "HOME"))
		return w->home;
	if (!strcmp(name, "KUBERNETES_SERVICE_HOST"))
		return w->host;
	if (!strcmp(name, "KUBERNETES_SERVICE_PORT"))
		return w->port;
	if (!strcmp(name, "POD_NAMESPACE"))
		return w->pod_namespace;
	return NULL;
}

static void make_dir(const char *name)
{
	assert_true(mkdir(name, 0700) == 0 || errno == EEXIST);
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int load(struct world *w, const struct config_overrides *o, struct client_config *ret,
		struct error *e)
{
	struct config_env env = {world_getenv, w, "account"};

	memset(e, 0, sizeof(*e));
	memset(ret, 0, sizeof(*ret));
	return client_config_load(o, &env, ret, e);
}

static void assert_path(const char *path, const char *expected)
{
	char whole[4200];

	snprintf(whole, sizeof(whole), "%s/%s", cwd, expected);
	assert_string_equal(path, whole);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/podfs-config-XXXXXX");
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	if (!getcwd(cwd, sizeof(cwd)))
		return -1;
	log_open(LOG_TO_FILE, LOG_LEVEL_ERROR, "log");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR, NULL);
	if (chdir("/") < 0)
		return -1;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define CONTEXT "contexts: [{name: a, context: {cluster: c, user: u, namespace: shop}}]\n"
#define HEAD "current-context: a\n" CONTEXT

static void reads_every_field(void **state)
{
	struct world w = {.kubeconfig = "full"};
	struct config_overrides o = {0};
	struct client_config c;
	struct error e;

	write_file("full", HEAD "clusters:\n"
				"- name: c\n"
				"  cluster:\n"
				"    server: https://k8s.example.com:6443/prefix/\n"
				"    tls-server-name: internal\n"
				"    certificate-authority-data: Y2E=\n"
				"    proxy-url: socks5://proxy:1080\n"
				"    disable-compression: true\n"
				"users:\n"
				"- name: u\n"
				"  user:\n"
				"    client-certificate-data: Y2VydA==\n"
				"    client-key-data: |\n"
				"      a2\n"
				"      V5\n"
				"    token: secret\n"
				"    tokenFile: t/token\n"
				"    as: jane\n"
				"    as-uid: '7'\n"
				"    as-groups: [dev, ops]\n"
				"    as-user-extra: {reason: [why, not]}\n");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_int_equal(c.source, CONFIG_SOURCE_KUBECONFIG);
	assert_path(c.origin, "full");
	assert_string_equal(c.server, "https://k8s.example.com:6443/prefix");
	assert_string_equal(c.context, "a");
	assert_string_equal(c.cluster, "c");
	assert_string_equal(c.user, "u");
	assert_string_equal(c.tls_server_name, "internal");
	assert_string_equal(c.proxy_url, "socks5://proxy:1080");
	assert_true(c.disable_compression);
	assert_false(c.insecure_skip_tls_verify);
	assert_int_equal(c.ca_data.len, 2);
	assert_memory_equal(c.ca_data.data, "ca", 3);
	assert_memory_equal(c.client_cert_data.data, "cert", 5);
	assert_memory_equal(c.client_key_data.data, "key", 4);
	assert_string_equal(c.token, "secret");
	assert_path(c.token_file, "t/token");
	assert_string_equal(c.as, "jane");
	assert_string_equal(c.as_uid, "7");
	assert_string_equal(c.as_groups[1], "ops");
	assert_null(c.as_groups[2]);
	assert_int_equal(c.n_as_extra, 1);
	assert_string_equal(c.as_extra[0].key, "reason");
	assert_string_equal(c.as_extra[0].values[1], "not");
	assert_string_equal(c.namespace, "shop");
	assert_false(c.namespace_from_flag);
	client_config_release(&c);
}

static void reads_json(void **state)
{
	struct world w = {.kubeconfig = "json"};
	struct config_overrides o = {0};
	struct client_config c;
	struct error e;

	write_file("json", "{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\",\"context\":"
			   "{\"cluster\":\"c\",\"user\":\"\"}}],\"clusters\":[{\"name\":\"c\","
			   "\"cluster\":{\"server\":\"http:\\/\\/127.0.0.1:8001\","
			   "\"certificate-authority\":null}}],\"users\":null}");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "http://127.0.0.1:8001");
	assert_null(c.ca_file);
	assert_null(c.user);
	assert_string_equal(c.namespace, "default");
	client_config_release(&c);
}

/* Names are merged by first come, whole entries at a time; a missing file is no mistake. */
static void merges_files_first_wins(void **state)
{
	struct world w = {.kubeconfig = "m/missing:m/empty:m/one::m/sub/two:m/one"};
	struct config_overrides o = {0};
	struct client_config c;
	struct error e;

	make_dir("m");
	make_dir("m/sub");
	write_file("m/empty", "current-context: ''\n");
	write_file("m/one", CONTEXT "clusters: [{name: c, cluster: {server: 'https://one'}}]\n");
	write_file("m/sub/two",
		   "current-context: a\n"
		   "clusters: [{name: c, cluster: {server: 'https://two', "
		   "certificate-authority: ca}}]\n"
		   "users: [{name: u, user: {client-certificate: x/crt, client-key: /abs/key}}]\n");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "https://one");
	assert_string_equal(c.context, "a");
	assert_null(strstr(strstr(c.origin, "m/one") + 1, "m/one"));
	assert_null(c.ca_file);
	assert_path(c.client_cert_file, "m/sub/x/crt");
	assert_string_equal(c.client_key_file, "/abs/key");
	client_config_release(&c);
}

static void flag_wins_over_variable_over_home_over_in_cluster(void **state)
{
	static const char *const names[] = {"flag", "variable", "h/.kube/config"};
	struct world w = {"variable", "h", "10.0.0.1", "443", NULL};
	struct config_overrides o = {.kubeconfig = "flag"};
	struct client_config c;
	struct error e;
	char text[256];

	make_dir("h");
	make_dir("h/.kube");
	make_dir("account");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text),
			 HEAD "clusters: [{name: c, cluster: {server: 'https://%zu'}}]\n"
			      "users: [{name: u, user: {}}]\n",
			 i);
		write_file(names[i], text);
	}
	write_file("account/token", "t");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "https://0");
	client_config_release(&c);
	o.kubeconfig = NULL;
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "https://1");
	client_config_release(&c);
	w.kubeconfig = "";
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "https://2");
	client_config_release(&c);
	w.home = "nowhere";
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "https://10.0.0.1:443");
	client_config_release(&c);
	unlink("account/token");
	assert_int_equal(load(&w, &o, &c, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "no cluster is configured"));
	o.server = "http://x";
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_int_equal(c.source, CONFIG_SOURCE_FLAGS);
	client_config_release(&c);
}

static void uses_the_service_account(void **state)
{
	struct world w = {.host = "fd00::1", .port = "6443"};
	struct config_overrides o = {0};
	struct client_config c;
	struct error e;
	char identity[128];

	make_dir("account");
	write_file("account/token", "t");
	write_file("account/ca.crt", "x");
	write_file("account/namespace", " team-1\n");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_int_equal(c.source, CONFIG_SOURCE_IN_CLUSTER);
	assert_string_equal(c.server, "https://[fd00::1]:6443");
	assert_string_equal(c.token_file, "account/token");
	assert_string_equal(c.ca_file, "account/ca.crt");
	assert_string_equal(c.namespace, "team-1");
	client_config_identity(&c, identity, sizeof(identity));
	assert_string_equal(identity, "the service account of namespace team-1");
	client_config_release(&c);

	o.namespace = "shop";
	assert_int_equal(load(&w, &o, &c, &e), 0);
	client_config_identity(&c, identity, sizeof(identity));
	assert_string_equal(identity, "the container's service account");
	client_config_release(&c);

	o.namespace = NULL;
	w.host = NULL;
	w.pod_namespace = "team-2";
	unlink("account/ca.crt");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "https://kubernetes.default.svc");
	assert_null(c.ca_file);
	assert_string_equal(c.namespace, "team-2");
	client_config_release(&c);
	unlink("account/token");
	unlink("account/namespace");
}

static void flags_replace_what_contradicts_them(void **state)
{
	struct world w = {.kubeconfig = "over"};
	struct config_overrides o = {.insecure_skip_tls_verify = true};
	struct client_config c;
	struct error e;

	write_file("over", HEAD "clusters: [{name: c, cluster: {server: 'https://x', "
				"tls-server-name: n, certificate-authority-data: Y2E=}}]\n"
				"users: [{name: u, user: {username: me, password: pw, "
				"client-certificate-data: Y2E=, client-key-data: Y2E=}}]\n");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_true(c.insecure_skip_tls_verify);
	assert_null(c.ca_data.data);
	assert_string_equal(c.tls_server_name, "n");
	assert_string_equal(c.username, "me");
	client_config_release(&c);

	o = (struct config_overrides){.certificate_authority = "ca",
				      .server = "https://y",
				      .token_file = "token",
				      .client_certificate = "crt",
				      .client_key = "/key",
				      .namespace = "ns"};
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_path(c.ca_file, "ca");
	assert_null(c.ca_data.data);
	assert_null(c.tls_server_name);
	assert_string_equal(c.server, "https://y");
	assert_path(c.token_file, "token");
	assert_null(c.username);
	assert_null(c.password);
	assert_null(c.client_cert_data.data);
	assert_path(c.client_cert_file, "crt");
	assert_string_equal(c.client_key_file, "/key");
	assert_string_equal(c.namespace, "ns");
	assert_true(c.namespace_from_flag);
	client_config_release(&c);
}

/* Not the user of the context, nor the account of the pod. */
static void names_no_one_who_is_not_meant(void **state)
{
	static const struct config_overrides flags[] = {
	    {.token = "hush"},
	    {.token_file = "token"},
	    {.client_certificate = "crt", .client_key = "key"},
	};

	(void)state;
	write_file("named", HEAD "clusters: [{name: c, cluster: {server: 'https://x'}}]\n"
				 "users: [{name: u, user: {}}]\n");
	make_dir("account");
	write_file("account/token", "t");
	for (size_t i = 0; i < 2 * ARRAY_SIZE(flags); i++) {
		struct world w = {.host = "10.0.0.1", .port = "6443"};
		char identity[128];
		struct client_config c;
		struct error e;

		w.kubeconfig = i % 2 ? "named" : NULL;
		assert_int_equal(load(&w, &flags[i / 2], &c, &e), 0);
		client_config_identity(&c, identity, sizeof(identity));
		assert_string_equal(identity, "the bearer of the given credentials");
		client_config_release(&c);
	}
	unlink("account/token");
}

#define EXEC_V1 "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never"

static void reads_how_a_program_is_called(void **state)
{
	struct world w = {.kubeconfig = "x/exec"};
	struct config_overrides o = {0};
	struct client_config c;
	struct error e;
	char identity[128];

	make_dir("x");
	write_file(
	    "x/exec",
	    HEAD "clusters: [{name: c, cluster: {server: 'https://x', extensions: [\n"
		 "  {name: client.authentication.k8s.io/exec, extension: &a {s: \"q\\\"\", i: 007, "
		 "n: -1.50e3, b: yes, z: ~, t: 'true', l: [1, []], big: 99999999999999999999}},\n"
		 "  ]}}]\n"
		 "users: [{name: u, user: {exec: {apiVersion: "
		 "client.authentication.k8s.io/v1beta1, command: bin/get, args: [a, ''], env: "
		 "[{name: A, value: 'b=c'}, {name: B}], installHint: get it, provideClusterInfo: "
		 "true}}}]\n");
	assert_int_equal(load(&w, &o, &c, &e), 0);
	const struct config_exec *x = c.exec;
	assert_string_equal(x->api_version, "client.authentication.k8s.io/v1beta1");
	assert_path(x->command, "x/bin/get");
	assert_string_equal(x->args[0], "a");
	assert_string_equal(x->args[1], "");
	assert_null(x->args[2]);
	assert_int_equal(x->n_env, 2);
	assert_string_equal(x->env[0].name, "A");
	assert_string_equal(x->env[0].value, "b=c");
	assert_null(x->env[1].value);
	assert_string_equal(x->install_hint, "get it");
	assert_int_equal(x->interactive, CONFIG_INTERACTIVE_IF_AVAILABLE);
	assert_true(x->provide_cluster_info);
	assert_string_equal(x->cluster_config,
			    "{\"s\":\"q\\\"\",\"i\":\"007\",\"n\":-1.50e3,\"b\":true,\"z\":null,"
			    "\"t\":\"true\",\"l\":[1,[]],\"big\":99999999999999999999}");
	client_config_identity(&c, identity, sizeof(identity));
	assert_string_equal(identity, "user u (context a)");
	client_config_release(&c);
	o.token = "t";
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_null(c.exec);
	client_config_release(&c);
}

/* A few lines of aliases can stand for gigabytes. */
static void hands_on_no_bomb(void **state)
{
	struct world w = {.kubeconfig = "bomb"};
	struct config_overrides o = {0};
	struct client_config c;
	struct error e;

	write_file(
	    "bomb", HEAD
	    "clusters: [{name: c, cluster: {server: 'https://x', extensions: [\n"
	    "  {name: client.authentication.k8s.io/exec, extension: {a: &a [x, x, x, x], b: &b "
	    "[*a, *a, *a, *a, *a, *a, *a, *a], c: &c [*b, *b, *b, *b, *b, *b, *b, *b], d: &d "
	    "[*c, *c, *c, *c, *c, *c, *c, *c], e: &e [*d, *d, *d, *d, *d, *d, *d, *d], f: "
	    "[*e, *e, *e, *e, *e, *e, *e, *e, *e]}}]}}]\n"
	    "users: [{name: u, user: {exec: {" EXEC_V1
	    ", command: x, provideClusterInfo: true}}}]\n");
	assert_int_equal(load(&w, &o, &c, &e), -E2BIG);
	assert_non_null(strstr(e.msg, "cannot be handed on"));
}

struct refusal {
	const char *text; /* of the kubeconfig */
	int code;
	const char *says; /* part of the message */
};

#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://x'}}]\n"
#define USER(fields) HEAD CLUSTER "users: [{name: u, user: {" fields "}}]\n"
#define SERVER(fields)                                                                             \
	HEAD "users: [{name: u, user: {}}]\nclusters: [{name: c, cluster: {" fields "}}]\n"

static const struct refusal refusals[] = {
    {"", -ENOENT, "no cluster is configured"},
    {"a: [", -EINVAL, "not valid YAML"},
    {"- x", -EINVAL, "is not a kubeconfig"},
    {CONTEXT CLUSTER, -ENOENT, "no current-context"},
    {"current-context: b\n" CONTEXT CLUSTER, -ENOENT, "context \"b\", the current-context"},
    {HEAD, -ENOENT, "cluster \"c\", named by the context"},
    {HEAD CLUSTER, -ENOENT, "user \"u\", named by the context"},
    {SERVER(""), -ENOENT, "no cluster with a server"},
    {SERVER("server: [x]"), -EINVAL, "server must be a string"},
    {SERVER("server: 'ftp://x'"), -EINVAL, "the scheme must be"},
    {SERVER("server: 'https://u:hush@x'"), -EINVAL, "must not hold a user or a password"},
    {SERVER("server: 'https://x y'"), -EINVAL, "not a valid URL"},
    {SERVER("server: 'https:///x'"), -EINVAL, "no host"},
    {SERVER("server: 'unix://x'"), -EINVAL, "no absolute path"},
    {SERVER("server: 'unix:///'"), -EINVAL, "no absolute path"},
    {SERVER("server: 'https://x', insecure-skip-tls-verify: maybe"), -EINVAL, "true or false"},
    {SERVER("server: 'https://x', insecure-skip-tls-verify: true, certificate-authority: ca"),
     -EINVAL, "insecure-skip-tls-verify"},
    {SERVER("server: 'https://x', certificate-authority-data: '***'"), -EINVAL, "base64"},
    {SERVER("server: 'https://x', certificate-authority-data: 'YQ'"), -EINVAL, "base64"},
    {SERVER("server: 'https://x', proxy-url: 'ftp://x'"), -EINVAL, "proxy-url"},
    {USER("token: hush, username: x, password: y"), -EINVAL, "only one is allowed"},
    {USER("token: \"hush\\nX: y\""), -EINVAL, "no token can have"},
    {USER("client-certificate: x"), -EINVAL, "client certificate without its key"},
    {USER("client-key: x"), -EINVAL, "client key without its certificate"},
    {USER("as-groups: [x]"), -EINVAL, "whom to impersonate"},
    {USER("as: \"x\\r\\nY: z\""), -EINVAL, "control characters"},
    {USER("as: x, as-groups: [\"a\\nb\"]"), -EINVAL, "control characters"},
    {USER("as: x, as-user-extra: {k: [\"a\\nb\"]}"), -EINVAL, "control characters"},
    {USER("as: x, as-groups: x"), -EINVAL, "as-groups must be a list"},
    {USER("auth-provider: {name: oidc}"), -EOPNOTSUPP, "auth-provider"},
    {USER("exec: x"), -EINVAL, "must be a mapping"},
    {USER("exec: {command: x}"), -EINVAL, "apiVersion must be given"},
    {USER("exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"), -EINVAL,
     "apiVersion must be"},
    {USER("exec: {" EXEC_V1 "}"), -EINVAL, "command must be given"},
    {USER("exec: {command: x, apiVersion: client.authentication.k8s.io/v1}"), -EINVAL,
     "interactiveMode must be given"},
    {USER("exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: no}"),
     -EINVAL, "interactiveMode must be"},
    {USER("exec: {" EXEC_V1 ", command: x, env: [{value: hush}]}"), -EINVAL, "has no name"},
    {USER("exec: {" EXEC_V1 ", command: x, env: x}"), -EINVAL, "env must be a list"},
    {USER("exec: {" EXEC_V1 ", command: x}, auth-provider: {name: oidc}"), -EINVAL, "has both"},
    {"current-context: a\ncontexts: [{name: a, context: {cluster: c, namespace: ../x}}]\n" CLUSTER,
     -EINVAL, "not the name of a namespace"},
};

static void says_what_is_wrong(void **state)
{
	struct world w = {.kubeconfig = "bad"};
	struct config_overrides o = {0};
	struct client_config c;
	struct error e;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		write_file("bad", refusals[i].text);
		int r = load(&w, &o, &c, &e);
		if (r != refusals[i].code || !strstr(e.msg, refusals[i].says) ||
		    strstr(e.msg, "hush"))
			fail_msg("%s\n-> %d: %s", refusals[i].text, r, e.msg);
	}
}

static void names_what_there_is(void **state)
{
	struct world w = {.kubeconfig = "named"};
	struct config_overrides o = {.context = "zz"};
	struct client_config c;
	struct error e;

	write_file("named", "contexts: [{name: a, context: {}}, {name: b, context: {}}]\n");
	assert_int_equal(load(&w, &o, &c, &e), -ENOENT);
	assert_string_equal(e.hint, "there are the contexts a, b");
	o = (struct config_overrides){.kubeconfig = "absent"};
	assert_int_equal(load(&w, &o, &c, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "absent"));
	o = (struct config_overrides){.kubeconfig = "."};
	assert_int_equal(load(&w, &o, &c, &e), -EISDIR);
}

static void gives_a_bare_server_its_scheme(void **state)
{
	struct world w = {0};
	struct config_overrides o = {.server = "localhost:8001/"};
	struct client_config c;
	struct error e;

	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "http://localhost:8001");
	client_config_release(&c);
	for (int i = 0; i < 3; i++) {
		o.insecure_skip_tls_verify = i == 0;
		o.certificate_authority = i == 1 ? "ca" : NULL;
		o.client_certificate = o.client_key = i == 2 ? "file" : NULL;
		assert_int_equal(load(&w, &o, &c, &e), 0);
		assert_string_equal(c.server, "https://localhost:8001");
		client_config_release(&c);
	}
	o = (struct config_overrides){.server = "10.0.0.1", .token = "hush"};
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "http://10.0.0.1");
	client_config_release(&c);
	o.server = "unix:///run/api.sock";
	assert_int_equal(load(&w, &o, &c, &e), 0);
	assert_string_equal(c.server, "unix:///run/api.sock");
	client_config_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_every_field),
	    cmocka_unit_test(reads_json),
	    cmocka_unit_test(merges_files_first_wins),
	    cmocka_unit_test(flag_wins_over_variable_over_home_over_in_cluster),
	    cmocka_unit_test(uses_the_service_account),
	    cmocka_unit_test(flags_replace_what_contradicts_them),
	    cmocka_unit_test(names_no_one_who_is_not_meant),
	    cmocka_unit_test(reads_how_a_program_is_called),
	    cmocka_unit_test(hands_on_no_bomb),
	    cmocka_unit_test(says_what_is_wrong),
	    cmocka_unit_test(names_what_there_is),
	    cmocka_unit_test(gives_a_bare_server_its_scheme),
	};

	return cmocka_run_group_tests_name("config_load", tests, setup, teardown);
}
