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
};

int session_format(const struct session *s, char alias[ALIAS_MAX], struct err *err)
{
	char options[96 + SESSION_DNS_MAX * IP_TEXT_MAX], text[IP_TEXT_MAX];
	int n = snprintf(options, sizeof(options), "host=%" PRIu32 ",since=%" PRIu64, s->host,
			 s->since);
	int len;

	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
		if (s->flags & flag_words[i].flag)
			n += snprintf(options + n, sizeof(options) - (size_t)n, ",%s",
				      flag_words[i].word);
	if (s->mtu)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",mtu=%" PRIu32, s->mtu);
	for (size_t i = 0; i < s->n_dns; i++)
		n += snprintf(options + n, sizeof(options) - (size_t)n, "%s%s",
			      i ? "/" : ",dns=", ip_format(&s->dns[i], text));
	assert((size_t)n < sizeof(options));
	len = snprintf(alias, ALIAS_MAX,
		       SESSION_ALIAS_WORD " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64
					  " %s %s %s",
		       s->id, s->uid, s->slot, s->netns, s->uplinks, options, s->name);
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
	if (!strncmp(word, "mtu=", 4))
		return parse_u32(word + 4, 68, 65535, &s->mtu);
	if (!strncmp(word, "dns=", 4))
		return parse_dns(word + 4, s);
	return 0; /* a later version's: of no meaning to us, kept by whoever wrote it */
}

int session_parse(const char *alias, struct session *ret)
{
	char copy[ALIAS_MAX], *words[9], *rest = copy, *word;
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
	    copy_string(s.uplinks, sizeof(s.uplinks), words[5]) < 0 ||
	    !session_name_valid(words[7]))
		return -EINVAL;
	strcpy(s.name, words[7]);
	for (rest = words[6]; (word = strsep(&rest, ","));)
		if (!*word || parse_option(word, &s) < 0)
			return -EINVAL;
	if (!s.host)
		return -EINVAL;
	*ret = s;
	return 0;
}

void session_port(uint32_t id, char port[IFNAMSIZ])
{
	snprintf(port, IFNAMSIZ, PORT_PREFIX "%" PRIu32, id);
}

bool uplinks_next(const char **at, char name[IFNAMSIZ])
{
	size_t len = strcspn(*at, ",");

	if (!len || len >= IFNAMSIZ)
		return false;
	memcpy(name, *at, len);
	name[len] = 0;
	*at += len + ((*at)[len] == ',');
	return true;
}

bool uplinks_contain(const char *uplinks, const char *name)
{
	char one[IFNAMSIZ];

	while (uplinks_next(&uplinks, one))
		if (!strcmp(one, name))
			return true;
	return false;
}
