/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_WIFI_H
#define VIA_NET_WIFI_H

#include "base/err.h"
#include "model/facts.h"
#include "net/nl.h"

/*
 * nl80211 (linux/nl80211.h) over generic netlink: the network that a Wi-Fi station is connected to.
 * Some kernels (Debian 12) do not report it with the interface; there the scan result with the flag
 * "associated" has it.
 */

/* Fills in the ssid of each link that has one. No nl80211 in the kernel is no error. */
int wifi_observe(struct facts *facts, struct err *err);

/* Bytes only: the requests, and what their answers hold. */
void wifi_get_family(struct nl_msg *m);
uint16_t wifi_decode_family(const struct nlmsghdr *nlh); /* 0: none */
void wifi_dump_interfaces(struct nl_msg *m, uint16_t family);
/* 1 when *ret_index and ssid were filled; an SSID with bytes that are no text is left out. */
int wifi_decode_interface(const struct nlmsghdr *nlh, int *ret_index, char ssid[33]);
void wifi_dump_scan(struct nl_msg *m, uint16_t family, int index);
/* The same of a network in sight: 1 when it is the one that the station is connected to. */
int wifi_decode_scan(const struct nlmsghdr *nlh, int *ret_index, char ssid[33]);

#endif
