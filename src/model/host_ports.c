/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/host_ports.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define NAMES_PORT 53 /* RFC 1035, section 4.2 */
#define ONE_MAX    16 /* "65535/udp" */

/* Below 0: a comes first; 0: they are the same. */
static int order(const struct host_port *a, const struct host_port *b)
{
	return a->port != b->port ? (int)a->port - (int)b->port : (int)a->udp - (int)b->udp;
}

static const char *insert(struct host_ports *to, const struct host_port *p)
{
	const unsigned int n = host_ports_count(to);
	unsigned int at = 0;

	while (at < n && order(&to->v[at], p) < 0)
		at++;
	if (at < n && order(&to->v[at], p) == 0)
		return NULL;
	if (n == SESSION_HOST_PORTS_MAX)
		return "there are more than 8 ports";
	memmove(&to->v[at + 1], &to->v[at], (n - at) * sizeof(*p));
	to->v[at] = *p;
	return NULL;
}

static const char *add_one(const char *text, size_t len, void *arg)
{
	struct host_ports *to = arg;
	char one[ONE_MAX] = "", *protocol;
	struct host_port p = { 0 };
	uint32_t number = 0;

	_Static_assert(SESSION_HOST_PORTS_MAX == 8, "the texts below and above");
	if (len < sizeof(one))
		memcpy(one, text, len);
	protocol = strchr(one, '/');
	if (protocol)
		*protocol++ = 0;
	if (parse_u32(one, 1, UINT16_MAX, &number) < 0 ||
	    (protocol && strcmp(protocol, "udp") != 0 && strcmp(protocol, "tcp") != 0))
		return "it is PORT or PORT/udp with PORT from 1 to 65535, or 8 of them at most "
		       "with commas";
	if (number == NAMES_PORT)
		return "port 53 of the loopback addresses leads to the session's name servers";
	p.port = (uint16_t)number;
	p.udp = protocol && !strcmp(protocol, "udp");
	return insert(to, &p);
}

const char *host_ports_add(const char *text, struct host_ports *to)
{
	return parse_each(text, add_one, to);
}

bool host_ports_valid(const struct host_ports *p)
{
	bool ended = false;

	for (unsigned int i = 0; i < SESSION_HOST_PORTS_MAX; i++) {
		const struct host_port *one = &p->v[i];

		if (one->udp > 1 || one->port == NAMES_PORT || (!one->port && one->udp) ||
		    (one->port && ended) || (one->port && i && order(&p->v[i - 1], one) >= 0))
			return false;
		ended |= !one->port;
	}
	return true;
}

bool host_ports_equal(const struct host_ports *a, const struct host_ports *b)
{
	for (unsigned int i = 0; i < SESSION_HOST_PORTS_MAX; i++)
		if (order(&a->v[i], &b->v[i]) != 0)
			return false;
	return true;
}

unsigned int host_ports_count(const struct host_ports *p)
{
	unsigned int n = 0;

	while (n < SESSION_HOST_PORTS_MAX && p->v[n].port)
		n++;
	return n;
}

const char *host_ports_format(const struct host_ports *p, const char *between,
			      char ret[HOST_PORTS_TEXT_MAX])
{
	const unsigned int n = host_ports_count(p);
	size_t len = 0;

	ret[0] = 0;
	for (unsigned int i = 0; i < n && len < HOST_PORTS_TEXT_MAX; i++)
		len += (size_t)snprintf(ret + len, HOST_PORTS_TEXT_MAX - len, "%s%u%s",
					i ? between : "", (unsigned int)p->v[i].port,
					p->v[i].udp ? "/udp" : "");
	return ret;
}
