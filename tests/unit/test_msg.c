/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/parse.h"
#include "ipc/msg.h"
#include "list.h"
#include "mutate.h"
#include "unit.h"

static void test_init(void **state)
{
	static const char zero[sizeof(struct msg_reply)];
	union msg_request q;
	struct msg_reply a;

	(void)state;
	memset(&q, 0xa5, sizeof(q));
	msg_request_init(&q, MSG_RUN);
	assert_int_equal(q.header.magic, 0x76696131);
	assert_int_equal(q.header.version, MSG_VERSION);
	assert_int_equal(q.header.op, MSG_RUN);
	assert_memory_equal(&q.run.request, zero, sizeof(q.run.request));
	assert_int_equal(msg_request_check(&q, sizeof(q.run)), 0);

	memset(&a, 0xa5, sizeof(a));
	msg_reply_init(&a, MSG_RUN);
	assert_int_equal(a.header.magic, 0x76696131);
	assert_int_equal(a.header.version, MSG_VERSION);
	assert_int_equal(a.header.op, MSG_RUN);
	assert_memory_equal(&a.status, zero, sizeof(a) - sizeof(a.header));
	assert_int_equal(msg_reply_check(&a, sizeof(a)), 0);
}

/* What was read is as long as it should be, or is not looked at. */
static void test_sizes(void **state)
{
	union msg_request q;
	struct msg_reply a;

	(void)state;
	msg_request_init(&q, MSG_RUN);
	msg_reply_init(&a, MSG_RUN);
	for (size_t len = 0; len < 2 * sizeof(a); len++) {
		assert_int_equal(msg_request_check(&q, len), len == sizeof(q.run) ? 0 : -EBADMSG);
		assert_int_equal(msg_reply_check(&a, len), len == sizeof(a) ? 0 : -EBADMSG);
	}
	assert_int_equal(msg_request_check(&q, SIZE_MAX), -EBADMSG);
	assert_int_equal(msg_reply_check(&a, SIZE_MAX), -EBADMSG);
	assert_int_equal(msg_reply_check(NULL, 0), -EBADMSG);
	assert_int_equal(msg_request_check(NULL, sizeof(struct msg_header) - 1), -EBADMSG);
}

/* Each operation has a struct of its own, and takes a message of no other size. */
static void test_size_of_each(void **state)
{
	union msg_request q;

	(void)state;
	assert_int_equal(msg_request_size(0), 0);
	assert_int_equal(msg_request_size(MSG_OP_END), 0);
	assert_int_equal(msg_request_size(UINT16_MAX), 0);
	assert_int_equal(msg_request_size(MSG_STOP), sizeof(struct msg_session));
	assert_int_equal(msg_request_size(MSG_MOVE), sizeof(struct msg_move));
	assert_int_equal(msg_request_size(MSG_PROBE), sizeof(struct msg_probe));
	assert_int_equal(msg_request_size(MSG_EXPLAIN), sizeof(struct msg_explain));
	assert_int_equal(msg_request_size(MSG_SUBSCRIBE), sizeof(struct msg_header));
	for (int op = MSG_RUN; op < MSG_OP_END; op++) {
		assert_in_range(msg_request_size((uint16_t)op), sizeof(q.header), sizeof(q));
		msg_request_init(&q, (enum msg_op)op);
		for (size_t len = 0; len <= sizeof(q) + 1; len++)
			assert_int_equal(msg_request_check(&q, len),
					 len == msg_request_size((uint16_t)op) ? 0 : -EBADMSG);
	}
}

