/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>

#include "model/nft.h"
#include "unit.h"

/* The text of the rule, then an empty one again. */
#define RULE_IS(rule, text)                                                                        \
	do {                                                                                       \
		_cleanup_strbuf_ struct strbuf sb_ = { 0 };                                        \
		nft_print_rule(&sb_, &(rule));                                                     \
		assert_string_equal(strbuf_text(&sb_), text);                                      \
		(rule) = (struct nft_rule){ 0 };                                                   \
	} while (0)
#define KEY_IS(key, text)                                                                          \
	do {                                                                                       \
		_cleanup_strbuf_ struct strbuf sb_ = { 0 };                                        \
		nft_print_key(&sb_, &(key));                                                       \
		assert_string_equal(strbuf_text(&sb_), text);                                      \
	} while (0)

static void test_names_of_devices(void **state)
{
	struct nft_rule r = { 0 };

	(void)state;
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, "via0", false);
	assert_int_equal(r.stmts[0].len, 16);
	assert_memory_equal(r.stmts[0].value, "via0\0\0\0\0\0\0\0\0\0\0\0", 16);
	RULE_IS(r, "iifname \"via0\"");
	nft_match_ifname(&r, NFT_FIELD_OIFNAME, "via0", true);
	RULE_IS(r, "oifname != \"via0\"");
	nft_match_not(&r, NFT_FIELD_IIFNAME, "viap", 4);
	assert_int_equal(r.stmts[0].len, 4);
	RULE_IS(r, "iifname != \"viap*\"");
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, "exactly15bytes_", false);
	RULE_IS(r, "iifname \"exactly15bytes_\"");
	/* a device of that very name, not all that start so */
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, "wl*", false);
	RULE_IS(r, "iifname \"wl\\*\"");
}

static void test_numbers(void **state)
{
	static const uint8_t addr[4] = { 192, 0, 2, 1 }, mac[6] = { 2, 0, 0, 0, 0, 0x1f };
	struct nft_rule r = { 0 };

	(void)state;
	nft_match_u8(&r, NFT_FIELD_L4PROTO, 6);
	RULE_IS(r, "meta l4proto tcp");
	nft_match_u8(&r, NFT_FIELD_L4PROTO, 58);
	RULE_IS(r, "meta l4proto ipv6-icmp");
	nft_match_u8(&r, NFT_FIELD_L4PROTO, 132);
	RULE_IS(r, "meta l4proto 132");
	nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV4);
	nft_match_u8(&r, NFT_FIELD_CT_DIR, 1);
	RULE_IS(r, "meta nfproto ipv4 ct direction reply");
	nft_match_be16(&r, NFT_FIELD_DPORT, 53);
	assert_memory_equal(r.stmts[0].value, "\0\x35", 2);
	RULE_IS(r, "th dport 53");
	nft_match_be16(&r, NFT_FIELD_DPORT, 65535);
	RULE_IS(r, "th dport 65535");
	nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, 0x86dd);
	nft_match_be16(&r, NFT_FIELD_ARP_OP, 1);
	RULE_IS(r, "ether type ip6 arp operation request");
	nft_match_u8(&r, NFT_FIELD_ICMPV6_TYPE, 134);
	nft_match_u8(&r, NFT_FIELD_ICMP_TYPE, 3);
	RULE_IS(r, "icmpv6 type 134 icmp type 3");
	nft_match(&r, NFT_FIELD_IP_SADDR, addr, 4);
	nft_match_not(&r, NFT_FIELD_ETHER_SADDR, mac, 6);
	RULE_IS(r, "ip saddr 192.0.2.1 ether saddr != 02:00:00:00:00:1f");
}

