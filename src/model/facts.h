/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_FACTS_H
#define VIA_MODEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/chains.h"
#include "model/medium.h"
#include "model/session.h"
#include "model/set.h"

/*
 * What was observed of the host at one time: the only input of planning about it. Filled by
 * observe() (net/kernel.h), or by hand in a test. Numbers are the kernel's (linux/if.h,
 * linux/rtnetlink.h).
 */

/* IFF_LOWER_UP of linux/if.h, which cannot stand beside net/if.h. */
#define LINK_LOWER_UP 0x10000u

struct fact_link {
	int index;
	char name[IFNAMSIZ];
	char kind[16]; /* IFLA_INFO_KIND: "veth", "bridge", "tun"; "" for hardware */
	enum link_medium medium;
	uint32_t first_altname, n_altnames; /* of facts.altnames */
	char ssid[33];        /* of the network that a Wi-Fi station is connected to */
	struct mac permanent; /* the card's own address; zero when it has none */
	struct mac mac;
	uint32_t mtu, flags; /* IFF_* */
	uint32_t group;      /* ip-link(8), group; 0: default */
	int master;          /* ifindex, 0: none */
	int peer; /* ifindex of the device that it is linked to, maybe in another netns; 0: none */
	uint32_t vrf_table;  /* of a VRF device; 0: it is none */
	bool gateways_found; /* those that are of interest are in the facts */
	uint32_t listed; /* by some list in fact_lists: the last one, counted from 1; 0: by none */
	uint64_t rx_bytes, tx_bytes; /* as the device counts them; 0 unless asked for */
	char alias[ALIAS_MAX];
};

/* An alternative name (ip-link(8), property). The kernel gives it to one device at a time. */
#define ALTNAME_MAX 128 /* ALTIFNAMSIZ of linux/if.h, with the terminator */
struct fact_altname {
	int index; /* of the device */
	char name[ALTNAME_MAX];
};

struct fact_addr {
	int index;
	struct prefix prefix; /* the address with its prefix length */
	uint8_t scope;        /* RT_SCOPE_* */
	uint32_t flags;       /* IFA_F_* */
	bool shared;          /* another device has one in its subnet: facts_index_routing() */
};

struct fact_route {
	uint32_t table, metric;
	struct prefix dst;
	uint8_t type, protocol; /* RTN_*, RTPROT_* */
	int index;              /* of the output device, 0: none */
	struct ip gateway;      /* of either family (RFC 5549) */
	bool onlink;
	bool selects;      /* by TOS or source, and so is not for every packet */
	struct ip src;     /* preferred source of what the host sends by it; may be none */
	uint32_t mtu;      /* of the route (ip-route(8)); 0: the device's */
	uint32_t nexthop;  /* id of its nexthop object (ip-nexthop(8)); 0: none */
	int8_t preference; /* of the router that advertised it (RFC 4191): -1, 0, 1 */
	bool dead;         /* the kernel does not use it: its device is down or without carrier */
	bool silent;       /* its gateway does not answer: plan/silent.h */
	int32_t expires; /* in seconds, of one with a lifetime; less than 0: it is over; 0: none */
};

/*
 * A routing rule that is not ours (ip-rule(8)). What it asks of a packet and is not here - ports,
 * protocol, TOS, uid, tunnel - makes it `special`.
 */
struct fact_rule {
	uint8_t family;
	uint32_t priority;
	uint8_t action;         /* FR_ACT_* of linux/fib_rules.h */
	uint32_t table;         /* of FR_ACT_TO_TBL */
	uint32_t target;        /* of FR_ACT_GOTO: a priority */
	struct prefix src, dst; /* len 0: any */
	char iif[IFNAMSIZ], oif[IFNAMSIZ];
	uint32_t mark, mask;
	bool invert, l3mdev, special;
	int suppress; /* routes of this prefix length and shorter do not count; -1: all do */
};

/*
 * A gateway of an uplink, and its state in the kernel's neighbour table (ip-neighbour(8)). Only
 * gateways among which there is a choice are here: plan/silent.h.
 */
enum gateway_state {
	GATEWAY_UNKNOWN, /* no entry, or the first answer is awaited (NUD_INCOMPLETE) */
	GATEWAY_ANSWERS, /* NUD_VALID: its link-layer address is known */
	GATEWAY_FAILED,  /* NUD_FAILED: the last questions were not answered */
};
struct fact_gateway {
	int index;
	struct ip ip;
	enum gateway_state state;
	bool asked;  /* the kernel was asked for the state */
	bool silent; /* routes through it come last: plan/silent.h */
};

