/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of rtnetlink, held against what the daemon knows of the host (daemon/events.c). */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "fake_kernel.h"
#include "list.h"
#include "model/own.h"
#include "net/nl.h"
#include "unit.h"

static struct host_state host;

static int set_up(void **state)
{
	(void)state;
	fake_kernel_init();
	fake_kernel_host(&host);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	host_close(&host);
	fake_kernel_done();
	return 0;
}

static uint32_t launch(const char *uplink)
{
	struct request r = { .owner = REQUEST_OWNER_SELF };
	const struct launch l = { .request = &r, .uid = 1000, .peer = 1000 };
	struct settle settle;
	struct session s;
	struct err err = { 0 };
	int netns = -1;

	r.uplinks = list_of(uplink);
	assert_int_equal(copy_string(r.name, sizeof(r.name), "a"), 0);
	assert_int_equal(host_launch(&host, &l, &s, &settle, &netns, &err), 0);
	close_fd(&netns);
	return s.id;
}

/* A session, whose objects the daemon has observed; its id. */
static uint32_t run(const char *uplink)
{
	uint32_t id = launch(uplink);

	assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	assert_false(host.stale);
	return id;
}

/* Hands the daemon an event about an entry of ours, as the kernel words it in that state. */
static bool neigh_event(const struct object *o, uint16_t type, uint16_t state)
{
	bool fdb = o->kind == OBJ_FDB;
	struct nl_msg m;
	struct ndmsg *ndm = nl_msg_start(&m, type, 0, sizeof(*ndm));

	ndm->ndm_family = fdb ? AF_BRIDGE : o->neigh.ip.family;
	ndm->ndm_ifindex = facts_link(&host.facts, fdb ? o->fdb.dev : o->neigh.dev)->index;
	ndm->ndm_state = state;
	if (!fdb)
		nl_put_ip(&m, NDA_DST, &o->neigh.ip);
	if (!(state & (NUD_FAILED | NUD_INCOMPLETE)))
		nl_put_mac(&m, NDA_LLADDR, fdb ? &o->fdb.mac : &o->neigh.mac);
	return fake_kernel_event(&host, &m.nlh);
}

/*
 * A neighbour entry that is deleted is first marked as failed. A packet of the session's that comes
 * in between has the kernel ask for the address, for which it keeps the entry
 * (net/core/neighbour.c:neigh_remove_one): that it went is never announced. So it is with one that
 * somebody makes the kernel verify.
 */
static void test_neighbour_is_no_longer_permanent(void **state)
{
	static const uint16_t states[] = { NUD_FAILED, NUD_INCOMPLETE, NUD_STALE, NUD_REACHABLE };
	unsigned int seen = 0;

	(void)state;
	run("wlp6s0");
	for (size_t i = 0; i < fake_kernel.ours.n; i++) {
		struct object o = fake_kernel.ours.v[i];

		if (o.kind != OBJ_NEIGH && o.kind != OBJ_FDB)
			continue;
		seen |= o.kind == OBJ_FDB ? 4 : o.neigh.ip.family == AF_INET ? 1 : 2;
		assert_false(neigh_event(&o, RTM_NEWNEIGH,
					 o.kind == OBJ_FDB ? NUD_NOARP : NUD_PERMANENT));
		for (size_t j = o.kind == OBJ_FDB ? 2 : 0; j < ARRAY_SIZE(states); j++) {
			fake_kernel_remove(i);
			assert_true(neigh_event(&o, RTM_NEWNEIGH, states[j]));
			assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
			assert_true(i < fake_kernel.ours.n &&
				    object_same(&fake_kernel.ours.v[i], &o));
		}
	}
	assert_int_equal(seen, 7);
}