static void test_masks(void **state)
{
	struct nft_rule r = { 0 };
	uint32_t mark = 0x56000001;

	(void)state;
	nft_match_masked(&r, NFT_FIELD_MARK, 0xff0000ff, mark, false);
	assert_int_equal(r.stmts[0].len, 4);
	assert_memory_equal(r.stmts[0].value, &mark, 4);
	RULE_IS(r, "meta mark & 0xff0000ff == 0x56000001");
	nft_match_masked(&r, NFT_FIELD_CT_MARK, 0xff000000, 0x56000000, true);
	RULE_IS(r, "ct mark & 0xff000000 != 0x56000000");
	nft_match_masked(&r, NFT_FIELD_TCP_FLAGS, 0x06, 0x02, false);
	assert_int_equal(r.stmts[0].len, 1);
	RULE_IS(r, "tcp flags & (syn|rst) == syn");
	nft_match_masked(&r, NFT_FIELD_CT_STATE, 1, 0, true);
	RULE_IS(r, "ct state invalid");
	nft_match_masked(&r, NFT_FIELD_CT_STATE, 6, 0, true);
	RULE_IS(r, "ct state established,related");
	nft_match_masked(&r, NFT_FIELD_CT_STATE, 8, 0, true);
	RULE_IS(r, "ct state new");
	nft_match_masked(&r, NFT_FIELD_IP_FRAG_OFF, 0x3fff, 0, true);
	assert_int_equal(r.stmts[0].len, 2);
	RULE_IS(r, "ip frag-off & 0x00003fff != 0");
}

static void test_ports(void **state)
{
	const struct port_range ports = { 61000, 65535 };
	struct nft_rule r = { 0 };
	struct ip ip;

	(void)state;
	nft_match_ports(&r, NFT_FIELD_SPORT, &ports);
	assert_memory_equal(r.stmts[0].value, "\xee\x48\xff\xff", 4);
	RULE_IS(r, "th sport 61000-65535");
	nft_masquerade(&r, &ports);
	RULE_IS(r, "masquerade to :61000-65535");
	assert_int_equal(ip_parse("192.168.2.9", &ip), 0);
	nft_snat(&r, &ip, &ports);
	RULE_IS(r, "snat ip to 192.168.2.9:61000-65535");
	nft_snat(&r, &ip, NULL);
	RULE_IS(r, "snat ip to 192.168.2.9");
	assert_int_equal(ip_parse("2001:db8::9", &ip), 0);
	nft_snat(&r, &ip, &ports);
	RULE_IS(r, "snat ip6 to [2001:db8::9]:61000-65535");
	nft_snat(&r, &ip, NULL);
	RULE_IS(r, "snat ip6 to 2001:db8::9");
	nft_set_address(&r, NFT_FIELD_IP6_DADDR, &ip);
	RULE_IS(r, "ip6 daddr set 2001:db8::9");
}

static void test_dynamic(void **state)
{
	static const enum nft_field key[] = { NFT_FIELD_L4PROTO, NFT_FIELD_DPORT };
	const struct nft_limit packets = { 200, 1000, false }, bytes = { 300000, 1500000, true };
	struct nft_rule r = { 0 };

	(void)state;
	nft_update(&r, "host_ports", 2, key, NULL);
	RULE_IS(r, "update @host_ports { meta l4proto . th dport }");
	nft_update(&r, "fragments", 1, (enum nft_field[]){ NFT_FIELD_IIFNAME }, &packets);
	RULE_IS(r, "update @fragments { iifname limit rate over 200/second burst 1000 packets }");
	nft_connections_over(&r, "to", 2, key, 512);
	RULE_IS(r, "add @to { meta l4proto . th dport ct count over 512 }");
	nft_connections_over(&r, NULL, 0, NULL, 4096);
	RULE_IS(r, "ct count over 4096");
	nft_match_masked(&r, NFT_FIELD_CT_STATUS, 1 << 3, 0, false);
	RULE_IS(r, "ct status ! confirmed");
	nft_limit_over(&r, &bytes);
	RULE_IS(r, "limit rate over 300000 bytes/second burst 1500000 bytes");
	nft_match_u8(&r, NFT_FIELD_IP6_FRAGMENT, 1);
	RULE_IS(r, "exthdr frag exists");
	nft_match_u8(&r, NFT_FIELD_SOCKET_TRANSPARENT, 0);
	RULE_IS(r, "socket transparent 0");
	nft_match_be16(&r, NFT_FIELD_CT_DPORT, 80);
	RULE_IS(r, "ct original proto-dst 80");
	nft_ct_zone_both(&r, 22016);
	RULE_IS(r, "ct zone set 22016");
	nft_match_zone(&r, 22017, false);
	RULE_IS(r, "ct zone 22017");
	nft_match_zone(&r, 0, true);
	RULE_IS(r, "ct zone != 0");
	nft_dnat_same(&r, NFPROTO_IPV4);
	RULE_IS(r, "dnat ip to ip daddr");
	nft_dnat_same(&r, NFPROTO_IPV6);
	RULE_IS(r, "dnat ip6 to ip6 daddr");
}

