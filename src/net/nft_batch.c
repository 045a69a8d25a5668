/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps become messages of one transaction (nfnetlink batch). */
#include "net/nft_internal.h"

#include <arpa/inet.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/nftnl_cleanup.h"

static bool make_room(struct nft_batch *b)
{
	if (b->failed)
		return false;
	if (b->size - b->len < NFT_MESSAGE_MAX) {
		size_t size = b->size ? b->size * 2 : 8 * NFT_MESSAGE_MAX;
		char *buf = realloc(b->buf, size);

		if (!buf) {
			b->failed = true;
			return false;
		}
		b->buf = buf;
		b->size = size;
	}
	if (b->n_objects % 64 == 0) {
		const struct object **v =
			reallocarray(b->objects, b->n_objects + 64, sizeof(struct object *));

		if (!v) {
			b->failed = true;
			return false;
		}
		b->objects = v;
	}
	return true;
}

static struct nlmsghdr *start_of(struct nft_batch *b, bool filled, uint16_t type, uint16_t flags,
				 uint8_t family, const struct object *o)
{
	b->failed |= !filled;
	if (!make_room(b))
		return NULL;
	b->objects[b->n_objects++] = o;
	return nftnl_nlmsg_build_hdr(b->buf + b->len, type, family, flags, b->seq++);
}

struct nlmsghdr *nft_batch_start(struct nft_batch *b, bool filled, uint16_t type, uint16_t flags,
				 uint8_t family)
{
	return start_of(b, filled, type, flags, family, NULL);
}

static struct nlmsghdr *start(struct nft_batch *b, bool filled, uint16_t type, uint16_t flags,
			      const struct object *o)
{
	return start_of(b, filled, type, flags, o->family, o);
}

void nft_batch_finish(struct nft_batch *b, const struct nlmsghdr *nlh)
{
	if (!nlh)
		return;
	b->last = b->len;
	b->len += MNL_ALIGN(nlh->nlmsg_len);
}

static uint16_t create(bool gone)
{
	return gone ? 0 : NLM_F_CREATE;
}

static void marker(struct nft_batch *b, bool end)
{
	if (!make_room(b))
		return;
	b->objects[b->n_objects++] = NULL;
	if (end)
		nftnl_batch_end(b->buf + b->len, b->seq++);
	else
		nftnl_batch_begin(b->buf + b->len, b->seq++);
	nft_batch_finish(b, (const struct nlmsghdr *)(b->buf + b->len));
}

void nft_batch_begin(struct nft_batch *b, uint32_t first_seq)
{
	*b = (struct nft_batch){ .first_seq = first_seq, .seq = first_seq };
	marker(b, false);
}

/* Errors are reported for every message; success is asked of the last one alone. */
void nft_batch_end(struct nft_batch *b)
{
	if (!b->failed)
		((struct nlmsghdr *)(b->buf + b->last))->nlmsg_flags |= NLM_F_ACK;
	marker(b, true);
}

void nft_batch_check(struct nft_batch *b)
{
	if (!b->failed)
		((struct nlmsghdr *)(b->buf + b->last))->nlmsg_flags |= NLM_F_ACK;
}

uint32_t nft_batch_last(const struct nft_batch *b)
{
	return b->seq - 2; /* the end marker is not answered */
}

const struct object *nft_batch_object(const struct nft_batch *b, uint32_t seq)
{
	uint32_t i = seq - b->first_seq;

	return i < b->n_objects ? b->objects[i] : NULL;
}

void nft_batch_done(struct nft_batch *b)
{
	free(b->buf);
	free(b->objects);
	*b = (struct nft_batch){ 0 };
}

static void step_table(struct nft_batch *b, const struct object *o, bool gone)
{
	_cleanup_nftnl_(table) struct nftnl_table *t = nftnl_table_alloc();
	bool filled = t && nftnl_table_set_str(t, NFTNL_TABLE_NAME, object_table(o)) == 0;
	struct nlmsghdr *nlh =
		start(b, filled, gone ? NFT_MSG_DELTABLE : NFT_MSG_NEWTABLE, create(gone), o);

	if (nlh)
		nftnl_table_nlmsg_build_payload(nlh, t);
	nft_batch_finish(b, nlh);
}

