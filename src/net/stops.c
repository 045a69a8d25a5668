/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel itself shows whether a session's connections pass others' rules: their first packets
 * are put into a set in front of those rules and taken out behind them (plan/pending.c). It does
 * not show which rule drops them. So the rules are read that may be the one: they drop, reject or
 * redirect packets, are reached from a chain between the two places, and match no other device.
 */
#include "net/stops.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_rpfilter.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "net/nft_codec.h"
#include "net/nft_exprs.h"
#include "net/nftnl_cleanup.h"

#define CONNTRACK_PRIORITY (-200) /* linux/netfilter_ipv4.h:NF_IP_PRI_CONNTRACK */

static const uint8_t families[] = { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 };

/* Chains of others, and from which hooks each is reached. */
struct chain {
	uint8_t family;
	char table[FOREIGN_NAME_MAX], name[FOREIGN_NAME_MAX];
	bool early, prerouting, forward; /* early: prerouting before conntrack */
};

struct stops_dump {
	struct facts *f;
	struct {
		struct chain *v;
		size_t n, size;
	} chains;
	struct {
		struct stop_rule *v;
		size_t n, size;
	} rules;
	size_t chains_before, rules_before;
};

/* --- one rule ------------------------------------------------------------------------------ */

struct reading {
	const struct facts *facts;
	bool other_device, invalid; /* asks for one that no session uses; for invalid packets */
	bool rpfilter;              /* looks up the way back, without the mark */
	bool drops, takes;          /* DROP or REJECT; TPROXY */
	char target[FOREIGN_NAME_MAX];
};

static bool concerns_sessions(const struct facts *f, const char *name, size_t len)
{
	size_t whole = strnlen(name, len);

	if (!strncmp(name, BRIDGE_NAME, whole)) /* "via*" is without a terminator */
		return true;
	for (size_t i = 0; i < f->slots.n; i++)
		if (!strncmp(name, f->slots.v[i].uplink, whole))
			return true;
	return false;
}

static void read_cmp(struct reading *r, const struct nft_expr *x)
{
	bool equal;
	size_t len;
	const void *data = nft_expr_cmp(x, &equal, &len);

	if ((x->reg == REG_IIFNAME || x->reg == REG_OIFNAME) && equal && data)
		r->other_device |= !concerns_sessions(r->facts, data, len);
	r->invalid |= x->reg == REG_CT_STATE && x->mask == CT_STATE_INVALID && !equal;
}

static void read_match(struct reading *r, const struct nft_expr *x)
{
	struct xt_conntrack_mtinfo3 ct;
	struct xt_rpfilter_info rp;

	if (nft_expr_match(x, "rpfilter", &rp, sizeof(rp)))
		r->rpfilter |=
			rp.flags & XT_RPFILTER_INVERT && !(rp.flags & XT_RPFILTER_VALID_MARK);
	if (nft_expr_match(x, "conntrack", &ct, sizeof(ct)))
		r->invalid |= ct.match_flags & XT_CONNTRACK_STATE && !ct.invert_flags &&
			      ct.state_mask == XT_CONNTRACK_STATE_INVALID;
}

static void read_fib(struct reading *r, const struct nft_expr *x)
{
	uint32_t flags = nftnl_expr_get_u32(x->e, NFTNL_EXPR_FIB_FLAGS);

	r->rpfilter |=
		flags & NFTA_FIB_F_SADDR && flags & NFTA_FIB_F_IIF && !(flags & NFTA_FIB_F_MARK);
}

static void read_expr(const struct nft_expr *x, void *arg)
{
	struct reading *r = arg;

	switch (x->kind) {
	case EXPR_CMP:
		read_cmp(r, x);
		break;
	case EXPR_MATCH:
		read_match(r, x);
		break;
	case EXPR_FIB:
		read_fib(r, x);
		break;
	case EXPR_VERDICT:
		r->drops |= x->verdict == NF_DROP;
		if (x->target) /* one that is too long is no chain of a firewall that we know */
			copy_string(r->target, sizeof(r->target), x->target);
		break;
	case EXPR_REJECT:
		r->drops = true;
		break;
	case EXPR_TPROXY:
		r->takes = true;
		break;
	case EXPR_LOAD:
	case EXPR_TARGET:
	case EXPR_LOG:
	case EXPR_COUNTER:
	case EXPR_OTHER:
		break;
	}
}

