/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "launch/sandboxes.h"
#include "unit.h"

#define ARGV(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static void test_app_of_a_command_line(void **state)
{
	char id[FLATPAK_ID_MAX];

	(void)state;
	assert_true(flatpak_app(ARGV("flatpak", "run", "org.example.App", "--x"), id));
	assert_string_equal(id, "org.example.App");
	assert_true(flatpak_app(ARGV("flatpak", "--user", "run", "-v", "--arch=x86_64",
				     "org.example.App/x86_64/stable"),
				id));
	assert_string_equal(id, "org.example.App");
	assert_false(flatpak_app(ARGV("flatpak", "run", "--arch=x86_64"), id));
	assert_false(flatpak_app(ARGV("flatpak", "run"), id));
	assert_false(flatpak_app(ARGV("flatpak"), id));
}

static void test_permission(void **state)
{
#define POLICY "[Session Bus Policy]\n"
	(void)state;
	assert_int_equal(flatpak_talks_to_host(POLICY "org.freedesktop.Flatpak=talk\n"), 1);
	assert_int_equal(flatpak_talks_to_host(POLICY "org.freedesktop.Flatpak=own"), 1);
	assert_int_equal(flatpak_talks_to_host(POLICY "org.freedesktop.*=talk\n"), 1);
	assert_int_equal(flatpak_talks_to_host("[A]\n\n" POLICY
					       "a=b\norg.freedesktop.Flatpak=none\n"),
			 0);
	assert_int_equal(flatpak_talks_to_host(POLICY "org.freedesktop.Flatpak=talker\n"), 0);
	assert_int_equal(flatpak_talks_to_host(POLICY "org.freedesktop.Flatpaks=talk\n"), -1);
	assert_int_equal(flatpak_talks_to_host("org.freedesktop.Flatpak=talk\n"), -1);
	assert_int_equal(flatpak_talks_to_host(
				 "[System Bus Policy]\norg.freedesktop.Flatpak=talk\n"),
			 -1);
	assert_int_equal(flatpak_talks_to_host(POLICY "[B]\norg.freedesktop.Flatpak=talk\n"), -1);
	assert_int_equal(flatpak_talks_to_host(""), -1);
}

static void test_whole_bus(void **state)
{
	(void)state;
	assert_int_equal(flatpak_talks_to_host("[Context]\nsockets=x11;session-bus;\n"), 1);
	assert_int_equal(flatpak_talks_to_host("[Context]\nsockets=session-bus"), 1);
	assert_int_equal(flatpak_talks_to_host("[Context]\nsockets=x11;!session-bus;\n"), 0);
	assert_int_equal(flatpak_talks_to_host("[Context]\nsockets=session-bus-x;system-bus\n"),
			 -1);
	assert_int_equal(flatpak_talks_to_host("[Context]\nshared=session-bus;\n"), -1);
	assert_int_equal(flatpak_talks_to_host("[Context]\nsockets="), -1);
}

static void test_snap(void **state)
{
	(void)state;
	assert_string_equal(snap_name(ARGV("snap", "run", "chat"), "/usr/bin/snap"), "chat");
	assert_string_equal(snap_name(ARGV("/usr/bin/snap", "run", "--shell", "chat.x"), ""),
			    "chat.x");
	assert_string_equal(snap_name(ARGV("chat"), "/snap/bin/chat"), "chat");
	assert_string_equal(snap_name(ARGV("chat"), "/var/lib/snapd/snap/bin/chat"), "chat");
	assert_null(snap_name(ARGV("snap", "run"), "/usr/bin/snap"));
	assert_null(snap_name(ARGV("snap", "install", "chat"), "/usr/bin/snap"));
	assert_null(snap_name(ARGV("snap"), "/usr/bin/snap"));
	assert_null(snap_name(ARGV("chat"), "/usr/bin/chat"));
	assert_null(snap_name(ARGV("chat"), ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_app_of_a_command_line),
		cmocka_unit_test(test_permission),
		cmocka_unit_test(test_whole_bus),
		cmocka_unit_test(test_snap),
	};

	return RUN_TESTS(tests);
}
