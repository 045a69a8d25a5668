/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_GATE_H
#define VIA_DAEMON_GATE_H

#include <sys/socket.h>

#include "daemon/policy.h"

/*
 * Who may do what: the policy of the moment, put to what the kernel tells of a peer and logind of
 * its user. Only the peer's socket counts, nothing that it says.
 */
struct gate {
	struct policy policy;
};

void gate_open(struct gate *g, const char *confdir);
void gate_close(struct gate *g);

/*
 * Decides on a question of the peer behind socket fd. ALLOW; or ASK or REFUSE with err: what was
 * wanted, by whom, why not, what to do.
 */
enum access_answer gate_decide(struct gate *g, int fd, const struct ucred *peer,
			       const struct access_question *question, struct err *err);

#endif
