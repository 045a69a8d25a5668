/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plan promises, whatever its tables and chains are called: those are followed from what
 * refers to them. The texts themselves stand in tests/golden.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/vec.h"
#include "list.h"
#include "model/diff.h"
#include "model/print.h"
#include "plan/plan.h"
#include "plan/routes.h"
#include "scene.h"
#include "unit.h"

struct fixture {
	struct facts f;
	struct object_set host, inside;
};

static int setup(void **state)
{
	static struct fixture x;

	x = (struct fixture){ 0 };
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	facts_done(&x->f);
	set_done(&x->host);
	set_done(&x->inside);
	return 0;
}

/* --- short words --------------------------------------------------------------------------- */

static struct session session(uint32_t n, uint32_t slot, const char *uplink)
{
	struct session s = {
		.id = n, .uid = 1000, .slot = slot, .host = n + 2, .netns = 4026532000u
	};

	snprintf(s.name, sizeof(s.name), "s%u", n);
	s.uplinks = list_of(uplink);
	if (slot)
		snprintf(s.uplink, sizeof(s.uplink), "%s", uplink);
	return s;
}

static void plan(struct fixture *x, const struct session *sessions, size_t n)
{
	struct err err = { 0 };

	set_done(&x->host);
	if (plan_host(&x->f, sessions, n, &x->host, &err) < 0)
		fail_msg("%s", err.text);
}

static void plan_one(struct fixture *x, struct session s)
{
	struct err err = { 0 };

	plan(x, &s, 1);
	set_done(&x->inside);
	if (plan_inside(&x->f, &s, &x->inside, &err) < 0)
		fail_msg("%s", err.text);
}

static void print_all(struct strbuf *sb, const struct object_set *set)
{
	for (const struct object *o = set->v; o < set->v + set->n; o++)
		print_add(sb, o, "ns");
}

