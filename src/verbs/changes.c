/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/changes.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/vec.h"

static const char *const names[] = {
	[CHANGE_ADDED] = "added",
	[CHANGE_REMOVED] = "removed",
	[CHANGE_UPLINK] = "uplink",
	[CHANGE_STATE] = "state",
};
static_assert(sizeof(names) / sizeof(names[0]) == CHANGE_COUNT, "a change has no name");

const char *change_name(enum change change)
{
	return names[change];
}

int changes_see(const struct facts *f, uint32_t id, struct sights *ret)
{
	struct sights now = { 0 };

	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];
		struct seen *seen;

		if (id ? s->id != id : s->probe_of)
			continue;
		seen = VEC_PUSH(&now);
		if (!seen) {
			VEC_DONE(&now);
			return -ENOMEM;
		}
		seen->id = s->id;
		memcpy(seen->name, s->name, sizeof(seen->name));
		memcpy(seen->uplink, s->uplink, sizeof(seen->uplink));
		seen->state = session_state(f, s, false, &seen->reason);
	}
	*ret = now;
	return 0;
}

void changes_done(struct sights *s)
{
	VEC_DONE(s);
}

static struct seen *find(const struct sights *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].id == id)
			return &s->v[i];
	return NULL;
}

/*
 * A number may be used again between two observations: then it is another session, by another name.
 */
static bool is_same(const struct seen *a, const struct seen *b)
{
	return a && b && !strcmp(a->name, b->name);
}

void changes_tell(const struct sights *before, struct sights *now, change_teller tell, void *arg)
{
	for (size_t i = 0; i < before->n; i++)
		if (!is_same(&before->v[i], find(now, before->v[i].id)))
			tell(CHANGE_REMOVED, &before->v[i], arg);
	for (size_t i = 0; i < now->n; i++) {
		struct seen *s = &now->v[i];
		const struct seen *old = find(before, s->id);

		if (!is_same(old, s)) {
			tell(CHANGE_ADDED, s, arg);
			continue;
		}
		if (!s->uplink[0])
			memcpy(s->uplink, old->uplink, sizeof(s->uplink));
		if (strcmp(s->uplink, old->uplink) != 0)
			tell(CHANGE_UPLINK, s, arg);
		if (s->state != old->state || strcmp(s->reason, old->reason) != 0)
			tell(CHANGE_STATE, s, arg);
	}
}
