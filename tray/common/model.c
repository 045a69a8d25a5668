/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of `status --follow` bring the news, the answers of `list` the rest. A list may be older
 * than a line that was read before it; so news is made of lines alone, and held against the line
 * before, not against what a list has told meanwhile.
 */
#include "tray/common/model.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

#define COPY(to, from) copy(to, sizeof(to), from)

/* --- JSON ---------------------------------------------------------------------------------- */

static void put_json(struct json_object **o)
{
	json_object_put(*o);
}
#define _cleanup_json_ __attribute__((cleanup(put_json)))

static struct json_object *parse(const char *text, enum json_type type)
{
	struct json_object *o = json_tokener_parse(text);

	if (o && json_object_is_type(o, type))
		return o;
	json_object_put(o);
	return NULL;
}

/* The text of a key; "" when it is not there, or no text. Borrowed from o. */
static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

static bool number_of(struct json_object *o, const char *key, int64_t max, int64_t *ret)
{
	struct json_object *value;
	int64_t n;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	n = json_object_get_int64(value);
	if (n < 0 || n > max)
		return false;
	*ret = n;
	return true;
}

static struct json_object *array_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_array))
		return NULL;
	return value;
}

static bool read_state(const char *text, enum tray_state *ret)
{
	static const char *const names[TRAY_STATE_COUNT] = {
		[TRAY_UP] = "up",
		[TRAY_BLOCKED] = "blocked",
		[TRAY_PAUSED] = "paused",
		[TRAY_CLOSING] = "closing",
	};

	for (size_t i = 0; i < TRAY_STATE_COUNT; i++)
		if (!strcmp(text, names[i])) {
			*ret = (enum tray_state)i;
			return true;
		}
	return false;
}

/* --- lists of uplinks ---------------------------------------------------------------------- */

/* Adds a word to a list; false and nothing added when it does not fit. */
static bool add_word(char *list, size_t size, const char *word)
{
	size_t start = strlen(list), at = start;

	if (at && at + 1 < size)
		list[at++] = ',';
	for (; *word; word++) {
		if (at + 2 >= size) {
			list[start] = 0;
			return false;
		}
		if (*word == ',' || *word == '\\')
			list[at++] = '\\';
		list[at++] = *word;
	}
	list[at] = 0;
	return true;
}

void tray_uplink_word(const struct tray_uplink *u, char ret[TRAY_WORD_MAX])
{
	ret[0] = 0;
	add_word(ret, TRAY_WORD_MAX, u->name);
}

/* --- sessions ------------------------------------------------------------------------------ */

static struct tray_session *find(const struct tray_sessions *all, uint32_t id)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].id == id)
			return &all->v[i];
	return NULL;
}

/* One of that number, in its place; a new one has but the number. */
static struct tray_session *find_or_add(struct tray_sessions *all, uint32_t id)
{
	struct tray_session *s = find(all, id);
	size_t at;

	if (s)
		return s;
	if (!VEC_PUSH(all))
		return NULL;
	for (at = all->n - 1; at && all->v[at - 1].id > id; at--)
		all->v[at] = all->v[at - 1];
	all->v[at] = (struct tray_session){ .id = id };
	return &all->v[at];
}

static void drop(struct tray_sessions *all, struct tray_session *s)
{
	size_t at = (size_t)(s - all->v);

	memmove(s, s + 1, (all->n - at - 1) * sizeof(*s));
	all->n--;
}

static void add_rates(struct tray_rates *r, double rx, double tx)
{
	if (r->n == TRAY_HISTORY) {
		memmove(r->rx, r->rx + 1, (TRAY_HISTORY - 1) * sizeof(r->rx[0]));
		memmove(r->tx, r->tx + 1, (TRAY_HISTORY - 1) * sizeof(r->tx[0]));
		r->n--;
	}
	r->rx[r->n] = rx;
	r->tx[r->n++] = tx;
}

/* Two looks in the same moment are one; after a pause the rates begin anew. */
static void count(struct tray_session *s, uint64_t rx, uint64_t tx, int64_t now_ms)
{
	int64_t past = now_ms - s->counted_ms;
	bool follows = s->counted_ms && past <= TRAY_RATE_MS;

	if (follows && past < TRAY_RATE_MS / 6)
		return;
	if (!follows || rx < s->rx_bytes || tx < s->tx_bytes)
		s->rates.n = 0;
	else
		add_rates(&s->rates, (double)(rx - s->rx_bytes) * 1000 / (double)past,
			  (double)(tx - s->tx_bytes) * 1000 / (double)past);
	s->rx_bytes = rx;
	s->tx_bytes = tx;
	s->counted_ms = now_ms;
}

