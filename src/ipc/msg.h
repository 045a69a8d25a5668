/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_IPC_MSG_H
#define VIA_IPC_MSG_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/facts.h"
#include "model/log_entry.h"
#include "model/request.h"

/*
 * The boundary between a caller and the daemon, over SOCK_SEQPACKET (unix(7)). A peer sends one
 * request, of the struct of its operation, and receives one struct msg_reply. Where the operation
 * takes a netns of the peer's, the daemon first answers MSG_SEND, and the peer sends the netns by
 * SCM_RIGHTS. After MSG_SUBSCRIBE events follow the reply.
 *
 * All structs have a fixed size, no pointers and no padding; texts are terminated and zero-filled.
 * A message with an unknown magic, version or operation, or not of its operation's size, ends the
 * connection. The daemon allocates nothing by a number in a message.
 */

#define MSG_MAGIC   0x76696131u /* "via1" */
#define MSG_VERSION 15u

enum msg_op {
	MSG_RUN = 1,   /* make a session; the reply carries its netns */
	MSG_RUN_IN,    /* make a session of a fresh netns of the peer's */
	MSG_MOVE,      /* give a session other uplinks */
	MSG_PAUSE,     /* block a session */
	MSG_RESUME,    /* release it */
	MSG_STOP,      /* remove a session's port */
	MSG_EXEC,      /* one more program: the session's netns comes from the peer and goes back */
	MSG_SUBSCRIBE, /* receive events until one side closes the connection */
	MSG_ATTACH,    /* give a netns that is in use one more device and a way out */
	MSG_PROBE,     /* the result of probing an uplink of a session */
	MSG_EXPLAIN,   /* what the access policy would answer to a launch */
	MSG_LOG,       /* what happened to one's own sessions; root: to all */
	MSG_CAPTURE, /* a packet socket, not bound, in the session's netns, which the peer sends */
	MSG_FLOWS,   /* connections in the session's netns, which the peer sends */
	MSG_OP_END,
};

struct msg_header {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
};

/* MSG_RUN, MSG_RUN_IN */
struct msg_run {
	struct msg_header header;
	struct request request;
};

/* MSG_ATTACH */
struct msg_attach {
	struct msg_header header;
	struct request request; /* with request.device */
};

/*
 * MSG_PAUSE, MSG_RESUME, MSG_STOP, MSG_EXEC, MSG_CAPTURE, MSG_FLOWS. The reply to the last carries
 * the end of a pipe from which struct flow (model/flow.h) are read, up to one that ends them; an
 * end of file before that one means that they are not all.
 */
struct msg_session {
	struct msg_header header;
	uint32_t id; /* of the session */
};

/* MSG_MOVE */
struct msg_move {
	struct msg_header header;
	uint32_t id;
	struct uplink_list uplinks;
};

/* MSG_PROBE */
struct msg_probe {
	struct msg_header header;
	uint32_t id;
	uint32_t failed;       /* 1: no answer came through the uplink; 0: one did */
	char uplink[IFNAMSIZ]; /* of the session's list */
};

/*
 * MSG_EXPLAIN. Nothing is made or changed, and polkit is not asked. The reply's id is an enum
 * msg_allowed, its name the daemon's version, its text what part asks for.
 */
#define MSG_EXPLAIN_REASON  0u /* why it would be refused; "": it would not */
#define MSG_EXPLAIN_REMEDY  1u /* "%GROUP" to be in, or a section of access.conf(5); "": none */
#define MSG_EXPLAIN_MISTAKE 2u /* and up: a mistake of the policy's files; "": no more of them */
struct msg_explain {
	struct msg_header header;
	uint32_t part;
	uint32_t flags; /* SESSION_NO_LAN */
	struct uplink_list uplinks;
};

enum msg_allowed {
	MSG_ALLOWED,
	MSG_NO_SECTION, /* polkit is asked, where it runs */
	MSG_FORBIDDEN,
	MSG_TOO_MANY,
	MSG_POLICY_BROKEN,
};

/* MSG_SUBSCRIBE */
struct msg_subscribe {
	struct msg_header header;
};

/* MSG_LOG. The reply carries a sealed memfd of struct log_entry, in the order of seq. */
struct msg_log {
	struct msg_header header;
	uint64_t after;  /* seq of the last entry that the peer has; 0: none */
	uint64_t follow; /* 1: struct msg_logged comes for each later one, until one side closes */
};

/* "UID-GROUP", rounded up */
#define SHARE_FILE_MAX 28

/* A request of any operation; header.op says which. */
union msg_request {
	struct msg_header header;
	struct msg_run run;
	struct msg_attach attach;
	struct msg_session session;
	struct msg_move move;
	struct msg_probe probe;
	struct msg_subscribe subscribe;
	struct msg_explain explain;
	struct msg_log log;
};

