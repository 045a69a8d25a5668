/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What --no-lan refuses: every destination that is not on the internet, and those that are on the
 * uplink's own networks. The forward chain jumps here for the sessions in @no_lan4 and @no_lan6;
 * each packet is checked, behind destination NAT, so neither a rule of the host's nor a move to
 * another uplink leads around it.
 *
 * Three parts: fixed prefixes (RFC 6890 and the IANA special-purpose address registries, without
 * those for documentation); IPv6 prefixes that a translator or relay turns into IPv4, where the
 * IPv4 address inside is refused; and for each uplink the prefixes of its addresses and of its
 * routes without a gateway, and its gateways. One thing passes: a DNS question that was led to a
 * name server of the uplink (dns.c).
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "plan/fw.h"
#include "plan/internal.h"

#define DNS_PORT 53

/* data/via-iface.1.scd has the same list, and tests/lab/test_no_lan.py compares the two. */
static const struct prefix fixed4[] = {
	{ { AF_INET, { 0 } }, 8 },         /* 0.0.0.0/8, RFC 791: this network */
	{ { AF_INET, { 10 } }, 8 },        /* 10.0.0.0/8, RFC 1918 */
	{ { AF_INET, { 100, 64 } }, 10 },  /* 100.64.0.0/10, RFC 6598: shared with a provider */
	{ { AF_INET, { 127 } }, 8 },       /* 127.0.0.0/8, RFC 1122: loopback */
	{ { AF_INET, { 169, 254 } }, 16 }, /* 169.254.0.0/16, RFC 3927: link-local */
	{ { AF_INET, { 172, 16 } }, 12 },  /* 172.16.0.0/12, RFC 1918 */
	{ { AF_INET, { 192 } }, 24 },      /* 192.0.0.0/24, RFC 6890: protocol assignments */
	{ { AF_INET, { 192, 168 } }, 16 }, /* 192.168.0.0/16, RFC 1918 */
	{ { AF_INET, { 198, 18 } }, 15 },  /* 198.18.0.0/15, RFC 2544: benchmarks */
	{ { AF_INET, { 224 } }, 4 },       /* 224.0.0.0/4, RFC 5771: multicast */
	{ { AF_INET, { 240 } }, 4 },       /* 240.0.0.0/4, RFC 1112: reserved; RFC 919 */
};
static const struct prefix fixed6[] = {
	/* ::/96, RFC 4291: unspecified, loopback, IPv4-compatible */
	{ { AF_INET6, { 0 } }, 96 },
	/* ::ffff:0:0/96, RFC 4291: IPv4-mapped */
	{ { AF_INET6, { [10] = 0xff, 0xff } }, 96 },
	/* ::ffff:0:0:0/96, RFC 2765: IPv4-translated */
	{ { AF_INET6, { [8] = 0xff, 0xff } }, 96 },
	/* 64:ff9b:1::/48, RFC 8215: NAT64 of a network's own */
	{ { AF_INET6, { 0, 0x64, 0xff, 0x9b, 0, 1 } }, 48 },
	/* 100::/64, RFC 6666: discard-only */
	{ { AF_INET6, { 1 } }, 64 },
	/* 2001::/32, RFC 4380: Teredo, which hides two IPv4 addresses */
	{ { AF_INET6, { 0x20, 1 } }, 32 },
	/* 2001:2::/48, RFC 5180: benchmarks */
	{ { AF_INET6, { 0x20, 1, 0, 2 } }, 48 },
	/* 5f00::/16, RFC 9602: segment routing inside a network */
	{ { AF_INET6, { 0x5f } }, 16 },
	/* fc00::/7, RFC 4193: unique local */
	{ { AF_INET6, { 0xfc } }, 7 },
	/* fe80::/10, RFC 4291: link-local */
	{ { AF_INET6, { 0xfe, 0x80 } }, 10 },
	/* fec0::/10, RFC 3879: site-local */
	{ { AF_INET6, { 0xfe, 0xc0 } }, 10 },
	/* ff00::/8, RFC 4291: multicast */
	{ { AF_INET6, { 0xff } }, 8 },
};

