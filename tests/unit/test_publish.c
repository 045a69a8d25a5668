/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of --publish: its text, the alias, the request, who joins, who has a port, what is
 * planned. */
#include "model/publish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/join.h"
#include "plan/plan.h"
#include "scene.h"
#include "unit.h"

static struct publish_list list_of(const char *text)
{
	struct publish_list list = { 0 };

	assert_null(publish_add(text, &list));
	assert_true(publish_valid(&list));
	return list;
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *again, *alias;
	} good[] = {
		{ "1", "1", "1" },
		{ "65535/tcp", "65535", "65535" },
		{ "6881-6889, 27015/udp", "6881-6889, 27015/udp", "6881-6889/27015u" },
		{ "80,80/udp", "80, 80/udp", "80/80u" },
		{ "8080:80", "8080:80", "8080:80" },
		{ "80:80", "80", "80" },
		{ "5-7:65533/udp", "5-7:65533/udp", "5-7:65533u" },
		{ "192.0.2.1:80,192.0.2.2:80", "192.0.2.1:80, 192.0.2.2:80",
		  "192.0.2.1@80/192.0.2.2@80" },
		{ "[2001:db8::1]:80-81:90/udp,192.0.2.1:80/udp",
		  "[2001:db8::1]:80-81:90/udp, 192.0.2.1:80/udp",
		  "2001:db8::1@80-81:90u/192.0.2.1@80u" },
		{ "1-128", "1-128", "1-128" },
		{ "1,2,3,4,5,6,7,8", "1, 2, 3, 4, 5, 6, 7, 8", "1/2/3/4/5/6/7/8" },
	};
	static const char *const bad[] = {
		"",
		"0",
		"65536",
		"80/",
		"80/sctp",
		"80,",
		",80",
		"80 ",
		"-1",
		"80-79",
		"80-",
		"80:0",
		"80:",
		":80",
		"65534-65535:65535",
		"1-129",
		"80,80",
		"80-90,85",
		"80,1.2.3.4:80",
		"1.2.3.4",
		"1.2.3.4:",
		"::1:80",
		"[::1]:80",
		"[fe80::1]:80",
		"127.0.0.1:80",
		"0.0.0.0:1",
		"224.0.0.1:1",
		"[1.2.3.4:80",
		"[2001:db8::1]80",
		"1,2,3,4,5,6,7,8,9",
		"80:90-91",
		"80/udp/udp",
		"0x50",
		"000000000000000000000000080",
	};
	char text[PUBLISH_LIST_TEXT_MAX];
	struct publish_list list, read;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		list = list_of(good[i].text);
		assert_string_equal(publish_list_format(&list, ", ", text), good[i].again);
		assert_string_equal(publish_write_alias(&list, text), good[i].alias);
		assert_int_equal(publish_read_alias(text, &read), 0);
		assert_true(publish_equal(&list, &read));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&list, 0, sizeof(list));
		assert_non_null(publish_add(bad[i], &list));
	}
}

/* A struct that somebody else filled. */
static void test_valid(void **state)
{
	static const struct publish_list bad[] = {
		{ { { 2, 1, 2, 0, { 0 } } } },
		{ { { 1, 0, 1, 0, { 0 } } } },
		{ { { 1, 1, 0, 0, { 0 } } } },
		{ { { 1, 1, 1, 2, { 0 } } } },
		{ { { 1, 2, 65535, 0, { 0 } } } },
		{ { { 1, 1, 1, 0, { 7, { 1 } } } } },
		{ { { 1, 1, 1, 0, { AF_INET, { 127, 0, 0, 1 } } } } },
		{ { { 1, 1, 1, 0, { 0 } }, { 1, 1, 1, 0, { 0 } } } },
		{ { { 0 }, { 1, 1, 1, 0, { 0 } } } },
		{ { { 0, 1, 0, 0, { 0 } } } },
	};
	const struct publish_list none = { 0 }, one = list_of("1"), two = list_of("1,1/udp");

	(void)state;
	assert_true(publish_valid(&none));
	assert_int_equal(publish_count(&none), 0);
	assert_int_equal(publish_count(&two), 2);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(publish_valid(&bad[i]));
	assert_true(publish_equal(&two, &two));
	assert_false(publish_equal(&one, &two));
	assert_true(publish_lists_meet(&one, &two));
}

