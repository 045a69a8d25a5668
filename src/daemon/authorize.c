/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/authorize.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/log.h"
#include "base/parse.h"
#include "daemon/seat.h"
#include "ipc/sock.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* asm-generic/socket.h */
#endif

/* What the actions are called in policies/polkit, and how a refusal begins. */
static const struct {
	const char *action; /* NULL: polkit is never asked */
	const char *wanted;
} ops[] = {
	[ACCESS_RUN] = { "org.via_iface.run", "use uplink" },
	[ACCESS_ATTACH] = { "org.via_iface.attach", "attach to uplink" },
	[ACCESS_MOVE] = { "org.via_iface.move", "move session" },
	[ACCESS_EXEC] = { NULL, "run a program in session" },
	[ACCESS_CAPTURE] = { NULL, "capture packets of session" },
	[ACCESS_FLOWS] = { NULL, "show connections of session" },
	[ACCESS_RESUME] = { NULL, "resume session" },
	[ACCESS_STOP] = { NULL, "end or pause session" },
};
static_assert(ARRAY_SIZE(ops) == ACCESS_OP_COUNT, "what can be wanted");

void authorizer_init(struct authorizer *a, const char *confdir, unsigned int ask_ms)
{
	*a = (struct authorizer){ .policy.dir = confdir, .polkit.limit_ms = ask_ms };
}

void authorizer_done(struct authorizer *a)
{
	policy_done(&a->policy);
}

/* The list that is asked for; "" where none is. */
static const char *list_text(const struct access_question *q, char ret[UPLINK_LIST_TEXT_MAX])
{
	ret[0] = 0;
	return q->uplinks ? uplink_list_format(q->uplinks, ret) : ret;
}

/* "use uplink 'wlp6s0' as alice (uid 1000): " before the reason. */
static void tell_what(uid_t uid, const struct access_question *q, const char *name, struct err *err)
{
	const struct passwd *pw = getpwuid(uid);
	char who[64], list[UPLINK_LIST_TEXT_MAX];

	if (pw)
		snprintf(who, sizeof(who), "%.32s (uid %u)", pw->pw_name, uid);
	else
		snprintf(who, sizeof(who), "uid %u", uid);
	list_text(q, list);
	switch (q->op) {
	case ACCESS_RUN:
	case ACCESS_ATTACH:
		err_wrap(err, "%s '%s' as %s", ops[q->op].wanted, list, who);
		break;
	case ACCESS_MOVE:
		err_wrap(err, "%s '%s' to '%s' as %s", ops[q->op].wanted, name, list, who);
		break;
	case ACCESS_EXEC:
	case ACCESS_CAPTURE:
	case ACCESS_FLOWS:
	case ACCESS_RESUME:
	case ACCESS_STOP:
	case ACCESS_OP_COUNT:
		err_wrap(err, "%s '%s' as %s", ops[q->op].wanted, name, who);
		break;
	}
}

/* *ret_groups is what subject->groups borrows, the caller's to free. */
static int find_subject(const struct peer *peer, struct access_subject *ret, uint32_t **ret_groups,
			struct err *err)
{
	const struct passwd *pw;
	int r;

	*ret = (struct access_subject){ .uid = peer->cred.uid, .gid = peer->cred.gid };
	*ret_groups = NULL;
	if (peer->cred.uid == 0) /* whom nobody refuses */
		return 0;
	r = sock_peer_groups(peer->fd, ret_groups, &ret->n_groups, err);
	if (r < 0)
		return r;
	pw = getpwuid(peer->cred.uid);
	ret->name = pw ? pw->pw_name : NULL;
	ret->groups = *ret_groups;
	ret->active = seat_active(peer->cred.uid);
	return 0;
}

static enum access_answer ask_policy(struct authorizer *a, struct peer *peer,
				     const struct access_question *q, struct err *err)
{
	const struct access_policy *policy = policy_now(&a->policy);
	_cleanup_free_ uint32_t *groups = NULL;
	struct access_subject subject;

	if (find_subject(peer, &subject, &groups, err) < 0)
		return ACCESS_REFUSE;
	peer->connections = access_connections(policy, &subject);
	peer->rates = access_rates(policy, &subject);
	return access_decide(policy, &subject, q, err);
}

