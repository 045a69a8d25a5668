/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CAPTURE_FILTER_H
#define VIA_CAPTURE_FILTER_H

#include "base/err.h"

/* Bytes of a packet that are recorded: all of them, as tcpdump(8) has it. */
#define FILTER_SNAPLEN 262144u

/*
 * Compiles a filter of pcap-filter(7) for Ethernet and attaches it to a packet socket (socket(7),
 * SO_ATTACH_FILTER), before that is bound. -EINVAL with libpcap's reason for a filter that it
 * cannot read. Names of hosts in it are looked up (getaddrinfo(3)) where this process is.
 */
int filter_attach(int fd, const char *text, struct err *err);

#endif
