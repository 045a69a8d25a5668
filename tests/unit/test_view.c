/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON of the verbs, word for word: its keys are a promise to programs. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "list.h"
#include "scene.h"
#include "unit.h"
#include "verbs/masks.h"
#include "verbs/view.h"

static void expect(struct json_object *o, const char *text)
{
	const char *have =
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	assert_string_equal(have, text);
	json_object_put(o);
}

static struct facts host(struct session **ret)
{
	struct facts f = { 0 };

	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	*ret = scene_session(&f, 7, 10, 1, "wlp6s0,nosuch0,enp7s0", "curl");
	(*ret)->uid = 4294967294u; /* a user without a name */
	(*ret)->since = 1700000000;
	(*ret)->mtu = 1500;
	for (size_t i = 0; i < f.links.n; i++)
		if (!strcmp(f.links.v[i].name, "viap7")) {
			f.links.v[i].rx_bytes = 100;
			f.links.v[i].tx_bytes = 2000;
		}
	return f;
}

#define SESSION                                                                                    \
	"\"name\":\"curl\",\"id\":7,\"uplink\":\"wlp6s0\","                                        \
	"\"uplinks\":[\"wlp6s0\",\"nosuch0\",\"enp7s0\"],\"state\":\"up\","                        \
	"\"reason\":\"\",\"uid\":4294967294,\"user\":\"4294967294\",\"pids\":[41,43],"             \
	"\"netns\":4026532007,\"ifname\":\"viap7\",\"ifindex\":5,"                                 \
	"\"device\":\"eth0\",\"device_ifindex\":0,\"container\":null,\"address\":\"10.209.0.10\"," \
	"\"address6\":\"2001:2:0:c0ff::a\",\"rx_bytes\":2000,\"tx_bytes\":100,"                    \
	"\"since\":1700000000,\"share\":\"\",\"host_ports\":[],\"limits\":{\"rate_down\":null,"    \
	"\"rate_up\":null},\"published\":[]"

static void test_session(void **state)
{
	struct process v[] = { { 41, 4026532007 }, { 42, 1 }, { 43, 4026532007 } };
	const struct processes p = { .v = v, .n = 3 };
	struct session *s;
	struct facts f = host(&s);
	struct session_view view;
	char address6[IP_TEXT_MAX];

	(void)state;
	view_session(&f, s, &p, true, &view);
	snprintf(address6, sizeof(address6), "%s", view.address6);
	strcpy(view.address6, "2001:2:0:c0ff::a"); /* how it comes about is plan's to test */
	assert_string_not_equal(address6, "");
	expect(json_session(&view), "{" SESSION "}");
	facts_done(&f);
}

static void test_session_in_full(void **state)
{
	struct process v[] = { { 41, 4026532007 }, { 43, 4026532007 } };
	const struct processes p = { .v = v, .n = 2 };
	_cleanup_findings_ struct findings findings = { 0 };
	struct session *s;
	struct facts f = host(&s);
	struct session_view view;
	struct finding *one;

	(void)state;
	one = findings_add(&findings, "mask-gone", SEVERITY_WARNING, "/run/nscd");
	finding_text(one, "it is %s", "gone");
	finding_fix(one, "start it anew");
	view_session(&f, s, &p, true, &view);
	strcpy(view.address6, "2001:2:0:c0ff::a");
	expect(json_session_in_full(&view, &findings),
	       "{" SESSION ",\"dns\":[\"192.168.2.1\",\"2001:db8:2::1\"],\"dns_source\":\"\","
	       "\"options\":{\"ipv6\":true,\"no_lan\":false,\"host_access\":false,"
	       "\"keep\":false,\"mtu\":1500,\"dns\":[]},"
	       "\"ways\":[{\"word\":\"wlp6s0\",\"name\":\"wlp6s0\",\"in_use\":true,"
	       "\"usable\":true,\"reason\":\"\"},{\"word\":\"nosuch0\",\"name\":\"\","
	       "\"in_use\":false,\"usable\":false,\"reason\":\"no such interface\"},"
	       "{\"word\":\"enp7s0\",\"name\":\"enp7s0\",\"in_use\":false,\"usable\":true,"
	       "\"reason\":\"\"}],\"findings\":[{\"id\":\"mask-gone\","
	       "\"severity\":\"warning\",\"object\":\"/run/nscd\",\"text\":\"it is gone\","
	       "\"fix\":\"start it anew\"}]}");
	facts_done(&f);
}

static void test_states(void **state)
{
	const struct processes none = { 0 };
	struct session *s;
	struct facts f = host(&s);
	struct session_view view;

	(void)state;
	view_session(&f, s, &none, false, &view); /* who does not see all cannot know */
	assert_int_equal(view.state, STATE_UP);
	view_session(&f, s, &none, true, &view);
	assert_int_equal(view.state, STATE_CLOSING);
	assert_string_equal(view.reason, "its programs have ended");
	s->flags = SESSION_KEEP;
	view_session(&f, s, &none, true, &view);
	assert_int_equal(view.state, STATE_UP);
	scene_link_is(&f, "wlp6s0", "", 0);
	view_session(&f, s, &none, true, &view);
	assert_int_equal(view.state, STATE_BLOCKED);
	assert_string_equal(view.reason, "it is down");
	s->slot = 0;
	s->uplink[0] = 0;
	view_session(&f, s, &none, true, &view);
	assert_int_equal(view.state, STATE_BLOCKED);
	assert_string_equal(view.reason, "no uplink of its list is usable");
	s->flags |= SESSION_PAUSED;
	view_session(&f, s, &none, true, &view);
	assert_int_equal(view.state, STATE_PAUSED);
	facts_done(&f);
}

