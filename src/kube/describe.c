/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure in words: who could not do what, what the server said, what helps.
 */
#include <errno.h>
#include <stdio.h>

#include <podfs/kube/client.h>

static void where(const struct kube_state *s, enum kube_resource r, char *ret, size_t size)
{
	if (r == KUBE_PODS && *s->namespace)
		snprintf(ret, size, "pods in namespace %s", s->namespace);
	else
		snprintf(ret, size, "%s", kube_resource_name(r));
}

void kube_failure_describe(const struct kube_state *s, enum kube_resource r, struct error *ret)
{
	const struct kube_resource_state *f = &s->resources[r];
	char what[128];

	where(s, r, what, sizeof(what));
	switch (f->failure) {
	case KUBE_FAILURE_UNSET:
		*ret = (struct error){0};
		return;
	case KUBE_FAILURE_UNREACHABLE:
		error_set(ret, -EHOSTUNREACH, "cannot reach %s: %s", s->server, f->message);
		error_hint(ret,
			   "is the address right, and is the server up? --server, --context and "
			   "KUBECONFIG say which one it is");
		return;
	case KUBE_FAILURE_TLS:
		error_set(ret, -EKEYREJECTED, "no trusted connection to %s: %s", s->server,
			  f->message);
		error_hint(ret,
			   "--certificate-authority FILE says whom to trust, --tls-server-name "
			   "NAME which name the certificate has; --client-certificate and "
			   "--client-key say who you are");
		return;
	case KUBE_FAILURE_UNAUTHORIZED:
		error_set(ret, -EACCES, "%s does not accept the credentials of %s: %s", s->server,
			  s->identity, f->message);
		error_hint(ret, "they may have expired: log in again, or give --token-file or "
				"--context");
		return;
	case KUBE_FAILURE_FORBIDDEN:
		error_set(ret, -EPERM, "%s may not %s %s: %s", s->identity, f->verb, what,
			  f->message);
		error_hint(ret,
			   "the verbs list and watch on %s are needed (docs/rbac.yaml); with "
			   "--namespace one namespace is enough",
			   kube_resource_name(r));
		return;
	case KUBE_FAILURE_REJECTED:
		error_set(ret, -EINVAL, "%s refuses to %s %s (%d): %s", s->server, f->verb, what,
			  f->http_status, f->message);
		error_hint(ret, "are the selectors right, and is that a Kubernetes API server?");
		return;
	case KUBE_FAILURE_SERVER:
		error_set(ret, -EIO, "%s cannot %s %s: %s", s->server, f->verb, what, f->message);
		return;
	case KUBE_FAILURE_LOCAL:
		error_set(ret, -EIO, "cannot %s %s: %s", f->verb, what, f->message);
		if (*f->hint)
			error_hint(ret, "%s", f->hint);
		return;
	}
}
