/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_POLICY_H
#define VIA_DAEMON_POLICY_H

#include "base/conf.h"
#include "plan/access.h"

/*
 * The access policy as it stands in files: DIR/access.conf, then DIR/access.d/NAME.conf in the
 * order of their names; via-iface-access.conf(5) has the format. Where there is no access.conf,
 * a built-in text stands in for it. Nothing in them is passed over: what is not understood, and a
 * file that others than root could have written, make the whole policy unusable.
 */

#define POLICY_FILE_BYTES_MAX 65536u
#define POLICY_FILES_MAX      64u
#define POLICY_RULES_MAX      4096u

/*
 * Adds the rules of one file's text to a policy; file is what they are to be called. User and
 * group names are looked up. Returns 0, or a negative errno with "FILE:LINE: what is wrong"; then
 * to holds part of the rules.
 */
int policy_parse(const char *text, size_t len, const char *file, struct access_policy *to,
		 struct err *err);

/* Reads everything. Never fails: when something is wrong, ret->broken says what, on which line. */
void policy_load(const char *dir, struct access_policy *ret);

/*
 * Adds every mistake of every file, not only the first; none, where the policy can be used. ret is
 * the caller's to conf_mistakes_done().
 */
void policy_mistakes(const char *dir, struct conf_mistakes *ret);

struct policy {
	const char *dir; /* of the files */
	bool loaded;
	uint64_t seen; /* a hash of what the files were when they were read */
	struct access_policy access;
};

/* The policy as of now: read anew when a file, or the user or group database, has changed. */
const struct access_policy *policy_now(struct policy *p);
void policy_done(struct policy *p);

#endif
