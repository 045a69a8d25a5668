/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON of all verbs but plan: the keys are a promise, in the manual page. */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "verbs/view.h"

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static struct json_object *text(const char *s)
{
	return json_object_new_string(s);
}

static struct json_object *number(uint64_t n)
{
	return json_object_new_int64((int64_t)n);
}

static struct json_object *address(const struct ip *ip)
{
	char buf[IP_TEXT_MAX];

	return text(ip_is_set(ip) ? ip_format(ip, buf) : "");
}

static struct json_object *addresses(const struct ip *v, size_t n)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, address(&v[i]));
	return array;
}

static struct json_object *words_of(const struct uplink_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(array, text(uplink_list_word(list, i)));
	return array;
}

static struct json_object *ports_of(const struct host_ports *p)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < host_ports_count(p); i++) {
		struct json_object *o = json_object_new_object();

		add(o, "proto", text(p->v[i].udp ? "udp" : "tcp"));
		add(o, "port", number(p->v[i].port));
		json_object_array_add(array, o);
	}
	return array;
}

/* An object for each port: nobody has to know of ranges. */
static struct json_object *published_of(const struct publish_list *list)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < publish_count(list); i++) {
		const struct publish *p = &list->v[i];

		for (uint32_t port = p->first; port <= p->last; port++) {
			struct json_object *o = json_object_new_object();

			add(o, "proto", text(p->udp ? "udp" : "tcp"));
			add(o, "address", address(&p->address));
			add(o, "port", number(port));
			add(o, "to", number(p->to + (port - p->first)));
			json_object_array_add(array, o);
		}
	}
	return array;
}

static struct json_object *container_of(const struct session_view *v)
{
	struct json_object *o = NULL; /* null */

	if (v->container.engine) {
		o = json_object_new_object();
		add(o, "engine", text(container_engine_name(v->container.engine)));
		add(o, "id", text(v->container.id));
		add(o, "name", text(v->container.name));
	}
	return o;
}

/* Bits a second; null: no limit. */
static struct json_object *limits_of(const struct session *s)
{
	struct json_object *o = json_object_new_object();

	add(o, "rate_down", s->rates.down ? number((uint64_t)s->rates.down * 8) : NULL);
	add(o, "rate_up", s->rates.up ? number((uint64_t)s->rates.up * 8) : NULL);
	return o;
}

struct json_object *json_session(const struct session_view *v)
{
	struct json_object *o = json_object_new_object(), *pids = json_object_new_array();
	const struct session *s = v->session;

	for (size_t i = 0; i < v->processes->n; i++)
		if (v->processes->v[i].netns == s->netns)
			json_object_array_add(pids, json_object_new_int(v->processes->v[i].pid));
	add(o, "name", text(s->name));
	add(o, "id", number(s->id));
	add(o, "uplink", text(s->uplink));
	add(o, "uplinks", words_of(&s->uplinks));
	add(o, "state", text(session_state_name(v->state)));
	add(o, "reason", text(v->reason));
	add(o, "uid", number(s->uid));
	add(o, "user", text(v->user));
	add(o, "pids", pids);
	add(o, "netns", number(s->netns));
	add(o, "ifname", text(v->port));
	add(o, "ifindex", number((uint64_t)v->port_index));
	add(o, "device", text(session_device(s)));
	add(o, "device_ifindex", number((uint64_t)v->device_index));
	add(o, "container", container_of(v));
	add(o, "address", text(v->address));
	add(o, "address6", text(v->address6));
	add(o, "rx_bytes", number(v->rx_bytes));
	add(o, "tx_bytes", number(v->tx_bytes));
	add(o, "since", number(s->since));
	add(o, "share", text(s->share));
	add(o, "host_ports", ports_of(&s->host_ports));
	add(o, "limits", limits_of(s));
	add(o, "published", published_of(&s->published));
	return o;
}

static struct json_object *options_of(const struct session *s)
{
	struct json_object *o = json_object_new_object();

	add(o, "ipv6", json_object_new_boolean(!(s->flags & SESSION_NO_IPV6)));
	add(o, "no_lan", json_object_new_boolean((s->flags & SESSION_NO_LAN) != 0));
	add(o, "host_access", json_object_new_boolean((s->flags & SESSION_HOST_ACCESS) != 0));
	add(o, "keep", json_object_new_boolean((s->flags & SESSION_KEEP) != 0));
	add(o, "mtu", number(s->mtu));
	add(o, "dns", addresses(s->dns, s->n_dns));
	return o;
}

