/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups (--share): sessions of one uid and one group reach each other.
 *
 * Ports stay isolated (bridge(8)): the flag knows all ports or none, and holds without nftables.
 * So members do not speak on the link; the host forwards between them, in by via0 and out by via0.
 * Inside, the pool is behind the bridge's address, so there is no neighbour to ask for, and none to
 * pose as.
 *
 *   bridge prerouting  the port, MAC and address are checked as ever (@allowed); @groups leads from
 *                      the port to its group's chain, and a destination in the group's set gets the
 *                      mark of PLAN_SLOT_SHARE in place of the uplink's. What is not in the set
 *                      goes on as without a group
 *   inet zone          notrack: it is none of the uplink's connections, so a move or the loss of
 *                      an uplink changes nothing, and no entry of conntrack is taken
 *   its own table      the pool, and each member with its MTU; nothing else, no uplink
 *   inet from_session  that mark passes to via0 alone
 *
 * A session has two elements of sets and one of a map; what a packet meets does not depend on how
 * many sessions or groups there are.
 */
#include <assert.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "plan/fw.h"
#include "plan/internal.h"

#define SHARE_TABLE (PLAN_TABLE_BASE + PLAN_SLOT_SHARE)
#define DNS_PORT    53

/* Where, behind the header of UDP or TCP and that of DNS (12 bytes, RFC 1035, section 4.1), the
 * last label may begin: at once with the shortest header, and with the longest one that is compared
 * after 60 bytes of name and two of length. */
#define UDP_HEADER       8
#define TCP_HEADER       20
#define TCP_HEADER_TIMES 32 /* with timestamps (RFC 7323) */
#define LABEL_FIRST      (UDP_HEADER + 12)
#define LABEL_LAST       (TCP_HEADER_TIMES + 2 + 12 + 60)

bool plan_shares(const struct session *s)
{
	return s->share[0] && !(s->flags & SESSION_PAUSED);
}

static bool any_shares(const struct plan_ctx *x)
{
	for (size_t i = 0; i < x->n_sessions; i++)
		if (plan_shares(&x->sessions[i]))
			return true;
	return false;
}

static bool first_of_group(const struct plan_ctx *x, size_t i)
{
	if (!plan_shares(&x->sessions[i]))
		return false;
	for (size_t j = 0; j < i; j++)
		if (plan_shares(&x->sessions[j]) &&
		    session_shares(&x->sessions[j], &x->sessions[i]))
			return false;
	return true;
}

/*
 * What belongs to a group: its chain ("grp"), its sets ("grp4", "grp6"). nft(8) takes no '+' in a
 * name, and no group has a '/'.
 */
static void group_name(const struct session *s, const char *kind, char ret[NFT_NAME_MAX])
{
	static_assert(NFT_NAME_MAX >= sizeof("grp4_4294967295_") + SESSION_SHARE_MAX - 1,
		      "the longest name");
	snprintf(ret, NFT_NAME_MAX, "%s_%u_%s", kind, s->uid, s->share);
	for (char *c = ret; *c; c++)
		if (*c == '+')
			*c = '/';
}

static void match_share_mark(struct nft_rule *r)
{
	nft_match_masked(r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(PLAN_SLOT_SHARE), false);
}

static const struct prefix *pool_of(const struct pool *pool, uint8_t family)
{
	return family == AF_INET ? &pool->ip4 : &pool->ip6;
}

static uint16_t ethertype(uint8_t family)
{
	return family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
}

/* --- bridge -------------------------------------------------------------------------------- */

static void plan_group(const struct plan_ctx *x, const struct session *of)
{
	char name[NFT_NAME_MAX];
	struct fw_chain c;

	group_name(of, "grp", name);
	c = fw_chain(x->set, NFPROTO_BRIDGE, name);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		enum nft_field daddr = fw_daddr(f);
		struct nft_key k = fw_key_ip(f, NULL);
		struct nft_rule r = { 0 };

		group_name(of, per_family(f, "grp4", "grp6"), name);
		fw_set(x->set, NFPROTO_BRIDGE, name, false, &k);
		nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, ethertype(f));
		nft_lookup(&r, name, false, 1, &daddr);
		nft_set_mark(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(PLAN_SLOT_SHARE));
		fw_rule_verdict(&c, r, NF_ACCEPT);
	}
}

