/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mutate.h"
#include "net/nl.h"
#include "unit.h"
#include "wire.h"

static struct rtmsg *start(struct nl_msg *m)
{
	return nl_msg_start(m, RTM_NEWROUTE, NLM_F_CREATE, sizeof(struct rtmsg));
}

/* --- the builder --------------------------------------------------------------------------- */

static void test_start(void **state)
{
	static const struct rtmsg zero;
	struct nl_msg m;
	struct rtmsg *rtm;
	struct wire w;

	(void)state;
	memset(&m, 0xa5, sizeof(m));
	rtm = start(&m);
	assert_ptr_equal(rtm, mnl_nlmsg_get_payload(&m.nlh));
	assert_memory_equal(rtm, &zero, sizeof(zero));
	assert_int_equal(m.nlh.nlmsg_len, sizeof(m.nlh) + sizeof(*rtm));
	assert_int_equal(m.nlh.nlmsg_seq, 0);
	assert_int_equal(m.nlh.nlmsg_pid, 0);
	STARTS(w, &m.nlh, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE, sizeof(*rtm));
	ENDS(w);
	assert_int_equal(nl_msg_error(&m), 0);
}

static void test_puts(void **state)
{
	const struct ip four = { AF_INET, { 192, 0, 2, 1 } },
			six = { AF_INET6, { 0x20, 1, 0xd, 0xb8, [15] = 9 } };
	const struct mac mac = { { 2, 0, 0, 0, 0, 0x1f } };
	struct nl_msg m;
	struct wire w;

	(void)state;
	memset(&m, 0xa5, sizeof(m));
	start(&m);
	nl_put_u8(&m, 1, 0xfe);
	nl_put_u16(&m, 2, 0x1234);
	nl_put_u32(&m, 3, 0x12345678);
	nl_put_be32(&m, 5, 0x12345678);
	nl_put_str(&m, 6, "viap1");
	nl_put_str(&m, 7, "");
	nl_put_ip(&m, 8, &four);
	nl_put_ip(&m, 9, &six);
	nl_put_mac(&m, 10, &mac);
	nl_put(&m, 11, "abc", 3);
	nl_put(&m, 12, NULL, 0);
	assert_int_equal(nl_msg_error(&m), 0);
	assert_int_equal(m.nlh.nlmsg_len % NLMSG_ALIGNTO, 0);
	STARTS(w, &m.nlh, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE, sizeof(struct rtmsg));
	ATTR(w, 1, "\xfe", 1);
	ATTR_U16(w, 2, 0x1234);
	ATTR_U32(w, 3, 0x12345678);
	ATTR(w, 5, "\x12\x34\x56\x78", 4);
	ATTR(w, 6, "viap1", 6);
	ATTR(w, 7, "", 1);
	ATTR(w, 8, "\xc0\x00\x02\x01", 4);
	ATTR(w, 9, six.bytes, 16);
	ATTR(w, 10, mac.bytes, 6);
	ATTR(w, 11, "abc", 3);
	ATTR(w, 12, "", 0);
	ENDS(w);
}

static void test_nests(void **state)
{
	struct nlattr *outer, *inner, *empty;
	struct wire w, out, in, none;
	struct nl_msg m;

	(void)state;
	start(&m);
	outer = nl_nest(&m, 1);
	nl_put_u8(&m, 2, 7);
	inner = nl_nest(&m, 3);
	nl_put_str(&m, 4, "x");
	nl_nest_end(&m, inner);
	empty = nl_nest(&m, 5);
	nl_nest_end(&m, empty);
	nl_nest_end(&m, outer);
	nl_put_u32(&m, 6, 9);
	assert_int_equal(nl_msg_error(&m), 0);
	STARTS(w, &m.nlh, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE, sizeof(struct rtmsg));
	ATTR_NEST(w, 1, out);
	ATTR_U8(out, 2, 7);
	ATTR_NEST(out, 3, in);
	ATTR_STR(in, 4, "x");
	ENDS(in);
	ATTR_NEST(out, 5, none);
	ENDS(none);
	ENDS(out);
	ATTR_U32(w, 6, 9);
	ENDS(w);
}