/* --- polkit -------------------------------------------------------------------------------- */

/* When a process started (proc(5), stat): with its id that is one process, for ever. */
static uint64_t start_of(pid_t pid)
{
	char path[32], text[1024], *at;
	uint64_t start = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_start(AT_FDCWD, path, 0, text, sizeof(text)) <= 0)
		return 0;
	at = strrchr(text, ')'); /* of the name, field 2, which may hold anything */
	for (int field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (at)
		at[strcspn(at, " ")] = 0;
	return at && parse_u64(at, UINT64_MAX, &start) == 0 ? start : 0;
}

/* The process behind the socket: -1 where the kernel does not hand it out. */
static int pidfd_of(int fd)
{
	socklen_t len = sizeof(int);
	int pidfd = -1;

	return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0 ? -1 : pidfd;
}

static int ask_polkit(struct authorizer *a, struct peer *peer, const struct access_question *q,
		      const char *name, struct err *err)
{
	char list[UPLINK_LIST_TEXT_MAX];
	const struct polkit_detail details[] = { { "uplinks", list_text(q, list) },
						 { "name", name } };
	_cleanup_close_ int pidfd = pidfd_of(peer->fd);
	struct polkit_subject subject = {
		.pid = peer->cred.pid, .uid = peer->cred.uid, .person = peer->person, .pidfd = pidfd
	};
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	if (peer->cred.pid > 0)
		subject.start = start_of(peer->cred.pid);
	if (pidfd >= 0 && poll(&ended, 1, 0) != 0)
		subject.start = 0; /* it has ended; what was read may be of another one */
	if (!subject.start && pidfd < 0)
		return err_set(err, ESRCH, "ask polkit about process %d: it cannot be seen",
			       peer->cred.pid);
	return polkit_ask(&a->polkit, &subject, ops[q->op].action, details, ARRAY_SIZE(details),
			  &peer->ask, err);
}

bool authorize_answered(const struct peer *peer)
{
	const char *why;

	return peer->ask && polkit_verdict(peer->ask, &why) != POLKIT_OPEN;
}

enum authorization authorize(struct authorizer *a, struct peer *peer,
			     const struct access_question *question, const char *name,
			     struct err *err)
{
	struct access_question q = *question;
	enum polkit_verdict verdict = POLKIT_OPEN;
	struct err asked = { 0 };
	char list[UPLINK_LIST_TEXT_MAX];
	const char *why = "";
	enum access_answer answer;

	if (peer->ask)
		verdict = polkit_verdict(peer->ask, &why);
	q.approved |= verdict == POLKIT_YES;
	answer = ask_policy(a, peer, &q, err);
	if (answer == ACCESS_ALLOW && verdict == POLKIT_YES)
		log_line(LOG_INFO, "polkit lets uid %u use '%s'", peer->cred.uid,
			 list_text(&q, list));
	if (answer == ACCESS_ALLOW)
		return AUTHORIZE_ALLOW;
	if (answer == ACCESS_ASK && !peer->ask) {
		if (ask_polkit(a, peer, &q, name, &asked) == 0)
			return AUTHORIZE_WAIT;
		if (asked.code != ENOENT) /* where there is no polkit nobody misses it */
			err_wrap(err, "%s", asked.text);
	} else if (answer == ACCESS_ASK && (verdict == POLKIT_NO || verdict == POLKIT_NO_AGENT)) {
		err_wrap(err, "%s", why);
	}
	tell_what(peer->cred.uid, &q, name, err);
	return verdict == POLKIT_NO_AGENT ? AUTHORIZE_NO_AGENT : AUTHORIZE_REFUSE;
}

enum access_answer authorize_explain(struct authorizer *a, struct peer *peer,
				     const struct access_question *question, struct err *err)
{
	return ask_policy(a, peer, question, err);
}

bool authorize_remedy(struct authorizer *a, struct peer *peer,
		      const struct access_question *question, char ret[ACCESS_REMEDY_MAX])
{
	_cleanup_free_ uint32_t *groups = NULL;
	struct access_subject subject;

	return find_subject(peer, &subject, &groups, NULL) == 0 &&
	       access_remedy(policy_now(&a->policy), &subject, question, ret);
}
