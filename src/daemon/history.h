/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_HISTORY_H
#define VIA_DAEMON_HISTORY_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "model/log_entry.h"

/*
 * The daemon's log of events: kept in memory and in a file of the runtime directory, so that a
 * daemon that is started anew still has it. What is kept is bounded for each person
 * (daemon/persons.h), and in all: where there is no more room, the oldest entry of the person who
 * has most goes. So nobody's events displace those of others.
 *
 * Events of one session (or of none, by one person) that come too often are held back: after
 * HISTORY_BURST in a row, one entry each HISTORY_HOLD_MS stands for all of that time, and is the
 * last of them.
 */
#define HISTORY_PER_PERSON_MAX 256
#define HISTORY_MAX            2048
#define HISTORY_PERSONS_MAX    64
#define HISTORY_BURST          10
#define HISTORY_HOLD_MS        10000

/* How often events of one session came lately; they are held back while tokens is 0. */
struct history_limit {
	uint32_t id; /* of the session; 0: of none */
	int tokens;
	int64_t filled_at;     /* clock_ms() at which a token was added last */
	int64_t due;           /* at which `held` is to be added; INT64_MAX: none is held */
	struct log_entry held; /* held.count: how many it stands for */
};

struct history_person {
	uid_t person;
	struct log_entry *v; /* a ring of `size` entries */
	size_t first, n, size;
	struct {
		struct history_limit *v;
		size_t n, size;
	} limits;
};

/* Gets each entry when it is added. */
typedef void history_sink(const struct log_entry *e, void *arg);

struct history {
	struct history_person persons[HISTORY_PERSONS_MAX];
	size_t n;     /* persons */
	size_t total; /* entries */
	uint64_t seq; /* of the last one */
	char path[108];
	int fd;         /* of the file, or -1 */
	size_t in_file; /* entries there */
	int64_t due;    /* clock_ms() of the next history_flush(); INT64_MAX: never */
	history_sink *sink;
	void *arg;
};

/*
 * Reads the file, if there is one, and goes on with it. On failure err says why, and the log is
 * kept in memory alone; what is no entry in the file is left out.
 */
int history_open(struct history *h, const char *path, history_sink *sink, void *arg,
		 struct err *err);
void history_close(struct history *h);

/* Adds an event, or holds it back; seq is set here. now is clock_ms(). */
void history_add(struct history *h, const struct log_entry *e, int64_t now);

/* Adds what was held back and is due by now; INT64_MAX: all. */
void history_flush(struct history *h, int64_t now);

/* Calls for each entry, in the order of seq. Returns 0 or -ENOMEM. */
int history_each(const struct history *h, history_sink *each, void *arg);

/*
 * A sealed memfd of the entries that the uid may see, with a seq above `after`, in the order of
 * seq, and LOG_FILE_MAGIC behind them; the caller's to close. person is whose uid it is.
 */
int history_export(const struct history *h, uid_t uid, uid_t person, uint64_t after,
		   struct err *err);

#endif
