/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule of another firewall is reduced to what it matches and what it does. Any match that is not
 * listed in struct reading makes it conditional; any other action means that it is not ours.
 */
#include "net/foreign.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_conntrack.h>
#include <string.h>

#include "base/parse.h"
#include "model/accept.h"
#include "net/attr.h"
#include "net/nft_codec.h"
#include "net/nft_exprs.h"
#include "net/nftnl_cleanup.h"

#define TABLE_OWNER  0x2u /* linux/netfilter/nf_tables.h: NFT_TABLE_F_OWNER, since 5.12 */
#define REPLY_STATES (CT_STATE_ESTABLISHED | CT_STATE_RELATED)

struct reading {
	bool from, to;   /* iifname, oifname is our bridge */
	bool whole_name; /* compared in all its bytes, as nft(8) does */
	/* bits of enum accept_what: what the state is asked for, in native expressions, or by
	 * xtables */
	unsigned int native, xt;
	bool conditional; /* asks for anything else, or for that too */
	bool comment;     /* ours */
	bool logs;        /* as none of ours does */
	int32_t verdict;
	bool decided, rejects;
	char target[FOREIGN_NAME_MAX]; /* of a jump */
};

static void read_cmp(struct reading *r, const struct nft_expr *x)
{
	bool equal, dev;
	size_t len;
	const void *data = nft_expr_cmp(x, &equal, &len);
	uint32_t bits = 1;

	dev = equal && len >= sizeof(BRIDGE_NAME) && !strcmp(data, BRIDGE_NAME);
	if (len >= sizeof(bits))
		memcpy(&bits, data, sizeof(bits));
	bool any_bit = x->mask && !x->xor &&!equal && !bits;

	if (x->reg == REG_CT_STATE && x->mask == REPLY_STATES && any_bit)
		r->native |= 1u << ACCEPT_REPLIES;
	else if (x->reg == REG_CT_STATUS && x->mask == CT_STATUS_DST_NAT && any_bit)
		r->native |= 1u << ACCEPT_INBOUND;
	else if (x->reg == REG_IIFNAME && dev)
		r->from = true;
	else if (x->reg == REG_OIFNAME && dev)
		r->to = true;
	else
		r->conditional = true;
	r->whole_name |= dev && len >= IFNAMSIZ;
}

/* A match of xtables. Its comment is ours when somebody saved and restored the table. */
static void read_match(struct reading *r, const struct nft_expr *x)
{
	struct xt_conntrack_mtinfo3 ct;
	char comment[sizeof(ACCEPT_COMMENT)];

	if (!strcmp(nftnl_expr_get_str(x->e, NFTNL_EXPR_MT_NAME) ?: "", "comment"))
		r->comment |= nft_expr_match(x, "comment", comment, sizeof(comment)) &&
			      !memcmp(comment, ACCEPT_COMMENT, sizeof(comment));
	else if (nftnl_expr_get_u32(x->e, NFTNL_EXPR_MT_REV) == 3 &&
		 nft_expr_match(x, "conntrack", &ct, sizeof(ct)) &&
		 ct.match_flags == XT_CONNTRACK_STATE && !ct.invert_flags &&
		 (ct.state_mask == REPLY_STATES || ct.state_mask == XT_CONNTRACK_STATE_DNAT))
		r->xt |= 1u << (ct.state_mask == REPLY_STATES ? ACCEPT_REPLIES : ACCEPT_INBOUND);
	else
		r->conditional = true;
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
	case EXPR_VERDICT:
		r->decided = true;
		r->verdict = x->verdict;
		if (x->target) /* one that is too long is no chain of a firewall that we know */
			copy_string(r->target, sizeof(r->target), x->target);
		break;
	case EXPR_REJECT:
		r->rejects = true;
		break;
	case EXPR_LOG:
		r->logs = true;
		break;
	case EXPR_FIB:
	case EXPR_TPROXY:
	case EXPR_TARGET:
	case EXPR_OTHER:
		r->conditional = true;
		break;
	case EXPR_LOAD:
	case EXPR_COUNTER:
		break;
	}
}

/* User data is a row of type, length, bytes (libnftnl src/udata.c); anybody may have written it. */
static bool has_comment(const struct nftnl_rule *rule)
{
	uint32_t left = 0;
	const uint8_t *at = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &left);

	while (at && left >= 2 && left - 2 >= at[1]) {
		if (at[0] == 0 && at[1] == sizeof(ACCEPT_COMMENT) && /* NFTNL_UDATA_RULE_COMMENT */
		    !memcmp(at + 2, ACCEPT_COMMENT, sizeof(ACCEPT_COMMENT)))
			return true;
		left -= 2u + at[1];
		at += 2 + at[1];
	}
	return false;
}

/* By how many states it asks, and for what. */
static unsigned int states_asked(const struct reading *r)
{
	return (unsigned int)__builtin_popcount(r->native) +
	       (unsigned int)__builtin_popcount(r->xt);
}

static enum accept_what what_of(const struct reading *r)
{
	if (!r->to)
		return ACCEPT_FROM;
	return (r->native | r->xt) & 1u << ACCEPT_INBOUND ? ACCEPT_INBOUND : ACCEPT_REPLIES;
}

static bool is_ours(const struct reading *r)
{
	return r->comment && !r->conditional && !r->logs && r->decided && r->verdict == NF_ACCEPT &&
	       r->from != r->to && states_asked(r) == (r->to ? 1 : 0);
}

