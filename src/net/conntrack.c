/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel can select entries of a dump by mark (CTA_MARK and CTA_MARK_MASK), but by one address
 * at most, and each dump walks the whole hash table: 11 ms for 262144 buckets. So there is one
 * dump of all entries with our mark. Each entry to be deleted is named by the attributes that the
 * dump told: its original tuple, which carries the zone where that holds in one direction only,
 * CTA_ZONE where it holds in both, and CTA_ID, so that a newer entry of the same tuple stays.
 */
#include "net/conntrack.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/attr.h"

/* Messages sent at once: each may come back as an error, and those must fit the receive buffer. */
#define BATCH_MAX      64
#define BATCHES_A_STEP 16

#define CTNETLINK(message) ((uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | (message)))

static bool source_of(const struct nlattr *tuple, uint8_t family, struct ip *ret)
{
	const struct nlattr *tb[CTA_TUPLE_IP + 1], *addrs[CTA_IP_V6_SRC + 1];

	attrs_in(tuple, tb, CTA_TUPLE_IP);
	attrs_in(tb[CTA_TUPLE_IP], addrs, CTA_IP_V6_SRC);
	*ret = ip_of(addrs[family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], family);
	return ret->family == family;
}

/* The attributes of an entry by their type; false when it is none. */
static bool entry_attributes(const struct nlmsghdr *nlh, const struct nlattr *table[CTA_MAX + 1])
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != CTNETLINK(IPCTNL_MSG_CT_NEW) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg) ||
	    (nfg->nfgen_family != AF_INET && nfg->nfgen_family != AF_INET6))
		return false;
	attrs_of(nlh, sizeof(*nfg), table, CTA_MAX);
	return true;
}

/* A reset (state CLOSE) is not acknowledged: it may have been lost. What is not told counts as
 * open. */
