/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Name servers with a link-local address of IPv6 (fe80::1, from RDNSS or set by hand).
 *
 * Destination NAT to such an address does not work for a forwarded packet: its route is looked up
 * among those of the device that the packet came in by alone (net/ipv6/route.c:
 * ip6_route_input_lookup, rt6_need_strict), which is our bridge. So each such server has an alias,
 * an address of the pool that no session gets. The question is led to the alias (dns.c); the
 * slot's table has a route to it, whose gateway is the server, on the uplink; and behind routing
 * the alias is replaced by the server's address, before source NAT, which so takes the uplink's
 * link-local address as the host itself would (RFC 6724, rule 2). The reply's source is replaced by
 * the alias before connection tracking, which knows the alias alone. Both are nftables' writing of
 * an address with its checksum (kernel 4.10), for each packet.
 *
 * A reply to the host's own resolver must stay as it is. It is told apart as in masquerade.c: only
 * ports of sessions' range are replied to here, and not where the host has a socket.
 *
 * An alias belongs to one slot, and stands in that slot's table alone. Elsewhere it lies in the
 * pool, on the bridge, where nobody has it.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "plan/fw.h"
#include "plan/internal.h"

#define DNS_PORT 53

/* Behind the rpfilter of others, in raw (-300 to -290); before conntrack's -200. */
#define PRIORITY_REPLIES (-210)
/* Behind routing, before source NAT. */
#define PRIORITY_QUESTIONS (PRIORITY_SRCNAT - 10)

#define ALIAS_BYTE 0x53
#define ALIAS_LEN  112

static const struct prefix link_local = { .ip = { AF_INET6, { 0xfe, 0x80 } }, .len = 10 };
static const struct prefix link_local4 = { .ip = { AF_INET, { 169, 254 } }, .len = 16 };
static const uint8_t transports[] = { IPPROTO_UDP, IPPROTO_TCP };

/* --- which ----------------------------------------------------------------------------------- */

static bool is_link_server(const struct ip *server)
{
	return server->family == AF_INET6 && ip_is_link_local(server);
}

static bool has_ip6_address(const struct facts *f, const struct fact_link *link)
{
	for (const struct fact_addr *a = NULL; (a = facts_next_addr(f, link->index, a));)
		if (a->prefix.ip.family == AF_INET6)
			return true;
	return false;
}

static bool is_of_link(const struct facts *f, const struct fact_link *link, const struct ip *ip)
{
	for (const struct fact_addr *a = NULL; (a = facts_next_addr(f, link->index, a));)
		if (ip_equal(&a->prefix.ip, ip))
			return true;
	return false;
}

const char *plan_server_problem(const struct facts *f, const struct fact_link *link,
				const struct ip *server)
{
	struct port_range ports;

	if (server->family == AF_INET6 && !plan_host_has_ip6(f))
		return "the host has IPv6 switched off";
	if (!is_link_server(server))
		return NULL;
	/* as a gateway the kernel refuses it (net/ipv6/route.c:ip6_validate_gw) */
	if (is_of_link(f, link, server))
		return "it is an address of that interface itself";
	if (!has_ip6_address(f, link))
		return "it is link-local, and the interface has no IPv6 address to ask it from";
	if (f->no_socket_match && plan_masquerade_ports(f, &ports) == PORTS_SHARED)
		return "it is link-local, and its replies to sessions could not be told from those "
		       "to the host: the kernel has no nftables socket expression, and "
		       "net.ipv4.ip_local_port_range leaves no port to sessions";
	return NULL;
}

/* fdxx:…:5300::SLOT:PLACE, without the colon */
static struct ip alias_of(const struct pool *pool, uint32_t slot, size_t place)
{
	struct ip ip = pool->ip6.ip;

	ip.bytes[8] = ALIAS_BYTE;
	ip.bytes[14] = (uint8_t)slot;
	ip.bytes[15] = (uint8_t)place;
	return ip;
}

static struct prefix all_aliases(const struct pool *pool)
{
	return (struct prefix){ .ip = alias_of(pool, 0, 0), .len = ALIAS_LEN };
}

size_t plan_slot_servers(const struct plan_ctx *x, const struct ctx_slot *slot, uint8_t family,
			 struct ip ret[DNS_SERVERS_MAX])
{
	const struct fact_link *link = slot->uplink.link;
	const struct fact_dns *dns = link ? facts_dns(x->facts, link->index) : NULL;
	size_t n = 0;

