/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "list.h"
#include "model/session.h"
#include "plan/access.h"
#include "unit.h"

/* --- policies ------------------------------------------------------------------------------ */

enum { ALICE = 1000, BOB, CAROL, DAVE, ERIN, FRANK };
enum { NETDEV = 100, STUDENTS = 200, GUESTS = 300 };

#define BASE "/etc/via-iface/access.conf"
#define FREE                                                                                       \
	.lan = true, .host_access = true, .attach = true, .share = true, .host_port = true,        \
	.known = true

static const struct access_rule usual[] = {
	{ BASE, 1, ACCESS_ACTIVE, "@active", 0, FREE, .uplinks = "*", .sessions = 64 },
	{ BASE, 1, ACCESS_GROUP, "%netdev", NETDEV, FREE, .uplinks = "*", .sessions = 64 },
	{ BASE, 1, ACCESS_GROUP, "%wheel", NETDEV + 1, .known = false, .uplinks = "*",
	  .sessions = 64 },
	{ BASE, 5, ACCESS_GROUP, "%students", STUDENTS, .known = true, .uplinks = "wwan*\0usb0",
	  .sessions = 4 },
	{ BASE, 12, ACCESS_USER, "alice", ALICE, FREE, .uplinks = "wlp6s0\0wlp7s0", .sessions = 2 },
	{ "d/50.conf", 1, ACCESS_USER, "bob", BOB, FREE, .uplinks = "*", .sessions = 0 },
	{ "d/60.conf", 1, ACCESS_USER, "carol", CAROL, .known = false, .uplinks = "*",
	  .sessions = 64 },
	{ "d/60.conf", 4, ACCESS_USER, "dave", DAVE, .known = true, .lan = true,
	  .uplinks = "wlp[0-9]s?\0en?7*", .sessions = 8 },
	{ "d/70.conf", 2, ACCESS_GROUP, "%guests", GUESTS, .known = true, .lan = true,
	  .host_access = true, .uplinks = "*", .sessions = 1 },
};
static const struct access_rule anybody[] = {
	{ BASE, 1, ACCESS_USER, "alice", ALICE, FREE, .uplinks = "wlp6s0", .sessions = 64 },
	{ BASE, 3, ACCESS_ANYBODY, "*", 0, FREE, .uplinks = "*", .sessions = 3 },
};

enum which { USUAL, ANYBODY, EMPTY, BROKEN };

static void make(enum which which, struct access_policy *p)
{
	const struct access_rule *from = which == USUAL ? usual : anybody;
	size_t n = which == USUAL ? ARRAY_SIZE(usual) : which == ANYBODY ? ARRAY_SIZE(anybody) : 0;

	*p = (struct access_policy){ .where = BASE };
	for (size_t i = 0; i < n; i++) {
		struct access_rule *r = VEC_PUSH(p);

		assert_non_null(r);
		*r = from[i];
	}
	if (which == BROKEN)
		err_set(&p->broken, EINVAL, BASE ":7: what it says");
}

/* --- the table ----------------------------------------------------------------------------- */

#define NO_LAN SESSION_NO_LAN
#define HOST   SESSION_HOST_ACCESS

/* Groups as bits, since a row wants to be short. */
enum { IN_NETDEV = 1, IN_STUDENTS = 2, IN_GUESTS = 4, IN_WHEEL = 8, PRIMARY = 16 };

struct row {
	enum which policy;
	uint32_t uid;
	unsigned int groups;
	bool active;
	enum access_op op;
	const char *uplinks;
	uint32_t flags, sessions, owner;
	bool approved;
	enum access_answer answer;
	const char *why; /* what the reason holds; NULL when there is none */
};

#define YES        ACCESS_ALLOW, NULL
#define ASK(text)  ACCESS_ASK, text
#define NO(text)   ACCESS_REFUSE, text
#define OF(uid)    0, 0, uid, false
#define HAS(n)     0, n, 0, false
#define WITH(flag) flag, 0, 0, false
#define PLAIN      0, 0, 0, false
#define APPROVED   0, 0, 0, true

#define RUN    ACCESS_RUN
#define ATTACH ACCESS_ATTACH
#define MOVE   ACCESS_MOVE
#define EXEC   ACCESS_EXEC
#define RESUME ACCESS_RESUME
#define STOP   ACCESS_STOP
#define L12    BASE ":12 [alice]"