static void step_chain(struct nft_batch *b, const struct object *o, bool gone)
{
	_cleanup_nftnl_(chain) struct nftnl_chain *n = nftnl_chain_alloc();
	const struct obj_nft_chain *c = &o->nft_chain;
	bool base = c->base && !gone;
	bool filled = n && nftnl_chain_set_str(n, NFTNL_CHAIN_TABLE, object_table(o)) == 0 &&
		      nftnl_chain_set_str(n, NFTNL_CHAIN_NAME, c->name) == 0 &&
		      (!base || nftnl_chain_set_str(n, NFTNL_CHAIN_TYPE, c->type) == 0);
	struct nlmsghdr *nlh =
		start(b, filled, gone ? NFT_MSG_DELCHAIN : NFT_MSG_NEWCHAIN, create(gone), o);

	if (nlh && base) {
		nftnl_chain_set_u32(n, NFTNL_CHAIN_HOOKNUM, c->hook);
		nftnl_chain_set_s32(n, NFTNL_CHAIN_PRIO, c->priority);
		nftnl_chain_set_u32(n, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	if (nlh)
		nftnl_chain_nlmsg_build_payload(nlh, n);
	nft_batch_finish(b, nlh);
}

static struct nftnl_set *named_set(const struct object *o, const char *name)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (s && (nftnl_set_set_str(s, NFTNL_SET_TABLE, object_table(o)) < 0 ||
		  nftnl_set_set_str(s, NFTNL_SET_NAME, name) < 0)) {
		nftnl_set_free(s);
		return NULL;
	}
	return s;
}

/*
 * nft(8) lists a single key of host byte order right only where the set's user data says so
 * (nftables src/mnl.c); the parts of a concatenation it knows by their types.
 */
static void put_byte_order(struct nftnl_set *s, const struct obj_nft_set *set)
{
	enum { HOST_ENDIAN = 1 }; /* nftables include/datatype.h: enum byteorder */
	struct nftnl_udata_buf *udata;

	if (set->n_types != 1 ||
	    (set->types[0] != NFT_TYPE_IFNAME && set->types[0] != NFT_TYPE_MARK))
		return;
	udata = nftnl_udata_buf_alloc(64);
	if (!udata)
		return; /* the kernel does not need it */
	nftnl_udata_put_u32(udata, NFTNL_UDATA_SET_KEYBYTEORDER, HOST_ENDIAN);
	nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(udata),
			   nftnl_udata_buf_len(udata));
	nftnl_udata_buf_free(udata);
}

/* A concatenation has the numbers of its types side by side: nftables' TYPE_BITS. */
static uint32_t nft_data_type(const struct obj_nft_set *set)
{
	return set->data_port ? (uint32_t)set->data << 6 | NFT_TYPE_PORT : set->data;
}

static uint32_t set_flags(const struct obj_nft_set *set)
{
	return (set->vmap || set->data ? NFT_SET_MAP : 0) | (set->size ? NFT_SET_EVAL : 0) |
	       (set->timeout ? NFT_SET_TIMEOUT : 0);
}

static void fill_set(struct nftnl_set *s, const struct obj_nft_set *set, uint32_t id)
{
	uint32_t type = 0;

	for (size_t i = 0; i < set->n_types; i++)
		type = type << 6 | set->types[i]; /* nftables: TYPE_BITS */
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, set->key_len);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, set_flags(set));
	if (set->size)
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, set->size);
	if (set->timeout)
		nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, (uint64_t)set->timeout * 1000);
	put_byte_order(s, set);
	if (set->vmap) {
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, 0);
	} else if (set->data) {
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, nft_data_type(set));
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN,
				  (set->data == NFT_TYPE_IPV4 ? 4 : 16) + (set->data_port ? 4 : 0));
	}
}

static void step_set(struct nft_batch *b, const struct object *o, bool gone)
{
	_cleanup_nftnl_(set) struct nftnl_set *s = named_set(o, o->nft_set.name);
	struct nlmsghdr *nlh = start(b, s, gone ? NFT_MSG_DELSET : NFT_MSG_NEWSET, create(gone), o);

	if (nlh && !gone)
		fill_set(s, &o->nft_set, b->seq);
	if (nlh)
		nftnl_set_nlmsg_build_payload(nlh, s);
	nft_batch_finish(b, nlh);
}

/* The address, and in the next register the port. */
static bool put_data(struct nftnl_set_elem *n, const struct obj_nft_element *e)
{
	const uint16_t port = htons(e->data_port);
	const size_t len = ip_size(&e->data);
	uint8_t bytes[sizeof(e->data.bytes) + 4] = { 0 };

	memcpy(bytes, e->data.bytes, len);
	memcpy(bytes + len, &port, sizeof(port));
	return nftnl_set_elem_set(n, NFTNL_SET_ELEM_DATA, bytes,
				  (uint32_t)len + (e->data_port ? 4 : 0)) == 0;
}