void plan_share_bridge(const struct plan_ctx *x, struct fw_chain *prerouting)
{
	const struct nft_key port = fw_key_ifname("");

	if (!any_shares(x))
		return;
	fw_set(x->set, NFPROTO_BRIDGE, "groups", true, &port);
	for (size_t i = 0; i < x->n_sessions; i++)
		if (first_of_group(x, i))
			plan_group(x, &x->sessions[i]);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct nft_rule r = { 0 };

		nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, ethertype(f));
		nft_match_prefix(&r, fw_daddr(f), pool_of(&x->pool, f));
		nft_lookup(&r, per_family(f, "allowed", "allowed6"), false, 3,
			   (enum nft_field[]){ NFT_FIELD_IIFNAME, NFT_FIELD_ETHER_SADDR,
					       fw_saddr(f) });
		nft_vmap(&r, NFT_FIELD_IIFNAME, "groups");
		fw_rule(prerouting, &r);
	}
}

/* --- a session's own ----------------------------------------------------------------------- */

static void plan_member_port(const struct plan_ctx *x, const struct session *s)
{
	struct object o = plan_object(OBJ_NFT_ELEMENT, PLACE_HOST);
	char port[IFNAMSIZ];

	session_port(s->id, port);
	o.family = NFPROTO_BRIDGE;
	strcpy(o.nft_element.set, "groups");
	o.nft_element.key = fw_key_ifname(port);
	o.nft_element.vmap = true;
	o.nft_element.verdict = NFT_JUMP; /* what is not for the group goes on */
	group_name(s, "grp", o.nft_element.chain);
	set_add(x->set, &o);
}

/* A packet that is too big for the member is refused by the route, which tells its MTU. */
static void plan_member_route(const struct plan_ctx *x, const struct session *s,
			      const struct ip *address)
{
	struct object o = plan_object(OBJ_ROUTE, PLACE_HOST);

	o.route.table = SHARE_TABLE;
	o.route.dst = (struct prefix){ .ip = *address, .len = (uint8_t)(ip_size(address) * 8) };
	o.route.metric = METRIC_ROUTE;
	strcpy(o.route.dev, BRIDGE_NAME);
	o.route.mtu = s->mtu;
	set_add(x->set, &o);
}

void plan_share_session(const struct plan_ctx *x, const struct session *s)
{
	if (!plan_shares(s))
		return;
	plan_member_port(x, s);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct ip address = plan_address(&x->pool, s, f);
		struct nft_key k = fw_key_ip(f, &address);
		char name[NFT_NAME_MAX];

		if (f == AF_INET6 && (!x->ip6 || s->flags & SESSION_NO_IPV6))
			continue;
		group_name(s, per_family(f, "grp4", "grp6"), name);
		fw_element(x->set, NFPROTO_BRIDGE, name, &k);
		plan_member_route(x, s, &address);
	}
}

/* --- the host's side ------------------------------------------------------------------------ */

void plan_share_zone(const struct plan_ctx *x, struct fw_chain *zone)
{
	struct nft_rule r = { 0 };

	if (!any_shares(x))
		return;
	match_share_mark(&r);
	nft_action(&r, NFT_OP_NOTRACK);
	fw_rule_verdict(zone, r, NF_ACCEPT);
}

void plan_share_forward(const struct plan_ctx *x, struct fw_chain *from_session)
{
	struct nft_rule r = { 0 };

	if (!any_shares(x))
		return;
	match_share_mark(&r);
	nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, false);
	fw_rule_verdict(from_session, r, NF_ACCEPT);
}

/*
 * A packet that goes out where it came in makes the host send a redirect (net/ipv4/route.c:
 * ip_rt_send_redirect, net/ipv6/ip6_output.c:ip6_forward): its sender would then ask for the
 * member on the link, where nobody answers. send_redirects of all devices, the administrator's,
 * overrules that of the bridge.
 */
static void plan_no_redirects(const struct plan_ctx *x)
{
	static const struct {
		uint8_t protocol, type;
		enum nft_field field;
	} redirects[] = {
		{ IPPROTO_ICMP, 5, NFT_FIELD_ICMP_TYPE },       /* RFC 792 */
		{ IPPROTO_ICMPV6, 137, NFT_FIELD_ICMPV6_TYPE }, /* RFC 4861, section 4.5 */
	};
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "share_redirects", "filter",
					  NF_INET_LOCAL_OUT, PRIORITY_FILTER);

	for (size_t i = 0; i < ARRAY_SIZE(redirects); i++) {
		struct nft_rule r = { 0 };

		nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, false);
		nft_match_u8(&r, NFT_FIELD_L4PROTO, redirects[i].protocol);
		nft_match_u8(&r, redirects[i].field, redirects[i].type);
		fw_rule_verdict(&c, r, NF_DROP);
	}
}

