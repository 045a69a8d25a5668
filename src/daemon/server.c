/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread, one poll loop: the socket and its connections, the kernel's events, signals. A
 * connection is one request and one answer; a peer that says nothing is closed after a while.
 *
 * The listening socket is our own, or a service manager's (manager.h). The first is unlinked before
 * we go, so that nobody knocks at a door that nobody opens; the second stays, and whoever knocks
 * meanwhile waits in its queue and has the manager start us again.
 */
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "daemon/authorize.h"
#include "daemon/connections.h"
#include "daemon/descriptors.h"
#include "daemon/fd_receive.h"
#include "daemon/manager.h"
#include "daemon/peer_netns.h"
#include "daemon/sandbox.h"
#include "etc/netns_files.h"
#include "ipc/msg.h"
#include "ipc/sock.h"
#include "net/attached.h"
#include "plan/probe.h"

#define COALESCE_MS     10       /* events come in swarms */
#define HEAL_AGAIN_MS   1000     /* after a failed attempt */
#define REFUSE_MS       2000     /* for telling those who wait why we cannot start */
#define REAP_MS         100      /* connections wait for a child to end */
#define TURN_NS         5000000  /* for requests, before events are looked at again */
#define SETTLE_SPENT_NS 50000000 /* what waiting in vain counts as */

struct server {
	const struct server_options *options;
	struct world world;
	struct authorizer authorizer;
	char socket_path[108];
	int dir_fd, listen_fd, signal_fd;
	int door_fd; /* inotify(7): what happens to our own socket's file; or -1 */
	dev_t door_dev;
	ino_t door_ino;
	struct connections connections;
	struct subscribers subscribers;
	struct fd_receivers receivers;
	struct persons persons;
	struct spent spent;
	unsigned int link_events; /* as they were when answers that wait were looked at last */
	int64_t heal_at;          /* 0: nothing to heal */
	bool second_look;         /* heal_at is for that alone */
	int unseen;               /* how many times in a row a look found something to do */
	int64_t leave_at;         /* 0: there are sessions */
	int64_t alive_at;         /* when the manager hears of us again */
	bool stop;
	bool replaced;    /* somebody else serves at our socket's path */
	bool told_legacy; /* once is enough */
};

static bool own_socket(const struct server *s)
{
	return s->options->socket_fd < 0;
}

/* --- requests ------------------------------------------------------------------------------ */

/*
 * Whether there is an address for a new session of that person. Sessions of root's choice
 * (--user) are root's affair.
 */
static int check_address(struct server *s, const struct connection *c, struct err *err)
{
	const size_t all = SESSION_HOST_LAST - SESSION_HOST_FIRST + 1;
	uint32_t own = world_sessions_of(&s->world, &s->persons, c->peer.person);

	if (person_may_have(c->peer.person, own, world_sessions(&s->world), all))
		return 0;
	return err_set(
		err, EDQUOT,
		"make a session: of %zu addresses those left are kept for root and for users "
		"without a session; end one first",
		all);
}

/*
 * For a probe session (parent is not NULL) the policy is asked about its parent, which polkit has
 * approved of if it had to: a dialog every five seconds is not answered.
 */
static enum authorization may_run(struct server *s, struct connection *c,
				  const struct request *request, const struct session *parent,
				  struct err *err)
{
	const struct access_question question = {
		.op = c->request.header.op == MSG_ATTACH ? ACCESS_ATTACH : ACCESS_RUN,
		.uplinks = parent ? parent->uplinks : request->uplinks,
		.flags = request->flags,
		.sessions = parent ? 0 : world_sessions_of(&s->world, &s->persons, c->peer.person),
		.approved = parent != NULL,
	};

	return authorize(&s->authorizer, &c->peer, &question, request->name, err);
}

/* Whose session it becomes: root may make one for somebody else (--user). */
static uid_t owner_of(const struct connection *c)
{
	uint32_t wanted = c->request.request.owner;

	return c->peer.cred.uid == 0 && wanted != REQUEST_OWNER_SELF ? wanted : c->peer.cred.uid;
}

/* Drops of iptables-legacy are out of sight and reach for nf_tables, and may stop a session. */
static void warn_of_legacy(struct server *s)
{
	if (s->told_legacy || !s->world.facts.legacy_filter)
		return;
	s->told_legacy = true;
	syslog(LOG_WARNING,
	       "iptables-legacy has a filter table here, which via-iface cannot change: "
	       "if sessions get no answer, see 'iptables-legacy -nvL FORWARD'");
}

static void fill_names(const struct world *w, const struct session *session, struct msg_names *ret)
{
	struct resolver resolver;

	if (world_resolver(w, session, &resolver, NULL) < 0)
		return; /* there was a pool a moment ago */
	ret->n = (uint8_t)resolver.n;
	memcpy(ret->servers, resolver.servers, sizeof(ret->servers));
	copy_string(ret->domains, sizeof(ret->domains), resolver.domains);
}

