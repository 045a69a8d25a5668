/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --publish: connections that others begin to an address of the uplink come into a session.
 *
 * Chain inbound translates the destination of the first packet, where it came in by the uplink and
 * is for an address that the uplink has (@uplink4_dev): maps lead from device, protocol and port to
 * the session's address and port, those with an address (ADDR:PORT) first. A socket of the host
 * that the packet is for takes precedence, and so does what another program's rule translates,
 * since this chain is behind those.
 *
 * Chain inbound_mark gives what comes in so, and its connection, the mark of that uplink, on its
 * way to the session that has the uplink now (@receives4). Chain to_session lets the first packet
 * pass while the session has less than its share of entries. Chain from_session ends a connection
 * whose address is not of the uplink that the session has now.
 *
 * The elements have the device and no address of it: another lease changes none of them. A session
 * that moves, is paused or fails over gets others. The connection's tuples are in zone 0, with
 * those of the host: an answer from the session, whose zone is of the original direction alone, is
 * found there as a reply (net/netfilter/nf_conntrack_core.c:resolve_normal_ct). Its route is that
 * of the session's mark, and what would leave by another card than the one with the address is
 * dropped by the chain answers.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/fw.h"
#include "plan/internal.h"

#define INBOUND_MAX 2048 /* sessions whose connections are counted */

bool plan_publishes(const struct session *s)
{
	return publish_count(&s->published) != 0;
}

/* --- rules --------------------------------------------------------------------------------- */

static const enum nft_field by_device[] = { NFT_FIELD_IIF, NFT_FIELD_L4PROTO, NFT_FIELD_DPORT };

static struct nft_key key_by_device(int index, bool udp, uint16_t port)
{
	struct nft_key k = { 0 };

	nft_key_ifindex(&k, index);
	nft_key_proto(&k, udp ? IPPROTO_UDP : IPPROTO_TCP);
	nft_key_port(&k, port);
	return k;
}

/* With an address in front. */
static struct nft_key key_by_address(const struct ip *ip, int index, bool udp, uint16_t port)
{
	struct nft_key k = fw_key_ip(ip->family, ip);

	nft_key_ifindex(&k, index);
	nft_key_proto(&k, udp ? IPPROTO_UDP : IPPROTO_TCP);
	nft_key_port(&k, port);
	return k;
}

static struct nft_key key_receives(const struct ip *ip, int index)
{
	struct nft_key k = fw_key_ip(ip->family, ip);

	nft_key_ifindex(&k, index);
	return k;
}

static void plan_sets(const struct plan_ctx *x, uint8_t f)
{
	const struct ip any = { .family = f };
	struct nft_key k = key_by_device(0, false, 0);

	fw_map_ports(x->set, per_family(f, "inbound4", "inbound6"), f, &k);
	k = key_by_address(&any, 0, false, 0);
	fw_map_ports(x->set, per_family(f, "inbound_at4", "inbound_at6"), f, &k);
	k = key_receives(&any, 0);
	fw_set(x->set, NFPROTO_INET, per_family(f, "receives4", "receives6"), false, &k);
	k = fw_key_ip(f, NULL);
	fw_dynamic_set(x->set, NFPROTO_INET, per_family(f, "inbound_count4", "inbound_count6"),
		       INBOUND_MAX, 0, &k);
}

/* A packet to an uplink's own address, that came in by that uplink. */
static struct nft_rule to_uplink(uint8_t family)
{
	struct nft_rule r = fw_rule_of(family);

	nft_lookup(&r, per_family(family, "uplink4_dev", "uplink6_dev"), false, 2,
		   (enum nft_field[]){ fw_daddr(family), NFT_FIELD_IIF });
	return r;
}

static void plan_translate(const struct plan_ctx *x)
{
	struct fw_chain ports = fw_chain(x->set, NFPROTO_INET, "inbound_ports");
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "inbound", "nat",
					  NF_INET_PRE_ROUTING, PRIORITY_INBOUND);

	for (uint8_t transparent = 0; transparent < 2; transparent++) {
		struct nft_rule r = { 0 };

		nft_match_u8(&r, NFT_FIELD_SOCKET_TRANSPARENT, transparent);
		fw_rule_verdict(&ports, r, NF_ACCEPT);
	}
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct nft_rule r = to_uplink(f);

		nft_verdict(&r, NFT_GOTO, "inbound_ports");
		fw_rule(&c, &r);
		r = fw_rule_of(f);
		nft_dnat_ports(&r, per_family(f, "inbound_at4", "inbound_at6"), fw_nfproto(f), 4,
			       (enum nft_field[]){ fw_daddr(f), by_device[0], by_device[1],
						   by_device[2] });
		fw_rule(&ports, &r);
		r = fw_rule_of(f);
		nft_dnat_ports(&r, per_family(f, "inbound4", "inbound6"), fw_nfproto(f),
			       ARRAY_SIZE(by_device), by_device);
		fw_rule(&ports, &r);
	}
}

