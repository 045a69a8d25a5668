/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor says of a host that is made of facts: a line "SEVERITY ID OBJECT" for each finding.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/vec.h"
#include "list.h"
#include "plan/doctor.h"
#include "scene.h"
#include "unit.h"

static void expect(const struct doctor_input *in, const char *text)
{
	_cleanup_findings_ struct findings found = { 0 };
	_cleanup_strbuf_ struct strbuf out = { 0 };

	assert_int_equal(doctor(in, &found), 0);
	for (size_t i = 0; i < found.n; i++) {
		assert_string_not_equal(found.v[i].text, "");
		strbuf_add(&out, "%s %s %s\n", severity_name(found.v[i].severity), found.v[i].id,
			   found.v[i].object);
	}
	assert_string_equal(strbuf_text(&out), text);
	assert_int_equal(findings_bad(&found), strstr(text, "error ") != NULL);
}

static void test_well(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };
	struct uplink_list list;

	(void)state;
	scene_split(&f);
	expect(&in, "");
	list = list_of("wlp6s0,enp7s0");
	in.uplinks = &list;
	expect(&in, "");
	scene_slot(&f, 1, "wlp6s0");
	scene_session(&f, 1, 10, 1, "wlp6s0", "curl");
	in.uplinks = NULL;
	expect(&in, "");
	facts_done(&f);
}

static void test_uplinks(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };
	struct uplink_list list;

	(void)state;
	scene_split(&f);
	scene_link_is(&f, "wlp6s0", "", 0);
	expect(&in, ""); /* there is another one */
	list = list_of("wlp6s0,enp7s0");
	in.uplinks = &list;
	expect(&in, "warning uplink-unusable wlp6s0\n");
	list = list_of("wlp6s0");
	in.uplinks = &list;
	expect(&in, "error no-uplink wlp6s0\n");
	list = list_of("nosuch0");
	in.uplinks = &list;
	expect(&in, "error no-uplink nosuch0\n");
	scene_link_is(&f, "enp7s0", "", 0);
	in.uplinks = NULL;
	expect(&in, "error no-uplink \n");
	facts_done(&f);
}

/* What the host hands out decides what is left to sessions. */
static void test_ports(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };
	static const char finding[] = "warning masquerade-ports net.ipv4.ip_local_port_range\n";

	(void)state;
	scene_split(&f);
	f.local_ports = (struct port_range){ 32768, 60999 };
	expect(&in, "");
	f.local_ports = (struct port_range){ 1024, 65000 };
	expect(&in, finding);
	f.local_ports = (struct port_range){ 1024, 65535 };
	expect(&in, finding);
	f.local_ports = (struct port_range){ 32768, 60999 };
	f.no_socket_match = true;
	expect(&in, "warning socket-match nft_socket\n");
	facts_done(&f);
}

/* No default route, and a lease that knows the way. */
static void test_lease(void **state)
{
	struct facts f = { 0 };
	struct uplink_list list = list_of("usb0");
	struct doctor_input in = { .facts = &f, .uplinks = &list };

	(void)state;
	scene_tethered(&f);
	expect(&in, "error no-uplink usb0\n");
	scene_gateway(&f, "usb0", "192.168.42.1");
	expect(&in, "info gateway-of-lease usb0\n");
	in.uplinks = NULL;
	expect(&in, "info gateway-of-lease usb0\n");
	scene_route(&f, "usb0", "0.0.0.0/0", "192.168.42.1", 900);
	expect(&in, "");
	facts_done(&f);
}

static void test_names(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };
	struct uplink_list list;

	(void)state;
	scene_split(&f);
	f.dns.n = 0;
	expect(&in, "warning no-name-servers enp7s0\nwarning no-name-servers wlp6s0\n");
	list = list_of("wlp6s0");
	in.uplinks = &list;
	expect(&in, "error no-name-servers wlp6s0\n");
	facts_done(&f);
}

