/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/log_entry.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

static const char *const names[] = {
	[EVENT_STARTED] = "started",   [EVENT_ATTACHED] = "attached",
	[EVENT_ENDED] = "ended",       [EVENT_DETACHED] = "detached",
	[EVENT_BLOCKED] = "blocked",   [EVENT_UNBLOCKED] = "unblocked",
	[EVENT_FAILOVER] = "failover", [EVENT_RETURNED] = "returned",
	[EVENT_RENAMED] = "renamed",   [EVENT_MOVED] = "moved",
	[EVENT_PAUSED] = "paused",     [EVENT_RESUMED] = "resumed",
	[EVENT_REFUSED] = "refused",   [EVENT_HEALED] = "healed",
};
static_assert(sizeof(names) / sizeof(names[0]) == EVENT_COUNT, "an event has no name");

const char *event_name(uint32_t event)
{
	return event < EVENT_COUNT ? names[event] : NULL;
}

static bool text_valid(const char *text, size_t size)
{
	return memchr(text, 0, size) && text_printable(text);
}

bool log_entry_valid(const struct log_entry *e)
{
	return e->event < EVENT_COUNT && e->count && text_valid(e->session, sizeof(e->session)) &&
	       text_valid(e->program, sizeof(e->program)) &&
	       text_valid(e->uplink, sizeof(e->uplink)) && text_valid(e->from, sizeof(e->from)) &&
	       text_valid(e->uplinks, sizeof(e->uplinks)) &&
	       text_valid(e->reason, sizeof(e->reason)) &&
	       (!e->session[0] || session_name_characters(e->session)) &&
	       (!e->uplink[0] || ifname_valid(e->uplink)) && (!e->from[0] || ifname_valid(e->from));
}

bool log_entry_visible(const struct log_entry *e, uint32_t uid)
{
	return uid == 0 || e->uid == uid || e->event == EVENT_HEALED;
}

void log_text(char *dst, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memset(dst, 0, size);
	memcpy(dst, text, len);
	text_make_printable(dst); /* a character that was cut, too */
}

/* As a person says it; start and end are in the entries. */
static void add_duration(struct strbuf *ret, uint64_t s)
{
	if (s < 120)
		strbuf_add(ret, "%" PRIu64 " s", s);
	else if (s < 7200)
		strbuf_add(ret, "%" PRIu64 " min", s / 60);
	else if (s < 172800)
		strbuf_add(ret, "%" PRIu64 " h", s / 3600);
	else
		strbuf_add(ret, "%" PRIu64 " d", s / 86400);
}

static void add_start(const struct log_entry *e, struct strbuf *ret)
{
	strbuf_add(ret, " for uid %" PRIu32, e->uid);
	if (e->program[0])
		strbuf_add(ret, " with %s", e->program);
	if (!e->uplink[0]) {
		strbuf_add(ret, " without an uplink of %s", e->uplinks);
		return;
	}
	strbuf_add(ret, " through %s", e->uplink);
	if (strcmp(e->uplinks, e->uplink) != 0)
		strbuf_add(ret, " of %s", e->uplinks);
}

static void add_end(const struct log_entry *e, struct strbuf *ret)
{
	uint64_t now = e->time_us / 1000000;
	char bytes[24];

	strbuf_add(ret, " after ");
	add_duration(ret, now > e->since ? now - e->since : 0);
	if (e->rx_bytes != LOG_BYTES_UNKNOWN)
		strbuf_add(ret, ", received %s", human_bytes(e->rx_bytes, bytes));
	if (e->tx_bytes != LOG_BYTES_UNKNOWN)
		strbuf_add(ret, ", sent %s", human_bytes(e->tx_bytes, bytes));
}

static void add_way(const struct log_entry *e, struct strbuf *ret)
{
	if (e->from[0] && e->uplink[0])
		strbuf_add(ret, " from %s to %s", e->from, e->uplink);
	else if (e->uplink[0])
		strbuf_add(ret, " %s %s", e->event == EVENT_BLOCKED ? "on" : "to", e->uplink);
	else if (e->from[0])
		strbuf_add(ret, " on %s", e->from);
}

static void add_what(const struct log_entry *e, struct strbuf *ret)
{
	switch ((enum event)e->event) {
	case EVENT_STARTED:
	case EVENT_ATTACHED:
		add_start(e, ret);
		break;
	case EVENT_ENDED:
	case EVENT_DETACHED:
		add_end(e, ret);
		break;
	case EVENT_UNBLOCKED:
	case EVENT_RESUMED:
		if (e->uplink[0])
			strbuf_add(ret, ", goes through %s", e->uplink);
		break;
	case EVENT_MOVED:
		add_way(e, ret);
		if (strcmp(e->uplinks, e->uplink) != 0)
			strbuf_add(ret, ", list %s", e->uplinks);
		break;
	case EVENT_BLOCKED:
	case EVENT_FAILOVER:
	case EVENT_RETURNED:
	case EVENT_RENAMED:
		add_way(e, ret);
		break;
	case EVENT_REFUSED:
		strbuf_add(ret, " uid %" PRIu32, e->uid);
		break;
	case EVENT_PAUSED:
	case EVENT_HEALED:
	case EVENT_COUNT:
		break;
	}
}

void log_entry_text(const struct log_entry *e, struct strbuf *ret)
{
	if (e->session[0] && e->id)
		strbuf_add(ret, "session '%s' (%" PRIu32 "): ", e->session, e->id);
	strbuf_add(ret, "%s", event_name(e->event));
	add_what(e, ret);
	if (e->reason[0])
		strbuf_add(ret, ": %s", e->reason);
	if (e->by != LOG_UID_NONE && e->by != e->uid)
		strbuf_add(ret, ", by uid %" PRIu32, e->by);
	if (e->count > 1)
		strbuf_add(ret, " (the last of %" PRIu32 " events)", e->count);
}
