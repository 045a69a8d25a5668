/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_ENTRY_H
#define VIA_DESKTOP_ENTRY_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Desktop entries (Desktop Entry Specification 1.5) as GKeyFile reads them, with all translations:
 * a group that is there twice is merged, of a key that is there twice the last one counts.
 */

#define ENTRY_BYTES_MAX (1u << 20)
#define ENTRY_MAIN      G_KEY_FILE_DESKTOP_GROUP
#define ENTRY_ACTION    "Desktop Action "

/* What is ours says so in these keys of its main group. */
#define DESKTOP_KIND   "X-ViaIface-Kind"
#define DESKTOP_SOURCE "X-ViaIface-Source" /* the original's path or URI, or steam:APPID */
/* Also of each action that is ours; "": by app policy. */
#define DESKTOP_UPLINK "X-ViaIface-Uplink"

enum desktop_kind {
	DESKTOP_ENTRY,   /* an entry of its own, beside the original */
	DESKTOP_REPLACE, /* one in the original's place */
	DESKTOP_ACTION,  /* the original with one more action */
	DESKTOP_KIND_COUNT,
};

const char *desktop_kind_name(enum desktop_kind kind);

/* Which kind of ours an entry is, or DESKTOP_KIND_COUNT when it is not ours. */
enum desktop_kind desktop_kind_of(GKeyFile *e);

/*
 * An entry, to be freed with g_key_file_unref(); NULL with an error where GLib would refuse it,
 * too, and where its first group is not [Desktop Entry].
 */
GKeyFile *entry_parse(const char *text, size_t len, struct err *err);

/* The same for a file of at most ENTRY_BYTES_MAX; err may be NULL. */
GKeyFile *entry_load(const char *path, struct err *err);

/* Makes the file, or replaces it at once. 0 or a negative errno. */
int entry_save(GKeyFile *e, const char *path, struct err *err);

/* A value of type string; NULL where there is none, or none that can be read. The caller's. */
char *entry_string(GKeyFile *e, const char *group, const char *key);

/* Sets one. GKeyFile leaves a tab as it is, which validators do not take. */
void entry_set(GKeyFile *e, const char *group, const char *key, const char *text);

bool entry_is_true(GKeyFile *e, const char *group, const char *key);

/* Whether a value of type string is that text. */
bool entry_says(GKeyFile *e, const char *group, const char *key, const char *text);

/* The length of a key without its "[locale]". */
size_t entry_key_length(const char *key);

/* Takes a key away with its translations. */
void entry_drop(GKeyFile *e, const char *group, const char *key);

/*
 * The source as it is recorded: a path that is not UTF-8, which a file of keys cannot hold, as a
 * file: URI. And back.
 */
void entry_set_source(GKeyFile *e, const char *path);
char *entry_source(GKeyFile *e); /* "" where there is none; the caller's */

#endif
