/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "launch/confined.h"

#define OVERFLOW_UID "/proc/sys/kernel/overflowuid"
#define APPARMOR     "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"

static unsigned long read_number(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = { 0 };

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 ? strtoul(text, NULL, 10) : 0;
}

/* Whether every uid has a name in the caller's user namespace: as in the first one. */
static bool maps_all(void)
{
	_cleanup_close_ int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	unsigned int inside, outside, n;
	char text[64] = { 0 };

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return true;
	return sscanf(text, "%u %u %u", &inside, &outside, &n) == 3 && n == UINT32_MAX;
}

bool userns_hides_root(uid_t uid)
{
	return uid == read_number(OVERFLOW_UID) && !maps_all();
}

static int put(const char *path, const char *text, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_errno(err, errno, "set up a user namespace: write '%s'", path);
	return 0;
}

/* user_namespaces(7): one line, ourselves; who may not change groups may map the one it has. */
static int map_ids(uid_t uid, gid_t gid, struct err *err)
{
	char uids[64], gids[64];
	int r;

	snprintf(uids, sizeof(uids), "%u %u 1\n", uid, uid);
	snprintf(gids, sizeof(gids), "%u %u 1\n", gid, gid);
	r = put("/proc/self/setgroups", "deny", err);
	if (r == 0)
		r = put("/proc/self/uid_map", uids, err);
	if (r == 0)
		r = put("/proc/self/gid_map", gids, err);
	return r;
}

/*
 * A new user namespace comes with a full bounding set and no securebits: what the caller had given
 * up stays given up.
 */
struct bounds {
	uint64_t caps; /* a bit for each */
	int n, securebits;
};

static struct bounds get_bounds(void)
{
	struct bounds b = { .securebits = prctl(PR_GET_SECUREBITS) };
	int has;

	for (; (has = prctl(PR_CAPBSET_READ, b.n, 0, 0, 0)) >= 0 && b.n < 64; b.n++)
		b.caps |= (uint64_t)has << b.n;
	return b;
}

static int keep_bounds(const struct bounds *b, struct err *err)
{
	for (int cap = 0; cap < b->n; cap++)
		if (!(b->caps >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_errno(err, errno, "keep the caller's bounding set");
	if (b->securebits > 0 && prctl(PR_SET_SECUREBITS, b->securebits) < 0)
		return err_errno(err, errno, "keep the caller's securebits");
	return 0;
}

/*
 * security/apparmor/lsm.c:apparmor_userns_create refuses it; or, as Ubuntu has it, puts the caller
 * into the profile unprivileged_userns, which has no capabilities, so that its maps cannot be
 * written.
 */
static int refused(struct err *err)
{
	if (read_number(APPARMOR))
		return err_hint(err, "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor "
				     "allows it by a profile alone; see whether "
				     "/etc/apparmor.d/via-iface-enter is there, and is loaded "
				     "(aa-status)");
	return err_hint(err, "see user.max_user_namespaces and kernel.unprivileged_userns_clone");
}

static int open_own(int *ret, struct err *err)
{
	*ret = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_errno(err, errno, "open the new netns") : 0;
}

/*
 * Since Linux 5.12 a map of root's uid asks for CAP_SETFCAP of who writes it (user_namespaces(7)):
 * root in a unit with CapabilityBoundingSet= has neither that nor CAP_SYS_ADMIN.
 */
static int refused_to_root(struct err *err)
{
	char unit[UNIT_NAME_MAX];

	confined_unit(unit);
	if (!unit[0])
		return err_hint(
			err, "root without cap_sys_admin needs cap_setfcap for this; another user "
			     "does not (setpriv(1), --reuid)");
	return err_hint(
		err,
		"CapabilityBoundingSet= of '%s' is in the way: add the line "
		"'CapabilityBoundingSet=CAP_SYS_ADMIN' or a User= to its section [Service] (`sudo "
		"systemctl edit %s`), or leave it as it is and put it into a named netns: "
		"via-iface-services(7)",
		unit, unit);
}

static int make(int *ret_netns, struct err *err)
{
	struct bounds bounds = get_bounds();
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r;

	/* so that our files in /proc are ours (proc(5)); there is no capability to protect here */
	if (prctl(PR_SET_DUMPABLE, 1) < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		err_errno(err, errno, "make a user namespace");
		/* kernel/user_namespace.c:create_user_ns: a uid that is not mapped here may make
		 * none */
		if (err->code == EPERM && userns_hides_root(uid))
			return err_hint(err,
					"uid %u is not mapped here: see uid_map in "
					"user_namespaces(7); `unshare -U --map-current-user` "
					"maps it",
					uid);
		return refused(err);
	}
	r = map_ids(uid, gid, err);
	if (r < 0)
		return uid == 0 && r == -EPERM ? refused_to_root(err) : refused(err);
	r = keep_bounds(&bounds, err);
	if (r < 0)
		return r;
	return open_own(ret_netns, err);
}

int userns_other_netns(int *netns, struct err *err)
{
	close_fd(netns);
	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(err, errno, "make another netns");
	return open_own(netns, err);
}

int userns_enter(const struct request *request, const char *why, int *ret_netns, struct err *err)
{
	int r;

	if (request->flags & SESSION_KEEP || request->owner != REQUEST_OWNER_SELF)
		r = err_set(err, EPERM, "--keep and --user are for root");
	else
		r = make(ret_netns, err);
	return r < 0 ? err_hint(err, "this way was taken since %s", why) : 0;
}
