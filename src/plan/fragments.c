/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments of sessions. The host puts together what it forwards, since conntrack asks for it, in
 * a memory that is the whole host's (ip-sysctl.rst: ipfrag_high_thresh; the other one is
 * nf_conntrack_frag6_high_thresh): while that is full, nobody's fragments are taken. Pieces of a
 * datagram that never gets whole stay there for 30 s (ipfrag_time), in IPv6 for 60 s. Nothing in
 * front of that memory can tell whether a datagram will get whole, so the pieces are counted: by
 * port, and all together. A piece takes up to 1.6 times its bytes, and 768 bytes at least, so
 * what all sessions may leave there in 60 s is
 *
 *	(3 MB + 60 s × 0.6 MB/s) × 1.6 = 62 MB        (2000 + 60 s × 400/s) × 768 B = 20 MB
 *
 * and the memory is made larger by that while there are sessions. What is for the host and for
 * others fits in besides, whatever sessions do. A limit that fits into 4 MB would be 14 pieces a
 *second: one datagram of 64 kB in three seconds. What is limited is frames, in the bridge's
 *prerouting, before anything is put together (net/ipv4/netfilter/nf_defrag_ipv4.c: priority -400,
 *of the inet hook).
 */
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "plan/fw.h"
#include "plan/internal.h"

#define MEMORY "67108864" /* bytes: the kernel's 4 MB, and 60 more */

#define FRAGMENT_BITS 0x3fffu /* RFC 791: more fragments, and the offset */

static const struct nft_limit port_packets = { 200, 1000, false };
static const struct nft_limit port_bytes = { 300000, 1500000, true };
static const struct nft_limit all_packets = { 400, 2000, false };
static const struct nft_limit all_bytes = { 600000, 3000000, true };

/* An element for each port, of as many sessions as there can be; gone after it when it is full. */
#define PORTS_MAX      1024
#define BUCKET_SECONDS 60

static void rule_by_port(struct fw_chain *c, const char *set, const struct nft_limit *limit)
{
	const struct nft_key k = fw_key_ifname("");
	enum nft_field port = NFT_FIELD_IIFNAME;
	struct nft_rule r = { 0 };

	fw_dynamic_set(c->set, NFPROTO_BRIDGE, set, PORTS_MAX, BUCKET_SECONDS, &k);
	nft_update(&r, set, 1, &port, limit);
	fw_rule_verdict(c, r, NF_DROP);
}

static void rule_over_all(struct fw_chain *c, const struct nft_limit *limit)
{
	struct nft_rule r = { 0 };

	nft_limit_over(&r, limit);
	fw_rule_verdict(c, r, NF_DROP);
}

void plan_fragments(const struct plan_ctx *x, struct fw_chain *prerouting)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_BRIDGE, "fragments");
	struct nft_rule r = { 0 };

	rule_by_port(&c, "fragments", &port_packets);
	rule_by_port(&c, "fragment_bytes", &port_bytes);
	rule_over_all(&c, &all_packets);
	rule_over_all(&c, &all_bytes);
	nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, ETH_P_IP);
	nft_match_masked(&r, NFT_FIELD_IP_FRAG_OFF, FRAGMENT_BITS, 0, true);
	nft_verdict(&r, NFT_JUMP, c.name);
	fw_rule(prerouting, &r);
	r = (struct nft_rule){ 0 };
	nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, ETH_P_IPV6);
	nft_match_u8(&r, NFT_FIELD_IP6_FRAGMENT, 1);
	nft_verdict(&r, NFT_JUMP, c.name);
	fw_rule(prerouting, &r);
}

void plan_fragment_memory(const struct plan_ctx *x)
{
	for (size_t i = 0; i < FRAGMENT_SYSCTL_COUNT; i++) {
		const struct fact_sysctl *now = facts_sysctl(x->facts, fragment_sysctls[i]);
		const char *own = now && now->before[0] ? now->before : now ? now->value : "";

		if (*own && strtoull(own, NULL, 10) < strtoull(MEMORY, NULL, 10))
			plan_host_sysctl(x, fragment_sysctls[i], MEMORY, NULL);
	}
}
