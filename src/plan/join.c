/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/join.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

static const struct session *find(const struct facts *f, const char *name, uint32_t uid)
{
	const struct session *found = NULL;

	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];

		if (s->uid != uid || s->probe_of || strcmp(s->name, name) != 0)
			continue;
		if (!found || s->since > found->since ||
		    (s->since == found->since && s->id > found->id))
			found = s;
	}
	return found;
}

static bool other_servers(const struct session *s, const struct request *r)
{
	if (!r->n_dns)
		return false;
	if (r->n_dns != s->n_dns)
		return true;
	for (size_t i = 0; i < r->n_dns; i++)
		if (!ip_equal(&r->dns[i], &s->dns[i]))
			return true;
	return false;
}

/* The option in which the session is not as asked, or NULL. */
static const char *difference(const struct session *s, const struct request *r)
{
	static const struct {
		uint32_t flag;
		const char *option;
	} flags[] = {
		{ SESSION_NO_LAN, "--no-lan" },
		{ SESSION_NO_IPV6, "--ipv6=off" },
		{ SESSION_HOST_ACCESS, "--host-access" },
		{ SESSION_KEEP, "--keep" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (r->flags & ~s->flags & flags[i].flag)
			return flags[i].option;
	if (r->share[0] && strcmp(r->share, s->share) != 0)
		return "--share";
	if (host_ports_count(&r->host_ports) && !host_ports_equal(&r->host_ports, &s->host_ports))
		return "--host-port";
	if (r->rates.down && !rate_limits_equal(&r->rates, &s->rates))
		return "--rate";
	if (publish_count(&r->published) && !publish_equal(&r->published, &s->published))
		return "--publish";
	if (other_servers(s, r))
		return "--dns";
	return r->mtu && r->mtu != s->mtu ? "--mtu" : NULL;
}

int join_find(const struct facts *f, const struct request *r, uint32_t uid,
	      const struct session **ret, struct err *err)
{
	const struct session *s = find(f, r->name, uid);
	const char *option = s ? difference(s, r) : NULL;
	char ports[HOST_PORTS_TEXT_MAX], published[PUBLISH_LIST_TEXT_MAX];

	if (!s)
		return 0;
	if (option) {
		err_set(err, EEXIST, "join session '%s': it runs without this %s", s->name, option);
		return err_hint(err, "leave that out, or join a session of another name");
	}
	if (s->flags & SESSION_HOST_ACCESS && !(r->flags & SESSION_HOST_ACCESS)) {
		err_set(err, EEXIST,
			"join session '%s': it has --host-access, which was not asked for",
			s->name);
		return err_hint(err, "give --host-access, or join a session of another name");
	}
	if (s->share[0] && !r->share[0]) {
		err_set(err, EEXIST, "join session '%s': it has --share, which was not asked for",
			s->name);
		return err_hint(err, "give --share %s, or join a session of another name",
				s->share);
	}
	if (host_ports_count(&s->host_ports) && !host_ports_count(&r->host_ports)) {
		err_set(err, EEXIST,
			"join session '%s': it has --host-port, which was not asked for", s->name);
		return err_hint(err, "give --host-port %s, or join a session of another name",
				host_ports_format(&s->host_ports, ",", ports));
	}
	if (publish_count(&s->published) && !publish_count(&r->published)) {
		err_set(err, EEXIST, "join session '%s': it has --publish, which was not asked for",
			s->name);
		return err_hint(err, "give --publish %s, or join a session of another name",
				publish_list_format(&s->published, ",", published));
	}
	*ret = s;
	return 1;
}
