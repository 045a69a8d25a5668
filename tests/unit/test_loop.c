/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop polls for all sources at once, and dispatches them in the order of their table. */
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "daemon/loop.h"
#include "unit.h"

struct scene {
	int pipe[2];
	char order[16]; /* which sources were dispatched */
	size_t n_pipe;  /* how many entries it fills in */
	int64_t due;
	bool ready; /* the pipe's entry had an event */
	struct loop *loop;
	bool stops;
};

static void note(struct scene *s, char who)
{
	s->order[strlen(s->order)] = who;
}

static size_t fill_pipe(void *data, struct pollfd *fds)
{
	struct scene *s = data;

	for (size_t i = 0; i < s->n_pipe; i++)
		fds[i] = (struct pollfd){ .fd = s->pipe[0], .events = POLLIN };
	return s->n_pipe;
}

static void on_pipe(void *data, const struct pollfd *fds, size_t n)
{
	struct scene *s = data;

	assert_int_equal(n, s->n_pipe);
	s->ready = n && fds[n - 1].revents;
	note(s, 'p');
	s->loop->stop = s->stops;
}

static int64_t deadline(void *data)
{
	return ((struct scene *)data)->due;
}

static void on_time(void *data, const struct pollfd *fds, size_t n)
{
	(void)fds;
	assert_int_equal(n, 0);
	note(data, 't');
}

static size_t fill_none(void *data, struct pollfd *fds)
{
	(void)data;
	fds[0] = (struct pollfd){ .fd = -1, .events = POLLIN };
	return 1;
}

static void on_none(void *data, const struct pollfd *fds, size_t n)
{
	assert_int_equal(n, 1);
	assert_int_equal(fds[0].fd, -1);
	assert_int_equal(fds[0].revents, 0);
	note(data, 'n');
}

static const struct loop_source sources[] = {
	{ .deadline = deadline, .dispatch = on_time },
	{ .max = 2, .fill = fill_pipe, .dispatch = on_pipe },
	{ .max = 1, .fill = fill_none, .dispatch = on_none },
};

static void turn(struct scene *s)
{
	struct pollfd fds[3];
	struct loop loop = { .sources = sources, .n = 3, .data = s, .fds = fds };

	assert_int_equal(loop_room(sources, 3), 3);
	s->loop = &loop;
	memset(s->order, 0, sizeof(s->order));
	loop_turn(&loop);
}

static void set_up(struct scene *s)
{
	*s = (struct scene){ .n_pipe = 1, .due = INT64_MAX };
	assert_int_equal(pipe(s->pipe), 0);
}

static void tear_down(struct scene *s)
{
	close(s->pipe[0]);
	close(s->pipe[1]);
}

static void test_order(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s);
	assert_int_equal(write(s.pipe[1], "x", 1), 1);
	for (s.n_pipe = 1; s.n_pipe < 3; s.n_pipe++) {
		turn(&s);
		assert_string_equal(s.order, "tpn");
		assert_true(s.ready);
	}
	tear_down(&s);
}

/* A deadline ends the wait, one that is over at once. */
static void test_deadline(void **state)
{
	struct scene s;
	int64_t start = clock_ms();

	(void)state;
	set_up(&s);
	s.due = 0;
	turn(&s);
	assert_string_equal(s.order, "tpn");
	assert_false(s.ready);
	s.n_pipe = 0;
	s.due = clock_ms() + 20;
	turn(&s);
	assert_true(clock_ms() - start >= 20);
	assert_string_equal(s.order, "tpn");
	tear_down(&s);
}

static void test_stop(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s);
	s.due = 0;
	s.stops = true;
	turn(&s);
	assert_string_equal(s.order, "tp");
	tear_down(&s);
}

static void on_signal(int number)
{
	(void)number;
}

/* A signal that interrupts the wait is no event of any source. */
static void test_interrupted(void **state)
{
	const struct itimerval soon = { .it_value.tv_usec = 5000 };
	struct sigaction old, sa = { .sa_handler = on_signal };
	struct scene s;

	(void)state;
	set_up(&s);
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	turn(&s);
	assert_string_equal(s.order, "");
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_interrupted),
	};

	return RUN_TESTS(tests);
}
