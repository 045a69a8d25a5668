/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of sessions (--share): who is in one, what is planned for it, its names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/print.h"
#include "plan/failover.h"
#include "plan/join.h"
#include "plan/plan.h"
#include "scene.h"
#include "unit.h"

static struct session *member(struct facts *f, uint32_t id, uint32_t uid, const char *name,
			      const char *group)
{
	struct session *s = scene_session(f, id, id + 2, 1, "wlp6s0", name);

	s->uid = uid;
	snprintf(s->share, sizeof(s->share), "%s", group);
	snprintf(s->uplink, sizeof(s->uplink), "wlp6s0");
	return s;
}

static void begin(struct facts *f)
{
	scene_split(f);
	scene_slot(f, 1, "wlp6s0");
}

static char *planned(const struct facts *f, const struct session *inside_of)
{
	_cleanup_set_ struct object_set host = { 0 }, inside = { 0 };
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	struct err err = { 0 };

	if (plan_host(f, f->sessions.v, f->sessions.n, &host, &err) < 0 ||
	    (inside_of && plan_inside(f, inside_of, &inside, &err) < 0))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < host.n; i++)
		print_add(&sb, &host.v[i], "ns");
	for (size_t i = 0; i < inside.n; i++)
		print_add(&sb, &inside.v[i], "ns");
	return strdup(strbuf_text(&sb));
}

static void has(const char *text, const char *part, bool is)
{
	if (!!strstr(text, part) != is)
		fail_msg("%s '%s'", is ? "no" : "there is", part);
}

