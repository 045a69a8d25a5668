/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets what: the pool, the slot of an uplink, the number and the address of a session. All
 * of it is read back from the kernel's own objects; what an address was before, which no object
 * tells, is in the caller's memory (rest.h).
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "base/vec.h"
#include "plan/internal.h"
#include "plan/uplink.h"

static const struct prefix pools[] = {
	{ { AF_INET, { 10, 209 } }, 22 },
	{ { AF_INET, { 10, 213 } }, 22 },
	{ { AF_INET, { 172, 29, 208 } }, 22 },
	{ { AF_INET, { 100, 99, 208 } }, 22 },
};

static bool on_our_bridge(const struct facts *f, int index)
{
	const struct fact_link *bridge = own_bridge(f);

	return bridge && bridge->index == index;
}

/* What of the host overlaps p; routes shorter than `least` lead to more than to such a network. */
static bool is_taken(const struct facts *f, const struct prefix *p, uint8_t least,
		     char ret[PLAN_TAKEN_MAX])
{
	char text[IP_TEXT_MAX];

	for (size_t i = 0; i < f->routes.n; i++) {
		const struct fact_route *r = &f->routes.v[i];

		if (r->dst.len < least || own_is_route(r) || on_our_bridge(f, r->index) ||
		    !prefix_overlap(p, &r->dst))
			continue;
		snprintf(ret, PLAN_TAKEN_MAX, "route %s in table %u", prefix_format(&r->dst, text),
			 r->table);
		return true;
	}
	for (size_t i = 0; i < f->addrs.n; i++) {
		const struct fact_addr *a = &f->addrs.v[i];

		if (on_our_bridge(f, a->index) || !prefix_overlap(p, &a->prefix))
			continue;
		snprintf(ret, PLAN_TAKEN_MAX, "address %s", prefix_format(&a->prefix, text));
		return true;
	}
	return false;
}

bool plan_pool_taken(const struct facts *f, const struct pool *pool, char ret[PLAN_TAKEN_MAX])
{
	/* not a default route, nor the two halves of one that VPNs add */
	return is_taken(f, &pool->ip4, 2, ret);
}

/*
 * A /64 of 2001:2::/48 (RFC 5180), with 16 bits of the host's id. Where the host uses that network:
 * fd, 40 bits of the id, subnet 0 (RFC 4193, section 3.1), which nobody else's is like.
 */
static struct prefix pool6(const struct facts *f)
{
	struct prefix p = { .ip = { .family = AF_INET6 }, .len = 64 };
	char by[PLAN_TAKEN_MAX];

	memcpy(p.ip.bytes, own_pool6.ip.bytes, own_pool6.len / 8);
	memcpy(p.ip.bytes + own_pool6.len / 8, f->host_id, 2);
	if (!plan_host_has_ip6(f) || !is_taken(f, &p, own_pool6.len, by))
		return p;
	memset(&p.ip.bytes, 0, sizeof(p.ip.bytes));
	p.ip.bytes[0] = 0xfd;
	memcpy(p.ip.bytes + 1, f->host_id, 5);
	return p;
}

/* The pool that the bridge has an address of already; the family stays 0 where it has none. */
static struct prefix pool_in_use(const struct facts *f, uint8_t family)
{
	const struct fact_link *bridge = own_bridge(f);
	const struct fact_addr *a = NULL;

	while (bridge && (a = facts_next_addr(f, bridge->index, a)))
		if (a->prefix.ip.family == family && own_is_address(&a->prefix))
			return prefix_masked(&a->prefix);
	return (struct prefix){ 0 };
}

