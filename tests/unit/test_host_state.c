/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's knowledge of the host, and what brings the host to what its sessions want, against a
 * kernel of our own: whatever is lost, fails or is changed by others, the next attempts end where a
 * plan of what is there wants nothing changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "fake_kernel.h"
#include "mutate.h"
#include "net/nft_codec.h"
#include "unit.h"

static struct host_state host;

static int set_up(void **state)
{
	(void)state;
	fake_kernel_init();
	fake_kernel_host(&host);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	host_close(&host);
	fake_kernel_done();
	return 0;
}

/* A session by the list; its id, or a negative errno. */
static int run(const char *uplinks, const char *name)
{
	struct request r = { .owner = REQUEST_OWNER_SELF };
	struct settle settle;
	struct session s;
	struct err err = { 0 };
	int netns = -1, code;

	assert_int_equal(copy_string(r.uplinks, sizeof(r.uplinks), uplinks), 0);
	assert_int_equal(copy_string(r.name, sizeof(r.name), name), 0);
	code = host_launch(&host, &(struct launch){ .request = &r, .uid = 1000, .peer = 1000 }, &s,
			   &settle, &netns, &err);
	close_fd(&netns);
	if (code < 0)
		return code;
	return (int)s.id;
}

/* What still differs from what the sessions that are there want, as the fake kernel has it. */
static size_t differences(char *first)
{
	_cleanup_facts_ struct facts f = { 0 };
	_cleanup_set_ struct object_set want = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	struct err err = { 0 };
	size_t n = 0;

	fake_kernel_facts(&f);
	/* which slot a session has is the daemon's decision, that what it has follows from it is
	 * not */
	for (size_t i = 0; i < f.sessions.n; i++) {
		const struct session *known = host_session(&host, f.sessions.v[i].id);

		if (known)
			f.sessions.v[i] = *known;
	}
	f.dns = host.facts.dns;
	assert_int_equal(refused_tell(&host.refused, &f, clock_ms()), 0);
	for (size_t i = 0; i < host.facts.slots.n && f.refused.n; i++) {
		const struct fact_slot *known = &host.facts.slots.v[i];
		struct fact_slot *added = facts_slot(&f, known->uplink) ? NULL : VEC_PUSH(&f.slots);

		if (added) /* of one that is blocked there may be nothing to know it by */
			*added = *known;
	}
	assert_int_equal(plan_host(&f, f.sessions.v, f.sessions.n, &want, &err), 0);
	refused_leave_out(&host.refused, &f, &want, clock_ms());
	assert_int_equal(nft_fingerprint(&want), 0);
	assert_int_equal(diff(&want, &f.ours, &steps), 0);
	memset(&f.dns, 0, sizeof(f.dns));
	for (size_t i = 0; i < steps.n; i++)
		if ((step_differs(&steps.v[i]) || steps_have_stray_rule(&steps, i, NULL)) && !n++)
			object_name(steps.v[i].want ? steps.v[i].want : steps.v[i].have, first);
	return n;
}

/* Heals until nothing differs; where no session is left, clears the host as a daemon that exits. */
static void converges(void)
{
	char first[OBJECT_NAME_MAX] = "";
	struct err err = { 0 };

	for (int i = 0; i < 8 && (host.stale || host.ended.n || differences(first)); i++) {
		assert_int_equal(host_heal(&host, &err), 0);
		if (!host_sessions(&host))
			assert_int_equal(host_clear(&host, &err), 0);
	}
	if (differences(first))
		fail_msg("still differs: %s", first);
}

static bool has_link(const char *name)
{
	struct object key = { .kind = OBJ_LINK, .place = PLACE_HOST };

	assert_int_equal(copy_string(key.link.name, sizeof(key.link.name), name), 0);
	return set_find(&fake_kernel.ours, &key) != NULL;
}

/* --- transitions --------------------------------------------------------------------------- */

static void test_first_launch(void **state)
{
	int id = run("wlp6s0", "a");

	(void)state;
	assert_true(id > 0);
	assert_true(has_link(BRIDGE_NAME));
	assert_true(host.stale); /* the bridge and rules changed what the facts say */
	assert_int_equal(host.knowledge, HOST_CHANGED);
	converges();
	assert_false(host.stale);
}