/* How many of these lines there are; a text that is part of a line counts, too. */
static size_t lines(const struct object_set *set, const char *part)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	size_t n = 0;

	print_all(&sb, set);
	for (const char *at = strbuf_text(&sb); (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

#define HAS(set, part)                                                                             \
	do {                                                                                       \
		if (!lines(set, part))                                                             \
			fail_msg("no '%s'", part);                                                 \
	} while (0)
#define HAS_NOT(set, part)                                                                         \
	do {                                                                                       \
		if (lines(set, part))                                                              \
			fail_msg("there is '%s'", part);                                           \
	} while (0)

static const struct object *find_chain(const struct object_set *set, uint8_t family,
				       const char *name)
{
	for (const struct object *o = set->v; o < set->v + set->n; o++)
		if (o->kind == OBJ_NFT_CHAIN && o->family == family &&
		    !strcmp(o->nft_chain.name, name))
			return o;
	return NULL;
}

static const struct object *find_set(const struct object_set *set, uint8_t family, const char *name)
{
	for (const struct object *o = set->v; o < set->v + set->n; o++)
		if (o->kind == OBJ_NFT_SET && o->family == family && !strcmp(o->nft_set.name, name))
			return o;
	return NULL;
}

static size_t elements(const struct object_set *set, const struct nft_key *key)
{
	size_t n = 0;

	for (const struct object *o = set->v; o < set->v + set->n; o++)
		n += o->kind == OBJ_NFT_ELEMENT && o->nft_element.key.len == key->len &&
		     !memcmp(o->nft_element.key.bytes, key->bytes, key->len);
	return n;
}

/* The mark that a packet gets at the port: by the map, the chain and its rule. */
static uint32_t mark_of_port(const struct object_set *set, const char *port)
{
	const char *chain = NULL;
	struct nft_key key = { 0 };
	uint32_t mark = 0;

	nft_key_ifname(&key, port);
	for (const struct object *o = set->v; o < set->v + set->n; o++)
		if (o->kind == OBJ_NFT_ELEMENT && o->nft_element.vmap &&
		    !memcmp(o->nft_element.key.bytes, key.bytes, key.len))
			chain = o->nft_element.chain;
	assert_non_null(chain);
	for (const struct object *o = set->v; o < set->v + set->n; o++)
		if (o->kind == OBJ_NFT_RULE && o->family == NFPROTO_BRIDGE &&
		    !strcmp(o->nft_rule.chain, chain)) {
			assert_int_equal(o->nft_rule.index, 0);
			assert_int_equal(o->nft_rule.rule->stmts[0].op, NFT_OP_SET_MARK);
			assert_int_equal(o->nft_rule.rule->stmts[0].mask, PLAN_MARK_MASK);
			memcpy(&mark, o->nft_rule.rule->stmts[0].value, 4);
		}
	return mark;
}

static const struct object *link_named(const struct object_set *set, const char *name)
{
	for (const struct object *o = set->v; o < set->v + set->n; o++)
		if (o->kind == OBJ_LINK && !strcmp(o->link.name, name))
			return o;
	return NULL;
}

/* --- everything hangs together ------------------------------------------------------------- */

static void stmt_hangs_together(const struct object_set *set, uint8_t family,
				const struct nft_stmt *s)
{
	const struct object *named;
	size_t len = 0;

	if (s->op == NFT_OP_VERDICT && (s->verdict == NFT_JUMP || s->verdict == NFT_GOTO)) {
		named = find_chain(set, family, s->name);
		assert_non_null(named);
		assert_false(named->nft_chain.base);
	}
	if (s->op != NFT_OP_LOOKUP && s->op != NFT_OP_VMAP && s->op != NFT_OP_UPDATE)
		return;
	named = find_set(set, family, s->name);
	if (!named)
		fail_msg("no set '%s'", s->name);
	assert_int_equal(named->nft_set.vmap, s->op == NFT_OP_VMAP);
	assert_int_equal(named->nft_set.n_types, s->n_fields);
	for (size_t i = 0; i < s->n_fields; i++) {
		assert_int_equal(named->nft_set.types[i], nft_field_info(s->fields[i])->type);
		len += ((size_t)nft_field_info(s->fields[i])->len + 3) / 4 * 4;
	}
	if (s->n_fields == 1)
		len = nft_field_info(s->fields[0])->len;
	assert_int_equal(named->nft_set.key_len, len);
	if (s->op == NFT_OP_UPDATE)
		assert_true(named->nft_set.size > 0);
}

static void element_hangs_together(const struct object_set *set, const struct object *o)
{
	const struct obj_nft_element *e = &o->nft_element;
	const struct object *named = find_set(set, o->family, e->set), *chain;

	if (!named)
		fail_msg("no set '%s'", e->set);
	assert_int_equal(named->nft_set.vmap, e->vmap);
	assert_int_equal(named->nft_set.key_len, e->key.len);
	assert_int_equal(named->nft_set.n_types, e->key.n_types);
	for (size_t i = 0; i < e->key.n_types; i++)
		assert_int_equal(named->nft_set.types[i], e->key.types[i]);
	if (!e->vmap)
		return;
	chain = find_chain(set, o->family, e->chain);
	if (!chain)
		fail_msg("no chain '%s'", e->chain);
	assert_false(chain->nft_chain.base);
}

/* A table that packets are sent to ends in a stop, behind all its routes. */
static void table_is_closed(const struct object_set *set, const struct obj_rule *r)
{
	const struct obj_route *stop = NULL;

	for (const struct object *o = set->v; o < set->v + set->n; o++)
		if (o->kind == OBJ_ROUTE && o->route.table == r->table &&
		    o->route.dst.ip.family == r->family && o->route.stop) {
			assert_null(stop);
			stop = &o->route;
		}
	if (r->family == AF_INET6) { /* there a rule stops: see plan_table() */
		assert_null(stop);
		return;
	}
	assert_non_null(stop);
	assert_int_equal(stop->dst.len, 0);
	for (const struct object *o = set->v; o < set->v + set->n; o++)
		if (o->kind == OBJ_ROUTE && o->route.table == r->table &&
		    o->route.dst.ip.family == r->family && &o->route != stop)
			assert_true(o->route.metric < stop->metric);
}

static void hangs_together(const struct object_set *set)
{
	uint32_t next = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct object *o = &set->v[i];
		struct object table = { .kind = OBJ_NFT_TABLE, .family = o->family };

		assert_int_equal(o->place, PLACE_HOST);
		if (i)
			assert_true(object_compare(&set->v[i - 1], o) < 0);
		if (object_is_nft(o))
			assert_non_null(set_find(set, &table));
		if (o->kind == OBJ_NFT_ELEMENT)
			element_hangs_together(set, o);
		if (o->kind == OBJ_RULE && o->rule.action == RULE_LOOKUP)
			table_is_closed(set, &o->rule);
		if (o->kind == OBJ_LINK && o->link.master[0])
			assert_non_null(link_named(set, o->link.master));
		if (o->kind == OBJ_FDB)
			assert_non_null(link_named(set, o->fdb.dev));
		if (o->kind == OBJ_ROUTE)
			assert_in_range(o->route.table, PLAN_TABLE_BASE + 1,
					PLAN_TABLE_BASE + PLAN_SLOT_MAX);
		if (o->kind != OBJ_NFT_RULE)
			continue;
		next = o[-1].kind == OBJ_NFT_RULE && o[-1].family == o->family &&
				       !strcmp(o[-1].nft_rule.chain, o->nft_rule.chain)
			       ? next + 1
			       : 0;
		assert_int_equal(o->nft_rule.index, next);
		assert_non_null(find_chain(set, o->family, o->nft_rule.chain));
		assert_non_null(o->nft_rule.rule);
		for (size_t j = 0; j < o->nft_rule.rule->n_stmts; j++)
			stmt_hangs_together(set, o->family, &o->nft_rule.rule->stmts[j]);
	}
}

static void test_hangs_together(void **state)
{
	struct fixture *x = *state;
	struct session s[4];

	scene_split(&x->f);
	s[0] = session(1, 1, "wlp6s0");
	s[1] = session(2, 2, "enp7s0");
	s[2] = session(3, 0, "wlp6s0");
	s[3] = session(1022 - 2, 254, "gone0");
	s[0].flags = SESSION_HOST_ACCESS | SESSION_NO_LAN;
	s[1].flags = SESSION_NO_IPV6 | SESSION_HOST_ACCESS;
	for (size_t n = 1; n <= 4; n++) {
		plan(x, s, n);
		hangs_together(&x->host);
	}
	scene_sysctl(&x->f, "net/ipv6/conf/all/disable_ipv6", "1", "");
	plan(x, s, 4);
	hangs_together(&x->host);
}

static void test_nothing_for_nobody(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	plan(x, NULL, 0);
	assert_int_equal(x->host.n, 0);
}

static void test_order_of_sessions_does_not_matter(void **state)
{
	struct fixture *x = *state;
	struct session ab[] = { session(1, 1, "wlp6s0"), session(2, 2, "enp7s0") },
		       ba[] = { ab[1], ab[0] };
	_cleanup_strbuf_ struct strbuf one = { 0 }, two = { 0 };

	scene_split(&x->f);
	plan(x, ab, 2);
	print_all(&one, &x->host);
	plan(x, ba, 2);
	print_all(&two, &x->host);
	assert_string_equal(strbuf_text(&one), strbuf_text(&two));
}

/* Planned again when all is in place, nothing is left to do: else healing would never end. */
static void test_settles(void **state)
{
	struct fixture *x = *state;
	struct session s = session(1, 1, "wlp6s0");
	_cleanup_steps_ struct steps steps = { 0 };
	_cleanup_set_ struct object_set first = { 0 };

	scene_split(&x->f);
	plan_one(x, s);
	first = x->host;
	x->host = (struct object_set){ 0 };
	scene_bridge(&x->f, "10.209.0.0/22");
	for (const struct object *o = first.v; o < first.v + first.n; o++)
		if (o->kind == OBJ_SYSCTL)
			scene_sysctl(&x->f, o->sysctl.path, o->sysctl.value, o->sysctl.before);
	for (const struct object *o = first.v; o < first.v + first.n; o++)
		if (o->kind == OBJ_ROUTE && !o->route.stop) {
			scene_route(&x->f, o->route.dev, "0.0.0.0/0", NULL, o->route.metric);
			scene_last_route(&x->f)->dst = o->route.dst;
			scene_last_route(&x->f)->gateway = o->route.gateway;
			scene_last_route(&x->f)->table = o->route.table;
			scene_last_route(&x->f)->protocol = VIA_RTPROT;
		}
	scene_slot(&x->f, 1, "wlp6s0");
	plan_one(x, s);
	assert_int_equal(diff(&x->host, &first, &steps), 0);
	assert_int_equal(steps.n, 0);
	/* and what changed of the host is known how to put back */
	HAS(&first, "net/ipv4/conf/wlp6s0/forwarding=1");
	for (const struct object *o = x->host.v; o < x->host.v + x->host.n; o++)
		if (o->kind == OBJ_SYSCTL && !strstr(o->sysctl.path, "/via0/") &&
		    !own_is_port_sysctl(o->sysctl.path))
			assert_string_equal(o->sysctl.before, "0");
}

/* --- the uplink ---------------------------------------------------------------------------- */

static void test_marks_lead_to_tables(void **state)
{
	struct fixture *x = *state;
	struct session s[] = { session(1, 1, "wlp6s0"), session(2, 2, "enp7s0"),
			       session(3, 1, "wlp6s0"), session(4, 0, "wlp6s0") };

	scene_split(&x->f);
	plan(x, s, 4);
	assert_int_equal(mark_of_port(&x->host, "viap1"), 0x56000001);
	assert_int_equal(mark_of_port(&x->host, "viap2"), 0x56000002);
	assert_int_equal(mark_of_port(&x->host, "viap3"), 0x56000001);
	assert_int_equal(mark_of_port(&x->host, "viap4"), 0x56000000); /* blocked */
	HAS(&x->host, "ip rule add priority 5180 fwmark 0x56000001/0xff0000ff lookup 22017 ");
	HAS(&x->host, "ip -6 rule add priority 5180 fwmark 0x56000001/0xff0000ff lookup 22017 ");
	HAS(&x->host, "ip rule add priority 5180 fwmark 0x56000002/0xff0000ff lookup 22018 ");
	assert_int_equal(lines(&x->host, " lookup "), 4);
	HAS_NOT(&x->host, "fwmark 0x56000000/0xff0000ff");
	/* what has a mark, and found no way in its table, stops too */
	HAS(&x->host, "ip rule add priority 5181 fwmark 0x56000000/0xff000000 protocol 86 unreach");
	HAS(&x->host, "ip -6 rule add priority 5181 fwmark 0x56000000/0xff000000 protocol 86 unr");
	/* unmarked traffic stops, in both families */
	HAS(&x->host, "ip rule add priority 5181 iif via0 protocol 86 unreachable\n");
	HAS(&x->host, "ip -6 rule add priority 5181 iif via0 protocol 86 unreachable\n");
	HAS(&x->host, "ip route add default via 192.168.2.1 dev wlp6s0 table 22017 ");
	HAS(&x->host, "ip -6 route add default via 2001:db8:2::1 dev wlp6s0 table 22017 ");
	HAS(&x->host, "ip route add default via 192.168.1.1 dev enp7s0 table 22018 ");
	assert_int_equal(lines(&x->host, "route add default via"), 4);
}

/* How often plan_host() asks for the routes of an uplink: ld(1), --wrap. */
static size_t out_routes_calls;

int __real_out_routes(const struct facts *f, const struct fact_link *link, uint8_t family,
		      struct out_routes *ret);
int __wrap_out_routes(const struct facts *f, const struct fact_link *link, uint8_t family,
		      struct out_routes *ret);

int __wrap_out_routes(const struct facts *f, const struct fact_link *link, uint8_t family,
		      struct out_routes *ret)
{
	out_routes_calls++;
	return __real_out_routes(f, link, family, ret);
}

static void test_routes_are_found_once(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	out_routes_calls = 0;
	plan_one(x, session(1, 1, "wlp6s0"));
	assert_int_equal(out_routes_calls, 2); /* one a family */
}

static void test_routes_are_copied(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	scene_route(&x->f, "wlp6s0", "10.7.0.0/16", NULL, 5);
	scene_route(&x->f, "wlp6s0", "10.8.0.0/16", "192.168.2.9", 5);
	scene_last_route(&x->f)->mtu = 1300;
	scene_route(&x->f, NULL, "10.8.8.0/24", NULL, 5);
	scene_last_route(&x->f)->type = RTN_PROHIBIT;
	scene_route(&x->f, "wlp6s0", "169.254.0.0/16", NULL, 5);
	/* none of these */
	scene_bridge(&x->f, "10.209.0.0/22");
	scene_route(&x->f, "wlp6s0", "10.209.1.0/24", "192.168.2.9", 5); /* into the pool */
	scene_route(&x->f, "wlp6s0", "10.12.0.0/16", NULL, 5);
	scene_last_route(&x->f)->table = 200;
	scene_route(&x->f, "enp7s0", "10.9.0.0/16", NULL, 5);
	scene_route(&x->f, "wlp6s0", "10.10.0.0/16", NULL, 5);
	scene_last_route(&x->f)->protocol = VIA_RTPROT;
	scene_last_route(&x->f)->table = OWN_TABLE_BASE + 2;
	scene_route(&x->f, "wlp6s0", "10.11.0.0/16", NULL, 5);
	scene_last_route(&x->f)->type = RTN_BROADCAST;
	scene_route(&x->f, "wlp6s0", "fe80::/64", NULL, 256);
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->host, "ip route add 192.168.2.0/24 dev wlp6s0 table 22017 ");
	HAS(&x->host, "ip -6 route add 2001:db8:2::/64 dev wlp6s0 table 22017 ");
	HAS(&x->host, "ip route add 10.7.0.0/16 dev wlp6s0 table 22017 ");
	HAS(&x->host, "ip route add 10.8.0.0/16 via 192.168.2.9 dev wlp6s0 table 22017 metric 100 "
		      "proto 86 mtu 1300\n");
	HAS(&x->host, "ip route add prohibit 10.8.8.0/24 table 22017 ");
	HAS(&x->host, "ip route add 169.254.0.0/16 dev wlp6s0 table 22017 ");
	HAS(&x->host, "ip route add 10.209.0.0/22 dev via0 table 22017 ");
	HAS(&x->host, "ip -6 route add 2001:2:0:c0ff::/64 dev via0 table 22017 ");
	assert_int_equal(lines(&x->host, "route add "), 11);
}

