/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xdg-dbus-proxy for a session, and the helper that ends it.
 *
 *	via-iface ── fork ── fork ── helper ── fork, exec ── xdg-dbus-proxy
 *	    └─ exec via-iface-enter ─ exec the program
 *
 * The program must not find children that it did not make: so two forks, and the helper is left
 * to init. One line (a socket pair) leads from the launch to the helper: the helper says on it
 * that the proxy serves, and enter says which session it became. From then on the helper waits for
 * the end of that session's port, which is the end of its netns. It never looks at the program.
 *
 * Should the helper be killed, then the proxy goes too (it watches the helper's end of a pipe), and
 * the directory is removed by the next helper: it holds no lock any more.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/files.h"
#include "base/link_watch.h"
#include "launch/bus.h"
#include "launch/notify_relay.h"
#include "launch/program.h"
#include "model/session.h"

#define READY_MS 2000
#define LEAVE_MS 500 /* from closing the proxy's descriptor, at which it ends, to SIGKILL */

#define DIR_PREFIX   "via-iface-"
#define DIR_TEMPLATE DIR_PREFIX "XXXXXX"
#define SOCKET_NAME  "bus%zu"
#define NOTIFY_NAME  "notify"

static_assert(BUS_DIR_MAX + sizeof("/bus4294967295") <= sizeof(((struct sockaddr_un *)0)->sun_path),
	      "the path of a socket");

void bus_socket(const char *dir, size_t i, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/" SOCKET_NAME, dir, i);
}

void bus_notify_socket(const char *dir, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/" NOTIFY_NAME, dir);
}

/* What the helper says when the proxy serves, or cannot. */
struct answer {
	int32_t code; /* 0, or the errno that goes with text */
	char dir[BUS_DIR_MAX];
	char text[ERR_TEXT_MAX];
};

struct helper {
	int line;            /* to the launch, until that has said which session it is */
	int signals;         /* those that end us, SIGCHLD of the proxy among them */
	int links;           /* link_watch_open() */
	char port[IFNAMSIZ]; /* the session's, once it is known */
	unsigned int port_index;
	char dir[BUS_DIR_MAX];
	int lock;     /* the directory, locked while we live */
	int proxy_fd; /* the proxy ends when this is closed */
	pid_t proxy;
	struct notify_relay notify;
};

/* --- the directory ------------------------------------------------------------------------- */

static void remove_dir(int dir, const char *path)
{
	char name[32];

	for (size_t i = 0;; i++) {
		snprintf(name, sizeof(name), SOCKET_NAME, i);
		if (unlinkat(dir, name, 0) < 0)
			break;
	}
	unlinkat(dir, NOTIFY_NAME, 0);
	rmdir(path);
}

/* Removes what killed helpers of ours left: private directories that nobody holds locked. */
static void sweep(const char *base)
{
	DIR *d = opendir(base);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		_cleanup_close_ int dir = -1;
		char path[PATH_MAX];
		struct stat st;

		if (strncmp(entry->d_name, DIR_PREFIX, strlen(DIR_PREFIX)) != 0 ||
		    strlen(entry->d_name) != strlen(DIR_TEMPLATE))
			continue;
		snprintf(path, sizeof(path), "%s/%s", base, entry->d_name);
		dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == geteuid() &&
		    (st.st_mode & 07777) == 0700 && flock(dir, LOCK_EX | LOCK_NB) == 0)
			remove_dir(dir, path);
	}
	if (d)
		closedir(d);
}

/* XDG_RUNTIME_DIR when it is ours alone to write, and short enough; else /tmp. */
static const char *find_base(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (dir && dir[0] == '/' && strlen(dir) + sizeof("/" DIR_TEMPLATE) <= BUS_DIR_MAX &&
	    stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & 022))
		return dir;
	return "/tmp";
}

/* Another helper's sweep may take a directory away before it is locked; then anew. */
static int make_dir(struct helper *h, struct err *err)
{
	const char *base = find_base();

	sweep(base);
	for (;;) {
		_cleanup_close_ int dir = -1;
		struct stat st;

		snprintf(h->dir, sizeof(h->dir), "%s/" DIR_TEMPLATE, base);
		if (!mkdtemp(h->dir))
			return err_errno(err, errno, "make a directory in '%s'", base);
		dir = open(h->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir < 0 && errno == ENOENT)
			continue;
		if (dir < 0 || flock(dir, LOCK_EX) < 0 || fstat(dir, &st) < 0) {
			err_errno(err, errno, "lock directory '%s'", h->dir);
			rmdir(h->dir);
			return -err->code;
		}
		if (st.st_nlink) {
			h->lock = steal_fd(&dir);
			return 0;
		}
	}
}

