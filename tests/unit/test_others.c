/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules of other programs make of a session's state, and how they are named. */
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/vec.h"
#include "plan/others.h"
#include "plan/state.h"
#include "scene.h"
#include "unit.h"

#define PASSED 0

struct fixture {
	struct facts f;
	const struct session *s;
	struct findings found;
};

static int setup(void **state)
{
	static struct fixture x;

	x = (struct fixture){ 0 };
	scene_split(&x.f);
	scene_slot(&x.f, 1, "wlp6s0");
	scene_session(&x.f, 1, 10, 1, "wlp6s0", "one");
	strcpy(x.f.sessions.v[0].uplink, "wlp6s0");
	x.s = &x.f.sessions.v[0];
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	findings_done(&x->found);
	facts_done(&x->f);
	return 0;
}

static void add_stop(struct fixture *x, enum stop_kind kind, uint8_t family, const char *chain)
{
	struct fact_stop *s = VEC_PUSH(&x->f.stops);

	*s = (struct fact_stop){ .kind = kind, .family = family, .handle = 7 };
	strcpy(s->table, "filter");
	strcpy(s->chain, chain);
}

static void pending(struct fixture *x, const char *session, uint8_t protocol, uint16_t port)
{
	struct fact_pending *p = VEC_PUSH(&x->f.pending);

	*p = (struct fact_pending){ scene_ip(session), protocol, port };
}

static struct fact_rule *rule_at_zero(struct fixture *x, uint8_t family, uint32_t table)
{
	struct fact_rule *r = VEC_PUSH(&x->f.rules);

	*r = (struct fact_rule){
		.family = family, .action = FR_ACT_TO_TBL, .table = table, .suppress = -1
	};
	return r;
}

static int severity_of_first(const struct fixture *x)
{
	return x->found.n && x->found.v ? (int)x->found.v[0].severity : -1;
}

/* The state, with why; and the first finding. */
static void is(struct fixture *x, enum session_state state, const char *reason, const char *text)
{
	const char *why = NULL;

	findings_done(&x->found);
	x->found = (struct findings){ 0 };
	assert_int_equal(session_state(&x->f, x->s, false, &why), state);
	assert_true(why && strstr(why, reason));
	others_check(&x->f, x->s, &x->found);
	assert_int_equal(x->found.n != 0, text != NULL);
	if (text && x->found.n && !strstr(x->found.v[0].text, text))
		fail_msg("%s", x->found.v[0].text);
}

static void test_nothing(void **state)
{
	struct fixture *x = *state;

	is(x, STATE_UP, "", NULL);
	add_stop(x, STOP_DROP, NFPROTO_IPV4, "FORWARD"); /* it meets nobody */
	is(x, STATE_UP, "", NULL);
}

static void test_routing_rule(void **state)
{
	struct fixture *x = *state;
	struct fact_rule *r = rule_at_zero(x, AF_INET, 77);

	is(x, STATE_UP, "", NULL); /* its table has no route */
	scene_route(&x->f, "enp7s0", "0.0.0.0/0", "192.168.1.1", 0);
	x->f.routes.v[x->f.routes.n - 1].table = 77;
	facts_index_routing(&x->f);
	is(x, STATE_BLOCKED, "routing rule",
	   "routing rule 0 of another program (IPv4: from all lookup 77)");
	assert_int_equal(severity_of_first(x), SEVERITY_ERROR);
	r->src = (struct prefix){ scene_ip("192.0.2.0"), 24 };
	is(x, STATE_UP, "", NULL); /* a session has no such address */
	r->src.len = 0;
	r->priority = 1;
	is(x, STATE_UP, "", NULL);
	r->priority = 0;
	r->table = RT_TABLE_LOCAL;
	is(x, STATE_UP, "", NULL);
	r->family = AF_INET6;
	r->action = FR_ACT_PROHIBIT;
	is(x, STATE_BLOCKED, "routing rule", "(IPv6: from all prohibit)");
}

static void test_dropped(void **state)
{
	struct fixture *x = *state;

	pending(x, "10.209.0.10", IPPROTO_TCP, 25);
	is(x, STATE_UP, "", NULL); /* nobody else can have done that */
	add_stop(x, STOP_DROP, NFPROTO_IPV4, "ufw-user-forward");
	is(x, STATE_BLOCKED, "none of its connections",
	   "'one' to tcp port 25 did not get past the rules of other programs; of those this can "
	   "be: "
	   "table ip filter, chain ufw-user-forward, handle 7 (ufw)");
	assert_int_equal(severity_of_first(x), SEVERITY_ERROR);
	pending(x, "10.209.0.10", PASSED, 0);
	is(x, STATE_UP, "", "tcp port 25");
	assert_int_equal(severity_of_first(x), SEVERITY_WARNING);
	x->f.pending.v[0].protocol = IPPROTO_ICMP;
	is(x, STATE_UP, "", "to protocol 1 did");
	x->f.pending.v[0].session = scene_ip("10.209.0.11"); /* another session's */
	is(x, STATE_UP, "", NULL);
}

static void test_many(void **state)
{
	struct fixture *x = *state;

	for (uint16_t i = 0; i < 9; i++) {
		pending(x, "10.209.0.10", IPPROTO_UDP, i);
		add_stop(x, i ? STOP_DROP : STOP_PROXY, NFPROTO_IPV6, "FORWARD");
	}
	is(x, STATE_BLOCKED, "", "udp port 2, udp port 3, … did");
	is(x, STATE_BLOCKED, "", "; and 5 more");
}

static void test_filter(void **state)
{
	struct fixture *x = *state;

	add_stop(x, STOP_RPFILTER, NFPROTO_IPV4, "PREROUTING");
	is(x, STATE_BLOCKED, "reverse path filter",
	   "table ip filter, chain PREROUTING, handle 7 drops what comes back through 'wlp6s0'");
	for (size_t i = 0; i < x->f.routes.n; i++) /* the host would answer by it, too */
		if (!x->f.routes.v[i].dst.len &&
		    x->f.routes.v[i].index == facts_link(&x->f, "wlp6s0")->index)
			x->f.routes.v[i].metric = 1;
	is(x, STATE_UP, "", NULL);
}

#define OTHERS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OTHERS_TEST(test_nothing), OTHERS_TEST(test_routing_rule),
		OTHERS_TEST(test_dropped), OTHERS_TEST(test_many),
		OTHERS_TEST(test_filter),
	};

	return RUN_TESTS(tests);
}
