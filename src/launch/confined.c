/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"

#define BAD_FLAG 1 /* no flag of unshare(2): kernel/fork.c:check_unshare_flags says EINVAL */

/* --- the unit ------------------------------------------------------------------------------ */

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !memcmp(text + len - n, end, n);
}

/* Names of cgroups may be anybody's: only what a unit may be called is put into a command to paste.
 */
static bool is_unit_name(const char *name)
{
	return !name[strspn(
		       name,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.@-")] &&
	       name[0] != '-';
}

/* The last component that names a unit, when it is a service, and no user's service manager. */
static void take_unit(const char *path, size_t len, char ret[UNIT_NAME_MAX])
{
	ret[0] = 0;
	for (size_t from = 0, n; from < len; from += n + 1) {
		const char *part = path + from, *end = memchr(part, '/', len - from);

		n = end ? (size_t)(end - part) : len - from;
		if (ends_with(part, n, ".scope"))
			ret[0] = 0;
		else if (ends_with(part, n, ".service") && n < UNIT_NAME_MAX)
			snprintf(ret, UNIT_NAME_MAX, "%.*s", (int)n, part);
	}
	if (!strncmp(ret, "user@", strlen("user@")) || !is_unit_name(ret))
		ret[0] = 0;
}

/* Lines are "NUMBER:CONTROLLERS:PATH"; of version 2 "0::PATH", of systemd's own tree
 * "name=systemd". */
void confined_unit_of(const char *cgroups, char ret[UNIT_NAME_MAX])
{
	ret[0] = 0;
	while (*cgroups && !ret[0]) {
		size_t len = strcspn(cgroups, "\n");
		const char *own = memmem(cgroups, len, ":name=systemd:", strlen(":name=systemd:"));

		if (!strncmp(cgroups, "0::", 3))
			take_unit(cgroups + 3, len - 3, ret);
		else if (own)
			take_unit(own + strlen(":name=systemd:"),
				  len - (size_t)(own - cgroups) - strlen(":name=systemd:"), ret);
		cgroups += len + (cgroups[len] == '\n');
	}
}

void confined_unit(char ret[UNIT_NAME_MAX])
{
	char text[4096];

	file_start(AT_FDCWD, "/proc/self/cgroup", 0, text, sizeof(text));
	confined_unit_of(text, ret);
}

/* --- the system calls ---------------------------------------------------------------------- */

static int result(long r)
{
	return r < 0 ? errno : 0;
}

static int try_unshare_nothing(void)
{
	return result(unshare(0));
}

static int try_unshare_mount(void)
{
	return result(unshare(CLONE_NEWNS | BAD_FLAG));
}

static int try_unshare_user(void)
{
	return result(unshare(CLONE_NEWUSER | CLONE_NEWNET | BAD_FLAG));
}

static int try_setns(void)
{
	return result(setns(-1, CLONE_NEWNET));
}

/* Without a directory: EFAULT comes before the kernel asks for a capability (fs/namespace.c). */
static int try_mount(void)
{
	return result(syscall(SYS_mount, NULL, NULL, NULL, 0, NULL));
}

static int try_unix(void)
{
	return result(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

/* In this order: what the second of two tells counts when the first one passed. */
enum call { UNSHARE, UNSHARE_MOUNT, UNSHARE_USER, SETNS, MOUNT, UNIX, CALL_COUNT };

static const struct {
	int (*call)(void);
	int wanted; /* what the kernel itself says */
	const char *name;
	const char *setting; /* of a unit */
	const char *line;    /* that gives it back; NULL: depends on the launch */
} calls[CALL_COUNT] = {
	[UNSHARE] = { try_unshare_nothing, 0, "unshare(2)",
		      "SystemCallFilter=", "SystemCallFilter=unshare" },
	[UNSHARE_MOUNT] = { try_unshare_mount, EINVAL, "unshare(2) of a mount namespace",
			    "RestrictNamespaces=", NULL },
	[UNSHARE_USER] = { try_unshare_user, EINVAL, "unshare(2) of a user namespace",
			   "RestrictNamespaces=", NULL },
	[SETNS] = { try_setns, EBADF, "setns(2)", "SystemCallFilter=", "SystemCallFilter=setns" },
	[MOUNT] = { try_mount, EFAULT, "mount(2)", "SystemCallFilter=", "SystemCallFilter=@mount" },
	[UNIX] = { try_unix, 0, "socket(2) of AF_UNIX",
		   "RestrictAddressFamilies=", "RestrictAddressFamilies=AF_UNIX AF_NETLINK" },
};

/* What a child found: shared with it, so that nothing is lost when a filter kills it. */
struct findings {
	int tried; /* calls that were begun */
	int results[CALL_COUNT];
};

static bool is_needed(enum call c, bool userns)
{
	return c != (userns ? SETNS : UNSHARE_USER);
}

static void try_calls(bool userns, struct findings *f)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	for (enum call c = 0; c < CALL_COUNT; c++) {
		f->tried = (int)c + 1;
		f->results[c] = is_needed(c, userns) ? calls[c].call() : calls[c].wanted;
	}
	f->tried = CALL_COUNT + 1;
	_exit(0);
}

/* Debian's kernels look at this before they look at the flags, and say EPERM. */
static bool is_switched_off(void)
{
	char text[8];

	file_start(AT_FDCWD, "/proc/sys/kernel/unprivileged_userns_clone", 0, text, sizeof(text));
	return text[0] == '0';
}

/* Of a socket other errors than a filter's may come: of descriptors, of memory. */
static bool is_refusal(enum call c, int code)
{
	if (c == UNSHARE_USER && code == EPERM && is_switched_off())
		return false;
	if (c == UNIX)
		return code == EPERM || code == EACCES || code == EAFNOSUPPORT || code == ENOSYS;
	return code != calls[c].wanted;
}

static int refuse(enum call c, bool killed, bool userns, struct err *err)
{
	const char *line = calls[c].line, *setting = calls[c].setting;
	char unit[UNIT_NAME_MAX];

	if (!line || (c == SETNS && !killed)) {
		line = userns ? "RestrictNamespaces=user net mnt" : "RestrictNamespaces=net mnt";
		setting = "RestrictNamespaces=";
	}
	confined_unit(unit);
	if (!unit[0])
		return err_set(err, EPERM,
			       "start the program: a system call filter (seccomp) of who started "
			       "via-iface %s %s, which a launch needs",
			       killed ? "kills who calls" : "refuses", calls[c].name);
	err_set(err, EPERM, "start the program: the filter of %s in '%s' %s %s", setting, unit,
		killed ? "kills who calls" : "refuses", calls[c].name);
	return err_hint(err,
			"add the line '%s' to its section [Service] (`sudo systemctl edit %s`), or "
			"leave it as it is and put it into a named netns: via-iface-services(7)",
			line, unit);
}

int confined_check(bool userns, struct err *err)
{
	struct findings *f;
	int r = 0;
	int status = 0;
	bool killed;
	pid_t child;

	if (prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER)
		return 0;
	f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f == MAP_FAILED)
		return err_errno(err, errno, "find out what the system call filter lets pass");
	child = fork();
	if (child == 0)
		try_calls(userns, f);
	while (child > 0 && (r = waitpid(child, &status, 0)) < 0 && errno == EINTR)
		;
	/* the status is lost where the caller ignores SIGCHLD */
	killed = r < 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	r = 0;
	for (enum call c = 0; child > 0 && c < CALL_COUNT && r == 0; c++)
		if ((int)c + 1 == f->tried)
			r = killed ? refuse(c, true, userns, err) : 0;
		else if ((int)c + 1 < f->tried && is_refusal(c, f->results[c]))
			r = refuse(c, false, userns, err);
	munmap(f, sizeof(*f));
	return r;
}

/* --- the device ---------------------------------------------------------------------------- */

#define DISCARD_PORT 9

/*
 * A datagram that reaches the host and no router (one hop): an errno where it is not sent. The
 * address is one for documentation (RFC 5737, RFC 3849), which nobody has.
 */
static int send_one(int family)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_port = htons(DISCARD_PORT),
				    .sin_addr = { htonl(0xc0000201) } };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons(DISCARD_PORT),
				    .sin6_addr = { { { 0x20, 1, 0x0d, 0xb8, [15] = 1 } } } };
	const bool v4 = family == AF_INET;
	_cleanup_close_ int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int hops = 1;

	if (fd < 0 || setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
				 v4 ? IP_TTL : IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0)
		return errno;
	return result(sendto(fd, "", 1, MSG_NOSIGNAL,
			     v4 ? (struct sockaddr *)&four : (struct sockaddr *)&six,
			     v4 ? sizeof(four) : sizeof(six)));
}

void confined_warn_of_device(void)
{
	char unit[UNIT_NAME_MAX];

	confined_unit(unit);
	if (!unit[0] || (send_one(AF_INET) != EPERM && send_one(AF_INET6) != EPERM))
		return;
	fprintf(stderr,
		"via-iface: warning: a filter of '%s' drops what leaves by the session's eth0, and "
		"programs are not told: for RestrictNetworkInterfaces= add the empty line "
		"'RestrictNetworkInterfaces=' to its section [Service] (`sudo systemctl edit %s`), "
		"since the session leaves by its uplink alone; IPAddressDeny= drops what it "
		"names\n",
		unit, unit);
}
