/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/language.h"

#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define N_(text) text
#define DOMAIN   "via-iface"

/* The last component, which is cut off; "" where there is none. */
static const char *cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return "";
	*slash = 0;
	return slash + 1;
}

static bool in_build_tree(char ret[PATH_MAX])
{
	char path[PATH_MAX], command[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *dir;

	if (n <= 0)
		return false;
	path[n] = 0;
	cut_last(path);
	dir = cut_last(path); /* src/via-iface, tray/window/via-iface-window */
	if (!strcmp(dir, "indicator") || !strcmp(dir, "window"))
		dir = cut_last(path);
	if (strcmp(dir, "src") != 0 && strcmp(dir, "tray") != 0)
		return false;
	snprintf(command, sizeof(command), "%s/src/via-iface", path);
	return access(command, X_OK) == 0 && snprintf(ret, PATH_MAX, "%s/po", path) < PATH_MAX;
}

void language_init(const char *installed)
{
	char built[PATH_MAX];

	setlocale(LC_ALL, "");
	bindtextdomain(DOMAIN, in_build_tree(built) ? built : installed);
	bind_textdomain_codeset(DOMAIN, "UTF-8");
	textdomain(DOMAIN);
}

const char *language_reason(const char *reason)
{
	static const struct {
		const char *reason, *text;
	} known[] = {
		{ "no such interface", N_("no such interface") },
		{ "it is down", N_("it is down") },
		{ "it has no carrier", N_("it has no carrier") },
		{ "it has no address", N_("it has no address") },
		{ "it has no gateway: no default route leads through it, in any table",
		  N_("it has no gateway") },
		{ "it is behind a login page", N_("it is behind a login page") },
		{ "it belongs to via-iface itself", N_("it belongs to via-iface itself") },
		{ "a loopback leads nowhere", N_("a loopback leads nowhere") },
		{ "it is a VRF, and routes what its interfaces carry",
		  N_("it is a VRF, and routes what its interfaces carry") },
		{ "no card is connected to that Wi-Fi network",
		  N_("no card is connected to that Wi-Fi network") },
		{ "no interface has that address", N_("no interface has that address") },
		{ "there is no interface of that kind", N_("there is no interface of that kind") },
		{ "no uplink of its list is usable", N_("no uplink of its list is usable") },
		{ "its programs have ended", N_("its programs have ended") },
		{ "it was paused", N_("it was paused") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(reason, known[i].reason))
			return gettext(known[i].text);
	return reason;
}
