/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "list.h"
#include "model/request.h"
#include "unit.h"

static struct request good(void)
{
	return (struct request){ .uplinks = list_of("wlp6s0"), .name = "curl" };
}

#define PASSES(r) assert_int_equal(request_check(&(r), NULL), 0)
#define FAILS(r, line)                                                                             \
	do {                                                                                       \
		struct err err_ = { 0 };                                                           \
		assert_int_equal(request_check(&(r), &err_), -EINVAL);                             \
		assert_int_equal(err_.code, EINVAL);                                               \
		assert_string_equal(err_.text, line);                                              \
	} while (0)
/* the line has this in it */
#define FAILS_WITH(r, part)                                                                        \
	do {                                                                                       \
		struct err err_ = { 0 };                                                           \
		assert_int_equal(request_check(&(r), &err_), -EINVAL);                             \
		if (!strstr(err_.text, part))                                                      \
			fail_msg("no '%s' in '%s'", part, err_.text);                              \
	} while (0)

static void test_passes(void **state)
{
	struct request r = good();

	(void)state;
	PASSES(r);
	r.flags = SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS | SESSION_KEEP;
	PASSES(r);
	r.uplinks = list_of("a,b,exactly15bytes_");
	PASSES(r);
}

static void test_flags(void **state)
{
	struct request r = good();

	(void)state;
	for (uint32_t flag = 1; flag; flag <<= 1) {
		r.flags = flag;
		if (flag <= SESSION_KEEP || flag == SESSION_NAME_GIVEN ||
		    flag == SESSION_NAME_AGAIN || flag == SESSION_JOIN || flag == SESSION_PENDING ||
		    flag == SESSION_PORTS_AGAIN || flag == SESSION_PORTAL)
			PASSES(r);
		else
			FAILS_WITH(r, "unknown flag 0x");
	}
	r.flags = SESSION_KEEP | SESSION_PENDING;
	PASSES(r);
	r.flags = SESSION_KEEP | 0x80000000u;
	FAILS(r, "read the request: unknown flag 0x80000000");
	r.flags = SESSION_PORTAL | SESSION_PORTAL_LAN;
	PASSES(r);
	r.flags = SESSION_JOIN | SESSION_NAME_AGAIN;
	FAILS_WITH(r, "join a session: ");
	r.flags = SESSION_JOIN;
	r.probe_of = 7;
	FAILS_WITH(r, "join a session: ");
}

static void test_mtu(void **state)
{
	struct request r = good();

	(void)state;
	r.mtu = 1279;
	FAILS_WITH(r, "1279");
	r.mtu = 1;
	FAILS_WITH(r, "1280 to 65535");
	r.mtu = 1280;
	PASSES(r);
	r.mtu = 65535;
	PASSES(r);
	r.mtu = 65536;
	FAILS_WITH(r, "65536");
	r.mtu = UINT32_MAX;
	FAILS_WITH(r, "4294967295");
	r.flags = SESSION_NO_IPV6;
	r.mtu = 67;
	FAILS_WITH(r, "68 to 65535");
	r.mtu = 68;
	PASSES(r);
	r.mtu = 0;
	PASSES(r);
}

static void test_unterminated(void **state)
{
	struct request r = good();

	(void)state;
	memset(r.name, 'n', sizeof(r.name));
	FAILS(r, "read the request: a text without an end");
	r = good();
	memset(r.uplinks.bytes, 'u', sizeof(r.uplinks.bytes));
	FAILS(r, "read the request: a list of uplinks that is none");
}

static void test_name(void **state)
{
	static const char *const bad[] = { "", "-a", "a b", "a/b", "..", "a\nb" };
	struct request r = good();

	(void)state;
	memset(r.name, 'n', 32);
	r.name[32] = 0;
	PASSES(r);
	r.name[32] = 'n';
	r.name[33] = 0;
	FAILS_WITH(r, "--name 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'");
	memset(r.name, 'n', 35);
	r.name[35] = 0;
	FAILS_WITH(r, "--name");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(r.name, bad[i]);
		FAILS_WITH(r, "--name");
	}
}

static void test_attach(void **state)
{
	static const char *const fine[] = { "", "eth0", "via-out", "a.b_c", "e123456789abcde" };
	static const char *const bad[] = { ".",   "..",  "all", "default", "lo",
					   "a/b", "a b", "-x",  "a%",      "a\n" };
	struct request r = { .name = "box", .uplinks = list_of("wlp6s0") };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		memset(r.device, 0, sizeof(r.device));
		strcpy(r.device, fine[i]);
		assert_int_equal(request_check_attach(&r, NULL), 0);
		assert_int_equal(request_check(&r, NULL), *fine[i] ? -EINVAL : 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(r.device, bad[i]);
		assert_int_equal(request_check_attach(&r, &err), -EINVAL);
		assert_non_null(strstr(err.text, "invalid --ifname"));
	}
	memset(r.device, 'x', sizeof(r.device));
	assert_int_equal(request_check_attach(&r, NULL), -EINVAL);
	memset(r.device, 0, sizeof(r.device));
	r.flags = SESSION_REPLACE_ROUTE;
	assert_int_equal(request_check_attach(&r, NULL), 0);
	assert_int_equal(request_check(&r, NULL), -EINVAL);
	for (uint32_t bit = 1; bit; bit <<= 1) {
		const uint32_t known = SESSION_REPLACE_ROUTE | SESSION_NO_IPV6 | SESSION_NO_LAN |
				       SESSION_HOST_ACCESS | SESSION_FALLBACK |
				       SESSION_FOREIGN_RESOLVER | SESSION_NAME_GIVEN |
				       SESSION_NAME_AGAIN | SESSION_PENDING;

		r.flags = bit;
		assert_int_equal(request_check_attach(&r, NULL), bit & known ? 0 : -EINVAL);
	}
	r.flags = 0;
	r.probe_of = 7;
	assert_int_equal(request_check_attach(&r, NULL), -EINVAL);
	r.probe_of = 0;
	r.uplinks = list_of("wlp6s0,ssid:\x1b[2J");
	assert_int_equal(request_check_attach(&r, NULL), -EINVAL);
	assert_int_equal(uplink_list_check(&r.uplinks, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes), cmocka_unit_test(test_flags),
		cmocka_unit_test(test_mtu),    cmocka_unit_test(test_unterminated),
		cmocka_unit_test(test_name),   cmocka_unit_test(test_attach),
	};

	return RUN_TESTS(tests);
}
