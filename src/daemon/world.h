/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_WORLD_H
#define VIA_DAEMON_WORLD_H

#include <sys/types.h>

#include "daemon/persons.h"
#include "model/request.h"
#include "names/names.h"
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
	bool taken_over;  /* world_take_over() was called */
	bool unavailable; /* the kernel has no ctnetlink */
	int64_t due;      /* clock_ms(); INT64_MAX: nothing is to be deleted */
	int64_t not_before, started;
	struct conntrack_pass pass;
};

/*
 * The host as the daemon keeps it: what was seen, what is wanted, and the one operation that
 * brings the first to the second. Every change of mind - a launch, an end, an event, a fault -
 * is observe, plan, diff, apply.
 */
struct world {
	struct kernel kernel;
	struct nl_sock events, nft_events; /* multicast only */
	int sysctl_watch;                  /* inotify, on the sysctls of ours; sysctl_watch.c */
	struct names names;
	struct facts facts;
	bool names_stale; /* some name server may be another one now; also facts are stale then */
	bool stale;       /* something moved since facts were made */
	bool settled;     /* facts.ours is what facts.sessions want */
	bool unseen; /* we changed more than the facts say: events cannot be held against them */
	struct {
		struct session *v;
		size_t n, size;
	} ended; /* sessions whose port has gone, and what else they had has not yet */
	struct {
		struct rewritten {
			uint32_t id;
			char before[SESSION_UPLINKS_MAX], after[SESSION_UPLINKS_MAX];
		} * v;
		size_t n, size;
	} rewritten; /* lists of sessions whose alias may still say the names of before */
	struct object_set wanted; /* what the kernel was brought to last, unless settled */
	struct {
		uint32_t n;
		char first[OBJECT_NAME_MAX];
	} healed;            /* objects put back since somebody took notice and cleared n */
	bool observed_rules; /* facts.ours holds rules as the kernel told them */
	struct admit_memory memory;
	struct entries entries;
	struct failover_memory failover;
	struct gateway_memory gateways;
	int64_t gateways_at;      /* clock_ms() at which one has answered for long enough */
	unsigned int link_events; /* how many there were, for who waits for one */
	int64_t failover_at;      /* clock_ms() at which an uplink has been good for long enough */
	int64_t expire_at;        /* clock_ms() at which a route of an uplink may expire */
};

int world_open(struct world *w, const char *rundir, struct err *err);
void world_close(struct world *w);

/*
 * Makes a session for a checked request. On success *ret_netns is a descriptor of its netns, the
 * caller's to pass on and close, once *ret_settle, the caller's to end, is over. On failure nothing
 * of it is left.
 */
int world_run(struct world *w, const struct request *request, uid_t uid, struct session *ret,
	      struct settle *ret_settle, int *ret_netns, struct err *err);

/* What a session's resolv.conf(5) says. */
struct resolver {
	struct ip servers[SESSION_DNS_MAX];
	size_t n;
	const char *domains, *options; /* borrowed until the world changes */
};
int world_resolver(const struct world *w, const struct session *s, struct resolver *ret,
		   struct err *err);

/*
 * The same in a netns of the peer's (peer_netns.h), whose descriptor stays the caller's. On failure
 * nothing of ours is left in it, or leads there.
 */
int world_run_in(struct world *w, const struct request *request, uid_t uid, uid_t peer, int netns,
		 struct session *ret, struct settle *ret_settle, struct err *err);

/*
 * The same in a netns that is in use, which gets one more device and a default route. It stays when
 * the session ends.
 */
int world_attach(struct world *w, const struct request *request, uid_t uid, uid_t peer, int netns,
		 struct session *ret, struct settle *ret_settle, struct err *err);

/*
 * Reads pending events (events.c). True when the host is no longer as its sessions want it; what
 * merely makes the facts old is noted in w->stale.
 */
bool world_take_events(struct world *w);

/* Watches the sysctls that are ours now. A failure costs the healing of some of them alone. */
void world_watch_sysctls(struct world *w);

/*
 * Watches the sysctls that sessions' ports depend on (net/ports.h); from the start, since no look
 * may come between a change and the watch.
 */
void world_watch_ports(struct world *w);

/* Reads pending events about those. True when one is no longer as we set it, or as it was. */
bool world_take_sysctl_events(struct world *w);

/* The same for what names_take_events() is about. */
bool world_take_names(struct world *w);

/*
 * Requests about a session that runs (change.c), by its id; -ESRCH when there is none. world_move()
 * takes a checked list, of which one must be usable now, and the uid of whom chose it. world_stop()
 * removes the port: the session has no network from then on, and ends with its programs.
 */
const struct session *world_session(const struct world *w, uint32_t id); /* or NULL; borrowed */
int world_move(struct world *w, uint32_t id, const char *uplinks, uid_t peer, struct err *err);
int world_pause(struct world *w, uint32_t id, bool paused, struct err *err);
int world_stop(struct world *w, uint32_t id, struct err *err);

/*
 * The session's probe got an answer through an uplink of its list, or none. Returns 1 when that is
 * news, which the next world_heal() acts upon: it is due at once (w->failover_at). 0 when it is
 * not.
 */
int world_probe(struct world *w, uint32_t id, const char *uplink, bool bad, struct err *err);

/*
 * Has the kernel ask for the silent gateways whose time has come (plan/silent.h).
 * world_gateways_due() is when that is the next time, clock_ms(), or INT64_MAX.
 */
void world_ask_gateways(struct world *w);
int64_t world_gateways_due(const struct world *w);

/* For change.c: facts that hold for a request about these uplinks; facts to kernel. */
int world_look(struct world *w, const char *uplinks, struct err *err);

/*
 * Which slot is which device (devices.c): what the facts of the last look knew, under the names of
 * now. Lists, slots and saved sysctls go along with devices that were renamed.
 */
int world_map_devices(struct world *w, struct facts *fresh, struct err *err);
int world_converge(struct world *w, struct err *err);

/* Looks anew and brings the host to what its sessions want. */
int world_heal(struct world *w, struct err *err);

/* Ends the probe session of that parent, for another one. */
void world_end_probe(struct world *w, uint32_t parent);

/* Ends probe sessions whose parent is gone, is paused, or lists their uplink no more. */
void world_end_probes(struct world *w);
/*
 * Connection tracking entries end with their session (entries.c). world_note_ends() takes in which
 * sessions there are, and sets w->entries.due when one has ended: after its port has gone, so that
 * nothing makes an entry anew. world_delete_some() deletes those of all ended sessions step by
 * step: while w->entries.pass.running, a turn of the loop each, and no turn waits. It returns 1
 * while there is more, else 0 or a negative errno. world_delete_entries() deletes all at once;
 * world_delete_last_entries() those of all, for when everything of ours has been removed.
 * world_take_over(), on the first facts, has those deleted of sessions that ended while no daemon
 * ran.
 */
void world_note_ends(struct world *w);
int world_delete_some(struct world *w, struct err *err);
int world_delete_entries(struct world *w, struct err *err);
int world_delete_last_entries(struct world *w, struct err *err);
void world_take_over(struct world *w);

/* Removes all that is ours; for when there is no session. */
int world_clear(struct world *w, struct err *err);

size_t world_sessions(const struct world *w);

/* How many are of that person, as a limit counts them: no probe sessions. */
uint32_t world_sessions_of(const struct world *w, struct persons *persons, uid_t person);

#endif
