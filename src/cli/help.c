/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/help.h"

#include <errno.h>
#include <string.h>

#include "launch/program.h"

#define COLUMN 18 /* where the text on an option begins */

/* Each line of a text behind something. */
static void print_lines(FILE *out, const char *before, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(out, "%s%.*s\n", before, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void help_print(FILE *out)
{
	fprintf(out, "via-iface runs a program so that all its traffic, and only its, leaves by "
		     "one uplink.\n\n"
		     "  via-iface [OPTIONS] UPLINK[,UPLINK…] [--] PROGRAM [ARG…]\n\n"
		     "Verbs:\n");
	for (enum verb_id id = 0; id < VERB_COUNT; id++)
		fprintf(out, "  %-8s  %s\n", verb_get(id)->name, verb_get(id)->summary);
	fprintf(out,
		"\n`via-iface help VERB` explains a verb and its options, `via-iface help run`\n"
		"those of a run. The manual page: `man via-iface`.\n\n"
		"Exit status: the program's own; 125 via-iface failed before it ran, 126 it "
		"could not be\nexecuted, 127 it was not found; of doctor: 1 when anything is in "
		"the way.\n");
}

static void print_option(const struct verb_option *o, FILE *out)
{
	const size_t first = strcspn(o->help, "\n");
	char term[64];
	int n;

	n = snprintf(term, sizeof(term), "  %s%s--%s%s%s",
		     o->letter ? (char[]){ '-', o->letter, 0 } : "", o->letter ? ", " : "", o->name,
		     verb_option_takes_word(o) ? " " : "", o->value ? o->value : "");
	if (n > COLUMN - 1)
		fprintf(out, "%s\n%*s", term, COLUMN + 1, "");
	else
		fprintf(out, "%-*s ", COLUMN, term);
	fprintf(out, "%.*s\n", (int)first, o->help);
	if (o->help[first])
		print_lines(out, "                   ", o->help + first + 1);
}

void help_print_verb(enum verb_id id, FILE *out)
{
	const struct verb *v = verb_get(id);
	const struct verb_option *o = NULL;
	const char *usage = v->usage, *title = "Usage: ";

	do {
		size_t len = strcspn(usage, "\n");

		fprintf(out, "%svia-iface %s%s%.*s\n", title, v->name, len ? " " : "", (int)len,
			usage);
		title = "       ";
		usage += len + (usage[len] == '\n');
	} while (*usage);
	fputs("\n", out);
	print_lines(out, "", v->text);
	fputs("\nOptions:\n", out);
	while ((o = verb_next_option(id, o)))
		print_option(o, out);
	fputs("\nExamples:\n", out);
	for (size_t i = 0; i < VERB_EXAMPLES_MAX && v->examples[i].command; i++)
		fprintf(out, "  %s\n      %s\n", v->examples[i].command, v->examples[i].does);
	fputs("\nThe manual page via-iface(1) has the rest.\n", out);
}

int help_verb(int argc, char *argv[])
{
	const char *word = argc > 1 ? argv[1] : NULL, *near;
	struct err err = { 0 };
	enum verb_id id;

	if (!word) {
		help_print(stdout);
		return 0;
	}
	if (argc > 2) {
		err_set(&err, EINVAL, "read '%s': help takes one verb", argv[2]);
		return program_fail(&err);
	}
	id = verb_find(word);
	if (id < VERB_COUNT) {
		help_print_verb(id, stdout);
		return 0;
	}
	near = verb_nearest(word);
	err_set(&err, EINVAL, "unknown verb '%s'", word);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else
		err_hint(&err, "`via-iface help` lists them");
	return program_fail(&err);
}
