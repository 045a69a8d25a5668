/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session's packets look like behind the uplink's address, so that no session takes what
 * is the host's.
 *
 * A reply to a session and a packet to the host arrive at the same address, and differ in ports
 * alone. Conntrack looks the tuple of each packet up among those of all flows
 * (net/netfilter/nf_conntrack_core.c:resolve_normal_ct), and what it finds takes the packet: a
 * session that may send from port 80 gets what a client sends to the host's port 80. So:
 *
 *  - TCP, UDP and SCTP leave from a range of ports that the host does not hand out. The reply
 *    tuples stay in zone 0, the host's own, where source NAT keeps them apart from those of every
 *    flow that the host started (nf_nat_core.c:nf_nat_used_tuple).
 *  - A socket of the host that gets a port of the range later wins: a packet for which the host
 *    has a socket is looked up in a zone where no session has any tuple, and once the host was
 *    seen to use a port, nothing of a session leaves from it (host_ports; a share of the range).
 *  - ICMP is told apart by type: what a session gets back is a reply, what is asked of the host is
 *    a request, and these are different tuples (nf_conntrack_proto_icmp.c:icmp_pkt_to_tuple). The
 *    ids of replies to the host and to sessions are kept apart like ports; a session cannot start
 *    a flow with a reply (icmp_new: valid_new).
 *  - Everything else has one tuple for each pair of addresses, so that a reply to a session and a
 *    new packet to the host are the same: GRE without a key, ESP, AH, IPIP, 6in4, UDP-Lite, DCCP
 *    (which newer kernels do not track), all others. It is refused.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "plan/fw.h"
#include "plan/internal.h"
#include "plan/sources.h"

#define PORT_FIRST 1024 /* those below are for services by convention (RFC 6335, section 6) */

/* A range with fewer ports is the last choice. */
#define PORTS_ENOUGH 1024

/* ip-sysctl.rst: what a kernel has unless told otherwise. */
static const struct port_range default_local = { 32768, 60999 };

/* The top of the ports, whatever else they are used for. */
static const struct port_range fallback = { 61000, 65535 };

/* How long the host's use of a port is remembered, and of how many: all of TCP and UDP. */
#define HOST_PORT_SECONDS 600
#define HOST_PORTS_MAX    131072

/* The host's flows on ports of the range; slot 0 has no sessions. */
#define HOST_ZONE PLAN_TABLE_BASE

#define TCP_RST 0x04u

#define CT_STATUS_DST_NAT (1u << 5) /* linux/netfilter/nf_conntrack_common.h:IPS_DST_NAT */

/* --- the range ----------------------------------------------------------------------------- */

/* A byte for each port: 1 where it is used. */
#define N_PORTS ((size_t)UINT16_MAX + 1)
struct used {
	uint8_t port[N_PORTS];
};

static void use(struct used *u, const struct port_range *r)
{
	memset(u->port + r->min, 1, (size_t)r->max - r->min + 1);
}

static void use_all(struct used *u, const struct port_ranges *set)
{
	for (size_t i = 0; i < set->n; i++)
		use(u, &set->v[i]);
}

static size_t size_of(const struct port_range *r)
{
	return r->max ? (size_t)r->max - r->min + 1 : 0;
}

static size_t next(const struct used *u, size_t from, int value)
{
	const uint8_t *at = from < N_PORTS ? memchr(u->port + from, value, N_PORTS - from) : NULL;

	return at ? (size_t)(at - u->port) : N_PORTS;
}

/* The largest row of unused ports from `first` on; 0-0 when there is none. */
static struct port_range largest(const struct used *u, size_t first)
{
	struct port_range best = { 0 };

	for (size_t start = next(u, first, 0), end; start < N_PORTS; start = next(u, end, 0)) {
		end = next(u, start, 1);
		if (end - start > size_of(&best))
			best = (struct port_range){ (uint16_t)start, (uint16_t)(end - 1) };
	}
	return best;
}

