/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <podfs/base/log.h>
#include <podfs/caller/cgroup.h>
#include <podfs/caller/proc.h>
#include <podfs/config/file.h>
#include <podfs/model/packed.h>

#include "self.h"

#define CALLER "caller"
#define PROC "/proc"
#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
#define NAMESPACE_FILE_MAX 1024
#define HOST_NAME_BUF 256

int self_check(const char *option, struct error *e)
{
	const char *slash = strchr(option, '/');

	if (!strcmp(option, CALLER) ||
	    (slash && packed_name_is_valid(option, (size_t)(slash - option), NAMESPACE_NAME_MAX) &&
	     packed_name_is_valid(slash + 1, strlen(slash + 1), OBJECT_NAME_MAX)))
		return 0;
	return error_set(e, -EINVAL, "--self %s: it is caller, or NAMESPACE/POD", option);
}

static int set(struct self *self, const char *source, const char *ns, size_t ns_len,
	       const char *pod)
{
	self->source = source;
	self->namespace = strndup(ns, ns_len);
	self->pod = strdup(pod);
	return self->namespace && self->pod ? 0 : -ENOMEM;
}

static const char *variable(const struct config_env *env, const char *name)
{
	const char *value = env && env->getenv ? env->getenv(env->ctx, name) : getenv(name);

	return value && *value ? value : NULL;
}

/*
 * In a container the host's name is the pod's, unless it is on its host's
 * network. That it is in a container of a pod, the service account's files say.
 */
static int set_from_hostname(struct self *self, const struct config_env *env)
{
	cleanup_buf struct buf path = {0};
	cleanup_secret struct config_data text = {0};
	char host[HOST_NAME_BUF];

	if (buf_addf(&path, "%s/namespace",
		     env && env->service_account_dir ? env->service_account_dir : ACCOUNT_DIR) < 0)
		return -ENOMEM;
	int r = file_read(path.data, NAMESPACE_FILE_MAX, &text);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || gethostname(host, sizeof(host)) < 0)
		return 0;
	host[sizeof(host) - 1] = '\0';
	const char *start = text.data + strspn(text.data, " \t\r\n");
	size_t len = strcspn(start, " \t\r\n");
	if (len)
		r = set(self, "the hostname", start, len, host);
	return r < 0 ? r : 0;
}

static int set_from_surroundings(struct self *self, const struct config_env *env)
{
	const char *pod = variable(env, "POD_NAME");
	const char *ns = variable(env, "POD_NAMESPACE");

	if (pod && ns)
		return set(self, "POD_NAME", ns, strlen(ns), pod);
	int r = set_from_hostname(self, env);
	self->tree->own.not_on_host = true;
	return r;
}

static int caller_cb(void *ctx, pid_t tid, struct buf *target)
{
	return self_of_caller(ctx, PROC, tid, target);
}

static int look_around(struct self *self)
{
	int r = proc_own_cgroup(PROC, &self->own_text);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		log_warn("self: cannot read podfs's own cgroup: %s", strerror(-r));
		buf_clear(&self->own_text);
	}
	self->rooted = self->own_text.len && self->pod && proc_cgroup_is_namespaced(PROC) &&
		       cgroup_is_root(self->own_text.data);
	return 0;
}

int self_init(struct self *self, const char *option, const struct config_env *env,
	      struct tree *tree)
{
	const char *slash = option ? strchr(option, '/') : NULL;
	int r;

	self->tree = tree;
	self->by_caller = option && !slash;
	if (slash)
		r = set(self, "--self", option, (size_t)(slash - option), slash + 1);
	else
		r = set_from_surroundings(self, env);
	if (r == 0 && self->by_caller)
		r = look_around(self);
	tree->own.namespace = self->namespace;
	tree->own.pod = self->pod;
	tree->own.caller = self->by_caller ? caller_cb : NULL;
	tree->own.ctx = self;
	return r;
}

void self_release(struct self *self)
{
	free(self->namespace);
	free(self->pod);
	buf_release(&self->own_text);
}

static bool is_known(void *ctx, const char *uid)
{
	const struct self *self = ctx;

	return store_find_uid(self->tree->store, uid, strlen(uid));
}

static void note_unseen(struct self *self)
{
	if (!atomic_exchange(&self->saw_unseen, true))
		log_warn("self: a caller cannot be seen from podfs's pid namespace, and gets no "
			 "such file: run podfs with hostPID: true");
}

/* Under the store's lock. */
static const struct object *find(struct self *self, const char *text)
{
	const struct cgroup_own own = {self->own_text.len ? self->own_text.data : "", self->rooted};
	struct pod_uid uid;

	switch (cgroup_find(&own, text, is_known, self, &uid)) {
	case CGROUP_OWN_POD:
		return tree_own_pod(self->tree);
	case CGROUP_POD:
		return store_find_uid(self->tree->store, uid.text, strlen(uid.text));
	default:
		return NULL;
	}
}

int self_of_caller(struct self *self, const char *proc, pid_t tid, struct buf *target)
{
	cleanup_buf struct buf text = {0};

	if (tid <= 0) {
		note_unseen(self);
		return -ENOENT;
	}
	int r = proc_cgroup(proc, tid, &text);
	/* Whatever keeps us from reading it: it is not known who that is. */
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	store_rdlock(self->tree->store);
	const struct object *pod = find(self, text.data);
	r = pod ? tree_pod_path(pod, target) : -ENOENT;
	store_rdunlock(self->tree->store);
	return r;
}

int self_describe(struct self *self, struct buf *out)
{
	if (self->by_caller)
		return buf_addf(out, "caller%s",
				atomic_load(&self->saw_unseen)
				    ? " (some could not be seen: podfs needs hostPID: true)"
				    : "");
	if (!self->pod)
		return buf_addstr(out, "none");
	store_rdlock(self->tree->store);
	bool there = tree_own_pod(self->tree);
	store_rdunlock(self->tree->store);
	return buf_addf(out, "%s/%s (from %s%s)", self->namespace, self->pod, self->source,
			there ? "" : "; there is no such pod");
}
