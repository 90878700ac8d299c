/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of a pod and of its host, chosen and ordered as the kubelet does.
 *
 * The host's: the node's InternalIPs, then its ExternalIPs; of all these the
 * first, and the first of the other family. The pod's: the first of the host's
 * family, then the first of the other one. A pod on the host's network has the
 * host's, once it has any.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "internal.h"

struct address {
	struct in6_addr ip; /* an IPv4 address is mapped: ::ffff:1.2.3.4 */
	bool v6;
	char text[INET6_ADDRSTRLEN];
};

/* The first address, and the first of the other family. */
struct addresses {
	struct address ip[2];
	size_t count;
};

/* Four decimal numbers; Kubernetes allows zeros in front of them. */
static bool parse_v4(const char *s, uint8_t ret[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned int value = 0;

		if (i && *s++ != '.')
			return false;
		if (*s < '0' || *s > '9')
			return false;
		for (; *s >= '0' && *s <= '9'; s++) {
			value = value * 10 + (unsigned int)(*s - '0');
			if (value > 255)
				return false;
		}
		ret[i] = (uint8_t)value;
	}
	return !*s;
}

/* The 16 bits between two colons. */
static unsigned int group_of(const struct in6_addr *ip, size_t i)
{
	return ip->s6_addr[2 * i] * 256u + ip->s6_addr[2 * i + 1];
}

/* Writes an IPv6 address as RFC 5952 and Go do; inet_ntop() ends some in an IPv4 address. */
static void format_v6(const struct in6_addr *ip, char *out, size_t size)
{
	size_t zeros = 8;
	size_t zeros_len = 1; /* a single one is written out */
	size_t n = 0;

	for (size_t i = 0; i < 8; i++) {
		size_t end = i;

		while (end < 8 && !group_of(ip, end))
			end++;
		if (end - i > zeros_len) {
			zeros = i;
			zeros_len = end - i;
		}
	}
	for (size_t i = 0; i < 8; i++) {
		bool colon = n && out[n - 1] != ':';

		if (i == zeros) {
			n += (size_t)snprintf(out + n, size - n, "::");
			i += zeros_len - 1;
		} else {
			n += (size_t)snprintf(out + n, size - n, "%s%x", colon ? ":" : "",
					      group_of(ip, i));
		}
	}
}

/* Reads an address, and writes it as Go prints it. */
static bool parse(struct bytes text, struct address *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char copy[64];
	uint8_t v4[4];

	if (!text.p || !text.len || text.len >= sizeof(copy) || memchr(text.p, '\0', text.len))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	if (parse_v4(copy, v4)) {
		memcpy(ret->ip.s6_addr, mapped, sizeof(mapped));
		memcpy(ret->ip.s6_addr + sizeof(mapped), v4, sizeof(v4));
	} else if (inet_pton(AF_INET6, copy, &ret->ip) != 1) {
		return false;
	}
	ret->v6 = memcmp(ret->ip.s6_addr, mapped, sizeof(mapped)) != 0;
	if (ret->v6)
		format_v6(&ret->ip, ret->text, sizeof(ret->text));
	else
		inet_ntop(AF_INET, ret->ip.s6_addr + sizeof(mapped), ret->text, sizeof(ret->text));
	return true;
}

/* The same, to be written as it was. */
static bool parse_as_is(struct bytes text, struct address *ret)
{
	if (!text.p || text.len >= sizeof(ret->text) || !parse(text, ret))
		return false;
	memcpy(ret->text, text.p, text.len);
	ret->text[text.len] = '\0';
	return true;
}

/* Takes an address if it is the first, or the first of the other family. */
static void take(struct addresses *to, const struct address *ip)
{
	if (!to->count || (to->count == 1 && to->ip[0].v6 != ip->v6))
		to->ip[to->count++] = *ip;
}

