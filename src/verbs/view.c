/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/view.h"

#include <assert.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/own.h"
#include "plan/others.h"
#include "plan/plan.h"
#include "verbs/container.h"

void view_user(uint32_t uid, char ret[33])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		snprintf(ret, 33, "%s", pw->pw_name);
	else
		snprintf(ret, 33, "%" PRIu32, uid);
}

/*
 * Whether the session has no process left. It is there a moment before its first process is; since
 * is in whole seconds.
 */
static bool has_ended(const struct session *s, const struct processes *p)
{
	return !processes_in(p, s->netns) && (uint64_t)time(NULL) > s->since + 1;
}

static void find_container(const struct session *s, const struct processes *p,
			   struct container_id *ret)
{
	for (size_t i = 0; i < p->n && !ret->engine; i++)
		if (p->v[i].netns == s->netns)
			container_of_process(p->v[i].pid, ret);
}

void view_session(const struct facts *f, const struct session *s, const struct processes *p,
		  bool sees_all, struct session_view *ret)
{
	struct session_view v = { .session = s, .facts = f, .processes = p };
	const struct fact_link *port;
	struct pool pool;
	struct ip ip;

	v.state = session_state(f, s, sees_all && has_ended(s, p), &v.reason);
	session_port(s->id, v.port);
	port = facts_link(f, v.port);
	if (port) {
		v.port_index = port->index;
		v.device_index = port->peer;
		v.rx_bytes = port->tx_bytes;
		v.tx_bytes = port->rx_bytes;
	}
	if (s->flags & SESSION_ATTACHED)
		find_container(s, p, &v.container);
	view_user(s->uid, v.user);
	if (plan_pool(f, &pool, NULL) == 0) {
		ip = plan_address(&pool, s, AF_INET);
		ip_format(&ip, v.address);
		ip = plan_address(&pool, s, AF_INET6);
		if (!(s->flags & SESSION_NO_IPV6))
			ip_format(&ip, v.address6);
	}
	*ret = v;
}

enum colour view_state_colour(enum session_state state)
{
	static const enum colour colours[] = {
		[STATE_UP] = COLOUR_GOOD,
		[STATE_BLOCKED] = COLOUR_BAD,
		[STATE_PAUSED] = COLOUR_CARE,
		[STATE_CLOSING] = COLOUR_NONE,
	};
	static_assert(ARRAY_SIZE(colours) == STATE_COUNT, "a colour for each state");

	return colours[state];
}

enum colour view_severity_colour(enum severity severity)
{
	static const enum colour colours[] = {
		[SEVERITY_ERROR] = COLOUR_BAD,
		[SEVERITY_WARNING] = COLOUR_CARE,
		[SEVERITY_INFO] = COLOUR_NONE,
	};
	static_assert(ARRAY_SIZE(colours) == SEVERITY_COUNT, "a colour for each severity");

	return colours[severity];
}

void view_warn(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].severity != SEVERITY_INFO)
			text_print(stderr, "via-iface: warning: %s; %s\n", f->v[i].text,
				   f->v[i].fix);
}

bool view_dns(const struct session_view *v, struct view_dns *ret)
{
	const struct session *s = v->session;
	const struct fact_link *uplink = s->uplink[0] ? facts_link(v->facts, s->uplink) : NULL;
	const struct fact_dns *dns = uplink ? facts_dns(v->facts, uplink->index) : NULL;

	if (s->n_dns)
		*ret = (struct view_dns){ s->dns, s->n_dns, "--dns" };
	else if (dns && dns->n && s->slot)
		*ret = (struct view_dns){ dns->servers, dns->n, dns->source };
	else
		return false;
	return true;
}

/* The next device of this word that no earlier word of the list has brought. */
static const struct fact_link *next_link(struct view_ways *w)
{
	struct uplink_walk walk = { .facts = w->view->facts, .list = &w->view->session->uplinks };
	const struct fact_link *l;
	size_t n = 0;

	while ((l = uplink_walk(&walk)))
		if (walk.word == w->word && n++ == w->next) {
			w->next++;
			return l;
		}
	return NULL;
}

static void next_word(struct view_ways *w)
{
	w->word++;
	w->next = 0;
}

bool view_ways(struct view_ways *w, struct view_way *ret)
{
	const struct session *s = w->view->session;
	struct view_way way = { .problem = UPLINK_MISSING };

	for (; w->word < s->uplinks.n; next_word(w)) {
		way.link = next_link(w);
		if (way.link || (!w->next && !uplink_is_here(w->view->facts, &s->uplinks, w->word)))
			break;
	}
	if (w->word == s->uplinks.n)
		return false;
	way.word = uplink_list_word(&s->uplinks, w->word);
	if (way.link) {
		way.problem = uplink_serves(w->view->facts, way.link->name, s->flags);
		way.in_use = s->slot && !strcmp(way.link->name, s->uplink);
	} else {
		next_word(w); /* it means none now: said once */
	}
	*ret = way;
	return true;
}

const char *view_way_text(const struct view_way *w)
{
	if (w->in_use && w->problem == UPLINK_USABLE)
		return "in use";
	if (w->problem == UPLINK_USABLE)
		return "stands by";
	return uplink_problem_text(w->problem);
}

bool view_is_uplink(const struct fact_link *l)
{
	return !own_is_link(l) && !(l->flags & IFF_LOOPBACK);
}

bool view_is_default(const struct facts *f, const struct fact_link *l)
{
	return host_default_device(f, AF_INET) == l->index ||
	       host_default_device(f, AF_INET6) == l->index;
}

const char *view_link_state(const struct fact_link *l)
{
	if (!(l->flags & IFF_UP))
		return "down";
	return l->flags & LINK_LOWER_UP ? "up" : "no-carrier";
}

const char *human_age(uint64_t since, char ret[24])
{
	uint64_t now = (uint64_t)time(NULL), s = now > since ? now - since : 0;

	if (s < 120)
		snprintf(ret, 24, "%" PRIu64 "s", s);
	else if (s < 7200)
		snprintf(ret, 24, "%" PRIu64 "m", s / 60);
	else if (s < 172800)
		snprintf(ret, 24, "%" PRIu64 "h", s / 3600);
	else
		snprintf(ret, 24, "%" PRIu64 "d", s / 86400);
	return ret;
}