/* Above what the host hands out if there is enough of it, where few services are; else anywhere. */
static struct port_range choose(const struct used *u, size_t above)
{
	struct port_range r = largest(u, above);

	return size_of(&r) >= PORTS_ENOUGH ? r : largest(u, PORT_FIRST);
}

/* Outside of what the host hands out and reserves; and the same without sockets of the host. */
static void find_ports(const struct facts *f, struct port_range *ret_free,
		       struct port_range *ret_quiet)
{
	struct used used = { 0 }, with_sockets;
	const struct port_range *local = f->local_ports.max ? &f->local_ports : &default_local;
	size_t above = (size_t)local->max + 1;

	use(&used, local);
	use_all(&used, &f->reserved_ports);
	*ret_free = choose(&used, above);
	with_sockets = used;
	use_all(&with_sockets, &f->socket_ports);
	*ret_quiet = choose(&with_sockets, above);
}

enum ports_state plan_masquerade_ports(const struct facts *f, struct port_range *ret)
{
	struct port_range free_ports, unbound;

	find_ports(f, &free_ports, &unbound);
	/* where few ports have no socket near them, rules see to each socket by itself */
	*ret = fallback;
	if (size_of(&unbound) && (size_of(&unbound) >= PORTS_ENOUGH || f->no_socket_match ||
				  size_of(&free_ports) < PORTS_ENOUGH))
		*ret = unbound;
	else if (size_of(&free_ports))
		*ret = free_ports;
	if (!size_of(&free_ports))
		return PORTS_SHARED;
	return size_of(ret) < PORTS_ENOUGH ? PORTS_FEW : PORTS_FREE;
}

/* --- rules --------------------------------------------------------------------------------- */

static const uint8_t with_sockets[] = { IPPROTO_TCP, IPPROTO_UDP }; /* that nft finds */

/*
 * Where sockets are asked for: the range, and what was the range before a socket appeared in it,
 * since flows of sessions go on from there.
 */
static size_t watched_ports(const struct facts *f, struct port_range ret[2])
{
	struct port_range unbound;

	find_ports(f, &ret[0], &unbound);
	plan_masquerade_ports(f, &ret[1]);
	if (!size_of(&ret[0]))
		ret[0] = ret[1];
	return ret[1].min >= ret[0].min && ret[1].max <= ret[0].max ? 1 : 2;
}

static void rule_host_socket(struct fw_chain *c, uint8_t proto, const struct port_range *ports,
			     bool transparent)
{
	const enum nft_field port[] = { NFT_FIELD_L4PROTO, NFT_FIELD_DPORT };
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_L4PROTO, proto);
	nft_match_ports(&r, NFT_FIELD_DPORT, ports);
	nft_lookup(&r, "published", true, 2, port);
	nft_match_u8(&r, NFT_FIELD_SOCKET_TRANSPARENT, transparent);
	nft_ct_zone_both(&r, HOST_ZONE);
	nft_verdict(&r, NFT_GOTO, "receives_at");
	fw_rule(c, &r);
}

/*
 * What the host sends from such a port makes it known, but for a reset: the kernel sends one from a
 * port without any socket, to whoever asks there (net/ipv4/tcp_ipv4.c:tcp_v4_send_reset), and
 * would so give that port of a session's to the host.
 */
static void rules_host_sends(struct fw_chain *c, uint8_t proto, const struct port_range *ports)
{
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_L4PROTO, proto);
	nft_match_ports(&r, NFT_FIELD_SPORT, ports);
	nft_ct_zone_both(&r, HOST_ZONE);
	fw_rule(c, &r);
	r = (struct nft_rule){ 0 };
	nft_match_u8(&r, NFT_FIELD_L4PROTO, proto);
	nft_match_ports(&r, NFT_FIELD_SPORT, ports);
	if (proto == IPPROTO_TCP)
		nft_match_masked(&r, NFT_FIELD_TCP_FLAGS, TCP_RST, TCP_RST, true);
	nft_verdict(&r, NFT_GOTO, "sends_from");
	fw_rule(c, &r);
}

