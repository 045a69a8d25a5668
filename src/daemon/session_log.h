/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SESSION_LOG_H
#define VIA_DAEMON_SESSION_LOG_H

#include "model/log_entry.h"
#include "plan/state.h"

/*
 * What happens to sessions, as entries of the log. The host state calls it where it makes, changes
 * and loses sessions; what it finds is queued, for the loop to pass on (event_log.c). A launch and
 * an end cost their own session alone; all are compared only where all were planned anew.
 */

struct host_state;

/* A session as it was when it was seen last. */
struct session_seen {
	uint32_t id, uid, person, flags;
	uint64_t since;
	uint64_t sent; /* bytes, counted before its port was removed; or LOG_BYTES_UNKNOWN */
	char name[SESSION_NAME_MAX];
	char program[SESSION_NAME_MAX];
	char uplink[IFNAMSIZ]; /* the last one that it had, also while it has none */
	int index;             /* of that device */
	enum session_state state;
	uint32_t stopped_by; /* uid; LOG_UID_NONE: nobody */
	int64_t missing_at;  /* clock_ms() since when its port is not there; 0: it is */
	bool told;           /* its start is in the log */
};

struct session_log {
	struct {
		struct session_seen *v; /* sorted by id */
		size_t n, size;
	} seen;
	struct {
		struct log_entry *v;
		size_t n, size;
	} queue;
	int64_t missing_due; /* clock_ms() of session_log_end_missing(); INT64_MAX: never */
	bool compared;       /* session_log_compare() has run: sessions that it meets now are new */
	struct {
		uint32_t id; /* 0: none is being served */
		enum event event;
		uint32_t by;
	} request;
};

void session_log_init(struct session_log *l);
void session_log_done(struct session_log *l);

/*
 * An entry of a daemon before this one, in the order of seq: so the first comparison finds what
 * happened while none ran.
 */
void session_log_restore(struct session_log *l, const struct log_entry *e);

/* A launch has succeeded; by is the uid that asked for it, program what it is to be, or "". */
void session_log_started(struct host_state *h, const struct session *s, const char *program,
			 uint32_t by);

/*
 * Its port is about to be removed. What the program sent is counted at the other end of the pair
 * and so not known afterwards (drivers/net/veth.c:veth_get_stats64).
 */
void session_log_leaving(struct host_state *h, uint32_t id);

/*
 * Its port is gone, of which received is what was sent to the program in bytes, or
 * LOG_BYTES_UNKNOWN.
 */
void session_log_ended(struct host_state *h, uint32_t id, uint64_t received);

/*
 * Ends those whose port has been missing for long, though no event of it was received; now
 * INT64_MAX: for however long.
 */
void session_log_end_missing(struct session_log *l, int64_t now);

/* All sessions are as they are to be: what differs from what was seen before is an event. */
void session_log_compare(struct host_state *h);
/* The same of one, where no other was changed. */
void session_log_compare_one(struct host_state *h, const struct session *s);

/*
 * A request about a session is served between the two: what happens to that session meanwhile is
 * its doing. The second queues an event even where nothing else changed, if r is 0. Of
 * EVENT_ENDED, the end comes later.
 */
void session_log_request(struct host_state *h, uint32_t id, enum event event, uint32_t by);
void session_log_served(struct host_state *h, int r);

/* An event of no session. */
void session_log_refused(struct session_log *l, uint32_t uid, const struct session *s,
			 const char *reason);
void session_log_healed(struct session_log *l, uint32_t count, const char *object);

#endif