static struct json_object *ways_of(const struct session_view *v)
{
	struct json_object *array = json_object_new_array();
	struct view_ways walk = { .view = v };
	struct view_way way;

	while (view_ways(&walk, &way)) {
		struct json_object *o = json_object_new_object();
		bool usable = way.problem == UPLINK_USABLE;

		add(o, "word", text(way.word));
		add(o, "name", text(way.link ? way.link->name : ""));
		add(o, "in_use", json_object_new_boolean(way.in_use));
		add(o, "usable", json_object_new_boolean(usable));
		add(o, "reason", text(usable ? "" : uplink_problem_text(way.problem)));
		json_object_array_add(array, o);
	}
	return array;
}

struct json_object *json_session_in_full(const struct session_view *v, const struct findings *f)
{
	struct json_object *o = json_session(v);
	struct view_dns dns = { 0 };

	view_dns(v, &dns);
	add(o, "dns", addresses(dns.servers, dns.n));
	add(o, "dns_source", text(dns.source ? dns.source : ""));
	add(o, "options", options_of(v->session));
	add(o, "ways", ways_of(v));
	add(o, "findings", json_findings(f));
	return o;
}

struct json_object *json_uplink(const struct facts *f, const struct fact_link *l)
{
	struct json_object *o = json_object_new_object(), *own = json_object_new_array();
	struct json_object *sessions = json_object_new_array();
	struct json_object *altnames = json_object_new_array();
	const struct fact_dns *dns = facts_dns(f, l->index);
	struct uplink u = uplink_lookup(f, l->name);
	const enum uplink_problem problem = uplink_serves(f, l->name, 0);
	bool usable = problem == UPLINK_USABLE;
	char buf[IP_TEXT_MAX];

	for (size_t i = 0; i < f->addrs.n; i++)
		if (f->addrs.v[i].index == l->index && f->addrs.v[i].scope == RT_SCOPE_UNIVERSE)
			json_object_array_add(own, text(prefix_format(&f->addrs.v[i].prefix, buf)));
	for (size_t i = 0; i < l->n_altnames; i++)
		json_object_array_add(altnames, text(f->altnames.v[l->first_altname + i].name));
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!f->sessions.v[i].probe_of && f->sessions.v[i].slot &&
		    !strcmp(f->sessions.v[i].uplink, l->name))
			json_object_array_add(sessions, text(f->sessions.v[i].name));
	add(o, "name", text(l->name));
	add(o, "kind", text(link_medium_name(l->medium)));
	add(o, "state", text(view_link_state(l)));
	add(o, "default", json_object_new_boolean(view_is_default(f, l)));
	add(o, "usable", json_object_new_boolean(usable));
	add(o, "reason", text(usable ? "" : uplink_problem_text(problem)));
	add(o, "portal", json_object_new_boolean(u.portal));
	add(o, "addresses", own);
	add(o, "gateway", address(&u.ip4.gateway));
	add(o, "gateway6", address(&u.ip6.gateway));
	add(o, "gateway_silent", address(&u.ip4.silent));
	add(o, "gateway6_silent", address(&u.ip6.silent));
	add(o, "dns", addresses(dns ? dns->servers : NULL, dns ? dns->n : 0));
	add(o, "dns_over_tls",
	    text(!dns || !dns->tls          ? "no"
		 : dns->tls == DNS_MODE_YES ? "yes"
					    : "opportunistic"));
	add(o, "dnssec",
	    text(!dns || !dns->dnssec          ? "no"
		 : dns->dnssec == DNS_MODE_YES ? "yes"
					       : "allow-downgrade"));
	add(o, "ssid", text(l->ssid));
	add(o, "altnames", altnames);
	add(o, "sessions", sessions);
	return o;
}

struct json_object *json_findings(const struct findings *f)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < f->n; i++) {
		struct json_object *o = json_object_new_object();

		add(o, "id", text(f->v[i].id));
		add(o, "severity", text(severity_name(f->v[i].severity)));
		add(o, "object", text(f->v[i].object));
		add(o, "text", text(f->v[i].text));
		add(o, "fix", text(f->v[i].fix));
		json_object_array_add(array, o);
	}
	return array;
}

void json_add_time(struct json_object *o)
{
	struct timespec now;
	char as[40];

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(as, sizeof(as), "%lld.%03ld", (long long)now.tv_sec, now.tv_nsec / 1000000);
	add(o, "time",
	    json_object_new_double_s((double)now.tv_sec + (double)now.tv_nsec / 1e9, as));
}

void json_show(struct json_object *o)
{
	text_print_json(stdout,
			json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

void json_show_line(struct json_object *o)
{
	text_print_json(stdout,
			json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
