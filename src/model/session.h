/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_SESSION_H
#define VIA_MODEL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/host_ports.h"
#include "model/object.h"
#include "model/publish.h"
#include "model/rate_limits.h"
#include "model/uplink_list.h"

/*
 * A session is what its port's alias says. The alias is one line of eight words:
 *
 *	via1 ID UID SLOT NETNS-INODE UPLINKS OPTIONS NAME
 *
 * SLOT is the one in use, 0 is blocked. UPLINKS is the list as it was asked for. OPTIONS is a
 * comma-separated list of host=N (the place in the pool), since=SECONDS (of the epoch) and the
 * options of the run that outlive the launch: dns=ADDR/ADDR, dev=NAME, its device's name where that
 * is not eth0, share=GROUP, host-port=PORT[u]/PORT[u], u for UDP, rate=DOWN/UP in bytes a second,
 * publish=… (model/publish.h),
 * probe=ID, the parent of a probe session, refused=KIND/ERRNO, what the kernel refused (left out
 *where the alias has no room), and via=NAME, the device in use where UPLINKS is not just its name.
 *KIND is a number (enum object_kind). In UPLINKS and NAME a blank, a '%' and what does not print is
 *written %XX.
 *
 * With `spare` in OPTIONS it is no session, but what the next one may be made of: its UID is
 * SESSION_UID_NONE and its SLOT 0, and nftables does not know its port.
 */

#define SESSION_NAME_BYTES 32 /* as session_name_valid() has it */
#define SESSION_NAME_MAX   36 /* with the terminator, and rounded up */
#define SESSION_SHARE_MAX  16 /* a group's name of --share, with the terminator */
#define SESSION_ALIAS_WORD "via1"
#define BRIDGE_NAME        "via0"
#define BRIDGE_ALIAS       SESSION_ALIAS_WORD " bridge"
#define PORT_PREFIX        "viap"
#define SESSION_DEV        "eth0"
#define SESSION_UID_NONE   UINT32_MAX /* nobody has it: chown(2), (uid_t)-1 */

/* Name servers of a session's own: as many as a resolver asks (resolv.conf(5), MAXNS). */
#define SESSION_DNS_MAX 3

/* Places in the pool, a /22: .1 and .2 are the host's, the last one is the broadcast address. */
#define SESSION_HOST_FIRST 3u
#define SESSION_HOST_LAST  1022u

enum session_flag {
	SESSION_NO_IPV6 = 1 << 0,
	SESSION_NO_LAN = 1 << 1,
	SESSION_HOST_ACCESS = 1 << 2,
	SESSION_KEEP = 1 << 3,
	SESSION_PAUSED = 1 << 4,        /* of a running session: blocked until it is resumed */
	SESSION_ATTACHED = 1 << 5,      /* its netns was there before, and stays when it ends */
	SESSION_REPLACE_ROUTE = 1 << 6, /* of a request: ours goes before their default route */
	SESSION_BY_ROOT = 1 << 7,       /* another user's, but root chose its uplinks */
	SESSION_FALLBACK = 1 << 8, /* attached: its own default route serves when ours does not */
	SESSION_NAME_GIVEN = 1 << 10, /* of a request: the name as it is, or no session */
	SESSION_NAME_AGAIN = 1 << 11, /* of a request: the user's own of that name are closing */
	SESSION_PENDING = 1 << 12,    /* of a request: blocked until an uplink can serve */
	SESSION_JOIN = 1 << 13, /* of a request: the owner's session of that name, or a new one */
	SESSION_SPARE =
		1 << 14, /* nobody's yet: a netns that is ready for a launch (daemon/spare.h) */
	SESSION_PORTS_AGAIN = 1 << 15, /* of a request: the user's own that publish its ports are
					  closing */
	SESSION_PORTAL = 1 << 16,      /* it opens a login page: its uplink may be behind one */
	SESSION_PORTAL_LAN = 1 << 17,  /* and reaches the LAN as other sessions do */
	SESSION_FOREIGN_RESOLVER = 1 << 9, /* attached: name servers on its own devices are asked */
};

/* Entries of connection tracking that a session may have at once, in each family. */
#define SESSION_CONNECTIONS_DEFAULT 8192u
#define SESSION_CONNECTIONS_MAX     65536u

/* What the kernel refused so that the session is blocked. */
struct session_refused {
	uint32_t code; /* errno; 0: nothing */
	enum object_kind kind;
};

struct session {
	uint32_t id; /* also the port's number */
	uint32_t uid;
	uint32_t slot;
	uint64_t netns;             /* inode */
	struct uplink_list uplinks; /* as it was asked for; a renamed device has its new name */
	char name[SESSION_NAME_MAX];
	uint32_t host;                  /* the address is the pool's first plus this */
	uint64_t since;                 /* seconds since the epoch */
	uint32_t flags;                 /* enum session_flag */
	uint32_t mtu;                   /* of its device */
	struct ip dns[SESSION_DNS_MAX]; /* its own name servers (--dns) */
	uint32_t n_dns;                 /* 0: those of the uplink */
	char uplink[IFNAMSIZ];          /* whose slot it is, "" when blocked */
	char recorded[IFNAMSIZ];        /* the same as its alias had it when that was read */
	char device[IFNAMSIZ];          /* its device inside; "": SESSION_DEV */
	char share[SESSION_SHARE_MAX];  /* its group, of those of its uid; "": it is in none */
	struct host_ports host_ports;   /* --host-port */
	struct rate_limits rates;       /* --rate, or what the policy allows */
	struct publish_list published;  /* --publish */
	uint32_t probe_of;              /* id of the parent whose probe session it is; 0: it is none
					   (plan/probe.h) */
	struct session_refused refused;
	uint32_t connections; /* at once; 0: SESSION_CONNECTIONS_DEFAULT */
	uint32_t person;      /* whose uid it is (daemon/persons.h); 0: the uid itself */
	bool carrier_off; /* its inner device has no carrier now (plan/failover.h); not in the alias
			   */
};

/* Returns 0, or -EMSGSIZE when the words do not fit into ALIAS_MAX. */
int session_format(const struct session *s, char alias[ALIAS_MAX], struct err *err);

/*
 * Strict. Returns 0, or -EINVAL with *ret untouched: then it is no alias of ours. A name of digits
 * alone is taken: sessions of earlier versions have some. Of UPLINKS those words count that stand
 * before one which is none, and UPLINK_WORDS_MAX of them: earlier versions had no such limit.
 */
int session_parse(const char *alias, struct session *ret);

/* Whether a group of --share may be called so: as a session, and not longer than 15 bytes. */
bool session_share_valid(const char *group);

/* Whether both are in one group: of one uid, and of one name. */
bool session_shares(const struct session *a, const struct session *b);

/* The name of its device inside. */
const char *session_device(const struct session *s);

/* The port's name, viap<ID>. */
void session_port(uint32_t id, char port[IFNAMSIZ]);
#endif
