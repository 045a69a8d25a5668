/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By capget(2) and capset(2): a launch asks four times, and a library that also reads the bounding
 * and the ambient set parses /proc/self/status twice each time.
 */
#include "launch/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

struct caps {
	struct __user_cap_data_struct word[_LINUX_CAPABILITY_U32S_3];
};

static struct __user_cap_header_struct header(void)
{
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
}

static int get(struct caps *ret)
{
	struct __user_cap_header_struct h = header();

	*ret = (struct caps){ 0 };
	return (int)syscall(SYS_capget, &h, ret->word);
}

static int set(const struct caps *c)
{
	struct __user_cap_header_struct h = header();

	return (int)syscall(SYS_capset, &h, c->word);
}

static bool any(const struct caps *c)
{
	const struct __user_cap_data_struct *w = c->word;

	return w[0].effective || w[1].effective || w[0].permitted || w[1].permitted;
}

int caps_lower(struct err *err)
{
	struct caps c, before;

	if (geteuid() == 0)
		return 0;
	if (get(&c) < 0)
		return err_errno(err, errno, "read the capabilities of this process");
	before = c;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) > 0)
			c.word[CAP_TO_INDEX(cap)].inheritable &= ~CAP_TO_MASK(cap);
	/* and so no ambient one (capabilities(7)) */
	c.word[0].effective = c.word[1].effective = 0;
	if (memcmp(&c, &before, sizeof(c)) && set(&c) < 0)
		return err_errno(err, errno, "lower capabilities until they are needed");
	return 0;
}

bool caps_granted(void)
{
	struct caps c;

	return get(&c) == 0 &&
	       c.word[CAP_TO_INDEX(CAP_SYS_ADMIN)].permitted & CAP_TO_MASK(CAP_SYS_ADMIN);
}

/*
 * The kernel hands out the user namespace of a netns when it is the caller's or one within
 * (ioctl_nsfs(2); kernel/nsproxy.c and user_namespace.c:ns_get_owner), else it says EPERM.
 */
bool caps_count_in(int netns)
{
	_cleanup_close_ int owner = ioctl(netns, NS_GET_USERNS);

	return owner >= 0;
}

int caps_raise(struct err *err)
{
	struct caps c;

	if (get(&c) == 0) {
		c.word[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective |= CAP_TO_MASK(CAP_SYS_ADMIN);
		if (set(&c) == 0)
			return 0;
	}
	return err_set(err, EPERM, "raise cap_sys_admin: it was not granted");
}

int caps_drop(struct err *err)
{
	struct caps c;

	if (geteuid() == 0)
		return 0;
	if (get(&c) < 0)
		return err_errno(err, errno, "drop cap_sys_admin");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		c.word[i].effective = c.word[i].permitted = 0;
	if (set(&c) < 0 || get(&c) < 0)
		return err_errno(err, errno, "drop cap_sys_admin");
	if (any(&c))
		return err_set(err, EPERM, "drop cap_sys_admin: capabilities are still there");
	return 0;
}
