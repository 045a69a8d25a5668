/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule is read expression by expression into a few words: what it asks, what it then does.
 * Whatever else it asks makes it conditional, and whatever else it does makes it none of ours.
 */
#include "net/foreign.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_conntrack.h>
#include <string.h>

#include "model/accept.h"

#define TABLE_OWNER  0x2u /* linux/netfilter/nf_tables.h: NFT_TABLE_F_OWNER, since 5.12 */
#define REPLY_STATES (CT_STATE_ESTABLISHED | CT_STATE_RELATED)

struct reading {
	enum { REG_OTHER, REG_IIF, REG_OIF, REG_STATE, REG_REPLIES } reg; /* in register 1 */
	bool from, to;            /* iifname, oifname is our bridge */
	bool whole_name;          /* compared in all its bytes, as nft(8) does */
	bool replies, xt_replies; /* the state, in either dialect */
	bool conditional;         /* asks for anything else, or for that too */
	bool comment;             /* ours */
	bool logs;                /* as none of ours does */
	int32_t verdict;
	bool decided, rejects;
	char target[FOREIGN_NAME_MAX]; /* of a jump */
};

static const void *bytes_of(struct nftnl_expr *e, uint16_t attr, size_t least)
{
	uint32_t len = 0;
	const void *data = nftnl_expr_get(e, attr, &len);

	return data && len >= least ? data : NULL;
}

static void read_cmp(struct reading *r, struct nftnl_expr *e)
{
	bool equal = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ, dev;
	const char *name = bytes_of(e, NFTNL_EXPR_CMP_DATA, sizeof(BRIDGE_NAME));
	const uint32_t *bits = bytes_of(e, NFTNL_EXPR_CMP_DATA, sizeof(*bits));

	dev = equal && name && !strcmp(name, BRIDGE_NAME);
	if (r->reg == REG_REPLIES && !equal && bits && !*bits)
		r->replies = true;
	else if (r->reg == REG_IIF && dev)
		r->from = true;
	else if (r->reg == REG_OIF && dev)
		r->to = true;
	else
		r->conditional = true;
	r->whole_name |= dev && bytes_of(e, NFTNL_EXPR_CMP_DATA, IFNAMSIZ);
}

static void read_bitwise(struct reading *r, struct nftnl_expr *e)
{
	const uint32_t *mask = bytes_of(e, NFTNL_EXPR_BITWISE_MASK, sizeof(*mask));
	const uint32_t * xor = bytes_of(e, NFTNL_EXPR_BITWISE_XOR, sizeof(*xor));
	bool ours = r->reg == REG_STATE && mask && *mask == REPLY_STATES && xor&&!*xor;

	r->reg = ours ? REG_REPLIES : REG_OTHER;
}

/* A match of xtables'. Its comment is ours when somebody saved and restored the table. */
static void read_match(struct reading *r, struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME);
	uint32_t revision = nftnl_expr_get_u32(e, NFTNL_EXPR_MT_REV);
	const char *comment = bytes_of(e, NFTNL_EXPR_MT_INFO, sizeof(ACCEPT_COMMENT));
	const struct xt_conntrack_mtinfo3 *ct = bytes_of(e, NFTNL_EXPR_MT_INFO, sizeof(*ct));
	struct xt_conntrack_mtinfo3 info = { 0 };

	if (ct)
		memcpy(&info, ct, sizeof(info)); /* which may lie anywhere */
	if (name && !strcmp(name, "comment"))
		r->comment |= comment && !memcmp(comment, ACCEPT_COMMENT, sizeof(ACCEPT_COMMENT));
	else if (name && !strcmp(name, "conntrack") && revision == 3 && ct &&
		 info.match_flags == XT_CONNTRACK_STATE && !info.invert_flags &&
		 info.state_mask == REPLY_STATES)
		r->xt_replies = true;
	else
		r->conditional = true;
}

static void read_verdict(struct reading *r, struct nftnl_expr *e)
{
	const char *chain = NULL;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT)) {
		r->conditional = true; /* a value: it is used for something */
		return;
	}
	r->decided = true;
	r->verdict = (int32_t)nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT);
	if (nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN))
		chain = nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN);
	if (chain && strlen(chain) < sizeof(r->target))
		strcpy(r->target, chain);
}

