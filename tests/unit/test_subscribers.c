/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those whom the daemon tells what it heals: it waits for none of them. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/fd_receive.h"
#include "daemon/subscribers.h"
#include "unit.h"

static struct fd_receivers receivers;

static void make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
}

static struct msg_event event(uint32_t count)
{
	struct msg_event e;

	msg_event_init(&e);
	e.count = count;
	strcpy(e.object, "ip rule 5180");
	assert_int_equal(msg_event_check(&e, sizeof(e)), 0);
	return e;
}

static void test_told(void **state)
{
	struct subscribers f = { .max = SUBSCRIBERS_MAX, .receivers = &receivers };
	struct msg_event e = event(3), got;
	int a[2], b[2];

	(void)state;
	make_pair(a);
	make_pair(b);
	assert_int_equal(subscribers_add(&f, a[0], 1000, NULL), 0);
	assert_int_equal(subscribers_add(&f, b[0], 1001, NULL), 0);
	assert_int_equal(subscribers_of(&f, 1000), 1);
	subscribers_send(&f, &e);
	assert_int_equal(recv(a[1], &got, sizeof(got), 0), sizeof(got));
	assert_memory_equal(&got, &e, sizeof(got));
	assert_int_equal(recv(b[1], &got, sizeof(got), 0), sizeof(got));
	close(a[1]); /* it went, and is not told any more */
	subscribers_send(&f, &e);
	assert_int_equal(f.n, 1);
	assert_int_equal(subscribers_of(&f, 1000), 0);
	subscribers_close(&f);
	assert_int_equal(f.n, 0);
	close(b[1]);
}

static void test_slow_one(void **state)
{
	struct subscribers f = { .max = SUBSCRIBERS_MAX, .receivers = &receivers };
	struct msg_event e = event(1);
	int slow[2], quick[2], told = 0;

	(void)state;
	make_pair(slow);
	make_pair(quick);
	assert_int_equal(subscribers_add(&f, slow[0], 1000, NULL), 0);
	assert_int_equal(subscribers_add(&f, quick[0], 1000, NULL), 0);
	for (; f.n == 2 && told < 100000; told++) {
		struct msg_event got;

		subscribers_send(&f, &e); /* returns, however full the other's socket is */
		assert_int_equal(recv(quick[1], &got, sizeof(got), MSG_DONTWAIT), sizeof(got));
	}
	assert_in_range(told, 2, 99999);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.v[0].fd, quick[0]);
	subscribers_close(&f);
	close(slow[1]);
	close(quick[1]);
}

/* Four each, an eighth for those who have none, the last one for root. */
static void test_limits(void **state)
{
	struct subscribers f = { .max = SUBSCRIBERS_MAX, .receivers = &receivers };
	struct err err = { 0 };
	int fds[2];

	(void)state;
	make_pair(fds);
	for (size_t n = 0; n < SUBSCRIBERS_MAX - SUBSCRIBERS_MAX / 8; n++)
		assert_int_equal(subscribers_add(&f, dup(fds[0]), (uid_t)(n / 4 + 1), &err), 0);
	assert_int_equal(subscribers_add(&f, fds[0], 1, &err), -EBUSY);
	for (uid_t person = 100; f.n < SUBSCRIBERS_MAX - 1; person++) {
		assert_int_equal(subscribers_add(&f, dup(fds[0]), person, &err), 0);
		assert_int_equal(subscribers_add(&f, fds[0], person, &err), -EBUSY);
	}
	assert_int_equal(subscribers_add(&f, fds[0], 4711, &err), -EBUSY);
	assert_int_equal(subscribers_add(&f, dup(fds[0]), 0, &err), 0);
	assert_int_equal(subscribers_add(&f, fds[0], 0, &err), -EBUSY);
	close(fds[0]);
	close(fds[1]);
	subscribers_close(&f);
}

static void test_four_each(void **state)
{
	struct subscribers f = { .max = SUBSCRIBERS_MAX, .receivers = &receivers };
	struct err err = { 0 };
	int fds[2];

	(void)state;
	make_pair(fds);
	for (int i = 0; i < SUBSCRIBERS_PER_PERSON_MAX; i++)
		assert_int_equal(subscribers_add(&f, dup(fds[0]), 1000, &err), 0);
	assert_int_equal(subscribers_add(&f, fds[0], 1000, &err), -EBUSY);
	close(fds[0]); /* it was not taken over */
	close(fds[1]);
	subscribers_close(&f);
}

static void test_who_speaks_goes(void **state)
{
	struct subscribers f = { .max = SUBSCRIBERS_MAX, .receivers = &receivers };
	struct pollfd fds[SUBSCRIBERS_MAX];
	int a[2], b[2], c[2];

	(void)state;
	make_pair(a);
	make_pair(b);
	make_pair(c);
	assert_int_equal(subscribers_add(&f, a[0], 0, NULL), 0);
	assert_int_equal(subscribers_add(&f, b[0], 0, NULL), 0);
	assert_int_equal(send(a[1], "x", 1, 0), 1);
	assert_int_equal(subscribers_poll(&f, fds), 2);
	assert_int_equal(poll(fds, 2, 0), 1);
	assert_int_equal(subscribers_add(&f, c[0], 0, NULL), 0); /* since the poll */
	subscribers_take(&f, fds, 2);
	assert_int_equal(f.n, 2);
	assert_true(f.v[0].fd != a[0] && f.v[1].fd != a[0]);
	subscribers_close(&f);
	close(a[1]);
	close(b[1]);
	close(c[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_slow_one),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_four_each),
		cmocka_unit_test(test_who_speaks_goes),
	};

	return RUN_TESTS(tests);
}