static void answer(const struct connection *c, struct msg_reply *reply, int pass, int r,
		   const struct err *err)
{
	if (r < 0) {
		reply->status = MSG_REFUSED;
		memcpy(reply->text, err->text, sizeof(reply->text));
		syslog(LOG_NOTICE, "refused uid %u: %s", c->peer.cred.uid, err->text);
	}
	r = sock_send(c->peer.fd, reply, sizeof(*reply), pass);
	if (r < 0)
		syslog(LOG_NOTICE, "answer uid %u: %s", c->peer.cred.uid, strerror(-r));
}

static bool takes_netns(uint16_t op)
{
	return op == MSG_RUN_IN || op == MSG_ATTACH || op == MSG_EXEC;
}

/* Whether the peer's netns is still to come; what may be asked for was checked. */
static bool lacks_netns(const struct connection *c)
{
	return takes_netns(c->request.header.op) && !c->sent;
}

/* False: the answer waits for the netns. */
static bool ask_for_netns(struct connection *c)
{
	struct msg_reply reply;

	sock_pass_rights(c->peer.fd, true);
	msg_reply_init(&reply, c->request.header.op);
	reply.status = MSG_SEND;
	if (sock_send(c->peer.fd, &reply, sizeof(reply), -1) < 0)
		return true;
	c->state = CONNECTION_NETNS;
	c->deadline = clock_ms() + CONNECTION_SILENCE_MS;
	return false;
}

static bool wait_for_polkit(struct connection *c)
{
	c->state = CONNECTION_POLKIT;
	c->deadline = INT64_MAX; /* polkit's limit holds */
	return false;
}

/* The answer to a launch, once packets pass. */
static bool answer_settled(struct server *s, struct connection *c, bool links)
{
	int64_t now = clock_ms();

	if (!settle_over(&c->settle, &s->world.kernel, links))
		return false;
	/* whose netns keeps an answer waiting is not served before others */
	if (now >= c->settle.end)
		spent_add(&s->spent, c->peer.person, SETTLE_SPENT_NS, now);
	answer(c, &c->reply, c->netns, 0, NULL);
	return true;
}

/* False when the answer has to wait, for polkit or for the session. */
static bool serve_run(struct server *s, struct connection *c)
{
	struct request wanted = c->request.request;
	const struct session *parent = NULL;
	uint16_t op = c->request.header.op;
	enum authorization allowed = AUTHORIZE_REFUSE;
	struct session session = { 0 };
	struct msg_reply reply;
	struct err err = { 0 };
	int r = op == MSG_ATTACH ? request_check_attach(&wanted, &err)
				 : request_check(&wanted, &err);

	if (r == 0 && wanted.id)
		r = world_look(&s->world, "", &err);
	if (r == 0 && wanted.id)
		r = probe_request(&s->world.facts, &c->request.request, c->peer.cred.uid, &wanted,
				  &parent, &err);
	if (r == -EBUSY && wanted.id) {
		/* the probe session before it is closing: a busy host takes seconds for a netns */
		world_end_probe(&s->world, wanted.id);
		connection_answer_busy(c->peer.fd);
		return true;
	}
	if (r == 0)
		allowed = may_run(s, c, &wanted, parent, &err);
	if (allowed == AUTHORIZE_WAIT)
		return wait_for_polkit(c);
	if (allowed == AUTHORIZE_REFUSE)
		r = -EPERM;
	if (owner_of(c) != c->peer.cred.uid)
		wanted.flags |= SESSION_BY_ROOT;
	if (r == 0)
		r = check_address(s, c, &err);
	if (r == 0 && lacks_netns(c))
		return ask_for_netns(c);
	s->world.memory.person = person_of(&s->persons, owner_of(c));
	s->world.memory.connections = c->peer.connections;
	if (r == 0 && op == MSG_RUN_IN) /* in the netns that came along */
		r = world_run_in(&s->world, &wanted, owner_of(c), c->peer.cred.uid, c->passed,
				 &session, &c->settle, &err);
	else if (r == 0 && op == MSG_ATTACH)
		r = world_attach(&s->world, &wanted, owner_of(c), c->peer.cred.uid, c->passed,
				 &session, &c->settle, &err);
	else if (r == 0)
		r = world_run(&s->world, &wanted, owner_of(c), &session, &c->settle, &c->netns,
			      &err);
	msg_reply_init(&reply, op);
	if (r == 0) {
		reply.id = session.id;
		snprintf(reply.text, sizeof(reply.text), "session '%s' through %s, port viap%u",
			 session.name, session.uplink, session.id);
		memcpy(reply.name, session.name, sizeof(reply.name));
		fill_names(&s->world, &session, &reply.names);
		warn_of_legacy(s);
		c->reply = reply;
		c->state = CONNECTION_SETTLING;
		c->deadline = INT64_MAX; /* settle.end holds */
		return answer_settled(s, c, false);
	}
	answer(c, &reply, -1, r, &err);
	return true;
}

