/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pod /self leads to: from the command line, the environment, the
 * hostname; and for threads with cgroup files that the test writes.
 */
#include "world.h"

#include <podfs/caller/cgroup.h>

#include "self.h"

#define WEB "3b5c7d9e-0a1b-4c2d-8e3f-405162738495"
#define DB "9f8e7d6c-5b4a-4938-a716-050403020100"
#define GONE "11111111-2222-4333-8444-555555555555"
#define HASH "0123456789abcdef0123456789abcdef"

static struct world world;
static struct self self;
static char dir[] = "/tmp/podfs-self.XXXXXX";
static char host[256];

struct variables {
	const char *pod;
	const char *ns;
};

static const char *look_up(void *ctx, const char *name)
{
	const struct variables *v = ctx;

	if (!strcmp(name, "POD_NAME"))
		return v->pod;
	return !strcmp(name, "POD_NAMESPACE") ? v->ns : NULL;
}

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void start(const char *option, const char *pod, const char *ns, bool in_pod)
{
	struct variables v = {pod, ns};
	const struct config_env env = {look_up, &v, in_pod ? dir : "/nowhere"};

	assert_int_equal(self_init(&self, option, &env, &world.tree), 0);
}

static void assert_status(const char *want)
{
	cleanup_buf struct buf said = {0};

	assert_int_equal(self_describe(&self, &said), 0);
	assert_string_equal(said.data, want);
}

static void put_hostnamed(const char *spec)
{
	cleanup_buf struct buf json = {0};

	buf_addf(&json,
		 "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"home\",\"uid\":\"h%s\"},"
		 "\"spec\":{%s}}",
		 host, *spec ? "2" : "1", spec);
	assert_int_equal(world_put(&world, KIND_POD, json.data), 1);
}

static int set_up_all(void **state)
{
	(void)state;
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	assert_non_null(mkdtemp(dir));
	write_file("namespace", "home\n");
	return 0;
}

static int tear_down_all(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
}

