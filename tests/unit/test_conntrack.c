/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctnetlink's messages, as bytes. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mutate.h"
#include "net/conntrack.h"
#include "unit.h"
#include "wire.h"

#define NEW    (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW)
#define DELETE (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE)

static void put_tuple(struct nl_msg *m, uint16_t type, uint8_t family, const char *src,
		      const char *dst)
{
	struct nlattr *tuple = nl_nest(m, type), *ip = nl_nest(m, CTA_TUPLE_IP);
	uint8_t bytes[16];
	size_t len = family == AF_INET ? 4 : 16;

	inet_pton(family, src, bytes);
	nl_put(m, family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, bytes, len);
	inet_pton(family, dst, bytes);
	nl_put(m, family == AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST, bytes, len);
	nl_nest_end(m, ip);
	if (type == CTA_TUPLE_ORIG)
		nl_put_u16(m, CTA_TUPLE_ZONE, htons(22017));
	nl_nest_end(m, tuple);
}

static void start(struct nl_msg *m, uint16_t type, uint8_t family)
{
	struct nfgenmsg *nfg = nl_msg_start(m, type, NLM_F_MULTI, sizeof(*nfg));

	nfg->nfgen_family = family;
}

/* As the kernel tells an entry: of a session, by way of a name server's DNAT. */
static void entry(struct nl_msg *m, uint8_t family)
{
	bool ip4 = family == AF_INET;

	start(m, NEW, family);
	put_tuple(m, CTA_TUPLE_ORIG, family, ip4 ? "10.209.1.2" : "fd00::102",
		  ip4 ? "10.209.0.1" : "fd00::1");
	put_tuple(m, CTA_TUPLE_REPLY, family, ip4 ? "192.0.2.53" : "2001:db8::53",
		  ip4 ? "198.51.100.7" : "2001:db8:1::7");
	nl_put_be32(m, CTA_STATUS, 0x18e);
	nl_put_be32(m, CTA_TIMEOUT, 119);
	nl_put_be32(m, CTA_MARK, 0x56000001);
	nl_put_be32(m, CTA_ID, 77);
	assert_int_equal(nl_msg_error(m), 0);
}

static void is_ip(const struct ip *ip, const char *text)
{
	char buf[IP_TEXT_MAX];

	assert_string_equal(ip_format(ip, buf), text);
}

static void test_decode(void **state)
{
	struct conntrack_entry e;
	struct nl_msg m;

	(void)state;
	entry(&m, AF_INET);
	assert_int_equal(conntrack_decode(&m.nlh, &e), 1);
	is_ip(&e.from, "10.209.1.2");
	is_ip(&e.to, "192.0.2.53");
	assert_int_equal(e.mark, 0x56000001);
	entry(&m, AF_INET6);
	assert_int_equal(conntrack_decode(&m.nlh, &e), 1);
	is_ip(&e.from, "fd00::102");
	is_ip(&e.to, "2001:db8::53");
}

/* An entry of that protocol, with a status and, of TCP, a state (0: not told). */
static bool is_unfinished(uint8_t protocol, uint32_t status, uint8_t state)
{
	struct nlattr *tuple, *proto, *info, *tcp;
	struct conntrack_entry e;
	struct nl_msg m;

	start(&m, NEW, AF_INET);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, "192.0.2.1", "198.51.100.7");
	tuple = nl_nest(&m, CTA_TUPLE_ORIG);
	proto = nl_nest(&m, CTA_TUPLE_IP);
	nl_put(&m, CTA_IP_V4_SRC, "\x0a\xd1\x01\x02", 4);
	nl_put(&m, CTA_IP_V4_DST, "\xc0\x00\x02\x01", 4);
	nl_nest_end(&m, proto);
	proto = nl_nest(&m, CTA_TUPLE_PROTO);
	nl_put(&m, CTA_PROTO_NUM, &protocol, 1);
	nl_nest_end(&m, proto);
	nl_nest_end(&m, tuple);
	nl_put_be32(&m, CTA_STATUS, status);
	if (state) {
		info = nl_nest(&m, CTA_PROTOINFO);
		tcp = nl_nest(&m, CTA_PROTOINFO_TCP);
		nl_put(&m, CTA_PROTOINFO_TCP_STATE, &state, 1);
		nl_nest_end(&m, tcp);
		nl_nest_end(&m, info);
	}
	assert_int_equal(conntrack_decode(&m.nlh, &e), 1);
	return e.unfinished;
}

