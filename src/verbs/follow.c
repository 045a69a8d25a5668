/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything about sessions but healing is visible in the kernel to every user, so it is observed
 * there: an event of rtnetlink says that something may have changed (host_events.h), and the
 * differences between two observations are printed. What the daemon healed it sends to its
 * subscribers; it is asked while there are sessions, so that following starts no daemon.
 */
#include "verbs/follow.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "config.h"
#include "ipc/ask.h"
#include "ipc/sock.h"
#include "launch/daemon.h"
#include "net/nl.h"
#include "verbs/changes.h"
#include "verbs/host_events.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define ASK_FIRST_MS 100
#define ASK_LAST_MS  5000

struct watch {
	bool json;
	uint32_t id; /* of the session that is followed; 0: all */
	struct host_events events;
	struct sights seen;
	bool ended; /* the one session is gone */
	int daemon; /* its connection, or -1 */
	int64_t ask_at;
	int64_t ask_after; /* ms to wait after the next failure */
	bool refused;
};

/* --- printing ------------------------------------------------------------------------------ */

static struct json_object *new_event(const char *event)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "event", json_object_new_string(event));
	json_add_time(o);
	return o;
}

static void print_time(void)
{
	time_t now = time(NULL);
	char text[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%T", &tm);
	text_print(stdout, "%s ", text);
}

static void print_change(enum change change, const struct seen *s, void *arg)
{
	struct watch *w = arg;
	struct json_object *o;

	w->ended |= w->id && change == CHANGE_REMOVED;
	if (w->json) {
		o = new_event(change_name(change));
		json_object_object_add(o, "session", json_object_new_string(s->name));
		json_object_object_add(o, "id", json_object_new_int64(s->id));
		json_object_object_add(o, "uplink", json_object_new_string(s->uplink));
		json_object_object_add(o, "state",
				       json_object_new_string(session_state_name(s->state)));
		json_object_object_add(o, "reason", json_object_new_string(s->reason));
		json_show_line(o);
		return;
	}
	print_time();
	text_print(stdout, "%s: ", s->name);
	switch (change) {
	case CHANGE_ADDED:
		text_print(stdout, "added, %s through %s", session_state_name(s->state), s->uplink);
		break;
	case CHANGE_REMOVED:
		text_print(stdout, "removed");
		break;
	case CHANGE_UPLINK:
		text_print(stdout, "goes through %s", s->uplink);
		break;
	case CHANGE_STATE:
		text_print(stdout, "%s", session_state_name(s->state));
		break;
	case CHANGE_COUNT:
		break;
	}
	text_print(stdout, "%s%s\n", s->reason[0] && change != CHANGE_REMOVED ? ", " : "",
		   change != CHANGE_REMOVED ? s->reason : "");
}

static void print_healed(const struct watch *w, const struct msg_event *e)
{
	struct json_object *o;

	if (w->id)
		return; /* it is the host's, no session's */
	if (w->json) {
		o = new_event("healed");
		json_object_object_add(o, "session", NULL);
		json_object_object_add(o, "object", json_object_new_string(e->object));
		json_object_object_add(o, "count", json_object_new_int64(e->count));
		json_show_line(o);
		return;
	}
	print_time();
	text_print(stdout, "healed: %s", e->object);
	if (e->count > 1)
		text_print(stdout, " and %" PRIu32 " more", e->count - 1);
	putchar('\n');
}

/* --- the kernel ---------------------------------------------------------------------------- */

static int observe_again(struct watch *w, struct err *err)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct sights now = { 0 };
	int64_t start = clock_ms();
	int r = observe_host(0, &f, err);

	if (r < 0)
		return r;
	if (changes_see(&f, w->id, &now) < 0)
		return err_errno(err, ENOMEM, "observe the sessions");
	changes_tell(&w->seen, &now, print_change, w);
	changes_done(&w->seen);
	w->seen = now;
	host_events_observed(&w->events, start);
	return 0;
}