/* A launch beside another is planned on facts that are known to be right: nothing is observed. */
static void test_settled_launch(void **state)
{
	unsigned int observed;

	(void)state;
	assert_true(run("wlp6s0", "a") > 0);
	converges();
	observed = fake_kernel.observed;
	assert_true(run("wlp6s0", "b") > 0);
	assert_false(host.stale);
	assert_int_equal(host.knowledge, HOST_SETTLED);
	assert_int_equal(fake_kernel.observed, observed);
	converges();
	assert_int_equal(fake_kernel.observed, observed);
}

/* Whatever is taken away while events are lost is put back. */
static void test_events_lost(void **state)
{
	(void)state;
	assert_true(run("wlp6s0", "a") > 0);
	converges();
	for (size_t i = 0; i < fake_kernel.ours.n; i++) {
		struct object o = fake_kernel.ours.v[i];
		struct object key = o;

		if (o.kind == OBJ_LINK && strcmp(o.link.name, BRIDGE_NAME) != 0)
			continue; /* that is the end of the session */
		fake_kernel_remove(i);
		assert_null(set_find(&fake_kernel.ours, &key));
		fake_kernel_lose_events(&host);
		assert_true(host.stale);
		converges();
		assert_non_null(set_find(&fake_kernel.ours, &key));
	}
}

/* A launch that fails at its n-th step leaves nothing, for each n. */
static void test_apply_fails_half_way(void **state)
{
	size_t before;
	unsigned int at;
	int id = -1;

	(void)state;
	assert_true(run("wlp6s0", "a") > 0);
	converges();
	before = fake_kernel.ours.n;
	for (at = 1; id < 0 && at < 200; at++) {
		fake_kernel.fail_at = at;
		id = run("enp7s0", "b");
		fake_kernel.fail_at = 0;
		if (id >= 0)
			break;
		converges();
		assert_int_equal(fake_kernel.ours.n, before);
	}
	assert_true(at > 10);
	converges();
	assert_int_equal(host.facts.sessions.n, 2);
}

/* What failed since somebody else changed the same at that moment is tried again at once. */
static void test_apply_is_tried_again(void **state)
{
	(void)state;
	fake_kernel.error = EBUSY;
	for (unsigned int at = 1; at < 60; at += 7) {
		char name[8];

		snprintf(name, sizeof(name), "s%u", at);
		fake_kernel.fail_at = at;
		assert_true(run("wlp6s0", name) > 0);
		fake_kernel.fail_at = 0;
		converges();
	}
}

static void flush_ruleset(struct fake_kernel *k)
{
	for (size_t i = 0; i < k->ours.n;)
		if (object_is_nft(&k->ours.v[i]))
			fake_kernel_remove(i);
		else
			i++;
}

/* Somebody flushes the ruleset in the midst of a launch's or a healing's steps. */
static void test_changed_during_apply(void **state)
{
	(void)state;
	assert_true(run("wlp6s0", "a") > 0);
	for (unsigned int at = 1; at < 40; at++) {
		char name[8];

		converges();
		snprintf(name, sizeof(name), "s%u", at);
		fake_kernel.change = flush_ruleset;
		fake_kernel.change_at = at;
		(void)run(at % 2 ? "wlp6s0" : "enp7s0", name);
		fake_kernel.change_at = 0;
		fake_kernel_lose_events(&host);
		converges();
	}
}

static void rename_uplink(struct fake_kernel *k)
{
	snprintf(k->uplink, sizeof(k->uplink), "%s",
		 strcmp(k->uplink, "wlp6s0") ? "wlp6s0" : "wlan9");
}

/* The uplink gets another name between observation and apply. */
static void test_renamed_during_apply(void **state)
{
	int id;

	(void)state;
	id = run("wlp6s0", "a");
	assert_true(id > 0);
	converges();
	fake_kernel.change = rename_uplink;
	fake_kernel.change_at = 1;
	flush_ruleset(&fake_kernel);
	fake_kernel_lose_events(&host);
	assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	assert_string_equal(fake_kernel.uplink, "wlan9");
	fake_kernel_lose_events(&host);
	converges();
	assert_string_equal(host_session(&host, (uint32_t)id)->uplink, "wlan9");
}

