/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fds.h"
#include "launch/handover.h"
#include "list.h"
#include "mutate.h"
#include "unit.h"

#define STRINGS(...) ((char **)(const char *[]){ __VA_ARGS__ })

/* --- there and back ------------------------------------------------------------------------ */

static int write_it(char *const argv[], char *const envp[])
{
	struct handover what = { .notify = -1 };
	struct err err = { 0 };
	int fd;

	msg_request_init(&what.request, MSG_RUN);
	what.request.run.request.uplinks = list_of("wlp6s0");
	fd = handover_write(&what, argv, envp, &err);
	if (fd < 0)
		fail_msg("%s", err.text);
	return fd;
}

static void same_strings(char *const got[], char *const want[])
{
	size_t i;

	for (i = 0; want[i]; i++)
		assert_string_equal(got[i], want[i]);
	assert_null(got[i]);
}

static void check_round_trip(char *const argv[], char *const envp[])
{
	_cleanup_close_ int fd = write_it(argv, envp);
	_cleanup_free_ char **got_argv = NULL, **got_envp = NULL;
	_cleanup_free_ char *bytes = NULL;
	struct err err = { 0 };
	struct handover h;

	assert_int_equal(handover_read(fd, &h, &err), 0);
	assert_int_equal(handover_read_strings(fd, &h, &got_argv, &got_envp, &bytes, &err), 0);
	same_strings(got_argv, argv);
	same_strings(got_envp, envp);
	assert_int_equal(err.code, 0);
}

static void test_round_trip(void **state)
{
	size_t before = fds_open();

	(void)state;
	check_round_trip(STRINGS("curl", "example.org", NULL),
			 STRINGS("PATH=/bin", "HOME=/", NULL));
	check_round_trip(STRINGS("curl", NULL), STRINGS(NULL)); /* no environment */
	check_round_trip(STRINGS("", NULL), STRINGS(NULL));
	check_round_trip(STRINGS("", "", "", NULL), STRINGS("", "", NULL));
	check_round_trip(STRINGS("a b", "\n", "\x01\x7f\xff\xfe", "'\"$(x)\\", NULL),
			 STRINGS("NOEQUALS", "=", "==", "A=", "A=1", "A=2", "\xc3\xa4=\xe2\x82\xac",
				 "BASH_FUNC_f%%=() {  :\n}", NULL));
	assert_int_equal(fds_open(), before);
}

static void test_much(void **state)
{
	const size_t len = 1500000;
	char *one = malloc(len + 1);
	char **many = calloc(20001, sizeof(*many));

	(void)state;
	assert_non_null(one);
	assert_non_null(many);
	memset(one, 'x', len);
	one[len] = 0;
	check_round_trip(STRINGS("curl", NULL), STRINGS("A=1", one, "B=2", NULL));
	check_round_trip(STRINGS("curl", one, NULL), STRINGS(NULL));
	for (size_t i = 0; i < 20000; i++)
		many[i] = one + len - i % 150;
	check_round_trip(many, many);
	free(many);
	free(one);
}

static void test_too_much(void **state)
{
	size_t before = fds_open(), len = HANDOVER_MAX / 2;
	char *half = malloc(len);
	struct handover what = { .notify = -1 };
	struct err err = { 0 };

	(void)state;
	assert_non_null(half);
	memset(half, 'x', len - 1);
	half[len - 1] = 0; /* with it, two of them are just what goes */
	msg_request_init(&what.request, MSG_RUN);
	assert_int_equal(handover_write(&what, STRINGS(half, NULL), STRINGS(half, "", NULL), &err),
			 -E2BIG);
	assert_int_equal(err.code, E2BIG);
	free(half);
	assert_int_equal(fds_open(), before);
}

