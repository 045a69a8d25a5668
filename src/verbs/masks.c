/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/masks.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/strbuf.h"
#include "etc/resolv.h"

#define RESOLV_PATH "/etc/resolv.conf"

/* What launch/mounts.c covers, and who is asked where that is gone. */
static const struct {
	const char *path, *who; /* NULL: nobody; a file */
} covered[] = {
	{ "/run/nscd", "nscd" },
	{ "/run/systemd/resolve", "systemd-resolved" },
	{ "/run/avahi-daemon", "avahi-daemon" },
	{ RESOLV_PATH, NULL },
	{ "/etc/nsswitch.conf", NULL },
};

#ifndef TMPFS_MAGIC
#define TMPFS_MAGIC 0x01021994 /* linux/magic.h */
#endif

#define OUR_SOURCE " - tmpfs via-iface "

bool masks_find_device(const char *mountinfo, unsigned int *ret_major, unsigned int *ret_minor)
{
	while (*mountinfo) {
		size_t len = strcspn(mountinfo, "\n");
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)len, mountinfo);
		if (strstr(line, OUR_SOURCE) &&
		    sscanf(line, "%*u %*u %u:%u", ret_major, ret_minor) == 2)
			return true;
		mountinfo += len + (mountinfo[len] == '\n');
	}
	return false;
}

static void read_file(const char *path, struct strbuf *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add_bytes(ret, buf, (size_t)n);
}

/* A path as the process itself would take it: its links begin at its root, not at ours. */
static int open_inside(int root, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/*
 * The device of our files by the one of them that says whose it is, where that still covers the
 * host's: a mountinfo costs the kernel ten times as much to write. What lies there may be of the
 * session's own making, a device that acts when it is opened: so only a file of a tmpfs is opened.
 */
static bool own_device(int root, const struct session *s, dev_t *ret)
{
	_cleanup_close_ int fd = open_inside(root, RESOLV_PATH);
	char path[32], text[1024], name[SESSION_NAME_MAX];
	struct statfs fs;
	struct stat st;
	uint32_t id;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatfs(fd, &fs) < 0 ||
	    fs.f_type != TMPFS_MAGIC)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (file_start(AT_FDCWD, path, O_NOCTTY, text, sizeof(text)) < 0 ||
	    !resolv_session(text, name, &id) || id != s->id)
		return false;
	*ret = st.st_dev;
	return true;
}

static bool mounted_device(int pid, dev_t *ret)
{
	_cleanup_strbuf_ struct strbuf mounts = { 0 };
	unsigned int major_of, minor_of;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	read_file(path, &mounts);
	if (!masks_find_device(strbuf_text(&mounts), &major_of, &minor_of))
		return false;
	*ret = makedev(major_of, minor_of);
	return true;
}

/* The directory that a process calls "/", and the device of our files there; -1 when not ours. */
static int open_root(const struct session *s, int pid, dev_t *ret_device)
{
	_cleanup_close_ int root = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || (!own_device(root, s, ret_device) && !mounted_device(pid, ret_device)))
		return -1;
	return steal_fd(&root);
}

static bool leads_outside(int root, const char *path, dev_t device)
{
	_cleanup_close_ int fd = open_inside(root, path);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev != device;
}

static void tell(const struct session *s, const char *path, const char *who, struct findings *ret)
{
	struct finding *f = findings_add(ret, who ? "mask-gone" : "file-replaced",
					 who ? SEVERITY_WARNING : SEVERITY_INFO, path);

	if (who) {
		finding_text(
			f,
			"%s made %s after session '%s' had hidden it: the session sees it, and %s "
			"looks names up by its own way out",
			who, path, s->name, who);
		finding_fix(f, "end the session and start it again");
		return;
	}
	finding_text(f,
		     "%s was replaced on the host, so session '%s' sees the new one; questions to "
		     "the servers of the host are redirected",
		     path, s->name);
}

void masks_check(const struct session *s, const struct processes *p, struct findings *ret)
{
	_cleanup_close_ int root = -1;
	dev_t device = 0;

	for (size_t i = 0; i < p->n && root < 0; i++)
		if (p->v[i].netns == s->netns)
			root = open_root(s, p->v[i].pid, &device);
	for (size_t i = 0; i < ARRAY_SIZE(covered) && root >= 0; i++)
		if (leads_outside(root, covered[i].path, device))
			tell(s, covered[i].path, covered[i].who, ret);
}
