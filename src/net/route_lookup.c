/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/route_lookup.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "net/attr.h"

int route_decode_answer(const struct nlmsghdr *nlh, struct route_answer *ret)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return -EBADMSG;
	attrs_of(nlh, sizeof(*rtm), tb, RTA_MAX);
	*ret = (struct route_answer){
		.index = (int)u32_of(tb[RTA_OIF], 0),
		.table = u32_of(tb[RTA_TABLE], rtm->rtm_table),
	};
	return 1;
}

static int take(const struct nlmsghdr *nlh, void *arg)
{
	int r = route_decode_answer(nlh, arg);

	return r < 0 ? r : 0;
}

/* The errors of a lookup: of a rule or route that stops, and of none (fib_rules.c, fib_props). */
static bool is_answer(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EACCES ||
	       error == -EINVAL || error == -EAGAIN;
}

int route_lookup(struct nl_sock *rtnl, const struct route_question *q, struct route_answer *ret,
		 struct err *err)
{
	struct rtmsg *rtm;
	struct nl_msg m;
	int r;

	rtm = nl_msg_start(&m, RTM_GETROUTE, 0, sizeof(*rtm));
	rtm->rtm_family = q->to.family;
	rtm->rtm_src_len = rtm->rtm_dst_len = (uint8_t)(ip_size(&q->to) * 8);
	if (q->to.family ==
	    AF_INET) /* else its answer has the main table's number; IPv6 refuses it */
		rtm->rtm_flags = RTM_F_LOOKUP_TABLE;
	nl_put_ip(&m, RTA_DST, &q->to);
	nl_put_ip(&m, RTA_SRC, &q->from);
	nl_put_u32(&m, RTA_IIF, (uint32_t)q->iif);
	nl_put_u32(&m, RTA_MARK, q->mark);
	*ret = (struct route_answer){ 0 };
	r = nl_get(rtnl, &m, take, ret, err);
	if (!is_answer(r))
		return r;
	*ret = (struct route_answer){ .error = r };
	return 0;
}
