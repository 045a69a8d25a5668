/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_VERBS_H
#define VIA_VERBS_VERBS_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/words.h"
#include "model/facts.h"

/* The verbs other than a run. Each returns an exit status; argv[0] is the verb itself. */
int verb_complete(int argc, char *argv[]); /* of the completions of shells */
int verb_attach(int argc, char *argv[]);
int verb_detach(int argc, char *argv[]);
int verb_doctor(int argc, char *argv[]);
int verb_exec(int argc, char *argv[]);
int verb_live_once(int argc, char *argv[]); /* of doctor --live: in its session */
int verb_list(int argc, char *argv[]);
int verb_log(int argc, char *argv[]);
int verb_move(int argc, char *argv[]);
int verb_pause(int argc, char *argv[]); /* and resume */
int verb_netns(int argc, char *argv[]);
int verb_oci_hook(int argc, char *argv[]); /* of a container runtime */
int verb_plan(int argc, char *argv[]);
int verb_portal(int argc, char *argv[]);
int verb_probe_once(int argc, char *argv[]); /* of a prober: one probe, in a session of its own */
int verb_prober(int argc, char *argv[]);     /* of a launch with --probe */
int verb_run(int argc, char *argv[]);
int verb_status(int argc, char *argv[]);
int verb_stop(int argc, char *argv[]);
int verb_top(int argc, char *argv[]);
int verb_uplinks(int argc, char *argv[]);
int verb_warnings(int argc, char *argv[]); /* of a launch: what sessions see that they should not */

/*
 * The session that a word of the command line means: one of the caller's by name, else anybody's
 * by name, else by id. NULL with a line that says so; borrowed from the facts.
 */
const struct session *find_session(const struct facts *f, const char *word, struct err *err);

/* Which session the caller is in, as its resolv.conf says; false where it is in none. */
bool session_around(char ret_name[SESSION_NAME_MAX], uint32_t *ret_id);

/* Whether the caller may change it; the daemon decides. 0, or -EPERM with a line. */
int check_owner(const struct session *s, const char *verb, struct err *err);

/*
 * The list that a move to `to` gives a session with the list `before` (NULL: which does not count):
 * one uplink is put before the others of a list, which stay for the case that it fails. 0, or
 * -EINVAL when that gets too long.
 */
int move_list(const struct uplink_list *before, const struct uplink_list *to,
	      struct uplink_list *ret, struct err *err);

/* The facts, as a caller sees them: sessions in the order of their numbers. */
struct kernel;
/* Which gateways of all uplinks answer: plan/silent.h. */
int ask_gateways(struct kernel *k, struct facts *f, struct err *err);
int observe_host(unsigned int what, struct facts *ret, struct err *err);

/*
 * Facts in which find_session() finds what words of the command line name; of the rest of the host
 * nothing, or the links. By numbers alone it costs one question each, however many sessions there
 * are; by name, and with n 0 for all sessions, the links are read.
 */
int observe_sessions(char *const words[], size_t n, struct facts *ret, struct err *err);

/* The name servers of one interface, or with NULL of all that could serve, into the facts. */
int observe_dns(const char *uplink, struct facts *f, struct err *err);

#endif
