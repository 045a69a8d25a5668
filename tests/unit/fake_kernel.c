/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "model/own.h"
#include "model/recorded.h"
#include "must.h"
#include "net/attached.h"
#include "net/nft_codec.h"
#include "scene.h"

struct fake_kernel fake_kernel;

void fake_kernel_init(void)
{
	fake_kernel =
		(struct fake_kernel){ .uplink = "wlp6s0", .netns = 4026532000u, .error = EPERM };
}

void fake_kernel_done(void)
{
	set_done(&fake_kernel.ours);
}

/* --- what it has --------------------------------------------------------------------------- */

/* An object as the kernel keeps it: of a rule the statements are known by their fingerprint. */
static struct object kept(const struct object *o)
{
	struct object copy = *o;

	if (o->kind == OBJ_LINK)
		memset(copy.link.peer, 0, sizeof(copy.link.peer));
	if (o->kind != OBJ_NFT_RULE)
		return copy;
	if (o->nft_rule.rule) {
		struct object_set one = { .v = &copy, .n = 1, .size = 1 };

		MUST(nft_fingerprint(&one) == 0);
	}
	copy.nft_rule.rule = NULL;
	copy.nft_rule.handle = ++fake_kernel.handle;
	return copy;
}

static void drop(const struct object *o)
{
	struct object_set *ours = &fake_kernel.ours;
	const struct object *have = set_find(ours, o);
	size_t at = have ? (size_t)(have - ours->v) : ours->n;

	if (have)
		memmove(&ours->v[at], &ours->v[at + 1], (--ours->n - at) * sizeof(*ours->v));
}

static void put(const struct object *o)
{
	struct object_set *ours = &fake_kernel.ours;
	struct object copy = kept(o);
	const struct object_set one = { .v = &copy, .n = 1, .size = 1 };
	const struct object *have = set_find(ours, o);

	copy.owner = ours->owner;
	if (have)
		ours->v[have - ours->v] = copy;
	else
		MUST(set_merge(ours, &one) == 0);
}

void fake_kernel_add(const struct object *o)
{
	put(o);
}

void fake_kernel_remove(size_t i)
{
	struct object o = fake_kernel.ours.v[i];

	drop(&o);
}

static char port_that_goes[IFNAMSIZ];

static bool stays_without_port(const struct object *o)
{
	switch (o->kind) {
	case OBJ_LINK:
	case OBJ_LINK_UP:
		return strcmp(o->link.name, port_that_goes) != 0;
	case OBJ_FDB:
		return strcmp(o->fdb.dev, port_that_goes) != 0;
	case OBJ_SYSCTL:
		return !strstr(o->sysctl.path, port_that_goes);
	default:
		return true;
	}
}

void fake_kernel_end_session(uint32_t id)
{
	session_port(id, port_that_goes);
	set_filter(&fake_kernel.ours, stays_without_port);
}

/* --- what it tells ------------------------------------------------------------------------- */

static void tell_link(struct facts *f, const struct object *o)
{
	struct fact_link *l;

	scene_link(f, o->link.name);
	l = &f->links.v[f->links.n - 1];
	snprintf(l->kind, sizeof(l->kind), "%s", o->link.kind == LINK_BRIDGE ? "bridge" : "veth");
	memcpy(l->alias, o->link.alias, sizeof(l->alias));
	l->mac = o->link.mac;
	l->mtu = o->link.mtu ? o->link.mtu : 1500;
	if (o->link.kind == LINK_VETH)
		l->group = OWN_PORT_GROUP;
}

static void tell(struct facts *f, const struct object *o)
{
	char text[IP_TEXT_MAX];

	switch (o->kind) {
	case OBJ_LINK:
		tell_link(f, o);
		break;
	case OBJ_ADDRESS:
		if (facts_link(f, o->address.dev))
			scene_addr(f, o->address.dev, prefix_format(&o->address.prefix, text));
		break;
	case OBJ_SYSCTL:
		if (!own_is_port_sysctl(o->sysctl.path))
			scene_sysctl(f, o->sysctl.path, o->sysctl.value, o->sysctl.before);
		break;
	default:
		break;
	}
	set_add(&f->ours, o);
}

static void change_uplink(struct facts *f)
{
	int index = facts_link(f, "wlp6s0")->index;

	for (size_t i = 0; i < f->addrs.n && fake_kernel.no_address; i++)
		if (f->addrs.v[i].index == index)
			f->addrs.v[i--] = f->addrs.v[--f->addrs.n];
	for (size_t i = 0; i < f->routes.n; i++)
		if ((fake_kernel.down || fake_kernel.no_address) && f->routes.v[i].index == index)
			f->routes.v[i--] = f->routes.v[--f->routes.n];
	for (size_t i = 0; i < f->links.n; i++)
		if (f->links.v[i].index == index) {
			if (fake_kernel.down)
				f->links.v[i].flags = 0;
			snprintf(f->links.v[i].name, IFNAMSIZ, "%s", fake_kernel.uplink);
		}
	for (size_t i = 0; i < f->sysctls.n; i++) {
		struct fact_sysctl *s = &f->sysctls.v[i];
		char *at = strstr(s->path, "/wlp6s0/"), rest[64];

		if (at && strcmp(fake_kernel.uplink, "wlp6s0") != 0) {
			snprintf(rest, sizeof(rest), "%s", at + 7);
			snprintf(at, sizeof(s->path) - (size_t)(at - s->path), "/%s%s",
				 fake_kernel.uplink, rest);
		}
	}
}