int plan_pool(const struct facts *f, struct pool *ret, struct err *err)
{
	struct pool pool = { .ip4 = pool_in_use(f, AF_INET), .ip6 = pool_in_use(f, AF_INET6) };
	char by[PLAN_TAKEN_MAX] = "", last[IP_TEXT_MAX];

	if (!pool.ip6.len)
		pool.ip6 = pool6(f);
	if (pool.ip4.len) {
		*ret = pool;
		return 0;
	}
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		pool.ip4 = pools[i];
		if (!plan_pool_taken(f, &pool, by)) {
			*ret = pool;
			return 0;
		}
	}
	return err_set(err, EADDRNOTAVAIL,
		       "choose addresses for sessions: all four pools are taken, the last one, %s, "
		       "by %s; remove or narrow that route",
		       prefix_format(&pool.ip4, last), by);
}

struct ip plan_gateway(const struct pool *pool, uint8_t family)
{
	return ip_add(family == AF_INET ? &pool->ip4.ip : &pool->ip6.ip, 1);
}

struct ip plan_address(const struct pool *pool, const struct session *s, uint8_t family)
{
	return ip_add(family == AF_INET ? &pool->ip4.ip : &pool->ip6.ip, s->host);
}

static bool id_taken(const struct facts *f, uint32_t id)
{
	char port[IFNAMSIZ];

	session_port(id, port);
	return facts_link(f, port) != NULL;
}

static uint32_t free_id(const struct facts *f, uint32_t first)
{
	uint32_t id = first ? first : 1;

	while (id_taken(f, id))
		id = id % 99999999 + 1;
	return id;
}

static bool of_spare(const struct facts *f, uint32_t host)
{
	for (size_t i = 0; i < f->spares.n; i++)
		if (f->spares.v[i].host == host)
			return true;
	return false;
}

/* An address that is free, or a spare's; that one is the last that is handed out. */
static bool choose_host(const struct facts *f, const struct admit_memory *memory, uint32_t *ret)
{
	const struct session *v = f->sessions.v;

	return rest_choose(&memory->rest, v, f->sessions.n, memory->next_host, memory->now, ret) &&
	       (!of_spare(f, *ret) ||
		rest_choose(&memory->rest, v, f->sessions.n, *ret + 1, memory->now, ret));
}

static int free_host(const struct facts *f, const struct admit_memory *memory, uint32_t *ret,
		     struct err *err)
{
	if (choose_host(f, memory, ret) && !of_spare(f, *ret))
		return 0;
	return err_set(err, EADDRNOTAVAIL,
		       "choose an address for the session: all %u of the pool are in use; end a "
		       "session first",
		       SESSION_HOST_LAST - SESSION_HOST_FIRST + 1);
}

int plan_find_slot(const struct facts *f, const char *uplink, uint32_t *ret, struct err *err)
{
	uint32_t slot = facts_slot(f, uplink);

	for (uint32_t s = 1; !slot && s <= PLAN_SLOT_MAX; s++)
		if (!facts_slot_uplink(f, s))
			slot = s;
	if (!slot)
		return err_set(err, EUSERS,
			       "choose a mark for uplink '%s': all %u are in use; end a session "
			       "first",
			       uplink, PLAN_SLOT_MAX);
	*ret = slot;
	return 0;
}

static bool name_taken(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!strcmp(f->sessions.v[i].name, name))
			return true;
	return false;
}

/*
 * A name that the caller gave is taken as it is or not at all. Those of the user's own sessions
 * that are closing do not count: what is left of them goes by their number.
 */
static int check_name(const struct facts *f, const struct request *r, uint32_t uid, struct err *err)
{
	for (size_t i = 0; r->flags & (SESSION_NAME_GIVEN | SESSION_JOIN) && i < f->sessions.n;
	     i++) {
		const struct session *s = &f->sessions.v[i];

		if (strcmp(s->name, r->name) != 0 ||
		    (r->flags & SESSION_NAME_AGAIN && s->uid == uid))
			continue;
		err_set(err, EEXIST, "name the session '%s': there is one of that name", r->name);
		return err_hint(err, "give another --name, or none: it is numbered then");
	}
	return 0;
}

