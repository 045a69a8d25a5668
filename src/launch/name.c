/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/name.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "model/session.h"

static bool has_process(uint64_t netns)
{
	DIR *dir = opendir("/proc");
	bool found = !dir; /* unknown: then no name is taken over */
	pid_t pid;

	while (dir && !found && (pid = process_next(dir)))
		found = process_netns(pid) == netns;
	if (dir)
		closedir(dir);
	return found;
}

void name_claim(struct request *r, uint32_t uid)
{
	char path[sizeof("/ifalias") + NAME_MAX], alias[ALIAS_MAX];
	DIR *dir = opendir("/sys/class/net");
	const struct dirent *e;
	struct session s;
	bool closing = false, used = false;

	r->flags |= SESSION_NAME_GIVEN;
	while (dir && !used && (e = readdir(dir))) {
		if (strncmp(e->d_name, PORT_PREFIX, strlen(PORT_PREFIX)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/ifalias", e->d_name);
		if (file_start(dirfd(dir), path, 0, alias, sizeof(alias)) <= 0)
			continue;
		alias[strcspn(alias, "\n")] = 0;
		if (session_parse(alias, &s) < 0 || strcmp(s.name, r->name) != 0 || s.uid != uid)
			continue;
		closing = true;
		used = s.flags & SESSION_ATTACHED ||
		       (s.flags & SESSION_KEEP && netns_is_named(s.name, s.netns)) ||
		       has_process(s.netns);
	}
	if (dir)
		closedir(dir);
	if (closing && !used)
		r->flags |= SESSION_NAME_AGAIN;
}
