/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP answers as they came from the server, which is how dhcpcd keeps a lease. A length that does
 * not fit makes the packet bad as a whole: half an answer is no answer.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "dns/internal.h"

/* RFC 2131, section 2, and RFC 2132 */
#define BOOTREPLY     2
#define AT_CIADDR     12
#define AT_YIADDR     16
#define AT_SNAME      44
#define SNAME_LEN     64
#define AT_FILE       108
#define FILE_LEN      128
#define AT_OPTIONS    240
#define OPT_PAD       0
#define OPT_ROUTER    3
#define OPT_DNS       6
#define OPT_DOMAIN    15
#define OPT_LIFETIME  51
#define OPT_OVERLOAD  52
#define OPT_TYPE      53
#define OPT_SEARCH    119
#define OPT_CLASSLESS 121 /* RFC 3442 */
#define OPT_MS_ROUTES 249 /* the same bytes, by the number that Windows used */
#define OPT_END       255
#define DHCPACK       5
#define OVERLOAD_FILE 1
#define OVERLOAD_NAME 2
/* RFC 8415, section 21, and RFC 3646 */
#define DHCP6_REPLY 7
#define OPT6_IA_NA  3
#define OPT6_IAADDR 5
#define OPT6_STATUS 13
#define OPT6_DNS    23
#define OPT6_SEARCH 24

#define WHOLE_MAX 2048 /* bytes of one option in all its parts */
#define FOREVER   UINT32_MAX

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* An option that may come in parts, which count as one (RFC 3396). */
struct whole {
	uint8_t bytes[WHOLE_MAX];
	size_t len;
};

struct dhcp {
	struct whole routers, dns, domain, search, classless, ms_routes;
	uint8_t overload, type;
	uint32_t lifetime;
	bool timed;
};

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static int append(struct whole *w, const uint8_t *at, size_t len)
{
	if (len > sizeof(w->bytes) - w->len)
		return -EBADMSG;
	memcpy(w->bytes + w->len, at, len);
	w->len += len;
	return 0;
}

static int take_option(struct dhcp *d, uint8_t code, const uint8_t *at, size_t len)
{
	switch (code) {
	case OPT_ROUTER:
		return append(&d->routers, at, len);
	case OPT_DNS:
		return append(&d->dns, at, len);
	case OPT_DOMAIN:
		return append(&d->domain, at, len);
	case OPT_SEARCH:
		return append(&d->search, at, len);
	case OPT_CLASSLESS:
		return append(&d->classless, at, len);
	case OPT_MS_ROUTES:
		return append(&d->ms_routes, at, len);
	case OPT_LIFETIME:
		if (len != 4)
			return -EBADMSG;
		d->lifetime = be32(at);
		d->timed = true;
		return 0;
	case OPT_OVERLOAD:
	case OPT_TYPE:
		if (len != 1)
			return -EBADMSG;
		*(code == OPT_TYPE ? &d->type : &d->overload) = *at;
		return 0;
	default:
		return 0;
	}
}

static int walk(struct dhcp *d, struct bytes b)
{
	size_t i = 0;

	while (i < b.len && b.at[i] != OPT_END) {
		uint8_t code = b.at[i++];
		int r;

		if (code == OPT_PAD)
			continue;
		if (i == b.len || b.at[i] > b.len - i - 1)
			return -EBADMSG;
		r = take_option(d, code, b.at + i + 1, b.at[i]);
		if (r < 0)
			return r;
		i += (size_t)b.at[i] + 1;
	}
	return i < b.len ? 0 : -EBADMSG; /* the end is marked, or was cut off */
}

/*
 * Names of labels, one behind the other; where pointers are allowed, one leads back into the same
 * bytes (RFC 1035, section 4.1.4). Writes the name at *at as text and moves behind it.
 */
static int read_name(struct bytes b, size_t *at, bool pointers, char ret[256])
{
	size_t i = *at, n = 0, least = *at;
	bool jumped = false;

	for (;;) {
		uint8_t len;

		if (i >= b.len)
			return -EBADMSG;
		len = b.at[i];
		if ((len & 0xc0) == 0xc0) {
			if (!pointers || i + 1 >= b.len)
				return -EBADMSG;
			if (!jumped)
				*at = i + 2;
			jumped = true;
			i = (size_t)(be16(b.at + i) & 0x3fff);
			if (i >= least)
				return -EBADMSG; /* each one further back: no circles */
			least = i;
			continue;
		}
		if (len > 63 || len > b.len - i - 1 || n + len + 1 > 254)
			return -EBADMSG;
		i++;
		if (!len)
			break;
		if (n)
			ret[n++] = '.';
		memcpy(ret + n, b.at + i, len);
		n += len;
		i += len;
	}
	ret[n] = 0;
	if (!jumped)
		*at = i;
	return (int)n;
}

static int add_names(struct fact_dns *dns, struct bytes b, bool pointers)
{
	char text[256];
	size_t at = 0;

	while (at < b.len) {
		int n = read_name(b, &at, pointers, text);

		if (n < 0)
			return n;
		dns_add_domain(dns, text, (size_t)n);
	}
	return 0;
}

static int add_addresses(struct fact_dns *dns, uint8_t family, struct bytes b)
{
	size_t size = family == AF_INET ? 4 : 16;

	if (b.len % size)
		return -EBADMSG;
	for (size_t i = 0; i < b.len; i += size) {
		struct ip ip = ip_from_bytes(family, b.at + i);

		dns_add_server(dns, &ip);
	}
	return 0;
}

/* Some servers end it in a zero, and some put a list with spaces into it. */
static void add_text_domains(struct fact_dns *dns, const struct whole *w)
{
	size_t len = w->len;

	while (len && !w->bytes[len - 1])
		len--;
	dns_add_domains(dns, (struct span){ (const char *)w->bytes, len });
}

