/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only place where the text of a list of uplinks, or of a word of one, is read. */
#include "model/uplink_list.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

static_assert(sizeof(struct uplink_list) == 4 + UPLINK_WORDS_MAX * 9 + UPLINK_LIST_MAX,
	      "no padding on the wire");
static_assert(UPLINK_LIST_MAX <= UINT8_MAX, "struct uplink_word, at");

#define SSID "ssid:"
#define MAC  "mac:"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

const char *uplink_list_word(const struct uplink_list *l, size_t i)
{
	return l->bytes + l->words[i].at;
}

bool uplink_list_condition(const struct uplink_list *l, size_t i)
{
	return l->words[i].kind != UPLINK_BY_NAME;
}

const char *uplink_list_ssid(const struct uplink_list *l, size_t i)
{
	return uplink_list_word(l, i) + strlen(SSID);
}

size_t uplink_list_used(const struct uplink_list *l)
{
	return l->n ? l->words[l->n - 1].at + strlen(uplink_list_word(l, l->n - 1)) + 1 : 0;
}

bool uplink_list_equal(const struct uplink_list *a, const struct uplink_list *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool uplink_list_has(const struct uplink_list *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(uplink_list_word(l, i), word))
			return true;
	return false;
}

static struct uplink_word classify(const char *word)
{
	struct uplink_word w = { .kind = UPLINK_BY_NAME };
	enum link_medium medium = link_medium_of(word);

	if (begins(word, SSID)) {
		w.kind = UPLINK_BY_SSID;
	} else if (begins(word, MAC)) {
		w.kind = UPLINK_BY_MAC;
		if (mac_parse(word + strlen(MAC), &w.mac) < 0)
			w.mac = (struct mac){ 0 };
	} else if (medium != MEDIUM_OTHER) {
		w.kind = UPLINK_BY_MEDIUM;
		w.medium = (uint8_t)medium;
	}
	return w;
}

static int append(struct uplink_list *l, struct uplink_word word, const char *text)
{
	size_t len = strlen(text), used = uplink_list_used(l);

	if (l->n == UPLINK_WORDS_MAX || used + len + 1 > UPLINK_LIST_MAX)
		return -ENOSPC;
	word.at = (uint8_t)used;
	l->words[l->n] = word;
	memcpy(l->bytes + used, text, len + 1);
	l->n++;
	return 0;
}

int uplink_list_add(struct uplink_list *l, const char *word)
{
	size_t len = strlen(word);

	return len && len < UPLINK_WORD_MAX ? append(l, classify(word), word) : -EINVAL;
}

int uplink_list_append(struct uplink_list *l, const struct uplink_list *from, size_t i)
{
	return append(l, from->words[i], uplink_list_word(from, i));
}

void uplink_list_drop(struct uplink_list *l)
{
	struct uplink_word *last = &l->words[l->n - 1];

	memset(l->bytes + last->at, 0, strlen(l->bytes + last->at));
	memset(last, 0, sizeof(*last));
	l->n--;
}

/* --- text ---------------------------------------------------------------------------------- */

/*
 * The next word. Returns 1 and moves *at behind it and its comma, 0 at the end of the text, and
 * -EINVAL where the word is empty or longer than any can be. A comma at the end of the text is a
 * word too few.
 */
static int next_word(const char **at, char word[UPLINK_WORD_MAX])
{
	const char *p = *at;
	size_t n = 0;

	if (!*p)
		return 0;
	for (; *p && *p != ','; p++) {
		if (p[0] == '\\' && (p[1] == ',' || p[1] == '\\'))
			p++;
		if (n == UPLINK_WORD_MAX - 1)
			return -EINVAL;
		word[n++] = *p;
	}
	if (!n)
		return -EINVAL;
	word[n] = 0;
	*at = p + (*p == ',' && p[1]);
	return 1;
}