static void put_element(struct nft_batch *b, const struct object *o, bool gone)
{
	_cleanup_nftnl_(set_elem) struct nftnl_set_elem *n = nftnl_set_elem_alloc();
	const struct obj_nft_element *e = &o->nft_element;
	_cleanup_nftnl_(set) struct nftnl_set *s = named_set(o, e->set);
	bool filled = s && n &&
		      nftnl_set_elem_set(n, NFTNL_SET_ELEM_KEY, e->key.bytes, e->key.len) == 0 &&
		      (gone || !ip_is_set(&e->data) || put_data(n, e));
	struct nlmsghdr *nlh =
		start(b, filled, gone ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM, create(gone), o);

	if (nlh && e->vmap && !gone) {
		nftnl_set_elem_set_u32(n, NFTNL_SET_ELEM_VERDICT, (uint32_t)e->verdict);
		nftnl_set_elem_set_str(n, NFTNL_SET_ELEM_CHAIN, e->chain);
	}
	if (nlh) {
		nftnl_set_elem_add(s, steal_ptr(n));
		nftnl_set_elems_nlmsg_build_payload(nlh, s);
	}
	nft_batch_finish(b, nlh);
}

static void step_element(struct nft_batch *b, const struct object *o, enum step_action action)
{
	if (action != STEP_ADD)
		put_element(b, o, true);
	if (action != STEP_REMOVE)
		put_element(b, o, false);
}

/* rule: NULL without memory. */
static void put_rule(struct nft_batch *b, struct nftnl_rule *rule, uint16_t type, uint16_t flags,
		     const struct object *o)
{
	struct nlmsghdr *nlh = start(b, rule, type, flags, o);

	if (nlh)
		nftnl_rule_nlmsg_build_payload(nlh, rule);
	nft_batch_finish(b, nlh);
}

/* handle: NULL for all rules of the chain. */
static void remove_rules(struct nft_batch *b, const struct object *o, const char *table,
			 const char *chain, const uint64_t *handle)
{
	_cleanup_nftnl_(rule) struct nftnl_rule *rule = nft_new_rule(o->family, table, chain, NULL);

	if (rule && handle)
		nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, *handle);
	put_rule(b, rule, NFT_MSG_DELRULE, 0, o);
}

static void step_rule(struct nft_batch *b, const struct object *o, bool gone)
{
	_cleanup_nftnl_(rule) struct nftnl_rule *rule = gone ? NULL : nft_build_rule(o);

	if (gone)
		remove_rules(b, o, object_table(o), o->nft_rule.chain, &o->nft_rule.handle);
	else
		put_rule(b, rule, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, o);
}

/* Added at the start of the chain; removed by its handle alone, or all rules there would be. */
static void step_accept(struct nft_batch *b, const struct object *o, bool gone)
{
	const struct obj_nft_accept *a = &o->nft_accept;
	_cleanup_nftnl_(rule) struct nftnl_rule *rule = gone ? NULL : nft_build_accept(o);

	if (!gone)
		put_rule(b, rule, NFT_MSG_NEWRULE, NLM_F_CREATE, o);
	else if (a->handle)
		remove_rules(b, o, a->table, a->chain, &a->handle);
	else
		b->failed = true;
}

void nft_batch_flush_chain(struct nft_batch *b, const struct object *o)
{
	remove_rules(b, o, object_table(o), o->nft_rule.chain, NULL);
}

void nft_batch_step(struct nft_batch *b, const struct object *o, enum step_action action)
{
	bool gone = action == STEP_REMOVE;

	switch (o->kind) {
	case OBJ_NFT_TABLE:
		step_table(b, o, gone);
		break;
	case OBJ_NFT_CHAIN:
		step_chain(b, o, gone);
		break;
	case OBJ_NFT_SET:
		step_set(b, o, gone);
		break;
	case OBJ_NFT_ELEMENT:
		step_element(b, o, action);
		break;
	case OBJ_NFT_RULE:
		step_rule(b, o, gone);
		break;
	case OBJ_NFT_ACCEPT: /* it has no value that could change */
		step_accept(b, o, gone);
		break;
	case OBJ_NETNS:
	case OBJ_LINK:
	case OBJ_LINK_UP:
	case OBJ_ALTNAME:
	case OBJ_ADDRESS:
	case OBJ_ROUTE:
	case OBJ_RULE:
	case OBJ_NEIGH:
	case OBJ_FDB:
	case OBJ_TC:
	case OBJ_QDISC:
	case OBJ_SYSCTL:
	case OBJ_KIND_COUNT:
		b->failed = true; /* not nftables': a bug */
		break;
	}
}
