/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/user_namespaces.h"
#include "unit.h"

static void set(int dir, const char *name, const char *value)
{
	int fd;

	unlinkat(dir, name, 0);
	if (!value)
		return;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "%s\n", value) > 0);
	close(fd);
}

/* As the kernels of Debian, Ubuntu and others have them. */
static void test_allowed(void **state)
{
	static const struct {
		const char *max, *debian, *apparmor;
		bool allowed;
	} cases[] = {
		{ "95902", NULL, NULL, true }, { "95902", "1", NULL, true },
		{ "95902", "0", NULL, false }, { "0", NULL, NULL, false },
		{ "0", "1", "0", false },      { "95902", NULL, "1", false },
		{ "95902", "1", "0", true },   { NULL, NULL, NULL, true },
	};
	char path[] = "/tmp/via-userns.XXXXXX";
	int dir;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	assert_int_equal(mkdirat(dir, "user", 0700), 0);
	assert_int_equal(mkdirat(dir, "kernel", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		set(dir, "user/max_user_namespaces", cases[i].max);
		set(dir, "kernel/unprivileged_userns_clone", cases[i].debian);
		set(dir, "kernel/apparmor_restrict_unprivileged_userns", cases[i].apparmor);
		assert_int_equal(user_namespaces_allowed(dir), cases[i].allowed);
	}
	set(dir, "user/max_user_namespaces", NULL);
	assert_int_equal(unlinkat(dir, "user", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(dir, "kernel", AT_REMOVEDIR), 0);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_allowed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
