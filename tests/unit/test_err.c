/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "unit.h"

static void test_set(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, ENODEV, "use uplink '%s'", "wlp6s0"), -ENODEV);
	assert_int_equal(err.code, ENODEV);
	assert_string_equal(err.text, "use uplink 'wlp6s0'");
	/* a second one replaces the first */
	assert_int_equal(err_set(&err, EPERM, "x"), -EPERM);
	assert_int_equal(err.code, EPERM);
	assert_string_equal(err.text, "x");
}

static void test_code_is_never_zero(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, 0, "x"), -EIO);
	assert_int_equal(err.code, EIO);
	assert_int_equal(err_set(&err, -ENOENT, "x"), -EIO);
	assert_int_equal(err_errno(&err, 0, "x"), -EIO);
	err = (struct err){ 0 };
	assert_int_equal(err_wrap(&err, "x"), -EIO);
	assert_int_equal(err_hint(&err, "x"), -EIO);
}

static void test_null(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ENODEV, "x"), -ENODEV);
	assert_int_equal(err_set(NULL, 0, "x"), -EIO);
	assert_int_equal(err_errno(NULL, ENOMEM, "x"), -ENOMEM);
	assert_int_equal(err_errno(NULL, 0, "x"), -EIO);
}

static void test_errno(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_errno(&err, ENOENT, "open %s", "/run/x"), -ENOENT);
	assert_string_equal(err.text, "open /run/x: No such file or directory");
}

static void test_story(void **state)
{
	struct err err = { 0 };

	(void)state;
	err_errno(&err, EBUSY, "set it up");
	assert_int_equal(err_wrap(&err, "make link '%s'", "via0"), -EBUSY);
	assert_int_equal(err_hint(&err, "try `%s`", "ip link"), -EBUSY);
	assert_int_equal(err_wrap(&err, "run"), -EBUSY);
	assert_int_equal(err.code, EBUSY);
	assert_string_equal(err.text, "run: make link 'via0': set it up: Device or resource busy; "
				      "try `ip link`");
}

static void test_one_line(void **state)
{
	struct err err = { 0 };

	(void)state;
	err_set(&err, EINVAL, "a\nb\tc\x7f\x1b[31m é");
	assert_string_equal(err.text, "a?b?c??[31m é");
	err_wrap(&err, "x\ny");
	err_hint(&err, "z\r");
	assert_string_equal(err.text, "x?y: a?b?c??[31m é; z?");
	err_errno(&err, ENOENT, "p\nq");
	assert_string_equal(err.text, "p?q: No such file or directory");
}

/* What does not fit is cut off at the end: the outermost words are the ones that stay. */
static void test_overlong(void **state)
{
	char big[2 * ERR_TEXT_MAX];
	struct err err = { 0 };

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	assert_int_equal(err_set(&err, EINVAL, "%s", big), -EINVAL);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_int_equal(err_hint(&err, "gone"), -EINVAL);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_null(strstr(err.text, "gone"));
	assert_int_equal(err_wrap(&err, "front"), -EINVAL);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_memory_equal(err.text, "front: xxx", 10);
	assert_int_equal(err_wrap(&err, "%s", big), -EINVAL);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_int_equal(err_errno(&err, ENOENT, "%s", big), -ENOENT);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),      cmocka_unit_test(test_code_is_never_zero),
		cmocka_unit_test(test_null),     cmocka_unit_test(test_errno),
		cmocka_unit_test(test_story),    cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_overlong),
	};

	return RUN_TESTS(tests);
}