static void test_reserve(void **state)
{
	static const char zero[12];
	struct nlattr *nest;
	struct nl_msg m;
	struct wire w, in;
	char *room;

	(void)state;
	memset(&m, 0xa5, sizeof(m));
	start(&m);
	nest = nl_nest(&m, 1);
	room = nl_reserve(&m, 10); /* takes whole words */
	assert_non_null(room);
	nl_put_u8(&m, 2, 1);
	nl_nest_end(&m, nest);
	STARTS(w, &m.nlh, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE, sizeof(struct rtmsg));
	ATTR_NEST(w, 1, in);
	assert_ptr_equal(room, in.at);
	assert_true(wire_raw(&in, zero, sizeof(zero)));
	ATTR_U8(in, 2, 1);
	ENDS(in);
	ENDS(w);
}

/* Where nothing more fits. */
static void fill(struct nl_msg *m, size_t left)
{
	static const char much[NL_MSG_SIZE];

	start(m);
	nl_put(m, 1, much, NL_MSG_SIZE - m->nlh.nlmsg_len - sizeof(struct nlattr) - left);
	assert_int_equal(m->nlh.nlmsg_len, NL_MSG_SIZE - left);
	assert_int_equal(nl_msg_error(m), 0);
}

static void test_overflow(void **state)
{
	struct {
		struct nl_msg m;
		char guard[64];
	} x;
	static const char much[NL_MSG_SIZE];
	char guard[sizeof(x.guard)];

	(void)state;
	memset(guard, 0x5a, sizeof(guard));
	memset(x.guard, 0x5a, sizeof(x.guard));

	fill(&x.m, 8); /* the last that fits, and one more */
	nl_put_u32(&x.m, 2, 1);
	assert_int_equal(nl_msg_error(&x.m), 0);
	assert_int_equal(x.m.nlh.nlmsg_len, NL_MSG_SIZE);
	nl_put(&x.m, 3, NULL, 0);
	assert_int_equal(nl_msg_error(&x.m), -EMSGSIZE);
	assert_int_equal(x.m.nlh.nlmsg_len, NL_MSG_SIZE);

	fill(&x.m, 8); /* one byte, with its padding, is as much as four */
	nl_put(&x.m, 2, "12345", 5);
	assert_int_equal(nl_msg_error(&x.m), -EMSGSIZE);
	assert_int_equal(x.m.nlh.nlmsg_len, NL_MSG_SIZE - 8);
	nl_put_u8(&x.m, 2, 1); /* this one fits, and what failed stays failed */
	assert_int_equal(x.m.nlh.nlmsg_len, NL_MSG_SIZE);
	assert_int_equal(nl_msg_error(&x.m), -EMSGSIZE);

	start(&x.m); /* more than the buffer at once */
	nl_put(&x.m, 1, much, sizeof(much));
	assert_int_equal(nl_msg_error(&x.m), -EMSGSIZE);
	nl_put_str(&x.m, 1, "x");
	assert_int_equal(nl_msg_error(&x.m), -EMSGSIZE);

	start(&x.m); /* a fresh start forgets */
	assert_int_equal(nl_msg_error(&x.m), 0);
	assert_memory_equal(x.guard, guard, sizeof(guard));
}

static void test_overflow_in_nests(void **state)
{
	struct nlattr *outer, *inner;
	struct nl_msg m;

	(void)state;
	fill(&m, 0);
	outer = nl_nest(&m, 1);
	assert_null(outer);
	nl_nest_end(&m, outer);
	assert_int_equal(nl_msg_error(&m), -EMSGSIZE);
	assert_int_equal(m.nlh.nlmsg_len, NL_MSG_SIZE);

	fill(&m, 4); /* its header fits, its contents do not */
	outer = nl_nest(&m, 1);
	assert_non_null(outer);
	inner = nl_nest(&m, 2);
	assert_null(inner);
	nl_put_u8(&m, 3, 1);
	nl_nest_end(&m, inner);
	nl_nest_end(&m, outer);
	assert_int_equal(nl_msg_error(&m), -EMSGSIZE);
	assert_int_equal(m.nlh.nlmsg_len, NL_MSG_SIZE);

	fill(&m, 12);
	assert_null(nl_reserve(&m, 13));
	assert_int_equal(nl_msg_error(&m), -EMSGSIZE);
	assert_int_equal(m.nlh.nlmsg_len, NL_MSG_SIZE - 12);
	fill(&m, 12);
	assert_non_null(nl_reserve(&m, 9));
	assert_int_equal(nl_msg_error(&m), 0);
	assert_int_equal(m.nlh.nlmsg_len, NL_MSG_SIZE);
}

