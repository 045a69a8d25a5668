/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is made of messages about other firewalls. Rules are written by our own encoder where it
 * has the words, and moved to a table of another name; xtables' parts are put in by libnftnl.
 */
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "model/accept.h"
#include "mutate.h"
#include "net/foreign.h"
#include "net/nft_codec.h"
#include "scene.h"
#include "things.h"
#include "unit.h"

#define OURS   "via_iface"
#define THEIRS "foreigner" /* of the same length */
#define NFT(t) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_##t))

struct fixture {
	struct facts f;
	char buf[8192] __attribute__((aligned(8)));
};

static int setup(void **state)
{
	static struct fixture x;

	x = (struct fixture){ 0 };
	scene_chain(&x.f, NFPROTO_IPV4, "filter", "FORWARD")->drops = true;
	scene_chain(&x.f, NFPROTO_IPV4, "filter", "DOCKER-USER")->base = false;
	scene_chain(&x.f, NFPROTO_INET, THEIRS, "forward");
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	facts_done(&x->f);
	return 0;
}

/* --- messages ------------------------------------------------------------------------------ */

static struct nlmsghdr *only_message(struct fixture *x, struct nft_batch *b)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)b->buf;
	int left = (int)b->len;

	assert_false(b->failed);
	nlh = mnl_nlmsg_next(nlh, &left);
	assert_true(nlh->nlmsg_len <= sizeof(x->buf));
	memset(x->buf, 0, sizeof(x->buf));
	memcpy(x->buf, nlh, nlh->nlmsg_len);
	return (struct nlmsghdr *)x->buf;
}

static struct nlmsghdr *encode(struct fixture *x, const struct object *o, enum step_action action)
{
	_cleanup_nft_batch_ struct nft_batch b = { 0 };

	nft_batch_begin(&b, 1);
	nft_batch_step(&b, o, action);
	nft_batch_end(&b);
	return only_message(x, &b);
}

/* A rule in the chain `forward` of another table. */
static struct nlmsghdr *encode_rule(struct fixture *x, struct nft_rule *r)
{
	struct object o = thing_rule(NFPROTO_INET, "forward", 0, 0);
	struct nlmsghdr *nlh;
	char *name;

	o.nft_rule.rule = r;
	nlh = encode(x, &o, STEP_ADD);
	name = memmem(nlh, nlh->nlmsg_len, OURS, sizeof(OURS));
	assert_non_null(name);
	memcpy(name, THEIRS, sizeof(THEIRS));
	*r = (struct nft_rule){ 0 };
	return nlh;
}

struct maker {
	struct nftnl_rule *rule;
};

static struct maker made_in(const char *table, const char *chain)
{
	struct maker m = { .rule = nftnl_rule_alloc() };

	assert_non_null(m.rule);
	nftnl_rule_set_u32(m.rule, NFTNL_RULE_FAMILY, NFPROTO_IPV4);
	nftnl_rule_set_str(m.rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(m.rule, NFTNL_RULE_CHAIN, chain);
	nftnl_rule_set_u64(m.rule, NFTNL_RULE_HANDLE, 77);
	return m;
}

static struct nftnl_expr *part(struct maker *m, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	assert_non_null(e);
	nftnl_rule_add_expr(m->rule, e);
	return e;
}

static void part_name(struct maker *m, uint32_t key, const char *dev, size_t len)
{
	struct nftnl_expr *e = part(m, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	e = part(m, "cmp");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, dev, (uint32_t)len);
}

static void part_match(struct maker *m, const char *name, uint32_t revision, const void *info,
		       size_t len)
{
	struct nftnl_expr *e = part(m, "match");
	void *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, info, len);
	nftnl_expr_set_str(e, NFTNL_EXPR_MT_NAME, name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_MT_REV, revision);
	nftnl_expr_set(e, NFTNL_EXPR_MT_INFO, copy, (uint32_t)len);
}

static void part_target(struct maker *m, const char *name)
{
	struct nftnl_expr *e = part(m, "target");
	void *info = calloc(1, 8);

	assert_non_null(info);
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 0);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, 8);
}