/* Of the process: what an exec of a program with file capabilities would lose. */
static void test_process(void **state)
{
	struct handover what = {
		.user = { .wanted = 1, .uid = 1000, .gid = 100, .n_groups = 256 },
		.verbose = 1,
		.allow_sockets = 1,
		.notify = 7,
	};
	_cleanup_close_ int fd = -1;
	struct err err = { 0 };
	struct rlimit stack;
	struct handover h;

	(void)state;
	for (uint32_t i = 0; i < HANDOVER_GROUPS_MAX; i++)
		what.user.groups[i] = 5000 + i;
	msg_request_init(&what.request, MSG_RUN);
	what.request.run.request = (struct request){
		.flags = SESSION_KEEP, .mtu = 1400, .uplinks = list_of("a,b"), .name = "n"
	};
	assert_int_equal(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
	fd = handover_write(&what, STRINGS("x", NULL), STRINGS(NULL), &err);
	prctl(PR_SET_PDEATHSIG, 0);
	assert_true(fd >= 0);
	assert_false(fds_cloexec(fd)); /* an exec is what it is for */
	assert_int_equal(handover_read(fd, &h, &err), 0);
	assert_int_equal(h.magic, HANDOVER_MAGIC);
	assert_int_equal(h.version, MSG_VERSION);
	assert_memory_equal(&h.request, &what.request, sizeof(h.request));
	assert_memory_equal(&h.user, &what.user, sizeof(h.user));
	assert_int_equal(h.verbose, 1);
	assert_int_equal(h.allow_sockets, 1);
	assert_int_equal(h.notify, 7);
	assert_int_equal(h.argc, 1);
	assert_int_equal(h.envc, 0);
	assert_int_equal(h.argv_len, 2);
	assert_int_equal(h.env_len, 0);
	assert_int_equal(h.death_signal, SIGUSR1);
	assert_int_equal(h.personality, personality(0xffffffff));
	assert_int_equal(getrlimit(RLIMIT_STACK, &stack), 0);
	assert_memory_equal(&h.stack, &stack, sizeof(stack));
}

/* --- what somebody else may have made ------------------------------------------------------ */

/* argv "curl", "-v"; environment "A=1", "B=2". */
static const char strings[] = "curl\0-v\0A=1\0B=2";

static struct handover good(void)
{
	struct handover h = { .magic = HANDOVER_MAGIC,
			      .version = MSG_VERSION,
			      .argc = 2,
			      .envc = 2,
			      .argv_len = 8,
			      .env_len = 8 };

	msg_request_init(&h.request, MSG_RUN);
	return h;
}

static int make(const struct handover *h, const void *bytes, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, h, sizeof(*h)), sizeof(*h));
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

/* The first failure of the two steps; nothing is handed out then. */
static int read_it(int fd)
{
	char **argv = NULL, **envp = NULL, *bytes = NULL;
	struct handover h, before;
	struct err err = { 0 };
	int r;

	memset(&h, 0xa5, sizeof(h));
	memcpy(&before, &h, sizeof(h));
	r = handover_read(fd, &h, &err);
	if (r < 0)
		assert_memory_equal(&h, &before, sizeof(h));
	else
		r = handover_read_strings(fd, &h, &argv, &envp, &bytes, &err);
	assert_int_equal(err.code, -r);
	if (r < 0)
		assert_true(!argv && !envp && !bytes);
	free(argv);
	free(envp);
	free(bytes);
	return r;
}

static int read_made(const struct handover *h, const void *bytes, size_t len)
{
	_cleanup_close_ int fd = make(h, bytes, len);

	return read_it(fd);
}

#define BAD(h) assert_int_equal(read_made(&(h), strings, sizeof(strings)), -EBADMSG)

static void test_wrong_header(void **state)
{
	struct handover h = good();

	(void)state;
	assert_int_equal(read_made(&h, strings, sizeof(strings)), 0);
	h.magic++;
	BAD(h);
	h = good();
	h.version++;
	BAD(h);
	h.version = 0;
	BAD(h);
	h = good();
	h.user.n_groups = HANDOVER_GROUPS_MAX;
	assert_int_equal(read_made(&h, strings, sizeof(strings)), 0);
	h.user.n_groups++;
	BAD(h);
	h.user.n_groups = UINT32_MAX;
	BAD(h);
}

static void test_wrong_counts(void **state)
{
	struct handover h = good();

	(void)state;
	for (uint32_t argc = 0; argc < 12; argc++)
		for (uint32_t envc = 0; envc < 12; envc++) {
			h.argc = argc;
			h.envc = envc;
			assert_int_equal(read_made(&h, strings, sizeof(strings)),
					 argc == 2 && envc == 2 ? 0 : -EBADMSG);
		}
	h = good();
	h.argc = UINT32_MAX;
	BAD(h);
	h = good();
	h.envc = UINT32_MAX;
	BAD(h);
}

static void test_wrong_sizes(void **state)
{
	static const uint64_t sizes[] = {
		0,
		1,
		4,
		7,
		9,
		15,
		16,
		17,
		HANDOVER_MAX - 8,
		HANDOVER_MAX,
		HANDOVER_MAX + 1ull,
		1ull << 32,
		(1ull << 32) + 8,
		INT64_MAX,
		1ull << 63,
		UINT64_MAX - 7,
		UINT64_MAX,
		/* with the struct's own size, or with the other range, it is what the file has */
		8 - sizeof(struct handover),
		-8ull - sizeof(struct handover),
	};
	struct handover h = good();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		h = good();
		h.argv_len = sizes[i];
		BAD(h);
		h = good();
		h.env_len = sizes[i];
		BAD(h);
		h.argv_len = 16 - sizes[i]; /* their sum is right */
		BAD(h);
	}
	h = good(); /* shorter or longer than it says */
	for (size_t len = 0; len < 64; len++) {
		char bytes[64] = { 0 };

		memcpy(bytes, strings, len < sizeof(strings) ? len : sizeof(strings));
		assert_int_equal(read_made(&h, bytes, len), len == sizeof(strings) ? 0 : -EBADMSG);
	}
}

