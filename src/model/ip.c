/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "base/strbuf.h"

int ip_parse(const char *text, struct ip *ret)
{
	struct ip ip = { 0 };

	if (inet_pton(AF_INET, text, ip.bytes) == 1)
		ip.family = AF_INET;
	else if (inet_pton(AF_INET6, text, ip.bytes) == 1)
		ip.family = AF_INET6;
	else
		return -EINVAL;
	*ret = ip;
	return 0;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	char addr[IP_TEXT_MAX];
	const char *slash = strchr(text, '/');
	struct prefix p;
	uint32_t len;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = 0;
	if (ip_parse(addr, &p.ip) < 0 ||
	    parse_u32(slash + 1, 0, (uint32_t)ip_size(&p.ip) * 8, &len) < 0)
		return -EINVAL;
	p.len = (uint8_t)len;
	*ret = p;
	return 0;
}

const char *ip_format(const struct ip *ip, char *buf)
{
	if (!ip->family || !inet_ntop(ip->family, ip->bytes, buf, IP_TEXT_MAX))
		strcpy(buf, "none");
	return buf;
}

const char *prefix_format(const struct prefix *p, char *buf)
{
	size_t used;

	ip_format(&p->ip, buf);
	used = strlen(buf);
	snprintf(buf + used, IP_TEXT_MAX - used, "/%u", p->len);
	return buf;
}

void prefix_print(struct strbuf *sb, const char *option, const struct prefix *p)
{
	char text[IP_TEXT_MAX];

	if (p->len)
		strbuf_add(sb, "%s %s ", option, prefix_format(p, text));
}

const char *mac_format(const struct mac *mac, char *buf)
{
	const uint8_t *b = mac->bytes;

	snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return buf;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int mac_parse(const char *text, struct mac *ret)
{
	struct mac mac;

	if (strlen(text) != MAC_TEXT_MAX - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(mac.bytes); i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0 || (text[2] && text[2] != ':'))
			return -EINVAL;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = mac;
	return 0;
}

bool mac_is_set(const struct mac *mac)
{
	static const struct mac none;

	return memcmp(mac, &none, sizeof(none)) != 0;
}

struct ip ip_from_bytes(uint8_t family, const void *bytes)
{
	struct ip ip = { .family = family };

	memcpy(ip.bytes, bytes, ip_size(&ip));
	return ip;
}

size_t ip_size(const struct ip *ip)
{
	return ip->family == AF_INET ? 4 : ip->family == AF_INET6 ? 16 : 0;
}

bool ip_is_set(const struct ip *ip)
{
	return ip->family != 0;
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return ip_compare(a, b) == 0;
}

bool ip_is_link_local(const struct ip *ip)
{
	if (ip->family == AF_INET)
		return ip->bytes[0] == 169 && ip->bytes[1] == 254;
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

bool ip_can_serve(const struct ip *ip)
{
	/* ::/96 holds "::", "::1" and the IPv4-compatible ones, ::ffff:0:0/96 the mapped ones */
	static const struct prefix none[] = {
		{ { AF_INET6, { 0 } }, 96 },
		{ { AF_INET6, { [10] = 0xff, [11] = 0xff } }, 96 },
	};

	if (ip->family == AF_INET)
		return ip->bytes[0] && ip->bytes[0] != 127 && ip->bytes[0] < 224;
	return ip->family == AF_INET6 && !prefix_contains(&none[0], ip) &&
	       !prefix_contains(&none[1], ip) && ip->bytes[0] != 0xff && !ip_is_link_local(ip);
}

bool ip_can_serve_link(const struct ip *ip)
{
	return ip_can_serve(ip) || (ip->family == AF_INET6 && ip_is_link_local(ip));
}

struct ip ip_add(const struct ip *ip, uint32_t n)
{
	struct ip sum = *ip;
	uint64_t carry = n;

	for (size_t i = ip_size(ip); i-- > 0 && carry;) {
		carry += sum.bytes[i];
		sum.bytes[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return sum;
}

static uint32_t low32(const struct ip *ip)
{
	const uint8_t *b = ip->bytes + ip_size(ip) - 4;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint32_t ip_offset(const struct ip *ip, const struct prefix *p)
{
	struct prefix start = prefix_masked(p);

	return low32(ip) - low32(&start.ip);
}

int prefix_compare(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	int order = ip_compare(&x->ip, &y->ip);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

struct prefix prefix_masked(const struct prefix *p)
{
	struct prefix m = *p;

	for (size_t bit = p->len; bit < ip_size(&p->ip) * 8; bit++)
		m.ip.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return m;
}

bool prefix_overlap(const struct prefix *a, const struct prefix *b)
{
	struct prefix x = *a, y = *b;

	if (a->ip.family != b->ip.family)
		return false;
	x.len = y.len = a->len < b->len ? a->len : b->len;
	x = prefix_masked(&x);
	y = prefix_masked(&y);
	return ip_equal(&x.ip, &y.ip);
}

bool prefix_contains(const struct prefix *p, const struct ip *ip)
{
	struct prefix host = { .ip = *ip, .len = (uint8_t)(ip_size(ip) * 8) };

	return p->len <= host.len && prefix_overlap(p, &host);
}
