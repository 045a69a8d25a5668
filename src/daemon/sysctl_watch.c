/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls of ours that somebody else sets, and those that say which ports are the host's. The
 * kernel announces few of them over netlink, but inotify(7) reports each write to a file, below
 * /proc/sys too. Our own writes are reported the same way, so a value is read before anything is
 * done about it. Another mount of procfs has inodes of its own: writes there are found by the next
 * observation only.
 */
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon/host_state.h"
#include "model/own.h"
#include "net/ports.h"
#include "net/sysctl.h"

static bool is_host_sysctl(const struct object *o)
{
	return o->kind == OBJ_SYSCTL && o->place == PLACE_HOST;
}

void host_watch_sysctls(struct host_state *h)
{
	char path[SYSCTL_NAME_MAX];

	for (size_t i = 0; i < h->facts.ours.n; i++) {
		const struct object *o = &h->facts.ours.v[i];

		if (!is_host_sysctl(o) || own_is_port_sysctl(o->sysctl.path))
			continue; /* a port has one, of no use to anybody while the port has no IP
				   */
		inotify_add_watch(h->sysctl_watch,
				  sysctl_name(&h->kernel.sysctls, o->sysctl.path, path),
				  IN_MODIFY); /* the same one for the same file */
	}
}

void host_watch_ports(struct host_state *h)
{
	char path[SYSCTL_NAME_MAX];

	for (const char *const *p = port_sysctls; *p; p++)
		inotify_add_watch(h->sysctl_watch, sysctl_name(&h->kernel.sysctls, *p, path),
				  IN_MODIFY);
}

static bool differs(const struct host_state *h, const struct object *o)
{
	char now[sizeof(o->sysctl.value)];

	return is_host_sysctl(o) &&
	       sysctl_read(&h->kernel.sysctls, o->sysctl.path, now, sizeof(now)) == 0 &&
	       strcmp(now, o->sysctl.value) != 0;
}

bool host_take_sysctl_events(struct host_state *h)
{
	const struct object_set *set = h->knowledge == HOST_CHANGED ? &h->wanted : &h->facts.ours;
	char buf[4096] __attribute__((aligned(8)));

	while (read(h->sysctl_watch, buf, sizeof(buf)) > 0)
		;
	if (ports_differ(&h->kernel.sysctls, &h->facts)) {
		h->stale |= HOST_STALE_FACTS;
		return host_sessions(h) > 0;
	}
	for (size_t i = 0; i < set->n; i++)
		if (differs(h, &set->v[i])) {
			h->stale |= HOST_STALE_FACTS;
			return host_sessions(h) > 0;
		}
	return false;
}
