/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/world.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "net/nft_codec.h"

/* How often a change is tried again when somebody else changes the same at the same time. */
#define TRIES 4

/* Packets must pass before the program starts; normally this takes well under a millisecond. */
#define SETTLE_MS 1000

static int listen_to_events(struct world *w, struct err *err)
{
	static const unsigned int groups[] = {
		RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
		RTNLGRP_IPV6_RULE,  RTNLGRP_TC,          RTNLGRP_NEIGH,
	};
	int r = nl_open(&w->events, NETLINK_ROUTE, err);

	for (size_t i = 0; i < ARRAY_SIZE(groups) && r == 0; i++)
		r = nl_join(&w->events, groups[i], err);
	if (r == 0)
		r = nl_open(&w->nft_events, NETLINK_NETFILTER, err);
	if (r == 0)
		r = nl_join(&w->nft_events, NFNLGRP_NFTABLES, err);
	return r;
}

int world_open(struct world *w, const char *rundir, struct err *err)
{
	struct world fresh = { .stale = true, .kernel.host_ns = -1, .kernel.session_ns = -1 };
	uint32_t offset = 0;
	int r = kernel_open(&fresh.kernel, rundir, true, err);

	if (r == 0)
		r = listen_to_events(&fresh, err);
	if (r < 0) {
		world_close(&fresh);
		return r;
	}
	/* addresses rest before they are used again: round-robin from somewhere */
	if (getrandom(&offset, sizeof(offset), GRND_NONBLOCK) < 0)
		offset = (uint32_t)time(NULL);
	fresh.memory.next_host = PLAN_HOST_FIRST + offset % (PLAN_HOST_LAST - PLAN_HOST_FIRST + 1);
	*w = fresh;
	return 0;
}

void world_close(struct world *w)
{
	facts_done(&w->facts);
	nl_close(&w->events);
	nl_close(&w->nft_events);
	kernel_close(&w->kernel);
}

size_t world_sessions(const struct world *w)
{
	return w->facts.sessions.n;
}

static int look(struct world *w, const char *uplinks, struct err *err)
{
	struct facts fresh;
	int r;

	if (!w->stale)
		return observe_uplinks(uplinks, &w->facts, err);
	r = observe(&w->kernel, uplinks, 0, &fresh, err);
	if (r < 0)
		return r;
	facts_done(&w->facts);
	w->facts = fresh;
	w->stale = false;
	return 0;
}

/* Brings the kernel from what was seen to want. Whatever happens, what was seen is then old. */
static int converge(struct world *w, struct object_set *want, struct err *err)
{
	_cleanup_steps_ struct steps steps = { 0 };
	int r = nft_fingerprint(want);

	if (r == 0)
		r = diff(want, &w->facts.ours, &steps);
	if (r < 0)
		return err_errno(err, -r, "compare what is with what should be");
	if (!steps.n)
		return 0;
	w->stale = true;
	return apply(&w->kernel, &steps, err);
}

static int merge(struct object_set *into, struct object_set *from)
{
	for (size_t i = 0; i < from->n; i++)
		set_add(into, &from->v[i]);
	from->n = 0; /* the statements of rules have moved */
	set_done(from);
	return set_sort(into);
}

static int want_session(struct world *w, struct session *s, struct object_set *want,
			struct err *err)
{
	struct facts *f = &w->facts;
	struct object_set inside = { 0 };
	struct session *added = VEC_PUSH(&f->sessions);
	int r;

	if (!added)
		return err_errno(err, ENOMEM, "plan the session");
	*added = *s;
	r = plan_host(f, f->sessions.v, f->sessions.n, want, err);
	if (r == 0)
		r = plan_inside(f, s, &inside, err);
	if (r < 0)
		return r;
	return merge(want, &inside) < 0 ? err_errno(err, ENOMEM, "plan the session") : 0;
}

static int try_run(struct world *w, const struct request *request, uid_t uid, struct session *ret,
		   struct err *err)
{
	_cleanup_set_ struct object_set want = { 0 };
	struct session s;
	char port[IFNAMSIZ];
	int r = look(w, request->uplinks, err);

	if (r == 0)
		r = plan_admit(&w->facts, request, uid, &w->memory, &s, err);
	if (r == 0)
		r = kernel_new_session(&w->kernel, err);
	if (r < 0)
		return r;
	s.since = (uint64_t)time(NULL);
	r = kernel_session_inode(&w->kernel, &s.netns, err);
	if (r == 0)
		r = want_session(w, &s, &want, err);
	if (r == 0)
		r = converge(w, &want, err);
	kernel_home(&w->kernel);
	w->stale = true;
	if (r < 0)
		return r;
	session_port(s.id, port);
	kernel_settle(&w->kernel, port, SETTLE_MS);
	kernel_settle(&w->kernel, BRIDGE_NAME, SETTLE_MS);
	w->memory.next_id = s.id + 1;
	w->memory.next_host = s.host + 1;
	*ret = s;
	return 0;
}

/* What failed because somebody else moved things is worth another look. */
static bool passing(int r)
{
	return r == -EEXIST || r == -ENOENT || r == -ENODEV || r == -EBUSY || r == -EAGAIN;
}

int world_run(struct world *w, const struct request *request, uid_t uid, struct session *ret,
	      int *ret_netns, struct err *err)
{
	struct err ignored = { 0 };
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && passing(r); i++) {
		bool was_stale = w->stale;

		r = try_run(w, request, uid, ret, err);
		if (r == 0)
			break;
		kernel_drop_session(&w->kernel); /* the netns, and the veth pair with it */
		if (w->stale)
			world_heal(w, &ignored);
		else if (!was_stale && passing(r))
			w->stale = true;
		if (!passing(r) || r == -EEXIST)
			break;
	}
	if (r < 0)
		return r;
	*ret_netns = steal_fd(&w->kernel.session_ns);
	kernel_drop_session(&w->kernel);
	return 0;
}

int world_heal(struct world *w, struct err *err)
{
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && r < 0; i++) {
		_cleanup_set_ struct object_set want = { 0 };

		w->stale = true;
		r = look(w, "", err);
		if (r < 0 || !w->facts.sessions.n)
			return r;
		r = plan_host(&w->facts, w->facts.sessions.v, w->facts.sessions.n, &want, err);
		if (r == 0)
			r = converge(w, &want, err);
	}
	return r;
}

int world_clear(struct world *w, struct err *err)
{
	struct object_set nothing = { 0 };
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && r < 0; i++) {
		w->stale = true;
		r = look(w, "", err);
		if (r == 0)
			r = converge(w, &nothing, err);
	}
	return r;
}

/* Drains one socket; true when somebody else's message was among what came. */
static bool drain(struct nl_sock *sock, uint32_t own)
{
	bool other = false;

	for (;;) {
		char buf[65536] __attribute__((aligned(8)));
		ssize_t n = recv(nl_fd(sock), buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) /* what overflowed was not ours alone */
			return errno == ENOBUFS ? true : other;
		if ((size_t)n > sizeof(buf))
			return true;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_pid != own || !own)
				other = true;
	}
}

bool world_take_events(struct world *w)
{
	bool other = drain(&w->events, w->kernel.route.portid);

	if (drain(&w->nft_events, w->kernel.nft.portid))
		other = true;
	if (other)
		w->stale = true;
	return other;
}
