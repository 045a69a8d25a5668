/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_IPC_MSG_H
#define VIA_IPC_MSG_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/facts.h"
#include "model/request.h"

/*
 * The boundary between a caller and the daemon: one SOCK_SEQPACKET message each way (two where a
 * netns comes from the caller: it is sent when the daemon asks for it, MSG_SEND; and events, to who
 * asked for them), all structs of fixed size without pointers, text terminated and zero-filled,
 * descriptors by SCM_RIGHTS. A message of any other size, magic, version or operation closes the
 * connection. Nothing is allocated by a number that the other side chose.
 */

#define MSG_MAGIC   0x76696131u /* "via1" */
#define MSG_VERSION 4u

enum msg_op {
	MSG_RUN = 1, /* make a session; the answer carries its netns */
	MSG_RUN_IN,  /* make a session of the netns that comes: a fresh one of the caller's */
	MSG_MOVE,    /* give session id other uplinks */
	MSG_PAUSE,   /* block session id */
	MSG_RESUME,
	MSG_STOP,   /* take session id's network away, for good */
	MSG_EXEC,   /* one more program in session id, whose netns comes and goes back */
	MSG_SUBSCRIBE, /* be told: behind the answer, events come until one side hangs up */
	MSG_ATTACH, /* give the netns that comes a way out, beside what it has */
	MSG_PROBE,  /* what session id's probe says of an uplink (model/request.h) */
	MSG_OP_END,
};

struct msg_header {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
};

struct msg_request {
	struct msg_header header;
	struct request request;
};

enum msg_status {
	MSG_OK,
	MSG_REFUSED, /* for the reason in text */
	MSG_BUSY,    /* too many connections; worth trying again */
	MSG_SEND, /* allowed so far: send the netns, with the request's header alone; then wait */
};

/* What goes into the session's resolv.conf(5). */
struct msg_names {
	uint8_t n;
	struct ip servers[SESSION_DNS_MAX]; /* fixed addresses on the bridge */
	char domains[DNS_DOMAINS_MAX];      /* to search, with spaces between */
};

struct msg_reply {
	struct msg_header header; /* the request's operation */
	uint32_t status;
	uint32_t id; /* of the session */
	char name[SESSION_NAME_MAX];
	char text[ERR_TEXT_MAX];
	struct msg_names names;
};

/* Something was put back that somebody else had changed. */
struct msg_event {
	struct msg_header header;     /* MSG_SUBSCRIBE */
	uint32_t count;               /* of objects, 1 at least */
	char object[OBJECT_NAME_MAX]; /* the name of the first */
};

static_assert(sizeof(struct msg_header) == 8, "no padding on the wire");
static_assert(sizeof(struct msg_event) == 8 + 4 + OBJECT_NAME_MAX, "no padding on the wire");
static_assert(sizeof(struct msg_request) == 8 + 16 + SESSION_UPLINKS_MAX + SESSION_NAME_MAX +
						    IFNAMSIZ + 1 +
						    SESSION_DNS_MAX * sizeof(struct ip),
	      "no padding on the wire");
static_assert(sizeof(struct msg_names) == 1 + SESSION_DNS_MAX * sizeof(struct ip) + DNS_DOMAINS_MAX,
	      "no padding on the wire");
static_assert(sizeof(struct msg_reply) ==
		      16 + SESSION_NAME_MAX + ERR_TEXT_MAX + sizeof(struct msg_names),
	      "no padding on the wire");

/* A zeroed request or reply with its header filled in. */
void msg_request_init(struct msg_request *m, enum msg_op op);
void msg_reply_init(struct msg_reply *m, uint16_t op);
void msg_event_init(struct msg_event *m);

/* 0, or -EBADMSG: then the connection must be closed. */
int msg_request_check(const struct msg_request *m, size_t len);
int msg_reply_check(const struct msg_reply *m, size_t len);
int msg_event_check(const struct msg_event *m, size_t len);

#endif
