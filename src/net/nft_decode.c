/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of nftables, and what of them is ours. */
#include "net/nft_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "model/own.h"
#include "net/nftnl_cleanup.h"

void nft_dump(struct nl_msg *m, uint16_t type, uint8_t family)
{
	struct nfgenmsg *nfg =
		nl_msg_start(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, sizeof(*nfg));

	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
}

void nft_dump_tables(struct nl_msg *m)
{
	nft_dump(m, NFT_MSG_GETTABLE, NFPROTO_UNSPEC);
}

void nft_dump_chains(struct nl_msg *m, uint8_t family)
{
	nft_dump(m, NFT_MSG_GETCHAIN, family);
}

void nft_dump_sets(struct nl_msg *m, uint8_t family)
{
	nft_dump(m, NFT_MSG_GETSET, family);
	nl_put_str(m, NFTA_SET_TABLE, NFT_TABLE_NAME);
}

void nft_dump_elements(struct nl_msg *m, uint8_t family, const char *set)
{
	nft_dump(m, NFT_MSG_GETSETELEM, family);
	nl_put_str(m, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE_NAME);
	nl_put_str(m, NFTA_SET_ELEM_LIST_SET, set);
}

void nft_dump_all_rules(struct nl_msg *m, uint8_t family)
{
	nft_dump(m, NFT_MSG_GETRULE, family);
}

void nft_dump_rules(struct nl_msg *m, uint8_t family)
{
	nft_dump(m, NFT_MSG_GETRULE, family);
	nl_put_str(m, NFTA_RULE_TABLE, NFT_TABLE_NAME);
}

static bool ours(const char *table)
{
	return table && !strcmp(table, NFT_TABLE_NAME);
}

/* A longer name is another program's object in our table: to be left alone, since it could not be
 * removed. */
static bool fits(const char *name)
{
	return name && strlen(name) < NFT_NAME_MAX;
}

static void copy_name(char ret[NFT_NAME_MAX], const char *name)
{
	size_t len = name ? strnlen(name, NFT_NAME_MAX - 1) : 0;

	if (len)
		memcpy(ret, name, len);
	ret[len] = 0;
}

static int decode_table(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	_cleanup_nftnl_(table) struct nftnl_table *t = nftnl_table_alloc();

	if (!t || nftnl_table_nlmsg_parse(nlh, t) < 0)
		return t ? -EBADMSG : -ENOMEM;
	if (own_is_nft_family(o->family) && ours(nftnl_table_get_str(t, NFTNL_TABLE_NAME))) {
		o->kind = OBJ_NFT_TABLE;
		o->nft_table.flags = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS);
		set_add(set, o);
	}
	return 0;
}

static int decode_chain(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	_cleanup_nftnl_(chain) struct nftnl_chain *c = nftnl_chain_alloc();

	if (!c || nftnl_chain_nlmsg_parse(nlh, c) < 0)
		return c ? -EBADMSG : -ENOMEM;
	if (ours(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE)) &&
	    fits(nftnl_chain_get_str(c, NFTNL_CHAIN_NAME))) {
		struct obj_nft_chain *n = &o->nft_chain;

		o->kind = OBJ_NFT_CHAIN;
		copy_name(n->name, nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
		n->base = nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM);
		if (n->base) {
			const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);

			n->hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
			n->priority = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
			if (type)
				memcpy(n->type, type, strnlen(type, sizeof(n->type) - 1));
			/* ours accept what no rule decides; another policy is another chain */
			if (nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) != NF_ACCEPT)
				n->base = false;
		}
		set_add(set, o);
	}
	return 0;
}

