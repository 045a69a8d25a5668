/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_TEXT_H
#define VIA_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Text from outside - names of devices and networks, desktop entries, paths - on its way to a
 * terminal, a log or a JSON parser. A character is printable when it is well-formed UTF-8 (RFC
 * 3629) and neither a control character (C0, DEL, C1) nor one that can disguise text: line and
 * paragraph separators, marks of writing direction (UAX #9), zero-width and tag characters, and
 * noncharacters.
 */

/* The bytes of the printable character at text; 0 when there is none, or text ends. */
size_t text_char(const char *text);

bool text_printable(const char *text);

/* Each byte that belongs to no printable character becomes a question mark. */
void text_make_printable(char *text);

/*
 * As fprintf(3), for at most one line: whatever is not printable is written as \xNN, byte by byte,
 * but for a newline that ends the format.
 */
void text_print(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Writes JSON and a newline. Well-formed characters that are not printable become \uNNNN, as a
 * reader of JSON takes them (RFC 8259, section 7); other bytes become the text \xNN.
 */
void text_print_json(FILE *out, const char *json);

/* Bytes for people, in powers of 1024: "1.2K". Fills 24 bytes and returns them. */
const char *human_bytes(uint64_t bytes, char ret[24]);

#endif
