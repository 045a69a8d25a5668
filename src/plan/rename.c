/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/rename.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "model/own.h"

void renames_done(struct renames *r)
{
	VEC_DONE(r);
}

static struct mac identity(const struct fact_link *l)
{
	return mac_is_set(&l->permanent) ? l->permanent : l->mac;
}

/* A number may be used again, by whoever asks for it: then the permanent address tells. */
static bool same_device(const struct fact_link *was, const struct fact_link *is)
{
	return !mac_is_set(&was->permanent) || !mac_is_set(&is->permanent) ||
	       !memcmp(&was->permanent, &is->permanent, sizeof(was->permanent));
}

/* Whether a device was there before under another name, and so is no card that was plugged in. */
static bool took_name(const struct facts *old, const struct facts *fresh,
		      const struct fact_link *holder)
{
	const struct fact_link *was = facts_link_by_index(old, holder->index);

	if (was)
		return strcmp(was->name, holder->name) != 0;
	for (size_t i = 0; i < fresh->slots.n; i++)
		if (fresh->slots.v[i].index == holder->index &&
		    strcmp(fresh->slots.v[i].uplink, holder->name) != 0)
			return true;
	return false;
}

/* Device number `index`, which was called so and had that address. */
static int find_one(const struct facts *old, const struct facts *fresh, int index, const char *name,
		    const struct mac *mac, struct renames *ret)
{
	const struct fact_link *was = facts_link_by_index(old, index),
			       *is = facts_link_by_index(fresh, index),
			       *holder = facts_link(fresh, name);
	char text[MAC_TEXT_MAX], gone[MAC_TEXT_MAX + 4];
	struct rename *r;

	if (is && was && !same_device(was, is))
		is = NULL;
	if (is && !strcmp(is->name, name))
		return 0;
	if (!is && (!holder || !took_name(old, fresh, holder)))
		return 0;
	r = VEC_PUSH(ret);
	if (!r)
		return -ENOMEM;
	snprintf(r->from, sizeof(r->from), "%s", name);
	/* without an address: one that none has, since none must follow */
	snprintf(gone, sizeof(gone), "mac:%s", mac_format(mac, text));
	return uplink_list_add(&r->to, is ? is->name : gone);
}

int renames_find(const struct facts *old, const struct facts *fresh, struct renames *ret)
{
	int r = 0;

	for (size_t i = 0; i < old->links.n && r == 0; i++) {
		const struct fact_link *l = &old->links.v[i];
		struct mac mac = identity(l);

		if (l->index && !own_is_link(l))
			r = find_one(old, fresh, l->index, l->name, &mac, ret);
	}
	for (size_t i = 0; i < fresh->slots.n && r == 0; i++) {
		const struct fact_slot *s = &fresh->slots.v[i];

		if (s->index && !facts_link_by_index(old, s->index))
			r = find_one(old, fresh, s->index, s->uplink, &s->mac, ret);
	}
	return r;
}

/* --- what goes along ----------------------------------------------------------------------- */

/* What a word has become; NULL: it is what it was. */
static const struct uplink_list *renamed(const struct renames *r, const char *word)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i].from, word))
			return &r->v[i].to;
	return NULL;
}

/*
 * Until the alias that tells of it fits, whichever uplink is in use: what is left out is what was
 * preferred least.
 */
static void shorten(struct session *s)
{
	struct session longest = *s;
	char alias[ALIAS_MAX];

	memset(longest.uplink, 'x', sizeof(longest.uplink) - 1);
	while (longest.uplinks.n > 1 && session_format(&longest, alias, NULL) < 0)
		uplink_list_drop(&longest.uplinks);
	s->uplinks = longest.uplinks;
}

/* A word that does not fit is left out. */
static void rename_in_list(const struct renames *r, struct session *s)
{
	const struct uplink_list *list = &s->uplinks;
	struct uplink_list fresh = { 0 };
	bool changed = false;

	for (size_t i = 0; i < list->n; i++) {
		const struct uplink_list *to = renamed(r, uplink_list_word(list, i));

		changed |= to != NULL;
		if (!to)
			uplink_list_append(&fresh, list, i);
		else if (!uplink_list_has(&fresh, uplink_list_word(to, 0)))
			uplink_list_append(&fresh, to, 0);
	}
	if (!changed)
		return;
	s->uplinks = fresh;
	shorten(s);
}

/*
 * The daemon died when nftables knew the new names and this alias did not yet. What it calls the
 * device of its slot has another name now; if the list names that too, the two were exchanged.
 */
static void rename_behind(struct session *s, const struct fact_slot *slot)
{
	struct rename v[2];
	const struct renames r = { .v = v, .n = 2 };

	if (!s->recorded[0] || !strcmp(s->recorded, slot->uplink))
		return;
	memset(v, 0, sizeof(v));
	memcpy(v[0].from, s->recorded, sizeof(v[0].from));
	memcpy(v[1].from, slot->uplink, sizeof(v[1].from));
	uplink_list_add(&v[0].to, slot->uplink);
	uplink_list_add(&v[1].to, s->recorded);
	rename_in_list(&r, s);
}

static struct fact_slot *slot_of(struct facts *f, uint32_t slot)
{
	for (size_t i = 0; i < f->slots.n; i++)
		if (f->slots.v[i].slot == slot)
			return &f->slots.v[i];
	return NULL;
}

/* The device's number and name of now. False when it has gone, and its name means another. */
static bool settle_slot(const struct renames *r, const struct facts *f, struct fact_slot *s)
{
	const struct uplink_list *to = renamed(r, s->uplink);
	const struct fact_link *l;

	if (to && to->words[0].kind == UPLINK_BY_MAC)
		return false;
	if (to) {
		memset(s->uplink, 0, sizeof(s->uplink));
		snprintf(s->uplink, sizeof(s->uplink), "%s", uplink_list_word(to, 0));
	}
	l = facts_link(f, s->uplink);
	if (l) { /* or another, made anew */
		s->index = l->index;
		s->mac = identity(l);
	}
	return true;
}

void renames_apply(const struct renames *r, struct facts *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->sessions.n; i++) {
		struct session *s = &f->sessions.v[i];
		const struct fact_slot *slot = s->slot ? slot_of(f, s->slot) : NULL;

		if (slot)
			rename_behind(s, slot);
		memset(s->recorded, 0, sizeof(s->recorded));
		if (r->n)
			rename_in_list(r, s);
	}
	for (size_t i = 0; i < f->slots.n; i++) {
		struct fact_slot s = f->slots.v[i];

		if (settle_slot(r, f, &s))
			f->slots.v[kept++] = s;
	}
	f->slots.n = kept;
	for (size_t i = 0; i < f->sessions.n; i++) {
		struct session *s = &f->sessions.v[i];
		const struct fact_slot *slot = s->slot ? slot_of(f, s->slot) : NULL;

		if (!slot)
			s->slot = 0;
		snprintf(s->uplink, sizeof(s->uplink), "%s", slot ? slot->uplink : "");
	}
}
