/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/attach_dns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/text.h"
#include "etc/netns_files.h"
#include "etc/outside.h"
#include "verbs/processes.h"

#define PROCESSES_MAX 256

/* The name of a netns that the caller named, or which it has all the same; "" when it has none. */
static void find_name(const struct launch_options *o, uint64_t inode, char ret[NAME_MAX + 1])
{
	DIR *d = o->netns ? NULL : opendir(NETNS_DIR);
	const struct dirent *entry;

	snprintf(ret, NAME_MAX + 1, "%s", o->netns ? o->netns : "");
	while (d && !ret[0] && (entry = readdir(d))) {
		struct stat st;

		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ino == inode && entry->d_name[0] != '.')
			snprintf(ret, NAME_MAX + 1, "%s", entry->d_name);
	}
	if (d)
		closedir(d);
}

/* By the files that the process itself sees. */
static int check_process(uint32_t pid, uint64_t netns, struct err *err)
{
	_cleanup_close_ int root = -1;
	struct outside found;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_errno(err, errno, "open the root directory of process %u", pid);
	if (!outside_find(root, netns, false, &found))
		return 0;
	err_set(err, EBUSY,
		"attach to that netns: process %u has names looked up by %s (%s), outside of it "
		"and by another way out",
		pid, found.who, found.path);
	return err_hint(err, "--allow-foreign-resolver attaches it all the same");
}

/* By all that run in it already, or as many as can be checked in a moment. */
static int check_processes(uint64_t netns, struct err *err)
{
	_cleanup_processes_ struct processes p = { 0 };
	size_t left = PROCESSES_MAX;
	int r = processes_find(&p, err);

	for (size_t i = 0; i < p.n && r == 0 && left; i++) {
		struct err gone = { 0 };

		if (p.v[i].netns != netns)
			continue;
		left--;
		r = check_process((uint32_t)p.v[i].pid, netns, &gone);
		if (r == -EBUSY)
			*err = gone;
		else
			r = 0; /* it has ended, or is not the caller's to look into */
	}
	return r;
}

int attach_dns_check(const struct launch_options *o, int netns, struct err *err)
{
	char name[NAME_MAX + 1];
	struct stat st;
	int r = 0;

	if (o->request.flags & SESSION_FOREIGN_RESOLVER)
		return 0;
	if (fstat(netns, &st) < 0)
		return err_errno(err, errno, "read the inode of the netns");
	find_name(o, st.st_ino, name);
	if (!o->pid)
		r = check_processes(st.st_ino, err);
	else
		r = check_process(o->pid, st.st_ino, err);
	if (r == 0 && name[0] && geteuid() == 0)
		r = outside_check_host(err);
	return r;
}

int attach_dns_write(const struct launch_options *o, int netns, const struct msg_reply *reply,
		     struct err *err)
{
	struct netns_files f = { .id = reply->id, .dns = &reply->dns, .share = reply->share };
	char name[NAME_MAX + 1], foreign[NETNS_FILES_PATH_MAX];
	struct stat st;
	int r;

	if (o->request.flags & SESSION_FOREIGN_RESOLVER || geteuid() != 0)
		return 0;
	if (fstat(netns, &st) < 0)
		return err_errno(err, errno, "read the inode of the netns");
	find_name(o, st.st_ino, name);
	if (!name[0])
		return 0;
	f.name = name;
	f.netns = st.st_ino;
	r = netns_files_write(&f, foreign, err);
	if (r == 0 && foreign[0] && !o->quiet)
		text_print(stderr,
			   "via-iface: %s is not ours, and stays: programs that `ip netns exec` "
			   "starts there look names up by it\n",
			   foreign);
	return r;
}