static void test_unfinished(void **state)
{
	(void)state;
	/* SYN_SENT, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, CLOSE, not told; TIME_WAIT */
	assert_true(is_unfinished(IPPROTO_TCP, 0x188, 1));
	assert_true(is_unfinished(IPPROTO_TCP, 0x18e, 3));
	assert_true(is_unfinished(IPPROTO_TCP, 0x18e, 4));
	assert_true(is_unfinished(IPPROTO_TCP, 0x18e, 5));
	assert_true(is_unfinished(IPPROTO_TCP, 0x18e, 6));
	assert_true(is_unfinished(IPPROTO_TCP, 0x18e, 8));
	assert_true(is_unfinished(IPPROTO_TCP, 0x18e, 0));
	assert_false(is_unfinished(IPPROTO_TCP, 0x18e, 7));
	/* a question and its answer; a stream; ping */
	assert_false(is_unfinished(IPPROTO_UDP, 0x18a, 0));
	assert_true(is_unfinished(IPPROTO_UDP, 0x18e, 0));
	assert_false(is_unfinished(IPPROTO_ICMP, 0x18a, 0));
}

static void put_transport(struct nl_msg *m, uint16_t type, uint16_t port, uint16_t to)
{
	struct nlattr *tuple = nl_nest(m, type), *ip = nl_nest(m, CTA_TUPLE_IP), *proto;
	const uint8_t tcp = IPPROTO_TCP;

	nl_put(m, CTA_IP_V4_SRC, type == CTA_TUPLE_ORIG ? "\x7f\0\0\1" : "\x0a\xd1\0\1", 4);
	nl_put(m, CTA_IP_V4_DST, "\x7f\0\0\x35", 4);
	nl_nest_end(m, ip);
	proto = nl_nest(m, CTA_TUPLE_PROTO);
	nl_put(m, CTA_PROTO_NUM, &tcp, 1);
	nl_put_u16(m, CTA_PROTO_SRC_PORT, htons(port));
	nl_put_u16(m, CTA_PROTO_DST_PORT, htons(to));
	nl_nest_end(m, proto);
	nl_nest_end(m, tuple);
}

static void put_bytes(struct nl_msg *m, uint16_t type, uint64_t bytes)
{
	struct nlattr *counters = nl_nest(m, type);

	bytes = htobe64(bytes);
	nl_put(m, CTA_COUNTERS_PACKETS, &bytes, 8);
	nl_put(m, CTA_COUNTERS_BYTES, &bytes, 8);
	nl_nest_end(m, counters);
}

/* A question to 127.0.0.53:53, which the name server's address inside answers. */
static void test_flow(void **state)
{
	struct nl_msg m;
	struct flow f;

	(void)state;
	start(&m, NEW, AF_INET);
	put_transport(&m, CTA_TUPLE_ORIG, 40000, 53);
	put_transport(&m, CTA_TUPLE_REPLY, 53, 40000);
	put_bytes(&m, CTA_COUNTERS_ORIG, 0x123456789aull);
	nl_put_be32(&m, CTA_ID, 77);
	assert_int_equal(conntrack_decode_flow(&m.nlh, &f), 1);
	assert_int_equal(f.counted, 0); /* one direction does not do */
	put_bytes(&m, CTA_COUNTERS_REPLY, 5);
	assert_int_equal(conntrack_decode_flow(&m.nlh, &f), 1);
	is_ip(&f.from, "127.0.0.1");
	is_ip(&f.to, "10.209.0.1");
	assert_int_equal(f.from_port, 40000);
	assert_int_equal(f.to_port, 53);
	assert_int_equal(f.protocol, IPPROTO_TCP);
	assert_int_equal(f.id, 77);
	assert_true(f.counted && f.sent == 0x123456789aull && f.answered == 5);
	entry(&m, AF_INET6); /* without ports and counters */
	assert_int_equal(conntrack_decode_flow(&m.nlh, &f), 1);
	assert_true(!f.counted && !f.from_port && !f.to_port && !f.sent);
	is_ip(&f.to, "2001:db8::53");
}

