/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_caps.h"
#include "base/files.h"
#include "ipc/ask.h"
#include "ipc/sock.h"
#include "launch/agent.h"
#include "launch/caps.h"
#include "launch/confined.h"
#include "launch/daemon.h"
#include "launch/name.h"
#include "launch/netns.h"
#include "launch/userns.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

/* How often is tried, ASK_AGAIN_MS apart, whether a daemon that ended is back: 2 s. */
#define WAITS_MAX 40

/* The descriptor that came with the answer (SCM_RIGHTS) must be of a netns. */
static int check_netns(int fd, struct err *err)
{
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return err_set(err, EBADMSG, "take over the session: the daemon sent no netns");
	return 0;
}

/*
 * In a user namespace that does not know root, root shows as nobody: there the daemon is asked to
 * bring the way out into a netns of ours, and a program that is not the daemon could give it none.
 */
static int check_peer(int fd, pid_t *ret_pid, bool *ret_foreign, struct err *err)
{
	struct ucred peer = { 0 };
	int r = sock_peer(fd, &peer, err);

	if (r < 0)
		return r;
	*ret_pid = peer.pid ? peer.pid : -1; /* of another pid namespace */
	*ret_foreign = peer.uid != 0 && userns_hides_root(peer.uid);
	if (peer.uid != 0 && !*ret_foreign)
		return err_set(err, EPERM,
			       "trust the daemon at " DAEMON_SOCKET ": it runs as uid %u, not "
			       "as root",
			       peer.uid);
	return 0;
}

/* How the session is asked for, over all tries. */
struct attempt {
	const struct handover *h;
	union msg_request request; /* h's, and what is learned meanwhile */
	int own; /* the netns of ours that becomes the session, once there is one; else -1 */
	const char *why; /* our capability does not do; NULL: it does, as far as is known */
	pid_t agent;     /* that asks for a password (agent.h); 0: none */
	bool agent_tried;
	uint32_t join; /* id of the session that the request joins, once the daemon has named it */
	int netns;     /* its netns, which is to be sent; -1: not found yet */
	bool warned;
	pid_t peer;  /* the daemon that was asked last */
	pid_t ended; /* the one that ended with our request; 0: none, -1: it is not visible here */
	int waits;   /* for another one */
};

static int ask_exec(int fd, const struct attempt *a, const union msg_request *request, int netns,
		    struct answer *ret, struct err *err)
{
	const char *why = a->why;

	if (!why && !caps_count_in(netns))
		why = FILE_CAPS_FOREIGN;
	if (why)
		return err_set(err, EPERM, "enter a session that runs: %s", why);
	return ask_exchange(fd, request, netns, &ret->reply, &ret->netns, err);
}

/*
 * A daemon that was killed leaves its socket, and its parent starts it again; so does a service
 * manager that has no socket unit. There is no event to wait for: the directory is not readable for
 * others.
 */
static bool may_return(struct attempt *a, int r)
{
	return geteuid() != 0 && (r == -ECONNREFUSED || a->ended) && a->waits++ < WAITS_MAX;
}

/* Where nobody listens, root starts a daemon; others wait for one that may be started again. */
static int connect_daemon(struct attempt *a, struct err *err)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };
	struct err first = { 0 };
	int fd, r;

	while (daemon_is_absent(fd = sock_connect(DAEMON_SOCKET, &first)) && may_return(a, fd))
		nanosleep(&pause, NULL);
	if (!daemon_is_absent(fd)) {
		if (fd < 0)
			*err = first;
		return fd;
	}
	r = daemon_start(err);
	return r < 0 ? r : sock_connect(DAEMON_SOCKET, err);
}

static int ask_once(struct attempt *a, struct answer *ret, struct err *err)
{
	_cleanup_close_ int fd = connect_daemon(a, err);
	union msg_request request = a->request;
	bool foreign = false;
	int r = fd < 0 ? fd : check_peer(fd, &a->peer, &foreign, err);

	if (r < 0)
		return r;
	if (foreign)
		a->why = FILE_CAPS_FOREIGN;
	else if (!a->why && a->own < 0 && !caps_granted())
		a->why = file_caps_why_not("/proc/self/exe");
	if (request.header.op == MSG_EXEC)
		return ask_exec(fd, a, &request, a->h->netns, ret, err);
	if (a->netns >= 0) {
		msg_request_init(&request, MSG_EXEC);
		request.session.id = a->join;
		return ask_exec(fd, a, &request, a->netns, ret, err);
	}
	if (a->why && a->own < 0) {
		if (a->h->verbose)
			fprintf(stderr, "via-iface: in a user namespace, since %s\n", a->why);
		r = confined_check(true, err);
		if (r == 0)
			r = userns_enter(&request.run.request, a->why, &a->own, err);
	}
	if (r < 0)
		return r;
	if (a->own >= 0)
		request.header.op = MSG_RUN_IN;
	return ask_exchange(fd, &request, a->own, &ret->reply, &ret->netns, err);
}

/*
 * The daemon made a session of a netns that we may not enter. It ends before another is asked for,
 * so that a policy does not count both.
 */
