/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface log: what happened to sessions, and why. The daemon has it (daemon/history.h), and
 * gives each user their own; where none runs, root reads its file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/util.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "config.h"
#include "ipc/ask.h"
#include "ipc/sock.h"
#include "launch/daemon.h"
#include "model/own.h"
#include "net/nl.h"
#include "net/rtnl.h"
#include "verbs/since.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define LOG_TRIES 8
#define LOG_REST  sizeof(LOG_FILE_MAGIC)
#define AGAIN_MS  1000 /* after a daemon that did not serve */

struct log_view {
	bool json, follow;
	const char *session; /* a name or an id; NULL: all */
	uint32_t id;         /* 0: session is no number */
	uint64_t since_us;
	uint64_t seq;   /* of the last entry that was received */
	size_t printed; /* entries */
	int daemon;     /* connection on which entries come, or -1 */
	struct nl_sock links;
	int64_t ask_at; /* clock_ms(); INT64_MAX: when a session starts */
	bool ended;
};

/* --- printing ------------------------------------------------------------------------------ */

static void add(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_number(struct json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)n));
}

/* null where it is not known, or where an event has none. */
static void add_bytes(struct json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key,
			       n == LOG_BYTES_UNKNOWN ? NULL : json_object_new_int64((int64_t)n));
}

static void print_json(const struct log_entry *e)
{
	struct json_object *o = json_object_new_object();
	char user[33], time[40];

	view_user(e->uid, user);
	snprintf(time, sizeof(time), "%" PRIu64 ".%06" PRIu64, e->time_us / 1000000,
		 e->time_us % 1000000);
	json_object_object_add(o, "time", json_object_new_double_s((double)e->time_us / 1e6, time));
	add(o, "event", event_name(e->event));
	add(o, "session", e->session);
	add_number(o, "id", e->id);
	add_number(o, "uid", e->uid);
	add(o, "user", user);
	add(o, "uplink", e->uplink);
	add(o, "from", e->from);
	add(o, "uplinks", e->uplinks);
	add(o, "reason", e->reason);
	add_bytes(o, "rx_bytes", e->rx_bytes);
	add_bytes(o, "tx_bytes", e->tx_bytes);
	add(o, "program", e->program);
	add_number(o, "since", e->since);
	add_bytes(o, "by", e->by == LOG_UID_NONE ? LOG_BYTES_UNKNOWN : e->by);
	add_number(o, "count", e->count);
	json_show_line(o);
}

static void print_text(const struct log_entry *e)
{
	_cleanup_strbuf_ struct strbuf line = { 0 };
	time_t at = (time_t)(e->time_us / 1000000);
	char user[33], when[40] = "";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	view_user(e->uid, user);
	log_entry_text(e, &line);
	if (geteuid() == 0)
		text_print(stdout, "%s %s: %s\n", when, user, strbuf_text(&line));
	else
		text_print(stdout, "%s %s\n", when, strbuf_text(&line));
}

static bool is_wanted(const struct log_view *v, const struct log_entry *e)
{
	if (e->time_us < v->since_us)
		return false;
	return !v->session || (v->id ? e->id == v->id : !strcmp(e->session, v->session));
}

static void take(struct log_view *v, const struct log_entry *e)
{
	if (!log_entry_valid(e))
		return;
	if (e->seq > v->seq)
		v->seq = e->seq;
	if (!is_wanted(v, e))
		return;
	v->printed++;
	if (v->json)
		print_json(e);
	else
		print_text(e);
}

/* Entries from an offset of a file on; what is behind the last is copied to ret_rest. */
static int read_entries(struct log_view *v, int fd, off_t from, char ret_rest[LOG_REST],
			struct err *err)
{
	struct log_entry e;
	ssize_t n;

	for (; (n = pread(fd, &e, sizeof(e), from)) == sizeof(e); from += n)
		take(v, &e);
	memset(ret_rest, 0, LOG_REST);
	if (n > 0)
		memcpy(ret_rest, &e, (size_t)n < LOG_REST ? (size_t)n : LOG_REST);
	return n < 0 ? err_errno(err, errno, "read the log") : 0;
}

/* --- the daemon ---------------------------------------------------------------------------- */

static int read_file(struct log_view *v, struct err *err)
{
	static const char path[] = VIA_RUNDIR "/" LOG_FILE;
	char magic[sizeof(LOG_FILE_MAGIC)], rest[LOG_REST];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "read '%s'", path);
	if (pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, LOG_FILE_MAGIC, sizeof(magic)) != 0)
		return err_set(err, EBADMSG, "read '%s': it is no log of this version", path);
	return read_entries(v, fd, sizeof(magic), rest, err);
}

