/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/common/words.h"

#include <assert.h>
#include <glib/gi18n.h>
#include <string.h>

#include "base/language.h"

const char *words_state(enum tray_state state)
{
	static const char *const names[] = {
		[TRAY_UP] = N_("up"),
		[TRAY_BLOCKED] = N_("blocked"),
		[TRAY_PAUSED] = N_("paused"),
		[TRAY_CLOSING] = N_("closing"),
	};
	static_assert(G_N_ELEMENTS(names) == TRAY_STATE_COUNT, "a state has no name");

	return _(names[state]);
}

const char *words_kind(const char *kind)
{
	static const struct {
		const char *kind, *text;
	} known[] = {
		{ "wifi", N_("Wi-Fi") },
		{ "ethernet", N_("Ethernet") },
		{ "wwan", N_("mobile") },
		{ "vpn", N_("VPN") },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (!strcmp(kind, known[i].kind))
			return _(known[i].text);
	return "";
}

char *words_rate(double bytes)
{
	g_autofree char *size = NULL;

	if (bytes < 1000)
		/* TRANSLATORS: bytes a second */
		return g_strdup_printf(_("%.0f B/s"), bytes);
	size = g_format_size((guint64)bytes);
	/* TRANSLATORS: an amount of bytes, such as "1.2 MB", a second */
	return g_strdup_printf(_("%s/s"), size);
}

char *words_sessions(const struct model *m)
{
	unsigned int n = (unsigned int)m->sessions.n;

	return n ? g_strdup_printf(ngettext("%u session", "%u sessions", n), n)
		 : g_strdup(_("No session"));
}

static char *name_of(const struct tray_session *s, guint32 uid)
{
	if (s->listed && s->uid != uid)
		return g_strdup_printf("%s (%s)", s->name, s->user);
	return g_strdup(s->name);
}

char *words_session(const struct tray_session *s, guint32 uid)
{
	g_autofree char *name = name_of(s, uid);

	if (s->state == TRAY_UP)
		/* TRANSLATORS: session, uplink: "curl via wlp6s0" */
		return g_strdup_printf(_("%s via %s"), name, s->uplink);
	/* TRANSLATORS: session, state: "curl: blocked" */
	return g_strdup_printf(_("%s: %s"), name, words_state(s->state));
}

char *words_state_why(const struct tray_session *s)
{
	const char *state = words_state(s->state);

	if (s->state == TRAY_BLOCKED && s->reason[0])
		/* TRANSLATORS: state, reason: "blocked: it has no carrier" */
		return g_strdup_printf(_("%s: %s"), state, language_reason(s->reason));
	return g_strdup(state);
}

char *words_uplink(const struct tray_uplink *u, gboolean why)
{
	GString *text = g_string_new(u->name);

	if (words_kind(u->kind)[0])
		g_string_append_printf(text, " · %s", words_kind(u->kind));
	if (u->ssid[0])
		g_string_append_printf(text, " · %s", u->ssid);
	if (why && !u->usable)
		g_string_append_printf(text, " (%s)", language_reason(u->reason));
	return g_string_free(text, FALSE);
}

char *words_traffic(const struct tray_session *s)
{
	g_autofree char *down = NULL, *up = NULL;
	double rx, tx;

	if (!s || !tray_rate(s, &rx, &tx))
		return g_strdup("↓ –   ↑ –");
	down = words_rate(rx);
	up = words_rate(tx);
	return g_strdup_printf("↓ %s   ↑ %s", down, up);
}

char *words_total(const struct tray_session *s)
{
	g_autofree char *down = NULL, *up = NULL;

	if (!s->counted_ms)
		return g_strdup("");
	down = g_format_size(s->rx_bytes);
	up = g_format_size(s->tx_bytes);
	return g_strdup_printf("↓ %s   ↑ %s", down, up);
}
