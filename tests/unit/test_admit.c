/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "list.h"
#include "plan/join.h"
#include "plan/plan.h"
#include "plan/uplink.h"
#include "scene.h"
#include "unit.h"

static const char *const pools[] = { "10.209.0.0/22", "10.213.0.0/22", "172.29.208.0/22",
				     "100.99.208.0/22" };
#define N_POOLS (sizeof(pools) / sizeof(pools[0]))

#define POOL_IS(f, wanted)                                                                         \
	do {                                                                                       \
		char buf_[IP_TEXT_MAX];                                                            \
		struct pool pool_ = { 0 };                                                         \
		struct err err_ = { 0 };                                                           \
		if (plan_pool(f, &pool_, &err_) < 0)                                               \
			fail_msg("%s", err_.text);                                                 \
		assert_string_equal(prefix_format(&pool_.ip4, buf_), wanted);                      \
	} while (0)

/* --- the pool ------------------------------------------------------------------------------ */

static void test_first_pool(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	POOL_IS(&f, pools[0]);
	scene_split(&f);
	POOL_IS(&f, pools[0]);
}

static void test_each_pool_in_turn(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	static const char *const taken[] = { "10.209.3.0/24", "10.213.0.0/16", "172.29.208.1/32" };

	(void)state;
	scene_split(&f);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		scene_route(&f, "enp7s0", taken[i], "192.168.1.1", 100);
		scene_last_route(&f)->table = 1000 + (uint32_t)i; /* any table */
		POOL_IS(&f, pools[i + 1]);
	}
}

static void test_a_wide_route_takes_several(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_route(&f, "enp7s0", "10.0.0.0/8", "192.168.1.1", 100);
	POOL_IS(&f, pools[2]);
	scene_route(&f, NULL, "172.16.0.0/12", NULL, 100);
	scene_last_route(&f)->type = RTN_BLACKHOLE; /* somebody means something by it */
	POOL_IS(&f, pools[3]);
}

static void test_addresses_take_pools(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_addr_with(&f, "enp7s0", "10.209.2.5/32", RT_SCOPE_LINK, IFA_F_DEPRECATED);
	POOL_IS(&f, pools[1]);
	scene_addr(&f, "lo", "10.215.255.1/13"); /* its network, with host bits */
	POOL_IS(&f, pools[2]);
}

static void test_what_takes_no_pool(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f); /* has default routes */
	scene_route(&f, "enp7s0", "10.208.255.255/32", NULL, 0);
	scene_route(&f, "enp7s0", "10.209.4.0/22", NULL, 0);
	scene_route(&f, "enp7s0", "2001:db8::/32", NULL, 0);
	/* routes of our own, and what stands on our bridge */
	scene_route(&f, "enp7s0", "10.209.0.0/22", NULL, 0);
	scene_last_route(&f)->protocol = VIA_RTPROT;
	scene_last_route(&f)->table = OWN_TABLE_BASE + 1;
	POOL_IS(&f, pools[0]);
	scene_bridge(&f, "10.209.0.0/22");
	scene_route(&f, "via0", "10.209.0.0/22", NULL, 0);
	scene_addr(&f, "via0", "10.209.0.9/22"); /* somebody else's, on our bridge */
	POOL_IS(&f, pools[0]);
}

/* While a bridge of ours stands its pool stays, whatever comes later. */
static void test_pool_in_use_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_POOLS; i++) {
		_cleanup_facts_ struct facts f = { 0 };

		scene_split(&f);
		scene_bridge(&f, pools[i]);
		POOL_IS(&f, pools[i]);
		scene_route(&f, "enp7s0", "0.0.0.0/1", "192.168.1.1", 1);
		scene_route(&f, "enp7s0", "128.0.0.0/1", "192.168.1.1", 1);
		POOL_IS(&f, pools[i]);
	}
}

static void test_all_pools_taken(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct pool pool;
	struct err err = { 0 };

	(void)state;
	scene_split(&f);
	scene_route(&f, "enp7s0", "10.0.0.0/8", "192.168.1.1", 100);
	scene_route(&f, "enp7s0", "172.29.0.0/16", "192.168.1.1", 100);
	scene_route(&f, "enp7s0", "100.64.0.0/10", NULL, 100);
	scene_last_route(&f)->table = 52;
	memset(&pool, 0x55, sizeof(pool));
	assert_int_equal(plan_pool(&f, &pool, &err), -EADDRNOTAVAIL);
	assert_int_equal(err.code, EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "100.99.208.0/22, by route 100.64.0.0/10 in table 52"));
	assert_int_equal(pool.ip4.len, 0x55);
	f.routes.n--;
	scene_addr(&f, "enp7s0", "100.99.209.7/32");
	assert_int_equal(plan_pool(&f, &pool, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "by address 100.99.209.7/32"));
	assert_int_equal(plan_pool(&f, &pool, NULL), -EADDRNOTAVAIL);
}