static int no_session(uint32_t id, struct err *err)
{
	return err_set(err, ESRCH, "find session %u: there is none; `via-iface list` shows them",
		       id);
}

static enum authorization may_change(struct server *s, struct connection *c,
				     const struct session *session, struct err *err)
{
	struct access_question question = {
		.uplinks = c->request.request.uplinks,
		.flags = session->flags,
		.owner = session->uid,
	};

	switch ((enum msg_op)c->request.header.op) {
	case MSG_MOVE:
		question.op = ACCESS_MOVE;
		break;
	case MSG_RESUME:
		question.op = ACCESS_RESUME;
		break;
	case MSG_PAUSE:
	case MSG_STOP:
	case MSG_PROBE: /* as for these, nothing but whose it is */
		question.op = ACCESS_STOP;
		break;
	case MSG_EXEC:
		question.op = ACCESS_EXEC;
		break;
	case MSG_RUN:
	case MSG_RUN_IN:
	case MSG_SUBSCRIBE:
	case MSG_ATTACH:
	case MSG_OP_END:
		return AUTHORIZE_REFUSE;
	}
	return authorize(&s->authorizer, &c->peer, &question, session->name, err);
}

static int note_probe(struct server *s, const struct request *word, struct err *err)
{
	bool bad = word->flags & REQUEST_PROBE_BAD;
	int r = world_probe(&s->world, word->id, word->uplinks, bad, err);

	if (r > 0)
		syslog(LOG_NOTICE, "session '%s': uplink %s: %s",
		       world_session(&s->world, word->id)->name, word->uplinks,
		       bad ? FOLLOW_NO_ANSWER : "its probe is answered again");
	return r < 0 ? r : 0;
}

static int change(struct server *s, const struct connection *c, struct err *err)
{
	uint32_t id = c->request.request.id;

	switch ((enum msg_op)c->request.header.op) {
	case MSG_MOVE:
		return world_move(&s->world, id, c->request.request.uplinks, c->peer.cred.uid, err);
	case MSG_PAUSE:
	case MSG_RESUME:
		return world_pause(&s->world, id, c->request.header.op == MSG_PAUSE, err);
	case MSG_STOP:
		return world_stop(&s->world, id, err);
	case MSG_PROBE:
		return note_probe(s, &c->request.request, err);
	case MSG_RUN:
	case MSG_RUN_IN:
	case MSG_EXEC:
	case MSG_SUBSCRIBE:
	case MSG_ATTACH:
	case MSG_OP_END:
		break;
	}
	return -EBADMSG;
}

/* False when the answer has to wait for polkit. */
static bool serve_change(struct server *s, struct connection *c)
{
	uint32_t id = c->request.request.id;
	const struct session *session = world_session(&s->world, id);
	enum authorization allowed = AUTHORIZE_REFUSE;
	struct msg_reply reply;
	struct err err = { 0 };
	int r = 0;

	msg_reply_init(&reply, c->request.header.op);
	reply.id = id;
	if (!session)
		r = no_session(id, &err);
	else if (c->request.header.op == MSG_MOVE)
		r = request_check_uplinks(&c->request.request, &err);
	else if (c->request.header.op == MSG_PROBE)
		r = request_check_probe(&c->request.request, &err);
	if (r == 0 && session)
		allowed = may_change(s, c, session, &err);
	if (allowed == AUTHORIZE_WAIT)
		return wait_for_polkit(c);
	if (allowed == AUTHORIZE_REFUSE)
		r = -EPERM;
	if (r == 0)
		r = change(s, c, &err);
	if (r == 0)
		world_end_probes(&s->world);
	session = world_session(&s->world, id);
	if (session)
		memcpy(reply.name, session->name, sizeof(reply.name));
	if (session && session->uplink[0])
		snprintf(reply.text, sizeof(reply.text), "session '%s' goes through %s",
			 session->name, session->uplink);
	else if (session)
		snprintf(reply.text, sizeof(reply.text), "session '%s' is blocked", session->name);
	answer(c, &reply, -1, r, &err);
	return true;
}

/*
 * One more program in a session that runs: its netns comes from the peer, and goes back when it is
 * that, and the peer may have it. False when the answer has to wait.
 */
