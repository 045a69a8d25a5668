/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each thing is tried in a process of its own, which the filter may end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "daemon/sandbox.h"
#include "unit.h"

#define ENDED 1000 /* by the filter */

/* The arguments of socketcall(2) are in memory, which no filter reads. */
#ifdef SYS_socketcall
#define READS_FAMILIES false
#else
#define READS_FAMILIES true
#endif

/* 0, a negative errno, or ENDED. */
static int tried(long (*call)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };
		long r;

		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a core would only lie about */
		if (sandbox_calls(&err) < 0)
			_exit(255);
		r = call();
		_exit(r < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return ENDED;
	}
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return -WEXITSTATUS(status);
}

static long open_unix(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static long open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static long open_inet(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long open_inet6(void)
{
	return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long open_packet(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 && errno == EPERM ? 0 : fd; /* the kernel was asked */
}

static long open_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long exec_something(void)
{
	char *const argv[] = { (char *)"true", NULL };

	return execv("/bin/true", argv);
}

/* A child, and its end; the filter is the child's too. */
static long fork_once(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(0);
	return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : status;
}

static long fork_elsewhere(void)
{
	return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
}

static long share_memory(void)
{
	return syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
}

static long new_user_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long new_mount_namespace(void)
{
	return unshare(CLONE_NEWNS);
}

static long join_anything(void)
{
	return setns(-1, 0);
}

static long join_netns(void)
{
	return setns(-1, CLONE_NEWNET);
}

static long mount_something(void)
{
	return mount("none", "/", NULL, MS_PRIVATE, NULL);
}

static long trace_someone(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long load_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long load_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long push_input(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long map(int prot)
{
	void *p = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long map_data(void)
{
	return map(PROT_READ | PROT_WRITE);
}

static long map_code(void)
{
	return map(PROT_READ | PROT_EXEC);
}

static long map_both(void)
{
	return map(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static long make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

/* What libraries do on the way, the longest way there is in each. */
static long live_on(void)
{
	const struct timespec none = { 0 };
	char *text = malloc(1 << 20);
	struct timespec now;
	sigset_t set;

	if (!text)
		return -1;
	memset(text, 'x', 1 << 20);
	free(text);
	/* on 32 bit calls of their own for a 64-bit time_t */
	clock_gettime(CLOCK_REALTIME, &now);
	sigemptyset(&set);
	if (ppoll(NULL, 0, &none, NULL) < 0 || clock_nanosleep(CLOCK_MONOTONIC, 0, &none, NULL) ||
	    sigtimedwait(&set, NULL, &none) >= 0 || errno != EAGAIN)
		return -1;
	syslog(LOG_DEBUG, "test");
	return access("/", F_OK) < 0 || isatty(0) < 0 ? -1 : 0;
}

static void test_allowed(void **state)
{
	(void)state;
	assert_int_equal(tried(open_unix), 0);
	assert_int_equal(tried(open_netlink), 0);
	assert_int_equal(tried(open_packet), 0); /* of `via-iface capture` */
	assert_int_equal(tried(map_data), 0);
	assert_int_equal(tried(map_code), 0);
	assert_int_equal(tried(join_netns), -EBADF);
	assert_int_equal(tried(live_on), 0);
	assert_int_equal(tried(fork_once), 0);
}

static void test_refused(void **state)
{
	(void)state;
	if (READS_FAMILIES) {
		assert_int_equal(tried(open_inet), -EAFNOSUPPORT);
		assert_int_equal(tried(open_inet6), -EAFNOSUPPORT);
		assert_int_equal(tried(open_vsock), -EAFNOSUPPORT);
	}
	assert_int_equal(tried(exec_something), -ENOSYS);
}

static void test_ended(void **state)
{
	(void)state;
	assert_int_equal(tried(fork_elsewhere), ENDED);
	assert_int_equal(tried(share_memory), ENDED);
	assert_int_equal(tried(new_user_namespace), ENDED);
	assert_int_equal(tried(new_mount_namespace), ENDED);
	assert_int_equal(tried(join_anything), ENDED);
	assert_int_equal(tried(mount_something), ENDED);
	assert_int_equal(tried(trace_someone), ENDED);
	assert_int_equal(tried(load_module), ENDED);
	assert_int_equal(tried(load_bpf), ENDED);
	assert_int_equal(tried(push_input), ENDED);
	assert_int_equal(tried(map_both), ENDED);
	assert_int_equal(tried(make_executable), ENDED);
}

#if defined(VIA_SECCOMP) && !defined(VIA_SANITIZED)
#define FILTERED true
#else
#define FILTERED false
#endif

/* Where it cannot be had, and under sanitizers, nothing is different. */
static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(tried(live_on), 0);
	assert_int_equal(tried(open_inet), 0);
	assert_int_equal(tried(join_anything), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ended),
	};
	const struct CMUnitTest without[] = {
		cmocka_unit_test(test_nothing),
	};

	return FILTERED ? RUN_TESTS(tests) : RUN_TESTS(without);
}
