/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/copy.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum type {
	ANY,
	BOOL,
	LOCALE, /* may have translations */
	ICON,   /* the same; a name or a path */
	PATH,   /* absolute */
	VERSION,
	CATEGORIES,
	MEDIA_TYPES,
	ACTIONS, /* see copy_actions() */
};

struct known_key {
	const char *name;
	enum type type;
	bool in_action;
};

/* Of an application. Version is left out where it is not one that older validators know. */
static const struct known_key known_keys[] = {
	{ "Type", ANY, false },
	{ "Version", VERSION, false },
	{ "Name", LOCALE, true },
	{ "GenericName", LOCALE, false },
	{ "NoDisplay", BOOL, false },
	{ "Comment", LOCALE, false },
	{ "Icon", ICON, true },
	{ "Hidden", BOOL, false },
	{ "OnlyShowIn", ANY, false },
	{ "NotShowIn", ANY, false },
	{ "DBusActivatable", BOOL, false },
	{ "TryExec", ANY, false },
	{ "Exec", ANY, true },
	{ "Path", PATH, false },
	{ "Terminal", BOOL, false },
	{ "Actions", ACTIONS, false },
	{ "MimeType", MEDIA_TYPES, false },
	{ "Categories", CATEGORIES, false },
	{ "Implements", ANY, false },
	{ "Keywords", LOCALE, false },
	{ "StartupNotify", BOOL, false },
	{ "StartupWMClass", ANY, false },
	{ "PrefersNonDefaultGPU", BOOL, false },
};

static const struct known_key *find_key(const char *key, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_keys); i++)
		if (strlen(known_keys[i].name) == len && !memcmp(known_keys[i].name, key, len))
			return &known_keys[i];
	return NULL;
}

static bool name_valid(const char *key, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)key[i]) && key[i] != '-')
			return false;
	return len != 0;
}

/* --- values ---------------------------------------------------------------------------------- */

/* The words that are registered, each once; NULL: none. */
static char *copy_list(const char *value, bool (*known)(const char *word))
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(GStrv) words = g_strsplit(value, ";", -1);
	g_autoptr(GString) all = g_string_new(NULL);

	for (size_t i = 0; words[i]; i++) {
		g_strchomp(words[i]);
		if (known(words[i]) && g_hash_table_add(seen, words[i]))
			g_string_append_printf(all, "%s;", words[i]);
	}
	return all->len ? g_strdup(all->str) : NULL;
}

/* "foo.png" is looked for as "foo", unless it is a path. */
static char *copy_icon(const char *value)
{
	static const char *const ends[] = { ".png", ".xpm", ".svg" };

	for (size_t i = 0; i < ARRAY_SIZE(ends) && value[0] != '/'; i++)
		if (strlen(value) > 4 && g_str_has_suffix(value, ends[i]))
			return g_strndup(value, strlen(value) - 4);
	return g_strdup(value);
}

/* The value as it is to be written, or NULL: the key is left out. */
static char *copy_value(const char *value, enum type type)
{
	switch (type) {
	case BOOL:
		if (!strcmp(value, "1") || !strcasecmp(value, "true"))
			return g_strdup("true");
		if (!strcmp(value, "0") || !strcasecmp(value, "false"))
			return g_strdup("false");
		return NULL;
	case PATH:
		return value[0] == '/' ? g_strdup(value) : NULL;
	case VERSION: /* not one that older validators do not know */
		return strlen(value) == 3 && !strncmp(value, "1.", 2) && strchr("01234", value[2])
			       ? g_strdup(value)
			       : NULL;
	case CATEGORIES:
		return copy_list(value, category_registered);
	case MEDIA_TYPES:
		return copy_list(value, media_type_valid);
	case ICON:
		return copy_icon(value);
	case ANY:
	case LOCALE:
	case ACTIONS:
		break;
	}
	return g_strdup(value);
}

/* --- groups ---------------------------------------------------------------------------------- */

struct copy {
	GKeyFile *from, *to;
	const char *group;
	bool standard; /* its keys are known; else a group of others, which holds what they want */
	bool action;
};

static bool copy_key(const struct copy *c, const char *key)
{
	g_autofree char *value = g_key_file_get_value(c->from, c->group, key, NULL), *copy = NULL;
	size_t len = entry_key_length(key);
	const struct known_key *known = find_key(key, len);

	if (!value || !name_valid(key, len) || !g_utf8_validate(key, -1, NULL) ||
	    !g_utf8_validate(value, -1, NULL))
		return false;
	if (!c->standard || !strncmp(key, "X-", 2)) {
		copy = g_strdup(value);
	} else if (known && (!c->action || known->in_action) &&
		   (!key[len] || known->type == LOCALE || known->type == ICON)) {
		copy = copy_value(value, known->type);
	}
	if (copy)
		g_key_file_set_value(c->to, c->group, key, copy);
	return copy != NULL;
}