static bool serve_exec(struct server *s, struct connection *c)
{
	const struct session *session = world_session(&s->world, c->request.request.id);
	enum authorization allowed = AUTHORIZE_REFUSE;
	struct msg_reply reply;
	struct err err = { 0 };
	int r = session ? 0 : no_session(c->request.request.id, &err);

	msg_reply_init(&reply, MSG_EXEC);
	if (session)
		allowed = may_change(s, c, session, &err);
	if (allowed == AUTHORIZE_WAIT)
		return wait_for_polkit(c);
	if (session && allowed == AUTHORIZE_REFUSE)
		r = -EPERM;
	if (r == 0 && lacks_netns(c))
		return ask_for_netns(c);
	if (session && r == 0)
		r = peer_netns_check_session(c->passed, &s->world.kernel, session, &err);
	if (session && r == 0) {
		reply.id = session->id;
		snprintf(reply.text, sizeof(reply.text), "session '%s', port viap%u", session->name,
			 session->id);
		memcpy(reply.name, session->name, sizeof(reply.name));
		fill_names(&s->world, session, &reply.names);
	}
	answer(c, &reply, r < 0 ? -1 : c->passed, r, &err);
	return true;
}

/* The connection stays, in other hands. */
static void serve_subscribe(struct server *s, struct connection *c)
{
	struct msg_reply reply;
	struct err err = { 0 };
	int r = subscribers_add(&s->subscribers, c->peer.fd, c->peer.person, &err);

	msg_reply_init(&reply, MSG_SUBSCRIBE);
	answer(c, &reply, -1, r, &err);
	if (r == 0)
		c->peer.fd = -1;
}

enum received {
	RECEIVED_ALL,
	RECEIVED_PART, /* what came along is on its way */
	RECEIVED_WRONG,
};

static bool same_header(const struct msg_header *a, const struct msg_header *b)
{
	return a->magic == b->magic && a->version == b->version && a->op == b->op;
}

/* What the peer was asked for: the header of its request, and with it one descriptor. */
static enum received receive_netns(struct server *s, struct connection *c)
{
	struct msg_header header = { 0 };
	struct err err = { 0 };
	ssize_t n = 0;
	enum fd_receive_head head = fd_receive_peek(c->peer.fd, &header, sizeof(header), &n);

	sock_pass_rights(c->peer.fd, false); /* one was to come, and is here */
	if (head == FD_RECEIVE_NOTHING || n != sizeof(header) ||
	    !same_header(&header, &c->request.header))
		return RECEIVED_WRONG;
	if (head == FD_RECEIVE_PLAIN) {
		fd_receive_discard(c->peer.fd);
		c->sent = true;
		return RECEIVED_ALL;
	}
	c->receiver = fd_receive_start(&s->receivers, c->peer.fd, c->peer.person,
				       s->world.kernel.host_ns, &err);
	if (c->receiver >= 0) {
		c->state = CONNECTION_RECEIVING;
		return RECEIVED_PART;
	}
	c->receiver = -1;
	syslog(LOG_NOTICE, "uid %u: %s", c->peer.cred.uid, err.text);
	connection_answer_busy(c->peer.fd);
	return RECEIVED_WRONG;
}

static enum received receive(struct server *s, struct connection *c)
{
	ssize_t n = 0;

	switch (c->state) {
	case CONNECTION_REQUEST:
		/* descriptors come when they are asked for, and not before the policy has said yes
		 */
		if (fd_receive_peek(c->peer.fd, &c->request, sizeof(c->request), &n) !=
			    FD_RECEIVE_PLAIN ||
		    msg_request_check(&c->request, (size_t)n) < 0)
			return RECEIVED_WRONG;
		fd_receive_discard(c->peer.fd);
		return RECEIVED_ALL;
	case CONNECTION_NETNS:
		return receive_netns(s, c);
	case CONNECTION_RECEIVING:
		n = fd_receive_finish(c->receiver, &c->passed);
		c->receiver = -1;
		c->sent = true;
		return n < 0 ? RECEIVED_WRONG : RECEIVED_ALL;
	case CONNECTION_POLKIT:
	case CONNECTION_SETTLING:
		break;
	}
	return RECEIVED_WRONG;
}

/*
 * The peer spoke, or polkit did. Returns whether the connection is done with, as it is after one
 * message, whatever that was, and when a peer that waits for polkit does anything but wait.
 */
static bool serve(struct server *s, struct connection *c, bool spoke)
{
	enum received received = RECEIVED_ALL;
	bool done = true;

	if (spoke)
		received = receive(s, c);
	if (received != RECEIVED_ALL)
		return received == RECEIVED_WRONG;
	switch ((enum msg_op)c->request.header.op) {
	case MSG_RUN:
	case MSG_RUN_IN:
	case MSG_ATTACH:
		done = serve_run(s, c);
		break;
	case MSG_MOVE:
	case MSG_PAUSE:
	case MSG_RESUME:
	case MSG_STOP:
	case MSG_PROBE:
		done = serve_change(s, c);
		break;
	case MSG_EXEC:
		done = serve_exec(s, c);
		break;
	case MSG_SUBSCRIBE:
		serve_subscribe(s, c);
		break;
	case MSG_OP_END:
		break;
	}
	return done;
}

