/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface list: read from the kernel alone, without the daemon and without privilege. The
 * processes of a session are those in its netns that the caller may see.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "plan/others.h"
#include "verbs/masks.h"
#include "verbs/table.h"
#include "verbs/tables.h"
#include "verbs/verbs.h"
#include "verbs/view.h"
#include "verbs/watch.h"

#define PIDS_SHOWN 8

static const struct table_column columns[] = {
	{ "NAME", .least = 8 },
	{ "ID", .right = true },
	{ "UPLINK", .least = 6 },
	{ "STATE" },
	{ "USER", .least = 6 },
	{ "RX", .right = true },
	{ "TX", .right = true },
	{ "AGE", .right = true },
	{ "PIDS", .least = 5, .list = true },
	{ "NOTE", .least = 8 },
	{ "PORT", .drop = 2 }, /* these where a session is attached */
	{ "DEVICE", .drop = 1 },
};
#define COLUMNS_OF_ATTACHED 2

/* The first ones, and how many more there are. */
static void add_pids(struct table *t, const struct session_view *v)
{
	_cleanup_strbuf_ struct strbuf pids = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < v->processes->n; i++)
		if (v->processes->v[i].netns == v->session->netns && n++ < PIDS_SHOWN)
			strbuf_add(&pids, "%s%d", n > 1 ? "," : "", v->processes->v[i].pid);
	if (n > PIDS_SHOWN)
		strbuf_add(&pids, ",+%zu", n - PIDS_SHOWN);
	table_add(t, "%s", n ? strbuf_text(&pids) : "-");
}

static void add_note(struct table *t, const struct session_view *v)
{
	const bool attached = v->session->flags & SESSION_ATTACHED;
	const char *group = v->session->share;

	_cleanup_strbuf_ struct strbuf note = { 0 };
	char title[CONTAINER_NAME_MAX];

	if (attached)
		strbuf_add(&note, "(attached) ");
	if (v->container.engine)
		strbuf_add(&note, "%s:%s ", container_engine_name(v->container.engine),
			   container_title(&v->container, title));
	if (*group)
		strbuf_add(&note, "(group %s) ", group);
	strbuf_add(&note, "%s", v->reason);
	if (note.len && !*v->reason)
		strbuf_truncate(&note, note.len - 1);
	table_add(t, "%s", strbuf_text(&note));
}

/* Name, id, uplink, state, user: the cells with which both tables begin. */
static void add_who(struct table *t, const struct session_view *v)
{
	table_add(t, "%s", v->session->name);
	table_add(t, "%" PRIu32, v->session->id);
	table_add(t, "%s", v->session->slot ? v->session->uplink : "-");
	table_add(t, "%s", session_state_name(v->state));
	table_colour(t, view_state_colour(v->state));
	table_add(t, "%s", v->user);
}

/* The host's end of the pair, and the one inside, each with its number (ip-link(8), ifindex). */
static void add_device(struct table *t, const char *name, int index)
{
	if (index)
		table_add(t, "%s(%d)", name, index);
	else
		table_add(t, "-");
}

static bool is_any_attached(const struct facts *f)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (f->sessions.v[i].flags & SESSION_ATTACHED)
			return true;
	return false;
}

static void add_row(struct table *t, const struct session_view *v)
{
	char rx[24], tx[24], age[24];

	add_who(t, v);
	table_add(t, "%s", human_bytes(v->rx_bytes, rx));
	table_add(t, "%s", human_bytes(v->tx_bytes, tx));
	table_add(t, "%s", human_age(v->session->since, age));
	add_pids(t, v);
	add_note(t, v);
	if (t->columns == ARRAY_SIZE(columns)) {
		add_device(t, v->port, v->port_index);
		add_device(t, session_device(v->session), v->device_index);
	}
}

bool tables_shows(const struct session *s, bool all)
{
	return all || !s->probe_of;
}

static const struct table_column rate_columns[] = {
	{ "NAME", .least = 8 },
	{ "ID", .right = true },
	{ "UPLINK", .least = 6 },
	{ "STATE" },
	{ "USER", .least = 6 },
	{ "RX/s", .right = true },
	{ "TX/s", .right = true },
	{ "RX", .right = true, .drop = 1 },
	{ "TX", .right = true, .drop = 1 },
	{ "NOTE", .least = 8 },
};

static void add_rates(struct table *t, const struct session_view *v, const struct rate *rate)
{
	char buf[24];

	add_who(t, v);
	if (rate && rate->known) {
		table_add(t, "%s", human_bytes(rate->rx, buf));
		table_add(t, "%s", human_bytes(rate->tx, buf));
	} else { /* it was not there, or not seen before */
		table_add(t, "-");
		table_add(t, "-");
	}
	table_add(t, "%s", human_bytes(v->rx_bytes, buf));
	table_add(t, "%s", human_bytes(v->tx_bytes, buf));
	add_note(t, v);
}