/*
 * Remembers a port of the host. Any user may send from all ports of the range within a second, and
 * a resolver that chooses its ports itself comes to all of them: so only so many are remembered
 * that most of the range is left to sessions. A socket whose port is not goes on to receive what
 * is for it.
 */
static void plan_remember(const struct plan_ctx *x, const char *chain, enum nft_field port)
{
	static const struct nft_limit limit = { 1, 256, false };
	const enum nft_field of[] = { NFT_FIELD_L4PROTO, port };
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, chain);
	struct nft_rule r = { 0 };

	nft_lookup(&r, "host_ports", false, 2, of);
	nft_update(&r, "host_ports", 2, of, NULL);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	r = (struct nft_rule){ 0 };
	nft_limit_over(&r, &limit);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	r = (struct nft_rule){ 0 };
	nft_update(&r, "host_ports", 2, of, NULL);
	fw_rule(&c, &r);
}

/* To the uplinks' addresses, or from them. */
static void rule_uplinks(struct fw_chain *c, uint8_t family, bool out, const char *chain)
{
	enum nft_field dst = fw_daddr(family);
	enum nft_field src = fw_saddr(family);
	struct nft_rule r = { 0 };

	nft_match_ifname(&r, out ? NFT_FIELD_OIFNAME : NFT_FIELD_IIFNAME, BRIDGE_NAME, true);
	if (out)
		nft_match_ifname(&r, NFT_FIELD_OIFNAME, "lo", true);
	nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(family));
	nft_lookup(&r, per_family(family, "uplink4", "uplink6"), false, 1, out ? &src : &dst);
	nft_verdict(&r, NFT_JUMP, chain);
	fw_rule(c, &r);
}

/*
 * A port whose packets the host sends on (a container's published port) may have a socket too, its
 * proxy's, and the answers have other ports: in the host's zone they would find no flow. The first
 * packet makes the port known, and what follows, the same packet again, stays in zone 0.
 */
static void rule_published(const struct plan_ctx *x, const struct port_range *ports, size_t n,
			   const struct nft_key *key)
{
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "published", "filter",
					  NF_INET_PRE_ROUTING, PRIORITY_DNATTED);

	fw_dynamic_set(x->set, NFPROTO_INET, "published", HOST_PORTS_MAX, HOST_PORT_SECONDS, key);
	for (size_t i = 0; i < sizeof(with_sockets) * n; i++) {
		struct nft_rule r = { 0 };

		nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, true);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, with_sockets[i % sizeof(with_sockets)]);
		nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, true);
		nft_match_u8(&r, NFT_FIELD_CT_DIR, 0);
		nft_match_ports(&r, NFT_FIELD_CT_DPORT, &ports[i / sizeof(with_sockets)]);
		nft_update(&r, "published", 2,
			   (enum nft_field[]){ NFT_FIELD_L4PROTO, NFT_FIELD_CT_DPORT }, NULL);
		fw_rule(&c, &r);
	}
}

/*
 * What arrives for the range and has no socket is a reply to a session, and somebody's `notrack`
 * would make it nobody's. Where a packet has a zone, that does nothing any more, and takes it from
 * one that has none yet (net/netfilter/nft_ct.c:nft_notrack_eval, nft_ct_set_zone_eval).
 */
static void rules_tracked(struct fw_chain *c, const struct port_range *ports, size_t n)
{
	for (size_t i = 0; i < sizeof(with_sockets) * n; i++) {
		struct nft_rule r = { 0 };

		nft_match_u8(&r, NFT_FIELD_L4PROTO, with_sockets[i % sizeof(with_sockets)]);
		nft_match_ports(&r, NFT_FIELD_DPORT, &ports[i / sizeof(with_sockets)]);
		nft_ct_zone_both(&r, 0);
		fw_rule(c, &r);
	}
}

