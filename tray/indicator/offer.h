/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_OFFER_H
#define VIA_TRAY_INDICATOR_OFFER_H

#include <glib.h>

/*
 * Whether the window is to be offered: no StatusNotifierWatcher was on the bus since the start, a
 * panel has had time to come, the window is installed, and it was never offered before. That it was
 * is remembered by a file below XDG_STATE_HOME (XDG Base Directory Specification).
 */
struct offer;

/* due: called once at most, from the main loop. */
struct offer *offer_new(void (*due)(void *arg), void *arg);
void offer_free(struct offer *o);

/* A watcher came, or there is none (now, or at the start). */
void offer_watched(struct offer *o, gboolean watched);

#endif
