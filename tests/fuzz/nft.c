/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump of nf_tables: what is ours becomes objects, which are then printed as `plan` would.
 *
 * libnftnl takes messages for well formed, and nobody but the kernel writes them: an expression
 * without its name ends it by SIGSEGV, a number of another length by exit(). So what is tried here
 * is the values: the bytes in the attributes change, and whole inputs are put together; names of
 * expressions, verdicts and the ends of strings stay.
 */
#include <dlfcn.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <setjmp.h>
#include <stdbool.h>

#include "base/strbuf.h"
#include "base/vec.h"
#include "fuzz.h"
#include "model/print.h"
#include "model/set.h"
#include "net/nft_codec.h"
#include "net/stops.h"
#include "net/trace.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned int seed);

#define LEAVES_MAX 512

struct leaves {
	struct {
		size_t at, len;
	} v[LEAVES_MAX];
	size_t n;
};

static bool is_list(const uint8_t *at, size_t len)
{
	size_t used = 0;

	while (used < len) {
		const struct nlattr *a = (const struct nlattr *)(at + used);

		if (len - used < sizeof(*a) || a->nla_len < sizeof(*a) || a->nla_len > len - used ||
		    mnl_attr_get_type(a) > 64)
			return false;
		used += MNL_ALIGN(a->nla_len);
	}
	return used == len && len > 0;
}

static bool is_string(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if (at[i] < ' ' || at[i] > '~')
			return false;
	return len > 1 && !at[len - 1];
}

static void collect(const uint8_t *data, size_t at, size_t len, int depth, struct leaves *ret)
{
	for (size_t end = at + len; at < end && ret->n < LEAVES_MAX;) {
		const struct nlattr *a = (const struct nlattr *)(data + at);
		const uint8_t *value = data + at + sizeof(*a);
		size_t value_len = a->nla_len - sizeof(*a);

		if (is_list(value, value_len)) {
			collect(data, at + sizeof(*a), value_len, depth + 1, ret);
		} else if (is_string(value, value_len)) {
			if (depth < 2 || mnl_attr_get_type(a) != NFTA_EXPR_NAME)
				ret->v[ret->n++] =
					(typeof(ret->v[0])){ at + sizeof(*a), value_len - 1 };
		} else if (depth >= 4 && value_len == 4 && mnl_attr_get_type(a) == 1) {
			; /* may be a verdict's code: a jump without a chain ends the library too */
		} else if (value_len) {
			ret->v[ret->n++] = (typeof(ret->v[0])){ at + sizeof(*a), value_len };
		}
		at += MNL_ALIGN(a->nla_len);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	const size_t header = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);
	static struct leaves leaves;
	size_t at = 0;

	(void)max;
	leaves.n = 0;
	while (size - at >= header) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(data + at);

		if (!nl_msg_ok(nlh, (int)(size - at)) || nlh->nlmsg_len < header)
			break;
		if (is_list(data + at + header, nlh->nlmsg_len - header))
			collect(data, at + header, nlh->nlmsg_len - header, 0, &leaves);
		at += MNL_ALIGN(nlh->nlmsg_len);
		if (at > size)
			break;
	}
	if (leaves.n) {
		size_t i = seed % leaves.n;

		LLVMFuzzerMutate(data + leaves.v[i].at, leaves.v[i].len, leaves.v[i].len);
	}
	return size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned int seed)
{
	(void)seed;
	if (a_size + b_size > max || a_size % 4)
		return 0;
	memcpy(out, a, a_size);
	memcpy(out + a_size, b, b_size);
	return a_size + b_size;
}

/* What was allocated until a longjmp is lost; tests/fuzz/run does not look for leaks in this one.
 */
static jmp_buf back;
static bool may_return;

void exit(int status)
{
	void (*real)(int) __attribute__((noreturn));

	if (may_return)
		longjmp(back, 1);
	*(void **)&real = dlsym(RTLD_NEXT, "exit");
	real(status);
}

static void decode(const struct nlmsghdr *nlh, int left, struct nft_decoder *decoder)
{
	static const struct trace_devices devices = { .v = { 1, 2, 3 } };
	const struct facts facts = { 0 };
	struct trace trace = { 0 };
	struct trace_text text;
	struct stop_rule rule;

	if (setjmp(back) == 0) {
		may_return = true;
		for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nft_decode(nlh, decoder) < 0 ||
			    stops_decode_rule(nlh, &facts, &rule) < 0 ||
			    trace_take(&trace, nlh, &devices) < 0 ||
			    trace_take_rule(nlh, &text) < 0)
				break;
	}
	may_return = false;
	VEC_DONE(&trace.packets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_set_ struct object_set set = { 0 };
	_cleanup_strbuf_ struct strbuf text = { 0 };
	struct nft_decoder decoder = { .set = &set };
	void *bytes = fuzz_copy(data, size);

	decode(bytes, (int)size, &decoder);
	for (size_t i = 0; i < set.n; i++) {
		must(object_is_nft(&set.v[i]));
		print_remove(&text, &set.v[i], NULL);
		if (set.v[i].kind != OBJ_NFT_RULE) /* of a rule the kernel gives a fingerprint */
			print_add(&text, &set.v[i], NULL);
	}
	free(bytes);
	return 0;
}
