/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "desktop/make.h"
#include "launch/apps.h"
#include "launch/apps_apply.h"
#include "launch/files.h"
#include "launch/launch.h"
#include "launch/paths.h"

#define OURS "# Written by `via-iface desktop always`; `via-iface desktop remove` removes it.\n"

int policy_path(const char *id, char ret[PATH_MAX], struct err *err)
{
	g_autofree char *slug = desktop_slug(id);
	char dir[PATH_MAX];

	if (g_str_has_suffix(slug, ".desktop"))
		slug[strlen(slug) - strlen(".desktop")] = 0;
	if (!apps_dir(APPS_OWN, dir))
		return err_set(err, ENOENT,
			       "find your app policy: neither HOME nor XDG_CONFIG_HOME is a path");
	if (snprintf(ret, PATH_MAX, "%s/desktop-%.200s.conf", dir, slug) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "find your app policy: its path is too long");
	return 0;
}

/* 1: there is one of ours, 0: none; -EEXIST where it is somebody else's. */
static int look(const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(path, APPS_FILE_BYTES_MAX, &text, &len, err);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	if (!strncmp(text, OURS, strlen(OURS)))
		return 1;
	err_set(err, EEXIST, "write the app policy '%s': it is not ours", path);
	return err_hint(err, "rename it, or write the uplink into it yourself: "
			     "via-iface-apps.conf(5)");
}

/* The section: of what is known of the program, so that the rest of that goes on to count. */
static int print(const char *id, char **program, const char *uplinks, struct strbuf *to,
		 struct err *err)
{
	g_autofree char *slug = desktop_slug(id);
	char name[APPS_PROGRAM_MAX];
	struct apps apps = { 0 };
	struct app app;
	int r = apps_load(APPS_DIR_COUNT, &apps, err);

	if (r < 0)
		return r;
	apps_program(program, name);
	r = apps_find(&apps, name, &app, err);
	strbuf_add(to, OURS);
	if (r > 0)
		strbuf_add(to, "[%s]\n", app.section);
	else if (r == 0)
		strbuf_add(to, "[desktop.%.40s]\nmatch = %s\n", slug, name);
	strbuf_add(to, "uplink = %s\n", uplinks);
	apps_done(&apps);
	if (r >= 0 && strbuf_failed(to))
		r = err_errno(err, ENOMEM, "write the app policy");
	return r < 0 ? r : 0;
}

/* That it is what a launch without an uplink would do. */
static int check(char **program, const char *uplinks, struct err *err)
{
	struct launch_options o = { .quiet = true, .program = program };
	char text[UPLINK_LIST_TEXT_MAX];
	int r;

	strcpy(o.request.name, "x"); /* checked with the rest */
	r = apps_load_and_apply(&o, err);
	if (r == 0) {
		uplink_list_format(&o.request.uplinks, text);
		if (strcmp(text, uplinks) != 0) {
			err_set(err, EEXIST,
				"write the app policy: another file of yours says '%s' of this "
				"program",
				text);
			r = err_hint(err, "see ~/.config/via-iface/apps");
		}
	}
	free(o.made);
	free(o.made_bytes);
	return r;
}

int policy_write(const char *id, char **program, const char *uplinks, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };
	char path[PATH_MAX];
	int r = policy_path(id, path, err);

	if (r == 0)
		r = look(path, err);
	if (r > 0) /* its own section is not what is known of the program */
		r = policy_remove(id, err);
	if (r >= 0)
		r = print(id, program, uplinks, &text, err);
	if (r == 0)
		r = file_write(path, strbuf_text(&text), strlen(strbuf_text(&text)), err);
	if (r < 0)
		return r;
	r = check(program, uplinks, err);
	if (r < 0)
		path_unlink(path);
	return r;
}

int policy_remove(const char *id, struct err *err)
{
	struct err foreign = { 0 };
	char path[PATH_MAX];
	int r = policy_path(id, path, err);

	if (r == 0)
		r = look(path, &foreign);
	if (r <= 0)
		return 0;
	r = path_unlink(path);
	return r < 0 ? path_error(err, r, "remove", path) : 1;
}