/* Where the kernel would not find a gateway on the link it is there as a host, before the others.
 */
static void test_gateways_of_a_table(void **state)
{
	struct fixture *x = *state;
	struct fact_rule *r;

	scene_host(&x->f);
	scene_link(&x->f, "wlp6s0");
	scene_addr(&x->f, "wlp6s0", "192.168.2.10/24");
	scene_route(&x->f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	scene_route(&x->f, "wlp6s0", "192.168.2.0/24", NULL, 600);
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS_NOT(&x->host, "metric 99");

	x->f.routes.n = 0;
	scene_route(&x->f, "wlp6s0", "192.168.2.0/24", NULL, 600);
	for (size_t i = 0; i < 3; i++) {
		scene_route(&x->f, "wlp6s0",
			    i ? i > 1 ? "10.30.0.0/16" : "10.20.0.0/16" : "0.0.0.0/0",
			    i ? "192.168.2.9" : "192.168.2.1", 600);
		scene_last_route(&x->f)->table = 100;
	}
	r = VEC_PUSH(&x->f.rules);
	assert_non_null(r);
	*r = (struct fact_rule){ .family = AF_INET,
				 .action = FR_ACT_TO_TBL,
				 .priority = 100,
				 .table = 100,
				 .suppress = -1,
				 .src.ip.family = AF_INET,
				 .dst.ip.family = AF_INET };
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->host, "ip route add 192.168.2.1/32 dev wlp6s0 table 22017 metric 99 proto 86\n");
	HAS(&x->host, "ip route add 192.168.2.9/32 dev wlp6s0 table 22017 metric 99 proto 86\n"
		      "ip route add 10.20.0.0/16 via 192.168.2.9 ");
	assert_int_equal(lines(&x->host, "metric 99"), 2);
}

