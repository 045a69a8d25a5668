/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/session_log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "base/vec.h"
#include "daemon/host_state.h"
#include "plan/uplink.h"

#define USABLE_AGAIN "it is usable again"

#define MISSING_MS 1000 /* for the event of a port to come, which has its counters */

void session_log_init(struct session_log *l)
{
	*l = (struct session_log){ .missing_due = INT64_MAX };
}

void session_log_done(struct session_log *l)
{
	VEC_DONE(&l->seen);
	VEC_DONE(&l->queue);
}

/* --- what was seen ------------------------------------------------------------------------- */

/* Where a session of that id is, or would be. */
static size_t place_of(const struct session_log *l, uint32_t id)
{
	size_t from = 0, to = l->seen.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (l->seen.v[middle].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct session_seen *find(const struct session_log *l, uint32_t id)
{
	size_t i = place_of(l, id);

	return i < l->seen.n && l->seen.v[i].id == id ? &l->seen.v[i] : NULL;
}

static struct session_seen *add(struct session_log *l, const struct session *s)
{
	size_t i = place_of(l, s->id);
	struct session_seen *seen = VEC_PUSH(&l->seen);

	if (!seen)
		return NULL;
	seen = &l->seen.v[i];
	memmove(seen + 1, seen, (l->seen.n - 1 - i) * sizeof(*seen));
	*seen = (struct session_seen){ .id = s->id,
				       .uid = s->uid,
				       .flags = s->flags,
				       .since = s->since,
				       .sent = LOG_BYTES_UNKNOWN,
				       .stopped_by = LOG_UID_NONE };
	memcpy(seen->name, s->name, sizeof(seen->name));
	return seen;
}

static void drop(struct session_log *l, struct session_seen *seen)
{
	size_t i = (size_t)(seen - l->seen.v);

	memmove(seen, seen + 1, (--l->seen.n - i) * sizeof(*seen));
}

static void see_uplink(struct session_seen *seen, const struct facts *f, const struct session *s)
{
	const struct fact_link *link = s->uplink[0] ? facts_link(f, s->uplink) : NULL;

	if (!s->uplink[0])
		return;
	memcpy(seen->uplink, s->uplink, sizeof(seen->uplink));
	seen->index = link ? link->index : 0;
}

static enum session_state state_after(uint32_t event, enum session_state before)
{
	switch ((enum event)event) {
	case EVENT_BLOCKED:
		return STATE_BLOCKED;
	case EVENT_PAUSED:
		return STATE_PAUSED;
	case EVENT_UNBLOCKED:
	case EVENT_RESUMED:
	case EVENT_MOVED:
	case EVENT_FAILOVER:
	case EVENT_RETURNED:
		return STATE_UP;
	case EVENT_STARTED:
	case EVENT_ATTACHED:
	case EVENT_ENDED:
	case EVENT_DETACHED:
	case EVENT_RENAMED:
	case EVENT_REFUSED:
	case EVENT_HEALED:
	case EVENT_COUNT:
		break;
	}
	return before;
}

void session_log_restore(struct session_log *l, const struct log_entry *e)
{
	struct session_seen *seen = e->id ? find(l, e->id) : NULL;
	struct session s = { .id = e->id, .uid = e->uid, .since = e->since };

	if (!e->id || e->event == EVENT_REFUSED)
		return;
	if (seen && (e->event == EVENT_ENDED || e->event == EVENT_DETACHED)) {
		drop(l, seen);
		return;
	}
	memcpy(s.name, e->session, sizeof(s.name));
	s.flags = e->event == EVENT_ATTACHED ? SESSION_ATTACHED : 0;
	if (!seen)
		seen = add(l, &s);
	if (!seen)
		return;
	seen->told = true;
	seen->state = state_after(e->event, seen->state);
	if (e->program[0])
		memcpy(seen->program, e->program, sizeof(seen->program));
	if (e->uplink[0])
		memcpy(seen->uplink, e->uplink, sizeof(seen->uplink));
}

/* --- entries ------------------------------------------------------------------------------- */

static struct log_entry *queue(struct session_log *l, enum event event)
{
	struct log_entry *e = VEC_PUSH(&l->queue);
	struct timespec now;

	if (!e)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	e->time_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	e->event = event;
	e->rx_bytes = e->tx_bytes = LOG_BYTES_UNKNOWN;
	e->by = LOG_UID_NONE;
	e->count = 1;
	return e;
}

/* uplinks and uplink are filled in where s is not NULL: of a session that is there. */
static struct log_entry *queue_of(struct session_log *l, enum event event,
				  const struct session_seen *seen, const struct session *s)
{
	struct log_entry *e = queue(l, event);

	if (!e)
		return NULL;
	e->id = seen->id;
	e->uid = seen->uid;
	e->since = seen->since;
	memcpy(e->session, seen->name, sizeof(e->session));
	if (s) {
		char list[UPLINK_LIST_TEXT_MAX];

		log_text(e->uplinks, sizeof(e->uplinks), uplink_list_format(&s->uplinks, list));
		memcpy(e->uplink, s->uplink, sizeof(e->uplink));
	}
	return e;
}

static void set_reason(struct log_entry *e, const char *reason)
{
	if (e)
		log_text(e->reason, sizeof(e->reason), reason);
}

/* --- launches and ends --------------------------------------------------------------------- */

void session_log_started(struct host_state *h, const struct session *s, const char *program,
			 uint32_t by)
{
	struct session_log *l = &h->log;
	struct session_seen *seen = s->probe_of ? NULL : find(l, s->id);
	struct log_entry *e;

	if (s->probe_of)
		return;
	if (!seen)
		seen = add(l, s);
	if (!seen)
		return;
	seen->told = true;
	log_text(seen->program, sizeof(seen->program), program);
	see_uplink(seen, &h->facts, s);
	e = queue_of(l, s->flags & SESSION_ATTACHED ? EVENT_ATTACHED : EVENT_STARTED, seen, s);
	if (!e)
		return;
	memcpy(e->program, seen->program, sizeof(e->program));
	e->by = by;
}

static void end(struct session_log *l, struct session_seen *seen, uint64_t received)
{
	bool attached = seen->flags & SESSION_ATTACHED;
	struct log_entry *e =
		seen->told ? queue_of(l, attached ? EVENT_DETACHED : EVENT_ENDED, seen, NULL)
			   : NULL;

	if (e) {
		memcpy(e->program, seen->program, sizeof(e->program));
		memcpy(e->uplink, seen->uplink, sizeof(e->uplink));
		e->rx_bytes = received;
		e->tx_bytes = seen->sent;
		e->by = seen->stopped_by;
		if (e->by != LOG_UID_NONE && !attached)
			set_reason(e, "it was stopped");
	}
	drop(l, seen);
}

void session_log_leaving(struct host_state *h, uint32_t id)
{
	struct session_seen *seen = find(&h->log, id);
	char port[IFNAMSIZ];

	session_port(id, port);
	if (seen)
		observe_received(&h->kernel, port, &seen->sent, NULL);
}

void session_log_ended(struct host_state *h, uint32_t id, uint64_t received)
{
	struct session_seen *seen = find(&h->log, id);

	if (seen)
		end(&h->log, seen, received);
}

/* --- changes ------------------------------------------------------------------------------- */

/* The states by slot: sessions of one uplink have the same. */
struct states {
	struct {
		bool known;
		enum session_state state;
		const char *reason;
	} v[PLAN_SLOT_MAX + 1];
};

static enum session_state state_of(const struct facts *f, const struct session *s,
				   struct states *states, const char **ret_reason)
{
	bool shared = s->slot && s->slot <= PLAN_SLOT_MAX && !(s->flags & SESSION_PAUSED) &&
		      !s->refused.code;
	enum session_state state;

	if (shared && states->v[s->slot].known) {
		*ret_reason = states->v[s->slot].reason;
		return states->v[s->slot].state;
	}
	state = session_state(f, s, false, ret_reason);
	if (shared) {
		states->v[s->slot].known = true;
		states->v[s->slot].state = state;
		states->v[s->slot].reason = *ret_reason;
	}
	return state;
}

/* Which of two devices the list names first; false: neither, or the second. */
static bool comes_first(const struct facts *f, const struct uplink_list *list, const char *a, int b)
{
	struct uplink_walk walk = { .facts = f, .list = list };
	const struct fact_link *l;

	while ((l = uplink_walk(&walk)))
		if (!strcmp(l->name, a) || l->index == b)
			return !strcmp(l->name, a);
	return false;
}

/* Why the daemon chose another uplink than the one that the session had. */
static void explain_choice(const struct host_state *h, const struct session_seen *before,
			   struct log_entry *e)
{
	enum uplink_problem problem = uplink_serves(&h->facts, before->uplink, 0);

	if (problem != UPLINK_USABLE)
		set_reason(e, uplink_problem_text(problem));
	else if (facts_refused(&h->facts, before->uplink))
		set_reason(e, "the kernel refuses a part of it");
	else if (failover_unanswered(&h->failover, before->id, before->index))
		set_reason(e, FAILOVER_NO_ANSWER);
	else if (e && e->event == EVENT_RETURNED)
		set_reason(e, USABLE_AGAIN);
}

static bool is_renamed(const struct facts *f, const struct session_seen *before,
		       const struct session *s)
{
	const struct fact_link *now = facts_link(f, s->uplink);

	return now && before->index && now->index == before->index;
}

static void tell_uplink(struct host_state *h, const struct session_seen *before,
			const struct session *s)
{
	const struct facts *f = &h->facts;
	bool renamed = is_renamed(f, before, s);
	struct log_entry *e =
		queue_of(&h->log,
			 renamed                                                 ? EVENT_RENAMED
			 : comes_first(f, &s->uplinks, s->uplink, before->index) ? EVENT_RETURNED
										 : EVENT_FAILOVER,
			 before, s);

	if (!e)
		return;
	memcpy(e->from, before->uplink, sizeof(e->from));
	if (!renamed)
		explain_choice(h, before, e);
}

/* What a request did, with what became of it. */
static void tell_request(struct session_log *l, const struct session_seen *before,
			 const struct session *s, const char *reason)
{
	struct log_entry *e = queue_of(l, l->request.event, before, s);

	l->request.id = 0;
	if (!e)
		return;
	e->by = l->request.by;
	if (strcmp(before->uplink, s->uplink) != 0)
		memcpy(e->from, before->uplink, sizeof(e->from));
	set_reason(e, e->event == EVENT_PAUSED ? "" : reason);
}

static void tell_difference(struct host_state *h, const struct session_seen *before,
			    const struct session *s, enum session_state state, const char *reason)
{
	struct log_entry *e;

	if (s->uplink[0] && before->uplink[0] && strcmp(s->uplink, before->uplink) != 0) {
		tell_uplink(h, before, s);
		if (state == STATE_UP)
			return; /* that says it all */
	}
	if (state == before->state)
		return;
	e = queue_of(&h->log,
		     state == STATE_UP       ? EVENT_UNBLOCKED
		     : state == STATE_PAUSED ? EVENT_PAUSED
					     : EVENT_BLOCKED,
		     before, s);
	if (state == STATE_BLOCKED)
		set_reason(e, reason);
}

/* Which device it was that a daemon before this one told of, as far as its name says. */
static void find_index(struct session_seen *seen, const struct facts *f)
{
	const struct fact_link *l =
		seen->index || !seen->uplink[0] ? NULL : facts_link(f, seen->uplink);

	if (l)
		seen->index = l->index;
}

static void compare(struct host_state *h, const struct session *s, struct states *states)
{
	struct session_log *l = &h->log;
	struct session_seen *seen = find(l, s->id);
	const char *reason = "";
	enum session_state state = state_of(&h->facts, s, states, &reason);

	if (seen && (seen->since != s->since || strcmp(seen->name, s->name) != 0)) {
		end(l, seen, LOG_BYTES_UNKNOWN); /* the number is another session's now */
		seen = NULL;
	}
	if (seen)
		find_index(seen, &h->facts);
	if (!seen) {
		seen = add(l, s);
		if (!seen)
			return;
		seen->told = !l->compared; /* by a daemon before this one */
	} else if (seen->told && l->request.id == s->id && l->request.event != EVENT_ENDED) {
		tell_request(l, seen, s, reason);
	} else if (seen->told) {
		tell_difference(h, seen, s, state, reason);
	}
	see_uplink(seen, &h->facts, s);
	seen->missing_at = 0;
	seen->state = state;
	seen->flags = s->flags;
}

/* Those that are gone, though no event of their port has been received. */
static void find_missing(struct host_state *h)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < h->log.seen.n; i++) {
		struct session_seen *seen = &h->log.seen.v[i];

		if (seen->missing_at || host_session(h, seen->id))
			continue;
		seen->missing_at = now;
		if (now + MISSING_MS < h->log.missing_due)
			h->log.missing_due = now + MISSING_MS;
	}
}

