/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "list.h"
#include "model/session.h"
#include "unit.h"

#define NAME32 "n123456789abcdef0123456789abcdef"

static struct session steam(void)
{
	return (struct session){
		.id = 7,
		.uid = 1000,
		.slot = 2,
		.netns = 4026532001,
		.uplinks = list_of("wlp6s0,enp7s0"),
		.name = "steam",
		.host = 10,
		.since = 1700000000,
	};
}

static void test_format(void **state)
{
	struct session s = steam();
	char alias[ALIAS_MAX];

	(void)state;
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_string_equal(alias, "via1 7 1000 2 4026532001 wlp6s0,enp7s0 "
				   "host=10,since=1700000000 steam");
	s.flags = SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS | SESSION_KEEP;
	s.mtu = 1400;
	s.slot = 0;
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_string_equal(alias,
			    "via1 7 1000 0 4026532001 wlp6s0,enp7s0 "
			    "host=10,since=1700000000,no-ipv6,no-lan,host-access,keep,mtu=1400 "
			    "steam");
	s.flags = s.mtu = 0;
	s.person = s.uid;
	s.connections = 65536;
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_string_equal(alias, "via1 7 1000 0 4026532001 wlp6s0,enp7s0 "
				   "host=10,since=1700000000,connections=65536 steam");
	s.person = 77;
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_string_equal(alias, "via1 7 1000 0 4026532001 wlp6s0,enp7s0 "
				   "host=10,since=1700000000,person=77,connections=65536 steam");
}

static void session_equal(const struct session *a, const struct session *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->slot, b->slot);
	assert_true(a->netns == b->netns);
	assert_true(uplink_list_equal(&a->uplinks, &b->uplinks));
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->host, b->host);
	assert_true(a->since == b->since);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->mtu, b->mtu);
	assert_true(rate_limits_equal(&a->rates, &b->rates));
	assert_string_equal(a->uplink, b->uplink);
}

