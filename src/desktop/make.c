/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/make.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "desktop/copy.h"
#include "desktop/exec.h"
#include "desktop/window_class.h"

char *desktop_slug(const char *text)
{
	char *slug = g_strdup(text);

	return g_strcanon(slug, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._", '-');
}

/* --- command lines --------------------------------------------------------------------------- */

char *desktop_app_id(const char *source)
{
	char *id = g_path_get_basename(source);

	if (g_str_has_suffix(id, ".desktop"))
		id[strlen(id) - strlen(".desktop")] = 0;
	else
		id[0] = 0;
	if (g_application_id_is_valid(id))
		return id;
	g_free(id);
	return NULL;
}

/* So that a panel shows the windows as this entry's, where the program has an option for it. */
static int add_class(struct exec *x, const struct desktop_wish *wish)
{
	char *class[WINDOW_CLASS_WORDS] = { NULL };
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	size_t n = 0;
	int r = wish->class ? exec_words(x, &words, &bytes) : 0;

	if (r == 0 && words)
		n = window_class_words(words, wish->class, class);
	if (n)
		r = exec_insert(x, (const char *const *)class, n);
	for (size_t i = 0; i < n; i++)
		g_free(class[i]);
	return r;
}

static int rewrite(const char *value, const struct desktop_wish *wish, struct strbuf *ret,
		   struct err *err)
{
	_cleanup_exec_ struct exec x = { 0 };
	g_autofree char *id = desktop_app_id(wish->source);
	g_autofree char *app_id = id ? g_strconcat("--app-id=", id, NULL) : NULL;
	const char *words[7];
	g_autofree char *wait = NULL;
	size_t n = 0;
	int r = exec_parse(value, &x, err);

	if (r < 0)
		return r;
	words[n++] = "via-iface";
	words[n++] = "desktop";
	words[n++] = "start";
	if (wish->wait) {
		wait = g_strconcat("--wait", wish->wait[0] ? "=" : "", wish->wait, NULL);
		words[n++] = wait;
	}
	if (app_id)
		words[n++] = app_id;
	if (wish->uplinks[0])
		words[n++] = wish->uplinks;
	words[n++] = "--";
	if (exec_set_location(&x, wish->source) < 0 || add_class(&x, wish) < 0 ||
	    exec_prepend(&x, words, n) < 0)
		return err_errno(err, ENOMEM, "write its command line");
	exec_print(&x, ret);
	if (strbuf_failed(ret))
		return err_errno(err, ENOMEM, "write its command line");
	if (!g_utf8_validate(strbuf_text(ret), -1, NULL)) /* by %k: the original's path */
		return err_set(err, EILSEQ,
			       "write its command line: '%s' is not UTF-8, and the entry asks for "
			       "its path",
			       wish->source);
	return 0;
}

/* The command line of a group; an error where it cannot be read as a string. */
static char *exec_of(GKeyFile *e, const char *group, struct err *err)
{
	char *value = entry_string(e, group, "Exec");

	if (!value)
		err_set(err, EINVAL, "read its command line: it is no text");
	return value;
}

/* Each group's Exec: actions, and what other desktops have beside them. */
static int rewrite_all(GKeyFile *e, const struct desktop_wish *wish, struct err *err)
{
	g_auto(GStrv) groups = g_key_file_get_groups(e, NULL);

	for (size_t i = 0; groups[i]; i++) {
		_cleanup_strbuf_ struct strbuf line = { 0 };
		g_autofree char *value = NULL;

		if (!g_key_file_has_key(e, groups[i], "Exec", NULL))
			continue;
		value = exec_of(e, groups[i], err);
		if (!value || rewrite(value, wish, &line, err) < 0)
			return -EINVAL;
		entry_set(e, groups[i], "Exec", strbuf_text(&line));
	}
	return 0;
}

/*
 * Who looks whether it can be started looks at the first word of Exec, and at TryExec: so that is
 * the program, which may go one day.
 */
static int set_try_exec(GKeyFile *e, struct err *err)
{
	g_autofree char *exec = exec_of(e, ENTRY_MAIN, err);
	_cleanup_exec_ struct exec x = { 0 };
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;

	if (!exec)
		return -EINVAL;
	if (g_key_file_has_key(e, ENTRY_MAIN, "TryExec", NULL))
		return 0;
	if (exec_parse(exec, &x, err) < 0)
		return -EINVAL;
	if (exec_words(&x, &words, &bytes) < 0)
		return err_errno(err, ENOMEM, "read its command line");
	entry_set(e, ENTRY_MAIN, "TryExec", words[0]);
	return 0;
}

/*
 * A window of another class than the entry's is not known to be this entry's: with the original's
 * class a panel could show windows outside the session as this entry's.
 */
static int set_class(GKeyFile *e, const struct desktop_wish *wish, struct err *err)
{
	g_autofree char *exec = exec_of(e, ENTRY_MAIN, err);
	_cleanup_exec_ struct exec x = { 0 };
	size_t before;
	int r = exec ? exec_parse(exec, &x, err) : -EINVAL;

	if (r < 0)
		return r;
	before = x.n;
	if (add_class(&x, wish) < 0)
		return err_errno(err, ENOMEM, "read its command line");
	if (x.n != before)
		entry_set(e, ENTRY_MAIN, "StartupWMClass", wish->class);
	else
		g_key_file_remove_key(e, ENTRY_MAIN, "StartupWMClass", NULL);
	return 0;
}

/* --- names ----------------------------------------------------------------------------------- */

static const char *shown_uplink(const struct desktop_wish *wish)
{
	return wish->uplinks[0] ? wish->uplinks : "via-iface";
}

/* Of both a launcher shows one; GLib and GNOME prefer the full name to the name. */
#define FULL_NAME "X-GNOME-FullName"

static bool is_name(const char *key)
{
	const size_t len = entry_key_length(key);

	return (len == strlen("Name") && !strncmp(key, "Name", len)) ||
	       (len == strlen(FULL_NAME) && !strncmp(key, FULL_NAME, len));
}

/* "Steam (via wlp6s0)", in each language; or what was wished. */
static void set_names(GKeyFile *e, const struct desktop_wish *wish)
{
	g_auto(GStrv) keys = g_key_file_get_keys(e, ENTRY_MAIN, NULL, NULL);

	if (wish->name) {
		entry_drop(e, ENTRY_MAIN, FULL_NAME);
		entry_drop(e, ENTRY_MAIN, "Name");
		entry_set(e, ENTRY_MAIN, "Name", wish->name);
		return;
	}
	for (size_t i = 0; keys[i]; i++) {
		g_autofree char *name = NULL, *longer = NULL;

		if (!is_name(keys[i]))
			continue;
		name = entry_string(e, ENTRY_MAIN, keys[i]);
		if (!name) { /* no launcher can read it, either */
			g_key_file_remove_key(e, ENTRY_MAIN, keys[i], NULL);
			continue;
		}
		longer = g_strdup_printf(wish->uplinks[0] ? "%s (via %s)" : "%s (%s)", name,
					 shown_uplink(wish));
		entry_set(e, ENTRY_MAIN, keys[i], longer);
	}
}

/* --- kinds ----------------------------------------------------------------------------------- */

static void mark(GKeyFile *e, const struct desktop_wish *wish, enum desktop_kind kind)
{
	entry_set(e, ENTRY_MAIN, DESKTOP_KIND, desktop_kind_name(kind));
	entry_set_source(e, wish->source);
	if (kind != DESKTOP_ACTION)
		entry_set(e, ENTRY_MAIN, DESKTOP_UPLINK, wish->uplinks);
}

static int make_entry(GKeyFile *e, const struct desktop_wish *wish, struct err *err)
{
	if (set_try_exec(e, err) < 0 ||
	    (wish->kind == DESKTOP_ENTRY && set_class(e, wish, err) < 0) ||
	    rewrite_all(e, wish, err) < 0)
		return -EINVAL;
	set_names(e, wish);
	/* a second entry for a type of file would come to be who opens it, unasked */
	if (wish->kind == DESKTOP_ENTRY)
		g_key_file_remove_key(e, ENTRY_MAIN, "MimeType", NULL);
	mark(e, wish, wish->kind);
	return 0;
}

/* Puts an action's id behind the others, once. */
static void list_action(GKeyFile *e, const char *id)
{
	g_auto(GStrv) all = g_key_file_get_string_list(e, ENTRY_MAIN, "Actions", NULL, NULL);
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	for (size_t i = 0; all && all[i]; i++) {
		if (!strcmp(all[i], id))
			return;
		g_ptr_array_add(list, all[i]);
	}
	g_ptr_array_add(list, (char *)id);
	g_key_file_set_string_list(e, ENTRY_MAIN, "Actions", (const char *const *)list->pdata,
				   list->len);
}

static int add_action(GKeyFile *e, const struct desktop_wish *wish, struct err *err)
{
	g_autofree char *exec = exec_of(e, ENTRY_MAIN, err);
	g_autofree char *slug = desktop_slug(wish->uplinks[0] ? wish->uplinks : "policy");
	g_autofree char *id = g_strconcat(DESKTOP_PREFIX, g_strdelimit(slug, "._", '-'), NULL);
	g_autofree char *group = g_strconcat(ENTRY_ACTION, id, NULL);
	g_autofree char *name = wish->name ? g_strdup(wish->name)
					   : g_strdup_printf("Run via %s", shown_uplink(wish));
	g_autofree char *icon = g_key_file_get_value(e, ENTRY_MAIN, "Icon", NULL);
	_cleanup_strbuf_ struct strbuf line = { 0 };

	if (!exec || rewrite(exec, wish, &line, err) < 0)
		return -EINVAL;
	list_action(e, id);
	entry_set(e, group, "Name", name);
	if (icon)
		g_key_file_set_value(e, group, "Icon", icon);
	entry_set(e, group, "Exec", strbuf_text(&line));
	entry_set(e, group, DESKTOP_UPLINK, wish->uplinks);
	if (desktop_kind_of(e) == DESKTOP_KIND_COUNT)
		mark(e, wish, DESKTOP_ACTION);
	return 0;
}

GKeyFile *desktop_make(GKeyFile *original, const struct desktop_wish *wish, struct err *err)
{
	g_autofree char *type = entry_string(original, ENTRY_MAIN, "Type");
	g_autofree char *name = entry_string(original, ENTRY_MAIN, "Name");
	g_autoptr(GKeyFile) e = NULL;
	int r;

	if (!type || strcmp(type, "Application") != 0)
		r = err_set(err, EINVAL, "it is no application, but '%s'", type ? type : "");
	else if (!name || !*name || !g_utf8_validate(name, -1, NULL))
		r = err_set(err, EINVAL, "it has no name");
	else if (!g_key_file_has_key(original, ENTRY_MAIN, "Exec", NULL))
		r = err_set(err, EINVAL, "it has no command line%s",
			    entry_is_true(original, ENTRY_MAIN, "DBusActivatable")
				    ? ", only a name on the session bus"
				    : "");
	else
		r = 0;
	if (r < 0)
		return NULL;
	e = entry_copy(original);
	if (!g_key_file_has_key(e, ENTRY_MAIN, "Exec", NULL)) {
		err_set(err, EINVAL, "read its command line: it is not UTF-8");
		return NULL;
	}
	r = wish->kind == DESKTOP_ACTION ? add_action(e, wish, err) : make_entry(e, wish, err);
	if (r < 0)
		return NULL;
	/* started by the bus, outside, it would not use the uplink */
	g_key_file_set_boolean(e, ENTRY_MAIN, "DBusActivatable", FALSE);
	entry_drop_comment(e);
	return g_steal_pointer(&e);
}

size_t desktop_unmake_action(GKeyFile *e, const char *uplinks, bool *ret_gone)
{
	g_auto(GStrv) all = g_key_file_get_string_list(e, ENTRY_MAIN, "Actions", NULL, NULL);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	size_t left = 0;

	*ret_gone = false;
	for (size_t i = 0; all && all[i]; i++) {
		g_autofree char *group = g_strconcat(ENTRY_ACTION, all[i], NULL);
		bool ours = g_str_has_prefix(all[i], DESKTOP_PREFIX) &&
			    g_key_file_has_key(e, group, DESKTOP_UPLINK, NULL);

		if (ours && entry_says(e, group, DESKTOP_UPLINK, uplinks)) {
			g_key_file_remove_group(e, group, NULL);
			*ret_gone = true;
			continue;
		}
		left += ours;
		g_ptr_array_add(kept, all[i]);
	}
	if (kept->len)
		g_key_file_set_string_list(e, ENTRY_MAIN, "Actions",
					   (const char *const *)kept->pdata, kept->len);
	else
		g_key_file_remove_key(e, ENTRY_MAIN, "Actions", NULL);
	return left;
}