/* A session more than the pool has addresses for is told how many there are, and what to do. */
static void test_all_addresses_taken(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	const uint32_t all = SESSION_HOST_LAST - SESSION_HOST_FIRST + 1;
	struct admit_memory memory = { .next_host = SESSION_HOST_FIRST };
	struct request r = { .owner = REQUEST_OWNER_SELF };
	struct session s = { 0 };
	struct err err = { 0 };

	(void)state;
	scene_split(&f);
	r.uplinks = list_of("wlp6s0");
	for (uint32_t i = 0; i < all; i++) {
		struct session *added = VEC_PUSH(&f.sessions);

		assert_non_null(added);
		added->id = i + 1;
		added->host = SESSION_HOST_FIRST + i;
	}
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &s, &err), -EADDRNOTAVAIL);
	assert_string_equal(err.text,
			    "choose an address for the session: all 1020 of the pool are in "
			    "use; end a session first");
	f.sessions.v[500].host = f.sessions.v[501].host;
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &s, &err), 0);
	assert_int_equal(s.host, SESSION_HOST_FIRST + 500);
}

static void test_addresses(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct session s = { .host = 1022 };
	char buf[IP_TEXT_MAX];
	struct pool pool;
	struct ip ip;

	(void)state;
	scene_host(&f);
	assert_int_equal(plan_pool(&f, &pool, NULL), 0);
	/* 16 bits that are the host's */
	assert_string_equal(prefix_format(&pool.ip6, buf), "2001:2:0:c0ff::/64");
	ip = plan_gateway(&pool, AF_INET);
	assert_string_equal(ip_format(&ip, buf), "10.209.0.1");
	ip = plan_gateway(&pool, AF_INET6);
	assert_string_equal(ip_format(&ip, buf), "2001:2:0:c0ff::1");
	ip = plan_address(&pool, &s, AF_INET);
	assert_string_equal(ip_format(&ip, buf), "10.209.3.254");
	ip = plan_address(&pool, &s, AF_INET6);
	assert_string_equal(ip_format(&ip, buf), "2001:2:0:c0ff::3fe");
	s.host = SESSION_HOST_FIRST;
	ip = plan_address(&pool, &s, AF_INET);
	assert_string_equal(ip_format(&ip, buf), "10.209.0.3");
}

static void check_pool6(struct facts *f, const char *wanted)
{
	char buf[IP_TEXT_MAX];
	struct pool pool;

	assert_int_equal(plan_pool(f, &pool, NULL), 0);
	assert_string_equal(prefix_format(&pool.ip6, buf), wanted);
}

/* Who uses the network that has our pool keeps it; who has a route to more than that does not. */
static void test_pool6_taken(void **state)
{
	const char *ours = "2001:2:0:c0ff::/64", *unique_local = "fdc0:ffee:1234::/64";
	const char *taken[] = { "2001:2::/48", "2001:2:0:c0ff::/64", "2001:2:0:c0ff::5/128" };
	const char *not_taken[] = { "::/0", "2000::/3", "2001:2::/47", "2001:2:0:c0fe::/64" };
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	check_pool6(&f, ours);
	for (size_t i = 0; i < sizeof(not_taken) / sizeof(not_taken[0]); i++)
		scene_route(&f, "enp7s0", not_taken[i], "fe80::1", 100);
	check_pool6(&f, ours);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		scene_route(&f, "enp7s0", taken[i], "fe80::1", 100);
		check_pool6(&f, unique_local);
		f.routes.n--;
	}
	scene_addr(&f, "enp7s0", "2001:2:0:c0ff::7/64");
	check_pool6(&f, unique_local);
	f.addrs.n--;
	check_pool6(&f, ours);
	/* sessions keep what they have, also those of a daemon that knew another pool */
	scene_bridge(&f, "10.209.0.0/22");
	scene_addr(&f, "via0", "fdc0:ffee:1234::1/64");
	check_pool6(&f, unique_local);
}

/* --- admission ----------------------------------------------------------------------------- */

static struct request curl = { .name = "curl" };
static const struct admit_memory fresh = { 0 };