static int read_expr(struct nftnl_expr *e, void *arg)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	const char *target;
	struct reading *r = arg;
	uint32_t key;

	if (!strcmp(name, "meta")) {
		key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
		r->reg = key == NFT_META_IIFNAME   ? REG_IIF
			 : key == NFT_META_OIFNAME ? REG_OIF
						   : REG_OTHER;
	} else if (!strcmp(name, "ct")) {
		key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);
		r->reg = key == NFT_CT_STATE ? REG_STATE : REG_OTHER;
	} else if (!strcmp(name, "bitwise")) {
		read_bitwise(r, e);
	} else if (!strcmp(name, "cmp")) {
		read_cmp(r, e);
	} else if (!strcmp(name, "match")) {
		read_match(r, e);
	} else if (!strcmp(name, "immediate")) {
		read_verdict(r, e);
	} else if (!strcmp(name, "reject")) {
		r->rejects = true;
	} else if (!strcmp(name, "target")) {
		target = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);
		r->rejects = target && (!strcmp(target, "REJECT") || !strcmp(target, "DROP"));
		r->conditional |= !r->rejects;
	} else if (!strcmp(name, "log")) {
		r->logs = true;
	} else if (strcmp(name, "counter") != 0) {
		r->conditional = true;
	}
	return 0;
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

static bool is_ours(const struct reading *r)
{
	bool states = r->replies || r->xt_replies;

	return r->comment && !r->conditional && !r->logs && r->decided && r->verdict == NF_ACCEPT &&
	       r->from != r->to && r->to == states && !(r->replies && r->xt_replies);
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
	struct nftnl_table *t = nftnl_table_alloc();
	int r;

	if (!t)
		return -ENOMEM;
	f->what = FOREIGN_TABLE;
	r = nftnl_table_nlmsg_parse(nlh, t) < 0
		    ? -EBADMSG
		    : names(&f->chain, nftnl_table_get_str(t, NFTNL_TABLE_NAME), NULL);
	if (r > 0)
		f->chain.owned = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS) & TABLE_OWNER;
	nftnl_table_free(t);
	return r;
}

static int decode_chain(const struct nlmsghdr *nlh, struct foreign *f)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	const char *type;
	int r;

	if (!c)
		return -ENOMEM;
	f->what = FOREIGN_CHAIN;
	r = nftnl_chain_nlmsg_parse(nlh, c) < 0
		    ? -EBADMSG
		    : names(&f->chain, nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE),
			    nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	if (r > 0 && nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM)) {
		type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
		f->chain.base = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
				type && !strcmp(type, "filter");
		f->chain.drops =
			f->chain.base && nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP;
	}
	if (r && !f->gone && !f->chain.base)
		r = is_guest_chain(f->chain.name);
	nftnl_chain_free(c);
	return r;
}

static void note_rule(const struct nftnl_rule *rule, const struct reading *r, struct foreign *f)
{
	bool always = !r->conditional && !r->from && !r->to && !r->replies && !r->xt_replies;
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
	a->back = r->to;
	a->iptables = r->to ? r->xt_replies : !r->whole_name;
	a->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
}

static int find_names(const struct nlattr *attr, void *arg)
{
	const char **found = arg; /* table, chain */
	uint16_t type = mnl_attr_get_type(attr);

	if ((type == NFTA_RULE_TABLE || type == NFTA_RULE_CHAIN) &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		found[type == NFTA_RULE_CHAIN] = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* Rules of no chain of interest are the most by far, and not read any further. */
static int decode_rule(const struct nlmsghdr *nlh, const struct facts *known, struct foreign *f)
{
	const char *found[2] = { NULL, NULL };
	struct reading reading = { 0 };
	struct nftnl_rule *rule;
	int r;

	f->what = FOREIGN_RULE;
	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), find_names, found);
	if (!found[1] || !names(&f->chain, found[0], found[1]) ||
	    !facts_chain(known, f->chain.family, f->chain.table, f->chain.name))
		return 0;
	rule = nftnl_rule_alloc();
	if (!rule)
		return -ENOMEM;
	r = nftnl_rule_nlmsg_parse(nlh, rule) >= 0;
	if (r) {
		reading.comment = has_comment(rule);
		nftnl_expr_foreach(rule, read_expr, &reading);
		note_rule(rule, &reading, f);
	}
	nftnl_rule_free(rule);
	return r;
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
	struct nfgenmsg *nfg =
		nl_msg_start(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE), 0,
			     sizeof(*nfg));

	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nl_put_str(m, NFTA_RULE_TABLE, table);
	nl_put_str(m, NFTA_RULE_CHAIN, chain);
}