/* Behind translation: what others began, on its way to a session that has that uplink. */
static struct nft_rule arrives(uint8_t family)
{
	struct nft_rule r = { 0 };

	nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, true);
	nft_match_u8(&r, NFT_FIELD_CT_DIR, 0);
	nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(family));
	nft_lookup(&r, per_family(family, "receives4", "receives6"), false, 2,
		   (enum nft_field[]){ fw_daddr(family), NFT_FIELD_IIF });
	return r;
}

static void plan_mark_inbound(const struct plan_ctx *x)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "inbound_mark");
	struct fw_chain slots = fw_chain(x->set, NFPROTO_INET, "inbound_slot");

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		struct nft_rule r = arrives(plan_families[i]);

		nft_verdict(&r, NFT_GOTO, "inbound_slot");
		fw_rule(&c, &r);
	}
	for (size_t i = 0; i < x->n_slots; i++) {
		uint32_t mark = plan_mark(x->slots[i].id.slot);
		struct nft_rule r = { 0 };

		if (x->slots[i].refused)
			continue;
		plan_for_slot(x, &x->slots[i]);
		nft_match_u32(&r, NFT_FIELD_IIF, (uint32_t)x->slots[i].id.index, false);
		nft_set_mark(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, mark);
		nft_set_mark(&r, NFT_FIELD_CT_MARK, PLAN_MARK_MASK, mark);
		fw_rule(&slots, &r);
	}
	plan_for_slot(x, NULL);
}

void plan_publish(const struct plan_ctx *x)
{
	if (!x->publishes)
		return;
	for (size_t i = 0; i < sizeof(plan_families); i++)
		plan_sets(x, plan_families[i]);
	plan_translate(x);
	plan_mark_inbound(x);
}

void plan_publish_marks(const struct plan_ctx *x, struct fw_chain *c)
{
	struct nft_rule r = { 0 };

	if (!x->publishes)
		return;
	nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, true);
	nft_verdict(&r, NFT_JUMP, "inbound_mark");
	fw_rule(c, &r);
}

/* As many entries as a session may have by itself (limits.c), where the table is large enough. */
static uint32_t most_connections(const struct facts *f)
{
	uint32_t quarter = f->conntrack_max / 4;

	return quarter && quarter < SESSION_CONNECTIONS_DEFAULT ? quarter
								: SESSION_CONNECTIONS_DEFAULT;
}

void plan_publish_to(const struct plan_ctx *x, struct fw_chain *to_session)
{
	for (size_t i = 0; x->publishes && i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		enum nft_field daddr = fw_daddr(f);
		struct nft_rule r = arrives(f);

		nft_connections_over(&r, per_family(f, "inbound_count4", "inbound_count6"), 1,
				     &daddr, most_connections(x->facts));
		fw_rule_verdict(to_session, r, NF_DROP);
		r = arrives(f);
		plan_lookup_uplink(&r, true);
		fw_rule_verdict(to_session, r, NF_ACCEPT);
	}
}

/* The program is told, TCP by a reset: its peer knows an address that the session has no more. */
void plan_publish_from(const struct plan_ctx *x, struct fw_chain *from_session)
{
	for (size_t i = 0; x->publishes && i < sizeof(plan_families) * 2; i++) {
		uint8_t f = plan_families[i / 2];
		bool tcp = i % 2 == 0;
		struct nft_rule r = { 0 };

		nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, true);
		nft_match_u8(&r, NFT_FIELD_CT_DIR, 1);
		nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(f));
		nft_lookup(&r, per_family(f, "uplink4_dev", "uplink6_dev"), true, 2,
			   (enum nft_field[]){ f == AF_INET ? NFT_FIELD_CT_DADDR
							    : NFT_FIELD_CT_DADDR6,
					       NFT_FIELD_OIF });
		if (tcp)
			nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
		nft_action(&r, tcp ? NFT_OP_RESET : NFT_OP_REJECT);
		fw_rule(from_session, &r);
	}
}

/* --- a session's own ----------------------------------------------------------------------- */

/*
 * Sessions that list one uplink cannot publish one port (plan_publish_free()), but a list may mean
 * another interface one day: then the session that was there first has the port. Of one user's it
 * is the last one, since the others may be closing (SESSION_PORTS_AGAIN).
 */
static bool goes_before(const struct session *a, const struct session *b)
{
	bool first = a->since != b->since ? a->since < b->since : a->id < b->id;

	return a->uid == b->uid ? !first : first;
}