/* --- time ---------------------------------------------------------------------------------- */

static void linger(struct server *s)
{
	if (world_sessions(&s->world))
		s->leave_at = 0;
	else if (!s->leave_at)
		s->leave_at = clock_ms() + s->options->linger_ms;
}

static void heal(struct server *s)
{
	struct err err = { 0 };

	s->heal_at = 0;
	s->second_look = false;
	if (world_heal(&s->world, &err) < 0) {
		bool room = (err.code == EMFILE || err.code == ENFILE) &&
			    connections_make_room(&s->connections);

		syslog(LOG_WARNING, "heal: %s", err.text);
		s->heal_at = clock_ms() + (room ? 0 : HEAL_AGAIN_MS);
	}
	world_end_probes(&s->world);
	linger(s);
}

/*
 * What was done is looked at once more: only then can events tell what of it is undone. A host
 * that never comes to rest is looked at less and less often.
 */
static void look_again(struct server *s)
{
	if (!s->world.unseen || !world_sessions(&s->world)) {
		s->unseen = 0;
	} else if (!s->heal_at) {
		s->heal_at = clock_ms() + (COALESCE_MS << (s->unseen < 7 ? s->unseen++ : 7));
		s->second_look = true;
	}
}

/* Something is not as it should be. What failed a moment ago keeps its time. */
static void heal_soon(struct server *s)
{
	int64_t soon = clock_ms() + COALESCE_MS;

	if (!s->heal_at || (s->second_look && soon < s->heal_at))
		s->heal_at = soon;
	s->second_look = false;
}

/* Our own socket's file is watched: without it nobody finds us. */
static void watch_door(struct server *s)
{
	struct stat st;

	if (lstat(s->socket_path, &st) < 0)
		return;
	s->door_dev = st.st_dev;
	s->door_ino = st.st_ino;
	if (s->door_fd >= 0)
		return;
	s->door_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->door_fd >= 0 &&
	    inotify_add_watch(s->door_fd, s->options->rundir,
			      IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) < 0)
		close_fd(&s->door_fd);
}

static int open_socket(struct server *s, struct err *err)
{
	s->listen_fd = own_socket(s) ? sock_listen(s->socket_path, err) : s->options->socket_fd;
	if (s->listen_fd < 0)
		return s->listen_fd;
	if (fcntl(s->listen_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, errno, "make the socket non-blocking");
	sock_pass_rights(s->listen_fd, false); /* where that can be */
	if (own_socket(s))
		watch_door(s);
	return 0;
}

static int open_socket_again(struct server *s)
{
	struct err err = { 0 };
	int r;

	close_fd(&s->listen_fd);
	r = open_socket(s, &err);
	if (r < 0)
		syslog(LOG_ERR, "%s", err.text);
	return r;
}

/*
 * Something happened in the directory of our socket. If its file has gone, we make another; if it
 * is another's now, say a service manager's, then that one's daemon has our place: it waits for
 * the lock, and finds the sessions in the kernel.
 */
static void look_at_door(struct server *s)
{
	char events[4096];
	struct stat st;

	while (read(s->door_fd, events, sizeof(events)) > 0)
		;
	if (lstat(s->socket_path, &st) < 0) {
		if (errno == ENOENT && open_socket_again(s) < 0)
			s->stop = true;
	} else if (st.st_dev != s->door_dev || st.st_ino != s->door_ino) {
		syslog(LOG_NOTICE, "'%s' is another's now: it takes over", s->socket_path);
		s->replaced = s->stop = true;
	}
}

static void close_door(struct server *s)
{
	if (own_socket(s) && !s->replaced && s->listen_fd >= 0)
		unlink(s->socket_path);
}

/*
 * Nobody needs us: close the door, and only if nobody slipped in before it closed, clear the host
 * and go. The next daemon waits for the lock until we are gone.
 */
static void leave(struct server *s)
{
	struct err err = { 0 };

	if (!s->options->stay)
		close_door(s);
	if (connections_accept(&s->connections, s->listen_fd)) {
		s->leave_at = clock_ms() + s->options->linger_ms;
		if (!own_socket(s) || s->options->stay || open_socket_again(s) == 0)
			return;
	}
	if (world_clear(&s->world, &err) < 0)
		syslog(LOG_ERR, "clear the host: %s", err.text);
	s->leave_at = 0;
	s->stop = !s->options->stay;
}

static int timeout_of(const struct server *s)
{
	int64_t next = polkit_deadline(&s->authorizer.polkit), left, soon = clock_ms() + REAP_MS;

	if (s->heal_at && s->heal_at < next)
		next = s->heal_at;
	if (s->world.follow_at < next && world_sessions(&s->world))
		next = s->world.follow_at;
	if (s->world.entries.pass.running)
		return 0;
	if (s->world.entries.due < next)
		next = s->world.entries.due;
	if (names_again(&s->world.names) < next)
		next = names_again(&s->world.names);
	if (s->leave_at && !s->connections.n && s->leave_at < next)
		next = s->leave_at;
	if (s->options->watchdog_ms && s->alive_at < next)
		next = s->alive_at;
	if (s->receivers.n_parked && soon < next)
		next = soon;
	if (connections_deadline(&s->connections) < next)
		next = connections_deadline(&s->connections);
	if (next == INT64_MAX)
		return -1;
	left = next - clock_ms();
	return left < 0 ? 0 : (int)left;
}

/* Those of sessions that have ended, in time; a failure is tried again. */
static void delete_entries(struct server *s, int64_t now)
{
	struct err err = { 0 };

	world_note_ends(&s->world);
	if ((s->world.entries.pass.running || s->world.entries.due <= now) &&
	    world_delete_some(&s->world, &err) < 0)
		syslog(LOG_WARNING, "%s", err.text);
}

static void on_time(struct server *s)
{
	int64_t now = clock_ms();

	connections_expire(&s->connections, now);
	if (s->options->watchdog_ms && s->alive_at <= now) {
		manager_notify("WATCHDOG=1");
		s->alive_at = now + s->options->watchdog_ms / 2;
	}
	if (names_again(&s->world.names) <= now && world_take_names(&s->world))
		heal_soon(s);
	if ((s->heal_at && s->heal_at <= now) ||
	    (s->world.follow_at <= now && world_sessions(&s->world)))
		heal(s);
	delete_entries(s, now);
	if (s->leave_at && s->leave_at <= now && !s->connections.n)
		leave(s);
}

/* What was healed meanwhile, to those who asked. */
static void tell_healed(struct server *s)
{
	struct msg_event event;

	if (!s->world.healed.n)
		return;
	msg_event_init(&event);
	event.count = s->world.healed.n;
	memcpy(event.object, s->world.healed.first, sizeof(event.object));
	subscribers_send(&s->subscribers, &event);
	s->world.healed.n = 0;
}

/* --- the loop ------------------------------------------------------------------------------ */

enum {
	FD_SIGNAL,
	FD_EVENTS,
	FD_NFT_EVENTS,
	FD_SYSCTLS,
	FD_NAMES,
	FD_LISTEN = FD_NAMES + NAMES_FDS,
	FD_DOOR,
	FD_BUS,
	FD_PEERS, /* the subscribers, then the connections */
	FD_MAX = FD_PEERS + SUBSCRIBERS_MAX + CONNECTIONS_MAX,
};

static bool any_event(const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents)
			return true;
	return false;
}

