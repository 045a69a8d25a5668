/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/state.h"

#include <assert.h>

#include "plan/others.h"
#include "plan/uplink.h"

static const char *const names[] = {
	[STATE_UP] = "up",
	[STATE_BLOCKED] = "blocked",
	[STATE_PAUSED] = "paused",
	[STATE_CLOSING] = "closing",
};
static_assert(sizeof(names) / sizeof(names[0]) == STATE_COUNT, "a state has no name");

const char *session_state_name(enum session_state state)
{
	return names[state];
}

enum session_state session_state(const struct facts *f, const struct session *s, bool ended,
				 const char **ret_reason)
{
	enum uplink_problem problem;
	const char *others;

	*ret_reason = "";
	if (ended && !(s->flags & (SESSION_KEEP | SESSION_ATTACHED))) {
		*ret_reason = "its programs have ended";
		return STATE_CLOSING;
	}
	if (s->flags & SESSION_PAUSED) {
		*ret_reason = "it was paused";
		return STATE_PAUSED;
	}
	if (!s->slot) {
		*ret_reason = "no uplink of its list is usable";
		return STATE_BLOCKED;
	}
	problem = uplink_lookup(f, s->uplink).problem;
	if (problem != UPLINK_USABLE) {
		*ret_reason = uplink_problem_text(problem);
		return STATE_BLOCKED;
	}
	others = others_stop(f, s);
	if (!others)
		return STATE_UP;
	*ret_reason = others;
	return STATE_BLOCKED;
}