static void test_lookups(void **state)
{
	static const enum nft_field three[] = { NFT_FIELD_IIFNAME, NFT_FIELD_ETHER_SADDR,
						NFT_FIELD_IP_SADDR };
	struct nft_rule r = { 0 };

	(void)state;
	nft_lookup(&r, "allowed", true, 3, three);
	RULE_IS(r, "iifname . ether saddr . ip saddr != @allowed");
	nft_lookup(&r, "fenced4", false, 1, three);
	RULE_IS(r, "iifname @fenced4");
	nft_lookup_mark(&r, "uplinks", 0xff0000ff, 2,
			(enum nft_field[]){ NFT_FIELD_OIF, NFT_FIELD_OIFNAME });
	RULE_IS(r, "meta mark & 0xff0000ff . oif . oifname @uplinks");
	nft_vmap(&r, NFT_FIELD_IIFNAME, "ports");
	RULE_IS(r, "iifname vmap @ports");
}

static void test_actions(void **state)
{
	struct nft_rule r = { 0 };

	(void)state;
	/* What is not in the mask stays as it was. */
	nft_set_mark(&r, NFT_FIELD_MARK, 0xff0000ff, 0x56000001);
	RULE_IS(r, "meta mark set meta mark & 0x00ffff00 | 0x56000001");
	nft_set_mark(&r, NFT_FIELD_CT_MARK, 0xff0000ff, 0x56000002);
	RULE_IS(r, "ct mark set ct mark & 0x00ffff00 | 0x56000002");
	nft_ct_zone(&r, 22017);
	RULE_IS(r, "ct original zone set 22017");
	nft_action(&r, NFT_OP_MSS_CLAMP);
	RULE_IS(r, "tcp option maxseg size set rt mtu");
	nft_action(&r, NFT_OP_MASQUERADE);
	RULE_IS(r, "masquerade");
	nft_action(&r, NFT_OP_REJECT);
	RULE_IS(r, "reject with icmpx type admin-prohibited");
	nft_action(&r, NFT_OP_RESET);
	RULE_IS(r, "reject with tcp reset");
	nft_action(&r, NFT_OP_NOTRACK);
	RULE_IS(r, "notrack");
	nft_match_payload(&r, 20, 3, (const uint8_t[]){ 0xff, 0xdf, 1 },
			  (const uint8_t[]){ 3, 0x56, 0 });
	RULE_IS(r, "@th,160,24 & 0xffdf01 == 0x035600");
	nft_verdict(&r, NF_ACCEPT, NULL);
	RULE_IS(r, "accept");
	nft_verdict(&r, NF_DROP, NULL);
	RULE_IS(r, "drop");
	nft_verdict(&r, NFT_JUMP, "a");
	nft_verdict(&r, NFT_GOTO, "slot1");
	RULE_IS(r, "jump a goto slot1");
}

