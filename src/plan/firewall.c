/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nftables side of the plan. Rules are constant; what comes and goes with sessions and uplinks
 * are elements of sets and maps, and a few rules per uplink.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/fw.h"
#include "plan/internal.h"
#include "plan/sources.h"
#include "plan/uplink.h"

#define TCP_SYN 0x02u
#define TCP_RST 0x04u

/*
 * A port is known by its group. Its name is no mark of ownership: another program's veth may be
 * called viapod1.
 */
static void match_port(struct nft_rule *r, bool negate)
{
	nft_match_u32(r, NFT_FIELD_IIFGROUP, OWN_PORT_GROUP, negate);
}

/* iifname . ether saddr . address @allowed, then the port's mark */
static void rule_allowed(struct fw_chain *c, uint16_t ethertype, enum nft_field mac,
			 enum nft_field address, const char *set, bool last)
{
	struct nft_rule r = { 0 };

	nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, ethertype);
	nft_lookup(&r, set, !last, 3, (enum nft_field[]){ NFT_FIELD_IIFNAME, mac, address });
	if (last)
		nft_vmap(&r, NFT_FIELD_IIFNAME, "ports");
	else
		nft_verdict(&r, NF_DROP, NULL);
	fw_rule(c, &r);
}

/*
 * ICMP that no session may send. Errors quote a packet, which may be another session's or the
 * host's: they could end or slow it. Of neighbour discovery nothing is needed, since both sides
 * have permanent entries; solicitations for nobody else's address do no harm.
 */
static void plan_icmp_chain(const struct plan_ctx *x, uint8_t family, const uint8_t *types,
			    size_t n)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_BRIDGE, per_family(family, "icmp4", "icmp6"));

	for (size_t i = 0; i < n; i++) {
		struct nft_rule r = { 0 };

		nft_match_u8(&r, NFT_FIELD_L4PROTO,
			     family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
		nft_match_u8(&r, family == AF_INET ? NFT_FIELD_ICMP_TYPE : NFT_FIELD_ICMPV6_TYPE,
			     types[i]);
		nft_verdict(&r, NF_DROP, NULL);
		fw_rule(&c, &r);
	}
}