void plan_share_routes(const struct plan_ctx *x)
{
	if (!any_shares(x))
		return;
	plan_no_redirects(x);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct object stop = plan_object(OBJ_ROUTE, PLACE_HOST), pool = stop;

		if (f == AF_INET6 && !x->ip6)
			continue;
		plan_routing_rule(x, f, x->priorities[i].lookup, plan_mark(PLAN_SLOT_SHARE), NULL,
				  SHARE_TABLE);
		pool.route.table = SHARE_TABLE;
		pool.route.dst = *pool_of(&x->pool, f);
		pool.route.metric = METRIC_ROUTE;
		strcpy(pool.route.dev, BRIDGE_NAME);
		set_add(x->set, &pool);
		stop.route.table = SHARE_TABLE;
		stop.route.dst.ip.family = f;
		stop.route.metric = OWN_METRIC_STOP;
		stop.route.stop = RTN_UNREACHABLE;
		if (f == AF_INET) /* as in the table of an uplink (plan.c) */
			set_add(x->set, &stop);
	}
}

/* --- inside -------------------------------------------------------------------------------- */

/*
 * Two halves of the pool, in front of the connected route. "onlink", since a gateway that is looked
 * up in the table would be found behind the first half.
 */
void plan_share_inside(const struct pool *pool, const struct session *s, uint8_t family,
		       struct object_set *set)
{
	struct object o = plan_object(OBJ_ROUTE, PLACE_SESSION);
	uint8_t bit = pool_of(pool, family)->len;

	o.route.table = RT_TABLE_MAIN;
	o.route.dst = *pool_of(pool, family);
	o.route.dst.len = (uint8_t)(bit + 1);
	o.route.gateway = plan_gateway(pool, family);
	o.route.onlink = true;
	strcpy(o.route.dev, session_device(s));
	set_add(set, &o);
	o.route.dst.ip.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	set_add(set, &o);
}

static struct nft_rule question_by(uint8_t transport)
{
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_L4PROTO, transport);
	nft_match_be16(&r, NFT_FIELD_DPORT, DNS_PORT);
	return r;
}

/* The chain that refuses what has the label "via" at one of the places. */
static void refuse_names(struct object_set *set)
{
	static const uint8_t via[] = { 3, 'V', 'I', 'A', 0 };
	static const uint8_t mask[] = { 0xff, 0xdf, 0xdf, 0xdf, 0xff }; /* in either case */
	struct fw_chain c = fw_chain(set, NFPROTO_INET, "via_refused");
	struct nft_rule r = question_by(IPPROTO_TCP);

	nft_action(&r, NFT_OP_RESET);
	fw_rule(&c, &r);
	r = (struct nft_rule){ 0 };
	nft_action(&r, NFT_OP_REJECT_PORT);
	fw_rule(&c, &r);
	c = fw_chain(set, NFPROTO_INET, "via");
	for (unsigned int at = LABEL_FIRST; at <= LABEL_LAST; at++) {
		r = (struct nft_rule){ 0 };
		nft_match_payload(&r, (uint16_t)at, sizeof(via), mask, via);
		nft_verdict(&r, NFT_GOTO, "via_refused");
		fw_rule(&c, &r);
	}
}

/*
 * Names of the group are in hosts(5), and a name server is asked when it is not there, or has no
 * address of a family. Such a question must not leave: it is refused at once, for names of up to 63
 * bytes. Where "via" ends the name depends on its length, and nftables cannot search, so there is a
 * rule for each place; they are the same for all headers, since a launch takes longer by each rule.
 *
 * By TCP two bytes of length precede the question, or were sent in a segment of their own (RFC
 * 7766, section 8). With blocks of SACK the header has other lengths, and such a segment is
 * dropped: it is sent again, and without them when what they ask for has come.
 */
