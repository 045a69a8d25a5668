/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DOCTOR_H
#define VIA_VERBS_DOCTOR_H

#include <stdbool.h>

#include "ipc/msg.h"
#include "model/facts.h"
#include "plan/doctor.h"

/*
 * What doctor asks besides the facts. Each adds findings; none changes anything, and what cannot be
 * found out adds none.
 */

/* The caller and the daemon, as a launch meets them. */
struct doctor_launch {
	const struct facts *facts;
	const struct uplink_list *uplinks; /* NULL: every interface that can serve */
	struct findings *findings;
	bool answers;    /* a daemon does */
	char heal[4352]; /* the command that starts a daemon, or starts it anew */
	bool refused;    /* the caller may start a session by none of the uplinks */
};

/* Programs, capability, socket, daemon, access policy, app policy. */
void doctor_launch(struct doctor_launch *l);

/* doctor_policy.c: what the daemon and the files say about the caller; answers is true. */
void doctor_policy(struct doctor_launch *l);
/* Mistakes of the access policy, by the daemon's program, where no daemon answers. */
void doctor_policy_files(struct doctor_launch *l);
/* Mistakes of the app policy. */
void doctor_apps(struct doctor_launch *l);

/*
 * One question to the daemon about a list of uplinks (MSG_EXPLAIN), with a limit of time. Returns
 * 0; -EAGAIN when no answer came within it; -EBADMSG when it is of another version; or as
 * ask_daemon().
 */
#define DOCTOR_ANSWER_S 3
#define DOCTOR_START_S  30 /* where it is being started by who listens on its socket */
int doctor_explain(const struct uplink_list *uplinks, uint32_t flags, uint32_t part,
		   struct msg_reply *ret, struct err *err);

/* About none in particular: any valid list, where the answer is the same for all. */
struct uplink_list doctor_any_list(void);

/*
 * Sends packets in a short session of the caller's on that interface, and adds how far they got: by
 * which card they left, and whether the gateway, or somebody beyond it, answered. to: a
 * destination; NULL: addresses for documentation (RFC 5737, RFC 3849), which nobody has.
 * failures_only: what went well is no finding, nor what the silence of such an address leaves open.
 */
int doctor_live(const struct facts *f, const char *uplink, const struct ip *to, bool failures_only,
		struct findings *ret, struct err *err);

/*
 * Drops what is said of the sessions that runs of doctor made: what they meet is their run's to
 * say. Such a session is called doctor-NUMBER and has no program but via-iface's; one that a user
 * named so has another, or is kept.
 */
void doctor_live_forget(const struct facts *f, struct findings *ret);

/* What is wrong for longer stays so: healing takes less, and the daemon's wait behind a session. */
#define DOCTOR_HEAL_MS 2500

/*
 * Asks the kernel where it sends what sessions send: adds a finding for each routing rule of others
 * that takes it elsewhere than to the uplink, and removes those of others_check() that do not.
 * one: that session alone; NULL: all. heal: the command that starts a daemon; NULL where one runs,
 * which is given time to put its rules first.
 */
void doctor_routes(const struct facts *f, const struct session *one, const char *heal,
		   struct findings *ret);

/* Whether polkit(8) is asked where no section decides: its service and our action are installed. */
bool doctor_polkit_asks(void);

/*
 * From what is ours in the kernel to what sessions want, as it lasts: what a change under way
 * explains is left out, for which it may wait some seconds. answers: a daemon does, which keeps its
 * objects for a moment behind the last session. ret ends with NULL; free it with strings_free().
 */
int doctor_difference(const struct facts *f, bool answers, char ***ret, struct err *err);
void strings_free(char **strings);

#endif
