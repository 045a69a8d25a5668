/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DESKTOP_ENTRY_H
#define VIA_VERBS_DESKTOP_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

/*
 * Desktop entries (Desktop Entry Specification 1.5), as text: what is not changed is written back
 * as it was read, unknown keys, groups, comments and blank lines too. Pure.
 */

#define ENTRY_BYTES_MAX (1u << 20)
#define ENTRY_LINES_MAX 65536u
#define ENTRY_MAIN      "Desktop Entry"
#define ENTRY_ACTION    "Desktop Action "

enum entry_kind {
	ENTRY_OTHER, /* a comment, a blank line */
	ENTRY_GROUP, /* key holds its name */
	ENTRY_KEY,
};

struct entry_line {
	enum entry_kind kind;
	char *key;   /* with its "[locale]" */
	char *value; /* of a key, as it is written; of others the line */
};

struct entry {
	struct entry_line *v;
	size_t n, size;
};

/*
 * Reads as GLib does: fails where it would refuse the file, and where the first group is not
 * [Desktop Entry], with "line N: …". Of keys that are there twice the last one stays, and a group
 * that is there twice is a failure.
 */
int entry_parse(const char *text, size_t len, struct entry *ret, struct err *err);
void entry_print(const struct entry *e, struct strbuf *sb);
void entry_done(struct entry *e);

#define _cleanup_entry_ __attribute__((cleanup(entry_done)))

/* The value as it is written, or NULL. Borrowed, until the next change. */
const char *entry_get(const struct entry *e, const char *group, const char *key);
bool entry_is_true(const struct entry *e, const char *group, const char *key);

/* Where a line is that holds a group's name, and where the group ends; n when it is not there. */
size_t entry_group(const struct entry *e, const char *group);
size_t entry_group_end(const struct entry *e, size_t at);

/* Sets a value, behind the group's last key when it is new; makes the group. 0 or -ENOMEM. */
int entry_set(struct entry *e, const char *group, const char *key, const char *value);

/* Takes away n lines from a place on; a key, with or without those of other languages; a group. */
void entry_remove(struct entry *e, size_t at, size_t n);
void entry_drop(struct entry *e, const char *group, const char *key, bool localized);
void entry_drop_group(struct entry *e, const char *group);

/* The length of a key without its "[locale]". */
size_t entry_key_length(const char *key);

/* Values of type string: "\s", "\n", "\t", "\r" and "\\". */
void entry_unescape(struct strbuf *sb, const char *value);
void entry_escape(struct strbuf *sb, const char *text);

#endif
