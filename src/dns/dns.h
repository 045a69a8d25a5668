/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DNS_DNS_H
#define VIA_DNS_DNS_H

/*
 * Which name servers an uplink has, and which gateway. There is no one place to ask: resolv.conf
 * mixes all links, a card that serves its own network only has no default route, so each program
 * that configures links is asked, or the file that it keeps is read, in the order of trust. The
 * first that names a server is believed, and the first that names a gateway; nothing is added up.
 *
 * Who configures the link and says what is in force goes first:
 *   1. NetworkManager, over D-Bus: device, DNS manager, VPN connections
 *   2. its device files
 *   3. ConnMan, over D-Bus, and its VPNs
 *   4. systemd-networkd's link and lease files, which have netplan's settings too
 * then who was told what to use for it, by whomever (iwd, wg-quick, OpenVPN, resolvectl):
 *   5. systemd-resolved, over D-Bus, for servers alone
 * then what somebody on the link said, to clients that leave the rest to others:
 *   6. leases of dhclient, dhcpcd and udhcpc
 *   7. what resolvconf was told
 *   8. what the peer told pppd
 *   9. bearers of ModemManager, over D-Bus
 * then what was written down before anybody was asked:
 *  10. what the initramfs configured (klibc's ipconfig)
 *  11. ifupdown's configuration of an interface that it brought up
 * and at last a guess:
 *  12. the gateway, where it is a router with a private address
 *
 * Not read: wg-quick's own /etc/wireguard (private keys; wg-quick hands DNS= to resolvconf, and
 * fails where there is none), netplan's YAML and networkd's .network files (what is in force is in
 * 4), /run/systemd/netif/state (it mixes all links), and iwd over D-Bus (net.connman.iwd has
 * neither servers nor gateway: those are in 5 or 7, and in the kernel's routes).
 *
 * A file may be from yesterday: a lease counts only while its address is on the link. Servers that
 * nobody can be sent to (loopback, multicast) are left out everywhere, and so is a gateway outside
 * of the link's own networks. A link-local server of IPv6 is on the link that is asked about,
 * whatever zone is written behind it; of the host as a whole it is left out. Nobody is asked for a
 * gateway alone while a default route leads through the link.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/facts.h"

#define DNS_ROOT_MAX  256
#define DNS_WATCH_MAX 32 /* directories */
#define DNS_FDS       2  /* descriptors to poll */
#define DNS_SERVICES  5  /* on the bus */

struct sd_bus;

/* For dns_open() to dns_close(), and not to be moved between. The members are private. */
struct dns {
	char root[DNS_ROOT_MAX];
	struct sd_bus *bus;            /* NULL: not connected */
	char owners[DNS_SERVICES][40]; /* of each service's name on the bus; "": not there */
	uint32_t asked;                /* whose owner is known, a bit each */
	struct {
		int64_t until; /* clock_ms() until which it is not asked; 0: it may be asked */
		int64_t ms;    /* the last backoff, ms; 0: it answered since */
	} backoff[DNS_SERVICES + 1]; /* each service, and the bus */
	bool bus_changed;            /* a signal of interest came */
	int wait_ms;                 /* for all that one service is asked about one link */
	int inotify;                 /* -1: not watching */
	struct {
		int wd;         /* -1: none */
		char wait[256]; /* the child that is waited for; "": the place itself is watched */
	} watches[DNS_WATCH_MAX];
	char linked_dir[DNS_ROOT_MAX]; /* where resolv.conf leads to */
};

/*
 * root is put before the path of each file and of the bus's socket; "" but in a test. Nothing is
 * opened yet. 0 or -ENAMETOOLONG.
 */
int dns_open(struct dns *n, const char *root, struct err *err);
void dns_close(struct dns *n); /* also of a zeroed one, and twice */

/*
 * For who only tells: each service is given 3 s instead of 300 ms. On a busy host the answer would
 * otherwise be another one than the daemon's, from a source that is trusted less.
 */
void dns_take_time(struct dns *n);

/*
 * The servers, search domains and gateways of a link, by the links, addresses and routes in f;
 * ret->index is the link's. A server of either family can be there, or a gateway alone. 0; or
 * -ENOENT, with a sentence that says who was asked and how to name a server by hand. Each
 * service on the bus is given 300 ms, and all together twice that; who does not answer in time is
 * not asked again for a second, or until it is another one, and each time that it does not, for
 * twice as long, up to half a minute.
 */
int dns_of_link(struct dns *n, const struct facts *f, const struct fact_link *link,
		struct fact_dns *ret, struct err *err);

/*
 * What NetworkManager asks for to find login pages (ConnectivityCheckUri). Returns 0 with that in
 * ret, if it is one of http, or -ENOENT with ret unchanged.
 */
#define DNS_URL_MAX 256
int dns_check_url(struct dns *n, char ret[DNS_URL_MAX]);

/*
 * Whom the programs of the host itself ask: resolv.conf, and what stands behind it when it names
 * a resolver on the loopback. ret->index is 0, and ret->n may be: a file that is not there is no
 * error, one that cannot be read is left out.
 */
int dns_of_host(struct dns *n, struct fact_dns *ret, struct err *err);

/*
 * Adds to the facts what they do not have yet: of one uplink; or with NULL of the host and of all
 * uplinks that have a slot. An uplink of which nobody knows anything is no error. 0 or -ENOMEM.
 */
int dns_observe(struct dns *n, const char *uplink, struct facts *f, struct err *err);

/*
 * Adds to the name servers of links that are in the facts, from f->dns.v[first] on, whether
 * systemd-resolved asks them by TLS and validates their answers; where it does not answer, nothing.
 * It costs a question for each link, and changes nothing of how sessions ask: for verbs that tell.
 */
void dns_protection(struct dns *n, struct facts *f, size_t first);

/*
 * Starts to watch all of the above for changes. Directories are watched, since files are replaced
 * by rename; of one that is not there, its nearest parent. Also connects to the bus, if there is
 * one. 0, also when some place cannot be watched.
 */
int dns_watch(struct dns *n, struct err *err);

/* Fills in what is to be polled; an fd of -1, which poll(2) passes over, where there is nothing. */
void dns_poll(const struct dns *n, struct pollfd ret[DNS_FDS]);

/*
 * When somebody who did not answer in time may be asked again, by clock_ms(); INT64_MAX when there
 * is no such. dns_take_events() is to be called then, too.
 */
int64_t dns_retry_at(const struct dns *n);

/*
 * Reads whatever is pending, without waiting. True when the answer to either question may be
 * another one now. To be called when one of the descriptors has an event, POLLHUP too.
 */
bool dns_take_events(struct dns *n);

#endif
