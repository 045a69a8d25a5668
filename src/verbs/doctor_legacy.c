/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of iptables-legacy that took the packets of doctor --live: their counters grew meanwhile.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "verbs/doctor_legacy.h"

static uint64_t grown(const struct xtables_stops *before, const struct xtables_stop *s)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct xtables_stop *b = &before->v[i];

		if (b->family == s->family && b->number == s->number &&
		    !strcmp(b->table, s->table) && !strcmp(b->chain, s->chain) &&
		    !strcmp(b->text, s->text) && s->packets >= b->packets)
			return s->packets - b->packets;
	}
	return 0; /* it is new, or was moved */
}

static void tell(const struct xtables_stop *s, const char *uplink, struct findings *ret)
{
	struct finding *f = findings_add(ret, "rule-of-others", SEVERITY_ERROR, uplink);
	const char *program = s->family == AF_INET ? "iptables-legacy" : "ip6tables-legacy";
	_cleanup_strbuf_ struct strbuf out = { 0 }, insert = { 0 };
	char at[48] = ", its policy";

	if (s->number)
		snprintf(at, sizeof(at), ", rule %u", s->number);
	finding_text(f,
		     "packets that a session sends by '%s' are dropped by %s, table %s, chain "
		     "%s%s: %s%s",
		     uplink, program, s->table, s->chain, at, s->text,
		     s->more ? " (and it has conditions that are not known here)" : "");
	strbuf_add(&insert, "sudo %s -t %s -I ", program, s->table);
	strbuf_add_word(&insert, s->chain);
	strbuf_add(&insert, " %u", s->number ? s->number : 1);
	strbuf_add_word(&out, uplink);
	if (!strcmp(s->table, "filter"))
		finding_fix(f,
			    "`%s -i " BRIDGE_NAME " -o %s -j ACCEPT && %s -i %s -o " BRIDGE_NAME
			    " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT` lets them pass",
			    strbuf_text(&insert), strbuf_text(&out), strbuf_text(&insert),
			    strbuf_text(&out));
	else
		finding_fix(f, "`%s -i " BRIDGE_NAME " -j ACCEPT` lets them pass",
			    strbuf_text(&insert));
}

bool doctor_legacy_tell(const struct xtables_stops *before, uint8_t family, uint64_t least,
			const char *uplink, struct findings *ret)
{
	struct xtables_stops now = { 0 };
	const struct xtables_stop *best = NULL;
	uint64_t most = least;

	xtables_read(&now);
	for (size_t i = 0; i < now.n; i++) {
		uint64_t n = now.v[i].family == family ? grown(before, &now.v[i]) : 0;

		if (n >= most && n) {
			best = &now.v[i];
			most = n;
		}
	}
	if (best)
		tell(best, uplink, ret);
	xtables_done(&now);
	return best != NULL;
}
