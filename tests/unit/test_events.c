/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of rtnetlink, held against what the daemon knows of the host (daemon/events.c). */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_neighbour_is_no_longer_permanent),
		TEST(test_neighbour_of_nobody),
		TEST(test_gone_port_is_not_read),
		TEST(test_launch_beside_an_end),
		TEST(test_launch_at_the_address_of_an_end),
		TEST(test_entries_wait),
	};

	return RUN_TESTS(tests);
}
