/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter is a list of what is allowed. It is longer than what the daemon calls today on one
 * machine, since the C library chooses among several calls for one thing (fstat or newfstatat,
 * poll or ppoll), and differs from version to version. What is not on it and may be tried as a
 * matter of course, to fall back when it fails, gets an error; anything else ends the process.
 */
#include "daemon/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "config.h"

int sandbox_capabilities(struct err *err)
{
#ifndef VIA_SANITIZED
	bool bounds = capng_get_caps_process() == 0 &&
		      capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) > 0;
	int r;

	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
		      CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, -1);
	/* a service manager has taken CAP_SETPCAP, and narrowed the bounding set itself */
	r = capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
	if (r < 0) {
		err_set(err, EPERM,
			"drop capabilities: libcap-ng says %d; the daemon needs "
			"CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN",
			r);
		return err_hint(err, "start it as root");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "set no_new_privs");
#else
	(void)err;
#endif
	return 0;
}

#if defined(VIA_SECCOMP) && !defined(VIA_SANITIZED)
#include <seccomp.h>

/* What fork(3) asks for; the flags' place differs on one machine (clone(2)). */
#define CHILD_FLAGS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | 0xff)
#ifdef __s390__
#define CLONE_FLAGS SCMP_A1
#else
#define CLONE_FLAGS SCMP_A0
#endif

/* Names with spaces between. */
static const char allowed[] =
	/* files */
	"access faccessat faccessat2 open openat close close_range read readv pread64 write "
	"writev pwrite64 lseek _llseek stat stat64 fstat fstat64 lstat lstat64 newfstatat "
	"fstatat64 statx statfs statfs64 fstatfs fstatfs64 readlink readlinkat getdents "
	"getdents64 mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat "
	"chmod fchmod fchmodat flock fsync fdatasync ftruncate ftruncate64 dup dup2 dup3 "
	"fcntl fcntl64 getcwd umask inotify_init1 inotify_add_watch inotify_rm_watch "
	"memfd_create name_to_handle_at getxattr fgetxattr fadvise64 fadvise64_64 "
	/* sockets; which kinds stands below */
	"bind connect listen accept accept4 getsockname getpeername setsockopt getsockopt "
	"send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 shutdown "
	"socketpair "
	/* waiting, time, signals */
	"poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create1 "
	"epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2 pipe pipe2 signalfd4 "
	"timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64 "
	"clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep "
	"clock_nanosleep_time64 nanosleep gettimeofday time rt_sigaction rt_sigprocmask "
	"rt_sigreturn sigreturn rt_sigtimedwait rt_sigtimedwait_time64 rt_sigpending "
	"sigaltstack restart_syscall "
	"fork wait4 waitpid kill tgkill pidfd_open futex futex_time64 set_robust_list rseq "
	"membarrier "
	"sched_yield sched_getaffinity "
	/* memory; executable memory stands below */
	"brk munmap mremap madvise mlock munlock "
	/* who we are */
	"getpid gettid getppid getuid getuid32 geteuid geteuid32 getgid getgid32 getegid "
	"getegid32 getgroups getgroups32 getresuid getresuid32 getresgid getresgid32 uname "
	"sysinfo getrandom getrlimit ugetrlimit prlimit64 getrusage capget getpriority "
	/* the end */
	"exit exit_group";

/* A library that tries these goes another way without them. */
static const char refused[] =
	"clone3 openat2 statmount listmount io_uring_setup keyctl add_key execve execveat "
	"futex_waitv fchmodat2 cachestat mseal map_shadow_stack";

/* n is 1 when it depends on an argument, else 0. */
static int rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned int n,
		struct scmp_arg_cmp arg)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0; /* newer than this libseccomp, or not on this machine */
	return seccomp_rule_add_array(filter, action, number, n, &arg);
}

static int plain_rules(scmp_filter_ctx filter, uint32_t action, const char *names)
{
	const struct scmp_arg_cmp none = { 0 };
	char name[32];
	int r = 0;

	for (size_t len; *names && r == 0; names += len + strspn(names + len, " ")) {
		len = strcspn(names, " ");
		snprintf(name, sizeof(name), "%.*s", (int)len, names);
		r = rule(filter, action, name, 0, none);
	}
	return r;
}

