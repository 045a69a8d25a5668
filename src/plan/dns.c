/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Name servers. A session asks fixed addresses on the bridge; the host turns each question round,
 * by mark, to a server that its uplink has now. So a move, a roam or another lease changes
 * elements of maps, and no file. Questions to servers that the host is configured with go the same
 * way: a resolv.conf that is renamed over the one inside must not lead to them. A server that
 * the program names itself is left alone: it is asked through the uplink anyway.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "plan/fw.h"
#include "plan/internal.h"

#define DNS_PORT 53

static const uint8_t transports[] = { IPPROTO_UDP, IPPROTO_TCP };

/* Questions for port 53 from the bridge: a session's own servers are looked up first. */
static void plan_rules(const struct plan_ctx *x)
{
	struct fw_chain servers = fw_chain(x->set, NFPROTO_INET, "name_servers");
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "names", "nat", NF_INET_PRE_ROUTING,
					  PRIORITY_NAT);
	struct nft_rule r = { 0 };

	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, true);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	plan_restore_jump(&c, (struct nft_rule){ 0 });
	for (size_t i = 0; i < sizeof(transports); i++) {
		r = (struct nft_rule){ 0 };
		nft_match_u8(&r, NFT_FIELD_L4PROTO, transports[i]);
		nft_match_be16(&r, NFT_FIELD_DPORT, DNS_PORT);
		nft_verdict(&r, NFT_JUMP, "name_servers");
		fw_rule(&c, &r);
	}
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i], proto = fw_nfproto(f);
		enum nft_field saddr = fw_saddr(f);
		enum nft_field daddr = fw_daddr(f);
		struct nft_rule own = { 0 }, uplink = { 0 };

		nft_match_u8(&own, NFT_FIELD_NFPROTO, proto);
		nft_dnat_map(&own, per_family(f, "own_dns4", "own_dns6"), proto, 0,
			     (enum nft_field[]){ saddr, daddr });
		fw_rule(&servers, &own);
		nft_match_u8(&uplink, NFT_FIELD_NFPROTO, proto);
		nft_dnat_map(&uplink, per_family(f, "dns4", "dns6"), proto, PLAN_MARK_MASK,
			     (enum nft_field[]){ NFT_FIELD_MARK, daddr });
		fw_rule(&servers, &uplink);
		/* everything else goes where it is sent, past others' proxies and redirections */
		r = (struct nft_rule){ 0 };
		nft_match_u8(&r, NFT_FIELD_NFPROTO, proto);
		nft_dnat_same(&r, proto);
		fw_rule(&c, &r);
	}
}

static void plan_maps(const struct plan_ctx *x)
{
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		const struct ip any = { .family = f };
		struct nft_key own = fw_key_ip(f, NULL), uplink = { 0 };

		nft_key_ip(&own, &any);
		fw_map(x->set, per_family(f, "own_dns4", "own_dns6"), f, &own);
		nft_key_mark(&uplink, 0);
		nft_key_ip(&uplink, &any);
		fw_map(x->set, per_family(f, "dns4", "dns6"), f, &uplink);
	}
}

/* Servers of one family, in their order. */
struct servers {
	struct ip v[DNS_SERVERS_MAX];
	size_t n;
};

static struct servers of_family(const struct ip *v, size_t n, uint8_t family)
{
	struct servers ret = { 0 };

	for (size_t i = 0; i < n; i++)
		if (v[i].family == family)
			ret.v[ret.n++] = v[i];
	return ret;
}

/*
 * What a session asks: three addresses of each family (glibc's MAXNS). The first, and the second of
 * IPv4, are of the pool: hosts 1 and 2, which no session gets. The others are destinations nowhere,
 * and reached by the session's default route without a neighbour entry of their own: the dummy
 * address of RFC 7600, and two of the discard prefix (RFC 6666).
 */
static struct ip fixed_address(const struct pool *pool, uint8_t family, size_t place)
{
	struct ip ip = plan_gateway(pool, family);

	if (!place || (place == 1 && family == AF_INET))
		return ip_add(&ip, (uint32_t)place);
	if (family == AF_INET)
		return (struct ip){ AF_INET, { 192, 0, 0, 8 } };
	return (struct ip){ AF_INET6, { [0] = 1, [15] = (uint8_t)(place + 1) } };
}

/* The fixed addresses of a session's resolv.conf, none twice. */
struct fixed {
	struct ip *v;
	size_t n;
};

static void name(struct fixed *to, const struct pool *pool, uint8_t family, size_t place)
{
	struct ip ip = fixed_address(pool, family, place);

	for (size_t i = 0; i < to->n; i++)
		if (ip_equal(&to->v[i], &ip))
			return;
	if (to->n < SESSION_DNS_MAX)
		to->v[to->n++] = ip;
}

/*
 * Whether another uplink may take over by itself, which may have servers of the other family alone:
 * then the last line is for that family.
 */
static bool may_fail_over(const struct session *s)
{
	return s->uplinks.n > 1 || uplink_list_condition(&s->uplinks, 0);
}