enum msg_status {
	MSG_OK,
	MSG_REFUSED, /* for the reason in text */
	MSG_BUSY,    /* too many connections; worth trying again */
	MSG_SEND, /* allowed so far: send the netns, with the request's header alone; then wait */
	MSG_NO_AGENT, /* refused, since polkit wants a password and no agent asks the peer for it */
	MSG_EXISTS, /* the session to join is there: id; MSG_EXEC enters it. text: a warning, or ""
		     */
};

/* What goes into the session's resolv.conf(5). */
struct msg_dns {
	uint8_t n;
	struct ip servers[SESSION_DNS_MAX]; /* fixed addresses on the bridge */
	char domains[DNS_DOMAINS_MAX];      /* to search, with spaces between */
	char options[DNS_OPTIONS_MAX];      /* the same */
};

struct msg_reply {
	struct msg_header header; /* the request's operation */
	uint32_t status;
	uint32_t id; /* of the session */
	char name[SESSION_NAME_MAX];
	char text[ERR_TEXT_MAX];
	struct msg_dns dns;
	char share[SHARE_FILE_MAX]; /* the file of its group below VIA_RUNDIR/share; "": none */
};

/* Something was put back that somebody else had changed. */
struct msg_event {
	struct msg_header header;     /* MSG_SUBSCRIBE */
	uint32_t count;               /* of objects, 1 at least */
	char object[OBJECT_NAME_MAX]; /* the name of the first */
};

/* An entry of the log that is new. */
struct msg_logged {
	struct msg_header header; /* MSG_LOG */
	struct log_entry entry;
};

static_assert(sizeof(struct msg_header) == 8, "no padding on the wire");
static_assert(sizeof(struct msg_event) == 8 + 4 + OBJECT_NAME_MAX, "no padding on the wire");
static_assert(sizeof(struct msg_log) == 8 + 16, "no padding on the wire");
static_assert(sizeof(struct msg_logged) == 8 + sizeof(struct log_entry), "no padding on the wire");
static_assert(sizeof(struct msg_session) == 8 + 4, "no padding on the wire");
static_assert(sizeof(struct msg_move) == 8 + 4 + sizeof(struct uplink_list),
	      "no padding on the wire");
static_assert(sizeof(struct msg_probe) == 8 + 8 + IFNAMSIZ, "no padding on the wire");
static_assert(sizeof(struct msg_explain) == 8 + 8 + sizeof(struct uplink_list),
	      "no padding on the wire");
static_assert(sizeof(struct msg_attach) == sizeof(struct msg_run), "no padding on the wire");
static_assert(sizeof(struct msg_run) ==
		      8 + 16 + sizeof(struct rate_limits) + sizeof(struct host_ports) +
			      sizeof(struct publish_list) + sizeof(struct uplink_list) +
			      2ul * SESSION_NAME_MAX + IFNAMSIZ + 1 + SESSION_SHARE_MAX +
			      SESSION_DNS_MAX * sizeof(struct ip),
	      "no padding on the wire");
static_assert(sizeof(struct msg_dns) ==
		      1 + SESSION_DNS_MAX * sizeof(struct ip) + DNS_DOMAINS_MAX + DNS_OPTIONS_MAX,
	      "no padding on the wire");
static_assert(sizeof(struct msg_reply) == 16 + SESSION_NAME_MAX + ERR_TEXT_MAX +
						  sizeof(struct msg_dns) + SHARE_FILE_MAX,
	      "no padding on the wire");

/* Zeroes a message and fills in its header. */
void msg_request_init(union msg_request *m, enum msg_op op);
void msg_reply_init(struct msg_reply *m, uint16_t op);
void msg_event_init(struct msg_event *m);
void msg_logged_init(struct msg_logged *m);

/* Bytes of a request of that operation; 0: there is no such operation. */
size_t msg_request_size(uint16_t op);

/*
 * Check header and size of a message of len bytes, and that texts of a reply and an event are
 * terminated, and a group's file is below its directory; texts of a request are checked by its
 * operation. Return 0, or -EBADMSG: then the
 * connection must be closed.
 */
int msg_request_check(const union msg_request *m, size_t len);
int msg_reply_check(const struct msg_reply *m, size_t len);
int msg_event_check(const struct msg_event *m, size_t len);
int msg_logged_check(const struct msg_logged *m, size_t len);

/* Checks the fields of a probe's result. Returns 0, or -EINVAL with the reason. */
int msg_probe_check(const struct msg_probe *m, struct err *err);

#endif
