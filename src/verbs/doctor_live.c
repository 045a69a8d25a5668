/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor --live: packets of a real session, and how far they get. By which card they leave is read
 * from the counters of every interface before and behind a burst; who answered, from ICMP errors
 * and the neighbour table; whose rule took them, from what others' rules are while the session is
 * there (plan/others.h), which root alone may see.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/util.h"
#include "base/vec.h"
#include "launch/launch.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "net/nl.h"
#include "plan/others.h"
#include "plan/uplink.h"
#include "verbs/doctor.h"
#include "verbs/doctor_legacy.h"
#include "verbs/doctor_trace.h"
#include "verbs/processes.h"
#include "verbs/progress.h"
#include "verbs/verbs.h"

/* What an entry of the neighbour table takes to fail: three questions, and from stale 5 s before.
 */
#define NEW_ENTRY_MS   4000
#define STALE_ENTRY_MS 9000

/* Of 13 packets, by so many a rule's counter grows at least: those of one distance (live.c). */
#define LEGACY_LEAST 4

#define NAME "doctor-" /* of its session, and the number of the process */

/* --- counters ------------------------------------------------------------------------------ */

struct counters {
	struct counter {
		char name[IFNAMSIZ];
		uint64_t rx, tx;
	} * v;
	size_t n, size;
};

/* proc(5), /proc/net/dev: packets are the second and the tenth number. */
static void read_counters(struct counters *ret)
{
	FILE *f = fopen("/proc/net/dev", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strrchr(line, ':'), *name = line + strspn(line, " ");
		struct counter c = { 0 };
		struct counter *added;

		if (!colon || colon - name >= IFNAMSIZ)
			continue;
		memcpy(c.name, name, (size_t)(colon - name));
		if (sscanf(colon + 1, "%*s %" SCNu64 " %*s %*s %*s %*s %*s %*s %*s %" SCNu64, &c.rx,
			   &c.tx) == 2 &&
		    (added = VEC_PUSH(ret)))
			*added = c;
	}
	if (f)
		fclose(f);
}

static const struct counter *find_counter(const struct counters *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].name, name))
			return &c->v[i];
	return NULL;
}

/* Packets that an interface sent (or for a port, received) between the two. */
static uint64_t grown(const struct counters *before, const struct counters *after, const char *name,
		      bool rx)
{
	const struct counter *a = find_counter(before, name), *b = find_counter(after, name);

	return !a || !b ? 0 : rx ? b->rx - a->rx : b->tx - a->tx;
}

/* --- the session --------------------------------------------------------------------------- */

struct family {
	uint8_t number;
	const char *name;
	bool usable, answered, beyond;
	unsigned int sent;
	char gateway[IP_TEXT_MAX], near[IP_TEXT_MAX], far[IP_TEXT_MAX], error[64];
};

struct live {
	const struct facts *facts;
	const char *uplink;
	struct family families[2];
	enum { NAMES_NONE, NAMES_YES, NAMES_NO } names;
	struct counters before, after;
	struct doctor_trace trace;
	struct xtables_stops legacy; /* before the packets are sent */
	char name[SESSION_NAME_MAX], port[IFNAMSIZ], refused[ERR_TEXT_MAX];
	pid_t child;
	int to_child;
	FILE *from_child;
};

/* In the child, which becomes the program of the session. */
static int become(const struct live *l, char *argv[])
{
	struct launch_options o = { .quiet = true, .no_app_policy = true, .program = argv };

	o.request.owner = REQUEST_OWNER_SELF;
	memcpy(o.request.name, l->name, sizeof(o.request.name));
	if (uplink_list_add(&o.request.uplinks, l->uplink) < 0)
		return EXIT_VIA_FAILED;
	return launch(&o, &(struct launch_target){ .netns = -1 });
}

