/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/event_log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/journal.h"

static void pass_on(const struct log_entry *e, void *arg)
{
	struct event_log *l = arg;

	journal_write(e);
	subscribers_send_entry(l->subscribers, e);
}

static void restore(const struct log_entry *e, void *arg)
{
	session_log_restore(arg, e);
}

static void path_of(const char *rundir, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/" LOG_FILE, rundir);
}

void event_log_remove(const char *rundir)
{
	char path[PATH_MAX];

	path_of(rundir, path);
	if (unlink(path) < 0 && errno != ENOENT)
		log_line(LOG_WARNING, "remove '%s': %s", path, strerror(errno));
}

void event_log_open(struct event_log *l, const char *rundir)
{
	char path[PATH_MAX];
	struct err err = { 0 };

	path_of(rundir, path);
	if (history_open(&l->history, path, pass_on, l, &err) < 0)
		log_line(LOG_WARNING, "%s", err.text);
	history_each(&l->history, restore, &l->host->log);
}

static void drain(struct event_log *l, int64_t until)
{
	struct session_log *from = &l->host->log;
	int64_t now = clock_ms();

	if (from->missing_due <= until)
		session_log_end_missing(from, until);

	for (size_t i = 0; i < from->queue.n; i++) {
		struct log_entry *e = &from->queue.v[i];

		e->person = person_of(l->persons, e->uid);
		history_add(&l->history, e, now);
	}
	from->queue.n = 0;
}

int64_t event_log_due(const struct event_log *l)
{
	const int64_t due[] = { l->history.due, l->host->log.missing_due,
				answers_due(&l->answers) };
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(due); i++)
		first = due[i] < first ? due[i] : first;
	return first;
}

void event_log_drain(struct event_log *l)
{
	int64_t now = clock_ms();

	drain(l, now);
	answers_expire(&l->answers, now);
	if (l->history.due <= now)
		history_flush(&l->history, now);
}

void event_log_close(struct event_log *l)
{
	drain(l, INT64_MAX - 1);
	history_flush(&l->history, INT64_MAX);
	history_close(&l->history);
	answers_expire(&l->answers, INT64_MAX);
}
