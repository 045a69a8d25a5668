/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/publish.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"

static const char what_it_is[] =
	"it is [ADDR:]PORT[-PORT][:PORT][/udp] with ports from 1 to 65535, [ADDR] for IPv6";

static unsigned int ports_of(const struct publish *p)
{
	return p->first ? (unsigned int)p->last - p->first + 1 : 0;
}

static unsigned int all_ports(const struct publish_list *list)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < publish_count(list); i++)
		n += ports_of(&list->v[i]);
	return n;
}

static bool one_valid(const struct publish *p)
{
	return p->first && p->last >= p->first && p->to && p->udp <= 1 &&
	       p->to + (uint32_t)(p->last - p->first) <= UINT16_MAX &&
	       (!ip_is_set(&p->address) || ip_can_serve(&p->address));
}

/* "FIRST[-LAST][:TO]"; it is changed. */
static int parse_ports(char *text, struct publish *ret)
{
	char *to = strchr(text, ':'), *last;
	uint32_t v[3];

	if (to)
		*to++ = 0;
	last = strchr(text, '-');
	if (last)
		*last++ = 0;
	if (parse_u32(text, 1, UINT16_MAX, &v[0]) < 0 ||
	    parse_u32(last ? last : text, 1, UINT16_MAX, &v[1]) < 0 ||
	    parse_u32(to ? to : text, 1, UINT16_MAX, &v[2]) < 0)
		return -EINVAL;
	ret->first = (uint16_t)v[0];
	ret->last = (uint16_t)v[1];
	ret->to = (uint16_t)v[2];
	return one_valid(ret) ? 0 : -EINVAL;
}

bool publish_meets(const struct publish *a, const struct publish *b)
{
	return a->udp == b->udp && a->first <= b->last && b->first <= a->last &&
	       (!ip_is_set(&a->address) || !ip_is_set(&b->address) ||
		ip_equal(&a->address, &b->address));
}

bool publish_lists_meet(const struct publish_list *a, const struct publish_list *b)
{
	for (unsigned int i = 0; i < publish_count(a); i++)
		for (unsigned int j = 0; j < publish_count(b); j++)
			if (publish_meets(&a->v[i], &b->v[j]))
				return true;
	return false;
}

static const char *insert(struct publish_list *to, const struct publish *p)
{
	const unsigned int n = publish_count(to);

	_Static_assert(SESSION_PUBLISHED_MAX == 8 && SESSION_PUBLISHED_PORTS_MAX == 128,
		       "the texts below");
	for (unsigned int i = 0; i < n; i++)
		if (publish_meets(&to->v[i], p))
			return "a port is named twice";
	if (n == SESSION_PUBLISHED_MAX)
		return "there are more than 8 ports or ranges";
	to->v[n] = *p;
	return all_ports(to) > SESSION_PUBLISHED_PORTS_MAX ? "there are more than 128 ports" : NULL;
}

/* Takes the address off the front; what is behind it, or NULL when it is none. */
static char *parse_address(char *text, struct ip *ret)
{
	char *end;

	if (text[0] == '[') {
		end = strchr(++text, ']');
		if (!end || end[1] != ':')
			return NULL;
		*end = 0;
		end += 2;
	} else if (text[strcspn(text, ".:")] == '.') {
		end = strchr(text, ':');
		if (!end)
			return NULL;
		*end++ = 0;
	} else {
		return text;
	}
	return ip_parse(text, ret) == 0 ? end : NULL;
}

static const char *add_one(const char *text, size_t len, void *arg)
{
	struct publish_list *to = arg;
	char one[PUBLISH_TEXT_MAX] = "", *protocol, *ports;
	struct publish p = { 0 };

	if (len < sizeof(one))
		memcpy(one, text, len);
	protocol = strchr(one, '/');
	if (protocol)
		*protocol++ = 0;
	if (protocol && strcmp(protocol, "udp") != 0 && strcmp(protocol, "tcp") != 0)
		return what_it_is;
	p.udp = protocol && !strcmp(protocol, "udp");
	ports = parse_address(one, &p.address);
	if (!ports || (ip_is_set(&p.address) && !ip_can_serve(&p.address)))
		return "ADDR is an address of the uplink, of IPv6 in brackets: [ADDR]:PORT";
	return parse_ports(ports, &p) < 0 ? what_it_is : insert(to, &p);
}

const char *publish_add(const char *text, struct publish_list *to)
{
	return parse_each(text, add_one, to);
}

