/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/netns_name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "etc/netns_files.h"
#include "etc/outside.h"

/* Shared, it shows a name to every mount namespace; for that it must be a mount point. */
static int share_dir(struct err *err)
{
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno == EINVAL && mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) == 0) {
		if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
			return 0;
		err_errno(err, errno, "share directory '" NETNS_DIR "'");
		umount2(NETNS_DIR, MNT_DETACH);
		return -err->code;
	}
	return err_errno(err, errno, "share directory '" NETNS_DIR "'");
}

/* Programs that others start in the netns look names up by files of /etc/netns. */
static int write_files(int netns, const struct msg_reply *session, struct err *err)
{
	struct netns_files f = { .name = session->name,
				 .id = session->id,
				 .dns = &session->dns,
				 .share = session->share };
	char foreign[NETNS_FILES_PATH_MAX];
	struct stat st;
	int r;

	if (fstat(netns, &st) < 0)
		return err_errno(err, errno, "read the inode of the netns");
	f.netns = st.st_ino;
	r = outside_check_host(err);
	if (r == 0)
		r = netns_files_write(&f, foreign, err);
	if (r == 0 && foreign[0])
		fprintf(stderr,
			"via-iface: %s is not ours, and stays: programs that `ip netns exec` "
			"starts there look names up by it\n",
			foreign);
	return r;
}

int netns_name_add(int netns, const struct msg_reply *session, struct err *err)
{
	char path[PATH_MAX], source[32];
	int fd, r;

	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make directory '" NETNS_DIR "'");
	r = share_dir(err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), NETNS_DIR "/%s", session->name);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", netns);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_errno(err, errno, "keep the netns as '%s'", path);
	close(fd);
	if (mount(source, path, "none", MS_BIND, NULL) < 0) {
		err_errno(err, errno, "keep the netns as '%s'", path);
		unlink(path);
		return -err->code;
	}
	r = write_files(netns, session, err);
	if (r < 0) {
		umount2(path, MNT_DETACH);
		unlink(path);
	}
	return r;
}

int netns_name_remove(const char *name, uint64_t netns, struct err *err)
{
	char path[PATH_MAX];

	if (!netns_is_named(name, netns))
		return 0;
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 || unlink(path) < 0)
		return err_errno(err, errno, "remove '%s'", path);
	return 1;
}