static const struct row rows[] = {
	/* root may everything, whatever the policy is */
	{ USUAL, 0, 0, false, RUN, "wlp6s0", PLAIN, YES },
	{ BROKEN, 0, 0, false, RUN, "wlp6s0", PLAIN, YES },
	{ EMPTY, 0, 0, false, ATTACH, "wlp6s0", PLAIN, YES },
	{ USUAL, 0, 0, false, RUN, "wlp6s0", HAS(1000), YES },
	{ USUAL, 0, 0, false, RUN, "wlp6s0", WITH(SESSION_KEEP | HOST), YES },
	{ USUAL, 0, 0, false, STOP, "", OF(ALICE), YES },
	{ USUAL, 0, 0, false, EXEC, "", OF(ALICE), YES },
	{ USUAL, 0, 0, false, MOVE, "enp7s0", OF(ALICE), YES },

	/* who */
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", PLAIN, ASK("no section of " BASE " is for you") },
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", PLAIN,
	  ASK("run `sudo usermod -aG netdev erin` (log in again then), or write '[erin]', 'uplinks "
	      "= wlp6s0' into") },
	{ USUAL, 63000, 0, false, RUN, "wlp6s0", PLAIN,
	  ASK("uid 63000 is of DynamicUser= and another one at each start: an administrator may "
	      "add "
	      "the line 'SupplementaryGroups=netdev' to its unit, or give the unit 'User=NAME'") },
	{ EMPTY, 63000, 0, false, RUN, "wlp6s0", PLAIN,
	  ASK("an administrator may give the unit 'User=NAME' of a user that stays, and write "
	      "'[NAME]', 'uplinks = wlp6s0' into") },
	{ USUAL, 63000, IN_NETDEV, false, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, ERIN, 0, true, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, ERIN, IN_NETDEV, false, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, ERIN, IN_NETDEV | PRIMARY, false, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, ERIN, IN_NETDEV, true, RUN, "enp7s0,wlp6s0", PLAIN, YES },
	{ USUAL, ERIN, IN_WHEEL, false, RUN, "wlp6s0", PLAIN, ASK("no section") },
	{ USUAL, ERIN, IN_WHEEL | IN_NETDEV, false, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, CAROL, 0, false, RUN, "wlp6s0", PLAIN, ASK("no section") },
	{ USUAL, CAROL, 0, true, RUN, "wlp6s0", PLAIN, YES },
	{ EMPTY, ERIN, IN_NETDEV, true, RUN, "wlp6s0", PLAIN,
	  ASK("; an administrator may write '[erin]', 'uplinks = wlp6s0' into a file") },
	{ ANYBODY, ERIN, 0, false, RUN, "wlp6s0", PLAIN, YES },
	{ ANYBODY, UINT32_MAX, 0, false, RUN, "wlp6s0", PLAIN, YES },

	/* the last one that fits decides, and it alone */
	{ USUAL, ALICE, IN_NETDEV, true, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, ALICE, IN_NETDEV, true, RUN, "enp7s0", PLAIN,
	  NO(L12 " allows only 'wlp6s0 wlp7s0', and not 'enp7s0'") },
	{ USUAL, ERIN, IN_NETDEV | IN_STUDENTS, true, RUN, "wlp6s0", PLAIN,
	  NO(BASE ":5 [%students]") },
	{ USUAL, ALICE, IN_STUDENTS, false, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, ALICE, IN_GUESTS, false, RUN, "enp7s0", PLAIN, YES },
	{ USUAL, ALICE, IN_GUESTS, false, RUN, "enp7s0", HAS(1), NO("d/70.conf:2 [%guests]") },
	{ USUAL, BOB, IN_NETDEV, true, RUN, "wlp6s0", PLAIN,
	  NO("d/50.conf:1 [bob] allows no session") },
	{ USUAL, BOB, IN_NETDEV, true, ATTACH, "wlp6s0", PLAIN, NO("allows no session") },
	{ USUAL, BOB, 0, false, RUN, "wlp6s0", APPROVED, NO("d/50.conf:1") },
	{ ANYBODY, ALICE, 0, false, RUN, "enp7s0", PLAIN, YES },

	/* uplinks */
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0,wlp7s0", PLAIN, YES },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0,enp7s0", PLAIN,
	  NO("not 'enp7s0'; name one of those") },
	{ USUAL, ALICE, 0, false, RUN, "enp7s0,wlp6s0", PLAIN, NO("not 'enp7s0'") },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s00", PLAIN, NO("not 'wlp6s00'") },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s", PLAIN, NO("not 'wlp6s'") },
	{ USUAL, ALICE, 0, false, RUN, "WLP6S0", PLAIN, NO("not 'WLP6S0'") },
	{ USUAL, ALICE, 0, false, RUN, "", PLAIN, NO("allows only") },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0,averyveryverylongname", PLAIN, NO("allows only") },
	{ USUAL, ALICE, 0, false, RUN, "*", PLAIN, NO("not '*'") },
	{ USUAL, ERIN, IN_STUDENTS, false, RUN, "wwan0", WITH(NO_LAN), YES },
	{ USUAL, ERIN, IN_STUDENTS, false, RUN, "usb0,wwan1", WITH(NO_LAN), YES },
	{ USUAL, ERIN, IN_STUDENTS, false, RUN, "usb1", WITH(NO_LAN), NO("not 'usb1'") },
	{ USUAL, ERIN, IN_STUDENTS, false, RUN, "xwwan0", WITH(NO_LAN), NO("not 'xwwan0'") },
	{ USUAL, DAVE, 0, false, RUN, "wlp6s0", PLAIN, YES },
	{ USUAL, DAVE, 0, false, RUN, "wlpxs0", PLAIN, NO("not 'wlpxs0'") },
	{ USUAL, DAVE, 0, false, RUN, "wlp6s", PLAIN, NO("not 'wlp6s'") },
	{ USUAL, DAVE, 0, false, RUN, "enp7s0,eno7", PLAIN, YES },
	{ USUAL, DAVE, 0, false, RUN, "en7s0", PLAIN, NO("not 'en7s0'") },

	/* uplinks that are not named */
	{ USUAL, ALICE, 0, false, RUN, "wifi", PLAIN, NO("not 'wifi'") },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0,ssid:Home", PLAIN, NO("not 'ssid:Home'") },
	{ USUAL, ERIN, IN_STUDENTS, false, RUN, "wwan", WITH(NO_LAN), NO("not 'wwan'") },
	{ USUAL, ERIN, IN_NETDEV, false, RUN, "wifi,mac:AA:00:00:00:00:01", PLAIN, YES },

	/* LAN destinations, services of the host, a kept netns */
	{ USUAL, ERIN, IN_STUDENTS, false, RUN, "wwan0", PLAIN,
	  NO("no private or link-local destinations; add the option --no-lan") },
	{ USUAL, ERIN, IN_STUDENTS, false, RUN, "wwan0", WITH(NO_LAN | HOST),
	  NO("leave out --host-access") },
	{ USUAL, DAVE, 0, false, RUN, "wlp6s0", WITH(HOST),
	  NO("d/60.conf:4 [dave] allows no services of this host") },
	{ USUAL, DAVE, 0, false, RUN, "wlp6s0", WITH(NO_LAN | SESSION_NO_IPV6), YES },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0", WITH(HOST), YES },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0", WITH(SESSION_KEEP), NO("only root may --keep") },
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", WITH(SESSION_KEEP), NO("only root may --keep") },

	/* attach */
	{ USUAL, ALICE, 0, false, ATTACH, "wlp6s0", PLAIN, YES },
	{ USUAL, ALICE, 0, false, ATTACH, "enp7s0", PLAIN, NO("not 'enp7s0'") },
	{ USUAL, DAVE, 0, false, ATTACH, "wlp6s0", PLAIN,
	  NO("d/60.conf:4 [dave] allows no attach") },
	{ USUAL, ERIN, 0, false, ATTACH, "wlp6s0", PLAIN, ASK("no section") },
	{ USUAL, ERIN, 0, false, ATTACH, "wlp6s0", APPROVED, YES },

	/* how many */
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0", HAS(1), YES },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0", HAS(2),
	  NO("2 sessions already, as many as " L12 " allows") },
	{ USUAL, ALICE, 0, false, RUN, "wlp6s0", HAS(3), NO("end one first") },
	{ USUAL, ALICE, 0, false, ATTACH, "wlp6s0", HAS(2), NO("2 sessions already") },
	{ USUAL, ERIN, IN_NETDEV, false, RUN, "wlp6s0", HAS(63), YES },
	{ USUAL, ERIN, IN_NETDEV, false, RUN, "wlp6s0", HAS(64), NO("64 sessions already") },
	{ USUAL, ERIN, IN_GUESTS, false, RUN, "wlp6s0", HAS(1),
	  NO("1 session already, as many as d/70.conf:2 [%guests] allows") },
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", HAS(63), ASK("no section") },
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", HAS(64),
	  NO("64 sessions already, as many as polkit allows") },
	{ ANYBODY, ERIN, 0, false, RUN, "wlp6s0", HAS(3), NO("3 sessions already") },

	/* what polkit said */
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", APPROVED, YES },
	{ EMPTY, ERIN, 0, false, RUN, "wlp6s0", APPROVED, YES },
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", 0, 64, 0, true, NO("64 sessions already") },
	{ USUAL, ERIN, 0, false, RUN, "wlp6s0", HOST, 0, 0, true, YES },
	{ USUAL, ALICE, 0, false, RUN, "enp7s0", APPROVED, NO(L12) },
	{ BROKEN, ERIN, 0, false, RUN, "wlp6s0", APPROVED,
	  NO("only root may: " BASE ":7: what it says") },

	/* a policy that cannot be used */
	{ BROKEN, ERIN, 0, false, RUN, "wlp6s0", PLAIN, NO(BASE ":7: what it says") },
	{ BROKEN, ALICE, IN_NETDEV, true, RUN, "wlp6s0", PLAIN, NO(BASE ":7: what it says") },
	{ BROKEN, ALICE, IN_NETDEV, true, ATTACH, "wlp6s0", PLAIN, NO(BASE ":7") },
	{ BROKEN, ALICE, 0, false, MOVE, "wlp6s0", OF(ALICE), NO(BASE ":7") },
	{ BROKEN, ALICE, 0, false, EXEC, "", OF(ALICE), NO(BASE ":7") },
	{ BROKEN, ALICE, 0, false, STOP, "", OF(ALICE), YES },
	{ BROKEN, ALICE, 0, false, STOP, "", OF(BOB), NO("belongs to uid 1001") },

	/* sessions that exist */
	{ USUAL, ALICE, 0, false, STOP, "", OF(ALICE), YES },
	{ USUAL, BOB, 0, false, STOP, "", OF(BOB), YES },
	{ USUAL, ALICE, 0, false, STOP, "", OF(0),
	  NO("the session belongs to uid 0; only that user and root may") },
	{ USUAL, ALICE, IN_NETDEV, true, STOP, "", OF(BOB), NO("belongs to uid 1001") },
	{ USUAL, ALICE, 0, false, RESUME, "", OF(ALICE), YES },
	{ BROKEN, ALICE, 0, false, RESUME, "", OF(ALICE), NO(BASE ":7") },
	{ USUAL, ALICE, 0, false, RESUME, "", OF(BOB), NO("belongs to uid 1001") },
	{ USUAL, ALICE, 0, false, EXEC, "", OF(ALICE), YES },
	{ USUAL, ALICE, IN_NETDEV, true, EXEC, "", OF(BOB), NO("belongs to uid 1001") },
	{ USUAL, ALICE, 0, false, MOVE, "wlp7s0", OF(ALICE), YES },
	{ USUAL, ALICE, 0, false, MOVE, "wlp7s0", OF(BOB), NO("belongs to uid 1001") },
	{ USUAL, ALICE, 0, false, MOVE, "enp7s0", OF(ALICE), NO("not 'enp7s0'") },
	{ USUAL, ALICE, 0, false, MOVE, "wlp7s0", 0, 2, ALICE, false, YES },
	{ USUAL, ALICE, 0, false, MOVE, "wlp7s0", SESSION_KEEP, 0, ALICE, false, YES },
	{ USUAL, ERIN, IN_STUDENTS, false, MOVE, "usb0", OF(ERIN),
	  NO("start it anew with --no-lan") },
	{ USUAL, ERIN, IN_STUDENTS, false, MOVE, "usb0", NO_LAN, 0, ERIN, false, YES },
	{ USUAL, DAVE, 0, false, MOVE, "wlp6s0", HOST, 0, DAVE, false,
	  NO("start it anew without --host-access") },
	{ USUAL, ERIN, 0, false, MOVE, "wlp6s0", OF(ERIN), ASK("no section") },
	{ USUAL, ERIN, 0, false, MOVE, "wlp6s0", 0, 64, ERIN, false, ASK("no section") },
	{ USUAL, ERIN, 0, false, MOVE, "wlp6s0", 0, 0, ERIN, true, YES },
};
_Static_assert(ARRAY_SIZE(rows) >= 60, "the table has at least 60 rows");

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		_cleanup_policy_ struct access_policy policy = { 0 };
		uint32_t groups[4];
		struct access_subject s = { .uid = row->uid,
					    .gid = row->uid,
					    .groups = groups,
					    .active = row->active,
					    .name = row->uid == ERIN ? "erin" : NULL };
		const struct uplink_list list = list_of(row->uplinks ? row->uplinks : "");
		struct access_question q = { row->op,    &list,         row->flags,
					     row->owner, row->sessions, row->approved };
		struct err why = { 0 };
		enum access_answer answer;

		if (row->groups & IN_NETDEV && row->groups & PRIMARY)
			s.gid = NETDEV;
		else if (row->groups & IN_NETDEV)
			groups[s.n_groups++] = NETDEV;
		if (row->groups & IN_STUDENTS)
			groups[s.n_groups++] = STUDENTS;
		if (row->groups & IN_GUESTS)
			groups[s.n_groups++] = GUESTS;
		if (row->groups & IN_WHEEL)
			groups[s.n_groups++] = NETDEV + 1;
		make(row->policy, &policy);
		answer = access_decide(&policy, &s, &q, &why);
		if (answer != row->answer)
			fail_msg("row %zu: answer %d, not %d: %s", i, answer, row->answer,
				 why.text);
		if (row->why ? !strstr(why.text, row->why) : why.code != 0)
			fail_msg("row %zu: it says '%s', not '%s'", i, why.text,
				 row->why ? row->why : "");
	}
}

