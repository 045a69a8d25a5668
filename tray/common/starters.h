/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_STARTERS_H
#define VIA_TRAY_COMMON_STARTERS_H

#include <gio/gio.h>

/*
 * The launcher entries that `via-iface desktop add` has made: via-iface-*.desktop in the user's own
 * applications.
 */
struct starters;

struct starters *starters_new(void);
void starters_free(struct starters *s);

/* Looks whether they are still the same, else reads them anew. Returns how often they were read:
 * with another number what starters_get() returned is gone. */
guint starters_refresh(struct starters *s);

/* GAppInfo *, in the order of their names. */
const GPtrArray *starters_get(const struct starters *s);

#endif
