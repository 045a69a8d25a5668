/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fds.h"
#include "ipc/sock.h"
#include "unit.h"

struct fixture {
	int fds[2];
	size_t open; /* with the two */
};

static int setup(void **state)
{
	static struct fixture x;

	dir_new();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, x.fds) < 0)
		return -1;
	x.open = fds_open();
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	close_fd(&x->fds[0]);
	close_fd(&x->fds[1]);
	dir_remove();
	return 0;
}

/* --- messages ------------------------------------------------------------------------------ */

static void test_message(void **state)
{
	struct fixture *x = *state;
	char buf[16] = "";
	int fd = 99;

	assert_int_equal(sock_send(x->fds[0], "hello", 5, -1), 0);
	assert_int_equal(sock_send(x->fds[0], "you", 3, -1), 0);
	assert_int_equal(sock_recv(x->fds[1], buf, sizeof(buf), &fd), 5);
	assert_int_equal(fd, -1);
	assert_memory_equal(buf, "hello", 6);
	assert_int_equal(sock_recv(x->fds[1], buf, sizeof(buf), &fd), 3); /* not joined */
	assert_memory_equal(buf, "youlo", 6);
	close_fd(&x->fds[0]);
	assert_int_equal(sock_recv(x->fds[1], buf, sizeof(buf), &fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(sock_send(x->fds[1], "hello", 5, -1), -EPIPE); /* and no signal */
}

/* A longer one says so, and stays within the buffer. */
static void test_long_message(void **state)
{
	struct fixture *x = *state;
	char much[200], *buf = malloc(8);
	int fd;

	assert_non_null(buf);
	memset(much, 'm', sizeof(much));
	assert_int_equal(sock_send(x->fds[0], much, sizeof(much), -1), 0);
	assert_int_equal(sock_recv(x->fds[1], buf, 8, &fd), 200);
	assert_memory_equal(buf, "mmmmmmmm", 8);
	assert_int_equal(sock_send(x->fds[0], "next", 4, -1), 0);
	assert_int_equal(sock_recv(x->fds[1], buf, 8, &fd), 4);
	assert_memory_equal(buf, "nextmmmm", 8);
	free(buf);
}

static void test_errors(void **state)
{
	struct fixture *x = *state;
	char *much = calloc(1, 4 << 20);
	char buf[4];
	int fd = 99;

	assert_non_null(much);
	assert_int_equal(sock_send(x->fds[0], much, 4 << 20, -1), -EMSGSIZE);
	free(much);
	assert_int_equal(sock_send(-1, "x", 1, -1), -EBADF);
	assert_int_equal(sock_send(x->fds[0], "x", 1, 9999), -EBADF);
	assert_int_equal(sock_recv(-1, buf, sizeof(buf), &fd), -EBADF);
	assert_int_equal(fd, -1);
	assert_int_equal(fds_open(), x->open);
}

/* --- descriptors --------------------------------------------------------------------------- */

static void test_descriptor(void **state)
{
	struct fixture *x = *state;
	_cleanup_close_ int got = -1;
	int p[2];
	char buf[8];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(sock_send(x->fds[0], "take", 4, p[1]), 0);
	close(p[1]);
	assert_int_equal(sock_recv(x->fds[1], buf, sizeof(buf), &got), 4);
	assert_true(got >= 0);
	assert_true(fds_cloexec(got));
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(p[0], buf, sizeof(buf)), 1);
	close(p[0]);
	close_fd(&got);
	assert_int_equal(fds_open(), x->open);

	/* with a message that is too long, the descriptor is there to be closed */
	assert_int_equal(sock_send(x->fds[0], "12345678", 8, x->fds[0]), 0);
	assert_int_equal(sock_recv(x->fds[1], buf, 4, &got), 8);
	assert_true(got >= 0);
	close_fd(&got);
	assert_int_equal(fds_open(), x->open);
}

/* n descriptors, in as many control messages as each holds. */
static void send_fds(int fd, size_t n, size_t each)
{
	char control[4096] __attribute__((aligned(8))) = { 0 };
	char byte = 'x';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };

	for (size_t i = 0; i < n; i += each) {
		struct cmsghdr *c = (struct cmsghdr *)(control + h.msg_controllen);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(each * sizeof(int));
		for (size_t j = 0; j < each; j++)
			memcpy(CMSG_DATA(c) + j * sizeof(int), &fd, sizeof(int));
		h.msg_controllen += CMSG_SPACE(each * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &h, 0), 1);
}

static void test_too_many_descriptors(void **state)
{
	static const size_t counts[] = { 2, 3, 4, 5, 6, 100, 253 };
	struct fixture *x = *state;
	char buf[8];
	int got;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		send_fds(x->fds[0], counts[i], counts[i]);
		assert_int_equal(sock_recv(x->fds[1], buf, sizeof(buf), &got), -EBADMSG);
		assert_int_equal(got, -1);
		assert_int_equal(fds_open(), x->open);
	}
	for (size_t n = 2; n < 6; n++) { /* one at a time */
		send_fds(x->fds[0], n, 1);
		assert_int_equal(sock_recv(x->fds[1], buf, sizeof(buf), &got), -EBADMSG);
		assert_int_equal(got, -1);
		assert_int_equal(fds_open(), x->open);
	}
	send_fds(x->fds[0], 1, 1); /* the connection itself is none the worse */
	assert_int_equal(sock_recv(x->fds[1], buf, sizeof(buf), &got), 1);
	assert_true(got >= 0);
	close(got);
}