/* --- what the kernel refuses --------------------------------------------------------------- */

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

	assert_int_equal(plan_host(&host.facts, host.facts.sessions.v, host.facts.sessions.n, &want,
				   &err),
			 0);
	for (size_t i = 0; i < want.n; i++)
		found |= want.v[i].kind == kind && want.v[i].owner.session == owner->session &&
			 want.v[i].owner.slot == owner->slot;
	return found;
}

/* Everything of others is gone, and what is put back is refused to one owner. */
static void take_all_away(void)
{
	for (size_t i = 0; i < fake_kernel.ours.n;)
		if (fake_kernel.ours.v[i].kind == OBJ_LINK)
			i++;
		else
			fake_kernel_remove(i);
	fake_kernel_lose_events(&host);
}

static const struct object *element(uint32_t id)
{
	struct object key = { .kind = OBJ_NFT_ELEMENT,
			      .family = 7 /* NFPROTO_BRIDGE */,
			      .nft_element = { .set = "ports" } };
	char port[IFNAMSIZ];

	session_port(id, port);
	nft_key_ifname(&key.nft_element.key, port);
	return set_find(&fake_kernel.ours, &key);
}

/* Whether nothing of a session is let through: it has no port, or its packets get no slot. */
static bool is_blocked(uint32_t id)
{
	const struct object *e = element(id);

	return !e || !strcmp(e->nft_element.chain, "slot0");
}

static void heal(void)
{
	struct err err = { 0 };

	if (host_heal(&host, &err) < 0)
		fail_msg("heal: %s", err.text);
}

/*
 * Whatever kind of object of one uplink the kernel refuses: the sessions of the other have all that
 * they want, those of this one are blocked; and have it back when the kernel takes it.
 */
static void test_slot_fails_alone(void **state)
{
	uint32_t good = (uint32_t)run("enp7s0", "good"), bad = (uint32_t)run("wlp6s0", "bad");
	const uint32_t slot = host_session(&host, bad)->slot;
	unsigned int kinds = 0;

	(void)state;
	converges();
	for (int kind = 0; kind < OBJ_KIND_COUNT; kind++) {
		odd.kind = (enum object_kind)kind;
		odd.owner = (struct object_owner){ .slot = (uint8_t)slot };
		odd.asked = 0;
		if (!wants_kind_of(odd.kind, &odd.owner))
			continue;
		kinds++;
		fake_kernel.refuses = refuses_odd;
		take_all_away();
		heal();
		assert_true(odd.asked > 0);
		assert_false(is_blocked(good));
		assert_true(is_blocked(bad));
		assert_int_equal(host_session(&host, bad)->slot, 0);
		assert_int_equal(host_session(&host, bad)->refused.kind, kind);
		assert_int_equal(host_session(&host, bad)->refused.code, EPERM);
		assert_true(host.failover_at <= clock_ms() + REFUSED_WAIT_MS);
		converges(); /* and is at rest */
		fake_kernel.refuses = NULL;
		host.refused.v[0].until = clock_ms(); /* the next attempt is due */
		heal();
		converges();
		assert_false(is_blocked(bad));
		assert_int_equal(host_session(&host, bad)->refused.code, 0);
		assert_int_equal(host.refused.n, 0);
	}
	assert_true(kinds >= 6); /* route, rule, sysctl, chain, element, rule of nftables */
}

/* The same with what one session has alone, beside one on the same uplink. */
static void test_session_fails_alone(void **state)
{
	uint32_t good = (uint32_t)run("wlp6s0", "good"), bad = (uint32_t)run("wlp6s0", "bad");
	unsigned int kinds = 0;

	(void)state;
	converges();
	for (int kind = 0; kind < OBJ_KIND_COUNT; kind++) {
		odd.kind = (enum object_kind)kind;
		odd.owner = (struct object_owner){ .session = bad };
		odd.asked = 0;
		if (!wants_kind_of(odd.kind, &odd.owner) || kind == OBJ_LINK)
			continue; /* a port that went is the end of its session */
		kinds++;
		fake_kernel.refuses = refuses_odd;
		take_all_away();
		heal();
		assert_true(odd.asked > 0);
		assert_false(is_blocked(good));
		assert_true(is_blocked(bad));
		assert_int_equal(host_session(&host, bad)->refused.kind, kind);
		fake_kernel.refuses = NULL;
		host.refused.v[0].until = clock_ms();
		heal();
		converges();
		assert_false(is_blocked(bad));
		assert_int_equal(host.refused.n, 0);
	}
	assert_true(kinds >= 4);
}

