/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mounts inside. In a mount namespace that takes in what the host mounts later (propagation
 * "slave") and gives nothing back:
 *
 *   /sys/class/net, /sys/devices/virtual/net   of a fresh sysfs, which shows the devices of the
 *                                              netns; the rest of /sys stays (cgroups, …)
 *   resolv.conf, nsswitch.conf, gai.conf       the session's own
 *   /run/systemd/resolve                       a directory with resolv.conf alone
 *   files of /etc/netns/NAME                   over those of /etc, in a named netns
 *   hosts                                      that of its group (--share), which the daemon writes
 *   of nscd and avahi                          an empty directory: their sockets lead outside
 *
 * A user namespace may mount a sysfs only where the mount namespace has one that nothing covers
 * (fs/namespace.c:mount_too_revealing, mnt_already_visible), and the first line above covers /sys:
 * rootless containers would be refused. So a copy of /sys as it was, with the mounts on it, is put
 * where no path leads. What a container's /sys hides or protects from writing stays so, since the
 * kernel judges by the copy what it would judge by /sys. /proc is not covered and needs none.
 *
 * A fresh filesystem needs a place to be mounted at before parts of it can be bound elsewhere.
 * /sys/class/net serves as that place for both: it is there wherever there are devices, and it is
 * covered in the end, so that nothing has to be unmounted. Paths are resolved as the program's C
 * library will resolve them: mount(2) follows symbolic links of the target like open(2). What does
 * not exist is left out: without resolv.conf a resolver asks 127.0.0.1, which is redirected in the
 * session. Old-style mount(2) beats the newer system calls here: it is one call for each.
 */
#include "launch/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config.h"
#include "etc/gai.h"
#include "etc/netns_files.h"
#include "etc/nsswitch.h"
#include "etc/resolv.h"
#include "launch/netns_etc.h"

#define CLASS_NET   "/sys/class/net"
#define VIRTUAL_NET "/sys/devices/virtual/net"
#define STAGE       CLASS_NET

#define OWN_RESOLVE  STAGE "/resolve"
#define OWN_RESOLV   OWN_RESOLVE "/resolv.conf"
#define OWN_STUB     OWN_RESOLVE "/stub-resolv.conf"
#define OWN_NSSWITCH STAGE "/nsswitch.conf"
#define OWN_GAI      STAGE "/gai.conf"
#define OWN_EMPTY    STAGE "/empty"
#define OWN_SYS      STAGE "/sys"

#define HOSTS_PATH "/etc/hosts"

#define MOUNT_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* linux/mount.h, linux/fcntl.h: glibc 2.36 is the first with these, and with the two calls */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* --- texts --------------------------------------------------------------------------------- */

int mounts_prepare(const struct msg_reply *reply, struct mount_texts *ret, struct err *err)
{
	struct mount_texts t = { 0 };
	int r = nsswitch_read(&t.nsswitch, err);

	if (r == 0)
		r = gai_read(&t.gai, err);
	resolv_format(&reply->dns, &t.resolv);
	resolv_add_session(reply->name, reply->id, &t.resolv);
	memcpy(t.share, reply->share, sizeof(t.share));
	if (r == 0 &&
	    (strbuf_failed(&t.resolv) || strbuf_failed(&t.nsswitch) || strbuf_failed(&t.gai)))
		r = err_errno(err, ENOMEM, "write the session's resolv.conf");
	if (r < 0) {
		mounts_done(&t);
		return r;
	}
	*ret = t;
	return 0;
}

void mounts_done(struct mount_texts *t)
{
	strbuf_done(&t->resolv);
	strbuf_done(&t->nsswitch);
	strbuf_done(&t->gai);
}

/* --- the session's own files --------------------------------------------------------------- */

static int write_file(const char *path, const struct strbuf *text, struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	ssize_t n;

	if (fd < 0)
		return err_errno(err, errno, "make the session's '%s'", path);
	n = write(fd, strbuf_text(text), text->len);
	if (n < 0 || (size_t)n != text->len)
		return err_errno(err, n < 0 ? errno : ENOSPC, "write the session's '%s'", path);
	return 0;
}

/*
 * Files that set-id programs inside will believe, made by a process that may be anybody's: the
 * filesystem is read-only before any program sees it, and nobody but the host's root can change
 * that.
 */
static int make_own_files(const struct mount_texts *t, struct err *err)
{
	mode_t before;
	int r;

	if (mount("via-iface", STAGE, "tmpfs", MOUNT_FLAGS, "mode=0755,size=1m,nr_inodes=16") < 0)
		return err_errno(err, errno, "mount a tmpfs on '" STAGE "'");
	before = umask(022);
	r = mkdir(OWN_RESOLVE, 0755) < 0 || mkdir(OWN_EMPTY, 0755) < 0 || mkdir(OWN_SYS, 0755) < 0
		    ? err_errno(err, errno, "make the session's directories")
		    : 0;
	if (r == 0)
		r = write_file(OWN_RESOLV, &t->resolv, err);
	/* one file by two names, so that a link to either is seen to lead here already */
	if (r == 0 && link(OWN_RESOLV, OWN_STUB) < 0)
		r = err_errno(err, errno, "make the session's '" OWN_STUB "'");
	if (r == 0)
		r = write_file(OWN_NSSWITCH, &t->nsswitch, err);
	if (r == 0)
		r = write_file(OWN_GAI, &t->gai, err);
	umask(before);
	if (r == 0 && mount(NULL, STAGE, NULL, MS_REMOUNT | MS_RDONLY | MOUNT_FLAGS, NULL) < 0)
		r = err_errno(err, errno, "make the session's files read-only");
	return r;
}

