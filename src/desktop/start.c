/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface desktop start [--wait[=SECONDS]] [--app-id=ID] [UPLINK[,UPLINK…]] -- PROGRAM …, the
 * command line of our entries: a run whose failure is shown, since nobody reads the standard error
 * of what a menu starts. This process becomes the program. Another one, which is no child of it,
 * reads the pipe of launch/program.h: it ends when the program runs, and else shows the line.
 *
 * A start that would be handed to an instance outside is asked about first, by this process: the
 * one that reads the pipe is forked before GLib has threads.
 */
#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/files.h"
#include "base/language.h"
#include "cli/cli.h"
#include "config.h"
#include "desktop/check.h"
#include "desktop/desktop.h"
#include "desktop/handed.h"
#include "desktop/note.h"
#include "desktop/start.h"
#include "launch/program.h"

#define APP_ID "--app-id="
#define WAIT   "--wait"
#define WAIT_S "600" /* then the failure is shown: nobody expects the program any longer */

/* --- a failure ------------------------------------------------------------------------------- */

/* The same start once more, by a process without GLib's threads: it forks. */
static void start_again(const struct start *s)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_autofree char *app_id = s->app_id ? g_strconcat(APP_ID, s->app_id, NULL) : NULL;
	char path[PATH_MAX];

	g_ptr_array_add(words, (char *)"start");
	g_ptr_array_add(words, (char *)WAIT);
	if (app_id)
		g_ptr_array_add(words, app_id);
	g_ptr_array_add(words, (char *)s->uplinks);
	g_ptr_array_add(words, (char *)"--");
	for (char **word = s->program; *word; word++)
		g_ptr_array_add(words, *word);
	if (program_find("via-iface-desktop", path, NULL) == 0)
		program_become(path, (char **)words->pdata, (int)words->len, NULL);
}

/*
 * What is waited for is shown until the program runs, the time is over or the user does not want it
 * any more. True: it was cancelled.
 */
static bool show_wait(int report, int run, const char *name, const struct start *s)
{
	const struct note_choice cancel = { "cancel", _("Cancel") };
	bool translated;
	g_autofree char *why = check_reason(s->uplinks, s->program, &translated);
	/* TRANSLATORS: a program whose start waits for an uplink, of which the text says more */
	g_autofree char *title = g_strdup_printf(_("%s waits to be started"), name);
	const struct note note = { .title = title,
				   .body = why,
				   .choices = &cancel,
				   .n = 1,
				   .question = true,
				   .until = report };
	const char *choice = NULL;

	return why && note_notify(&note, &choice) && choice &&
	       syscall(SYS_pidfd_send_signal, run, SIGTERM, NULL, 0) == 0;
}

/* In the process that was forked, until the program runs or its failure was shown. */
__attribute__((noreturn)) static void watch(int report, int run, const struct start *s)
{
	/* a string of D-Bus is UTF-8; the name of a file is any bytes */
	g_autofree char *name = g_utf8_make_valid(s->program[0], -1);
	g_autofree char *title = NULL, *why = NULL, *valid = NULL, *body = NULL;
	struct note_choice offered[2] = { { "window" }, { "wait" } };
	struct note note = { .choices = offered, .n = 1 };
	const char *choice = NULL;
	char line[ERR_TEXT_MAX];
	bool translated = false;
	ssize_t n;

	language_init(VIA_LOCALEDIR);
	if (s->wait && show_wait(report, run, name, s))
		_exit(0);
	n = read_up_to(report, line, sizeof(line) - 1);
	if (n <= 0) /* closed without a line: the program runs */
		_exit(0);
	line[n] = 0;
	offered[0].label = _("Open via-iface");
	offered[1].label = _("Wait for it");
	title = g_strdup_printf(_("%s did not start"), name);
	why = check_reason(s->uplinks, s->program, &translated);
	note.n += why != NULL;
	valid = g_utf8_make_valid(line, -1);
	body = translated ? g_strdup_printf("%s\n%s", why, valid) : g_strdup(valid);
	note.title = title;
	note.body = body;
	if (!note_notify(&note, &choice) && !note_dialog(&note, &choice))
		_exit(EXIT_VIA_FAILED);
	if (choice == offered[1].id)
		start_again(s);
	else if (choice)
		execlp("via-iface-window", "via-iface-window", (char *)NULL);
	_exit(0);
}

static int prepare(const struct start *s, struct err *err)
{
	_cleanup_close_ int report = -1, ours = -1, run = -1;
	char number[16];
	int ends[2], r;

	if (pipe(ends) < 0)
		return err_errno(err, errno, "make a pipe");
	ours = ends[0];
	report = ends[1];
	run = (int)syscall(SYS_pidfd_open, getpid(), 0u);
	if (run < 0 && s->wait)
		return err_errno(err, errno, "open this process");
	r = detach_fork();
	if (r < 0)
		return err_errno(err, -r, "start who shows a failure");
	if (r == 0) {
		close_fd(&report);
		watch(ours, run, s);
	}
	snprintf(number, sizeof(number), "%d", steal_fd(&report));
	return setenv(REPORT_VARIABLE, number, 1) < 0 ? err_errno(err, errno, "name a pipe") : 0;
}

/* --- a start that would be handed over -------------------------------------------------------- */

enum choice {
	CHOICE_SEPARATE,
	CHOICE_SHOW,
	CHOICE_ANYWAY,
	CHOICE_COUNT,
};

