/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_SNI_H
#define VIA_TRAY_INDICATOR_SNI_H

#include <gio/gio.h>

/*
 * org.kde.StatusNotifierItem (the StatusNotifierItem specification; ProvideXdgActivationToken is
 * KDE's since Plasma 5.25): one icon in the panel. It is registered whenever a watcher appears.
 */
struct sni;

struct sni_look {
	const char *icon;
	const char *title;
	const char *tip; /* lines below the title; plain text */
	gboolean attention;
};

struct sni_calls {
	void (*activated)(void *arg); /* a click that is to open the window */
	void (*watched)(gboolean watched,
			void *arg); /* is there a watcher: told once at the least */
};

/* NULL, with a line on standard error, where the path cannot be had. `menu` is an object's path. */
struct sni *sni_new(GDBusConnection *bus, const char *menu, const struct sni_calls *calls,
		    void *arg);
void sni_free(struct sni *s);

/* Panels are told of what has changed. */
void sni_show(struct sni *s, const struct sni_look *look);

/* The activation token that the panel gave for the click that is being served, or NULL; it can be
 * had once. By g_free(). */
char *sni_take_token(struct sni *s);

#endif
