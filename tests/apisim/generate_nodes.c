/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "generate.h"

enum { IMAGES = 20 };

void node_name(uint64_t index, char out[32])
{
	snprintf(out, 32, "node-%03llu", (unsigned long long)index);
}

void node_ip(uint64_t index, char out[32])
{
	snprintf(out, 32, "192.168.%u.%u", (unsigned)(16 + index / 240 % 200),
		 (unsigned)(10 + index % 240));
}

static void conditions(const char *now, struct buf *b)
{
	static const char *const list[][4] = {
	    {"MemoryPressure", "False", "KubeletHasSufficientMemory",
	     "kubelet has sufficient memory available"},
	    {"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
	    {"PIDPressure", "False", "KubeletHasSufficientPID",
	     "kubelet has sufficient PID available"},
	    {"Ready", "True", "KubeletReady", "kubelet is posting ready status. AppArmor enabled"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		buf_printf(b,
			   "%s{\"type\":\"%s\",\"status\":\"%s\",\"lastHeartbeatTime\":\"%s\","
			   "\"lastTransitionTime\":\"%s\",\"reason\":\"%s\",\"message\":\"%s\"}",
			   i ? "," : "", list[i][0], list[i][1], now, now, list[i][2], list[i][3]);
}

static void resources(bool large, struct buf *b)
{
	buf_printf(b,
		   "\"capacity\":{\"cpu\":\"%s\",\"ephemeral-storage\":\"202092480Ki\","
		   "\"hugepages-1Gi\":\"0\",\"hugepages-2Mi\":\"%s\",\"memory\":\"%s\",\"pods\":"
		   "\"250\"},",
		   large ? "16" : "8", large ? "2Gi" : "0", large ? "65852264Ki" : "32926132Ki");
	buf_printf(b,
		   "\"allocatable\":{\"cpu\":\"%s\",\"ephemeral-storage\":\"185175686463\","
		   "\"hugepages-1Gi\":\"0\",\"hugepages-2Mi\":\"%s\",\"memory\":\"%s\",\"pods\":"
		   "\"250\"}",
		   large ? "15890m" : "7910m", large ? "2Gi" : "0",
		   large ? "62861160Ki" : "31430580Ki");
}

void generate_node(struct generator *g, uint64_t index, struct buf *b)
{
	static const char *const zones[] = {"eu-west-1a", "eu-west-1b", "eu-west-1c"};
	const char *zone = zones[index % ARRAY_SIZE(zones)];
	char name[32], ip[32], uid[37], now[32], id[65], other[33], digest[65];
	bool large = index % 4 == 0;
	struct rng *r = &g->rng;

	node_name(index, name);
	node_ip(index, ip);
	rng_uuid(r, uid);
	format_time(g->start + (int64_t)index, now);
	buf_printf(b,
		   "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\",\"resourceVersion\":\"%llu\","
		   "\"creationTimestamp\":\"%s\",\"labels\":{\"beta.kubernetes.io/arch\":\"amd64\","
		   "\"beta.kubernetes.io/os\":\"linux\",\"kubernetes.io/arch\":\"amd64\","
		   "\"kubernetes.io/hostname\":\"%s\",\"kubernetes.io/os\":\"linux\","
		   "\"node-role.kubernetes.io/worker\":\"\","
		   "\"node.kubernetes.io/instance-type\":\"%s\","
		   "\"topology.kubernetes.io/region\":\"eu-west-1\","
		   "\"topology.kubernetes.io/zone\":\"%s\"},",
		   name, uid, (unsigned long long)++g->rv, now, name,
		   large ? "m6i.4xlarge" : "m6i.2xlarge", zone);
	rng_hex(r, 17, id);
	buf_printf(
	    b,
	    "\"annotations\":{\"csi.volume.kubernetes.io/nodeid\":\"{\\\"ebs.csi.aws.com\\\":"
	    "\\\"i-%s\\\"}\",\"node.alpha.kubernetes.io/ttl\":\"0\","
	    "\"volumes.kubernetes.io/controller-managed-attach-detach\":\"true\"}},",
	    id);
	rng_hex(r, 17, id);
	buf_printf(b,
		   "\"spec\":{\"podCIDR\":\"10.%u.%u.0/24\",\"podCIDRs\":[\"10.%u.%u.0/24\"],"
		   "\"providerID\":\"aws:///%s/i-%s\"%s},\"status\":{",
		   (unsigned)(64 + index / 250), (unsigned)(index % 250),
		   (unsigned)(64 + index / 250), (unsigned)(index % 250), zone, id,
		   index % 20 == 19 ? ",\"unschedulable\":true,\"taints\":[{\"key\":"
				      "\"node.kubernetes.io/unschedulable\",\"effect\":"
				      "\"NoSchedule\"}]"
				    : "");
	resources(large, b);
	buf_puts(b, ",\"conditions\":[");
	conditions(now, b);
	rng_hex(r, 32, other);
	buf_printf(
	    b,
	    "],\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"%s\"},{\"type\":"
	    "\"InternalIP\",\"address\":\"fd00:10:16::%lx\"},{\"type\":\"Hostname\","
	    "\"address\":\"%s\"}],\"daemonEndpoints\":{\"kubeletEndpoint\":{\"Port\":10250}},"
	    "\"nodeInfo\":{\"machineID\":\"%s\",",
	    ip, 0x1000 + (unsigned long)index, name, other);
	rng_uuid(r, uid);
	buf_printf(b, "\"systemUUID\":\"%s\",", uid);
	rng_uuid(r, uid);
	buf_printf(b,
		   "\"bootID\":\"%s\",\"kernelVersion\":\"6.1.0-18-cloud-amd64\",\"osImage\":"
		   "\"Debian GNU/Linux 12 (bookworm)\",\"containerRuntimeVersion\":"
		   "\"containerd://1.7.1\",\"kubeletVersion\":\"v1.27.1\",\"kubeProxyVersion\":"
		   "\"v1.27.1\",\"operatingSystem\":\"linux\",\"architecture\":\"amd64\"},"
		   "\"images\":[",
		   uid);
	for (unsigned i = 0; i < IMAGES; i++) {
		unsigned minor = (unsigned)rng_below(r, 30), patch = (unsigned)rng_below(r, 9);

		rng_hex(r, 64, digest);
		buf_printf(b,
			   "%s{\"names\":[\"registry.example.com/base/img%u@sha256:%s\","
			   "\"registry.example.com/base/img%u:v1.%u.%u\"],\"sizeBytes\":%u}",
			   i ? "," : "", i, digest, i, minor, patch,
			   (unsigned)(20000000 + rng_below(r, 900000000)));
	}
	buf_puts(b, "]}}");
}
