/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_NFT_H
#define VIA_MODEL_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "model/ip.h"

/*
 * The part of nftables that via-iface speaks, as data: a rule is a list of statements, a
 * statement names fields. One table (nft_field_info) says for each field how nft(8) writes it
 * and where the kernel finds it, so the text of a rule (model/nft_print.c) and its netlink bytes
 * (net/nft_build.c) cannot drift apart.
 *
 * Numbers of families, hooks, keys and verdicts are those of linux/netfilter.h and
 * linux/netfilter/nf_tables.h.
 */

/* Ports, both ends of the range included. */
struct port_range {
	uint16_t min, max;
};
struct port_ranges {
	struct port_range *v;
	size_t n, size;
};

#define NFT_TABLE_NAME        "via_iface"
#define NFT_TABLE_ATTACHED    "via_iface_attached" /* in a netns of others: it may have its own */
#define NFT_NAME_MAX          32 /* of sets and chains of ours, with the terminator */
#define FOREIGN_NAME_MAX      64 /* of others' tables and chains; longer ones are left alone */
#define NFT_KEY_MAX           48 /* bytes of a set key: three registers of 16 */
#define NFT_FIELDS_MAX        4
#define NFT_STMTS_MAX         10
#define NFT_DATA_TYPE_VERDICT 0xffffff00u /* linux/netfilter/nf_tables.h:NFT_DATA_VERDICT */

#define CT_STATE_INVALID     (1u << 0) /* include/net/netfilter/nf_conntrack.h:NF_CT_STATE_BIT */
#define CT_STATE_ESTABLISHED (1u << 1)
#define CT_STATE_RELATED     (1u << 2)

#define CT_STATUS_DST_NAT (1u << 5) /* linux/netfilter/nf_conntrack_common.h:IPS_DST_NAT */

/* nftables' own datatype numbers (nftables include/datatype.h); nft(8) needs them to list. */
enum nft_type {
	NFT_TYPE_NFPROTO = 2,
	NFT_TYPE_INTEGER = 4,
	NFT_TYPE_IPV4 = 7,
	NFT_TYPE_IPV6 = 8,
	NFT_TYPE_ETHER = 9,
	NFT_TYPE_ETHERTYPE = 10,
	NFT_TYPE_ARPOP = 11,
	NFT_TYPE_L4PROTO = 12,
	NFT_TYPE_PORT = 13,
	NFT_TYPE_ICMP = 14,
	NFT_TYPE_TCPFLAGS = 15,
	NFT_TYPE_MARK = 19,
	NFT_TYPE_IFINDEX = 20,
	NFT_TYPE_CT_STATE = 26,
	NFT_TYPE_CT_DIR = 27,
	NFT_TYPE_CT_STATUS = 28,
	NFT_TYPE_CT_ZONE = 4096, /* an integer of nft(8)'s, in host order; never in a set */
	NFT_TYPE_ICMPV6 = 29,
	NFT_TYPE_DEVGROUP = 35,
	NFT_TYPE_IFNAME = 41,
};

enum nft_field {
	NFT_FIELD_IIFNAME,
	NFT_FIELD_IIFGROUP,
	NFT_FIELD_OIFNAME,
	NFT_FIELD_IIF, /* the device's number: it keeps that when it is renamed */
	NFT_FIELD_OIF,
	NFT_FIELD_MARK,
	NFT_FIELD_NFPROTO,
	NFT_FIELD_L4PROTO,
	NFT_FIELD_CT_MARK,
	NFT_FIELD_CT_STATE,
	NFT_FIELD_CT_DIR,
	NFT_FIELD_CT_STATUS,
	NFT_FIELD_CT_DPORT, /* before any translation */
	NFT_FIELD_CT_SADDR, /* of who began the connection; a family each */
	NFT_FIELD_CT_SADDR6,
	NFT_FIELD_CT_DADDR, /* that it was begun to; a family each */
	NFT_FIELD_CT_DADDR6,
	NFT_FIELD_CT_ZONE,
	NFT_FIELD_ETHER_TYPE,
	NFT_FIELD_ETHER_SADDR,
	NFT_FIELD_ARP_OP,
	NFT_FIELD_ARP_SHA,
	NFT_FIELD_ARP_SPA,
	NFT_FIELD_ARP_TPA,
	NFT_FIELD_IP_SADDR,
	NFT_FIELD_IP_DADDR,
	NFT_FIELD_IP6_SADDR,
	NFT_FIELD_IP6_DADDR,
	NFT_FIELD_IP_FRAG_OFF,
	NFT_FIELD_IP6_FRAGMENT, /* whether there is a fragment header: 1 or 0 */
	NFT_FIELD_TCP_FLAGS,
	NFT_FIELD_SPORT,
	NFT_FIELD_DPORT,
	NFT_FIELD_ICMP_TYPE,
	NFT_FIELD_ICMPV6_TYPE,
	NFT_FIELD_QUOTED_DPORT, /* of the packet that an ICMP error is about, without IP options */
	NFT_FIELD_QUOTED_DPORT6,
	NFT_FIELD_SOCKET_TRANSPARENT, /* only where the host has a socket for the packet */
	NFT_FIELD_COUNT,
};