int uplink_list_read(const char *text, struct uplink_list *ret)
{
	char word[UPLINK_WORD_MAX];
	int r;

	memset(ret, 0, sizeof(*ret));
	while ((r = next_word(&text, word)) > 0)
		if (uplink_list_add(ret, word) < 0)
			return -EINVAL;
	return r == 0 && ret->n ? 0 : -EINVAL;
}

const char *uplink_list_format(const struct uplink_list *l, char text[UPLINK_LIST_TEXT_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (i)
			text[n++] = ',';
		for (const char *c = uplink_list_word(l, i); *c; c++) {
			if (*c == ',' || *c == '\\')
				text[n++] = '\\';
			text[n++] = *c;
		}
	}
	text[n] = 0;
	return text;
}

/* --- checks -------------------------------------------------------------------------------- */

/* Whether an interface can have that name or altname, or it is a condition that is whole. */
static bool word_valid(const char *word)
{
	struct mac ignored;

	if (begins(word, SSID)) {
		const char *ssid = word + strlen(SSID);

		/* IEEE 802.11: up to 32 bytes; others will be shown them */
		return *ssid && strlen(ssid) <= 32 && text_printable(word);
	}
	if (begins(word, MAC))
		return mac_parse(word + strlen(MAC), &ignored) == 0;
	for (const char *c = word; *c; c++)
		if (*c == ' ' || strchr("/:\"\\", *c))
			return false;
	return text_printable(word) && strcmp(word, ".") != 0 && strcmp(word, "..") != 0;
}

/* Adds a word (NULL: what is there is none) if it is valid; text is what the line calls the list.
 */
static int add_checked(struct uplink_list *l, const char *word, const char *text, struct err *err)
{
	if (l->n == UPLINK_WORDS_MAX)
		return err_set(err, EINVAL, "read uplinks '%s': more than %d words", text,
			       UPLINK_WORDS_MAX);
	if (!word || !word_valid(word))
		return err_set(err, EINVAL,
			       "read uplinks '%s': each is the name of an interface, wifi, "
			       "ethernet, wwan, vpn, ssid:NAME or mac:AA:BB:CC:DD:EE:FF; "
			       "`via-iface uplinks` lists them",
			       text);
	if (uplink_list_has(l, word))
		return err_set(err, EINVAL, "read uplinks '%s': '%s' is there twice", text, word);
	if (uplink_list_add(l, word) < 0)
		return err_set(err, EINVAL,
			       "read uplinks '%.40s…': the list is longer than %d bytes", text,
			       UPLINK_LIST_MAX - 1);
	return 0;
}

int uplink_list_parse(const char *text, struct uplink_list *ret, struct err *err)
{
	struct uplink_list l = { 0 };
	char word[UPLINK_WORD_MAX];
	const char *at = text;
	int r;

	do {
		if (!strcmp(at, ","))
			return err_set(err, EINVAL,
				       "read uplinks '%s': nothing behind the last comma", text);
		r = add_checked(&l, next_word(&at, word) > 0 ? word : NULL, text, err);
	} while (r == 0 && *at);
	if (r == 0)
		*ret = l;
	return r;
}

int uplink_list_check(const struct uplink_list *l, struct err *err)
{
	struct uplink_list again = { 0 };
	char text[UPLINK_LIST_TEXT_MAX];
	size_t at = 0;
	int r = 0;

	while (again.n < l->n && at < sizeof(l->bytes)) {
		const char *end = memchr(l->bytes + at, 0, sizeof(l->bytes) - at);

		if (!end || uplink_list_add(&again, l->bytes + at) < 0)
			break;
		at = (size_t)(end - l->bytes) + 1;
	}
	/* the same words make the same list, so nothing else is in it */
	if (!l->n || !uplink_list_equal(&again, l))
		return err_set(err, EINVAL, "read the request: a list of uplinks that is none");
	uplink_list_format(l, text);
	memset(&again, 0, sizeof(again));
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = add_checked(&again, uplink_list_word(l, i), text, err);
	return r;
}