static void test_reads_back(void **state)
{
	struct session sessions[] = {
		steam(),
		{ .id = 1, .uplinks = list_of("a"), .name = "b", .host = SESSION_HOST_FIRST },
		{ .id = UINT32_MAX,
		  .uid = UINT32_MAX,
		  .slot = 255,
		  .netns = UINT64_MAX,
		  .uplinks = list_of("exactly15bytes_"),
		  .name = NAME32,
		  .host = SESSION_HOST_LAST,
		  .since = UINT64_MAX,
		  .flags = SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS | SESSION_KEEP,
		  .mtu = 65535,
		  .rates = { RATE_MAX, RATE_MIN } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		char alias[ALIAS_MAX];
		struct session got;

		assert_int_equal(session_format(&sessions[i], alias, NULL), 0);
		assert_int_equal(session_parse(alias, &got), 0);
		session_equal(&got, &sessions[i]);
	}
}

static void test_each_flag(void **state)
{
	(void)state;
	for (uint32_t flag = 1; flag <= SESSION_KEEP; flag <<= 1) {
		struct session s = steam(), got;
		char alias[ALIAS_MAX];

		s.flags = flag;
		assert_int_equal(session_format(&s, alias, NULL), 0);
		assert_int_equal(session_parse(alias, &got), 0);
		assert_int_equal(got.flags, flag);
	}
}

static void test_too_long(void **state)
{
	struct session s = { .id = UINT32_MAX,
			     .uid = UINT32_MAX,
			     .slot = 255,
			     .netns = UINT64_MAX,
			     .uplinks = list_of("u"),
			     .host = UINT32_MAX,
			     .since = UINT64_MAX,
			     .mtu = 65535,
			     .flags = SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS |
				      SESSION_KEEP,
			     .name = NAME32 };
	char alias[ALIAS_MAX], uplinks[UPLINK_WORD_MAX] = "";
	struct err err = { 0 };
	size_t spare;

	(void)state;
	assert_int_equal(session_format(&s, alias, &err), 0);
	/* The uplinks fill what is left: 255 bytes fit, 256 do not. */
	spare = ALIAS_MAX - 1 - strlen(alias);
	assert_true(spare + 2 < sizeof(uplinks));
	memset(uplinks, 'u', spare + 1);
	s.uplinks = list_of(uplinks);
	assert_int_equal(session_format(&s, alias, &err), 0);
	assert_int_equal(strlen(alias), ALIAS_MAX - 1);
	uplinks[spare + 1] = 'u';
	s.uplinks = list_of(uplinks);
	assert_int_equal(session_format(&s, alias, &err), -EMSGSIZE);
	assert_int_equal(err.code, EMSGSIZE);
	assert_string_equal(err.text, "record session '" NAME32 "': its name and uplinks take 256 "
				      "bytes, 255 fit");
	assert_int_equal(session_format(&s, alias, NULL), -EMSGSIZE);
}

static void test_parse_options(void **state)
{
	struct session got;

	(void)state;
	assert_int_equal(session_parse("via1 1 0 0 0 a host=3 b", &got), 0);
	assert_int_equal(got.host, 3);
	assert_true(got.since == 0);
	assert_int_equal(got.flags, 0);
	assert_int_equal(got.mtu, 0);
	/* of a later version: nothing to us */
	assert_int_equal(session_parse("via1 1 0 0 0 a later=1,mtu=68,host=3,keep,more b", &got),
			 0);
	assert_int_equal(got.mtu, 68);
	assert_int_equal(got.connections, 0);
	assert_int_equal(got.person, 0);
	assert_int_equal(session_parse("via1 1 0 0 0 a host=3,person=9,connections=16 b", &got), 0);
	assert_int_equal(got.connections, 16);
	assert_int_equal(got.person, 9);
	assert_int_equal(session_parse("via1 1 0 0 0 a later=1,mtu=68,host=3,keep,more b", &got),
			 0);
	assert_int_equal(got.flags, SESSION_KEEP);
}

static void test_parse_fails(void **state)
{
	static const char *const bad[] = {
		"",
		"via1",
		"via1 bridge",
		"mine",
		/* one word less, one more */
		"via1 1 0 0 0 a host=3",
		"via1 1 0 0 0 host=3 b",
		"via1 1 0 0 0 a host=3 b c",
		"via1 1 0 0 0 a host=3 b ",
		" via1 1 0 0 0 a host=3 b",
		"via1  1 0 0 0 a host=3 b",
		"via1 1 0 0 0 a  host=3 b",
		"via1 1 0 0 0  host=3 b",
		"via1 1 0 0 0 a host=3  b",
		"via1\t1 0 0 0 a host=3 b",
		"via1 1 0 0 0 a host=3 b\n",
		/* another format */
		"via2 1 0 0 0 a host=3 b",
		"via 1 0 0 0 a host=3 b",
		"Via1 1 0 0 0 a host=3 b",
		/* numbers */
		"via1 0 0 0 0 a host=3 b",
		"via1 01 0 0 0 a host=3 b",
		"via1 -1 0 0 0 a host=3 b",
		"via1 x 0 0 0 a host=3 b",
		"via1 4294967296 0 0 0 a host=3 b",
		"via1 1 +0 0 0 a host=3 b",
		"via1 1 4294967296 0 0 a host=3 b",
		"via1 1 0 256 0 a host=3 b",
		"via1 1 0 -1 0 a host=3 b",
		"via1 1 0 0 18446744073709551616 a host=3 b",
		"via1 1 0 0 0x1 a host=3 b",
		/* options */
		"via1 1 0 0 0 a host=0 b",
		"via1 1 0 0 0 a host= b",
		"via1 1 0 0 0 a host=4294967296 b",
		"via1 1 0 0 0 a since=1 b",
		"via1 1 0 0 0 a host=3, b",
		"via1 1 0 0 0 a ,host=3 b",
		"via1 1 0 0 0 a host=3,,keep b",
		"via1 1 0 0 0 a host=3,since= b",
		"via1 1 0 0 0 a host=3,since=x b",
		"via1 1 0 0 0 a host=3,since=18446744073709551616 b",
		"via1 1 0 0 0 a host=3,mtu=67 b",
		"via1 1 0 0 0 a host=3,connections=0 b",
		"via1 1 0 0 0 a host=3,rate=8000 b",
		"via1 1 0 0 0 a host=3,rate=8000/7999 b",
		"via1 1 0 0 0 a host=3,rate=4000000001/8000 b",
		"via1 1 0 0 0 a host=3,rate=8000/8000/8000 b",
		"via1 1 0 0 0 a host=3,connections=65537 b",
		"via1 1 0 0 0 a host=3,person=-1 b",
		"via1 1 0 0 0 a host=3,mtu=65536 b",
		/* names */
		"via1 1 0 0 0 a host=3 -b",
		"via1 1 0 0 0 a host=3 b/c",
		"via1 1 0 0 0 a host=3 n123456789abcdef0123456789abcdefx",
	};
	char big[ALIAS_MAX + 20];
	struct session got;

	(void)state;
	memset(&got, 0x55, sizeof(got));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (session_parse(bad[i], &got) != -EINVAL)
			fail_msg("'%s' is no alias", bad[i]);
		assert_int_equal(got.id, 0x55555555);
	}
	/* a word of 127 bytes fits, one of 128 does not; nor does an alias of 256 */
	memset(big, 0, sizeof(big));
	strcpy(big, "via1 1 0 0 0 ");
	memset(big + 13, 'u', 128);
	strcpy(big + 13 + 128, " host=3 b");
	assert_int_equal(session_parse(big, &got), -EINVAL);
	strcpy(big + 13 + 127, " host=3 b");
	assert_int_equal(session_parse(big, &got), 0);
	assert_int_equal(uplink_list_used(&got.uplinks), 128);
	strcpy(big, "via1 1 0 0 0 a host=3,");
	memset(big + 22, 'o', ALIAS_MAX - 22 - 2);
	strcpy(big + ALIAS_MAX - 2, " b");
	assert_int_equal(strlen(big), ALIAS_MAX);
	assert_int_equal(session_parse(big, &got), -EINVAL);
	strcpy(big + ALIAS_MAX - 3, " b");
	assert_int_equal(session_parse(big, &got), 0);
}

