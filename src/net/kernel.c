/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "model/session.h"
#include "net/rtnl.h"

#define FRESH_DEVICES_MAX 32
#define LOOPBACK_INDEX    1 /* include/linux/netdevice.h: LOOPBACK_IFINDEX */

int kernel_open(struct kernel *k, const char *rundir, bool can_change, struct err *err)
{
	struct kernel fresh = { .rundir = rundir, .host_ns = -1, .session_ns = -1 };
	int r = nl_open(&fresh.route, NETLINK_ROUTE, err);

	if (r == 0)
		r = nl_open(&fresh.nft, NETLINK_NETFILTER, err);
	if (r < 0 && !can_change && fresh.route.nl)
		r = 0; /* a kernel without nfnetlink can still be observed */
	if (r == 0 && can_change) {
		fresh.host_ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (fresh.host_ns < 0)
			r = err_errno(err, errno, "open the host's netns");
	}
	if (r < 0) {
		kernel_close(&fresh);
		return r;
	}
	sysctl_dirs_open(&fresh.sysctls);
	*k = fresh;
	return 0;
}

void kernel_close(struct kernel *k)
{
	kernel_drop_session(k);
	nl_close(&k->route);
	nl_close(&k->nft);
	sysctl_dirs_close(&k->sysctls);
	close_fd(&k->host_ns);
}

void kernel_home(struct kernel *k)
{
	if (k->at == PLACE_HOST)
		return;
	if (setns(k->host_ns, CLONE_NEWNET) < 0)
		abort();
	k->at = PLACE_HOST;
}

int kernel_enter_session(struct kernel *k, struct err *err)
{
	if (k->at == PLACE_SESSION)
		return 0;
	if (setns(k->session_ns, CLONE_NEWNET) < 0)
		return err_errno(err, errno, "enter the session's netns");
	k->at = PLACE_SESSION;
	return 0;
}

/* Sockets of the session's netns, for a process that is in it. */
static int open_inside(struct kernel *k, struct err *err)
{
	int r = nl_open(&k->session_route, NETLINK_ROUTE, err);

	if (r == 0)
		r = nl_open(&k->session_nft, NETLINK_NETFILTER, err);
	if (r == 0)
		r = nl_open(&k->session_events, NETLINK_ROUTE, err);
	if (r == 0)
		r = nl_join(&k->session_events, RTNLGRP_IPV6_IFADDR, err);
	return r;
}

static int leave_on_failure(struct kernel *k, int r)
{
	if (r < 0) {
		kernel_home(k);
		kernel_drop_session(k);
	}
	return r;
}

int kernel_new_session(struct kernel *k, struct err *err)
{
	int r = 0;

	kernel_home(k);
	kernel_drop_session(k);
	if (unshare(CLONE_NEWNET) < 0) {
		err_errno(err, errno, "make a netns");
		return err_hint(err, "see user.max_net_namespaces, and CONFIG_NET_NS");
	}
	k->at = PLACE_SESSION;
	k->session_ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (k->session_ns < 0)
		r = err_errno(err, errno, "open the new netns");
	if (r == 0)
		r = open_inside(k, err);
	return leave_on_failure(k, r);
}

/* Devices of a netns that is to be fresh. */
struct devices {
	size_t n;
	char obstacle[IFNAMSIZ];
};

static void forget_devices(void *arg)
{
	*(struct devices *)arg = (struct devices){ 0 };
}

/*
 * A fresh netns has lo and, where their modules are loaded, the kernel's own tunnels, all of them
 * down. The dump of one in use is broken off: it may have very many devices.
 */
static int take_device(const struct nlmsghdr *nlh, void *arg)
{
	struct devices *d = arg;
	struct rtnl_link l;
	int r = rtnl_decode_link(nlh, &l);

	if (r <= 0)
		return r;
	if (++d->n <= FRESH_DEVICES_MAX && !(l.fact.flags & IFF_UP) &&
	    strcmp(l.fact.name, SESSION_DEV))
		return 0;
	memcpy(d->obstacle, l.fact.name, sizeof(d->obstacle));
	return -EEXIST;
}

int kernel_step_into(struct kernel *k, int netns, struct err *err)
{
	int r;

	kernel_home(k);
	kernel_drop_session(k);
	k->session_ns = fcntl(netns, F_DUPFD_CLOEXEC, 0);
	if (k->session_ns < 0)
		return err_errno(err, errno, "take over the netns");
	r = kernel_enter_session(k, err);
	return r == 0 ? open_inside(k, err) : r;
}