static void rule_icmp(struct fw_chain *c, uint8_t family)
{
	struct nft_rule r = { 0 };

	nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	nft_match_u8(&r, NFT_FIELD_L4PROTO, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	nft_verdict(&r, NFT_JUMP, per_family(family, "icmp4", "icmp6"));
	fw_rule(c, &r);
}

static void plan_bridge_slot(struct object_set *set, uint32_t slot)
{
	char name[NFT_NAME_MAX];
	struct nft_rule r = { 0 };
	struct fw_chain c;

	snprintf(name, sizeof(name), "slot%u", slot);
	c = fw_chain(set, NFPROTO_BRIDGE, name);
	nft_set_mark(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(slot));
	nft_verdict(&r, NF_ACCEPT, NULL);
	fw_rule(&c, &r);
}

static void plan_bridge_session(const struct plan_ctx *x, const struct session *s)
{
	struct object o = plan_object(OBJ_NFT_ELEMENT, PLACE_HOST);
	struct mac mac = plan_session_mac(s);
	char port[IFNAMSIZ];
	struct nft_key k;
	struct ip ip;

	session_port(s->id, port);
	plan_rates_session(x, s, port);
	ip = plan_address(&x->pool, s, AF_INET);
	k = fw_key_port(port, &mac, &ip);
	fw_element(x->set, NFPROTO_BRIDGE, "allowed", &k);
	if (x->ip6 && !(s->flags & SESSION_NO_IPV6)) {
		ip = plan_address(&x->pool, s, AF_INET6);
		k = fw_key_port(port, &mac, &ip);
		fw_element(x->set, NFPROTO_BRIDGE, "allowed6", &k);
	}
	o.family = NFPROTO_BRIDGE;
	strcpy(o.nft_element.set, "ports");
	o.nft_element.key = fw_key_ifname(port);
	o.nft_element.vmap = true;
	o.nft_element.verdict = NFT_GOTO;
	snprintf(o.nft_element.chain, sizeof(o.nft_element.chain), "slot%u", s->slot);
	x->set->owner.slot = (uint8_t)s->slot;
	set_add(x->set, &o);
	x->set->owner.slot = 0;
}

/* Who may say what on the bridge. What is most frequent stands first. */
static void plan_bridge_table(const struct plan_ctx *x)
{
	/* RFC 792: unreachable, quench, redirect, time exceeded, parameter problem */
	static const uint8_t icmp4[] = { 3, 4, 5, 11, 12 };
	/* RFC 4443: the errors; RFC 4861: RS, RA, NA, redirect */
	static const uint8_t icmp6[] = { 1, 2, 3, 4, 133, 134, 136, 137 };
	const struct ip any4 = { .family = AF_INET }, any6 = { .family = AF_INET6 };
	const struct mac mac = { 0 };
	struct nft_key k = fw_key_port("", &mac, &any4);
	struct nft_rule r = { 0 };
	struct fw_chain c;

	fw_table(x->set, NFPROTO_BRIDGE);
	fw_set(x->set, NFPROTO_BRIDGE, "allowed", false, &k);
	k = fw_key_port("", &mac, &any6);
	fw_set(x->set, NFPROTO_BRIDGE, "allowed6", false, &k);
	k = fw_key_ifname("");
	fw_set(x->set, NFPROTO_BRIDGE, "ports", true, &k);

	plan_icmp_chain(x, AF_INET, icmp4, sizeof(icmp4));
	plan_icmp_chain(x, AF_INET6, icmp6, sizeof(icmp6));
	c = fw_base_chain(x->set, NFPROTO_BRIDGE, "prerouting", "filter", NF_INET_PRE_ROUTING,
			  PRIORITY_BRIDGE);
	match_port(&r, true);
	nft_verdict(&r, NF_ACCEPT, NULL);
	fw_rule(&c, &r);
	plan_rates(x, &c);
	plan_fragments(x, &c);
	plan_share_bridge(x, &c);
	rule_icmp(&c, AF_INET);
	rule_allowed(&c, ETH_P_IP, NFT_FIELD_ETHER_SADDR, NFT_FIELD_IP_SADDR, "allowed", true);
	rule_icmp(&c, AF_INET6);
	rule_allowed(&c, ETH_P_IPV6, NFT_FIELD_ETHER_SADDR, NFT_FIELD_IP6_SADDR, "allowed6", true);
	rule_allowed(&c, ETH_P_ARP, NFT_FIELD_ARP_SHA, NFT_FIELD_ARP_SPA, "allowed", false);
	rule_allowed(&c, ETH_P_ARP, NFT_FIELD_ETHER_SADDR, NFT_FIELD_ARP_SPA, "allowed", true);
	r = (struct nft_rule){ 0 };
	nft_verdict(&r, NF_DROP, NULL);
	fw_rule(&c, &r);

	/*
	 * Frames to 01:80:c2:00:00:0X pass by prerouting, and reach the host from the port itself
	 * (net/bridge/br_input.c:br_handle_frame).
	 */
	c = fw_base_chain(x->set, NFPROTO_BRIDGE, "input", "filter", NF_INET_LOCAL_IN,
			  PRIORITY_BRIDGE);
	r = (struct nft_rule){ 0 };
	match_port(&r, false);
	nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG, true);
	nft_verdict(&r, NF_DROP, NULL);
	fw_rule(&c, &r);

	plan_bridge_slot(x->set, 0);
	for (size_t i = 0; i < x->n_slots; i++) {
		plan_for_slot(x, &x->slots[i]);
		if (!x->slots[i].refused)
			plan_bridge_slot(x->set, x->slots[i].id.slot);
	}
	plan_for_slot(x, NULL);
}

/* Rules often start alike; these start one. */
static struct nft_rule from_bridge(void)
{
	struct nft_rule r = { 0 };

	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, false);
	return r;
}

static struct nft_rule to_bridge(void)
{
	struct nft_rule r = { 0 };

	nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, false);
	return r;
}

void plan_lookup_uplink(struct nft_rule *r, bool in)
{
	nft_lookup_mark(r, "uplinks", PLAN_MARK_MASK, 2,
			in ? (enum nft_field[]){ NFT_FIELD_IIF, NFT_FIELD_IIFNAME }
			   : (enum nft_field[]){ NFT_FIELD_OIF, NFT_FIELD_OIFNAME });
}

static void rule_mss_clamp(struct fw_chain *c)
{
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	nft_match_masked(&r, NFT_FIELD_TCP_FLAGS, TCP_SYN | TCP_RST, TCP_SYN, false);
	nft_action(&r, NFT_OP_MSS_CLAMP);
	fw_rule(c, &r);
}

