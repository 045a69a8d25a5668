/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_FAKE_KERNEL_H
#define VIA_TESTS_FAKE_KERNEL_H

/*
 * A kernel for the daemon's host state: the linker leads its calls of observe(), apply() and their
 * kin here (ld(1), --wrap). It holds objects of ours as the real one would, tells them as facts of
 * scene_split(), and fails or is changed by somebody else when a test says so.
 */

#include "daemon/host_state.h"

struct fake_kernel {
	struct object_set ours; /* of the host; sorted */
	char uplink[IFNAMSIZ];  /* what wlp6s0 is called now */
	bool down, no_address;  /* of wlp6s0 */
	bool more_addresses;    /* wlp6s0: a link-local and a public network, a link-local server */
	int error;              /* with which apply() fails */
	unsigned int fail_at;   /* apply() fails at its n-th step; 0: it does not */
	unsigned int fail_launch; /* each apply() that makes a port fails at that step */
	bool (*refuses)(const struct object *o); /* which objects it does not make or change */
	bool (*refuses_removal)(const struct object *o);
	unsigned int change_at; /* before its n-th step somebody else changes something; 0: no */
	void (*change)(struct fake_kernel *k);
	unsigned int observed, applied; /* how often */
	unsigned int links_read;        /* one alone, how often */
	bool overflow;                  /* the next read of events fails with ENOBUFS */
	const struct nlmsghdr *event;   /* what that read returns, or NULL */
	size_t event_more;              /* bytes of a second message behind it */
	uint64_t handle, netns;         /* given last */
};

extern struct fake_kernel fake_kernel;

void fake_kernel_init(void);
void fake_kernel_done(void);

/* A daemon's host state on this kernel, as host_open() leaves it. */
void fake_kernel_host(struct host_state *h);

/* What observe() would tell now, the caller's to free. */
void fake_kernel_facts(struct facts *ret);

/* Removes an object, as another program or the kernel does; its dependents stay. */
void fake_kernel_remove(size_t i);

/* Adds an object, as another program or an earlier daemon does. */
void fake_kernel_add(const struct object *o);

/* The netns of a session ended: the kernel removes its port, and what is bound to that. */
void fake_kernel_end_session(uint32_t id);

/* The daemon reads one event of rtnetlink. Returns what host_take_events() does. */
bool fake_kernel_event(struct host_state *h, const struct nlmsghdr *event);

/* Events were lost (netlink(7), ENOBUFS): the daemon learns that something happened, not what. */
void fake_kernel_lose_events(struct host_state *h);

#endif
