/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/manager.h"
#include "daemon/persons.h"
#include "ipc/msg.h"
#include "ipc/sock.h"

#define REFUSE_MS 2000 /* for telling clients why the daemon cannot start */

void lifecycle_init(struct lifecycle *l, const struct server_options *options)
{
	*l = (struct lifecycle){
		.options = options, .lock_fd = -1, .listen_fd = -1, .watch_fd = -1
	};
	snprintf(l->socket_path, sizeof(l->socket_path), "%s/socket", options->rundir);
}

static bool own_socket(const struct lifecycle *l)
{
	return l->options->socket_fd < 0;
}

int lifecycle_lock(struct lifecycle *l, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	const char *dir = l->options->rundir;

	if (mkdir(dir, 0711) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make directory '%s'", dir);
	l->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (l->lock_fd < 0)
		return err_errno(err, errno, "open directory '%s'", dir);
	/* who can open it could hold the lock; its files can be reached without that */
	if (fchmod(l->lock_fd, 0711) < 0)
		return err_errno(err, errno, "close directory '%s' to others", dir);
	while (flock(l->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		_cleanup_close_ int other = -1;

		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, errno, "lock directory '%s'", dir);
		/* with a manager's socket it is us who answer, so the other is about to exit */
		if (own_socket(l))
			other = sock_connect(l->socket_path, NULL);
		if (other >= 0)
			return err_set(err, EALREADY, "another daemon serves '%s'", dir);
		nanosleep(&pause, NULL); /* flock(2) has no event; the other starts or exits */
	}
	return 0;
}

/* Without its file no client finds the socket. */
static void watch_socket(struct lifecycle *l)
{
	struct stat st;

	if (lstat(l->socket_path, &st) < 0)
		return;
	l->socket_dev = st.st_dev;
	l->socket_ino = st.st_ino;
	if (l->watch_fd >= 0)
		return;
	l->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->watch_fd >= 0 &&
	    inotify_add_watch(l->watch_fd, l->options->rundir,
			      IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) < 0)
		close_fd(&l->watch_fd);
}

int lifecycle_listen(struct lifecycle *l, struct err *err)
{
	if (!own_socket(l) && l->listen_fd >= 0)
		return 0;
	close_fd(&l->listen_fd);
	l->listen_fd = own_socket(l) ? sock_listen(l->socket_path, err) : l->options->socket_fd;
	if (l->listen_fd < 0)
		return l->listen_fd;
	if (fcntl(l->listen_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, errno, "make the socket non-blocking");
	sock_pass_rights(l->listen_fd, false); /* where the kernel has SO_PASSRIGHTS */
	if (own_socket(l))
		watch_socket(l);
	return 0;
}

void lifecycle_unlink(const struct lifecycle *l)
{
	if (own_socket(l) && !l->replaced && l->listen_fd >= 0)
		unlink(l->socket_path);
}

bool lifecycle_check_socket(struct lifecycle *l)
{
	struct err err = { 0 };
	char events[4096];
	struct stat st;

	while (read(l->watch_fd, events, sizeof(events)) > 0)
		;
	if (lstat(l->socket_path, &st) < 0) {
		if (errno != ENOENT || lifecycle_listen(l, &err) == 0)
			return true;
		log_line(LOG_ERR, "%s", err.text);
		return false;
	}
	if (st.st_dev == l->socket_dev && st.st_ino == l->socket_ino)
		return true;
	log_line(LOG_NOTICE, "'%s' is another daemon's now: it takes over", l->socket_path);
	l->replaced = true;
	return false;
}

void lifecycle_notify_ready(const struct lifecycle *l, int r, const struct err *err)
{
	int fd = l->options->ready_fd;

	if (r == 0) {
		/* peers then see this process as the one that listens (unix(7), SO_PEERCRED) */
		listen(l->listen_fd, SOMAXCONN);
		manager_notify("READY=1");
	}
	if (fd < 0)
		return;
	if (r < 0 && r != -EALREADY)
		dprintf(fd, "%s", err->text);
	else
		dprintf(fd, "\n");
	close(fd);
}

void lifecycle_refuse_all(const struct lifecycle *l, struct fd_receivers *receivers,
			  const struct err *err)
{
	int64_t end = clock_ms() + REFUSE_MS;
	union msg_request request;
	struct msg_reply reply;
	ssize_t len;

	if (own_socket(l) || fcntl(l->options->socket_fd, F_SETFL, O_NONBLOCK) < 0)
		return;
	msg_reply_init(&reply, MSG_RUN);
	reply.status = MSG_REFUSED;
	memcpy(reply.text, err->text, sizeof(reply.text));
	while (clock_ms() < end) {
		int fd = accept4(l->options->socket_fd, NULL, NULL, SOCK_CLOEXEC);
		struct pollfd said = { .fd = fd, .events = POLLIN };

		if (fd < 0)
			return;
		/* the reply is lost when the request has not been read */
		if (fd_receive_prepare(fd, NULL) == 0 && poll(&said, 1, 1000) > 0 &&
		    fd_receive_peek(fd, &request, sizeof(request), &len) == FD_RECEIVE_PLAIN)
			fd_receive_discard(fd);
		sock_send(fd, &reply, sizeof(reply), -1);
		fd_receive_close(receivers, fd, PERSON_UNKNOWN);
	}
}

int64_t lifecycle_deadline(const struct lifecycle *l)
{
	return l->options->watchdog_ms ? l->alive_at : INT64_MAX;
}

void lifecycle_keep_alive(struct lifecycle *l)
{
	int64_t now = clock_ms();

	if (lifecycle_deadline(l) > now)
		return;
	manager_notify("WATCHDOG=1");
	l->alive_at = now + l->options->watchdog_ms / 2;
}

void lifecycle_done(struct lifecycle *l)
{
	char saved[PATH_MAX];

	snprintf(saved, sizeof(saved), "%s/sysctl", l->options->rundir);
	rmdir(saved); /* only when it is empty */
	close_fd(&l->listen_fd);
	close_fd(&l->lock_fd);
	close_fd(&l->watch_fd); /* last: it can take the kernel 15 ms, and the next daemon waits */
}