/* What was usable once keeps its mark and table; nothing leads out of it. */
static void test_uplink_gone(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	scene_link_is(&x->f, "wlp6s0", "", IFF_UP); /* no carrier */
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->host, "lookup 22017");
	HAS(&x->host, "unreachable default table 22017");
	HAS(&x->host, "10.209.0.0/22 dev via0 table 22017");
	HAS_NOT(&x->host, "dev wlp6s0");
	plan_one(x, session(1, 1, "usb0"));
	HAS(&x->host, "lookup 22017");
	HAS(&x->host, "unreachable default table 22017");
	HAS_NOT(&x->host, "dev usb0");
	HAS_NOT(&x->host, "conf/usb0/");
	assert_non_null(link_named(&x->host, "viap1"));
}

static void test_one_family_only(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	for (size_t i = 0; i < x->f.addrs.n; i++)
		if (x->f.addrs.v[i].prefix.ip.family == AF_INET6)
			x->f.addrs.v[i].flags |= IFA_F_TENTATIVE;
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->host, "ip route add default via 192.168.2.1 dev wlp6s0");
	HAS(&x->host, "ip -6 rule add priority 5180");
	HAS_NOT(&x->host, "ip -6 route add default");
	HAS_NOT(&x->host, "2001:db8:2::/64 dev wlp6s0");
}

static void test_point_to_point(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	scene_link(&x->f, "tun0");
	scene_link_is(&x->f, "tun0", "tun", IFF_UP | IFF_POINTOPOINT | LINK_LOWER_UP);
	scene_addr(&x->f, "tun0", "10.8.0.2/24");
	scene_route(&x->f, "tun0", "10.8.0.0/24", NULL, 0);
	plan_one(x, session(1, 1, "tun0"));
	HAS(&x->host, "ip route add default dev tun0 table 22017");
	HAS(&x->host, "ip route add 10.8.0.0/24 dev tun0 table 22017");
}

/* A failover finds its second uplink ready; one that nobody lists is no business of ours. */
static void test_listed_uplinks_stay_ready(void **state)
{
	struct fixture *x = *state;
	struct session s = session(1, 1, "wlp6s0");

	scene_split(&x->f);
	scene_slot(&x->f, 1, "wlp6s0");
	scene_slot(&x->f, 7, "enp7s0");
	plan_one(x, s);
	HAS_NOT(&x->host, "enp7s0");
	s.uplinks = list_of("enp7s0,wlp6s0");
	plan_one(x, s);
	HAS(&x->host, "fwmark 0x56000007/0xff0000ff lookup 22023");
	HAS(&x->host, "default via 192.168.1.1 dev enp7s0 table 22023");
	assert_int_equal(mark_of_port(&x->host, "viap1"), 0x56000001);
	/* blocked: both stand, neither is used */
	s.slot = 0;
	s.uplink[0] = 0;
	plan_one(x, s);
	HAS(&x->host, "lookup 22017");
	HAS(&x->host, "lookup 22023");
	assert_int_equal(mark_of_port(&x->host, "viap1"), 0x56000000);
}

static void test_zones(void **state)
{
	struct fixture *x = *state;
	struct session s[] = { session(1, 1, "wlp6s0"), session(2, 254, "enp7s0") };

	scene_split(&x->f);
	plan(x, s, 2);
	HAS(&x->host, "meta mark & 0xff0000ff == 0x56000001 ct original zone set 22017");
	HAS(&x->host, "meta mark & 0xff0000ff == 0x560000fe ct original zone set 22270");
	assert_int_equal(lines(&x->host, "original zone set"), 2);
}

/* --- sysctls and fences -------------------------------------------------------------------- */

#define V4 "net/ipv4/conf/wlp6s0/forwarding"
#define V6 "net/ipv6/conf/wlp6s0/force_forwarding"

static size_t ifname_elements(const struct object_set *set, const char *name)
{
	struct nft_key key = { 0 };

	nft_key_ifname(&key, name);
	return elements(set, &key);
}

static void test_fence(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->host, "sysctl -qw " V4 "=1\n");
	HAS(&x->host, "sysctl -qw " V6 "=1\n");
	HAS(&x->host, "sysctl -qw net/ipv4/conf/wlp6s0/src_valid_mark=1\n");
	HAS(&x->host, "ip rule add priority 5182 iif wlp6s0 protocol 86 blackhole\n");
	HAS(&x->host, "ip -6 rule add priority 5182 iif wlp6s0 protocol 86 blackhole\n");
	assert_int_equal(ifname_elements(&x->host, "wlp6s0"), 2);
	HAS_NOT(&x->host, "conf/enp7s0");
}

/* What comes back is looked up, forwarded and filtered as if the VRF had got it. */
static void test_vrf(void **state)
{
	struct fixture *x = *state;
	struct fact_rule *kernels[2];

	scene_split(&x->f);
	scene_link(&x->f, "blue");
	x->f.links.v[x->f.links.n - 1].vrf_table = 10;
	scene_sysctl(&x->f, "net/ipv4/conf/blue/forwarding", "0", "");
	for (size_t i = 0; i < 2; i++) {
		kernels[i] = VEC_PUSH(&x->f.rules);
		assert_non_null(kernels[i]);
		*kernels[i] = (struct fact_rule){ .family = i ? AF_INET6 : AF_INET,
						  .action = FR_ACT_TO_TBL,
						  .priority = 1000,
						  .l3mdev = true,
						  .suppress = -1 };
	}
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS_NOT(&x->host, "blue");
	HAS_NOT(&x->host, "priority 999 ");
	for (size_t i = 0; i < x->f.links.n; i++)
		if (!strcmp(x->f.links.v[i].name, "wlp6s0"))
			x->f.links.v[i].master = x->f.links.v[x->f.links.n - 1].index;
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->host,
	    "ip rule add priority 999 fwmark 0x56000001/0xff0000ff lookup 22017 protocol 86\n");
	HAS(&x->host,
	    "ip -6 rule add priority 999 fwmark 0x56000001/0xff0000ff lookup 22017 protocol 86\n");
	HAS(&x->host,
	    "ip rule add priority 5180 fwmark 0x56000001/0xff0000ff lookup 22017 protocol 86\n");
	HAS(&x->host,
	    "to_session ct state established,related meta mark & 0xff0000ff == 0x56000001 "
	    "iifname \"blue\" accept");
	HAS(&x->host, "sysctl -qw net/ipv4/conf/blue/forwarding=1\n");
	HAS(&x->host, "sysctl -qw net/ipv4/conf/wlp6s0/forwarding=1\n");
	assert_int_equal(ifname_elements(&x->host, "blue"), 2);
	HAS_NOT(&x->host, "iif blue");
	/* somebody else's rule, for which all of ours go in front of the kernel's */
	x->f.rules.v[0] = (struct fact_rule){ .family = AF_INET,
					      .action = FR_ACT_TO_TBL,
					      .table = 77,
					      .priority = 1000,
					      .suppress = -1 };
	kernels[0] = VEC_PUSH(&x->f.rules);
	assert_non_null(kernels[0]);
	*kernels[0] = (struct fact_rule){ .family = AF_INET,
					  .action = FR_ACT_TO_TBL,
					  .priority = 1001,
					  .l3mdev = true,
					  .suppress = -1 };
	plan_one(x, session(1, 1, "wlp6s0"));
	assert_int_equal(lines(&x->host, "ip rule add priority 998 fwmark 0x56000001"), 1);
	HAS_NOT(&x->host, "ip rule add priority 1000 ");
}

