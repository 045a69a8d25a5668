/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/healing.h"

#include <errno.h>
#include <syslog.h>

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

void healing_schedule(struct healing *h, const struct world *w)
{
	if (!w->unseen || !world_sessions(w)) {
		h->unseen = 0;
	} else if (!h->at) {
		h->at = clock_ms() + (COALESCE_MS << (h->unseen < 7 ? h->unseen++ : 7));
		h->verifying = true;
	}
}

int64_t healing_deadline(const struct healing *h, const struct world *w)
{
	int64_t next = h->at ? h->at : INT64_MAX;

	return w->failover_at < next && world_sessions(w) ? w->failover_at : next;
}

static void heal(struct healing *h, struct world *w, struct connections *connections)
{
	struct err err = { 0 };

	h->at = 0;
	h->verifying = false;
	if (world_heal(w, &err) < 0) {
		bool room = (err.code == EMFILE || err.code == ENFILE) &&
			    connections_make_room(connections);

		syslog(LOG_WARNING, "heal: %s", err.text);
		h->at = clock_ms() + (room ? 0 : AGAIN_MS);
	}
	world_end_probes(w);
}

bool healing_run(struct healing *h, struct world *w, struct connections *connections)
{
	if (healing_deadline(h, w) > clock_ms())
		return false;
	heal(h, w, connections);
	return true;
}