static void lease_addr(struct dns_lease *lease, uint8_t family, const uint8_t *at)
{
	static const uint8_t none[16];
	struct ip ip = ip_from_bytes(family, at);

	if (memcmp(at, none, ip_size(&ip)) != 0)
		dns_add_lease_addr(lease, &ip);
}

static int64_t end_of(int64_t written, uint32_t lifetime)
{
	return lifetime == FOREVER ? INT64_MAX : written + lifetime;
}

/* Option 121 goes before 249, and both before Router. */
static int add_routes(struct dns_lease *lease, const struct dhcp *d)
{
	const struct whole *routes = d->classless.len ? &d->classless : &d->ms_routes;

	if (d->routers.len % 4 || dns_add_classless(lease, routes->bytes, routes->len) < 0)
		return -EBADMSG;
	if (d->routers.len) /* the first is the one to use */
		lease->dns.gateway4 = ip_from_bytes(AF_INET, d->routers.bytes);
	dns_settle_gateway(lease, ROUTERS_IGNORED);
	return 0;
}

int dns_parse_dhcp(const uint8_t *bytes, size_t len, int64_t written, struct dns_lease *ret)
{
	static const uint8_t cookie[] = { 99, 130, 83, 99 };
	struct dhcp d = { 0 };

	dns_lease_init(ret);
	if (len < AT_OPTIONS || bytes[0] != BOOTREPLY ||
	    memcmp(bytes + AT_OPTIONS - sizeof(cookie), cookie, sizeof(cookie)) != 0 ||
	    walk(&d, (struct bytes){ bytes + AT_OPTIONS, len - AT_OPTIONS }) < 0)
		return -EBADMSG;
	if (d.overload > (OVERLOAD_FILE | OVERLOAD_NAME) || (d.type && d.type != DHCPACK))
		return -EBADMSG;
	if (d.overload & OVERLOAD_FILE && walk(&d, (struct bytes){ bytes + AT_FILE, FILE_LEN }) < 0)
		return -EBADMSG;
	if (d.overload & OVERLOAD_NAME &&
	    walk(&d, (struct bytes){ bytes + AT_SNAME, SNAME_LEN }) < 0)
		return -EBADMSG;
	lease_addr(ret, AF_INET, bytes + AT_YIADDR);
	if (!ret->n) /* the answer to DHCPINFORM */
		lease_addr(ret, AF_INET, bytes + AT_CIADDR);
	if (d.timed)
		ret->until = end_of(written, d.lifetime);
	add_text_domains(&ret->dns, &d.domain);
	if (add_routes(ret, &d) < 0 ||
	    add_addresses(&ret->dns, AF_INET, (struct bytes){ d.dns.bytes, d.dns.len }) < 0 ||
	    add_names(&ret->dns, (struct bytes){ d.search.bytes, d.search.len }, true) < 0) {
		dns_lease_init(ret);
		return -EBADMSG;
	}
	return dns_found(&ret->dns) ? 0 : -ENOENT;
}

/* The next option of DHCPv6: 1, 0 behind the last one, or -EBADMSG. */
static int next6(struct bytes *rest, uint16_t *ret_code, struct bytes *ret)
{
	if (!rest->len)
		return 0;
	if (rest->len < 4 || be16(rest->at + 2) > rest->len - 4)
		return -EBADMSG;
	*ret_code = be16(rest->at);
	*ret = (struct bytes){ rest->at + 4, be16(rest->at + 2) };
	rest->at += 4 + ret->len;
	rest->len -= 4 + ret->len;
	return 1;
}

/* The addresses in an IA_NA; one with a valid lifetime of zero was taken back. */
static int take_ia(struct bytes ia, int64_t written, struct dns_lease *ret)
{
	struct bytes rest, option;
	uint16_t code;
	int r;

	if (ia.len < 12)
		return -EBADMSG;
	rest = (struct bytes){ ia.at + 12, ia.len - 12 };
	while ((r = next6(&rest, &code, &option)) > 0) {
		uint32_t valid;
		int64_t until;

		if (code != OPT6_IAADDR)
			continue;
		if (option.len < 24)
			return -EBADMSG;
		valid = be32(option.at + 20);
		if (!valid)
			continue;
		until = end_of(written, valid);
		ret->until = ret->n && ret->until > until ? ret->until : until;
		lease_addr(ret, AF_INET6, option.at);
	}
	return r;
}

static int take_option6(uint16_t code, struct bytes option, int64_t written, struct dns_lease *ret,
			bool *has_ia)
{
	switch (code) {
	case OPT6_IA_NA:
		*has_ia = true;
		return take_ia(option, written, ret);
	case OPT6_STATUS:
		return option.len >= 2 && be16(option.at) == 0 ? 0 : -EBADMSG;
	case OPT6_DNS:
		return add_addresses(&ret->dns, AF_INET6, option);
	case OPT6_SEARCH:
		return add_names(&ret->dns, option, false);
	default:
		return 0;
	}
}

int dns_parse_dhcp6(const uint8_t *bytes, size_t len, int64_t written, struct dns_lease *ret)
{
	struct bytes rest, option;
	bool has_ia = false;
	uint16_t code;
	int r;

	dns_lease_init(ret);
	if (len < 4 || bytes[0] != DHCP6_REPLY)
		return -EBADMSG;
	rest = (struct bytes){ bytes + 4, len - 4 };
	while ((r = next6(&rest, &code, &option)) > 0) {
		r = take_option6(code, option, written, ret, &has_ia);
		if (r < 0)
			break;
	}
	if (r < 0)
		dns_lease_init(ret);
	else if (!ret->dns.n || (has_ia && !ret->n)) /* it leases nothing any more */
		r = -ENOENT;
	return r;
}