/* What the host asks for in the pool beside the sessions' addresses costs no observation. */
static void test_neighbour_of_nobody(void **state)
{
	struct object o = { .kind = OBJ_NEIGH, .neigh.dev = BRIDGE_NAME };
	const struct uplink_list wired = list_of("enp7s0");
	struct prefix p;
	uint32_t id = run("wlp6s0");

	(void)state;
	assert_int_equal(prefix_parse("10.209.3.200/32", &p), 0);
	o.neigh.ip = p.ip;
	assert_false(neigh_event(&o, RTM_NEWNEIGH, NUD_FAILED));
	assert_false(neigh_event(&o, RTM_DELNEIGH, NUD_FAILED));
	assert_false(host.stale);
	assert_int_equal(host_move(&host, id, &wired, 1000, &(struct err){ 0 }), 0);
	assert_int_equal(host.knowledge, HOST_CHANGED);
	assert_false(neigh_event(&o, RTM_NEWNEIGH, NUD_FAILED));
	assert_false(neigh_event(&o, RTM_DELNEIGH, NUD_FAILED));
}

/* A session, and another one that was observed, so that the number of its port is known. */
static uint32_t run_two(void)
{
	uint32_t id;

	run("wlp6s0");
	id = run("wlp6s0");
	fake_kernel_lose_events(&host);
	for (int i = 0; i < 3; i++)
		assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	return id;
}

static void put_link(struct nl_msg *m, uint16_t type, uint32_t id)
{
	struct ifinfomsg *ifi = nl_msg_start(m, type, 0, sizeof(*ifi));
	char port[IFNAMSIZ];

	session_port(id, port);
	ifi->ifi_index = facts_link(&host.facts, port)->index;
	nl_put_str(m, IFLA_IFNAME, port);
	nl_put_u32(m, IFLA_GROUP, OWN_PORT_GROUP);
}

/* The port of a session goes, and is announced as down first, in one datagram. */
static void end(uint32_t id)
{
	char bytes[2 * sizeof(struct nl_msg)] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nl_msg down, gone;

	put_link(&down, RTM_NEWLINK, id);
	put_link(&gone, RTM_DELLINK, id);
	fake_kernel_end_session(id);
	memcpy(bytes, &down.nlh, down.nlh.nlmsg_len);
	memcpy(bytes + MNL_ALIGN(down.nlh.nlmsg_len), &gone.nlh, gone.nlh.nlmsg_len);
	fake_kernel.event_more = gone.nlh.nlmsg_len;
	assert_true(fake_kernel_event(&host, (struct nlmsghdr *)bytes));
}

static size_t neighbours(void)
{
	size_t n = 0;

	for (size_t i = 0; i < fake_kernel.ours.n; i++)
		n += fake_kernel.ours.v[i].kind == OBJ_NEIGH;
	return n;
}

static void test_gone_port_is_not_read(void **state)
{
	uint32_t id = run_two();
	unsigned int before = fake_kernel.links_read;

	(void)state;
	end(id);
	assert_int_equal(fake_kernel.links_read, before);
	assert_int_equal(host.ended.n, 1);
	assert_false(host.stale);
}

/* A launch does its own part alone; what is left of a session that has just ended is for later. */
static void test_launch_beside_an_end(void **state)
{
	uint32_t id = run_two();
	unsigned int observed = fake_kernel.observed;
	size_t before = neighbours();

	(void)state;
	end(id);
	launch("wlp6s0");
	assert_int_equal(neighbours(), before + before / 2);
	assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	assert_int_equal(neighbours(), before);
	assert_int_equal(fake_kernel.observed, observed);
	assert_int_equal(host.knowledge, HOST_SETTLED);
}

/* Sessions that end together are cleaned up after in one go: a transaction of nftables each would
 * have the kernel wait for each. */
static void test_ends_together(void **state)
{
	uint32_t ids[3];
	unsigned int applied;
	size_t before;

	(void)state;
	run_two();
	before = neighbours();
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = run("wlp6s0");
	fake_kernel_lose_events(&host);
	for (int i = 0; i < 3; i++)
		assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		end(ids[i]);
	assert_int_equal(host.ended.n, 3);
	applied = fake_kernel.applied;
	assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	assert_int_equal(fake_kernel.applied, applied + 1);
	assert_int_equal(neighbours(), before);
	assert_int_equal(host.ended.n, 0);
	fake_kernel_lose_events(&host); /* nothing is left to be done */
	applied = fake_kernel.applied;
	assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	assert_int_equal(fake_kernel.applied, applied);
}

/* What the new one has is not removed with what the ended one left at the same address. */
static void test_launch_at_the_address_of_an_end(void **state)
{
	uint32_t id = run_two();
	size_t before = neighbours();

	(void)state;
	end(id);
	host.ended.v[0].host = host.memory.next_host;
	launch("wlp6s0");
	assert_int_equal(neighbours(), before);
	assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	assert_int_equal(neighbours(), before);
}