static bool read_session(struct json_object *o, struct tray_session *ret, uint64_t *ret_rx,
			 uint64_t *ret_tx)
{
	struct json_object *words = array_of(o, "uplinks");
	int64_t id, uid, rx, tx;

	if (!number_of(o, "id", UINT32_MAX, &id) || !number_of(o, "uid", UINT32_MAX, &uid) ||
	    !number_of(o, "rx_bytes", INT64_MAX, &rx) ||
	    !number_of(o, "tx_bytes", INT64_MAX, &tx) ||
	    !number_of(o, "since", INT64_MAX, &ret->since) || !words ||
	    !read_state(text_of(o, "state"), &ret->state) || !text_of(o, "name")[0])
		return false;
	ret->id = (uint32_t)id;
	ret->uid = (uint32_t)uid;
	ret->listed = true;
	COPY(ret->name, text_of(o, "name"));
	COPY(ret->uplink, text_of(o, "uplink"));
	COPY(ret->reason, text_of(o, "reason"));
	COPY(ret->user, text_of(o, "user"));
	for (size_t i = 0; i < json_object_array_length(words); i++) {
		struct json_object *word = json_object_array_get_idx(words, i);

		if (!json_object_is_type(word, json_type_string))
			return false;
		add_word(ret->uplinks, sizeof(ret->uplinks), json_object_get_string(word));
	}
	*ret_rx = (uint64_t)rx;
	*ret_tx = (uint64_t)tx;
	return true;
}

/* What a list does not tell stays: the rates, and the uplink of one that is blocked. */
static void renew(struct tray_session *now, const struct tray_session *old)
{
	if (!old || strcmp(old->name, now->name) != 0 || (old->listed && old->since != now->since))
		return;
	now->rx_bytes = old->rx_bytes;
	now->tx_bytes = old->tx_bytes;
	now->counted_ms = old->counted_ms;
	now->rates = old->rates;
	COPY(now->told_uplink, old->told_uplink);
	if (!now->uplink[0])
		COPY(now->uplink, old->uplink);
}

int model_take_list(struct model *m, const char *text, int64_t now_ms)
{
	_cleanup_json_ struct json_object *array = parse(text, json_type_array);
	struct tray_sessions now = { 0 };
	int r = array ? 0 : -EINVAL;

	for (size_t i = 0; r == 0 && i < json_object_array_length(array); i++) {
		struct tray_session one = { 0 }, *s;
		uint64_t rx = 0, tx = 0;

		if (!read_session(json_object_array_get_idx(array, i), &one, &rx, &tx)) {
			r = -EINVAL;
			break;
		}
		renew(&one, find(&m->sessions, one.id));
		count(&one, rx, tx, now_ms);
		s = find_or_add(&now, one.id);
		if (s)
			*s = one;
		else
			r = -ENOMEM;
	}
	if (r < 0) {
		VEC_DONE(&now);
		return r;
	}
	VEC_DONE(&m->sessions);
	m->sessions = now;
	return 0;
}

const struct tray_session *model_session(const struct model *m, uint32_t id)
{
	return find(&m->sessions, id);
}

void model_forget(struct model *m)
{
	m->sessions.n = 0;
}

void model_done(struct model *m)
{
	VEC_DONE(&m->sessions);
	VEC_DONE(&m->uplinks);
}

/* --- uplinks ------------------------------------------------------------------------------- */

static bool read_uplink(struct json_object *o, struct tray_uplink *ret)
{
	struct json_object *addresses = array_of(o, "addresses"), *usable, *first;

	if (!text_of(o, "name")[0] || !addresses ||
	    !json_object_object_get_ex(o, "usable", &usable) ||
	    !json_object_is_type(usable, json_type_boolean))
		return false;
	COPY(ret->name, text_of(o, "name"));
	COPY(ret->kind, text_of(o, "kind"));
	COPY(ret->ssid, text_of(o, "ssid"));
	COPY(ret->reason, text_of(o, "reason"));
	ret->usable = json_object_get_boolean(usable);
	first = json_object_array_length(addresses) ? json_object_array_get_idx(addresses, 0)
						    : NULL;
	if (first && json_object_is_type(first, json_type_string))
		COPY(ret->address, json_object_get_string(first));
	return true;
}