static int decode_set(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	_cleanup_nftnl_(set) struct nftnl_set *s = nftnl_set_alloc();

	if (!s || nftnl_set_nlmsg_parse(nlh, s) < 0)
		return s ? -EBADMSG : -ENOMEM;
	if (ours(nftnl_set_get_str(s, NFTNL_SET_TABLE)) &&
	    fits(nftnl_set_get_str(s, NFTNL_SET_NAME)) &&
	    /* an anonymous one goes with its rule */
	    !(nftnl_set_get_u32(s, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS)) {
		o->kind = OBJ_NFT_SET;
		copy_name(o->nft_set.name, nftnl_set_get_str(s, NFTNL_SET_NAME));
		o->nft_set.key_len = (uint8_t)nftnl_set_get_u32(s, NFTNL_SET_KEY_LEN);
		if (nftnl_set_get_u32(s, NFTNL_SET_FLAGS) & NFT_SET_MAP) {
			uint32_t type = nftnl_set_get_u32(s, NFTNL_SET_DATA_TYPE);

			o->nft_set.vmap = type == NFT_DATA_VERDICT;
			o->nft_set.data_port =
				!o->nft_set.vmap && type >> 6 && (type & 0x3f) == NFT_TYPE_PORT;
			type = o->nft_set.data_port ? type >> 6 : type;
			o->nft_set.data = o->nft_set.vmap ? 0 : (enum nft_type)type;
		}
		if (nftnl_set_get_u32(s, NFTNL_SET_FLAGS) & NFT_SET_EVAL) {
			o->nft_set.size = nftnl_set_get_u32(s, NFTNL_SET_DESC_SIZE);
			o->nft_set.timeout =
				(uint32_t)(nftnl_set_get_u64(s, NFTNL_SET_TIMEOUT) / 1000);
		}
		set_add(set, o);
	}
	return 0;
}

struct element_walk {
	struct object_set *set;
	struct object o;
};

/* An address; or one with a port in the register behind it. */
static void take_data(struct obj_nft_element *e, const uint8_t *data, uint32_t len)
{
	const uint32_t address = len == 4 || len == 8 ? 4 : 16;
	uint16_t port;

	if (len != 4 && len != 8 && len != 16 && len != 20)
		return;
	e->data = ip_from_bytes(address == 4 ? AF_INET : AF_INET6, data);
	if (len == address)
		return;
	memcpy(&port, data + address, sizeof(port));
	e->data_port = ntohs(port);
}

static int take_element(struct nftnl_set_elem *e, void *arg)
{
	struct element_walk *w = arg;
	struct object o = w->o;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (!key || len > NFT_KEY_MAX)
		return 0;
	memcpy(o.nft_element.key.bytes, key, len);
	o.nft_element.key.len = (uint8_t)len;
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_DATA)) {
		const void *data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_DATA, &len);

		take_data(&o.nft_element, data, data ? len : 0);
	}
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_VERDICT)) {
		o.nft_element.vmap = true;
		o.nft_element.verdict = (int32_t)nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_VERDICT);
		copy_name(o.nft_element.chain, nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN));
	}
	set_add(w->set, &o);
	return 0;
}

static int decode_elements(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	_cleanup_nftnl_(set) struct nftnl_set *s = nftnl_set_alloc();

	if (!s || nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
		return s ? -EBADMSG : -ENOMEM;
	if (ours(nftnl_set_get_str(s, NFTNL_SET_TABLE)) &&
	    fits(nftnl_set_get_str(s, NFTNL_SET_NAME))) {
		struct element_walk w = { .set = set, .o = *o };

		w.o.kind = OBJ_NFT_ELEMENT;
		copy_name(w.o.nft_element.set, nftnl_set_get_str(s, NFTNL_SET_NAME));
		nftnl_set_elem_foreach(s, take_element, &w);
	}
	return 0;
}

static int decode_rule(const struct nlmsghdr *nlh, struct nft_decoder *d, struct object *o)
{
	_cleanup_nftnl_(rule) struct nftnl_rule *n = nftnl_rule_alloc();

	if (!n || nftnl_rule_nlmsg_parse(nlh, n) < 0)
		return n ? -EBADMSG : -ENOMEM;
	if (ours(nftnl_rule_get_str(n, NFTNL_RULE_TABLE)) &&
	    fits(nftnl_rule_get_str(n, NFTNL_RULE_CHAIN))) {
		o->kind = OBJ_NFT_RULE;
		copy_name(o->nft_rule.chain, nftnl_rule_get_str(n, NFTNL_RULE_CHAIN));
		if (strcmp(o->nft_rule.chain, d->chain)) {
			copy_name(d->chain, o->nft_rule.chain);
			d->index = 0;
		}
		o->nft_rule.index = d->index++;
		o->nft_rule.handle = nftnl_rule_get_u64(n, NFTNL_RULE_HANDLE);
		o->nft_rule.fingerprint = nft_rule_fingerprint(n);
		set_add(d->set, o);
	}
	return 0;
}

int nft_decode(const struct nlmsghdr *nlh, struct nft_decoder *d)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct object o = { .place = PLACE_HOST };

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return -EBADMSG;
	o.family = nfg->nfgen_family;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		return decode_table(nlh, d->set, &o);
	case NFT_MSG_NEWCHAIN:
		return decode_chain(nlh, d->set, &o);
	case NFT_MSG_NEWSET:
		return decode_set(nlh, d->set, &o);
	case NFT_MSG_NEWSETELEM:
		return decode_elements(nlh, d->set, &o);
	case NFT_MSG_NEWRULE:
		return decode_rule(nlh, d, &o);
	default:
		return 0;
	}
}