static int start(struct live *l, const struct ip to[2], struct err *err)
{
	char self[PATH_MAX], text[2][IP_TEXT_MAX] = { "-", "-" };
	char *argv[] = { self, (char *)"live-once", text[0], text[1], NULL };
	int in[2], out[2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0 || pipe(in) < 0 || pipe(out) < 0)
		return err_errno(err, errno, "start a session");
	self[n] = 0;
	for (size_t i = 0; i < 2; i++)
		if (l->families[i].usable)
			ip_format(&to[i], text[i]);
	snprintf(l->name, sizeof(l->name), NAME "%d", (int)getpid());
	fflush(stdout);
	l->child = fork();
	if (l->child == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		for (int i = 0; i < 2; i++) {
			close(in[i]);
			close(out[i]);
		}
		_exit(become(l, argv));
	}
	close(in[0]);
	close(out[1]);
	l->to_child = in[1];
	l->from_child = fdopen(out[0], "r");
	if (l->child < 0 || !l->from_child)
		return err_errno(err, errno, "start a session");
	setvbuf(l->from_child, NULL, _IONBF, 0);
	return 0;
}

static void end(struct live *l)
{
	close_fd(&l->to_child);
	if (l->from_child)
		fclose(l->from_child);
	while (l->child > 0 && waitpid(l->child, NULL, 0) < 0 && errno == EINTR)
		;
	doctor_trace_done(&l->trace);
	xtables_done(&l->legacy);
	VEC_DONE(&l->before);
	VEC_DONE(&l->after);
}

/* "4 hop 2 192.168.2.1" */
static void take_line(struct live *l, char *line)
{
	struct family *f = &l->families[line[0] == '6'];
	char word[IP_TEXT_MAX];
	int hops;

	line[strcspn(line, "\n")] = 0;
	if (!strcmp(line, "dns yes"))
		l->names = NAMES_YES;
	else if (!strcmp(line, "dns no"))
		l->names = NAMES_NO;
	else if (sscanf(line, "%*c sent %u", &f->sent) == 1)
		return;
	else if (!strncmp(line + 1, " error ", 7))
		snprintf(f->error, sizeof(f->error), "%.63s", line + 8);
	else if (sscanf(line, "%*c hop %d %45s", &hops, word) == 2 && hops == 2)
		memcpy(f->near, word, sizeof(f->near));
	else if (sscanf(line, "%*c hop %d %45s", &hops, word) == 2 ||
		 sscanf(line, "%*c answer %45s", word) == 1)
		memcpy(f->far, word, sizeof(f->far));
}

/* The stream has no buffer, so that poll(2) sees what is to be read. */
static bool read_line(struct live *l, char *line, int size, bool *told)
{
	if (!*told && !progress_ready(fileno(l->from_child))) {
		progress_tell("packets leave by %s; waiting for answers, 10 s at most", l->uplink);
		*told = true;
	}
	return fgets(line, size, l->from_child) != NULL;
}

/* False: no session came to be, for the reason in refused. */
static bool await_session(struct live *l)
{
	char line[ERR_TEXT_MAX + 16] = "";

	if (!fgets(line, sizeof(line), l->from_child) || strcmp(line, "ready\n") != 0) {
		const char *text = !strncmp(line, "via-iface: ", 11) ? line + 11 : line;

		snprintf(l->refused, sizeof(l->refused), "%.*s", (int)strcspn(text, "\n"), text);
		return false;
	}
	return true;
}

static void send_packets(struct live *l)
{
	char line[ERR_TEXT_MAX + 16];
	bool told = false;

	read_counters(&l->before);
	if (write(l->to_child, "g", 1) != 1)
		return;
	while (read_line(l, line, sizeof(line), &told) && strcmp(line, "done\n") != 0)
		take_line(l, line);
	read_counters(&l->after);
}

/* --- what it means ------------------------------------------------------------------------- */

static const struct session *find(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!strcmp(f->sessions.v[i].name, name) && f->sessions.v[i].uid == geteuid())
			return &f->sessions.v[i];
	return NULL;
}

/*
 * An entry of the neighbour table is believed for a while after the last answer: until it has
 * failed, or has not in the time that this takes.
 */