/* --- the daemon ---------------------------------------------------------------------------- */

static void ask_later(struct watch *w)
{
	close_fd(&w->daemon);
	w->ask_at = clock_ms() + w->ask_after;
	w->ask_after = w->ask_after * 2 > ASK_LAST_MS ? ASK_LAST_MS : w->ask_after * 2;
}

/* Asks to be told; where nobody answers, once more later. */
static void ask_to_be_told(struct watch *w)
{
	struct err err = { 0 };
	union msg_request request;
	struct msg_reply reply = { 0 };
	_cleanup_close_ int none = -1;
	int r;

	msg_request_init(&request, MSG_SUBSCRIBE);
	w->daemon = ask_connect(DAEMON_SOCKET, &err);
	r = w->daemon < 0 ? w->daemon : ask_exchange(w->daemon, &request, -1, &reply, &none, &err);
	if (r < 0 || reply.status == MSG_BUSY) {
		ask_later(w);
		return;
	}
	if (reply.status != MSG_OK) {
		text_print(stderr, "via-iface: follow what is healed: %s\n", reply.text);
		close_fd(&w->daemon);
		w->refused = true;
		return;
	}
	w->ask_after = ASK_FIRST_MS;
}

static void take_healed(struct watch *w)
{
	struct msg_event e;
	_cleanup_close_ int none = -1;
	ssize_t n = sock_recv(w->daemon, &e, sizeof(e), &none);

	if (n <= 0 || msg_event_check(&e, (size_t)n) < 0)
		ask_later(w);
	else
		print_healed(w, &e);
}

/* --- the loop ------------------------------------------------------------------------------ */

static bool wants_daemon(const struct watch *w)
{
	return w->daemon < 0 && w->seen.n && !w->refused && !w->id;
}

static int time_left(const struct watch *w)
{
	int64_t next = w->events.at, left;

	if (wants_daemon(w) && w->ask_at < next)
		next = w->ask_at;
	if (next == INT64_MAX)
		return -1;
	left = next - clock_ms();
	return left < 0 ? 0 : (int)left;
}

static int turn(struct watch *w, struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = STDOUT_FILENO }, /* its reader may leave */
		{ .fd = nl_fd(&w->events.socket), .events = POLLIN },
		{ .fd = w->daemon, .events = POLLIN },
	};

	fflush(stdout);
	if (poll(fds, ARRAY_SIZE(fds), time_left(w)) < 0)
		return errno == EINTR ? 0 : err_errno(err, errno, "wait for changes");
	if (fds[0].revents & (POLLERR | POLLHUP) || ferror(stdout)) {
		w->ended = true;
		return 0;
	}
	if (fds[1].revents)
		host_events_take(&w->events);
	if (fds[2].revents)
		take_healed(w);
	if (wants_daemon(w) && w->ask_at <= clock_ms())
		ask_to_be_told(w);
	return w->events.at <= clock_ms() ? observe_again(w, err) : 0;
}

static int find_id(const char *word, uint32_t *ret, struct err *err)
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s;
	int r = observe_host(0, &f, err);

	if (r < 0)
		return r;
	s = find_session(&f, word, err);
	if (s)
		*ret = s->id;
	return s ? 0 : -err->code;
}

int follow_print(const char *word, bool json, struct err *err)
{
	struct watch w = { .json = json, .daemon = -1, .ask_after = ASK_FIRST_MS };
	int r = host_events_open(&w.events, err);

	if (r == 0 && word)
		r = find_id(word, &w.id, err);
	if (r == 0)
		r = observe_again(&w, err);
	if (r == 0 && w.id && !w.seen.n)
		w.ended = true; /* it went meanwhile */
	while (r == 0 && !w.ended)
		r = turn(&w, err);
	changes_done(&w.seen);
	close_fd(&w.daemon);
	host_events_close(&w.events);
	return r;
}
