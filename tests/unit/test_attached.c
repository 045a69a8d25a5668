/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an attached netns gets for the routes and rules that it has itself. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "list.h"
#include "model/print.h"
#include "plan/plan.h"
#include "scene.h"
#include "unit.h"

struct fixture {
	struct facts f;
	struct attached own;
	struct object_set set;
	struct session s;
};

static int setup(void **state)
{
	static struct fixture x;

	x = (struct fixture){ .s = { .id = 1,
				     .slot = 1,
				     .host = 3,
				     .uplinks = list_of("wlp6s0"),
				     .uplink = "wlp6s0",
				     .name = "box",
				     .flags = SESSION_ATTACHED | SESSION_REPLACE_ROUTE } };
	scene_split(&x.f);
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	facts_done(&x->f);
	attached_done(&x->own);
	set_done(&x->set);
	return 0;
}

/* --- short words --------------------------------------------------------------------------- */

static struct fact_route *route(struct fixture *x, const char *dst, const char *gateway)
{
	struct fact_route *r = VEC_PUSH(&x->own.routes);

	assert_non_null(r);
	r->table = RT_TABLE_MAIN;
	r->type = RTN_UNICAST;
	r->index = 2;
	r->dst = scene_prefix(dst);
	if (gateway)
		r->gateway = scene_ip(gateway);
	return r;
}

static int plan(struct fixture *x, struct err *err)
{
	set_done(&x->set);
	return plan_attached(&x->f, &x->s, &x->own, &x->set, err);
}

static void plan_it(struct fixture *x)
{
	struct err err = { 0 };

	if (plan(x, &err) < 0)
		fail_msg("%s", err.text);
}

/* Of one destination: bit 0, a route by our device; bit 1, an unreachable one behind it. */
static unsigned int routes_to(const struct fixture *x, const char *dst)
{
	struct prefix p = scene_prefix(dst);
	unsigned int found = 0;

	for (size_t i = 0; i < x->set.n; i++) {
		const struct object *o = &x->set.v[i];

		if (o->kind != OBJ_ROUTE || o->route.dst.len != p.len ||
		    !ip_equal(&o->route.dst.ip, &p.ip))
			continue;
		assert_int_equal(o->place, PLACE_SESSION);
		assert_int_equal(o->route.table, RT_TABLE_MAIN);
		if (o->route.stop) {
			assert_int_equal(o->route.stop, RTN_UNREACHABLE);
			assert_string_equal(o->route.dev, "");
			assert_true(o->route.metric > 0xff000000);
			found |= 2;
		} else {
			assert_string_equal(o->route.dev, "eth0");
			assert_int_equal(o->route.metric, 0);
			found |= 1;
		}
	}
	return found;
}

static size_t count(const struct fixture *x, enum object_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < x->set.n; i++)
		n += x->set.v[i].kind == kind;
	return n;
}

/* --- routes -------------------------------------------------------------------------------- */

static void test_halves(void **state)
{
	struct fixture *x = *state;

	plan_it(x);
	assert_int_equal(routes_to(x, "0.0.0.0/1"), 3);
	assert_int_equal(routes_to(x, "128.0.0.0/1"), 3);
	assert_int_equal(routes_to(x, "::/1"), 3);
	assert_int_equal(routes_to(x, "8000::/1"), 3);
	assert_int_equal(count(x, OBJ_ROUTE), 8);
}

static void test_no_ipv6_of_ours(void **state)
{
	struct fixture *x = *state;

	x->s.flags |= SESSION_NO_IPV6;
	route(x, "2001:db8::/32", "fe80::1");
	plan_it(x);
	assert_int_equal(routes_to(x, "::/1"), 2);
	assert_int_equal(routes_to(x, "8000::/1"), 2);
	assert_int_equal(routes_to(x, "2001:db8::/33"), 2);
	assert_int_equal(routes_to(x, "2001:db8:8000::/33"), 2);
}

static void test_host_without_ipv6(void **state)
{
	struct fixture *x = *state;

	scene_sysctl(&x->f, "net/ipv6/conf/all/disable_ipv6", "1", "");
	plan_it(x);
	assert_int_equal(routes_to(x, "::/1"), 0);
	assert_int_equal(routes_to(x, "0.0.0.0/1"), 3);
}

static void test_narrower(void **state)
{
	struct fixture *x = *state;

	route(x, "0.0.0.0/0", "10.0.0.1");
	route(x, "0.0.0.0/1", "10.0.0.1"); /* as a VPN's */
	route(x, "10.96.0.0/12", "10.0.0.1");
	route(x, "10.96.0.0/12", "10.0.0.2"); /* another next hop of it */
	route(x, "10.0.0.0/24", NULL)->protocol = RTPROT_KERNEL;
	plan_it(x);
	assert_int_equal(routes_to(x, "0.0.0.0/1"), 0); /* theirs is not replaced */
	assert_int_equal(routes_to(x, "0.0.0.0/2"), 3);
	assert_int_equal(routes_to(x, "64.0.0.0/2"), 3);
	assert_int_equal(routes_to(x, "128.0.0.0/1"), 3);
	assert_int_equal(routes_to(x, "10.96.0.0/13"), 3);
	assert_int_equal(routes_to(x, "10.104.0.0/13"), 3);
	assert_int_equal(routes_to(x, "10.0.0.0/25"), 0); /* on its own link */
	assert_int_equal(count(x, OBJ_ROUTE), 2 * 7);
}

static void test_fallback(void **state)
{
	struct fixture *x = *state;

	x->s.flags |= SESSION_FALLBACK;
	route(x, "203.0.113.1/32", "10.0.0.1");
	plan_it(x);
	assert_int_equal(count(x, OBJ_ROUTE), 0);
}