enum nft_load { NFT_LOAD_META, NFT_LOAD_CT, NFT_LOAD_PAYLOAD, NFT_LOAD_EXTHDR, NFT_LOAD_SOCKET };

struct nft_field_info {
	const char *text; /* as nft(8) writes it */
	enum nft_load load;
	uint32_t key;   /* NFT_META_*, NFT_CT_*, NFT_SOCKET_*, the NFT_PAYLOAD_* or IPv6 header */
	uint8_t offset; /* into that header; of a tuple of conntrack: the direction, and 1 */
	uint8_t len;    /* bytes of a value */
	enum nft_type type;
};

const struct nft_field_info *nft_field_info(enum nft_field field);

enum nft_op {
	NFT_OP_MATCH,        /* field (& mask) ==/!= value */
	NFT_OP_RANGE,        /* field is in a range of ports */
	NFT_OP_LOOKUP,       /* fields ==/!= @name; the first one masked when mask is set */
	NFT_OP_VMAP,         /* fields vmap @name */
	NFT_OP_SET_MARK,     /* field set (field & ~mask) | value; field is MARK or CT_MARK */
	NFT_OP_CT_ZONE,      /* ct original zone set zone */
	NFT_OP_CT_ZONE_BOTH, /* ct zone set zone: of both directions */
	NFT_OP_NOTRACK,      /* no connection tracking of this packet */
	NFT_OP_PAYLOAD, /* len bytes at place, behind the transport header, & value + 8 == value */
	NFT_OP_MSS_CLAMP,   /* tcp option maxseg size set rt mtu */
	NFT_OP_MASQUERADE,  /* to a range of ports, when it has one */
	NFT_OP_SNAT,        /* snat to value, an address, and to a range of ports, if it has one */
	NFT_OP_DNAT,        /* dnat to value, an address */
	NFT_OP_DNAT_MAP,    /* dnat to what the map says of fields; the first one masked as above */
	NFT_OP_DNAT_PORTS,  /* the same, to an address and a port that the map says */
	NFT_OP_SET_ADDRESS, /* field set value: ip6 saddr or daddr, with the checksum above it */
	NFT_OP_DNAT_SAME,   /* dnat to the destination that it has: no other rule translates it */
	NFT_OP_REJECT,      /* ICMP: prohibited by the administrator, in either family */
	NFT_OP_REJECT_PORT, /* ICMP: nobody at this port, in either family */
	NFT_OP_RESET,       /* TCP reset; after a match on TCP */
	NFT_OP_COUNTER,
	NFT_OP_LIMIT,  /* limit rate over: matches what is more than limit */
	NFT_OP_UPDATE, /* update @name { fields }, with a limit of its own for each element */
	NFT_OP_DELETE, /* delete @name { fields } */
	/* ct count over most; with a name: add @name { fields ct count over most } */
	NFT_OP_CONNECTIONS,
	NFT_OP_XT_REPLIES,    /* xtables' conntrack match: --ctstate RELATED,ESTABLISHED */
	NFT_OP_XT_TRANSLATED, /* the same: --ctstate DNAT */
	NFT_OP_VERDICT,       /* accept, drop, jump or goto name */
	NFT_OP_COUNT,
};

/* A token bucket (nft(8), LIMIT STATEMENT); a rate of 0 is none. */
struct nft_limit {
	uint32_t rate;  /* a second */
	uint32_t burst; /* above it */
	bool bytes;     /* else packets */
};

struct nft_stmt {
	enum nft_op op;
	enum nft_field fields[NFT_FIELDS_MAX];
	uint8_t n_fields;
	bool negate;
	uint8_t len;       /* of value: a shorter one than the field's is a prefix ("viap*") */
	uint8_t value[16]; /* as the register holds it */
	uint32_t mask;     /* 0: none; in host order */
	uint8_t prefix;    /* bits of an address that count, 0: all */
	uint16_t zone;
	uint16_t place;          /* in a packet: bytes from where its transport header begins */
	uint8_t family;          /* of an address to translate to: NFPROTO_* */
	struct port_range ports; /* to translate to, besides an address; max 0: none */
	struct nft_limit limit;
	uint32_t most;   /* connections */
	int32_t verdict; /* NF_ACCEPT, NF_DROP, NFT_JUMP, NFT_GOTO */
	char name[NFT_NAME_MAX];
};

struct nft_rule {
	struct nft_stmt stmts[NFT_STMTS_MAX];
	uint8_t n_stmts;
};

/*
 * A set's key as bytes; each part of a concatenation is padded to a multiple of four
 * (net/netfilter/nft_set_*.c).
 */
struct nft_key {
	enum nft_type types[NFT_FIELDS_MAX];
	uint8_t n_types; /* 0 in an observed element: only its bytes are known */
	uint8_t len;
	uint8_t bytes[NFT_KEY_MAX];
};

