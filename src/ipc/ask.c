/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/ask.h"

#include <errno.h>
#include <time.h>

#include "base/cleanup.h"
#include "ipc/sock.h"

static int receive(int fd, struct msg_reply *ret, int *ret_fd, struct err *err)
{
	ssize_t n = sock_recv(fd, ret, sizeof(*ret), ret_fd);

	if (n == -ECONNRESET) /* our request was not read, but the answer may be there */
		n = sock_recv(fd, ret, sizeof(*ret), ret_fd);
	if (n <= 0)
		return err_set(err, n ? (int)-n : ECONNRESET,
			       "wait for the daemon's answer: it hung up; see its log");
	if (msg_reply_check(ret, (size_t)n) < 0)
		return err_set(err, EBADMSG,
			       "read the daemon's answer: it is of another version; restart it");
	return 0;
}

int ask_exchange(int fd, const union msg_request *request, int pass, struct msg_reply *ret,
		 int *ret_fd, struct err *err)
{
	int r = sock_send(fd, request, msg_request_size(request->header.op), -1);

	if (r < 0 && r != -EPIPE) /* a busy daemon answers without listening */
		return err_errno(err, -r, "send the request to the daemon");
	r = receive(fd, ret, ret_fd, err);
	if (r < 0 || ret->status != MSG_SEND)
		return r;
	close_fd(ret_fd);
	r = sock_send(fd, &request->header, sizeof(request->header), pass);
	if (r < 0 && r != -EPIPE)
		return err_errno(err, -r, "send the netns to the daemon");
	r = receive(fd, ret, ret_fd, err);
	if (r == 0 && ret->status == MSG_SEND) {
		close_fd(ret_fd);
		return err_set(err, EBADMSG, "read the daemon's answer: it asks again");
	}
	return r;
}

int ask_connect(const char *path, struct err *err)
{
	_cleanup_close_ int fd = sock_connect(path, err);
	struct ucred peer = { 0 };
	int r = fd;

	if (r >= 0)
		r = sock_peer(fd, &peer, err);
	if (r < 0)
		return r;
	if (peer.uid != 0)
		return err_set(err, EPERM, "trust the daemon at %s: it runs as uid %u, not as root",
			       path, peer.uid);
	return steal_fd(&fd);
}

static int ask_once(const char *path, const union msg_request *request, int pass,
		    struct msg_reply *ret, int *ret_fd, struct err *err)
{
	_cleanup_close_ int fd = ask_connect(path, err);

	return fd < 0 ? fd : ask_exchange(fd, request, pass, ret, ret_fd, err);
}

int ask_daemon(const char *path, const union msg_request *request, int pass, struct msg_reply *ret,
	       int *ret_fd, struct err *err)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };

	for (int i = 0; i < ASK_TRIES; i++) {
		_cleanup_close_ int fd = -1;
		struct msg_reply reply = { 0 };
		int r = ask_once(path, request, pass, &reply, &fd, err);

		if (r < 0)
			return r;
		if (reply.status == MSG_BUSY) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (reply.status == MSG_NO_AGENT)
			return err_set(err, ENOKEY, "%s", reply.text);
		if (reply.status != MSG_OK)
			return err_set(err, ECANCELED, "%s", reply.text);
		*ret = reply;
		if (ret_fd)
			*ret_fd = steal_fd(&fd);
		return 0;
	}
	return err_set(err, EBUSY, "ask the daemon: it stayed busy for 5 s; try again");
}
