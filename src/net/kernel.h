/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_KERNEL_H
#define VIA_NET_KERNEL_H

#include "model/diff.h"
#include "model/facts.h"
#include "model/refusals.h"
#include "net/nl.h"
#include "net/sysctl.h"

/*
 * The kernel: observed (observe) and changed (apply). There is one thread. While a session is being
 * made the process may be in the session's netns; kernel_home() returns to the host's.
 */

struct kernel {
	const char *rundir; /* borrowed */
	struct nl_sock route, nft;
	struct sysctl_dirs sysctls; /* of the host */
	int host_ns;                /* -1 in a program that only observes */
	enum { MATCH_UNKNOWN, MATCH_YES, MATCH_NO } socket_match; /* nftables' "socket" */
	enum { SHAPER_UNKNOWN, SHAPER_YES, SHAPER_NO } shaper;

	/* the session that is being made */
	struct nl_sock session_route, session_nft, session_events;
	int session_ns;
	enum place at; /* whose netns the process is in */
};

/* Opens the sockets; can_change also prepares for apply(). */
int kernel_open(struct kernel *k, const char *rundir, bool can_change, struct err *err);
void kernel_close(struct kernel *k);

/* Whether nftables can ask for the socket of a packet (nft_socket); asked once. */
bool kernel_has_socket_match(struct kernel *k);

/*
 * Whether the kernel has a token bucket (tc-tbf(8)), for which it may load a module; asked once.
 * Yes where that cannot be told.
 */
bool kernel_has_shaper(struct kernel *k);

enum observe_what {
	OBSERVE_COUNTERS = 1 << 0, /* bytes of each link too */
	OBSERVE_STOPS = 1 << 1,    /* what others' rules do to sessions (net/stops.h) */
	OBSERVE_SESSIONS = 1 << 2, /* links and the sessions whose ports are among them, no more */
	OBSERVE_STATES = 1 << 3, /* what the state of sessions depends on: not the objects that each
				    has on the bridge, nor a port's sysctl */
};

/*
 * Fills facts with what is there; of uplinks that sessions use also the sysctls. nftables is not
 * visible to the unprivileged: facts->nft_visible says so, it is no error. On failure ret is empty.
 */
int observe(struct kernel *k, unsigned int what, struct facts *ret, struct err *err);

/*
 * The object that an rtnetlink event is about, when it is one of ours: 1, else 0. Links, tc filters
 * and objects of nftables cannot be recognized by one event. *ret_there: it is there now, as *ret
 * says; else it has gone, or is (of neighbours) none that stays.
 */
int observe_event(const struct nlmsghdr *nlh, const struct facts *facts, struct object *ret,
		  bool *ret_there);

/*
 * How many bytes a device has received: of a session's port, what its program sent. Returns 0 or a
 * negative errno.
 */
int observe_received(struct kernel *k, const char *name, uint64_t *ret, struct err *err);

/*
 * One session, by its port alone: 1, 0 where there is no such port of ours, or a negative errno. As
 * recorded_session() (model/recorded.h).
 */
int observe_session(struct kernel *k, uint32_t id, struct session *ret, struct err *err);

/* One link of ours as it is now: 1 when it is up, 0 when not, or a negative errno. */
int observe_link(struct kernel *k, const struct facts *facts, const char *name, struct object *ret,
		 struct err *err);

/*
 * Reads what a fresh netns has (facts->inherited), in the netns where the caller is: a new one, in
 * which nothing was changed yet.
 */
void observe_fresh(struct facts *facts);

/*
 * The state of gateways in the facts by the neighbour table, of those that were not asked for
 * before: one RTM_GETNEIGH for each, however many neighbours there are. A kernel that does not take
 * it (before 5.0) announces states by events alone.
 */
void observe_gateways(struct kernel *k, struct facts *facts);

/* Has the kernel ask for a neighbour (ARP, neighbour discovery), as a packet to it would. */
int kernel_ask_neighbour(struct kernel *k, int index, const struct ip *ip, struct err *err);

/* Reads the sysctls of one more uplink into facts that were observed before. */
int observe_uplink(const struct kernel *k, const char *name, struct facts *facts, struct err *err);

/*
 * Makes a netns with sockets inside and stays there until kernel_home(). The descriptor is
 * k->session_ns; kernel_drop_session() closes all three.
 */
int kernel_new_session(struct kernel *k, struct err *err);
/*
 * The same with a netns that somebody else made: its descriptor stays the caller's. Refuses with
 * -EEXIST one in which a device is up already, or has the name of the session's.
 */
int kernel_adopt_session(struct kernel *k, int netns, struct err *err);

/*
 * Goes into a netns of others, whatever is in it, with sockets inside; its descriptor stays the
 * caller's. On failure the process may be there already: kernel_home(), kernel_drop_session().
 */
int kernel_step_into(struct kernel *k, int netns, struct err *err);

/*
 * A packet socket (packet(7), SOCK_RAW) of a netns, which is not bound and so receives nothing yet.
 * Returns a descriptor, the caller's to close, or a negative errno: -EPERM without CAP_NET_RAW,
 * -EAFNOSUPPORT where a seccomp filter or the kernel (CONFIG_PACKET) leaves the family out.
 */
int kernel_packet_socket(struct kernel *k, int netns, struct err *err);

/* A socket by which the connections of a netns are read (net/conntrack.h); the caller's to close.
 */
int kernel_conntrack_socket(struct kernel *k, int netns, struct nl_sock *ret, struct err *err);

/* The session's netns by its inode, as `ip netns` and /proc/PID/ns/net show it. */
int kernel_session_inode(const struct kernel *k, uint64_t *ret, struct err *err);
/*
 * Whether the other end of a port is in that netns: 1 or 0, or a negative errno. The inode that a
 * session's alias tells is no proof of that: the owner of a netns may move the device on, and the
 * number of one that has ended is given to another.
 */
int kernel_leads_to(struct kernel *k, const char *port, int netns, struct err *err);
int kernel_enter_session(struct kernel *k, struct err *err);

/*
 * A session's netns and the nftables socket in it, apart from the kernel that made it: for one that
 * is to be used later. kernel_keep_session() leaves none in k, kernel_resume_session() takes all
 * over; the sockets of rtnetlink are with its settle (net/settle.h) meanwhile.
 */
struct kernel_inside {
	int netns;
	struct nl_sock nft;
};
void kernel_keep_session(struct kernel *k, struct kernel_inside *ret);
void kernel_resume_session(struct kernel *k, struct kernel_inside *from);
void kernel_inside_close(struct kernel_inside *k);
/* Returns to the host's netns; a process that cannot do so aborts. */
void kernel_home(struct kernel *k);
void kernel_drop_session(struct kernel *k);

/*
 * Runs the steps in their order; all consecutive steps on nftables are one transaction. Ends at the
 * first failure, with a line that names the object and the kernel's reason. A removal of what is
 * gone and an addition of what is there are no failure.
 */
int apply(struct kernel *k, const struct steps *steps, struct refusals *refused, struct err *err);
/* The same for steps that are all in the session, where the process stays. */
int apply_inside(struct kernel *k, const struct steps *steps, struct err *err);

#endif
