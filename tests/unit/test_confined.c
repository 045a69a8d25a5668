/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "launch/confined.h"
#include "unit.h"

static void test_unit(void **state)
{
	static const struct {
		const char *text, *unit;
	} cases[] = {
		{ "0::/system.slice/talk.service\n", "talk.service" },
		{ "0::/system.slice/talk.service", "talk.service" },
		{ "0::/system.slice/system-many.slice/many@3.service\n", "many@3.service" },
		{ "0::/system.slice/talk.service/inner\n", "talk.service" },
		{ "0::/user.slice/user-7.slice/user@7.service/app.slice/mail.service\n",
		  "mail.service" },
		{ "0::/user.slice/user-7.slice/user@7.service/app.slice/app-x.scope\n", "" },
		{ "0::/user.slice/user-7.slice/user@7.service/init.scope\n", "" },
		{ "0::/user.slice/user-7.slice/user@7.service\n", "" },
		{ "0::/user.slice/user-7.slice/session-2.scope\n", "" },
		{ "9:cpu:/a.service\n1:name=systemd:/system.slice/talk.service\n0::/\n",
		  "talk.service" },
		{ "9:cpu:/a.service\n", "" },
		{ "0::/\n", "" },
		{ "0::/.service\n", "" },
		{ "0::/a;reboot;.service\n", "" },
		{ "0::/--x.service\n", "" },
		{ "0::/\033[1mtalk.service\n", "" },
		{ "0::\n", "" },
		{ ":\n\n::::", "" },
		{ "", "" },
	};
	char unit[UNIT_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		confined_unit_of(cases[i].text, unit);
		assert_string_equal(unit, cases[i].unit);
	}
}

/* A cgroup's name may be longer than a unit's may. */
static void test_long(void **state)
{
	char text[640], unit[UNIT_NAME_MAX];

	(void)state;
	snprintf(text, sizeof(text), "0::/%0590d.service", 7);
	confined_unit_of(text, unit);
	assert_string_equal(unit, "");
	snprintf(text, sizeof(text), "0::/%0240d.service", 7);
	confined_unit_of(text, unit);
	assert_int_equal(strlen(unit), 248);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
