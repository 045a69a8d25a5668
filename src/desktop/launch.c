/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface desktop launch [--check|--separate|--allow-handover] APP [UPLINK[,UPLINK…]]: a run of
 * what an entry of the menu starts, for a window that shows the failure and asks the question
 * itself. This process becomes the program; a failure is reported through the pipe of
 * launch/program.h.
 */
#include <errno.h>
#include <gio/gio.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "desktop/desktop.h"
#include "desktop/handed.h"
#include "desktop/make.h"
#include "desktop/original.h"
#include "desktop/start.h"

enum how { HOW_PLAIN, HOW_CHECK, HOW_SEPARATE, HOW_HANDOVER, HOW_COUNT };

static const char *const options[] = {
	[HOW_PLAIN] = "",
	[HOW_CHECK] = "--check",
	[HOW_SEPARATE] = "--separate",
	[HOW_HANDOVER] = "--allow-handover",
};
_Static_assert(ARRAY_SIZE(options) == HOW_COUNT, "one for each");

/* What `run` prints as its error is the text here: what happens, and what can be done. */
static void print_check(const struct start *s)
{
	struct json_object *o = json_object_new_object();
	struct handed h;
	const bool handed = handed_find(s->app_id, s->uplinks, s->program, &h);

	json_object_object_add(o, "handed", json_object_new_boolean(handed));
	json_object_object_add(o, "program", json_object_new_string(handed ? h.found.name : ""));
	json_object_object_add(o, "uplinks", json_object_new_string(handed ? h.uplinks : ""));
	json_object_object_add(o, "bus",
			       json_object_new_boolean(handed && h.found.how == APP_OUTSIDE_BUS));
	json_object_object_add(o, "separate", json_object_new_boolean(handed && h.found.separate));
	json_object_object_add(o, "text", json_object_new_string(handed ? h.found.line.text : ""));
	text_print_json(stdout,
			json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

/* The entry's working directory, as launchers do it. */
static int enter_directory(GKeyFile *e, struct err *err)
{
	g_autofree char *path = entry_string(e, ENTRY_MAIN, "Path");

	if (path && *path && chdir(path) < 0)
		return err_errno(err, errno, "enter '%s', the entry's directory", path);
	return 0;
}

static int start_as(const struct start *s, enum how how, struct err *err)
{
	struct handed h;

	if (how == HOW_CHECK) {
		print_check(s);
		return 0;
	}
	if (how == HOW_HANDOVER)
		return start_run(s, options[how], false, err);
	/* what the app policy does not know is told by the name on the bus alone */
	if (!handed_find(s->app_id, s->uplinks, s->program, &h))
		return start_run(s, NULL, false, err);
	if (how == HOW_SEPARATE)
		return start_run(s, h.by_name ? NULL : options[how], h.by_name, err);
	*err = h.found.line;
	return -err->code;
}

static enum how read_option(int *at, int argc, char *argv[])
{
	for (enum how how = HOW_CHECK; how < HOW_COUNT; how++)
		if (*at < argc && !strcmp(argv[*at], options[how])) {
			++*at;
			return how;
		}
	return HOW_PLAIN;
}

int desktop_launch(int argc, char *argv[], struct err *err)
{
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	g_autofree char *app_id = NULL;
	struct desktop_found of = { 0 };
	struct start s = { 0 };
	int at = 1, r;
	enum how how = read_option(&at, argc, argv);

	if (at >= argc || argc - at > 2 || argv[at][0] == '-') {
		err_set(err, EINVAL,
			"read the command line: launch takes one of --check, --separate and "
			"--allow-handover, an app and the uplinks");
		return err_hint(err, "say for example `via-iface desktop launch firefox wlp6s0`");
	}
	r = original_find(argv[at], &of, err);
	if (r == 0)
		r = original_words(of.entry, &words, &bytes, err);
	if (r == 0 && how != HOW_CHECK)
		r = enter_directory(of.entry, err);
	if (r == 0) {
		app_id = desktop_app_id(of.path);
		s = (struct start){ .app_id = app_id,
				    .uplinks = at + 1 < argc ? argv[at + 1] : "",
				    .program = words };
		r = start_as(&s, how, err);
	}
	desktop_found_done(&of);
	return r;
}