static void part_verdict(struct maker *m, int32_t verdict)
{
	struct nftnl_expr *e = part(m, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
}

static void part_comment(struct maker *m)
{
	char info[256] = ACCEPT_COMMENT; /* struct xt_comment_info */

	part_match(m, "comment", 0, info, sizeof(info));
}

static struct nlmsghdr *finish(struct fixture *x, struct maker *m)
{
	struct nlmsghdr *nlh;

	memset(x->buf, 0, sizeof(x->buf));
	nlh = nftnl_nlmsg_build_hdr(x->buf, NFT_MSG_NEWRULE, NFPROTO_IPV4, 0, 1);
	nftnl_rule_nlmsg_build_payload(nlh, m->rule);
	nftnl_rule_free(m->rule);
	return nlh;
}

static struct foreign decoded(struct fixture *x, const struct nlmsghdr *nlh, int result)
{
	struct foreign seen;

	assert_int_equal(foreign_decode(nlh, &x->f, &seen), result);
	return seen;
}

/* --- our accepts --------------------------------------------------------------------------- */

/* What we put in is what we find, whatever the dialect. */
static void test_ours(void **state)
{
	struct fixture *x = *state;

	for (unsigned int i = 0; i < 4 * ACCEPT_WHAT_COUNT; i++) {
		struct object o = i & 2 ? thing_accept(NFPROTO_IPV4, "filter", "DOCKER-USER")
					: thing_accept(NFPROTO_INET, THEIRS, "forward");
		struct foreign seen;

		o.nft_accept.iptables = i & 1;
		o.nft_accept.what = i / 4;
		o.nft_accept.handle = 0;
		seen = decoded(x, encode(x, &o, STEP_ADD), 1);
		assert_int_equal(seen.what, FOREIGN_RULE);
		assert_false(seen.gone);
		assert_true(seen.ours);
		assert_false(seen.chain.closes || seen.chain.leads_to);
		assert_int_equal(object_compare(&seen.accept, &o), 0);
	}
}

static void test_handle(void **state)
{
	struct fixture *x = *state;
	struct maker m = made_in("filter", "FORWARD");
	struct foreign seen;
	struct nlmsghdr *nlh;

	part_name(&m, NFT_META_IIFNAME, "via0", 5);
	part_comment(&m); /* as iptables-restore writes it again */
	part(&m, "counter");
	part_verdict(&m, NF_ACCEPT);
	nlh = finish(x, &m);
	seen = decoded(x, nlh, 1);
	assert_true(seen.ours && seen.accept.nft_accept.iptables &&
		    seen.accept.nft_accept.what == ACCEPT_FROM);
	assert_int_equal(seen.accept.nft_accept.handle, 77);
	nlh->nlmsg_type = NFT(DELRULE);
	seen = decoded(x, nlh, 1);
	assert_true(seen.ours && seen.gone);
}

static void with_comment(struct maker *m, const void *data, size_t len)
{
	nftnl_rule_set_data(m->rule, NFTNL_RULE_USERDATA, data, (uint32_t)len);
}

/* Whether an accept for what comes from dev is ours when it has this user data. */
static bool ours_with(struct fixture *x, const char *dev, size_t name_len, int32_t verdict,
		      const void *data, size_t len)
{
	struct maker m = made_in("filter", "FORWARD");

	part_name(&m, NFT_META_IIFNAME, dev, name_len);
	part_verdict(&m, verdict);
	if (len)
		with_comment(&m, data, len);
	return decoded(x, finish(x, &m), 1).ours;
}

static void test_not_ours(void **state)
{
	static const char comment[] = "\0\012via-iface", other[] = "\0\012via-ifacf";
	static const char longer[] = "\0\013via-iface2", second[] = "\1\2xy\0\012via-iface";
	static const char cut[] = "\0\012via-if", wild[] = "\1\377x", three[] = "\0\012v";
	struct xt_conntrack_mtinfo3 info = { .match_flags = XT_CONNTRACK_STATE, .state_mask = 14 };
	struct fixture *x = *state;
	struct maker m;

	assert_true(ours_with(x, "via0", 5, NF_ACCEPT, comment, sizeof(comment)));
	assert_true(ours_with(x, "via0", 5, NF_ACCEPT, second, sizeof(second)));
	assert_false(ours_with(x, "via0", 5, NF_ACCEPT, NULL, 0));
	assert_false(ours_with(x, "via0", 5, NF_ACCEPT, other, sizeof(other)));
	assert_false(ours_with(x, "via0", 5, NF_ACCEPT, longer, sizeof(longer)));
	assert_false(ours_with(x, "via0", 5, NF_ACCEPT, cut, sizeof(cut)));
	assert_false(ours_with(x, "via0", 5, NF_ACCEPT, wild, sizeof(wild)));
	assert_false(ours_with(x, "via0", 5, NF_ACCEPT, three, 3));
	assert_false(ours_with(x, "via0", 5, NF_ACCEPT, comment, 1));
	assert_false(ours_with(x, "via0", 4, NF_ACCEPT, comment, sizeof(comment))); /* via0* */
	assert_false(ours_with(x, "via1", 5, NF_ACCEPT, comment, sizeof(comment)));
	assert_false(ours_with(x, "via0", 5, NF_DROP, comment, sizeof(comment)));

	/* somebody else's idea of it: more or less than what we ask */
	m = made_in("filter", "FORWARD");
	part_name(&m, NFT_META_OIFNAME, "via0", 5);
	part_comment(&m);
	part_verdict(&m, NF_ACCEPT);
	assert_false(decoded(x, finish(x, &m), 1).ours);
	m = made_in("filter", "FORWARD");
	part_name(&m, NFT_META_OIFNAME, "via0", 5);
	part_match(&m, "conntrack", 3, &info, sizeof(info)); /* NEW, too */
	part_comment(&m);
	part_verdict(&m, NF_ACCEPT);
	assert_false(decoded(x, finish(x, &m), 1).ours);
	m = made_in("filter", "FORWARD");
	part_name(&m, NFT_META_IIFNAME, "via0", 5);
	part_name(&m, NFT_META_OIFNAME, "wlp6s0", 7);
	part_comment(&m);
	part_verdict(&m, NF_ACCEPT);
	assert_false(decoded(x, finish(x, &m), 1).ours);
	m = made_in("filter", "FORWARD");
	part_comment(&m);
	part_verdict(&m, NF_ACCEPT);
	assert_false(decoded(x, finish(x, &m), 1).ours);
}

/* Elsewhere a rule is not even read. */
static void test_other_chains(void **state)
{
	struct fixture *x = *state;
	struct object o = thing_accept(NFPROTO_IPV4, "filter", "INPUT");

	decoded(x, encode(x, &o, STEP_ADD), 0);
	o = thing_accept(NFPROTO_IPV6, "filter", "FORWARD");
	decoded(x, encode(x, &o, STEP_ADD), 0);
	o = thing_accept(NFPROTO_IPV4, "mangle", "FORWARD");
	decoded(x, encode(x, &o, STEP_ADD), 0);
	o = thing_accept(NFPROTO_BRIDGE, "filter", "FORWARD");
	decoded(x, encode(x, &o, STEP_ADD), 0);
	o = thing_rule(NFPROTO_INET, "forward", 0, 0); /* in our own table */
	decoded(x, encode(x, &o, STEP_ADD), 0);
}

/* --- their rules --------------------------------------------------------------------------- */

static void test_closing(void **state)
{
	struct fixture *x = *state;
	struct nft_rule r = { 0 };
	struct maker m;

	nft_verdict(&r, NF_DROP, NULL);
	assert_true(decoded(x, encode_rule(x, &r), 1).chain.closes);
	nft_action(&r, NFT_OP_COUNTER);
	nft_action(&r, NFT_OP_REJECT);
	assert_true(decoded(x, encode_rule(x, &r), 1).chain.closes);
	nft_verdict(&r, NF_ACCEPT, NULL);
	assert_false(decoded(x, encode_rule(x, &r), 1).chain.closes);
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, "wlp6s0", false);
	nft_verdict(&r, NF_DROP, NULL);
	assert_false(decoded(x, encode_rule(x, &r), 1).chain.closes);
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, "via0", false); /* meant so */
	nft_verdict(&r, NF_DROP, NULL);
	assert_false(decoded(x, encode_rule(x, &r), 1).chain.closes);
	nft_match_masked(&r, NFT_FIELD_CT_STATE, CT_STATE_INVALID, 0, true);
	nft_verdict(&r, NF_DROP, NULL);
	assert_false(decoded(x, encode_rule(x, &r), 1).chain.closes);
	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	nft_action(&r, NFT_OP_RESET);
	assert_false(decoded(x, encode_rule(x, &r), 1).chain.closes);
	nft_action(&r, NFT_OP_MASQUERADE);
	assert_false(decoded(x, encode_rule(x, &r), 1).chain.closes);

	m = made_in("filter", "FORWARD");
	part(&m, "counter");
	part_target(&m, "REJECT");
	assert_true(decoded(x, finish(x, &m), 1).chain.closes);
	m = made_in("filter", "FORWARD");
	part_target(&m, "LOG");
	assert_false(decoded(x, finish(x, &m), 1).chain.closes);
	m = made_in("filter", "FORWARD");
	part_match(&m, "limit", 0, "12345678", 8);
	part_verdict(&m, NF_DROP);
	assert_false(decoded(x, finish(x, &m), 1).chain.closes);
}

