/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/desktop_make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "verbs/desktop_exec.h"
#include "verbs/desktop_tidy.h"

static const char *const kind_names[] = {
	[DESKTOP_ENTRY] = "entry",
	[DESKTOP_REPLACE] = "replace",
	[DESKTOP_ACTION] = "action",
};
_Static_assert(ARRAY_SIZE(kind_names) == DESKTOP_KIND_COUNT, "a name for each");

const char *desktop_kind_name(enum desktop_kind kind)
{
	return kind < DESKTOP_KIND_COUNT ? kind_names[kind] : "?";
}

enum desktop_kind desktop_kind_of(const struct entry *e)
{
	const char *name = entry_get(e, ENTRY_MAIN, DESKTOP_KIND);
	enum desktop_kind kind = 0;

	while (kind < DESKTOP_KIND_COUNT && (!name || strcmp(name, kind_names[kind]) != 0))
		kind++;
	return kind;
}

void desktop_slug(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		char c = *text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '.' || c == '_';

		strbuf_add_bytes(sb, plain ? &c : "-", 1);
	}
}

/* --- command lines --------------------------------------------------------------------------- */

static int rewrite(const char *value, const struct desktop_wish *wish, struct strbuf *ret,
		   struct err *err)
{
	_cleanup_exec_ struct exec x = { 0 };
	const char *words[6];
	size_t n = 0;
	int r = exec_parse(value, &x, err);

	if (r < 0)
		return r;
	words[n++] = "via-iface";
	words[n++] = "run";
	words[n++] = "--strict"; /* nobody sees a warning */
	if (wish->uplinks[0])
		words[n++] = wish->uplinks;
	words[n++] = "--";
	if (exec_set_location(&x, wish->source) < 0 || exec_prepend(&x, words, n) < 0)
		return err_errno(err, ENOMEM, "write its command line");
	exec_print(&x, ret);
	return 0;
}

/* Each group's Exec: actions, and what other desktops have beside them. */
static int rewrite_all(struct entry *e, const struct desktop_wish *wish, struct err *err)
{
	for (size_t i = 0; i < e->n; i++) {
		_cleanup_strbuf_ struct strbuf value = { 0 };
		struct entry_line *l = &e->v[i];
		int r;

		if (l->kind != ENTRY_KEY || strcmp(l->key, "Exec") != 0)
			continue;
		r = rewrite(l->value, wish, &value, err);
		if (r < 0)
			return r;
		if (strbuf_failed(&value))
			return err_errno(err, ENOMEM, "write its command line");
		free(l->value);
		l->value = steal_ptr(value.text);
	}
	return 0;
}

/*
 * Who looks whether it can be started looks at the first word of Exec, and at TryExec: so that is
 * the program, which may go one day.
 */
static int set_try_exec(struct entry *e, struct err *err)
{
	_cleanup_strbuf_ struct strbuf escaped = { 0 };
	_cleanup_exec_ struct exec x = { 0 };
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	const char *exec = entry_get(e, ENTRY_MAIN, "Exec");
	int r;

	if (entry_get(e, ENTRY_MAIN, "TryExec") || !exec)
		return 0;
	r = exec_parse(exec, &x, err);
	if (r < 0)
		return r;
	if (exec_words(&x, &words, &bytes) < 0)
		return -ENOMEM;
	entry_escape(&escaped, words[0]);
	return strbuf_failed(&escaped) ? -ENOMEM
				       : entry_set(e, ENTRY_MAIN, "TryExec", strbuf_text(&escaped));
}

/* --- names ----------------------------------------------------------------------------------- */

static const char *shown_uplink(const struct desktop_wish *wish)
{
	return wish->uplinks[0] ? wish->uplinks : "via-iface";
}

/* "Steam (via wlp6s0)", in each language; or what was wished. */
static int set_names(struct entry *e, const struct desktop_wish *wish)
{
	_cleanup_strbuf_ struct strbuf suffix = { 0 }, text = { 0 };
	size_t at = entry_group(e, ENTRY_MAIN);

	if (wish->name) {
		entry_drop(e, ENTRY_MAIN, "Name", true);
		entry_escape(&text, wish->name);
		return strbuf_failed(&text) ? -ENOMEM
					    : entry_set(e, ENTRY_MAIN, "Name", strbuf_text(&text));
	}
	strbuf_add(&text, wish->uplinks[0] ? " (via %s)" : " (%s)", shown_uplink(wish));
	entry_escape(&suffix, strbuf_text(&text) + 1);
	for (at++; at < e->n && e->v[at].kind != ENTRY_GROUP; at++) {
		struct entry_line *l = &e->v[at];
		char *longer;

		if (l->kind != ENTRY_KEY || entry_key_length(l->key) != 4 ||
		    strncmp(l->key, "Name", 4) != 0)
			continue;
		if (asprintf(&longer, "%s %s", l->value, strbuf_text(&suffix)) < 0)
			return -ENOMEM;
		free(l->value);
		l->value = longer;
	}
	return strbuf_failed(&text) || strbuf_failed(&suffix) ? -ENOMEM : 0;
}

/* --- kinds ----------------------------------------------------------------------------------- */

static int mark(struct entry *e, const struct desktop_wish *wish, enum desktop_kind kind)
{
	_cleanup_strbuf_ struct strbuf source = { 0 }, uplinks = { 0 };

	entry_escape(&source, wish->source);
	entry_escape(&uplinks, wish->uplinks);
	if (strbuf_failed(&source) || strbuf_failed(&uplinks) ||
	    entry_set(e, ENTRY_MAIN, DESKTOP_KIND, kind_names[kind]) < 0 ||
	    entry_set(e, ENTRY_MAIN, DESKTOP_SOURCE, strbuf_text(&source)) < 0)
		return -ENOMEM;
	return kind == DESKTOP_ACTION
		       ? 0
		       : entry_set(e, ENTRY_MAIN, DESKTOP_UPLINK, strbuf_text(&uplinks));
}

