/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "launch/launch.h"

#define MIME_FILE_MAX 65536
#define HANDLER       "x-scheme-handler/http="

/*
 * How each is told its profile, and to be an instance of its own. A name is the program's, and is
 * in the id of its entry for menus.
 */
static const struct {
	const char *name;
	const char *profile; /* what stands before its directory in that word */
	const char *more[4];
} known[] = {
	{ "chromium", "--user-data-dir=", { "--no-first-run", "--no-default-browser-check" } },
	{ "chromium-browser",
	  "--user-data-dir=",
	  { "--no-first-run", "--no-default-browser-check" } },
	{ "google-chrome", "--user-data-dir=", { "--no-first-run", "--no-default-browser-check" } },
	{ "brave-browser", "--user-data-dir=", { "--no-first-run", "--no-default-browser-check" } },
	{ "firefox-esr", "", { "--no-remote", "--new-instance", "--profile" } },
	{ "firefox", "", { "--no-remote", "--new-instance", "--profile" } },
	{ "epiphany-browser", "--profile=", { "--incognito-mode" } },
	{ "epiphany", "--profile=", { "--incognito-mode" } },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Its place in the table; ARRAY_SIZE(known) where it is not there. */
static size_t find_known(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(known) && strcmp(known[i].name, name) != 0)
		i++;
	return i;
}

/* "HANDLER=firefox.desktop;…" of one file: a name of the table whose program is installed. */
static const char *default_of(const char *dir, const char *file)
{
	_cleanup_free_ char *path = NULL, *text = malloc(MIME_FILE_MAX);
	char id[128];
	const char *at;

	if (asprintf(&path, "%s/%s", dir, file) < 0)
		path = NULL;
	if (!path || !text || file_start(AT_FDCWD, path, 0, text, MIME_FILE_MAX) <= 0)
		return NULL;
	at = strstr(text, "\n" HANDLER);
	if (!at)
		return NULL;
	snprintf(id, sizeof(id), "%.100s", at + 1 + strlen(HANDLER));
	id[strcspn(id, ";\n")] = 0;
	if (strlen(id) > 8 && !strcmp(id + strlen(id) - 8, ".desktop"))
		id[strlen(id) - 8] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, id) && launch_find_program(known[i].name, NULL) == 0)
			return known[i].name;
	return NULL;
}

static const char *desktops_own(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *name = NULL;
	_cleanup_free_ char *in_home = NULL;

	if (asprintf(&in_home, "%s/.config", home ? home : "/nonexistent") < 0)
		in_home = NULL;
	if (config && config[0] == '/')
		name = default_of(config, "mimeapps.list");
	else if (in_home)
		name = default_of(in_home, "mimeapps.list");
	if (!name)
		name = default_of("/etc/xdg", "mimeapps.list");
	return name ? name : default_of("/usr/share/applications", "mimeapps.list");
}

static const char *first_installed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (launch_find_program(known[i].name, NULL) == 0)
			return known[i].name;
	return NULL;
}

static int fill(const char *program, const char *profile, const char *url, struct browser *b,
		struct err *err)
{
	const size_t kind = find_known(base_name(program));
	size_t n = 0;

	b->words[n++] = b->made[0] = strdup(program);
	if (kind < ARRAY_SIZE(known)) {
		for (size_t i = 0; known[kind].more[i]; i++)
			b->words[n++] = known[kind].more[i];
		if (asprintf(&b->made[1], "%s%s", known[kind].profile, profile) < 0)
			b->made[1] = NULL;
		b->words[n++] = b->made[1];
	}
	b->words[n++] = b->made[2] = strdup(url);
	if (!b->made[0] || !b->made[2] || (kind < ARRAY_SIZE(known) && !b->made[1]))
		return err_errno(err, ENOMEM, "start the browser");
	return 0;
}

int browser_find(const char *wanted, const char *profile, const char *url, struct browser *ret,
		 struct err *err)
{
	const char *program = wanted;

	if (wanted && launch_find_program(wanted, err) < 0)
		return -ENOENT;
	if (!program)
		program = desktops_own();
	if (!program)
		program = first_installed();
	if (!program) {
		err_set(err, ENOENT, "open the login page: no browser that is known is installed");
		return err_hint(err, "name one: --browser PROGRAM");
	}
	return fill(program, profile, url, ret, err);
}

void browser_done(struct browser *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(b->made); i++)
		free(b->made[i]);
	*b = (struct browser){ 0 };
}
