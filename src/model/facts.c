/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/vec.h"

const struct own_sysctl bridge_sysctls[BRIDGE_SYSCTL_COUNT] = {
	{ "ipv4", "accept_redirects", "0" }, { "ipv4", "send_redirects", "0" },
	{ "ipv4", "forwarding", "1" },       { "ipv6", "accept_ra", "0" },
	{ "ipv6", "autoconf", "0" },         { "ipv6", "accept_redirects", "0" },
	{ "ipv6", "accept_dad", "0" },       { "ipv6", "addr_gen_mode", "1" },
	{ "ipv6", "force_forwarding", "1" }, { "ipv4", "src_valid_mark", "1" },
	{ "ipv6", "disable_ipv6", "0" }, /* a host may have conf/default/disable_ipv6=1 */
};

/*
 * With src_valid_mark reverse-path filtering takes the mark into account (ip-sysctl.rst). It is
 * needed on both sides: the filter looks up the rules as if the packet came in by the device it
 * leaves by (net/ipv4/fib_frontend.c:fib_validate_source), and without a mark it would find the
 * fence there.
 */
const struct own_sysctl uplink_sysctls[UPLINK_SYSCTL_COUNT] = {
	{ "ipv4", "forwarding", "1" },
	{ "ipv4", "src_valid_mark", "1" },
	{ "ipv6", "force_forwarding", "1" },
};

/* In the order of preference: the firewall calls each before its own rules decide. */
const char *const guest_chains[GUEST_CHAIN_COUNT] = {
	"DOCKER-USER", /* the one chain that Docker neither fills nor flushes */
	"ufw-before-forward",
	"ufw6-before-forward",
};

const struct own_sysctl port_sysctl = { "ipv6", "disable_ipv6", "1" };

const char *const fragment_sysctls[FRAGMENT_SYSCTL_COUNT] = {
	"net/ipv4/ipfrag_high_thresh",
	"net/netfilter/nf_conntrack_frag6_high_thresh",
};

void own_sysctl_path(const struct own_sysctl *s, const char *dev, char path[SYSCTL_MAX])
{
	snprintf(path, SYSCTL_MAX, "net/%s/conf/%s/%s", s->family, dev, s->key);
}

const struct fact_chain *facts_chain(const struct facts *f, uint8_t family, const char *table,
				     const char *name)
{
	for (size_t i = 0; i < f->chains.n; i++) {
		const struct fact_chain *c = &f->chains.v[i];

		if (c->family == family && !strcmp(c->table, table) && !strcmp(c->name, name))
			return c;
	}
	return NULL;
}

uint32_t facts_slot(const struct facts *f, const char *uplink)
{
	for (size_t i = 0; i < f->slots.n; i++)
		if (!strcmp(f->slots.v[i].uplink, uplink))
			return f->slots.v[i].slot;
	return 0;
}

const char *facts_slot_uplink(const struct facts *f, uint32_t slot)
{
	for (size_t i = 0; i < f->slots.n; i++)
		if (f->slots.v[i].slot == slot)
			return f->slots.v[i].uplink;
	return NULL;
}

bool facts_has_address(const struct facts *f, const struct ip *ip)
{
	for (size_t i = 0; i < f->addrs.n; i++)
		if (ip_equal(&f->addrs.v[i].prefix.ip, ip))
			return true;
	return false;
}

bool facts_same_subnet(const struct facts *f, const struct fact_addr *a, int index)
{
	const struct fact_addr *b = NULL;

	if (index) {
		while ((b = facts_next_addr(f, index, b)))
			if (b->index != a->index && prefix_overlap(&a->prefix, &b->prefix))
				return true;
		return false;
	}
	if (f->addrs.n && f->index.addrs.n == f->addrs.n)
		return a->shared;
	for (size_t i = 0; i < f->addrs.n; i++)
		if (f->addrs.v[i].index != a->index &&
		    prefix_overlap(&a->prefix, &f->addrs.v[i].prefix))
			return true;
	return false;
}

/* The subnet's first and last address (RFC 919); a /31 has neither (RFC 3021). */
static bool is_whole_subnet(const struct prefix *subnet, const struct ip *ip)
{
	uint32_t last;

	if (ip->family != AF_INET || subnet->len >= 31)
		return false;
	last = subnet->len ? (UINT32_C(1) << (32 - subnet->len)) - 1 : UINT32_MAX;
	return ip_offset(ip, subnet) == 0 || ip_offset(ip, subnet) == last;
}

