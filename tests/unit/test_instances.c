/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/instances.h"
#include "unit.h"

#define KIND(...) instance_kind((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static void test_kinds(void **state)
{
	(void)state;
	assert_non_null(KIND("firefox"));
	assert_ptr_equal(KIND("/usr/bin/firefox-esr"), KIND("firefox"));
	assert_ptr_equal(KIND("./firefox", "https://example.org/"), KIND("firefox"));
	assert_ptr_equal(KIND("google-chrome"), KIND("/opt/google/chrome/chrome"));
	assert_ptr_not_equal(KIND("chromium"), KIND("google-chrome"));
	assert_non_null(KIND("steam"));
	assert_null(KIND("steam")->advice);
	assert_true(KIND("gnome-terminal")->by_bus);
	assert_false(KIND("firefox")->by_bus);
}

/* Two of these are two, so nothing is to be said about them. */
static void test_others(void **state)
{
	(void)state;
	assert_null(KIND("curl"));
	assert_null(KIND("sh"));
	assert_null(KIND("firefo"));
	assert_null(KIND("firefoxx"));
	assert_null(KIND("/firefox/curl"));
	assert_null(KIND("firefox/"));
	assert_null(KIND(""));
}

static void test_separated(void **state)
{
	(void)state;
	assert_null(KIND("firefox", "--new-instance"));
	assert_null(KIND("firefox", "https://example.org/", "-P", "spare"));
	assert_null(KIND("chromium", "--user-data-dir=/x"));
	assert_null(KIND("code", "--user-data-dir", "/x"));
	assert_null(KIND("qbittorrent", "--profile=/x"));
	assert_non_null(KIND("chromium", "--user-data-directory=/x"));
	assert_non_null(KIND("chromium", "user-data-dir"));
	assert_non_null(KIND("steam", "--user-data-dir=/x"));
}

static void test_is(void **state)
{
	const struct instance_kind *firefox = KIND("firefox"), *terminal = KIND("gnome-terminal"),
				   *libre = KIND("libreoffice");

	(void)state;
	assert_true(instance_is(firefox, "firefox-esr", "GeckoMain"));
	assert_true(instance_is(firefox, "python3.11", "firefox"));
	assert_true(instance_is(firefox, "", "firefox"));
	assert_false(instance_is(firefox, "", ""));
	assert_false(instance_is(firefox, "bash", "firefo"));
	assert_false(instance_is(firefox, "firefox-bin2", "fire"));
	assert_true(instance_is(terminal, "", "gnome-terminal-")); /* cut off by the kernel */
	assert_true(instance_is(libre, "soffice.bin", "soffice.bin"));
}

/* A process that goes by that name, and a child of it that does, too. */
static pid_t start(const char *name, int *ret_gate)
{
	int gate[2], told[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(gate) + pipe(told), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(gate[1]);
		prctl(PR_SET_NAME, name);
		if (fork() == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(told[1], "x", 1) != 1)
			_exit(1);
		_exit(read(gate[0], &c, 1) < 0);
	}
	close(gate[0]);
	close(told[1]);
	assert_int_equal(read(told[0], &c, 1), 1);
	assert_int_equal(read(told[0], &c, 1), 1);
	close(told[0]);
	*ret_gate = gate[1];
	return pid;
}

static void test_find(void **state)
{
	const struct instance_kind *kind = KIND("transmission-qt");
	int gate, status;
	pid_t pid;

	(void)state;
	assert_int_equal(instance_find(kind, geteuid()), 0);
	pid = start("transmission-qt", &gate);
	assert_int_equal(instance_find(kind, geteuid()), pid);
	assert_int_equal(instance_find(kind, geteuid() + 1), 0);
	assert_int_equal(instance_find(KIND("transmission-gtk"), geteuid()), 0);
	close(gate);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* One that has ended and is not waited for is no instance. */
static void test_find_zombie(void **state)
{
	siginfo_t info;
	int gate;
	pid_t pid = start("tilix", &gate);

	(void)state;
	assert_int_equal(instance_find(KIND("tilix"), geteuid()), pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	close(gate);
	assert_int_not_equal(instance_find(KIND("tilix"), geteuid()), pid);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),     cmocka_unit_test(test_others),
		cmocka_unit_test(test_separated), cmocka_unit_test(test_is),
		cmocka_unit_test(test_find),      cmocka_unit_test(test_find_zombie),
	};

	return RUN_TESTS(tests);
}
