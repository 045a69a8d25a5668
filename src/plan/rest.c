/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/rest.h"

#define HOSTS (SESSION_HOST_LAST - SESSION_HOST_FIRST + 1)

/* Addresses a second; HOSTS / PACE seconds are more than REST_MS. */
#define PACE 8
_Static_assert(HOSTS * 1000 / PACE > REST_MS, "an address rests until it comes round again");

static void track(struct rest *r, struct rest_host *h)
{
	r->n_tracked += !h->tracked;
	h->tracked = true;
}

void rest_end(struct rest *r, uint32_t host, int64_t now)
{
	struct rest_host *h = &r->hosts[host];

	h->used = h->going = false;
	h->ended = now;
	track(r, h);
}

/* Addresses by their place in the pool. */
struct places {
	bool used[SESSION_HOST_LAST + 1];
};

static struct places places_of(const struct session *sessions, size_t n)
{
	struct places p = { 0 };

	for (size_t i = 0; i < n; i++)
		if (sessions[i].host <= SESSION_HOST_LAST)
			p.used[sessions[i].host] = true;
	return p;
}

void rest_note(struct rest *r, const struct session *sessions, size_t n, int64_t now)
{
	const struct places now_are = places_of(sessions, n);

	for (uint32_t host = SESSION_HOST_FIRST; host <= SESSION_HOST_LAST; host++) {
		struct rest_host *h = &r->hosts[host];

		if (h->used && !now_are.used[host]) {
			rest_end(r, host, now);
		} else if (now_are.used[host]) {
			r->n_tracked -= h->tracked;
			h->used = true;
			h->tracked = false;
		}
	}
}

void rest_unknown(struct rest *r)
{
	for (uint32_t host = SESSION_HOST_FIRST; host <= SESSION_HOST_LAST; host++)
		if (!r->hosts[host].used)
			track(r, &r->hosts[host]);
}

void rest_delete(struct rest *r)
{
	for (uint32_t host = SESSION_HOST_FIRST; host <= SESSION_HOST_LAST; host++)
		r->hosts[host].going = r->hosts[host].tracked;
}

void rest_deleted(struct rest *r)
{
	for (uint32_t host = SESSION_HOST_FIRST; host <= SESSION_HOST_LAST; host++) {
		struct rest_host *h = &r->hosts[host];

		r->n_tracked -= h->tracked && h->going;
		h->tracked &= !h->going;
		h->going = false;
	}
}

bool rest_choose(const struct rest *r, const struct session *sessions, size_t n, uint32_t first,
		 int64_t now, uint32_t *ret)
{
	const struct places are = places_of(sessions, n);
	const struct rest_host *longest = NULL;

	if (first < SESSION_HOST_FIRST || first > SESSION_HOST_LAST)
		first = SESSION_HOST_FIRST;
	for (uint32_t i = 0; i < HOSTS; i++) {
		uint32_t host = SESSION_HOST_FIRST + (first - SESSION_HOST_FIRST + i) % HOSTS;
		const struct rest_host *h = &r->hosts[host];

		if (are.used[host] || h->used || h->tracked)
			continue;
		if (!h->ended || now - h->ended >= REST_MS) {
			*ret = host;
			return true;
		}
		if (!longest || h->ended < longest->ended)
			longest = h;
	}
	if (longest)
		*ret = (uint32_t)(longest - r->hosts);
	return longest != NULL;
}

uint32_t rest_first(int64_t now)
{
	return SESSION_HOST_FIRST + (uint32_t)(now / (1000 / PACE) % HOSTS);
}
