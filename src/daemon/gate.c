/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/gate.h"

#include <assert.h>
#include <pwd.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "daemon/seat.h"
#include "ipc/sock.h"

void gate_open(struct gate *g, const char *confdir)
{
	*g = (struct gate){ .policy.dir = confdir };
}

void gate_close(struct gate *g)
{
	policy_done(&g->policy);
}

/* "use uplink 'wlp6s0' as alice (uid 1000): " before the reason. */
static void tell_what(const struct ucred *peer, const struct access_question *q, struct err *err)
{
	static const char *const wanted[] = {
		[ACCESS_RUN] = "use uplink",
		[ACCESS_ATTACH] = "attach to uplink",
		[ACCESS_MOVE] = "move a session to uplink",
		[ACCESS_EXEC] = "run a program in a session",
		[ACCESS_RESUME] = "resume a session",
		[ACCESS_STOP] = "end or pause a session",
	};
	const struct passwd *pw = getpwuid(peer->uid);
	char who[64];

	static_assert(ARRAY_SIZE(wanted) == ACCESS_OP_COUNT, "what can be wanted");
	if (pw)
		snprintf(who, sizeof(who), "%.32s (uid %u)", pw->pw_name, peer->uid);
	else
		snprintf(who, sizeof(who), "uid %u", peer->uid);
	if (q->op == ACCESS_EXEC || q->op == ACCESS_RESUME || q->op == ACCESS_STOP)
		err_wrap(err, "%s as %s", wanted[q->op], who);
	else
		err_wrap(err, "%s '%s' as %s", wanted[q->op], q->uplinks, who);
}

enum access_answer gate_decide(struct gate *g, int fd, const struct ucred *peer,
			       const struct access_question *question, struct err *err)
{
	_cleanup_free_ uint32_t *groups = NULL;
	struct access_subject subject = { .uid = peer->uid, .gid = peer->gid };
	enum access_answer answer = ACCESS_REFUSE;

	if (peer->uid == 0) /* no policy is read for root */
		return ACCESS_ALLOW;
	if (sock_peer_groups(fd, &groups, &subject.n_groups, err) == 0) {
		subject.groups = groups;
		subject.active = seat_active(peer->uid);
		answer = access_decide(policy_now(&g->policy), &subject, question, err);
	}
	if (answer != ACCESS_ALLOW)
		tell_what(peer, question, err);
	return answer;
}
