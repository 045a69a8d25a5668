/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/common/app.h"

#include <glib-unix.h>
#include <signal.h>

static gboolean on_signal(void *data)
{
	g_application_quit(G_APPLICATION(data));
	return G_SOURCE_CONTINUE;
}

void app_quit_on_signals(GApplication *app)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		g_unix_signal_add(signals[i], on_signal, app);
}
