/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interfaces the words of a list mean. For the sessions' lists this is found once for each
 * observation of the host: each word is held against the interfaces once, however many lists have
 * it, and each list once, however many sessions have it. What was found are numbers of devices, so
 * that a port of ours that comes or goes does not change it.
 */
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "model/own.h"
#include "plan/uplink.h"

/* --- one word ------------------------------------------------------------------------------ */

/* A card that was given another address is known by its own. */
static bool has_mac(const struct fact_link *l, const struct mac *mac)
{
	const struct mac *own = mac_is_set(&l->permanent) ? &l->permanent : &l->mac;

	return mac_is_set(own) && !memcmp(own, mac, sizeof(*own));
}

/* Whether an interface meets a condition. */
static bool meets(const struct fact_link *l, const struct uplink_list *list, size_t i)
{
	const struct uplink_word *w = &list->words[i];

	if (own_is_link(l) || l->flags & IFF_LOOPBACK)
		return false;
	switch ((enum uplink_word_kind)w->kind) {
	case UPLINK_BY_MEDIUM:
		return l->medium == (enum link_medium)w->medium;
	case UPLINK_BY_SSID:
		return l->ssid[0] && !strcmp(l->ssid, uplink_list_ssid(list, i));
	case UPLINK_BY_MAC:
		return has_mac(l, &w->mac);
	case UPLINK_BY_NAME:
	case UPLINK_WORD_KIND_COUNT:
		break;
	}
	return false;
}

/* An interface of that name is meant before a kind of that name. */
static bool matches(const struct facts *f, const struct fact_link *l,
		    const struct uplink_list *list, size_t i)
{
	const char *word = uplink_list_word(list, i);

	return !strcmp(l->name, word) || facts_has_altname(f, l, word) || meets(l, list, i);
}

bool uplink_is_here(const struct facts *f, const struct uplink_list *list, size_t i)
{
	for (size_t j = 0; j < f->links.n; j++)
		if (matches(f, &f->links.v[j], list, i))
			return true;
	return false;
}

/* The one interface of that name, or altname; a condition is met by others besides. */
static const struct fact_link *named(const struct facts *f, const struct uplink_list *list,
				     size_t i)
{
	const char *word = uplink_list_word(list, i);
	const struct fact_link *l = facts_link(f, word);

	return l || uplink_list_condition(list, i) ? l : facts_link_by_altname(f, word);
}

const struct fact_link *uplink_of_word(const struct facts *f, const struct uplink_list *list,
				       size_t i, size_t *next)
{
	const struct fact_link *one = named(f, list, i);

	if (one || !uplink_list_condition(list, i))
		return (*next)++ ? NULL : one;
	while (*next < f->links.n) {
		const struct fact_link *l = &f->links.v[(*next)++];

		if (matches(f, l, list, i))
			return l;
	}
	return NULL;
}

/* --- a list, found once -------------------------------------------------------------------- */

static uint32_t hash_of(const struct uplink_list *list)
{
	return chains_hash_text(list->bytes, uplink_list_used(list));
}

const struct fact_list *uplinks_found(const struct facts *f, const struct uplink_list *list)
{
	const struct chains *c = &f->lists.by_bytes;

	if (c->n != f->lists.n)
		return NULL;
	for (uint32_t i = chains_first(c, hash_of(list)); i != CHAINS_END; i = chains_next(c, i))
		if (uplink_list_equal(&f->lists.v[i].list, list))
			return &f->lists.v[i];
	return NULL;
}

static const struct fact_word *word_found(const struct facts *f, const char *word)
{
	const struct fact_lists *lists = &f->lists;
	const struct chains *c = &lists->words.by_text;

	for (uint32_t i = chains_first(c, chains_hash_text(word, strlen(word))); i != CHAINS_END;
	     i = chains_next(c, i)) {
		const struct fact_word *w = &lists->words.v[i];

		if (!strcmp(uplink_list_word(&lists->v[w->list].list, w->word), word))
			return w;
	}
	return NULL;
}

/* Holds a word of the last list against the interfaces. */
static const struct fact_word *find_word(struct facts *f, size_t word)
{
	struct fact_lists *lists = &f->lists;
	const struct uplink_list *list = &lists->v[lists->n - 1].list;
	const char *text = uplink_list_word(list, word);
	const size_t first = lists->devices.n;
	const struct fact_link *l;
	struct fact_word *w;
	size_t next = 0;

	while ((l = uplink_of_word(f, list, word, &next))) {
		int *device;

		if (!l->index)
			continue; /* there is no number to find it by */
		device = VEC_PUSH(&lists->devices);
		if (!device)
			return NULL;
		*device = l->index;
	}
	lists->comparisons +=
		uplink_list_condition(list, word) && !named(f, list, word) ? f->links.n : 1;
	w = VEC_PUSH(&lists->words);
	if (!w)
		return NULL;
	w->list = (uint32_t)(lists->n - 1);
	w->word = (uint8_t)word;
	w->condition = uplink_list_condition(list, word);
	w->first = (uint32_t)first;
	w->n = (uint32_t)(lists->devices.n - first);
	lists->words.conditions += w->condition;
	chains_push(&lists->words.by_text, chains_hash_text(text, strlen(text)));
	return w;
}

