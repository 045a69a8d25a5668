/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "list.h"
#include "plan/plan.h"
#include "plan/probe.h"
#include "scene.h"
#include "unit.h"

#define ALICE 1000u

/* Session 7 of Alice's, by either card. */
static struct session *scene_parent(struct facts *f)
{
	struct session *s;

	scene_split(f);
	scene_slot(f, 1, "wlp6s0");
	s = scene_session(f, 7, 9, 1, "wlp6s0,enp7s0", "game");
	s->uid = ALICE;
	return s;
}

static int ask(const struct facts *f, uint32_t uid, const char *uplinks, struct request *ret)
{
	struct request asked = {
		.probe_of = 7, .flags = SESSION_KEEP, .owner = 0, .mtu = 9000, .n_dns = 1
	};
	const struct session *parent = NULL;
	struct err err = { 0 };
	int r;

	asked.dns[0] = scene_ip("10.0.0.1");
	asked.uplinks = list_of(uplinks);
	strcpy(asked.name, "other");
	r = probe_request(f, &asked, uid, ret, &parent, &err);
	if (r == 0)
		assert_int_equal(parent->id, 7);
	else
		assert_non_null(strstr(err.text, "probe session 'game': "));
	return r;
}

/* All but the uplink is the parent's, whatever was asked for. */
static void test_takes_after_its_parent(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct session *s = scene_parent(&f);
	struct request r;

	(void)state;
	s->flags = SESSION_NO_LAN | SESSION_NO_IPV6 | SESSION_KEEP;
	s->mtu = 1400;
	s->n_dns = 1;
	s->dns[0] = scene_ip("9.9.9.9");
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), 0);
	assert_int_equal(r.flags, SESSION_NO_LAN | SESSION_NO_IPV6);
	assert_int_equal(r.mtu, 1400);
	assert_int_equal(r.n_dns, 1);
	assert_true(ip_equal(&r.dns[0], &s->dns[0]));
	assert_int_equal(r.owner, REQUEST_OWNER_SELF);
	assert_int_equal(r.probe_of, 7);
	assert_string_equal(r.name, "probe-game");
	LIST_IS(r.uplinks, "enp7s0");
	s->flags = SESSION_HOST_ACCESS;
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), 0);
	assert_int_equal(r.flags, SESSION_HOST_ACCESS);
	assert_int_equal(request_check(&r, NULL), 0);
	strcpy(s->name, "a-name-that-is-as-long-as-may-be");
	assert_int_equal(probe_request(&f, &r, ALICE, &r, &(const struct session *){ NULL }, NULL),
			 0);
	assert_int_equal(request_check(&r, NULL), 0);
}

static void test_refused(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct session *s = scene_parent(&f), *probe;
	struct request r = { .probe_of = 8 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(ask(&f, ALICE + 1, "enp7s0", &r), -EPERM);
	assert_int_equal(ask(&f, 0, "enp7s0", &r), 0);
	assert_int_equal(ask(&f, ALICE, "lo", &r), -EINVAL);
	assert_int_equal(ask(&f, ALICE, "wlp6s0,enp7s0", &r), -EINVAL);
	s->flags = SESSION_BY_ROOT;
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), -EPERM);
	assert_int_equal(ask(&f, 0, "enp7s0", &r), 0);
	s->flags = SESSION_ATTACHED;
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), -EINVAL);
	assert_int_equal(ask(&f, 0, "enp7s0", &r), -EINVAL);
	s->flags = SESSION_PAUSED;
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), -EINVAL);
	s->flags = 0;
	s->probe_of = 3;
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), -EINVAL);
	s->probe_of = 0;
	probe = scene_session(&f, 8, 10, 1, "wlp6s0", "probe-game");
	probe->probe_of = 7;
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), -EBUSY);
	probe->probe_of = 3;
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), 0);
	r.probe_of = 4711;
	assert_int_equal(probe_request(&f, &r, 0, &r, &(const struct session *){ NULL }, &err),
			 -ESRCH);
}

/* A card may have a comma in its name; in a list that is written with a backslash. */
static void test_odd_name(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct session *s = scene_parent(&f);
	struct request r;

	(void)state;
	s->uplinks = list_of("a\\,b");
	assert_int_equal(ask(&f, ALICE, "a,b", &r), -EINVAL);
	assert_int_equal(ask(&f, ALICE, "a\\,b", &r), 0);
	LIST_IS(r.uplinks, "a\\,b");
}

static void test_stands(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct session *s, *probe;

	(void)state;
	scene_parent(&f);
	probe = scene_session(&f, 8, 10, 1, "enp7s0", "probe-game");
	s = &f.sessions.v[0];
	assert_true(probe_stands(&f, s));
	assert_true(probe_stands(&f, probe));
	probe->probe_of = 7;
	assert_true(probe_stands(&f, probe));
	s->flags = SESSION_PAUSED;
	assert_false(probe_stands(&f, probe));
	s->flags = 0;
	s->uplinks = list_of("wlp6s0");
	assert_false(probe_stands(&f, probe));
	s->uplinks = list_of("ethernet,enp7s0");
	assert_true(probe_stands(&f, probe));
	s->id = 9;
	assert_false(probe_stands(&f, probe));
}

/* The alias says whose probe session it is, so a daemon that starts anew knows. */
static void test_admitted(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct admit_memory memory = { .next_id = 8, .next_host = 10 };
	struct session probe, back;
	char alias[ALIAS_MAX];
	struct request r;

	(void)state;
	scene_parent(&f)->flags = SESSION_BY_ROOT;
	assert_int_equal(session_format(&f.sessions.v[0], alias, NULL), 0);
	assert_int_equal(session_parse(alias, &back), 0);
	assert_int_equal(back.flags, SESSION_BY_ROOT);
	assert_int_equal(back.probe_of, 0);
	f.sessions.v[0].flags = 0;
	f.dns.n = 0; /* an address is asked, and no name */
	assert_int_equal(ask(&f, ALICE, "enp7s0", &r), 0);
	assert_int_equal(plan_admit(&f, &r, ALICE, &memory, &probe, NULL), 0);
	assert_int_equal(probe.probe_of, 7);
	assert_int_equal(session_format(&probe, alias, NULL), 0);
	assert_int_equal(session_parse(alias, &back), 0);
	assert_int_equal(back.probe_of, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_after_its_parent),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_odd_name),
		cmocka_unit_test(test_stands),
		cmocka_unit_test(test_admitted),
	};

	return RUN_TESTS(tests);
}
