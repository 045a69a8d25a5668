/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_SAMPLES_H
#define VIA_TESTS_SAMPLES_H

#include <stddef.h>

/*
 * The files in tests/unit/samples, which other programs wrote: NetworkManager 1.42.4,
 * systemd-networkd and systemd-resolved 252, dhclient 4.4.3 and dhcpcd 9.4.1, each with the same
 * DHCP, DHCPv6 and router advertisements of dnsmasq 2.90 on enp7s0.
 */

/* A sample's bytes, the caller's to free(3); one that is not there aborts. */
char *sample(const char *name, size_t *ret_len);

#endif
