/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-verbs complete WORD…: what the last of the words behind `via-iface` can be, for the
 * completions of shells (data/completions), which only show it. A line is a candidate, with a tab a
 * description behind it; or, where the shell itself knows best, "!command N" (a command line begins
 * with the word of that number, from 0), "!users", "!pids", "!files",
 * "!entries" (of `via-iface desktop list`).
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/words.h"
#include "launch/program.h"
#include "plan/uplink.h"
#include "verbs/container.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

struct line {
	int argc;
	char **argv; /* the last one is to be completed */
	const char *word;
};

static void offer(const struct line *l, const char *before, const char *text, const char *what)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", before, text);
	if (strncmp(whole, l->word, strlen(l->word)) != 0 || strpbrk(whole, "\t\n") ||
	    whole[0] == '!') /* what else the shell is to do, of which it evaluates a part */
		return;
	text_print(stdout, "%s", whole);
	if (what[0])
		printf("\t%s", what);
	putchar('\n');
}

/* --- options ------------------------------------------------------------------------------- */

static void offer_options(const struct line *l, enum verb_id verb)
{
	const struct verb_option *o = NULL;
	char text[64], what[128];

	while ((o = verb_next_option(verb, o))) {
		snprintf(what, sizeof(what), "%.*s", (int)strcspn(o->help, "\n"), o->help);
		snprintf(text, sizeof(text), "--%s", o->name);
		offer(l, "", text, what);
		if (o->letter && !strcmp(l->word, "-")) {
			snprintf(text, sizeof(text), "-%c", o->letter);
			offer(l, "", text, what);
		}
	}
}

/* --- words --------------------------------------------------------------------------------- */

/* The words of a list that are typed already: up to and with the last comma that divides it. */
static size_t typed_before(const char *list)
{
	size_t n = 0;

	for (size_t i = 0; list[i]; i++) {
		if (list[i] == '\\' && list[i + 1])
			i++;
		else if (list[i] == ',')
			n = i + 1;
	}
	return n;
}

/* What is typed already, as it stands there and as a list. */
struct typed_list {
	char text[512];
	struct uplink_list list;
};

static void read_typed_list(const char *word, struct typed_list *ret)
{
	const size_t len = typed_before(word);

	*ret = (struct typed_list){ 0 };
	if (!len || len >= sizeof(ret->text))
		return;
	memcpy(ret->text, word, len - 1); /* without the comma */
	uplink_list_read(ret->text, &ret->list);
	memcpy(ret->text, word, len);
}

static void offer_uplink(const struct line *l, const struct typed_list *typed, const char *name,
			 const char *what)
{
	struct uplink_list one = { 0 };
	char text[UPLINK_LIST_TEXT_MAX];

	if (!uplink_list_has(&typed->list, name) && uplink_list_add(&one, name) == 0)
		offer(l, typed->text, uplink_list_format(&one, text), what);
}

/* What cannot be observed is not offered, and a completion says nothing. */
static bool observed(struct facts *ret)
{
	struct err ignored = { 0 };

	return observe_host(0, ret, &ignored) == 0;
}

static void offer_uplinks(const struct line *l)
{
	_cleanup_facts_ struct facts f = { 0 };
	char name[UPLINK_WORD_MAX];
	struct typed_list typed;
	bool kinds[MEDIUM_COUNT] = { false };

	if (!observed(&f))
		return;
	read_typed_list(l->word, &typed);
	for (size_t i = 0; i < f.links.n; i++) {
		const struct fact_link *k = &f.links.v[i];
		enum uplink_problem problem = uplink_serves(&f, k->name, 0);
		const char *what = uplink_problem_text(problem);

		if (!view_is_uplink(k))
			continue;
		offer_uplink(l, &typed, k->name, what);
		for (size_t j = 0; j < k->n_altnames; j++)
			offer_uplink(l, &typed, f.altnames.v[k->first_altname + j].name, k->name);
		if (k->ssid[0]) {
			snprintf(name, sizeof(name), "ssid:%s", k->ssid);
			offer_uplink(l, &typed, name, k->name);
		}
		kinds[k->medium] = true;
	}
	for (enum link_medium m = 0; m < MEDIUM_COUNT; m++)
		if (m != MEDIUM_OTHER && kinds[m])
			offer_uplink(l, &typed, link_medium_name(m), "each interface of that kind");
}

static bool is_typed(const struct line *l, const char *name)
{
	for (int i = 0; i < l->argc - 1; i++)
		if (!strcmp(l->argv[i], name))
			return true;
	return false;
}

static void offer_sessions(const struct line *l, enum verb_id verb)
{
	_cleanup_facts_ struct facts f = { 0 };

	if (!observed(&f))
		return;
	for (size_t i = 0; i < f.sessions.n; i++) {
		const struct session *s = &f.sessions.v[i];

		if (!s->probe_of && !is_typed(l, s->name) &&
		    (verb != VERB_DETACH || s->flags & SESSION_ATTACHED))
			offer(l, "", s->name, s->slot ? s->uplink : "blocked");
	}
}