/* The next attempts are made less and less often, and each costs no more than another look. */
static void test_refused_backs_off(void **state)
{
	uint32_t bad = (uint32_t)run("wlp6s0", "bad");
	int64_t wait = REFUSED_WAIT_MS;

	(void)state;
	converges();
	odd.kind = OBJ_ROUTE;
	odd.owner = (struct object_owner){ .slot = (uint8_t)host_session(&host, bad)->slot };
	fake_kernel.refuses = refuses_odd;
	take_all_away();
	for (int i = 0; i < 8; i++) {
		unsigned int observed = fake_kernel.observed;

		heal();
		assert_int_equal(host.refused.n, 1);
		assert_int_equal(host.refused.v[0].wait, wait);
		assert_true(fake_kernel.observed - observed <= 3);
		wait = 2 * wait < REFUSED_WAIT_MAX_MS ? 2 * wait : REFUSED_WAIT_MAX_MS;
		host.refused.v[0].until = clock_ms();
	}
}

/* A session with another uplink in its list goes there. */
static void test_refused_fails_over(void **state)
{
	uint32_t id = (uint32_t)run("wlp6s0,enp7s0", "a");

	(void)state;
	converges();
	odd.kind = OBJ_RULE;
	odd.owner = (struct object_owner){ .slot = (uint8_t)host_session(&host, id)->slot };
	fake_kernel.refuses = refuses_odd;
	take_all_away();
	heal();
	assert_string_equal(host_session(&host, id)->uplink, "enp7s0");
	assert_false(is_blocked(id));
}

/* A launch by an uplink that is refused fails and says why; by the other it works meanwhile. */
static void test_refused_launch(void **state)
{
	uint32_t bad = (uint32_t)run("wlp6s0", "bad");

	(void)state;
	converges();
	odd.kind = OBJ_ROUTE;
	odd.owner = (struct object_owner){ .slot = (uint8_t)host_session(&host, bad)->slot };
	fake_kernel.refuses = refuses_odd;
	take_all_away();
	heal();
	assert_int_equal(run("wlp6s0", "second"), -EPERM);
	assert_true(run("enp7s0", "third") > 0);
	converges();
	assert_true(is_blocked(bad));
	assert_int_equal(host.facts.sessions.n, 2);
	fake_kernel.refuses = NULL;
	assert_true(run("wlp6s0", "fourth") > 0);
	converges();
}

static bool is_saved_sysctl(const struct object *o)
{
	return o->kind == OBJ_SYSCTL && o->sysctl.before[0];
}

/* What cannot be removed keeps nobody from what is wanted; nor does what stops packets go first. */
static void test_refused_removal(void **state)
{
	const struct object *o = NULL;
	uint32_t id = (uint32_t)run("wlp6s0", "a");

	(void)state;
	assert_true(run("enp7s0", "b") > 0);
	converges();
	fake_kernel.refuses_removal = is_saved_sysctl;
	fake_kernel_end_session(id);
	fake_kernel_lose_events(&host);
	heal();
	assert_true(run("enp7s0", "c") > 0);
	heal();
	for (size_t i = 0; i < host.facts.sessions.n; i++)
		assert_false(is_blocked(host.facts.sessions.v[i].id));
	for (size_t i = 0; i < fake_kernel.ours.n && !o; i++)
		if (fake_kernel.ours.v[i].kind == OBJ_RULE &&
		    fake_kernel.ours.v[i].rule.priority == PLAN_RULE_FENCE &&
		    !strcmp(fake_kernel.ours.v[i].rule.iif, "wlp6s0"))
			o = &fake_kernel.ours.v[i];
	assert_non_null(o);
	assert_true(run("wlp6s0", "d") > 0);
	fake_kernel.refuses_removal = NULL;
	converges();
}

static void test_end(void **state)
{
	int id;

	(void)state;
	assert_true(run("wlp6s0", "a") > 0);
	id = run("wlp6s0", "b");
	assert_true(id > 0);
	converges();
	fake_kernel_end_session((uint32_t)id);
	fake_kernel_lose_events(&host);
	converges();
	assert_null(host_session(&host, (uint32_t)id));
	assert_int_equal(host.facts.sessions.n, 1);
}