static int set_up(void **state)
{
	(void)state;
	world_init(&world);
	self = (struct self){0};
	assert_int_equal(world_put_pod(&world, "shop", "web", WEB, ""), 1);
	assert_int_equal(world_put_pod(&world, "shop", "db", DB, ""), 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	self_release(&self);
	world_release(&world);
	return 0;
}

static void the_option_is_caller_or_a_namespace_and_a_pod(void **state)
{
	static const char *const wrong[] = {"",           "shop",   "shop/",   "/web",
					    "shop/web/x", "Caller", "caller ", ".shop/web",
					    "shop/.web",  "//"};
	struct error e = {0};

	(void)state;
	assert_int_equal(self_check("caller", &e), 0);
	assert_int_equal(self_check("shop/web-1", &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(self_check(wrong[i], &e), -EINVAL);
		assert_non_null(strstr(e.msg, "NAMESPACE/POD"));
	}
}

static void the_option_goes_before_all_else(void **state)
{
	(void)state;
	start("shop/web", "db", "shop", true);
	assert_status("shop/web (from --self)");
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_status("shop/web (from --self; there is no such pod)");
}

static void then_comes_the_environment_if_it_says_both(void **state)
{
	(void)state;
	start(NULL, "db", "shop", true);
	assert_status("shop/db (from POD_NAME)");
	assert_false(world.tree.own.not_on_host);
}

static void then_the_hostname_in_a_container_that_is_not_on_the_hosts_network(void **state)
{
	(void)state;
	char want[400];

	put_hostnamed("");
	start(NULL, "db", NULL, true);
	snprintf(want, sizeof(want), "home/%s (from the hostname)", host);
	assert_status(want);
	store_rdlock(world.store);
	assert_string_equal(tree_own_pod(&world.tree)->uid, "h1");
	store_rdunlock(world.store);
	put_hostnamed("\"hostNetwork\":true");
	snprintf(want, sizeof(want), "home/%s (from the hostname; there is no such pod)", host);
	assert_status(want);
}

static void and_otherwise_there_is_none(void **state)
{
	(void)state;
	start(NULL, "", "shop", false);
	assert_status("none");
	store_rdlock(world.store);
	assert_null(tree_own_pod(&world.tree));
	store_rdunlock(world.store);
}

/* Where /self leads for a thread whose cgroup file holds @text; "" if there is none. */
static const char *asked(const char *text)
{
	static struct buf target;
	char path[64];

	snprintf(path, sizeof(path), "%s/5", dir);
	mkdir(path, 0700);
	write_file("5/cgroup", text);
	buf_release(&target);
	int r = self_of_caller(&self, dir, 5, &target);
	assert_true(r == 0 || r == -ENOENT);
	assert_int_equal(r == 0, target.len > 0);
	return target.len ? target.data : "";
}

static void a_caller_is_found_by_its_pods_uid(void **state)
{
	(void)state;
	start("caller", NULL, NULL, false);
	assert_status("caller");
	assert_string_equal(asked("0::/kubepods/pod" WEB "/x\n"), "namespaces/shop/pods/web");
	assert_string_equal(asked("0::/kubepods/pod" DB "/x\n"), "namespaces/shop/pods/db");
	assert_string_equal(asked("0::/kubepods/pod" WEB "/x/pod" DB "/y\n"),
			    "namespaces/shop/pods/web");
	assert_string_equal(asked("0::/init.scope\n"), "");
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_string_equal(asked("0::/kubepods/pod" WEB "/x\n"), "");
	/* Now nobody knows who that is, and it is not db. */
	assert_string_equal(asked("0::/kubepods/pod" WEB "/x/pod" DB "/y\n"), "");
}

static void put_hashed(const char *name, const char *uid, const char *hash)
{
	cleanup_buf struct buf json = {0};

	buf_addf(&json,
		 "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\",\"uid\":\"%s\","
		 "\"annotations\":{\"kubernetes.io/config.hash\":\"%s\"}}}",
		 name, uid, hash);
	assert_int_equal(world_put(&world, KIND_POD, json.data), 1);
}

static void a_static_pod_is_found_by_the_hash_that_its_cgroups_carry(void **state)
{
	(void)state;
	start("caller", NULL, NULL, false);
	put_hashed("etcd", "8", HASH);
	assert_string_equal(asked("0::/kubepods/pod" HASH "/x\n"), "namespaces/shop/pods/etcd");
	/* The annotation can be put on any pod: who claims a uid gets nothing by it. */
	put_hashed("thief", "9", WEB);
	assert_string_equal(asked("0::/kubepods/pod" WEB "/x\n"), "namespaces/shop/pods/web");
	/* Nor by that of a pod that is not shown. */
	put_hashed("thief", "9", GONE);
	assert_string_equal(asked("0::/kubepods/pod" GONE "/x\n"), "");
	put_hashed("thief", "9", HASH);
	assert_string_equal(asked("0::/kubepods/pod" HASH "/x\n"), "");
}

static void a_path_within_our_own_pod_leads_there_if_it_is_known(void **state)
{
	(void)state;
	start("caller", "web", "shop", false);
	self.rooted = true;
	assert_string_equal(asked("0::/\n"), "namespaces/shop/pods/web");
	assert_string_equal(asked("0::/../x\n"), "namespaces/shop/pods/web");
	assert_string_equal(asked("0::/../../pod" DB "/x\n"), "namespaces/shop/pods/db");
	assert_string_equal(asked("0::/../../x\n"), "");
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_string_equal(asked("0::/\n"), "");
}

static void callers_that_cannot_be_seen_are_told_of_in_the_status(void **state)
{
	(void)state;
	cleanup_buf struct buf target = {0};

	start("caller", NULL, NULL, false);
	assert_int_equal(self_of_caller(&self, dir, 4, &target), -ENOENT);
	assert_status("caller");
	assert_int_equal(self_of_caller(&self, dir, 0, &target), -ENOENT);
	assert_status("caller (some could not be seen: podfs needs hostPID: true)");
}

#define self_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    self_test(the_option_is_caller_or_a_namespace_and_a_pod),
	    self_test(the_option_goes_before_all_else),
	    self_test(then_comes_the_environment_if_it_says_both),
	    self_test(then_the_hostname_in_a_container_that_is_not_on_the_hosts_network),
	    self_test(and_otherwise_there_is_none),
	    self_test(a_caller_is_found_by_its_pods_uid),
	    self_test(a_static_pod_is_found_by_the_hash_that_its_cgroups_carry),
	    self_test(a_path_within_our_own_pod_leads_there_if_it_is_known),
	    self_test(callers_that_cannot_be_seen_are_told_of_in_the_status),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