/* Who has a socket: asked before conntrack, of what arrives and of what the host sends. */
static void plan_sockets(const struct plan_ctx *x, struct fw_chain *in,
			 const struct port_range *ports, size_t n, const struct nft_key *key)
{
	struct fw_chain out, output;

	rule_published(x, ports, n, key);
	plan_remember(x, "receives_at", NFT_FIELD_DPORT);
	plan_remember(x, "sends_from", NFT_FIELD_SPORT);
	out = fw_chain(x->set, NFPROTO_INET, "from_socket");
	for (size_t i = 0; i < sizeof(with_sockets) * n; i++) {
		uint8_t proto = with_sockets[i % sizeof(with_sockets)];
		const struct port_range *range = &ports[i / sizeof(with_sockets)];

		for (int transparent = 0; transparent < 2; transparent++)
			rule_host_socket(in, proto, range, transparent);
		rules_host_sends(&out, proto, range);
	}
	output = fw_base_chain(x->set, NFPROTO_INET, "output", "filter", NF_INET_LOCAL_OUT,
			       PRIORITY_SOCKETS);
	for (size_t i = 0; i < sizeof(plan_families); i++)
		rule_uplinks(&output, plan_families[i], true, "from_socket");
}

/*
 * Both directions of a flow are in the same zone: the one that arrives has a socket, the other
 * one leaves from the port. What goes over lo keeps what conntrack gave it on the way out, and
 * sessions have zones of their own when they talk to the host.
 */
void plan_host_sockets(const struct plan_ctx *x, struct fw_chain *sockets)
{
	struct fw_chain in = fw_chain(x->set, NFPROTO_INET, "to_socket");
	struct port_range ports[2];
	size_t n = watched_ports(x->facts, ports);
	struct nft_key k = { 0 };

	nft_key_proto(&k, 0);
	nft_key_port(&k, 0);
	fw_dynamic_set(x->set, NFPROTO_INET, "host_ports", HOST_PORTS_MAX, HOST_PORT_SECONDS, &k);
	if (!x->facts->no_socket_match)
		plan_sockets(x, &in, ports, n, &k);
	rules_tracked(&in, ports, n);
	for (size_t i = 0; i < sizeof(plan_families); i++)
		rule_uplinks(sockets, plan_families[i], false, "to_socket");
}

static size_t masqueraded(const struct facts *f, uint8_t ret[5])
{
	size_t n = 0;

	ret[n++] = IPPROTO_TCP;
	ret[n++] = IPPROTO_UDP;
	ret[n++] = IPPROTO_ICMP;
	ret[n++] = IPPROTO_ICMPV6;
	if (f->tracks_sctp) /* else conntrack ignores its ports */
		ret[n++] = IPPROTO_SCTP;
	return n;
}

/* A set that never changes: each packet of a session is looked up in it. */
void plan_protocols(const struct plan_ctx *x, struct fw_chain *from_session)
{
	enum nft_field field = NFT_FIELD_L4PROTO;
	struct nft_rule r = { 0 };
	struct nft_key k = { 0 };
	uint8_t protocols[5];
	size_t n = masqueraded(x->facts, protocols);

	nft_key_proto(&k, 0);
	fw_set(x->set, NFPROTO_INET, "protocols", false, &k);
	for (size_t i = 0; i < n; i++) {
		k = (struct nft_key){ 0 };
		nft_key_proto(&k, protocols[i]);
		fw_element(x->set, NFPROTO_INET, "protocols", &k);
	}
	nft_lookup(&r, "protocols", true, 1, &field);
	nft_action(&r, NFT_OP_REJECT);
	fw_rule(from_session, &r);
}

/* Behind source NAT: what would leave from a port of the host. */
void plan_own_ports(struct fw_chain *answers)
{
	struct nft_rule r = { 0 };

	nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG, false);
	nft_lookup(&r, "host_ports", false, 2,
		   (enum nft_field[]){ NFT_FIELD_L4PROTO, NFT_FIELD_SPORT });
	fw_rule_verdict(answers, r, NF_DROP);
}