/* --- the extended acknowledgement ---------------------------------------------------------- */

/* As net/netlink/af_netlink.c:netlink_ack() makes it: the request in full, or only its header. */
static struct nlmsgerr *error_to(struct nl_msg *m, const struct nlmsghdr *request, bool capped)
{
	uint16_t flags = capped ? NLM_F_CAPPED : 0;
	struct nlmsgerr *e = nl_msg_start(m, NLMSG_ERROR, 0, sizeof(*e));

	m->nlh.nlmsg_flags = flags | NLM_F_ACK_TLVS;
	e->error = -EINVAL;
	e->msg = *request;
	if (!capped)
		memcpy(nl_reserve(m, request->nlmsg_len - sizeof(*request)), request + 1,
		       request->nlmsg_len - sizeof(*request));
	return e;
}

static void make_request(struct nl_msg *m, size_t len)
{
	static const char much[1024];

	start(m);
	nl_put(m, 1, much, len);
}

/* The text of a message cut to len bytes, which must lie within them. */
static const char *extack_of_cut(const struct nlmsghdr *nlh, size_t len)
{
	static char text[256];
	_cleanup_free_ struct nlmsghdr *cut = wire_cut(nlh, len);
	const char *got = nl_extack(cut);

	if (!got)
		return NULL;
	assert_true(got >= (char *)cut && strlen(got) < sizeof(text) &&
		    got + strlen(got) < (char *)cut + MNL_ALIGN(len));
	return strcpy(text, got);
}

static void check_extack(bool capped, size_t request_len)
{
	struct nl_msg request, m;
	size_t whole;

	make_request(&request, request_len);
	error_to(&m, &request.nlh, capped);
	assert_null(extack_of_cut(&m.nlh, m.nlh.nlmsg_len)); /* none in it */
	nl_put_u32(&m, NLMSGERR_ATTR_OFFS, 36);
	assert_null(extack_of_cut(&m.nlh, m.nlh.nlmsg_len));
	nl_put_str(&m, NLMSGERR_ATTR_MSG, "Invalid prefix for given prefix length");
	whole = m.nlh.nlmsg_len;
	nl_put_u32(&m, NLMSGERR_ATTR_MISS_TYPE, 3);
	assert_string_equal(extack_of_cut(&m.nlh, m.nlh.nlmsg_len),
			    "Invalid prefix for given prefix length");
	for (size_t len = sizeof(m.nlh); len < m.nlh.nlmsg_len; len++) {
		const char *got = extack_of_cut(&m.nlh, len);

		if (len >= whole)
			assert_string_equal(got, "Invalid prefix for given prefix length");
		else if (MNL_ALIGN(len) < whole)
			assert_null(got);
	}
}

/* The length is the sender's word. */
/* NETLINK_USERSOCK lets everybody send to anybody, as others let who has CAP_NET_ADMIN. */
static void test_not_from_the_kernel(void **state)
{
	struct nl_sock s = { 0 }, other = { 0 };
	struct err err = { 0 };
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct nl_msg m;
	char buf[256];

	(void)state;
	assert_int_equal(nl_open(&s, NETLINK_USERSOCK, &err), 0);
	assert_int_equal(nl_open(&other, NETLINK_USERSOCK, &err), 0);
	start(&m);
	m.nlh.nlmsg_pid = s.portid; /* all that a message can say of itself */
	to.nl_pid = s.portid;
	for (int i = 0; i < 3; i++)
		assert_int_equal(sendto(nl_fd(&other), &m.nlh, m.nlh.nlmsg_len, 0,
					(const struct sockaddr *)&to, sizeof(to)),
				 m.nlh.nlmsg_len);
	assert_true(nl_recv(&s, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC) < 0);
	assert_int_equal(errno, EAGAIN);
	nl_close(&other);
	nl_close(&s);
}