/* --- patterns ------------------------------------------------------------------------------ */

static void test_connections(void **state)
{
	struct access_subject alice = { .uid = ALICE }, root = { 0 };
	_cleanup_policy_ struct access_policy p = { 0 };

	(void)state;
	make(ANYBODY, &p);
	assert_int_equal(access_connections(&p, &alice), 0);
	p.v[0].connections = 77; /* a rule before the last that fits */
	assert_int_equal(access_connections(&p, &alice), 0);
	p.v[1].connections = 100;
	assert_int_equal(access_connections(&p, &alice), 100);
	assert_int_equal(access_connections(&p, &root), 100);
	err_set(&p.broken, EINVAL, "what it says");
	assert_int_equal(access_connections(&p, &root), 0);
	p.broken.code = 0;
}

static void test_share(void **state)
{
	const struct uplink_list list = list_of("wlp6s0");
	struct access_question q = { .op = ACCESS_RUN, .uplinks = &list, .share = true };
	struct access_subject alice = { .uid = ALICE }, root = { 0 };
	_cleanup_policy_ struct access_policy p = { 0 };
	struct err why = { 0 };

	(void)state;
	make(ANYBODY, &p);
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
	p.v[1].share = false;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_REFUSE);
	assert_non_null(strstr(why.text, ":3 [*] allows no --share; leave it out"));
	assert_int_equal(access_decide(&p, &root, &q, &why), ACCESS_ALLOW);
	q.share = false;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
	q.host_port = true;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
	p.v[1].host_port = false;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_REFUSE);
	assert_non_null(strstr(why.text, ":3 [*] allows no --host-port; leave it out"));
	assert_int_equal(access_decide(&p, &root, &q, &why), ACCESS_ALLOW);
}