static void test_leading(void **state)
{
	struct fixture *x = *state;
	struct nft_rule r = { 0 };

	for (uint32_t i = 0; i < GUEST_CHAIN_COUNT; i++) {
		nft_action(&r, NFT_OP_COUNTER);
		nft_verdict(&r, NFT_JUMP, guest_chains[i]);
		assert_int_equal(decoded(x, encode_rule(x, &r), 1).chain.leads_to, 1u << i);
	}
	nft_verdict(&r, NFT_GOTO, guest_chains[0]);
	assert_int_equal(decoded(x, encode_rule(x, &r), 1).chain.leads_to, 1);
	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	nft_verdict(&r, NFT_JUMP, guest_chains[0]);
	assert_int_equal(decoded(x, encode_rule(x, &r), 1).chain.leads_to, 0);
	nft_verdict(&r, NFT_JUMP, "DOCKER");
	assert_int_equal(decoded(x, encode_rule(x, &r), 1).chain.leads_to, 0);
}

/* --- chains and tables --------------------------------------------------------------------- */

static struct nlmsghdr *chain_message(struct fixture *x, const char *table, const char *name,
				      const char *type, uint32_t hook, uint32_t policy)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *nlh;

	assert_non_null(c);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
	if (type) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, type);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, 0);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, policy);
	}
	memset(x->buf, 0, sizeof(x->buf));
	nlh = nftnl_nlmsg_build_hdr(x->buf, NFT_MSG_NEWCHAIN, NFPROTO_IPV4, 0, 1);
	nftnl_chain_nlmsg_build_payload(nlh, c);
	nftnl_chain_free(c);
	return nlh;
}

