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
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

/* What launch/mounts.c covers, and who is asked where that is gone. */
static const struct {
	const char *path, *who; /* NULL: nobody; a file */
} covered[] = {
	{ "/run/nscd", "nscd" },
	{ "/run/systemd/resolve", "systemd-resolved" },
	{ "/run/avahi-daemon", "avahi-daemon" },
	{ "/etc/resolv.conf", NULL },
	{ "/etc/nsswitch.conf", NULL },
};

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

/* The directory that a process calls "/", and the device of our files there; -1 when not ours. */
static int open_root(int pid, dev_t *ret_device)
{
	_cleanup_strbuf_ struct strbuf mounts = { 0 };
	unsigned int major_of, minor_of;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	read_file(path, &mounts);
	if (!masks_find_device(strbuf_text(&mounts), &major_of, &minor_of))
		return -1;
	*ret_device = makedev(major_of, minor_of);
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* A path as the process itself would take it: its links begin at its root, not at ours. */
static bool leads_outside(int root, const char *path, dev_t device)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
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
			root = open_root(p->v[i].pid, &device);
	for (size_t i = 0; i < ARRAY_SIZE(covered) && root >= 0; i++)
		if (leads_outside(root, covered[i].path, device))
			tell(s, covered[i].path, covered[i].who, ret);
}
