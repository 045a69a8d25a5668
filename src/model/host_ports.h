/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_HOST_PORTS_H
#define VIA_MODEL_HOST_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * --host-port: ports of the loopback addresses (127.0.0.1, ::1) inside a session that lead to the
 * same ports of the host's loopback addresses (launch/host_ports.h).
 */

#define SESSION_HOST_PORTS_MAX 8
#define HOST_PORTS_TEXT_MAX    96 /* "65535/udp, " for each, and rounded up */

struct host_port {
	uint16_t port; /* 1 to 65535; 0: this place and those behind it are empty */
	uint16_t udp;  /* 1: UDP, 0: TCP */
};

/* In ascending order, of two with one number TCP first, and each once. Without padding. */
struct host_ports {
	struct host_port v[SESSION_HOST_PORTS_MAX];
};

/*
 * Adds "PORT[/udp][,PORT[/udp]…]", with blanks behind commas. Port 53 is none of them: there the
 * session's name servers are asked (plan/dns.c). Returns NULL, or what is wrong with the text; *to
 * is then undefined.
 */
const char *host_ports_add(const char *text, struct host_ports *to);

/* Whether the struct is as above, whoever filled it. */
bool host_ports_valid(const struct host_ports *p);

bool host_ports_equal(const struct host_ports *a, const struct host_ports *b);

/* How many there are. */
unsigned int host_ports_count(const struct host_ports *p);

/* "5037, 53000/udp": a list that host_ports_add() reads, with what stands between two of them. */
const char *host_ports_format(const struct host_ports *p, const char *between,
			      char ret[HOST_PORTS_TEXT_MAX]);

#endif
