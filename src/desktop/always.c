/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface desktop always APP UPLINK[,UPLINK…]: the app policy says the uplink, and an entry in
 * the original's place starts by the policy. Both or none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "desktop/check.h"
#include "desktop/desktop.h"
#include "desktop/original.h"
#include "desktop/policy.h"

static int write_both(const struct line *l, struct desktop_found *of, char **words, struct err *err)
{
	const struct line add = {
		.v = { "add", l->v[1] }, .n = 2, .replace = true, .quiet = l->quiet
	};
	struct err ignored = { 0 };
	int r = policy_write(of->id, words, l->v[2], err);

	if (r == 0 && (r = desktop_add(&add, err)) < 0)
		policy_remove(of->id, &ignored);
	return r;
}

int desktop_always(const struct line *l, struct err *err)
{
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	struct desktop_found of = { 0 };
	struct uplink_list uplinks = { 0 };
	int r;

	if (l->n < 3) {
		err_set(err, EINVAL, "read the command line: always takes an app and the uplinks");
		return err_hint(err, "say for example `via-iface desktop always firefox wlp6s0`");
	}
	if (original_is_game(l->v[1])) {
		err_set(err, EINVAL,
			"set '%s' to an uplink: Steam starts its games, and the app policy is "
			"about programs",
			l->v[1]);
		return err_hint(err, "`via-iface desktop always steam %s` is for all of them",
				l->v[2]);
	}
	r = check_uplinks(l->v[2], &uplinks, err);
	if (r == 0)
		r = original_find(l->v[1], &of, err);
	if (r == 0)
		r = original_words(of.entry, &words, &bytes, err);
	if (r == 0)
		r = write_both(l, &of, words, err);
	desktop_found_done(&of);
	return r;
}
