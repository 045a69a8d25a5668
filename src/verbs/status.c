/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface status: all that there is to say of one session, or of each. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "base/text.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "plan/others.h"
#include "verbs/follow.h"
#include "verbs/masks.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

static void print_ways(const struct session_view *v)
{
	struct view_ways walk = { .view = v };
	_cleanup_strbuf_ struct strbuf word = { 0 };
	struct view_way way;
	const char *title = "uplinks";

	for (; view_ways(&walk, &way); title = "") {
		const char *name = way.link ? way.link->name : way.word;

		text_print(stdout, "  %-10s %s", title, name);
		if (strcmp(name, way.word) != 0)
			text_print(stdout, " (%s)", way.word);
		text_print(stdout, ": %s", view_way_text(&way));
		if (way.problem == UPLINK_PORTAL && way.link)
			text_print(stdout, "; " UPLINK_PORTAL_HINT, strbuf_word(&word, name));
		putchar('\n');
	}
}

/* Gateways of the uplink in use that do not answer. */
static void print_silent(const struct session_view *v)
{
	const struct uplink u = uplink_lookup(v->facts, v->session->uplink);
	const struct way_out *ways[] = { &u.ip4, &u.ip6 };
	char silent[SILENT_TEXT_MAX];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (v->session->slot && way_silent_text(ways[i], silent))
			text_print(stdout, "  %-10s %s\n", "", silent);
}

static void print_dns(const struct session_view *v)
{
	struct view_dns dns;
	char buf[IP_TEXT_MAX];

	if (!view_dns(v, &dns))
		return;
	text_print(stdout, "  %-10s ", "dns");
	for (size_t i = 0; i < dns.n; i++)
		text_print(stdout, "%s%s", i ? ", " : "", ip_format(&dns.servers[i], buf));
	text_print(stdout, " (%s)\n", dns.source);
}

static void print_options(const struct session *s)
{
	static const struct {
		uint32_t flag;
		const char *option;
	} flags[] = {
		{ SESSION_NO_IPV6, "--ipv6=off" },
		{ SESSION_NO_LAN, "--no-lan" },
		{ SESSION_HOST_ACCESS, "--host-access" },
		{ SESSION_KEEP, "--keep" },
		{ SESSION_ATTACHED, "attached" },
		{ SESSION_PORTAL, "portal" },
		{ SESSION_PORTAL_LAN, "--lan" },
		{ SESSION_FALLBACK, "--fallback" },
		{ SESSION_FOREIGN_RESOLVER, "--allow-foreign-resolver" },
	};
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (s->flags & flags[i].flag)
			strbuf_add(&sb, " %s", flags[i].option);
	if (sb.len)
		text_print(stdout, "  %-10s%s\n", "options", strbuf_text(&sb));
}