/* Prefixes behind which an IPv4 address stands, and the chain that checks it. */
static const struct {
	struct prefix prefix;
	const char *chain;
} embedding[] = {
	/* 64:ff9b::/96, RFC 6052: NAT64 */
	{ { { AF_INET6, { 0, 0x64, 0xff, 0x9b } }, 96 }, "lan_nat64" },
	/* 2002::/16, RFC 3056: 6to4 */
	{ { { AF_INET6, { 0x20, 2 } }, 16 }, "lan_6to4" },
};

struct prefixes {
	struct prefix *v;
	size_t n, size;
	bool failed;
};

static void prefixes_done(struct prefixes *p)
{
	VEC_DONE(p);
}

/* The IPv4 prefix as it stands in an IPv6 address behind another prefix. */
static struct prefix embedded(const struct prefix *behind, const struct prefix *ip4)
{
	struct prefix p = *behind;

	memcpy(p.ip.bytes + behind->len / 8, ip4->ip.bytes, 4);
	p.len = (uint8_t)(behind->len + ip4->len);
	return p;
}

static bool covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->len <= inner->len && prefix_overlap(outer, inner);
}

static bool fixed_covers(const struct prefix *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed4) && p->ip.family == AF_INET; i++)
		if (covers(&fixed4[i], p))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(fixed6) && p->ip.family == AF_INET6; i++)
		if (covers(&fixed6[i], p))
			return true;
	return false;
}

/* What no fixed prefix covers, and is neither a default route nor a half of one. */
static void add_network(struct prefixes *to, const struct prefix *p)
{
	struct prefix masked = prefix_masked(p), *new;

	if (p->len <= 1 || fixed_covers(&masked))
		return;
	new = VEC_PUSH(to);
	if (new)
		*new = masked;
	else
		to->failed = true;
}

static void add_address(struct prefixes *to, const struct ip *ip)
{
	struct prefix host = { .ip = *ip, .len = (uint8_t)(ip_size(ip) * 8) };

	if (ip_is_set(ip))
		add_network(to, &host);
}

/* Sorted, what covers others stands before them, and nothing else in between. */
static void merge_networks(struct prefixes *p)
{
	size_t kept = 0;

	if (!p->n)
		return;
	qsort(p->v, p->n, sizeof(p->v[0]), prefix_compare);
	for (size_t i = 1; i < p->n; i++)
		if (!covers(&p->v[kept], &p->v[i]))
			p->v[++kept] = p->v[i];
	p->n = kept + 1;
}

/*
 * The uplink's own networks: of its addresses, of its routes without a gateway, and its gateways,
 * which no other prefix may hold (`onlink` in ip-route(8)). A point-to-point device has routes
 * without a gateway to everywhere; there those count that the kernel made of addresses.
 */
static void find_networks(const struct facts *f, const char *uplink, struct prefixes *ret)
{
	const struct fact_link *link = facts_link(f, uplink);
	const struct fact_dns *lease = link ? facts_dns(f, link->index) : NULL;

	for (size_t i = 0; link && i < f->addrs.n; i++) {
		const struct fact_addr *a = &f->addrs.v[i];

		if (a->index == link->index && a->prefix.len < ip_size(&a->prefix.ip) * 8)
			add_network(ret, &a->prefix); /* else it is this host's, with no network */
	}
	for (size_t i = 0; link && i < f->routes.n; i++) {
		const struct fact_route *r = &f->routes.v[i];

		if (r->index != link->index || r->type != RTN_UNICAST || own_is_route(r))
			continue;
		if (ip_is_set(&r->gateway))
			add_address(ret, &r->gateway);
		else if (!(link->flags & IFF_POINTOPOINT) || r->protocol == RTPROT_KERNEL)
			add_network(ret, &r->dst);
	}
	if (lease) {
		add_address(ret, &lease->gateway4);
		add_address(ret, &lease->gateway6);
	}
	merge_networks(ret);
}