static void test_names_of_groups(void **state)
{
	static const char *const good[] = { "g", "a.b_c+d-e", "0x", "fifteen-letters" };
	static const char *const bad[] = { "",    "12",  "-x",  ".x",   "a b",
					   "a/b", "a%b", "a,b", "a\nb", "sixteen-letters-" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(session_share_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(session_share_valid(bad[i]));
}

/* The alias has the group, and a group that is none makes it no alias. */
static void test_alias(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	char alias[ALIAS_MAX], broken[ALIAS_MAX + 32], *at;
	struct session read;

	(void)state;
	begin(&f);
	assert_int_equal(session_format(member(&f, 1, 1000, "web", "a+b"), alias, NULL), 0);
	has(alias, ",share=a+b", true);
	assert_int_equal(session_parse(alias, &read), 0);
	assert_string_equal(read.share, "a+b");
	at = strstr(alias, "share=a");
	snprintf(broken, sizeof(broken), "%.*sshare=../x%s", (int)(at - alias), alias, at + 9);
	assert_int_equal(session_parse(broken, &read), -EINVAL);
}

static void test_requests(void **state)
{
	struct request r = { .name = "x", .owner = REQUEST_OWNER_SELF, .share = "g" };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(uplink_list_parse("wlp6s0", &r.uplinks, NULL), 0);
	assert_int_equal(request_check(&r, &err), 0);
	strcpy(r.device, "eth0");
	assert_int_equal(request_check_attach(&r, &err), 0);
	r.device[0] = r.device[1] = r.device[2] = r.device[3] = 0;
	strcpy(r.share, "../x");
	assert_int_equal(request_check(&r, &err), -EINVAL);
	has(err.text, "invalid --share '../x'", true);
	memset(r.share, 'x', sizeof(r.share));
	assert_int_equal(request_check(&r, NULL), -EINVAL);
	memset(r.share, 0, sizeof(r.share));
	r.share[0] = 'g';
	r.probe_of = 1;
	assert_int_equal(request_check(&r, NULL), -EINVAL);
}

/* Who is in a group is in its sets, by the uid; nothing is planned where nobody is in one. */
static void test_planned(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	begin(&f);
	member(&f, 1, 1000, "web", "g");
	member(&f, 2, 1000, "db", "g");
	member(&f, 3, 1001, "web-2", "g");
	member(&f, 4, 1000, "other", "h+1");
	member(&f, 5, 1000, "alone", "");
	text = planned(&f, &f.sessions.v[0]);
	has(text, "groups { \"viap1\" : jump grp_1000_g }", true);
	has(text, "groups { \"viap2\" : jump grp_1000_g }", true);
	has(text, "groups { \"viap3\" : jump grp_1001_g }", true);
	has(text, "groups { \"viap4\" : jump grp_1000_h/1 }", true);
	has(text, "groups { \"viap5\"", false);
	has(text, "grp4_1000_g { 10.209.0.3 }", true);
	has(text, "grp4_1000_g { 10.209.0.4 }", true);
	has(text, "grp4_1000_g { 10.209.0.5 }", false);
	has(text, "grp4_1001_g { 10.209.0.5 }", true);
	has(text, "grp4_1000_h/1 { 10.209.0.6 }", true);
	has(text, "10.209.0.7 }", true);
	has(text, "grp4_1000_ { 10.209.0.7 }", false);
	has(text, "fwmark 0x560000ff/0xff0000ff lookup 22271", true);
	has(text, "meta mark & 0xff0000ff == 0x560000ff notrack accept", true);
	has(text, "0x560000ff oifname \"via0\" accept", true);
	has(text, "10.209.0.0/23 via 10.209.0.1 dev eth0", true);
	has(text, "10.209.2.0/23 via 10.209.0.1 dev eth0", true);
	has(text, "@th,160,40 & 0xffdfdfdfff == 0x0356494100 goto via_refused", true);
	has(text, "@th,848,40 & 0xffdfdfdfff == 0x0356494100 goto via_refused", true);
}

static void test_paused_and_alone(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	char *text;

	(void)state;
	begin(&f);
	member(&f, 1, 1000, "web", "g");
	member(&f, 2, 1000, "db", "g")->flags = SESSION_PAUSED;
	text = planned(&f, NULL);
	has(text, "{ \"viap1\" : jump grp_1000_g }", true);
	has(text, "{ \"viap2\" : jump", false);
	has(text, "grp4_1000_g { 10.209.0.4 }", false);
	free(text);
	f.sessions.v[0].flags = SESSION_PAUSED;
	text = planned(&f, NULL);
	has(text, "groups", false);
	has(text, "22271", false);
	has(text, "notrack", false);
	free(text);
}

/* plan_session() of a member is all that it adds to its group. */
static void test_part(void **state)
{
	_cleanup_set_ struct object_set all = { 0 }, others = { 0 }, part = { 0 };
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	begin(&f);
	member(&f, 1, 1000, "web", "g");
	member(&f, 2, 1000, "db", "g");
	assert_int_equal(plan_host(&f, f.sessions.v, 2, &all, NULL), 0);
	assert_int_equal(plan_host(&f, f.sessions.v, 1, &others, NULL), 0);
	assert_int_equal(plan_session(&f, &f.sessions.v[1], &part, NULL), 0);
	assert_int_equal(set_merge(&others, &part), 0);
	assert_int_equal(others.n, all.n);
	for (size_t i = 0; i < all.n; i++)
		assert_non_null(set_find(&others, &all.v[i]));
}

static void test_admit(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = { .name = "x", .share = "g" };
	struct session made;
	const struct admit_memory memory = { 0 };
	struct err err = { 0 };

	(void)state;
	begin(&f);
	assert_int_equal(uplink_list_parse("wlp6s0", &r.uplinks, NULL), 0);
	for (uint32_t i = 1; i <= SHARE_MEMBERS_MAX; i++) {
		char name[16];

		assert_int_equal(plan_admit(&f, &r, 1000, &memory, &made, &err), 0);
		assert_string_equal(made.share, "g");
		snprintf(name, sizeof(name), "m%u", i);
		member(&f, i, 1000, name, "g");
	}
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &made, &err), -EUSERS);
	has(err.text, "join group 'g': it has 64 sessions", true);
	assert_int_equal(plan_admit(&f, &r, 1001, &memory, &made, &err), 0); /* another's */
	r.share[0] = 'h';
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &made, &err), 0);
	r.share[0] = 0;
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &made, &err), 0);
}

static void test_join(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = { .name = "web", .share = "g", .flags = SESSION_JOIN };
	const struct session *s = NULL;
	struct err err = { 0 };

	(void)state;
	begin(&f);
	member(&f, 1, 1000, "web", "g");
	assert_int_equal(join_find(&f, &r, 1000, &s, &err), 1);
	r.share[0] = 'h';
	assert_int_equal(join_find(&f, &r, 1000, &s, &err), -EEXIST);
	r.share[0] = 0;
	assert_int_equal(join_find(&f, &r, 1000, &s, &err), -EEXIST); /* it was not asked for */
}

