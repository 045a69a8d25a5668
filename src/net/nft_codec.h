/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NFT_CODEC_H
#define VIA_NET_NFT_CODEC_H

#include "model/diff.h"
#include "net/nl.h"

/*
 * nf_tables (linux/netfilter/nf_tables.h) through libnftnl: objects to one transaction, dumped
 * messages to objects. Bytes only, no sockets.
 */

/* One transaction: it happens as a whole or not at all. */
struct nft_batch {
	char *buf;
	size_t len, size, last;        /* last: where the latest message starts */
	uint32_t first_seq, seq;       /* of the messages; the first is the begin marker */
	const struct object **objects; /* objects[seq - first_seq], NULL for the markers */
	size_t n_objects;
	bool failed; /* out of memory, sticks */
};

void nft_batch_begin(struct nft_batch *b, uint32_t first_seq);
/* A step on one object. A rule is appended to its chain. */
void nft_batch_step(struct nft_batch *b, const struct object *o, enum step_action action);
/* Empties the chain that o, a rule, is in. */
void nft_batch_flush_chain(struct nft_batch *b, const struct object *o);
/* Closes it; nft_batch_last() is then the sequence number of the last message with an answer. */
void nft_batch_end(struct nft_batch *b);
uint32_t nft_batch_last(const struct nft_batch *b);
/*
 * Leaves the transaction open: the kernel checks each message, reports it, and commits nothing
 * (net/netfilter/nfnetlink.c:nfnetlink_rcv_batch; `nft --check`).
 */
void nft_batch_check(struct nft_batch *b);
const struct object *nft_batch_object(const struct nft_batch *b, uint32_t seq); /* or NULL */
void nft_batch_done(struct nft_batch *b);

#define _cleanup_nft_batch_ __attribute__((cleanup(nft_batch_done)))

/*
 * A hash of what a rule does, from its expressions as libnftnl writes them: equal for what we would
 * send and what the kernel dumps. Fills it in for each rule of the set; 0 or -ENOMEM.
 */
int nft_fingerprint(struct object_set *set);

/* Dump requests; family is NFPROTO_*, or NFPROTO_UNSPEC for every one. */
/* Of messages of a type, NFT_MSG_GET*: the attributes are for the caller to add. */
void nft_dump(struct nl_msg *m, uint16_t type, uint8_t family);
void nft_dump_tables(struct nl_msg *m);
void nft_dump_chains(struct nl_msg *m, uint8_t family);
void nft_dump_sets(struct nl_msg *m, uint8_t family);
void nft_dump_elements(struct nl_msg *m, uint8_t family, const char *set);
void nft_dump_rules(struct nl_msg *m, uint8_t family); /* of our table */
void nft_dump_all_rules(struct nl_msg *m, uint8_t family);

/*
 * Adds what a dumped message holds of our tables to the set; chains[] counts the rules of each
 * chain seen, in dump order. Returns 0 or a negative errno.
 */
struct nft_decoder {
	struct object_set *set;
	char chain[NFT_NAME_MAX]; /* of the last rule seen */
	uint32_t index;
};
int nft_decode(const struct nlmsghdr *nlh, struct nft_decoder *d);

#endif
