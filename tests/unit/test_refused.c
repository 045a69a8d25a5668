/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel refuses to one session, or for one uplink, keeps no other from what it wants
 * (model/owner.h, daemon/refused.h). The kernel is a fake one.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "fake_host.h"
#include "unit.h"

/* Objects of one kind that the slot of wlp6s0, or the session "bad", has alone. */
static struct {
	enum object_kind kind;
	struct object_owner owner;
	unsigned int asked;
} odd;

static bool refuses_odd(const struct object *o)
{
	bool is = o->kind == odd.kind && o->owner.foreign == odd.owner.foreign &&
		  (odd.owner.session ? o->owner.session == odd.owner.session
				     : !o->owner.session && o->owner.slot == odd.owner.slot);

	odd.asked += is;
	return is;
}

static bool wants_kind_of(enum object_kind kind, const struct object_owner *owner)
{
	_cleanup_set_ struct object_set want = { 0 };
	struct err err = { 0 };
	bool found = false;

	assert_int_equal(plan_host(&fake_host.facts, fake_host.facts.sessions.v,
				   fake_host.facts.sessions.n, &want, &err),
			 0);
	for (size_t i = 0; i < want.n; i++)
		found |= want.v[i].kind == kind && want.v[i].owner.session == owner->session &&
			 want.v[i].owner.slot == owner->slot;
	return found;
}

/* That it is at rest until the next attempt, which on a slow machine is due meanwhile. */
static void rests_while_refused(void)
{
	fake_host.refused.v[0].until = INT64_MAX / 2;
	fake_host_converges();
}

/*
 * Whatever kind of object of one uplink the kernel refuses: the sessions of the other have all that
 * they want, those of this one are blocked; and have it back when the kernel takes it.
 */
static void test_slot_fails_alone(void **state)
{
	uint32_t good = (uint32_t)fake_host_run("enp7s0", "good"),
		 bad = (uint32_t)fake_host_run("wlp6s0", "bad");
	const uint32_t slot = host_session(&fake_host, bad)->slot;
	unsigned int kinds = 0;

	(void)state;
	fake_host_converges();
	for (int kind = 0; kind < OBJ_KIND_COUNT; kind++) {
		odd.kind = (enum object_kind)kind;
		odd.owner = (struct object_owner){ .slot = (uint8_t)slot };
		odd.asked = 0;
		if (!wants_kind_of(odd.kind, &odd.owner))
			continue;
		kinds++;
		fake_kernel.refuses = refuses_odd;
		fake_host_lose_all();
		fake_host_heal();
		assert_true(odd.asked > 0);
		assert_false(fake_host_is_blocked(good));
		assert_true(fake_host_is_blocked(bad));
		assert_int_equal(host_session(&fake_host, bad)->slot, 0);
		assert_int_equal(host_session(&fake_host, bad)->refused.kind, kind);
		assert_int_equal(host_session(&fake_host, bad)->refused.code, EPERM);
		assert_true(fake_host.failover_at <= clock_ms() + REFUSED_WAIT_MS);
		rests_while_refused();
		fake_kernel.refuses = NULL;
		fake_host.refused.v[0].until = clock_ms(); /* the next attempt is due */
		fake_host_heal();
		fake_host_converges();
		assert_false(fake_host_is_blocked(bad));
		assert_int_equal(host_session(&fake_host, bad)->refused.code, 0);
		assert_int_equal(fake_host.refused.n, 0);
	}
	assert_true(kinds >= 6); /* route, rule, sysctl, chain, element, rule of nftables */
}

/* The same with what one session has alone, beside one on the same uplink. */
static void test_session_fails_alone(void **state)
{
	uint32_t good = (uint32_t)fake_host_run("wlp6s0", "good"),
		 bad = (uint32_t)fake_host_run("wlp6s0", "bad");
	unsigned int kinds = 0;

	(void)state;
	fake_host_converges();
	for (int kind = 0; kind < OBJ_KIND_COUNT; kind++) {
		odd.kind = (enum object_kind)kind;
		odd.owner = (struct object_owner){ .session = bad };
		odd.asked = 0;
		if (!wants_kind_of(odd.kind, &odd.owner) || kind == OBJ_LINK)
			continue; /* a port that went is the end of its session */
		kinds++;
		fake_kernel.refuses = refuses_odd;
		fake_host_lose_all();
		fake_host_heal();
		assert_true(odd.asked > 0);
		assert_false(fake_host_is_blocked(good));
		assert_true(fake_host_is_blocked(bad));
		assert_int_equal(host_session(&fake_host, bad)->refused.kind, kind);
		fake_kernel.refuses = NULL;
		fake_host.refused.v[0].until = clock_ms();
		fake_host_heal();
		fake_host_converges();
		assert_false(fake_host_is_blocked(bad));
		assert_int_equal(fake_host.refused.n, 0);
	}
	assert_true(kinds >= 4);
}

