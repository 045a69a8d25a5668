/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/netns_conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/conf.h"
#include "base/parse.h"
#include "config.h"
#include "launch/files.h"

enum netns_key {
	KEY_UPLINK,
	KEY_DNS,
	KEY_IPV6,
	KEY_LAN,
	KEY_HOST_ACCESS,
	KEY_MTU,
	KEY_SHARE,
	KEY_RATE,
	KEY_PUBLISH,
	KEY_COUNT,
};

static const char *const keys[] = {
	[KEY_UPLINK] = "uplink",
	[KEY_DNS] = "dns",
	[KEY_IPV6] = "ipv6",
	[KEY_LAN] = "lan",
	[KEY_HOST_ACCESS] = "host-access",
	[KEY_MTU] = "mtu",
	[KEY_SHARE] = "share",
	[KEY_RATE] = "rate",
	[KEY_PUBLISH] = "publish",
	[KEY_COUNT] = NULL,
};

static int begin_section(struct conf *c, char *name)
{
	if (strcmp(name, "netns") != 0)
		return CONF_COMPLAIN(c, c->line, "'%s' is no section of this file: it is [netns]",
				     name);
	return 0;
}

/* A flag of the request that is set where the key's value is `when`. */
static const char *take_flag(struct request *to, uint32_t flag, bool when, const char *value)
{
	bool is;
	const char *wrong = conf_set_bool(&is, value);

	if (!wrong && is == when)
		to->flags |= flag;
	return wrong;
}

static const char *take_ipv6(struct request *to, const char *value)
{
	if (!strcmp(value, "off"))
		to->flags |= SESSION_NO_IPV6;
	else if (strcmp(value, "auto") != 0)
		return "it is auto or off";
	return NULL;
}

/* What the command line said of them goes before. */
static const char *take_dns(struct request *to, const char *value)
{
	struct request read = { 0 };
	const char *wrong = request_conf_dns(value, &read);

	if (wrong || to->n_dns)
		return wrong;
	memcpy(to->dns, read.dns, sizeof(to->dns));
	to->n_dns = read.n_dns;
	return NULL;
}

static const char *take_share(struct request *to, const char *value)
{
	if (!session_share_valid(value))
		return "it is 1 to 15 of letters, digits and ._+-, the first a letter or digit, "
		       "and not digits alone";
	return to->share[0] || copy_string(to->share, sizeof(to->share), value) == 0 ? NULL : "";
}

static const char *take_publish(struct request *to, const char *value)
{
	struct publish_list read = { 0 };
	const char *wrong = publish_add(value, &read);

	if (!wrong && !publish_count(&to->published))
		to->published = read;
	return wrong;
}

static const char *take(struct conf *c, size_t key, const char *value)
{
	struct request *to = c->to;
	struct rate_limits rates; /* of a file, where the command line has some */
	uint32_t mtu;

	switch ((enum netns_key)key) {
	case KEY_UPLINK:
		return request_conf_uplinks(value, to);
	case KEY_DNS:
		return take_dns(to, value);
	case KEY_IPV6:
		return take_ipv6(to, value);
	case KEY_LAN:
		return take_flag(to, SESSION_NO_LAN, false, value);
	case KEY_HOST_ACCESS:
		return take_flag(to, SESSION_HOST_ACCESS, true, value);
	case KEY_MTU:
		if (parse_u32(value, 1, 65535, &mtu) < 0)
			return "it is a number of bytes, 1280 to 65535";
		to->mtu = to->mtu ? to->mtu : mtu;
		return NULL;
	case KEY_SHARE:
		return take_share(to, value);
	case KEY_RATE:
		return rate_limits_read(value, to->rates.down ? &rates : &to->rates);
	case KEY_PUBLISH:
		return take_publish(to, value);
	case KEY_COUNT:
		break;
	}
	return NULL;
}

int netns_conf_parse(const char *text, size_t len, const char *file, struct request *to,
		     struct err *err)
{
	static const struct conf_format format = {
		.section = "[netns]",
		.example = "uplink = wlp6s0",
		.keys = keys,
		.begin = begin_section,
		.take = take,
	};
	struct request read = *to;
	struct conf c = { .format = &format, .file = file, .to = &read, .err = err };
	int r = conf_read(&c, text, len);

	if (r == 0 && !read.uplinks.n)
		r = err_set(err, EINVAL, "%s: no uplink is named: `uplink = wlp6s0`", file);
	if (r < 0)
		return r;
	*to = read;
	return 0;
}

int netns_conf_read(struct request *to, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t len;
	int r;

	snprintf(path, sizeof(path), VIA_SYSCONFDIR "/netns.d/%s.conf", to->name);
	r = file_read(path, NETNS_CONF_MAX, &text, &len, err);
	return r < 0 ? r : netns_conf_parse(text, len, path, to, err);
}
