/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/session.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static const struct {
	enum session_flag flag;
	const char *word;
} flag_words[] = {
	{ SESSION_NO_IPV6, "no-ipv6" },
	{ SESSION_NO_LAN, "no-lan" },
	{ SESSION_HOST_ACCESS, "host-access" },
	{ SESSION_KEEP, "keep" },
	{ SESSION_PAUSED, "paused" },
	{ SESSION_ATTACHED, "attached" },
	{ SESSION_BY_ROOT, "by-root" },
	{ SESSION_FALLBACK, "fallback" },
	{ SESSION_FOREIGN_RESOLVER, "foreign-resolver" },
	{ SESSION_SPARE, "spare" },
	{ SESSION_PORTAL, "portal" },
	{ SESSION_PORTAL_LAN, "portal-lan" },
};

static bool plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '%';
}

/* One word of the alias, or of OPTIONS, where a comma would end it. */
static void encode(char *to, size_t size, const char *text, bool comma)
{
	size_t n = 0;

	for (; *text && n + 4 <= size; text++) {
		unsigned char c = (unsigned char)*text;

		if (plain(c) && !(comma && c == ','))
			to[n++] = *text;
		else
			n += (size_t)snprintf(to + n, size - n, "%%%02x", c);
	}
	to[n] = 0;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int decode(char *to, size_t size, const char *word)
{
	size_t n = 0;

	for (; *word; word++) {
		int c = (unsigned char)*word;

		if (c == '%') {
			int high = hex(word[1]), low = high < 0 ? -1 : hex(word[2]);

			c = low < 0 ? 0 : high * 16 + low;
			word += low < 0 ? 0 : 2;
		}
		if (!c || n + 1 == size)
			return -EINVAL;
		to[n++] = (char)c;
	}
	to[n] = 0;
	return 0;
}

int session_format(const struct session *s, char alias[ALIAS_MAX], struct err *err)
{
	char options[288 + SESSION_DNS_MAX * IP_TEXT_MAX + 6 * IFNAMSIZ + HOST_PORTS_TEXT_MAX +
		     PUBLISH_LIST_TEXT_MAX],
		text[IP_TEXT_MAX], published[PUBLISH_LIST_TEXT_MAX];
	char list[UPLINK_LIST_TEXT_MAX], uplinks[3 * UPLINK_LIST_TEXT_MAX], via[3 * IFNAMSIZ],
		dev[3 * IFNAMSIZ];
	int n = snprintf(options, sizeof(options), "host=%" PRIu32 ",since=%" PRIu64, s->host,
			 s->since);
	char refused[32] = "";
	int len;

	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
		if (s->flags & flag_words[i].flag)
			n += snprintf(options + n, sizeof(options) - (size_t)n, ",%s",
				      flag_words[i].word);
	if (s->person && s->person != s->uid)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",person=%" PRIu32,
			      s->person);
	if (s->connections)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",connections=%" PRIu32,
			      s->connections);
	if (s->mtu)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",mtu=%" PRIu32, s->mtu);
	for (size_t i = 0; i < s->n_dns; i++)
		n += snprintf(options + n, sizeof(options) - (size_t)n, "%s%s",
			      i ? "/" : ",dns=", ip_format(&s->dns[i], text));
	encode(uplinks, sizeof(uplinks), uplink_list_format(&s->uplinks, list), false);
	encode(via, sizeof(via), s->uplink, true);
	encode(dev, sizeof(dev), s->device, true);
	if (strcmp(session_device(s), SESSION_DEV) != 0)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",dev=%s", dev);
	if (s->share[0])
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",share=%s", s->share);
	for (unsigned int i = 0; i < host_ports_count(&s->host_ports); i++)
		n += snprintf(options + n, sizeof(options) - (size_t)n, "%s%u%s",
			      i ? "/" : ",host-port=", (unsigned int)s->host_ports.v[i].port,
			      s->host_ports.v[i].udp ? "u" : "");
	if (s->rates.down)
		n += snprintf(options + n, sizeof(options) - (size_t)n,
			      ",rate=%" PRIu32 "/%" PRIu32, s->rates.down, s->rates.up);
	if (publish_count(&s->published))
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",publish=%s",
			      publish_write_alias(&s->published, published));
	if (s->probe_of)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",probe=%" PRIu32,
			      s->probe_of);
	if (s->uplink[0] && strcmp(s->uplink, list) != 0)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",via=%s", via);
	if (s->refused.code)
		snprintf(refused, sizeof(refused), ",refused=%d/%" PRIu32, (int)s->refused.kind,
			 s->refused.code);
	assert((size_t)n < sizeof(options));
	for (int i = 0; i < 2; i++) {
		len = snprintf(alias, ALIAS_MAX,
			       SESSION_ALIAS_WORD " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64
						  " %s %s%s %s",
			       s->id, s->uid, s->slot, s->netns, uplinks, options, refused,
			       s->name);
		if (len < ALIAS_MAX)
			break;
		refused[0] = 0;
	}
	if (len >= ALIAS_MAX)
		return err_set(err, EMSGSIZE,
			       "record session '%s': its name and uplinks take %d bytes, %d fit",
			       s->name, len, ALIAS_MAX - 1);
	return 0;
}

static int parse_dns(char *list, struct session *s)
{
	char *one;

	while ((one = strsep(&list, "/")))
		if (s->n_dns == SESSION_DNS_MAX || ip_parse(one, &s->dns[s->n_dns++]) < 0)
			return -EINVAL;
	return 0;
}

