/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"

#define TEXT_MAX (64u << 10)

/*
 * Opens a path as a process with that root directory would: symbolic links are resolved within that
 * root (openat2(2), RESOLVE_IN_ROOT).
 */
static int open_in(int root, const char *path, uint64_t flags)
{
	const struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* A regular file's text; NULL when there is none. A device or a pipe is not opened. */
static char *read_in(int root, const char *path)
{
	_cleanup_close_ int place = open_in(root, path, O_PATH), fd = -1;
	char *text = NULL, self[40];
	struct stat st;
	ssize_t n;

	if (place < 0 || fstat(place, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	text = fd < 0 ? NULL : malloc(TEXT_MAX);
	if (!text)
		return NULL;
	n = read_up_to(fd, text, TEXT_MAX - 1);
	text[n > 0 ? n : 0] = 0;
	return text;
}

/*
 * Whether a process of another netns listens there; a process whose netns cannot be read counts as
 * one.
 */
static bool listens_outside(int root, const char *path, uint64_t netns)
{
	_cleanup_close_ int place = open_in(root, path, O_PATH);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	struct stat st;

	if (place < 0 || fd < 0 || fstat(place, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", place);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN; /* so many wait there already */
	if (!netns || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return true;
	return process_netns(peer.pid) != netns;
}

/* Each line's words, one line at a time; a '#' ends a line. */
static char *next_line(char **at)
{
	char *line = strsep(at, "\n");

	if (line)
		line[strcspn(line, "#")] = 0;
	return line;
}

/* nscd.conf(5): enable-cache hosts no. The last one counts. */
static bool nscd_serves_hosts(int root)
{
	_cleanup_free_ char *text = read_in(root, "etc/nscd.conf");
	char *at = text, *line, key[32], service[32], value[32];
	bool serves = true;

	while (at && (line = next_line(&at)))
		if (sscanf(line, "%31s %31s %31s", key, service, value) == 3 &&
		    !strcmp(key, "enable-cache") && !strcmp(service, "hosts"))
			serves = strcmp(value, "no") != 0;
	return serves;
}

/* Whether a service whose name starts so is in the line "hosts:" (nsswitch.conf(5)). */
static bool has_service(int root, const char *service)
{
	_cleanup_free_ char *text = read_in(root, "etc/nsswitch.conf");
	char *at = text, *line, *word;
	bool found = false;

	while (at && (line = next_line(&at))) {
		line += strspn(line, " \t");
		if (strncmp(line, "hosts:", 6) != 0)
			continue;
		line += 6;
		while ((word = strsep(&line, " \t")))
			found |= !strncmp(word, service, strlen(service));
	}
	return found;
}

bool outside_find(int root, uint64_t netns, bool own_nsswitch, struct outside *ret)
{
	static const struct {
		const char *path, *who, *service;
	} servers[] = {
		{ "/var/run/nscd/socket", "nscd", NULL },
		{ "/run/systemd/resolve/io.systemd.Resolve", "systemd-resolved", "resolve" },
		{ "/run/avahi-daemon/socket", "avahi-daemon", "mdns" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		if (servers[i].service ? own_nsswitch || !has_service(root, servers[i].service)
				       : !nscd_serves_hosts(root))
			continue;
		if (!listens_outside(root, servers[i].path, netns))
			continue;
		*ret = (struct outside){ .who = servers[i].who, .path = servers[i].path };
		return true;
	}
	return false;
}

int outside_check_host(struct err *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct outside found;

	if (root < 0)
		return err_errno(err, errno, "open '/'");
	if (!outside_find(root, 0, true, &found))
		return 0;
	err_set(err, EBUSY,
		"name the netns: %s (%s) would look names up for programs that `ip netns exec` "
		"starts there, by its own way out",
		found.who, found.path);
	return err_hint(err, "put 'enable-cache hosts no' into /etc/nscd.conf and restart nscd");
}
