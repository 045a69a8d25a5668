/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CAPTURE_PCAPNG_H
#define VIA_CAPTURE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/*
 * Blocks of a pcapng file (IETF draft-ietf-opsawg-pcapng), in this machine's byte order, as that
 * wants it: one section with one Ethernet interface, whose times are in nanoseconds. Each function
 * appends to bytes; strbuf_failed() tells of missing memory. Pure.
 */

struct pcapng_interface {
	const char *name;        /* of the device inside */
	const char *description; /* whose it is */
	const char *filter;      /* pcap-filter(7); NULL: none */
	uint32_t snaplen;        /* bytes */
};

/* A name for an address (Name Resolution Block). */
struct pcapng_name {
	bool ipv6;
	uint8_t address[16]; /* as on the wire; IPv4 has the first 4 */
	const char *name;
};

struct pcapng_packet {
	uint64_t ns; /* since the epoch */
	const uint8_t *bytes;
	uint32_t captured, length; /* bytes: of those here, and of the whole packet */
	bool sent;                 /* by the interface; else it was received */
};

/* Section Header Block and Interface Description Block: what a file begins with. */
void pcapng_begin(struct strbuf *bytes, const char *application, const struct pcapng_interface *i);
void pcapng_add_names(struct strbuf *bytes, const struct pcapng_name *names, size_t n);
/* Enhanced Packet Block. */
void pcapng_add_packet(struct strbuf *bytes, const struct pcapng_packet *p);
/* Interface Statistics Block: what a file ends with. dropped: of those, not recorded. */
void pcapng_end(struct strbuf *bytes, uint64_t ns, uint64_t received, uint64_t dropped);

#endif