/*
 * Address families. Where the machine has socketcall(2) (i386, s390x), its arguments are in memory,
 * which no filter reads, and the C library may use it for each socket: libseccomp gives a rule for
 * socket(2) to both, without the family. Of two families with two actions the second rule is
 * refused with EEXIST, so that every family is allowed there.
 */
static int socket_rules(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp none = { 0 };
	int r;

	if (seccomp_syscall_resolve_name("socketcall") >= 0)
		return rule(filter, SCMP_ACT_ALLOW, "socket", 0, none);
	r = rule(filter, SCMP_ACT_ALLOW, "socket", 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (r == 0)
		r = rule(filter, SCMP_ACT_ALLOW, "socket", 1, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
	if (r == 0) /* for `via-iface capture`; the next family after AF_NETLINK */
		r = rule(filter, SCMP_ACT_ALLOW, "socket", 1, SCMP_A0(SCMP_CMP_EQ, AF_PACKET));
	/* name services of all kinds may want the network: they are told that there is none */
	for (unsigned int family = 0; family < AF_NETLINK && r == 0; family++)
		if (family != AF_UNIX)
			r = rule(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", 1,
				 SCMP_A0(SCMP_CMP_EQ, family));
	if (r == 0)
		r = rule(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", 1,
			 SCMP_A0(SCMP_CMP_GT, AF_PACKET));
	return r;
}

static int rules(scmp_filter_ctx filter)
{
	const struct {
		const char *name;
		struct scmp_arg_cmp arg;
	} bounded[] = {
		/* the host's netns and the sessions', nothing else */
		{ "unshare", SCMP_A0(SCMP_CMP_EQ, CLONE_NEWNET) },
		{ "setns", SCMP_A1(SCMP_CMP_EQ, CLONE_NEWNET) },
		/* nothing that could be written becomes a program; libraries may still be loaded */
		{ "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0) },
		{ "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE) },
		{ "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC) },
		{ "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0) },
		{ "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE) },
		{ "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC) },
		{ "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		/* asking about namespaces and files; no terminal is pushed input into */
		{ "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffff00, 0xb700) }, /* NSIO */
		{ "ioctl", SCMP_A1(SCMP_CMP_EQ, 0x541b) },                    /* FIONREAD */
		{ "ioctl", SCMP_A1(SCMP_CMP_EQ, 0x5401) },     /* TCGETS: isatty(3) */
		{ "ioctl", SCMP_A1(SCMP_CMP_EQ, 0x802c542a) }, /* TCGETS2: the same, newer */
		/* children that take what peers send (fd_receive.c), and nothing but children */
		{ "clone", CLONE_FLAGS(SCMP_CMP_MASKED_EQ, ~(uint64_t)CHILD_FLAGS, 0) },
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME) },
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME) },
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_CAPBSET_READ) },
	};
	int r = plain_rules(filter, SCMP_ACT_ALLOW, allowed);

	for (size_t i = 0; i < ARRAY_SIZE(bounded) && r == 0; i++)
		r = rule(filter, SCMP_ACT_ALLOW, bounded[i].name, 1, bounded[i].arg);
	if (r == 0)
		r = plain_rules(filter, SCMP_ACT_ERRNO(ENOSYS), refused);
	if (r == 0)
		r = socket_rules(filter);
	return r;
}

int sandbox_calls(struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return err_errno(err, ENOMEM, "make the system call filter");
	r = rules(filter);
	if (r < 0) {
		seccomp_release(filter);
		return err_errno(err, -r, "make the system call filter");
	}
	r = seccomp_load(filter);
	seccomp_release(filter);
	if (r == -EINVAL || r == -ENOSYS || r == -ECANCELED)
		return 0; /* CONFIG_SECCOMP_FILTER */
	return r < 0 ? err_errno(err, -r, "load the system call filter") : 0;
}
#else
int sandbox_calls(struct err *err)
{
	(void)err;
	return 0;
}
#endif