static void test_refusals(void **state)
{
	struct fixture *x = *state;
	struct fact_rule *rule = VEC_PUSH(&x->own.rules);
	struct err err = { 0 };

	rule->family = AF_INET;
	rule->priority = 100;
	rule->action = FR_ACT_TO_TBL;
	rule->table = 100;
	route(x, "0.0.0.0/0", NULL)->table = 100; /* a tunnel's */
	plan_it(x);
	route(x, "0.0.0.0/0", "10.0.0.1")->table = 100;
	assert_int_equal(plan(x, &err), -EEXIST);
	assert_non_null(strstr(err.text, "rule 100 leads to table 100"));
	assert_non_null(strstr(err.text, "--fallback"));

	x->own.rules.n = 0;
	plan_it(x);
	route(x, "203.0.113.1/32", "10.0.0.1");
	assert_int_equal(plan(x, &err), -EEXIST);
	assert_non_null(strstr(err.text, "203.0.113.1/32"));

	x->own.routes.n = 0;
	for (int i = 0; i < 300; i++) {
		struct fact_route *r = route(x, "10.0.0.0/24", "10.0.0.1");

		r->dst.ip.bytes[1] = (uint8_t)(i / 2);
		r->dst.ip.bytes[2] = (uint8_t)i;
	}
	assert_int_equal(plan(x, &err), -E2BIG);
}

static void test_default_route(void **state)
{
	static const char *const theirs[] = { "0.0.0.0/0", "128.0.0.0/1", "::/0", "::/1" };
	struct fixture *x = *state;
	struct err err = { 0 };

	x->s.flags &= ~(uint32_t)SESSION_REPLACE_ROUTE;
	plan_it(x);
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
		x->own.routes.n = 0;
		route(x, theirs[i], strchr(theirs[i], ':') ? "fe80::1" : "10.0.0.1");
		assert_int_equal(plan(x, &err), -EEXIST);
		assert_non_null(strstr(err.text, "--replace-route"));
	}
	route(x, "::/0", NULL); /* in a family that ours has no part in, it is stopped alone */
	x->own.routes.n = 0;
	route(x, "::/0", "fe80::1");
	x->s.flags |= SESSION_NO_IPV6;
	plan_it(x);
	assert_int_equal(routes_to(x, "::/1"), 2);
}

/* --- its own devices ----------------------------------------------------------------------- */

/* The chain as text, "" when there is none. */
static void chain(const struct fixture *x, struct strbuf *sb)
{
	for (size_t i = 0; i < x->set.n; i++)
		if (x->set.v[i].kind == OBJ_NFT_RULE &&
		    !strcmp(x->set.v[i].nft_rule.chain, "own_devices"))
			print_add(sb, &x->set.v[i], "box");
}

static void test_bound_sockets(void **state)
{
	struct fixture *x = *state;
	_cleanup_strbuf_ struct strbuf sb = { 0 }, none = { 0 };
	const char *network, *stop;

	route(x, "10.0.0.0/24", NULL);
	route(x, "10.8.0.0/24", NULL)->index = 3; /* a tunnel, which has no gateway */
	route(x, "0.0.0.0/1", NULL)->index = 3;
	plan_it(x);
	chain(x, &none);
	assert_string_equal(strbuf_text(&none), "");

	route(x, "0.0.0.0/0", "10.0.0.1");
	route(x, "10.9.0.0/16", "10.0.0.2");
	plan_it(x);
	chain(x, &sb);
	network = strstr(strbuf_text(&sb), "10.0.0.0/24 accept");
	stop = strstr(strbuf_text(&sb), "ipv4 drop");
	if (!network || !stop)
		fail_msg("%s", strbuf_text(&sb));
	assert_true(network < stop);
	assert_null(strstr(stop + strlen("ipv4 reject"),
			   " reject")); /* once for the device, and in this family alone */
	assert_null(strstr(strbuf_text(&sb), "10.9.0.0"));
	assert_null(strstr(strbuf_text(&sb), "10.8.0.0"));
}

/* The halves of the pool have that gateway, too, and one of them holds it. */
static void test_gateway_of_a_group(void **state)
{
	struct fixture *x = *state;

	for (int in_group = 0; in_group < 2; in_group++) {
		size_t n = 0;

		strcpy(x->s.share, in_group ? "g" : "");
		plan_it(x);
		for (size_t i = 0; i < x->set.n; i++) {
			const struct object *o = &x->set.v[i];

			if (o->kind != OBJ_ROUTE || o->route.stop)
				continue;
			assert_int_equal(o->route.onlink, in_group);
			n++;
		}
		assert_int_equal(n, 4);
	}
}

/* --- names --------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	struct fixture *x = *state;
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	plan_it(x);
	for (size_t i = 0; i < x->set.n; i++)
		if (object_is_nft(&x->set.v[i])) {
			assert_true(x->set.v[i].attached);
			assert_int_equal(x->set.v[i].place, PLACE_SESSION);
			print_add(&sb, &x->set.v[i], "box");
		}
	assert_non_null(strstr(strbuf_text(&sb), "table inet via_iface_attached"));
	assert_null(strstr(strbuf_text(&sb), "inet via_iface "));
	assert_non_null(strstr(strbuf_text(&sb), "oifname != \"eth0\""));
	x->s.flags |= SESSION_FOREIGN_RESOLVER;
	plan_it(x);
	assert_int_equal(count(x, OBJ_NFT_TABLE) + count(x, OBJ_NFT_RULE), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_halves),
		T(test_no_ipv6_of_ours),
		T(test_host_without_ipv6),
		T(test_narrower),
		T(test_fallback),
		T(test_refusals),
		T(test_default_route),
		T(test_names),
		T(test_bound_sockets),
		T(test_gateway_of_a_group),
	};

	return RUN_TESTS(tests);
}
