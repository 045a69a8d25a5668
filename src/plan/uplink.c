/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/uplink.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "model/own.h"
#include "plan/routes.h"

static const char *const texts[] = {
	[UPLINK_USABLE] = "it can serve",
	[UPLINK_MISSING] = "no such interface",
	[UPLINK_OURS] = "it belongs to via-iface itself",
	[UPLINK_LOOPBACK] = "a loopback leads nowhere",
	[UPLINK_VRF] = "it is a VRF, and routes what its interfaces carry",
	[UPLINK_DOWN] = "it is down",
	[UPLINK_NO_CARRIER] = "it has no carrier",
	[UPLINK_NO_ADDRESS] = "it has no address",
	[UPLINK_NO_GATEWAY] = "it has no gateway: no default route leads through it, in any table",
	[UPLINK_PORTAL] = "it is behind a login page",
};
static_assert(sizeof(texts) / sizeof(texts[0]) == UPLINK_PROBLEM_COUNT, "uplink problems");

const char *uplink_problem_text(enum uplink_problem problem)
{
	return texts[problem];
}

bool way_silent_text(const struct way_out *w, char ret[SILENT_TEXT_MAX])
{
	char silent[IP_TEXT_MAX], used[IP_TEXT_MAX];
	const char *by = w->silent.family == AF_INET ? "ARP" : "neighbour discovery";

	if (!ip_is_set(&w->silent))
		return false;
	ip_format(&w->silent, silent);
	if (ip_equal(&w->silent, &w->gateway))
		snprintf(ret, SILENT_TEXT_MAX, "gateway %s does not answer %s", silent, by);
	else
		snprintf(ret, SILENT_TEXT_MAX, "gateway %s does not answer %s; %s is used", silent,
			 by, ip_format(&w->gateway, used));
	return true;
}

static int hint(struct err *err, enum uplink_problem problem, const char *name)
{
	_cleanup_strbuf_ struct strbuf word = { 0 };

	switch (problem) {
	case UPLINK_OURS:
	case UPLINK_LOOPBACK:
		return err_hint(err, "name the card that leads out");
	case UPLINK_VRF:
		return err_hint(err,
				"name an interface of it: `ip -br link show master %s` lists them",
				strbuf_word(&word, name));
	case UPLINK_DOWN:
		return err_hint(err,
				"switch it on in your network manager, or "
				"`sudo ip link set dev %s up`",
				strbuf_word(&word, name));
	case UPLINK_NO_CARRIER:
		return err_hint(err, "plug in its cable, or connect it to a network");
	case UPLINK_NO_ADDRESS:
		return err_hint(err, "connect it to a network, or give it an address");
	case UPLINK_NO_GATEWAY:
		return err_hint(err,
				"give it one behind the others: "
				"`sudo ip route add default via GATEWAY dev %s metric 900`",
				strbuf_word(&word, name));
	case UPLINK_PORTAL:
		return err_hint(err, UPLINK_PORTAL_HINT, strbuf_word(&word, name));
	case UPLINK_USABLE:
	case UPLINK_MISSING:
	case UPLINK_PROBLEM_COUNT:
		break;
	}
	return -err->code;
}

/*
 * As the kernel selects it for IPv4: the first primary address whose network holds the next hop, or
 * the first primary one (net/ipv4/devinet.c:inet_select_addr). Deprecated ones count like others.
 */
static const struct fact_addr *selected4(const struct facts *f, int index,
					 const struct ip *next_hop)
{
	const struct fact_addr *first = NULL;

	for (const struct fact_addr *a = NULL; (a = facts_next_addr(f, index, a));) {
		if (a->prefix.ip.family != AF_INET || a->scope != RT_SCOPE_UNIVERSE ||
		    a->flags & IFA_F_SECONDARY)
			continue;
		if (!first)
			first = a;
		if (ip_is_set(next_hop) && prefix_contains(&a->prefix, next_hop))
			return a;
	}
	return first;
}

/*
 * The address that serves: for IPv4 the one that the kernel selects, for IPv6 a global one; else a
 * deprecated one (RFC 4862, section 5.5.4: it is used while there is no other); else a link-local
 * one of IPv4 (RFC 3927), as a phone's USB tethering or a direct cable has.
 */