/* A mark leaves by its uplink only, replies alone come back, nothing else passes either. */
static void plan_from_session(const struct plan_ctx *x)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "from_session");
	struct nft_rule r = { 0 };

	plan_share_forward(x, &c);
	plan_pending_arrived(&c);
	nft_match_masked(&r, NFT_FIELD_CT_STATE, CT_STATE_INVALID, 0, true);
	fw_rule_verdict(&c, r, NF_DROP);
	plan_restore_jump(&c, (struct nft_rule){ 0 });
	plan_protocols(x, &c);
	plan_limits_first(&c);
	rule_mss_clamp(&c);
	plan_link_forward(x, &c);
	plan_lan_jump(&c, AF_INET);
	plan_lan_jump(&c, AF_INET6);
	plan_publish_from(x, &c);
	r = (struct nft_rule){ 0 };
	plan_lookup_uplink(&r, false);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	r = (struct nft_rule){ 0 };
	nft_action(&r, NFT_OP_REJECT);
	fw_rule(&c, &r);
}

static void plan_to_session(const struct plan_ctx *x)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "to_session");
	struct nft_rule r = { 0 };

	plan_restore_jump(&c, r);
	plan_publish_marks(x, &c);
	rule_mss_clamp(&c);
	nft_match_masked(&r, NFT_FIELD_CT_STATE, CT_STATE_ESTABLISHED | CT_STATE_RELATED, 0, true);
	plan_lookup_uplink(&r, true);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	plan_vrf_accepts(x, &c);
	plan_publish_to(x, &c);
	fw_rule_verdict(&c, (struct nft_rule){ 0 }, NF_DROP);
}

static void plan_forward(const struct plan_ctx *x)
{
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "forward", "filter",
					  NF_INET_FORWARD, PRIORITY_FILTER);
	struct nft_rule r = from_bridge();

	plan_from_session(x);
	plan_to_session(x);
	nft_verdict(&r, NFT_GOTO, "from_session");
	fw_rule(&c, &r);
	r = to_bridge();
	nft_verdict(&r, NFT_GOTO, "to_session");
	fw_rule(&c, &r);
	/* a reply that somebody's routing rule or translation led elsewhere */
	r = (struct nft_rule){ 0 };
	nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG, false);
	nft_match_masked(&r, NFT_FIELD_CT_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG, false);
	fw_rule_verdict(&c, r, NF_DROP);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		r = fw_rule_of(plan_families[i]);
		nft_lookup(&r, per_family(plan_families[i], "fenced4", "fenced6"), false, 1,
			   (enum nft_field[]){ NFT_FIELD_IIFNAME });
		fw_rule_verdict(&c, r, NF_DROP);
	}
	if (plan_forwards_all_ip6(x->facts)) { /* nothing was forwarded before we came */
		r = (struct nft_rule){ 0 };
		nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV6);
		fw_rule_verdict(&c, r, NF_DROP);
	}
}

/* What a session may say to the host itself: ICMP, unless it was given access. */
static void plan_input(const struct plan_ctx *x)
{
	static const uint8_t dns[] = { IPPROTO_UDP, IPPROTO_TCP };
	static const uint8_t icmp[] = { IPPROTO_ICMP, IPPROTO_ICMPV6 };
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "input", "filter", NF_INET_LOCAL_IN,
					  PRIORITY_FILTER);
	struct nft_rule r = { 0 };

	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, true);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	plan_pending_arrived(&c);
	r = (struct nft_rule){ 0 };
	nft_match_masked(&r, NFT_FIELD_CT_STATE, CT_STATE_ESTABLISHED | CT_STATE_RELATED, 0, true);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	plan_limits_first(&c);
	for (size_t i = 0; i < sizeof(icmp); i++) {
		r = (struct nft_rule){ 0 };
		nft_match_u8(&r, NFT_FIELD_L4PROTO, icmp[i]);
		fw_rule_verdict(&c, r, NF_ACCEPT);
	}
	for (size_t i = 0; i < sizeof(dns); i++) { /* a resolver on 0.0.0.0 must not answer */
		r = (struct nft_rule){ 0 };
		nft_match_u8(&r, NFT_FIELD_L4PROTO, dns[i]);
		nft_match_be16(&r, NFT_FIELD_DPORT, 53);
		nft_action(&r, NFT_OP_REJECT_PORT); /* and the next server is asked */
		fw_rule(&c, &r);
	}
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		enum nft_field saddr = fw_saddr(plan_families[i]);

		r = fw_rule_of(plan_families[i]);
		nft_lookup(&r, per_family(plan_families[i], "host_access4", "host_access6"), false,
			   1, &saddr);
		fw_rule_verdict(&c, r, NF_ACCEPT);
	}
	r = (struct nft_rule){ 0 };
	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	nft_action(&r, NFT_OP_RESET);
	fw_rule(&c, &r);
	r = (struct nft_rule){ 0 };
	nft_action(&r, NFT_OP_REJECT);
	fw_rule(&c, &r);
}

