/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of --host-port: its text, the alias, the request, who joins, what is planned for it. */
#include "model/host_ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/join.h"
#include "plan/plan.h"
#include "scene.h"
#include "unit.h"

static struct host_ports list_of(const char *text)
{
	struct host_ports p = { 0 };

	assert_null(host_ports_add(text, &p));
	assert_true(host_ports_valid(&p));
	return p;
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *again;
	} good[] = {
		{ "1", "1" },
		{ "65535", "65535" },
		{ "80/tcp", "80" },
		{ "80/udp", "80/udp" },
		{ "80/udp,80", "80, 80/udp" },
		{ "9,7/udp, 8,7,9", "7, 7/udp, 8, 9" },
		{ "1,2,3,4,5,6,7,8", "1, 2, 3, 4, 5, 6, 7, 8" },
		{ "65535/udp,65534/udp,65533/udp,65532/udp,65531/udp,65530/udp,65529/udp,65528/udp",
		  "65528/udp, 65529/udp, 65530/udp, 65531/udp, 65532/udp, 65533/udp, 65534/udp, "
		  "65535/udp" },
	};
	static const char *const bad[] = { "",
					   "0",
					   "65536",
					   "80/",
					   "80/sctp",
					   "/udp",
					   "80,",
					   ",80",
					   "80 ",
					   "-1",
					   "+1",
					   "0x50",
					   "53",
					   "53/udp",
					   "80-90",
					   "80/udp/udp",
					   "1,2,3,4,5,6,7,8,9",
					   "000000000000000000080" };
	char text[HOST_PORTS_TEXT_MAX];
	struct host_ports p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		p = list_of(good[i].text);
		assert_string_equal(host_ports_format(&p, ", ", text), good[i].again);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&p, 0, sizeof(p));
		assert_non_null(host_ports_add(bad[i], &p));
	}
}

/* A struct that somebody else filled: in order, each once, none behind an empty place. */
static void test_valid(void **state)
{
	static const struct host_ports bad[] = {
		{ { { 2, 0 }, { 1, 0 } } }, { { { 1, 0 }, { 1, 0 } } }, { { { 1, 1 }, { 1, 0 } } },
		{ { { 1, 2 } } },           { { { 0, 1 } } },           { { { 0, 0 }, { 1, 0 } } },
		{ { { 53, 0 } } },          { { { 53, 1 } } },
	};
	const struct host_ports none = { 0 }, one = list_of("1"), two = list_of("1,1/udp");

	(void)state;
	assert_true(host_ports_valid(&none));
	assert_int_equal(host_ports_count(&none), 0);
	assert_int_equal(host_ports_count(&two), 2);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(host_ports_valid(&bad[i]));
	assert_true(host_ports_equal(&two, &two));
	assert_false(host_ports_equal(&one, &two));
	assert_false(host_ports_equal(&one, &none));
}

static void begin(struct facts *f)
{
	scene_split(f);
	scene_slot(f, 1, "wlp6s0");
}

static struct session *session_with(struct facts *f, const char *ports)
{
	struct session *s = scene_session(f, 1, 3, 1, "wlp6s0", "web");

	snprintf(s->uplink, sizeof(s->uplink), "wlp6s0");
	s->host_ports = list_of(ports);
	return s;
}

static void test_alias(void **state)
{
	static const char *const bad[] = { "0", "5037/80", "5037/5037", "53", "x", "" };
	_cleanup_facts_ struct facts f = { 0 };
	char alias[ALIAS_MAX], broken[ALIAS_MAX + 32];
	const char *at, *end;
	struct session read;

	(void)state;
	begin(&f);
	assert_int_equal(session_format(session_with(&f, "5037,80,80/udp"), alias, NULL), 0);
	at = strstr(alias, ",host-port=80/80u/5037");
	assert_non_null(at);
	assert_int_equal(session_parse(alias, &read), 0);
	assert_true(host_ports_equal(&read.host_ports, &f.sessions.v[0].host_ports));
	end = at + strlen(",host-port=80/80u/5037");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(broken, sizeof(broken), "%.*s,host-port=%s%s", (int)(at - alias), alias,
			 bad[i], end);
		assert_int_equal(session_parse(broken, &read), -EINVAL);
	}
}

