/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what the indexes over all pods need of one, taken out as it arrives.
 */
#ifndef PODFS_MODEL_FACTS_H
#define PODFS_MODEL_FACTS_H

#include <stdint.h>

#include <podfs/base/buf.h>
#include <podfs/model/json.h>

#define POD_ADDRESSES_MAX 16 /* addresses of one pod that are noted; a server gives two */
#define ADDRESS_MAX 46       /* bytes of an address as text, with its NUL */

struct fact_label {
	uint32_t key; /* where it is in `strings` */
	uint32_t value;
};

struct pod_facts {
	struct buf strings;
	struct fact_label *labels; /* in the order of their keys, each key once */
	size_t label_count;
	size_t label_cap;
	/* Each once, in the one spelling of address_normalize(); none of a pod on the host's
	 * network, nor of a finished one. */
	uint32_t addresses[POD_ADDRESSES_MAX];
	size_t address_count;
	uint32_t config_hash; /* annotation kubernetes.io/config.hash, "" if there is none */
};

static inline const char *fact_string(const struct pod_facts *f, uint32_t off)
{
	return f->strings.data + off;
}

/* Reads them from a pod's indexed text into a zeroed struct, to be released in any case. 0 or
 * -ENOMEM. */
int pod_facts_read(const struct json_index *index, const char *text, struct pod_facts *ret);

void pod_facts_release(struct pod_facts *f);
#define cleanup_pod_facts cleanup_(pod_facts_release)

/**
 * Spells an IPv4 or IPv6 address in the one way it has here: IPv4 in IPv6 as
 * IPv4, otherwise as inet_ntop() does. False: it is none.
 */
bool address_normalize(const char *text, size_t len, char ret[ADDRESS_MAX]);

#endif