static bool copy_name(char ret[FOREIGN_NAME_MAX], const char *name)
{
	return name && copy_string(ret, FOREIGN_NAME_MAX, name) == 0;
}

static int judge(struct nftnl_rule *rule, const struct facts *facts, struct stop_rule *ret)
{
	struct reading r = { .facts = facts };

	if (!copy_name(ret->stop.table, nftnl_rule_get_str(rule, NFTNL_RULE_TABLE)) ||
	    !copy_name(ret->stop.chain, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN)) ||
	    !strcmp(ret->stop.table, NFT_TABLE_NAME))
		return 0;
	nft_exprs(rule, read_expr, &r);
	ret->stop.handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	memcpy(ret->target, r.target, sizeof(ret->target));
	ret->stop.kind = STOP_COUNT;
	if (!r.other_device && !r.invalid && (r.drops || r.takes))
		ret->stop.kind = r.takes ? STOP_PROXY : r.rpfilter ? STOP_RPFILTER : STOP_DROP;
	return !r.other_device && (ret->stop.kind != STOP_COUNT || r.target[0]);
}

int stops_decode_rule(const struct nlmsghdr *nlh, const struct facts *facts, struct stop_rule *ret)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	_cleanup_nftnl_(rule) struct nftnl_rule *rule = NULL;

	*ret = (struct stop_rule){ 0 };
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		return 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return -EBADMSG;
	ret->stop.family = nfg->nfgen_family;
	rule = nftnl_rule_alloc();
	if (!rule)
		return -ENOMEM;
	return nftnl_rule_nlmsg_parse(nlh, rule) < 0 ? 0 : judge(rule, facts, ret);
}

/* --- all of them --------------------------------------------------------------------------- */

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct stops_dump *d = arg;
	struct stop_rule rule, *added;
	int r = stops_decode_rule(nlh, d->f, &rule);

	if (r <= 0)
		return r;
	added = VEC_PUSH(&d->rules);
	if (!added)
		return -ENOMEM;
	*added = rule;
	return 0;
}

static void hooks_of(const struct nftnl_chain *c, struct chain *ret)
{
	const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
	uint32_t hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);

	if (!nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) || !type || strcmp(type, "filter") != 0)
		return;
	ret->forward = hook == NF_INET_FORWARD;
	ret->prerouting = hook == NF_INET_PRE_ROUTING;
	ret->early =
		ret->prerouting && nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO) < CONNTRACK_PRIORITY;
}

static int take_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	_cleanup_nftnl_(chain) struct nftnl_chain *c = nftnl_chain_alloc();
	struct stops_dump *d = arg;
	struct chain chain = { .family = nfg->nfgen_family }, *added;

	if (!c)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) < 0 ||
	    !copy_name(chain.table, nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE)) ||
	    !copy_name(chain.name, nftnl_chain_get_str(c, NFTNL_CHAIN_NAME)))
		return 0;
	hooks_of(c, &chain);
	added = VEC_PUSH(&d->chains);
	if (!added)
		return -ENOMEM;
	*added = chain;
	return 0;
}

static void forget(void *arg)
{
	struct stops_dump *d = arg;

	d->chains.n = d->chains_before;
	d->rules.n = d->rules_before;
}

static int by_name(const void *a, const void *b)
{
	const struct chain *x = a, *y = b;
	int order = x->family - y->family;

	if (!order)
		order = strcmp(x->table, y->table);
	return order ? order : strcmp(x->name, y->name);
}

/* Sorted, since other programs have tens of thousands of chains. */
static struct chain *find_chain(struct stops_dump *d, const struct fact_stop *s, const char *name)
{
	struct chain key = { .family = s->family };

	if (!d->chains.n)
		return NULL;
	strcpy(key.table, s->table);
	strcpy(key.name, name);
	return bsearch(&key, d->chains.v, d->chains.n, sizeof(key), by_name);
}

