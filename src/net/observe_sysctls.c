/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Observing sysctls: see observe.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "model/own.h"
#include "net/observe_internal.h"
#include "net/sysctl.h"

static int note_sysctl(struct facts *f, const char *path, const char *value)
{
	const struct fact_sysctl *known = facts_sysctl(f, path);
	struct fact_sysctl *s = known ? &f->sysctls.v[known - f->sysctls.v] : VEC_PUSH(&f->sysctls);

	if (!s)
		return -ENOMEM;
	snprintf(s->value, sizeof(s->value), "%s", value);
	if (!known) {
		snprintf(s->path, sizeof(s->path), "%s", path);
		facts_sysctl_added(f);
	}
	return 0;
}

static int read_sysctl(const struct kernel *k, struct facts *f, const char *path)
{
	char value[32], copy[SYSCTL_MAX]; /* the path may be one in the array, which may move */

	if (sysctl_read(&k->sysctls, path, value, sizeof(value)) < 0)
		return 0; /* this kernel has none */
	snprintf(copy, sizeof(copy), "%s", path);
	return note_sysctl(f, copy, value);
}

/* Of an uplink, and of the VRF that it is in. */
static int read_uplink_sysctls(const struct kernel *k, struct facts *f, const char *uplink)
{
	const struct fact_link *link = facts_link(f, uplink);
	const struct fact_link *vrf = link ? facts_vrf(f, link) : NULL;
	char path[SYSCTL_MAX];
	int r = 0;

	for (size_t i = 0; i < UPLINK_SYSCTL_COUNT && r == 0; i++) {
		own_sysctl_path(&uplink_sysctls[i], uplink, path);
		r = read_sysctl(k, f, path);
		if (vrf && r == 0) {
			own_sysctl_path(&uplink_sysctls[i], vrf->name, path);
			r = read_sysctl(k, f, path);
		}
	}
	return r;
}

static int read_port_sysctls(const struct kernel *k, struct facts *f)
{
	int r = 0;

	for (size_t i = 0; i < f->links.n && r == 0; i++) {
		char path[SYSCTL_MAX], value[32];

		if (!own_is_port(&f->links.v[i]))
			continue;
		own_sysctl_path(&port_sysctl, f->links.v[i].name, path);
		if (sysctl_read(&k->sysctls, path, value, sizeof(value)) == 0)
			r = note_sysctl(f, path, value);
	}
	return r;
}

/* Where IPv6 forwarding is one switch for all, what else it would change. */
static int read_ip6_forwarding(const struct kernel *k, struct facts *f)
{
	char path[SYSCTL_MAX];
	int r = read_sysctl(k, f, "net/ipv6/conf/default/accept_ra");

	for (size_t i = 0; i < f->links.n && r == 0; i++) {
		snprintf(path, sizeof(path), "net/ipv6/conf/%s/accept_ra", f->links.v[i].name);
		if (!own_is_link(&f->links.v[i]))
			r = read_sysctl(k, f, path);
	}
	return r;
}

/* The kernel has no such sysctl before nf_conntrack is loaded. */
static void read_conntrack_max(struct facts *f)
{
	char text[16];

	if (sysctl_read(NULL, "net/netfilter/nf_conntrack_max", text, sizeof(text)) < 0 ||
	    parse_u32(text, 0, UINT32_MAX, &f->conntrack_max) < 0)
		f->conntrack_max = 0;
}

int observe_sysctls(struct observation *obs, struct err *err)
{
	static const char *const global[] = {
		"net/ipv6/conf/all/disable_ipv6",
		"net/ipv6/conf/all/force_forwarding",
		"net/ipv6/conf/all/forwarding",
	};
	const struct kernel *k = obs->k;
	struct facts *f = obs->f;
	char path[SYSCTL_MAX];
	int r = sysctl_list_saved(obs->k->rundir, f, err);

	if (r < 0)
		return r;
	facts_sysctl_added(f);
	for (size_t i = 0; i < f->sysctls.n && r == 0; i++)
		r = read_sysctl(k, f, f->sysctls.v[i].path);
	for (size_t i = 0; i < ARRAY_SIZE(global) && r == 0; i++)
		r = read_sysctl(k, f, global[i]);
	for (size_t i = 0; i < FRAGMENT_SYSCTL_COUNT && r == 0; i++)
		r = read_sysctl(k, f, fragment_sysctls[i]);
	for (size_t i = 0; own_bridge(f) && i < BRIDGE_SYSCTL_COUNT && r == 0; i++) {
		own_sysctl_path(&bridge_sysctls[i], BRIDGE_NAME, path);
		r = read_sysctl(k, f, path);
	}
	for (size_t i = 0; i < f->slots.n && r == 0; i++) {
		const struct fact_link *now = facts_link_by_index(f, f->slots.v[i].index);

		r = read_uplink_sysctls(k, f, now ? now->name : f->slots.v[i].uplink);
	}
	for (size_t i = 0; i < f->addrs.n && r == 0; i++) {
		const struct fact_link *dev = facts_link_by_index(f, f->addrs.v[i].index);

		if (!dev || f->addrs.v[i].prefix.ip.family != AF_INET ||
		    !facts_same_subnet(f, &f->addrs.v[i], 0))
			continue;
		snprintf(path, sizeof(path), "net/ipv4/conf/%s/arp_announce", dev->name);
		r = read_sysctl(k, f, path);
	}
	if (r == 0 && !(obs->what & OBSERVE_STATES))
		r = read_port_sysctls(k, f);
	for (size_t i = 0; i < INHERITED_COUNT; i++)
		sysctl_read(&k->sysctls, inherited_sysctls[i], f->inherited[i].host,
			    sizeof(f->inherited[i].host));
	if (r == 0 && !facts_sysctl(f, "net/ipv6/conf/all/force_forwarding"))
		r = read_ip6_forwarding(k, f);
	read_conntrack_max(f);
	if (r < 0)
		return err_errno(err, -r, "read the sysctls");
	return 0;
}

void observe_fresh(struct facts *f)
{
	for (size_t i = 0; i < INHERITED_COUNT; i++)
		sysctl_read(NULL, inherited_sysctls[i], f->inherited[i].fresh,
			    sizeof(f->inherited[i].fresh));
	f->fresh_known = true;
}

int observe_uplink(const struct kernel *k, const char *name, struct facts *f, struct err *err)
{
	int r = read_uplink_sysctls(k, f, name);

	return r < 0 ? err_errno(err, -r, "read the sysctls") : 0;
}

static bool is_bridge_sysctl(const char *path)
{
	char ours_path[SYSCTL_MAX];

	for (size_t i = 0; i < BRIDGE_SYSCTL_COUNT; i++) {
		own_sysctl_path(&bridge_sysctls[i], BRIDGE_NAME, ours_path);
		if (!strcmp(path, ours_path))
			return true;
	}
	return false;
}

void observe_own_sysctls(struct facts *f)
{
	for (size_t i = 0; i < f->sysctls.n; i++) {
		const struct fact_sysctl *s = &f->sysctls.v[i];
		struct object o = observed_object(OBJ_SYSCTL);

		if (!s->before[0] && !is_bridge_sysctl(s->path) && !own_is_port_sysctl(s->path))
			continue;
		memcpy(o.sysctl.path, s->path, sizeof(o.sysctl.path));
		memcpy(o.sysctl.value, s->value, sizeof(o.sysctl.value));
		memcpy(o.sysctl.before, s->before, sizeof(o.sysctl.before));
		memcpy(o.sysctl.set, s->set, sizeof(o.sysctl.set));
		o.sysctl.index = s->index;
		set_add(&f->ours, &o);
	}
}