static bool taken(const struct plan_ctx *x, const struct session *s, const struct publish *p)
{
	for (size_t i = 0; i < x->facts->sessions.n; i++) {
		const struct session *o = &x->facts->sessions.v[i];

		if (o->id == s->id || o->slot != s->slot || !goes_before(o, s))
			continue;
		for (unsigned int j = 0; j < publish_count(&o->published); j++)
			if (publish_meets(&o->published.v[j], p))
				return true;
	}
	return false;
}

static void plan_ports(const struct plan_ctx *x, const struct publish *p, int index,
		       const struct ip *session)
{
	const bool bound = ip_is_set(&p->address);
	const uint8_t f = session->family;

	if (bound && p->address.family != f)
		return;
	for (uint32_t port = p->first; port <= p->last; port++) {
		struct nft_key k =
			bound ? key_by_address(&p->address, index, p->udp, (uint16_t)port)
			      : key_by_device(index, p->udp, (uint16_t)port);

		fw_map_ports_element(x->set,
				     bound ? per_family(f, "inbound_at4", "inbound_at6")
					   : per_family(f, "inbound4", "inbound6"),
				     &k, session, (uint16_t)(p->to + (port - p->first)));
	}
}

void plan_publish_session(const struct plan_ctx *x, const struct session *s)
{
	const struct fact_link *uplink = s->slot ? facts_link(x->facts, s->uplink) : NULL;

	if (!uplink || !plan_publishes(s))
		return;
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct ip ip = plan_address(&x->pool, s, f);
		struct nft_key k = key_receives(&ip, uplink->index);

		if (f == AF_INET6 && (!x->ip6 || s->flags & SESSION_NO_IPV6))
			continue;
		fw_element(x->set, NFPROTO_INET, per_family(f, "receives4", "receives6"), &k);
		for (unsigned int j = 0; j < publish_count(&s->published); j++)
			if (!taken(x, s, &s->published.v[j]))
				plan_ports(x, &s->published.v[j], uplink->index, &ip);
	}
}

/* --- who may have a port ------------------------------------------------------------------- */

static bool lists_meet(const struct facts *f, const struct uplink_list *a,
		       const struct session *other)
{
	struct uplink_walk walk = { .facts = f, .list = a };
	const struct fact_link *l;

	while ((l = uplink_walk(&walk)))
		if (!strcmp(l->name, other->uplink) || uplink_listed(f, &other->uplinks, l->name))
			return true;
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < other->uplinks.n; j++)
			if (!strcmp(uplink_list_word(a, i), uplink_list_word(&other->uplinks, j)))
				return true;
	return false;
}

static int in_vrf(const struct facts *f, const struct uplink_list *uplinks, struct err *err)
{
	struct uplink_walk walk = { .facts = f, .list = uplinks };
	const struct fact_link *l;

	while ((l = uplink_walk(&walk)))
		if (facts_vrf(f, l))
			return err_set(err, EOPNOTSUPP,
				       "publish a port of '%s': it is in a VRF, and its "
				       "connections come in by that",
				       l->name);
	return 0;
}

/* One of the claimed that another session publishes; NULL: none. */
static const struct publish *met(const struct publish_list *claimed, const struct session *other)
{
	for (unsigned int i = 0; i < publish_count(claimed); i++)
		for (unsigned int j = 0; j < publish_count(&other->published); j++)
			if (publish_meets(&claimed->v[i], &other->published.v[j]))
				return &claimed->v[i];
	return NULL;
}

bool plan_publish_meets(const struct session *a, const struct session *b)
{
	return a->id != b->id && publish_lists_meet(&a->published, &b->published);
}

bool plan_is_published(const struct object *o)
{
	static const char *const sets[] = { "inbound4",    "inbound6",  "inbound_at4",
					    "inbound_at6", "receives4", "receives6" };

	for (size_t i = 0; o->kind == OBJ_NFT_ELEMENT && i < ARRAY_SIZE(sets); i++)
		if (o->family == NFPROTO_INET && !strcmp(o->nft_element.set, sets[i]))
			return true;
	return false;
}

int plan_publish_free(const struct facts *f, const struct publish_claim *claim, struct err *err)
{
	const struct publish_list *published = claim->published;
	char text[PUBLISH_TEXT_MAX];

	if (!publish_count(published))
		return 0;
	if (f->no_socket_match)
		return err_set(
			err, EOPNOTSUPP,
			"publish port %s: this kernel's nftables has no expression 'socket', "
			"by which programs of the host keep their ports",
			publish_format(&published->v[0], text));
	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *o = &f->sessions.v[i];
		const struct publish *p = met(published, o);

		if (!p || o->id == claim->id || (claim->again && o->uid == claim->uid) ||
		    !lists_meet(f, claim->uplinks, o))
			continue;
		err_set(err, EADDRINUSE, "publish port %s: session '%s' publishes it",
			publish_format(p, text), o->name);
		return err_hint(err, "choose another port, or end that session");
	}
	return in_vrf(f, claim->uplinks, err);
}
