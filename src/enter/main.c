/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-enter FD
 *
 * The only program with a file capability (cap_sys_admin, permitted), and so a small one. FD is
 * the memfd that via-iface filled. The phases, in this order and each once:
 *
 *   prepare   nothing is trusted: close this process to others, lower the capability where it is
 *             effective, fill descriptors 0-2, read the fixed-size part of the memfd, refuse
 *             sockets of the outside network
 *   ask       connect to the daemon, make sure that it is root's, send the request, wait; where
 *             no capability was granted, in a user namespace of our own (userns.c)
 *   keep      --keep, root only: give the netns a name outside
 *   enter     raise the capability; setns into the namespace that the daemon sent, and no other;
 *             the mounts inside; give up the capability, for good, and make sure of it. While it
 *             is raised nothing is printed
 *   listen    --host-port: sockets on the loopback addresses inside, for the helper outside
 *   become    only now read what the caller chose: arguments, environment; then exec in place
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/parse.h"
#include "etc/netns_name.h"
#include "launch/ask.h"
#include "launch/caps.h"
#include "launch/confined.h"
#include "launch/handover.h"
#include "launch/host_ports.h"
#include "launch/mounts.h"
#include "launch/program.h"
#include "launch/sockets.h"

static int prepare(int argc, char *argv[], int *ret_fd, struct handover *ret, struct err *err)
{
	uint32_t fd;
	int r;

	if (prctl(PR_SET_DUMPABLE, 0) <
	    0) /* until the exec, no other process may trace this one (PR_SET_DUMPABLE(2const)) */
		return err_errno(err, errno, "close this process to others");
	r = caps_lower(err);
	if (r < 0)
		return r;
	if (argc != 2 || parse_u32(argv[1], 3, 1u << 20, &fd) < 0)
		return err_set(
			err, EINVAL,
			"this program is started by via-iface, not by hand; see via-iface(1)");
	r = standard_files(err);
	if (r == 0)
		r = handover_read((int)fd, ret, err);
	if (r == 0 && fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		r = err_errno(err, errno, "keep the memfd from the program");
	if (r == 0 && ret->request.header.op == MSG_EXEC &&
	    fcntl(ret->netns, F_SETFD, FD_CLOEXEC) < 0)
		r = err_errno(err, errno, "keep the session's netns from the program");
	if (r == 0 && ret->report >= 3 && fcntl(ret->report, F_SETFD, FD_CLOEXEC) < 0)
		r = err_errno(err, errno, "keep the report's pipe from the program");
	if (r == 0 && ret->host_ports >= 3 && fcntl(ret->host_ports, F_SETFD, FD_CLOEXEC) < 0)
		r = err_errno(err, errno, "keep the helper's socket from the program");
	if (r == 0 && !ret->allow_sockets)
		r = sockets_check(err);
	*ret_fd = (int)fd;
	return r;
}

/*
 * --keep: the netns stays when its programs have ended, under a name that `ip netns` knows. Before
 * the mounts inside, which the host does not see; *ret_host_mounts leads back to where it does.
 */
static int keep(int netns, const struct msg_reply *reply, int *ret_host_mounts, struct err *err)
{
	_cleanup_close_ int host_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int r;

	if (host_mounts < 0)
		return err_errno(err, errno, "open the mount namespace");
	r = netns_name_add(netns, reply, err);
	if (r == 0)
		*ret_host_mounts = steal_fd(&host_mounts);
	return r;
}

/* Takes the name away again, from the mount namespace where it was given. */
static void unkeep(int host_mounts, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	if (setns(host_mounts, CLONE_NEWNS) < 0 || umount2(path, MNT_DETACH) < 0 ||
	    unlink(path) < 0)
		fprintf(stderr, "via-iface: '%s' stays behind: %s\n", path, strerror(errno));
}

/* Whom the caller named learns the session's id, and is not waited for. */
static int notify(const struct handover *h, const struct answer *a, struct err *err)
{
	int r;

	if (h->notify < 0)
		return 0;
	r = write_without_sigpipe(h->notify, &a->reply.id, sizeof(a->reply.id));
	if (r < 0)
		r = err_errno(err, -r, "tell the session's id to descriptor %d", h->notify);
	close(h->notify);
	return r;
}

/* Into the session's netns, unless we made it and are in it; then the mounts. */
static int enter(const struct answer *a, struct err *err)
{
	struct mount_texts texts = { 0 };
	int r = mounts_prepare(&a->reply, &texts, err);
	struct stat st;

	if (a->netns >= 0 && fstat(a->netns, &st) == 0 && netns_is_named(a->reply.name, st.st_ino))
		texts.netns_name = a->reply.name;
	if (r == 0)
		r = caps_raise(err);
	if (r == 0 && a->netns >= 0 && setns(a->netns, CLONE_NEWNET) < 0)
		r = err_errno(err, errno, "enter the session's netns");
	if (r == 0)
		r = mounts_make(&texts, err);
	mounts_done(&texts);
	if (r == 0)
		r = caps_drop(err);
	return r;
}

/* What the kernel took away when this program was started with more than its caller had. */
static void put_back(const struct handover *h)
{
	struct rlimit now = { 0 };

	if (getrlimit(RLIMIT_STACK, &now) == 0 && now.rlim_cur != h->stack.rlim_cur &&
	    h->stack.rlim_cur <= now.rlim_max) {
		now.rlim_cur = h->stack.rlim_cur;
		setrlimit(RLIMIT_STACK, &now);
	}
	if ((uint32_t)personality(0xffffffff) != h->personality)
		personality(h->personality);
	if (h->death_signal > 0)
		prctl(PR_SET_PDEATHSIG, h->death_signal);
}

/* As execvp(3), with the PATH of the environment that is handed over. */
static int exec_in_path(const char *file, char *const argv[], char *const envp[])
{
	const char *path = "/bin:/usr/bin"; /* confstr(_CS_PATH) */
	int code = ENOENT;

	for (size_t i = 0; envp[i]; i++)
		if (!strncmp(envp[i], "PATH=", 5)) {
			path = envp[i] + 5;
			break;
		}
	if (strchr(file, '/')) {
		execve(file, argv, envp);
		return errno;
	}
	for (;;) {
		size_t len = strcspn(path, ":");
		_cleanup_free_ char *full = malloc(len + strlen(file) + 3);

		if (!full)
			return ENOMEM;
		if (len)
			sprintf(full, "%.*s/%s", (int)len, path, file);
		else
			sprintf(full, "./%s", file); /* an empty entry is the working directory */
		execve(full, argv, envp);
		if (errno != ENOENT && errno != ENOTDIR)
			code = errno;
		if (code != ENOENT && code != EACCES)
			return code;
		if (!path[len])
			return code;
		path += len + 1;
	}
}

/* A script without "#!": what execvp(3) and every shell do with it. */
static int exec_shell(const char *file, char *const argv[], char *const envp[])
{
	_cleanup_free_ char **shell = NULL;
	size_t n = 0;

	while (argv[n])
		n++;
	shell = calloc(n + 2, sizeof(*shell));
	if (!shell)
		return ENOMEM;
	shell[0] = (char *)"/bin/sh";
	shell[1] = (char *)file;
	for (size_t i = 1; i < n; i++)
		shell[i + 1] = argv[i];
	execve(shell[0], shell, envp);
	return errno;
}

/* Returns only when the program could not be started, with the exit status. */
static int become(int fd, const struct handover *h, struct err *err)
{
	_cleanup_free_ char **argv = NULL, **envp = NULL;
	_cleanup_free_ char *bytes = NULL;
	int code, r = handover_read_strings(fd, h, &argv, &envp, &bytes, err);

	put_back(h);
	if (r == 0)
		r = handover_become_user(&h->user, err);
	if (r < 0)
		return EXIT_VIA_FAILED;
	code = exec_in_path(argv[0], argv, envp);
	if (code == ENOEXEC && strchr(argv[0], '/'))
		code = exec_shell(argv[0], argv, envp);
	err_errno(err, code, "run '%s'", argv[0]);
	if (code == ENOENT)
		err_hint(err, "there is no such program");
	return code == ENOENT ? EXIT_VIA_NOT_FOUND : EXIT_VIA_NOT_EXEC;
}

/*
 * --host-port: without the capability, and before the program runs. A session that was joined has
 * them already, unless their helper has ended.
 */
static int serve_host_ports(const struct handover *h, const struct answer *a, struct err *err)
{
	if (h->host_ports < 0 || h->request.header.op != MSG_RUN)
		return 0;
	return host_ports_hand_over(h->host_ports, &h->request.run.request.host_ports, a->reply.id,
				    a->reply.header.op == MSG_EXEC, err);
}

static int run(int fd, const struct handover *h, struct err *err)
{
	_cleanup_close_ int host_mounts = -1;
	struct answer a = { .netns = -1 };
	int status = EXIT_VIA_FAILED;

	if (ask(h, &a, err) < 0 || notify(h, &a, err) < 0)
		return EXIT_VIA_FAILED;
	if (a.reply.header.op == MSG_RUN && h->request.run.request.flags & SESSION_KEEP &&
	    keep(a.netns, &a.reply, &host_mounts, err) < 0)
		return EXIT_VIA_FAILED;
	if (enter(&a, err) == 0) {
		if (!h->quiet)
			confined_warn_of_device();
		if (h->verbose)
			print_error_line(a.reply.text);
		close_fd(&a.netns); /* it would keep the namespace alive behind the program */
		if (serve_host_ports(h, &a, err) == 0)
			status = become(fd, h, err);
	}
	if (host_mounts >= 0)
		unkeep(host_mounts, a.reply.name);
	return status;
}

int main(int argc, char *argv[])
{
	struct err err = { 0 }, no_more_told = { 0 };
	struct handover h = { 0 };
	int fd = -1, status = EXIT_VIA_FAILED;

	if (prepare(argc, argv, &fd, &h, &err) == 0)
		status = run(fd, &h, &err);
	/*
	 * Standard error is the caller's: a write to it may wait as long as they like, and nothing
	 * waits with the capability raised, as it is when a step of enter() failed.
	 */
	caps_drop(&no_more_told);
	print_error_line(err.text);
	if (h.report >= 3)
		(void)write_without_sigpipe(h.report, err.text, strlen(err.text));
	return status;
}