/* The devices of one word that no word before it has brought. */
static int add_choices(struct facts *f, const struct fact_word *found, size_t word)
{
	struct fact_lists *lists = &f->lists;
	const uint32_t number = (uint32_t)lists->n; /* of the last list, counted from 1 */

	for (size_t i = 0; i < found->n; i++) {
		const int index = lists->devices.v[found->first + i];
		const struct fact_link *l = facts_link_by_index(f, index);
		struct fact_choice *c;

		if (!l || l->listed == number)
			continue;
		c = VEC_PUSH(&lists->choices);
		if (!c)
			return -ENOMEM;
		c->index = index;
		c->word = (uint8_t)word;
		f->links.v[l - f->links.v].listed = number;
	}
	return 0;
}

int uplinks_resolve(struct facts *f, const struct uplink_list *list)
{
	struct fact_lists *lists = &f->lists;
	const uint32_t first = (uint32_t)lists->choices.n;
	struct fact_list *added;

	if (!list->n || uplinks_found(f, list))
		return 0;
	added = VEC_PUSH(lists);
	if (!added)
		return -ENOMEM;
	added->list = *list;
	for (size_t i = 0; i < list->n; i++) {
		const struct fact_word *w = word_found(f, uplink_list_word(list, i));

		if (!w)
			w = find_word(f, i);
		if (!w || add_choices(f, w, i) < 0)
			return -ENOMEM;
	}
	added->first = first;
	added->n = (uint32_t)lists->choices.n - first;
	chains_push(&lists->by_bytes, hash_of(list));
	return 0;
}

int uplinks_resolve_all(struct facts *f)
{
	int r = 0;

	for (size_t i = 0; i < f->sessions.n && r == 0; i++)
		r = uplinks_resolve(f, &f->sessions.v[i].uplinks);
	return r;
}

bool uplinks_name(const struct facts *f, const char *word)
{
	return word_found(f, word) != NULL;
}

bool uplinks_would_mean(const struct facts *f, const struct fact_link *l)
{
	const struct fact_lists *lists = &f->lists;

	for (size_t i = 0; i < lists->words.n && lists->words.conditions; i++) {
		const struct fact_word *w = &lists->words.v[i];

		if (w->condition && meets(l, &lists->v[w->list].list, w->word))
			return true;
	}
	return false;
}

/* --- stepping through a list --------------------------------------------------------------- */

/* Whether one of the words before that one means an interface. */
static bool meant_before(const struct facts *f, const struct uplink_list *list, size_t word,
			 const struct fact_link *l)
{
	for (size_t i = 0; i < word; i++) {
		const struct fact_link *one = named(f, list, i);

		if (one ? one == l : meets(l, list, i))
			return true;
	}
	return false;
}

/* From what was found for that list; a link that has gone since is passed over. */
static const struct fact_link *walk_found(struct uplink_walk *w)
{
	while (w->next < w->found->n) {
		const struct fact_choice *c =
			&w->facts->lists.choices.v[w->found->first + w->next++];
		const struct fact_link *l = facts_link_by_index(w->facts, c->index);

		w->word = c->word;
		if (l)
			return l;
	}
	return NULL;
}

const struct fact_link *uplink_walk(struct uplink_walk *w)
{
	const struct fact_link *l;

	if (!w->begun) {
		w->begun = true;
		w->found = uplinks_found(w->facts, w->list);
	}
	if (w->found)
		return walk_found(w);
	for (; w->word < w->list->n; w->word++, w->next = 0)
		while ((l = uplink_of_word(w->facts, w->list, w->word, &w->next)))
			if (!meant_before(w->facts, w->list, w->word, l))
				return l;
	return NULL;
}

bool uplink_listed(const struct facts *f, const struct uplink_list *list, const char *name)
{
	struct uplink_walk walk = { .facts = f, .list = list };
	const struct fact_link *l;

	if (uplink_list_has(list, name))
		return true; /* also one that is not there now */
	while ((l = uplink_walk(&walk)))
		if (!strcmp(l->name, name))
			return true;
	return false;
}