static bool is_empty(const struct publish *p)
{
	return !p->first && !p->last && !p->to && !p->udp && !p->address.family;
}

bool publish_valid(const struct publish_list *list)
{
	struct publish_list again = { 0 };

	for (unsigned int i = 0; i < SESSION_PUBLISHED_MAX; i++) {
		const struct publish *p = &list->v[i];

		if (is_empty(p))
			continue;
		if (i != publish_count(&again) || !one_valid(p) || insert(&again, p))
			return false;
	}
	return publish_equal(list, &again);
}

bool publish_equal(const struct publish_list *a, const struct publish_list *b)
{
	for (unsigned int i = 0; i < SESSION_PUBLISHED_MAX; i++) {
		const struct publish *x = &a->v[i], *y = &b->v[i];

		if (x->first != y->first || x->last != y->last || x->to != y->to ||
		    x->udp != y->udp || !ip_equal(&x->address, &y->address))
			return false;
	}
	return true;
}

unsigned int publish_count(const struct publish_list *list)
{
	unsigned int n = 0;

	while (n < SESSION_PUBLISHED_MAX && list->v[n].first)
		n++;
	return n;
}

/* "6881-6889:7881", and what stands for UDP. */
static void format_ports(const struct publish *p, const char *udp, char *ret, size_t size)
{
	size_t len = (size_t)snprintf(ret, size, "%u", (unsigned int)p->first);

	if (p->last != p->first)
		len += (size_t)snprintf(ret + len, size - len, "-%u", (unsigned int)p->last);
	if (p->to != p->first)
		len += (size_t)snprintf(ret + len, size - len, ":%u", (unsigned int)p->to);
	snprintf(ret + len, size - len, "%s", p->udp ? udp : "");
}

const char *publish_format(const struct publish *p, char ret[PUBLISH_TEXT_MAX])
{
	const bool six = p->address.family == AF_INET6;
	char ip[IP_TEXT_MAX];
	size_t len = 0;

	if (ip_is_set(&p->address))
		len = (size_t)snprintf(ret, PUBLISH_TEXT_MAX, "%s%s%s:", six ? "[" : "",
				       ip_format(&p->address, ip), six ? "]" : "");
	format_ports(p, "/udp", ret + len, PUBLISH_TEXT_MAX - len);
	return ret;
}

const char *publish_list_format(const struct publish_list *list, const char *between,
				char ret[PUBLISH_LIST_TEXT_MAX])
{
	const unsigned int n = publish_count(list);
	char one[PUBLISH_TEXT_MAX];
	size_t len = 0;

	ret[0] = 0;
	for (unsigned int i = 0; i < n && len < PUBLISH_LIST_TEXT_MAX; i++)
		len += (size_t)snprintf(ret + len, (size_t)PUBLISH_LIST_TEXT_MAX - len, "%s%s",
					i ? between : "", publish_format(&list->v[i], one));
	return ret;
}

const char *publish_write_alias(const struct publish_list *list, char ret[PUBLISH_LIST_TEXT_MAX])
{
	const unsigned int n = publish_count(list);
	char one[PUBLISH_TEXT_MAX], ip[IP_TEXT_MAX];
	size_t len = 0;

	ret[0] = 0;
	for (unsigned int i = 0; i < n && len < PUBLISH_LIST_TEXT_MAX; i++) {
		const struct publish *p = &list->v[i];
		const bool bound = ip_is_set(&p->address);

		format_ports(p, "u", one, sizeof(one));
		len += (size_t)snprintf(ret + len, (size_t)PUBLISH_LIST_TEXT_MAX - len, "%s%s%s%s",
					i ? "/" : "", bound ? ip_format(&p->address, ip) : "",
					bound ? "@" : "", one);
	}
	return ret;
}

static int read_alias_one(char *one, struct publish_list *to)
{
	struct publish p = { 0 };
	char *ports = strchr(one, '@');
	size_t len;

	if (ports) {
		*ports++ = 0;
		if (ip_parse(one, &p.address) < 0)
			return -EINVAL;
	} else {
		ports = one;
	}
	len = strlen(ports);
	p.udp = len && ports[len - 1] == 'u';
	if (p.udp)
		ports[len - 1] = 0;
	return parse_ports(ports, &p) < 0 || insert(to, &p) ? -EINVAL : 0;
}

int publish_read_alias(char *word, struct publish_list *ret)
{
	char *one;

	*ret = (struct publish_list){ 0 };
	while ((one = strsep(&word, "/")))
		if (read_alias_one(one, ret) < 0)
			return -EINVAL;
	return 0;
}