void session_log_end_missing(struct session_log *l, int64_t now)
{
	size_t i = 0;

	l->missing_due = INT64_MAX;
	while (i < l->seen.n) {
		struct session_seen *seen = &l->seen.v[i];
		int64_t due = seen->missing_at ? seen->missing_at + MISSING_MS : INT64_MAX;

		if (due != INT64_MAX && due <= now) {
			end(l, seen, LOG_BYTES_UNKNOWN);
			continue;
		}
		if (due < l->missing_due)
			l->missing_due = due;
		i++;
	}
}

void session_log_compare_one(struct host_state *h, const struct session *s)
{
	struct states states = { 0 };

	if (!s->probe_of)
		compare(h, s, &states);
}

void session_log_compare(struct host_state *h)
{
	struct states states = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < h->facts.sessions.n; i++) {
		const struct session *s = &h->facts.sessions.v[i];

		if (s->probe_of)
			continue;
		compare(h, s, &states);
		n++;
	}
	if (n != h->log.seen.n)
		find_missing(h);
	h->log.compared = true;
}

/* --- requests ------------------------------------------------------------------------------ */

void session_log_request(struct host_state *h, uint32_t id, enum event event, uint32_t by)
{
	struct session_seen *seen = find(&h->log, id);

	h->log.request.id = id;
	h->log.request.event = event;
	h->log.request.by = by;
	if (seen && event == EVENT_ENDED)
		seen->stopped_by = by;
}