/* The name, or name-2, name-3 … when it is taken. */
static void free_name(const struct facts *f, const char *name, char ret[SESSION_NAME_MAX])
{
	snprintf(ret, SESSION_NAME_MAX, "%s", name);
	for (unsigned int n = 2; name_taken(f, ret); n++) {
		char number[16];
		int digits = snprintf(number, sizeof(number), "-%u", n);

		snprintf(ret, SESSION_NAME_MAX, "%.*s%s", SESSION_NAME_BYTES - digits, name,
			 number);
	}
}

static int check_bridge(const struct facts *f, struct err *err)
{
	const struct fact_link *bridge = facts_link(f, BRIDGE_NAME);

	if (!bridge || facts_is_our_bridge(bridge))
		return 0;
	return err_set(err, EEXIST,
		       "make bridge '" BRIDGE_NAME
		       "': a %s of that name exists and was not made by "
		       "via-iface; remove it (`ip link del " BRIDGE_NAME "`) or rename it",
		       bridge->kind[0] ? bridge->kind : "link");
}

/* What the session's device will take, for as long as it lives. */
static uint32_t uplink_mtu(const struct facts *f, const struct session *s)
{
	const struct fact_link *l = facts_link(f, s->uplink);
	uint32_t mtu = s->mtu ? s->mtu : l ? l->mtu : 1500;

	return mtu > 65535 ? 65535 : mtu;
}

int plan_check_names(const struct facts *f, const char *uplink, struct err *err)
{
	const struct fact_link *l = facts_link(f, uplink);
	const struct fact_dns *dns = l ? facts_dns(f, l->index) : NULL;
	const char *problem = NULL;
	char text[IP_TEXT_MAX];

	for (size_t i = 0; dns && i < dns->n; i++) {
		problem = plan_server_problem(f, l, &dns->servers[i]);
		if (!problem)
			return 0;
	}
	if (problem) {
		err_set(err, ENOENT, "ask the name server %s of uplink '%s': %s",
			ip_format(&dns->servers[dns->n - 1], text), uplink, problem);
		return err_hint(err, "name another one: --dns ADDR, for example --dns 9.9.9.9");
	}
	err_set(err, ENOENT,
		"find name servers for uplink '%s': neither NetworkManager, ConnMan, "
		"systemd-networkd, "
		"systemd-resolved, ModemManager nor a DHCP client tells any%s%s%s",
		uplink, f->leases_denied ? " (" : "", f->leases_denied ? f->leases_denied : "",
		f->leases_denied ? ": permission denied)" : "");
	return err_hint(err, "name one: --dns ADDR, for example --dns 9.9.9.9");
}

/* A server that no question would reach; a later move is checked by the firewall alone. */
static int check_own_servers(const struct facts *f, const struct request *r, const char *uplink,
			     struct err *err)
{
	char text[IP_TEXT_MAX];

	for (size_t i = 0; r->flags & SESSION_NO_LAN && i < r->n_dns; i++) {
		if (!plan_is_lan(f, uplink, &r->dns[i]))
			continue;
		err_set(err, EACCES, "use --dns %s: --no-lan refuses this destination",
			ip_format(&r->dns[i], text));
		return err_hint(err,
				"leave out --dns: the name servers of '%s' are asked all the same",
				uplink);
	}
	return 0;
}

/*
 * What its alias may become while it lives: paused, with another uplink, renamed to the longest
 * name. Inode numbers of namespaces have 32 bits (struct ns_common of linux/ns_common.h).
 */
static void grow(struct session *s)
{
	s->netns = UINT32_MAX;
	s->since = 9999999999; /* the year 2286 */
	s->slot = 255;
	s->mtu = 65535;
	s->flags |= SESSION_PAUSED;
	memset(s->uplink, 'x', sizeof(s->uplink) - 1);
}

/*
 * The first that can serve. A named netns, and a launch that has waited for one and lost it since,
 * are pending: blocked until then, "" in ret, and name servers are found with the uplink.
 */
static int choose(const struct facts *f, const struct request *r, char ret[IFNAMSIZ],
		  struct err *err)
{
	const bool pending = r->flags & SESSION_PENDING;
	struct err why = { 0 };
	int code = uplink_choose(f, &r->uplinks, r->flags, ret, &why);