/* A rule of one chain that has such a text; what is refused by its place, whoever it is for. */
static struct {
	const char *chain, *text;
	unsigned int asked;
} odd_rule;

static bool refuses_odd_rule(const struct object *o)
{
	struct strbuf sb = { 0 };
	bool is;

	if (o->kind != OBJ_NFT_RULE || strcmp(o->nft_rule.chain, odd_rule.chain) != 0)
		return false;
	nft_print_rule(&sb, o->nft_rule.rule);
	is = sb.text && strstr(sb.text, odd_rule.text);
	strbuf_done(&sb);
	odd_rule.asked += is;
	return is;
}

/*
 * Rules that serve one uplink's networks (--no-lan) and its link-local name servers, between those
 * of others in a chain of all: the other uplink's sessions do not notice.
 */
static void test_rule_of_an_uplink(void **state)
{
	static const struct {
		const char *chain, *text;
	} rules[] = {
		{ "lan4", "203.0.113.0/24" },       { "lan6", "2001:db8:2::" },
		{ "lan6", "2002:cb00:7100::" },     { "to_link_server", "fe80::53" },
		{ "from_link_server", "fe80::53" }, { "answers", "169.254.7.7" },
	};
	uint32_t good, bad;

	(void)state;
	fake_kernel.more_addresses = true;
	good = (uint32_t)fake_host_run_with("enp7s0", "good", SESSION_NO_LAN);
	bad = (uint32_t)fake_host_run_with("wlp6s0", "bad", SESSION_NO_LAN);
	fake_host_converges();
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		odd_rule.chain = rules[i].chain;
		odd_rule.text = rules[i].text;
		odd_rule.asked = 0;
		fake_kernel.refuses = refuses_odd_rule;
		fake_host_lose_all();
		fake_host_heal();
		if (!odd_rule.asked)
			fail_msg("no rule of %s has %s", rules[i].chain, rules[i].text);
		assert_false(fake_host_is_blocked(good));
		assert_true(fake_host_is_blocked(bad));
		assert_int_equal(host_session(&fake_host, bad)->refused.kind, OBJ_NFT_RULE);
		rests_while_refused();
		fake_kernel.refuses = NULL;
		fake_host.refused.v[0].until = clock_ms();
		fake_host_heal();
		fake_host_converges();
		assert_false(fake_host_is_blocked(bad));
		assert_int_equal(fake_host.refused.n, 0);
	}
}

/* The next attempts are made less and less often, and each costs no more than another look. */
static void test_refused_backs_off(void **state)
{
	uint32_t bad = (uint32_t)fake_host_run("wlp6s0", "bad");
	int64_t wait = REFUSED_WAIT_MS;

	(void)state;
	fake_host_converges();
	odd.kind = OBJ_ROUTE;
	odd.owner = (struct object_owner){ .slot = (uint8_t)host_session(&fake_host, bad)->slot };
	fake_kernel.refuses = refuses_odd;
	fake_host_lose_all();
	for (int i = 0; i < 8; i++) {
		unsigned int observed = fake_kernel.observed;

		fake_host_heal();
		assert_int_equal(fake_host.refused.n, 1);
		assert_int_equal(fake_host.refused.v[0].wait, wait);
		assert_true(fake_kernel.observed - observed <= 3);
		wait = 2 * wait < REFUSED_WAIT_MAX_MS ? 2 * wait : REFUSED_WAIT_MAX_MS;
		fake_host.refused.v[0].until = clock_ms();
	}
}

/* A session with another uplink in its list goes there. */
static void test_refused_fails_over(void **state)
{
	uint32_t id = (uint32_t)fake_host_run("wlp6s0,enp7s0", "a");

	(void)state;
	fake_host_converges();
	odd.kind = OBJ_RULE;
	odd.owner = (struct object_owner){ .slot = (uint8_t)host_session(&fake_host, id)->slot };
	fake_kernel.refuses = refuses_odd;
	fake_host_lose_all();
	fake_host_heal();
	assert_string_equal(host_session(&fake_host, id)->uplink, "enp7s0");
	assert_false(fake_host_is_blocked(id));
}

