/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection tracking is one table for the host and all sessions, and all flows to one port of
 * one server share the ports that sessions are masqueraded to. So the first packet of a
 * connection passes only while its session has a share left:
 *
 *  - of entries: as many as the policy says for each family, and for all sessions of a user twice
 *    as many, but no more than a quarter of nf_conntrack_max;
 *  - of those, to one port of one server (of ICMP, to one address): a sixteenth. Sessions have
 *    some 4500 ports for each.
 *
 *    TCP may not begin more than that at once to one port, and then a sixteenth of it a second;
 *    that is for a user as for a session. So the ports of closed connections are not all.
 *
 * The kernel's counter (net/netfilter/nf_conncount.c) leaves out what TCP has closed, though those
 * entries and ports are kept for two minutes more (nf_conntrack_tcp_timeout_time_wait). And each
 * packet that it is asked about is on its list for a while, passed or not, of which it cleans up
 * eight a tick. Both are bounded by a rate in front: new connections of TCP, and all others. The
 * burst is the whole share, so that nothing slower than a flood meets the rate.
 *
 * What has no share left is dropped: an answer to each packet of a flood would take the host's
 * share of ICMP errors (icmp_msgs_per_sec). Root's sessions have the limits of a session alone.
 *
 * Every entry of a session has our tag in its mark: with it the daemon finds those of an ended
 * session (daemon/entries.c).
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/fw.h"
#include "plan/internal.h"

#define CT_STATUS_CONFIRMED (1u << 3) /* linux/netfilter/nf_conntrack_common.h */

#define USER_SHARES    2   /* of a session */
#define TO_ONE         16  /* the part of a share that may go to one port of one server */
#define USER_OF_MAX    4   /* a user has a quarter of the table */
#define RATE_OF_TCP    128 /* of the share, a second: a share's worth in two minutes */
#define RATE_TO_ONE    16  /* of what may go to one port, a second */
#define RATE_OTHERWISE 512 /* a second: the list is cleaned of eight at a tick of 10 ms or less */

/* An element of a rate's may go once its bucket is full again: a share at the slowest rate. */
#define BUCKET_SECONDS (RATE_OF_TCP + 1)
_Static_assert(SESSION_CONNECTIONS_MAX / RATE_OTHERWISE < BUCKET_SECONDS, "the other rate");

/*
 * Dynamic sets: addresses of sessions; what all, and what one user's, speak to. The kernel makes
 * the hash table of such a set at once. A full one limits nobody who is not in it: better than to
 * stop everybody.
 */
#define ADDRESSES_MAX    2048
#define SERVERS_MAX      65536
#define USER_SERVERS_MAX 16384

/* The first packet of a connection: its entry is not in the table yet. */
static void match_first(struct nft_rule *r)
{
	nft_match_masked(r, NFT_FIELD_CT_STATUS, CT_STATUS_CONFIRMED, 0, false);
}

void plan_limits_marks(struct fw_chain *marks)
{
	struct nft_rule r = { 0 };

	/* what a blocked session says to the host; with a slot, the mark is set by plan_marks() */
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, false);
	nft_match_u8(&r, NFT_FIELD_CT_DIR, 0);
	nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(0), false);
	nft_set_mark(&r, NFT_FIELD_CT_MARK, PLAN_MARK_MASK, plan_mark(0));
	fw_rule(marks, &r);
}

void plan_limits_first(struct fw_chain *c)
{
	struct nft_rule r = { 0 };

	match_first(&r);
	nft_verdict(&r, NFT_JUMP, "limits");
	fw_rule(c, &r);
}

/* --- the shares of a session, and of all that are alike ------------------------------------- */

/* Sessions of one user with one limit are alike: they share a chain. */
struct share {
	uint32_t person, session, user;
	char chain[NFT_NAME_MAX], to[2][NFT_NAME_MAX], rate_to[2][NFT_NAME_MAX];
};

static uint32_t person_of(const struct session *s)
{
	return s->person ? s->person : s->uid;
}

static struct share share_of(const struct facts *f, const struct session *s)
{
	uint32_t most = f->conntrack_max ? f->conntrack_max / USER_OF_MAX : UINT32_MAX;
	uint32_t n = s->connections ? s->connections : SESSION_CONNECTIONS_DEFAULT;
	struct share share = { .person = person_of(s) };