/* Until kernel_home(), for one socket; no descriptor of the netns stays in k. */
static int visit(struct kernel *k, int netns, struct err *err)
{
	kernel_home(k);
	if (setns(netns, CLONE_NEWNET) < 0)
		return err_errno(err, errno, "enter the session's netns");
	k->at = PLACE_SESSION;
	return 0;
}

int kernel_conntrack_socket(struct kernel *k, int netns, struct nl_sock *ret, struct err *err)
{
	int r = visit(k, netns, err);

	if (r == 0)
		r = nl_open(ret, NETLINK_NETFILTER, err);
	kernel_home(k);
	return r;
}

int kernel_packet_socket(struct kernel *k, int netns, struct err *err)
{
	int fd, error, r = visit(k, netns, err);

	if (r < 0)
		return r;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = errno;
	kernel_home(k);
	if (fd >= 0)
		return fd;
	err_errno(err, error, "open a packet socket in the session's netns");
	return err_hint(err,
			"see CapabilityBoundingSet= (CAP_NET_RAW) and RestrictAddressFamilies= "
			"(AF_PACKET) of via-iface.service, and CONFIG_PACKET");
}

int kernel_adopt_session(struct kernel *k, int netns, struct err *err)
{
	struct devices devices = { 0 };
	struct nl_msg m;
	int r = kernel_step_into(k, netns, err);

	if (r == 0) {
		rtnl_dump_links(&m, false);
		r = nl_dump(&k->session_route, &m, take_device, forget_devices, &devices, err);
	}
	if (devices.obstacle[0])
		r = err_set(err, EEXIST, "use that netns: it is not fresh, it has device '%s'",
			    devices.obstacle);
	return leave_on_failure(k, r);
}

int kernel_session_inode(const struct kernel *k, uint64_t *ret, struct err *err)
{
	struct stat st;

	if (fstat(k->session_ns, &st) < 0)
		return err_errno(err, errno, "read the inode of the new netns");
	*ret = st.st_ino;
	return 0;
}

static int take_nsid(const struct nlmsghdr *nlh, void *arg)
{
	int r = rtnl_decode_nsid(nlh, arg);

	return r < 0 ? r : 0;
}

static int take_link_nsid(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_link l;
	int r = rtnl_decode_link(nlh, &l);

	if (r > 0)
		*(int *)arg = l.nsid;
	return r < 0 ? r : 0;
}

/* In this order: the descriptor keeps its netns, and so the number that it has, until the end. */
int kernel_leads_to(struct kernel *k, const char *port, int netns, struct err *err)
{
	int wanted = -1, seen = -1, r;
	struct nl_msg m;

	rtnl_get_nsid(&m, netns);
	r = nl_get(&k->route, &m, take_nsid, &wanted, err);
	if (r < 0)
		return err_wrap(err, "ask for the number of a netns");
	rtnl_get_link(&m, port);
	r = nl_get(&k->route, &m, take_link_nsid, &seen, err);
	if (r < 0)
		return err_wrap(err, "find device '%s'", port);
	return wanted >= 0 && wanted == seen;
}

void kernel_keep_session(struct kernel *k, struct kernel_inside *ret)
{
	*ret = (struct kernel_inside){ .netns = steal_fd(&k->session_ns), .nft = k->session_nft };
	k->session_nft = (struct nl_sock){ 0 };
	kernel_drop_session(k);
}

void kernel_resume_session(struct kernel *k, struct kernel_inside *from)
{
	kernel_drop_session(k);
	k->session_ns = steal_fd(&from->netns);
	k->session_nft = from->nft;
	from->nft = (struct nl_sock){ 0 };
}

void kernel_inside_close(struct kernel_inside *k)
{
	nl_close(&k->nft);
	close_fd(&k->netns);
}

void kernel_drop_session(struct kernel *k)
{
	nl_close(&k->session_route);
	nl_close(&k->session_nft);
	nl_close(&k->session_events);
	close_fd(&k->session_ns);
}

bool kernel_has_shaper(struct kernel *k)
{
	struct nl_msg m;

	if (k->shaper == SHAPER_UNKNOWN) {
		rtnl_ask_for_shaper(&m, LOOPBACK_INDEX);
		k->shaper = nl_talk(&k->route, &m, NULL) == -ENOENT ? SHAPER_NO : SHAPER_YES;
	}
	return k->shaper == SHAPER_YES;
}