static void take_events(struct server *s)
{
	if (world_take_events(&s->world))
		heal_soon(s);
}

/*
 * Waits. An error of poll(2) itself is one of ours, and would come again at once, for ever: the
 * process ends by a signal, and whoever supervises it starts another, which finds the sessions in
 * the kernel.
 */
static bool wait_for_any(struct pollfd *fds, size_t n, int timeout_ms)
{
	if (poll(fds, n, timeout_ms) >= 0)
		return true;
	if (errno == EINTR)
		return false;
	syslog(LOG_CRIT, "wait for events: %s", strerror(errno));
	abort();
}

static void finish(struct server *s, struct connection *c)
{
	connections_hang_up(&s->connections, c);
	s->leave_at = 0;
	linger(s);
}

/* Answers that waited for a new session: links of the host may have changed since the last turn. */
static void serve_settled(struct server *s)
{
	bool links = s->link_events != s->world.link_events;

	s->link_events = s->world.link_events;
	for (size_t i = s->connections.n; i-- > 0;) {
		struct connection *c = &s->connections.v[i];

		if (c->state == CONNECTION_SETTLING && answer_settled(s, c, links))
			finish(s, c);
	}
}

/*
 * One request of each person, those first for whom least was done lately, and not for long: then
 * it is time for events again. Who was not served still is readable, and is at the next turn. What
 * counts is the processor's time: others make the kernel wait for its locks, not who asks.
 */
static void serve_all(struct server *s)
{
	int64_t start = clock_ns();
	struct connection *c;

	while (clock_ns() - start < TURN_NS && (c = connections_next(&s->connections, &s->spent))) {
		uid_t person = c->peer.person;
		int64_t before = cpu_ns();
		bool spoke = c->spoke;

		take_events(s); /* what a request ended may be told already */
		c->spoke = false;
		if (serve(s, c, spoke))
			finish(s, c);
		connections_skip(&s->connections, person);
		spent_add(&s->spent, person, cpu_ns() - before, clock_ms());
	}
}