static const struct note_choice choices[] = {
	[CHOICE_SEPARATE] = { "separate", N_("Start separately") },
	[CHOICE_SHOW] = { "show", N_("Show the running one") },
	[CHOICE_ANYWAY] = { "anyway", N_("Start anyway") },
};
_Static_assert(ARRAY_SIZE(choices) == CHOICE_COUNT, "one for each");

/* False where nobody can be asked; CHOICE_COUNT: it was closed. */
static bool ask(const struct handed *h, enum choice *ret)
{
	const bool bus = h->found.how == APP_OUTSIDE_BUS;
	/* TRANSLATORS: a program */
	g_autofree char *title = g_strdup_printf(bus ? _("%s would be started outside")
						     : _("%s already runs outside"),
						 h->found.name);
	/* TRANSLATORS: an uplink */
	g_autofree char *why =
		g_strdup_printf(bus ? _("The session bus starts it, and it would not use %s.")
				    : _("This start would be handed to it, and would not use %s."),
				h->uplinks);
	g_autofree char *body =
		h->found.separate ? g_strdup_printf("%s %s", why,
						    _("A separate one may have a profile of its "
						      "own."))
				  : g_strdup(why);
	struct note_choice offered[CHOICE_COUNT];
	struct note n = { .title = title, .body = body, .choices = offered, .question = true };
	const char *chosen = NULL;

	for (enum choice c = 0; c < CHOICE_COUNT; c++)
		if (c != CHOICE_SEPARATE || h->found.separate)
			offered[n.n++] = (struct note_choice){ choices[c].id, _(choices[c].label) };
	if (!note_notify(&n, &chosen) && !note_dialog(&n, &chosen))
		return false;
	*ret = 0;
	while (*ret < CHOICE_COUNT && g_strcmp0(choices[*ret].id, chosen) != 0)
		(*ret)++;
	return true;
}

/* --- the run --------------------------------------------------------------------------------- */

static int read_option(const char *word, struct start *s, struct err *err)
{
	const char *value = word + strlen(WAIT);
	uint32_t ignored;

	if (g_str_has_prefix(word, APP_ID)) {
		s->app_id = word + strlen(APP_ID);
		if (g_application_id_is_valid(s->app_id))
			return 0;
		return err_set(err, EINVAL,
			       "invalid --app-id '%s': it is a name on the session bus, such as "
			       "org.gnome.Maps",
			       s->app_id);
	}
	if (!g_str_has_prefix(word, WAIT) || (*value && *value != '='))
		return err_set(
			err, EINVAL,
			"unknown option '%s' of desktop start: it takes --wait[=SECONDS] and "
			"--app-id=ID",
			word);
	s->wait = *value ? value + 1 : WAIT_S;
	return cli_parse_wait(s->wait, &ignored, err);
}

static int read_words(int argc, char *argv[], struct start *ret, struct err *err)
{
	int at = 1, end;

	*ret = (struct start){ .uplinks = "" };
	for (; at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0; at++)
		if (read_option(argv[at], ret, err) < 0)
			return -EINVAL;
	for (end = at; end < argc && strcmp(argv[end], "--") != 0;)
		end++;
	if (end > at + 1 || end + 1 >= argc) {
		err_set(err, EINVAL,
			"read the command line: start takes [--wait[=SECONDS]] [--app-id=ID], the "
			"uplinks, -- and a program");
		return -EINVAL;
	}
	if (end > at)
		ret->uplinks = argv[at];
	ret->program = argv + end + 1;
	return 0;
}

int start_run(const struct start *s, const char *option, bool own_bus, struct err *err)
{
	g_autofree char *wait = s->wait ? g_strconcat(WAIT "=", s->wait, NULL) : NULL;
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	char path[PATH_MAX];

	g_ptr_array_add(words, (char *)"run");
	g_ptr_array_add(words, (char *)"--strict");
	if (wait)
		g_ptr_array_add(words, wait);
	if (option)
		g_ptr_array_add(words, (char *)option);
	if (s->uplinks[0])
		g_ptr_array_add(words, (char *)s->uplinks);
	g_ptr_array_add(words, (char *)"--");
	if (own_bus) {
		g_ptr_array_add(words, (char *)"dbus-run-session");
		g_ptr_array_add(words, (char *)"--");
	}
	for (char **word = s->program; *word; word++)
		g_ptr_array_add(words, *word);
	if (program_find("via-iface-verbs", path, err) < 0)
		return -err->code;
	return program_become(path, (char **)words->pdata, (int)words->len, err);
}

static void forget_report(void)
{
	int report = program_report();

	unsetenv(REPORT_VARIABLE);
	if (report >= 0)
		close(report);
}

int desktop_start(int argc, char *argv[], struct err *err)
{
	enum choice choice = CHOICE_COUNT;
	struct handed h;
	struct start s;
	int r = read_words(argc, argv, &s, err);

	if (r == 0)
		r = prepare(&s, err);
	if (r < 0)
		return r;
	if (!handed_find(s.app_id, s.uplinks, s.program, &h))
		return start_run(&s, NULL, false, err);
	language_init(VIA_LOCALEDIR);
	if (!ask(&h, &choice)) { /* the run refuses what the app policy knows of */
		if (!h.by_name)
			return start_run(&s, NULL, false, err);
		*err = h.found.line;
		return -err->code;
	}
	switch (choice) {
	case CHOICE_SEPARATE:
		return start_run(&s, h.by_name ? NULL : "--separate", h.by_name, err);
	case CHOICE_ANYWAY:
		return start_run(&s, "--allow-handover", false, err);
	case CHOICE_SHOW:
		forget_report();
		return handed_show(s.app_id, s.program, err);
	case CHOICE_COUNT:
		break;
	}
	return 0;
}