static int make_entry(struct entry *e, const struct desktop_wish *wish, struct err *err)
{
	int r = set_try_exec(e, err);

	if (r == 0)
		r = rewrite_all(e, wish, err);
	if (r == -EINVAL)
		return r;
	if (r == 0)
		r = set_names(e, wish);
	/* a second entry for a type of file would come to be who opens it, unasked */
	if (wish->kind == DESKTOP_ENTRY)
		entry_drop(e, ENTRY_MAIN, "MimeType", false);
	if (r == 0)
		r = mark(e, wish, wish->kind);
	return r;
}

static int add_action(struct entry *e, const struct desktop_wish *wish, struct err *err)
{
	_cleanup_strbuf_ struct strbuf id = { 0 }, group = { 0 }, name = { 0 }, list = { 0 };
	_cleanup_strbuf_ struct strbuf exec = { 0 }, uplinks = { 0 }, text = { 0 };
	const char *actions = entry_get(e, ENTRY_MAIN, "Actions");
	const char *icon = entry_get(e, ENTRY_MAIN, "Icon");
	int r = rewrite(entry_get(e, ENTRY_MAIN, "Exec"), wish, &exec, err);

	if (r < 0)
		return r;
	strbuf_add(&text, DESKTOP_PREFIX);
	desktop_slug(&text, wish->uplinks[0] ? wish->uplinks : "policy");
	for (const char *c = strbuf_text(&text); *c; c++) /* an action's id is stricter */
		strbuf_add_bytes(&id, strchr("._", *c) ? "-" : c, 1);
	strbuf_add(&group, ENTRY_ACTION "%s", strbuf_text(&id));
	strbuf_add(&list, "%s%s", actions ? actions : "",
		   actions && *actions && actions[strlen(actions) - 1] != ';' ? ";" : "");
	if (entry_group(e, strbuf_text(&group)) == e->n)
		strbuf_add(&list, "%s;", strbuf_text(&id));
	strbuf_truncate(&text, 0);
	if (wish->name)
		strbuf_add(&text, "%s", wish->name);
	else
		strbuf_add(&text, "Run via %s", shown_uplink(wish));
	entry_escape(&name, strbuf_text(&text));
	entry_escape(&uplinks, wish->uplinks);
	if (strbuf_failed(&id) || strbuf_failed(&group) || strbuf_failed(&name) ||
	    strbuf_failed(&list) || strbuf_failed(&exec) || strbuf_failed(&uplinks) ||
	    strbuf_failed(&text) || entry_set(e, ENTRY_MAIN, "Actions", strbuf_text(&list)) < 0 ||
	    entry_set(e, strbuf_text(&group), "Name", strbuf_text(&name)) < 0 ||
	    (icon && entry_set(e, strbuf_text(&group), "Icon", icon) < 0) ||
	    entry_set(e, strbuf_text(&group), "Exec", strbuf_text(&exec)) < 0 ||
	    entry_set(e, strbuf_text(&group), DESKTOP_UPLINK, strbuf_text(&uplinks)) < 0)
		return -ENOMEM;
	return desktop_kind_of(e) == DESKTOP_KIND_COUNT ? mark(e, wish, DESKTOP_ACTION) : 0;
}

int desktop_make(struct entry *e, const struct desktop_wish *wish, struct err *err)
{
	const char *type = entry_get(e, ENTRY_MAIN, "Type");
	const char *exec = entry_get(e, ENTRY_MAIN, "Exec");
	const char *name = entry_get(e, ENTRY_MAIN, "Name");
	int r;

	if (!type || strcmp(type, "Application") != 0)
		return err_set(err, EINVAL, "it is no application, but '%s'", type ? type : "");
	if (!name || !*name)
		return err_set(err, EINVAL, "it has no name");
	if (!exec)
		return err_set(err, EINVAL, "it has no command line%s",
			       entry_is_true(e, ENTRY_MAIN, "DBusActivatable")
				       ? ", only a name on the session bus"
				       : "");
	r = wish->kind == DESKTOP_ACTION ? add_action(e, wish, err) : make_entry(e, wish, err);
	/* started by the bus, outside, it would not use the uplink */
	if (r == 0)
		r = entry_set(e, ENTRY_MAIN, "DBusActivatable", "false");
	if (r == 0)
		r = entry_tidy(e);
	if (r < 0 && r != -EINVAL)
		return err_errno(err, -r, "write the entry");
	return r;
}

int desktop_unmake_action(struct entry *e, const char *uplinks)
{
	_cleanup_strbuf_ struct strbuf escaped = { 0 };
	int left = 0;

	entry_escape(&escaped, uplinks);
	if (strbuf_failed(&escaped))
		return -ENOMEM;
	for (size_t i = 0; i < e->n;) {
		const char *value = NULL;

		if (e->v[i].kind == ENTRY_GROUP &&
		    !strncmp(e->v[i].key, ENTRY_ACTION DESKTOP_PREFIX,
			     strlen(ENTRY_ACTION DESKTOP_PREFIX)))
			value = entry_get(e, e->v[i].key, DESKTOP_UPLINK);
		if (value && !strcmp(value, strbuf_text(&escaped))) {
			entry_remove(e, i, entry_group_end(e, i) - i);
			continue;
		}
		left += value != NULL;
		i++;
	}
	return entry_tidy(e) < 0 ? -ENOMEM : left; /* Actions without that one */
}