static void test_addresses(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };

	(void)state;
	scene_split(&f);
	scene_bridge(&f, "10.209.0.0/22");
	expect(&in, "");
	scene_route(&f, "enp7s0", "10.209.1.0/24", "192.168.1.1", 0);
	expect(&in, "warning pool-overlap route 10.209.1.0/24 in table 254\n");
	facts_done(&f);

	f = (struct facts){ 0 };
	scene_split(&f);
	scene_route(&f, "enp7s0", "10.0.0.0/8", "192.168.1.1", 0);
	scene_route(&f, "enp7s0", "172.16.0.0/12", "192.168.1.1", 0);
	expect(&in, "");
	scene_route(&f, "enp7s0", "100.64.0.0/10", "192.168.1.1", 0);
	expect(&in, "error pools-taken addresses\n");
	facts_done(&f);

	f = (struct facts){ 0 };
	scene_split(&f);
	scene_link(&f, BRIDGE_NAME);
	expect(&in, "error foreign-bridge via0\n");
	facts_done(&f);
}

static void test_firewalls(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };
	struct fact_chain *c;

	(void)state;
	scene_split(&f);
	c = VEC_PUSH(&f.chains);
	assert_non_null(c);
	*c = (struct fact_chain){ .table = "filter", .name = "FORWARD", .base = true };
	c->drops = true;
	expect(&in, ""); /* an accept of ours goes in front of that */
	c->owned = true;
	expect(&in, "info firewall-owned table filter, chain FORWARD\n");
	c->drops = false;
	f.legacy_filter = true;
	expect(&in, "warning iptables-legacy iptables-legacy\n");
	f.legacy_filter = false;
	f.nft_visible = false;
	expect(&in, "info firewall-not-visible nftables\n");
	facts_done(&f);
}

static void test_sessions(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };
	struct session *s;

	(void)state;
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	scene_session(&f, 1, 10, 1, "wlp6s0", "curl");
	s = scene_session(&f, 2, 11, 1, "wlp6s0", "game");
	s->flags |= SESSION_PAUSED;
	s->slot = 0;
	expect(&in, "info session-paused game\n");
	scene_link_is(&f, "wlp6s0", "", 0);
	expect(&in, "error session-blocked curl\ninfo session-paused game\n");
	facts_done(&f);
}

static void test_environment(void **state)
{
	static const char *const proxies[] = { "http_proxy", "ALL_PROXY", NULL };
	static const char *const missing[] = { "veth", NULL };
	struct facts f = { 0 };
	struct object want = { .kind = OBJ_RULE }, have = { .kind = OBJ_NFT_TABLE };
	struct step v[] = {
		{ .action = STEP_CHANGE, .want = &want, .have = &want }, /* nothing is wrong */
		{ .action = STEP_ADD, .want = &want },
		{ .action = STEP_REMOVE, .have = &have },
	};
	struct steps difference = { .v = v, .n = 1 };
	struct doctor_input in = { .facts = &f, .proxies = proxies, .missing = missing };
	char **names = NULL;
	_cleanup_findings_ struct findings found = { 0 };

	(void)state;
	scene_split(&f);
	expect(&in, "error kernel-part veth\nwarning proxy environment\n");
	in.proxies = in.missing = NULL;
	assert_int_equal(doctor_difference_names(&difference, &names), 0);
	assert_null(names[0]);
	free(names);
	difference.n = 3;
	assert_int_equal(doctor_difference_names(&difference, &names), 0);
	in.differences = (const char *const *)names;
	expect(&in, "warning not-as-planned kernel\n");
	assert_int_equal(doctor(&in, &found), 0);
	assert_non_null(strstr(found.v[0].text, "2 objects"));
	assert_non_null(strstr(found.v[0].text, "missing "));
	assert_non_null(strstr(found.v[0].text, "stale "));
	for (char **at = names; *at; at++)
		free(*at);
	free(names);
	facts_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),        cmocka_unit_test(test_uplinks),
		cmocka_unit_test(test_lease),       cmocka_unit_test(test_ports),
		cmocka_unit_test(test_names),       cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_firewalls),   cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_environment),
	};

	return RUN_TESTS(tests);
}
