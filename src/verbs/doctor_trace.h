/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DOCTOR_TRACE_H
#define VIA_VERBS_DOCTOR_TRACE_H

#include "net/trace.h"
#include "plan/doctor.h"

/* Which rule took the packets of doctor --live. Root alone is told; for others all is empty. */
struct doctor_trace {
	struct trace trace;
	struct trace_of of;
	char port[IFNAMSIZ];
	bool runs;
};

/* For that session, before its packets are sent. */
void doctor_trace_begin(struct doctor_trace *d, const struct facts *f, const struct session *s,
			const char *uplink);
/* When they were. */
void doctor_trace_end(struct doctor_trace *d);

/*
 * Adds a finding for each rule or policy of others that dropped packets; f with what others' rules
 * are by looking (OBSERVE_STOPS). answered: who answered packets of IPv4 and of IPv6, so that only
 * some were dropped. Returns how many.
 */
enum doctor_answered { ANSWERED_BY_NOBODY, ANSWERED_BY_GATEWAY, ANSWERED_FROM_BEYOND };
size_t doctor_trace_tell(struct doctor_trace *d, const struct facts *f,
			 const enum doctor_answered answered[2], struct findings *ret);

/* The same for one that changed their mark, of packets of that family that did not leave. */
bool doctor_trace_tell_mark(struct doctor_trace *d, uint8_t family, struct findings *ret);

/* Where packets of that family were last seen, as text; "": not known. */
void doctor_trace_last(struct doctor_trace *d, uint8_t family, char ret[224]);

void doctor_trace_done(struct doctor_trace *d);

#endif
