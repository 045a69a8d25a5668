/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers and events of rtnetlink and generic netlink, one message behind the other. */
#include "net/rtnl.h"
#include "fuzz.h"
#include "net/route_lookup.h"
#include "net/wifi.h"

#define HOPS_MAX 64

static void decode(const struct nlmsghdr *nlh)
{
	struct rtnl_link link = { 0 };
	struct fact_addr addr = { 0 };
	struct fact_route route = { 0 };
	struct obj_rule rule = { 0 };
	struct fact_rule host_rule = { 0 };
	struct fact_gateway gateway = { 0 };
	struct rtnl_nexthop nexthop = { 0 };
	struct route_answer answer = { 0 };
	struct obj_tc tc = { 0 };
	struct obj_qdisc qdisc = { 0 };
	struct mac mac;
	struct ip ip;
	char ssid[33];
	uint8_t protocol;
	uint16_t state;
	int index;

	if (rtnl_decode_link(nlh, &link) > 0) {
		must(strnlen(link.fact.name, sizeof(link.fact.name)) < sizeof(link.fact.name));
		must(strnlen(link.fact.kind, sizeof(link.fact.kind)) < sizeof(link.fact.kind));
		must(strnlen(link.fact.alias, sizeof(link.fact.alias)) < sizeof(link.fact.alias));
		for (const char *name = NULL; (name = rtnl_next_altname(&link, name));)
			must(name[0] && strlen(name) < ALTNAME_MAX);
	}
	if (rtnl_decode_addr(nlh, &addr) > 0)
		must(addr.prefix.len <= ip_size(&addr.prefix.ip) * 8);
	for (int hop = 0; hop < HOPS_MAX && rtnl_decode_route(nlh, hop, &route) > 0; hop++)
		must(route.dst.len <= ip_size(&route.dst.ip) * 8);
	rtnl_decode_rule(nlh, &rule, &protocol);
	if (rtnl_decode_host_rule(nlh, &host_rule) > 0) {
		must(strnlen(host_rule.oif, sizeof(host_rule.oif)) < sizeof(host_rule.oif));
		must(host_rule.src.len <= ip_size(&host_rule.src.ip) * 8);
		must(host_rule.dst.len <= ip_size(&host_rule.dst.ip) * 8);
	}
	if (rtnl_decode_nexthop(nlh, &nexthop) > 0)
		must(nexthop.id && nexthop.n_members <= NEXTHOP_MEMBERS_MAX);
	route_decode_answer(nlh, &answer);
	rtnl_decode_neigh(nlh, &index, &state, &ip, &mac);
	if (rtnl_decode_gateway(nlh, &gateway) > 0)
		must(gateway.state <= GATEWAY_FAILED);
	rtnl_decode_filter(nlh, &tc);
	rtnl_decode_qdisc(nlh, &qdisc);
	wifi_decode_family(nlh);
	if (wifi_decode_interface(nlh, &index, ssid) > 0)
		must(strnlen(ssid, sizeof(ssid)) < sizeof(ssid));
	if (wifi_decode_scan(nlh, &index, ssid) > 0)
		must(strnlen(ssid, sizeof(ssid)) < sizeof(ssid));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *bytes = fuzz_copy(data, size);
	const struct nlmsghdr *nlh = bytes;
	int left = (int)size;

	for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		decode(nlh);
	free(bytes);
	return 0;
}
