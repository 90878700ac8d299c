/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw requests (src/fs): whatever the kernel asks of whichever node, it gets one reply, or none
 * where it wants none; and when it has given back what it holds, nothing is left (kernel.h).
 *
 * What the kernel guarantees is kept, as libfuse relies on it: an argument is as long as its
 * struct, names are terminated, a READ asks for 1 MiB at most, there is one INIT, nothing is
 * retrieved that was not asked for, and nobody forgets what he does not have.
 *
 * Input: records of an opcode, a node (an index of those the kernel knows, 0: the root, 255: one
 * that never was), a length and as many bytes of argument. Beyond FUSE's opcodes are changes of the
 * store.
 */
#include "kernel.h"

#define OPCODES 52
#define REQUESTS_MAX 128
#define SIZE_MAX_ASKED (1u << 20)

#define POD(name, uid, labels, spec, status)                                                       \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"uid\":\"" uid               \
	"\",\"labels\":{" labels "}},\"spec\":{" spec "},\"status\":{" status "}}"

static void put_pod(const char *json)
{
	fuzz_check(world_put(&world, KIND_POD, json) >= 0);
}

static void change(unsigned int what)
{
	switch (what % 8) {
	case 0:
		put_pod(POD("web", "1", "\"a\":\"1\",\"k8s.io/b\":\"2\"",
			    "\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\"}]",
			    "\"podIP\":\"10.0.0.1\""));
		break;
	case 1:
		put_pod(POD("web", "1", "\"a\":\"3\"", "", "\"podIP\":\"10.0.0.2\""));
		break;
	case 2:
		put_pod(POD("db", "2", "", "\"nodeName\":\"n1\"", ""));
		break;
	case 3:
		put_pod(POD("web", "3", "", "", ""));
		break;
	case 4:
		fuzz_check(store_remove(world.store, KIND_POD, "shop", "web") >= 0);
		break;
	case 5:
		fuzz_check(store_remove(world.store, KIND_POD, "shop", "db") >= 0);
		break;
	case 6:
		fuzz_check(world_put_named(&world, KIND_NODE, "n1", "9") >= 0);
		break;
	default:
		fuzz_check(store_remove(world.store, KIND_NODE, "", "n1") >= 0);
	}
}

static uint64_t node_of(uint8_t byte)
{
	if (byte == 255)
		return UINT64_MAX - 1;
	return byte && n_nodes ? nodes[byte % n_nodes].id : FUSE_ROOT_ID;
}

/* Only what it has can be given back. */
static void do_forget(uint64_t id, uint64_t count)
{
	const struct fuse_forget_in in = {.nlookup = count};
	struct node *n = find_node(id);

	if (n)
		forget(id, 1 + count % n->lookups);
	else
		request(FUSE_FORGET, id, &in, sizeof(in));
}

static void do_batch_forget(const uint8_t *body, size_t len)
{
	struct {
		struct fuse_batch_forget_in head;
		struct fuse_forget_one one[16];
	} in = {0};

	for (size_t i = 0; i + 1 < len && in.head.count < 16; i += 2) {
		uint64_t id = node_of(body[i]);
		struct node *n = find_node(id);
		uint64_t count = n ? 1 + body[i + 1] % n->lookups : body[i + 1];

		in.one[in.head.count++] = (struct fuse_forget_one){id, count};
		if (n)
			drop_node(n, count);
	}
	request(FUSE_BATCH_FORGET, 0, &in, sizeof(in.head) + in.head.count * sizeof(in.one[0]));
}

/* What a reply told the kernel of. */
static void take_reply(uint32_t op, uint64_t node)
{
	if (op == FUSE_LOOKUP) {
		struct fuse_entry_out e;

		fuzz_check(reply.len == sizeof(e));
		memcpy(&e, reply.data, sizeof(e));
		if (e.nodeid)
			hold_node(e.nodeid, &e.attr);
	} else if (op == FUSE_READDIR || op == FUSE_READDIRPLUS) {
		struct dirent d;

		for (size_t at = 0; next_dirent(op == FUSE_READDIRPLUS, &at, &d);)
			if (d.entry.nodeid)
				hold_node(d.entry.nodeid, &d.entry.attr);
	} else if (op == FUSE_GETATTR) {
		const struct node *n = find_node(node);
		struct fuse_attr_out a;

		fuzz_check(reply.len == sizeof(a));
		memcpy(&a, reply.data, sizeof(a));
		fuzz_check(!n || n->type == (a.attr.mode & S_IFMT));
	}
}

static void do_request(uint32_t op, uint64_t node, const uint8_t *arg, size_t len)
{
	/* Zeros behind it are the rest of its struct, and the end of its names. */
	uint8_t body[256 + 160] = {0};
	struct fuse_read_in read;

	memcpy(body, arg, len);
	if (op == FUSE_READ || op == FUSE_READDIR || op == FUSE_READDIRPLUS) {
		memcpy(&read, body, sizeof(read));
		read.size %= SIZE_MAX_ASKED + 1;
		memcpy(body, &read, sizeof(read));
	}
	if (request(op, node, body, op == FUSE_LOOKUP ? strlen((char *)body) + 1 : sizeof(body)) ==
	    0)
		take_reply(op, node);
}

/* False: the session is over. */
static bool record(struct fuzz_input *in)
{
	unsigned int op = fuzz_byte(in) % (OPCODES + 8);
	uint64_t node = node_of(fuzz_byte(in));
	struct fuzz_input arg = fuzz_take(in, fuzz_byte(in));
	const uint8_t *body = (const uint8_t *)arg.p;
	uint64_t count = 0;

	if (op >= OPCODES) {
		change(op - OPCODES);
	} else if (op == FUSE_FORGET) {
		memcpy(&count, body, arg.len < sizeof(count) ? arg.len : sizeof(count));
		do_forget(node, count);
	} else if (op == FUSE_BATCH_FORGET) {
		do_batch_forget(body, arg.len);
	} else if (op != FUSE_INIT && op != FUSE_NOTIFY_REPLY) {
		if (op == FUSE_DESTROY)
			settle_interrupts();
		do_request(op, node, body, arg.len);
	}
	return !destroyed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);

	kernel_start();
	change(0);
	for (int i = 0; i < REQUESTS_MAX && in.len && record(&in); i++)
		;
	kernel_stop();
	return 0;
}