void fake_kernel_facts(struct facts *ret)
{
	struct facts f = { 0 };

	scene_split(&f);
	VEC_DONE(&f.dns); /* dns_observe() tells those */
	if (fake_kernel.more_addresses) {
		scene_addr(&f, "wlp6s0", "169.254.7.7/16");
		scene_addr(&f, "wlp6s0", "203.0.113.7/24");
	}
	change_uplink(&f);
	for (size_t i = 0; i < fake_kernel.ours.n; i++)
		tell(&f, &fake_kernel.ours.v[i]);
	facts_index_routing(&f);
	MUST(recorded_find(&f) == 0);
	MUST(set_sort(&f.ours) == 0);
	*ret = f;
}

int __wrap_observe(struct kernel *k, unsigned int what, struct facts *ret, struct err *err);
int __wrap_observe(struct kernel *k, unsigned int what, struct facts *ret, struct err *err)
{
	(void)k;
	(void)what;
	(void)err;
	fake_kernel.observed++;
	fake_kernel_facts(ret);
	return 0;
}

/* --- what it does -------------------------------------------------------------------------- */

static bool on_host(const struct step *s)
{
	const struct object *o = s->want ? s->want : s->have;

	return o->place == PLACE_HOST && o->kind != OBJ_NETNS;
}

static const struct object *chain_to_flush;

static bool not_of_chain(const struct object *o)
{
	return o->kind != OBJ_NFT_RULE || o->family != chain_to_flush->family ||
	       strcmp(o->nft_rule.chain, chain_to_flush->nft_rule.chain) != 0;
}

/* All rules of a chain are listed, one behind the other, and the chain is flushed before them. */
static void flush_before(const struct steps *steps, size_t i)
{
	const struct object *o = steps->v[i].want, *before = i ? steps->v[i - 1].want : NULL;

	chain_to_flush = o;
	if (o && o->kind == OBJ_NFT_RULE && (!before || not_of_chain(before)))
		set_filter(&fake_kernel.ours, not_of_chain);
}

static int refuse(const struct step *s, int code, struct refusals *refused, struct err *err)
{
	int r;

	err_errno(err, code, "change an object");
	r = refusals_note(refused, s->want, -code, err);
	if (r < 0 && refused)
		refusals_done(refused);
	return r;
}

/* An element of a map that is there with another value is to be deleted first (EEXIST). */
static bool is_taken(const struct step *s)
{
	const struct object *have = s->action == STEP_ADD && s->want &&
						    s->want->kind == OBJ_NFT_ELEMENT &&
						    s->want->nft_element.vmap
					    ? set_find(&fake_kernel.ours, s->want)
					    : NULL;

	return have && !object_same(have, s->want);
}

static bool makes_port(const struct steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		if (steps->v[i].action == STEP_ADD && steps->v[i].want->kind == OBJ_LINK &&
		    steps->v[i].want->link.kind == LINK_VETH)
			return true;
	return false;
}

int __wrap_apply(struct kernel *k, const struct steps *steps, struct refusals *refused,
		 struct err *err);
int __wrap_apply(struct kernel *k, const struct steps *steps, struct refusals *refused,
		 struct err *err)
{
	(void)k;
	fake_kernel.applied++;
	if (fake_kernel.fail_launch && makes_port(steps))
		fake_kernel.fail_at = fake_kernel.fail_launch;
	for (size_t i = 0; i < steps->n; i++) {
		const struct step *s = &steps->v[i];

		if (fake_kernel.change_at && --fake_kernel.change_at == 0)
			fake_kernel.change(&fake_kernel);
		bool fails = fake_kernel.fail_at && --fake_kernel.fail_at == 0;

		if (refusals_cover(refused, s->want))
			continue;
		fails |= !s->want && fake_kernel.refuses_removal &&
			 fake_kernel.refuses_removal(s->have);
		fails |= s->want && fake_kernel.refuses && fake_kernel.refuses(s->want);
		if (is_taken(s))
			return refuse(s, EEXIST, refused, err);
		if (fails && refuse(s, fake_kernel.error, refused, err) < 0)
			return -fake_kernel.error;
		if (fails || !on_host(s))
			continue;
		flush_before(steps, i);
		if (s->action == STEP_REMOVE && s->have)
			drop(s->have);
		else if (s->want)
			put(s->want);
	}
	return 0;
}

/* --- what does not matter here ------------------------------------------------------------- */

#define FAKE(type, name, ...)                                                                      \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

FAKE(int, observe_uplink, const struct kernel *k, const char *name, struct facts *facts,
     struct err *err)
{
	(void)k;
	(void)name;
	(void)facts;
	(void)err;
	return 0;
}

FAKE(void, observe_fresh, struct facts *facts)
{
	facts->fresh_known = true;
}

