/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The verbs that have the option. */
static void add_verbs(const char *word, char *ret, size_t size)
{
	size_t len = 0;
	const char *value;

	ret[0] = 0;
	for (enum verb_id id = 0; id < VERB_COUNT && len < size; id++)
		if (verb_option(id, word, &value))
			len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? ", " : "",
						verb_get(id)->name);
}

static int unknown(const struct option_reader *r, const char *word, struct err *err)
{
	const struct verb_option *near = verb_nearest_option(r->verb, word);
	const char *name = verb_get(r->verb)->name;
	char others[160];

	err_set(err, EINVAL, "unknown option '%s' of %s", word, name);
	if (near)
		return err_hint(err, "did you mean '--%s'?", near->name);
	add_verbs(word, others, sizeof(others));
	if (others[0])
		return err_hint(err, "it is an option of %s; `via-iface help %s` lists those of %s",
				others, name, name);
	return err_hint(err, "`via-iface help %s` lists those that there are", name);
}

static const struct verb_option *find_letter(enum verb_id verb, char letter)
{
	const struct verb_option *o = NULL;

	while ((o = verb_next_option(verb, o)))
		if (o->letter == letter)
			return o;
	return NULL;
}

/* -w FILE, or -wFILE. */
static int read_letter(struct option_reader *r, const struct verb_option **ret,
		       const char **ret_value, struct err *err)
{
	const char *word = r->argv[r->at];
	const struct verb_option *o = find_letter(r->verb, *r->letters);

	if (!o)
		return unknown(r, word, err);
	*ret = o;
	if (*++r->letters && !verb_option_takes_word(o))
		return 1;
	*ret_value = *r->letters ? r->letters : NULL;
	r->letters = NULL;
	r->at++;
	if (!verb_option_takes_word(o) || *ret_value)
		return 1;
	if (r->at >= r->argc)
		return err_set(err, EINVAL, "invalid option '%s': its value is missing: -%c %s",
			       word, o->letter, o->value);
	*ret_value = r->argv[r->at++];
	return 1;
}

int option_read(struct option_reader *r, const struct verb_option **ret, const char **ret_value,
		struct err *err)
{
	const char *word = r->at < r->argc ? r->argv[r->at] : "", *value;
	const struct verb_option *o;

	*ret_value = NULL;
	if (r->letters)
		return read_letter(r, ret, ret_value, err);
	if (r->ended || word[0] != '-' || !word[1]) /* an interface may be called "-" */
		return 0;
	if (!strcmp(word, "--")) {
		r->ended = true;
		r->at++;
		return 0;
	}
	if (word[1] != '-') {
		r->letters = word + 1;
		return read_letter(r, ret, ret_value, err);
	}
	o = verb_option(r->verb, word, &value);
	if (!o)
		return unknown(r, word, err);
	if (value && !o->value)
		return err_set(err, EINVAL, "invalid option '%s': --%s takes no value", word,
			       o->name);
	r->at++;
	if (verb_option_takes_word(o) && !value) {
		if (r->at >= r->argc)
			return err_set(err, EINVAL,
				       "invalid option '%s': its value is missing: --%s %s", word,
				       o->name, o->value);
		value = r->argv[r->at++];
	}
	*ret = o;
	*ret_value = value;
	return 1;
}

static int take_color(struct words *w, const char *value, struct err *err)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto",
		[COLOR_ALWAYS] = "always",
		[COLOR_NEVER] = "never",
	};

	for (enum color_when when = COLOR_AUTO; when <= COLOR_NEVER; when++)
		if (!strcmp(value, names[when])) {
			w->color = when;
			return 0;
		}
	return err_set(err, EINVAL, "invalid --color '%s': it is auto, always or never", value);
}

static int take(struct words *w, enum option_id id, const char *value, struct err *err)
{
	switch (id) {
	case OPT_QUIET:
		w->quiet = true;
		break;
	case OPT_ALL:
		w->all = true;
		break;
	case OPT_JSON:
		w->json = true;
		break;
	case OPT_LIVE:
		w->live = true;
		break;
	case OPT_TO:
		w->to = value;
		break;
	case OPT_FOLLOW:
		w->follow = true;
		break;
	case OPT_SINCE:
		w->since = value;
		break;
	case OPT_WRITE:
		w->write = value;
		break;
	case OPT_COUNT:
		w->count = value;
		break;
	case OPT_BROWSER:
		w->browser = value;
		break;
	case OPT_LAN:
		w->lan = true;
		break;
	case OPT_ONCE:
		w->once = true;
		break;
	case OPT_ONLY:
		w->only = true;
		break;
	case OPT_REPLACE:
		w->replace = true;
		break;
	case OPT_ACTION:
		w->action = true;
		break;
	case OPT_PID:
		w->pid = value;
		break;
	case OPT_NETNS:
		w->netns = value;
		break;
	case OPT_CONTAINER:
		w->container = value;
		break;
	case OPT_TITLE:
		w->title = value;
		break;
	case OPT_WATCH:
		w->watches = true;
		w->watch = value;
		break;
	case OPT_WAIT:
		w->waits = true;
		w->wait = value;
		break;
	case OPT_NO_ASK_PASSWORD:
		w->no_password = true;
		break;
	case OPT_COLOR:
		return value ? take_color(w, value, err) : 0;
	default: /* of verbs that read their words themselves (parse.c) */
		break;
	}
	return 0;
}

int words_read(enum verb_id verb, int argc, char *argv[], int max, struct words *ret,
	       struct err *err)
{
	struct option_reader reader = { verb, argc, argv, .at = 1 };
	struct words w = { .v = argv + 1 };

	while (reader.at < argc) {
		const struct verb_option *o = NULL;
		const char *value = NULL;
		int r = option_read(&reader, &o, &value, err);

		if (r > 0 && o)
			r = take(&w, o->id, value, err);
		else if (r == 0 && reader.at < argc)
			w.v[w.n++] = argv[reader.at++];
		if (r < 0)
			return r;
	}
	if (w.color == COLOR_ALWAYS && (w.json || w.follow))
		return err_set(err, EINVAL, "invalid option '--color=always': %s no colours",
			       w.json ? "JSON has" : "--follow prints");
	if (w.n > max) {
		err_set(err, EINVAL, "read '%s': that is a word too many for %s", w.v[max],
			verb_get(verb)->name);
		return err_hint(err, "`via-iface help %s` explains it", verb_get(verb)->name);
	}
	*ret = w;
	return 0;
}

int words_usage(enum verb_id verb, struct err *err)
{
	const struct verb *v = verb_get(verb);
	const char *usage = v->usage;

	err_set(err, EINVAL, "read the command line: say ");
	for (const char * or = ""; *usage; or = " or ") {
		const size_t len = strcspn(usage, "\n");
		struct err one = { 0 };

		err_set(&one, EINVAL, "%s%s`via-iface %s %.*s`", err->text, or, v->name, (int)len,
			usage);
		*err = one;
		usage += len + (usage[len] == '\n');
	}
	return -EINVAL;
}
