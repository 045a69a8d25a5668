/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With whom a session speaks, and how fast: from connections, without a kernel. */
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"
#include "verbs/destinations.h"

#define SECOND 1000000000

static struct ip ip(const char *text)
{
	struct ip ret = { 0 };

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

static struct flow flow(const char *from, uint16_t from_port, const char *to, uint16_t to_port,
			uint64_t sent, uint64_t answered)
{
	return (struct flow){ .sent = sent,
			      .answered = answered,
			      .id = 1,
			      .from_port = from_port,
			      .to_port = to_port,
			      .protocol = IPPROTO_TCP,
			      .counted = 1,
			      .from = ip(from),
			      .to = ip(to) };
}

static const struct ip *own(void)
{
	static struct ip addresses[2];

	addresses[0] = ip("10.209.0.10");
	addresses[1] = ip("fd00::10");
	return addresses;
}

static void take(struct flow *v, size_t n, struct flow *before, size_t n_before, int64_t ns,
		 struct destinations *ret)
{
	struct flows now = { v, n, n }, old = { before, n_before, n_before };

	assert_int_equal(destinations_take(&now, before ? &old : NULL, ns, own(), ret), 0);
}

static void is(const struct destination *d, const char *text, size_t connections, uint64_t rx,
	       uint64_t tx)
{
	char buf[DESTINATION_TEXT_MAX];

	assert_string_equal(destination_format(d, buf), text);
	assert_int_equal(d->connections, connections);
	assert_int_equal(d->rx, rx);
	assert_int_equal(d->tx, tx);
}

/* Two samples: one goes on, one is new, one of another destination ended, one has its tuple anew.
 */
static void test_rates(void **state)
{
	struct flow before[] = {
		flow("10.209.0.10", 1000, "192.0.2.1", 443, 100, 5000),
		flow("10.209.0.10", 1001, "192.0.2.2", 443, 7, 7),
		flow("10.209.0.10", 1002, "192.0.2.3", 80, 900, 900),
	};
	struct flow now[] = {
		flow("10.209.0.10", 1003, "192.0.2.1", 443, 50, 60),
		flow("10.209.0.10", 1002, "192.0.2.3", 80, 300, 100),
		flow("10.209.0.10", 1000, "192.0.2.1", 443, 300, 9000),
	};
	struct destinations d;

	(void)state;
	now[1].id = 2;
	take(before, 3, NULL, 0, 0, &d);
	assert_int_equal(d.n, 3);
	for (size_t i = 0; i < d.n; i++)
		assert_int_equal(d.v[i].rx + d.v[i].tx, 0); /* nothing is known yet */
	destinations_done(&d);
	take(now, 3, before, 3, 2 * (int64_t)SECOND, &d);
	assert_int_equal(d.n, 2);
	is(&d.v[0], "192.0.2.1:443/tcp", 2, 2000 + 30, 100 + 25);
	assert_int_equal(d.v[0].rx_bytes, 9060);
	assert_int_equal(d.v[0].tx_bytes, 350);
	is(&d.v[1], "192.0.2.3:80/tcp", 1, 50, 150);
	assert_true(d.counted);
	destinations_done(&d);
}

static void test_directions(void **state)
{
	struct flow now[] = {
		flow("198.51.100.9", 5555, "10.209.0.10", 7777, 1000, 200),
		flow("fd00::10", 1000, "2001:db8::1", 443, 0, 0),
		flow("fd00::10", 0, "2001:db8::1", 0, 0, 0),
		flow("127.0.0.1", 1000, "10.209.0.1", 53, 40, 80), /* a question, translated */
		flow("127.0.0.1", 1000, "127.0.0.1", 5037, 9999, 9999),
		flow("::1", 1000, "::1", 5037, 9999, 9999),
	};
	struct flow nothing = flow("10.209.0.10", 1, "192.0.2.9", 1, 0, 0);
	struct destinations d;

	(void)state;
	now[2].protocol = IPPROTO_ICMPV6;
	now[3].protocol = IPPROTO_UDP;
	now[3].counted = 0;
	take(now, ARRAY_SIZE(now), &nothing, 1, SECOND, &d);
	assert_int_equal(d.n, 4);
	is(&d.v[0], "from 198.51.100.9 to 7777/tcp", 1, 1000, 200);
	is(&d.v[1], "10.209.0.1:53/udp", 1, 80, 40);
	is(&d.v[2], "2001:db8::1/icmpv6", 1, 0, 0);
	is(&d.v[3], "[2001:db8::1]:443/tcp", 1, 0, 0);
	assert_false(d.counted);
	destinations_done(&d);
}

static void test_none(void **state)
{
	struct destinations d;
	char name[8];

	(void)state;
	take(NULL, 0, NULL, 0, 0, &d);
	assert_int_equal(d.n, 0);
	destinations_done(&d);
	assert_string_equal(protocol_name(IPPROTO_SCTP, name), "sctp");
	assert_string_equal(protocol_name(251, name), "251");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_none),
	};

	return RUN_TESTS(tests);
}
