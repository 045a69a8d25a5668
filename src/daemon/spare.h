/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SPARE_H
#define VIA_DAEMON_SPARE_H

#include "net/kernel.h"
#include "net/settle.h"

struct host_state;

/*
 * A netns that is ready before a launch asks for one: with its device, addresses, sysctls and what
 * stops packets inside, and its port on the bridge. It has no default route and no name of an
 * uplink, so it serves any launch whose device has the same MTU and families. nftables knows
 * neither its port nor its address, so what it sent would be dropped; and no process is in it,
 * since the daemon alone has a descriptor of it. The alias of its port says `spare`
 * (model/session.h).
 *
 * With `--spare 1` there is one at most, made after an answer has left and while nothing else
 * waits. It goes with everything else of ours when the daemon has had no session for the time of
 * --linger. It belongs to the daemon that made it: the kernel removes it with that process, and a
 * daemon that finds one, which is still being taken apart then, removes the port. One that was
 * changed by somebody, or no longer is what would be made now, is removed and never used.
 */
struct spare {
	bool enabled;             /* --spare */
	bool there;               /* all below is of it */
	struct session session;   /* as its alias says */
	struct object_set inside; /* what was made in its netns; sorted */
	struct kernel_inside kernel;
	struct settle settle; /* with the sockets in it */
	bool wanted;          /* a launch was answered since one was made, or tried to be */
	uint32_t mtu, flags;  /* of that launch */
	unsigned int unfit;   /* launches in a row for which it did not do */
};

/*
 * After a launch: another one may follow. A spare that two in a row did not use is given up for one
 * like the last of them.
 */
void spare_want(struct host_state *h, const struct session *s);

/* Whether one is to be made, and can be on these facts. */
bool spare_is_due(const struct host_state *h);

/*
 * Makes it. Returns 0 or a negative errno with the reason; then nothing of it is used, what it has
 * on the host is for the next healing, and none is made before the next launch.
 */
int spare_make(struct host_state *h, struct err *err);

/*
 * The spare, or NULL when there is none or it is not what would be made now: then it is given up.
 * To be called with facts of now.
 */
const struct session *spare_offer(struct host_state *h);

/*
 * Makes the spare session's, which plan_admit() made of it: it is no spare any more, and its netns
 * is the kernel's session. *ret_had is what it has on the host, of *inside is left what is to be
 * added, and *ret_settle is for settle_again(). Returns 0, or 1 where the inside is to be another:
 * then it stays as it is.
 */
int spare_take(struct host_state *h, const struct session *s, struct object_set *inside,
	       struct object_set *ret_had, struct settle *ret_settle);

/* Closes it: the kernel removes the netns, and the port with it. */
void spare_drop(struct host_state *h);

/* The same, with what it has on the host besides. */
void spare_remove(struct host_state *h);

/*
 * Of the spares in facts that were just observed that one stays which is the daemon's and as it was
 * made; all others are not wanted any more, so that the next comparison removes their ports.
 */
void spare_check(struct host_state *h, struct facts *fresh);

/* A port has gone: whether it was the spare's, which is closed then. */
bool spare_lost(struct host_state *h, const char *port);

/* For the loop: becomes readable while addresses in it are not ready yet; -1: nothing to wait for.
 */
int spare_fd(const struct spare *s);
void spare_take_events(struct host_state *h);

#endif