	if (code == -ENETUNREACH && pending && uplink_may_come(f, &r->uplinks)) {
		*ret = 0;
		return 0;
	}
	if (code < 0)
		*err = why;
	else if (!pending && !r->n_dns && !r->probe_of) /* a probe asks an address */
		code = plan_check_names(f, ret, err);
	return code;
}

int plan_admit_spare(const struct facts *f, const struct admit_memory *memory, struct session *s)
{
	int r = uplink_list_read(s->name, &s->uplinks);

	if (r == 0)
		r = free_host(f, memory, &s->host, NULL);
	if (r == 0)
		s->id = free_id(f, memory->next_id);
	return r;
}

/* Of what it has inside, the caller compares the rest. */
static bool spare_serves(const struct session *spare, const struct session *s)
{
	return !(s->flags & (SESSION_ATTACHED | SESSION_PORTAL)) && !s->probe_of &&
	       spare->mtu == s->mtu &&
	       (spare->flags & SESSION_NO_IPV6) == (s->flags & SESSION_NO_IPV6);
}

/* Number and address: of a spare where that does. */
static int number(const struct facts *f, const struct admit_memory *memory, struct session *s,
		  struct err *err)
{
	const struct session *spare = memory->spare;

	if (spare && spare_serves(spare, s)) {
		s->id = spare->id;
		s->host = spare->host;
		s->netns = spare->netns;
		return 0;
	}
	s->id = free_id(f, memory->next_id);
	return free_host(f, memory, &s->host, err);
}

int plan_admit(const struct facts *f, const struct request *request, uint32_t uid,
	       const struct admit_memory *memory, struct session *ret, struct err *err)
{
	struct session s = { .uid = uid,
			     .flags = request->flags &
				      ~(uint32_t)(SESSION_NAME_GIVEN | SESSION_NAME_AGAIN |
						  SESSION_PENDING | SESSION_JOIN |
						  SESSION_PORTS_AGAIN),
			     .mtu = request->mtu,
			     .probe_of = request->probe_of };
	struct session longest;
	char alias[ALIAS_MAX];
	struct pool pool;
	int r = check_bridge(f, err);

	if (r == 0)
		r = check_name(f, request, uid, err);
	if (r == 0)
		r = plan_share_admit(f, request, uid, err);
	if (r == 0)
		r = plan_publish_free(f,
				      &(struct publish_claim){ .published = &request->published,
							       .uplinks = &request->uplinks,
							       .uid = uid,
							       .again = request->flags &
									SESSION_PORTS_AGAIN },
				      err);
	if (r == 0)
		r = choose(f, request, s.uplink, err);
	if (r == 0)
		r = check_own_servers(f, request, s.uplink, err);
	if (r == 0)
		r = plan_pool(f, &pool, err);
	if (r == 0 && s.uplink[0])
		r = plan_find_slot(f, s.uplink, &s.slot, err);
	s.mtu = uplink_mtu(f, &s);
	if (s.mtu < IP6_MTU_MIN)
		s.flags |= SESSION_NO_IPV6;
	if (r == 0)
		r = number(f, memory, &s, err);
	if (r < 0)
		return r;
	s.person = memory->person;
	s.connections = memory->connections;
	if (request->flags & (SESSION_NAME_GIVEN | SESSION_JOIN))
		copy_string(s.name, sizeof(s.name), request->name);
	else
		free_name(f, request->name, s.name);
	s.uplinks = request->uplinks;
	copy_string(s.device, sizeof(s.device), request->device);
	copy_string(s.share, sizeof(s.share), request->share);
	s.host_ports = request->host_ports;
	if (!s.probe_of)
		s.rates = request->rates.down ? request->rates : memory->rates;
	s.published = request->published;
	memcpy(s.dns, request->dns, sizeof(s.dns));
	s.n_dns = request->n_dns;
	longest = s;
	grow(&longest);
	r = session_format(&longest, alias, err);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}
