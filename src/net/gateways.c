/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/kernel.h"
#include "net/rtnl.h"

static int take(const struct nlmsghdr *nlh, void *arg)
{
	struct fact_gateway *g = arg, seen;

	if (rtnl_decode_gateway(nlh, &seen) > 0 && seen.index == g->index &&
	    ip_equal(&seen.ip, &g->ip))
		g->state = seen.state;
	return 0;
}

void observe_gateways(struct kernel *k, struct facts *f)
{
	for (size_t i = 0; i < f->gateways.n; i++) {
		struct fact_gateway *g = &f->gateways.v[i];
		struct err no_entry = { 0 };
		struct nl_msg m;

		if (g->asked)
			continue;
		rtnl_get_neigh(&m, g->index, &g->ip);
		nl_get(&k->route, &m, take, g, &no_entry);
		g->asked = true;
	}
}

int kernel_ask_neighbour(struct kernel *k, int index, const struct ip *ip, struct err *err)
{
	char text[IP_TEXT_MAX];
	struct nl_msg m;
	int r;

	rtnl_use_neigh(&m, index, ip);
	r = nl_talk(&k->route, &m, err);
	return r < 0 ? err_wrap(err, "ask for gateway %s", ip_format(ip, text)) : 0;
}