/* saddr is an uplink's, the way out is another one */
static struct nft_rule by_the_wrong_card(uint8_t family)
{
	enum nft_field saddr = fw_saddr(family);
	struct nft_rule r = fw_rule_of(family);

	nft_lookup(&r, per_family(family, "uplink4", "uplink6"), false, 1, &saddr);
	nft_lookup(&r, per_family(family, "uplink4_dev", "uplink6_dev"), true, 2,
		   (enum nft_field[]){ saddr, NFT_FIELD_OIF });
	return r;
}

/*
 * Late replies: the host's own stack would answer them with a reset or an ICMP error, by the way
 * that has no mark. This is asked behind source NAT, since an error about a session's packet gets
 * the uplink's address only there.
 */
static void plan_answers(const struct plan_ctx *x)
{
	static const uint8_t errors4[] = { 3, 11, 12 };  /* RFC 792: unreachable, time, parameter */
	static const uint8_t errors6[] = { 1, 2, 3, 4 }; /* RFC 4443, section 2.1 */
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "answers", "filter",
					  NF_INET_POST_ROUTING, PRIORITY_ANSWERS);
	struct nft_rule r = { 0 };

	fw_rule_verdict(&c, to_bridge(), NF_ACCEPT);
	nft_match_ifname(&r, NFT_FIELD_OIFNAME, "lo", false);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	plan_restore_jump(&c, (struct nft_rule){ 0 });
	plan_link_answers(x, &c);
	/*
	 * While an uplink changes its addresses source NAT takes another card's, or the link-local
	 * one, and would keep it for as long as the flow goes on; what is dropped is not
	 * remembered.
	 */
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		enum nft_field saddr = fw_saddr(f);

		r = (struct nft_rule){ 0 };
		nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG, false);
		nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(f));
		nft_lookup(&r, per_family(f, "uplink4_dev", "uplink6_dev"), true, 2,
			   (enum nft_field[]){ saddr, NFT_FIELD_OIF });
		fw_rule_verdict(&c, r, NF_DROP);
	}
	plan_own_ports(&c);
	r = (struct nft_rule){ 0 };
	plan_lookup_uplink(&r, false); /* as it should be */
	fw_rule_verdict(&c, r, NF_ACCEPT);
	plan_pass_common(&c);
	plan_late_resets(x, &c);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		r = by_the_wrong_card(plan_families[i]);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
		nft_match_masked(&r, NFT_FIELD_TCP_FLAGS, TCP_RST, TCP_RST, false);
		fw_rule_verdict(&c, r, NF_DROP);
	}
	for (size_t i = 0; i < sizeof(errors4); i++) {
		r = by_the_wrong_card(AF_INET);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_ICMP);
		nft_match_u8(&r, NFT_FIELD_ICMP_TYPE, errors4[i]);
		fw_rule_verdict(&c, r, NF_DROP);
	}
	for (size_t i = 0; i < sizeof(errors6); i++) {
		r = by_the_wrong_card(AF_INET6);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_ICMPV6);
		nft_match_u8(&r, NFT_FIELD_ICMPV6_TYPE, errors6[i]);
		fw_rule_verdict(&c, r, NF_DROP);
	}
}

static void plan_source_element(const struct plan_ctx *x, int index, const struct ip *source)
{
	struct nft_key k = fw_key_ip(source->family, source);

	nft_key_ifindex(&k, index);
	fw_element(x->set, NFPROTO_INET, per_family(source->family, "uplink4_dev", "uplink6_dev"),
		   &k);
}

/* One that a route names may be another device's: the host answers from it there, too. */
static void plan_source(const struct plan_ctx *x, int index, const struct ip *source)
{
	struct nft_key k = fw_key_ip(source->family, source);

	fw_element(x->set, NFPROTO_INET, per_family(source->family, "uplink4", "uplink6"), &k);
	plan_source_element(x, index, source);
	for (size_t i = 0; i < x->facts->addrs.n; i++)
		if (ip_equal(&x->facts->addrs.v[i].prefix.ip, source))
			plan_source_element(x, x->facts->addrs.v[i].index, source);
}

/* To link-local destinations alone, where it is not the one that serves: link_servers.c. */
static bool may_be_source(const struct ip *ip)
{
	return ip->family == AF_INET || !ip_is_link_local(ip);
}