static const struct fact_addr *best_address(const struct facts *f, int index, uint8_t family,
					    const struct ip *next_hop)
{
	const uint32_t bad = IFA_F_TENTATIVE | IFA_F_DADFAILED;
	const struct fact_addr *deprecated = NULL, *local = NULL;
	const struct fact_addr *selected = selected4(f, index, next_hop);

	if (family == AF_INET && selected)
		return selected;
	for (const struct fact_addr *a = NULL; (a = facts_next_addr(f, index, a));) {
		if (a->prefix.ip.family != family || a->flags & bad)
			continue;
		if (a->scope == RT_SCOPE_UNIVERSE && !(a->flags & IFA_F_DEPRECATED))
			return a;
		if (a->scope == RT_SCOPE_UNIVERSE && !deprecated)
			deprecated = a;
		if (a->scope == RT_SCOPE_LINK && family == AF_INET && !local &&
		    ip_is_link_local(&a->prefix.ip))
			local = a;
	}
	return deprecated ? deprecated : local;
}

bool uplink_masquerades_as(const struct facts *f, int index, const struct ip *next_hop,
			   const struct ip *source)
{
	const struct fact_addr *a = NULL;

	if (source->family == AF_INET) {
		a = selected4(f, index, next_hop);
		return a && ip_equal(&a->prefix.ip, source);
	}
	while ((a = facts_next_addr(f, index, a))) /* the kernel compares all (RFC 6724) */
		if (a->scope == RT_SCOPE_UNIVERSE && !(a->flags & IFA_F_SECONDARY) &&
		    ip_equal(&a->prefix.ip, source))
			return !(a->flags & IFA_F_DEPRECATED);
	return false;
}

/* Whether the kernel would take that gateway on that device without being told that it is there. */
static bool is_reached(const struct facts *f, int index, const struct ip *gateway)
{
	const struct fact_route *r = NULL;

	while ((r = facts_next_route(f, index, r)))
		if (r->dst.len && r->dst.ip.family == gateway->family && r->type == RTN_UNICAST &&
		    !ip_is_set(&r->gateway) && !own_is_route(r) &&
		    prefix_contains(&r->dst, gateway))
			return true;
	return ip_is_link_local(gateway) && gateway->family == AF_INET6;
}

/*
 * A card that is to serve its own network only has no default route, and yet a gateway: its lease,
 * or whoever configured it, names it.
 */
static struct ip gateway_of_lease(const struct facts *f, const struct fact_link *link,
				  uint8_t family)
{
	const struct fact_dns *told = facts_dns(f, link->index);
	const struct ip none = { 0 };
	struct ip gateway = none;

	if (told && !(link->flags & IFF_POINTOPOINT))
		gateway = family == AF_INET ? told->gateway4 : told->gateway6;
	if (gateway.family != family || !facts_is_neighbour(f, link->index, &gateway))
		return none;
	return gateway;
}

static struct way_out find_way_out(const struct facts *f, const struct fact_link *link,
				   uint8_t family)
{
	const struct fact_route *r = out_default(f, link, family);
	const struct ip gateway = r ? r->gateway : gateway_of_lease(f, link, family);
	const struct fact_addr *a = best_address(f, link->index, family, &gateway);
	struct way_out w = { .gateway = gateway };

	/* one that a network manager gave up on DHCP for leads to no router of another network */
	if (a && family == AF_INET && ip_is_link_local(&a->prefix.ip) && r &&
	    ip_is_set(&r->gateway) && !prefix_contains(&a->prefix, &r->gateway))
		a = NULL;
	if (a) {
		w.address = a->prefix.ip;
		w.deprecated = a->flags & IFA_F_DEPRECATED;
	}
	if (r && ip_is_set(&r->src) && facts_has_address(f, &r->src))
		w.address = r->src; /* also of another device: an unnumbered link */
	w.leased = !r && ip_is_set(&gateway) && ip_is_set(&w.address);
	w.usable = ip_is_set(&w.address) && (r || w.leased || link->flags & IFF_POINTOPOINT);
	if (ip_is_set(&w.address) && !uplink_masquerades_as(f, link->index, &gateway, &w.address))
		w.source = w.address;
	w.onlink = r ? r->onlink : w.leased && !is_reached(f, link->index, &gateway);
	if (r && out_default_in_order(f, link, family)->silent)
		w.silent = out_default_in_order(f, link, family)->gateway;
	return w;
}

struct uplink uplink_lookup(const struct facts *f, const char *name)
{
	struct uplink u = { .link = facts_link(f, name) };

