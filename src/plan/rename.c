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

static bool is_zero(const struct mac *mac)
{
	static const struct mac none;

	return !memcmp(mac, &none, sizeof(none));
}

static struct mac identity(const struct fact_link *l)
{
	return is_zero(&l->permanent) ? l->mac : l->permanent;
}

/* A number may be used again, by whoever asks for it: then the permanent address tells. */
static bool same_device(const struct fact_link *was, const struct fact_link *is)
{
	return is_zero(&was->permanent) || is_zero(&is->permanent) ||
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
	char to[UPLINK_WORD_MAX], text[MAC_TEXT_MAX];
	struct rename *r;

	if (is && was && !same_device(was, is))
		is = NULL;
	if (is && !strcmp(is->name, name))
		return 0;
	if (!is && (!holder || !took_name(old, fresh, holder)))
		return 0;
	if (is)
		snprintf(to, sizeof(to), "%s", is->name);
	else /* without an address: one that none has, since none must follow */
		snprintf(to, sizeof(to), "mac:%s", mac_format(mac, text));
	r = VEC_PUSH(ret);
	if (!r)
		return -ENOMEM;
	snprintf(r->from, sizeof(r->from), "%s", name);
	memcpy(r->to, to, sizeof(r->to));
	return 0;
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

/* A word of a list as it is written there, or nothing of it where it does not fit. */
static void add_word(char list[SESSION_UPLINKS_MAX], const char *word)
{
	char text[2 * UPLINK_WORD_MAX + 1];
	size_t n = 0, used = strlen(list);

	for (const char *at = word; *at; at++) {
		if (*at == ',' || *at == '\\')
			text[n++] = '\\';
		text[n++] = *at;
	}
	text[n] = 0;
	if (used + (used > 0) + n >= SESSION_UPLINKS_MAX)
		return;
	if (used)
		list[used++] = ',';
	memcpy(list + used, text, n + 1);
}

static const char *renamed(const struct renames *r, const char *word)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i].from, word))
			return r->v[i].to;
	return word;
}

/* Until the alias that tells of it fits: what is left out is what was preferred least. */
static void shorten(struct session *s)
{
	char alias[ALIAS_MAX], *comma;

	while (session_format(s, alias, NULL) < 0) {
		comma = strrchr(s->uplinks, ',');
		if (!comma || (comma > s->uplinks && comma[-1] == '\\'))
			return;
		*comma = 0;
	}
}

static void rename_in_list(const struct renames *r, struct session *s)
{
	char fresh[SESSION_UPLINKS_MAX] = "", word[UPLINK_WORD_MAX];
	bool changed = false;

	for (const char *at = s->uplinks; uplinks_next(&at, word);) {
		const char *to = renamed(r, word);

		changed |= to != word;
		if (to == word || !uplinks_contain(fresh, to))
			add_word(fresh, to);
	}
	if (!changed)
		return;
	memcpy(s->uplinks, fresh, sizeof(fresh));
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
	memcpy(v[0].to, slot->uplink, sizeof(slot->uplink));
	memcpy(v[1].from, slot->uplink, sizeof(v[1].from));
	memcpy(v[1].to, s->recorded, sizeof(s->recorded));
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
	const char *to = renamed(r, s->uplink);
	const struct fact_link *l;

	if (to != s->uplink && !strncmp(to, "mac:", 4) && strlen(to) >= IFNAMSIZ)
		return false;
	if (to != s->uplink) {
		memset(s->uplink, 0, sizeof(s->uplink));
		memcpy(s->uplink, to, strlen(to));
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