static void test_meets(void **state)
{
	static const struct {
		const char *a, *b;
		bool meet;
	} cases[] = {
		{ "80", "80", true },
		{ "80", "80/udp", false },
		{ "80-90", "90-99", true },
		{ "80-90", "91-99", false },
		{ "80:1", "80:2", true },
		{ "80:1", "81:1", false },
		{ "192.0.2.1:80", "80", true },
		{ "192.0.2.1:80", "192.0.2.2:80", false },
		{ "192.0.2.1:80", "[2001:db8::1]:80", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct publish_list a = list_of(cases[i].a), b = list_of(cases[i].b);

		assert_int_equal(publish_lists_meet(&a, &b), cases[i].meet);
		assert_int_equal(publish_lists_meet(&b, &a), cases[i].meet);
	}
}

static void begin(struct facts *f)
{
	scene_split(f);
	scene_slot(f, 1, "wlp6s0");
	scene_slot(f, 2, "enp7s0");
}

static struct session *session_with(struct facts *f, uint32_t id, const char *uplinks,
				    const char *uplink, const char *ports)
{
	char name[16];
	struct session *s;

	snprintf(name, sizeof(name), "s%u", id);
	s = scene_session(f, id, 2 + id, !strcmp(uplink, "wlp6s0") ? 1 : 2, uplinks, name);
	snprintf(s->uplink, sizeof(s->uplink), "%s", uplink);
	s->published = list_of(ports);
	s->since = id;
	return s;
}

static void test_alias(void **state)
{
	static const char *const bad[] = { "0", "80/80", "80-79", "x", "", "80@80", "80/" };
	_cleanup_facts_ struct facts f = { 0 };
	char alias[ALIAS_MAX], broken[ALIAS_MAX + 32];
	struct session read;
	const char *at;

	(void)state;
	begin(&f);
	assert_int_equal(session_format(session_with(&f, 1, "wlp6s0", "wlp6s0", "80-81,5/udp"),
					alias, NULL),
			 0);
	at = strstr(alias, ",publish=80-81/5u");
	assert_non_null(at);
	assert_int_equal(session_parse(alias, &read), 0);
	assert_true(publish_equal(&read.published, &f.sessions.v[0].published));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(broken, sizeof(broken), "%.*s,publish=%s%s", (int)(at - alias), alias,
			 bad[i], at + strlen(",publish=80-81/5u"));
		assert_int_equal(session_parse(broken, &read), -EINVAL);
	}
}

static void test_requests(void **state)
{
	struct request r = { .name = "x", .owner = REQUEST_OWNER_SELF };

	(void)state;
	assert_int_equal(uplink_list_parse("wlp6s0", &r.uplinks, NULL), 0);
	r.published = list_of("6881");
	r.flags = SESSION_KEEP;
	assert_int_equal(request_check(&r, NULL), 0);
	r.flags = 0;
	assert_int_equal(request_check_attach(&r, NULL), -EINVAL);
	r.probe_of = 1;
	assert_int_equal(request_check(&r, NULL), -EINVAL);
	r.probe_of = 0;
	r.published.v[0].udp = 7;
	assert_int_equal(request_check(&r, NULL), -EINVAL);
}

static void test_join(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = { .flags = SESSION_JOIN };
	const struct session *found = NULL, *s;
	struct err err = { 0 };

	(void)state;
	begin(&f);
	s = session_with(&f, 1, "wlp6s0", "wlp6s0", "80-81,5/udp");
	memcpy(r.name, s->name, sizeof(r.name));
	assert_int_equal(join_find(&f, &r, s->uid, &found, &err), -EEXIST);
	assert_non_null(strstr(err.text, "give --publish 80-81,5/udp, or"));
	r.published = list_of("80");
	assert_int_equal(join_find(&f, &r, s->uid, &found, &err), -EEXIST);
	assert_non_null(strstr(err.text, "it runs without this --publish"));
	r.published = s->published;
	assert_int_equal(join_find(&f, &r, s->uid, &found, &err), 1);
}