/* Passes the hooks of each chain on to the chains that it jumps to; false when nothing changed. */
static bool spread(struct stops_dump *d)
{
	bool changed = false;

	for (size_t i = 0; i < d->rules.n; i++) {
		const struct stop_rule *r = &d->rules.v[i];
		const struct chain *from;
		struct chain *to;

		if (!r->target[0])
			continue;
		from = find_chain(d, &r->stop, r->stop.chain);
		to = find_chain(d, &r->stop, r->target);
		if (!from || !to)
			continue;
		changed |= (from->early && !to->early) || (from->prerouting && !to->prerouting) ||
			   (from->forward && !to->forward);
		to->early |= from->early;
		to->prerouting |= from->prerouting;
		to->forward |= from->forward;
	}
	return changed;
}

static int keep_stops(struct stops_dump *d)
{
	if (d->chains.n)
		qsort(d->chains.v, d->chains.n, sizeof(*d->chains.v), by_name);
	while (spread(d))
		;
	for (size_t i = 0; i < d->rules.n; i++) {
		const struct stop_rule *r = &d->rules.v[i];
		const struct chain *c = find_chain(d, &r->stop, r->stop.chain);
		bool reached = c && (r->stop.kind == STOP_RPFILTER ? c->early
								   : c->prerouting || c->forward);
		struct fact_stop *added;

		if (r->stop.kind == STOP_COUNT || !reached)
			continue;
		added = VEC_PUSH(&d->f->stops);
		if (!added)
			return -ENOMEM;
		*added = r->stop;
	}
	return 0;
}

static int dump_rules(struct kernel *k, struct facts *f, struct err *err)
{
	struct stops_dump d = { .f = f };
	struct nl_msg m;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		d.chains_before = d.chains.n;
		d.rules_before = d.rules.n;
		nft_dump_chains(&m, families[i]);
		r = nl_dump(&k->nft, &m, take_chain, forget, &d, err);
		if (r < 0)
			break;
		nft_dump_all_rules(&m, families[i]);
		d.chains_before = d.chains.n;
		r = nl_dump(&k->nft, &m, take_rule, forget, &d, err);
	}
	if (r == 0 && keep_stops(&d) < 0)
		r = err_errno(err, ENOMEM, "read the nft rules of others");
	VEC_DONE(&d.chains);
	VEC_DONE(&d.rules);
	return r;
}

/* --- what did not get past them ------------------------------------------------------------- */

static int take_element(const struct nlmsghdr *nlh, void *arg)
{
	return nft_decode(nlh, arg);
}

static void forget_elements(void *arg)
{
	struct nft_decoder *d = arg;

	d->set->n = 0;
}

/* The key is address, protocol and port, or the address alone. */
static int add_pending(struct facts *f, uint8_t family, const struct nft_key *k)
{
	size_t len = family == AF_INET ? 4 : 16;
	struct fact_pending *p;

	if (k->len != len + 8 && k->len != len)
		return 0;
	p = VEC_PUSH(&f->pending);
	if (!p)
		return -ENOMEM;
	*p = (struct fact_pending){ .session = ip_from_bytes(family, k->bytes) };
	if (k->len > len) {
		p->protocol = k->bytes[len];
		p->port = (uint16_t)(k->bytes[len + 4] << 8 | k->bytes[len + 5]);
	}
	return 0;
}

static int dump_set(struct kernel *k, struct facts *f, uint8_t family, const char *name,
		    struct err *err)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };
	struct nl_msg m;
	int r;

	nft_dump_elements(&m, NFPROTO_INET, name);
	r = nl_dump(&k->nft, &m, take_element, forget_elements, &d, err);
	if (r == -ENOENT)
		return 0;
	for (size_t i = 0; i < set.n && r == 0; i++)
		r = add_pending(f, family, &set.v[i].nft_element.key);
	return r;
}

int observe_stops(struct kernel *k, struct facts *f, struct err *err)
{
	int r = 0;

	if (!f->nft_visible || !f->sessions.n)
		return 0;
	if (r == 0)
		r = dump_set(k, f, AF_INET, "pending4", err);
	if (r == 0)
		r = dump_set(k, f, AF_INET6, "pending6", err);
	if (r == 0)
		r = dump_set(k, f, AF_INET, "forwarded4", err);
	if (r == 0)
		r = dump_set(k, f, AF_INET6, "forwarded6", err);
	return r == 0 ? dump_rules(k, f, err) : err_wrap(err, "read what did not pass");
}
