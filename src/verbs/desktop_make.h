/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DESKTOP_MAKE_H
#define VIA_VERBS_DESKTOP_MAKE_H

#include "verbs/desktop_entry.h"

/*
 * What becomes of somebody's desktop entry: one that starts the same program through an uplink.
 * Pure. What is ours says so in these keys of its main group.
 */
#define DESKTOP_KIND   "X-ViaIface-Kind"
#define DESKTOP_SOURCE "X-ViaIface-Source" /* the original's path, or steam:APPID */
#define DESKTOP_UPLINK                                                                             \
	"X-ViaIface-Uplink" /* also of each action that is ours; "": by app policy                 \
			     */

#define DESKTOP_PREFIX "via-iface-" /* of our ids, and of our actions */

enum desktop_kind {
	DESKTOP_ENTRY,   /* an entry of its own, beside the original */
	DESKTOP_REPLACE, /* one in the original's place */
	DESKTOP_ACTION,  /* the original with one more action */
	DESKTOP_KIND_COUNT,
};

struct desktop_wish {
	enum desktop_kind kind;
	const char *source;  /* where the original is */
	const char *uplinks; /* as on the command line; "": what the app policy says */
	const char *name;    /* to be shown, instead of "NAME (via UPLINK)"; or NULL */
};

const char *desktop_kind_name(enum desktop_kind kind);

/* Which kind of ours an entry is, or DESKTOP_KIND_COUNT when it is not ours. */
enum desktop_kind desktop_kind_of(const struct entry *e);

/*
 * Changes e, the original - for an action also one of our kinds. -EINVAL when it cannot be started
 * that way: no application, no name, no command line.
 */
int desktop_make(struct entry *e, const struct desktop_wish *wish, struct err *err);

/*
 * Takes the action for these uplinks away from an entry of kind DESKTOP_ACTION. Returns how many of
 * ours are left, or a negative errno.
 */
int desktop_unmake_action(struct entry *e, const char *uplinks);

/* Letters, digits and "._" as they are, everything else as '-'; what may be part of an id. */
void desktop_slug(struct strbuf *sb, const char *text);

#endif