struct fact_sysctl {
	char path[SYSCTL_MAX]; /* as obj_sysctl */
	char value[32];        /* "" when the kernel does not have it */
	char set[32];          /* what we set it to, when we did */
	char before[32];       /* saved before we changed it; "" when we did not */
	int index;             /* of the device whose it is; 0: of none, or not known */
};

/*
 * The sysctls that via-iface sets, and so observes: net/FAMILY/conf/DEV/KEY. Those of the bridge
 * are removed with it; those of an uplink are the host's, and restored.
 */
struct own_sysctl {
	const char *family, *key, *value;
};
#define BRIDGE_SYSCTL_COUNT 11
#define UPLINK_SYSCTL_COUNT 3
extern const struct own_sysctl bridge_sysctls[BRIDGE_SYSCTL_COUNT];
extern const struct own_sysctl uplink_sysctls[UPLINK_SYSCTL_COUNT];
/* The host does not speak IPv6 on a port. */
extern const struct own_sysctl port_sysctl;

/* The host's memory for fragments, of either family (plan/fragments.c). */
#define FRAGMENT_SYSCTL_COUNT 2
extern const char *const fragment_sysctls[FRAGMENT_SYSCTL_COUNT];

void own_sysctl_path(const struct own_sysctl *s, const char *dev, char path[SYSCTL_MAX]);

/*
 * Settings that a new netns does not take over from the host: where the host's differ from what a
 * fresh one has, a session gets the host's.
 */
#define INHERITED_COUNT      25
#define INHERITED_PORT_START 0 /* where ip_unprivileged_port_start stands */
extern const char *const inherited_sysctls[INHERITED_COUNT]; /* paths, as in obj_sysctl */
struct fact_inherited {
	char host[32], fresh[32]; /* "" where the kernel does not have it */
};

/*
 * An uplink that some session lists, and the number that its mark and table have. The uplink is the
 * device of that index (plan/rename.h); the name is that of the last observation.
 */
struct fact_slot {
	uint32_t slot;
	char uplink[IFNAMSIZ];
	int index;      /* 0: not known; also one that has gone */
	struct mac mac; /* its permanent one, where it has one; zero: not known */
	bool late; /* no session has it any more; it stays for what still comes (daemon/late.h) */
};

/* An uplink that sessions may not use now: the kernel refused something that it needs. */
struct fact_refused {
	char uplink[IFNAMSIZ];
	struct session_refused what;
};

/*
 * What the program that configured a device, by its index, says of it: name servers, and the
 * gateway, which need not be in any route. Of the host as a whole (index 0) the servers that
 * programs outside ask. Where the servers were found is for the reader.
 */
#define DNS_SERVERS_MAX 8
#define DNS_DOMAINS_MAX 256
#define DNS_OPTIONS_MAX 192
enum dns_mode { DNS_MODE_NO, DNS_MODE_MAYBE, DNS_MODE_YES };
struct fact_dns {
	int index;
	struct ip servers[DNS_SERVERS_MAX];
	size_t n;
	char domains[DNS_DOMAINS_MAX]; /* to search, with spaces between */
	char options[DNS_OPTIONS_MAX]; /* of resolv.conf(5), that the reader knows; the same */
	char source[32];               /* "NetworkManager", "systemd-networkd", … */
	struct ip gateway4, gateway6;  /* none: it does not say */
	/* a login page answers in place of the internet (NetworkManager, NM_CONNECTIVITY_PORTAL) */
	bool portal;
	/* DNSOverTLS= and DNSSEC= of systemd-resolved; only where dns_protection() was called */
	enum dns_mode tls, dnssec;
};

/*
 * A chain of another firewall on the path of forwarded packets: a base chain of the forward hook,
 * or one that a known firewall keeps for others' rules and jumps to from there.
 */
struct fact_chain {
	uint8_t family; /* NFPROTO_INET, _IPV4, _IPV6 */
	char table[FOREIGN_NAME_MAX];
	char name[FOREIGN_NAME_MAX];
	bool base;         /* at the hook; else one of guest_chains */
	bool owned;        /* only the program that made the table can change it */
	bool drops;        /* its policy */
	bool closes;       /* a rule drops or rejects whatever is left */
	uint32_t leads_to; /* guest_chains[i] that it always jumps to, as bits */
};
/*
 * A rule of others that may stop what sessions send or get, as far as can be seen (net/stops.h).
 */