static void test_uplink(void **state)
{
	struct session *s;
	struct facts f = host(&s);

	(void)state;
	expect(json_uplink(&f, facts_link(&f, "wlp6s0")),
	       "{\"name\":\"wlp6s0\",\"kind\":\"ethernet\",\"state\":\"up\",\"default\":false,"
	       "\"usable\":true,"
	       "\"reason\":\"\",\"portal\":false,\"addresses\":[\"192.168.2.10/"
	       "24\",\"2001:db8:2::10/64\"],"
	       "\"gateway\":\"192.168.2.1\",\"gateway6\":\"2001:db8:2::1\","
	       "\"gateway_silent\":\"\",\"gateway6_silent\":\"\","
	       "\"dns\":[\"192.168.2.1\",\"2001:db8:2::1\"],"
	       "\"dns_over_tls\":\"no\",\"dnssec\":\"no\",\"ssid\":\"\",\"altnames\":[],"
	       "\"sessions\":[\"curl\"]}");
	scene_link(&f, "wlan1");
	for (size_t i = 0; i < f.links.n; i++)
		if (!strcmp(f.links.v[i].name, "wlan1")) {
			f.links.v[i].medium = MEDIUM_WIFI;
			f.links.v[i].flags = IFF_UP;
			strcpy(f.links.v[i].ssid, "caf\xc3\xa9 \"1\"");
		}
	expect(json_uplink(&f, facts_link(&f, "wlan1")),
	       "{\"name\":\"wlan1\",\"kind\":\"wifi\",\"state\":\"no-carrier\",\"default\":false,"
	       "\"usable\":false,"
	       "\"reason\":\"it has no "
	       "carrier\",\"portal\":false,\"addresses\":[],\"gateway\":\"\","
	       "\"gateway6\":\"\",\"gateway_silent\":\"\",\"gateway6_silent\":\"\",\"dns\":[],"
	       "\"dns_over_tls\":\"no\",\"dnssec\":\"no\","
	       "\"ssid\":\"caf\xc3\xa9 \\\"1\\\"\",\"altnames\":[],\"sessions\":[]}");
	assert_true(view_is_uplink(facts_link(&f, "wlan1")));
	assert_false(view_is_uplink(facts_link(&f, "lo")));
	assert_false(view_is_uplink(facts_link(&f, "via0")));
	assert_false(view_is_uplink(facts_link(&f, "viap7")));
	facts_done(&f);
}

/* Words that mean a device which an earlier word means already are not listed twice. */
static void test_ways(void **state)
{
	static const char wanted[] = "wifi>wlan1:1 wlp6s0>wlp6s0:0 ssid:x>-:0 ethernet>enp7s0:0 ";
	_cleanup_strbuf_ struct strbuf out = { 0 };
	const struct processes none = { 0 };
	struct session_view view;
	struct session *s;
	struct facts f = host(&s);
	struct view_ways walk = { .view = &view };
	struct view_way way;

	(void)state;
	scene_link(&f, "wlan1");
	for (size_t i = 0; i < f.links.n; i++)
		if (!strcmp(f.links.v[i].name, "wlan1"))
			f.links.v[i].medium = MEDIUM_WIFI;
		else if (f.links.v[i].name[0] == 'v')
			f.links.v[i].medium = MEDIUM_OTHER;
	s->uplinks = list_of("wifi,wlan1,wlp6s0,ssid:x,ethernet");
	strcpy(s->uplink, "wlan1");
	view_session(&f, s, &none, false, &view);
	while (view_ways(&walk, &way))
		strbuf_add(&out, "%s>%s:%d ", way.word, way.link ? way.link->name : "-",
			   way.in_use);
	assert_string_equal(strbuf_text(&out), wanted);
	facts_done(&f);
}

static void test_mask_device(void **state)
{
	static const char mounts[] =
		"29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		"417 36 0:52 / /sys/class/net ro,nosuid - tmpfs via-iface ro,size=1024k\n"
		"418 29 0:52 /resolv.conf /etc/resolv.conf ro - tmpfs via-iface ro\n";
	static const char others[] = "29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
				     "30 29 0:23 / /run rw - tmpfs tmpfs rw,size=1024k\n"
				     "31 29 0:24 / /mnt/via-iface rw - tmpfs via-iface-else rw\n";
	unsigned int major_of = 0, minor_of = 0;

	(void)state;
	assert_true(masks_find_device(mounts, &major_of, &minor_of));
	assert_int_equal(major_of, 0);
	assert_int_equal(minor_of, 52);
	assert_false(masks_find_device(others, &major_of, &minor_of));
	assert_false(masks_find_device("", &major_of, &minor_of));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session), cmocka_unit_test(test_session_in_full),
		cmocka_unit_test(test_states),  cmocka_unit_test(test_uplink),
		cmocka_unit_test(test_ways),    cmocka_unit_test(test_mask_device),
	};

	return RUN_TESTS(tests);
}
