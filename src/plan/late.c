/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host itself answers to a packet for a connection that it does not have (any more) takes
 * the way of no mark, and so may leave by another card with the uplink's address. Where the port is
 * one that sessions leave from, it is a session's that has ended: the answer goes by that uplink,
 * and the far side sends no more. What is not known here is dropped (firewall.c:plan_answers).
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "plan/fw.h"
#include "plan/internal.h"

#define TCP_RST 0x04u
#define TCP_ACK 0x10u

/* ICMP, behind which the packet is quoted that it is about (RFC 792; RFC 4443, section 3.1). */
#define ICMP_UNREACHABLE   3
#define ICMP_NOBODY        3
#define ICMPV6_UNREACHABLE 1
#define ICMPV6_NOBODY      4
#define QUOTED             8
#define QUOTED_PROTOCOL4   (QUOTED + 9)
#define QUOTED_PROTOCOL6   (QUOTED + 6)

/*
 * A segment of a connection that is gone is answered with RST alone; who tries a closed port, or
 * has a connection aborted, gets RST and ACK (RFC 9293, section 3.10.7.1;
 * net/ipv4/tcp_ipv4.c:tcp_v4_send_reset).
 */
struct nft_rule plan_late_reset(const struct port_range *ports)
{
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	nft_match_masked(&r, NFT_FIELD_TCP_FLAGS, TCP_RST | TCP_ACK, TCP_RST, false);
	nft_match_ports(&r, NFT_FIELD_SPORT, ports);
	return r;
}

/* A datagram for a port where nobody is: its destination port is quoted. */
static struct nft_rule late_error(uint8_t family, const struct port_range *ports)
{
	const bool ip4 = family == AF_INET;
	const uint8_t whole = 0xff, about = IPPROTO_UDP, code = ip4 ? ICMP_NOBODY : ICMPV6_NOBODY;
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_L4PROTO, ip4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	nft_match_u8(&r, ip4 ? NFT_FIELD_ICMP_TYPE : NFT_FIELD_ICMPV6_TYPE,
		     ip4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE);
	nft_match_payload(&r, 1, 1, &whole, &code);
	nft_match_payload(&r, ip4 ? QUOTED_PROTOCOL4 : QUOTED_PROTOCOL6, 1, &whole, &about);
	nft_match_ports(&r, ip4 ? NFT_FIELD_QUOTED_DPORT : NFT_FIELD_QUOTED_DPORT6, ports);
	return r;
}

/* Two uplinks may have the same address: the one of the lower slot, then. */
static bool has_element(const struct object_set *set, const struct object *o)
{
	for (size_t i = set->failed ? 0 : set->n; i > 0; i--)
		if (object_compare(&set->v[i - 1], o) == 0)
			return true;
	return false;
}

void plan_late_source(const struct plan_ctx *x, const struct ctx_slot *slot,
		      const struct ip *source)
{
	struct object o = plan_object(OBJ_NFT_ELEMENT, PLACE_HOST);

	if (slot->refused)
		return;
	o.family = NFPROTO_INET;
	strcpy(o.nft_element.set, per_family(source->family, "late4", "late6"));
	o.nft_element.key = fw_key_ip(source->family, source);
	o.nft_element.vmap = true;
	o.nft_element.verdict = NFT_GOTO;
	snprintf(o.nft_element.chain, sizeof(o.nft_element.chain), "late_slot%u", slot->id.slot);
	if (!has_element(x->set, &o))
		set_add(x->set, &o);
}

void plan_late(const struct plan_ctx *x, struct fw_chain *reroute)
{
	struct fw_chain late = fw_chain(x->set, NFPROTO_INET, "late");
	struct port_range ports;
	struct nft_rule r;

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct nft_key k = fw_key_ip(f, NULL);

		fw_set(x->set, NFPROTO_INET, per_family(f, "late4", "late6"), true, &k);
		r = fw_rule_of(f);
		nft_vmap(&r, fw_saddr(f), per_family(f, "late4", "late6"));
		fw_rule(&late, &r);
	}
	for (size_t i = 0; i < x->n_slots; i++) {
		struct fw_chain c;
		char name[NFT_NAME_MAX];

		if (x->slots[i].refused)
			continue;
		plan_for_slot(x, &x->slots[i]);
		snprintf(name, sizeof(name), "late_slot%u", x->slots[i].id.slot);
		c = fw_chain(x->set, NFPROTO_INET, name);
		r = (struct nft_rule){ 0 };
		nft_set_mark(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(x->slots[i].id.slot));
		fw_rule(&c, &r);
	}
	plan_for_slot(x, NULL);
	if (plan_masquerade_ports(x->facts, &ports) == PORTS_SHARED)
		return;
	r = plan_late_reset(&ports);
	nft_verdict(&r, NFT_GOTO, "late");
	fw_rule(reroute, &r);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		r = late_error(plan_families[i], &ports);
		nft_verdict(&r, NFT_GOTO, "late");
		fw_rule(reroute, &r);
	}
}