/* A launch by an uplink that is refused fails and says why; by the other it works meanwhile. */
static void test_refused_launch(void **state)
{
	uint32_t bad = (uint32_t)fake_host_run("wlp6s0", "bad");

	(void)state;
	fake_host_converges();
	odd.kind = OBJ_ROUTE;
	odd.owner = (struct object_owner){ .slot = (uint8_t)host_session(&fake_host, bad)->slot };
	fake_kernel.refuses = refuses_odd;
	fake_host_lose_all();
	fake_host_heal();
	assert_int_equal(fake_host_run("wlp6s0", "second"), -EPERM);
	assert_true(fake_host_run("enp7s0", "third") > 0);
	fake_host_converges();
	assert_true(fake_host_is_blocked(bad));
	assert_int_equal(fake_host.facts.sessions.n, 2);
	fake_kernel.refuses = NULL;
	assert_true(fake_host_run("wlp6s0", "fourth") > 0);
	fake_host_converges();
}

/* What the address of a session that is to come has, as a session that ended may have left it. */
static void leave_behind(uint32_t id, const char *chain)
{
	struct object stale = { .kind = OBJ_NFT_ELEMENT };
	const struct session *s = host_session(&fake_host, id);
	struct session next = *s;
	_cleanup_set_ struct object_set part = { 0 };
	struct err err = { 0 };

	next.id = fake_host.memory.next_id;
	next.host = fake_host.memory.next_host;
	assert_int_equal(plan_session(&fake_host.facts, &next, &part, &err), 0);
	for (size_t i = 0; i < part.n; i++)
		if (part.v[i].kind == OBJ_NFT_ELEMENT &&
		    !strcmp(part.v[i].nft_element.set, "shares4"))
			stale = part.v[i];
	assert_true(stale.nft_element.vmap);
	assert_int_equal(copy_string(stale.nft_element.chain, sizeof(stale.nft_element.chain),
				     chain),
			 0);
	fake_kernel_add(&stale);
}

/* A launch beside others meets an object that nobody told the daemon of: it observes, and goes on.
 */
static void test_stale_object(void **state)
{
	int id = fake_host_run("wlp6s0", "a");

	(void)state;
	fake_host_converges();
	assert_int_equal(fake_host.knowledge, HOST_SETTLED);
	leave_behind((uint32_t)id, "share_of_nobody");
	assert_true(fake_host_run("wlp6s0", "b") > 0);
	fake_host_converges();
	assert_int_equal(fake_host.facts.sessions.n, 2);
}

static bool is_saved_sysctl(const struct object *o)
{
	return o->kind == OBJ_SYSCTL && o->sysctl.before[0];
}

/* What cannot be removed keeps nobody from what is wanted; nor does what stops packets go first. */
static void test_refused_removal(void **state)
{
	const struct object *o = NULL;
	uint32_t id = (uint32_t)fake_host_run("wlp6s0", "a");

	(void)state;
	assert_true(fake_host_run("enp7s0", "b") > 0);
	fake_host_converges();
	fake_kernel.refuses_removal = is_saved_sysctl;
	fake_kernel_end_session(id);
	fake_kernel_lose_events(&fake_host);
	fake_host_heal();
	assert_true(fake_host_run("enp7s0", "c") > 0);
	fake_host_heal();
	for (size_t i = 0; i < fake_host.facts.sessions.n; i++)
		assert_false(fake_host_is_blocked(fake_host.facts.sessions.v[i].id));
	for (size_t i = 0; i < fake_kernel.ours.n && !o; i++)
		if (fake_kernel.ours.v[i].kind == OBJ_RULE &&
		    fake_kernel.ours.v[i].rule.priority == PLAN_RULE_FENCE &&
		    !strcmp(fake_kernel.ours.v[i].rule.iif, "wlp6s0"))
			o = &fake_kernel.ours.v[i];
	assert_non_null(o);
	assert_true(fake_host_run("wlp6s0", "d") > 0);
	fake_kernel.refuses_removal = NULL;
	fake_host_converges();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_host_set_up, fake_host_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_slot_fails_alone),   TEST(test_session_fails_alone),
		TEST(test_rule_of_an_uplink),  TEST(test_refused_backs_off),
		TEST(test_refused_fails_over), TEST(test_refused_launch),
		TEST(test_refused_removal),    TEST(test_stale_object),
	};

	return RUN_TESTS(tests);
}
