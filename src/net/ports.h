/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_PORTS_H
#define VIA_NET_PORTS_H

#include "model/facts.h"

/*
 * Which ports of TCP and UDP are the host's: those that it assigns itself, those that it must not
 * assign (ip-sysctl.rst: ip_local_port_range, ip_local_reserved_ports), and those that its sockets
 * are bound to (sock_diag(7)). Fills facts; what cannot be read is left empty. Returns 0 or
 * -ENOMEM.
 */
struct sysctl_dirs; /* net/sysctl.h */
int ports_observe(const struct sysctl_dirs *dirs, struct facts *facts, struct err *err);

/*
 * A socket of the host to which anybody's connections or datagrams come: one of TCP that listens,
 * one of UDP that is not connected.
 */
struct port_socket {
	struct ip address; /* all bytes 0: every address */
	bool both;         /* of IPv6 on every address: also of IPv4 */
	bool udp;
	uint16_t port;
	int index; /* of the device that it is bound to, or 0 */
};

/* Calls take for each, by sock_diag(7). Returns 0, or -errno when the kernel does not tell. */
int ports_each_socket(void (*take)(const struct port_socket *s, void *arg), void *arg,
		      struct err *err);

/* Whether one of the two sysctls is not what the facts say. */
bool ports_differ(const struct sysctl_dirs *dirs, const struct facts *facts);

/* Their files below /proc/sys; ends with NULL. */
extern const char *const port_sysctls[];

/* For tests: reads "1024-2048,5000" into ranges. Returns 0, -EBADMSG or -ENOMEM. */
int ports_parse(const char *text, struct port_ranges *ret);

#endif
