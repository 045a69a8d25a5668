/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_HOST_PORTS_INTERNAL_H
#define VIA_LAUNCH_HOST_PORTS_INTERNAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "model/host_ports.h"

/* The helper of --host-port: one loop, epoll(7), over what is below. */

/* Of one helper. Behind them listening sockets are left alone, and a UDP peer replaces another. */
#define RELAY_CONNECTIONS_MAX 256
#define RELAY_PEERS_MAX       64
#define RELAY_WATCHED_MAX     16 /* processes */

/* No datagram in either direction for so long, and a UDP peer's socket is closed. */
#define RELAY_IDLE_MS 120000

struct relay;

/* What epoll_wait(2) reports. A source stays where it is while its descriptor is registered. */
struct source {
	void (*ready)(struct relay *r, struct source *s, uint32_t events);
	int fd;
	uint32_t events; /* that are registered; 0: it is not */
};

struct listener {
	struct source source;
	uint16_t port;
	int family; /* AF_INET, AF_INET6 */
	bool udp;
};

struct connection;
struct peer;
struct datagrams;

struct relay {
	int epoll;
	bool over; /* the loop ends */
	struct listener listeners[2 * SESSION_HOST_PORTS_MAX];
	unsigned int n_listeners;

	/* TCP */
	unsigned int connections, connections_max;
	bool accepting;
	int64_t accept_again;    /* clock_ms(); 0: when a connection ends */
	int spare[2];            /* an empty pipe, or -1 */
	struct connection *dead; /* to be freed when no event of this turn names them */

	/* UDP; the first peer is the one that was used last */
	struct peer *first, *last;
	unsigned int peers;
	struct peer *dead_peers;
	struct datagrams *datagrams;
};

/* Registers exactly these events (EPOLLIN …) of a source; 0: none. 0 or a negative errno. */
int relay_watch(struct relay *r, struct source *s, uint32_t events);

/* Unregisters and closes it. */
void relay_close(struct relay *r, struct source *s);

/* --- host_ports_tcp.c ------------------------------------------------------------------------ */

/* Registers TCP listening sockets or leaves them alone, by what there is room for. */
void relay_tcp_listen(struct relay *r, bool accepting);
void relay_tcp_ready(struct relay *r, struct source *s, uint32_t events);
void relay_tcp_free_dead(struct relay *r);

/* --- host_ports_udp.c ------------------------------------------------------------------------ */

/* Room for datagrams: 0 or -ENOMEM. */
int relay_udp_init(struct relay *r);
void relay_udp_ready(struct relay *r, struct source *s, uint32_t events);

/* Closes peers that were idle. Returns when the next one is due (clock_ms()), 0: there is none. */
int64_t relay_udp_expire(struct relay *r);
void relay_udp_free_dead(struct relay *r);

#endif
