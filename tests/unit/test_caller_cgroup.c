/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/cgroup as kubelets, container runtimes and those who wish to be
 * somebody else write it.
 */
#include "unit.h"

#include <podfs/caller/cgroup.h>

#define WEB "3b5c7d9e-0a1b-4c2d-8e3f-405162738495"
#define WEB_ "3b5c7d9e_0a1b_4c2d_8e3f_405162738495"
#define DB "9f8e7d6c-5b4a-4938-a716-050403020100"
#define DB_ "9f8e7d6c_5b4a_4938_a716_050403020100"
#define GONE "11111111-2222-4333-8444-555555555555"
#define GONE_ "11111111_2222_4333_8444_555555555555"
#define STATIC "0123456789abcdef0123456789abcdef"
#define ID "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
#define ID2 "decade00decade00decade00decade00decade00decade00decade00decade00"

#define SLICES "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
#define USER "/user.slice/user-1000.slice/user@1000.service"
#define KIND                                                                                       \
	"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"                 \
	"kubelet-kubepods-besteffort-pod"

/* The pods of the cluster: GONE is not one of them. */
static bool is_known(void *ctx, const char *uid)
{
	(void)ctx;
	return !strcmp(uid, WEB) || !strcmp(uid, DB) || !strcmp(uid, STATIC);
}

static void assert_pod(const struct cgroup_own *own, const char *text, const char *uid)
{
	static const struct cgroup_own outside = {.text = "0::/system.slice/podfs.service\n"};
	struct pod_uid got = {""};
	enum cgroup_place place = cgroup_find(own ? own : &outside, text, is_known, NULL, &got);

	if ((place == CGROUP_POD) != (uid != NULL) || place == CGROUP_OWN_POD)
		fail_msg("%s: place %d (%s)", text, place, got.text);
	if (uid && strcmp(got.text, uid) != 0)
		fail_msg("%s: %s, want %s", text, got.text, uid);
}

static void assert_own(const struct cgroup_own *own, const char *text)
{
	struct pod_uid got;

	if (cgroup_find(own, text, is_known, NULL, &got) != CGROUP_OWN_POD)
		fail_msg("not podfs's own: %s", text);
}

struct row {
	const char *text;
	const char *uid; /* NULL: in no pod */
};

static void assert_rows(const struct cgroup_own *own, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_pod(own, rows[i].text, rows[i].uid);
}
#define rows_hold(own, rows) assert_rows(own, rows, sizeof(rows) / sizeof((rows)[0]))

static void systemd_names_a_pods_slice(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"0::" SLICES WEB_ ".slice/cri-containerd-" ID ".scope\n", WEB},
	    {"0::" SLICES WEB_ ".slice/crio-" ID ".scope\n", WEB},
	    {"0::" SLICES WEB_ ".slice/crio-" ID ".scope/container\n", WEB},
	    {"0::" SLICES WEB_ ".slice/docker-" ID ".scope\n", WEB},
	    {"0::/kubepods.slice/kubepods-pod" DB_ ".slice/cri-containerd-" ID ".scope\n", DB},
	    {"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" DB_
	     ".slice/cri-containerd-" ID ".scope\n",
	     DB},
	    {"0::" KIND WEB_ ".slice/cri-containerd-" ID ".scope\n", WEB},
	    {"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" STATIC
	     ".slice/cri-containerd-" ID ".scope\n",
	     STATIC},
	    {"0::" SLICES WEB_ ".slice", WEB},
	    {"0::/system.slice/containerd.service/kubepods-burstable-pod" WEB_
	     ".slice:cri-containerd:" ID "\n",
	     WEB},
	};
	rows_hold(NULL, rows);
}

static void cgroupfs_names_a_pods_folder(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"0::/kubepods/burstable/pod" WEB "/" ID "\n", WEB},
	    {"0::/kubepods/besteffort/pod" WEB "/" ID "\n", WEB},
	    {"0::/kubepods/pod" DB "/" ID "\n", DB},
	    {"0::/kubepods/pod" DB "/" ID "/sub/group\n", DB},
	    {"0::/kubepods/burstable/pod" STATIC "/" ID "\n", STATIC},
	    {"0::/kubepods/burstable/pod" WEB "/crio-" ID "\n", WEB},
	    {"0::/kubepods/burstable/pod" WEB "/kata_" ID "\n", WEB},
	    {"0::/docker/" ID "/kubelet/kubepods/besteffort/pod" WEB "/" ID2 "\n", WEB},
	    {"0::/system.slice/docker-" ID ".scope/kubelet/kubepods/pod" WEB "/" ID2 "\n", WEB},
	    {"0::/some:root/kubepods/pod" WEB "/" ID "\n", WEB},
	};
	rows_hold(NULL, rows);
}