static void print_pids(const struct session_view *v)
{
	const char *before = "";

	text_print(stdout, "  %-10s ", "processes");
	for (size_t i = 0; i < v->processes->n; i++) {
		const struct process *p = &v->processes->v[i];
		char name[16];
		int parent;

		if (p->netns != v->session->netns || !process_read(p->pid, &parent, name))
			continue;
		for (char *c = name; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				*c = '?';
		text_print(stdout, "%s%d %s", before, p->pid, name);
		before = ", ";
	}
	puts(*before ? "" : geteuid() ? "none that you may see" : "none");
}

static void print_session(const struct session_view *v, const struct findings *findings,
			  bool colours)
{
	const struct session *s = v->session;
	char rx[24], tx[24], age[24], started[40], ports[HOST_PORTS_TEXT_MAX],
		rates[RATE_LIMITS_TEXT_MAX], published[PUBLISH_LIST_TEXT_MAX];
	time_t since = (time_t)s->since;
	struct tm tm;

	text_print(stdout, "%s (%" PRIu32 "): ", s->name, s->id);
	colour_begin(stdout, view_state_colour(v->state), colours);
	fputs(session_state_name(v->state), stdout);
	colour_end(stdout, view_state_colour(v->state), colours);
	if (s->slot && v->state == STATE_UP)
		text_print(stdout, " through %s", s->uplink);
	text_print(stdout, "%s%s\n", v->reason[0] ? ", " : "", v->reason);
	print_ways(v);
	print_silent(v);
	print_dns(v);
	print_options(s);
	if (s->share[0])
		text_print(stdout, "  %-10s %s, as %s.via\n", "group", s->share, s->name);
	if (host_ports_count(&s->host_ports))
		text_print(stdout, "  %-10s %s\n", "host ports",
			   host_ports_format(&s->host_ports, ", ", ports));
	if (s->rates.down)
		text_print(stdout, "  %-10s %s\n", "rate", rate_limits_format(&s->rates, rates));
	if (publish_count(&s->published))
		text_print(stdout, "  %-10s %s\n", "published",
			   publish_list_format(&s->published, ", ", published));
	text_print(stdout, "  %-10s %s (%" PRIu32 ")\n", "user", v->user, s->uid);
	text_print(stdout, "  %-10s %s%s%s, mtu %" PRIu32 "\n", "address", v->address,
		   v->address6[0] ? ", " : "", v->address6, s->mtu);
	text_print(stdout, "  %-10s received %s, sent %s\n", "traffic",
		   human_bytes(v->rx_bytes, rx), human_bytes(v->tx_bytes, tx));
	if (localtime_r(&since, &tm) && strftime(started, sizeof(started), "%F %T", &tm))
		text_print(stdout, "  %-10s %s, %s ago\n", "since", started,
			   human_age(s->since, age));
	text_print(stdout, "  %-10s %" PRIu64 ", port %s (ifindex %d), in it %s (ifindex %d)\n",
		   "netns", s->netns, v->port, v->port_index, session_device(s), v->device_index);
	if (v->container.engine)
		text_print(stdout, "  %-10s %s %s %s\n", "container",
			   container_engine_name(v->container.engine), v->container.id,
			   v->container.name);
	print_pids(v);
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *one = &findings->v[i];
		const enum colour colour = view_severity_colour(one->severity);

		fputs("  ", stdout);
		colour_begin(stdout, colour, colours);
		text_print(stdout, "%-10s", severity_name(one->severity));
		colour_end(stdout, colour, colours);
		text_print(stdout, " %s%s%s\n", one->text, one->fix[0] ? "; " : "", one->fix);
	}
}

/* One session; text is printed, JSON returned. */
static struct json_object *show(const struct facts *f, const struct processes *p,
				const struct session *s, bool json, bool colours)
{
	const struct fact_link *link = s->slot ? facts_link(f, s->uplink) : NULL;
	_cleanup_findings_ struct findings findings = { 0 };
	struct session_view v;

	view_session(f, s, p, geteuid() == 0, &v);
	masks_check(s, p, &findings);
	if (link && !s->n_dns)
		findings_of_names(f, link, &findings);
	others_check(f, s, &findings);
	if (json)
		return json_session_in_full(&v, &findings);
	print_session(&v, &findings, colours);
	return NULL;
}

static int show_all(struct facts *f, const struct processes *p, const struct words *w,
		    struct err *err)
{
	const struct session *one = w->n ? find_session(f, w->v[0], err) : NULL;
	const bool colours = terminal_of_stdout(w->color).colours, json = w->json;
	struct json_object *array;

	if (w->n && !one)
		return -err->code;
	if (one && json)
		json_show(show(f, p, one, true, false));
	else if (one)
		show(f, p, one, false, colours);
	if (one)
		return 0;
	array = json ? json_object_new_array() : NULL;
	for (size_t i = 0, n = 0; i < f->sessions.n; i++) {
		struct json_object *o;

		if (f->sessions.v[i].probe_of)
			continue;
		if (n++ && !json)
			putchar('\n');
		o = show(f, p, &f->sessions.v[i], json, colours);
		if (json)
			json_object_array_add(array, o);
	}
	if (json)
		json_show(array);
	return 0;
}

/* The name servers of each session's uplink. */
static int observe_servers(struct facts *f, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < f->sessions.n && r == 0; i++)
		if (f->sessions.v[i].slot && f->sessions.v[i].uplink[0])
			r = observe_dns(f->sessions.v[i].uplink, f, err);
	return r;
}

int verb_status(int argc, char *argv[])
{
	_cleanup_processes_ struct processes processes = { 0 };
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };
	struct words w;
	int r = words_read(VERB_STATUS, argc, argv, 1, &w, &err);

	if (r == 0 && w.follow)
		return follow_print(w.n ? w.v[0] : NULL, w.json, &err) < 0 ? program_fail(&err) : 0;
	if (r == 0)
		r = observe_host(OBSERVE_COUNTERS | OBSERVE_STOPS, &f, &err);
	if (r == 0)
		r = observe_servers(&f, &err);
	if (r == 0)
		r = processes_find(&processes, &err);
	if (r == 0)
		r = show_all(&f, &processes, &w, &err);
	return r < 0 ? program_fail(&err) : 0;
}