static int give_back(const struct answer *a, struct err *err)
{
	_cleanup_close_ int fd = sock_connect(DAEMON_SOCKET, err), none = -1;
	union msg_request request;
	struct msg_reply reply;

	msg_request_init(&request, MSG_STOP);
	request.session.id = a->reply.id;
	return fd < 0 ? fd : ask_exchange(fd, &request, -1, &reply, &none, err);
}

/* Where polkit wants a password: whether there is somebody now who asks for it. Tried once. */
static bool start_agent(struct attempt *a)
{
	if (a->h->no_password || a->agent_tried)
		return false;
	a->agent_tried = true;
	return agent_start(&a->agent) == 0;
}

/*
 * The session to join is there. No process is to be seen in it while the launch that makes it has
 * not become its program, and after its last one has ended: then the daemon is asked again, until
 * there is one, or there is no session and ours is made.
 */
static void join(struct attempt *a, const struct msg_reply *reply)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };

	a->join = reply->id;
	a->netns = netns_open_by_id(reply->id);
	if (a->netns < 0) {
		nanosleep(&pause, NULL);
	} else if (reply->text[0] && !a->h->quiet && !a->warned) {
		print_error_line(reply->text);
		a->warned = true;
	}
}

/*
 * The daemon ended before it answered. Whether it had made a session by then is not known, so none
 * of it is used: the netns that it would have sent ended with it, one of ours is given up for
 * another, and what is left of a port of the name does not keep the name taken.
 */
static int give_up_session(struct attempt *a, struct err *err)
{
	struct request *wanted = &a->request.run.request;

	if (a->request.header.op != MSG_RUN)
		return 0;
	if (wanted->flags & SESSION_NAME_GIVEN)
		name_claim(wanted, wanted->owner == REQUEST_OWNER_SELF ? geteuid() : wanted->owner);
	return a->own < 0 ? 0 : userns_other_netns(&a->own, err);
}

/*
 * Another daemon is asked once: a request that ends each daemon must not do so for ever. One that
 * is ending still listens while the kernel closes its descriptors, and hangs up again.
 */
static bool try_another(struct attempt *a, int *r, struct err *err)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };

	if (*r != -ECONNRESET)
		return false;
	if (a->ended) {
		if (a->peer != a->ended || a->waits++ >= WAITS_MAX)
			return false;
		nanosleep(&pause, NULL);
		return true;
	}
	a->ended = a->peer;
	*r = give_up_session(a, err);
	return *r == 0;
}

/* Whether another try makes sense, at once or after a pause; else *r says how it ended. */
static bool goes_on(struct attempt *a, const struct answer *answer, int *r, struct err *err)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };

	if (*r < 0)
		return try_another(a, r, err);
	switch ((enum msg_status)answer->reply.status) {
	case MSG_OK: /* a netns that we may not enter */
		a->why = FILE_CAPS_FOREIGN;
		*r = give_back(answer, err);
		return *r == 0;
	case MSG_BUSY:
		nanosleep(&pause, NULL);
		return true;
	case MSG_NO_AGENT:
		if (start_agent(a))
			return true;
		break;
	case MSG_EXISTS:
		join(a, &answer->reply);
		return true;
	case MSG_REFUSED:
		if (a->netns < 0)
			break;
		close_fd(&a->netns); /* it has ended meanwhile */
		nanosleep(&pause, NULL);
		return true;
	case MSG_SEND:
		break;
	}
	*r = err_set(err, ECANCELED, "%s", answer->reply.text);
	return false;
}

static int ask_until(struct attempt *a, struct answer *ret, struct err *err)
{
	for (int i = 0; i < ASK_TRIES; i++) {
		struct answer answer = { .netns = -1 };
		int r = ask_once(a, &answer, err);

		if (r == 0 && answer.reply.status == MSG_OK && a->own < 0)
			r = check_netns(answer.netns, err);
		if (r == 0 && answer.reply.status == MSG_OK &&
		    (a->own >= 0 || caps_count_in(answer.netns))) {
			*ret = answer;
			return 0;
		}
		close_fd(&answer.netns);
		if (!goes_on(a, &answer, &r, err))
			return r;
	}
	if (a->join)
		return err_set(
			err, EBUSY,
			"join session %u: for 5 s no program was in it that you may see; it is "
			"starting or closing; try again",
			a->join);
	return err_set(err, EBUSY, "ask the daemon: it stayed busy for 5 s; try again");
}

int ask(const struct handover *h, struct answer *ret, struct err *err)
{
	struct attempt attempt = { .h = h, .request = h->request, .own = -1, .netns = -1 };
	int r = 0;

	if (caps_granted() ||
	    h->request.header.op != MSG_EXEC) /* else it is refused, with its reason */
		r = confined_check(!caps_granted(), err);
	if (r == 0)
		r = ask_until(&attempt, ret, err);
	if (attempt.agent)
		agent_stop(attempt.agent);
	close_fd(&attempt.own);
	close_fd(&attempt.netns);
	return r;
}