bool plan_is_lan(const struct facts *f, const char *uplink, const struct ip *ip)
{
	struct prefix host = { .ip = *ip, .len = (uint8_t)(ip_size(ip) * 8) };
	struct prefixes near __attribute__((cleanup(prefixes_done))) = { 0 };

	if (fixed_covers(&host))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(embedding) && ip->family == AF_INET6; i++) {
		const struct prefix *behind = &embedding[i].prefix;
		struct ip inside;

		if (!prefix_contains(behind, ip))
			continue;
		inside = ip_from_bytes(AF_INET, ip->bytes + behind->len / 8);
		return plan_is_lan(f, uplink, &inside);
	}
	find_networks(f, uplink, &near);
	for (size_t i = 0; i < near.n; i++)
		if (prefix_contains(&near.v[i], ip))
			return true;
	return near.failed; /* no memory: the set has failed */
}

static void match_daddr(struct nft_rule *r, const struct prefix *p)
{
	uint8_t f = p->ip.family;

	nft_match_u8(r, NFT_FIELD_NFPROTO, fw_nfproto(f));
	nft_match_prefix(r, fw_daddr(f), p);
}

static void reject_network(struct fw_chain *c, const struct prefix *p, uint32_t mark)
{
	struct nft_rule r = { 0 };

	if (mark)
		nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, mark, false);
	match_daddr(&r, p);
	nft_action(&r, NFT_OP_REJECT);
	fw_rule(c, &r);
}

/* Questions to one of our fixed addresses, or to a server of the host's, that dns.c led on. */
static void accept_questions(struct fw_chain *c, uint8_t family)
{
	static const uint8_t transports[] = { IPPROTO_UDP, IPPROTO_TCP };

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++) {
		struct nft_rule r = fw_rule_of(family);

		nft_match_u8(&r, NFT_FIELD_L4PROTO, transports[i]);
		nft_match_be16(&r, NFT_FIELD_DPORT, DNS_PORT);
		nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, true);
		nft_lookup_mark(&r, per_family(family, "servers4", "servers6"), PLAN_MARK_MASK, 1,
				&(enum nft_field){ family == AF_INET ? NFT_FIELD_IP_DADDR
								     : NFT_FIELD_IP6_DADDR });
		plan_lookup_uplink(&r, false);
		fw_rule_verdict(c, r, NF_ACCEPT);
	}
}

static void plan_servers(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	for (size_t f = 0; f < sizeof(plan_families); f++) {
		struct ip servers[DNS_SERVERS_MAX];
		size_t n = plan_slot_servers(x, slot, plan_families[f], servers);

		for (size_t i = 0; i < n; i++) {
			struct nft_key k = { 0 };

			nft_key_mark(&k, plan_mark(slot->id.slot));
			nft_key_ip(&k, &servers[i]);
			fw_element(x->set, NFPROTO_INET,
				   per_family(plan_families[f], "servers4", "servers6"), &k);
		}
	}
}

static void plan_near(const struct plan_ctx *x, const struct fact_slot *slot, struct fw_chain *c4,
		      struct fw_chain *c6)
{
	struct prefixes near __attribute__((cleanup(prefixes_done))) = { 0 };
	uint32_t mark = plan_mark(slot->slot);

	find_networks(x->facts, slot->uplink, &near);
	if (near.failed)
		x->set->failed = true;
	for (size_t i = 0; i < near.n; i++) {
		const struct prefix *p = &near.v[i];

		reject_network(p->ip.family == AF_INET ? c4 : c6, p, mark);
		for (size_t j = 0; j < ARRAY_SIZE(embedding) && p->ip.family == AF_INET; j++) {
			struct prefix inside = embedded(&embedding[j].prefix, p);

			reject_network(c6, &inside, mark);
		}
	}
}

/* A chain of its own for each: what has no IPv4 address inside passes by with one comparison. */
static void plan_embedding(const struct plan_ctx *x, struct fw_chain *c6)
{
	for (size_t i = 0; i < ARRAY_SIZE(embedding); i++) {
		const struct prefix *behind = &embedding[i].prefix;
		struct fw_chain c = fw_chain(x->set, NFPROTO_INET, embedding[i].chain);
		struct nft_rule r = { 0 };

		for (size_t j = 0; j < ARRAY_SIZE(fixed4); j++) {
			struct prefix inside = embedded(behind, &fixed4[j]);

			reject_network(&c, &inside, 0);
		}
		match_daddr(&r, behind);
		nft_verdict(&r, NFT_JUMP, embedding[i].chain);
		fw_rule(c6, &r);
	}
}

