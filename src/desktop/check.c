/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/check.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "desktop/exec.h"
#include "launch/launch.h"
#include "plan/uplink.h"
#include "verbs/verbs.h"

static int unknown(const struct facts *f, const char *word, bool others, struct err *err)
{
	struct nearest n = { .word = word };

	uplink_offer_names(f, &n);
	if (n.best) {
		err_set(err, ENODEV, "unknown uplink '%s'", word);
		return err_hint(err, "did you mean '%s'?", n.best);
	}
	if (others)
		return 0;
	err_set(err, ENODEV, "unknown uplink '%s'", word);
	return err_hint(err, "`via-iface uplinks` lists those that are here; one that is not here "
			     "now is named by mac:AA:BB:CC:DD:EE:FF");
}

int check_uplinks(const char *text, struct uplink_list *ret, struct err *err)
{
	_cleanup_facts_ struct facts f = { 0 };
	bool some = false;

	if (text[0] == '-')
		return err_set(err, EINVAL, "read uplinks '%s': it looks like an option", text);
	if (uplink_list_parse(text, ret, err) < 0 || observe_host(0, &f, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ret->n; i++)
		some |= uplink_list_condition(ret, i) || uplink_is_here(&f, ret, i);
	for (size_t i = 0; i < ret->n; i++)
		if (!uplink_list_condition(ret, i) && !uplink_is_here(&f, ret, i) &&
		    unknown(&f, uplink_list_word(ret, i), some, err) < 0)
			return -err->code;
	return 0;
}

int check_program(GKeyFile *e, struct err *err)
{
	g_autofree char *exec = entry_string(e, ENTRY_MAIN, "Exec");
	_cleanup_exec_ struct exec x = { 0 };
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;

	/* what cannot be read is told by who rewrites it */
	if (!exec || exec_parse(exec, &x, NULL) < 0 || exec_words(&x, &words, &bytes) < 0)
		return 0;
	return launch_find_program(words[0], err);
}
