/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CAPTURE_RING_H
#define VIA_CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A packet socket whose packets the kernel writes into memory that this process shares
 * (packet(7), PACKET_RX_RING, TPACKET_V3; Documentation/networking/packet_mmap.rst): blocks of many
 * packets, each of which is given back when all of it was read.
 */
struct ring {
	int fd;
	uint8_t *map;
	size_t block_size, blocks, block; /* block: the one that is read now */
	const uint8_t *packet;            /* the next one in it */
	uint32_t left;                    /* packets in it that were not read yet */
	bool reading;                     /* it is ours */
	uint64_t dropped;                 /* by the kernel, as no block was free */
};

struct ring_packet {
	uint64_t ns;               /* since the epoch */
	const uint8_t *bytes;      /* in the ring, until the next call */
	uint32_t captured, length; /* length: as it was on the wire */
	bool sent;                 /* by this netns; else it was received */
};

/*
 * Takes over fd: ring_close() closes it, also after a failure. Sets up the ring and binds it to the
 * device of that name in the socket's netns. A filter is attached before. Returns 0 or a negative
 * errno.
 */
int ring_open(struct ring *r, int fd, const char *device, struct err *err);
void ring_close(struct ring *r);

/* The next packet that is there; false: there is none now, and fd becomes readable with the next.
 */
bool ring_next(struct ring *r, struct ring_packet *ret);

/*
 * Waits until what was received so far can be read, some 50 ms at most: the kernel keeps a block
 * that is not full for that time.
 */
void ring_settle(const struct ring *r);

/* Whether the device is gone, so that nothing more comes (ENETDOWN). */
bool ring_ended(const struct ring *r);

/* Reads how many were dropped since the last call, into r->dropped. */
void ring_count_dropped(struct ring *r);

#endif
