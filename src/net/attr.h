/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_ATTR_H
#define VIA_NET_ATTR_H

/*
 * Reading attributes of netlink messages (netlink(7)). An attribute that is missing or too short
 * has the value that the caller falls back to.
 */

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/ip.h"

/* Attributes by type, 0 to max; NULL where there is none. Types past max are passed over. */
void attrs_of(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb, uint16_t max);
void attrs_in(const struct nlattr *nest, const struct nlattr **tb, uint16_t max); /* or NULL */
void attrs_in_bytes(const void *bytes, size_t len, const struct nlattr **tb, uint16_t max);

uint8_t u8_of(const struct nlattr *attr, uint8_t fallback);
uint16_t u16_of(const struct nlattr *attr, uint16_t fallback);
uint32_t u32_of(const struct nlattr *attr, uint32_t fallback);
/* Text, cut off where it does not fit; "" without the attribute. */
void text_of(const struct nlattr *attr, char *ret, size_t size);
/* Text with its terminator, borrowed of the message; NULL without the attribute or terminator. */
const char *str_of(const struct nlattr *attr);
/* An address of that family; none (family 0) without one. */
struct ip ip_of(const struct nlattr *attr, uint8_t family);
/* struct rtvia of RTA_VIA: an address of a family of its own. */
struct ip via_of(const struct nlattr *attr);
bool mac_of(const struct nlattr *attr, struct mac *ret);

/*
 * RTM_DEL… is the number behind RTM_NEW…, and the message has the same layout; events are of both
 * types.
 */
bool is_about(const struct nlmsghdr *nlh, uint16_t new_type);
bool too_short(const struct nlmsghdr *nlh, size_t header);

#endif
