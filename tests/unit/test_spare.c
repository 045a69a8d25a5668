/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netns that is ready before a launch (daemon/spare.h), against a kernel of our own: it is used
 * once, by a launch that it fits; wherever making or using it fails, the next attempts end where
 * nothing differs from a plan of the sessions.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "daemon/host_internal.h"
#include "fake_host.h"
#include "list.h"
#include "unit.h"

static const struct spare *spare = &fake_host.spare;

/* A session that stays, and beside it one that is ready. */
static void prepare(void)
{
	struct err err = { 0 };

	fake_host.spare.enabled = true;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	fake_host_converges();
	assert_true(spare_is_due(&fake_host));
	assert_int_equal(spare_make(&fake_host, &err), 0);
	assert_true(spare->there);
	assert_false(spare_is_due(&fake_host));
}

static int launch(const char *name, uint32_t mtu, uint32_t flags)
{
	struct request r = { .owner = REQUEST_OWNER_SELF, .flags = flags, .mtu = mtu };
	struct settle settle;
	struct session s;
	struct err err = { 0 };
	int netns = -1, code;

	r.uplinks = list_of("wlp6s0");
	assert_int_equal(copy_string(r.name, sizeof(r.name), name), 0);
	code = host_launch(&fake_host, &(struct launch){ .request = &r, .uid = 1000, .peer = 1000 },
			   &s, &settle, &netns, &err);
	close_fd(&netns);
	return code < 0 ? code : (int)s.id;
}

static const struct object *port(uint32_t id)
{
	struct object key = { .kind = OBJ_LINK, .place = PLACE_HOST, .link.kind = LINK_VETH };

	session_port(id, key.link.name);
	return set_find(&fake_kernel.ours, &key);
}

/* How many objects of nftables have a port's name in them. */
static size_t elements(uint32_t id)
{
	char name[IFNAMSIZ] = "";
	size_t n = 0;

	session_port(id, name);
	for (size_t i = 0; i < fake_kernel.ours.n; i++) {
		const struct object *o = &fake_kernel.ours.v[i];

		n += o->kind == OBJ_NFT_ELEMENT &&
		     memmem(o->nft_element.key.bytes, sizeof(o->nft_element.key.bytes), name,
			    strlen(name) + 1);
	}
	return n;
}

static void test_is_used_once(void **state)
{
	unsigned int observed;
	uint64_t netns;
	uint32_t id;

	(void)state;
	prepare();
	id = spare->session.id;
	netns = spare->session.netns;
	observed = fake_kernel.observed;
	assert_true(port(id) && strstr(port(id)->link.alias, ",spare,"));
	assert_int_equal(elements(id), 0);
	assert_null(host_session(&fake_host, id));
	assert_int_equal(host_sessions(&fake_host), 1);
	fake_host_converges(); /* it is wanted */
	assert_true(spare->there);

	assert_int_equal(launch("b", 0, 0), id);
	assert_false(spare->there);
	assert_int_equal(host_session(&fake_host, id)->netns, netns);
	assert_int_equal(host_session(&fake_host, id)->uid, 1000);
	assert_null(strstr(port(id)->link.alias, "spare"));
	assert_true(elements(id) > 0);
	assert_false(fake_host_is_blocked(id));
	assert_int_equal(launch("c", 0, 0), id + 1); /* at once: one of its own */
	assert_true(host_session(&fake_host, id + 1)->netns != netns);
	assert_int_equal(fake_kernel.observed, observed);
	fake_host_converges();
	assert_int_equal(fake_kernel.observed, observed);
}

/* What names a session by its number does not find it. */
static void test_is_nobodys(void **state)
{
	const struct uplink_list wired = list_of("enp7s0");
	struct err err = { 0 };
	uint32_t id;

	(void)state;
	prepare();
	id = spare->session.id;
	assert_int_equal(host_move(&fake_host, id, &wired, 0, &err), -ESRCH);
	assert_int_equal(host_pause(&fake_host, id, true, &err), -ESRCH);
	assert_int_equal(host_stop(&fake_host, id, &err), -ESRCH);
	assert_true(spare->there && port(id));
}

/* One that is not fitting stays for the next launch; after two, one like the last is made. */
static void test_other_launches(void **state)
{
	struct err err = { 0 };
	uint32_t id;

	(void)state;
	prepare();
	id = spare->session.id;
	assert_true(launch("b", 1400, 0) > (int)id);
	assert_true(spare->there && spare->session.id == id);
	assert_true(launch("c", 0, SESSION_NO_IPV6) > (int)id);
	assert_false(spare->there);
	fake_kernel_end_session(id);
	fake_host_converges();
	assert_null(port(id));
	assert_true(spare_is_due(&fake_host));
	assert_int_equal(spare_make(&fake_host, &err), 0);
	assert_int_equal(spare->session.flags, SESSION_SPARE | SESSION_NO_IPV6);
	id = spare->session.id;
	assert_int_equal(launch("d", 0, SESSION_NO_IPV6), id);
	fake_host_converges();
}

static void test_options_of_a_launch(void **state)
{
	struct err err = { 0 };

	(void)state;
	prepare();
	for (int i = 0; i < 3; i++) {
		const uint32_t flags[] = { SESSION_NO_LAN, SESSION_HOST_ACCESS, SESSION_KEEP };
		uint32_t id = spare->session.id;

		assert_int_equal(launch("b", 0, flags[i]), id);
		assert_int_equal(host_session(&fake_host, id)->flags, flags[i]);
		fake_host_converges();
		assert_int_equal(spare_make(&fake_host, &err), 0);
	}
}

