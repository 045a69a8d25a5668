/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of interest are watched through their directories, since nearly all of them are replaced by
 * rename. Where a directory is missing, its nearest existing parent is watched until the next part
 * appears, and so on down. Several places may share one watch, as all that wait in /run do, so an
 * event is compared with each of them.
 */
#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "dns/internal.h"

#define ANY "[!.]*"
static const struct {
	const char *dir, *files; /* NULL: where resolv.conf leads to */
} places[] = {
	{ "/etc", "resolv.conf" },
	{ NULL, "*resolv.conf" },
	{ "/run/systemd/resolve", "*resolv.conf" },
	{ "/run/NetworkManager", "*resolv.conf" },
	{ "/run/NetworkManager/devices", ANY },
	{ "/run/systemd/netif/links", ANY },
	{ "/run/systemd/netif/leases", ANY },
	{ "/var/lib/dhcp", "dhclient*" },
	{ "/var/lib/dhclient", "dhclient*" },
	{ "/var/lib/NetworkManager", "dhclient*" },
	{ "/var/lib/dhcpcd", "*.lease*" },
	{ "/var/lib/dhcpcd5", "*.lease*" },
	{ "/run/resolvconf/interface", ANY },
	{ "/run/resolvconf/interfaces", ANY },
	{ "/run/resolvconf/keys", ANY },
	{ "/run/dhcpcd/hook-state/resolv.conf", ANY },
	{ "/run/dhcpcd/resolv.conf", ANY },
	{ "/run/ppp", "resolv.conf" },
	{ "/etc/ppp", "resolv.conf" },
	{ "/run/network", "ifstate" },
	{ "/run", "ifstate" },
	{ "/run", "udhcpc[-._]*" },
	{ "/run", "net-*.conf" },
	{ "/run/udhcpc", ANY },
	{ BUS_SOCKET_DIR, BUS_SOCKET },
};
static_assert(ARRAY_SIZE(places) <= DNS_WATCH_MAX, "DNS_WATCH_MAX");

/* dhclient keeps its file open and appends, so it is no use to wait for a close. */
#define FILES_MASK                                                                                 \
	(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |        \
	 IN_DELETE_SELF | IN_MOVE_SELF)
#define PARENT_MASK (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)

/*
 * The directory that /etc/resolv.conf is a link into; "" when it is none. What it leads to may not
 * be there yet.
 */
static void follow_resolv_conf(struct dns *n)
{
	char path[DNS_ROOT_MAX + 32], target[DNS_ROOT_MAX], *slash;
	ssize_t len;
	int used;

	n->linked_dir[0] = 0;
	snprintf(path, sizeof(path), "%s/etc/resolv.conf", n->root);
	len = readlink(path, target, sizeof(target));
	if (len <= 0 || len == sizeof(target))
		return;
	target[len] = 0;
	slash = strrchr(target, '/');
	if (!slash || slash == target)
		return; /* in /etc itself, or in / */
	*slash = 0;
	used = snprintf(n->linked_dir, sizeof(n->linked_dir), "%s%s%s", n->root,
			target[0] == '/' ? "" : "/etc/", target);
	if (used >= (int)sizeof(n->linked_dir))
		n->linked_dir[0] = 0;
}

static int place_path(const struct dns *n, size_t i, char ret[PATH_MAX])
{
	int len;

	if (!places[i].dir)
		len = snprintf(ret, PATH_MAX, "%s", n->linked_dir);
	else
		len = snprintf(ret, PATH_MAX, "%s%s", n->root, places[i].dir);
	return len > 0 && len < PATH_MAX ? 0 : -ENOENT;
}

static int add(const struct dns *n, const char *path, uint32_t mask)
{
	return inotify_add_watch(n->inotify, path, mask | IN_ONLYDIR | IN_MASK_ADD);
}

/* Gives up watches that nobody shares any more. */
static void disarm(struct dns *n, size_t i)
{
	int wd = n->watches[i].wd;

	n->watches[i].wd = -1;
	for (size_t k = 0; k < ARRAY_SIZE(places); k++)
		if (n->watches[k].wd == wd)
			return;
	if (wd >= 0)
		inotify_rm_watch(n->inotify, wd);
}

/*
 * Watches the place, or the nearest parent that is there. Each turn watches before it tests for the
 * place, so that what appears in between is found by the next turn.
 */
static void arm(struct dns *n, size_t i)
{
	char path[PATH_MAX], *slash;

	n->watches[i].wd = -1;
	n->watches[i].wait[0] = 0;
	if (place_path(n, i, path) < 0)
		return;
	for (int tries = 0; tries < 16; tries++) {
		char child[PATH_MAX] = "";

		n->watches[i].wd = add(n, path, FILES_MASK);
		if (n->watches[i].wd >= 0 || (errno != ENOENT && errno != ENOTDIR))
			return;
		do {
			slash = strrchr(path, '/');
			if (!slash)
				return;
			strcpy(child, slash + 1);
			*slash = 0;
			n->watches[i].wd = add(n, path[0] ? path : "/", PARENT_MASK);
		} while (n->watches[i].wd < 0 && path[0]);
		if (copy_string(n->watches[i].wait, sizeof(n->watches[i].wait), child) < 0)
			return;
		*slash = '/';
		if (access(path, F_OK) < 0)
			return;
		disarm(n, i); /* it came in between */
		place_path(n, i, path);
		n->watches[i].wait[0] = 0;
	}
}

static void rearm(struct dns *n, size_t i)
{
	disarm(n, i);
	if (!places[i].dir)
		follow_resolv_conf(n);
	arm(n, i);
}

int dns_watch(struct dns *n, struct err *err)
{
	if (n->inotify < 0) {
		n->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (n->inotify < 0)
			return err_errno(err, errno, "watch the files that tell name servers");
		follow_resolv_conf(n);
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			arm(n, i);
	}
	bus_open(n, clock_ms() + n->wait_ms);
	return 0;
}

void watch_close(struct dns *n)
{
	if (n->inotify >
	    0) /* 0: zeroed, never opened; our programs have 0 to 2 open from the start */
		close(n->inotify);
	n->inotify = -1;
}

static bool take(struct dns *n, const struct inotify_event *e)
{
	const char *name = e->len ? e->name : "";
	bool lost = e->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW);
	bool found = e->mask & IN_Q_OVERFLOW, linked = false;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		bool here = n->watches[i].wd == e->wd || e->mask & IN_Q_OVERFLOW;

		if (!here)
			continue;
		if (lost || (n->watches[i].wait[0] && !strcmp(n->watches[i].wait, name))) {
			found = true;
			rearm(n, i);
		} else if (!n->watches[i].wait[0] && !fnmatch(places[i].files, name, 0)) {
			found = true;
			linked |= i == 0; /* it may lead elsewhere now */
		}
	}
	for (size_t i = 0; linked && i < ARRAY_SIZE(places); i++)
		if (!places[i].dir)
			rearm(n, i);
	return found;
}

bool watch_take_events(struct dns *n)
{
	union {
		char bytes[4096];
		struct inotify_event align;
	} buf;
	bool found = false;
	ssize_t len;

	/* what is left after so many is still there for the next time */
	for (int i = 0; i < 64 && n->inotify >= 0; i++) {
		len = read(n->inotify, &buf, sizeof(buf));
		if (len <= 0)
			break;
		for (char *at = buf.bytes; at < buf.bytes + len;) {
			const struct inotify_event *e = (const void *)at;

			found |= take(n, e);
			at += sizeof(*e) + e->len;
		}
	}
	return found;
}
