/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_FW_H
#define VIA_PLAN_FW_H

/* Building blocks of nftables for the files of plan/: objects of our table, into a set. */

#include "model/set.h"

/* Chain priorities: seen by administrators in `nft list ruleset`; ARCHITECTURE.md says why. */
#define PRIORITY_BRIDGE  (-300)
#define PRIORITY_ZONE    (-310) /* behind defragmentation's -400, before raw's -300 */
#define PRIORITY_SOCKETS (-290) /* before conntrack's -200 */
#define PRIORITY_MARK    (-160) /* behind conntrack, before mangle's -150 and routing */
#define PRIORITY_AGAIN   1000   /* behind everybody's chains, before routing */
#define PRIORITY_REROUTE (-149) /* behind mangle */
#define PRIORITY_FILTER  10     /* behind everybody's filter chains */
#define PRIORITY_ANSWERS 110    /* behind source NAT */
#define PRIORITY_DNATTED (-90)  /* behind destination NAT */
/*
 * The first rule that translates an address is the only one. Among chains of that type a priority
 * is nothing but their order (net/netfilter/nf_nat_core.c:nf_nat_inet_fn), and this is the lowest
 * that the kernel takes: ours come before those of everybody, whenever they were made.
 */
#define PRIORITY_NAT (-199)
/* Behind everybody's destination NAT: what is translated by others is not published. */
#define PRIORITY_INBOUND 100
/* In a netns of others: theirs as well. */
#define PRIORITY_SRCNAT 100
#define PRIORITY_DSTNAT (-100)

/* A chain under construction: rules get their place as they come. */
struct fw_chain {
	struct object_set *set;
	uint8_t family;
	char name[NFT_NAME_MAX];
	uint32_t n;
};

/* Of an address family: its number to netfilter, its addresses in a packet, a rule for it. */
uint8_t fw_nfproto(uint8_t family);
enum nft_field fw_saddr(uint8_t family);
enum nft_field fw_daddr(uint8_t family);
struct nft_rule fw_rule_of(uint8_t family);

void fw_table(struct object_set *set, uint8_t family);
struct fw_chain fw_chain(struct object_set *set, uint8_t family, const char *name);
struct fw_chain fw_base_chain(struct object_set *set, uint8_t family, const char *name,
			      const char *type, uint32_t hook, int32_t priority);
void fw_rule(struct fw_chain *c, const struct nft_rule *rule);
/* The rule with a verdict (NF_ACCEPT, NF_DROP) behind it. */
void fw_rule_verdict(struct fw_chain *c, struct nft_rule rule, int32_t verdict);

/* A set, or a map to verdicts, whose keys are made as the example is. */
void fw_set(struct object_set *set, uint8_t family, const char *name, bool vmap,
	    const struct nft_key *example);
/* A set that rules add to; an element goes after timeout seconds without an update. */
void fw_dynamic_set(struct object_set *set, uint8_t family, const char *name, uint32_t size,
		    uint32_t timeout, const struct nft_key *example);
/* A map to addresses of a family (AF_*), in the inet table. */
void fw_map(struct object_set *set, const char *name, uint8_t to, const struct nft_key *example);
void fw_element(struct object_set *set, uint8_t family, const char *name,
		const struct nft_key *key);
void fw_map_element(struct object_set *set, const char *name, const struct nft_key *key,
		    const struct ip *to);
/* The same, to an address and a port. */
void fw_map_ports(struct object_set *set, const char *name, uint8_t to,
		  const struct nft_key *example);
void fw_map_ports_element(struct object_set *set, const char *name, const struct nft_key *key,
			  const struct ip *to, uint16_t port);

/* Keys, or starts of one; an address of NULL is an example. */
struct nft_key fw_key_ip(uint8_t family, const struct ip *ip);
struct nft_key fw_key_ifname(const char *name);
struct nft_key fw_key_port(const char *port, const struct mac *mac, const struct ip *ip);
#endif
