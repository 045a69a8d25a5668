/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/trace.h"

#include <endian.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/trace.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "model/own.h"
#include "net/nft_internal.h"
#include "net/nft_text.h"
#include "net/nftnl_cleanup.h"

#define TABLE_OWNER  0x2u /* linux/netfilter/nf_tables.h: NFT_TABLE_F_OWNER, since 5.12 */
#define CHAIN        "prerouting"
#define BEFORE_ALL   (INT_MIN + 1) /* a priority */
#define EVENTS_BYTES (8 * 1024 * 1024)
#define PACKETS_MAX  256

/* --- the table ----------------------------------------------------------------------------- */

static void add_table(struct nft_batch *b, uint8_t family)
{
	_cleanup_nftnl_(table) struct nftnl_table *t = nftnl_table_alloc();
	bool filled = t && nftnl_table_set_str(t, NFTNL_TABLE_NAME, TRACE_TABLE) == 0;
	struct nlmsghdr *nlh = nft_batch_start(b, filled, NFT_MSG_NEWTABLE, NLM_F_CREATE, family);

	if (nlh) {
		nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, TABLE_OWNER);
		nftnl_table_nlmsg_build_payload(nlh, t);
	}
	nft_batch_finish(b, nlh);
}

static void add_chain(struct nft_batch *b, uint8_t family)
{
	_cleanup_nftnl_(chain) struct nftnl_chain *c = nftnl_chain_alloc();
	bool filled = c && nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, TRACE_TABLE) == 0 &&
		      nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, CHAIN) == 0 &&
		      nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter") == 0;
	struct nlmsghdr *nlh = nft_batch_start(b, filled, NFT_MSG_NEWCHAIN, NLM_F_CREATE, family);

	if (nlh) { /* the number of the hook is the same for bridges */
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, NF_INET_PRE_ROUTING);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, BEFORE_ALL);
		nftnl_chain_nlmsg_build_payload(nlh, c);
	}
	nft_batch_finish(b, nlh);
}

/* "meta nftrace set 1" behind what the rule matches. */
static bool add_trace(struct nftnl_rule *rule)
{
	struct nftnl_expr *value = nftnl_expr_alloc("immediate"), *meta = nftnl_expr_alloc("meta");
	const uint8_t one = 1;

	if (!value || !meta) {
		if (value)
			nftnl_expr_free(value);
		if (meta)
			nftnl_expr_free(meta);
		return false;
	}
	nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, &one, sizeof(one));
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, NFT_REG_1);
	nftnl_rule_add_expr(rule, value);
	nftnl_rule_add_expr(rule, meta);
	return true;
}

static void add_rule(struct nft_batch *b, uint8_t family, const struct nft_rule *match)
{
	_cleanup_nftnl_(rule) struct nftnl_rule *rule =
		nft_new_rule(family, TRACE_TABLE, CHAIN, match);
	struct nlmsghdr *nlh = nft_batch_start(b, rule && add_trace(rule), NFT_MSG_NEWRULE,
					       NLM_F_CREATE | NLM_F_APPEND, family);

	if (nlh)
		nftnl_rule_nlmsg_build_payload(nlh, rule);
	nft_batch_finish(b, nlh);
}

static void add_port(struct nft_batch *b, const char *port)
{
	struct nft_rule r = { 0 };

	nft_match_ifname(&r, NFT_FIELD_IIFNAME, port, false);
	add_rule(b, NFPROTO_BRIDGE, &r);
}

/* Kernels that do not pass the packet's flag from the bridge on: once more, by the address. */
static void add_session(struct nft_batch *b, const struct ip *ip)
{
	bool four = ip->family == AF_INET;
	struct nft_rule r = { 0 };

	if (!ip->family)
		return;
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, false);
	nft_match_u8(&r, NFT_FIELD_NFPROTO, four ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nft_match(&r, four ? NFT_FIELD_IP_SADDR : NFT_FIELD_IP6_SADDR, ip->bytes, ip_size(ip));
	add_rule(b, NFPROTO_INET, &r);
}

