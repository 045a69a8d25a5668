/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enter/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SYS_ADMIN CAP_TO_MASK(CAP_SYS_ADMIN) /* in the first of the words */

struct caps {
	struct __user_cap_data_struct v[_LINUX_CAPABILITY_U32S_3];
};

static int get(struct caps *ret)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &h, ret->v) < 0 ? -errno : 0;
}

static int set(const struct caps *caps)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capset, &h, caps->v) < 0 ? -errno : 0;
}

bool caps_granted(void)
{
	struct caps now = { 0 };

	return get(&now) == 0 && now.v[0].permitted & SYS_ADMIN;
}

int caps_raise(struct err *err)
{
	struct caps now = { 0 };
	int r = get(&now);

	now.v[0].effective |= SYS_ADMIN;
	if (r == 0)
		r = set(&now);
	return r < 0 ? err_errno(err, -r, "raise cap_sys_admin") : 0;
}

int caps_drop(struct err *err)
{
	struct caps now = { 0 };
	int r;

	if (geteuid() == 0)
		return 0;
	r = get(&now);
	for (size_t i = 0; i < ARRAY_SIZE(now.v); i++)
		now.v[i].effective = now.v[i].permitted = 0;
	if (r == 0)
		r = set(&now);
	if (r == 0)
		r = get(&now);
	if (r < 0)
		return err_errno(err, -r, "drop cap_sys_admin");
	for (size_t i = 0; i < ARRAY_SIZE(now.v); i++)
		if (now.v[i].effective || now.v[i].permitted)
			return err_set(err, EPERM, "drop cap_sys_admin: it is still there");
	return 0;
}

static bool starts_with(const char *path, const char *wanted)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64] = { 0 };

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	       !strncmp(text, wanted, strlen(wanted));
}

static bool is_traced(void)
{
	_cleanup_close_ int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char text[4096] = { 0 };
	const char *tracer;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return false;
	tracer = strstr(text, "\nTracerPid:\t");
	return tracer && tracer[strlen("\nTracerPid:\t")] != '0';
}

const char *caps_why_not(void)
{
	struct statvfs fs;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "the caller runs under no_new_privs";
	if (is_traced())
		return "the caller is traced";
	/* user_namespaces(7): the first one maps every id to itself */
	if (!starts_with("/proc/self/uid_map", "         0          0 4294967295"))
		return "the caller is in a user namespace of its own";
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0)
		return "the caller's bounding set lacks cap_sys_admin";
	if (statvfs("/proc/self/exe", &fs) == 0 && fs.f_flag & ST_NOSUID)
		return "via-iface-enter lies on a filesystem mounted with nosuid";
	return "via-iface-enter has no file capability cap_sys_admin=p; install it with that";
}