static void test_no_terminator(void **state)
{
	struct handover h = good();
	char bytes[sizeof(strings)];

	(void)state;
	memcpy(bytes, strings, sizeof(bytes));
	bytes[15] = 'x'; /* of the last one of the environment */
	assert_int_equal(read_made(&h, bytes, sizeof(bytes)), -EBADMSG);
	memcpy(bytes, strings, sizeof(bytes));
	bytes[7] = 'x'; /* of the last argument: the next string's would serve */
	assert_int_equal(read_made(&h, bytes, sizeof(bytes)), -EBADMSG);
	h.argc = 1;
	h.envc = 3;
	assert_int_equal(read_made(&h, bytes, sizeof(bytes)), -EBADMSG);
	h = good(); /* the ranges meet within a string */
	h.argv_len = 7;
	h.env_len = 9;
	assert_int_equal(read_made(&h, strings, sizeof(strings)), -EBADMSG);
	h = good();
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(read_made(&h, bytes, sizeof(bytes)), -EBADMSG);
	h.argc = h.envc = 8;
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(read_made(&h, bytes, sizeof(bytes)), 0);
}

static void test_short_files(void **state)
{
	const struct handover h = good();

	(void)state;
	for (size_t len = 0; len < sizeof(h); len += len < 64 ? 1 : 37) {
		_cleanup_close_ int fd = make(&h, strings, sizeof(strings));

		assert_int_equal(ftruncate(fd, (off_t)len), 0);
		assert_int_equal(read_it(fd), -EBADMSG);
	}
}

/* It shrinks behind our back, between the two steps. */
static void test_shrinks(void **state)
{
	struct handover h = good();
	_cleanup_close_ int fd = make(&h, strings, sizeof(strings));
	char **argv = NULL, **envp = NULL, *bytes = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(handover_read(fd, &h, &err), 0);
	assert_int_equal(ftruncate(fd, (off_t)sizeof(h) + 15), 0);
	assert_int_equal(handover_read_strings(fd, &h, &argv, &envp, &bytes, &err), -EBADMSG);
	assert_true(!argv && !envp && !bytes);
}

static void test_other_files(void **state)
{
	const struct handover h = good();
	_cleanup_close_ int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			    null = open("/dev/null", O_RDWR | O_CLOEXEC),
			    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), made = -1;
	char path[64];
	int p[2], s[2];

	(void)state;
	assert_int_equal(read_it(-1), -EBADF);
	assert_int_equal(read_it(dir), -EBADMSG);
	assert_int_equal(read_it(null), -EBADMSG);
	assert_int_equal(read_it(zero), -EBADMSG);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], &h, sizeof(h)), sizeof(h));
	assert_int_equal(read_it(p[0]), -EBADMSG); /* does not wait, nor take anything */
	close(p[0]);
	close(p[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(read_it(s[0]), -EBADMSG);
	close(s[0]);
	close(s[1]);
	made = make(&h, strings, sizeof(strings));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", made);
	close_fd(&null);
	null = open(path, O_WRONLY | O_CLOEXEC); /* not readable */
	assert_true(null >= 0);
	assert_true(read_it(null) < 0);
	assert_int_equal(read_it(made), 0);
}

static void check_strings(char **v, uint32_t n, const char *bytes, uint64_t len)
{
	for (uint32_t i = 0; i < n; i++)
		assert_true(v[i] >= bytes && v[i] + strlen(v[i]) < bytes + len);
	assert_null(v[n]);
}

static void test_mutations(void **state)
{
	const size_t numbers = offsetof(struct handover, argc);
	struct chance c = { .state = 20240304 };
	size_t passed = 0, before = fds_open();

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char bytes[sizeof(struct handover) + sizeof(strings)];
		struct handover h = good();
		_cleanup_close_ int fd = -1;
		_cleanup_free_ char **argv = NULL, **envp = NULL;
		_cleanup_free_ char *got = NULL;

		memcpy(bytes, &h, sizeof(h));
		memcpy(bytes + sizeof(h), strings, sizeof(strings));
		if (i % 3 == 0) /* the counts and sizes */
			mutate(&c, bytes + numbers, offsetof(struct handover, stack) - numbers);
		else if (i % 3 == 1)
			mutate(&c, bytes + sizeof(h), sizeof(strings));
		else
			mutate(&c, bytes, sizeof(bytes));
		memcpy(&h, bytes, sizeof(h));
		fd = make(&h, bytes + sizeof(h), sizeof(strings));
		if (handover_read(fd, &h, NULL) < 0 ||
		    handover_read_strings(fd, &h, &argv, &envp, &got, NULL) < 0)
			continue;
		check_strings(argv, h.argc, got, h.argv_len);
		check_strings(envp, h.envc, got + h.argv_len, h.env_len);
		passed++;
	}
	assert_in_range(passed, 100, 2900);
	assert_int_equal(fds_open(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_much),
		cmocka_unit_test(test_too_much),     cmocka_unit_test(test_process),
		cmocka_unit_test(test_wrong_header), cmocka_unit_test(test_wrong_counts),
		cmocka_unit_test(test_wrong_sizes),  cmocka_unit_test(test_no_terminator),
		cmocka_unit_test(test_short_files),  cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_other_files),  cmocka_unit_test(test_mutations),
	};

	return RUN_TESTS(tests);
}
