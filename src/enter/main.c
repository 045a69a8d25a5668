/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-enter FD
 *
 * The only program with a file capability (cap_sys_admin, permitted), and so a small one. FD is
 * the memfd that via-iface filled. The phases, in this order and each once:
 *
 *   prepare   nothing is trusted: fill descriptors 0-2, read the fixed-size part of the memfd
 *   ask       connect to the daemon, make sure that it is root's, send the request, wait
 *   enter     setns into the namespace that the daemon sent, and no other; the mounts inside
 *   drop      give up the capability, for good, and make sure of it
 *   become    only now read what the caller chose: arguments, environment; then exec in place
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "config.h"
#include "enter/mounts.h"
#include "ipc/handover.h"
#include "ipc/sock.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

#define EXIT_FAILED    125 /* before the program ran */
#define EXIT_NOT_EXEC  126
#define EXIT_NOT_FOUND 127

#define NETNS_DIR "/run/netns" /* iproute2 include/namespace.h */

#define BUSY_TRY_MS 50
#define BUSY_TRIES  120 /* 6 s: more than the daemon gives a silent client */

static int fail(const struct err *err)
{
	fprintf(stderr, "via-iface: %s\n", err->text);
	return EXIT_FAILED;
}

/* A program may be started with 0, 1 or 2 closed; nothing of ours may end up there. */
static int fill_standard(struct err *err)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return err_errno(err, errno, "open /dev/null");
		if (fd > 2) {
			close(fd);
			return 0;
		}
	}
}

static int prepare(int argc, char *argv[], int *ret_fd, struct handover *ret, struct err *err)
{
	uint32_t fd;
	int r;

	if (argc != 2 || parse_u32(argv[1], 3, 1u << 20, &fd) < 0)
		return err_set(
			err, EINVAL,
			"this program is started by via-iface, not by hand; see via-iface(1)");
	r = fill_standard(err);
	if (r == 0)
		r = handover_read((int)fd, ret, err);
	if (r == 0 && fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		r = err_errno(err, errno, "keep the memfd from the program");
	*ret_fd = (int)fd;
	return r;
}

/* What the daemon sent must be a netns, and the daemon must be root. */
static int check_netns(int fd, struct err *err)
{
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return err_set(err, EBADMSG, "take over the session: the daemon sent no netns");
	return 0;
}

static int ask_once(const struct handover *h, struct msg_reply *reply, int *ret_netns,
		    struct err *err)
{
	_cleanup_close_ int fd = sock_connect(VIA_RUNDIR "/socket", err);
	struct ucred peer = { 0 };
	ssize_t n;
	int r = fd;

	if (r >= 0)
		r = sock_peer(fd, &peer, err);
	if (r < 0)
		return r;
	if (peer.uid != 0)
		return err_set(err, EPERM,
			       "trust the daemon at " VIA_RUNDIR
			       "/socket: it runs as uid %u, not as "
			       "root",
			       peer.uid);
	r = sock_send(fd, &h->request, sizeof(h->request), -1);
	if (r < 0 && r != -EPIPE) /* a busy daemon answers without listening */
		return err_errno(err, -r, "send the request to the daemon");
	n = sock_recv(fd, reply, sizeof(*reply), ret_netns);
	if (n == -ECONNRESET) /* our request was not read, but the answer may be there */
		n = sock_recv(fd, reply, sizeof(*reply), ret_netns);
	if (n <= 0)
		return err_set(err, n ? (int)-n : ECONNRESET,
			       "wait for the daemon's answer: it hung up; see its log");
	if (msg_reply_check(reply, (size_t)n) < 0)
		return err_set(err, EBADMSG,
			       "read the daemon's answer: it is of another version; restart it");
	return 0;
}

static int ask(const struct handover *h, struct msg_reply *ret_reply, int *ret_netns,
	       struct err *err)
{
	const struct timespec pause = { .tv_nsec = BUSY_TRY_MS * 1000000L };

	for (int i = 0; i < BUSY_TRIES; i++) {
		_cleanup_close_ int netns = -1;
		struct msg_reply reply = { 0 };
		int r = ask_once(h, &reply, &netns, err);

		if (r < 0)
			return r;
		if (reply.status == MSG_BUSY) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (reply.status != MSG_OK)
			return err_set(err, ECANCELED, "%s", reply.text);
		r = check_netns(netns, err);
		if (r < 0)
			return r;
		if (h->verbose)
			fprintf(stderr, "via-iface: %s\n", reply.text);
		*ret_reply = reply;
		*ret_netns = steal_fd(&netns);
		return 0;
	}
	return err_set(err, EBUSY, "ask the daemon: it stayed busy for 5 s; try again");
}

static int raise(struct err *err)
{
	capng_get_caps_process();
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_SYS_ADMIN) < 0 ||
	    capng_apply(CAPNG_SELECT_CAPS) < 0) {
		err_set(err, EPERM, "raise cap_sys_admin: it was not granted to via-iface-enter");
		return err_hint(err,
				"it needs the file capability cap_sys_admin=p; run as root, or "
				"install it");
	}
	return 0;
}

