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

/* Whether there are sessions of that uid that are meant, and no process is left in any of them. */
static bool are_closing(const struct request *r, uint32_t uid,
			bool (*meant)(const struct session *s, const struct request *r))
{
	char path[sizeof("/ifalias") + NAME_MAX], alias[ALIAS_MAX];
	DIR *dir = opendir("/sys/class/net");
	const struct dirent *e;
	struct session s;
	bool closing = false, used = false;

	while (dir && !used && (e = readdir(dir))) {
		if (strncmp(e->d_name, PORT_PREFIX, strlen(PORT_PREFIX)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/ifalias", e->d_name);
		if (file_start(dirfd(dir), path, 0, alias, sizeof(alias)) <= 0)
			continue;
		alias[strcspn(alias, "\n")] = 0;
		if (session_parse(alias, &s) < 0 || s.uid != uid || !meant(&s, r))
			continue;
		closing = true;
		used = s.flags & SESSION_ATTACHED ||
		       (s.flags & SESSION_KEEP && netns_is_named(s.name, s.netns)) ||
		       has_process(s.netns);
	}
	if (dir)
		closedir(dir);
	return closing && !used;
}

static bool has_name(const struct session *s, const struct request *r)
{
	return !strcmp(s->name, r->name);
}

static bool has_port(const struct session *s, const struct request *r)
{
	return publish_lists_meet(&s->published, &r->published);
}

void name_claim(struct request *r, uint32_t uid)
{
	r->flags |= SESSION_NAME_GIVEN;
	if (are_closing(r, uid, has_name))
		r->flags |= SESSION_NAME_AGAIN;
}

void ports_claim(struct request *r, uint32_t uid)
{
	if (publish_count(&r->published) && are_closing(r, uid, has_port))
		r->flags |= SESSION_PORTS_AGAIN;
}