	for (size_t i = 0; dns && i < dns->n; i++) {
		const struct ip *ip = &dns->servers[i];

		if (ip->family != family || plan_server_problem(x->facts, link, ip))
			continue;
		ret[n++] = is_link_server(ip) ? alias_of(&x->pool, slot->id.slot, i) : *ip;
	}
	return n;
}

/* The link-local servers of all slots, one at a time. */
struct walk {
	size_t slot, next;
	const struct ip *server;
	struct ip alias;
};

static bool walk(const struct plan_ctx *x, struct walk *w)
{
	for (; x->ip6 && w->slot < x->n_slots; w->slot++, w->next = 0) {
		const struct ctx_slot *slot = &x->slots[w->slot];
		const struct fact_link *link = slot->uplink.link;
		const struct fact_dns *dns = link ? facts_dns(x->facts, link->index) : NULL;

		while (dns && w->next < dns->n) {
			size_t place = w->next++;

			w->server = &dns->servers[place];
			w->alias = alias_of(&x->pool, slot->id.slot, place);
			if (is_link_server(w->server) &&
			    !plan_server_problem(x->facts, link, w->server))
				return true;
		}
	}
	return false;
}

static bool has_any(const struct plan_ctx *x)
{
	struct walk w = { 0 };

	return walk(x, &w);
}

size_t plan_link_routes(const struct plan_ctx *x, const struct ctx_slot *slot,
			struct link_route ret[DNS_SERVERS_MAX])
{
	struct walk w = { 0 };
	size_t n = 0;

	while (walk(x, &w))
		if (&x->slots[w.slot] == slot)
			ret[n++] = (struct link_route){ { w.alias, 128 }, *w.server };
	return n;
}

/* --- rules ----------------------------------------------------------------------------------- */

static struct nft_rule marked_for(const struct prefix *to)
{
	struct nft_rule r = { 0 };

	nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG, false);
	nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV6);
	nft_match_prefix(&r, NFT_FIELD_IP6_DADDR, to);
	return r;
}

static void plan_questions(const struct plan_ctx *x)
{
	struct fw_chain to = fw_chain(x->set, NFPROTO_INET, "to_link_server");
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "link_questions", "filter",
					  NF_INET_POST_ROUTING, PRIORITY_QUESTIONS);
	const struct prefix aliases = all_aliases(&x->pool);
	struct nft_rule r = marked_for(&aliases);
	struct walk w = { 0 };

	while (walk(x, &w)) {
		const struct prefix alias = { w.alias, 128 };
		struct nft_rule set = { 0 };

		plan_for_slot(x, &x->slots[w.slot]);
		nft_match_prefix(&set, NFT_FIELD_IP6_DADDR, &alias);
		plan_lookup_uplink(&set, false);
		nft_set_address(&set, NFT_FIELD_IP6_DADDR, w.server);
		nft_verdict(&set, NF_ACCEPT, NULL);
		fw_rule(&to, &set);
	}
	plan_for_slot(x, NULL);
	fw_rule_verdict(&to, (struct nft_rule){ 0 }, NF_DROP);
	nft_verdict(&r, NFT_GOTO, "to_link_server");
	fw_rule(&c, &r);
}

