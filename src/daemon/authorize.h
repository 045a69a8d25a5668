/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_AUTHORIZE_H
#define VIA_DAEMON_AUTHORIZE_H

#include <sys/socket.h>

#include "daemon/policy.h"
#include "daemon/polkit.h"

/*
 * Authorization: whether a peer may do what it requests. plan/access.c decides by access.conf, by
 * the credentials that the kernel has of the peer's socket (SO_PEERCRED, SO_PEERGROUPS) and by
 * logind's word on whether the user is at the seat. Where the policy leaves it open, polkit is
 * asked. Nothing that the peer says about itself counts.
 */
struct authorizer {
	struct policy policy;
	struct polkit polkit;
};

/* confdir is borrowed; ask_ms: how long polkit may take to answer. */
void authorizer_init(struct authorizer *a, const char *confdir, unsigned int ask_ms);
void authorizer_done(struct authorizer *a);

/* Who requests it. */
struct peer {
	int fd;
	struct ucred cred;
	uid_t person;             /* whose uid that is (persons.h) */
	uint32_t connections;     /* after ALLOW: conntrack entries of a session by the policy; 0:
				     default */
	struct rate_limits rates; /* after ALLOW: of a session that asks for none */
	struct polkit_ask *ask;   /* open question; NULL at first. The owner frees it at the end */
};

enum authorization {
	AUTHORIZE_ALLOW,
	AUTHORIZE_WAIT, /* polkit is asked: call again when authorize_answered() */
	AUTHORIZE_REFUSE,
	AUTHORIZE_NO_AGENT, /* the same, since polkit found no agent that asks for a password */
};

/*
 * Answers a question about a peer. With question->approved polkit is not asked. name is the
 * session's, for polkit's dialog. REFUSE sets err: what was requested, by whom, why it is refused
 * and what to do. After polkit has answered the policy is asked again, since it, or the number of
 * sessions, may have changed meanwhile.
 */
enum authorization authorize(struct authorizer *a, struct peer *peer,
			     const struct access_question *question, const char *name,
			     struct err *err);

/* What the policy alone answers; polkit is not asked. Unless ALLOW, err holds the reason. */
enum access_answer authorize_explain(struct authorizer *a, struct peer *peer,
				     const struct access_question *question, struct err *err);

/*
 * What would let the peer do it: "%GROUP" or a section, as access_remedy() has it. False: nothing
 * of the kind.
 */
bool authorize_remedy(struct authorizer *a, struct peer *peer,
		      const struct access_question *question, char ret[ACCESS_REMEDY_MAX]);

/* Whether polkit has answered, for a peer after WAIT. */
bool authorize_answered(const struct peer *peer);

#endif
