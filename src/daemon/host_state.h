/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_HOST_STATE_H
#define VIA_DAEMON_HOST_STATE_H

#include <sys/types.h>

#include "daemon/late.h"
#include "daemon/persons.h"
#include "daemon/refused.h"
#include "daemon/session_log.h"
#include "daemon/spare.h"
#include "dns/dns.h"
#include "model/request.h"
#include "net/conntrack.h"
#include "net/kernel.h"
#include "net/settle.h"
#include "plan/failover.h"
#include "plan/plan.h"
#include "plan/silent.h"

/* When connection tracking entries of ended sessions are to be deleted (entries.c). */
struct entries {
	struct pool pool; /* of the sessions that were seen last */
	bool pool_known;
	bool taken_over;  /* host_take_over() was called */
	bool unavailable; /* the kernel has no ctnetlink */
	int64_t due;      /* clock_ms(); INT64_MAX: nothing is to be deleted */
	int64_t not_before, started;
	struct conntrack_pass pass;
};

/*
 * What facts.ours is worth. Observed: the kernel told it, rules with their handles. Settled: we
 * left it so, and the sessions want no more; handles are unknown. Changed: we changed, or tried to,
 * more than the facts say: `wanted` is what we meant to leave, and events are held against that.
 *
 *   from                       by                              to
 *   any                        observe                         OBSERVED
 *   OBSERVED, SETTLED          converge, sessions touched      SETTLED
 *   OBSERVED, SETTLED          converge, more touched          CHANGED
 *   OBSERVED, SETTLED          converge failed                 CHANGED
 */
enum host_knowledge {
	HOST_UNKNOWN,
	HOST_OBSERVED,
	HOST_SETTLED,
	HOST_CHANGED,
};

/* What of the facts may be another by now. Facts are observed anew before anything is planned. */
enum host_stale {
	HOST_STALE_FACTS = 1 << 0,
	HOST_STALE_NAMES = 1 << 1, /* name servers; the facts are stale too then */
};

/*
 * The state of the host as the daemon knows it. A launch, an end, an event and a failure are all
 * answered by the same four steps: observe, plan, diff, apply (host_converge.c; host_launch.c makes
 * sessions, change.c changes those that run, events.c holds events against the facts).
 */
struct host_state {
	struct kernel kernel;
	struct nl_sock events, nft_events; /* multicast only */
	int sysctl_watch;                  /* inotify, on the sysctls of ours; sysctl_watch.c */
	struct dns dns;
	struct facts facts;
	enum host_knowledge knowledge;
	unsigned int stale; /* enum host_stale: what of the facts is to be observed anew */
	bool others_stale;  /* they hold for sessions' lists of uplinks, not for others (relevant.h)
			     */
	struct {
		struct session *v;
		size_t n, size;
	} ended; /* sessions whose port has gone, and what else they had has not yet */
	struct {
		struct rewritten {
			uint32_t id;
			struct uplink_list before, after;
		} * v;
		size_t n, size;
	} rewritten; /* lists of sessions whose alias may still say the names of before */
	struct object_set wanted; /* what the kernel was brought to last, unless settled */
	struct {
		uint32_t n;
		char first[OBJECT_NAME_MAX];
	} healed;               /* objects put back since n was last cleared */
	struct session_log log; /* what happened to sessions */
	struct admit_memory memory;
	struct entries entries;
	struct late late;     /* uplinks that stay for a while without a session */
	unsigned int late_ms; /* for how long, where the far side may go on to send */
	struct failover_memory failover;
	struct refused refused; /* what the kernel did not take, and when it is tried again */
	struct gateway_memory gateways;
	struct spare spare;
	int64_t gateways_at;      /* clock_ms() at which one has answered for long enough */
	bool no_share_files;      /* no group has a file; false: it may be (share_files.h) */
	unsigned int link_events; /* how many there were, for who waits for one */
	int64_t failover_at;      /* clock_ms() at which an uplink has been good for long enough */
	int64_t expire_at; /* clock_ms() at which a route may expire, or an uplink has stayed enough
			    */
};

int host_open(struct host_state *h, const char *rundir, struct err *err);
void host_close(struct host_state *h);

/* What a session is made of. */
struct launch {
	const struct request *request; /* checked; an attachment has SESSION_ATTACHED set */
	uid_t uid, peer;               /* whose the session is, and who asks */
	bool of_peer; /* in a netns of the peer's (peer_netns.h); else in a new one */
	int netns;    /* that; it stays the caller's */
};

/*
 * Makes a session. On success *ret_settle is the caller's to end, and without of_peer *ret_netns is
 * a descriptor of its netns, the caller's to pass on and close once that is over. An attachment
 * gives a netns that is in use one more device and a default route, and leaves it when it ends. On
 * failure nothing of ours is left, or leads into the peer's netns.
 */