/*
 * What follows is about resets and errors alone: all else that the host sends, on whatever card,
 * is done with here, and no address of it is looked up.
 */
void plan_pass_common(struct fw_chain *answers)
{
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	nft_match_masked(&r, NFT_FIELD_TCP_FLAGS, TCP_RST, TCP_RST, true);
	fw_rule_verdict(answers, r, NF_ACCEPT);
	r = (struct nft_rule){ 0 };
	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_UDP);
	fw_rule_verdict(answers, r, NF_ACCEPT);
}

/* An address that came a moment ago is in no set yet: by the port, then. */
void plan_late_resets(const struct plan_ctx *x, struct fw_chain *answers)
{
	struct port_range ports;
	struct nft_rule r;

	if (plan_masquerade_ports(x->facts, &ports) == PORTS_SHARED)
		return;
	r = plan_late_reset(&ports);
	fw_rule_verdict(answers, r, NF_DROP);
}

/* Which family's ICMP a protocol is; 0: it goes with both. */
static uint8_t family_of(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP ? AF_INET : protocol == IPPROTO_ICMPV6 ? AF_INET6 : 0;
}

/*
 * What a route says of the source is for the host's own packets (ip-route(8), src); masquerading
 * does not ask it, takes no link-local address of IPv4, and prefers another device's address to a
 * deprecated one. There source NAT is told the address.
 */
static void rules_source(struct fw_chain *c, const struct plan_ctx *x, uint32_t slot,
			 const struct prefix *to, const struct ip *source,
			 const struct port_range *ports)
{
	bool ip4 = source->family == AF_INET;
	uint8_t protocols[5];
	size_t n = masqueraded(x->facts, protocols);

	for (size_t i = 0; i < n; i++) {
		struct nft_rule r = { 0 };
		uint8_t icmp = family_of(protocols[i]);

		if (icmp && icmp != source->family)
			continue;
		nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(slot), false);
		nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, true);
		nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(source->family));
		if (to->len)
			nft_match_prefix(&r, ip4 ? NFT_FIELD_IP_DADDR : NFT_FIELD_IP6_DADDR, to);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, protocols[i]);
		nft_snat(&r, source, icmp ? NULL : ports);
		fw_rule(c, &r);
	}
}

/* The longest prefix first; `routes` are sorted the other way round. */
static void plan_sources(const struct plan_ctx *x, struct fw_chain *c,
			 const struct port_range *ports)
{
	for (size_t i = 0; i < x->n_slots; i++) {
		plan_for_slot(x, &x->slots[i]);
		for (size_t j = 0; j < sizeof(plan_families) && !x->slots[i].refused; j++) {
			const struct ctx_slot *slot = &x->slots[i];
			struct uplink_sources sources = { 0 };

			uplink_sources(x->facts, &slot->uplink, &slot->routes[j], plan_families[j],
				       &sources);
			for (size_t k = sources.n; k-- > 0;)
				rules_source(c, x, slot->id.slot, &sources.v[k].to,
					     &sources.v[k].source, ports);
		}
	}
	plan_for_slot(x, NULL);
}

void plan_masquerade(const struct plan_ctx *x)
{
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "postrouting", "nat",
					  NF_INET_POST_ROUTING, PRIORITY_NAT);
	struct port_range ports;
	uint8_t protocols[5];
	size_t n = masqueraded(x->facts, protocols);

	plan_masquerade_ports(x->facts, &ports);
	plan_restore_jump(&c, (struct nft_rule){ 0 });
	plan_link_masquerade(x, &c, &ports);
	plan_sources(x, &c, &ports);
	for (size_t i = 0; i < n; i++) {
		struct nft_rule r = { 0 };

		nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG, false);
		nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, true);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, protocols[i]);
		if (protocols[i] == IPPROTO_ICMP || protocols[i] == IPPROTO_ICMPV6)
			nft_action(&r, NFT_OP_MASQUERADE); /* the kernel chooses the id */
		else
			nft_masquerade(&r, &ports);
		fw_rule(&c, &r);
	}
}
