/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A word of a list of uplinks that means no interface: what is said of it, and what there is. */
#include <stdio.h>

#include "base/strbuf.h"
#include "model/own.h"
#include "plan/uplink.h"

#define NAMED 4 /* interfaces that a line names */

static bool serves(const struct fact_link *l)
{
	return !own_is_link(l) && !(l->flags & IFF_LOOPBACK);
}

const char *uplink_missing_text(const struct uplink_list *l, size_t word)
{
	switch ((enum uplink_word_kind)l->words[word].kind) {
	case UPLINK_BY_SSID:
		return "no card is connected to that Wi-Fi network";
	case UPLINK_BY_MAC:
		return "no interface has that address";
	case UPLINK_BY_MEDIUM:
		return "there is no interface of that kind";
	case UPLINK_BY_NAME:
	case UPLINK_WORD_KIND_COUNT:
		break;
	}
	return uplink_problem_text(UPLINK_MISSING);
}

void uplink_offer_names(const struct facts *f, struct nearest *n)
{
	for (size_t i = 0; i < f->links.n; i++) {
		const struct fact_link *l = &f->links.v[i];

		if (!serves(l))
			continue;
		nearest_offer(n, l->name);
		for (size_t j = 0; j < l->n_altnames; j++)
			nearest_offer(n, f->altnames.v[l->first_altname + j].name);
		if (l->medium != MEDIUM_OTHER)
			nearest_offer(n, link_medium_name(l->medium));
	}
}

void uplink_add_ssid(struct strbuf *sb, const char *ssid)
{
	char word[UPLINK_WORD_MAX], text[UPLINK_LIST_TEXT_MAX];
	struct uplink_list l = { 0 };

	snprintf(word, sizeof(word), "ssid:%s", ssid);
	uplink_list_add(&l, word);
	strbuf_add_word(sb, uplink_list_format(&l, text));
}

/* "enp7s0 (ethernet), wlp6s0 (wifi)", or the Wi-Fi networks: "ssid:Home (wlp6s0)". */
static size_t list(const struct facts *f, bool networks, struct strbuf *sb)
{
	size_t n = 0;

	for (size_t i = 0; i < f->links.n; i++) {
		const struct fact_link *l = &f->links.v[i];

		if (!serves(l) || (networks && !l->ssid[0]) || n++ >= NAMED)
			continue;
		strbuf_add(sb, "%s", sb->len ? ", " : "");
		if (networks) {
			uplink_add_ssid(sb, l->ssid);
			strbuf_add(sb, " (%s)", l->name);
		} else if (l->medium == MEDIUM_OTHER)
			strbuf_add(sb, "%s", l->name);
		else
			strbuf_add(sb, "%s (%s)", l->name, link_medium_name(l->medium));
	}
	if (n > NAMED)
		strbuf_add(sb, " and %zu more", n - NAMED);
	return n;
}

int uplink_missing_hint(const struct facts *f, const struct uplink_list *l, size_t word,
			struct err *err)
{
	const bool network = l->words[word].kind == UPLINK_BY_SSID;
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	struct nearest n = { .word = uplink_list_word(l, word) };
	size_t n_listed;

	if (!uplink_list_condition(l, word))
		uplink_offer_names(f, &n);
	if (n.best)
		return err_hint(err, "did you mean '%s'?", n.best);
	n_listed = list(f, network, &sb);
	if (n_listed)
		return err_hint(err, "there %s %s", n_listed > 1 ? "are" : "is", strbuf_text(&sb));
	if (network)
		return err_hint(err, "none is connected to any");
	return err_hint(err, "`via-iface uplinks` lists those that exist");
}