/* Errors of routers and answers to an echo (RFC 792, RFC 4443). */
static void add_answers(struct nft_batch *b, const char *uplink)
{
	static const struct {
		uint8_t protocol, type;
	} answers[] = {
		{ IPPROTO_ICMP, 0 },   { IPPROTO_ICMP, 3 },   { IPPROTO_ICMP, 11 },
		{ IPPROTO_ICMPV6, 1 }, { IPPROTO_ICMPV6, 3 }, { IPPROTO_ICMPV6, 129 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		bool four = answers[i].protocol == IPPROTO_ICMP;
		struct nft_rule r = { 0 };

		nft_match_ifname(&r, NFT_FIELD_IIFNAME, uplink, false);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, answers[i].protocol);
		nft_match_u8(&r, four ? NFT_FIELD_ICMP_TYPE : NFT_FIELD_ICMPV6_TYPE,
			     answers[i].type);
		add_rule(b, NFPROTO_INET, &r);
	}
}

static int make_table(struct trace *t, const struct trace_of *of, struct err *err)
{
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	uint32_t failed = 0;

	nft_batch_begin(&b, t->owner.seq + 1);
	add_table(&b, NFPROTO_BRIDGE);
	add_chain(&b, NFPROTO_BRIDGE);
	add_port(&b, of->port);
	add_table(&b, NFPROTO_INET);
	add_chain(&b, NFPROTO_INET);
	for (size_t i = 0; i < 2; i++)
		add_session(&b, &of->session[i]);
	add_answers(&b, of->uplink);
	nft_batch_end(&b);
	if (b.failed)
		return err_errno(err, ENOMEM, "trace packets");
	t->owner.seq = b.seq;
	return nl_batch(&t->owner, b.buf, b.len, nft_batch_last(&b), &failed, err);
}

int trace_begin(struct trace *t, const struct trace_of *of, struct err *err)
{
	const int bytes = EVENTS_BYTES;
	int r = nl_open(&t->events, NETLINK_NETFILTER, err);

	if (r == 0)
		r = nl_join(&t->events, NFNLGRP_NFTRACE, err);
	if (r == 0)
		r = nl_open(&t->owner, NETLINK_NETFILTER, err);
	if (r < 0)
		return r;
	setsockopt(nl_fd(&t->events), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return make_table(t, of, err);
}

void trace_done(struct trace *t)
{
	nl_close(&t->events);
	nl_close(&t->owner);
	VEC_DONE(&t->packets);
}

/* --- the kernel's messages ------------------------------------------------------------------ */

static bool is_place(const struct nftnl_trace *event, uint8_t family, struct trace_place *ret)
{
	const char *table = nftnl_trace_is_set(event, NFTNL_TRACE_TABLE)
				    ? nftnl_trace_get_str(event, NFTNL_TRACE_TABLE)
				    : NULL;
	const char *chain = nftnl_trace_is_set(event, NFTNL_TRACE_CHAIN)
				    ? nftnl_trace_get_str(event, NFTNL_TRACE_CHAIN)
				    : NULL;

	*ret = (struct trace_place){ .family = family };
	if (!table || !chain || copy_string(ret->table, sizeof(ret->table), table) < 0 ||
	    copy_string(ret->chain, sizeof(ret->chain), chain) < 0)
		return false;
	if (nftnl_trace_is_set(event, NFTNL_TRACE_RULE_HANDLE))
		ret->handle = nftnl_trace_get_u64(event, NFTNL_TRACE_RULE_HANDLE);
	return true;
}

static struct trace_packet *find(struct trace *t, uint32_t id)
{
	for (size_t i = t->packets.n; i > 0; i--) /* the kernel uses a number again */
		if (t->packets.v[i - 1].id == id)
			return &t->packets.v[i - 1];
	return NULL;
}

static bool is_of_session(const struct trace_devices *devices, uint32_t iif)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices->v); i++)
		if (devices->v[i] && iif == devices->v[i])
			return true;
	return false;
}

static struct trace_packet *add(struct trace *t, uint32_t id)
{
	struct trace_packet *p = t->packets.n < PACKETS_MAX ? VEC_PUSH(&t->packets) : NULL;

	if (p)
		*p = (struct trace_packet){ .id = id };
	return p;
}

/*
 * A packet begins at our own rules; of one from the port those of the second table come later. Its
 * number may be another one in the next hook, where the first message has the device
 * (nf_tables_trace.c:nft_trace_init).
 */
static struct trace_packet *packet_of(struct trace *t, const struct nftnl_trace *event,
				      const struct trace_place *at,
				      const struct trace_devices *devices)
{
	uint32_t id = nftnl_trace_get_u32(event, NFTNL_TRACE_ID);
	struct trace_packet *p = find(t, id);
	bool ours = !strcmp(at->table, TRACE_TABLE);

	if (p && !p->dropped) {
		bool same = !strcmp(p->last.table, TRACE_TABLE) && p->last.family == at->family;

		if (!ours || same ||
		    (at->family == NFPROTO_INET && p->last.family == NFPROTO_BRIDGE))
			return p;
	}
	if (ours)
		return add(t, id);
	if (nftnl_trace_is_set(event, NFTNL_TRACE_IIF) &&
	    is_of_session(devices, nftnl_trace_get_u32(event, NFTNL_TRACE_IIF)))
		return add(t, id);
	return NULL;
}