size_t plan_name_servers(const struct facts *f, const struct session *s, const struct pool *pool,
			 struct ip ret[SESSION_DNS_MAX])
{
	const struct fact_link *link = facts_link(f, s->uplink);
	const struct fact_dns *dns = link ? facts_dns(f, link->index) : NULL;
	const struct ip *v = s->n_dns ? s->dns : dns ? dns->servers : NULL;
	size_t n = s->n_dns ? s->n_dns : dns ? dns->n : 0, of[2] = { 0 };
	bool ip6 = plan_has_ip6(f, s);
	struct fixed to = { .v = ret };

	for (size_t i = 0; i < n; i++) {
		bool six = v[i].family == AF_INET6;

		if ((six && !ip6) || (!s->n_dns && plan_server_problem(f, link, &v[i])))
			continue;
		if (ip6 && may_fail_over(s) && to.n == SESSION_DNS_MAX - 1 && !of[!six])
			continue;
		name(&to, pool, v[i].family, of[six]++);
	}
	/* for what comes later: the next uplink, another lease */
	name(&to, pool, AF_INET, 0);
	name(&to, pool, AF_INET, 1);
	if (ip6)
		name(&to, pool, AF_INET6, 0);
	return to.n;
}

const char *plan_name_options(const struct facts *f, const struct session *s)
{
	const struct fact_link *link = facts_link(f, s->uplink);
	const struct fact_dns *dns = link ? facts_dns(f, link->index) : NULL;
	const struct fact_dns *host = facts_dns(f, 0);
	bool same = dns && host && host->n;

	if (s->n_dns || !dns)
		return "";
	for (size_t i = 0; same && i < host->n; i++) {
		same = false;
		for (size_t j = 0; j < dns->n; j++)
			same |= ip_equal(&host->servers[i], &dns->servers[j]);
	}
	return dns->options[0] || !same ? dns->options : host->options;
}

static bool among(const struct servers *servers, const struct ip *ip)
{
	for (size_t i = 0; i < servers->n; i++)
		if (ip_equal(&servers->v[i], ip))
			return true;
	return false;
}

/*
 * For who is named by the first half of the key: the fixed addresses, and those of the host's own
 * servers. Where the family has no server the question ends at the bridge's own address, where
 * input says at once that nobody is there.
 */
static void plan_questions(const struct plan_ctx *x, const char *map, struct nft_key who,
			   uint8_t family, const struct servers *to)
{
	const struct fact_dns *host = facts_dns(x->facts, 0);
	struct ip gateway = plan_gateway(&x->pool, family);
	struct servers foreign = { 0 };
	struct nft_key k;

	for (size_t i = 0; i < SESSION_DNS_MAX; i++) {
		struct ip asked = fixed_address(&x->pool, family, i);

		if (!to->n && !i)
			continue; /* it is the bridge's own address */
		k = who;
		nft_key_ip(&k, &asked);
		fw_map_element(x->set, map, &k,
			       i < to->n ? &to->v[i]
			       : to->n   ? &to->v[0]
					 : &gateway);
	}
	if (host)
		foreign = of_family(host->servers, host->n, family);
	for (size_t i = 0; i < foreign.n; i++) {
		if (among(to, &foreign.v[i]))
			continue; /* it is one of the uplink's as well */
		k = who;
		nft_key_ip(&k, &foreign.v[i]);
		fw_map_element(x->set, map, &k, to->n ? &to->v[0] : &gateway);
	}
}

static void plan_slot(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct nft_key who = { 0 };
		struct servers to;

		if (f == AF_INET6 && !x->ip6)
			continue;
		to.n = plan_slot_servers(x, slot, f, to.v);
		nft_key_mark(&who, plan_mark(slot->id.slot));
		plan_questions(x, per_family(f, "dns4", "dns6"), who, f, &to);
	}
}

void plan_dns(const struct plan_ctx *x)
{
	plan_maps(x);
	plan_rules(x);
	for (size_t i = 0; i < x->n_slots; i++) {
		plan_for_slot(x, &x->slots[i]);
		plan_slot(x, &x->slots[i]);
	}
	plan_for_slot(x, NULL);
}

void plan_dns_session(const struct plan_ctx *x, const struct session *s)
{
	for (size_t i = 0; i < sizeof(plan_families) && s->n_dns; i++) {
		uint8_t f = plan_families[i];
		struct servers to = of_family(s->dns, s->n_dns, f);
		struct ip address = plan_address(&x->pool, s, f);

		if (f == AF_INET6 && (!x->ip6 || s->flags & SESSION_NO_IPV6))
			continue;
		plan_questions(x, per_family(f, "own_dns4", "own_dns6"), fw_key_ip(f, &address), f,
			       &to);
	}
}

/*
 * Inside: a resolver on a loopback address is the host's, and not there. Who asks it all the same
 * is led to the bridge; the answer comes from there to a loopback address, which takes
 * route_localnet (ip-sysctl.rst). IPv6 has no such switch: there ::1 refuses at once.
 */
