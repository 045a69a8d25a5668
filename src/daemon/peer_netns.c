/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/peer_netns.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

/* The kernel tells who made the user namespace that a netns belongs to (ioctl_ns(2)). */
static int check_owner(int fd, uid_t peer, struct err *err)
{
	_cleanup_close_ int userns = ioctl(fd, NS_GET_USERNS);
	uid_t owner;

	/* one outside of ours, or of an ancestor */
	if (userns < 0 || ioctl(userns, NS_GET_OWNER_UID, &owner) < 0)
		return err_errno(err, errno, "ask whose the netns is");
	if (owner != peer)
		return err_set(err, EPERM, "use that netns: it is of uid %u, not of uid %u", owner,
			       peer);
	return 0;
}

static bool is_netns(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC &&
	       ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

int peer_netns_check_session(int fd, struct kernel *k, const struct session *s, struct err *err)
{
	char port[IFNAMSIZ];
	struct stat st, host;
	int r;

	if (fd < 0)
		return err_set(err, EBADF,
			       "enter session '%s': the request has no descriptor of a netns",
			       s->name);
	if (!is_netns(fd))
		return err_set(err, EBADF, "enter session '%s': the descriptor is of no netns",
			       s->name);
	if (fstat(fd, &st) < 0 || fstat(k->host_ns, &host) < 0)
		return err_errno(err, errno, "read the inode of the netns");
	session_port(s->id, port);
	r = kernel_leads_to(k, port, fd, err);
	if (r < 0)
		return err_wrap(err, "enter session '%s'", s->name);
	if (!r || st.st_dev != host.st_dev || st.st_ino != s->netns || st.st_ino == host.st_ino)
		return err_set(err, EPERM, "enter session '%s': the descriptor is of another netns",
			       s->name);
	return 0;
}

int peer_netns_check(int fd, uid_t peer, int host_ns, const struct facts *facts, struct err *err)
{
	struct stat st, host;

	if (fd < 0)
		return err_set(
			err, EBADF,
			"make a session in a netns: the request has no descriptor of a netns");
	if (!is_netns(fd))
		return err_set(err, EBADF,
			       "make a session in a netns: the descriptor is of no netns");
	if (fstat(fd, &st) < 0 || fstat(host_ns, &host) < 0)
		return err_errno(err, errno, "read the inode of the netns");
	if (st.st_dev == host.st_dev && st.st_ino == host.st_ino)
		return err_set(err, EPERM, "use that netns: it is the host's");
	for (size_t i = 0; i < facts->sessions.n; i++)
		if (facts->sessions.v[i].netns == st.st_ino)
			return err_set(err, EEXIST, "use that netns: it is of session '%s' already",
				       facts->sessions.v[i].name);
	return peer == 0 ? 0 : check_owner(fd, peer, err);
}
