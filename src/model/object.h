/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_OBJECT_H
#define VIA_MODEL_OBJECT_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/ip.h"
#include "model/nft.h"
#include "model/owner.h"

/*
 * One thing in the kernel that via-iface makes: the one representation for planning, printing,
 * comparing, applying and explaining. An object has a key (what it is) and a value (how it is); two
 * objects with one key and different values are a change.
 *
 * object_rank() orders keys so that, at each step of making them, no packet of a session leaves by
 * another way: what blocks packets comes before what lets them pass, and both before programs.
 * Removal goes backwards.
 */

#define ALIAS_MAX  256 /* IFALIASZ of linux/if.h, with the terminator */
#define SYSCTL_MAX 96

/* Everything of ours in rtnetlink carries this as its protocol; not in iproute2's rt_protos. */
#define VIA_RTPROT 86

enum place {
	PLACE_HOST,
	PLACE_SESSION, /* inside the session's netns */
};

enum object_kind {
	OBJ_NETNS,
	OBJ_LINK,
	OBJ_LINK_UP,
	OBJ_ALTNAME,
	OBJ_ADDRESS,
	OBJ_ROUTE,
	OBJ_RULE,
	OBJ_NEIGH,
	OBJ_FDB,
	OBJ_TC,
	OBJ_SYSCTL,
	OBJ_NFT_TABLE,
	OBJ_NFT_CHAIN,
	OBJ_NFT_SET,
	OBJ_NFT_ELEMENT,
	OBJ_NFT_RULE,
	OBJ_NFT_ACCEPT, /* of ours, in a table of somebody else's */
	OBJ_QDISC,      /* behind them, since aliases of before have these numbers (session.h) */
	OBJ_KIND_COUNT,
};

/*
 * Which of the reserved group addresses 01:80:c2:00:00:0X (IEEE 802.1D, table 7-10) the bridge
 * treats as any other, so that they meet its prerouting hook: without this the kernel hands some
 * of them to the port itself, past every hook. 0 to 2 cannot be set; the rest is.
 */
#define BRIDGE_GROUP_FWD_MASK 0xfff8u

enum link_kind {
	LINK_BRIDGE,
	LINK_VETH,
};

struct obj_link {
	char name[IFNAMSIZ]; /* key */
	enum link_kind kind;
	struct mac mac;
	uint32_t mtu; /* 0: the kernel's default */
	char alias[ALIAS_MAX];
	char master[IFNAMSIZ]; /* of a port; made isolated, without learning, flooding and ARP */
	bool hardened;         /* has these flags, or the group mask; observed, always wanted */
	char peer[IFNAMSIZ];   /* veth: the name inside the session; unknown when observed */
	struct mac peer_mac;
	uint32_t peer_mtu; /* 0: the kernel's default */
};

/* Another name of a device: the kernel takes it wherever it takes a name (ip-link(8), altname). */
struct obj_altname {
	char dev[IFNAMSIZ];  /* key */
	char name[IFNAMSIZ]; /* key */
};

struct obj_address {
	char dev[IFNAMSIZ];   /* key */
	struct prefix prefix; /* key */
};

struct obj_route {
	uint32_t table;    /* key */
	struct prefix dst; /* key */
	uint32_t metric;   /* key */
	uint8_t stop;      /* key: RTN_UNREACHABLE, _PROHIBIT, _BLACKHOLE; 0: it leads somewhere */
	bool onlink;
	char dev[IFNAMSIZ];
	int index; /* of dev, however it is called by then; 0: whoever has the name */
	struct ip gateway;
	uint32_t mtu; /* 0: none */
};

enum rule_action {
	RULE_LOOKUP,
	RULE_UNREACHABLE,
	RULE_BLACKHOLE, /* discards in silence, as a host does that forwards nothing */
	RULE_ACTION_COUNT,
};

struct obj_rule {
	uint8_t family; /* key, as all of it: a rule has no value */
	uint32_t priority;
	uint32_t mark, mask;
	char iif[IFNAMSIZ];
	bool not_iif; /* every other device */
	enum rule_action action;
	uint32_t table;
};

struct obj_neigh {
	char dev[IFNAMSIZ]; /* key */
	struct ip ip;       /* key */
	struct mac mac;
};

struct obj_fdb {
	char dev[IFNAMSIZ]; /* key */
	struct mac mac;     /* key */
};

/* clsact on a device with one classic BPF program at ingress: what lacks the mark is dropped. */
struct obj_tc {
	char dev[IFNAMSIZ]; /* key */
	uint32_t mark, mask;
};

/*
 * The root qdisc of a device, a token bucket (tc-tbf(8)): what leaves by the device has that rate,
 * in bytes a second of whole frames.
 */
