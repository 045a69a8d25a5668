/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_OPERATIONS_INTERNAL_H
#define VIA_DAEMON_OPERATIONS_INTERNAL_H

#include "daemon/operations.h"

/* What the rows of the table in operations.c are made of. */

/* One request on its way through the table. */
struct call {
	struct operation_context *x;
	struct connection *c;
	struct request launch;         /* of RUN, RUN_IN, ATTACH: what is made; a copy */
	const struct session *session; /* of the others: what it is about; borrowed */
	const struct session *parent;  /* of a probe session; borrowed */
	struct msg_reply reply;
	int pass;     /* descriptor that goes with the reply, borrowed; -1: none */
	bool settles; /* the reply waits until packets of the session pass */
	bool busy;    /* the peer is to try again */
	bool exists;  /* the session to join: reply.id, reply.text */
};

/* Name servers and search domains of a session, for its resolv.conf(5). */
void operation_fill_dns(const struct host_state *h, const struct session *session,
			struct msg_dns *ret);

/* operations_launch.c: RUN, RUN_IN, ATTACH. */
int operation_check_launch(struct call *a, struct err *err);
int operation_check_attach(struct call *a, struct err *err);
void operation_ask_launch(const struct call *a, struct access_question *q, const char **ret_name);
int operation_reserve_launch(struct call *a, struct err *err);
int operation_run_launch(struct call *a, struct err *err);

/* operations_explain.c: EXPLAIN. */
int operation_check_explain(struct call *a, struct err *err);
int operation_run_explain(struct call *a, struct err *err);

/* operations_session.c: those about a session that runs. */
int operation_check_session(struct call *a, struct err *err);
int operation_check_move(struct call *a, struct err *err);
int operation_check_probe(struct call *a, struct err *err);
void operation_ask_session(const struct call *a, struct access_question *q, const char **ret_name);
void operation_ask_capture(const struct call *a, struct access_question *q, const char **ret_name);
void operation_ask_move(const struct call *a, struct access_question *q, const char **ret_name);
void operation_tell_where(struct call *a);
int operation_run_move(struct call *a, struct err *err);
int operation_run_pause(struct call *a, struct err *err);
int operation_run_resume(struct call *a, struct err *err);
int operation_run_stop(struct call *a, struct err *err);
int operation_run_probe(struct call *a, struct err *err);
int operation_run_exec(struct call *a, struct err *err);
int operation_run_capture(struct call *a, struct err *err);
int operation_run_flows(struct call *a, struct err *err);

/* operations_log.c */
int operation_check_log(struct call *a, struct err *err);
int operation_run_log(struct call *a, struct err *err);

#endif