void plan_dns_inside(const struct pool *pool, struct object_set *set)
{
	const struct prefix loopback = { .ip = { AF_INET, { 127 } }, .len = 8 };
	const struct ip gateway = plan_gateway(pool, AF_INET);
	size_t before = set->n;
	struct fw_chain c;
	struct nft_rule r;

	fw_table(set, NFPROTO_INET);
	c = fw_base_chain(set, NFPROTO_INET, "names", "nat", NF_INET_LOCAL_OUT, PRIORITY_DSTNAT);
	for (size_t i = 0; i < sizeof(transports); i++) {
		r = (struct nft_rule){ 0 };
		nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV4);
		nft_match_prefix(&r, NFT_FIELD_IP_DADDR, &loopback);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, transports[i]);
		nft_match_be16(&r, NFT_FIELD_DPORT, DNS_PORT);
		nft_dnat(&r, &gateway);
		fw_rule(&c, &r);
	}
	c = fw_base_chain(set, NFPROTO_INET, "names_source", "nat", NF_INET_POST_ROUTING,
			  PRIORITY_SRCNAT);
	r = (struct nft_rule){ 0 };
	nft_match_ifname(&r, NFT_FIELD_OIFNAME, SESSION_DEV, false);
	nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV4);
	nft_match_prefix(&r, NFT_FIELD_IP_SADDR, &loopback);
	nft_action(&r, NFT_OP_MASQUERADE);
	fw_rule(&c, &r);
	for (size_t i = before; i < set->n; i++)
		set->v[i].place = PLACE_SESSION; /* the blocks make what is the host's */
}

/* One question for port 53 that does not leave by our device; what becomes of it is to be added. */
static struct nft_rule by_another_device(const char *dev, uint8_t family, uint8_t transport)
{
	struct nft_rule r = { 0 };

	nft_match_ifname(&r, NFT_FIELD_OIFNAME, dev, true);
	nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(family));
	nft_match_u8(&r, NFT_FIELD_L4PROTO, transport);
	nft_match_be16(&r, NFT_FIELD_DPORT, DNS_PORT);
	return r;
}

/* ::1 cannot be the source of what leaves by a device, and without IPv6 there is nowhere to go. */
static void refuse_questions(struct object_set *set, const char *dev, bool ip6)
{
	const struct prefix loopback = { .ip = { AF_INET6, { [15] = 1 } }, .len = 128 };
	struct fw_chain c = fw_base_chain(set, NFPROTO_INET, "names_refused", "filter",
					  NF_INET_LOCAL_OUT, PRIORITY_DSTNAT - 20);

	for (size_t i = 0; i < sizeof(transports); i++) {
		struct nft_rule r = by_another_device(dev, AF_INET6, transports[i]);

		if (ip6)
			nft_match_prefix(&r, NFT_FIELD_IP6_DADDR, &loopback);
		nft_action(&r, NFT_OP_REJECT_PORT);
		fw_rule(&c, &r);
	}
}

/*
 * In a netns of others a name server on a loopback address, or on one of its own links, asks in
 * its turn from wherever its process is: Docker's 127.0.0.11, podman's and libvirt's on their
 * bridges, slirp's 10.0.2.3. So each question that would not leave by our device is led to the
 * bridge. Before Docker's own translation, which has the priority of destination NAT. The source
 * was chosen for the other device, and is translated too.
 */
void plan_dns_attached(const struct pool *pool, const char *dev, bool ip6, struct object_set *set)
{
	size_t before = set->n;
	struct nft_rule r = { 0 };
	struct fw_chain c;

	fw_table(set, NFPROTO_INET);
	refuse_questions(set, dev, ip6);
	c = fw_base_chain(set, NFPROTO_INET, "names", "nat", NF_INET_LOCAL_OUT,
			  PRIORITY_DSTNAT - 10);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		const struct ip gateway = plan_gateway(pool, plan_families[i]);

		for (size_t j = 0; j < sizeof(transports); j++) {
			if (plan_families[i] == AF_INET6 && !ip6)
				continue;
			r = by_another_device(dev, plan_families[i], transports[j]);
			nft_dnat(&r, &gateway);
			fw_rule(&c, &r);
		}
	}
	c = fw_base_chain(set, NFPROTO_INET, "names_source", "nat", NF_INET_POST_ROUTING,
			  PRIORITY_SRCNAT - 10);
	for (size_t i = 0; i < sizeof(transports); i++) {
		r = (struct nft_rule){ 0 };
		nft_match_ifname(&r, NFT_FIELD_OIFNAME, dev, false);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, transports[i]);
		nft_match_be16(&r, NFT_FIELD_DPORT, DNS_PORT);
		nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, true);
		nft_action(&r, NFT_OP_MASQUERADE);
		fw_rule(&c, &r);
	}
	for (size_t i = before; i < set->n; i++) {
		set->v[i].place = PLACE_SESSION;
		set->v[i].attached = true;
	}
}
