/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dhclient.leases(5). Statements of words end in ';', and blocks are in braces:
 *
 *   lease {
 *     interface "eth0";
 *     option domain-name-servers 192.168.8.1, 192.168.8.2;
 *     expire 2 2024/03/05 11:52:04;
 *   }
 *
 * dhclient appends and never takes back, so a later lease replaces an earlier one, and a file may
 * end in the middle of one. A block that is not closed does not count.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "dns/internal.h"

#define WORDS_MAX 300 /* the bytes of an option of full length are as many words */

enum block { BLOCK_OTHER, BLOCK_LEASE, BLOCK_LEASE6 };

struct reader {
	struct span rest;
	struct span words[WORDS_MAX]; /* of the statement; a string without its quotes */
	size_t n;
	enum block block;
	size_t depth;
	bool ours, released, bound, in_addr;
	int64_t starts, max_life;
	struct dns_lease lease;
	bool by_option_121; /* else the classless routes are those of option 249 */
};

/* A word, or one of ";{}"; 0 at the end. */
static char next(struct reader *r, struct span *ret)
{
	struct span *s = &r->rest;
	const char *end;
	size_t n = 0;

	for (;;) {
		while (s->len && strchr(" \t\r\n,", s->at[0]) && s->at[0]) {
			s->at++;
			s->len--;
		}
		if (!s->len || s->at[0] != '#')
			break;
		end = memchr(s->at, '\n', s->len);
		n = end ? (size_t)(end - s->at) : s->len;
		s->at += n;
		s->len -= n;
	}
	if (!s->len)
		return 0;
	if (s->at[0] == '"') {
		for (n = 1; n < s->len && s->at[n] != '"'; n++)
			if (s->at[n] == '\\')
				n++;
		if (n >= s->len) {
			s->len = 0;
			return 0; /* cut off */
		}
		*ret = (struct span){ s->at + 1, n - 1 };
		s->at += n + 1;
		s->len -= n + 1;
		return 'w';
	}
	for (n = 0; n < s->len && !(s->at[n] && strchr(" \t\r\n,;{}\"", s->at[n])); n++)
		;
	*ret = (struct span){ s->at, n ? n : 1 };
	s->at += ret->len;
	s->len -= ret->len;
	if (n)
		return 'w';
	return *ret->at;
}

/* Collects a statement; returns what ended it: one of ";{}", or 0. */
static char statement(struct reader *r)
{
	struct span word;
	char kind;

	r->n = 0;
	while ((kind = next(r, &word)) == 'w')
		if (r->n < WORDS_MAX)
			r->words[r->n++] = word;
	return kind;
}

static bool number(const struct span *s, int64_t max, int64_t *ret)
{
	int64_t v = 0;

	if (!s->len)
		return false;
	for (size_t i = 0; i < s->len; i++) {
		if (s->at[i] < '0' || s->at[i] > '9')
			return false;
		v = v * 10 + (s->at[i] - '0');
		if (v > max)
			return false;
	}
	*ret = v;
	return true;
}

/* Three numbers with c between them, as in 2024/03/05 and 11:52:04. */
static bool triple(struct span s, const char *separator, int ret[3])
{
	struct span part;
	int64_t v;

	for (size_t i = 0; i < 3; i++) {
		if (!span_word(&s, separator, &part) || !number(&part, 9999, &v))
			return false;
		ret[i] = (int)v;
	}
	return !s.len;
}

/* "expire never", "expire epoch 1709639524", or a day of the week, a date and a time in UTC. */
static int64_t point_in_time(const struct reader *r)
{
	int day[3], hour[3];
	int64_t v;

	if (r->n == 2 && span_is(&r->words[1], "never"))
		return INT64_MAX;
	if (r->n == 3 && span_is(&r->words[1], "epoch"))
		return number(&r->words[2], INT64_MAX / 16, &v) ? v : 0;
	if (r->n == 4 && triple(r->words[2], "/", day) && triple(r->words[3], ":", hour)) {
		struct tm tm = {
			.tm_year = day[0] - 1900,
			.tm_mon = day[1] - 1,
			.tm_mday = day[2],
			.tm_hour = hour[0],
			.tm_min = hour[1],
			.tm_sec = hour[2],
		};

		return timegm(&tm);
	}
	return 0;
}

static void addr(struct reader *r, const struct span *s)
{
	struct fact_dns one = { 0 }; /* what cannot be a server is no address to lease either */

	dns_add_server_text(&one, s->at, s->len);
	if (one.n)
		dns_add_lease_addr(&r->lease, &one.servers[0]);
}

/*
 * dhclient knows the option only by what its configuration calls it: Debian's and Red Hat's names,
 * and what it writes for one that has none. Option 121 goes before 249.
 */
