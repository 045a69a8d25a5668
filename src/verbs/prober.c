/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-verbs prober ADDR[:PORT]
 *
 * The process that a launch with --probe starts (launch/probe.h). It is in the host's netns, whose
 * routes are not the session's: a socket bound to the uplink (SO_BINDTODEVICE) gets no answer where
 * rp_filter is strict, and no route where a lease alone names the gateway. So each probe gets a
 * short session on the uplink that it is about, a probe session (plan/probe.h), one at a time. Two
 * in a row without an answer mark an uplink as failed for the session, one answer as usable. The
 * daemon, whose sandbox allows no network socket, gets the result (MSG_PROBE), and forgets it
 * unless it is sent again.
 *
 * It ends when the session's port is gone, and with it the probe that is under way. A probe that
 * could not be sent, since no session was made for it, counts as no result.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/link_watch.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "config.h"
#include "ipc/ask.h"
#include "launch/daemon.h"
#include "launch/launch.h"
#include "launch/probe.h"
#include "launch/program.h"
#include "plan/uplink.h"
#include "verbs/verbs.h"

#define PROBE_EVERY_MS 5000  /* from one to the next, through an uplink that answers */
#define PROBE_AGAIN_MS 1000  /* and through one that does not */
#define PROBE_LAST_MS  10000 /* for one with its launch, before it is given up */
#define PROBE_FAILURES 2     /* in a row: then it is bad */
#define PROBE_UNSENT   5     /* that could not be sent, in a row: then nothing is known any more */
#define SAY_AGAIN_MS   3000  /* the daemon forgets after FAILOVER_PROBE_MS */

/* An uplink that the session's list means. */
struct way {
	char uplink[IFNAMSIZ];
	unsigned int failures, unsent; /* in a row */
	bool bad;
	bool said;      /* what the daemon knows: that it is bad */
	bool listed;    /* seen in the last observation */
	int64_t ask_at; /* the next probe, of clock_ms() */
	int64_t say_at; /* not before */
};

struct prober {
	const char *text; /* what to ask */
	struct probe probe;
	char self[PATH_MAX];
	uint32_t id;
	char port[IFNAMSIZ]; /* the session's */
	unsigned int port_index;
	int links;   /* link_watch_open() */
	int signals; /* SIGCHLD */
	struct {
		struct way *v;
		size_t n, size;
	} ways;
	int64_t observe_at;     /* at the latest */
	int64_t rest_until;     /* where there was nothing to be asked */
	pid_t child;            /* a probe; 0: none */
	char through[IFNAMSIZ]; /* and its uplink */
	int64_t child_until;
	bool complained;
};

static struct way *find_way(struct prober *p, const char *uplink)
{
	for (size_t i = 0; i < p->ways.n; i++)
		if (!strcmp(p->ways.v[i].uplink, uplink))
			return &p->ways.v[i];
	return NULL;
}

/* --- the daemon ---------------------------------------------------------------------------- */

/* A failure is tried again: the daemon may be away for a moment, or busy. */
static void say(struct prober *p, struct way *w)
{
	union msg_request request;
	struct msg_reply reply;
	struct err err = { 0 };

	msg_request_init(&request, MSG_PROBE);
	request.probe.id = p->id;
	request.probe.failed = w->bad;
	if (copy_string(request.probe.uplink, sizeof(request.probe.uplink), w->uplink) == 0 &&
	    ask_daemon(DAEMON_SOCKET, &request, -1, &reply, NULL, &err) == 0)
		w->said = w->bad;
	w->say_at = clock_ms() + (w->said == w->bad ? SAY_AGAIN_MS : PROBE_AGAIN_MS);
}

static bool has_to_say(const struct way *w)
{
	return w->bad || w->said;
}

static void say_all(struct prober *p)
{
	for (size_t i = 0; i < p->ways.n; i++)
		if (has_to_say(&p->ways.v[i]) && p->ways.v[i].say_at <= clock_ms())
			say(p, &p->ways.v[i]);
}

/* --- probes -------------------------------------------------------------------------------- */

