/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_BINDING_H
#define VIA_LAUNCH_BINDING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Arguments that tell a program to bind to an address or a device. The device inside has the
 * uplink's name as an altname, which SO_BINDTODEVICE takes; what cannot work is an address of the
 * host, and a program that looks the name up with getifaddrs(3).
 */

struct binding {
	const char *option; /* "--bind-address=192.0.2.1" or "-b" */
	size_t option_len;  /* of the option's name */
	const char *value;
	bool address; /* the value is an IP address, else a name that is looked up */
};

/*
 * The first such argument from argv[*at] on, and *at moves behind it; false when there is none. An
 * option is known by a word in its name (bind, source, interface, listen, address), or by its
 * letter. Pure.
 */
bool binding_next(char *const argv[], size_t *at, struct binding *ret);

/* Whether this host has the address, and not on lo. */
bool binding_is_of_host(const char *address);

#endif