static void test_rates(void **state)
{
	const struct uplink_list list = list_of("wlp6s0");
	struct access_question q = { .op = ACCESS_RUN, .uplinks = &list };
	struct access_subject alice = { .uid = ALICE }, root = { 0 };
	_cleanup_policy_ struct access_policy p = { 0 };
	struct rate_limits limit;
	struct err why = { 0 };

	(void)state;
	make(ANYBODY, &p);
	q.rates = (struct rate_limits){ RATE_MAX, RATE_MAX };
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
	assert_int_equal(access_rates(&p, &alice).down, 0);
	p.v[1].rates = (struct rate_limits){ 1250000, 250000 };
	limit = access_rates(&p, &alice);
	assert_true(rate_limits_equal(&limit, &p.v[1].rates));
	assert_int_equal(access_rates(&p, &root).down, 0);
	assert_int_equal(access_decide(&p, &root, &q, &why), ACCESS_ALLOW);
	q.rates = (struct rate_limits){ 8000, 250001 };
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_REFUSE);
	assert_non_null(strstr(why.text, ":3 [*] allows no --rate above 10mbit/2mbit; give less"));
	q.rates.up = 250000;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
	q.rates = (struct rate_limits){ 0 };
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
}

static void test_publish(void **state)
{
	static const struct access_subject alice = { .uid = ALICE }, root = { 0 };
	struct publish_list published = { .v = { { .first = 6881, .last = 6889, .to = 80 } } };
	struct access_question q = { .op = ACCESS_RUN, .published = &published };
	const struct uplink_list list = list_of("wlp6s0");
	_cleanup_policy_ struct access_policy p = { 0 };
	struct err why;

	(void)state;
	q.uplinks = &list;
	make(ANYBODY, &p);
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_REFUSE);
	assert_non_null(strstr(why.text, ":3 [*] allows no --publish 6881-6889:80; leave it out"));
	assert_int_equal(access_decide(&p, &root, &q, &why), ACCESS_ALLOW);
	p.v[1].publish[0] = (struct port_range){ 80, 80 }; /* what it is outside counts */
	p.v[1].publish[1] = (struct port_range){ 1024, 6888 };
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_REFUSE);
	assert_non_null(strstr(why.text, "; choose a port of 80 1024-6888, or ask"));
	p.v[1].publish[1].max = 6889;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
	published.v[0].first = published.v[0].last = 1023;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_REFUSE);
	access_policy_done(&p);
	make(EMPTY, &p); /* a password for polkit is for the uplink alone */
	q.approved = true;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_REFUSE);
	published.v[0].first = 0;
	assert_int_equal(access_decide(&p, &alice, &q, &why), ACCESS_ALLOW);
}