static void with_v1_all_hierarchies_that_name_a_pod_name_the_same(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"11:memory:/kubepods/burstable/pod" WEB "/" ID "\n"
	     "10:cpu,cpuacct:/kubepods/burstable/pod" WEB "/" ID "\n"
	     "1:name=systemd:/kubepods/burstable/pod" WEB "/" ID "\n",
	     WEB},
	    /* Hybrid: v2 is there, and nobody is anywhere in it. */
	    {"5:pids:" SLICES WEB_ ".slice/docker-" ID ".scope\n"
	     "4:rdma:/\n"
	     "1:name=systemd:" SLICES WEB_ ".slice/docker-" ID ".scope\n"
	     "0::/\n",
	     WEB},
	    {"2:cpu:/\n0::/system.slice/containerd.service\n1:name=systemd:" SLICES WEB_
	     ".slice/docker-" ID ".scope\n",
	     WEB},
	    {"2:cpu:/kubepods/pod" WEB "/" ID "\n1:memory:/kubepods/pod" DB "/" ID "\n", NULL},
	    {"2:cpu:/kubepods/pod" WEB "/" ID "\n1:memory:/kubepods/pod" GONE "/" ID "\n", NULL},
	};
	rows_hold(NULL, rows);
}

static void who_is_in_no_pod_is_in_none(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"", NULL},
	    {"\n\n", NULL},
	    {"0::/\n", NULL},
	    {"0::/init.scope\n", NULL},
	    {"0::/user.slice/user-1000.slice/session-3.scope\n", NULL},
	    {"0::/system.slice/kubelet.service\n", NULL},
	    {"0::/kubepods.slice\n", NULL},
	    {"0::/kubepods.slice/kubepods-burstable.slice\n", NULL},
	    {"0::/system.slice/docker-" ID ".scope\n", NULL},
	    {"0::/machine.slice/libpod-" ID ".scope\n", NULL},
	    {"0::" SLICES GONE_ ".slice/cri-containerd-" ID ".scope\n", NULL},
	    {"0::/../../kubepods/pod" GONE "/" ID "\n", NULL},
	};
	rows_hold(NULL, rows);
}

static void what_only_looks_like_a_pods_name_is_none(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "",
	    "pod",
	    "pod.slice",
	    "pods" WEB,
	    "xpod" WEB,
	    "Pod" WEB,
	    "pod" WEB "0",
	    "pod" WEB "-x",
	    "pod" WEB ".scope",
	    "pod" WEB ".slice.slice",
	    "pod" WEB " (deleted)",
	    "pod3b5c7d9e-0a1b-4c2d-8e3f-40516273849",
	    "pod3b5c7d9e-0a1b-4c2d-8e3f-40516273849g",
	    "pod3B5C7D9E-0A1B-4C2D-8E3F-405162738495",
	    "pod3b5c7d9e00a1b-4c2d-8e3f-405162738495",
	    "pod0123456789abcdef0123456789abcde",
	    "pod0123456789abcdef0123456789abcdef0",
	    "pod../../../../../../../../../../../etc",
	    WEB,
	    STATIC,
	    "cri-containerd-" ID ".scope",
	};
	struct pod_uid uid;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (cgroup_pod_uid(names[i], strlen(names[i]), &uid))
			fail_msg("%s is said to be the pod %s", names[i], uid.text);
	assert_true(cgroup_pod_uid("pod" WEB "/x", strlen("pod" WEB), &uid));
	assert_string_equal(uid.text, WEB);
	assert_false(cgroup_pod_uid("pod" WEB, strlen("pod" WEB) - 1, &uid));
}

