/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

bool wire_starts(struct wire *w, const struct nlmsghdr *nlh, uint16_t type, uint16_t flags,
		 size_t header)
{
	*w = (struct wire){ (const char *)mnl_nlmsg_get_payload(nlh) + MNL_ALIGN(header),
			    (const char *)nlh + nlh->nlmsg_len };
	if (nlh->nlmsg_type == type && nlh->nlmsg_flags == flags && w->at <= w->end)
		return true;
	print_error("a message of type %u, flags 0x%x, %u bytes; not type %u, flags 0x%x\n",
		    nlh->nlmsg_type, nlh->nlmsg_flags, nlh->nlmsg_len, type, flags);
	return false;
}

static void print_attr(const struct nlattr *a)
{
	const uint8_t *bytes = mnl_attr_get_payload(a);

	print_error("attribute %u of %u bytes:", a->nla_type, mnl_attr_get_payload_len(a));
	for (size_t i = 0; i < mnl_attr_get_payload_len(a); i++)
		print_error(" %02x", bytes[i]);
	print_error("\n");
}

static const struct nlattr *next(struct wire *w, uint16_t type)
{
	const struct nlattr *a = (const struct nlattr *)w->at;

	if (!mnl_attr_ok(a, (int)(w->end - w->at)) || MNL_ALIGN(a->nla_len) > w->end - w->at) {
		print_error("no attribute %u: the message ends, or lies about a length\n", type);
		return NULL;
	}
	w->at += MNL_ALIGN(a->nla_len);
	return a;
}

bool wire_next(struct wire *w, uint16_t type, const void *data, size_t len)
{
	const struct nlattr *a = next(w, type);

	if (!a)
		return false;
	if (a->nla_type == type && mnl_attr_get_payload_len(a) == len &&
	    !memcmp(mnl_attr_get_payload(a), data, len))
		return true;
	print_attr(a);
	return false;
}

bool wire_next_u32(struct wire *w, uint16_t type, uint32_t v)
{
	return wire_next(w, type, &v, sizeof(v));
}

bool wire_next_nest(struct wire *w, uint16_t type, struct wire *ret)
{
	const struct nlattr *a = next(w, type);

	if (!a)
		return false;
	*ret = (struct wire){ mnl_attr_get_payload(a), (const char *)a + a->nla_len };
	if (a->nla_type == (type | NLA_F_NESTED))
		return true;
	print_attr(a);
	return false;
}

bool wire_raw(struct wire *w, const void *data, size_t len)
{
	bool same = (size_t)(w->end - w->at) >= len && !memcmp(w->at, data, len);

	w->at += len;
	return same;
}

struct nlmsghdr *wire_cut(const struct nlmsghdr *nlh, size_t len)
{
	struct nlmsghdr *copy = calloc(1, MNL_ALIGN(len));

	if (!copy)
		abort();
	memcpy(copy, nlh, len);
	copy->nlmsg_len = (uint32_t)len;
	return copy;
}