bool facts_is_neighbour(const struct facts *f, int index, const struct ip *ip)
{
	const struct fact_addr *a = NULL;
	bool found = false;

	while ((a = facts_next_addr(f, index, a))) {
		if (a->prefix.ip.family != ip->family)
			continue;
		if (ip_equal(&a->prefix.ip, ip))
			return false;
		found |= prefix_contains(&a->prefix, ip) && !is_whole_subnet(&a->prefix, ip);
	}
	return found;
}

struct mac facts_bridge_mac(void)
{
	return (struct mac){ { 0x0a, 0x76, 0x69, 0, 0, 1 } }; /* locally administered, "vi" */
}

bool facts_is_our_bridge(const struct fact_link *l)
{
	struct mac mac = facts_bridge_mac();

	return !strcmp(l->name, BRIDGE_NAME) && !strcmp(l->kind, "bridge") &&
	       (!strcmp(l->alias, BRIDGE_ALIAS) || !memcmp(&l->mac, &mac, sizeof(mac)));
}

const char *const inherited_sysctls[INHERITED_COUNT] = {
	[INHERITED_PORT_START] = "net/ipv4/ip_unprivileged_port_start",
	"net/ipv4/ip_local_port_range",
	"net/ipv4/ip_default_ttl",
	"net/ipv4/tcp_congestion_control",
	"net/ipv4/tcp_rmem",
	"net/ipv4/tcp_wmem",
	"net/ipv4/tcp_mtu_probing",
	"net/ipv4/tcp_base_mss",
	"net/ipv4/tcp_fastopen",
	"net/ipv4/tcp_timestamps",
	"net/ipv4/tcp_sack",
	"net/ipv4/tcp_window_scaling",
	"net/ipv4/tcp_ecn",
	"net/ipv4/tcp_keepalive_time",
	"net/ipv4/tcp_keepalive_intvl",
	"net/ipv4/tcp_keepalive_probes",
	"net/ipv4/tcp_fin_timeout",
	"net/ipv4/tcp_slow_start_after_idle",
	"net/ipv4/tcp_notsent_lowat",
	"net/ipv4/tcp_syn_retries",
	"net/ipv4/tcp_retries2",
	"net/ipv4/tcp_tw_reuse",
	"net/ipv4/tcp_moderate_rcvbuf",
	"net/ipv4/tcp_max_syn_backlog",
	"net/core/somaxconn",
};

const struct fact_dns *facts_dns(const struct facts *f, int index)
{
	for (size_t i = 0; i < f->dns.n; i++)
		if (f->dns.v[i].index == index)
			return &f->dns.v[i];
	return NULL;
}

struct fact_gateway *facts_gateway(const struct facts *f, int index, const struct ip *ip)
{
	for (size_t i = 0; i < f->gateways.n; i++)
		if (f->gateways.v[i].index == index && ip_equal(&f->gateways.v[i].ip, ip))
			return &f->gateways.v[i];
	return NULL;
}

bool facts_is_better_route(const struct fact_route *r, const struct fact_route *than)
{
	if (!than || r->metric != than->metric)
		return !than || r->metric < than->metric;
	return r->preference > than->preference || (r->preference == than->preference && r < than);
}

const struct fact_refused *facts_refused(const struct facts *f, const char *uplink)
{
	for (size_t i = 0; i < f->refused.n; i++)
		if (!strcmp(f->refused.v[i].uplink, uplink))
			return &f->refused.v[i];
	return NULL;
}

void facts_done(struct facts *f)
{
	VEC_DONE(&f->links);
	VEC_DONE(&f->altnames);
	VEC_DONE(&f->addrs);
	VEC_DONE(&f->routes);
	VEC_DONE(&f->rules);
	VEC_DONE(&f->gateways);
	VEC_DONE(&f->sysctls);
	VEC_DONE(&f->slots);
	VEC_DONE(&f->sessions);
	VEC_DONE(&f->spares);
	VEC_DONE(&f->refused);
	VEC_DONE(&f->dns);
	VEC_DONE(&f->chains);
	VEC_DONE(&f->stops);
	VEC_DONE(&f->pending);
	VEC_DONE(&f->reserved_ports);
	VEC_DONE(&f->socket_ports);
	set_done(&f->ours);
	chains_done(&f->index.names);
	chains_done(&f->index.numbers);
	chains_done(&f->index.altnames);
	chains_done(&f->index.addrs);
	chains_done(&f->index.routes);
	VEC_DONE(&f->index.stops);
	chains_done(&f->index.sysctls);
	chains_done(&f->lists.by_bytes);
	VEC_DONE(&f->lists);
	VEC_DONE(&f->lists.choices);
	chains_done(&f->lists.words.by_text);
	VEC_DONE(&f->lists.devices);
	VEC_DONE(&f->lists.words);
	*f = (struct facts){ 0 };
}
