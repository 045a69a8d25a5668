/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/init.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "config.h"
#include "launch/program.h"

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* systemd.unit(5): where units of packages and of administrators are. */
static bool has_unit(void)
{
	return is_there("/etc/systemd/system/via-iface.socket") ||
	       is_there("/usr/local/lib/systemd/system/via-iface.socket") ||
	       is_there("/usr/lib/systemd/system/via-iface.socket") ||
	       is_there("/lib/systemd/system/via-iface.socket");
}

bool init_is_systemd(void)
{
	return is_there("/run/systemd/system");
}

enum init init_running(void)
{
	if (init_is_systemd() && has_unit())
		return INIT_SYSTEMD;
	if (is_there("/run/openrc/softlevel") && is_there("/etc/init.d/via-iface"))
		return INIT_OPENRC;
	return INIT_NONE;
}

void init_start_command(enum init init, char *ret, size_t size)
{
	char path[PATH_MAX];

	switch (init) {
	case INIT_SYSTEMD:
		snprintf(ret, size, "sudo systemctl enable --now via-iface.socket");
		break;
	case INIT_OPENRC:
		snprintf(ret, size,
			 "sudo rc-update add via-iface default && sudo rc-service via-iface start");
		break;
	case INIT_NONE:
	case INIT_COUNT:
		if (program_find("via-ifaced", path, NULL) < 0)
			snprintf(path, sizeof(path), "%s", VIA_LIBEXECDIR "/via-ifaced");
		snprintf(ret, size, "sudo -b %s --stay --supervise", path);
		break;
	}
}

void init_restart_command(enum init init, pid_t pid, char *ret, size_t size)
{
	switch (init) {
	case INIT_SYSTEMD:
		snprintf(ret, size, "sudo systemctl restart via-iface.service");
		break;
	case INIT_OPENRC:
		snprintf(ret, size, "sudo rc-service via-iface restart");
		break;
	case INIT_NONE:
	case INIT_COUNT: /* its supervisor starts it again (daemon/main.c) */
		snprintf(ret, size, "sudo kill -KILL %d", (int)pid);
		break;
	}
}