static void test_capture(void **state)
{
	static const struct {
		enum access_capture said;
		bool user_namespaces;
		enum access_answer answer;
		const char *why;
	} cases[] = {
		{ ACCESS_CAPTURE_DEFAULT, true, ACCESS_ALLOW, NULL },
		{ ACCESS_CAPTURE_DEFAULT, false, ACCESS_REFUSE,
		  "this kernel gives users no user namespaces" },
		{ ACCESS_CAPTURE_YES, false, ACCESS_ALLOW, NULL },
		{ ACCESS_CAPTURE_NO, true, ACCESS_REFUSE,
		  ":3 [*] allows no captures; run it with sudo" },
	};
	struct access_subject alice = { .uid = ALICE }, bob = { .uid = BOB }, root = { 0 };
	_cleanup_policy_ struct access_policy p = { 0 };

	(void)state;
	make(ANYBODY, &p);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct access_question q = { .op = ACCESS_CAPTURE,
					     .owner = ALICE,
					     .user_namespaces = cases[i].user_namespaces };
		struct err why = { 0 };

		p.v[1].capture = cases[i].said;
		assert_int_equal(access_decide(&p, &alice, &q, &why), cases[i].answer);
		assert_true(!cases[i].why || strstr(why.text, cases[i].why));
		assert_int_equal(access_decide(&p, &bob, &q, &why), ACCESS_REFUSE);
		assert_int_equal(access_decide(&p, &root, &q, &why), ACCESS_ALLOW);
	}
}

