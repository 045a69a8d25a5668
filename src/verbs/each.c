/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/each.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "launch/program.h"
#include "verbs/progress.h"
#include "verbs/verbs.h"

/* The sessions that are meant, of the facts. */
struct meant {
	const struct session **v;
	size_t n;
};

static bool is_meant(const struct meant *m, const struct session *s)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i] == s)
			return true;
	return false;
}

static int find_named(const struct facts *f, const struct words *w, struct meant *ret,
		      struct err *err)
{
	for (int i = 0; i < w->n; i++) {
		const struct session *s = find_session(f, w->v[i], err);

		if (!s)
			return -err->code;
		if (!is_meant(ret, s))
			ret->v[ret->n++] = s;
	}
	return 0;
}

static void find_all(const struct facts *f, uint32_t flags, struct meant *ret)
{
	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];

		if (!s->probe_of && (s->flags & flags) == flags &&
		    (geteuid() == 0 || s->uid == getuid()))
			ret->v[ret->n++] = s;
	}
}

/* Returns how many failed. */
static size_t act(const struct each *e, const struct meant *m, bool quiet)
{
	int64_t tell_at = clock_ms() + PROGRESS_MS;
	size_t failed = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct err err = { 0 };

		if (i && clock_ms() >= tell_at) {
			progress_tell("%s: %zu of %zu sessions are done", verb_get(e->verb)->name,
				      i, m->n);
			tell_at = clock_ms() + PROGRESS_MS;
		}
		if (e->act(m->v[i], quiet, &err) < 0) {
			program_fail(&err);
			failed++;
		}
	}
	return failed;
}

int each_session(const struct each *e, const struct words *w)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };
	struct meant m = { 0 };
	size_t failed = 0;
	int r = 0;

	if (w->all == (w->n > 0))
		r = words_usage(e->verb, &err);
	if (r == 0)
		r = observe_sessions(w->v, w->all ? 0 : (size_t)w->n, &f, &err);
	if (r == 0) {
		m.v = calloc(f.sessions.n + (size_t)w->n + 1, sizeof(void *));
		if (!m.v) {
			err_errno(&err, ENOMEM, "find the sessions");
			r = -ENOMEM;
		}
	}
	if (r == 0 && w->all)
		find_all(&f, e->flags, &m);
	else if (r == 0)
		r = find_named(&f, w, &m, &err);
	if (r == 0)
		failed = act(e, &m, w->quiet);
	if (r == 0 && w->all && !m.n && !w->quiet)
		printf("no session%s %s\n", geteuid() ? " of yours" : "",
		       e->flags & SESSION_ATTACHED ? "is attached" : "runs");
	free(m.v);
	return r < 0 ? program_fail(&err) : failed ? EXIT_VIA_FAILED : 0;
}
