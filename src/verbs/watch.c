/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture of the host at each tick, drawn into memory first, so that a terminal gets it with one
 * write(2) and does not flicker. When the terminal changes its size (SIGWINCH) the last picture is
 * drawn again. Nothing of the terminal is changed but what stands on it, so any signal may end
 * this.
 */
#include "verbs/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/util.h"
#include "net/kernel.h"
#include "verbs/rates.h"
#include "verbs/table.h"
#include "verbs/tables.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define INTERVAL_S     2
#define INTERVAL_MAX_S 86400

struct watch {
	const struct words *words;
	struct facts facts;
	struct processes processes;
	struct rates rates;
	bool in_place;
	int64_t interval_ms, next; /* by clock_ms() */
	int resized;               /* signalfd(2) of SIGWINCH */
};

/* --- a picture ----------------------------------------------------------------------------- */

static int draw_table(const struct watch *w, struct err *err)
{
	const struct terminal terminal = terminal_of_stdout(w->words->color);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r = -ENOMEM;

	if (out)
		r = tables_print_rates(&w->facts, &w->processes, &w->rates, geteuid() == 0,
				       w->words->all, &terminal, out);
	if (out && fclose(out) != 0)
		r = -ENOMEM;
	if (r < 0)
		return err_set(err, ENOMEM, "print the sessions: out of memory");
	if (w->in_place)
		terminal_draw(text);
	else
		printf("%s\n", text);
	return 0;
}

static void draw_json(const struct watch *w)
{
	struct json_object *array = json_object_new_array();
	struct session_view v;

	for (size_t i = 0; i < w->facts.sessions.n; i++) {
		const struct session *s = &w->facts.sessions.v[i];
		const struct rate *rate = rates_of(&w->rates, s);
		const bool known = rate && rate->known;
		struct json_object *o;

		if (!tables_shows(s, w->words->all))
			continue;
		view_session(&w->facts, s, &w->processes, geteuid() == 0, &v);
		o = json_session(&v);
		json_object_object_add(o, "rx_rate",
				       known ? json_object_new_int64((int64_t)rate->rx) : NULL);
		json_object_object_add(o, "tx_rate",
				       known ? json_object_new_int64((int64_t)rate->tx) : NULL);
		json_object_array_add(array, o);
	}
	json_show_line(array);
}

static int draw(const struct watch *w, struct err *err)
{
	if (w->words->json)
		draw_json(w);
	else if (draw_table(w, err) < 0)
		return -err->code;
	fflush(stdout);
	return 0;
}

/* --- the loop ------------------------------------------------------------------------------ */

static int tick(struct watch *w, struct err *err)
{
	const int64_t now = clock_ms();
	int r;

	w->next = now - w->next < w->interval_ms ? w->next + w->interval_ms : now + w->interval_ms;
	facts_done(&w->facts);
	w->facts = (struct facts){ 0 };
	processes_done(&w->processes);
	r = observe_host(OBSERVE_COUNTERS | OBSERVE_STOPS | OBSERVE_STATES, &w->facts, err);
	if (r == 0 && rates_take(&w->rates, &w->facts, clock_ns()) < 0)
		r = err_set(err, ENOMEM, "print the sessions: out of memory");
	if (r == 0)
		r = processes_find(&w->processes, err);
	return r < 0 ? r : draw(w, err);
}

/* 1: nobody reads any more. */
static int turn(struct watch *w, struct err *err)
{
	struct pollfd fds[] = { { .fd = STDOUT_FILENO }, /* its reader may leave */
				{ .fd = w->resized, .events = POLLIN } };
	const int64_t left = w->next - clock_ms();
	struct signalfd_siginfo ignored;

	if (poll(fds, ARRAY_SIZE(fds), left < 0 ? 0 : (int)left) < 0)
		return errno == EINTR ? 0 : err_errno(err, errno, "wait for the next time");
	if (fds[0].revents & (POLLERR | POLLHUP) || ferror(stdout))
		return 1;
	if (fds[1].revents && read(w->resized, &ignored, sizeof(ignored)) > 0 && w->in_place)
		return draw(w, err);
	return w->next <= clock_ms() ? tick(w, err) : 0;
}

static int watch_resizes(struct watch *w, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	w->resized = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->resized < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, errno, "watch the terminal's size");
	return 0;
}

int watch_sessions(const struct words *words, struct err *err)
{
	struct watch w = { .words = words, .resized = -1, .in_place = terminal_can_move() };
	uint32_t seconds = INTERVAL_S;
	int r = 0;

	if (words->watch && parse_u32(words->watch, 1, INTERVAL_MAX_S, &seconds) < 0)
		return err_set(err, EINVAL,
			       "invalid --watch '%s': it is a number of seconds, 1 to %d, or "
			       "nothing",
			       words->watch, INTERVAL_MAX_S);
	w.interval_ms = (int64_t)seconds * 1000;
	w.in_place &= !words->json;
	w.next = clock_ms();
	r = watch_resizes(&w, err);
	while (r == 0)
		r = turn(&w, err);
	close_fd(&w.resized);
	rates_done(&w.rates);
	processes_done(&w.processes);
	facts_done(&w.facts);
	return r < 0 ? r : 0;
}
