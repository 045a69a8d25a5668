/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_UPLINK_LIST_H
#define VIA_MODEL_UPLINK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/ip.h"
#include "model/medium.h"

/*
 * A list of uplinks: words in the order of preference. As text it has commas between the words; a
 * comma in a word is written "\,", and a backslash "\\". The text is read once, where it comes in
 * (command line, app policy, a port's alias), and written again for the alias and for people alone.
 *
 * The struct has a fixed size, no pointers and no padding, and is zero-filled: it crosses to the
 * daemon as it is, and equal lists are equal bytes.
 */
#define UPLINK_WORD_MAX  128 /* ALTIFNAMSIZ of linux/if.h, with the terminator */
#define UPLINK_WORDS_MAX 16
#define UPLINK_LIST_MAX  160 /* bytes of all words, each with its terminator */

/* Bytes of a list as text, with the terminator: each may be one that takes a backslash. */
#define UPLINK_LIST_TEXT_MAX (2 * UPLINK_LIST_MAX)

/* How a word finds its interfaces. All but UPLINK_BY_NAME are conditions: several may meet one. */
enum uplink_word_kind {
	UPLINK_BY_NAME,   /* name or altname; "wlp6s0" */
	UPLINK_BY_MEDIUM, /* "wifi", "ethernet", "wwan", "vpn"; before that an interface so named */
	UPLINK_BY_SSID,   /* "ssid:NAME", of the network that a Wi-Fi station is connected to */
	UPLINK_BY_MAC,    /* "mac:AA:BB:CC:DD:EE:FF" */
	UPLINK_WORD_KIND_COUNT,
};

struct uplink_word {
	uint8_t kind;   /* enum uplink_word_kind */
	uint8_t medium; /* of UPLINK_BY_MEDIUM: enum link_medium; else 0 */
	struct mac mac; /* of UPLINK_BY_MAC; zero where that is no address: no interface has it */
	uint8_t at;     /* where its text begins in the list's bytes */
};

struct uplink_list {
	uint32_t n;
	struct uplink_word words[UPLINK_WORDS_MAX];
	char bytes[UPLINK_LIST_MAX]; /* the words, without backslashes in front */
};

/*
 * From text that somebody wrote: at least one word, none twice, each a name that an interface can
 * have or a condition that is whole. Returns 0, or -EINVAL with a line for the caller; ret is
 * untouched then.
 */
int uplink_list_parse(const char *text, struct uplink_list *ret, struct err *err);

/*
 * From text that was checked before, or need not be: a port's alias, what is being typed. Takes
 * words as they are. Returns 0, or -EINVAL where it is no list: ret then holds the words before the
 * one that is empty, too long, or has no room.
 */
int uplink_list_read(const char *text, struct uplink_list *ret);

/* What another process filled in: that uplink_list_parse() can have made it. As that returns. */
int uplink_list_check(const struct uplink_list *l, struct err *err);

/* Writes the text and returns it; reading it makes the same list. */
const char *uplink_list_format(const struct uplink_list *l, char text[UPLINK_LIST_TEXT_MAX]);

/* A word as somebody typed it, but for the backslashes: "ssid:My, net". */
const char *uplink_list_word(const struct uplink_list *l, size_t i);

/* Whether it is a condition, which several interfaces may meet. */
bool uplink_list_condition(const struct uplink_list *l, size_t i);

/* Of UPLINK_BY_SSID: the network. */
const char *uplink_list_ssid(const struct uplink_list *l, size_t i);

/*
 * Puts a word behind the others. Returns 0, or -EINVAL when it is empty or too long for a word, or
 * -ENOSPC when there is no room; the list is untouched then.
 */
int uplink_list_add(struct uplink_list *l, const char *word);

/* The same with a word of another list, as it was parsed there. */
int uplink_list_append(struct uplink_list *l, const struct uplink_list *from, size_t i);

/* Takes the last word away. */
void uplink_list_drop(struct uplink_list *l);

bool uplink_list_has(const struct uplink_list *l, const char *word);
bool uplink_list_equal(const struct uplink_list *a, const struct uplink_list *b);

/* Bytes that the words take. */
size_t uplink_list_used(const struct uplink_list *l);

#endif
