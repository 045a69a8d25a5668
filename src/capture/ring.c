/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/ring.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define BLOCK_SIZE (1u << 20) /* many packets of 64 KiB, which a device without a wire has */
#define BLOCKS_MAX 32u
#define BLOCKS_MIN 4u
#define FRAME_SIZE 2048u /* has no effect on TPACKET_V3, and must be right */
#define RETIRE_MS  50u   /* after this time a block that is not full is readable */

static int share_memory(struct ring *r, struct err *err)
{
	const int version = TPACKET_V3;
	struct tpacket_req3 request = { .tp_block_size = BLOCK_SIZE,
					.tp_frame_size = FRAME_SIZE,
					.tp_retire_blk_tov = RETIRE_MS };
	void *map;
	int error = 0;

	if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0)
		return err_errno(err, errno, "have packets in shared memory (TPACKET_V3)");
	for (unsigned int n = BLOCKS_MAX; n >= BLOCKS_MIN; n /= 2) {
		request.tp_block_nr = n;
		request.tp_frame_nr = BLOCK_SIZE / FRAME_SIZE * n;
		error = 0;
		if (setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) == 0)
			break;
		error = errno;
		if (error != ENOMEM)
			break;
	}
	if (error)
		return err_errno(err, error, "have packets in shared memory (PACKET_RX_RING)");
	r->blocks = request.tp_block_nr;
	r->block_size = BLOCK_SIZE;
	map = mmap(NULL, r->blocks * r->block_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (map == MAP_FAILED)
		return err_errno(err, errno, "map the memory of packets");
	r->map = map;
	return 0;
}

int ring_open(struct ring *r, int fd, const char *device, struct err *err)
{
	struct ifreq request = { 0 };
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int e;

	*r = (struct ring){ .fd = fd };
	e = share_memory(r, err);
	if (e < 0)
		return e;
	strncpy(request.ifr_name, device, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0) /* in the netns of the socket (netdevice(7)) */
		return err_errno(err, errno, "find device '%s' of the session", device);
	address.sll_ifindex = request.ifr_ifindex;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(err, errno, "capture on device '%s' of the session", device);
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->map)
		munmap(r->map, r->blocks * r->block_size);
	r->map = NULL;
	close_fd(&r->fd);
}

static struct tpacket_block_desc *block(const struct ring *r)
{
	return (struct tpacket_block_desc *)(void *)(r->map + r->block * r->block_size);
}

/* The kernel writes the status last, and reads it first. */
static bool take_block(struct ring *r)
{
	struct tpacket_block_desc *b = block(r);

	if (!(__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	r->reading = true;
	r->left = b->hdr.bh1.num_pkts;
	r->packet = (const uint8_t *)b + b->hdr.bh1.offset_to_first_pkt;
	return true;
}

static void give_block(struct ring *r)
{
	block(r)->hdr.bh1.num_pkts = 0; /* for ring_settle(), until it is used again */
	__atomic_store_n(&block(r)->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	r->block = (r->block + 1) % r->blocks;
	r->reading = false;
}

bool ring_next(struct ring *r, struct ring_packet *ret)
{
	const struct tpacket3_hdr *h;
	const struct sockaddr_ll *from;

	while (!r->reading || r->left == 0) {
		if (r->reading)
			give_block(r);
		if (!take_block(r))
			return false;
	}
	h = (const struct tpacket3_hdr *)(const void *)r->packet;
	from = (const struct sockaddr_ll *)(const void *)(r->packet + TPACKET_ALIGN(sizeof(*h)));
	*ret = (struct ring_packet){ .ns = (uint64_t)h->tp_sec * 1000000000u + h->tp_nsec,
				     .bytes = r->packet + h->tp_mac,
				     .captured = h->tp_snaplen,
				     .length = h->tp_len,
				     .sent = from->sll_pkttype == PACKET_OUTGOING };
	r->packet += h->tp_next_offset;
	r->left--;
	return true;
}

void ring_settle(const struct ring *r)
{
	struct pollfd fd = { .fd = r->fd, .events = POLLIN };
	const struct tpacket_block_desc *b = block(r);

	if (__atomic_load_n(&b->hdr.bh1.num_pkts, __ATOMIC_RELAXED) != 0)
		(void)poll(&fd, 1, 4 * RETIRE_MS);
}

bool ring_ended(const struct ring *r)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error == ENETDOWN;
}

void ring_count_dropped(struct ring *r)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t size = sizeof(stats);

	if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
		r->dropped += stats.tp_drops;
}
