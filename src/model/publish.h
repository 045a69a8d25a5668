/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_PUBLISH_H
#define VIA_MODEL_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/ip.h"

/*
 * --publish: ports of the uplink's addresses at which new connections come into a session
 * (plan/publish.c).
 */

#define SESSION_PUBLISHED_MAX       8   /* ports or ranges of ports */
#define SESSION_PUBLISHED_PORTS_MAX 128 /* ports, of all ranges: each is an element in nftables */
#define PUBLISH_TEXT_MAX            80  /* "[ADDR]:65535-65535:65535/udp", rounded up */
#define PUBLISH_LIST_TEXT_MAX       ((size_t)SESSION_PUBLISHED_MAX * PUBLISH_TEXT_MAX)

/* A port, or a range of them. Without padding. */
struct publish {
	uint16_t first, last; /* outside, 1 to 65535; 0: this place and those behind it are empty */
	uint16_t to;          /* inside: where first leads; the others lead to those behind it */
	uint8_t udp;          /* 1: UDP, 0: TCP */
	struct ip address;    /* of the uplink; none: all that it has */
};

/* In the order in which they were given, none of which meets another. */
struct publish_list {
	struct publish v[SESSION_PUBLISHED_MAX];
};

/*
 * Adds "[ADDR:]PORT[-PORT][:PORT][/udp]", of IPv6 "[ADDR]:PORT", several with commas, with blanks
 * behind those. Returns NULL, or what is wrong with the text; *to is then undefined.
 */
const char *publish_add(const char *text, struct publish_list *to);

/* Whether the struct is as above, whoever filled it. */
bool publish_valid(const struct publish_list *list);

bool publish_equal(const struct publish_list *a, const struct publish_list *b);

/* How many entries there are. */
unsigned int publish_count(const struct publish_list *list);

/* Whether a packet could be meant by both: of one protocol, with a port and an address in common.
 */
bool publish_meets(const struct publish *a, const struct publish *b);

/* Whether an entry of one list meets one of the other. */
bool publish_lists_meet(const struct publish_list *a, const struct publish_list *b);

/* As publish_add() reads them: one; all, with what stands between two. */
const char *publish_format(const struct publish *p, char ret[PUBLISH_TEXT_MAX]);
const char *publish_list_format(const struct publish_list *list, const char *between,
				char ret[PUBLISH_LIST_TEXT_MAX]);

/*
 * The same as a word of a session's alias, where neither ',' nor a blank may be:
 * "[ADDR@]FIRST[-LAST][:TO][u]/…", u for UDP. Reading changes the word. Returns 0 or -EINVAL.
 */
const char *publish_write_alias(const struct publish_list *list, char ret[PUBLISH_LIST_TEXT_MAX]);
int publish_read_alias(char *word, struct publish_list *ret);

#endif