static void free_strings(void *array)
{
	g_ptr_array_unref(array);
}

/* Keys in their order, each with its translations behind it. */
static void copy_group(const struct copy *c)
{
	g_autoptr(GHashTable) localized =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_strings);
	g_auto(GStrv) keys = g_key_file_get_keys(c->from, c->group, NULL, NULL);

	for (size_t i = 0; keys && keys[i]; i++) {
		g_autofree char *base = g_strndup(keys[i], entry_key_length(keys[i]));
		GPtrArray *of = g_hash_table_lookup(localized, base);

		if (!keys[i][strlen(base)])
			continue;
		if (!of) {
			of = g_ptr_array_new();
			g_hash_table_insert(localized, g_steal_pointer(&base), of);
		}
		g_ptr_array_add(of, keys[i]);
	}
	for (size_t i = 0; keys && keys[i]; i++) {
		const GPtrArray *of = g_hash_table_lookup(localized, keys[i]);

		if (keys[i][entry_key_length(keys[i])] || !copy_key(c, keys[i]))
			continue;
		for (guint k = 0; of && k < of->len; k++)
			copy_key(c, of->pdata[k]);
	}
}

static bool is_text(GKeyFile *e, const char *group, const char *key)
{
	g_autofree char *value = g_key_file_get_value(e, group, key, NULL);

	return value && g_utf8_validate(value, -1, NULL);
}

/* An action has a group with a name and a command, and each such group is an action. */
static void copy_actions(GKeyFile *from, GKeyFile *to)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(GStrv) names = g_key_file_get_string_list(from, ENTRY_MAIN, "Actions", NULL, NULL);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();

	for (size_t i = 0; names && names[i]; i++) {
		g_autofree char *group = g_strconcat(ENTRY_ACTION, names[i], NULL);
		const struct copy c = { from, to, group, .standard = true, .action = true };

		if (!name_valid(names[i], strlen(names[i])) || !is_text(from, group, "Exec") ||
		    !is_text(from, group, "Name") || !g_hash_table_add(seen, names[i]))
			continue;
		copy_group(&c);
		g_ptr_array_add(kept, names[i]);
	}
	if (kept->len)
		g_key_file_set_string_list(to, ENTRY_MAIN, "Actions",
					   (const char *const *)kept->pdata, kept->len);
	else
		g_key_file_remove_key(to, ENTRY_MAIN, "Actions", NULL);
}

GKeyFile *entry_copy(GKeyFile *from)
{
	GKeyFile *to = g_key_file_new();
	g_auto(GStrv) groups = g_key_file_get_groups(from, NULL);
	const struct copy main = { from, to, ENTRY_MAIN, .standard = true };

	copy_group(&main);
	/* GNOME knows this one by an older name, too, which old validators take */
	if (entry_is_true(from, ENTRY_MAIN, "SingleMainWindow"))
		g_key_file_set_boolean(to, ENTRY_MAIN, "X-GNOME-SingleWindow", TRUE);
	/* and this one has become a part of the standard */
	if (entry_is_true(from, ENTRY_MAIN, "X-KDE-RunOnDiscreteGpu"))
		g_key_file_set_boolean(to, ENTRY_MAIN, "PrefersNonDefaultGPU", TRUE);
	entry_drop(to, ENTRY_MAIN, "X-KDE-RunOnDiscreteGpu");
	copy_actions(from, to);
	for (size_t i = 0; groups[i]; i++) {
		const struct copy c = { from, to, groups[i] };

		if (!strncmp(groups[i], "X-", 2) && g_utf8_validate(groups[i], -1, NULL))
			copy_group(&c);
	}
	return to;
}

void entry_drop_comment(GKeyFile *e)
{
	static const char *const names[] = { "Name", "GenericName" };
	g_auto(GStrv) keys = g_key_file_get_keys(e, ENTRY_MAIN, NULL, NULL);

	for (size_t i = 0; keys && keys[i]; i++) {
		g_autofree char *value = NULL;

		if (entry_key_length(keys[i]) != 7 || strncmp(keys[i], "Comment", 7) != 0)
			continue;
		value = g_key_file_get_value(e, ENTRY_MAIN, keys[i], NULL);
		for (size_t k = 0; k < ARRAY_SIZE(names) && value; k++) {
			g_autofree char *key = g_strconcat(names[k], keys[i] + 7, NULL);
			g_autofree char *name = g_key_file_get_value(e, ENTRY_MAIN, key, NULL);

			if (!name || strcmp(name, value) != 0)
				continue;
			if (keys[i][7])
				g_key_file_remove_key(e, ENTRY_MAIN, keys[i], NULL);
			else
				entry_drop(e, ENTRY_MAIN, "Comment"); /* translations, too */
		}
	}
}