static void test_covers(void **state)
{
	static const struct {
		const char *globs, *uplink;
		bool covers;
	} cases[] = {
		{ "*", "wlp6s0", true },
		{ "", "wlp6s0", false },
		{ "wlp6s0", "wlp6s0", true },
		{ "wlp6s0", "wlp6s01", false },
		{ "wlp*", "wlp", true },
		{ "?lp6s0", "wlp6s0", true },
		{ "wlp? en*", "enp7s0", true },
		{ "wlp? en*", "wlp6s0", false },
		{ "[we]*", "eth0", true },
		{ "[!we]*", "eth0", false },
		{ "a b c", "b", true },
		{ "a b c", "a b", false },
		{ "w*", "wifi", false },
		{ "*", "wifi", true },
		{ "wifi", "wifi", true },
		{ "w*", "wwan", false },
		{ "w* wwan", "wwan", true },
		{ "vp?", "vpn", false },
		{ "s*", "ssid:Home", false },
		{ "*", "ssid:Home, 2", true },
		{ "ssid:Ho*", "ssid:Home", true },
		{ "ssid:home", "ssid:Home", false },
		{ "ssid:My?Net", "ssid:My Net", true },
		{ "*:*", "mac:00:00:00:00:00:01", false },
		{ "mac:00:aB:*", "mac:00:Ab:00:00:00:01", true },
		{ "mac:00:ab:*", "mac:00:ac:00:00:00:01", false },
		{ "wlp\\6s0", "wlp6s0", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct uplink_list list = { 0 };
		char globs[ACCESS_GLOBS_MAX + 1] = "", text[ACCESS_GLOBS_MAX];

		strcpy(globs, cases[i].globs);
		for (char *c = globs; (c = strchr(c, ' ')); c++)
			*c = 0;
		assert_string_equal(access_globs_format(globs, text), cases[i].globs);
		assert_int_equal(uplink_list_add(&list, cases[i].uplink), 0);
		if (access_covers(globs, &list, 0) != cases[i].covers)
			fail_msg("'%s' and '%s'", cases[i].globs, cases[i].uplink);
	}
}

/* A reason is wanted in full: file, line, section, and what to do. */
static void test_reason_in_full(void **state)
{
	_cleanup_policy_ struct access_policy policy = { 0 };
	const struct access_subject s = { .uid = ALICE, .gid = ALICE };
	const struct uplink_list list = list_of("enp7s0");
	const struct access_question q = { .op = RUN, .uplinks = &list };
	struct err why = { 0 };

	(void)state;
	make(USUAL, &policy);
	assert_int_equal(access_decide(&policy, &s, &q, &why), ACCESS_REFUSE);
	assert_int_equal(why.code, EPERM);
	assert_string_equal(why.text,
			    "/etc/via-iface/access.conf:12 [alice] allows only 'wlp6s0 wlp7s0', "
			    "and not 'enp7s0'; name one of those, or ask the administrator to add "
			    "'enp7s0'");
}

/* What would let somebody in gives no more than that, and is no group that makes root of him. */
static void test_remedy(void **state)
{
	static const uint32_t student[] = { STUDENTS };
	static const struct {
		enum which which;
		struct access_subject subject;
		const char *uplinks, *text;
	} cases[] = {
		{ USUAL, { .uid = ERIN, .name = "erin" }, "wlp6s0", "%netdev" },
		{ EMPTY,
		  { .uid = ERIN, .name = "erin" },
		  "wlp6s0",
		  "[erin]\nuplinks = wlp6s0\nlan = yes\nhost-access = no\nattach = no\n"
		  "sessions = 64\npublish = no\n" },
		{ USUAL,
		  { .uid = ERIN, .name = "erin", .groups = student, .n_groups = 1 },
		  "usb0,wlp6s0",
		  "[erin]\nuplinks = wwan* usb0 wlp6s0\nlan = no\nhost-access = no\nattach = no\n"
		  "sessions = 4\nshare = no\nhost-port = no\npublish = no\n" },
		{ USUAL, { .uid = BOB, .name = "bob" }, "wlp6s0", NULL }, /* refused on purpose */
		{ EMPTY, { .uid = ERIN, .name = "er'in" }, "wlp6s0", NULL },
		{ EMPTY, { .uid = ERIN, .name = "erin" }, "ssid:my net", NULL },
		{ BROKEN, { .uid = ERIN, .name = "erin" }, "wlp6s0", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct uplink_list list = list_of(cases[i].uplinks);
		struct access_question q = { .op = ACCESS_RUN,
					     .uplinks = &list,
					     .flags = SESSION_NO_LAN };
		_cleanup_policy_ struct access_policy p = { 0 };
		char text[ACCESS_REMEDY_MAX] = "";

		make(cases[i].which, &p);
		assert_int_equal(access_remedy(&p, &cases[i].subject, &q, text),
				 cases[i].text != NULL);
		if (cases[i].text)
			assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),   cmocka_unit_test(test_connections),
		cmocka_unit_test(test_share),   cmocka_unit_test(test_capture),
		cmocka_unit_test(test_rates),   cmocka_unit_test(test_covers),
		cmocka_unit_test(test_publish), cmocka_unit_test(test_reason_in_full),
		cmocka_unit_test(test_remedy),
	};

	return RUN_TESTS(tests);
}