int model_take_uplinks(struct model *m, const char *text)
{
	_cleanup_json_ struct json_object *array = parse(text, json_type_array);
	struct tray_uplinks now = { 0 };
	int r = array ? 0 : -EINVAL;

	for (size_t i = 0; r == 0 && i < json_object_array_length(array); i++) {
		struct tray_uplink *u = VEC_PUSH(&now);

		if (!u)
			r = -ENOMEM;
		else if (!read_uplink(json_object_array_get_idx(array, i), u))
			r = -EINVAL;
	}
	if (r < 0) {
		VEC_DONE(&now);
		return r;
	}
	VEC_DONE(&m->uplinks);
	m->uplinks = now;
	return 0;
}

bool tray_goes_by(const struct tray_session *s, const struct tray_uplink *u)
{
	return (s->state == TRAY_UP || s->state == TRAY_BLOCKED) && !strcmp(s->uplink, u->name);
}

/* --- news ---------------------------------------------------------------------------------- */

static int take_change(struct model *m, struct json_object *o, uint32_t id, const char *event,
		       struct news *ret)
{
	struct tray_session *s;
	enum tray_state state;

	if (!read_state(text_of(o, "state"), &state))
		return -EINVAL;
	s = find_or_add(&m->sessions, id);
	if (!s)
		return -ENOMEM;
	if (!strcmp(event, "added") && strcmp(s->name, text_of(o, "session")) != 0)
		*s = (struct tray_session){ .id = id };
	COPY(ret->before, s->told_uplink);
	COPY(s->name, text_of(o, "session"));
	COPY(s->uplink, text_of(o, "uplink"));
	COPY(s->told_uplink, s->uplink);
	COPY(s->reason, text_of(o, "reason"));
	s->state = state;
	COPY(ret->name, s->name);
	COPY(ret->uplink, s->uplink);
	COPY(ret->reason, s->reason);
	ret->paused = state == TRAY_PAUSED;
	if (!strcmp(event, "state"))
		ret->kind = state == TRAY_BLOCKED ? NEWS_BLOCKED
			    : ret->paused         ? NEWS_PAUSED
						  : NEWS_FREE;
	else if (!strcmp(event, "uplink"))
		ret->kind = NEWS_MOVED;
	return 0;
}

int model_take_line(struct model *m, const char *line, struct news *ret)
{
	_cleanup_json_ struct json_object *o = parse(line, json_type_object);
	struct news news = { .kind = NEWS_NONE };
	const char *event = o ? text_of(o, "event") : "";
	int64_t id;
	int r = 0;

	if (!event[0])
		return -EINVAL;
	if (!strcmp(event, "healed") || !number_of(o, "id", UINT32_MAX, &id)) {
		*ret = news; /* it is the host's, or of a later version */
		return 0;
	}
	news.id = (uint32_t)id;
	if (!strcmp(event, "removed")) {
		struct tray_session *s = find(&m->sessions, news.id);

		if (s && !strcmp(s->name, text_of(o, "session")))
			drop(&m->sessions, s);
		news.kind = NEWS_ENDED;
		COPY(news.name, text_of(o, "session"));
	} else {
		r = take_change(m, o, news.id, event, &news);
	}
	if (r == 0)
		*ret = news;
	return r;
}

/* --- questions ----------------------------------------------------------------------------- */

bool tray_rate(const struct tray_session *s, double *ret_rx, double *ret_tx)
{
	if (!s->rates.n)
		return false;
	*ret_rx = s->rates.rx[s->rates.n - 1];
	*ret_tx = s->rates.tx[s->rates.n - 1];
	return true;
}

enum tray_status model_status(const struct model *m)
{
	enum tray_status status = STATUS_NORMAL;

	for (size_t i = 0; i < m->sessions.n; i++) {
		if (m->sessions.v[i].state == TRAY_BLOCKED)
			return STATUS_BLOCKED;
		if (m->sessions.v[i].state == TRAY_UP)
			status = STATUS_ACTIVE;
	}
	return status;
}

bool tray_may_change(const struct tray_session *s, uint32_t uid)
{
	return s->listed && (uid == 0 || s->uid == uid);
}