static void turn(struct server *s)
{
	struct pollfd fds[FD_MAX] = {
		[FD_SIGNAL] = { .fd = s->signal_fd, .events = POLLIN },
		[FD_EVENTS] = { .fd = nl_fd(&s->world.events), .events = POLLIN },
		[FD_NFT_EVENTS] = { .fd = nl_fd(&s->world.nft_events), .events = POLLIN },
		[FD_SYSCTLS] = { .fd = s->world.sysctl_watch, .events = POLLIN },
		[FD_LISTEN] = connections_pollfd(&s->connections, s->listen_fd),
		[FD_DOOR] = { .fd = s->door_fd, .events = POLLIN },
		[FD_BUS] = polkit_pollfd(&s->authorizer.polkit),
	};
	size_t n_followers, n;

	look_again(s);
	names_poll(&s->world.names, fds + FD_NAMES);
	n_followers = subscribers_poll(&s->subscribers, fds + FD_PEERS);
	n = connections_poll(&s->connections, fds + FD_PEERS + n_followers);
	if (!wait_for_any(fds, FD_PEERS + n_followers + n, timeout_of(s)))
		return;
	if (fds[FD_SIGNAL].revents) {
		s->stop = true;
		return;
	}
	if (fds[FD_EVENTS].revents || fds[FD_NFT_EVENTS].revents)
		take_events(s);
	if (fds[FD_SYSCTLS].revents && world_take_sysctl_events(&s->world))
		heal_soon(s);
	if (any_event(fds + FD_NAMES, NAMES_FDS) && world_take_names(&s->world))
		heal_soon(s);
	subscribers_take(&s->subscribers, fds + FD_PEERS, n_followers);
	polkit_process(&s->authorizer.polkit);
	fd_receive_reap(&s->receivers);
	connections_take(&s->connections, fds + FD_PEERS + n_followers, n);
	if (fds[FD_LISTEN].revents) /* their requests count in this turn */
		connections_accept(&s->connections, s->listen_fd);
	serve_settled(s);
	serve_all(s);
	if (fds[FD_DOOR].revents)
		look_at_door(s);
	if (!s->stop)
		on_time(s);
	tell_healed(s);
}

/* One daemon at a time: the lock is on the directory, so that it leaves no file. */
static int lock_rundir(struct server *s, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	if (mkdir(s->options->rundir, 0711) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make directory '%s'", s->options->rundir);
	s->dir_fd = open(s->options->rundir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->dir_fd < 0)
		return err_errno(err, errno, "open directory '%s'", s->options->rundir);
	/* who can open it could hold the lock; all in it can be reached all the same */
	if (fchmod(s->dir_fd, 0711) < 0)
		return err_errno(err, errno, "close directory '%s' to others", s->options->rundir);
	while (flock(s->dir_fd, LOCK_EX | LOCK_NB) < 0) {
		_cleanup_close_ int other = -1;

		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, errno, "lock directory '%s'", s->options->rundir);
		/* at a manager's socket it is us who answer: the other is leaving, or will */
		if (own_socket(s))
			other = sock_connect(s->socket_path, NULL);
		if (other >= 0)
			return err_set(err, EALREADY, "another daemon serves '%s'",
				       s->options->rundir);
		nanosleep(&pause, NULL); /* it starts, or it is leaving */
	}
	return 0;
}

/* How many peers the limit of descriptors leaves room for: one in eight may be a subscriber. */
static int make_room(struct server *s, struct err *err)
{
	size_t room, subscribers;
	int r = descriptors_room(&room, err);

	if (r < 0)
		return r;
	subscribers = room / 8;
	s->subscribers.max = subscribers < SUBSCRIBERS_MAX ? subscribers : SUBSCRIBERS_MAX;
	room -= s->subscribers.max;
	s->connections.max = room < CONNECTIONS_MAX ? room : CONNECTIONS_MAX;
	room = (room - s->connections.max) * DESCRIPTORS_PER_CONNECTION;
	s->receivers.max_parked = room < FD_RECEIVE_PARKED_MAX ? room : FD_RECEIVE_PARKED_MAX;
	return 0;
}

static int start(struct server *s, struct err *err)
{
	sigset_t signals;
	int r = lock_rundir(s, err);

	if (r < 0)
		return r;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (s->signal_fd < 0)
		return err_errno(err, errno, "listen to signals");
	r = world_open(&s->world, s->options->rundir, err);
	if (r == 0)
		r = world_heal(&s->world, err);
	if (r == 0)
		r = open_socket(s, err);
	return r == 0 ? make_room(s, err) : r;
}

/*
 * We cannot start: those who wait at a manager's socket are told why. Else they would wait on,
 * and have the manager start us again and again.
 */
