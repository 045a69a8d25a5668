/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/request.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

static bool terminated(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

static int check_dns(const struct request *r, struct err *err)
{
	char text[IP_TEXT_MAX];

	if (r->n_dns > SESSION_DNS_MAX)
		return err_set(err, EINVAL, "invalid --dns: more than %d servers", SESSION_DNS_MAX);
	for (size_t i = 0; i < r->n_dns; i++)
		if (!ip_can_serve(&r->dns[i]))
			return err_set(err, EINVAL,
				       "invalid --dns '%s': no name server can have this address",
				       ip_format(&r->dns[i], text));
	return 0;
}

/* Those of /proc/sys/net/ipv4/conf that are no device, and the one that every netns has. */
static bool device_valid(const char *name)
{
	static const char *const taken[] = { ".", "..", "all", "default", "lo" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!strcmp(name, taken[i]))
			return false;
	for (const char *c = name; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr("._-", *c))
			return false;
	return *name != '-';
}

static int check_share(const struct request *r, struct err *err)
{
	if (!terminated(r->share, sizeof(r->share)))
		return err_set(err, EINVAL, "read the request: a text without an end");
	if (!r->share[0])
		return 0;
	if (r->probe_of)
		return err_set(err, EINVAL, "read the request: a probe session is in no group");
	if (session_share_valid(r->share))
		return 0;
	return err_set(err, EINVAL, SHARE_INVALID, r->share);
}

static int check_host_ports(const struct request *r, struct err *err)
{
	if (!host_ports_valid(&r->host_ports))
		return err_set(err, EINVAL, "read the request: ports that are no list");
	if (!host_ports_count(&r->host_ports))
		return 0;
	if (r->probe_of)
		return err_set(err, EINVAL, "read the request: a probe session has no ports");
	if (!(r->flags & SESSION_KEEP))
		return 0;
	err_set(err, EINVAL,
		"invalid option '--host-port': its listening sockets would keep a netns of --keep "
		"when its name is removed");
	return err ? err_hint(err, "leave out --host-port or --keep") : -EINVAL;
}

static int check_rates(const struct request *r, struct err *err)
{
	if (!rate_limits_valid(&r->rates))
		return err_set(err, EINVAL, "read the request: rates that are none");
	if (r->rates.down && r->probe_of)
		return err_set(err, EINVAL, "read the request: a probe session has no rate");
	return 0;
}

static int check_published(const struct request *r, struct err *err)
{
	if (!publish_valid(&r->published))
		return err_set(err, EINVAL, "read the request: published ports that are no list");
	if (r->probe_of && publish_count(&r->published))
		return err_set(err, EINVAL, "read the request: a probe session publishes nothing");
	return 0;
}

/* What would open more than a login page. */
static int check_portal(const struct request *r, struct err *err)
{
	const uint32_t refused = SESSION_HOST_ACCESS | SESSION_KEEP | SESSION_JOIN;

	if (!(r->flags & SESSION_PORTAL))
		return 0;
	if (r->flags & refused || r->share[0] || r->probe_of || host_ports_count(&r->host_ports) ||
	    publish_count(&r->published))
		return err_set(err, EINVAL,
			       "open a login page: its session is closed to all but that page");
	return 0;
}

int request_check_attach(const struct request *r, struct err *err)
{
	struct request run = *r;

	if (!terminated(r->device, sizeof(r->device)))
		return err_set(err, EINVAL, "read the request: a text without an end");
	if (!device_valid(r->device))
		return err_set(
			err, EINVAL,
			"invalid --ifname '%s': up to 15 of letters, digits and ._-, and not "
			"all, default or lo",
			r->device);
	if (r->flags & SESSION_KEEP)
		return err_set(err, EINVAL, "attach a netns: it is kept by whoever made it");
	if (r->flags & SESSION_JOIN)
		return err_set(err, EINVAL, "attach a netns: it joins no session");
	if (r->flags & SESSION_PORTAL)
		return err_set(err, EINVAL, "attach a netns: a login page is opened by a run");
	if (r->probe_of)
		return err_set(err, EINVAL, "attach a netns: a probe session has one of its own");
	if (host_ports_count(&r->host_ports))
		return err_set(err, EINVAL, "attach a netns: its loopback ports are its owner's");
	if (publish_count(&r->published) || r->flags & SESSION_PORTS_AGAIN)
		return err_set(err, EINVAL, "attach a netns: its ports are its owner's to publish");
	run.flags &=
		~(uint32_t)(SESSION_REPLACE_ROUTE | SESSION_FALLBACK | SESSION_FOREIGN_RESOLVER);
	memset(run.device, 0, sizeof(run.device));
	return request_check(&run, err);
}

int request_check(const struct request *r, struct err *err)
{
	const uint32_t known = SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS |
			       SESSION_KEEP | SESSION_NAME_GIVEN | SESSION_NAME_AGAIN |
			       SESSION_PENDING | SESSION_JOIN | SESSION_PORTS_AGAIN |
			       SESSION_PORTAL |
			       (r->flags & SESSION_PORTAL ? SESSION_PORTAL_LAN : 0);
	uint32_t least = r->flags & SESSION_NO_IPV6 ? 68 : 1280;

	if (!terminated(r->name, sizeof(r->name)))
		return err_set(err, EINVAL, "read the request: a text without an end");
	if (!terminated(r->program, sizeof(r->program)) || !text_printable(r->program))
		return err_set(err, EINVAL, "read the request: a program's name that is no text");
	if (r->flags & ~known)
		return err_set(err, EINVAL, "read the request: unknown flag 0x%x",
			       r->flags & ~known);
	if (r->flags & SESSION_JOIN && (r->flags & SESSION_NAME_AGAIN || r->probe_of))
		return err_set(err, EINVAL,
			       "join a session: no probe session, and none that is closing, is "
			       "joined");
	if (r->mtu && (r->mtu < least || r->mtu > 65535))
		return err_set(err, EINVAL, "invalid --mtu %u: it must be %u to 65535%s", r->mtu,
			       least, least > 68 ? "; with --ipv6=off 68 to 65535" : "");
	if (r->device[0])
		return err_set(err, EINVAL, "read the request: a run names no device");
	if (check_share(r, err) < 0 || check_host_ports(r, err) < 0 || check_rates(r, err) < 0 ||
	    check_published(r, err) < 0 || check_portal(r, err) < 0)
		return -EINVAL;
	if (!session_name_valid(r->name))
		return err_set(
			err, EINVAL,
			"invalid --name '%s': 1 to 32 of letters, digits and ._+-, the first a "
			"letter or digit, and not digits alone",
			r->name);
	if (check_dns(r, err) < 0)
		return -EINVAL;
	return uplink_list_check(&r->uplinks, err);
}

int request_read_dns(const char *list, struct request *r, struct err *err)
{
	r->n_dns = 0;
	for (const char *at = list;; at++) {
		size_t len = strcspn(at, ",");
		char one[IP_TEXT_MAX] = "";

		if (r->n_dns == SESSION_DNS_MAX) {
			r->n_dns = 0;
			return err_set(err, EINVAL, "invalid --dns '%s': more than %d servers",
				       list, SESSION_DNS_MAX);
		}
		if (len < sizeof(one))
			memcpy(one, at, len);
		if (ip_parse(one, &r->dns[r->n_dns]) < 0) {
			r->n_dns = 0;
			return err_set(err, EINVAL,
				       "invalid --dns '%s': '%.*s' is no IPv4 or IPv6 address",
				       list, (int)len, at);
		}
		r->n_dns++;
		at += len;
		if (!*at)
			return 0;
	}
}

const char *request_conf_uplinks(const char *value, struct request *r)
{
	if (uplink_list_parse(value, &r->uplinks, NULL) < 0)
		return "each must be the name of an interface, wifi, ethernet, wwan, vpn, "
		       "ssid:NAME or mac:AA:BB:CC:DD:EE:FF, with commas and no blanks between";
	return NULL;
}

const char *request_conf_dns(const char *value, struct request *r)
{
	if (request_read_dns(value, r, NULL) < 0)
		return "it is one to three IPv4 or IPv6 addresses of name servers, with commas "
		       "and no blanks between";
	for (size_t i = 0; i < r->n_dns; i++)
		if (!ip_can_serve(&r->dns[i]))
			return "no name server can have this address";
	return NULL;
}
