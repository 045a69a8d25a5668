/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"

int caps_lower(struct err *err)
{
	if (geteuid() == 0)
		return 0;
	if (capng_get_caps_process() < 0)
		return err_set(err, EPERM, "read the capabilities of this process");
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
		return 0;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, cap);
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) > 0)
			capng_update(CAPNG_DROP, CAPNG_INHERITABLE,
				     cap); /* and so no ambient one */
	}
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(err, EPERM, "lower capabilities until they are needed");
	return 0;
}

bool caps_granted(void)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN);
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
	if (capng_get_caps_process() < 0 ||
	    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_SYS_ADMIN) < 0 ||
	    capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(err, EPERM, "raise cap_sys_admin: it was not granted");
	return 0;
}

int caps_drop(struct err *err)
{
	if (geteuid() == 0)
		return 0;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 || capng_get_caps_process() < 0)
		return err_set(err, EPERM, "drop cap_sys_admin");
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (capng_have_capability(CAPNG_PERMITTED, cap) ||
		    capng_have_capability(CAPNG_EFFECTIVE, cap))
			return err_set(err, EPERM, "drop cap_sys_admin: %s is still there",
				       capng_capability_to_name(cap));
	return 0;
}
