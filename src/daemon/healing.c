/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/healing.h"

#include <errno.h>
#include <syslog.h>

#include "base/log.h"
#include "base/util.h"

#define COALESCE_MS 10
#define AGAIN_MS    1000 /* after a failed attempt */

void healing_soon(struct healing *h)
{
	int64_t soon = clock_ms() + COALESCE_MS;

	if (!h->at || (h->verifying && soon < h->at))
		h->at = soon;
	h->verifying = false;
}

void healing_schedule(struct healing *h, const struct host_state *host)
{
	if (host->knowledge != HOST_CHANGED || !host_sessions(host)) {
		h->changes = 0;
	} else if (!h->at) {
		h->at = clock_ms() + (COALESCE_MS << (h->changes < 7 ? h->changes++ : 7));
		h->verifying = true;
	}
}

int64_t healing_deadline(const struct healing *h, const struct host_state *host)
{
	int64_t next = h->at ? h->at : INT64_MAX;

	return host->failover_at < next && host_sessions(host) ? host->failover_at : next;
}

static void heal(struct healing *h, struct host_state *host, struct connections *connections)
{
	struct err err = { 0 };

	h->at = 0;
	h->verifying = false;
	if (host_heal(host, &err) < 0) {
		bool room = (err.code == EMFILE || err.code == ENFILE) &&
			    connections_make_room(connections);

		log_line(LOG_WARNING, "heal: %s", err.text);
		h->at = clock_ms() + (room ? 0 : AGAIN_MS);
	}
	host_end_probes(host);
}

bool healing_run(struct healing *h, struct host_state *host, struct connections *connections)
{
	if (healing_deadline(h, host) > clock_ms())
		return false;
	heal(h, host, connections);
	return true;
}
