/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/attr.h"

#include <string.h>

/* Attributes by type. Those past max are of a newer kernel, and ignored. */
struct attrs {
	const struct nlattr **tb;
	uint16_t max;
};

static int collect(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= a->max)
		a->tb[type] = attr;
	return MNL_CB_OK;
}

void attrs_of(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb, uint16_t max)
{
	struct attrs a = { .tb = tb, .max = max };

	for (size_t i = 0; i <= max; i++)
		tb[i] = NULL;
	mnl_attr_parse(nlh, (unsigned int)header, collect, &a);
}

void attrs_in_bytes(const void *bytes, size_t len, const struct nlattr **tb, uint16_t max)
{
	struct attrs a = { .tb = tb, .max = max };

	for (size_t i = 0; i <= max; i++)
		tb[i] = NULL;
	mnl_attr_parse_payload(bytes, len, collect, &a);
}

void attrs_in(const struct nlattr *nest, const struct nlattr **tb, uint16_t max)
{
	struct attrs a = { .tb = tb, .max = max };

	for (size_t i = 0; i <= max; i++)
		tb[i] = NULL;
	if (nest)
		mnl_attr_parse_nested(nest, collect, &a);
}

uint32_t u32_of(const struct nlattr *a, uint32_t fallback)
{
	uint32_t v;

	if (!a || mnl_attr_get_payload_len(a) < sizeof(v))
		return fallback;
	memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
	return v;
}

uint16_t u16_of(const struct nlattr *a, uint16_t fallback)
{
	return a && mnl_attr_get_payload_len(a) >= sizeof(uint16_t) ? mnl_attr_get_u16(a)
								    : fallback;
}

uint8_t u8_of(const struct nlattr *a, uint8_t fallback)
{
	return a && mnl_attr_get_payload_len(a) >= 1 ? mnl_attr_get_u8(a) : fallback;
}

const char *str_of(const struct nlattr *a)
{
	return a && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0 ? mnl_attr_get_str(a) : NULL;
}

void text_of(const struct nlattr *a, char *ret, size_t size)
{
	size_t len = a ? mnl_attr_get_payload_len(a) : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(ret, mnl_attr_get_payload(a), len);
	ret[len] = 0;
}

struct ip ip_of(const struct nlattr *a, uint8_t family)
{
	struct ip ip = { .family = family };

	if (!a || mnl_attr_get_payload_len(a) < ip_size(&ip) || !ip_size(&ip))
		return (struct ip){ 0 };
	return ip_from_bytes(family, mnl_attr_get_payload(a));
}

bool mac_of(const struct nlattr *a, struct mac *ret)
{
	if (!a || mnl_attr_get_payload_len(a) != sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, mnl_attr_get_payload(a), sizeof(ret->bytes));
	return true;
}

bool is_about(const struct nlmsghdr *nlh, uint16_t new_type)
{
	return nlh->nlmsg_type == new_type || nlh->nlmsg_type == new_type + 1;
}

bool too_short(const struct nlmsghdr *nlh, size_t header)
{
	return mnl_nlmsg_get_payload_len(nlh) < header;
}

struct ip via_of(const struct nlattr *a)
{
	uint16_t family;
	struct ip ip = { 0 };
	const uint8_t *bytes;

	if (!a || mnl_attr_get_payload_len(a) < sizeof(family))
		return ip;
	bytes = mnl_attr_get_payload(a);
	memcpy(&family, bytes, sizeof(family));
	ip.family = (uint8_t)family;
	if (!ip_size(&ip) || mnl_attr_get_payload_len(a) < sizeof(family) + ip_size(&ip))
		return (struct ip){ 0 };
	return ip_from_bytes((uint8_t)family, bytes + sizeof(family));
}