static bool unfinished(const struct nlattr *const table[CTA_MAX + 1])
{
	const struct nlattr *tuple[CTA_TUPLE_MAX + 1], *proto[CTA_PROTO_MAX + 1],
		*info[CTA_PROTOINFO_MAX + 1], *tcp[CTA_PROTOINFO_TCP_MAX + 1];
	uint32_t status = ntohl(u32_of(table[CTA_STATUS], 0));
	uint8_t state;

	attrs_in(table[CTA_TUPLE_ORIG], tuple, CTA_TUPLE_MAX);
	attrs_in(tuple[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX);
	if (u8_of(proto[CTA_PROTO_NUM], 0) == IPPROTO_UDP)
		return status & IPS_ASSURED;
	if (u8_of(proto[CTA_PROTO_NUM], 0) != IPPROTO_TCP)
		return false;
	attrs_in(table[CTA_PROTOINFO], info, CTA_PROTOINFO_MAX);
	attrs_in(info[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX);
	state = u8_of(tcp[CTA_PROTOINFO_TCP_STATE], TCP_CONNTRACK_NONE);
	return state != TCP_CONNTRACK_TIME_WAIT;
}

int conntrack_decode(const struct nlmsghdr *nlh, struct conntrack_entry *ret)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[CTA_MAX + 1] = { 0 };
	struct conntrack_entry e = { 0 };

	if (!entry_attributes(nlh, table) ||
	    !source_of(table[CTA_TUPLE_ORIG], nfg->nfgen_family, &e.from) ||
	    !source_of(table[CTA_TUPLE_REPLY], nfg->nfgen_family, &e.to))
		return 0;
	e.unfinished = unfinished(table);
	if (table[CTA_MARK] && mnl_attr_validate(table[CTA_MARK], MNL_TYPE_U32) == 0)
		e.mark = ntohl(mnl_attr_get_u32(table[CTA_MARK]));
	*ret = e;
	return 1;
}

/* Of one direction: protocol, ports in host byte order (0: none), bytes; and who sends. */
struct direction {
	struct ip source;
	uint8_t protocol;
	uint16_t source_port, port;
	bool counted;
	uint64_t bytes;
};

static bool direction_of(const struct nlattr *tuple, const struct nlattr *counters, uint8_t family,
			 struct direction *ret)
{
	const struct nlattr *tb[CTA_TUPLE_MAX + 1], *proto[CTA_PROTO_MAX + 1],
		*counts[CTA_COUNTERS_MAX + 1];
	const struct nlattr *bytes;

	if (!source_of(tuple, family, &ret->source))
		return false;
	attrs_in(tuple, tb, CTA_TUPLE_MAX);
	attrs_in(tb[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX);
	ret->protocol = u8_of(proto[CTA_PROTO_NUM], 0);
	ret->source_port = ntohs(u16_of(proto[CTA_PROTO_SRC_PORT], 0));
	ret->port = ntohs(u16_of(proto[CTA_PROTO_DST_PORT], 0));
	attrs_in(counters, counts, CTA_COUNTERS_MAX);
	bytes = counts[CTA_COUNTERS_BYTES];
	ret->counted = bytes && mnl_attr_validate(bytes, MNL_TYPE_U64) == 0;
	ret->bytes = ret->counted ? be64toh(mnl_attr_get_u64(bytes)) : 0;
	return true;
}

int conntrack_decode_flow(const struct nlmsghdr *nlh, struct flow *ret)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[CTA_MAX + 1] = { 0 };
	struct direction first, answer;

	if (!entry_attributes(nlh, table) ||
	    !direction_of(table[CTA_TUPLE_ORIG], table[CTA_COUNTERS_ORIG], nfg->nfgen_family,
			  &first) ||
	    !direction_of(table[CTA_TUPLE_REPLY], table[CTA_COUNTERS_REPLY], nfg->nfgen_family,
			  &answer))
		return 0;
	*ret = (struct flow){ .sent = first.bytes,
			      .answered = answer.bytes,
			      .id = ntohl(u32_of(table[CTA_ID], 0)),
			      .from_port = first.source_port,
			      .to_port = answer.source_port,
			      .protocol = first.protocol,
			      .counted = first.counted && answer.counted,
			      .from = first.source,
			      .to = answer.source };
	return 1;
}

static int append(struct conntrack_pass *d, const struct nl_msg *m)
{
	size_t len = MNL_ALIGN(m->nlh.nlmsg_len);

	if (d->bytes.size - d->bytes.n < len) {
		size_t size = d->bytes.size ? d->bytes.size * 2 : (size_t)65536;
		char *v = realloc(d->bytes.v, size);

		if (!v)
			return -ENOMEM;
		d->bytes.v = v;
		d->bytes.size = size;
	}
	memcpy(d->bytes.v + d->bytes.n, &m->nlh, len);
	d->bytes.n += len;
	return 0;
}

static void start(struct nl_msg *m, uint16_t message, uint16_t flags, uint8_t family)
{
	struct nfgenmsg *nfg = nl_msg_start(m, CTNETLINK(message), flags, sizeof(*nfg));

	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
}

struct flow_taker {
	int (*take)(const struct flow *f, void *arg);
	void *arg;
};

static int take_flow(const struct nlmsghdr *nlh, void *arg)
{
	const struct flow_taker *t = arg;
	struct flow f;

	return conntrack_decode_flow(nlh, &f) > 0 ? t->take(&f, t->arg) : 0;
}

int conntrack_each_flow(struct nl_sock *s, int (*take)(const struct flow *f, void *arg), void *arg,
			struct err *err)
{
	struct flow_taker t = { take, arg };
	struct nl_msg m;
	int r;

	start(&m, IPCTNL_MSG_CT_GET, 0, AF_UNSPEC);
	r = nl_dump_start(s, &m, err);
	if (r == 0)
		do
			r = nl_dump_step(s, take_flow, &t, err);
		while (r > 0);
	return r < 0 ? err_wrap(err, "read connections") : 0;
}

int conntrack_encode_delete(struct nl_msg *m, const struct nlmsghdr *entry)
{
	static const uint16_t naming[] = { CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID };
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(entry);
	const struct nlattr *table[CTA_MAX + 1] = { 0 };
	struct conntrack_entry e;

	/* a message without a whole tuple deletes every entry of the host */
	if (conntrack_decode(entry, &e) <= 0 || !entry_attributes(entry, table))
		return -EINVAL;
	start(m, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, nfg->nfgen_family);
	for (size_t i = 0; i < ARRAY_SIZE(naming); i++) {
		const struct nlattr *a = table[naming[i]];

		if (a) /* the type with its flag of a nest */
			nl_put(m, a->nla_type, mnl_attr_get_payload(a),
			       mnl_attr_get_payload_len(a));
	}
	return nl_msg_error(m);
}

static int note_entry(const struct nlmsghdr *nlh, void *arg)
{
	struct conntrack_pass *d = arg;
	struct conntrack_entry e;
	struct nl_msg m;
	int r;

	if (conntrack_decode(nlh, &e) <= 0 || (e.mark & d->mask) != d->mark || !d->ends(&e, d->arg))
		return 0;
	r = conntrack_encode_delete(&m, nlh);
	return r < 0 ? r : append(d, &m);
}

static int send_batch(struct nl_sock *s, char *at, size_t len, struct err *err)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)at;
	int left = (int)len, r;
	uint32_t failed;

	for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		nlh->nlmsg_seq = ++s->seq;
		nlh->nlmsg_pid = s->portid;
	}
	r = nl_batch(s, at, len, s->seq, &failed, err);
	return r == -ENOENT ? 0 : r; /* it ended by itself meanwhile */
}

