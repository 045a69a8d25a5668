/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "launch/files.h"

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

enum desktop_kind desktop_kind_of(GKeyFile *e)
{
	g_autofree char *name = entry_string(e, ENTRY_MAIN, DESKTOP_KIND);
	enum desktop_kind kind = 0;

	while (kind < DESKTOP_KIND_COUNT && (!name || strcmp(name, kind_names[kind]) != 0))
		kind++;
	return kind;
}

GKeyFile *entry_parse(const char *text, size_t len, struct err *err)
{
	g_autoptr(GKeyFile) e = g_key_file_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *first = NULL;

	if (len > ENTRY_BYTES_MAX) {
		err_set(err, EFBIG, "it is larger than %u bytes", ENTRY_BYTES_MAX);
		return NULL;
	}
	if (memchr(text, 0, len)) {
		err_set(err, EINVAL, "it is no text: it holds a zero byte");
		return NULL;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) { /* GKeyFile takes no BOM */
		text += 3;
		len -= 3;
	}
	if (!g_key_file_load_from_data(e, text, len, G_KEY_FILE_KEEP_TRANSLATIONS, &error)) {
		err_set(err, EINVAL, "%s", error->message);
		return NULL;
	}
	first = g_key_file_get_start_group(e);
	if (!first || strcmp(first, ENTRY_MAIN) != 0) {
		err_set(err, EINVAL, "its first group is not [" ENTRY_MAIN "]");
		return NULL;
	}
	return g_steal_pointer(&e);
}

GKeyFile *entry_load(const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	GKeyFile *e;
	size_t len;

	if (file_read(path, ENTRY_BYTES_MAX, &text, &len, err) < 0)
		return NULL;
	e = entry_parse(text, len, err);
	if (!e && err)
		err_wrap(err, "read '%s'", path);
	return e;
}

int entry_save(GKeyFile *e, const char *path, struct err *err)
{
	gsize len;
	g_autofree char *text = g_key_file_to_data(e, &len, NULL);

	/* newer versions leave an empty line where the last group was taken away */
	while (len > 1 && text[len - 1] == '\n' && text[len - 2] == '\n')
		len--;
	return file_write(path, text, len, err);
}

/* With a second backslash behind each that begins no escape, so that it is one. */
static char *mend_escapes(const char *value)
{
	GString *mended = g_string_new(NULL);

	for (const char *c = value; *c; c++) {
		g_string_append_c(mended, *c);
		if (*c != '\\')
			continue;
		if (c[1] && strchr("sntr\\", c[1]))
			g_string_append_c(mended, *++c);
		else
			g_string_append_c(mended, '\\');
	}
	return g_string_free(mended, FALSE);
}

char *entry_string(GKeyFile *e, const char *group, const char *key)
{
	char *text = g_key_file_get_string(e, group, key, NULL);
	g_autofree char *value = text ? NULL : g_key_file_get_value(e, group, key, NULL);
	g_autofree char *mended = NULL;
	g_autoptr(GKeyFile) alone = NULL;

	if (!value)
		return text;
	/* newer versions refuse an unknown escape, which older ones took for what stands there */
	mended = mend_escapes(value);
	alone = g_key_file_new();
	g_key_file_set_value(alone, ENTRY_MAIN, "x", mended);
	return g_key_file_get_string(alone, ENTRY_MAIN, "x", NULL);
}

void entry_set(GKeyFile *e, const char *group, const char *key, const char *text)
{
	g_autofree char *value = NULL, *escaped = NULL;
	g_auto(GStrv) parts = NULL;

	g_key_file_set_string(e, group, key, text);
	value = g_key_file_get_value(e, group, key, NULL);
	parts = g_strsplit(value, "\t", -1);
	escaped = g_strjoinv("\\t", parts);
	g_key_file_set_value(e, group, key, escaped);
}

bool entry_is_true(GKeyFile *e, const char *group, const char *key)
{
	return g_key_file_get_boolean(e, group, key, NULL);
}

bool entry_says(GKeyFile *e, const char *group, const char *key, const char *text)
{
	g_autofree char *value = entry_string(e, group, key);

	return value && !strcmp(value, text);
}

size_t entry_key_length(const char *key)
{
	return strcspn(key, "[");
}

void entry_drop(GKeyFile *e, const char *group, const char *key)
{
	g_auto(GStrv) keys = g_key_file_get_keys(e, group, NULL, NULL);
	size_t len = strlen(key);

	for (size_t i = 0; keys && keys[i]; i++)
		if (entry_key_length(keys[i]) == len && !strncmp(keys[i], key, len))
			g_key_file_remove_key(e, group, keys[i], NULL);
}

void entry_set_source(GKeyFile *e, const char *path)
{
	g_autofree char *uri = g_utf8_validate(path, -1, NULL)
				       ? g_strdup(path)
				       : g_filename_to_uri(path, NULL, NULL);

	entry_set(e, ENTRY_MAIN, DESKTOP_SOURCE, uri ? uri : "");
}

char *entry_source(GKeyFile *e)
{
	char *value = entry_string(e, ENTRY_MAIN, DESKTOP_SOURCE);
	char *path = value && g_str_has_prefix(value, "file:")
			     ? g_filename_from_uri(value, NULL, NULL)
			     : NULL;

	if (path) {
		g_free(value);
		return path;
	}
	return value ? value : g_strdup("");
}