/* A port is one session's on each uplink that both list. */
static void test_who_has(void **state)
{
	static const struct {
		const char *uplinks, *ports;
		uint32_t uid, id;
		bool again;
		int answer;
	} cases[] = {
		{ "wlp6s0", "80", 7, 0, false, -EADDRINUSE },
		{ "wlp6s0", "80", 7, 1, false, 0 }, /* its own */
		{ "wlp6s0", "81", 7, 0, false, 0 },
		{ "wlp6s0", "80/udp", 7, 0, false, 0 },
		{ "enp7s0", "80", 7, 0, false, 0 },
		{ "enp7s0,wlp6s0", "80", 7, 0, false, -EADDRINUSE },
		{ "usb0,wlp6s0", "79-80", 7, 0, false, -EADDRINUSE },
		{ "wlp6s0", "192.168.2.10:80", 7, 0, false, -EADDRINUSE },
		{ "wlp6s0", "80", 7, 0, true, -EADDRINUSE }, /* another user's is not closing */
		{ "wlp6s0", "80", 1000, 0, true, 0 },
	};
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };

	(void)state;
	begin(&f);
	session_with(&f, 1, "wlp6s0", "wlp6s0", "80")->uid = 1000;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct publish_list published = list_of(cases[i].ports);
		struct uplink_list uplinks;
		struct publish_claim c = { &published, &uplinks, cases[i].uid, cases[i].id,
					   cases[i].again };

		assert_int_equal(uplink_list_parse(cases[i].uplinks, &uplinks, NULL), 0);
		assert_int_equal(plan_publish_free(&f, &c, &err), cases[i].answer);
		f.no_socket_match = true;
		assert_int_equal(plan_publish_free(&f, &c, &err), -EOPNOTSUPP);
		f.no_socket_match = false;
	}
}

/* How many elements of a session's own lead into it. */
static size_t elements(const struct facts *f, const struct session *s, const char *set)
{
	_cleanup_set_ struct object_set part = { 0 };
	struct err err = { 0 };
	size_t n = 0;

	assert_int_equal(plan_session(f, s, &part, &err), 0);
	for (size_t i = 0; i < part.n; i++)
		n += plan_is_published(&part.v[i]) && !strcmp(part.v[i].nft_element.set, set);
	return n;
}

/* By the uplink that it has now alone; and where two came to one uplink, one of them. */
static void test_elements(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct session one, two;

	(void)state;
	begin(&f);
	session_with(&f, 1, "wlp6s0", "wlp6s0", "80-89,192.168.2.10:5/udp,[2001:db8:2::10]:5/udp");
	session_with(&f, 2, "enp7s0", "wlp6s0", "80,90");
	one = f.sessions.v[0];
	two = f.sessions.v[1];
	one.uid = f.sessions.v[0].uid = 7;
	assert_int_equal(elements(&f, &one, "inbound4"), 10);
	assert_int_equal(elements(&f, &one, "inbound6"), 10);
	assert_int_equal(elements(&f, &one, "inbound_at4"), 1);
	assert_int_equal(elements(&f, &one, "inbound_at6"), 1);
	assert_int_equal(elements(&f, &one, "receives4"), 1);
	assert_int_equal(elements(&f, &two, "inbound4"), 1); /* it came later */
	two.uid = f.sessions.v[1].uid = 7;                   /* one user's: the last one */
	assert_int_equal(elements(&f, &two, "inbound4"), 2);
	assert_int_equal(elements(&f, &one, "inbound4"), 0);
	one.flags = SESSION_NO_IPV6;
	assert_int_equal(elements(&f, &one, "receives6"), 0);
	one.slot = 0;
	assert_int_equal(elements(&f, &one, "receives4"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),     cmocka_unit_test(test_valid),
		cmocka_unit_test(test_meets),    cmocka_unit_test(test_alias),
		cmocka_unit_test(test_requests), cmocka_unit_test(test_join),
		cmocka_unit_test(test_who_has),  cmocka_unit_test(test_elements),
	};

	return RUN_TESTS(tests);
}
