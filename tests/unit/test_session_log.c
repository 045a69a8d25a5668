/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to sessions is told once, in order, with its reason: against the fake kernel. */
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "fake_kernel.h"
#include "list.h"
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

static uint32_t run(const char *uplinks, const char *name)
{
	struct request r = { .owner = REQUEST_OWNER_SELF };
	struct settle settle;
	struct session s;
	struct err err = { 0 };
	int netns = -1;

	r.uplinks = list_of(uplinks);
	assert_int_equal(copy_string(r.name, sizeof(r.name), name), 0);
	assert_int_equal(host_launch(&host,
				     &(struct launch){ .request = &r, .uid = 1000, .peer = 1000 },
				     &s, &settle, &netns, &err),
			 0);
	session_log_started(&host, &s, "prog", 1000);
	close_fd(&netns);
	return s.id;
}

static void heal(void)
{
	struct err err = { 0 };

	fake_kernel_lose_events(&host);
	assert_int_equal(host_heal(&host, &err), 0);
}

/* The next entries are these, and no more: "event session uplink from". */
static void told(const char *wanted)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	session_log_end_missing(&host.log, INT64_MAX - 1);

	for (size_t i = 0; i < host.log.queue.n; i++) {
		const struct log_entry *e = &host.log.queue.v[i];

		strbuf_add(&sb, "%s%s %s %s%s%s", i ? "; " : "", event_name(e->event), e->session,
			   e->uplink, e->from[0] ? " from " : "", e->from);
		if (e->reason[0])
			strbuf_add(&sb, ": %s", e->reason);
	}
	assert_string_equal(strbuf_text(&sb), wanted);
	host.log.queue.n = 0;
}

static void test_life(void **state)
{
	uint32_t id = run("wlp6s0", "a");

	(void)state;
	told("started a wlp6s0");
	heal();
	told("");
	fake_kernel.down = true;
	heal();
	told("blocked a wlp6s0: it is down");
	heal();
	told("");
	fake_kernel.down = false;
	heal();
	told("unblocked a wlp6s0");
	fake_kernel_end_session(id);
	heal();
	told("ended a wlp6s0");
}

static void test_failover(void **state)
{
	(void)state;
	run("wlp6s0,enp7s0", "a");
	run("wlp6s0", "b");
	heal();
	host.log.queue.n = 0;
	fake_kernel.no_address = true;
	heal();
	told("failover a enp7s0 from wlp6s0: it has no address; "
	     "blocked b wlp6s0: it has no address");
	fake_kernel.no_address = false;
	heal();
	told("unblocked b wlp6s0");
	strcpy(fake_kernel.uplink, "wlan7");
	heal();
	told("renamed b wlan7 from wlp6s0");
}

static void test_requests(void **state)
{
	uint32_t id = run("wlp6s0", "a");
	const struct uplink_list wired = list_of("enp7s0"), none = list_of("nosuch0");
	struct err err = { 0 };
	int r;

	(void)state;
	heal();
	host.log.queue.n = 0;
	session_log_request(&host, id, EVENT_MOVED, 0);
	r = host_move(&host, id, &wired, 0, &err);
	session_log_served(&host, r);
	told("moved a enp7s0 from wlp6s0");
	session_log_request(&host, id, EVENT_PAUSED, 1000);
	session_log_served(&host, host_pause(&host, id, true, &err));
	told("paused a  from enp7s0");
	session_log_request(&host, id, EVENT_RESUMED, 1000);
	session_log_served(&host, host_pause(&host, id, false, &err));
	told("resumed a enp7s0");
	session_log_request(&host, id, EVENT_MOVED, 1000);
	session_log_served(&host, host_move(&host, id, &none, 1000, &err));
	told("");
	heal();
	told("");
}

/* A daemon that starts finds in the log of the last one how things were. */
static void test_restored(void **state)
{
	struct log_entry start = { .event = EVENT_STARTED,
				   .id = 77,
				   .uid = 1000,
				   .since = 5,
				   .session = "gone",
				   .uplink = "wlp6s0",
				   .count = 1 };
	struct log_entry old = { .event = EVENT_BLOCKED,
				 .id = 78,
				 .uid = 1000,
				 .since = 5,
				 .session = "old",
				 .uplink = "wlp6s0",
				 .count = 1 };
	struct log_entry end = old;

	(void)state;
	end.event = EVENT_ENDED;
	session_log_restore(&host.log, &start);
	session_log_restore(&host.log, &old);
	session_log_restore(&host.log, &end);
	assert_int_equal(host.log.seen.n, 1);
	heal();
	told("ended gone wlp6s0");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_life),
		TEST(test_failover),
		TEST(test_requests),
		TEST(test_restored),
	};

	return RUN_TESTS(tests);
}