enum stop_kind {
	STOP_DROP,     /* it drops or rejects, on some condition */
	STOP_PROXY,    /* it hands packets to a program of this host (TPROXY) */
	STOP_RPFILTER, /* it drops what has no way back without our mark, before conntrack */
	STOP_COUNT,
};
struct fact_stop {
	enum stop_kind kind;
	uint8_t family; /* NFPROTO_* */
	char table[FOREIGN_NAME_MAX], chain[FOREIGN_NAME_MAX];
	uint64_t handle;
};

/*
 * A session's connections of the last seconds to one port: their first packets came, and did not
 * get to our forward chain. Of protocol 0: some did get there.
 */
struct fact_pending {
	struct ip session;
	uint8_t protocol;
	uint16_t port; /* of TCP and UDP; else of no meaning */
};

#define GUEST_CHAIN_COUNT 3
extern const char *const guest_chains[GUEST_CHAIN_COUNT];

/*
 * Where things are in the arrays of the facts: lookup.c. Each part is used only while it holds as
 * many as its array; facts that were made by hand, and have none, are searched from end to end.
 */
struct facts_index {
	struct chains names, numbers; /* of links */
	struct chains altnames;
	struct chains addrs, routes; /* by the device's number */
	struct {
		uint32_t *v; /* places of routes that stop or pass on, whatever the device;
				ascending */
		size_t n, size;
	} stops;
	struct chains sysctls; /* by path */
};

/*
 * What the sessions' lists mean on this host: resolved once (plan/uplink.h, uplinks_resolve()) and
 * shared by all sessions with the same list. Devices are numbers, in the order of preference.
 */
struct fact_choice {
	int index;
	uint8_t word; /* of the list: the first that means this device */
};
struct fact_lists {
	struct fact_list {
		struct uplink_list list;
		uint32_t first, n; /* of choices */
	} * v;
	size_t n, size;
	struct chains by_bytes; /* of the list */
	struct {
		struct fact_choice *v;
		size_t n, size;
	} choices;
	struct {
		struct fact_word {
			uint32_t list; /* the first that has it, and its place there */
			uint8_t word;
			bool condition;
			uint32_t first, n; /* of devices: those that it means */
		} * v;
		size_t n, size, conditions;
		struct chains by_text;
	} words; /* of all lists, each once */
	struct {
		int *v;
		size_t n, size;
	} devices;
	size_t comparisons; /* of a word with an interface, to find all this */
};

struct facts {
	struct {
		struct fact_link *v;
		size_t n, size;
	} links;
	struct {
		struct fact_altname *v;
		size_t n, size;
	} altnames; /* those of one link stand together, in the kernel's order */
	struct {
		struct fact_addr *v;
		size_t n, size;
	} addrs;
	struct {
		struct fact_route *v;
		size_t n, size;
	} routes;
	struct {
		struct fact_rule *v;
		size_t n, size;
	} rules; /* in the order in which the kernel asks them, of each family */
	struct {
		struct fact_gateway *v;
		size_t n, size;
	} gateways;
	struct {
		struct fact_sysctl *v;
		size_t n, size;
	} sysctls;
	struct {
		struct fact_slot *v;
		size_t n, size;
	} slots;
	struct {
		struct session *v;
		size_t n, size;
	} sessions;
	struct {
		struct session *v;
		size_t n, size;
	} spares; /* namespaces that no session has yet (SESSION_SPARE) */
	struct {
		struct fact_dns *v;
		size_t n, size;
	} dns;
	struct {
		struct fact_refused *v;
		size_t n, size;
	} refused;
	/* A directory of leases that may not be read while no server of an uplink was found; or
	 * NULL.
	 */
	const char *leases_denied;
	struct {
		struct fact_chain *v;
		size_t n, size;
	} chains;
	struct {
		struct fact_stop *v;
		size_t n, size;
	} stops;
	struct {
		struct fact_pending *v;
		size_t n, size;
	} pending;
	struct port_range local_ports;     /* ip_local_port_range; 0-0: not known */
	struct port_ranges reserved_ports; /* ip_local_reserved_ports */
	struct port_ranges socket_ports;   /* that sockets of the host wait on, but for loopback */
	bool tracks_sctp;                  /* conntrack tells flows of SCTP apart by their ports */
	bool no_shaper;                    /* the kernel has no tbf(8): of sessions with a rate */
	bool no_socket_match;              /* nftables cannot ask for the socket of a packet */
	struct fact_inherited inherited[INHERITED_COUNT];
	bool fresh_known;       /* inherited[].fresh is filled in */
	struct object_set ours; /* sorted */
	struct facts_index index;
	struct fact_lists lists;
	bool nft_visible;       /* false to a caller without CAP_NET_ADMIN */
	uint32_t conntrack_max; /* nf_conntrack_max; 0: not told */
	bool legacy_filter;     /* iptables-legacy filters here, which nf_tables cannot show */
	uint8_t host_id[16];    /* of the machine, hashed; zero when it has none */
};