/* Ends are collected: connection tracking is not walked for each. */
static void test_entries_wait(void **state)
{
	uint32_t id = run_two();
	int64_t now = clock_ms();

	(void)state;
	host_note_ends(&host);
	assert_int_equal(host.entries.due, INT64_MAX);
	end(id);
	host_note_ends(&host);
	assert_in_range(host.entries.due - now, 900, 2000);
}

/* --- what others do ------------------------------------------------------------------------ */

struct route_of {
	const char *dst, *gateway, *dev; /* NULL: none */
	uint32_t table;
	uint8_t type;
};

static int index_of(const char *dev)
{
	const struct fact_link *l = dev ? facts_link(&host.facts, dev) : NULL;

	return l ? l->index : dev ? 4711 : 0; /* one that is not known */
}

static bool route_event(uint16_t type, uint16_t flags, const struct route_of *r)
{
	struct nl_msg m;
	struct rtmsg *rtm = nl_msg_start(&m, type, flags, sizeof(*rtm));
	struct prefix dst;
	struct ip gateway;

	m.nlh.nlmsg_flags = flags;
	assert_int_equal(prefix_parse(r->dst, &dst), 0);
	rtm->rtm_family = dst.ip.family;
	rtm->rtm_dst_len = dst.len;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	rtm->rtm_type = r->type ? r->type : RTN_UNICAST;
	rtm->rtm_protocol = RTPROT_STATIC;
	nl_put_ip(&m, RTA_DST, &dst.ip);
	nl_put_u32(&m, RTA_TABLE, r->table ? r->table : RT_TABLE_MAIN);
	if (r->gateway) {
		assert_int_equal(ip_parse(r->gateway, &gateway), 0);
		nl_put_ip(&m, RTA_GATEWAY, &gateway);
	}
	if (r->dev)
		nl_put_u32(&m, RTA_OIF, (uint32_t)index_of(r->dev));
	return fake_kernel_event(&host, &m.nlh);
}

static bool address_event(uint16_t type, const char *dev, const char *text)
{
	struct nl_msg m;
	struct ifaddrmsg *ifa = nl_msg_start(&m, type, 0, sizeof(*ifa));
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	ifa->ifa_family = p.ip.family;
	ifa->ifa_prefixlen = p.len;
	ifa->ifa_index = (uint32_t)index_of(dev);
	nl_put_ip(&m, p.ip.family == AF_INET ? IFA_LOCAL : IFA_ADDRESS, &p.ip);
	return fake_kernel_event(&host, &m.nlh);
}

static bool link_event(uint16_t type, int index, const char *name, const char *kind)
{
	struct nl_msg m;
	struct ifinfomsg *ifi = nl_msg_start(&m, type, 0, sizeof(*ifi));
	struct nlattr *info;

	ifi->ifi_index = index;
	ifi->ifi_flags = IFF_UP;
	nl_put_str(&m, IFLA_IFNAME, name);
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_put_str(&m, IFLA_INFO_KIND, kind);
	nl_nest_end(&m, info);
	return fake_kernel_event(&host, &m.nlh);
}

/* Whether a change made the facts old for everybody; they are observed anew then. */
static bool made_stale(void)
{
	bool stale = host.stale;

	if (stale)
		for (int i = 0; i < 3; i++)
			assert_int_equal(host_heal(&host, &(struct err){ 0 }), 0);
	assert_false(host.stale);
	return stale;
}

