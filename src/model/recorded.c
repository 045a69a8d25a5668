/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/recorded.h"

#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "model/own.h"

static int add_slot(struct facts *f, uint32_t slot, const char *uplink, int index)
{
	struct fact_slot *s;

	if (!slot || slot > 255 || facts_slot_uplink(f, slot) || facts_slot(f, uplink) ||
	    !uplink[0])
		return 0;
	s = VEC_PUSH(&f->slots);
	if (!s)
		return -ENOMEM;
	s->slot = slot;
	snprintf(s->uplink, sizeof(s->uplink), "%s", uplink);
	s->index = index;
	return 0;
}

/*
 * The slot of an uplink stands in the nft set "uplinks": mark, number of the device, and its name
 * at that time; else in the uplink's routing table.
 */
static int find_slots(struct facts *f)
{
	int r = 0;

	for (size_t i = 0; i < f->ours.n && r == 0; i++) {
		const struct object *o = &f->ours.v[i];
		char uplink[IFNAMSIZ];
		uint32_t mark, index;

		if (o->kind != OBJ_NFT_ELEMENT || o->family != NFPROTO_INET ||
		    strcmp(o->nft_element.set, "uplinks") || o->nft_element.key.len != 24)
			continue;
		memcpy(&mark, o->nft_element.key.bytes, sizeof(mark));
		memcpy(&index, o->nft_element.key.bytes + 4, sizeof(index));
		memcpy(uplink, o->nft_element.key.bytes + 8, sizeof(uplink));
		uplink[IFNAMSIZ - 1] = 0;
		r = add_slot(f, mark & 0xff, uplink, index > INT_MAX ? 0 : (int)index);
	}
	for (size_t i = 0; i < f->ours.n && r == 0; i++) {
		const struct object *o = &f->ours.v[i];

		if (o->kind == OBJ_ROUTE && o->route.dev[0] && strcmp(o->route.dev, BRIDGE_NAME))
			r = add_slot(f, o->route.table & 0xff, o->route.dev, o->route.index);
	}
	return r;
}

/* What a port of ours says: a session or a spare. */
static bool read_port(const struct fact_link *l, struct session *ret)
{
	struct session s;
	char port[IFNAMSIZ];

	if (!own_is_port(l) || session_parse(l->alias, &s) < 0)
		return false;
	session_port(s.id, port);
	if (strcmp(port, l->name) != 0)
		return false;                           /* another's */
	if (s.slot && !s.uplink[0] && s.uplinks.n == 1) /* it must be this */
		snprintf(s.uplink, sizeof(s.uplink), "%.15s", uplink_list_word(&s.uplinks, 0));
	memcpy(s.recorded, s.uplink, sizeof(s.recorded));
	*ret = s;
	return true;
}

bool recorded_session(const struct fact_link *l, struct session *ret)
{
	struct session s;

	if (!read_port(l, &s) || s.flags & SESSION_SPARE)
		return false;
	*ret = s;
	return true;
}

static int find_sessions(struct facts *f)
{
	for (size_t i = 0; i < f->links.n; i++) {
		struct session s, *seen;
		const char *uplink;

		if (!read_port(&f->links.v[i], &s))
			continue;
		uplink = facts_slot_uplink(f, s.slot);
		if (uplink)
			snprintf(s.uplink, sizeof(s.uplink), "%s", uplink);
		seen = s.flags & SESSION_SPARE ? VEC_PUSH(&f->spares) : VEC_PUSH(&f->sessions);
		if (!seen || (s.slot && add_slot(f, s.slot, s.uplink, 0) < 0))
			return -ENOMEM;
		*seen = s;
	}
	return 0;
}

int recorded_find(struct facts *f)
{
	int r = find_slots(f);

	return r < 0 ? r : find_sessions(f);
}