static void test_equal(void **state)
{
	static const enum nft_field saddr = NFT_FIELD_IP_SADDR, daddr = NFT_FIELD_IP_DADDR;
	struct nft_rule rules[12] = { 0 };
	const size_t n = sizeof(rules) / sizeof(rules[0]);

	(void)state;
	/* each differs from all others in one thing */
	nft_verdict(&rules[1], NF_DROP, NULL);
	nft_verdict(&rules[2], NF_ACCEPT, NULL);
	nft_verdict(&rules[3], NFT_JUMP, "a");
	nft_verdict(&rules[4], NFT_JUMP, "b");
	nft_lookup(&rules[5], "s", false, 1, &saddr);
	nft_lookup(&rules[6], "s", false, 1, &daddr);
	nft_lookup(&rules[7], "s", true, 1, &saddr);
	nft_set_mark(&rules[8], NFT_FIELD_MARK, 0xff, 1);
	nft_set_mark(&rules[9], NFT_FIELD_MARK, 0xff, 2);
	nft_set_mark(&rules[10], NFT_FIELD_MARK, 0xfe, 1);
	nft_set_mark(&rules[11], NFT_FIELD_CT_MARK, 0xff, 1);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			const struct nft_rule copy = rules[j];

			assert_int_equal(nft_rule_equal(&rules[i], &copy), i == j);
		}
	/* the same, and more; the same in another order */
	rules[2] = rules[1];
	nft_action(&rules[2], NFT_OP_REJECT);
	assert_false(nft_rule_equal(&rules[1], &rules[2]));
	nft_action(&rules[0], NFT_OP_REJECT);
	nft_verdict(&rules[0], NF_DROP, NULL);
	assert_false(nft_rule_equal(&rules[0], &rules[2]));
	rules[0] = rules[1] = (struct nft_rule){ 0 };
	nft_ct_zone(&rules[0], 1);
	nft_ct_zone(&rules[1], 2);
	assert_false(nft_rule_equal(&rules[0], &rules[1]));
	rules[0] = rules[1] = (struct nft_rule){ 0 };
	nft_match(&rules[0], NFT_FIELD_IIFNAME, "viap", 4);
	nft_match_ifname(&rules[1], NFT_FIELD_IIFNAME, "viap", false);
	assert_false(nft_rule_equal(&rules[0], &rules[1]));
	/* another range of ports: else a changed ip_local_port_range would not be followed */
	for (size_t i = 0; i < 3; i++) {
		const struct port_range ports = { (uint16_t)(61000 + i / 2),
						  (uint16_t)(65535 - i % 2) };
		struct ip to = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } };

		rules[i] = rules[3 + i] = (struct nft_rule){ 0 };
		nft_masquerade(&rules[i], &ports);
		nft_snat(&rules[3 + i], &to, &ports);
	}
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < 6; j++)
			assert_int_equal(nft_rule_equal(&rules[i], &rules[j]), i == j);
}

static void test_empty_rule(void **state)
{
	struct nft_rule r = { 0 };

	(void)state;
	RULE_IS(r, "");
}

static void test_keys(void **state)
{
	const struct mac mac = { { 0x0a, 0x76, 0x69, 1, 0, 3 } };
	const struct ip four = { AF_INET, { 10, 209, 0, 3 } },
			six = { AF_INET6, { 0xfd, [15] = 3 } };
	struct nft_key k = { 0 };

	(void)state;
	nft_key_ifname(&k, "viap1");
	assert_int_equal(k.len, 16);
	KEY_IS(k, "\"viap1\"");
	nft_key_mac(&k, &mac);
	assert_int_equal(k.len, 24); /* padded to a register's four bytes */
	nft_key_ip(&k, &four);
	assert_int_equal(k.len, 28);
	assert_int_equal(k.n_types, 3);
	assert_memory_equal(k.bytes,
			    "viap1\0\0\0\0\0\0\0\0\0\0\0\x0a\x76\x69\x01\x00\x03\0\0\x0a\xd1\0\x03",
			    28);
	KEY_IS(k, "\"viap1\" . 0a:76:69:01:00:03 . 10.209.0.3");

	k = (struct nft_key){ 0 };
	nft_key_ifname(&k, "viap1");
	nft_key_mac(&k, &mac);
	nft_key_ip(&k, &six);
	assert_int_equal(k.len, 40);
	KEY_IS(k, "\"viap1\" . 0a:76:69:01:00:03 . fd00::3");

	k = (struct nft_key){ 0 };
	nft_key_mark(&k, 0x56000001);
	nft_key_ifname(&k, "wlp6s0");
	assert_int_equal(k.len, 20);
	KEY_IS(k, "0x56000001 . \"wlp6s0\"");

	/* an observed one, of whose bytes nobody knows the meaning */
	k.n_types = 0;
	k.len = 4;
	memcpy(k.bytes, "\xde\xad\x00\x01", 4);
	KEY_IS(k, "0xdead0001");
}

