/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_FAILOVER_H
#define VIA_PLAN_FAILOVER_H

#include "base/err.h"
#include "model/facts.h"

/*
 * Failover. A session takes the first usable uplink of its list; it leaves one that cannot serve
 * any more at once, and goes back to a preferred one when that has been good for a while: an
 * uplink that flaps is left alone. Where none can serve it stays where it is, and that is closed.
 *
 * A session may be told that its probe is not answered through an uplink that looks fine
 * (failover_probe()). The probe chooses between ways and never closes one: the session leaves that
 * uplink for another that can serve and is answered, and where there is none it stays.
 */

#define FAILOVER_HOLD_MS 5000

/*
 * A session that has been blocked or paused for this long loses its carrier: its programs are then
 * told "network is unreachable" by their own kernel at once, which an ICMP error from here does
 * about once a second only (net/ipv4/icmp.c, icmp_ratelimit). Until then that is what they get: a
 * SYN on its way is sent again after 1 and 3 s, and told so, and after that not for long. What
 * an uplink goes through in a roam or a renewed lease is shorter, and not seen inside.
 */
#define FAILOVER_CARRIER_OFF_MS 3500

/* A bad word of a probe is forgotten when it was not said again for this long: who says it may die.
 */
#define FAILOVER_PROBE_MS  15000
#define FAILOVER_NO_ANSWER "its probe is not answered"

/* An uplink, by its number, can serve; a session has none; since when, of clock_ms(). */
struct failover_good {
	int index;
	int64_t since;
};
struct failover_blocked {
	uint32_t id;
	int64_t since;
};

/* What a session's probe said of an uplink last; kept for as long as it counts. */
struct failover_probed {
	uint32_t id;
	int index;
	bool bad;
	int64_t at; /* when that was said last; of a good one, since when it is good again */
};

/* What the daemon remembers between observations. Starts zeroed. */
struct failover_memory {
	struct {
		struct failover_good *v;
		size_t n, size;
	} good;
	struct {
		struct failover_blocked *v;
		size_t n, size;
	} blocked;
	struct {
		struct failover_probed *v;
		size_t n, size;
	} probed;
};

void failover_done(struct failover_memory *m);

/*
 * Gives each session in the facts the slot that is its now, slots to uplinks that had none, and
 * says which sessions lose their carrier.
 * now is clock_ms(); *ret_again the time at which to ask again though nothing happened, INT64_MAX
 * for never. Returns 0, -ENOMEM, or -EUSERS when all slots are taken.
 */
int failover(struct facts *f, struct failover_memory *m, int64_t now, int64_t *ret_again,
	     struct err *err);

/*
 * The same for one session with a new list: the first usable uplink, without delay. Returns
 * -ENETUNREACH when none of them can serve, with the session as it was.
 */
int failover_move(struct facts *f, struct session *s, const struct uplink_list *list,
		  struct err *err);

/*
 * A probe through an uplink (by its number) of the session's list was answered, or not. Returns 1
 * when that is news, so that failover() has something to decide, 0 when it is not, -ENOMEM.
 */
int failover_probe(struct failover_memory *m, uint32_t id, int index, bool bad, int64_t now);

/* Whether the last probe of a session through that uplink had no answer. */
bool failover_unanswered(const struct failover_memory *m, uint32_t id, int index);

#endif