static void plan_replies(const struct plan_ctx *x)
{
	struct fw_chain from = fw_chain(x->set, NFPROTO_INET, "from_link_server");
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "link_replies", "filter",
					  NF_INET_PRE_ROUTING, PRIORITY_REPLIES);
	struct port_range ports;
	struct walk w = { 0 };

	plan_masquerade_ports(x->facts, &ports);
	for (uint8_t transparent = 0; transparent < 2 && !x->facts->no_socket_match;
	     transparent++) {
		struct nft_rule r = { 0 };

		nft_match_u8(&r, NFT_FIELD_SOCKET_TRANSPARENT, transparent);
		fw_rule_verdict(&from, r, NF_ACCEPT);
	}
	while (walk(x, &w)) {
		const struct prefix server = { *w.server, 128 };
		struct nft_rule r = { 0 };

		plan_for_slot(x, &x->slots[w.slot]);
		nft_match_ifname(&r, NFT_FIELD_IIFNAME, x->slots[w.slot].id.uplink, false);
		nft_match_prefix(&r, NFT_FIELD_IP6_SADDR, &server);
		nft_set_address(&r, NFT_FIELD_IP6_SADDR, &w.alias);
		nft_verdict(&r, NF_ACCEPT, NULL);
		fw_rule(&from, &r);
	}
	plan_for_slot(x, NULL);
	for (size_t i = 0; i < sizeof(transports); i++) {
		struct nft_rule r = { 0 };

		nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV6);
		nft_match_prefix(&r, NFT_FIELD_IP6_SADDR, &link_local);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, transports[i]);
		nft_match_be16(&r, NFT_FIELD_SPORT, DNS_PORT);
		nft_match_ports(&r, NFT_FIELD_DPORT, &ports);
		nft_verdict(&r, NFT_GOTO, "from_link_server");
		fw_rule(&c, &r);
	}
}

void plan_link_servers(const struct plan_ctx *x)
{
	if (!has_any(x))
		return;
	plan_questions(x);
	plan_replies(x);
}

/* A question that dns.c led to it, and nothing else: a session may write any destination. */
void plan_link_forward(const struct plan_ctx *x, struct fw_chain *from_session)
{
	const struct prefix aliases = all_aliases(&x->pool);
	struct nft_rule r = marked_for(&aliases);

	if (!has_any(x))
		return;
	nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, false);
	nft_action(&r, NFT_OP_REJECT);
	fw_rule(from_session, &r);
}

void plan_link_masquerade(const struct plan_ctx *x, struct fw_chain *postrouting,
			  const struct port_range *ports)
{
	for (size_t i = 0; i < sizeof(transports) && has_any(x); i++) {
		struct nft_rule r = marked_for(&link_local);

		nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, true);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, transports[i]);
		nft_masquerade(&r, ports);
		fw_rule(postrouting, &r);
	}
}

static void accept_by_uplink(const struct plan_ctx *x)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "link_answers");
	struct nft_rule r = { 0 };

	plan_own_ports(&c);
	plan_lookup_uplink(&r, false);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	fw_rule_verdict(&c, (struct nft_rule){ 0 }, NF_DROP);
}

/*
 * An IPv4 address of 169.254.0.0/16 beside the one that serves is the source for destinations on
 * its link (net/ipv4/devinet.c:inet_select_addr). For others source NAT takes it only while the
 * uplink changes its addresses, and would keep it for as long as the flow goes on.
 */
static size_t sources_on_link(const struct plan_ctx *x, struct fw_chain *answers)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_slots; i++) {
		const struct uplink *u = &x->slots[i].uplink;

		plan_for_slot(x, &x->slots[i]);
		for (const struct fact_addr *a = NULL;
		     u->link && (a = facts_next_addr(x->facts, u->link->index, a));) {
			const struct prefix source = { a->prefix.ip, 32 };
			struct nft_rule r = { 0 };

			if (source.ip.family != AF_INET || !ip_is_link_local(&source.ip) ||
			    ip_equal(&source.ip, &u->ip4.address))
				continue;
			nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_TAG_MASK, PLAN_MARK_TAG,
					 false);
			nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV4);
			nft_match_prefix(&r, NFT_FIELD_IP_SADDR, &source);
			nft_verdict(&r, NFT_GOTO, "link_answers4");
			fw_rule(answers, &r);
			n++;
		}
	}
	plan_for_slot(x, NULL);
	return n;
}

void plan_link_answers(const struct plan_ctx *x, struct fw_chain *answers)
{
	struct nft_rule r = marked_for(&link_local);
	bool six = has_any(x), four = sources_on_link(x, answers);

	if (six || four)
		accept_by_uplink(x);
	if (six) {
		nft_verdict(&r, NFT_GOTO, "link_answers");
		fw_rule(answers, &r);
	}
	if (four) {
		struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "link_answers4");

		r = (struct nft_rule){ 0 };
		nft_match_prefix(&r, NFT_FIELD_IP_DADDR, &link_local4);
		nft_verdict(&r, NFT_GOTO, "link_answers");
		fw_rule(&c, &r);
		fw_rule_verdict(&c, (struct nft_rule){ 0 }, NF_DROP);
	}
}
