/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/offer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tray/common/paths.h"

#define PANEL_S 15 /* autostarted programs and panels start at the same time */

struct offer {
	void (*due)(void *arg);
	void *arg;
	char *path; /* of the file that says that it was made */
	guint timer;
	gboolean over; /* nothing more to offer in this process */
};

/* g_get_user_state_dir() is of GLib 2.72. A path that is not absolute is invalid (Base Directory
 * Specification, "Basics"). */
static char *state_file(void)
{
	const char *dir = g_getenv("XDG_STATE_HOME");

	return dir && g_path_is_absolute(dir)
		       ? g_build_filename(dir, "via-iface", "window-offered", NULL)
		       : g_build_filename(g_get_home_dir(), ".local", "state", "via-iface",
					  "window-offered", NULL);
}

/* False: it cannot be, so it would be offered at each start. */
static gboolean remember(const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);
	int fd = g_mkdir_with_parents(dir, 0700) == 0
			 ? open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)
			 : -1;

	if (fd < 0) {
		fprintf(stderr, "via-iface-tray: write '%s': %s\n", path, strerror(errno));
		return FALSE;
	}
	close(fd);
	return TRUE;
}

static gboolean on_timer(void *data)
{
	struct offer *o = data;

	o->timer = 0;
	o->over = TRUE;
	if (remember(o->path))
		o->due(o->arg);
	return G_SOURCE_REMOVE;
}

static gboolean is_installed(void)
{
	g_autofree char *program = paths_window(), *found = g_find_program_in_path(program);

	return found != NULL;
}

void offer_watched(struct offer *o, gboolean watched)
{
	if (watched) {
		o->over = TRUE;
		g_clear_handle_id(&o->timer, g_source_remove);
	}
	if (!o->over && !o->timer)
		o->timer = g_timeout_add_seconds(PANEL_S, on_timer, o);
}

struct offer *offer_new(void (*due)(void *arg), void *arg)
{
	struct offer *o = g_new0(struct offer, 1);

	o->due = due;
	o->arg = arg;
	o->path = state_file();
	o->over = g_file_test(o->path, G_FILE_TEST_EXISTS) || !is_installed();
	return o;
}

void offer_free(struct offer *o)
{
	if (!o)
		return;
	g_clear_handle_id(&o->timer, g_source_remove);
	g_free(o->path);
	g_free(o);
}
