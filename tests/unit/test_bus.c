/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "launch/bus.h"
#include "unit.h"

static void test_variables(void **state)
{
	static const char *const are[] = {
		"DBUS_SESSION_BUS_ADDRESS=x", "DBUS_SYSTEM_BUS_ADDRESS=x",
		"DBUS_STARTER_ADDRESS=x",     "DBUS__ADDRESS=x",
		"AT_SPI_BUS_ADDRESS=x",       "IBUS_ADDRESS=x",
	};
	static const char *const are_not[] = {
		"DBUS_SESSION_BUS_ADDRESS", /* no value */
		"DBUS_ADDRESS=x",           /* one "_" cannot be both */
		"DBUS_SESSION_BUS_PID=x",
		"MY_DBUS_SESSION_BUS_ADDRESS=x",
		"dbus_session_bus_address=x",
		"IBUS_ADDRESS_=x",
		"XIBUS_ADDRESS=x",
		"IBUS_ADDRES=x",
		"ADDRESS=DBUS_SESSION_BUS_ADDRESS=x",
		"=x",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(are); i++)
		assert_string_equal(bus_variable(are[i]), "x");
	for (size_t i = 0; i < ARRAY_SIZE(are_not); i++)
		if (bus_variable(are_not[i]))
			fail_msg("'%s' is no address of a bus", are_not[i]);
	assert_string_equal(bus_variable("IBUS_ADDRESS="), "");
	assert_string_equal(bus_variable("IBUS_ADDRESS=a=b"), "a=b");
}

static void test_abstract(void **state)
{
	static const char *const are[] = {
		"unix:abstract=/tmp/dbus-x",
		"unix:abstract=/tmp/dbus-x,guid=0123",
		"unix:guid=0123,abstract=/tmp/dbus-x",
		"unix:abstract=%2ftmp%2Cx",
		"unix:abstract=a;unix:abstract=b",
		"unix:abstract=a;tcp:host=localhost,port=1", /* that one is not inside, either */
		";unix:abstract=a;",
	};
	static const char *const are_not[] = {
		"",
		";",
		"unix",
		"unix:",
		"unix:path=/run/user/1000/bus",
		"unix:path=/abstract=x",
		"unix:runtime=yes",
		"unix:abstract=a;unix:path=/b",
		"unix:path=/b;unix:abstract=a",
		"unix:abstract=a;unixexec:path=b",
		"unix:abstract=a;garbage",
		"unix:xabstract=a",
		"unix:abstracts=a",
		"unix:abstract",
		"unix:guid=abstract=a",
		"unixexec:path=b,abstract=a",
		"tcp:host=localhost,port=1,abstract=a",
		"abstract=a",
		"autolaunch:",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(are); i++)
		if (!bus_is_abstract(are[i]))
			fail_msg("'%s' cannot be reached from another netns", are[i]);
	for (size_t i = 0; i < ARRAY_SIZE(are_not); i++)
		if (bus_is_abstract(are_not[i]))
			fail_msg("'%s' needs no proxy, or is not understood", are_not[i]);
}

static void check_address(const char *path, const char *addresses, const char *expected)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	strbuf_add(&sb, "X=");
	bus_add_address(&sb, path, addresses);
	assert_false(strbuf_failed(&sb));
	assert_string_equal(strbuf_text(&sb), expected);
}

static void test_address(void **state)
{
	(void)state;
	check_address("/run/bus0", "unix:abstract=a", "X=unix:path=/run/bus0");
	check_address("/run/bus0", "unix:abstract=a,guid=0f", "X=unix:path=/run/bus0,guid=0f");
	check_address("/run/bus0", "unix:guid=0f,abstract=a;", "X=unix:path=/run/bus0,guid=0f");
	check_address("/run/bus0", "unix:abstract=a,guid=", "X=unix:path=/run/bus0");
	/* two servers: which of them answers is not known */
	check_address("/b", "unix:abstract=a,guid=0f;unix:abstract=b,guid=1f", "X=unix:path=/b");
	check_address("/b", "unix:abstract=guid=1", "X=unix:path=/b");
}

static void test_escapes(void **state)
{
	(void)state;
	check_address("/az/AZ-09_.\\*", "unix:abstract=a", "X=unix:path=/az/AZ-09_.\\*");
	check_address("/a b,c;d=e%f:g~h", "unix:abstract=a",
		      "X=unix:path=/a%20b%2cc%3bd%3de%25f%3ag%7eh");
	check_address("/\xc3\xa4\x01\xff", "unix:abstract=a", "X=unix:path=/%c3%a4%01%ff");
	/* what a list says stays as it was escaped there */
	check_address("/b", "unix:abstract=a%2c,guid=%41b", "X=unix:path=/b,guid=%41b");
}

static void test_socket(void **state)
{
	char path[PATH_MAX];

	(void)state;
	bus_socket("/run/user/1000/via-iface-abcdef", 0, path);
	assert_string_equal(path, "/run/user/1000/via-iface-abcdef/bus0");
	bus_socket("/tmp/x", 12, path);
	assert_string_equal(path, "/tmp/x/bus12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables), cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_address),   cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_socket),
	};

	return RUN_TESTS(tests);
}