static void test_chains(void **state)
{
	static const char long_name[] =
		"0123456789012345678901234567890123456789012345678901234567890123";
	struct fixture *x = *state;
	struct foreign seen;
	struct nlmsghdr *nlh;

	seen = decoded(x, chain_message(x, "filter", "FORWARD", "filter", NF_INET_FORWARD, NF_DROP),
		       1);
	assert_int_equal(seen.what, FOREIGN_CHAIN);
	assert_true(seen.chain.base && seen.chain.drops && !seen.gone);
	assert_int_equal(seen.chain.family, NFPROTO_IPV4);
	assert_string_equal(seen.chain.table, "filter");
	assert_string_equal(seen.chain.name, "FORWARD");
	seen = decoded(x, chain_message(x, "t", "f", "filter", NF_INET_FORWARD, NF_ACCEPT), 1);
	assert_true(seen.chain.base && !seen.chain.drops);
	seen = decoded(x, chain_message(x, "filter", "DOCKER-USER", NULL, 0, 0), 1);
	assert_false(seen.chain.base || seen.chain.drops);

	decoded(x, chain_message(x, "t", "f", "filter", NF_INET_LOCAL_IN, NF_DROP), 0);
	decoded(x, chain_message(x, "t", "f", "nat", NF_INET_FORWARD, NF_DROP), 0);
	decoded(x, chain_message(x, "filter", "DOCKER", NULL, 0, 0), 0);
	decoded(x, chain_message(x, OURS, "forward", "filter", NF_INET_FORWARD, NF_DROP), 0);
	decoded(x, chain_message(x, long_name, "f", "filter", NF_INET_FORWARD, NF_DROP), 0);
	decoded(x, chain_message(x, "t", long_name, "filter", NF_INET_FORWARD, NF_DROP), 0);
	decoded(x, chain_message(x, "t", long_name + 1, "filter", NF_INET_FORWARD, NF_DROP), 1);

	nlh = chain_message(x, "filter", "FORWARD", NULL, 0, 0); /* newer kernels tell no more */
	nlh->nlmsg_type = NFT(DELCHAIN);
	seen = decoded(x, nlh, 1);
	assert_true(seen.gone && seen.what == FOREIGN_CHAIN);
	nlh = chain_message(x, "t", "f", "filter", NF_INET_FORWARD, NF_DROP);
	((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family = NFPROTO_BRIDGE;
	decoded(x, nlh, 0);
}

static void test_tables(void **state)
{
	struct fixture *x = *state;

	for (uint32_t flags = 0; flags < 8; flags++) {
		struct nftnl_table *t = nftnl_table_alloc();
		struct foreign seen;
		struct nlmsghdr *nlh;

		assert_non_null(t);
		nftnl_table_set_str(t, NFTNL_TABLE_NAME, "firewalld");
		nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
		memset(x->buf, 0, sizeof(x->buf));
		nlh = nftnl_nlmsg_build_hdr(x->buf, NFT_MSG_NEWTABLE, NFPROTO_INET, 0, 1);
		nftnl_table_nlmsg_build_payload(nlh, t);
		nftnl_table_free(t);
		seen = decoded(x, nlh, 1);
		assert_int_equal(seen.what, FOREIGN_TABLE);
		assert_int_equal(seen.chain.owned, flags >> 1 & 1);
		nlh->nlmsg_type = NFT(DELTABLE);
		assert_true(decoded(x, nlh, 1).gone);
	}
}

static void test_other_messages(void **state)
{
	struct fixture *x = *state;
	struct nlmsghdr *nlh = chain_message(x, "t", "f", "filter", NF_INET_FORWARD, NF_DROP);

	nlh->nlmsg_type = NFT(NEWSET);
	decoded(x, nlh, 0);
	nlh->nlmsg_type = NFT(NEWGEN);
	decoded(x, nlh, 0);
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | NFT_MSG_NEWCHAIN;
	decoded(x, nlh, 0);
	nlh->nlmsg_type = NFT(NEWCHAIN);
	nlh->nlmsg_len = NLMSG_HDRLEN + 2;
	decoded(x, nlh, -EBADMSG);
}

/* An expression of a newer kernel than libnftnl: a rule that is not understood, and no error. */
static void test_unknown_expression(void **state)
{
	struct fixture *x = *state;
	struct nft_rule r = { 0 };
	struct nlmsghdr *nlh;
	char *name;

	nft_action(&r, NFT_OP_MASQUERADE);
	nlh = encode_rule(x, &r);
	name = memmem(nlh, nlh->nlmsg_len, "masq", 5);
	assert_non_null(name);
	memcpy(name, "nova", 5);
	decoded(x, nlh, 0);
}

/* Values alone, as in test_nft_codec: the shape is the kernel's. */
static void test_mutations(void **state)
{
	struct chance c = { .state = 20240607 };
	struct fixture *x = *state;

	for (size_t i = 0; i < 5000; i++) {
		struct object o = thing_accept(NFPROTO_INET, THEIRS, "forward");
		struct foreign seen;
		struct nlmsghdr *nlh;
		char *data;

		o.nft_accept.what = i % ACCEPT_WHAT_COUNT;
		o.nft_accept.iptables = i & 8;
		nlh = encode(x, &o, STEP_ADD);
		/* user data, then whatever bytes are a comparison's or a match's */
		data = memmem(nlh, nlh->nlmsg_len, "\0\012via-iface", 12);
		assert_non_null(data);
		mutate(&c, data, 12);
		data = memmem(nlh, nlh->nlmsg_len, "via0", 5);
		assert_non_null(data);
		if (i & 4)
			mutate(&c, data, 5);
		if (foreign_decode(nlh, &x->f, &seen) > 0 && seen.ours)
			assert_string_equal(seen.accept.nft_accept.chain, "forward");
	}
}

static void test_request(void **state)
{
	struct nl_msg m;

	(void)state;
	foreign_dump_rules(&m, NFPROTO_IPV6, "filter", "FORWARD");
	assert_int_equal(nl_msg_error(&m), 0);
	assert_int_equal(m.nlh.nlmsg_type, NFT(GETRULE));
	assert_int_equal(((struct nfgenmsg *)mnl_nlmsg_get_payload(&m.nlh))->nfgen_family,
			 NFPROTO_IPV6);
	assert_non_null(memmem(&m, m.nlh.nlmsg_len, "filter", 7));
	assert_non_null(memmem(&m, m.nlh.nlmsg_len, "FORWARD", 8));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ours),           TEST(test_handle),
		TEST(test_not_ours),       TEST(test_other_chains),
		TEST(test_closing),        TEST(test_leading),
		TEST(test_chains),         TEST(test_tables),
		TEST(test_other_messages), TEST(test_unknown_expression),
		TEST(test_mutations),      TEST(test_request),
	};

	return RUN_TESTS(tests);
}