FAKE(void, observe_gateways, struct kernel *k, struct facts *facts)
{
	(void)k;
	(void)facts;
}

FAKE(int, kernel_ask_neighbour, struct kernel *k, int index, const struct ip *ip, struct err *err)
{
	(void)k;
	(void)index;
	(void)ip;
	(void)err;
	return 0;
}

FAKE(int, observe_received, struct kernel *k, const char *name, uint64_t *ret, struct err *err)
{
	(void)k;
	(void)name;
	(void)err;
	*ret = 4096;
	return 0;
}

FAKE(int, observe_link, struct kernel *k, const struct facts *facts, const char *name,
     struct object *ret, struct err *err)
{
	struct object key = { .kind = OBJ_LINK, .place = PLACE_HOST, .link.kind = LINK_VETH };
	const struct object *o;

	(void)k;
	(void)facts;
	(void)err;
	fake_kernel.links_read++;
	MUST(copy_string(key.link.name, sizeof(key.link.name), name) == 0);
	o = set_find(&fake_kernel.ours, &key);
	if (!o)
		return -ENODEV;
	*ret = *o;
	key.kind = OBJ_LINK_UP;
	return set_find(&fake_kernel.ours, &key) != NULL;
}

FAKE(int, kernel_new_session, struct kernel *k, struct err *err)
{
	(void)err;
	k->session_ns = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fake_kernel.netns++;
	return 0;
}

FAKE(int, kernel_session_inode, const struct kernel *k, uint64_t *ret, struct err *err)
{
	(void)k;
	(void)err;
	*ret = fake_kernel.netns;
	return 0;
}

FAKE(void, kernel_home, struct kernel *k)
{
	(void)k;
}

FAKE(void, kernel_drop_session, struct kernel *k)
{
	close_fd(&k->session_ns);
}

FAKE(int, dns_observe, struct dns *n, const char *uplink, struct facts *f, struct err *err)
{
	(void)n;
	(void)err;
	if (uplink || f->dns.n)
		return 0;
	scene_dns(f, "enp7s0", "192.168.1.1");
	scene_dns(f, fake_kernel.uplink, "192.168.2.1");
	if (fake_kernel.more_addresses)
		scene_dns(f, fake_kernel.uplink, "fe80::53");
	return 0;
}

FAKE(bool, dns_take_events, struct dns *n)
{
	(void)n;
	return false;
}

FAKE(void, dns_close, struct dns *n)
{
	(void)n;
}

FAKE(void, settle_begin, struct settle *ret, struct kernel *k, const struct session *s,
     const struct object_set *inside, int timeout_ms)
{
	(void)k;
	(void)s;
	(void)inside;
	(void)timeout_ms;
	memset(ret, 0, sizeof(*ret));
}

FAKE(int, conntrack_start, struct conntrack_pass *p, uint32_t mark, uint32_t mask,
     bool (*ends)(const struct conntrack_entry *e, void *arg), void *arg, struct err *err)
{
	(void)mark;
	(void)mask;
	(void)ends;
	(void)arg;
	(void)err;
	p->running = true;
	return 0;
}

FAKE(int, conntrack_step, struct conntrack_pass *p, struct err *err)
{
	(void)err;
	p->running = false;
	return 0;
}

FAKE(void, conntrack_stop, struct conntrack_pass *p)
{
	p->running = false;
}

FAKE(bool, ports_differ, const struct sysctl_dirs *dirs, const struct facts *facts)
{
	(void)dirs;
	(void)facts;
	return false;
}

FAKE(int, sysctl_rename_saved, const char *rundir, const struct facts *facts)
{
	(void)rundir;
	(void)facts;
	return 0;
}

FAKE(ssize_t, nl_recv, struct nl_sock *s, void *buf, size_t size, int flags)
{
	const struct nlmsghdr *event = steal_ptr(fake_kernel.event);

	(void)s;
	(void)flags;
	if (event) {
		size_t len = event->nlmsg_len;

		if (fake_kernel.event_more)
			len = MNL_ALIGN(len) + fake_kernel.event_more;
		fake_kernel.event_more = 0;
		MUST(len <= size);
		memcpy(buf, event, len);
		return (ssize_t)len;
	}
	errno = fake_kernel.overflow ? ENOBUFS : EAGAIN;
	fake_kernel.overflow = false;
	return -1;
}

bool fake_kernel_event(struct host_state *h, const struct nlmsghdr *event)
{
	fake_kernel.event = event;
	return host_take_events(h);
}

void fake_kernel_lose_events(struct host_state *h)
{
	fake_kernel.overflow = true;
	host_take_events(h);
}

void fake_kernel_host(struct host_state *h)
{
	*h = (struct host_state){
		.stale = HOST_STALE_FACTS | HOST_STALE_NAMES,
		.sysctl_watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
		.kernel = { .rundir = "/nonexistent", .host_ns = -1, .session_ns = -1 },
		.spare.kernel.netns = -1
	};
	session_log_init(&h->log);
	h->memory.next_host = rest_first(clock_ms());
	h->entries.due = h->failover_at = h->expire_at = h->gateways_at = INT64_MAX;
}