/* What was sent along is not kept when nobody takes the message. */
static void test_descriptor_not_taken(void **state)
{
	struct fixture *x = *state;
	int got;

	send_fds(x->fds[0], 1, 1);
	assert_int_equal(sock_recv(x->fds[1], NULL, 0, &got), 1); /* no room for a byte */
	assert_true(got >= 0);
	close(got);
	assert_int_equal(fds_open(), x->open);
}

/* --- paths --------------------------------------------------------------------------------- */

static void test_listen_and_connect(void **state)
{
	struct fixture *x = *state;
	const char *path = dir_path("sock");
	_cleanup_close_ int server = -1, client = -1, accepted = -1;
	struct err err = { 0 };
	struct ucred peer;
	struct stat st;

	assert_int_equal(sock_connect(path, &err), -ENOENT); /* nobody was ever there */
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, path));
	server = sock_listen(path, &err);
	assert_true(server >= 0);
	assert_true(fds_cloexec(server));
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0666);
	client = sock_connect(path, &err);
	assert_true(client >= 0);
	assert_true(fds_cloexec(client));
	accepted = accept(server, NULL, NULL);
	assert_true(accepted >= 0);
	assert_int_equal(sock_peer(accepted, &peer, &err), 0);
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.gid, getegid());
	assert_int_equal(peer.pid, getpid());

	close_fd(&server); /* its file stays */
	assert_int_equal(sock_connect(path, &err), -ECONNREFUSED);
	server = sock_listen(path, &err);
	assert_true(server >= 0);
	close_fd(&client);
	client = sock_connect(path, &err);
	assert_true(client >= 0);
	close_fd(&server);
	close_fd(&client);
	close_fd(&accepted);
	assert_int_equal(fds_open(), x->open);
}

/* As many as there are, in whatever order; as they were when it connected. */
static void test_groups(void **state)
{
	struct fixture *x = *state;
	const char *path = dir_path("sock");
	_cleanup_close_ int server = sock_listen(path, NULL), client = -1, accepted = -1;
	_cleanup_free_ gid_t *own = NULL;
	_cleanup_free_ uint32_t *groups = NULL;
	gid_t many[300];
	size_t n = 0;
	int n_own = getgroups(0, NULL);
	struct err err = { 0 };

	assert_true(server >= 0 && n_own >= 0);
	own = calloc((size_t)n_own + 1, sizeof(*own));
	assert_non_null(own);
	assert_int_equal(getgroups(n_own, own), n_own);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = 5000 + (gid_t)i;
	for (size_t count = 0; count <= ARRAY_SIZE(many); count += ARRAY_SIZE(many) / 2) {
		bool changed = setgroups(count, many) == 0; /* where that is allowed */

		client = sock_connect(path, &err);
		accepted = accept(server, NULL, NULL);
		assert_true(client >= 0 && accepted >= 0);
		assert_true(setgroups((size_t)n_own, own) == 0 || !changed);
		if (sock_peer_groups(accepted, &groups, &n, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(n, changed ? count : (size_t)n_own);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(groups[i], changed ? many[i] : own[i]);
		free(steal_ptr(groups));
		close_fd(&client);
		close_fd(&accepted);
	}
	close_fd(&server);
	assert_int_equal(sock_peer_groups(server, &groups, &n, &err), -EBADF);
	assert_int_equal(fds_open(), x->open);
}

static void test_bad_paths(void **state)
{
	struct fixture *x = *state;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	struct err err = { 0 };
	struct ucred peer;

	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	assert_int_equal(sock_connect(path, &err), -ENAMETOOLONG);
	assert_int_equal(sock_listen(path, &err), -ENAMETOOLONG);
	assert_int_equal(err.code, ENAMETOOLONG);
	assert_int_equal(sock_connect(dir_path("no/where"), &err), -ENOENT);
	assert_int_equal(sock_listen(dir_path("no/where"), &err), -ENOENT);
	assert_int_equal(mkdir(dir_path("dir"), 0700), 0);
	assert_int_equal(sock_listen(dir_path("dir"), &err), -EEXIST); /* is not removed */
	assert_int_equal(access(dir_path("dir"), F_OK), 0);
	assert_int_equal(symlink("dir", dir_path("link")), 0);
	assert_int_equal(sock_listen(dir_path("link"), &err), -EEXIST);
	assert_int_equal(access(dir_path("link"), F_OK), 0);
	assert_int_equal(sock_peer(-1, &peer, &err), -EBADF);
	assert_int_equal(fds_open(), x->open);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_message),
		TEST(test_long_message),
		TEST(test_errors),
		TEST(test_descriptor),
		TEST(test_too_many_descriptors),
		TEST(test_descriptor_not_taken),
		TEST(test_listen_and_connect),
		TEST(test_groups),
		TEST(test_bad_paths),
	};
#undef TEST

	return RUN_TESTS(tests);
}
