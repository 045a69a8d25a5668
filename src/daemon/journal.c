/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/journal.h"

#include <inttypes.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* MESSAGE_ID (systemd.journal-fields(7)): what kind of message it is, the same for ever. */
static const char *const ids[] = {
	[EVENT_STARTED] = "77b94c2fb2474e5ca8654314ce37f3a6",
	[EVENT_ATTACHED] = "c964b27f552b41b8816d000e49afc852",
	[EVENT_ENDED] = "310dd9222ce0499eb9bd27fb80c7beab",
	[EVENT_DETACHED] = "f2fec189a7fe4bceaab3f3d343291002",
	[EVENT_BLOCKED] = "4b1218662e8d4a1d96bad2591878c99e",
	[EVENT_UNBLOCKED] = "65a4aae1455046bca179442628133794",
	[EVENT_FAILOVER] = "5be7c7d6d14c46fa991cd67b895c34d6",
	[EVENT_RETURNED] = "f36805455b954baea9d10b572ff58b03",
	[EVENT_RENAMED] = "0f813cd22dc04bb48ada9179be21b4cb",
	[EVENT_MOVED] = "07cb637ea6ff436e9c9f1f8c49a259d6",
	[EVENT_PAUSED] = "80d7fbbd43e644c4bba7b90fa1aa2b99",
	[EVENT_RESUMED] = "cf8dfa4f920b404f906482242dc02932",
	[EVENT_REFUSED] = "227cea093fc64f688b2b56993d8d54c1",
	[EVENT_HEALED] = "d35b45f8d7c74c2a94d2dd5cd32800d6",
};
static_assert(ARRAY_SIZE(ids) == EVENT_COUNT, "an event has no MESSAGE_ID");

static int priority_of(const struct log_entry *e)
{
	return e->event == EVENT_BLOCKED                              ? LOG_WARNING
	       : e->event == EVENT_STARTED || e->event == EVENT_ENDED ? LOG_INFO
								      : LOG_NOTICE;
}

/* A field of text, left out where there is none. Texts of an entry have no newline. */
static void add(struct strbuf *sb, const char *key, const char *text)
{
	if (text[0])
		strbuf_add(sb, "%s=%s\n", key, text);
}

static void add_number(struct strbuf *sb, const char *key, uint64_t value)
{
	strbuf_add(sb, "%s=%" PRIu64 "\n", key, value);
}

void journal_fields(const struct log_entry *e, struct strbuf *ret)
{
	_cleanup_strbuf_ struct strbuf line = { 0 };
	uint64_t now = e->time_us / 1000000;

	log_entry_text(e, &line);
	add(ret, "MESSAGE", strbuf_text(&line));
	add(ret, "MESSAGE_ID", ids[e->event]);
	add_number(ret, "PRIORITY", (uint64_t)priority_of(e));
	add(ret, "SYSLOG_IDENTIFIER", "via-ifaced");
	add(ret, "VIA_IFACE_EVENT", event_name(e->event));
	add(ret, "VIA_IFACE_SESSION", e->session);
	if (e->id)
		add_number(ret, "VIA_IFACE_ID", e->id);
	add_number(ret, "VIA_IFACE_UID", e->uid);
	if (e->by != LOG_UID_NONE)
		add_number(ret, "VIA_IFACE_BY_UID", e->by);
	add(ret, "VIA_IFACE_PROGRAM", e->program);
	add(ret, "VIA_IFACE_UPLINK", e->uplink);
	add(ret, "VIA_IFACE_FROM", e->from);
	add(ret, "VIA_IFACE_UPLINKS", e->uplinks);
	add(ret, "VIA_IFACE_REASON", e->reason);
	add_number(ret, "VIA_IFACE_COUNT", e->count);
	if (e->event != EVENT_ENDED && e->event != EVENT_DETACHED)
		return;
	add_number(ret, "VIA_IFACE_DURATION", now > e->since ? now - e->since : 0);
	if (e->rx_bytes != LOG_BYTES_UNKNOWN)
		add_number(ret, "VIA_IFACE_RX_BYTES", e->rx_bytes);
	if (e->tx_bytes != LOG_BYTES_UNKNOWN)
		add_number(ret, "VIA_IFACE_TX_BYTES", e->tx_bytes);
}

void journal_write(const struct log_entry *e)
{
	_cleanup_strbuf_ struct strbuf fields = { 0 }, line = { 0 };

	journal_fields(e, &fields);
	if (!strbuf_failed(&fields) && log_send(JOURNAL_SOCKET, fields.text, fields.len))
		return;
	log_entry_text(e, &line);
	log_line(priority_of(e), "%s", strbuf_text(&line));
}