static enum gateway_state settled_state(const struct live *l, const struct ip *gateway, int ms)
{
	int64_t end = clock_ms() + ms;
	enum gateway_state state = GATEWAY_UNKNOWN;
	struct nl_sock events = { 0 };
	struct err err = { 0 };

	if (nl_open(&events, NETLINK_ROUTE, &err) < 0 || nl_join(&events, RTNLGRP_NEIGH, &err) < 0)
		end = 0;
	for (;;) {
		_cleanup_facts_ struct facts f = { 0 };
		int64_t left = end - clock_ms();
		const struct fact_link *link;
		const struct fact_gateway *g;
		struct pollfd p;

		if (observe_host(0, &f, &err) < 0)
			break;
		link = facts_link(&f, l->uplink);
		g = link ? facts_gateway(&f, link->index, gateway) : NULL;
		state = g ? g->state : GATEWAY_UNKNOWN;
		if (state == GATEWAY_FAILED || left <= 0)
			break;
		p = (struct pollfd){ .fd = nl_fd(&events), .events = POLLIN };
		poll(&p, 1, (int)left);
		nl_drain(&events);
	}
	nl_close(&events);
	return state;
}

/* By which other interface as many packets left as were sent; NULL: by none. */
static const char *other_card(const struct live *l, unsigned int sent)
{
	for (size_t i = 0; i < l->facts->links.n; i++) {
		const char *name = l->facts->links.v[i].name;

		if (strcmp(name, l->uplink) != 0 &&
		    uplink_lookup(l->facts, name).problem == UPLINK_USABLE &&
		    grown(&l->before, &l->after, name, false) >= sent)
			return name;
	}
	return NULL;
}

static void tell_not_sent(struct live *l, const struct family *f, struct findings *ret)
{
	struct finding *added;
	bool reached = grown(&l->before, &l->after, l->port, true) >= f->sent;
	const char *other = other_card(l, f->sent);
	_cleanup_strbuf_ struct strbuf word = { 0 };
	char last[224];

	doctor_trace_tell_mark(&l->trace, f->number, ret);
	doctor_legacy_tell(&l->legacy, f->number, LEGACY_LEAST, l->uplink, ret);
	doctor_trace_last(&l->trace, f->number, last);
	added = findings_add(ret, "live-not-sent", SEVERITY_ERROR, l->uplink);
	if (!f->sent)
		finding_text(added, "send by '%s' (%s): %s", l->uplink, f->name, f->error);
	else
		finding_text(added,
			     "send by '%s' (%s): %u packets of a session %s, and did not leave by "
			     "'%s'%s%s%s%s%s: a rule of this host drops or redirects them",
			     l->uplink, f->name, f->sent,
			     reached ? "reached the host by its port" : "did not reach the host",
			     l->uplink, other ? "; as many left by '" : "", other ? other : "",
			     other ? "'" : "", last[0] ? "; " : "", last);
	if (geteuid())
		finding_fix(added,
			    "run as root, doctor names the rules: `sudo via-iface doctor --live "
			    "%s`",
			    strbuf_word(&word, l->uplink));
	else
		finding_fix(added,
			    "see `nft -a list ruleset` and `ip rule`; none may take what comes "
			    "from via0 for %s",
			    l->uplink);
}

static void tell_silent(const struct live *l, const struct family *f, struct findings *ret)
{
	struct finding *added = findings_add(ret, "live-gateway-silent", SEVERITY_ERROR, l->uplink);

	finding_text(added, "%s leaves by %s, no answer from the gateway%s%s", f->name, l->uplink,
		     f->gateway[0] ? " " : "", f->gateway);
	finding_fix(added, "see whether the router is on, and join its network anew");
}