/* In the child. The daemon takes all but the uplink from the session. */
static int run_probe(const struct prober *p, const char *uplink)
{
	char *argv[] = { (char *)p->self, (char *)"probe-once", (char *)p->text, NULL };
	struct launch_options o = { .quiet = true, .no_app_policy = true, .program = argv };

	o.request.owner = REQUEST_OWNER_SELF;
	memcpy(o.request.name, "probe", sizeof("probe"));
	uplink_list_add(&o.request.uplinks, uplink);
	return launch(&o, &(struct launch_target){ .netns = -1, .id = p->id });
}

static void start_probe(struct prober *p, struct way *w)
{
	int64_t now = clock_ms();
	pid_t child = fork();

	w->ask_at = now + PROBE_EVERY_MS;
	if (child == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		_exit(run_probe(p, w->uplink));
	}
	if (child < 0)
		return;
	p->child = child;
	p->child_until = now + PROBE_LAST_MS;
	memcpy(p->through, w->uplink, sizeof(p->through));
	if (w->failures) /* the next one soon */
		w->ask_at = now + PROBE_AGAIN_MS;
}

static void take_result(struct prober *p, int status)
{
	struct way *w = find_way(p, p->through);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	p->child = 0;
	if (!w)
		return;
	w->unsent = code == 0 || code == 1 ? 0 : w->unsent + 1;
	if (w->unsent >= PROBE_UNSENT && !p->complained) {
		syslog(LOG_WARNING, "session %u: no probe can be sent through %s; see via-iface(1)",
		       p->id, p->through);
		p->complained = true;
	}
	if (w->unsent && w->unsent < PROBE_UNSENT)
		return;
	if (code == 0 || w->unsent) {
		w->failures = 0;
		w->ask_at = clock_ms() + PROBE_EVERY_MS;
	} else if (!w->failures++) {
		w->ask_at -= PROBE_EVERY_MS - PROBE_AGAIN_MS;
	}
	if (w->bad == (w->failures >= PROBE_FAILURES))
		return;
	w->bad = !w->bad;
	w->say_at = 0;
}

static void end_probe(struct prober *p)
{
	if (!p->child)
		return;
	kill(p->child, SIGKILL);
	waitpid(p->child, NULL, 0);
	p->child = 0;
}

/* --- observing ----------------------------------------------------------------------------- */

/* The uplinks of the session as they are now; the results of earlier probes are kept. */
static void list_ways(struct prober *p, const struct facts *f, const struct session *s)
{
	struct uplink_walk walk = { .facts = f, .list = &s->uplinks };
	const struct fact_link *l;
	size_t kept = 0;

	for (size_t i = 0; i < p->ways.n; i++)
		p->ways.v[i].listed = false;
	while ((l = uplink_walk(&walk))) {
		struct way *w = find_way(p, l->name);

		if (!w && (w = VEC_PUSH(&p->ways)))
			memcpy(w->uplink, l->name, sizeof(w->uplink));
		if (w)
			w->listed = true;
	}
	for (size_t i = 0; i < p->ways.n; i++)
		if (p->ways.v[i].listed)
			p->ways.v[kept++] = p->ways.v[i];
	p->ways.n = kept;
}

/* The one that has waited longest, of those that could serve; the others wait on. */
static struct way *next_way(struct prober *p, const struct facts *f, int64_t now)
{
	struct way *next = NULL;

	for (size_t i = 0; i < p->ways.n; i++) {
		struct way *w = &p->ways.v[i];

		if (w->ask_at > now)
			continue;
		if (uplink_serves(f, w->uplink, 0) != UPLINK_USABLE)
			w->ask_at = now + PROBE_EVERY_MS;
		else if (!next || w->ask_at < next->ask_at)
			next = w;
	}
	return next;
}

static void observe_and_ask(struct prober *p)
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s = NULL;
	int64_t now = clock_ms();
	struct err err = { 0 };
	struct way *w;

	p->observe_at = now + PROBE_EVERY_MS;
	p->rest_until = now + PROBE_AGAIN_MS;
	if (observe_host(0, &f, &err) < 0)
		return;
	for (size_t i = 0; i < f.sessions.n; i++)
		if (f.sessions.v[i].id == p->id)
			s = &f.sessions.v[i];
	if (!s)
		return;
	list_ways(p, &f, s);
	if (s->flags & SESSION_PAUSED)
		return;
	p->rest_until = 0;
	w = next_way(p, &f, now);
	if (w)
		start_probe(p, w);
}