/*
 * --keep: the netns stays when its programs have ended, under a name that `ip netns` knows. The
 * directory is shared with all mount namespaces, as ip-netns(8) makes it.
 */
static int keep(int netns, const char *name, struct err *err)
{
	char path[PATH_MAX], source[32];
	int fd;

	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make directory '" NETNS_DIR "'");
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0 &&
	    (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0 ||
	     mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0))
		return err_errno(err, errno, "share directory '" NETNS_DIR "'");
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", netns);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_errno(err, errno, "keep the netns as '%s'", path);
	close(fd);
	if (mount(source, path, "none", MS_BIND, NULL) < 0) {
		err_errno(err, errno, "keep the netns as '%s'", path);
		unlink(path);
		return -err->code;
	}
	return 0;
}

static int enter(const struct handover *h, const struct msg_reply *reply, int netns,
		 struct err *err)
{
	struct mount_texts texts = { 0 };
	int r = mounts_prepare(&reply->names, &texts, err);

	if (r == 0)
		r = raise(err);
	if (r == 0 && h->request.request.flags & SESSION_KEEP)
		r = keep(netns, reply->name, err);
	if (r == 0 && setns(netns, CLONE_NEWNET) < 0)
		r = err_errno(err, errno, "enter the session's netns");
	if (r == 0)
		r = mounts_make(&texts, err);
	mounts_done(&texts);
	return r;
}

/*
 * Root has its capabilities from being root, and gets them back at the exec. Anybody else has
 * what the file gave: permitted and effective are emptied; inheritable and bounding stay.
 */
static int drop(struct err *err)
{
	if (geteuid() == 0)
		return 0;
	capng_get_caps_process();
	capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN, -1);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(err, EPERM, "drop cap_sys_admin");
	capng_get_caps_process();
	if (capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN) ||
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return err_set(err, EPERM, "drop cap_sys_admin: it is still there");
	return 0;
}

/* --user: root gives itself up, for good. */
static int switch_user(const struct handover_user *u, struct err *err)
{
	gid_t groups[HANDOVER_GROUPS_MAX];

	if (!u->wanted)
		return 0;
	for (uint32_t i = 0; i < u->n_groups; i++)
		groups[i] = u->groups[i];
	if (setgroups(u->n_groups, groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return err_errno(err, errno, "become uid %u", u->uid);
	return 0;
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

static int become(int fd, const struct handover *h, struct err *err)
{
	char **argv, **envp, *bytes;
	int code, r = handover_read_strings(fd, h, &argv, &envp, &bytes, err);

	if (r < 0)
		return fail(err);
	put_back(h);
	if (switch_user(&h->user, err) < 0)
		return fail(err);
	code = exec_in_path(argv[0], argv, envp);
	if (code == ENOEXEC && strchr(argv[0], '/'))
		code = exec_shell(argv[0], argv, envp);
	err_errno(err, code, "run '%s'", argv[0]);
	if (code == ENOENT)
		err_hint(err, "there is no such program");
	free(argv);
	free(envp);
	free(bytes);
	fail(err);
	return code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXEC;
}

int main(int argc, char *argv[])
{
	struct err err = { 0 };
	struct handover h = { 0 };
	struct msg_reply reply = { 0 };
	int fd = -1, netns = -1;

	if (prepare(argc, argv, &fd, &h, &err) < 0 || ask(&h, &reply, &netns, &err) < 0 ||
	    enter(&h, &reply, netns, &err) < 0 || drop(&err) < 0)
		return fail(&err);
	close(netns); /* a descriptor would keep the namespace alive behind the program */
	return become(fd, &h, &err);
}