static struct session admitted(const struct facts *f, const struct request *r,
			       const struct admit_memory *memory)
{
	struct session s;
	struct err err = { 0 };

	memset(&s, 0x55, sizeof(s));
	if (plan_admit(f, r, 1000, memory, &s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

static void refused(const struct facts *f, const struct request *r, int code, const char *part)
{
	struct session s;
	struct err err = { 0 };

	memset(&s, 0x55, sizeof(s));
	assert_int_equal(plan_admit(f, r, 1000, &fresh, &s, &err), -code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, part))
		fail_msg("no '%s' in '%s'", part, err.text);
	assert_int_equal(s.id, 0x55555555);
}

static void test_first_session(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = { .uplinks = list_of("wwan0,wlp6s0,enp7s0"),
			     .name = "steam",
			     .flags = SESSION_NO_LAN,
			     .mtu = 1400 };
	struct session s;

	(void)state;
	scene_split(&f);
	s = admitted(&f, &r, &fresh);
	assert_int_equal(s.id, 1);
	assert_int_equal(s.uid, 1000);
	assert_int_equal(s.slot, 1);
	assert_int_equal(s.host, SESSION_HOST_FIRST);
	assert_int_equal(s.flags, SESSION_NO_LAN);
	assert_int_equal(s.mtu, 1400);
	assert_true(s.netns == 0);
	assert_true(s.since == 0);
	assert_string_equal(s.name, "steam");
	LIST_IS(s.uplinks, "wwan0,wlp6s0,enp7s0"); /* as it was asked for */
	assert_string_equal(s.uplink, "wlp6s0");
}

static void test_foreign_bridge(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_link(&f, "via0");
	scene_link_is(&f, "via0", "dummy", IFF_UP);
	refused(&f, &curl, EEXIST, "a dummy of that name exists and was not made by via-iface");
	scene_link_is(&f, "via0", "", IFF_UP);
	refused(&f, &curl, EEXIST, "a link of that name");
	f.links.n--;
	scene_bridge(&f, pools[0]);
	assert_int_equal(admitted(&f, &curl, &fresh).id, 1);
	strcpy(f.links.v[f.links.n - 1].alias, "via1 bridge2");
	refused(&f, &curl, EEXIST, "`ip link del via0`");
	strcpy(f.links.v[f.links.n - 1].alias, "via1 bridg");
	refused(&f, &curl, EEXIST, "via0");
}

static void test_no_way_out(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	refused(&f, &curl, ENETUNREACH, "use uplink 'wlp6s0': it has no address");
}

static void test_no_pool(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_route(&f, "enp7s0", "128.0.0.0/2", "192.168.1.1", 1);
	scene_route(&f, "enp7s0", "64.0.0.0/2", "192.168.1.1", 1);
	scene_route(&f, "enp7s0", "0.0.0.0/2", "192.168.1.1", 1);
	refused(&f, &curl, EADDRNOTAVAIL, "by route 64.0.0.0/2 in table 254");
}

/* The two halves that VPNs put before a default route take no pool, as a default takes none. */
static void test_half_defaults_take_no_pool(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_route(&f, "enp7s0", "0.0.0.0/1", "192.168.1.1", 1);
	scene_route(&f, "enp7s0", "128.0.0.0/1", "192.168.1.1", 1);
	POOL_IS(&f, pools[0]);
}

static void test_slots(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct request wired = { .uplinks = list_of("enp7s0"), .name = "curl" };

	(void)state;
	scene_split(&f);
	scene_slot(&f, 2, "wlp6s0");
	scene_slot(&f, 1, "tun0");
	/* an uplink keeps its slot; the next one gets the lowest that is free */
	assert_int_equal(admitted(&f, &curl, &fresh).slot, 2);
	assert_int_equal(admitted(&f, &wired, &fresh).slot, 3);
	f.slots.n = 1;
	assert_int_equal(admitted(&f, &wired, &fresh).slot, 1);
}

static void test_all_slots_taken(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	char name[IFNAMSIZ];

	(void)state;
	scene_split(&f);
	for (uint32_t i = 1; i <= PLAN_SLOT_MAX; i++) {
		if (i == PLAN_SLOT_MAX)
			assert_int_equal(admitted(&f, &curl, &fresh).slot, PLAN_SLOT_MAX);
		snprintf(name, sizeof(name), "tun%u", i);
		scene_slot(&f, i, name);
	}
	refused(&f, &curl, EUSERS, "'wlp6s0': all 254 are in use");
	snprintf(f.slots.v[76].uplink, IFNAMSIZ, "wlp6s0");
	assert_int_equal(admitted(&f, &curl, &fresh).slot, 77);
}

static void test_ids(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct admit_memory memory = { 0 };

	(void)state;
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	scene_session(&f, 1, 3, 1, "wlp6s0", "a");
	scene_session(&f, 2, 4, 1, "wlp6s0", "b");
	scene_session(&f, 4, 5, 1, "wlp6s0", "c");
	assert_int_equal(admitted(&f, &curl, &memory).id, 3);
	memory.next_id = 4;
	assert_int_equal(admitted(&f, &curl, &memory).id, 5);
	memory.next_id = 77;
	assert_int_equal(admitted(&f, &curl, &memory).id, 77);
	/* a port without a session is a launch that died: its number is taken while it stands */
	scene_link(&f, "viap77");
	assert_int_equal(admitted(&f, &curl, &memory).id, 78);
}

static void test_hosts(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct admit_memory memory = { 0 };

	(void)state;
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	scene_session(&f, 1, 3, 1, "wlp6s0", "a");
	scene_session(&f, 2, 5, 1, "wlp6s0", "b");
	memory.next_host = SESSION_HOST_LAST;
	assert_int_equal(admitted(&f, &curl, &memory).host, SESSION_HOST_LAST);
	memory.next_host = 0;
	scene_session(&f, 3, SESSION_HOST_LAST, 1, "wlp6s0", "c");
	assert_int_equal(admitted(&f, &curl, &memory).host, 4);
	memory.next_host = 5;
	assert_int_equal(admitted(&f, &curl, &memory).host, 6);
	memory.next_host = 700;
	assert_int_equal(admitted(&f, &curl, &memory).host, 700);
	memory.next_host = SESSION_HOST_LAST - 1;
	assert_int_equal(admitted(&f, &curl, &memory).host, SESSION_HOST_LAST - 1);
	/* round and round; what is no host number starts at the first */
	memory.next_host = SESSION_HOST_LAST;
	assert_int_equal(admitted(&f, &curl, &memory).host, 4);
	for (uint32_t bad = 1; bad < SESSION_HOST_FIRST; bad++) {
		memory.next_host = bad;
		assert_int_equal(admitted(&f, &curl, &memory).host, 4);
	}
	memory.next_host = SESSION_HOST_LAST + 1;
	assert_int_equal(admitted(&f, &curl, &memory).host, 4);
	memory.next_host = UINT32_MAX;
	assert_int_equal(admitted(&f, &curl, &memory).host, 4);
}

static void test_all_hosts_taken(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct admit_memory memory = { .next_host = 500 };

	(void)state;
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	for (uint32_t host = SESSION_HOST_FIRST; host <= SESSION_HOST_LAST; host++)
		if (host != 499)
			scene_session(&f, host, host, 1, "wlp6s0", "x");
	assert_int_equal(admitted(&f, &curl, &memory).host, 499);
	scene_session(&f, 499, 499, 1, "wlp6s0", "x");
	refused(&f, &curl, EADDRNOTAVAIL, "all 1020 of the pool are in use");
}

static void test_names(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct session s;

	(void)state;
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	assert_string_equal(admitted(&f, &curl, &fresh).name, "curl");
	scene_session(&f, 1, 3, 1, "wlp6s0", "curl");
	s = admitted(&f, &curl, &fresh);
	assert_string_equal(s.name, "curl-2");
	scene_session(&f, 2, 4, 1, "wlp6s0", "curl-3");
	assert_string_equal(admitted(&f, &curl, &fresh).name, "curl-2");
	scene_session(&f, 3, 5, 1, "wlp6s0", "curl-2");
	assert_string_equal(admitted(&f, &curl, &fresh).name, "curl-4");
	for (uint32_t n = 4; n < 12; n++) {
		char name[16];

		snprintf(name, sizeof(name), "curl-%u", n);
		scene_session(&f, n, n + 2, 1, "wlp6s0", name);
	}
	assert_string_equal(admitted(&f, &curl, &fresh).name, "curl-12");
}

/* A named netns may be made before its uplink can serve: it is blocked, and has no slot yet. */
static void test_pending(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = curl;
	struct session s;

	(void)state;
	scene_split(&f);
	r.flags = SESSION_KEEP;
	uplink_list_parse("usb7", &r.uplinks, NULL);
	refused(&f, &r, ENETUNREACH, "usb7");
	r.flags |= SESSION_PENDING;
	s = admitted(&f, &r, &fresh);
	assert_int_equal(s.slot, 0);
	assert_string_equal(s.uplink, "");
	assert_int_equal(s.flags, SESSION_KEEP);
	uplink_list_parse("lo", &r.uplinks, NULL); /* which never can */
	refused(&f, &r, ENETUNREACH, "lo");
	uplink_list_parse("usb7,wlp6s0", &r.uplinks, NULL);
	s = admitted(&f, &r, &fresh);
	assert_string_equal(s.uplink, "wlp6s0");
}

/* One that was given is taken as it is, or not at all; what is closing and the user's does not
 * count. */
static void test_given_names(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request given = curl;
	struct session s;
	struct err err = { 0 };

	(void)state;
	scene_split(&f);
	given.flags = SESSION_NAME_GIVEN;
	s = admitted(&f, &given, &fresh);
	assert_string_equal(s.name, "curl");
	assert_int_equal(s.flags & (SESSION_NAME_GIVEN | SESSION_NAME_AGAIN), 0);
	scene_session(&f, 1, 3, 1, "wlp6s0", "curl");
	refused(&f, &given, EEXIST, "there is one of that name");
	given.flags |= SESSION_NAME_AGAIN;
	f.sessions.v[0].uid = 77;
	assert_int_equal(plan_admit(&f, &given, 77, &fresh, &s, &err), 0);
	assert_string_equal(s.name, "curl");
	assert_int_equal(plan_admit(&f, &given, 78, &fresh, &s, &err), -EEXIST); /* another's */
}

static int found(const struct facts *f, const struct request *r, uint32_t uid, uint32_t *ret_id)
{
	const struct session *s = NULL;
	struct err err = { 0 };
	int result = join_find(f, r, uid, &s, &err);

	*ret_id = s ? s->id : 0;
	return result;
}

/* The owner's youngest session of that name, if it restricts the program as the request does. */
static void test_join(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request join = curl;
	struct session made;
	struct err err = { 0 };
	uint32_t uid, id;

	(void)state;
	scene_split(&f);
	join.flags = SESSION_JOIN;
	made = admitted(&f, &join, &fresh);
	assert_string_equal(made.name, "curl");
	assert_int_equal(made.flags & SESSION_JOIN, 0);
	assert_int_equal(found(&f, &join, 1000, &id), 0);
	scene_session(&f, 1, 3, 1, "wlp6s0", "curl");
	scene_session(&f, 2, 4, 1, "wlp6s0", "curl");
	uid = f.sessions.v[0].uid;
	f.sessions.v[0].since = f.sessions.v[1].since + 1;
	assert_int_equal(found(&f, &join, uid, &id), 1);
	assert_int_equal(id, 1);
	assert_int_equal(found(&f, &join, uid + 1, &id), 0); /* another's */
	assert_int_equal(plan_admit(&f, &join, uid + 1, &fresh, &made, &err), -EEXIST);
	join.flags |= SESSION_NO_LAN;
	assert_int_equal(found(&f, &join, uid, &id), -EEXIST);
	f.sessions.v[0].flags = SESSION_NO_LAN | SESSION_NO_IPV6;
	assert_int_equal(found(&f, &join, uid, &id), 1); /* more restricted is as well */
	f.sessions.v[0].flags |= SESSION_HOST_ACCESS;
	assert_int_equal(found(&f, &join, uid, &id), -EEXIST);
	f.sessions.v[0].probe_of = f.sessions.v[1].probe_of = 9;
	assert_int_equal(found(&f, &join, uid, &id), 0);
}

/* It opens a login page and nothing else: the daemon takes no option with it that opens more. */
static void test_portal(void **state)
{
	static const uint32_t refused[] = { SESSION_HOST_ACCESS, SESSION_KEEP, SESSION_JOIN };
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = curl;
	struct err err = { 0 };
	char chosen[IFNAMSIZ];

	(void)state;
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	r.flags |= SESSION_PORTAL;
	assert_int_equal(request_check(&r, NULL), 0);
	assert_true(admitted(&f, &r, &fresh).flags & SESSION_PORTAL);
	scene_dns(&f, "wlp6s0", "192.168.2.1");
	for (size_t i = 0; i < f.dns.n; i++)
		f.dns.v[i].portal = f.dns.v[i].index == facts_link(&f, "wlp6s0")->index;
	assert_string_equal(admitted(&f, &r, &fresh).uplink, "wlp6s0");
	assert_int_equal(uplink_choose(&f, &r.uplinks, 0, chosen, &err), -ENETUNREACH);
	assert_non_null(strstr(err.text, "log in by `via-iface portal wlp6s0`"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		r.flags = SESSION_PORTAL | refused[i];
		assert_int_equal(request_check(&r, NULL), -EINVAL);
	}
	r.flags = SESSION_PORTAL;
	assert_null(publish_add("8080", &r.published));
	assert_int_equal(request_check(&r, NULL), -EINVAL);
	memset(&r.published, 0, sizeof(r.published));
	assert_int_equal(request_check(&r, NULL), 0);
	strcpy(r.device, "via");
	assert_int_equal(request_check_attach(&r, NULL), -EINVAL);
	r.device[0] = 0;
	strcpy(r.share, "lan");
	assert_int_equal(request_check(&r, NULL), -EINVAL);
}

/* The number takes its place from the name's end: what comes out is a name again. */
static void test_long_names(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = curl;
	struct session s, back;
	char alias[ALIAS_MAX];

	(void)state;
	strcpy(r.name, "n123456789abcdef0123456789abcdef");
	assert_int_equal(request_check(&r, NULL), 0);
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	assert_string_equal(admitted(&f, &r, &fresh).name, r.name);
	scene_session(&f, 1, 3, 1, "wlp6s0", r.name);
	s = admitted(&f, &r, &fresh);
	assert_string_equal(s.name, "n123456789abcdef0123456789abcd-2");
	assert_true(session_name_valid(s.name));
	s.netns = 1;
	assert_int_equal(session_format(&s, alias, NULL), 0);
	assert_int_equal(session_parse(alias, &back), 0);
	for (uint32_t n = 2; n < 10; n++) {
		char name[SESSION_NAME_MAX];

		snprintf(name, sizeof(name), "n123456789abcdef0123456789abcd-%u", n);
		scene_session(&f, n, n + 2, 1, "wlp6s0", name);
	}
	assert_string_equal(admitted(&f, &r, &fresh).name, "n123456789abcdef0123456789abc-10");
	/* 31 bytes have room for one more, not for two */
	r.name[31] = 0;
	scene_session(&f, 20, 22, 1, "wlp6s0", r.name);
	s = admitted(&f, &r, &fresh);
	assert_true(session_name_valid(s.name));
}

/* The alias must hold whatever netns and time come: asked before anything is made. */
static void test_alias_too_long(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = { .flags = SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS |
				      SESSION_KEEP,
			     .mtu = 65535 };
	const struct admit_memory memory = { .next_id = UINT32_MAX,
					     .next_host = SESSION_HOST_LAST };
	struct session s;
	struct err err = { 0 };

	(void)state;
	scene_split(&f);
	scene_slot(&f, PLAN_SLOT_MAX, "wlp6s0");
	memset(r.name, 'n', 32);
	r.uplinks = list_of("wlp6s0,aaaaaaaaaaaaaaa,bbbbbbbbbbbbbbb,ccccccccccccccc,"
			    "ddddddddddddddd,eeeeeeeeeeeeeee,ffffffff");
	assert_int_equal(request_check(&r, NULL), 0);
	memset(&s, 0x55, sizeof(s));
	assert_int_equal(plan_admit(&f, &r, UINT32_MAX, &memory, &s, &err), -EMSGSIZE);
	assert_non_null(strstr(err.text, "255 fit"));
	assert_int_equal(s.id, 0x55555555);
	r.flags = 0;
	r.mtu = 0;
	r.uplinks = list_of("wlp6s0");
	assert_int_equal(plan_admit(&f, &r, UINT32_MAX, &memory, &s, &err), 0);
	assert_int_equal(s.id, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_pool),
		cmocka_unit_test(test_each_pool_in_turn),
		cmocka_unit_test(test_a_wide_route_takes_several),
		cmocka_unit_test(test_addresses_take_pools),
		cmocka_unit_test(test_what_takes_no_pool),
		cmocka_unit_test(test_pool_in_use_stays),
		cmocka_unit_test(test_all_pools_taken),
		cmocka_unit_test(test_all_addresses_taken),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_pool6_taken),
		cmocka_unit_test(test_first_session),
		cmocka_unit_test(test_foreign_bridge),
		cmocka_unit_test(test_no_way_out),
		cmocka_unit_test(test_no_pool),
		cmocka_unit_test(test_half_defaults_take_no_pool),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_all_slots_taken),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_all_hosts_taken),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_given_names),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_portal),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_alias_too_long),
	};

	curl.uplinks = list_of("wlp6s0");
	return RUN_TESTS(tests);
}
