/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface WORD …, where WORD is no verb and no uplink that is here: which mistake it is. Where it
 * is a program, the app policy may name its uplink, and then it is run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "config.h"
#include "ipc/sock.h"
#include "launch/daemon.h"
#include "plan/uplink.h"
#include "verbs/run.h"
#include "verbs/verbs.h"

/*
 * A socket with a path is in the table of the namespace where it was made (net/unix/af_unix.c), and
 * can be connected to from all.
 */
bool explain_is_elsewhere(void)
{
	static const char path[] = DAEMON_SOCKET;
	_cleanup_close_ int fd = sock_connect(path, NULL);
	_cleanup_free_ char *line = NULL;
	FILE *f = fd < 0 ? NULL : fopen("/proc/net/unix", "re");
	bool found = false;
	size_t size = 0;
	ssize_t n;

	if (!f)
		return false;
	while (!found && (n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			line[--n] = 0;
		found = n > (ssize_t)sizeof(path) && line[n - (ssize_t)sizeof(path)] == ' ' &&
			!strcmp(line + n - (sizeof(path) - 1), path);
	}
	fclose(f);
	return !found;
}

/* Whether a word of the list means an interface that is here. */
static bool is_known(const struct facts *f, const char *uplinks)
{
	struct uplink_list list;

	uplink_list_read(uplinks, &list);
	for (size_t i = 0; i < list.n; i++)
		if (uplink_is_here(f, &list, i))
			return true;
	return false;
}

static const struct session *find_exactly(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!strcmp(f->sessions.v[i].name, name))
			return &f->sessions.v[i];
	return NULL;
}

static void add_word(struct strbuf *sb, const char *word)
{
	strbuf_add(sb, " ");
	strbuf_add_word(sb, word);
}

/* curl https://example.org wlp6s0: the line with the uplink first. */
static bool swapped_uplink(const struct facts *f, int argc, char *argv[], int at, struct err *err)
{
	_cleanup_strbuf_ struct strbuf line = { 0 };
	int uplink = at + 1;

	while (uplink < argc && !is_known(f, argv[uplink]))
		uplink++;
	if (uplink >= argc || launch_find_program(argv[at], NULL) < 0)
		return false;
	for (int i = 1; i < at; i++)
		add_word(&line, argv[i]);
	add_word(&line, argv[uplink]);
	strbuf_add(&line, " --");
	for (int i = at; i < argc; i++)
		if (i != uplink && (i != uplink - 1 || strcmp(argv[i], "--") != 0))
			add_word(&line, argv[i]);
	err_set(err, EINVAL, "read '%s': the uplink stands before the program", argv[at]);
	err_hint(err, "say `via-iface%s`", strbuf_text(&line));
	return true;
}

/* SESSION stop: the line with the verb first. */
static bool swapped_verb(const struct facts *f, int argc, char *argv[], int at, struct err *err)
{
	_cleanup_strbuf_ struct strbuf line = { 0 };
	enum verb_id verb = at + 1 < argc ? verb_find(argv[at + 1]) : VERB_COUNT;

	if (verb == VERB_COUNT || !find_exactly(f, argv[at]))
		return false;
	add_word(&line, argv[at + 1]);
	add_word(&line, argv[at]);
	for (int i = at + 2; i < argc; i++)
		add_word(&line, argv[i]);
	err_set(err, EINVAL, "read '%s': the verb stands before the session", argv[at]);
	err_hint(err, "say `via-iface%s`", strbuf_text(&line));
	return true;
}

/* The same command line with a "--" in the uplink's place, so that the app policy names it. */
static int run_by_policy(int argc, char *argv[], int at)
{
	char **words = calloc((size_t)argc + 2, sizeof(*words));
	struct err err = { 0 };
	int status;

	if (!words) {
		err_errno(&err, ENOMEM, "run '%s'", argv[at]);
		return program_fail(&err);
	}
	memcpy(words, argv, (size_t)at * sizeof(*words));
	words[0] = (char *)"run";
	words[at] = (char *)"--";
	memcpy(words + at + 1, argv + at, (size_t)(argc - at) * sizeof(*words));
	status = run_words(argc + 1, words);
	free(words);
	return status;
}

/* What a word may mean that was mistyped: with verbs, in their place. */
static const char *nearest_of_all(const struct facts *f, const char *word, bool verbs)
{
	struct nearest n = { .word = word };

	for (enum verb_id id = 0; id < VERB_COUNT && verbs; id++)
		nearest_offer(&n, verb_get(id)->name);
	uplink_offer_names(f, &n);
	for (size_t i = 0; i < f->sessions.n && verbs; i++)
		if (!f->sessions.v[i].probe_of)
			nearest_offer(&n, f->sessions.v[i].name);
	return n.best;
}

/* A word in the place of verb or uplink. -1: it is best called an unknown uplink. */
static int explain_word(const struct facts *f, int argc, char *argv[], int at)
{
	const bool program = at + 1 < argc && !strcmp(argv[at + 1], "--");
	const char *near = nearest_of_all(f, argv[at], !program);
	struct err err = { 0 };

	if (swapped_uplink(f, argc, argv, at, &err) || swapped_verb(f, argc, argv, at, &err))
		return program_fail(&err);
	if (!program && launch_find_program(argv[at], NULL) == 0)
		return run_by_policy(argc, argv, at);
	if (find_exactly(f, argv[at])) {
		err_set(&err, EINVAL, "read '%s': it is a session, and no verb says what to do",
			argv[at]);
		err_hint(&err, "say for example `via-iface status %s`", argv[at]);
		return program_fail(&err);
	}
	if (program && !near)
		return -1;
	err_set(&err, EINVAL, "unknown %s '%s'", program ? "uplink" : "verb or uplink", argv[at]);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else
		err_hint(&err, "`via-iface help` lists the verbs, `via-iface uplinks` the uplinks");
	return program_fail(&err);
}

int explain(int argc, char *argv[], const struct launch_options *o)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink_list list;
	char ignored[IFNAMSIZ];
	struct err err = { 0 };
	int at = verb_first_word(VERB_RUN, argc, argv, 1), status = -1;

	if (observe_host(0, &f, &err) < 0 || explain_is_elsewhere() || is_known(&f, o->uplinks))
		return -1;
	/* with --wait a word that is no program is an interface that may come */
	if (!argv[0][0] && uplink_list_read(o->uplinks, &list) == 0 && list.n == 1 &&
	    !uplink_list_condition(&list, 0) &&
	    (!o->wait || launch_find_program(argv[at], NULL) == 0))
		status = explain_word(&f, argc, argv, at);
	if (status >= 0 || uplink_list_parse(o->uplinks, &list, NULL) < 0)
		return status;
	if (o->wait || uplink_choose(&f, &list, 0, ignored, &err) == 0)
		return -1;
	return program_fail(&err);
}
