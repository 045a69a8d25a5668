/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attach --follow. Engines give a container the same cgroup whenever it runs, so that inotify(7) on
 * the directories that lead there tells of its start, and its file cgroup.events of its first
 * process (cgroups(7)): of every engine, without a right, and without a process of the engine's. An
 * event is a hint; what counts is what is there. When a process enters a netns of its own the
 * kernel tells nobody; so a container whose processes are in ours is looked at again, some
 * milliseconds later at first.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/text.h"
#include "base/util.h"
#include "ipc/msg.h"
#include "launch/program.h"
#include "verbs/attach.h"
#include "verbs/attach_dns.h"

#define AGAIN_FIRST_MS 2
#define AGAIN_LAST_MS  10000
#define DIRECTORY      (IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVED_TO | IN_ONLYDIR)

struct follow {
	struct launch_options *o;
	struct container *c;
	char unified[PATH_MAX];
	int events;                    /* inotify */
	int process;                   /* -1: the container does not run, or is not attached yet */
	uint64_t was;                  /* the netns that was attached last (inode) */
	int64_t again_at, again_after; /* INT64_MAX: only after an event */
	char told[ERR_TEXT_MAX];
};

/* --- where its cgroup is ------------------------------------------------------------------- */

/* Of several mounts the last one that is not covered by another file system. */
static int find_unified(char ret[PATH_MAX])
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, path[PATH_MAX];
	size_t size = 0;
	bool found = false;

	while (f && getline(&line, &size, f) > 0) { /* proc_pid_mountinfo(5) */
		const char *type = strstr(line, " - ");
		struct statfs fs;

		if (!type || strncmp(type, " - cgroup2 ", 11) != 0 ||
		    sscanf(line, "%*d %*d %*s / %4095s", path) != 1 || statfs(path, &fs) < 0 ||
		    fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		memcpy(ret, path, sizeof(path));
		found = true;
	}
	free(line);
	if (f)
		fclose(f);
	return found ? 0 : -EOPNOTSUPP;
}

int attach_may_follow(const struct container *c, struct err *err)
{
	char title[CONTAINER_NAME_MAX], path[PATH_MAX];

	if (c->id.group[0] && find_unified(path) == 0)
		return 0;
	return err_set(err, EOPNOTSUPP,
		       "follow container '%s': it has no cgroup of its own in the unified "
		       "hierarchy (cgroups(7)), which would tell of a restart",
		       container_title(&c->id, title));
}

static int group_path(const struct follow *f, size_t len, const char *file, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s%.*s%s", f->unified, (int)len, f->c->id.group, file);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Each directory on the way that is there; a watch that is there already stays. */
static void watch_directories(const struct follow *f)
{
	const char *group = f->c->id.group;
	char path[PATH_MAX];

	for (size_t len = 0;; len += 1 + strcspn(group + len + 1, "/")) {
		if (group_path(f, len, "", path) < 0 ||
		    inotify_add_watch(f->events, path, DIRECTORY) < 0 || !group[len])
			break;
	}
	if (group_path(f, strlen(group), "/cgroup.events", path) == 0)
		inotify_add_watch(f->events, path, IN_MODIFY);
}

static bool is_populated(const struct follow *f)
{
	char path[PATH_MAX], text[256];

	return group_path(f, strlen(f->c->id.group), "/cgroup.events", path) == 0 &&
	       file_start(AT_FDCWD, path, 0, text, sizeof(text)) > 0 &&
	       strstr(text, "populated 1") != NULL;
}

/* --- one that runs again ------------------------------------------------------------------- */

static void later(struct follow *f)
{
	f->again_at = clock_ms() + f->again_after;
	f->again_after = f->again_after * 2 < AGAIN_LAST_MS ? f->again_after * 2 : AGAIN_LAST_MS;
}

static void now(struct follow *f)
{
	f->again_after = AGAIN_FIRST_MS;
	f->again_at = clock_ms();
}

/* Containers of one pod share a netns, which the restart of one does not end. */
static bool is_attached(const struct follow *f, int r, const struct stat *netns)
{
	return r == -EEXIST && netns->st_ino == f->was;
}

static int attach_again(struct follow *f, struct err *err)
{
	_cleanup_close_ int netns = -1, process = -1;
	struct msg_reply reply = { 0 };
	struct stat st = { 0 };
	int r = container_open(f->c, &netns, &process, err);

	if (r < 0)
		return r;
	f->o->pid = (uint32_t)f->c->pid;
	r = attach_dns_check(f->o, netns, err);
	if (r == 0 && fstat(netns, &st) < 0)
		r = err_errno(err, errno, "read the inode of the netns");
	if (r == 0) {
		r = attach_netns(f->o, netns, &reply, err);
		if (r < 0 && !is_attached(f, r, &st))
			return r;
		if (r == 0 && !f->o->quiet)
			text_print(stdout, "%s again\n", reply.text);
		fflush(stdout);
		f->was = st.st_ino;
		f->process = steal_fd(&process);
		r = 0;
	}
	return r;
}

/* While it starts, what it has is in the netns of its engine, or refused for a moment. */
static void try_again(struct follow *f)
{
	struct err err = { 0 };

	f->again_at = INT64_MAX;
	if (!is_populated(f))
		return;
	if (container_again(f->c, f->unified) < 0) {
		later(f);
		return;
	}
	if (attach_again(f, &err) == 0) {
		f->told[0] = 0;
		return;
	}
	/* more than a moment; and each reason once */
	if (f->again_after > 500 && strcmp(f->told, err.text) != 0) {
		snprintf(f->told, sizeof(f->told), "%s", err.text);
		program_fail(&err);
	}
	later(f);
}

/* --- the loop ------------------------------------------------------------------------------ */

static void drain(const struct follow *f)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(f->events, events, sizeof(events)) > 0)
		;
}

static int wait_for_event(struct follow *f, struct err *err)
{
	struct pollfd fds[] = { { .fd = f->events, .events = POLLIN },
				{ .fd = f->process, .events = POLLIN } };
	int64_t left = f->again_at - clock_ms();
	int ms = f->again_at == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;

	if (poll(fds, 2, ms) < 0)
		return errno == EINTR ? 0 : err_errno(err, errno, "wait for the container");
	if (fds[0].revents) {
		drain(f);
		watch_directories(f);
		if (f->process < 0)
			now(f);
	}
	if (fds[1].revents) {
		close_fd(&f->process);
		watch_directories(f);
		now(f);
	}
	return 0;
}

int attach_follow(struct launch_options *o, struct container *c, int process, uint64_t netns,
		  struct err *err)
{
	struct follow f = {
		.o = o, .c = c, .process = process, .was = netns, .again_at = INT64_MAX
	};
	char title[CONTAINER_NAME_MAX];
	int r = 0;

	f.events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f.events < 0 || find_unified(f.unified) < 0)
		r = err_errno(err, errno ? errno : EOPNOTSUPP, "watch the cgroup of container '%s'",
			      container_title(&c->id, title));
	/* the session before this one is closing, and has its name until then (plan/admit.c) */
	o->request.flags |= SESSION_NAME_GIVEN | SESSION_NAME_AGAIN;
	if (r == 0)
		watch_directories(&f);
	if (r == 0 && !o->quiet)
		text_print(stdout, "following container '%s'\n", container_title(&c->id, title));
	fflush(stdout);
	while (r == 0) {
		r = wait_for_event(&f, err);
		if (r == 0 && f.process < 0 && f.again_at <= clock_ms())
			try_again(&f);
	}
	close_fd(&f.process);
	close_fd(&f.events);
	return r;
}