static int parse_host_ports(char *list, struct session *s)
{
	unsigned int n = 0;
	char *one;

	for (; (one = strsep(&list, "/")); n++) {
		size_t len = strlen(one);
		bool udp = len && one[len - 1] == 'u';
		uint32_t port;

		if (udp)
			one[len - 1] = 0;
		if (n == SESSION_HOST_PORTS_MAX || parse_u32(one, 1, UINT16_MAX, &port) < 0)
			return -EINVAL;
		s->host_ports.v[n] = (struct host_port){ (uint16_t)port, udp };
	}
	return host_ports_valid(&s->host_ports) ? 0 : -EINVAL;
}

static int parse_rates(char *word, struct rate_limits *ret)
{
	const char *down = strsep(&word, "/");
	struct rate_limits r;

	if (!word || parse_u32(down, RATE_MIN, RATE_MAX, &r.down) < 0 ||
	    parse_u32(word, RATE_MIN, RATE_MAX, &r.up) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

static int parse_refused(char *word, struct session_refused *ret)
{
	const char *kind = strsep(&word, "/");
	uint32_t number;

	if (!word || parse_u32(kind, 0, OBJ_KIND_COUNT - 1, &number) < 0)
		return -EINVAL;
	ret->kind = (enum object_kind)number;
	return parse_u32(word, 1, 4095, &ret->code); /* include/linux/err.h: MAX_ERRNO */
}

static int parse_option(char *word, struct session *s)
{
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
		if (!strcmp(word, flag_words[i].word)) {
			s->flags |= flag_words[i].flag;
			return 0;
		}
	if (!strncmp(word, "host=", 5))
		return parse_u32(word + 5, SESSION_HOST_FIRST, SESSION_HOST_LAST, &s->host);
	if (!strncmp(word, "since=", 6))
		return parse_u64(word + 6, UINT64_MAX, &s->since);
	if (!strncmp(word, "connections=", 12))
		return parse_u32(word + 12, 1, SESSION_CONNECTIONS_MAX, &s->connections);
	if (!strncmp(word, "person=", 7))
		return parse_u32(word + 7, 1, UINT32_MAX, &s->person);
	if (!strncmp(word, "mtu=", 4))
		return parse_u32(word + 4, 68, 65535, &s->mtu);
	if (!strncmp(word, "dns=", 4))
		return parse_dns(word + 4, s);
	if (!strncmp(word, "dev=", 4))
		return decode(s->device, sizeof(s->device), word + 4);
	if (!strncmp(word, "share=", 6))
		return session_share_valid(word + 6)
			       ? copy_string(s->share, sizeof(s->share), word + 6)
			       : -EINVAL;
	if (!strncmp(word, "host-port=", 10))
		return parse_host_ports(word + 10, s);
	if (!strncmp(word, "rate=", 5))
		return parse_rates(word + 5, &s->rates);
	if (!strncmp(word, "publish=", 8))
		return publish_read_alias(word + 8, &s->published);
	if (!strncmp(word, "probe=", 6))
		return parse_u32(word + 6, 1, UINT32_MAX, &s->probe_of);
	if (!strncmp(word, "refused=", 8))
		return parse_refused(word + 8, &s->refused);
	if (!strncmp(word, "via=", 4))
		return decode(s->uplink, sizeof(s->uplink), word + 4);
	return 0; /* a key of a later version: ignored */
}

int session_parse(const char *alias, struct session *ret)
{
	char copy[ALIAS_MAX], uplinks[ALIAS_MAX], *words[9], *rest = copy, *word;
	struct session s = { 0 };
	size_t n = 0;

	if (copy_string(copy, sizeof(copy), alias) < 0)
		return -EINVAL;
	while (n < 9 && (word = strsep(&rest, " ")))
		words[n++] = word;
	if (n != 8 || strcmp(words[0], SESSION_ALIAS_WORD) ||
	    parse_u32(words[1], 1, UINT32_MAX, &s.id) < 0 ||
	    parse_u32(words[2], 0, UINT32_MAX, &s.uid) < 0 ||
	    parse_u32(words[3], 0, 255, &s.slot) < 0 ||
	    parse_u64(words[4], UINT64_MAX, &s.netns) < 0 || !words[5][0] ||
	    decode(uplinks, sizeof(uplinks), words[5]) < 0 || !session_name_characters(words[7]))
		return -EINVAL;
	if (uplink_list_read(uplinks, &s.uplinks) < 0 && !s.uplinks.n)
		return -EINVAL;
	strcpy(s.name, words[7]);
	for (rest = words[6]; (word = strsep(&rest, ","));)
		if (!*word || parse_option(word, &s) < 0)
			return -EINVAL;
	if (!s.host || (s.flags & SESSION_SPARE && (s.uid != SESSION_UID_NONE || s.slot)))
		return -EINVAL;
	*ret = s;
	return 0;
}

bool session_share_valid(const char *group)
{
	return session_name_valid(group) && strlen(group) < SESSION_SHARE_MAX;
}

bool session_shares(const struct session *a, const struct session *b)
{
	return a->share[0] && a->uid == b->uid && !strcmp(a->share, b->share);
}

const char *session_device(const struct session *s)
{
	return s->device[0] ? s->device : SESSION_DEV;
}

void session_port(uint32_t id, char port[IFNAMSIZ])
{
	snprintf(port, IFNAMSIZ, PORT_PREFIX "%" PRIu32, id);
}
