/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file_caps.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

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

const char *file_caps_why_not(const char *program)
{
	struct statvfs fs;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "the caller runs under no_new_privs";
	if (is_traced())
		return "the caller is traced";
	/* user_namespaces(7): the first one maps every id to itself */
	if (!starts_with("/proc/self/uid_map", "         0          0 4294967295"))
		return FILE_CAPS_FOREIGN;
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0)
		return "the caller's bounding set lacks cap_sys_admin";
	if (statvfs(program, &fs) == 0 && fs.f_flag & ST_NOSUID)
		return "via-iface-enter lies on a filesystem mounted with nosuid";
	return FILE_CAPS_MISSING;
}

bool file_caps_has_admin(const char *program)
{
	struct vfs_ns_cap_data data = { 0 };

	return getxattr(program, "security.capability", &data, sizeof(data)) >=
		       (ssize_t)XATTR_CAPS_SZ_1 &&
	       le32toh(data.data[0].permitted) & 1u << CAP_SYS_ADMIN;
}