/* The host forwards of its own will: neither a change nor a fence is ours to make. */
static void test_no_fence_on_a_router(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	scene_sysctl(&x->f, V4, "1", "");
	scene_sysctl(&x->f, "net/ipv4/conf/wlp6s0/src_valid_mark", "1", "");
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS_NOT(&x->host, "net/ipv4/conf/wlp6s0");
	HAS_NOT(&x->host, "ip rule add priority 5182");
	HAS(&x->host, "ip -6 rule add priority 5182");
	assert_int_equal(ifname_elements(&x->host, "wlp6s0"), 1);
	scene_sysctl(&x->f, V6, "1", "");
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS_NOT(&x->host, "5182");
	HAS_NOT(&x->host, "conf/wlp6s0");
	assert_int_equal(ifname_elements(&x->host, "wlp6s0"), 0);
}

/* On for our sake: the fence stays as long as what it fences. */
static void test_fence_stays(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	scene_sysctl(&x->f, V4, "1", "0");
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->host, "ip rule add priority 5182 iif wlp6s0");
	for (const struct object *o = x->host.v; o < x->host.v + x->host.n; o++)
		if (o->kind == OBJ_SYSCTL && !strcmp(o->sysctl.path, V4)) {
			assert_string_equal(o->sysctl.value, "1");
			assert_string_equal(o->sysctl.before, "0");
			return;
		}
	fail_msg("%s is not in the plan", V4);
}

static void test_old_kernel(void **state)
{
	struct fixture *x = *state;
	size_t kept = 0;

	scene_split(&x->f);
	for (size_t i = 0; i < x->f.sysctls.n; i++)
		if (!strstr(x->f.sysctls.v[i].path, "force_forwarding"))
			x->f.sysctls.v[kept++] = x->f.sysctls.v[i];
	x->f.sysctls.n = kept;
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS_NOT(&x->host, "force_forwarding");
	HAS_NOT(&x->host, "ip -6 rule add priority 5182");
	HAS(&x->host, "ip rule add priority 5182");
}

static void test_bridge_hardened(void **state)
{
	static const char *const switches[] = {
		"ipv6/conf/via0/accept_ra=0",        "ipv6/conf/via0/autoconf=0",
		"ipv6/conf/via0/accept_redirects=0", "ipv4/conf/via0/accept_redirects=0",
		"ipv4/conf/via0/send_redirects=0",   "ipv4/conf/via0/forwarding=1",
	};
	struct fixture *x = *state;

	scene_split(&x->f);
	plan_one(x, session(1, 1, "wlp6s0"));
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		assert_int_equal(lines(&x->host, switches[i]), 1);
	HAS(&x->host, "tc filter add dev via0 ingress");
	HAS(&x->host, "alias 'via1 bridge'");
}

static void test_host_without_ipv6(void **state)
{
	static const char *const values[] = { "1", "" };
	struct fixture *x = *state;

	scene_split(&x->f);
	for (size_t i = 0; i < 2; i++) {
		scene_sysctl(&x->f, "net/ipv6/conf/all/disable_ipv6", values[i], "");
		plan_one(x, session(1, 1, "wlp6s0"));
		HAS_NOT(&x->host, "ip -6");
		HAS_NOT(&x->host, "net/ipv6");
		HAS_NOT(&x->host, "2001:2:0:c0ff:");
		HAS_NOT(&x->inside, "-6");
		HAS_NOT(&x->inside, "net/ipv6");
		HAS_NOT(&x->inside, "2001:2:0:c0ff:");
		HAS(&x->host, "ip rule add priority 5180");
	}
}

/* --- the session --------------------------------------------------------------------------- */

static void test_port(void **state)
{
	struct fixture *x = *state;
	struct session s = session(7, 1, "wlp6s0"), back;
	const struct object *port;
	struct mac mac = { 0 };

	scene_split(&x->f);
	x->f.links.v[2].mtu = 1420;
	s.flags = SESSION_NO_LAN;
	s.mtu = 1420;
	plan_one(x, s);
	port = link_named(&x->host, "viap7");
	assert_non_null(port);
	assert_int_equal(port->link.kind, LINK_VETH);
	assert_string_equal(port->link.master, "via0");
	assert_string_equal(port->link.peer, "eth0");
	assert_true(port->link.hardened);
	assert_int_equal(port->link.mtu, 65535); /* the route says what is too big */
	assert_int_equal(port->link.peer_mtu, 1420);
	assert_int_equal(session_parse(port->link.alias, &back), 0);
	assert_int_equal(back.id, 7);
	assert_int_equal(back.host, s.host);
	assert_int_equal(back.flags, SESSION_NO_LAN);
	/* one MAC: of eth0, in the bridge's table, and for the host's neighbour entries */
	mac = port->link.peer_mac;
	assert_int_equal(mac.bytes[0] & 3, 2); /* locally administered, unicast */
	assert_memory_not_equal(&mac, &port->link.mac, sizeof(mac));
	for (const struct object *o = x->host.v; o < x->host.v + x->host.n; o++) {
		if (o->kind == OBJ_FDB) {
			assert_string_equal(o->fdb.dev, "viap7");
			assert_memory_equal(&o->fdb.mac, &mac, sizeof(mac));
		}
		if (o->kind == OBJ_NEIGH)
			assert_memory_equal(&o->neigh.mac, &mac, sizeof(mac));
	}
	assert_int_equal(lines(&x->host, "ip neighbour"), 2);
	assert_int_equal(lines(&x->host, "bridge fdb"), 1);
	s.mtu = 1300;
	plan_one(x, s);
	assert_int_equal(link_named(&x->host, "viap7")->link.peer_mtu, 1300);
	/* less than the uplink brings: the host says so to who sends more */
	HAS(&x->host, "/32 dev via0 table 22017 metric 100 proto 86 mtu 1300");
	HAS(&x->host, "/128 dev via0 table 22017 metric 100 proto 86 mtu 1300");
}

static void test_macs_differ(void **state)
{
	struct fixture *x = *state;
	struct session s[] = { session(1, 1, "wlp6s0"), session(2, 1, "wlp6s0"),
			       session(257, 1, "wlp6s0"), session(258, 1, "wlp6s0") };
	struct mac seen[9];
	size_t n = 0;

	scene_split(&x->f);
	plan(x, s, 4);
	for (const struct object *o = x->host.v; o < x->host.v + x->host.n; o++)
		if (o->kind == OBJ_LINK) {
			seen[n++] = o->link.mac;
			if (o->link.kind == LINK_VETH)
				seen[n++] = o->link.peer_mac;
		}
	assert_int_equal(n, 9);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(&seen[i], &seen[j], sizeof(seen[0]));
}