int host_launch(struct host_state *h, const struct launch *l, struct session *ret,
		struct settle *ret_settle, int *ret_netns, struct err *err);

/* What a session's resolv.conf(5) says. */
struct resolver {
	struct ip servers[SESSION_DNS_MAX];
	size_t n;
	const char *domains, *options; /* borrowed until the facts change */
};
int host_resolver(const struct host_state *h, const struct session *s, struct resolver *ret,
		  struct err *err);

/*
 * Reads pending events (events.c). True when the host is no longer as its sessions want it; what
 * merely makes the facts old is noted in h->stale.
 */
bool host_take_events(struct host_state *h);

/* Watches the sysctls that are ours now. A failure costs the healing of some of them alone. */
void host_watch_sysctls(struct host_state *h);

/*
 * Watches the sysctls that sessions' ports depend on (net/ports.h); from the start, so that no
 * observation comes between a change and the watch.
 */
void host_watch_ports(struct host_state *h);

/* Reads pending events about those. True when one is no longer as we set it, or as it was. */
bool host_take_sysctl_events(struct host_state *h);

/* The same for what dns_take_events() is about. */
bool host_take_dns(struct host_state *h);

/*
 * Requests about a session that runs (change.c), by its id; -ESRCH when there is none. host_move()
 * takes a checked list, of which one must be usable now, and the uid of whom chose it. host_stop()
 * removes the port: the session has no network from then on, and ends with its programs.
 */
const struct session *host_session(const struct host_state *h, uint32_t id); /* or NULL; borrowed */
int host_move(struct host_state *h, uint32_t id, const struct uplink_list *uplinks, uid_t peer,
	      struct err *err);
int host_pause(struct host_state *h, uint32_t id, bool paused, struct err *err);
int host_stop(struct host_state *h, uint32_t id, struct err *err);

/*
 * The session's probe got an answer through an uplink of its list, or none. Returns 1 when that is
 * news, which the next host_heal() acts upon: it is due at once (h->failover_at). 0 when it is
 * not.
 */
int host_probe(struct host_state *h, uint32_t id, const char *uplink, bool bad, struct err *err);

/*
 * Has the kernel ask for the silent gateways whose time has come (plan/silent.h).
 * host_gateways_due() is when that is the next time, clock_ms(), or INT64_MAX.
 */
void host_ask_gateways(struct host_state *h);
int64_t host_gateways_due(const struct host_state *h);

/* For change.c: facts that hold for a request about these uplinks; facts to kernel. */
int host_observe(struct host_state *h, const struct uplink_list *uplinks, struct err *err);

/*
 * Which slot is which device (devices.c): what the last observation knew, under the names of now.
 * Lists, slots and saved sysctls follow devices that were renamed.
 */
int host_map_devices(struct host_state *h, struct facts *fresh, struct err *err);
int host_converge(struct host_state *h, struct err *err);

/* Observes anew and brings the host to what its sessions want. */
int host_heal(struct host_state *h, struct err *err);

/* Ends the probe session of that parent, for another one. */
void host_end_probe(struct host_state *h, uint32_t parent);

/* Ends probe sessions whose parent is gone, is paused, or lists their uplink no more. */
void host_end_probes(struct host_state *h);
/*
 * Connection tracking entries end with their session (entries.c). host_note_ends() takes in which
 * sessions there are, and sets h->entries.due when one has ended: after its port has gone, so that
 * nothing makes an entry anew. host_delete_some() deletes those of all ended sessions step by
 * step: while h->entries.pass.running, a turn of the loop each, and no turn waits. It returns 1
 * while there is more, else 0 or a negative errno. host_delete_entries() deletes all at once;
 * host_delete_last_entries() those of all, for when everything of ours has been removed.
 * host_take_over(), on the first facts, has those deleted of sessions that ended while no daemon
 * ran.
 */
void host_note_ends(struct host_state *h);
int host_delete_some(struct host_state *h, struct err *err);
int host_delete_entries(struct host_state *h, struct err *err);
int host_delete_last_entries(struct host_state *h, struct err *err);
void host_take_over(struct host_state *h);

/*
 * With no session left: until when the host is to stay as it is, since the far side of an ended
 * session's connection may go on to send (late.h). Deletes the entries of ended sessions before.
 * clock_ms(); past, or 0: there is none.
 */
int64_t host_answers_until(struct host_state *h);

/* Removes all that is ours; for when there is no session. */
int host_clear(struct host_state *h, struct err *err);

size_t host_sessions(const struct host_state *h);

/* How many are of that person, as a limit counts them: no probe sessions. */
uint32_t host_sessions_of(const struct host_state *h, struct persons *persons, uid_t person);

#endif