static void offer_verbs(const struct line *l)
{
	for (enum verb_id id = 0; id < VERB_COUNT; id++)
		offer(l, "", verb_get(id)->name, verb_get(id)->summary);
}

static void offer_netns(const struct line *l)
{
	const struct dirent *e;
	DIR *dir = opendir(NETNS_DIR);

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			offer(l, "", e->d_name, "");
	if (dir)
		closedir(dir);
}

static void offer_container(const struct container_id *id, void *arg)
{
	char title[CONTAINER_NAME_MAX];

	offer(arg, "", container_title(id, title), container_engine_name(id->engine));
}

static void offer_containers(const struct line *l)
{
	struct line line = *l;

	container_each(offer_container, &line);
}

/* Ids of the entries of menus in one directory of the Base Directory Specification. */
static void offer_entries(const struct line *l, const char *data)
{
	char path[PATH_MAX], id[NAME_MAX + 1];
	const struct dirent *e;
	DIR *dir = NULL;

	if (snprintf(path, sizeof(path), "%s/applications", data) < (int)sizeof(path))
		dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		const char *end = strrchr(e->d_name, '.');

		if (e->d_name[0] == '.' || !end || strcmp(end, ".desktop") != 0 ||
		    !strncmp(e->d_name, "via-iface-", 10))
			continue;
		snprintf(id, sizeof(id), "%.*s", (int)(end - e->d_name), e->d_name);
		offer(l, "", id, "");
	}
	if (dir)
		closedir(dir);
}

static void offer_apps(const struct line *l)
{
	const char *home = getenv("HOME"), *own = getenv("XDG_DATA_HOME");
	const char *dirs = getenv("XDG_DATA_DIRS");
	char path[PATH_MAX];

	if (own && own[0] == '/')
		offer_entries(l, own);
	else if (home && snprintf(path, sizeof(path), "%s/.local/share", home) < PATH_MAX)
		offer_entries(l, path);
	if (!dirs || !dirs[0])
		dirs = "/usr/local/share:/usr/share";
	while (*dirs) {
		const size_t len = strcspn(dirs, ":");

		if (len && snprintf(path, sizeof(path), "%.*s", (int)len, dirs) < PATH_MAX)
			offer_entries(l, path);
		dirs += len + (dirs[len] == ':');
	}
	offer_entries(l, "/var/lib/flatpak/exports/share");
	offer_entries(l, "/var/lib/snapd/desktop");
}

/* The words behind `desktop`, of which n are typed: what to do, the app or the entry, the uplink.
 */
static void offer_desktop(const struct line *l, const char *what, int n)
{
	static const char *const verbs[] = { "add", "always", "remove", "list", "games", "launch" };
	const bool add = !strcmp(what, "add") || !strcmp(what, "always") || !strcmp(what, "launch"),
		   remove = !strcmp(what, "remove");

	for (size_t i = 0; i < ARRAY_SIZE(verbs) && !n; i++)
		offer(l, "", verbs[i], "");
	if (n == 1 && add)
		offer_apps(l);
	else if (n == 1 && remove)
		puts("!entries");
	else if (n == 2 && (add || remove))
		offer_uplinks(l);
}

/* The words behind `netns`. */
static void offer_of_netns(const struct line *l, const char *what, int n)
{
	static const char *const verbs[] = { "add", "del", "list" };
	const bool add = !strcmp(what, "add"), del = !strcmp(what, "del");

	for (size_t i = 0; i < ARRAY_SIZE(verbs) && !n; i++)
		offer(l, "", verbs[i], "");
	if (n == 1 && (add || del))
		offer_netns(l);
	else if (n == 2 && add)
		offer_uplinks(l);
}

static void offer_colors(const struct line *l, const char *before)
{
	offer(l, before, "auto", "on a terminal");
	offer(l, before, "always", "");
	offer(l, before, "never", "");
}

/* Each group once, at its first session. */
static void offer_groups(const struct line *l, const char *before)
{
	_cleanup_facts_ struct facts f = { 0 };

	if (!observed(&f))
		return;
	for (size_t i = 0; i < f.sessions.n; i++) {
		const struct session *s = &f.sessions.v[i];
		size_t first = 0;

		while (!session_shares(&f.sessions.v[first], s) && first < i)
			first++;
		if (first == i && s->share[0] && (s->uid == getuid() || !getuid()))
			offer(l, before, s->share, s->name);
	}
}

/* --- which of these ------------------------------------------------------------------------ */