/* Each step of making it fails once: nothing of it is used, and nothing is left. */
static void test_half_made(void **state)
{
	struct err err = { 0 };
	unsigned int n = 0;
	bool made = false;

	(void)state;
	fake_host.spare.enabled = true;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	fake_host_converges();
	while (!made && n < 100) {
		const struct session like = *host_session(&fake_host, 1);

		spare_want(&fake_host, &like);
		assert_true(spare_is_due(&fake_host));
		fake_kernel.fail_at = ++n;
		made = spare_make(&fake_host, &err) == 0;
		fake_kernel.fail_at = 0;
		if (made)
			break;
		assert_false(spare->there);
		assert_false(spare_is_due(&fake_host)); /* until another launch asks for it */
		fake_host_converges();
		for (uint32_t id = 2; id < 200; id++)
			assert_null(port(id));
	}
	assert_true(made && n > 5);
}

/* Each step of using it fails once: the launch gets another netns, and nothing is left of this. */
static void test_half_used(void **state)
{
	unsigned int n = 0, whole = 0;

	(void)state;
	while (!whole && n < 100) {
		uint64_t netns;
		int id;

		prepare();
		netns = spare->session.netns;
		fake_kernel.error = EBUSY;
		fake_kernel.fail_at = ++n;
		id = launch("b", 0, 0);
		whole = fake_kernel.fail_at; /* more steps than it has */
		fake_kernel.fail_at = 0;
		assert_true(id > 0);
		assert_false(spare->there);
		assert_true(whole || host_session(&fake_host, (uint32_t)id)->netns != netns);
		fake_host_converges();
		assert_int_equal(host_sessions(&fake_host), 2);
		fake_host_tear_down(NULL);
		fake_host_set_up(NULL);
	}
	assert_true(whole && n > 3);
}

/* Somebody changes its port: it is removed, is not used, and does not count as healed. */
static void test_changed(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct object o;
		uint32_t id;

		prepare();
		id = spare->session.id;
		o = *port(id);
		if (i == 0)
			o.link.hardened = false;
		else if (i == 1)
			strcpy(o.link.alias, "of somebody");
		else
			o.link.mtu = 1300;
		for (size_t at = 0; at < fake_kernel.ours.n; at++)
			if (&fake_kernel.ours.v[at] == port(id))
				fake_kernel_remove(at);
		fake_kernel_add(&o);
		fake_kernel_lose_events(&fake_host);
		fake_host.healed.n = 0;
		fake_host_heal();
		assert_false(spare->there);
		assert_null(port(id));
		assert_int_equal(fake_host.healed.n, 0);
		fake_host_converges();
		fake_host_tear_down(NULL);
		fake_host_set_up(NULL);
	}
}

/* An observation that finds it as it was keeps it. */
static void test_is_kept(void **state)
{
	uint32_t id;

	(void)state;
	prepare();
	id = spare->session.id;
	fake_kernel_lose_events(&fake_host);
	fake_host_heal();
	assert_true(spare->there && port(id));
	assert_int_equal(launch("b", 0, 0), id);
	fake_host_converges();
}

/* A daemon that starts anew does not have its netns: it removes what it finds. */
static void test_of_another_daemon(void **state)
{
	uint32_t id;

	(void)state;
	prepare();
	id = spare->session.id;
	host_close(&fake_host);
	fake_kernel_host(&fake_host);
	fake_host_heal();
	assert_null(port(id));
	assert_int_equal(host_sessions(&fake_host), 1);
	fake_host_converges();
}

/* What was right when it was made is compared again when it is used. */
static void test_host_changes(void **state)
{
	uint32_t id;

	(void)state;
	prepare();
	id = spare->session.id;
	fake_host.facts.fresh_known = true;
	strcpy(fake_host.facts.inherited[0].host, "17");
	strcpy(fake_host.facts.inherited[0].fresh, "16");
	assert_true(launch("b", 0, 0) > (int)id);
	assert_false(spare->there);
	fake_kernel_end_session(id);
	fake_host_converges();
	assert_null(port(id));
}

static void test_nothing_is_left(void **state)
{
	struct err err = { 0 };

	(void)state;
	prepare();
	fake_kernel_end_session(1);
	fake_kernel_lose_events(&fake_host);
	fake_host_heal();
	assert_int_equal(host_sessions(&fake_host), 0);
	assert_int_equal(host_clear(&fake_host, &err), 0);
	assert_false(spare->there);
	assert_int_equal(fake_kernel.ours.n, 0);
}

/* Its address is the last one: a session gets it all the same. */
static void test_last_address(void **state)
{
	(void)state;
	prepare();
	for (uint32_t host = SESSION_HOST_FIRST; host <= SESSION_HOST_LAST; host++)
		if (host != spare->session.host)
			fake_host.memory.rest.hosts[host].used = true;
	assert_true(launch("b", 1400, 0) > 0);
	assert_false(spare->there);
}

static void test_switched_off(void **state)
{
	(void)state;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	fake_host_converges();
	assert_false(spare_is_due(&fake_host));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_host_set_up, fake_host_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_is_used_once),      TEST(test_is_nobodys),
		TEST(test_other_launches),    TEST(test_options_of_a_launch),
		TEST(test_half_made),         TEST(test_half_used),
		TEST(test_changed),           TEST(test_is_kept),
		TEST(test_of_another_daemon), TEST(test_host_changes),
		TEST(test_nothing_is_left),   TEST(test_last_address),
		TEST(test_switched_off),
	};

	return RUN_TESTS(tests);
}