static void test_probe(void **state)
{
	static const char *const bad[] = { "", "a b", "..", "a/b", "ssid:cafe" };
	union msg_request q;
	struct err err = { 0 };

	(void)state;
	msg_request_init(&q, MSG_PROBE);
	strcpy(q.probe.uplink, "wlp6s0");
	assert_int_equal(msg_probe_check(&q.probe, NULL), 0);
	q.probe.failed = 1;
	assert_int_equal(msg_probe_check(&q.probe, NULL), 0);
	for (uint32_t bit = 2; bit; bit <<= 1) {
		q.probe.failed = bit;
		assert_int_equal(msg_probe_check(&q.probe, &err), -EINVAL);
		assert_non_null(strstr(err.text, "expected 0 or 1"));
	}
	q.probe.failed = 0;
	memset(q.probe.uplink, 'x', sizeof(q.probe.uplink));
	assert_int_equal(msg_probe_check(&q.probe, NULL), -EINVAL);
	q.probe.uplink[sizeof(q.probe.uplink) - 1] = 0;
	assert_int_equal(msg_probe_check(&q.probe, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(q.probe.uplink, 0, sizeof(q.probe.uplink));
		strcpy(q.probe.uplink, bad[i]);
		assert_int_equal(msg_probe_check(&q.probe, &err), -EINVAL);
		assert_non_null(strstr(err.text, "names no interface"));
	}
	strcpy(q.probe.uplink, "a,b"); /* an interface may be called so */
	assert_int_equal(msg_probe_check(&q.probe, NULL), 0);
}

/* Both kinds of message begin alike. */
static int check_both(const struct msg_header *h)
{
	union msg_request q;
	struct msg_reply a;
	int r;

	msg_request_init(&q, MSG_RUN);
	msg_reply_init(&a, MSG_RUN);
	q.header = a.header = *h;
	r = msg_request_check(&q, msg_request_size(h->op));
	assert_int_equal(r, msg_reply_check(&a, sizeof(a)));
	return r;
}

static void test_header(void **state)
{
	const struct msg_header good = { MSG_MAGIC, MSG_VERSION, MSG_RUN };
	struct msg_header h = good;

	(void)state;
	assert_int_equal(check_both(&h), 0);
	for (unsigned int bit = 0; bit < 32; bit++) {
		h.magic = good.magic ^ 1u << bit;
		assert_int_equal(check_both(&h), -EBADMSG);
	}
	h = good;
	h.magic = __builtin_bswap32(MSG_MAGIC);
	assert_int_equal(check_both(&h), -EBADMSG);
	h = good;
	for (uint32_t version = 0; version <= UINT16_MAX; version++) {
		h.version = (uint16_t)version;
		assert_int_equal(check_both(&h), version == MSG_VERSION ? 0 : -EBADMSG);
	}
	h = good;
	for (uint32_t op = 0; op <= UINT16_MAX; op++) {
		bool known = op >= MSG_RUN && op < MSG_OP_END;

		h.op = (uint16_t)op;
		assert_int_equal(check_both(&h), known ? 0 : -EBADMSG);
	}
}

static void test_reply(void **state)
{
	struct msg_reply a;

	(void)state;
	msg_reply_init(&a, MSG_RUN);
	for (a.status = 0; a.status < 10; a.status++)
		assert_int_equal(msg_reply_check(&a, sizeof(a)),
				 a.status <= MSG_EXISTS ? 0 : -EBADMSG);
	a.status = UINT32_MAX;
	assert_int_equal(msg_reply_check(&a, sizeof(a)), -EBADMSG);
	a.status = MSG_REFUSED;

	memset(a.name, 'n', sizeof(a.name)); /* the zero of the text behind it is no end */
	assert_int_equal(msg_reply_check(&a, sizeof(a)), -EBADMSG);
	a.name[sizeof(a.name) - 1] = 0;
	assert_int_equal(msg_reply_check(&a, sizeof(a)), 0);
	memset(a.text, 't', sizeof(a.text));
	assert_int_equal(msg_reply_check(&a, sizeof(a)), -EBADMSG);
	a.text[sizeof(a.text) - 1] = 0;
	assert_int_equal(msg_reply_check(&a, sizeof(a)), 0);
}

static void test_event(void **state)
{
	struct msg_event e;

	(void)state;
	msg_event_init(&e);
	assert_int_equal(msg_event_check(&e, sizeof(e)), -EBADMSG); /* of nothing */
	e.count = 1;
	assert_int_equal(msg_event_check(&e, sizeof(e)), 0);
	assert_int_equal(msg_event_check(&e, sizeof(e) - 1), -EBADMSG);
	assert_int_equal(msg_event_check(&e, sizeof(e) + 1), -EBADMSG);
	e.header.op = MSG_RUN;
	assert_int_equal(msg_event_check(&e, sizeof(e)), -EBADMSG);
	e.header.op = MSG_SUBSCRIBE;
	memset(e.object, 'x', sizeof(e.object));
	assert_int_equal(msg_event_check(&e, sizeof(e)), -EBADMSG);
}

/* The texts of a request are request_check()'s, which says more about them. */
static void test_request_text(void **state)
{
	union msg_request q;

	(void)state;
	msg_request_init(&q, MSG_RUN);
	memset(&q.run.request, 'x', sizeof(q.run.request));
	assert_int_equal(msg_request_check(&q, sizeof(q.run)), 0);
	assert_int_equal(request_check(&q.run.request, NULL), -EINVAL);
}

static void test_mutations(void **state)
{
	struct chance c = { .state = 20240303 };
	size_t passed = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		union msg_request q;
		struct msg_reply a;

		msg_request_init(&q, MSG_RUN);
		q.run.request.uplinks = list_of("wlp6s0");
		strcpy(q.run.request.name, "curl");
		mutate(&c, &q, sizeof(q.run));
		if (msg_request_check(&q, sizeof(q.run)) == 0 && q.header.op != MSG_ATTACH &&
		    request_check(&q.run.request, NULL) == 0) {
			assert_in_range(q.run.request.uplinks.n, 1, UPLINK_WORDS_MAX);
			assert_true(session_name_valid(q.run.request.name));
			passed++;
		}
		msg_reply_init(&a, MSG_RUN);
		memset(a.name, 'n', sizeof(a.name) - 1);
		memset(a.text, 't', sizeof(a.text) - 1);
		mutate(&c, &a, sizeof(a));
		if (msg_reply_check(&a, sizeof(a)) == 0) {
			assert_in_range(a.status, MSG_OK, MSG_EXISTS);
			assert_non_null(memchr(a.name, 0, sizeof(a.name)));
			assert_non_null(memchr(a.text, 0, sizeof(a.text)));
		}
	}
	assert_true(passed > 100); /* so it was not all for nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),         cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_header),       cmocka_unit_test(test_reply),
		cmocka_unit_test(test_request_text), cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_event),        cmocka_unit_test(test_size_of_each),
		cmocka_unit_test(test_probe),
	};

	return RUN_TESTS(tests);
}