	share.session = n < most ? n : most;
	share.user = n < most / USER_SHARES ? n * USER_SHARES : most;
	snprintf(share.chain, sizeof(share.chain), "share_%u_%u", share.person, n);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		snprintf(share.to[i], sizeof(share.to[i]), "to%c_%u_%u", "46"[i], share.person, n);
		snprintf(share.rate_to[i], sizeof(share.rate_to[i]), "rate_to%c_%u_%u", "46"[i],
			 share.person, n);
	}
	return share;
}

bool plan_limits_alike(const struct session *a, const struct session *b)
{
	return person_of(a) == person_of(b) && a->connections == b->connections &&
	       rate_limits_equal(&a->rates, &b->rates);
}

/* TCP's packets, or those of all else. */
static void match_tcp(struct nft_rule *r, bool tcp)
{
	uint8_t proto = IPPROTO_TCP;

	if (tcp)
		nft_match_u8(r, NFT_FIELD_L4PROTO, proto);
	else
		nft_match_not(r, NFT_FIELD_L4PROTO, &proto, 1);
}

static uint32_t at_least_one(uint32_t n)
{
	return n ? n : 1;
}

static struct nft_limit rate_of(uint32_t share, bool tcp)
{
	uint32_t rate = tcp ? share / RATE_OF_TCP : RATE_OTHERWISE;

	return (struct nft_limit){ .rate = at_least_one(rate), .burst = share };
}

static void rules_of_session(struct fw_chain *c, const struct share *share, uint8_t family)
{
	enum nft_field saddr = fw_saddr(family);

	for (int tcp = 0; tcp < 2; tcp++) {
		struct nft_limit rate = rate_of(share->session, tcp);
		struct nft_rule r = fw_rule_of(family);

		match_tcp(&r, tcp);
		nft_update(&r,
			   tcp ? per_family(family, "rate_tcp4", "rate_tcp6")
			       : per_family(family, "rate4", "rate6"),
			   1, &saddr, &rate);
		fw_rule_verdict(c, r, NF_DROP);
	}
}

static void rule_count(struct fw_chain *c, struct nft_rule r, const char *set, size_t n,
		       const enum nft_field *of, uint32_t most)
{
	nft_connections_over(&r, set, n, of, most);
	fw_rule_verdict(c, r, NF_DROP);
}

/* By port; ICMP by its type, which stands where others have a source port. */
static void rules_to_one(struct fw_chain *c, uint8_t family, const char *set, const char *rate_set,
			 bool by_session, uint32_t most, uint32_t burst)
{
	enum nft_field of[] = { fw_saddr(family), fw_daddr(family), NFT_FIELD_L4PROTO,
				NFT_FIELD_DPORT };
	const struct nft_limit rate = { at_least_one(burst / RATE_TO_ONE), burst, false };
	uint8_t icmp = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	size_t first = by_session ? 0 : 1, n = ARRAY_SIZE(of) - first;
	struct nft_rule r = fw_rule_of(family);

	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	nft_update(&r, rate_set, n, of + first, &rate);
	fw_rule_verdict(c, r, NF_DROP);
	r = fw_rule_of(family);
	nft_match_not(&r, NFT_FIELD_L4PROTO, &icmp, 1);
	rule_count(c, r, set, n, of + first, most);
	of[3] = NFT_FIELD_SPORT;
	r = fw_rule_of(family);
	nft_match_u8(&r, NFT_FIELD_L4PROTO, icmp);
	rule_count(c, r, set, n, of + first, most);
}

static void rules_of_user(struct fw_chain *c, const struct share *share)
{
	for (int tcp = 0; tcp < 2; tcp++) {
		struct nft_limit rate = rate_of(share->user, tcp);
		struct nft_rule r = { 0 };

		match_tcp(&r, tcp);
		nft_limit_over(&r, &rate);
		fw_rule_verdict(c, r, NF_DROP);
	}
	rule_count(c, (struct nft_rule){ 0 }, NULL, 0, NULL, share->user);
}

static struct nft_key key_of_servers(uint8_t family, bool by_session)
{
	struct nft_key k = { 0 };
	struct ip any = { .family = family };

	if (by_session)
		nft_key_ip(&k, &any);
	nft_key_ip(&k, &any);
	nft_key_proto(&k, 0);
	nft_key_port(&k, 0);
	return k;
}

