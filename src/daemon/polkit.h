/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_POLKIT_H
#define VIA_DAEMON_POLKIT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Questions to polkit over the system bus. A person may have to type a password before there is an
 * answer, so nothing here waits: the bus's descriptor joins the caller's poll loop, and a
 * question's state is read again after polkit_process(). The bus is held open only while there are
 * questions.
 */

/* So that nobody can keep others from asking. */
#define POLKIT_PER_PERSON_MAX 3

struct sd_bus;
struct polkit_ask;

struct polkit {
	struct sd_bus *bus;      /* NULL while there is no question */
	struct polkit_ask *asks; /* all that were not freed */
	uint32_t next_id;
	unsigned int limit_ms; /* how long an answer may take */
};

/* About whom: a process, as certain as can be. */
struct polkit_subject {
	pid_t pid;
	uint64_t start; /* of the process, field 22 of its stat in proc(5); 0: not known */
	uid_t uid;
	uid_t person; /* by whom questions are counted */
	int pidfd;    /* of the same process, or -1; borrowed */
};

/* Told to whoever authorizes, for the action's message to quote. */
struct polkit_detail {
	const char *key, *value;
};

enum polkit_verdict {
	POLKIT_OPEN,
	POLKIT_YES,
	POLKIT_NO,
	POLKIT_NO_AGENT, /* a password is wanted, and no agent asks for it */
	POLKIT_MISSING,  /* nobody is there to be asked */
};

/*
 * Asks whether the subject may do an action. Returns 0, or a negative errno when that cannot be
 * asked: -ENOENT where there is no system bus, -EBUSY when the user has too many questions open.
 */
int polkit_ask(struct polkit *p, const struct polkit_subject *subject, const char *action,
	       const struct polkit_detail *details, size_t n_details, struct polkit_ask **ret,
	       struct err *err);

/* What came of it; unless it is OPEN or YES, *ret_why is half a sentence, valid as long as ask. */
enum polkit_verdict polkit_verdict(const struct polkit_ask *ask, const char **ret_why);

/* Takes an open question back, so that its dialog closes. NULL is fine. Returns NULL. */
struct polkit_ask *polkit_ask_free(struct polkit *p, struct polkit_ask *ask);

/* What to poll(2) for, fd -1 when there is no bus; and when to call polkit_process() at the latest,
 * in the time of clock_ms() (INT64_MAX: never). */
struct pollfd polkit_pollfd(const struct polkit *p);
int64_t polkit_deadline(const struct polkit *p);

/* Reads and writes what can be without waiting. */
void polkit_process(struct polkit *p);

#endif