void plan_lan(const struct plan_ctx *x)
{
	struct fw_chain c4 = fw_chain(x->set, NFPROTO_INET, "lan4");
	struct fw_chain c6 = fw_chain(x->set, NFPROTO_INET, "lan6");

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		const struct ip any = { .family = plan_families[i] };
		struct nft_key k = { 0 };

		nft_key_mark(&k, 0);
		nft_key_ip(&k, &any);
		fw_set(x->set, NFPROTO_INET, per_family(plan_families[i], "servers4", "servers6"),
		       false, &k);
		accept_questions(plan_families[i] == AF_INET ? &c4 : &c6, plan_families[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fixed4); i++)
		reject_network(&c4, &fixed4[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(fixed6); i++)
		reject_network(&c6, &fixed6[i], 0);
	plan_embedding(x, &c6);
	for (size_t i = 0; i < x->n_slots; i++) {
		plan_for_slot(x, &x->slots[i]);
		plan_servers(x, &x->slots[i]);
		plan_near(x, &x->slots[i].id, &c4, &c6);
	}
	plan_for_slot(x, NULL);
}

static void accept_inside(struct fw_chain *c, const struct ip *to)
{
	const struct prefix host = { .ip = *to, .len = (uint8_t)(ip_size(to) * 8) };
	struct nft_rule r = { 0 };

	if (!ip_is_set(to))
		return;
	match_daddr(&r, &host);
	fw_rule_verdict(c, r, NF_ACCEPT);
}

/*
 * Its own kernel refuses it, so that no rule of the host's depends on who opens a login page. That
 * is on the gateway, or out on the internet; to name servers questions go by the bridge.
 */
void plan_portal_inside(const struct facts *f, const struct session *s, const struct pool *pool,
			struct object_set *set)
{
	const struct uplink u = uplink_lookup(f, s->uplink);
	struct prefixes near __attribute__((cleanup(prefixes_done))) = { 0 };
	const size_t before = set->n;
	struct fw_chain c = fw_base_chain(set, NFPROTO_INET, "portal", "filter", NF_INET_LOCAL_OUT,
					  PRIORITY_DNATTED);
	struct nft_rule r = { 0 };
	struct ip bridge = plan_gateway(pool, AF_INET);

	nft_match_ifname(&r, NFT_FIELD_OIFNAME, SESSION_DEV, true);
	fw_rule_verdict(&c, r, NF_ACCEPT);
	accept_inside(&c, &bridge);
	bridge = ip_add(&bridge, 1);
	accept_inside(&c, &bridge);
	bridge = plan_gateway(pool, AF_INET6);
	accept_inside(&c, &bridge);
	accept_inside(&c, &u.ip4.gateway);
	accept_inside(&c, &u.ip6.gateway);
	for (size_t i = 0; i < ARRAY_SIZE(fixed4); i++)
		reject_network(&c, &fixed4[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(fixed6); i++)
		reject_network(&c, &fixed6[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(embedding); i++)
		reject_network(&c, &embedding[i].prefix, 0);
	find_networks(f, s->uplink, &near);
	set->failed |= near.failed;
	for (size_t i = 0; i < near.n; i++)
		reject_network(&c, &near.v[i], 0);
	for (size_t i = before; i < set->n; i++)
		set->v[i].place = PLACE_SESSION;
}

void plan_lan_jump(struct fw_chain *c, uint8_t family)
{
	enum nft_field saddr = fw_saddr(family);
	struct nft_rule r = fw_rule_of(family);

	nft_lookup(&r, per_family(family, "no_lan4", "no_lan6"), false, 1, &saddr);
	nft_verdict(&r, NFT_JUMP, per_family(family, "lan4", "lan6"));
	fw_rule(c, &r);
}