static int ask_once(struct log_view *v, struct err *err)
{
	char rest[LOG_REST];
	_cleanup_close_ int fd = ask_connect(DAEMON_SOCKET, err), log = -1;
	struct msg_reply reply = { 0 };
	union msg_request request;
	int r = fd;

	msg_request_init(&request, MSG_LOG);
	request.log.after = v->seq;
	request.log.follow = v->follow;
	if (r >= 0)
		r = ask_exchange(fd, &request, -1, &reply, &log, err);
	if (r < 0)
		return r;
	if (reply.status == MSG_BUSY)
		return err_set(err, EBUSY, "ask the daemon: it is busy; try again");
	if (reply.status != MSG_OK || log < 0)
		return err_set(err, ECANCELED, "read the log: %s", reply.text);
	r = read_entries(v, log, 0, rest, err);
	if (r == 0 && memcmp(rest, LOG_FILE_MAGIC, sizeof(LOG_FILE_MAGIC)) != 0)
		return err_set(err, ESTALE, "read the log: others of yours ask for it too");
	if (v->follow)
		v->daemon = steal_fd(&fd);
	return r;
}

/*
 * Asks for what is new, and with follow for what comes. Returns what ask_daemon() does. An answer
 * that was not read before the person's next ones has been truncated (daemon/answers.h).
 */
static int ask(struct log_view *v, struct err *err)
{
	int r = -ESTALE;

	for (int i = 0; i < LOG_TRIES && r == -ESTALE; i++)
		r = ask_once(v, err);
	return r;
}

static bool nobody_serves(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

static int first(struct log_view *v, struct err *err)
{
	int r = ask(v, err);

	if (!nobody_serves(r))
		return r;
	if (geteuid() == 0)
		return read_file(v, err);
	if (v->follow)
		return 0; /* a session will start it */
	err_set(err, -r, "read the log: the daemon, which has it, does not run");
	return err_hint(err, "it does while there are sessions; root may read the log always");
}

/* --- following ----------------------------------------------------------------------------- */

static void take_entry(struct log_view *v)
{
	struct msg_logged m;
	_cleanup_close_ int none = -1;
	ssize_t n = sock_recv(v->daemon, &m, sizeof(m), &none);

	if (n > 0 && msg_logged_check(&m, (size_t)n) == 0) {
		take(v, &m.entry);
		return;
	}
	close_fd(&v->daemon);
	v->ask_at = INT64_MAX; /* nothing happens before a session starts, or is there */
}

static void take_link(struct log_view *v, const struct nlmsghdr *nlh)
{
	struct rtnl_link l;

	if (nlh->nlmsg_type == RTM_NEWLINK && rtnl_decode_link(nlh, &l) > 0 &&
	    own_port_id(l.fact.name) && v->ask_at == INT64_MAX)
		v->ask_at = clock_ms();
}

static void take_links(struct log_view *v)
{
	for (;;) {
		char buf[65536] __attribute__((aligned(8)));
		ssize_t n = nl_recv(&v->links, buf, sizeof(buf), MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			take_link(v, nlh);
	}
	if (errno == ENOBUFS)
		v->ask_at = clock_ms();
}

static int time_left(const struct log_view *v)
{
	int64_t left = v->ask_at - clock_ms();

	if (v->daemon >= 0 || v->ask_at == INT64_MAX)
		return -1;
	return left < 0 ? 0 : (int)left;
}

static int turn(struct log_view *v, struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = STDOUT_FILENO }, /* its reader may leave */
		{ .fd = nl_fd(&v->links), .events = POLLIN },
		{ .fd = v->daemon, .events = POLLIN },
	};
	struct err ignored = { 0 };

	fflush(stdout);
	if (poll(fds, ARRAY_SIZE(fds), time_left(v)) < 0)
		return errno == EINTR ? 0 : err_errno(err, errno, "wait for events");
	if (fds[0].revents & (POLLERR | POLLHUP) || ferror(stdout))
		v->ended = true;
	if (fds[1].revents)
		take_links(v);
	if (fds[2].revents)
		take_entry(v);
	if (v->daemon < 0 && v->ask_at <= clock_ms() && ask(v, &ignored) < 0)
		v->ask_at = clock_ms() + AGAIN_MS;
	return 0;
}

static int follow(struct log_view *v, struct err *err)
{
	int r = nl_open(&v->links, NETLINK_ROUTE, err);

	if (r == 0)
		r = nl_join(&v->links, RTNLGRP_LINK, err);
	if (r == 0)
		r = first(v, err);
	v->ask_at = INT64_MAX;
	while (r == 0 && !v->ended)
		r = turn(v, err);
	close_fd(&v->daemon);
	nl_close(&v->links);
	return r;
}

int verb_log(int argc, char *argv[])
{
	struct log_view v = { .daemon = -1 };
	struct err err = { 0 };
	struct words w;
	time_t since = 0;
	int r = words_read(VERB_LOG, argc, argv, 1, &w, &err);

	if (r == 0 && w.since)
		r = since_parse(w.since, time(NULL), &since, &err);
	if (r < 0)
		return program_fail(&err);
	v.json = w.json;
	v.follow = w.follow;
	v.session = w.n ? w.v[0] : NULL;
	v.since_us = since > 0 ? (uint64_t)since * 1000000 : 0;
	if (v.session && parse_u32(v.session, 1, UINT32_MAX, &v.id) < 0)
		v.id = 0;
	r = v.follow ? follow(&v, &err) : first(&v, &err);
	if (r == 0 && !v.printed && !v.json && !v.follow)
		text_print(stdout,
			   v.session ? "no event of session '%s' is in the log\n"
				     : "no event is in the log\n",
			   v.session);
	return r < 0 ? program_fail(&err) : 0;
}