void plan_share_questions(struct object_set *set)
{
	static const uint8_t headers[] = { TCP_HEADER, TCP_HEADER_TIMES }, words[] = { 0xf0 };
	static const uint8_t push[] = { 0x08 }; /* of the flags (RFC 9293, section 3.1) */
	size_t before = set->n;
	struct fw_chain c;
	struct nft_rule r;

	refuse_names(set);
	c = fw_base_chain(set, NFPROTO_INET, "group_names", "filter", NF_INET_LOCAL_OUT,
			  PRIORITY_DSTNAT - 20);
	r = question_by(IPPROTO_UDP);
	nft_verdict(&r, NFT_JUMP, "via");
	fw_rule(&c, &r);
	for (size_t i = 0; i < sizeof(headers); i++) {
		const uint8_t offset[] = { (uint8_t)(headers[i] / 4 << 4) };

		r = question_by(IPPROTO_TCP);
		nft_match_payload(&r, 12, sizeof(words), words, offset);
		nft_verdict(&r, NFT_GOTO, "via");
		fw_rule(&c, &r);
	}
	r = question_by(IPPROTO_TCP);
	nft_match_payload(&r, 13, sizeof(push), push, push);
	nft_verdict(&r, NF_DROP, NULL);
	fw_rule(&c, &r);
	for (size_t i = before; i < set->n; i++)
		set->v[i].place = PLACE_SESSION; /* the blocks make what is the host's */
}

/* --- members and names ---------------------------------------------------------------------- */

int plan_share_admit(const struct facts *f, const struct request *r, uint32_t uid, struct err *err)
{
	struct session wanted = { .uid = uid };
	unsigned int n = 0;

	copy_string(wanted.share, sizeof(wanted.share), r->share);
	for (size_t i = 0; i < f->sessions.n; i++)
		n += session_shares(&wanted, &f->sessions.v[i]);
	if (n < SHARE_MEMBERS_MAX)
		return 0;
	err_set(err, EUSERS, "join group '%s': it has %u sessions, and no more fit", r->share, n);
	return err_hint(err, "end one first, or give another --share");
}

/* Whether another of the group has the name, and is younger. */
static bool has_heir(const struct facts *f, const struct session *s)
{
	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *other = &f->sessions.v[i];

		if (other != s && session_shares(s, other) && !strcasecmp(s->name, other->name) &&
		    (other->since > s->since || (other->since == s->since && other->id > s->id)))
			return true;
	}
	return false;
}

static void format_record(const struct facts *f, const struct pool *pool, const struct session *s,
			  char ret[SHARE_RECORD])
{
	char lines[SHARE_RECORD + 1] = "", text[IP_TEXT_MAX];
	int n = 0;

	/* an address of the ULA /64 takes 25 bytes at most */
	static_assert(2 * (SESSION_NAME_BYTES + sizeof(" .via\n") - 1) + 15 + 25 <= SHARE_RECORD,
		      "the longest lines");
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		struct ip ip = plan_address(pool, s, plan_families[i]);

		if (plan_families[i] == AF_INET || plan_has_ip6(f, s))
			n += snprintf(lines + n, sizeof(lines) - (size_t)n, "%s %s.via\n",
				      ip_format(&ip, text), s->name);
	}
	memset(ret, '\n', SHARE_RECORD);
	memcpy(ret, lines, (size_t)n);
}

static bool is_record(const char *at, const char *record)
{
	return !memcmp(at, record, SHARE_RECORD);
}

void plan_share_names(const struct facts *f, const struct pool *pool, const struct session *of,
		      char block[SHARE_BLOCK])
{
	bool kept[SHARE_MEMBERS_MAX] = { false }, listed[SHARE_MEMBERS_MAX] = { false };
	char records[SHARE_MEMBERS_MAX][SHARE_RECORD];
	size_t n = 0, at = 0;

	for (size_t i = 0; i < f->sessions.n && n < SHARE_MEMBERS_MAX; i++)
		if (session_shares(of, &f->sessions.v[i]) && !has_heir(f, &f->sessions.v[i]))
			format_record(f, pool, &f->sessions.v[i], records[n++]);
	for (size_t i = 0; i < SHARE_MEMBERS_MAX; i++)
		for (size_t j = 0; j < n && !kept[i]; j++)
			if (!listed[j] && is_record(block + i * SHARE_RECORD, records[j]))
				kept[i] = listed[j] = true;
	for (size_t i = 0; i < SHARE_MEMBERS_MAX; i++) {
		if (kept[i])
			continue;
		while (at < n && listed[at])
			at++;
		if (at < n)
			memcpy(block + i * SHARE_RECORD, records[at++], SHARE_RECORD);
		else
			memset(block + i * SHARE_RECORD, '\n', SHARE_RECORD);
	}
}
