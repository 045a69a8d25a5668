/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ports sessions are masqueraded to, by what the host uses. */
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "net/ports.h"
#include "plan/plan.h"
#include "unit.h"

/* Facts of texts: ip_local_port_range with a dash, ip_local_reserved_ports, ports of sockets. */
static void check(const char *local, const char *reserved, const char *sockets, bool match,
		  unsigned int min, unsigned int max, enum ports_state want)
{
	struct port_ranges range = { 0 };
	struct port_range got = { 0 };
	struct facts f = { .no_socket_match = !match };

	assert_int_equal(ports_parse(local, &range), 0);
	if (range.n)
		f.local_ports = range.v[0];
	assert_int_equal(ports_parse(reserved, &f.reserved_ports), 0);
	assert_int_equal(ports_parse(sockets, &f.socket_ports), 0);
	assert_int_equal(plan_masquerade_ports(&f, &got), want);
	assert_int_equal(got.min, min);
	assert_int_equal(got.max, max);
	VEC_DONE(&range);
	facts_done(&f);
}

static void test_by_range(void **state)
{
	(void)state;
	check("32768-60999", "", "", true, 61000, 65535, PORTS_FREE);
	check("", "", "", true, 61000, 65535, PORTS_FREE); /* not known: the kernel's default */
	check("10000-61000", "", "", true, 61001, 65535, PORTS_FREE);
	/* nothing, or not enough, above: the largest row below */
	check("32768-65535", "", "", true, 1024, 32767, PORTS_FREE);
	check("32768-65000", "", "", true, 1024, 32767, PORTS_FREE);
	check("2024-65000", "", "", true, 1024, 2023, PORTS_FEW);
	check("1024-65535", "", "", true, 61000, 65535, PORTS_SHARED);
	check("1-65535", "", "", true, 61000, 65535, PORTS_SHARED);
	check("1-1023", "", "", true, 1024, 65535, PORTS_FREE);
}

static void test_by_reservation(void **state)
{
	(void)state;
	check("32768-60999", "61000-61999", "", true, 62000, 65535, PORTS_FREE);
	check("32768-60999", "62000,64000", "", true, 62001, 63999, PORTS_FREE);
	check("32768-60999", "61000-65535", "", true, 1024, 32767, PORTS_FREE);
	check("32768-60999", "8080,9148,61000-65535", "", true, 9149, 32767, PORTS_FREE);
	check("32768-60999", "1024-32767,61000-65535", "", true, 61000, 65535, PORTS_SHARED);
}

static void test_by_sockets(void **state)
{
	(void)state;
	check("32768-60999", "", "22,80,5353", true, 61000, 65535, PORTS_FREE);
	check("32768-60999", "", "61820", true, 61821, 65535, PORTS_FREE);
	check("32768-60999", "", "65535", true, 61000, 65534, PORTS_FREE);
	/* no row of 1024 above that has no socket: below */
	check("32768-60999", "", "62000,63000,64000,65000", true, 1024, 32767, PORTS_FREE);
	/* sockets everywhere take no port from sessions while rules see to each of them */
	check("32768-60999", "", "1500,2000-32000,62000,63000,64000,65000", true, 61000, 65535,
	      PORTS_FREE);
	check("32768-60999", "", "1500,2000-32000,62000,63000,64000,65000", false, 61000, 61999,
	      PORTS_FEW);
}

static void test_parse(void **state)
{
	static const char *const bad[] = { "x", "5-", "-5", "5-4", "70000", "5 6", "5;6", "5,x" };
	struct port_ranges ranges = { 0 };

	(void)state;
	assert_int_equal(ports_parse("8080,9148,30000-32767\n", &ranges), 0);
	assert_int_equal(ranges.n, 3);
	assert_int_equal(ranges.v[1].min, 9148);
	assert_int_equal(ranges.v[1].max, 9148);
	assert_int_equal(ranges.v[2].min, 30000);
	assert_int_equal(ranges.v[2].max, 32767);
	VEC_DONE(&ranges);
	assert_int_equal(ports_parse("\n", &ranges), 0);
	assert_int_equal(ranges.n, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ports_parse(bad[i], &ranges) != -EBADMSG)
			fail_msg("'%s' was taken", bad[i]);
		VEC_DONE(&ranges);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_range),
		cmocka_unit_test(test_by_reservation),
		cmocka_unit_test(test_by_sockets),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
