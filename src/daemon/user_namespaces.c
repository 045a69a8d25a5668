/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/user_namespaces.h"

#include <stdlib.h>

#include "base/files.h"

static long value(int sysctls, const char *name, long missing)
{
	char text[32];

	return file_start(sysctls, name, 0, text, sizeof(text)) > 0 ? strtol(text, NULL, 10)
								    : missing;
}

bool user_namespaces_allowed(int sysctls)
{
	return value(sysctls, "user/max_user_namespaces", 1) > 0 &&
	       value(sysctls, "kernel/unprivileged_userns_clone", 1) != 0 &&
	       value(sysctls, "kernel/apparmor_restrict_unprivileged_userns", 0) == 0;
}