/* --- a copy of /sys ------------------------------------------------------------------------ */

/*
 * Copies /sys before anything of ours covers it. *ret_fd is -1 where that cannot be: a seccomp
 * filter knows mount(2) and not this call, as in old containers, or a mount there is unbindable
 * (fs/namespace.c:open_detached_copy). Then a nested sysfs is refused, and all else is the same.
 */
static int copy_sys(int *ret_fd, struct err *err)
{
	long fd = syscall(SYS_open_tree, AT_FDCWD, "/sys",
			  OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE);

	if (fd < 0 && errno != ENOSYS && errno != EPERM && errno != EINVAL)
		return err_errno(err, errno, "copy the mounts of '/sys'");
	*ret_fd = (int)fd;
	return 0;
}

static int attach_sys(int fd, struct err *err)
{
	if (fd < 0 ||
	    syscall(SYS_move_mount, fd, "", AT_FDCWD, OWN_SYS, MOVE_MOUNT_F_EMPTY_PATH) == 0)
		return 0;
	return err_errno(err, errno, "mount the copy of '/sys' on '" OWN_SYS "'");
}

/* --- covering ------------------------------------------------------------------------------ */

/* Whether stat(2) fails with the code that open(2) gave: then the program cannot open it either. */
static bool leads_nowhere(const char *path, int code)
{
	struct stat st;

	return (code == ENOENT || code == ELOOP || code == ENOTDIR) && stat(path, &st) < 0 &&
	       errno == code;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int cover(const char *own, const char *target, struct err *err)
{
	if (same_file(own, target)) /* another path of what is covered */
		return 0;
	if (mount(own, target, NULL, MS_BIND, NULL) == 0 || leads_nowhere(target, errno))
		return 0;
	return err_errno(err, errno, "cover '%s' inside the session", target);
}

static int cover_names(const struct mount_texts *t, struct err *err)
{
	static const struct {
		const char *own, *target;
	} covered[] = {
		/* directories first: links into them lead to our files then */
		{ OWN_RESOLVE, "/run/systemd/resolve" }, { OWN_EMPTY, "/run/nscd" },
		{ OWN_EMPTY, "/var/run/nscd" },          { OWN_EMPTY, "/run/avahi-daemon" },
		{ OWN_EMPTY, "/var/run/avahi-daemon" },  { OWN_RESOLV, "/etc/resolv.conf" },
		{ OWN_NSSWITCH, NSSWITCH_PATH },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(covered) && r == 0; i++)
		if (t->nsswitch.len || strcmp(covered[i].target, NSSWITCH_PATH) != 0)
			r = cover(covered[i].own, covered[i].target, err);
	return r == 0 && t->gai.len ? cover(OWN_GAI, GAI_PATH, err) : r;
}

/*
 * The daemon writes this file in place, so that all members see each change at once, by a bind
 * mount that stays. It is read-only, as all that set-id programs believe.
 */
static int cover_hosts(const char *share, struct err *err)
{
	char path[sizeof(SHARE_DIR) + SHARE_FILE_MAX];
	int r;

	snprintf(path, sizeof(path), SHARE_DIR "/%s", share);
	r = cover(path, HOSTS_PATH, err);
	if (r < 0 || !same_file(path, HOSTS_PATH))
		return r;
	if (mount(NULL, HOSTS_PATH, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MOUNT_FLAGS, NULL) < 0)
		return err_errno(err, errno, "make '" HOSTS_PATH "' read-only inside the session");
	return 0;
}

/*
 * Read-only where the host's is, as in containers; in a user namespace the kernel refuses a sysfs
 * with other flags than those of the one in sight (fs/namespace.c:mount_too_revealing).
 */
static int cover_devices(struct err *err)
{
	unsigned long flags = MOUNT_FLAGS;
	struct statvfs fs;

	if (statvfs("/sys/devices", &fs) < 0)
		return err_errno(err, errno, "stat '/sys/devices'");
	if (fs.f_flag & ST_RDONLY)
		flags |= MS_RDONLY;
	if (fs.f_flag & ST_NOATIME)
		flags |= MS_NOATIME;
	else if (!(fs.f_flag & ST_RELATIME))
		flags |= MS_STRICTATIME;
	if (fs.f_flag & ST_NODIRATIME)
		flags |= MS_NODIRATIME;
	if (mount("sysfs", STAGE, "sysfs", flags, NULL) < 0)
		return err_errno(err, errno,
				 "mount a sysfs of the session's devices on '" STAGE "'");
	if (mount(STAGE "/devices/virtual/net", VIRTUAL_NET, NULL, MS_BIND, NULL) < 0)
		return err_errno(err, errno, "cover '" VIRTUAL_NET "' inside the session");
	if (mount(STAGE "/class/net", CLASS_NET, NULL, MS_BIND, NULL) < 0)
		return err_errno(err, errno, "cover '" CLASS_NET "' inside the session");
	return 0;
}

int mounts_make(const struct mount_texts *t, struct err *err)
{
	_cleanup_close_ int sys = -1;
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return err_errno(err, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0) {
		err_errno(err, errno, "keep the session's mounts from the host");
		if (err->code == EINVAL)
			err_hint(err, "the root directory is no mount point, as in chroot(8)");
		return -err->code;
	}
	r = copy_sys(&sys, err);
	if (r == 0)
		r = make_own_files(t, err);
	if (r == 0)
		r = attach_sys(sys, err);
	if (r == 0)
		r = cover_names(t, err);
	if (r == 0 && t->share[0])
		r = cover_hosts(t->share, err);
	if (r == 0 && t->netns_name)
		r = netns_etc_bind(t->netns_name, err);
	if (r == 0)
		r = cover_devices(err);
	return r;
}