/* Port, MAC and address belong together: one element a family says so. */
static void test_no_spoofing(void **state)
{
	struct fixture *x = *state;
	struct session s[] = { session(1, 1, "wlp6s0"), session(2, 1, "wlp6s0") };

	scene_split(&x->f);
	s[1].flags = SESSION_NO_IPV6;
	plan(x, s, 2);
	for (size_t i = 0; i < 2; i++) {
		const char *port = i ? "viap2" : "viap1", *other = i ? "viap1" : "viap2";
		struct mac mac = link_named(&x->host, port)->link.peer_mac;
		struct ip four = scene_ip(i ? "10.209.0.4" : "10.209.0.3"),
			  six = scene_ip(i ? "2001:2:0:c0ff::4" : "2001:2:0:c0ff::3");
		struct nft_key right = { 0 }, right6 = { 0 }, wrong = { 0 };

		nft_key_ifname(&right, port);
		nft_key_mac(&right, &mac);
		right6 = right;
		nft_key_ip(&right, &four);
		nft_key_ip(&right6, &six);
		nft_key_ifname(&wrong, other);
		nft_key_mac(&wrong, &mac);
		nft_key_ip(&wrong, &four);
		assert_int_equal(elements(&x->host, &right), 1);
		assert_int_equal(elements(&x->host, &right6), i ? 0 : 1);
		assert_int_equal(elements(&x->host, &wrong), 0);
	}
}

static void test_host_access(void **state)
{
	struct fixture *x = *state;
	struct session s[] = { session(1, 1, "wlp6s0"), session(2, 1, "wlp6s0") };
	struct ip one = scene_ip("10.209.0.3"), two = scene_ip("10.209.0.4");
	struct nft_key key1 = { 0 }, key2 = { 0 };

	scene_split(&x->f);
	nft_key_ip(&key1, &one);
	nft_key_ip(&key2, &two);
	plan(x, s, 2);
	assert_int_equal(elements(&x->host, &key1), 1); /* its share of connection tracking */
	assert_int_equal(elements(&x->host, &key2), 1);
	s[1].flags = SESSION_HOST_ACCESS;
	plan(x, s, 2);
	assert_int_equal(elements(&x->host, &key1), 1);
	assert_int_equal(elements(&x->host, &key2), 2);
}

/* Of entries in connection tracking; the lab counts what passes (tests/lab/test_conntrack.py). */
static void test_shares(void **state)
{
	struct fixture *x = *state;
	struct session s[] = { session(1, 1, "wlp6s0"), session(2, 1, "wlp6s0"),
			       session(3, 1, "wlp6s0"), session(4, 1, "wlp6s0") };

	scene_split(&x->f);
	s[1].uid = 0;
	s[2].connections = 1600;
	s[3].uid = 100007;
	s[3].person = 1000;
	plan(x, s, 4);
	HAS(&x->host, "{ 10.209.0.3 : goto share_1000_8192 }");
	HAS(&x->host, "{ 10.209.0.4 : goto share_0_8192 }");
	HAS(&x->host, "{ 10.209.0.5 : goto share_1000_1600 }");
	HAS(&x->host, "{ 10.209.0.6 : goto share_1000_8192 }"); /* one of 1000's own uids */
	HAS(&x->host,
	    "share_1000_8192 meta nfproto ipv6 add @count6 { ip6 saddr ct count over 8192 }");
	HAS(&x->host, "share_1000_8192 ct count over 16384 drop");
	HAS(&x->host, "share_1000_1600 ct count over 3200 drop");
	HAS(&x->host, "th dport ct count over 100 } drop"); /* to one port */
	HAS(&x->host, "share_0_8192 meta nfproto ipv4 add @count4 { ip saddr ct count over 8192 }");
	HAS_NOT(&x->host, "share_0_8192 ct count"); /* root's sessions together have no limit */
	x->f.conntrack_max = 16384; /* a small machine: a quarter of it, for all of a user's */
	plan(x, s, 4);
	HAS(&x->host,
	    "share_1000_8192 meta nfproto ipv4 add @count4 { ip saddr ct count over 4096 }");
	HAS(&x->host, "share_1000_8192 ct count over 4096 drop");
	HAS(&x->host, "share_1000_1600 ct count over 3200 drop");
}

static void test_alike(void **state)
{
	const struct session a = { .uid = 1000, .connections = 7 };
	struct session b = a;

	(void)state;
	assert_true(plan_limits_alike(&a, &b));
	b.person = 1000;
	assert_true(plan_limits_alike(&a, &b));
	b.person = 1001;
	assert_false(plan_limits_alike(&a, &b));
	b = a;
	b.connections = 0;
	assert_false(plan_limits_alike(&a, &b));
}

static void test_inside(void **state)
{
	struct fixture *x = *state;
	const struct object *bridge;

	scene_split(&x->f);
	x->f.fresh_known = true;
	strcpy(x->f.inherited[0].host, "80");
	strcpy(x->f.inherited[0].fresh, "1024");
	strcpy(x->f.inherited[4].host, "4096 131072 16777216");
	strcpy(x->f.inherited[4].fresh, "4096 131072 6291456");
	strcpy(x->f.inherited[5].host, "4096 16384 4194304");
	strcpy(x->f.inherited[5].fresh, "4096 16384 4194304");
	strcpy(x->f.inherited[6].host, "1"); /* a fresh netns has none of it */
	plan_one(x, session(1, 1, "wlp6s0"));
	HAS(&x->inside, "ip netns add ns\n");
	HAS(&x->inside, "ip -n ns link set dev lo up\n");
	HAS(&x->inside, "ip -n ns link set dev eth0 up\n");
	HAS(&x->inside, "ip -n ns address add 10.209.0.3/22 brd + dev eth0\n");
	HAS(&x->inside, "ip -n ns address add 2001:2:0:c0ff::3/64 dev eth0 nodad\n");
	HAS(&x->inside,
	    "ip -n ns route add default via 10.209.0.1 dev eth0 table 254 proto static\n");
	HAS(&x->inside, "ip -n ns -6 route add default via 2001:2:0:c0ff::1 dev eth0 table 254 "
			"proto static\n");
	HAS(&x->inside, "'net/ipv4/ping_group_range=0 2147483647'");
	HAS(&x->inside, "net/ipv4/ip_unprivileged_port_start=80\n");
	HAS(&x->inside, "'net/ipv4/tcp_rmem=4096 131072 16777216'\n");
	HAS_NOT(&x->inside, "tcp_wmem");
	HAS_NOT(&x->inside, "tcp_mtu_probing");
	HAS(&x->inside, "net/ipv6/conf/default/accept_ra=0\n");
	bridge = link_named(&x->host, "via0");
	for (const struct object *o = x->inside.v; o < x->inside.v + x->inside.n; o++)
		if (o->kind == OBJ_NEIGH)
			assert_memory_equal(&o->neigh.mac, &bridge->link.mac, 6);
	assert_int_equal(lines(&x->inside, "ip -n ns neighbour replace"), 3); /* .1, .2, ::1 */
	for (size_t i = 1; i < x->inside.n; i++)
		assert_true(object_compare(&x->inside.v[i - 1], &x->inside.v[i]) < 0);
}