struct obj_qdisc {
	char dev[IFNAMSIZ]; /* key */
	uint32_t rate;
	uint32_t burst; /* bytes; not told of an observed one, and no part of its value */
	uint32_t limit; /* bytes that wait at most; more are dropped */
};

#define QDISC_HANDLE      0x76690000u /* "vi" */
#define QDISC_HANDLE_TEXT "7669"

struct obj_sysctl {
	char set[32];          /* what we set it to: what differs is somebody else's */
	char path[SYSCTL_MAX]; /* key; below /proc/sys, with slashes */
	char value[32];
	char before[32]; /* the value to go back to; "" where the object goes with its device */
	int index;       /* as in obj_route, of the device that the path names */
};

struct obj_netns {
	char name[NFT_NAME_MAX]; /* only in what `plan` prints: the daemon's are anonymous */
};

struct obj_nft_table {
	uint32_t flags; /* NFT_TABLE_F_*; none wanted */
};

struct obj_nft_chain {
	char name[NFT_NAME_MAX]; /* key */
	bool base;
	char type[8]; /* filter, nat */
	uint32_t hook;
	int32_t priority;
};

struct obj_nft_set {
	char name[NFT_NAME_MAX]; /* key */
	enum nft_type types[NFT_FIELDS_MAX];
	uint8_t n_types;
	uint8_t key_len; /* bytes */
	bool vmap;
	enum nft_type data; /* of a map to addresses, else 0 */
	bool data_port;     /* each with a port behind it */
	/* of a dynamic set, whose elements rules add ("update") and time takes away; else 0 */
	uint32_t size, timeout; /* elements; seconds */
};

struct obj_nft_element {
	char set[NFT_NAME_MAX]; /* key */
	struct nft_key key;     /* key */
	bool vmap;
	int32_t verdict;
	char chain[NFT_NAME_MAX];
	struct ip data;     /* of a map to addresses */
	uint16_t data_port; /* with ports; else 0 */
};

struct obj_nft_rule {
	char chain[NFT_NAME_MAX]; /* key */
	uint32_t index;           /* key: its place in the chain */
	uint64_t handle;          /* of an observed rule */
	uint64_t fingerprint;     /* value: of its expressions, see net/nft_codec.h */
	struct nft_rule *rule;    /* NULL in an observed one; owned by the set it is in */
};

/* What an accept of ours is for: what comes from our bridge, replies to it, published ports. */
enum accept_what {
	ACCEPT_FROM,
	ACCEPT_REPLIES,
	ACCEPT_INBOUND, /* to the bridge, with a destination that was translated (--publish) */
	ACCEPT_WHAT_COUNT,
};

/*
 * An accept for our bridge in another firewall's forward chain, recognized by its comment; the
 * statements follow from its key (model/accept.h).
 */
struct obj_nft_accept {
	char table[FOREIGN_NAME_MAX]; /* key */
	char chain[FOREIGN_NAME_MAX]; /* key */
	bool iptables;                /* key: in the words of iptables-nft, whose chain it is */
	enum accept_what what;        /* key */
	uint32_t nth;                 /* key: 0, but for the copies that somebody else made of it */
	uint64_t handle;              /* of an observed one */
};

struct object {
	enum object_kind kind;
	enum place place;
	uint8_t family; /* of nft objects: NFPROTO_* */
	bool attached;  /* of nft objects: in a netns of others, in the table NFT_TABLE_ATTACHED */
	struct object_owner owner; /* of a wanted one: neither key nor value */
	union {
		struct obj_netns netns;
		struct obj_link link;
		struct obj_link link_up; /* only its name */
		struct obj_altname altname;
		struct obj_address address;
		struct obj_route route;
		struct obj_rule rule;
		struct obj_neigh neigh;
		struct obj_fdb fdb;
		struct obj_tc tc;
		struct obj_qdisc qdisc;
		struct obj_sysctl sysctl;
		struct obj_nft_table nft_table;
		struct obj_nft_chain nft_chain;
		struct obj_nft_set nft_set;
		struct obj_nft_element nft_element;
		struct obj_nft_rule nft_rule;
		struct obj_nft_accept nft_accept;
	};
};

bool object_is_nft(const struct object *o);

/* The name of our table that an nft object is in. */
const char *object_table(const struct object *o);

/* The place in the order of making, 0 first. */
int object_rank(const struct object *o);

/* Orders by rank, then by key; 0 means the same thing, whatever its value. */
int object_compare(const struct object *a, const struct object *b);

/* Whether two objects of one key have one value. */
bool object_same(const struct object *a, const struct object *b);

const char *object_kind_name(enum object_kind kind);

/* A name for messages, such as "link via0" or "rule 5180". buf of 160 bytes is returned. */
#define OBJECT_NAME_MAX 160
const char *object_name(const struct object *o, char *buf);

#endif