/* Both tables; rates: NULL for that of `list`. */
static int print(const struct facts *f, const struct processes *p, const struct rates *rates,
		 bool sees_all, bool all, const struct terminal *terminal, FILE *out)
{
	struct table t = { .of = rates ? rate_columns : columns,
			   .columns = rates ? ARRAY_SIZE(rate_columns) : ARRAY_SIZE(columns) };
	struct session_view v;

	if (!rates && !is_any_attached(f))
		t.columns -= COLUMNS_OF_ATTACHED;
	for (size_t i = 0; i < f->sessions.n; i++) {
		if (!tables_shows(&f->sessions.v[i], all))
			continue;
		view_session(f, &f->sessions.v[i], p, sees_all, &v);
		if (rates)
			add_rates(&t, &v, rates_of(rates, v.session));
		else
			add_row(&t, &v);
	}
	if (t.n)
		return table_print(&t, terminal, out);
	fputs("no session runs\n", out);
	return 0;
}

int tables_print_sessions(const struct facts *f, const struct processes *p, bool sees_all, bool all,
			  const struct terminal *terminal, FILE *out)
{
	return print(f, p, NULL, sees_all, all, terminal, out);
}

int tables_print_rates(const struct facts *f, const struct processes *p, const struct rates *rates,
		       bool sees_all, bool all, const struct terminal *terminal, FILE *out)
{
	return print(f, p, rates, sees_all, all, terminal, out);
}

static void print_json(const struct facts *f, const struct processes *p, bool all)
{
	struct json_object *array = json_object_new_array();
	struct session_view v;

	for (size_t i = 0; i < f->sessions.n; i++) {
		if (!tables_shows(&f->sessions.v[i], all))
			continue;
		view_session(f, &f->sessions.v[i], p, geteuid() == 0, &v);
		json_object_array_add(array, json_session(&v));
	}
	json_show(array);
}

/* What no session has yet. */
static void print_spares(const struct facts *f)
{
	char port[IFNAMSIZ];

	for (size_t i = 0; i < f->spares.n; i++) {
		session_port(f->spares.v[i].id, port);
		printf("%s is no session's: a network namespace that is ready for the next "
		       "launch\n",
		       port);
	}
}

/* What status shows with the session; here it must not be overlooked. */
static void warn(const struct facts *f, const struct processes *p)
{
	_cleanup_findings_ struct findings findings = { 0 };

	for (size_t i = 0; i < f->sessions.n; i++)
		masks_check(&f->sessions.v[i], p, &findings);
	others_check(f, NULL, &findings);
	view_warn(&findings);
}

/* For a launch, which does not link the libraries for this; see launch/environment.c. */
int verb_warnings(int argc, char *argv[])
{
	_cleanup_processes_ struct processes processes = { 0 };
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };

	(void)argc, (void)argv;
	if (observe_host(OBSERVE_STOPS | OBSERVE_STATES, &f, &err) < 0 ||
	    processes_find(&processes, &err) < 0)
		return program_fail(&err);
	warn(&f, &processes);
	return 0;
}

static bool print_own(void)
{
	char name[SESSION_NAME_MAX];
	uint32_t id;

	if (!session_around(name, &id))
		return false;
	printf("this is inside session '%s' (%" PRIu32
	       "); the host's sessions are not seen from here\n",
	       name, id);
	return true;
}

int verb_list(int argc, char *argv[])
{
	_cleanup_processes_ struct processes processes = { 0 };
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };
	struct words w;
	int r = words_read(VERB_LIST, argc, argv, 0, &w, &err);
	struct terminal terminal = { 0 };

	if (r == 0)
		terminal = terminal_of_stdout(w.color);
	if (r == 0)
		r = observe_host(OBSERVE_COUNTERS | OBSERVE_STOPS | OBSERVE_STATES, &f, &err);
	if (r == 0)
		r = processes_find(&processes, &err);
	if (r == 0 && !w.json && !f.sessions.n && print_own())
		return 0; /* the host's sessions cannot be seen from there */
	if (r == 0 && w.watches)
		r = watch_sessions(&w, &err);
	else if (r == 0 && w.json)
		print_json(&f, &processes, w.all);
	else if (r == 0 && tables_print_sessions(&f, &processes, geteuid() == 0, w.all, &terminal,
						 stdout) < 0)
		r = err_set(&err, ENOMEM, "print the sessions: out of memory");
	if (r == 0 && w.all && !w.watches && !w.json)
		print_spares(&f);
	if (r == 0 && !w.watches)
		warn(&f, &processes);
	return r < 0 ? program_fail(&err) : 0;
}