/* --- the loop ------------------------------------------------------------------------------ */

/* When a probe is due; the first observation finds what to ask. */
static int64_t ask_at(const struct prober *p)
{
	int64_t at = p->observe_at;

	for (size_t i = 0; i < p->ways.n; i++)
		if (p->ways.v[i].ask_at < at)
			at = p->ways.v[i].ask_at;
	return at > p->rest_until ? at : p->rest_until;
}

static int time_left(const struct prober *p)
{
	int64_t at = p->child ? p->child_until : ask_at(p), left;

	for (size_t i = 0; i < p->ways.n; i++)
		if (has_to_say(&p->ways.v[i]) && p->ways.v[i].say_at < at)
			at = p->ways.v[i].say_at;
	left = at - clock_ms();
	return left > 0 ? (int)left : 0;
}

static void take_child(struct prober *p)
{
	struct signalfd_siginfo info;
	int status;

	if (read(p->signals, &info, sizeof(info)) > 0 && p->child &&
	    waitpid(p->child, &status, WNOHANG) == p->child)
		take_result(p, status);
}

static void serve(struct prober *p)
{
	while (!link_watch_gone(p->links, p->port, p->port_index)) {
		struct pollfd fds[] = {
			{ .fd = p->links, .events = POLLIN },
			{ .fd = p->signals, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), time_left(p)) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			take_child(p);
		if (p->child && p->child_until <= clock_ms())
			end_probe(p);
		if (!p->child && ask_at(p) <= clock_ms())
			observe_and_ask(p);
		say_all(p);
	}
}

/* The session's id, which enter sends; passed on to the next reader. 0: there is no session. */
static uint32_t await_session(void)
{
	uint32_t id = 0;
	ssize_t n;

	do
		n = recv(PROBER_LINE, &id, sizeof(id), 0);
	while (n < 0 && errno == EINTR);
	close(PROBER_LINE);
	if (n == sizeof(id))
		(void)send(PROBER_NEXT, &id, sizeof(id), MSG_NOSIGNAL);
	close(PROBER_NEXT);
	return n == sizeof(id) ? id : 0;
}

static int prepare(struct prober *p, const char *text, struct err *err)
{
	sigset_t ending;
	ssize_t n = readlink("/proc/self/exe", p->self, sizeof(p->self) - 1);
	int r = probe_parse(text, &p->probe, err);

	if (r < 0)
		return r;
	if (n <= 0)
		return err_errno(err, errno, "find this program");
	p->text = text;
	sigemptyset(&ending);
	sigaddset(&ending, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	p->signals = signalfd(-1, &ending, SFD_CLOEXEC);
	if (p->signals < 0)
		return err_errno(err, errno, "wait for signals");
	p->links = link_watch_open();
	if (p->links < 0)
		return err_errno(err, -p->links, "listen to links on a netlink socket");
	session_port(p->id, p->port);
	p->port_index = if_nametoindex(p->port); /* not before: what ends from now on is told */
	return 0;
}

int verb_prober(int argc, char *argv[])
{
	struct prober p = { .signals = -1, .links = -1 };
	struct err err = { 0 };

	if (argc != 2)
		return EXIT_VIA_FAILED;
	prctl(PR_SET_NAME, "via-iface-probe");
	p.id = await_session();
	if (!p.id)
		return 0;
	openlog("via-iface", LOG_PID, LOG_USER);
	if (prepare(&p, argv[1], &err) == 0)
		serve(&p);
	else
		syslog(LOG_ERR, "session %u: probe its uplinks: %s", p.id, err.text);
	end_probe(&p);
	VEC_DONE(&p.ways);
	close_fd(&p.links);
	close_fd(&p.signals);
	return err.code ? EXIT_VIA_FAILED : 0;
}