/* --- the helper ---------------------------------------------------------------------------- */

/* Drops everything inherited: descriptors, working directory, terminal, signal handlers. */
static int detach(int line, struct helper *ret, struct err *err)
{
	struct helper h = { .line = 3, .lock = -1, .proxy_fd = -1, .notify.fd = -1 };
	sigset_t ending;
	int r = dup2(line, h.line) < 0 ? -errno : detach_leave(h.line, 077);

	if (r < 0)
		return err_errno(err, -r, "leave what was inherited");
	if (fcntl(h.line, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(err, errno, "keep a socket from the proxy");
	prctl(PR_SET_NAME, "via-iface-bus");
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	h.signals = signalfd(-1, &ending, SFD_CLOEXEC);
	if (h.signals < 0)
		return err_errno(err, errno, "wait for signals");
	*ret = h;
	return 0;
}

/* argv of the proxy: --fd=N, then pairs of an address and a path. */
static char **proxy_argv(const struct helper *h, int fd, const char *const addresses[], size_t n)
{
	char **argv = calloc(2 * n + 3, sizeof(*argv));
	char path[PATH_MAX];

	if (!argv || asprintf(&argv[1], "--fd=%d", fd) < 0)
		return NULL;
	argv[0] = (char *)BUS_PROXY_PROGRAM;
	for (size_t i = 0; i < n; i++) {
		bus_socket(h->dir, i, path);
		argv[2 + 2 * i] = (char *)addresses[i];
		argv[3 + 2 * i] = strdup(path);
		if (!argv[3 + 2 * i])
			return NULL;
	}
	return argv;
}

static int start_proxy(struct helper *h, const char *program, const char *const addresses[],
		       size_t n, struct err *err)
{
	sigset_t none;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	h->proxy = fork();
	if (h->proxy == 0) {
		char **argv = proxy_argv(h, ends[1], addresses, n);

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (argv && fcntl(ends[1], F_SETFD, 0) == 0)
			execv(program, argv);
		_exit(EXIT_VIA_NOT_FOUND);
	}
	close(ends[1]);
	h->proxy_fd = ends[0];
	return h->proxy < 0 ? err_errno(err, errno, "start '%s'", program) : 0;
}

static int listen_to_links(struct helper *h, struct err *err)
{
	h->links = link_watch_open();
	return h->links < 0 ? err_errno(err, -h->links, "listen to links on a netlink socket") : 0;
}

static void answer(const struct helper *h, const struct err *err)
{
	struct answer a = { .code = err->code };

	snprintf(a.dir, sizeof(a.dir), "%s", h->dir);
	snprintf(a.text, sizeof(a.text), "%s", err->text);
	(void)send(h->line, &a, sizeof(a), MSG_NOSIGNAL);
}

/* Whether there is a session; its port may be gone already. */
static bool take_session(struct helper *h)
{
	uint32_t id;
	ssize_t n = recv(h->line, &id, sizeof(id), 0);

	close_fd(&h->line);
	if (n != sizeof(id))
		return false;
	session_port(id, h->port);
	h->port_index = if_nametoindex(h->port);
	return true;
}

static bool is_over(const struct helper *h)
{
	return h->port[0] && link_watch_gone(h->links, h->port, h->port_index);
}

/* Returns when the session is over, the launch failed, the proxy ended or a signal came. */
static void serve(struct helper *h)
{
	enum { LINE, SIGNALS, LINKS, PROXY, NOTIFY, N };
	const struct err fine = { 0 };
	char ready;

	for (;;) {
		struct pollfd p[N] = { [LINE] = { .fd = h->line, .events = POLLIN },
				       [SIGNALS] = { .fd = h->signals, .events = POLLIN },
				       [LINKS] = { .fd = h->links, .events = POLLIN },
				       [PROXY] = { .fd = h->proxy_fd, .events = POLLIN },
				       [NOTIFY] = { .fd = h->notify.fd, .events = POLLIN } };

		if (poll(p, N, -1) < 0 && errno != EINTR)
			return;
		if (h->notify.fd >= 0) /* also what was sent before the end */
			notify_relay_pass(&h->notify);
		if (p[SIGNALS].revents)
			return;
		if (p[PROXY].revents) { /* one byte when it serves */
			if (read(h->proxy_fd, &ready, 1) != 1)
				return;
			answer(h, &fine);
		}
		if (p[LINE].revents && !take_session(h))
			return;
		if ((p[LINE].revents || p[LINKS].revents) && is_over(h))
			return;
	}
}

static void end_proxy(struct helper *h)
{
	struct pollfd p = { .fd = h->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	close_fd(&h->proxy_fd);
	while (h->proxy > 0 && waitpid(h->proxy, NULL, WNOHANG) == 0) {
		if (poll(&p, 1, LEAVE_MS) == 1 && read(h->signals, &info, sizeof(info)) > 0)
			continue; /* SIGCHLD, or one more signal to end */
		kill(h->proxy, SIGKILL);
		waitpid(h->proxy, NULL, 0);
		break;
	}
	if (h->lock >= 0)
		remove_dir(h->lock, h->dir);
}

static int open_notify(struct helper *h, const char *address, struct err *err)
{
	char path[PATH_MAX];

	if (!address)
		return 0;
	bus_notify_socket(h->dir, path);
	return notify_relay_open(address, path, &h->notify, err);
}

static void help(int line, const char *program, const char *const addresses[], size_t n,
		 const char *notify, const struct handover_user *user)
{
	struct helper h = { .line = line, .lock = -1, .proxy_fd = -1, .notify.fd = -1 };
	struct err err = { 0 };

	/* A bus takes a client only when its user is the one that it says: so must the proxy be. */
	if (detach(line, &h, &err) < 0 || handover_become_user(user, &err) < 0 ||
	    listen_to_links(&h, &err) < 0 || make_dir(&h, &err) < 0 ||
	    open_notify(&h, notify, &err) < 0 ||
	    (n && start_proxy(&h, program, addresses, n, &err) < 0)) {
		answer(&h, &err);
	} else {
		if (!n) /* else when the proxy serves */
			answer(&h, &err);
		serve(&h);
	}
	end_proxy(&h);
	_exit(0);
}

/* --- the launch's side --------------------------------------------------------------------- */

static int find_proxy(char ret[PATH_MAX], struct err *err)
{
	const char *path = getenv("PATH");

	if (!path)
		path = "/bin:/usr/bin"; /* confstr(_CS_PATH) */
	for (;; path++) {
		size_t len = strcspn(path, ":");

		if (len &&
		    snprintf(ret, PATH_MAX, "%.*s/" BUS_PROXY_PROGRAM, (int)len, path) < PATH_MAX &&
		    access(ret, X_OK) == 0)
			return 0;
		path += len;
		if (!*path)
			return err_set(err, ENOENT, BUS_PROXY_PROGRAM " is not in PATH");
	}
}

static int await_answer(int line, char dir[BUS_DIR_MAX], struct err *err)
{
	struct answer a;

	if (wait_readable(line, READY_MS) <= 0)
		return err_set(err, ETIMEDOUT, BUS_PROXY_PROGRAM " was not ready within %d s",
			       READY_MS / 1000);
	if (recv(line, &a, sizeof(a), 0) != sizeof(a))
		return err_set(err, ECHILD, BUS_PROXY_PROGRAM " ended at once");
	if (a.code)
		return err_set(err, a.code, "%s", a.text);
	memcpy(dir, a.dir, BUS_DIR_MAX);
	return 0;
}

int bus_proxy_start(const char *const addresses[], size_t n, const char *notify,
		    const struct handover_user *user, char ret_dir[BUS_DIR_MAX], int *ret_notify,
		    struct err *err)
{
	_cleanup_close_ int line = -1;
	char program[PATH_MAX], dir[BUS_DIR_MAX];
	int r = n ? find_proxy(program, err) : 0;

	if (r < 0)
		return r;
	r = detach_fork_with_line(&line);
	if (r < 0)
		return err_errno(err, -r, "start a helper");
	if (r == 0) {
		help(line, program, addresses, n, notify, user);
		_exit(0);
	}
	r = await_answer(line, dir, err);
	if (r < 0)
		return r;
	r = detach_inherit(line);
	if (r < 0)
		return err_errno(err, -r, "keep a socket for via-iface-enter");
	memcpy(ret_dir, dir, BUS_DIR_MAX);
	*ret_notify = r;
	return 0;
}
