/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nl80211's messages, as bytes. */
#include <linux/genetlink.h>
#include <linux/nl80211.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mutate.h"
#include "net/wifi.h"
#include "unit.h"
#include "wire.h"

#define FAMILY 0x1d

static void start(struct nl_msg *m, uint8_t cmd)
{
	struct genlmsghdr *genl = nl_msg_start(m, FAMILY, NLM_F_MULTI, sizeof(*genl));

	genl->cmd = cmd;
}

static void test_requests(void **state)
{
	struct nl_msg m;
	struct wire w;

	(void)state;
	wifi_get_family(&m);
	STARTS(w, &m.nlh, GENL_ID_CTRL, NLM_F_REQUEST, sizeof(struct genlmsghdr));
	ATTR_STR(w, CTRL_ATTR_FAMILY_NAME, "nl80211");
	ENDS(w);
	wifi_dump_interfaces(&m, FAMILY);
	STARTS(w, &m.nlh, FAMILY, NLM_F_REQUEST, sizeof(struct genlmsghdr));
	ENDS(w);
	wifi_dump_scan(&m, FAMILY, 5);
	STARTS(w, &m.nlh, FAMILY, NLM_F_REQUEST, sizeof(struct genlmsghdr));
	ATTR_U32(w, NL80211_ATTR_IFINDEX, 5);
	ENDS(w);
}

static void test_interface(void **state)
{
	static const struct {
		const char *ssid;
		size_t len;
		int found;
	} cases[] = {
		{ "Home", 4, 1 },
		{ "Caf\xc3\xa9, 2. OG", 12, 1 },
		{ "12345678901234567890123456789012", 32, 1 },
		{ "123456789012345678901234567890123", 33, 0 },
		{ "\0\0\0\0", 4, 0 }, /* hidden */
		{ "a\x1b[2J", 5, 0 },
		{ "Caf\xe9", 4, 0 }, /* ISO 8859-1 */
		{ "a\xc2\x9b", 3, 0 },
		{ "a\xe2\x80\xae", 4, 0 }, /* U+202E */
		{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char ssid[33] = "before";
		struct nl_msg m;
		int index = 0;

		start(&m, NL80211_CMD_NEW_INTERFACE);
		nl_put_u32(&m, NL80211_ATTR_IFINDEX, 5);
		nl_put(&m, NL80211_ATTR_SSID, cases[i].ssid, cases[i].len);
		assert_int_equal(wifi_decode_interface(&m.nlh, &index, ssid), cases[i].found);
		assert_int_equal(index, 5);
		assert_string_equal(ssid, cases[i].found ? cases[i].ssid : "");
	}
}

/* A network in sight; status -1: it says none. */
static void network(struct nl_msg *m, int status, const char *elements, size_t len)
{
	struct nlattr *bss;

	start(m, NL80211_CMD_NEW_SCAN_RESULTS);
	nl_put_u32(m, NL80211_ATTR_GENERATION, 7);
	nl_put_u32(m, NL80211_ATTR_IFINDEX, 5);
	bss = nl_nest(m, NL80211_ATTR_BSS);
	nl_put(m, NL80211_BSS_BSSID, "\x02\0\0\0\0\x01", 6);
	nl_put(m, NL80211_BSS_INFORMATION_ELEMENTS, elements, len);
	if (status >= 0)
		nl_put_u32(m, NL80211_BSS_STATUS, (uint32_t)status);
	nl_nest_end(m, bss);
}
#define NETWORK(m, status, elements) network(m, status, elements, sizeof(elements) - 1)

static void test_scan(void **state)
{
	char ssid[33];
	struct nl_msg m;
	int index = 0;

	(void)state;
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "\0\x04Home\x01\x02\x82\x84");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 1);
	assert_int_equal(index, 5);
	assert_string_equal(ssid, "Home");
	/* behind others */
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "\x01\x02\x82\x84\x03\x01\x06\0\x04Home");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 1);
	assert_string_equal(ssid, "Home");
	/* a neighbour's */
	NETWORK(&m, -1, "\0\x04Home");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	NETWORK(&m, NL80211_BSS_STATUS_AUTHENTICATED, "\0\x04Home");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	/* hidden, none, and lengths that lie */
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "\0\0\x01\x02\x82\x84");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "\0\x05\x1b[2Jx");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED,
		"\0\x04"
		"Caf\xe9");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "\0\x05Home");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "\x01\xff\0\x04Home");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED,
		"\0\x21"
		"123456789012345678901234567890123");
	assert_int_equal(wifi_decode_scan(&m.nlh, &index, ssid), 0);
}

/* Nothing is read past the end, and an SSID always ends. */
static void test_broken(void **state)
{
	struct chance c = { 80211 };
	struct nl_msg m;

	(void)state;
	NETWORK(&m, NL80211_BSS_STATUS_ASSOCIATED, "\x01\x02\x82\x84\0\x04Home\x03\x01\x06");
	for (size_t len = sizeof(struct nlmsghdr); len <= m.nlh.nlmsg_len; len++) {
		_cleanup_free_ struct nlmsghdr *part = wire_cut(&m.nlh, len);
		char ssid[33];
		int index;

		wifi_decode_scan(part, &index, ssid);
		wifi_decode_interface(part, &index, ssid);
	}
	for (int i = 0; i < 20000; i++) {
		size_t head = sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr);
		_cleanup_free_ struct nlmsghdr *bad = wire_cut(&m.nlh, m.nlh.nlmsg_len);
		char ssid[33];
		int index;

		mutate(&c, (char *)bad + head, m.nlh.nlmsg_len - head);
		if (wifi_decode_scan(bad, &index, ssid) > 0)
			assert_in_range(strnlen(ssid, sizeof(ssid)), 1, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_broken),
	};

	return RUN_TESTS(tests);
}
