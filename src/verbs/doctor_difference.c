/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of ours in the kernel is not as sessions want it. A launch and an end of a session change
 * objects one after the other, so one observation may find a change half made: a difference counts
 * when each observation over some seconds finds it.
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "net/nft_codec.h"
#include "net/nl.h"
#include "plan/plan.h"
#include "plan/state.h"
#include "verbs/doctor.h"
#include "verbs/verbs.h"

#define OBSERVED_MAX 64 /* however many events there are */

void strings_free(char **strings)
{
	for (char **at = strings; at && *at; at++)
		free(*at);
	free(strings);
}

/*
 * The daemon sets the port of a session down that has been blocked or paused for long (failover.c).
 * For how long it has been only the daemon knows: both states of the port are as planned.
 */
static void take_carriers(const struct facts *f, struct session *sessions, size_t n)
{
	char port[IFNAMSIZ];

	for (size_t i = 0; i < n; i++) {
		struct session *s = &sessions[i];
		const struct fact_link *link;
		const char *reason;

		if (session_state(f, s, false, &reason) == STATE_UP || plan_shares(s))
			continue;
		session_port(s->id, port);
		link = facts_link(f, port);
		s->carrier_off = link && !(link->flags & IFF_UP);
	}
}

/* The names of the differences of one observation. */
static int find(const struct facts *f, char ***ret, struct err *err)
{
	_cleanup_set_ struct object_set want = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	_cleanup_free_ struct session *sessions = calloc(f->sessions.n + 1, sizeof(*sessions));
	int r;

	if (!sessions)
		return err_errno(err, ENOMEM, "compare objects");
	for (size_t i = 0; i < f->sessions.n; i++)
		sessions[i] = f->sessions.v[i];
	/* an uplink that no session has stays for a while, by the daemon's memory (daemon/late.h)
	 */
	for (size_t i = 0; i < f->slots.n; i++)
		f->slots.v[i].late = true;
	take_carriers(f, sessions, f->sessions.n);
	r = plan_host(f, sessions, f->sessions.n, &want, err);
	if (r < 0) { /* other findings say why there is no plan */
		*ret = calloc(1, sizeof(**ret));
		return *ret ? 0 : err_errno(err, ENOMEM, "compare objects");
	}
	if (nft_fingerprint(&want) < 0 || diff(&want, &f->ours, &steps) < 0 ||
	    doctor_difference_names(&steps, ret) < 0)
		return err_errno(err, ENOMEM, "compare objects");
	return 0;
}

static bool has(char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* Leaves in names what is in both. */
static void intersect(char **names, char *const *others)
{
	size_t kept = 0;

	for (char **at = names; *at; at++)
		if (has(others, *at))
			names[kept++] = *at;
		else
			free(*at);
	names[kept] = NULL;
}

static int watch(struct nl_sock *route, struct nl_sock *nft, struct err *err)
{
	static const unsigned int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
					       RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };
	int r = nl_open(route, NETLINK_ROUTE, err);

	for (size_t i = 0; i < ARRAY_SIZE(groups) && r == 0; i++)
		r = nl_join(route, groups[i], err);
	if (r == 0)
		r = nl_open(nft, NETLINK_NETFILTER, err);
	return r == 0 ? nl_join(nft, NFNLGRP_NFTABLES, err) : r;
}

static int observe_once_more(char **names, struct err *err)
{
	_cleanup_facts_ struct facts f = { 0 };
	char **now = NULL;
	int r = observe_host(0, &f, err);

	if (r == 0)
		r = observe_dns(NULL, &f, err);
	if (r == 0)
		r = find(&f, &now, err);
	if (r == 0)
		intersect(names, now);
	strings_free(now);
	return r;
}

/* Until nothing is left of names, or its time is over. */
static int wait_for_change(char **names, struct err *err)
{
	struct nl_sock route = { 0 }, nft = { 0 };
	int64_t end = clock_ms() + DOCTOR_HEAL_MS;
	int r = watch(&route, &nft, err);

	for (int i = 0; r == 0 && *names && i < OBSERVED_MAX; i++) {
		int64_t left = end - clock_ms();
		struct pollfd fds[] = {
			{ .fd = nl_fd(&route), .events = POLLIN },
			{ .fd = nl_fd(&nft), .events = POLLIN },
		};

		if (left > 0 && i < OBSERVED_MAX - 1)
			poll(fds, ARRAY_SIZE(fds), (int)left);
		nl_drain(&route);
		nl_drain(&nft);
		r = observe_once_more(names, err);
		if (left <= 0)
			break;
	}
	nl_close(&route);
	nl_close(&nft);
	return r;
}

int doctor_difference(const struct facts *f, bool answers, char ***ret, struct err *err)
{
	char **names = NULL;
	int r;

	*ret = NULL;
	/* root alone can see all of it; and what stays behind the last session is the daemon's */
	if (!f->nft_visible || geteuid() != 0 || (answers && !f->sessions.n))
		return 0;
	r = find(f, &names, err);
	if (r == 0 && names && *names)
		r = wait_for_change(names, err);
	if (r == 0)
		*ret = names;
	else
		strings_free(names);
	return r;
}