	if (!u.link) {
		u.problem = UPLINK_MISSING;
	} else if (own_is_link(u.link)) {
		u.problem = UPLINK_OURS;
	} else if (u.link->flags & IFF_LOOPBACK) {
		u.problem = UPLINK_LOOPBACK;
	} else if (u.link->vrf_table) {
		/* its transmit function looks the packet up a second time, as one of the host's own
		 * (drivers/net/vrf.c:vrf_process_v4_outbound), without our mark */
		u.problem = UPLINK_VRF;
	} else {
		const struct fact_dns *told = facts_dns(f, u.link->index);

		u.portal = told && told->portal;
		u.ip4 = find_way_out(f, u.link, AF_INET);
		u.ip6 = find_way_out(f, u.link, AF_INET6);
		if (!(u.link->flags & IFF_UP))
			u.problem = UPLINK_DOWN;
		else if (!(u.link->flags & LINK_LOWER_UP))
			u.problem = UPLINK_NO_CARRIER;
		else if (u.ip4.usable || u.ip6.usable)
			u.problem = UPLINK_USABLE;
		else if (!ip_is_set(&u.ip4.address) && !ip_is_set(&u.ip6.address))
			u.problem = UPLINK_NO_ADDRESS;
		else
			u.problem = UPLINK_NO_GATEWAY;
	}
	return u;
}

enum uplink_problem uplink_serves(const struct facts *f, const char *name, uint32_t flags)
{
	const struct uplink u = uplink_lookup(f, name);

	return u.problem == UPLINK_USABLE && u.portal && !(flags & SESSION_PORTAL) ? UPLINK_PORTAL
										   : u.problem;
}

/* By what it is, and not by what happens to it. */
static bool cannot_serve(enum uplink_problem problem)
{
	return problem == UPLINK_OURS || problem == UPLINK_LOOPBACK || problem == UPLINK_VRF;
}

/*
 * What is wrong with each that a word means, or that it means none; *ret_name is the last one's
 * name, or the word.
 */
static enum uplink_problem explain(const struct facts *f, const struct uplink_list *list, size_t i,
				   struct strbuf *why, const char **ret_name)
{
	enum uplink_problem problem = UPLINK_MISSING;
	const struct fact_link *l;
	size_t n = 0, next = 0;

	*ret_name = uplink_list_word(list, i);
	while ((l = uplink_of_word(f, list, i, &next))) {
		problem = uplink_serves(f, l->name, 0);
		strbuf_add(why, "%s'%s': %s", n++ ? ", " : "", l->name,
			   uplink_problem_text(problem));
		*ret_name = l->name;
	}
	if (!n)
		strbuf_add(why, "'%s': %s", *ret_name, uplink_missing_text(list, i));
	return problem;
}

/* The same for each word of a list; what is returned and *ret_name are of the last. */
static enum uplink_problem explain_all(const struct facts *f, const struct uplink_list *list,
				       struct strbuf *why, const char **ret_name)
{
	enum uplink_problem problem = UPLINK_MISSING;

	for (size_t i = 0; i < list->n; i++) {
		strbuf_add(why, "%s", i ? ", " : "");
		problem = explain(f, list, i, why, ret_name);
	}
	return problem;
}

void uplink_explain(const struct facts *f, const struct uplink_list *list, struct strbuf *ret)
{
	const char *ignored;

	explain_all(f, list, ret, &ignored);
}

bool uplink_may_come(const struct facts *f, const struct uplink_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct fact_link *l;
		size_t next = 0, n = 0;

		for (; (l = uplink_of_word(f, list, i, &next)); n++)
			if (!cannot_serve(uplink_lookup(f, l->name).problem))
				return true;
		if (!n)
			return true; /* it may be plugged in */
	}
	return false;
}

int uplink_choose(const struct facts *f, const struct uplink_list *list, uint32_t flags,
		  char ret[IFNAMSIZ], struct err *err)
{
	struct uplink_walk walk = { .facts = f, .list = list };
	_cleanup_strbuf_ struct strbuf why = { 0 };
	const struct fact_link *l, *refused = NULL;
	enum uplink_problem problem;
	const char *name = "";

	while ((l = uplink_walk(&walk))) {
		if (uplink_serves(f, l->name, flags) != UPLINK_USABLE)
			continue;
		if (!facts_refused(f, l->name)) {
			memcpy(ret, l->name, sizeof(l->name));
			return 0;
		}
		refused = refused ? refused : l;
	}
	if (refused) { /* it may be over, or be told why not */
		memcpy(ret, refused->name, sizeof(refused->name));
		return 0;
	}
	if (!err)
		return -ENETUNREACH;
	problem = explain_all(f, list, &why, &name);
	if (list->n > 1)
		return err_set(err, ENETUNREACH, "use one of the uplinks: %s; none can serve now",
			       strbuf_text(&why));
	err_set(err, ENETUNREACH, "use uplink %s", strbuf_text(&why));
	return problem == UPLINK_MISSING ? uplink_missing_hint(f, list, 0, err)
					 : hint(err, problem, name);
}