static void tell_well(const struct live *l, const struct family *f, bool exact,
		      struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf word = { 0 };
	struct finding *added;

	if (f->beyond) {
		added = findings_add(ret, "live", SEVERITY_INFO, l->uplink);
		finding_text(added, "%s leaves by %s, and is answered from beyond the gateway%s%s",
			     f->name, l->uplink, f->far[0] ? ": by " : "", f->far);
		return;
	}
	added = findings_add(ret, "live-nothing-beyond", exact ? SEVERITY_ERROR : SEVERITY_WARNING,
			     l->uplink);
	finding_text(added, "%s leaves by %s, answered by the gateway %s, nothing beyond", f->name,
		     l->uplink, f->near[0] ? f->near : f->gateway);
	if (exact)
		finding_fix(added,
			    "the fault is behind this host: see the router's own connection");
	else
		finding_fix(added, "ask somebody who answers: `via-iface doctor --live --to %s %s`",
			    f->number == AF_INET ? "9.9.9.9" : "2620:fe::fe",
			    strbuf_word(&word, l->uplink));
}

enum end { END_ANSWERED, END_NOT_SENT, END_SILENT };

/*
 * Nobody answered. Packets for a gateway that does not answer ARP wait for it and leave no more
 * than those that a rule took; but the neighbour table has the gateway as failed then.
 */
static enum end how_it_ended(const struct live *l, const struct family *f, const struct ip *gateway)
{
	bool left = f->sent && grown(&l->before, &l->after, l->uplink, false) >= f->sent;
	enum gateway_state state = GATEWAY_UNKNOWN;

	if (!gateway->family)
		return left ? END_ANSWERED : END_NOT_SENT;
	state = settled_state(l, gateway, 0);
	if (state != GATEWAY_FAILED && (left || state == GATEWAY_UNKNOWN))
		state = settled_state(l, gateway, left ? STALE_ENTRY_MS : NEW_ENTRY_MS);
	if (state == GATEWAY_FAILED)
		return END_SILENT;
	return left ? END_ANSWERED : END_NOT_SENT;
}

static void judge(struct live *l, struct family *f, bool exact, bool failures_only,
		  struct findings *ret)
{
	struct uplink u = uplink_lookup(l->facts, l->uplink);
	const struct way_out *way = f->number == AF_INET ? &u.ip4 : &u.ip6;
	enum end end = END_ANSWERED;

	if (way->gateway.family)
		ip_format(&way->gateway, f->gateway);
	f->beyond = f->far[0] && strcmp(f->far, f->near) != 0 && strcmp(f->far, f->gateway) != 0;
	if (!f->beyond && !f->near[0])
		end = how_it_ended(l, f, &way->gateway);
	if (end == END_NOT_SENT)
		tell_not_sent(l, f, ret);
	else if (end == END_SILENT)
		tell_silent(l, f, ret);
	else if (!failures_only)
		tell_well(l, f, exact, ret);
}

static void tell_names(const struct live *l, struct findings *ret)
{
	struct finding *f;

	if (l->names != NAMES_NO || findings_bad(ret))
		return;
	f = findings_add(ret, "live-no-names", SEVERITY_WARNING, l->uplink);
	finding_text(f, "ask for names by '%s': no name server of it answered a session",
		     l->uplink);
	finding_run(f, "--dns 9.9.9.9", l->uplink, "asks another one");
}

static enum doctor_answered who_answered(const struct family *f)
{
	return f->far[0]    ? ANSWERED_FROM_BEYOND
	       : f->near[0] ? ANSWERED_BY_GATEWAY
			    : ANSWERED_BY_NOBODY;
}

/* Rules of others that take a session's packets, while the session is there. */
static void find_rules(struct live *l, const struct facts *now, const struct session *s,
		       struct findings *ret)
{
	enum doctor_answered answered[] = { who_answered(&l->families[0]),
					    who_answered(&l->families[1]) };
	size_t kept = ret->n, n, traced;