static void test_port(void **state)
{
	char port[IFNAMSIZ];

	(void)state;
	session_port(1, port);
	assert_string_equal(port, "viap1");
	session_port(UINT32_MAX, port);
	assert_string_equal(port, "viap4294967295");
}

/* A list of another version, or of somebody else's, is taken as far as it is one. */
static void test_other_lists(void **state)
{
	static const struct {
		const char *alias, *list;
	} rows[] = {
		{ "via1 1 0 0 0 a,b, host=3 b", "a,b" },
		{ "via1 1 0 0 0 a,,b host=3 b", "a" },
		{ "via1 1 0 0 0 a,later:word,a/b host=3 b", "a,later:word,a/b" },
		{ "via1 1 0 0 0 a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r host=3 b",
		  "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p" },
		{ "via1 1 0 0 0 ssid:a\\b%20c\\,d host=3 b", "ssid:a\\\\b c\\,d" },
		{ "via1 1 0 0 0 mac:zz,wifi host=3 b", "mac:zz,wifi" },
	};
	struct session got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(session_parse(rows[i].alias, &got), 0);
		LIST_IS(got.uplinks, rows[i].list);
	}
	assert_int_equal(session_parse("via1 1 0 0 0 , host=3 b", &got), -EINVAL);
}

/* Its device's name stands there only when it is not the usual one. */
static void test_device(void **state)
{
	struct session s = { .id = 7, .host = 9, .flags = SESSION_ATTACHED }, back;
	char alias[ALIAS_MAX];

	(void)state;
	s.uplinks = list_of("wlp6s0");
	strcpy(s.name, "box");
	assert_string_equal(session_device(&s), SESSION_DEV);
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_null(strstr(alias, "dev="));
	assert_non_null(strstr(alias, ",attached"));
	strcpy(s.device, SESSION_DEV);
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_null(strstr(alias, "dev="));
	strcpy(s.device, "a,b c%");
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_int_equal(session_parse(alias, &back), 0);
	assert_string_equal(session_device(&back), "a,b c%");
	assert_int_equal(back.flags, SESSION_ATTACHED);
	assert_int_equal(session_parse("via1 7 0 0 1 w host=9,since=1,dev=0123456789abcdef box",
				       &back),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),        cmocka_unit_test(test_reads_back),
		cmocka_unit_test(test_each_flag),     cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_parse_options), cmocka_unit_test(test_parse_fails),
		cmocka_unit_test(test_port),          cmocka_unit_test(test_other_lists),
		cmocka_unit_test(test_device),
	};

	return RUN_TESTS(tests);
}
