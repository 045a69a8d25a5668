/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_MEDIUM_H
#define VIA_MODEL_MEDIUM_H

/* What an interface is, for a person: a condition of a list of uplinks, too. */
enum link_medium {
	MEDIUM_ETHERNET,
	MEDIUM_WIFI,
	MEDIUM_WWAN,
	MEDIUM_VPN, /* tunnels of every kind */
	MEDIUM_OTHER,
	MEDIUM_COUNT,
};

/* "ethernet", "wifi", "wwan", "vpn", "other": as the command line has it. */
const char *link_medium_name(enum link_medium medium);

/* The one of that name, as a list of uplinks may have it; MEDIUM_OTHER: no such one. */
enum link_medium link_medium_of(const char *name);

#endif