static uint8_t version_of(const struct nftnl_trace *event)
{
	uint32_t len = 0;
	const uint8_t *header =
		nftnl_trace_is_set(event, NFTNL_TRACE_NETWORK_HEADER)
			? nftnl_trace_get_data(event, NFTNL_TRACE_NETWORK_HEADER, &len)
			: NULL;

	if (!header || !len)
		return 0;
	return header[0] >> 4 == 4 ? AF_INET : header[0] >> 4 == 6 ? AF_INET6 : 0;
}

/* A mark that a rule of others has left there. In a new hook the first one may be older. */
static void see_mark(struct trace_packet *p, const struct trace_place *at, uint32_t mark)
{
	bool ours = !strcmp(at->table, NFT_TABLE_NAME) || !strcmp(at->table, TRACE_TABLE);
	bool older = !p->last.table[0] && (mark & OWN_MARK_TAG_MASK) == OWN_MARK_TAG;

	if (mark != p->mark_now && at->handle && !ours && !older) {
		p->marked = *at;
		p->mark = mark;
	}
	p->mark_now = mark;
}

static int take(struct trace *t, const struct nftnl_trace *event,
		const struct trace_devices *devices)
{
	uint32_t type = nftnl_trace_get_u32(event, NFTNL_TRACE_TYPE), mark = 0, verdict;
	struct trace_packet *p;
	struct trace_place at;

	if (!nftnl_trace_is_set(event, NFTNL_TRACE_ID) ||
	    !is_place(event, (uint8_t)nftnl_trace_get_u32(event, NFTNL_TRACE_FAMILY), &at))
		return 0;
	p = packet_of(t, event, &at, devices);
	if (!p)
		return 0;
	verdict = nftnl_trace_get_u32(event, type == NFT_TRACETYPE_POLICY ? NFTNL_TRACE_POLICY
									  : NFTNL_TRACE_VERDICT);
	if (nftnl_trace_is_set(event, NFTNL_TRACE_MARK))
		mark = nftnl_trace_get_u32(event, NFTNL_TRACE_MARK);
	if (!p->family)
		p->family = version_of(event);
	if (nftnl_trace_is_set(event, NFTNL_TRACE_IIF) && devices->v[TRACE_UPLINK] &&
	    nftnl_trace_get_u32(event, NFTNL_TRACE_IIF) == devices->v[TRACE_UPLINK])
		p->answer = true;
	see_mark(p, &at, mark);
	/* br_netfilter passes it through inet's hooks from within the bridge's: these are further
	 */
	if (verdict == NF_DROP || at.family != NFPROTO_BRIDGE || !p->last.table[0] ||
	    p->last.family == NFPROTO_BRIDGE)
		p->last = at;
	p->dropped = verdict == NF_DROP;
	return 0;
}

int trace_take(struct trace *t, const struct nlmsghdr *nlh, const struct trace_devices *devices)
{
	struct nftnl_trace *event;
	int r = 0;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return 0;
	event = nftnl_trace_alloc();
	if (!event)
		return -ENOMEM;
	if (nftnl_trace_nlmsg_parse(nlh, event) >= 0)
		r = take(t, event, devices);
	nftnl_trace_free(event);
	return r;
}

void trace_end(struct trace *t, const struct trace_of *of)
{
	char bytes[16384] __attribute__((aligned(8)));
	struct trace_devices devices = { 0 };

	devices.v[TRACE_UPLINK] = if_nametoindex(of->uplink);
	devices.v[TRACE_BRIDGE] = if_nametoindex(BRIDGE_NAME);
	devices.v[TRACE_PORT] = if_nametoindex(of->port);

	nl_close(&t->owner); /* and the table with it */
	for (;;) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)bytes;
		ssize_t n = nl_recv(&t->events, bytes, sizeof(bytes), MSG_DONTWAIT);
		int left = (int)n;

		if (n < 0 && (errno == ENOBUFS || errno == EINTR))
			continue;
		if (n < 0)
			return;
		for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			trace_take(t, nlh, &devices);
	}
}