/* The two sides of a set meet in these: a key's part is as long as the field it is compared to. */
static void test_fields(void **state)
{
	(void)state;
	for (enum nft_field f = 0; f < NFT_FIELD_COUNT; f++) {
		const struct nft_field_info *info = nft_field_info(f);

		assert_non_null(info->text);
		assert_true(info->text[0]);
		assert_true(info->len > 0 && info->len <= 16);
		if (info->load != NFT_LOAD_PAYLOAD && f != NFT_FIELD_CT_DPORT &&
		    f != NFT_FIELD_CT_SADDR && f != NFT_FIELD_CT_SADDR6 &&
		    f != NFT_FIELD_CT_DADDR && f != NFT_FIELD_CT_DADDR6)
			assert_int_equal(info->offset, 0);
		for (enum nft_field g = 0; g < f; g++)
			assert_string_not_equal(info->text, nft_field_info(g)->text);
	}
	assert_int_equal(nft_field_info(NFT_FIELD_IP_SADDR)->offset, 12);
	assert_int_equal(nft_field_info(NFT_FIELD_IP6_DADDR)->offset, 24);
	assert_int_equal(nft_field_info(NFT_FIELD_TCP_FLAGS)->offset, 13);
	assert_int_equal(nft_field_info(NFT_FIELD_ARP_SPA)->offset, 14);
	assert_int_equal(nft_field_info(NFT_FIELD_ETHER_SADDR)->len, 6);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(nft_family_name(NFPROTO_INET), "inet");
	assert_string_equal(nft_family_name(NFPROTO_BRIDGE), "bridge");
	assert_string_equal(nft_family_name(NFPROTO_ARP), "arp");
	assert_string_equal(nft_family_name(200), "?");
	assert_string_equal(nft_hook_name(NFPROTO_INET, NF_INET_PRE_ROUTING), "prerouting");
	assert_string_equal(nft_hook_name(NFPROTO_INET, NF_INET_LOCAL_IN), "input");
	assert_string_equal(nft_hook_name(NFPROTO_INET, NF_INET_FORWARD), "forward");
	assert_string_equal(nft_hook_name(NFPROTO_INET, NF_INET_LOCAL_OUT), "output");
	assert_string_equal(nft_hook_name(NFPROTO_INET, NF_INET_POST_ROUTING), "postrouting");
	assert_string_equal(nft_hook_name(NFPROTO_INET, 99), "?");
	assert_string_equal(nft_hook_name(NFPROTO_ARP, 0), "input");
	assert_string_equal(nft_hook_name(NFPROTO_ARP, 2), "?");
	assert_string_equal(nft_type_name(NFT_TYPE_IFNAME), "ifname");
	assert_string_equal(nft_type_name(NFT_TYPE_ETHER), "ether_addr");
	assert_string_equal(nft_type_name(NFT_TYPE_IPV4), "ipv4_addr");
	assert_string_equal(nft_type_name(NFT_TYPE_IPV6), "ipv6_addr");
	assert_string_equal(nft_type_name(NFT_TYPE_MARK), "mark");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_devices),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_dynamic),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_empty_rule),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_words),
	};

	return RUN_TESTS(tests);
}
