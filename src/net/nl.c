/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel chooses the size of a dump's messages (NLMSG_GOODSIZE upwards). */
#define RECV_SIZE 65536

void *nl_msg_start(struct nl_msg *m, uint16_t type, uint16_t flags, size_t extra_size)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(m->buf);

	m->overflow = false;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return mnl_nlmsg_put_extra_header(nlh, extra_size);
}

void nl_put(struct nl_msg *m, uint16_t type, const void *data, size_t len)
{
	if (!mnl_attr_put_check(&m->nlh, NL_MSG_SIZE, type, len, data))
		m->overflow = true;
}

void nl_put_u8(struct nl_msg *m, uint16_t type, uint8_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void nl_put_u16(struct nl_msg *m, uint16_t type, uint16_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void nl_put_u32(struct nl_msg *m, uint16_t type, uint32_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void nl_put_be32(struct nl_msg *m, uint16_t type, uint32_t v)
{
	nl_put_u32(m, type, htonl(v));
}

void nl_put_str(struct nl_msg *m, uint16_t type, const char *s)
{
	nl_put(m, type, s, strlen(s) + 1);
}

void nl_put_ip(struct nl_msg *m, uint16_t type, const struct ip *ip)
{
	nl_put(m, type, ip->bytes, ip_size(ip));
}

void nl_put_mac(struct nl_msg *m, uint16_t type, const struct mac *mac)
{
	nl_put(m, type, mac->bytes, sizeof(mac->bytes));
}

struct nlattr *nl_nest(struct nl_msg *m, uint16_t type)
{
	struct nlattr *nest = mnl_attr_nest_start_check(&m->nlh, NL_MSG_SIZE, type);

	if (!nest)
		m->overflow = true;
	return nest;
}

void nl_nest_end(struct nl_msg *m, struct nlattr *nest)
{
	if (nest)
		mnl_attr_nest_end(&m->nlh, nest);
}

void *nl_reserve(struct nl_msg *m, size_t len)
{
	size_t aligned = MNL_ALIGN(len);
	void *room = m->buf + m->nlh.nlmsg_len;

	if (m->nlh.nlmsg_len + aligned > NL_MSG_SIZE) {
		m->overflow = true;
		return NULL;
	}
	memset(room, 0, aligned);
	m->nlh.nlmsg_len += (uint32_t)aligned;
	return room;
}

int nl_msg_error(const struct nl_msg *m)
{
	return m->overflow ? -EMSGSIZE : 0;
}

static int set_option(struct nl_sock *s, int option)
{
	int on = 1;

	return mnl_socket_setsockopt(s->nl, option, &on, sizeof(on));
}

int nl_open(struct nl_sock *s, int bus, struct err *err)
{
	struct nl_sock fresh = { .nl = mnl_socket_open2(bus, SOCK_CLOEXEC) };

	if (!fresh.nl)
		return err_errno(err, errno, "open a netlink socket");
	if (mnl_socket_bind(fresh.nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_errno(err, errno, "bind a netlink socket");
		mnl_socket_close(fresh.nl);
		return err ? -err->code : -EIO;
	}
	/* Kernels before 4.12 and 4.20 have neither option; nothing depends on them. */
	set_option(&fresh, NETLINK_EXT_ACK);
	set_option(&fresh, NETLINK_CAP_ACK);
	if (bus == NETLINK_ROUTE)
		set_option(&fresh, NETLINK_GET_STRICT_CHK);
	fresh.portid = mnl_socket_get_portid(fresh.nl);
	*s = fresh;
	return 0;
}

void nl_close(struct nl_sock *s)
{
	if (s->nl)
		mnl_socket_close(s->nl);
	*s = (struct nl_sock){ 0 };
}

int nl_fd(const struct nl_sock *s)
{
	return mnl_socket_get_fd(s->nl);
}

ssize_t nl_recv(const struct nl_sock *s, void *buf, size_t size, int flags)
{
	struct sockaddr_nl from = { 0 };
	socklen_t len;
	ssize_t n;

	do {
		len = sizeof(from);
		n = recvfrom(nl_fd(s), buf, size, flags, (struct sockaddr *)&from, &len);
	} while (n >= 0 && (len != sizeof(from) || from.nl_pid != 0));
	return n;
}

void nl_drain(const struct nl_sock *s)
{
	char bytes[1];

	while (nl_recv(s, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
}

int nl_join(struct nl_sock *s, unsigned int group, struct err *err)
{
	if (mnl_socket_setsockopt(s->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return err_errno(err, errno, "listen to netlink group %u", group);
	return 0;
}

static int find_extack(const struct nlattr *attr, void *arg)
{
	const char **text = arg;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		*text = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

const char *nl_extack(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);
	const char *text = NULL;

	if (nlh->nlmsg_type != NLMSG_ERROR || !(nlh->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    mnl_nlmsg_get_payload_len(nlh) < skip)
		return NULL;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) /* the message that failed stands in between */
		skip += MNL_ALIGN(e->msg.nlmsg_len) - sizeof(struct nlmsghdr);
	if (mnl_nlmsg_get_payload_len(nlh) < skip)
		return NULL;
	mnl_attr_parse(nlh, (unsigned int)skip, find_extack, &text);
	return text;
}

static int kernel_error(const struct nlmsghdr *nlh, int code, struct err *err)
{
	const char *extack = nl_extack(nlh);

	if (extack)
		return err_set(err, code, "%s (%s)", strerror(code), extack);
	return err_set(err, code, "%s", strerror(code));
}

/* What one received buffer did to an exchange. */
enum progress {
	MORE,
	DONE,
};

bool nl_msg_ok(const struct nlmsghdr *nlh, int left)
{
	return left >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)left &&
	       MNL_ALIGN(nlh->nlmsg_len) <= (unsigned int)left;
}

struct exchange {
	struct nl_sock *sock;
	uint32_t seq;
	nl_handler handler;
	void *arg;
	bool interrupted; /* NLM_F_DUMP_INTR was seen */
	struct err *err;
};

static int take_error(struct exchange *x, const struct nlmsghdr *nlh, enum progress *progress)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(e->error))
		return err_set(x->err, EBADMSG, "short acknowledgement from the kernel");
	*progress = DONE;
	return e->error ? kernel_error(nlh, -e->error, x->err) : 0;
}

static int take(struct exchange *x, const char *buf, int len, enum progress *progress)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;

	for (; nl_msg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		int r = 0;

		if (nlh->nlmsg_seq != x->seq || nlh->nlmsg_pid != x->sock->portid)
			continue; /* an event, or the rest of a dump that was given up */
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			x->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_DONE) {
			*progress = DONE;
			return 0;
		}
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return take_error(x, nlh, progress);
		if (x->handler)
			r = x->handler(nlh, x->arg);
		if (r < 0)
			return err_errno(x->err, -r, "read the kernel's answer");
	}
	return 0;
}

static int receive_some(struct exchange *x, enum progress *progress)
{
	char buf[RECV_SIZE] __attribute__((aligned(8)));
	ssize_t len;

	do
		len = nl_recv(x->sock, buf, sizeof(buf), MSG_TRUNC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return err_errno(x->err, errno, "read from netlink");
	if ((size_t)len > sizeof(buf))
		return err_set(x->err, EMSGSIZE, "netlink message of %zd bytes", len);
	return take(x, buf, (int)len, progress);
}

static int receive(struct exchange *x)
{
	enum progress progress = MORE;
	int r = 0;

	while (r == 0 && progress == MORE)
		r = receive_some(x, &progress);
	return r;
}

static int send_message(struct nl_sock *s, struct nl_msg *m, struct err *err)
{
	int r = nl_msg_error(m);

	if (r < 0)
		return err_errno(err, -r, "build a netlink message");
	m->nlh.nlmsg_seq = ++s->seq;
	m->nlh.nlmsg_pid = s->portid;
	if (mnl_socket_sendto(s->nl, &m->nlh, m->nlh.nlmsg_len) < 0)
		return err_errno(err, errno, "write to netlink");
	return 0;
}

int nl_get(struct nl_sock *s, struct nl_msg *m, nl_handler handler, void *arg, struct err *err)
{
	struct exchange x = { .sock = s, .handler = handler, .arg = arg, .err = err };
	int r;

	m->nlh.nlmsg_flags |= NLM_F_ACK;
	r = send_message(s, m, err);
	if (r < 0)
		return r;
	x.seq = s->seq;
	return receive(&x);
}

int nl_talk(struct nl_sock *s, struct nl_msg *m, struct err *err)
{
	return nl_get(s, m, NULL, NULL, err);
}

int nl_dump(struct nl_sock *s, struct nl_msg *m, nl_handler handler, void (*restart)(void *arg),
	    void *arg, struct err *err)
{
	m->nlh.nlmsg_flags |= NLM_F_DUMP;
	for (int tries = 0; tries < NL_DUMP_TRIES; tries++) {
		struct exchange x = { .sock = s, .handler = handler, .arg = arg, .err = err };
		int r = send_message(s, m, err);

		if (r < 0)
			return r;
		x.seq = s->seq;
		r = receive(&x);
		if (r < 0 && r != -EINTR)
			return r;
		if (r == 0 && !x.interrupted)
			return 0;
		restart(arg);
	}
	return err_set(err, EAGAIN, "the kernel's tables changed faster than they could be read");
}

int nl_dump_start(struct nl_sock *s, struct nl_msg *m, struct err *err)
{
	m->nlh.nlmsg_flags |= NLM_F_DUMP;
	return send_message(s, m, err);
}

int nl_dump_step(struct nl_sock *s, nl_handler handler, void *arg, struct err *err)
{
	struct exchange x = {
		.sock = s, .seq = s->seq, .handler = handler, .arg = arg, .err = err
	};
	enum progress progress = MORE;
	int r = receive_some(&x, &progress);

	if (r == 0 && x.interrupted)
		return err_set(err, EAGAIN, "the kernel's table changed while it was read");
	return r < 0 ? r : progress == MORE;
}

int nl_batch(struct nl_sock *s, const void *bytes, size_t len, uint32_t last_seq, uint32_t *ret_seq,
	     struct err *err)
{
	char buf[RECV_SIZE] __attribute__((aligned(8)));
	int result = 0, room = (int)len * 2;

	/* A large one does not fit into the default buffer; root may have a larger one. */
	if (room > 100000)
		setsockopt(nl_fd(s), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (mnl_socket_sendto(s->nl, bytes, len) < 0)
		return err_errno(err, errno, "send the batch to nftables");
	for (;;) {
		ssize_t got = nl_recv(s, buf, sizeof(buf), result < 0 ? MSG_DONTWAIT : 0);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && result < 0 && errno == EAGAIN)
			return result;
		if (got < 0)
			return err_errno(err, errno, "read from nftables");
		for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_pid != s->portid)
				continue;
			if (e->error && result == 0) {
				result = kernel_error(nlh, -e->error, err);
				*ret_seq = nlh->nlmsg_seq;
			}
			if (!e->error && result == 0 && nlh->nlmsg_seq == last_seq)
				return 0;
		}
	}
}