/* Whether the session of an uplink that serves IPv4, with these addresses, has a route of IPv6. */
static bool has_route6(const char *first, const char *second, bool router)
{
	struct fixture x = { 0 };
	size_t n;

	scene_host(&x.f);
	scene_link(&x.f, "wlp6s0");
	scene_addr(&x.f, "wlp6s0", "192.168.2.10/24");
	scene_route(&x.f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	scene_addr(&x.f, "wlp6s0", first);
	if (second)
		scene_addr(&x.f, "wlp6s0", second);
	if (router)
		scene_route(&x.f, "wlp6s0", "::/0", "fe80::1", 600);
	plan_one(&x, session(1, 1, "wlp6s0"));
	n = lines(&x.inside, "ip -n ns -6 route");
	assert_int_equal(lines(&x.inside, "ip -n ns -6 route add default via "), n);
	set_done(&x.host);
	set_done(&x.inside);
	facts_done(&x.f);
	return n;
}

static void test_family_without_router(void **state)
{
	const char *global = "2001:db8:2::10/64", *local = "fd55::10/64";

	(void)state;
	assert_true(has_route6(global, NULL, true));
	assert_true(has_route6(global, NULL, false)); /* a router may come */
	assert_true(has_route6(local, NULL, true));
	assert_false(has_route6(local, NULL, false));
	assert_false(has_route6(local, "fd56::10/64", false));
	assert_true(has_route6(local, global, false));
	assert_true(has_route6(global, local, false));
}

static void test_inside_without_ipv6(void **state)
{
	struct fixture *x = *state;
	struct session s = session(1, 1, "wlp6s0");

	scene_split(&x->f);
	s.flags = SESSION_NO_IPV6;
	plan_one(x, s);
	HAS(&x->inside, "net/ipv6/conf/default/disable_ipv6=1\n");
	HAS_NOT(&x->inside, "2001:2:0:c0ff:");
	HAS_NOT(&x->inside, "-6 ");
	assert_int_equal(lines(&x->host, "ip neighbour"), 1);
	HAS(&x->host, "ip -6 rule"); /* the stops stand all the same */
}

static void test_no_pool(void **state)
{
	struct fixture *x = *state;
	struct session s = session(1, 1, "wlp6s0");
	struct err err = { 0 };

	scene_split(&x->f);
	scene_route(&x->f, "enp7s0", "128.0.0.0/2", "192.168.1.1", 1);
	scene_route(&x->f, "enp7s0", "64.0.0.0/2", "192.168.1.1", 1);
	scene_route(&x->f, "enp7s0", "0.0.0.0/2", "192.168.1.1", 1);
	assert_int_equal(plan_host(&x->f, &s, 1, &x->host, &err), -EADDRNOTAVAIL);
	assert_int_equal(x->host.n, 0);
	assert_non_null(strstr(err.text, "64.0.0.0/2"));
	assert_int_equal(plan_inside(&x->f, &s, &x->inside, &err), -EADDRNOTAVAIL);
	assert_int_equal(x->inside.n, 0);
}

/* --- the order of making ------------------------------------------------------------------- */

/* Where the first, or the last, line with this text stands. */
static size_t place(const char *text, const char *part, bool last)
{
	const char *at = strstr(text, part), *next;

	if (!at)
		fail_msg("no '%s'", part);
	while (last && (next = strstr(at + 1, part)))
		at = next;
	return (size_t)(at - text);
}

static void test_order(void **state)
{
	static const char *const order[][2] = {
		{ "\nnft 'add rule ", "ip link add name via0" },
		{ "ip link add name via0", "sysctl -qw net/ipv6/conf/via0/" },
		{ "sysctl -qw net/ipv4/conf/via0/", "ip link set dev via0 up" },
		{ "sysctl -qw net/ipv6/conf/via0/", "ip link set dev via0 up" },
		{ "tc filter add", "ip link set dev via0 up" },
		{ "ip link set dev via0 up", "unreachable default" },
		{ "unreachable default", "default via" },
		{ "priority 5181", "default via" },
		{ "priority 5182", "default via" },
		{ "default via", "priority 5180" },
		{ "priority 5182", "conf/wlp6s0/" },
		{ "priority 5180", "conf/wlp6s0/" },
		{ "conf/wlp6s0/", "ip link add name viap1" },
		{ "ip link add name viap1", "bridge fdb" },
		{ "bridge fdb", "ip link set dev viap1 up" },
		{ "ip neighbour", "ip link set dev viap1 up" },
	};
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	struct fixture *x = *state;

	scene_split(&x->f);
	plan_one(x, session(1, 1, "wlp6s0"));
	print_all(&sb, &x->host);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (place(strbuf_text(&sb), order[i][0], true) >=
		    place(strbuf_text(&sb), order[i][1], false))
			fail_msg("'%s' must come before '%s'", order[i][0], order[i][1]);
	assert_int_equal(x->host.v[x->host.n - 1].kind, OBJ_LINK_UP);
	assert_string_equal(x->host.v[x->host.n - 1].link_up.name, "viap1");
}

/* --- other firewalls ----------------------------------------------------------------------- */

/*
 * The accepts as "family table chain", an arrow for each direction, + for what is published, a t
 * for iptables' dialect.
 */
static void accepts_of(struct fixture *x, struct session s, const char *want)
{
	static const char *const arrows[ACCEPT_WHAT_COUNT] = { ">", "<", "+" };
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	char name[OBJECT_NAME_MAX];

	plan_one(x, s);
	for (const struct object *o = x->host.v; o < x->host.v + x->host.n; o++)
		if (o->kind == OBJ_NFT_ACCEPT)
			strbuf_add(&sb, "%s %s%s\n", object_name(o, name) + strlen("nft accept "),
				   arrows[o->nft_accept.what], o->nft_accept.iptables ? "t" : "");
	assert_string_equal(strbuf_text(&sb), want);
}

static void accepts_are(struct fixture *x, const char *want)
{
	accepts_of(x, session(1, 1, "wlp6s0"), want);
}

static void test_closed_chains(void **state)
{
	struct fixture *x = *state;
	struct session published = session(1, 1, "wlp6s0");

	scene_split(&x->f);
	scene_chain(&x->f, NFPROTO_INET, "open", "forward");
	accepts_are(x, "");
	scene_chain(&x->f, NFPROTO_INET, "filter", "forward")->drops = true;
	scene_chain(&x->f, NFPROTO_IPV4, "mine", "transit")->closes = true;
	accepts_are(x, "inet filter forward >\ninet filter forward <\n"
		       "ip mine transit >\nip mine transit <\n");
	published.published.v[0] = (struct publish){ .first = 6881, .last = 6881, .to = 6881 };
	accepts_of(x, published,
		   "inet filter forward >\ninet filter forward <\ninet filter forward +\n"
		   "ip mine transit >\nip mine transit <\nip mine transit +\n");
	x->f.chains.v[1].owned = true; /* cannot be changed */
	x->f.chains.v[2].base = false; /* decides nothing by itself */
	accepts_are(x, "");
}

static void test_guest_chains(void **state)
{
	struct fixture *x = *state;
	struct fact_chain *c;

	scene_split(&x->f);
	c = scene_chain(&x->f, NFPROTO_IPV4, "filter", "FORWARD");
	c->drops = true;
	accepts_are(x, "ip filter FORWARD >t\nip filter FORWARD <t\n");
	/* it is there, but nothing leads to it */
	scene_chain(&x->f, NFPROTO_IPV4, "filter", "DOCKER-USER")->base = false;
	accepts_are(x, "ip filter FORWARD >t\nip filter FORWARD <t\n");
	x->f.chains.v[0].leads_to = 1 << 1;
	accepts_are(x, "ip filter ufw-before-forward >t\nip filter ufw-before-forward <t\n");
	x->f.chains.v[0].leads_to = 1 << 1 | 1 << 0; /* Docker beside ufw: one is enough */
	accepts_are(x, "ip filter DOCKER-USER >t\nip filter DOCKER-USER <t\n");
	x->f.chains.v[0].drops = false;
	accepts_are(x, "");
}

static void test_closed_to_ipv6(void **state)
{
	struct fixture *x = *state;

	scene_split(&x->f);
	scene_chain(&x->f, NFPROTO_IPV6, "filter", "FORWARD")->drops = true;
	accepts_are(x, "ip6 filter FORWARD >t\nip6 filter FORWARD <t\n");
	scene_sysctl(&x->f, "net/ipv6/conf/all/disable_ipv6", "1", "");
	accepts_are(x, "");
}

/* Servers of wwan9, with commas between, and what resolv.conf(5) then names; up to 3. */
static void names_are(const char *servers, const char *uplinks, uint32_t flags, const char *wanted)
{
	struct facts f = { 0 };
	struct session s = session(1, 1, "wwan9");
	struct ip at[SESSION_DNS_MAX];
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	char words[128], text[IP_TEXT_MAX], *rest = words;
	struct err err = { 0 };
	struct pool pool;
	size_t n;

	scene_split(&f);
	scene_link(&f, "wwan9");
	scene_addr(&f, "wwan9", "fe80::9/64");
	snprintf(words, sizeof(words), "%s", servers);
	for (char *word; rest && (word = strsep(&rest, ","));)
		scene_dns(&f, "wwan9", word);
	s.uplinks = list_of(uplinks);
	s.flags = flags;
	assert_int_equal(plan_pool(&f, &pool, &err), 0);
	n = plan_name_servers(&f, &s, &pool, at);
	for (size_t i = 0; i < n; i++)
		strbuf_add(&sb, "%s%s", i ? " " : "", ip_format(&at[i], text));
	assert_string_equal(strbuf_text(&sb), wanted);
	facts_done(&f);
}

static void test_resolv_conf(void **state)
{
	const char *one = "wwan9", *list = "wwan9,enp7s0", *kind = "wwan";

	(void)state;
#define P   "10.209.0."
#define SIX "2001:2:0:c0ff::1"
	names_are("9.9.9.1", one, 0, P "1 " P "2 " SIX);
	names_are("9.9.9.1,9.9.9.2", one, 0, P "1 " P "2 " SIX);
	names_are("9.9.9.1,9.9.9.2,9.9.9.3", one, 0, P "1 " P "2 192.0.0.8");
	names_are("9.9.9.1,9.9.9.2,9.9.9.3,9.9.9.4", one, 0, P "1 " P "2 192.0.0.8");
	names_are("2620:fe::1", one, 0, SIX " " P "1 " P "2");
	names_are("2620:fe::1,fe80::1,2620:fe::3", one, 0, SIX " 100::2 100::3");
	names_are("9.9.9.1,2620:fe::1", one, 0, P "1 " SIX " " P "2");
	names_are("fe80::1,9.9.9.1,fe80::2", one, 0, SIX " " P "1 100::2");
	/* where another uplink may follow, there is one of each family */
	names_are("9.9.9.1,9.9.9.2,9.9.9.3", list, 0, P "1 " P "2 " SIX);
	names_are("9.9.9.1,9.9.9.2,9.9.9.3", kind, 0, P "1 " P "2 " SIX);
	names_are("2620:fe::1,2620:fe::2,2620:fe::3", list, 0, SIX " 100::2 " P "1");
	names_are("9.9.9.1,9.9.9.2,9.9.9.3,2620:fe::1", list, 0, P "1 " P "2 " SIX);
	/* without IPv6 */
	names_are("2620:fe::1,9.9.9.1", list, SESSION_NO_IPV6, P "1 " P "2");
	names_are("9.9.9.1,9.9.9.2,9.9.9.3", list, SESSION_NO_IPV6, P "1 " P "2 192.0.0.8");
#undef P
#undef SIX
}

#define PLAN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(test_hangs_together),
		PLAN_TEST(test_nothing_for_nobody),
		PLAN_TEST(test_order_of_sessions_does_not_matter),
		PLAN_TEST(test_settles),
		PLAN_TEST(test_marks_lead_to_tables),
		PLAN_TEST(test_routes_are_found_once),
		PLAN_TEST(test_routes_are_copied),
		PLAN_TEST(test_gateways_of_a_table),
		PLAN_TEST(test_uplink_gone),
		PLAN_TEST(test_one_family_only),
		PLAN_TEST(test_point_to_point),
		PLAN_TEST(test_listed_uplinks_stay_ready),
		PLAN_TEST(test_zones),
		PLAN_TEST(test_fence),
		PLAN_TEST(test_vrf),
		PLAN_TEST(test_no_fence_on_a_router),
		PLAN_TEST(test_fence_stays),
		PLAN_TEST(test_old_kernel),
		PLAN_TEST(test_bridge_hardened),
		PLAN_TEST(test_host_without_ipv6),
		PLAN_TEST(test_port),
		PLAN_TEST(test_macs_differ),
		PLAN_TEST(test_no_spoofing),
		PLAN_TEST(test_host_access),
		PLAN_TEST(test_shares),
		PLAN_TEST(test_alike),
		PLAN_TEST(test_inside),
		cmocka_unit_test(test_family_without_router),
		PLAN_TEST(test_inside_without_ipv6),
		PLAN_TEST(test_no_pool),
		PLAN_TEST(test_order),
		PLAN_TEST(test_closed_chains),
		PLAN_TEST(test_guest_chains),
		PLAN_TEST(test_closed_to_ipv6),
		cmocka_unit_test(test_resolv_conf),
	};

	return RUN_TESTS(tests);
}
