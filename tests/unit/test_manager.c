/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/manager.h"
#include "fds.h"
#include "unit.h"

static int setup(void **state)
{
	(void)state;
	dir_new();
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "LISTEN_PID", "LISTEN_FDS", "NOTIFY_SOCKET",
					     "WATCHDOG_PID", "WATCHDOG_USEC" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	dir_remove();
	return 0;
}

/* --- the socket that is passed on ----------------------------------------------------------- */

static void set_pid(const char *variable, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	assert_int_equal(setenv(variable, text, 1), 0);
}

static int listening(int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", dir_path("socket"));
	unlink(addr.sun_path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	if (type != SOCK_DGRAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/*
 * In a process of its own, which has fd as its third: what manager_socket() returns there, and
 * what it leaves. 0: everything as it should be after `wanted`.
 */
static int taken(int fd, const char *n, int wanted, bool found)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };
		int got = 99, r;

		if (fd >= 0 && fd != 3)
			dup2(fd, 3);
		set_pid("LISTEN_PID", getpid());
		setenv("LISTEN_FDS", n, 1);
		r = manager_socket(&got, &err);
		if (r != wanted || got != (found ? 3 : -1) || (r < 0) != (err.code != 0))
			_exit(1);
		if (getenv("LISTEN_PID") || getenv("LISTEN_FDS"))
			_exit(2);
		if (found && !(fcntl(3, F_GETFD) & FD_CLOEXEC))
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_socket(void **state)
{
	int good = listening(SOCK_SEQPACKET);

	(void)state;
	assert_int_equal(taken(good, "1", 0, true), 0);
	assert_int_equal(taken(good, "0", 0, false), 0);
	assert_int_equal(taken(good, "2", -EINVAL, false), 0);
	assert_int_equal(taken(good, "x", -EINVAL, false), 0);
	assert_int_equal(taken(good, "-1", -EINVAL, false), 0);
	assert_int_equal(taken(good, "", -EINVAL, false), 0);
	close(good);
}

static void test_wrong_socket(void **state)
{
	int stream = listening(SOCK_STREAM), datagram, pair[2];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(taken(stream, "1", -EINVAL, false), 0);
	close(stream);
	datagram = listening(SOCK_DGRAM);
	assert_int_equal(taken(datagram, "1", -EINVAL, false), 0);
	close(datagram);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(taken(pair[0], "1", -EINVAL, false), 0); /* it does not listen */
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(taken(null, "1", -EINVAL, false), 0);
	close(null);
}

/* A parent's variables are left alone, and so is the descriptor. */
static void test_not_meant_for_us(void **state)
{
	struct err err = { 0 };
	int fd = 99;

	(void)state;
	assert_int_equal(manager_socket(&fd, &err), 0);
	assert_int_equal(fd, -1);
	set_pid("LISTEN_PID", getppid());
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(manager_socket(&fd, &err), 0);
	assert_int_equal(fd, -1);
	assert_non_null(getenv("LISTEN_FDS"));
	setenv("LISTEN_PID", "me", 1);
	assert_int_equal(manager_socket(&fd, &err), 0);
	assert_int_equal(fd, -1);
}

/* --- what it is told ------------------------------------------------------------------------ */

static void test_notify(void **state)
{
	int fd = listening(SOCK_DGRAM);
	size_t open_before = fds_open();
	char text[32] = "";

	(void)state;
	setenv("NOTIFY_SOCKET", dir_path("socket"), 1);
	manager_notify("READY=1");
	assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 7);
	assert_string_equal(text, "READY=1");
	assert_int_equal(fds_open(), open_before);
	close(fd);
}

static void test_notify_abstract(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[64], text[32] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len = snprintf(name, sizeof(name), "@via-iface-test-%d", (int)getpid());

	(void)state;
	memcpy(addr.sun_path + 1, name + 1, (size_t)len - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	manager_notify("WATCHDOG=1");
	assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 10);
	assert_string_equal(text, "WATCHDOG=1");
	close(fd);
}

/* Whatever the variable holds, telling does no harm. */
static void test_notify_nobody(void **state)
{
	char longest[300];
	size_t open_before = fds_open();

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	manager_notify("READY=1");
	for (size_t i = 0; i < 5; i++) {
		const char *const values[] = { "", "relative", "/does/not/exist", longest, "@" };

		setenv("NOTIFY_SOCKET", values[i], 1);
		manager_notify("READY=1");
	}
	assert_int_equal(fds_open(), open_before);
}

static void test_watchdog(void **state)
{
	(void)state;
	assert_int_equal(manager_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(manager_watchdog_ms(), 30000);
	set_pid("WATCHDOG_PID", getppid());
	assert_int_equal(manager_watchdog_ms(), 0);
	set_pid("WATCHDOG_PID", getpid());
	assert_int_equal(manager_watchdog_ms(), 30000);
	setenv("WATCHDOG_USEC", "18446744073709551615", 1);
	assert_int_equal(manager_watchdog_ms(), INT32_MAX);
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(manager_watchdog_ms(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_meant_for_us, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notify_abstract, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notify_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watchdog, setup, teardown),
	};

	return RUN_TESTS(tests);
}
