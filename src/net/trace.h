/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_TRACE_H
#define VIA_NET_TRACE_H

#include "model/facts.h"
#include "net/nl.h"

/*
 * Which rule of nftables takes a packet: the kernel reports each rule that a traced packet matches,
 * and each verdict (nft(8), "meta nftrace"; net/netfilter/nf_tables_trace.c). What is to be traced
 * is said by rules in a table of our own that the kernel removes with its socket
 * (NFT_TABLE_F_OWNER, since 5.12), so nothing stays if the process is killed.
 */
#define TRACE_TABLE "via_iface_trace"

struct trace_place {
	uint8_t family; /* NFPROTO_* of the table */
	char table[FOREIGN_NAME_MAX], chain[FOREIGN_NAME_MAX];
	uint64_t handle; /* 0: the policy of the chain */
};

/* What happened to one packet, in one hook or in several. */
struct trace_packet {
	uint32_t id;
	uint8_t family;          /* AF_INET or AF_INET6; 0: not known */
	bool answer;             /* it came in by the uplink */
	bool dropped;            /* by last, or else passed that */
	struct trace_place last; /* the last that was reported */
	struct trace_place
		marked; /* the last rule of others that changed the mark; table "": none */
	uint32_t mark;  /* to this */
	uint32_t mark_now;
};

struct trace {
	struct nl_sock events, owner;
	struct {
		struct trace_packet *v;
		size_t n, size;
	} packets;
};

struct trace_of {
	const char *port, *uplink;
	struct ip session[2]; /* its addresses; a family of 0: it has none */
};

/*
 * Starts to trace what comes from the port, and ICMP that comes in by the uplink. Returns 0, or a
 * negative errno where it cannot be done: without CAP_NET_ADMIN, or on an older kernel. Call
 * trace_done() in either case.
 */
int trace_begin(struct trace *t, const struct trace_of *of, struct err *err);

/* Ends it, and fills in packets, as far as there was room for the kernel's messages. */
void trace_end(struct trace *t, const struct trace_of *of);
void trace_done(struct trace *t);

/* The devices by which a session's packets come in, by index; 0: not known. */
enum { TRACE_UPLINK, TRACE_BRIDGE, TRACE_PORT, TRACE_DEVICES };
struct trace_devices {
	uint32_t v[TRACE_DEVICES];
};

/* One message of the kernel's, for packets. Bytes only. Returns 0 or a negative errno. */
int trace_take(struct trace *t, const struct nlmsghdr *nlh, const struct trace_devices *devices);

/*
 * trace_describe(): the rule at a place as nft(8) lists it, and the hook of its chain. Either is ""
 * where it is not known.
 */
struct trace_text {
	char rule[256], hook[32];
	bool xtables; /* the table is one of iptables-nft's */
	bool owned;   /* no other program can change the table (NFT_TABLE_F_OWNER) */
	bool physdev; /* the rule asks by which port of a bridge the packet came (xt_physdev) */
};
/* A rule of a dump, for rule. Bytes only. Returns 0 or a negative errno. */
int trace_take_rule(const struct nlmsghdr *nlh, struct trace_text *ret);

void trace_describe(struct nl_sock *nft, const struct trace_place *place, struct trace_text *ret);

#endif
