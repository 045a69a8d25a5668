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

#define REFUSED(what) "the kernel refused " what "; the log of via-ifaced has the reason"
static const char *const refused_texts[] = {
	[OBJ_NETNS] = REFUSED("its network namespace"),
	[OBJ_LINK] = REFUSED("to change its port"),
	[OBJ_LINK_UP] = REFUSED("to set its port up"),
	[OBJ_ALTNAME] = REFUSED("another name of its device"),
	[OBJ_ADDRESS] = REFUSED("an address that it needs"),
	[OBJ_ROUTE] = REFUSED("a route that it needs"),
	[OBJ_RULE] = REFUSED("a routing rule that it needs"),
	[OBJ_NEIGH] = REFUSED("its neighbour entry"),
	[OBJ_FDB] = REFUSED("its bridge entry"),
	[OBJ_TC] = REFUSED("a tc filter that it needs"),
	[OBJ_QDISC] = REFUSED("the shaper of its --rate"),
	[OBJ_SYSCTL] = REFUSED("a sysctl that it needs"),
	[OBJ_NFT_TABLE] = REFUSED("an nftables table that it needs"),
	[OBJ_NFT_CHAIN] = REFUSED("an nftables chain that it needs"),
	[OBJ_NFT_SET] = REFUSED("an nftables set that it needs"),
	[OBJ_NFT_ELEMENT] = REFUSED("an nftables element that it needs"),
	[OBJ_NFT_RULE] = REFUSED("an nftables rule that it needs"),
	[OBJ_NFT_ACCEPT] = REFUSED("an accept in another firewall"),
};
static_assert(sizeof(refused_texts) / sizeof(refused_texts[0]) == OBJ_KIND_COUNT, "refused");

const char *session_state_name(enum session_state state)
{
	return names[state];
}

static bool meets_portal(const struct facts *f, const struct session *s)
{
	struct uplink_walk walk = { .facts = f, .list = &s->uplinks };
	const struct fact_link *l;

	while ((l = uplink_walk(&walk)))
		if (uplink_serves(f, l->name, s->flags) == UPLINK_PORTAL)
			return true;
	return false;
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
	if (s->refused.code) {
		*ret_reason = refused_texts[s->refused.kind];
		return STATE_BLOCKED;
	}
	if (!s->slot) {
		*ret_reason = meets_portal(f, s) ? uplink_problem_text(UPLINK_PORTAL)
						 : "no uplink of its list is usable";
		return STATE_BLOCKED;
	}
	problem = uplink_serves(f, s->uplink, s->flags);
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