static void nobody_can_pose_as_another_pod_from_within_its_own(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    /* A cgroup named like another pod's below one's own container. */
	    {"0::" SLICES WEB_ ".slice/cri-containerd-" ID ".scope/kubepods-burstable-pod" DB_
	     ".slice/cri-containerd-" ID2 ".scope\n",
	     WEB},
	    {"0::/kubepods/pod" WEB "/" ID "/kubepods/burstable/pod" DB "/" ID2 "\n", WEB},
	    {"0::/kubepods/pod" WEB "/" ID "/kubepods/pod" STATIC "\n", WEB},
	    /* From a pod that is not known: deleted, or in a namespace that is not shown. */
	    {"0::/kubepods/pod" GONE "/" ID "/kubepods/burstable/pod" DB "/" ID2 "\n", NULL},
	    {"0::" SLICES GONE_ ".slice/cri-containerd-" ID ".scope/kubepods-burstable-pod" DB_
	     ".slice/cri-containerd-" ID2 ".scope\n",
	     NULL},
	    {"0::/../../pod" GONE "/" ID "/pod" DB "/" ID2 "\n", NULL},
	    /* In one of several hierarchies, as far as it may write there. */
	    {"3:cpu:/kubepods/pod" WEB "/" ID "/pod" DB "/x\n2:memory:/kubepods/pod" WEB "/" ID
	     "\n",
	     WEB},
	    {"3:cpu:/kubepods/pod" GONE "/" ID "/pod" DB "/x\n2:memory:/kubepods/pod" GONE "/" ID
	     "\n",
	     NULL},
	    /* In the part of the tree that a user of the host may do with as it likes. */
	    {"0::" USER "/kubepods/burstable/pod" DB "/" ID "\n", NULL},
	    {"0::" USER SLICES DB_ ".slice/cri-containerd-" ID ".scope\n", NULL},
	    {"0::" USER "/pod" DB "\n", NULL},
	    {"0::/../.." USER "/pod" DB "/x\n", NULL},
	    {"0::" USER "/pod" DB "\n1:name=systemd:/user.slice/user-1000.slice\n", NULL},
	    /* Names with colons, dots and what looks like the start of a line. */
	    {"0::/kubepods/pod" WEB "/" ID "/0::/kubepods/pod" DB "/" ID2 "\n", WEB},
	    {"0::/kubepods/pod" GONE "/" ID "/0::/../kubepods/pod" DB "/" ID2 "\n", NULL},
	    {"0::/kubepods/pod" GONE "/" ID "/../pod" DB "/" ID2 "\n", NULL},
	};
	rows_hold(NULL, rows);
}

static void a_users_own_cluster_is_seen_from_within_what_is_the_users(void **state)
{
	(void)state;
	static const struct cgroup_own own = {.text = "0::" USER "/podfs.service\n"};
	static const struct row rows[] = {
	    {"0::" USER "/kubelet/kubepods/pod" WEB "/" ID "\n", WEB},
	    {"0::" USER "/kubelet" KIND DB_ ".slice/cri-containerd-" ID ".scope\n", DB},
	    {"0::/user.slice/user-1001.slice/user@1001.service/kubepods/pod" WEB "/" ID "\n", NULL},
	};
	rows_hold(&own, rows);
}

static void a_cluster_in_a_pod_is_seen_from_within_the_container_it_runs_in(void **state)
{
	(void)state;
#define NODE "/kubepods/burstable/pod" GONE "/" ID
	static const struct cgroup_own service = {.text =
						      "0::" NODE "/system.slice/podfs.service\n"};
	static const struct cgroup_own pod = {.text = "0::" NODE "/kubelet/kubepods/pod" WEB "/" ID2
						      "\n"};
	static const struct cgroup_own sidecar = {.text = "0::/kubepods/burstable/pod" GONE "/" ID2
							  "\n"};
	static const struct cgroup_own other_line = {.text = "7:cpu:" NODE "\n"};
	static const struct row inside[] = {
	    {"0::" NODE "/kubelet/kubepods/pod" WEB "/" ID2 "\n", WEB},
	    {"0::" NODE "/kubelet/kubepods/besteffort/pod" DB "/" ID2 "\n", DB},
	    {"0::" NODE "/kubelet" KIND DB_ ".slice/cri-containerd-" ID2 ".scope\n", DB},
	    {"0::" NODE "/init.scope\n", NULL},
	    {"0::" NODE "\n", NULL},
	    /* There, too, the outermost of its pods counts. */
	    {"0::" NODE "/kubelet/kubepods/pod" WEB "/" ID2 "/pod" DB "/x\n", WEB},
	    {"0::" NODE "/kubelet/kubepods/pod22222222-2222-4333-8444-555555555555/" ID2 "/pod" DB
	     "/x\n",
	     NULL},
	    /* Another container of the pod around, with a name that begins like ours. */
	    {"0::/kubepods/burstable/pod" GONE "/" ID2 "/kubepods/pod" DB "/x\n", NULL},
	    {"0::" NODE "0/kubepods/pod" DB "/x\n", NULL},
	    {"0::/kubepods/burstable/pod" GONE "\n", NULL},
	};
	static const struct row outside[] = {
	    {"0::" NODE "/kubelet/kubepods/pod" WEB "/" ID2 "\n", NULL},
	};
	rows_hold(&service, inside);
	rows_hold(&pod, inside);
	rows_hold(NULL, outside);
	rows_hold(&sidecar, outside);
	rows_hold(&other_line, outside);
#undef NODE
}