/* Building blocks. A rule that overflows NFT_STMTS_MAX is a bug and aborts. */
void nft_match(struct nft_rule *r, enum nft_field f, const void *value, size_t len);
void nft_match_not(struct nft_rule *r, enum nft_field f, const void *value, size_t len);
void nft_match_ifname(struct nft_rule *r, enum nft_field f, const char *name, bool negate);
void nft_match_u32(struct nft_rule *r, enum nft_field f, uint32_t value, bool negate);
void nft_match_u8(struct nft_rule *r, enum nft_field f, uint8_t value);
void nft_match_be16(struct nft_rule *r, enum nft_field f, uint16_t value);
/* field & mask == value, or != value; a field of 1, 2 (in network order) or 4 bytes */
void nft_match_masked(struct nft_rule *r, enum nft_field f, uint32_t mask, uint32_t value,
		      bool negate);
/* A port from min to max. */
void nft_match_ports(struct nft_rule *r, enum nft_field f, const struct port_range *ports);
void nft_match_prefix(struct nft_rule *r, enum nft_field f, const struct prefix *p);
void nft_lookup(struct nft_rule *r, const char *set, bool negate, size_t n,
		const enum nft_field *of);
/* meta mark & mask . fields @set */
void nft_lookup_mark(struct nft_rule *r, const char *set, uint32_t mask, size_t n,
		     const enum nft_field *of);
void nft_vmap(struct nft_rule *r, enum nft_field field, const char *map);
void nft_set_mark(struct nft_rule *r, enum nft_field field, uint32_t mask, uint32_t value);
void nft_ct_zone(struct nft_rule *r, uint16_t zone);
void nft_ct_zone_both(struct nft_rule *r, uint16_t zone);
void nft_masquerade(struct nft_rule *r, const struct port_range *ports);
/* The ports may be NULL: the kernel keeps the port, or the id, while no other flow has it. */
void nft_snat(struct nft_rule *r, const struct ip *to, const struct port_range *ports);
void nft_limit_over(struct nft_rule *r, const struct nft_limit *limit);
/*
 * Adds an element to a dynamic set, or renews it; with a limit the rule goes on only for what is
 * over it.
 */
void nft_update(struct nft_rule *r, const char *set, size_t n, const enum nft_field *of,
		const struct nft_limit *limit);
/* Removes an element from a dynamic set; the rule goes on. */
void nft_delete(struct nft_rule *r, const char *set, size_t n, const enum nft_field *of);
/*
 * The rule goes on only when this connection and those before it, as far as they are still tracked
 * and TCP has not closed them, are more than that; with a set those of an element each, else all
 * that came to this rule (net/netfilter/nf_conncount.c).
 */
void nft_connections_over(struct nft_rule *r, const char *set, size_t n, const enum nft_field *of,
			  uint32_t most);
void nft_dnat(struct nft_rule *r, const struct ip *to);
/*
 * Writes an address over the field, without connection tracking, and corrects the checksum of TCP,
 * UDP or ICMPv6 for it (net/netfilter/nft_payload.c:nft_payload_set_eval).
 */
void nft_set_address(struct nft_rule *r, enum nft_field field, const struct ip *to);
/* dnat to (meta mark & mask . field), or without a mask to (fields), map @map */
void nft_dnat_map(struct nft_rule *r, const char *map, uint8_t nfproto, uint32_t mask,
		  const enum nft_field of[2]);
/* dnat to (fields) map @map, which says address and port */
void nft_dnat_ports(struct nft_rule *r, const char *map, uint8_t nfproto, size_t n,
		    const enum nft_field *of);
/* Destination NAT to what it is anyway, of a packet of that family (NFPROTO_*). */
void nft_dnat_same(struct nft_rule *r, uint8_t nfproto);
void nft_match_zone(struct nft_rule *r, uint16_t zone, bool negate);
void nft_action(struct nft_rule *r, enum nft_op op);
/* len bytes (8 at most) so far behind the start of the transport header, of which a mask counts. */
void nft_match_payload(struct nft_rule *r, uint16_t place, size_t len, const uint8_t *mask,
		       const uint8_t *value);
void nft_verdict(struct nft_rule *r, int32_t verdict, const char *chain);

void nft_key_ifname(struct nft_key *k, const char *name);
void nft_key_mac(struct nft_key *k, const struct mac *mac);
void nft_key_ip(struct nft_key *k, const struct ip *ip);
void nft_key_mark(struct nft_key *k, uint32_t mark);
void nft_key_proto(struct nft_key *k, uint8_t proto);
void nft_key_port(struct nft_key *k, uint16_t port);
void nft_key_ifindex(struct nft_key *k, int index);

bool nft_rule_equal(const struct nft_rule *a, const struct nft_rule *b);

/* Text as nft(8) reads it. */
void nft_print_rule(struct strbuf *sb, const struct nft_rule *r);
void nft_print_key(struct strbuf *sb, const struct nft_key *k);
void nft_print_verdict(struct strbuf *sb, int32_t verdict, const char *chain);
const char *nft_type_name(enum nft_type type);
/* A value of that type, of len bytes as a register holds them. */
void nft_print_value(struct strbuf *sb, enum nft_type type, const uint8_t *bytes, size_t len);

const char *nft_family_name(uint8_t family);
const char *nft_hook_name(uint8_t family, uint32_t hook);

#endif
