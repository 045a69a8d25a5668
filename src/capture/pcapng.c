/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/pcapng.h"

#include <string.h>

#define SECTION_HEADER        0x0a0d0d0au
#define INTERFACE_DESCRIPTION 1u
#define NAME_RESOLUTION       4u
#define INTERFACE_STATISTICS  5u
#define ENHANCED_PACKET       6u
#define BYTE_ORDER_MAGIC      0x1a2b3c4du
#define LINKTYPE_ETHERNET     1u

/* Codes of options; each block counts its own. */
enum {
	OPTION_END = 0,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	IF_FILTER = 11,
	EPB_FLAGS = 2,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
};

enum { RECORD_END = 0, RECORD_IPV4 = 1, RECORD_IPV6 = 2 };

static void add_u16(struct strbuf *b, uint16_t n)
{
	strbuf_add_bytes(b, (const char *)&n, sizeof(n));
}

static void add_u32(struct strbuf *b, uint32_t n)
{
	strbuf_add_bytes(b, (const char *)&n, sizeof(n));
}

/* All begins at a multiple of four bytes from the beginning of its block. */
static void pad(struct strbuf *b, size_t len)
{
	strbuf_add_bytes(b, "\0\0\0", (4 - len % 4) % 4);
}

static void add_option(struct strbuf *b, uint16_t code, const void *value, size_t len)
{
	add_u16(b, code);
	add_u16(b, (uint16_t)len);
	strbuf_add_bytes(b, value, len);
	pad(b, len);
}

static size_t begin_block(struct strbuf *b, uint32_t type)
{
	size_t at = b->len;

	add_u32(b, type);
	add_u32(b, 0); /* its length, which end_block() knows */
	return at;
}

/* The length stands at both ends. */
static void end_block(struct strbuf *b, size_t at)
{
	uint32_t len;

	if (b->failed)
		return;
	len = (uint32_t)(b->len - at + sizeof(len));
	memcpy(b->text + at + 4, &len, sizeof(len));
	add_u32(b, len);
}

/* An option's length has 16 bits. */
static size_t option_len(const char *text)
{
	return strnlen(text, 4096);
}

static void add_text(struct strbuf *b, uint16_t code, const char *text)
{
	add_option(b, code, text, option_len(text));
}

static void add_filter(struct strbuf *b, const char *filter)
{
	size_t len = option_len(filter);

	add_u16(b, IF_FILTER);
	add_u16(b, (uint16_t)(len + 1));
	strbuf_add_bytes(b, "\0", 1); /* it is a text of libpcap's */
	strbuf_add_bytes(b, filter, len);
	pad(b, len + 1);
}

static void end_options(struct strbuf *b)
{
	add_option(b, OPTION_END, "", 0);
}

void pcapng_begin(struct strbuf *bytes, const char *application, const struct pcapng_interface *i)
{
	const uint64_t unknown = UINT64_MAX; /* the section's length */
	const uint8_t nanoseconds = 9;       /* 10 to the power of minus that many seconds */
	size_t at = begin_block(bytes, SECTION_HEADER);

	add_u32(bytes, BYTE_ORDER_MAGIC);
	add_u16(bytes, 1); /* version 1.0 */
	add_u16(bytes, 0);
	strbuf_add_bytes(bytes, (const char *)&unknown, sizeof(unknown));
	add_text(bytes, SHB_USERAPPL, application);
	end_options(bytes);
	end_block(bytes, at);

	at = begin_block(bytes, INTERFACE_DESCRIPTION);
	add_u16(bytes, LINKTYPE_ETHERNET);
	add_u16(bytes, 0);
	add_u32(bytes, i->snaplen);
	add_text(bytes, IF_NAME, i->name);
	add_text(bytes, IF_DESCRIPTION, i->description);
	add_option(bytes, IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	if (i->filter)
		add_filter(bytes, i->filter);
	end_options(bytes);
	end_block(bytes, at);
}

void pcapng_add_names(struct strbuf *bytes, const struct pcapng_name *names, size_t n)
{
	size_t at;

	if (n == 0)
		return;
	at = begin_block(bytes, NAME_RESOLUTION);
	for (size_t i = 0; i < n; i++) {
		size_t len = names[i].ipv6 ? 16 : 4, name = option_len(names[i].name);

		add_u16(bytes, names[i].ipv6 ? RECORD_IPV6 : RECORD_IPV4);
		add_u16(bytes, (uint16_t)(len + name + 1));
		strbuf_add_bytes(bytes, (const char *)names[i].address, len);
		strbuf_add_bytes(bytes, names[i].name, name);
		strbuf_add_bytes(bytes, "\0", 1);
		pad(bytes, len + name + 1);
	}
	add_option(bytes, RECORD_END, "", 0);
	end_block(bytes, at);
}

static void add_time(struct strbuf *b, uint64_t ns)
{
	add_u32(b, (uint32_t)(ns >> 32));
	add_u32(b, (uint32_t)ns);
}

void pcapng_add_packet(struct strbuf *bytes, const struct pcapng_packet *p)
{
	const uint32_t direction = p->sent ? 2 : 1; /* outbound, inbound */
	size_t at = begin_block(bytes, ENHANCED_PACKET);

	add_u32(bytes, 0); /* the only interface */
	add_time(bytes, p->ns);
	add_u32(bytes, p->captured);
	add_u32(bytes, p->length);
	strbuf_add_bytes(bytes, (const char *)p->bytes, p->captured);
	pad(bytes, p->captured);
	add_option(bytes, EPB_FLAGS, &direction, sizeof(direction));
	end_options(bytes);
	end_block(bytes, at);
}

void pcapng_end(struct strbuf *bytes, uint64_t ns, uint64_t received, uint64_t dropped)
{
	size_t at = begin_block(bytes, INTERFACE_STATISTICS);

	add_u32(bytes, 0);
	add_time(bytes, ns);
	add_option(bytes, ISB_IFRECV, &received, sizeof(received));
	add_option(bytes, ISB_IFDROP, &dropped, sizeof(dropped));
	end_options(bytes);
	end_block(bytes, at);
}