static void refuse_all(struct server *s, const struct err *err)
{
	int64_t end = clock_ms() + REFUSE_MS;
	struct msg_request request;
	struct msg_reply reply;
	ssize_t len;

	if (own_socket(s) || fcntl(s->options->socket_fd, F_SETFL, O_NONBLOCK) < 0)
		return;
	msg_reply_init(&reply, MSG_RUN);
	reply.status = MSG_REFUSED;
	memcpy(reply.text, err->text, sizeof(reply.text));
	while (clock_ms() < end) {
		int fd = accept4(s->options->socket_fd, NULL, NULL, SOCK_CLOEXEC);
		struct pollfd spoke = { .fd = fd, .events = POLLIN };

		if (fd < 0)
			return;
		/* an answer is lost when the request was not read */
		if (fd_receive_prepare(fd, NULL) == 0 && poll(&spoke, 1, 1000) > 0 &&
		    fd_receive_peek(fd, &request, sizeof(request), &len) == FD_RECEIVE_PLAIN)
			fd_receive_discard(fd);
		sock_send(fd, &reply, sizeof(reply), -1);
		fd_receive_close(&s->receivers, fd, PERSON_UNKNOWN);
	}
}

static void tell_ready(const struct server *s, int r, const struct err *err)
{
	int fd = s->options->ready_fd;

	if (r == 0)
		manager_notify("READY=1");
	if (fd < 0)
		return;
	if (r < 0 && r != -EALREADY)
		dprintf(fd, "%s", err->text);
	else
		dprintf(fd, "\n");
	close(fd);
}

static void init(struct server *s, const struct server_options *options)
{
	*s = (struct server){
		.options = options, .dir_fd = -1, .listen_fd = -1, .signal_fd = -1, .door_fd = -1
	};
	persons_open(&s->persons, "/etc/subuid");
	s->connections.persons = &s->persons;
	s->connections.receivers = s->subscribers.receivers = &s->receivers;
	s->connections.polkit = &s->authorizer.polkit;
	s->connections.subscribers = &s->subscribers;
	s->world.kernel.host_ns = s->world.kernel.session_ns = s->world.sysctl_watch = -1;
	authorizer_init(&s->authorizer, options->confdir, options->ask_ms);
	snprintf(s->socket_path, sizeof(s->socket_path), "%s/socket", options->rundir);
}

static void done(struct server *s)
{
	char saved[PATH_MAX];

	connections_close(&s->connections);
	subscribers_close(&s->subscribers);
	fd_receive_done(&s->receivers);
	close_door(s);
	snprintf(saved, sizeof(saved), "%s/sysctl", s->options->rundir);
	rmdir(saved); /* only when it is empty */
	close_fd(&s->listen_fd);
	close_fd(&s->signal_fd);
	authorizer_done(&s->authorizer);
	persons_done(&s->persons);
	world_close(&s->world);
	close_fd(&s->dir_fd);
	close_fd(&s->door_fd); /* last: it can take the kernel 15 ms, and the next one may wait */
}

int server_run(const struct server_options *options, struct err *err)
{
	static struct server s;
	struct err ignored = { 0 };
	int r;

	init(&s, options);
	r = start(&s, err);
	tell_ready(&s, r, err);
	if (r < 0)
		refuse_all(&s, err);
	else /* while the first client is still on its way */
		r = sandbox_calls(err);
	if (r == 0)
		linger(&s);
	while (r == 0 && !s.stop)
		turn(&s);
	manager_notify("STOPPING=1");
	/* a signal came while lingering, or just as the last session ended */
	s.world.stale = true;
	if (r == 0 && world_heal(&s.world, &ignored) == 0 && !world_sessions(&s.world))
		world_clear(&s.world, &ignored);
	done(&s);
	return r == -EALREADY ? 0 : r;
}

struct descriptors {
	int *v;
	size_t n, size;
};

/* The namespaces of attached sessions, while the kernel knows where their ports lead. */
static void find_attached(const struct facts *f, struct descriptors *ret)
{
	for (size_t i = 0; i < f->sessions.n; i++) {
		int fd = f->sessions.v[i].flags & SESSION_ATTACHED
				 ? attached_find(f->sessions.v[i].netns)
				 : -1;
		int *held = fd < 0 ? NULL : VEC_PUSH(ret);

		if (held)
			*held = fd;
		else if (fd >= 0)
			close(fd);
	}
}

int server_clear(const struct server_options *options, struct err *err)
{
	static struct server s;
	struct descriptors netns = { 0 };
	struct err why = { 0 };
	int r;

	init(&s, options);
	r = lock_rundir(&s, err);
	if (r == 0)
		r = world_open(&s.world, options->rundir, err);
	if (r == 0)
		r = world_look(&s.world, "", err);
	if (r == 0)
		find_attached(&s.world.facts, &netns);
	if (r == 0)
		r = world_clear(&s.world, err);
	for (size_t i = 0; i < netns.n; i++)
		if (attached_release(netns.v[i], options->rundir, &why) < 0)
			syslog(LOG_WARNING, "%s", why.text);
	if (r == 0)
		netns_files_sweep();
	while (netns.n)
		close(netns.v[--netns.n]);
	VEC_DONE(&netns);
	done(&s);
	return r;
}