static void test_msg_ok(void **state)
{
	struct {
		struct nlmsghdr nlh;
		uint32_t payload[2];
	} m = { 0 };
	const uint32_t wrong[] = {
		0,         1, sizeof(m.nlh) - 1, sizeof(m) + 1, INT32_MAX, (uint32_t)INT32_MAX + 1,
		UINT32_MAX
	};

	(void)state;
	for (uint32_t len = sizeof(m.nlh); len <= sizeof(m); len++) {
		m.nlh.nlmsg_len = len;
		assert_true(nl_msg_ok(&m.nlh, sizeof(m)));
		assert_true(nl_msg_ok(&m.nlh, (int)MNL_ALIGN(len)));
		assert_false(nl_msg_ok(&m.nlh, (int)MNL_ALIGN(len) - 1));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		m.nlh.nlmsg_len = wrong[i];
		assert_false(nl_msg_ok(&m.nlh, sizeof(m)));
	}
	m.nlh.nlmsg_len = sizeof(m.nlh);
	assert_false(nl_msg_ok(&m.nlh, 0));
	assert_false(nl_msg_ok(&m.nlh, -4)); /* behind a last one whose padding is missing */
}

static void test_extack(void **state)
{
	(void)state;
	check_extack(true, 40);
	check_extack(false, 40);
	check_extack(false, 41); /* what was asked is padded in the answer */
	check_extack(false, 0);
}

static void test_extack_is_none(void **state)
{
	struct nl_msg request, m;
	struct nlmsgerr *e;

	(void)state;
	make_request(&request, 8);

	error_to(&m, &request.nlh, true); /* no flag: a kernel before 4.12 */
	nl_put_str(&m, NLMSGERR_ATTR_MSG, "text");
	m.nlh.nlmsg_flags = NLM_F_CAPPED;
	assert_null(nl_extack(&m.nlh));

	error_to(&m, &request.nlh, true); /* another kind of message */
	nl_put_str(&m, NLMSGERR_ATTR_MSG, "text");
	m.nlh.nlmsg_type = NLMSG_DONE;
	assert_null(nl_extack(&m.nlh));

	error_to(&m, &request.nlh, true); /* no terminator */
	nl_put(&m, NLMSGERR_ATTR_MSG, "text", 4);
	assert_null(nl_extack(&m.nlh));
	error_to(&m, &request.nlh, true);
	nl_put(&m, NLMSGERR_ATTR_MSG, NULL, 0);
	assert_null(nl_extack(&m.nlh));

	e = error_to(&m, &request.nlh, false); /* what was asked is longer than the answer */
	nl_put_str(&m, NLMSGERR_ATTR_MSG, "text");
	assert_string_equal(nl_extack(&m.nlh), "text");
	e->msg.nlmsg_len = 4000;
	assert_null(nl_extack(&m.nlh));
	e->msg.nlmsg_len = UINT32_MAX;
	assert_null(nl_extack(&m.nlh));
	e->msg.nlmsg_len = UINT32_MAX - 15;
	assert_null(nl_extack(&m.nlh));
	e->msg.nlmsg_len = 0; /* shorter than its own header */
	assert_null(nl_extack(&m.nlh));
}

static void test_extack_mutations(void **state)
{
	struct chance c = { .state = 20240301 };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct nl_msg request, m;

		make_request(&request, 8);
		error_to(&m, &request.nlh, i % 2);
		nl_put_str(&m, NLMSGERR_ATTR_MSG, "text");
		nl_put_u32(&m, NLMSGERR_ATTR_OFFS, 36);
		mutate(&c, mnl_nlmsg_get_payload(&m.nlh), m.nlh.nlmsg_len - sizeof(m.nlh));
		extack_of_cut(&m.nlh, m.nlh.nlmsg_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_puts),
		cmocka_unit_test(test_nests),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_overflow_in_nests),
		cmocka_unit_test(test_not_from_the_kernel),
		cmocka_unit_test(test_msg_ok),
		cmocka_unit_test(test_extack),
		cmocka_unit_test(test_extack_is_none),
		cmocka_unit_test(test_extack_mutations),
	};

	return RUN_TESTS(tests);
}