static void test_no_entry(void **state)
{
	struct conntrack_entry e;
	struct nl_msg m, deletion;

	(void)state;
	entry(&m, AF_INET);
	m.nlh.nlmsg_type = DELETE;
	assert_int_equal(conntrack_decode(&m.nlh, &e), 0);
	assert_int_equal(conntrack_encode_delete(&deletion, &m.nlh), -EINVAL);
	start(&m, NEW, AF_BRIDGE);
	assert_int_equal(conntrack_decode(&m.nlh, &e), 0);
	start(&m, NEW, AF_INET);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, "10.209.1.2", "192.0.2.1");
	assert_int_equal(conntrack_decode(&m.nlh, &e), 0);
	/* a family that its addresses are not of */
	entry(&m, AF_INET);
	((struct nfgenmsg *)mnl_nlmsg_get_payload(&m.nlh))->nfgen_family = AF_INET6;
	assert_int_equal(conntrack_decode(&m.nlh, &e), 0);
}

/* Without a tuple the kernel would take it for a wish to delete everything. */
static void test_no_deletion_without_a_tuple(void **state)
{
	struct nl_msg m, deletion;

	(void)state;
	start(&m, NEW, AF_INET);
	nl_put_be32(&m, CTA_MARK, 0x56000001);
	nl_put_be32(&m, CTA_ID, 77);
	assert_int_equal(conntrack_encode_delete(&deletion, &m.nlh), -EINVAL);
}

static void test_deletion(void **state)
{
	struct wire w, tuple, ip;
	struct nl_msg m, deletion;
	struct in_addr src, dst;

	(void)state;
	inet_pton(AF_INET, "10.209.1.2", &src);
	inet_pton(AF_INET, "10.209.0.1", &dst);
	entry(&m, AF_INET);
	nl_put_u16(&m, CTA_ZONE, htons(5));
	assert_int_equal(conntrack_encode_delete(&deletion, &m.nlh), 0);
	STARTS(w, &deletion.nlh, DELETE, NLM_F_REQUEST | NLM_F_ACK, sizeof(struct nfgenmsg));
	ATTR_NEST(w, CTA_TUPLE_ORIG, tuple);
	ATTR_NEST(tuple, CTA_TUPLE_IP, ip);
	ATTR(ip, CTA_IP_V4_SRC, &src, 4);
	ATTR(ip, CTA_IP_V4_DST, &dst, 4);
	ENDS(ip);
	ATTR_U16(tuple, CTA_TUPLE_ZONE, htons(22017));
	ENDS(tuple);
	ATTR_U16(w, CTA_ZONE, htons(5));
	ATTR_U32(w, CTA_ID, htonl(77));
	ENDS(w);
}

/* Cut anywhere: read no further than it goes. */
static void test_cut(void **state)
{
	struct conntrack_entry e;
	struct flow f;
	struct nl_msg m, deletion;

	(void)state;
	entry(&m, AF_INET6);
	for (size_t len = sizeof(struct nlmsghdr); len < m.nlh.nlmsg_len; len++) {
		struct nlmsghdr *cut = wire_cut(&m.nlh, len);

		assert_in_range(conntrack_decode(cut, &e), 0, 1);
		assert_in_range(conntrack_decode_flow(cut, &f), 0, 1);
		conntrack_encode_delete(&deletion, cut);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_no_entry),
		cmocka_unit_test(test_no_deletion_without_a_tuple),
		cmocka_unit_test(test_deletion),
		cmocka_unit_test(test_cut),
	};

	return RUN_TESTS(tests);
}