static void test_clear(void **state)
{
	struct err err = { 0 };
	int id = run("wlp6s0", "a");

	(void)state;
	assert_true(id > 0);
	fake_kernel_end_session((uint32_t)id);
	fake_kernel_lose_events(&host);
	assert_int_equal(host_clear(&host, &err), 0);
	assert_int_equal(fake_kernel.ours.n, 0);
}

/* --- a random walk ------------------------------------------------------------------------- */

/* VIA_WALK: as many as that. */
#define STEPS 500

static unsigned int steps_to_go(void)
{
	const char *text = getenv("VIA_WALK");
	uint32_t n;

	return text && parse_u32(text, 1, 10000000, &n) == 0 ? n : STEPS;
}

static void someone_removes_something(struct fake_kernel *k)
{
	static struct chance c = { .state = 77 };

	if (k->ours.n)
		fake_kernel_remove(chance(&c, (uint32_t)k->ours.n));
}

static uint32_t some_session(struct chance *c)
{
	return host.facts.sessions.n
		       ? host.facts.sessions.v[chance(c, (uint32_t)host.facts.sessions.n)].id
		       : 0;
}

static void step(struct chance *c, unsigned int n)
{
	static const char *const lists[] = { "wlp6s0", "enp7s0", "wlp6s0,enp7s0", "enp7s0,wlp6s0" };
	const char *list = lists[chance(c, 4)];
	uint32_t id = some_session(c);
	struct err err = { 0 };
	char name[16];

	switch (chance(c, 14)) {
	case 0:
	case 1:
	case 12:
	case 13:
		snprintf(name, sizeof(name), "s%u", n);
		if (host.facts.sessions.n < 12)
			run(list, name);
		break;
	case 2:
	case 3:
		fake_kernel_end_session(id);
		break;
	case 4:
		host_move(&host, id, list, 1000, &err);
		break;
	case 5:
		host_pause(&host, id, chance(c, 2), &err);
		break;
	case 6:
		host_stop(&host, id, &err);
		break;
	case 7:
		fake_kernel.down = !fake_kernel.down;
		break;
	case 8:
		fake_kernel.no_address = !fake_kernel.no_address;
		break;
	case 9:
		rename_uplink(&fake_kernel);
		break;
	case 10:
		flush_ruleset(&fake_kernel);
		break;
	case 11:
		someone_removes_something(&fake_kernel);
		break;
	}
}

/*
 * Each step is done by somebody: a caller, the kernel, another program; some while apply() is at
 * work, which also fails at times. What was missed is told by an overflow of events alone.
 */
static void test_random_walk(void **state)
{
	struct chance c = { .state = 20261128 };
	size_t most = 0;

	(void)state;
	for (unsigned int n = 0; n < steps_to_go(); n++) {
		struct err err = { 0 };

		if (chance(&c, 4) == 0)
			fake_kernel.fail_at = 1 + chance(&c, 30);
		fake_kernel.change = chance(&c, 2) ? someone_removes_something : flush_ruleset;
		if (chance(&c, 4) == 0)
			fake_kernel.change_at = 1 + chance(&c, 30);
		step(&c, n);
		if (chance(&c, 2)) {
			fake_kernel_lose_events(&host);
			host_heal(&host, &err);
		}
		fake_kernel.fail_at = fake_kernel.change_at = 0;
		fake_kernel_lose_events(&host);
		converges();
		most = host.facts.sessions.n > most ? host.facts.sessions.n : most;
	}
	assert_true(most > 3); /* so it was not all for nothing */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_first_launch),
		TEST(test_settled_launch),
		TEST(test_events_lost),
		TEST(test_apply_fails_half_way),
		TEST(test_apply_is_tried_again),
		TEST(test_changed_during_apply),
		TEST(test_renamed_during_apply),
		TEST(test_slot_fails_alone),
		TEST(test_session_fails_alone),
		TEST(test_refused_backs_off),
		TEST(test_refused_fails_over),
		TEST(test_refused_launch),
		TEST(test_refused_removal),
		TEST(test_end),
		TEST(test_clear),
		TEST(test_random_walk),
	};

	return RUN_TESTS(tests);
}
