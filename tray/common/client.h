/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_CLIENT_H
#define VIA_TRAY_COMMON_CLIENT_H

#include <glib.h>

#include "tray/common/model.h"

/*
 * The command line as it is run from here. One `status --follow --json` tells of changes; `list`
 * and `uplinks` are asked after a change, and once a second while somebody looks. With nobody
 * looking and nothing changing this process sleeps. Everything happens in the main loop; the calls
 * below are made from it.
 */
struct client;

struct client_calls {
	void (*changed)(void *arg); /* the model, or the failure */
	/* When the model has the uplinks as they were behind it, or they cannot be asked for. */
	void (*news)(const struct news *news, void *arg);
	/* ordered: by an order from here, which is to be made; else that order was refused */
	void (*moving)(guint32 id, const char *uplink, gboolean ordered, void *arg);
	void (*pausing)(guint32 id, gboolean ordered, void *arg); /* the same of a pause */
	void (*refused)(const char *text, void *arg); /* an order was; the text says why */
};

struct client *client_new(const struct client_calls *calls, void *arg);
void client_free(struct client *c);

const struct model *client_model(const struct client *c);
/* Why nothing is known now, or NULL. */
const char *client_failure(const struct client *c);

/* Somebody begins to look, or ceases to. */
void client_begin_view(struct client *c);
void client_end_view(struct client *c);

/* Tells what else the user asked for and did not get. */
void client_refused(struct client *c, const char *text);

/* Orders; what comes of them is seen by the changes. */
void client_move(struct client *c, guint32 id, const struct tray_uplink *to);
/* Before a move that the caller runs, and (not ordered) when it was refused. */
void client_expect_move(struct client *c, guint32 id, const char *uplink, gboolean ordered);
void client_stop(struct client *c, guint32 id);
void client_pause(struct client *c, guint32 id, gboolean pause);
void client_pause_all(struct client *c, gboolean pause);

#endif