/* --- what is at a place --------------------------------------------------------------------- */

static int is_physdev(struct nftnl_expr *e, void *arg)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	const char *match =
		name && !strcmp(name, "match") ? nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME) : NULL;

	if (match && !strcmp(match, "physdev"))
		*(bool *)arg = true;
	return 0;
}

int trace_take_rule(const struct nlmsghdr *nlh, struct trace_text *ret)
{
	_cleanup_nftnl_(rule) struct nftnl_rule *rule = nftnl_rule_alloc();
	_cleanup_strbuf_ struct strbuf text = { 0 };

	if (!rule)
		return -ENOMEM;
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg) ||
	    nftnl_rule_nlmsg_parse(nlh, rule) < 0)
		return 0;
	if (nft_rule_text(rule, &text) && text.len < sizeof(ret->rule))
		snprintf(ret->rule, sizeof(ret->rule), "%s", strbuf_text(&text));
	nftnl_expr_foreach(rule, is_physdev, &ret->physdev);
	return 0;
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	return trace_take_rule(nlh, arg);
}

static int take_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	_cleanup_nftnl_(chain) struct nftnl_chain *c = nftnl_chain_alloc();
	struct trace_text *ret = arg;

	if (!c)
		return -ENOMEM;
	if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN) &&
	    nftnl_chain_nlmsg_parse(nlh, c) >= 0 && nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM))
		snprintf(ret->hook, sizeof(ret->hook), "%s",
			 nft_hook_name(nfg->nfgen_family,
				       nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM)));
	return 0;
}

static void ask(struct nl_msg *m, uint16_t type, uint8_t family)
{
	struct nfgenmsg *nfg =
		nl_msg_start(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, sizeof(*nfg));

	if (nfg)
		*nfg = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0 };
}

static void ask_chain(struct nl_sock *nft, const struct trace_place *place, const char *chain,
		      struct trace_text *ret)
{
	struct err ignored;
	struct nl_msg m;

	ask(&m, NFT_MSG_GETCHAIN, place->family);
	nl_put_str(&m, NFTA_CHAIN_TABLE, place->table);
	nl_put_str(&m, NFTA_CHAIN_NAME, chain);
	nl_get(nft, &m, take_chain, ret, &ignored);
}

static int take_table(const struct nlmsghdr *nlh, void *arg)
{
	_cleanup_nftnl_(table) struct nftnl_table *t = nftnl_table_alloc();

	if (!t)
		return -ENOMEM;
	if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE) &&
	    nftnl_table_nlmsg_parse(nlh, t) >= 0)
		*(bool *)arg = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS) & TABLE_OWNER;
	return 0;
}

static bool is_owned(struct nl_sock *nft, const struct trace_place *place)
{
	struct err ignored;
	bool ret = false;
	struct nl_msg m;

	ask(&m, NFT_MSG_GETTABLE, place->family);
	nl_put_str(&m, NFTA_TABLE_NAME, place->table);
	nl_get(nft, &m, take_table, &ret, &ignored);
	return ret;
}

/* By its tables and the names of its chains with a hook: many of its rules are native ones. */
static bool is_of_iptables(struct nl_sock *nft, const struct trace_place *place)
{
	static const char *const tables[] = { "filter", "mangle", "raw", "nat", "security" };
	static const char *const chains[] = { "PREROUTING", "FORWARD", "POSTROUTING" };
	struct trace_text hooked = { 0 };
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		known |= !strcmp(place->table, tables[i]);
	if (!known || (place->family != NFPROTO_IPV4 && place->family != NFPROTO_IPV6))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		ask_chain(nft, place, chains[i], &hooked);
	return hooked.hook[0];
}

void trace_describe(struct nl_sock *nft, const struct trace_place *place, struct trace_text *ret)
{
	uint64_t handle = htobe64(place->handle);
	struct err ignored;
	struct nl_msg m;

	*ret = (struct trace_text){ 0 };
	ask_chain(nft, place, place->chain, ret);
	ret->xtables = is_of_iptables(nft, place);
	ret->owned = is_owned(nft, place);
	if (!place->handle)
		return;
	ask(&m, NFT_MSG_GETRULE, place->family);
	nl_put_str(&m, NFTA_RULE_TABLE, place->table);
	nl_put_str(&m, NFTA_RULE_CHAIN, place->chain);
	nl_put(&m, NFTA_RULE_HANDLE, &handle, sizeof(handle));
	nl_get(nft, &m, take_rule, ret, &ignored);
}