/* Containers come and go, a routing daemon fills another card's table: launches observe nothing. */
static void test_others_do_what_they_like(void **state)
{
	static const struct route_of routes[] = {
		{ .dst = "198.51.100.0/24", .gateway = "192.168.1.1", .dev = "enp7s0" },
		{ .dst = "0.0.0.0/0", .gateway = "192.168.1.7", .dev = "enp7s0" },
		{ .dst = "2001:db8:99::/48", .gateway = "2001:db8:1::1", .dev = "enp7s0" },
		{ .dst = "100.64.0.0/10", .dev = "cni7", .table = 500 },
		{ .dst = "172.17.0.1/32",
		  .dev = "cni7",
		  .table = RT_TABLE_LOCAL,
		  .type = RTN_LOCAL },
	};
	unsigned int observed;

	(void)state;
	run_two();
	observed = fake_kernel.observed;
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		assert_false(route_event(RTM_NEWROUTE, NLM_F_CREATE, &routes[i]));
		assert_false(route_event(RTM_NEWROUTE, NLM_F_REPLACE, &routes[i]));
		assert_false(route_event(RTM_DELROUTE, 0, &routes[i]));
	}
	assert_false(link_event(RTM_NEWLINK, 4711, "cni7", "veth"));
	assert_false(address_event(RTM_NEWADDR, "cni7", "172.17.0.1/16"));
	assert_false(address_event(RTM_NEWADDR, "cni7", "fe80::42/64"));
	assert_false(address_event(RTM_NEWADDR, "enp7s0", "192.168.1.77/24"));
	assert_false(address_event(RTM_DELADDR, "cni7", "172.17.0.1/16"));
	assert_false(link_event(RTM_DELLINK, 4711, "cni7", "veth"));
	assert_false(host.stale);
	assert_true(host.others_stale);
	launch("wlp6s0");
	assert_int_equal(fake_kernel.observed, observed);
	assert_int_equal(host.knowledge, HOST_SETTLED);
	launch("enp7s0"); /* whose routes and addresses may be other ones now */
	assert_int_equal(fake_kernel.observed, observed + 1);
	assert_false(host.others_stale);
}

/* What can matter to a session's uplink makes the facts old, whatever device it is of. */
static void test_others_who_matter(void **state)
{
	const struct route_of ruled = { .dst = "0.0.0.0/0", .dev = "enp7s0", .table = 77 },
			      stops = { .dst = "10.0.0.0/8", .type = RTN_UNREACHABLE };
	struct fact_rule *rule;

	(void)state;
	run_two();
	rule = VEC_PUSH(&host.facts.rules);
	assert_non_null(rule);
	rule->family = AF_INET;
	rule->table = 77;
	route_event(RTM_NEWROUTE, NLM_F_CREATE, &ruled);
	assert_true(made_stale());
	assert_true(route_event(RTM_NEWROUTE, NLM_F_CREATE, &stops));
	assert_true(made_stale());
	address_event(RTM_NEWADDR, "enp7s0", "192.168.2.77/24"); /* in the uplink's subnet */
	assert_true(made_stale());
	address_event(RTM_NEWADDR, "cni7", "192.168.2.1/32"); /* the uplink's gateway */
	assert_true(made_stale());
	address_event(RTM_NEWADDR, "enp7s0", "2001:db8:2::1/128");
	assert_true(made_stale());
	rule = VEC_PUSH(&host.facts.rules);
	assert_non_null(rule);
	rule->family = AF_INET;
	assert_int_equal(prefix_parse("172.17.0.0/16", &rule->src), 0);
	address_event(RTM_NEWADDR, "cni7", "172.17.0.9/32");
	assert_true(made_stale());
	link_event(RTM_NEWLINK, 4712, "red", "vrf");
	assert_true(made_stale());
	assert_true(link_event(RTM_NEWLINK, 4713, "wlp6s0", "veth"));
	assert_true(made_stale());
}

/* Without a session the pool is still to be chosen: no route may lead into it. */
static void test_others_before_a_session(void **state)
{
	const struct route_of route = { .dst = "10.209.0.0/16", .dev = "enp7s0" };

	(void)state;
	assert_int_equal(host_observe(&host, NULL, &(struct err){ 0 }), 0);
	assert_false(host.stale);
	route_event(RTM_NEWROUTE, NLM_F_CREATE, &route);
	assert_true(host.stale);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_neighbour_is_no_longer_permanent),
		TEST(test_neighbour_of_nobody),
		TEST(test_gone_port_is_not_read),
		TEST(test_launch_beside_an_end),
		TEST(test_launch_at_the_address_of_an_end),
		TEST(test_ends_together),
		TEST(test_entries_wait),
		TEST(test_others_do_what_they_like),
		TEST(test_others_who_matter),
		TEST(test_others_before_a_session),
	};

	return RUN_TESTS(tests);
}