static void fence(const struct plan_ctx *x, const char *dev)
{
	struct nft_key k = fw_key_ifname(dev);

	for (size_t i = 0; i < sizeof(plan_families); i++)
		if (plan_fenced(x->facts, dev, plan_families[i]))
			fw_element(x->set, NFPROTO_INET,
				   per_family(plan_families[i], "fenced4", "fenced6"), &k);
}

static void plan_inet_uplink(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	const struct fact_link *link = facts_link(x->facts, slot->id.uplink);
	const struct fact_link *vrf = plan_vrf(x, slot);
	struct nft_key k = { 0 };

	nft_key_mark(&k, plan_mark(slot->id.slot));
	nft_key_ifindex(&k, slot->id.index);
	nft_key_ifname(&k, slot->id.uplink);
	fw_element(x->set, NFPROTO_INET, "uplinks", &k);
	fence(x, slot->id.uplink);
	if (vrf)
		fence(x, vrf->name);
	for (size_t i = 0; link && i < x->facts->addrs.n; i++) {
		const struct fact_addr *a = &x->facts->addrs.v[i];
		uint8_t family = a->prefix.ip.family;

		if (a->index != link->index || !may_be_source(&a->prefix.ip))
			continue;
		k = fw_key_ip(family, &a->prefix.ip);
		fw_element(x->set, NFPROTO_INET, per_family(family, "uplink4", "uplink6"), &k);
		plan_source_element(x, link->index, &a->prefix.ip);
		plan_late_source(x, slot, &a->prefix.ip);
	}
	for (size_t i = 0; link && i < sizeof(plan_families); i++) {
		struct uplink_sources sources = { 0 };

		uplink_sources(x->facts, &slot->uplink, &slot->routes[i], plan_families[i],
			       &sources);
		for (size_t j = 0; j < sources.n; j++) {
			plan_source(x, link->index, &sources.v[j].source);
			plan_late_source(x, slot, &sources.v[j].source);
		}
	}
}

/* Options that are one session's own, by its address. */
static void plan_inet_session(const struct plan_ctx *x, const struct session *s)
{
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct ip ip = plan_address(&x->pool, s, f);
		struct nft_key k = fw_key_ip(f, &ip);

		if (s->flags & SESSION_HOST_ACCESS)
			fw_element(x->set, NFPROTO_INET,
				   per_family(f, "host_access4", "host_access6"), &k);
		if (s->flags & SESSION_NO_LAN)
			fw_element(x->set, NFPROTO_INET, per_family(f, "no_lan4", "no_lan6"), &k);
	}
}

static void plan_inet_table(const struct plan_ctx *x)
{
	struct nft_key k = { 0 };

	fw_table(x->set, NFPROTO_INET);
	nft_key_mark(&k, 0);
	nft_key_ifindex(&k, 0);
	nft_key_ifname(&k, "");
	fw_set(x->set, NFPROTO_INET, "uplinks", false, &k);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];

		k = fw_key_ifname("");
		fw_set(x->set, NFPROTO_INET, per_family(f, "fenced4", "fenced6"), false, &k);
		k = fw_key_ip(f, NULL);
		fw_set(x->set, NFPROTO_INET, per_family(f, "uplink4", "uplink6"), false, &k);
		fw_set(x->set, NFPROTO_INET, per_family(f, "host_access4", "host_access6"), false,
		       &k);
		fw_set(x->set, NFPROTO_INET, per_family(f, "no_lan4", "no_lan6"), false, &k);
		nft_key_ifindex(&k, 0);
		fw_set(x->set, NFPROTO_INET, per_family(f, "uplink4_dev", "uplink6_dev"), false,
		       &k);
	}
	for (size_t i = 0; i < x->n_slots; i++) {
		plan_for_slot(x, &x->slots[i]);
		plan_inet_uplink(x, &x->slots[i]);
	}
	plan_for_slot(x, NULL);
	plan_marks(x);
	plan_lan(x);
	plan_forward(x);
	plan_input(x);
	plan_dns(x);
	plan_link_servers(x);
	plan_publish(x);
	plan_reroute(x);
	plan_answers(x);
	plan_masquerade(x);
	plan_limits(x);
	plan_pending(x);
}

void plan_firewall_session(const struct plan_ctx *x, const struct session *s)
{
	plan_bridge_session(x, s);
	plan_inet_session(x, s);
	plan_dns_session(x, s);
	plan_limits_session(x, s);
	plan_share_session(x, s);
	plan_publish_session(x, s);
}

void plan_firewall(const struct plan_ctx *x)
{
	plan_bridge_table(x);
	plan_inet_table(x);
	plan_arp_table(x);
}
