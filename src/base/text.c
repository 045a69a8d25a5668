/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * One character of well-formed UTF-8: its bytes, 0 for what is none. Overlong forms, surrogates
 * and numbers past U+10FFFF are none (RFC 3629, section 4).
 */
static size_t decode(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *c = (const unsigned char *)text;
	size_t n = *c < 0x80             ? 1
		   : (*c & 0xe0) == 0xc0 ? 2
		   : (*c & 0xf0) == 0xe0 ? 3
		   : (*c & 0xf8) == 0xf0 ? 4
					 : 0;
	uint32_t value = n == 1 ? *c : *c & (0x7fu >> n);

	if (!*c)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (c[i] & 0x3f);
	}
	if (n > 1 && (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)))
		return 0;
	*ret = value;
	return n;
}

static bool shown(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x00, 0x1f },       { 0x7f, 0x9f }, /* C0, DEL, C1 */
		{ 0x061c, 0x061c },                   /* Arabic letter mark */
		{ 0x200b, 0x200f },                   /* zero width, direction marks */
		{ 0x2028, 0x202e },                   /* separators, embeddings, overrides */
		{ 0x2060, 0x206f },                   /* invisible operators, isolates */
		{ 0xfdd0, 0xfdef },                   /* no characters */
		{ 0xfeff, 0xfeff },                   /* byte order mark */
		{ 0xfff0, 0xfffb },                   /* interlinear annotation */
		{ 0xe0000, 0xe0fff },                 /* tags */
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	return (c & 0xfffe) != 0xfffe; /* U+FFFE and U+FFFF of each plane */
}

size_t text_char(const char *text)
{
	uint32_t c = 0;
	size_t n = decode(text, &c);

	return n && shown(c) ? n : 0;
}

bool text_printable(const char *text)
{
	for (size_t n; *text; text += n) {
		n = text_char(text);
		if (!n)
			return false;
	}
	return true;
}

void text_make_printable(char *text)
{
	while (*text) {
		size_t n = text_char(text);

		if (!n) {
			*text = '?';
			n = 1;
		}
		text += n;
	}
}

void text_print(FILE *out, const char *fmt, ...)
{
	bool line = *fmt && fmt[strlen(fmt) - 1] == '\n';
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	for (const char *at = text; len > 0 && *at;) {
		size_t n = line && *at == '\n' && !at[1] ? 1 : text_char(at);

		if (n)
			fwrite(at, 1, n, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*at);
		at += n ? n : 1;
	}
	if (len >= 0)
		free(text);
}

static void print_unit(FILE *out, uint32_t c)
{
	if (c > 0xffff)
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
			0xdc00 + ((c - 0x10000) & 0x3ff));
	else
		fprintf(out, "\\u%04x", c);
}

void text_print_json(FILE *out, const char *json)
{
	while (*json) {
		uint32_t c = 0;
		size_t n = decode(json, &c);

		if (!n)
			fprintf(out, "\\\\x%02x", (unsigned char)*json);
		else if (shown(c) || c == '\n' || c == '\t') /* those stand between its words */
			fwrite(json, 1, n, out);
		else
			print_unit(out, c);
		json += n ? n : 1;
	}
	fputc('\n', out);
}

const char *human_bytes(uint64_t bytes, char ret[24])
{
	static const char units[] = "BKMGT";
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit < sizeof(units) - 2) {
		value /= 1024;
		unit++;
	}
	snprintf(ret, 24, unit && value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
	return ret;
}