static void a_path_that_climbs_only_within_our_own_pod_is_our_own(void **state)
{
	(void)state;
	static const struct cgroup_own own = {.text = "0::/\n", .rooted = true};
	static const struct cgroup_own not_rooted = {.text = "0::/\n"};
	static const char *const ours[] = {
	    "0::/\n",
	    "0::/sub/group\n",
	    "0::/../cri-containerd-" ID ".scope\n",
	    "0::/../" ID "\n",
	    "0::/..\n",
	    /* A neighbour that would like to be somebody else. */
	    "0::/../" ID "/kubepods/pod" DB "/x\n",
	    "0::/kubepods-burstable-pod" DB_ ".slice\n",
	    "5:pids:/\n1:name=systemd:/../" ID "\n0::/\n",
	};
	static const struct row others[] = {
	    {"0::/../..\n", NULL},
	    {"0::/../../init.scope\n", NULL},
	    {"0::/../../../../../user.slice/user-0.slice\n", NULL},
	    {"0::/../../kubepods-burstable-pod" WEB_ ".slice/cri-containerd-" ID ".scope\n", WEB},
	    {"0::/../../pod" WEB "/" ID "\n", WEB},
	    {"0::/../../../burstable/pod" WEB "/" ID "\n", WEB},
	    {"0::/../../../kubepods-pod" WEB_ ".slice/crio-" ID ".scope\n", WEB},
	    {"0::/../../pod" GONE "/" ID "\n", NULL},
	    {"0::/../../pod" GONE "/" ID "/pod" DB "/x\n", NULL},
	    /* Where nobody is put anywhere, as in an unused hierarchy, everybody is at home. */
	    {"5:pids:/../../pod" WEB "/" ID "\n0::/\n", WEB},
	    {"5:pids:/../../../system.slice/sshd.service\n0::/\n", NULL},
	    {"", NULL},
	    {"garbage\n", NULL},
	};
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert_own(&own, ours[i]);
	rows_hold(&own, others);
	assert_pod(&not_rooted, "0::/\n", NULL);
	assert_pod(&not_rooted, "0::/../" ID "\n", NULL);
}

static void lines_that_the_kernel_does_not_write_say_nothing(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"kubepods/pod" WEB "\n", NULL},
	    {"0:/kubepods/pod" WEB "\n", NULL},
	    {"0::", NULL},
	    {"::\n0::/kubepods/pod" WEB, WEB},
	    {":::::\n", NULL},
	    {"0::////\n", NULL},
	    {"0::/kubepods//pod" WEB "//\n", WEB},
	};
	rows_hold(NULL, rows);
}

/* A tree of cgroups that only a kubelet may name pods in, and its owners anything below. */
static void no_name_below_a_container_changes_whose_it_is(void **state)
{
	(void)state;
	static const char *const pieces[] = {
	    "/pod" DB,
	    "/kubepods",
	    "/kubepods-pod" DB_ ".slice",
	    "/..",
	    "/0::",
	    "/" ID,
	    "/pod" STATIC,
	    "/" DB,
	    "/burstable",
	    "/pod" GONE,
	    "/cri-containerd-" ID2 ".scope",
	    ":",
	};
	struct dice dice = {7};

	for (int i = 0; i < 20000; i++) {
		char text[4096];
		bool known = dice_one_in(&dice, 2);
		int n = snprintf(text, sizeof(text), "0::/kubepods/burstable/pod%s/%s",
				 known ? WEB : GONE, ID2);

		for (uint32_t left = dice_roll(&dice, 8); left; left--)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s",
				      pieces[dice_roll(&dice, sizeof(pieces) / sizeof(pieces[0]))]);
		snprintf(text + n, sizeof(text) - (size_t)n, "\n");
		assert_pod(NULL, text, known ? WEB : NULL);
	}
}

static void who_is_at_the_root_is_so_in_every_hierarchy(void **state)
{
	(void)state;
	assert_true(cgroup_is_root("0::/\n"));
	assert_true(cgroup_is_root("3:cpu:/\n1:name=systemd:/\n0::/\n"));
	assert_false(cgroup_is_root("3:cpu:/\n0::/system.slice/podfs.service\n"));
	assert_false(cgroup_is_root("0::/kubepods/pod" GONE "/" ID "\n"));
	assert_false(cgroup_is_root("0::/..\n"));
	assert_false(cgroup_is_root(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(systemd_names_a_pods_slice),
	    cmocka_unit_test(cgroupfs_names_a_pods_folder),
	    cmocka_unit_test(with_v1_all_hierarchies_that_name_a_pod_name_the_same),
	    cmocka_unit_test(who_is_in_no_pod_is_in_none),
	    cmocka_unit_test(what_only_looks_like_a_pods_name_is_none),
	    cmocka_unit_test(nobody_can_pose_as_another_pod_from_within_its_own),
	    cmocka_unit_test(a_users_own_cluster_is_seen_from_within_what_is_the_users),
	    cmocka_unit_test(a_cluster_in_a_pod_is_seen_from_within_the_container_it_runs_in),
	    cmocka_unit_test(a_path_that_climbs_only_within_our_own_pod_is_our_own),
	    cmocka_unit_test(lines_that_the_kernel_does_not_write_say_nothing),
	    cmocka_unit_test(no_name_below_a_container_changes_whose_it_is),
	    cmocka_unit_test(who_is_at_the_root_is_so_in_every_hierarchy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