/* Some of the deletions; 1 when there are more. */
static int delete_some(struct conntrack_pass *p, struct err *err)
{
	int r = 0;

	for (size_t batch = 0; batch < BATCHES_A_STEP && p->at < p->bytes.n && r == 0; batch++) {
		char *from = p->bytes.v + p->at;
		size_t len = 0;

		for (size_t n = 0; p->at + len < p->bytes.n && n < BATCH_MAX; n++)
			len += MNL_ALIGN(((struct nlmsghdr *)(from + len))->nlmsg_len);
		r = send_batch(&p->sock, from, len, err);
		p->at += len;
	}
	return r < 0 ? r : p->at < p->bytes.n;
}

int conntrack_start(struct conntrack_pass *p, uint32_t mark, uint32_t mask,
		    bool (*ends)(const struct conntrack_entry *e, void *arg), void *arg,
		    struct err *err)
{
	struct conntrack_pass fresh = { .mark = mark, .mask = mask, .ends = ends, .arg = arg };
	struct nl_msg m;
	int r;

	conntrack_stop(p);
	r = nl_open(&fresh.sock, NETLINK_NETFILTER, err);
	if (r < 0)
		return r;
	start(&m, IPCTNL_MSG_CT_GET, 0, AF_UNSPEC);
	nl_put_be32(&m, CTA_MARK, mark);
	nl_put_be32(&m, CTA_MARK_MASK, mask);
	r = nl_dump_start(&fresh.sock, &m, err);
	fresh.running = r == 0;
	*p = fresh;
	if (r < 0)
		conntrack_stop(p);
	return r;
}

int conntrack_step(struct conntrack_pass *p, struct err *err)
{
	int r = p->deleting ? delete_some(p, err) : nl_dump_step(&p->sock, note_entry, p, err);

	if (r == -EINVAL &&
	    !p->deleting) /* net/netfilter/nfnetlink.c:nfnetlink_rcv_msg, no such subsystem */
		r = err_errno(err, EOPNOTSUPP, "use ctnetlink (CONFIG_NF_CT_NETLINK)");
	if (r < 0)
		err_wrap(err, "delete connection tracking entries of ended sessions");
	if (r == 0 && !p->deleting)
		r = p->deleting = p->bytes.n > 0;
	if (r <= 0)
		conntrack_stop(p);
	return r;
}

void conntrack_stop(struct conntrack_pass *p)
{
	nl_close(&p->sock);
	free(p->bytes.v);
	*p = (struct conntrack_pass){ 0 };
}
