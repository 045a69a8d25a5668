/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface uplinks: the interfaces that could serve, and why one cannot. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "plan/others.h"
#include "verbs/table.h"
#include "verbs/tables.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

static void add_word(struct strbuf *sb, const char *word)
{
	strbuf_add(sb, "%s%s", sb->len ? "," : "", word);
}

/* One cell: the words, or a dash. */
static void add_cell(struct table *t, struct strbuf *sb)
{
	table_add(t, "%s", sb->len ? strbuf_text(sb) : "-");
	strbuf_truncate(sb, 0);
}

static void add_addresses(struct strbuf *sb, const struct ip *v, size_t n)
{
	char buf[IP_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		if (ip_is_set(&v[i]))
			add_word(sb, ip_format(&v[i], buf));
}

/* What a list may call it besides: all of it, however long, so that each can be pasted. */
static void add_other_names(struct strbuf *sb, const struct facts *f, const struct fact_link *l)
{
	if (l->ssid[0]) {
		strbuf_add(sb, "%s", sb->len ? ", " : "");
		uplink_add_ssid(sb, l->ssid);
	}
	for (size_t i = 0; i < l->n_altnames; i++)
		strbuf_add(sb, "%s%s", sb->len ? ", " : "",
			   f->altnames.v[l->first_altname + i].name);
}

/* Gateways that do not answer. */
static void add_silent(struct strbuf *sb, const struct uplink *u)
{
	const struct way_out *ways[] = { &u->ip4, &u->ip6 };
	char silent[SILENT_TEXT_MAX];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (way_silent_text(ways[i], silent))
			strbuf_add(sb, "%s%s", sb->len ? "; " : "", silent);
}

/* What sessions' questions for names lack. */
static void add_findings(struct strbuf *sb, const struct facts *f, const struct fact_link *l)
{
	_cleanup_findings_ struct findings findings = { 0 };

	findings_of_names(f, l, &findings);
	for (size_t i = 0; i < findings.n; i++)
		strbuf_add(sb, "%s%s", sb->len ? "; " : "", findings.v[i].text);
}

static void add_row(struct table *t, const struct facts *f, const struct fact_link *l)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	const struct fact_dns *dns = facts_dns(f, l->index);
	const struct uplink u = uplink_lookup(f, l->name);
	const enum uplink_problem problem = uplink_serves(f, l->name, 0);
	_cleanup_strbuf_ struct strbuf name = { 0 };
	char buf[IP_TEXT_MAX];

	table_add(t, "%s", l->name);
	table_add(t, "%s", link_medium_name(l->medium));
	table_add(t, "%s", view_link_state(l));
	table_add(t, "%s", problem == UPLINK_USABLE ? "yes" : "no");
	table_colour(t, problem == UPLINK_USABLE ? COLOUR_GOOD : COLOUR_BAD);
	for (size_t i = 0; i < f->addrs.n; i++)
		if (f->addrs.v[i].index == l->index && f->addrs.v[i].scope == RT_SCOPE_UNIVERSE)
			add_word(&sb, prefix_format(&f->addrs.v[i].prefix, buf));
	add_cell(t, &sb);
	add_addresses(&sb, &u.ip4.gateway, 1);
	add_addresses(&sb, &u.ip6.gateway, 1);
	add_cell(t, &sb);
	add_addresses(&sb, dns ? dns->servers : NULL, dns ? dns->n : 0);
	add_cell(t, &sb);
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!f->sessions.v[i].probe_of && f->sessions.v[i].slot &&
		    !strcmp(f->sessions.v[i].uplink, l->name))
			add_word(&sb, f->sessions.v[i].name);
	add_cell(t, &sb);
	if (view_is_default(f, l))
		strbuf_add(&sb, "default route");
	add_other_names(&sb, f, l);
	if (problem != UPLINK_USABLE)
		strbuf_add(&sb, "%s%s", sb.len ? "; " : "", uplink_problem_text(problem));
	else
		add_silent(&sb, &u);
	if (problem == UPLINK_PORTAL)
		strbuf_add(&sb, "; " UPLINK_PORTAL_HINT, strbuf_word(&name, l->name));
	add_findings(&sb, f, l);
	table_add(t, "%s", strbuf_text(&sb));
}

static const struct table_column columns[] = {
	{ "NAME", .least = 8 },
	{ "KIND" },
	{ "LINK" },
	{ "USABLE" },
	{ "ADDRESS", .least = 18, .list = true },
	{ "GATEWAY", .least = 15, .list = true, .drop = 1 },
	{ "DNS", .least = 15, .list = true, .drop = 2 },
	{ "SESSIONS", .least = 8, .list = true },
	{ "NOTE", .least = 13 },
};

/* Those that serve best come first: by which the host's own traffic goes, then those that can. */
static int rank_of(const struct facts *f, const struct fact_link *l)
{
	if (view_is_default(f, l))
		return 0;
	return uplink_serves(f, l->name, 0) == UPLINK_USABLE ? 1 : 2;
}

int tables_print_uplinks(const struct facts *f, const struct terminal *terminal, FILE *out)
{
	struct table t = { .of = columns, .columns = sizeof(columns) / sizeof(columns[0]) };

	for (int rank = 0; rank <= 2; rank++)
		for (size_t i = 0; i < f->links.n; i++)
			if (view_is_uplink(&f->links.v[i]) && rank_of(f, &f->links.v[i]) == rank)
				add_row(&t, f, &f->links.v[i]);
	if (!t.n) {
		fputs("there is no interface that could serve\n", out);
		return 0;
	}
	return table_print(&t, terminal, out);
}

int verb_uplinks(int argc, char *argv[])
{
	_cleanup_findings_ struct findings findings = { 0 };
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };
	struct words w;
	int r = words_read(VERB_UPLINKS, argc, argv, 0, &w, &err);

	if (r == 0)
		r = observe_host(OBSERVE_STOPS, &f, &err);
	if (r == 0)
		r = observe_dns(NULL, &f, &err);
	if (r == 0 && w.json) {
		struct json_object *array = json_object_new_array();

		for (size_t i = 0; i < f.links.n; i++)
			if (view_is_uplink(&f.links.v[i]))
				json_object_array_add(array, json_uplink(&f, &f.links.v[i]));
		json_show(array);
	} else if (r == 0) {
		const struct terminal terminal = terminal_of_stdout(w.color);

		if (tables_print_uplinks(&f, &terminal, stdout) < 0)
			r = err_set(&err, ENOMEM, "print the uplinks: out of memory");
	}
	if (r == 0) {
		others_check(&f, NULL, &findings);
		view_warn(&findings);
	}
	return r < 0 ? program_fail(&err) : 0;
}