/* Without an uplink a member keeps its carrier, for its group; paused it does not. */
static void test_carrier(void **state)
{
	for (int paused = 0; paused < 2; paused++) {
		_cleanup_facts_ struct facts f = { 0 };
		struct failover_memory m = { 0 };
		int64_t again;

		(void)state;
		begin(&f);
		member(&f, 1, 1000, "web", "g")->flags = paused ? SESSION_PAUSED : 0;
		scene_link_is(&f, "wlp6s0", "", 0);
		assert_int_equal(failover(&f, &m, 1000, &again, NULL), 0);
		assert_int_equal(failover(&f, &m, 60000, &again, NULL), 0);
		assert_int_equal(f.sessions.v[0].carrier_off, paused);
		failover_done(&m);
	}
}

/* --- names --------------------------------------------------------------------------------- */

static const struct pool pool = { .ip4 = { { AF_INET, { 10, 209 } }, 22 },
				  .ip6 = { { AF_INET6, { 0xfd, 1 } }, 64 } };

static const char *record(const char *block, size_t i, char ret[SHARE_RECORD + 1])
{
	memcpy(ret, block + i * SHARE_RECORD, SHARE_RECORD);
	ret[SHARE_RECORD] = 0;
	for (size_t end = SHARE_RECORD; end && ret[end - 1] == '\n'; end--)
		ret[end - 1] = 0;
	return ret;
}

static void test_hosts(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	char block[SHARE_BLOCK] = { 0 }, text[SHARE_RECORD + 1];

	(void)state;
	begin(&f);
	member(&f, 1, 1000, "web", "g");
	member(&f, 2, 1000, "db", "g")->flags = SESSION_NO_IPV6;
	member(&f, 3, 1001, "foreign", "g");
	member(&f, 4, 1000, "cache", "g");
	plan_share_names(&f, &pool, &f.sessions.v[0], block);
	assert_string_equal(record(block, 0, text), "10.209.0.3 web.via\nfd01::3 web.via");
	assert_string_equal(record(block, 1, text), "10.209.0.4 db.via");
	assert_string_equal(record(block, 2, text), "10.209.0.6 cache.via\nfd01::6 cache.via");
	for (size_t i = 3; i < SHARE_MEMBERS_MAX; i++)
		assert_string_equal(record(block, i, text), "");
	/* one ends: the others stay where they are, and the next one takes its place */
	f.sessions.v[0].share[0] = 0;
	plan_share_names(&f, &pool, &f.sessions.v[1], block);
	assert_string_equal(record(block, 0, text), "");
	assert_string_equal(record(block, 1, text), "10.209.0.4 db.via");
	assert_string_equal(record(block, 2, text), "10.209.0.6 cache.via\nfd01::6 cache.via");
	member(&f, 7, 1000, "new", "g");
	plan_share_names(&f, &pool, &f.sessions.v[1], block);
	assert_string_equal(record(block, 0, text), "10.209.0.9 new.via\nfd01::9 new.via");
	/* what somebody else wrote is written over */
	memset(block, 'x', sizeof(block));
	plan_share_names(&f, &pool, &f.sessions.v[1], block);
	assert_null(memchr(block + 3ul * SHARE_RECORD, 'x', SHARE_BLOCK - 3ul * SHARE_RECORD));
	assert_string_equal(record(block, 0, text), "10.209.0.4 db.via");
}

/* Of one name the youngest: the others are closing. The longest name fits. */
static void test_hosts_of_one_name(void **state)
{
	const char *longest = "abcdefghijklmnopqrstuvwxyz012345";
	_cleanup_facts_ struct facts f = { 0 };
	char block[SHARE_BLOCK] = { 0 }, text[SHARE_RECORD + 1], wanted[SHARE_RECORD + 1];
	const struct pool wide = {
		pool.ip4, { { AF_INET6, { 0xfd, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 } }, 64 }
	};

	(void)state;
	begin(&f);
	member(&f, 1, 1000, "web", "g")->since = 10;
	member(&f, 1000, 1000, "Web", "g")->since = 20;
	member(&f, 900, 1000, longest, "g");
	plan_share_names(&f, &wide, &f.sessions.v[0], block);
	assert_string_equal(record(block, 0, text),
			    "10.209.3.234 Web.via\nfd11:2233:4455:6677::3ea Web.via");
	snprintf(wanted, sizeof(wanted), "10.209.3.134 %s.via\nfd11:2233:4455:6677::386 %s.via",
		 longest, longest);
	assert_string_equal(record(block, 1, text), wanted);
	assert_string_equal(record(block, 2, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_groups),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_planned),
		cmocka_unit_test(test_paused_and_alone),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_admit),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_carrier),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_hosts_of_one_name),
	};

	return RUN_TESTS(tests);
}