static void offer_word(const struct line *l, enum verb_id verb, enum verb_word kind, int at)
{
	switch (kind) {
	case WORD_UPLINKS:
		offer_uplinks(l);
		return;
	case WORD_SESSION:
	case WORD_SESSIONS:
		offer_sessions(l, verb);
		return;
	case WORD_COMMAND:
		printf("!command %d\n", at);
		return;
	case WORD_VERB:
		offer_verbs(l);
		return;
	case WORD_USER:
		puts("!users");
		return;
	case WORD_PID:
		puts("!pids");
		return;
	case WORD_NETNS:
		offer_netns(l);
		return;
	case WORD_CONTAINER:
		offer_containers(l);
		return;
	case WORD_FAMILY:
		offer(l, "", "auto", "as the uplink has it");
		offer(l, "", "off", "no IPv6");
		return;
	case WORD_COLOR:
		offer_colors(l, "");
		return;
	case WORD_SHARE:
		offer_groups(l, "");
		return;
	case WORD_FILE:
		puts("!files");
		return;
	case WORD_DESKTOP:
	case WORD_OF_NETNS:
	case WORD_NONE:
	case WORD_FREE:
	case WORD_COUNT:
		return;
	}
}

/* The words of a verb that are typed and are no options. */
struct typed {
	int n;                           /* words before the one that is completed */
	int first;                       /* where the first of them stands */
	bool ended;                      /* a "--" stands before it */
	const struct verb_option *value; /* whose value it is */
};

static bool is_kind(enum verb_id verb, int n, enum verb_word kind)
{
	const enum verb_word *words = verb_get(verb)->words;

	for (int i = 0; i < VERB_WORDS_MAX && i <= n; i++)
		if (words[i] == kind)
			return true;
	return false;
}

/* From the word `at` on. Where a command begins before the last word, that place; else -1. */
static int walk(const struct line *l, enum verb_id verb, int at, struct typed *ret)
{
	struct typed t = { .first = -1 };
	const bool command = is_kind(verb, VERB_WORDS_MAX, WORD_COMMAND);

	for (int i = at; i < l->argc - 1; i++) {
		const char *value;
		const struct verb_option *o = NULL;

		if (!t.ended && !strcmp(l->argv[i], "--")) {
			t.ended = true;
			if (command)
				return i + 1;
			continue;
		}
		if (!t.ended && l->argv[i][0] == '-' && l->argv[i][1])
			o = verb_option(verb, l->argv[i], &value);
		if (o && verb_option_takes_word(o) && !value && ++i == l->argc - 1)
			t.value = o;
		if (o || (!t.ended && l->argv[i][0] == '-' && l->argv[i][1]))
			continue;
		if (t.n++ == 0)
			t.first = i;
		else if (command)
			return i; /* the program: options end before it */
	}
	*ret = t;
	return -1;
}

/* "--ipv6=of": the value behind the "=" is to be completed, and the candidates are whole words. */
static bool complete_value(const struct line *l, enum verb_id verb)
{
	const char *value;
	const struct verb_option *o = verb_option(verb, l->word, &value);
	char before[80];

	if (!o || !value)
		return false;
	snprintf(before, sizeof(before), "--%s=", o->name);
	if (o->completes == WORD_FAMILY) {
		offer(l, before, "auto", "");
		offer(l, before, "off", "");
	} else if (o->completes == WORD_COLOR) {
		offer_colors(l, before);
	} else if (o->completes == WORD_SHARE) {
		offer_groups(l, before);
	}
	return true;
}

/* left_out: the verb was, so that the first word may still be one. */
static void complete_verb(const struct line *l, enum verb_id verb, int at, bool left_out)
{
	const struct verb *v = verb_get(verb);
	enum verb_word kind;
	struct typed t = { 0 };
	int command = walk(l, verb, at, &t);

	if (command >= 0) {
		printf("!command %d\n", command);
		return;
	}
	if (t.value) {
		offer_word(l, verb, t.value->completes, 0);
		return;
	}
	if (!t.ended && l->word[0] == '-') {
		if (!complete_value(l, verb))
			offer_options(l, verb);
		return;
	}
	if (left_out && !t.n && !t.ended)
		offer_verbs(l);
	kind = t.n < VERB_WORDS_MAX ? v->words[t.n] : WORD_NONE;
	if (v->words[0] == WORD_SESSIONS)
		kind = WORD_SESSIONS;
	if (v->words[0] == WORD_DESKTOP)
		offer_desktop(l, t.n ? l->argv[t.first] : "", t.n);
	else if (v->words[0] == WORD_OF_NETNS)
		offer_of_netns(l, t.n ? l->argv[t.first] : "", t.n);
	else
		offer_word(l, verb, kind, l->argc - 1);
}

/* argv[0] is the word "complete". */
int verb_complete(int argc, char *argv[])
{
	struct line l = { .argc = argc - 1, .argv = argv + 1, .word = "" };
	enum verb_id verb = VERB_COUNT;
	int at;

	if (argc < 2)
		return EXIT_VIA_FAILED;
	l.word = l.argv[l.argc - 1];
	at = verb_first_word(VERB_COUNT, l.argc - 1, l.argv, 0);
	if (at < l.argc - 1)
		verb = verb_find(l.argv[at]);
	if (verb < VERB_COUNT) {
		complete_verb(&l, verb, at + 1, false);
		return 0;
	}
	complete_verb(&l, VERB_RUN, 0, true);
	return 0;
}