	others_check(now, s, ret);
	doctor_routes(now, s, NULL, ret);
	n = ret->n;
	traced = doctor_trace_tell(&l->trace, now, answered, ret);
	for (size_t i = kept; i < ret->n; i++) {
		struct finding *f = &ret->v[i];

		/* which rules it can be, where it is known which one it is */
		if (i < n && traced &&
		    (!strcmp(f->id, "rule-of-others") || !strcmp(f->id, "rpfilter-of-others")))
			continue;
		if (!strcmp(f->object, l->name))
			snprintf(f->object, sizeof(f->object), "%s", l->uplink);
		ret->v[kept++] = *f;
	}
	ret->n = kept;
}

/* Runs the session's packets, with what they meet in facts and findings. */
static int try_out(struct live *l, struct facts *ret, struct findings *findings, struct err *err)
{
	_cleanup_facts_ struct facts before = { 0 };
	const struct session *s;
	int r = geteuid() ? 0 : observe_host(0, &before, err);

	if (r < 0)
		return r;
	xtables_read(&l->legacy);
	doctor_trace_begin(&l->trace, &before, find(&before, l->name), l->uplink);
	send_packets(l);
	doctor_trace_end(&l->trace);
	r = observe_host(OBSERVE_STOPS, ret, err);
	s = r == 0 ? find(ret, l->name) : NULL;
	if (s) {
		session_port(s->id, l->port);
		find_rules(l, ret, s, findings);
	}
	return r;
}

static void tell_refused(const struct live *l, struct findings *ret)
{
	struct finding *f = findings_add(ret, "live-not-started", SEVERITY_ERROR, l->uplink);

	finding_error(f, l->refused, "");
}

/* Whether nothing but a run of doctor is in it: one that a user named so has other programs. */
static bool is_doctors(const struct session *s, const struct processes *p)
{
	const char *number = s->name + strlen(NAME);
	char name[16];
	int parent;

	if (strncmp(s->name, NAME, strlen(NAME)) != 0 || !*number ||
	    number[strspn(number, "0123456789")] || s->flags & (SESSION_KEEP | SESSION_ATTACHED))
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].netns == s->netns && process_read(p->v[i].pid, &parent, name) &&
		    strcmp(name, "via-iface") != 0)
			return false;
	return true;
}

static const struct session *called(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!strcmp(f->sessions.v[i].name, name))
			return &f->sessions.v[i];
	return NULL;
}

void doctor_live_forget(const struct facts *f, struct findings *ret)
{
	_cleanup_processes_ struct processes processes = { 0 };
	struct err err = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < ret->n; i++) {
		const struct session *s = called(f, ret->v[i].object);

		if (s && !strncmp(s->name, NAME, strlen(NAME)) && processes.n == 0 &&
		    processes_find(&processes, &err) < 0)
			return;
		if (!s || !is_doctors(s, &processes))
			ret->v[kept++] = ret->v[i];
	}
	ret->n = kept;
}

int doctor_live(const struct facts *f, const char *uplink, const struct ip *to, bool failures_only,
		struct findings *ret, struct err *err)
{
	struct live l = { .facts = f,
			  .uplink = uplink,
			  .to_child = -1,
			  .families = { { .number = AF_INET, .name = "IPv4" },
					{ .number = AF_INET6, .name = "IPv6" } } };
	_cleanup_facts_ struct facts now = { 0 };
	struct uplink u = uplink_lookup(f, uplink);
	struct ip ips[2];
	int r;

	ip_parse("192.0.2.1", &ips[0]);
	ip_parse("2001:db8::1", &ips[1]);
	if (to)
		ips[to->family == AF_INET6] = *to;
	l.families[0].usable = u.ip4.usable && (!to || to->family == AF_INET);
	l.families[1].usable = u.ip6.usable && (!to || to->family == AF_INET6);
	r = start(&l, ips, err);
	if (r == 0 && !await_session(&l)) {
		tell_refused(&l, ret);
	} else if (r == 0) {
		r = try_out(&l, &now, ret, err);
		for (size_t i = 0; i < 2 && r == 0; i++)
			if (l.families[i].usable)
				judge(&l, &l.families[i], to != NULL, failures_only, ret);
		tell_names(&l, ret);
	}
	end(&l);
	findings_sort(ret);
	return r;
}