static void classless(struct reader *r, const struct span *name)
{
	static const struct {
		const char *name;
		bool is_121;
	} names[] = {
		{ "rfc3442-classless-static-routes", true },
		{ "classless-static-routes", true },
		{ "unknown-121", true },
		{ "ms-classless-static-routes", false },
		{ "unknown-249", false },
	};
	const struct span *last = &r->words[r->n - 1], *first = &r->words[2];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!span_is(name, names[i].name))
			continue;
		if (r->by_option_121)
			return;
		r->by_option_121 = names[i].is_121;
		r->lease.classless = false;
		r->lease.classless_gateway = (struct ip){ 0 };
		dns_add_classless_text(&r->lease,
				       (struct span){ first->at,
						      (size_t)(last->at + last->len - first->at) });
		return;
	}
}

static void option(struct reader *r)
{
	bool six = r->block == BLOCK_LEASE6;
	const struct span *name = &r->words[1];

	if (span_is(name, six ? "dhcp6.name-servers" : "domain-name-servers"))
		for (size_t i = 2; i < r->n; i++)
			dns_add_servers(&r->lease.dns, r->words[i]);
	else if (span_is(name, six ? "dhcp6.domain-search" : "domain-search") ||
		 (!six && span_is(name, "domain-name")))
		for (size_t i = 2; i < r->n; i++)
			dns_add_domains(&r->lease.dns, r->words[i]);
	else if (!six && span_is(name, "routers"))
		dns_add_gateways(&r->lease.dns, r->words[2]);
	else if (!six)
		classless(r, name);
}

static void in_lease(struct reader *r, const char *ifname)
{
	const struct span *first = &r->words[0];

	if (span_is(first, "released"))
		r->released = true;
	if (r->n < 2)
		return;
	if (span_is(first, "interface"))
		r->ours = span_is(&r->words[1], ifname);
	else if (span_is(first, "option") && r->n > 2)
		option(r);
	else if (span_is(first, "expire") && r->block == BLOCK_LEASE)
		r->lease.until = point_in_time(r);
	else if (span_is(first, "fixed-address") && r->block == BLOCK_LEASE)
		addr(r, &r->words[1]);
	else if (span_is(first, "starts") && r->in_addr)
		r->starts = number(&r->words[1], INT64_MAX / 16, &r->starts) ? r->starts : 0;
	else if (span_is(first, "max-life") && r->in_addr)
		r->max_life = number(&r->words[1], UINT32_MAX, &r->max_life) ? r->max_life : 0;
}

static void begin(struct reader *r)
{
	bool six = r->n == 1 && span_is(&r->words[0], "lease6");

	if (six || (r->n == 1 && span_is(&r->words[0], "lease"))) {
		/* also inside of another, whose end was never written */
		dns_lease_init(&r->lease);
		r->block = six ? BLOCK_LEASE6 : BLOCK_LEASE;
		r->depth = 0;
		r->ours = r->released = r->bound = r->in_addr = r->by_option_121 = false;
	} else if (r->block == BLOCK_LEASE6 && r->n == 2 && span_is(&r->words[0], "iaaddr")) {
		addr(r, &r->words[1]);
		r->in_addr = true;
		r->starts = r->max_life = 0;
	}
	r->depth++;
}

static void end(struct reader *r, struct dns_lease *ret4, struct dns_lease *ret6)
{
	if (r->in_addr) {
		int64_t until = r->max_life == UINT32_MAX ? INT64_MAX : r->starts + r->max_life;

		r->lease.until = r->bound && r->lease.until > until ? r->lease.until : until;
		r->bound = true;
		r->in_addr = false;
	}
	if (r->depth && --r->depth == 0) {
		dns_settle_gateway(&r->lease, ROUTERS_IGNORED);
		if (r->ours && r->released)
			dns_lease_init(r->block == BLOCK_LEASE6 ? ret6 : ret4);
		else if (r->ours && r->block != BLOCK_OTHER)
			*(r->block == BLOCK_LEASE6 ? ret6 : ret4) = r->lease;
		r->block = BLOCK_OTHER;
		r->ours = false;
	}
}

int dns_parse_dhclient(const char *bytes, size_t len, const char *ifname, struct dns_lease *ret4,
		       struct dns_lease *ret6)
{
	struct reader r = { .rest = { bytes, len } };
	char ended;

	dns_lease_init(ret4);
	dns_lease_init(ret6);
	while ((ended = statement(&r))) {
		if (ended == '{')
			begin(&r);
		else if (ended == '}')
			end(&r, ret4, ret6);
		else if (r.block != BLOCK_OTHER && r.n)
			in_lease(&r, ifname);
	}
	return dns_found(&ret4->dns) || dns_found(&ret6->dns) ? 0 : -ENOENT;
}