/* The node's. 0 or -ENOMEM. */
static int node_addresses(const struct view *node, struct addresses *ret)
{
	static const char *const types[] = {"InternalIP", "ExternalIP"};
	cleanup_buf struct buf scratch = {0};

	*ret = (struct addresses){0};
	if (!node)
		return 0;
	uint32_t list = view_member(node, "status", "addresses");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		for (uint32_t c = node_first(node, list); c; c = node_at(node, c)->next) {
			uint32_t type = node_member(node, c, "type");
			struct address ip;

			if (!bytes_are(node_string(node, type, &scratch), types[i]))
				continue;
			type = node_member(node, c, "address");
			if (parse(node_string(node, type, &scratch), &ip))
				take(ret, &ip);
		}
	}
	return scratch.err;
}

/* Appends status.@name of a pod, a string. 0; -ENOENT; -ENOMEM. */
static int status_read(const struct view *pod, const char *name, struct buf *out)
{
	cleanup_buf struct buf scratch = {0};
	struct bytes value = node_string(pod, view_member(pod, "status", name), &scratch);

	if (scratch.err)
		return scratch.err;
	if (!value.len)
		return -ENOENT;
	return out ? buf_add(out, value.p, value.len) : 0;
}

static int join(const struct addresses *ips, bool all, struct buf *out)
{
	if (!ips->count)
		return -ENOENT;
	if (!out)
		return 0;
	buf_addstr(out, ips->ip[0].text);
	if (all && ips->count == 2)
		buf_addf(out, ",%s", ips->ip[1].text);
	return out->err;
}

/* The addresses in status.@name, of that family first, each as it is written. 0 or -ENOMEM. */
static int status_addresses(const struct view *pod, const char *name, bool v6_first, bool v4_first,
			    struct addresses *ret)
{
	cleanup_buf struct buf scratch = {0};
	uint32_t list = view_member(pod, "status", name);

	*ret = (struct addresses){0};
	for (uint32_t c = node_first(pod, list); c; c = node_at(pod, c)->next) {
		uint32_t n = node_member(pod, c, "ip");
		struct address ip;

		if (parse_as_is(node_string(pod, n, &scratch), &ip))
			take(ret, &ip);
	}
	if (ret->count == 2 && (ret->ip[0].v6 ? v4_first : v6_first)) {
		struct address first = ret->ip[0];

		ret->ip[0] = ret->ip[1];
		ret->ip[1] = first;
	}
	return scratch.err;
}

int host_ips_read(const struct downward_source *s, bool all, struct buf *out)
{
	struct addresses ips;
	int r = node_addresses(s->node, &ips);

	if (r == 0 && !ips.count && all)
		r = status_addresses(s->pod, "hostIPs", false, false, &ips);
	if (r == 0 && !ips.count)
		return status_read(s->pod, "hostIP", out);
	return r < 0 ? r : join(&ips, all, out);
}

static bool is_on_host_network(const struct view *pod)
{
	uint32_t n = view_member(pod, "spec", "hostNetwork");

	return n && node_at(pod, n)->type == JSON_TRUE;
}

int pod_ips_read(const struct downward_source *s, bool all, struct buf *out)
{
	cleanup_buf struct buf own = {0};
	struct addresses hosts;
	struct addresses ips;
	struct address ip;
	int r = node_addresses(s->node, &hosts);

	if (r < 0)
		return r;
	bool v6_first = hosts.count && hosts.ip[0].v6;
	bool v4_first = hosts.count && !hosts.ip[0].v6;
	r = status_addresses(s->pod, "podIPs", v6_first, v4_first, &ips);
	if (r == 0)
		r = status_read(s->pod, "podIP", &own);
	if (r == -ENOMEM)
		return r;
	if (!ips.count && parse_as_is((struct bytes){own.data, own.len}, &ip))
		take(&ips, &ip);
	/* Before the kubelet has told the API server of them, or of the second one. */
	for (size_t i = 0; i < hosts.count && is_on_host_network(s->pod); i++)
		if (ips.count == i)
			take(&ips, &hosts.ip[i]);
	if (!ips.count && own.len && !all)
		return status_read(s->pod, "podIP", out);
	return join(&ips, all, out);
}
