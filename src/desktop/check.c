/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/language.h"
#include "base/nearest.h"
#include "desktop/exec.h"
#include "launch/apps_apply.h"
#include "launch/launch.h"
#include "plan/uplink.h"
#include "verbs/verbs.h"

static int unknown(const struct facts *f, const char *word, bool others, struct err *err)
{
	struct nearest n = { .word = word };

	uplink_offer_names(f, &n);
	if (n.best) {
		err_set(err, ENODEV, "unknown uplink '%s'", word);
		return err_hint(err, "did you mean '%s'?", n.best);
	}
	if (others)
		return 0;
	err_set(err, ENODEV, "unknown uplink '%s'", word);
	return err_hint(err, "`via-iface uplinks` lists those that are here; one that is not here "
			     "now is named by mac:AA:BB:CC:DD:EE:FF");
}

int check_uplinks(const char *text, struct uplink_list *ret, struct err *err)
{
	_cleanup_facts_ struct facts f = { 0 };
	bool some = false;

	if (text[0] == '-')
		return err_set(err, EINVAL, "read uplinks '%s': it looks like an option", text);
	if (uplink_list_parse(text, ret, err) < 0 || observe_host(0, &f, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ret->n; i++)
		some |= uplink_list_condition(ret, i) || uplink_is_here(&f, ret, i);
	for (size_t i = 0; i < ret->n; i++)
		if (!uplink_list_condition(ret, i) && !uplink_is_here(&f, ret, i) &&
		    unknown(&f, uplink_list_word(ret, i), some, err) < 0)
			return -err->code;
	return 0;
}

/* "wlp6s0: it is down"; behind others. */
static void add_reason(GString *text, const char *name, const char *reason, bool *ret_translated)
{
	const char *shown = language_reason(reason);

	*ret_translated |= shown != reason && strcmp(shown, reason) != 0;
	g_string_append_printf(text, "%s%s: %s", text->len ? "\n" : "", name, shown);
}

static int read_list(const char *uplinks, char **program, struct uplink_list *ret)
{
	struct launch_options o = { .quiet = true, .program = program };
	struct err ignored = { 0 };
	int r;

	if (uplinks[0])
		return uplink_list_parse(uplinks, ret, &ignored);
	strcpy(o.request.name, "x"); /* checked with the rest */
	r = apps_load_and_apply(&o, &ignored);
	if (r == 0)
		*ret = o.request.uplinks;
	free(o.made);
	free(o.made_bytes);
	return r;
}

char *check_reason(const char *uplinks, char **program, bool *ret_translated)
{
	_cleanup_facts_ struct facts f = { 0 };
	g_autoptr(GString) text = g_string_new(NULL);
	struct uplink_list list = { 0 };
	struct uplink_walk walk = { .facts = &f, .list = &list };
	const struct fact_link *l;
	struct err ignored = { 0 };

	*ret_translated = false;
	if (read_list(uplinks, program, &list) < 0 || observe_host(0, &f, &ignored) < 0)
		return NULL;
	while ((l = uplink_walk(&walk))) {
		enum uplink_problem problem = uplink_serves(&f, l->name, 0);

		if (problem == UPLINK_USABLE)
			return NULL;
		add_reason(text, l->name, uplink_problem_text(problem), ret_translated);
	}
	for (size_t i = 0; i < list.n; i++)
		if (!uplink_is_here(&f, &list, i))
			add_reason(text, uplink_list_word(&list, i), uplink_missing_text(&list, i),
				   ret_translated);
	return g_strdup(text->str);
}

int check_program(GKeyFile *e, struct err *err)
{
	g_autofree char *exec = entry_string(e, ENTRY_MAIN, "Exec");
	_cleanup_exec_ struct exec x = { 0 };
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;

	/* what cannot be read is told by who rewrites it */
	if (!exec || exec_parse(exec, &x, NULL) < 0 || exec_words(&x, &words, &bytes) < 0)
		return 0;
	return launch_find_program(words[0], err);
}
