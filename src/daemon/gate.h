/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_GATE_H
#define VIA_DAEMON_GATE_H

#include <sys/socket.h>

#include "daemon/policy.h"
#include "daemon/polkit.h"

/*
 * Who may do what: the policy of the moment, put to what the kernel tells of a peer and logind of
 * its user; polkit for whom it says nothing of. Only the peer's socket counts, nothing that it
 * says itself.
 */
struct gate {
	struct policy policy;
	struct polkit polkit;
};

/* ask_ms: how long polkit's answer may take. */
void gate_open(struct gate *g, const char *confdir, unsigned int ask_ms);
void gate_close(struct gate *g);

/* Who wants to pass. */
struct gate_peer {
	int fd;
	struct ucred cred;
	uid_t person;           /* whose uid that is (persons.h) */
	uint32_t connections;   /* after PASS, of a session, as the policy has it; 0: the default */
	struct polkit_ask *ask; /* open question; NULL at first. The owner frees it at the end */
};

enum gate_answer {
	GATE_PASS,
	GATE_WAIT, /* polkit is asked: come again when gate_told() */
	GATE_REFUSE,
};

/*
 * Decides on a question of a peer; one that is approved already is not put to polkit. name is that
 * of the session, for polkit's dialog. REFUSE comes with err: what was wanted, by whom, why not,
 * what to do. Everything is looked at anew when polkit has answered: the policy may have changed,
 * or the number of sessions.
 */
enum gate_answer gate_decide(struct gate *g, struct gate_peer *peer,
			     const struct access_question *question, const char *name,
			     struct err *err);

/* Whether polkit has answered, for a peer that waits. */
bool gate_told(const struct gate_peer *peer);

#endif