static void test_requests(void **state)
{
	struct request r = { .name = "x", .owner = REQUEST_OWNER_SELF };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(uplink_list_parse("wlp6s0", &r.uplinks, NULL), 0);
	r.host_ports = list_of("5037");
	assert_int_equal(request_check(&r, &err), 0);
	assert_int_equal(request_check_attach(&r, &err), -EINVAL);
	r.flags = SESSION_KEEP;
	assert_int_equal(request_check(&r, &err), -EINVAL);
	assert_non_null(strstr(err.text, "leave out --host-port or --keep"));
	r.flags = 0;
	r.probe_of = 1;
	assert_int_equal(request_check(&r, NULL), -EINVAL);
	r.probe_of = 0;
	r.flags = SESSION_PORTAL;
	assert_int_equal(request_check(&r, NULL), -EINVAL);
	r.flags = 0;
	r.host_ports.v[0].udp = 7;
	assert_int_equal(request_check(&r, NULL), -EINVAL);
}

static void test_join(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct request r = { .flags = SESSION_JOIN };
	const struct session *found = NULL;
	const struct session *s;
	struct err err = { 0 };

	(void)state;
	begin(&f);
	s = session_with(&f, "5037,80/udp");
	memcpy(r.name, s->name, sizeof(r.name));
	assert_int_equal(join_find(&f, &r, s->uid, &found, &err), -EEXIST);
	assert_non_null(strstr(err.text, "give --host-port 80/udp,5037, or"));
	r.host_ports = list_of("5037");
	assert_int_equal(join_find(&f, &r, s->uid, &found, &err), -EEXIST);
	assert_non_null(strstr(err.text, "it runs without this --host-port"));
	r.host_ports = s->host_ports;
	assert_int_equal(join_find(&f, &r, s->uid, &found, &err), 1);
}

/* What inside the session has "net/ipv4/ip_unprivileged_port_start", or NULL. */
static const char *port_start(const char *host, const char *ports, char ret[SYSCTL_MAX])
{
	_cleanup_facts_ struct facts f = { 0 };
	struct object_set inside = { 0 };
	struct err err = { 0 };
	const char *found = NULL;

	begin(&f);
	if (host) {
		f.fresh_known = true;
		snprintf(f.inherited[INHERITED_PORT_START].host, 32, "%s", host);
		strcpy(f.inherited[INHERITED_PORT_START].fresh, "1024");
	}
	assert_int_equal(plan_inside(&f, session_with(&f, ports), &inside, &err), 0);
	for (size_t i = 0; i < inside.n; i++)
		if (inside.v[i].kind == OBJ_SYSCTL &&
		    !strcmp(inside.v[i].sysctl.path, "net/ipv4/ip_unprivileged_port_start")) {
			snprintf(ret, SYSCTL_MAX, "%s", inside.v[i].sysctl.value);
			assert_null(found);
			found = ret;
		}
	set_done(&inside);
	return found;
}

/* A port below 1024 is the first that takes no capability, unless the host has a lower one. */
static void test_privileged(void **state)
{
	char value[SYSCTL_MAX];

	(void)state;
	assert_null(port_start(NULL, "1024", value));
	assert_string_equal(port_start(NULL, "631,5037", value), "631");
	assert_string_equal(port_start("80", "631", value), "80");
	assert_string_equal(port_start("80", "79/udp", value), "79");
	assert_string_equal(port_start("80", "8000", value), "80");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),  cmocka_unit_test(test_valid),
		cmocka_unit_test(test_alias), cmocka_unit_test(test_requests),
		cmocka_unit_test(test_join),  cmocka_unit_test(test_privileged),
	};

	return RUN_TESTS(tests);
}
