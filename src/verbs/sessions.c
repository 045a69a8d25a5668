/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "config.h"
#include "net/kernel.h"
#include "verbs/verbs.h"

int look(unsigned int what, struct facts *ret, struct err *err)
{
	struct kernel k;
	int r = kernel_open(&k, VIA_RUNDIR, false, err);

	if (r < 0)
		return r;
	r = observe(&k, what, ret, err);
	if (r == 0)
		*err = (struct err){ 0 }; /* of what a plain user may not see, and need not */
	kernel_close(&k);
	return r;
}

const struct session *find_session(const struct facts *f, const char *word, struct err *err)
{
	const struct session *by_name = NULL, *by_id = NULL;
	uint32_t id = 0;

	parse_u32(word, 1, UINT32_MAX, &id);
	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];

		if (!strcmp(s->name, word) && (!by_name || s->uid == getuid()))
			by_name = s;
		if (s->id == id)
			by_id = s;
	}
	if (by_name || by_id)
		return by_name ? by_name : by_id;
	err_set(err, ESRCH, "find session '%s': there is none of that name or id", word);
	err_hint(err, "`via-iface list` shows them");
	return NULL;
}
