/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_LOG_ENTRY_H
#define VIA_MODEL_LOG_ENTRY_H

#include <assert.h>

#include "base/strbuf.h"
#include "model/session.h"

/*
 * What happened to a session, and why: one entry of the daemon's log. It is the same in the
 * daemon's memory, in its file and on its way to `via-iface log`: a struct of fixed size, without
 * pointers and padding. Text is terminated and zero-filled.
 */

enum event {
	EVENT_STARTED,   /* a run made a session */
	EVENT_ATTACHED,  /* attach did */
	EVENT_ENDED,     /* the port of a session is gone */
	EVENT_DETACHED,  /* the same, of an attached one */
	EVENT_BLOCKED,   /* it has an uplink that cannot serve, or none */
	EVENT_UNBLOCKED, /* and can send again */
	EVENT_FAILOVER, /* the daemon chose an uplink that stands behind the last one in its list */
	EVENT_RETURNED, /* or one that stands before it */
	EVENT_RENAMED,  /* the device has another name */
	EVENT_MOVED,    /* by request */
	EVENT_PAUSED,
	EVENT_RESUMED,
	EVENT_REFUSED, /* a request was; session may be "" */
	EVENT_HEALED,  /* somebody changed an object of ours, and it was put back; of no session */
	EVENT_COUNT,
};

#define LOG_BYTES_UNKNOWN UINT64_MAX
#define LOG_UID_NONE      UINT32_MAX
#define LOG_REASON_MAX    256
#define LOG_UPLINKS_MAX   160

/*
 * The daemon's file, in its runtime directory: the magic with its terminator, then entries in the
 * order of seq. An answer to LOG is the other way round: where the magic is not at its end, it was
 * truncated (daemon/answers.h), and is to be asked for again.
 */
#define LOG_FILE       "log"
#define LOG_FILE_MAGIC "via-iface log 1"

struct log_entry {
	uint64_t seq;      /* grows; the time in microseconds, or more where entries are dense */
	uint64_t time_us;  /* since the epoch */
	uint64_t since;    /* when the session started, seconds since the epoch; 0: no session */
	uint64_t rx_bytes; /* of EVENT_ENDED and EVENT_DETACHED, as the program sees them */
	uint64_t tx_bytes; /* or LOG_BYTES_UNKNOWN */
	uint32_t event;    /* enum event */
	uint32_t id;       /* of the session; 0: none */
	uint32_t uid;      /* whose it is: the session's, else the requester's */
	uint32_t person;   /* whom it counts for (daemon/persons.h) */
	uint32_t by;       /* uid that asked for it; LOG_UID_NONE: nobody did */
	uint32_t count;    /* how many events it stands for; more than 1: some were left out */
	char session[SESSION_NAME_MAX];
	char program[SESSION_NAME_MAX]; /* base name, of EVENT_STARTED; "": not known */
	char uplink[IFNAMSIZ];          /* in use afterwards; "": none */
	char from[IFNAMSIZ];            /* in use before, where that is another one */
	char uplinks[LOG_UPLINKS_MAX];  /* the list as text; what is longer is cut */
	char reason[LOG_REASON_MAX];    /* half a sentence; of EVENT_HEALED the object */
};
static_assert(sizeof(struct log_entry) == 5 * 8 + 6 * 4 + 2 * SESSION_NAME_MAX + 2 * IFNAMSIZ +
						  LOG_UPLINKS_MAX + LOG_REASON_MAX,
	      "no padding");

/* "started", "attached", …; NULL for a number that is none. */
const char *event_name(uint32_t event);

/*
 * Whether bytes that were read are an entry: an event that is known, texts that are terminated and
 * printable, words that are names.
 */
bool log_entry_valid(const struct log_entry *e);

/* Whether a user may see an entry: their own, what was healed, and root all. */
bool log_entry_visible(const struct log_entry *e, uint32_t uid);

/* Copies text of any length, cut where it does not fit and made printable. */
void log_text(char *dst, size_t size, const char *text);

/* What happened, in one line without the time: "session 'curl' (3): blocked on wlp6s0: …". */
void log_entry_text(const struct log_entry *e, struct strbuf *ret);

#endif