/* Names that do not fit are of no firewall that we know: false. */
static bool names(struct fact_chain *c, const char *table, const char *chain)
{
	if (!table || strlen(table) >= sizeof(c->table) || !strcmp(table, NFT_TABLE_NAME) ||
	    (chain && strlen(chain) >= sizeof(c->name)))
		return false;
	strcpy(c->table, table);
	strcpy(c->name, chain ? chain : "");
	return true;
}

static bool is_guest_chain(const char *name)
{
	for (size_t i = 0; i < GUEST_CHAIN_COUNT; i++)
		if (!strcmp(name, guest_chains[i]))
			return true;
	return false;
}

static int decode_table(const struct nlmsghdr *nlh, struct foreign *f)
{
	_cleanup_nftnl_(table) struct nftnl_table *t = nftnl_table_alloc();

	f->what = FOREIGN_TABLE;
	if (!t || nftnl_table_nlmsg_parse(nlh, t) < 0)
		return t ? -EBADMSG : -ENOMEM;
	if (!names(&f->chain, nftnl_table_get_str(t, NFTNL_TABLE_NAME), NULL))
		return 0;
	f->chain.owned = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS) & TABLE_OWNER;
	return 1;
}

static int decode_chain(const struct nlmsghdr *nlh, struct foreign *f)
{
	_cleanup_nftnl_(chain) struct nftnl_chain *c = nftnl_chain_alloc();
	const char *type;

	f->what = FOREIGN_CHAIN;
	if (!c || nftnl_chain_nlmsg_parse(nlh, c) < 0)
		return c ? -EBADMSG : -ENOMEM;
	if (!names(&f->chain, nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE),
		   nftnl_chain_get_str(c, NFTNL_CHAIN_NAME)))
		return 0;
	if (nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM)) {
		type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
		f->chain.base = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
				type && !strcmp(type, "filter");
		f->chain.drops =
			f->chain.base && nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP;
	}
	return f->gone || f->chain.base || is_guest_chain(f->chain.name);
}

static void note_rule(const struct nftnl_rule *rule, const struct reading *r, struct foreign *f)
{
	bool always = !r->conditional && !r->from && !r->to && !states_asked(r);
	struct obj_nft_accept *a = &f->accept.nft_accept;

	f->chain.closes = always && (r->rejects || (r->decided && r->verdict == NF_DROP));
	for (uint32_t i = 0; i < GUEST_CHAIN_COUNT; i++)
		if (always && r->decided && (r->verdict == NFT_JUMP || r->verdict == NFT_GOTO) &&
		    !strcmp(r->target, guest_chains[i]))
			f->chain.leads_to = 1u << i;
	f->ours = is_ours(r);
	f->accept = (struct object){ .kind = OBJ_NFT_ACCEPT,
				     .place = PLACE_HOST,
				     .family = f->chain.family };
	memcpy(a->table, f->chain.table, sizeof(a->table));
	memcpy(a->chain, f->chain.name, sizeof(a->chain));
	a->what = what_of(r);
	a->iptables = r->to ? r->xt != 0 : !r->whole_name;
	a->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
}

/* Most rules are in chains that are of no interest: those are not parsed any further. */
static int decode_rule(const struct nlmsghdr *nlh, const struct facts *known, struct foreign *f)
{
	const struct nlattr *tb[NFTA_RULE_CHAIN + 1];
	const char *chain;
	struct reading reading = { 0 };
	_cleanup_nftnl_(rule) struct nftnl_rule *rule = NULL;

	f->what = FOREIGN_RULE;
	attrs_of(nlh, sizeof(struct nfgenmsg), tb, NFTA_RULE_CHAIN);
	chain = str_of(tb[NFTA_RULE_CHAIN]);
	if (!chain || !names(&f->chain, str_of(tb[NFTA_RULE_TABLE]), chain) ||
	    !facts_chain(known, f->chain.family, f->chain.table, f->chain.name))
		return 0;
	rule = nftnl_rule_alloc();
	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, rule) < 0)
		return 0;
	reading.comment = has_comment(rule);
	nft_exprs(rule, read_expr, &reading);
	note_rule(rule, &reading, f);
	return 1;
}

int foreign_decode(const struct nlmsghdr *nlh, const struct facts *known, struct foreign *ret)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	*ret = (struct foreign){ 0 };
	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return -EBADMSG;
	ret->chain.family = nfg->nfgen_family;
	if (nfg->nfgen_family != NFPROTO_INET && nfg->nfgen_family != NFPROTO_IPV4 &&
	    nfg->nfgen_family != NFPROTO_IPV6)
		return 0;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_DELTABLE:
		ret->gone = true;
		return decode_table(nlh, ret);
	case NFT_MSG_NEWTABLE:
		return decode_table(nlh, ret);
	case NFT_MSG_DELCHAIN:
		ret->gone = true;
		return decode_chain(nlh, ret);
	case NFT_MSG_NEWCHAIN:
		return decode_chain(nlh, ret);
	case NFT_MSG_DELRULE:
		ret->gone = true;
		return decode_rule(nlh, known, ret);
	case NFT_MSG_NEWRULE:
		return decode_rule(nlh, known, ret);
	default:
		return 0;
	}
}

void foreign_dump_rules(struct nl_msg *m, uint8_t family, const char *table, const char *chain)
{
	nft_dump(m, NFT_MSG_GETRULE, family);
	nl_put_str(m, NFTA_RULE_TABLE, table);
	nl_put_str(m, NFTA_RULE_CHAIN, chain);
}