/* A link by its name, by its number (not 0), and by one of its altnames; or NULL. */
const struct fact_link *facts_link(const struct facts *f, const char *name);
const struct fact_link *facts_link_by_index(const struct facts *f, int index);
/* The VRF that an interface is in (ip-link(8), vrf); NULL: in none. */
const struct fact_link *facts_vrf(const struct facts *f, const struct fact_link *link);
const struct fact_link *facts_link_by_altname(const struct facts *f, const char *name);
bool facts_has_altname(const struct facts *f, const struct fact_link *l, const char *name);

/*
 * The addresses and routes of a device, in their order: the next one behind `after`, the first
 * behind NULL, NULL behind the last.
 */
const struct fact_addr *facts_next_addr(const struct facts *f, int index,
					const struct fact_addr *after);
const struct fact_route *facts_next_route(const struct facts *f, int index,
					  const struct fact_route *after);

/* The same for routes that stop or pass on (RTN_UNREACHABLE and such), of whatever device. */
const struct fact_route *facts_next_stop(const struct facts *f, const struct fact_route *after);

/*
 * Whether the kernel prefers a route to another one (NULL: none) for the same destination in the
 * same table: by metric, then by a router's preference (RFC 4191), then by its place in the facts.
 */
bool facts_is_better_route(const struct fact_route *r, const struct fact_route *than);

/*
 * Makes the index of the links, and of addresses and routes, once they are all there. A link that
 * comes later is pushed and told of; one that goes, or gets its number, does so by these alone.
 */
int facts_add_altname(struct facts *f, const char *name); /* of the last link; 0 or -ENOMEM */
void facts_index_links(struct facts *f);
void facts_index_routing(struct facts *f);
void facts_link_added(struct facts *f); /* the last one */
void facts_remove_link(struct facts *f, const char *name);
void facts_number_link(struct facts *f, const char *name, int index);
void facts_sysctl_added(struct facts *f); /* the last one */
/*
 * The name servers and gateway of a device; those of the host have index 0; NULL when none were
 * found.
 */
const struct fact_dns *facts_dns(const struct facts *f, int index);
const struct fact_sysctl *facts_sysctl(const struct facts *f, const char *path);

/* A gateway of a device, or NULL. */
struct fact_gateway *facts_gateway(const struct facts *f, int index, const struct ip *ip);

/* Somebody else's chain, or NULL. */
const struct fact_chain *facts_chain(const struct facts *f, uint8_t family, const char *table,
				     const char *name);

/* The slot of an uplink, or 0. */
uint32_t facts_slot(const struct facts *f, const char *uplink);
const char *facts_slot_uplink(const struct facts *f, uint32_t slot); /* or NULL */

/* What the kernel refused for an uplink, or NULL. The daemon alone knows (daemon/refused.h). */
const struct fact_refused *facts_refused(const struct facts *f, const char *uplink);

/* Whether the host has that address, on whatever device. */
bool facts_has_address(const struct facts *f, const struct ip *ip);

/*
 * Whether an address shares its subnet with an address of another device: of the one with that
 * index, or of any when it is 0.
 */
bool facts_same_subnet(const struct facts *f, const struct fact_addr *a, int index);

/*
 * Whether ip can be a neighbour on that device: it lies in the subnet of an address there, and is
 * neither one of the device's own nor, in IPv4, what stands for the whole subnet.
 */
bool facts_is_neighbour(const struct facts *f, int index, const struct ip *ip);

/*
 * Our bridge, by its alias, or by its MAC when the daemon was killed before it set the alias. A
 * foreign via0 has neither. The other tests of ownership are in model/own.h.
 */
bool facts_is_our_bridge(const struct fact_link *l);
struct mac facts_bridge_mac(void);

void facts_done(struct facts *f);

#define _cleanup_facts_ __attribute__((cleanup(facts_done)))

#endif