void session_log_served(struct host_state *h, int r)
{
	const struct session *s = host_session(h, h->log.request.id);
	struct session_seen *seen = s && r == 0 ? find(&h->log, s->id) : NULL;
	struct states states = { 0 };
	const char *reason = "";

	if (seen && seen->told && h->log.request.event != EVENT_ENDED) {
		state_of(&h->facts, s, &states, &reason);
		tell_request(&h->log, seen, s, reason);
	}
	h->log.request.id = 0;
}

/* --- of no session ------------------------------------------------------------------------- */

/* Why, without what the caller may type against it: that follows the first semicolon. */
void session_log_refused(struct session_log *l, uint32_t uid, const struct session *s,
			 const char *reason)
{
	char why[ERR_TEXT_MAX];
	struct log_entry *e = queue(l, EVENT_REFUSED);

	if (!e)
		return;
	e->uid = uid;
	if (s && s->uid == uid) { /* another user's is not theirs to be told */
		e->id = s->id;
		e->since = s->since;
		memcpy(e->session, s->name, sizeof(e->session));
	}
	snprintf(why, sizeof(why), "%.*s", (int)strcspn(reason, ";"), reason);
	set_reason(e, why);
}

void session_log_healed(struct session_log *l, uint32_t count, const char *object)
{
	char text[OBJECT_NAME_MAX + 32];

	if (count > 1)
		snprintf(text, sizeof(text), "%s and %u more", object, count - 1);
	else
		snprintf(text, sizeof(text), "%s", object);
	set_reason(queue(l, EVENT_HEALED), text);
}