static void plan_share(const struct plan_ctx *x, const struct share *share)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, share->chain);
	uint32_t to_one = at_least_one(share->session / TO_ONE);

	for (size_t i = 0; i < sizeof(plan_families); i++)
		rules_of_session(&c, share, plan_families[i]);
	if (share->person)
		rules_of_user(&c, share);
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		enum nft_field saddr = fw_saddr(f);
		struct nft_key k = key_of_servers(f, false);

		rule_count(&c, fw_rule_of(f), per_family(f, "count4", "count6"), 1, &saddr,
			   share->session);
		rules_to_one(&c, f, per_family(f, "to4", "to6"),
			     per_family(f, "rate_to4", "rate_to6"), true, to_one, to_one);
		if (!share->person)
			continue;
		fw_dynamic_set(x->set, NFPROTO_INET, share->to[i], USER_SERVERS_MAX, 0, &k);
		fw_dynamic_set(x->set, NFPROTO_INET, share->rate_to[i], USER_SERVERS_MAX,
			       RATE_TO_ONE + 1, &k);
		rules_to_one(&c, f, share->to[i], share->rate_to[i], false,
			     at_least_one(share->user / TO_ONE), to_one);
	}
}

void plan_limits_session(const struct plan_ctx *x, const struct session *s)
{
	struct share share = share_of(x->facts, s);

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct object o = plan_object(OBJ_NFT_ELEMENT, PLACE_HOST);
		struct ip ip = plan_address(&x->pool, s, f);

		if (f == AF_INET6 && (!x->ip6 || s->flags & SESSION_NO_IPV6))
			continue;
		o.family = NFPROTO_INET;
		snprintf(o.nft_element.set, sizeof(o.nft_element.set), "shares%c", "46"[i]);
		o.nft_element.key = fw_key_ip(f, &ip);
		o.nft_element.vmap = true;
		o.nft_element.verdict = NFT_GOTO;
		memcpy(o.nft_element.chain, share.chain, sizeof(share.chain));
		set_add(x->set, &o);
	}
}

/* --- the whole ------------------------------------------------------------------------------ */

static void plan_sets(const struct plan_ctx *x, uint8_t f)
{
	struct nft_key k = fw_key_ip(f, NULL);

	fw_set(x->set, NFPROTO_INET, per_family(f, "shares4", "shares6"), true, &k);
	fw_dynamic_set(x->set, NFPROTO_INET, per_family(f, "rate4", "rate6"), ADDRESSES_MAX,
		       BUCKET_SECONDS, &k);
	fw_dynamic_set(x->set, NFPROTO_INET, per_family(f, "rate_tcp4", "rate_tcp6"), ADDRESSES_MAX,
		       BUCKET_SECONDS, &k);
	fw_dynamic_set(x->set, NFPROTO_INET, per_family(f, "count4", "count6"), ADDRESSES_MAX, 0,
		       &k);
	k = key_of_servers(f, true);
	fw_dynamic_set(x->set, NFPROTO_INET, per_family(f, "to4", "to6"), SERVERS_MAX, 0, &k);
	fw_dynamic_set(x->set, NFPROTO_INET, per_family(f, "rate_to4", "rate_to6"), SERVERS_MAX,
		       RATE_TO_ONE + 1, &k);
}

static bool first_alike(const struct plan_ctx *x, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (plan_limits_alike(&x->sessions[j], &x->sessions[i]))
			return false;
	return true;
}

static void plan_from_host(const struct plan_ctx *x)
{
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "from_host", "filter",
					  NF_INET_LOCAL_OUT, PRIORITY_MARK);
	struct nft_rule r = { 0 };

	/* what the host itself says to a session */
	nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, false);
	match_first(&r);
	nft_set_mark(&r, NFT_FIELD_CT_MARK, PLAN_MARK_MASK, plan_mark(0));
	fw_rule(&c, &r);
}

void plan_limits(const struct plan_ctx *x)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "limits");

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		struct nft_rule r = fw_rule_of(f);

		plan_sets(x, f);
		nft_vmap(&r, fw_saddr(f), per_family(f, "shares4", "shares6"));
		fw_rule(&c, &r);
	}
	fw_rule_verdict(&c, (struct nft_rule){ 0 }, NF_DROP); /* nobody's */
	for (size_t i = 0; i < x->n_sessions; i++)
		if (first_alike(x, i)) {
			struct share share = share_of(x->facts, &x->sessions[i]);

			plan_share(x, &share);
		}
	plan_from_host(x);
}
