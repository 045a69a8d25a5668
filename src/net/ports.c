/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "base/vec.h"
#include "net/attr.h"
#include "net/nl.h"
#include "net/sysctl.h"

#define LOCAL_PORTS    "net/ipv4/ip_local_port_range"
#define RESERVED_PORTS "net/ipv4/ip_local_reserved_ports"
#define TRACKS_SCTP    "net/netfilter/nf_conntrack_sctp_timeout_established"
#define SCTP_ENDPOINTS "/proc/net/sctp/eps"

/* include/net/tcp_states.h; of UDP, one that is not connected (net/ipv4/udp.c) is closed */
#define STATE_CLOSE  7
#define STATE_LISTEN 10

const char *const port_sysctls[] = { LOCAL_PORTS, RESERVED_PORTS, NULL };

/* --- sysctls ------------------------------------------------------------------------------- */

static int add_range(struct port_ranges *set, unsigned long min, unsigned long max)
{
	struct port_range *r;

	if (min > max || max > UINT16_MAX)
		return -EBADMSG;
	r = VEC_PUSH(set);
	if (!r)
		return -ENOMEM;
	*r = (struct port_range){ (uint16_t)min, (uint16_t)max };
	return 0;
}

int ports_parse(const char *text, struct port_ranges *ret)
{
	const char *at = text;
	int r = 0;

	while (r == 0 && *at && *at != '\n') {
		char *end;
		unsigned long min = strtoul(at, &end, 10), max = min;

		if (end == at)
			return -EBADMSG;
		if (*end == '-') {
			at = end + 1;
			max = strtoul(at, &end, 10);
			if (end == at)
				return -EBADMSG;
		}
		r = add_range(ret, min, max);
		at = end + (*end == ',');
		if (at == end && *at && *at != '\n')
			return -EBADMSG;
	}
	return r;
}

/* All of a file below /proc/sys; it may be longer than any line that sysctl_read() takes. */
static char *read_all(const struct sysctl_dirs *dirs, const char *path)
{
	char name[SYSCTL_NAME_MAX], *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t len = 0, size = 4096;

	fd = open(sysctl_name(dirs, path, name), O_RDONLY | O_CLOEXEC);
	while (fd >= 0) {
		char *more = realloc(text, size);
		ssize_t n;

		if (!more)
			break;
		text = more;
		n = read(fd, text + len, size - 1 - len);
		if (n <= 0) {
			text[len] = 0;
			return text;
		}
		len += (size_t)n;
		if (len == size - 1)
			size *= 2;
	}
	free(text);
	return NULL;
}

/* The list is one of ranges; a kernel's text that is not one counts as none. */
static int read_reserved(const struct sysctl_dirs *dirs, struct port_ranges *ret)
{
	char *text = read_all(dirs, RESERVED_PORTS);
	int r = text ? ports_parse(text, ret) : 0;

	free(text);
	return r == -ENOMEM ? r : 0;
}

static struct port_range read_local(const struct sysctl_dirs *dirs)
{
	struct port_range r = { 0 };
	char text[32];

	if (sysctl_read(dirs, LOCAL_PORTS, text, sizeof(text)) < 0 ||
	    sscanf(text, "%hu %hu", &r.min, &r.max) != 2)
		r = (struct port_range){ 0 };
	return r;
}

static bool same_ranges(const struct port_ranges *a, const struct port_ranges *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

bool ports_differ(const struct sysctl_dirs *dirs, const struct facts *facts)
{
	struct port_range local = read_local(dirs);
	struct port_ranges reserved = { 0 };
	bool differs = read_reserved(dirs, &reserved) < 0 || local.min != facts->local_ports.min ||
		       local.max != facts->local_ports.max ||
		       !same_ranges(&reserved, &facts->reserved_ports);

	VEC_DONE(&reserved);
	return differs;
}

/* --- sockets ------------------------------------------------------------------------------- */

/* A bit for each port. */
struct ports {
	uint8_t bits[8192];
};

static void set_port(struct ports *p, uint16_t port)
{
	p->bits[port / 8] |= (uint8_t)(1u << port % 8);
}

/* A socket on a loopback address cannot be reached by an uplink. */
static bool is_loopback(const struct inet_diag_msg *m)
{
	static const uint32_t one[4] = { 0, 0, 0, 0x01000000 };

	if (m->idiag_family == AF_INET)
		return (ntohl(m->id.idiag_src[0]) >> 24) == 127;
	return ntohl(m->id.idiag_src[3]) == 1 && !memcmp(m->id.idiag_src, one, 12);
}

static int take_socket(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    mnl_nlmsg_get_payload_len(nlh) >= sizeof(*m) && !is_loopback(m))
		set_port(arg, ntohs(m->id.idiag_sport));
	return 0;
}

static void start_anew(void *arg)
{
	(void)arg; /* a socket that is told twice, or is gone: a port too many is left out */
}

static int dump_sockets(struct nl_sock *s, uint8_t family, uint8_t protocol, uint32_t states,
			int (*take)(const struct nlmsghdr *nlh, void *arg), void *arg,
			struct err *err)
{
	struct inet_diag_req_v2 *req;
	struct nl_msg m;

	req = nl_msg_start(&m, SOCK_DIAG_BY_FAMILY, 0, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = protocol;
	req->idiag_states = states;
	return nl_dump(s, &m, take, start_anew, arg, err);
}

/*
 * The endpoints of SCTP (net/sctp/proc.c: ENDPT SOCK STY SST HBKT LPORT …). sock_diag would load
 * the protocol into the kernel.
 */
static void read_sctp(struct ports *ports)
{
	FILE *f = fopen(SCTP_ENDPOINTS, "re");
	char line[512];
	unsigned int port;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*d %*d %*d %u", &port) == 1 && port <= UINT16_MAX)
			set_port(ports, (uint16_t)port);
	if (f)
		fclose(f);
}

static int to_ranges(const struct ports *p, struct port_ranges *ret)
{
	struct port_range *last = NULL;

	for (uint32_t port = 1; port <= UINT16_MAX; port++) {
		if (!(p->bits[port / 8] & 1u << port % 8)) {
			last = NULL;
		} else if (last) {
			last->max = (uint16_t)port;
		} else {
			last = VEC_PUSH(ret);
			if (!last)
				return -ENOMEM;
			*last = (struct port_range){ (uint16_t)port, (uint16_t)port };
		}
	}
	return 0;
}

static void read_sockets(struct ports *ports)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct err ignored = { 0 };
	struct nl_sock s = { 0 };

	if (nl_open(&s, NETLINK_SOCK_DIAG, &ignored) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		dump_sockets(&s, families[i], IPPROTO_TCP, 1u << STATE_LISTEN, take_socket, ports,
			     &ignored);
		dump_sockets(&s, families[i], IPPROTO_UDP, UINT32_MAX, take_socket, ports,
			     &ignored);
	}
	nl_close(&s);
}

struct each_socket {
	void (*take)(const struct port_socket *s, void *arg);
	void *arg;
	bool udp;
};

static int tell_socket(const struct nlmsghdr *nlh, void *arg)
{
	const struct each_socket *each = arg;
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[INET_DIAG_MAX + 1];
	struct port_socket s = { .udp = each->udp };

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return 0;
	attrs_of(nlh, sizeof(*m), tb, INET_DIAG_MAX);
	s.address = ip_from_bytes(m->idiag_family, m->id.idiag_src);
	s.port = ntohs(m->id.idiag_sport);
	s.index = (int)m->id.idiag_if;
	s.both = m->idiag_family == AF_INET6 && !u8_of(tb[INET_DIAG_SKV6ONLY], 0) &&
		 ip_equal(&s.address, &(struct ip){ .family = AF_INET6 });
	each->take(&s, each->arg);
	return 0;
}

int ports_each_socket(void (*take)(const struct port_socket *s, void *arg), void *arg,
		      struct err *err)
{
	static const struct {
		uint8_t family, protocol, state;
	} kinds[] = {
		{ AF_INET, IPPROTO_TCP, STATE_LISTEN },
		{ AF_INET6, IPPROTO_TCP, STATE_LISTEN },
		{ AF_INET, IPPROTO_UDP, STATE_CLOSE },
		{ AF_INET6, IPPROTO_UDP, STATE_CLOSE },
	};
	struct nl_sock s = { 0 };
	int r = nl_open(&s, NETLINK_SOCK_DIAG, err);

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++) {
		struct each_socket each = { take, arg, kinds[i].protocol == IPPROTO_UDP };

		r = dump_sockets(&s, kinds[i].family, kinds[i].protocol, 1u << kinds[i].state,
				 tell_socket, &each, err);
	}
	nl_close(&s);
	return r;
}

int ports_observe(const struct sysctl_dirs *dirs, struct facts *facts, struct err *err)
{
	struct ports ports = { 0 };
	char text[32];
	int r;

	facts->local_ports = read_local(dirs);
	facts->tracks_sctp = sysctl_read(dirs, TRACKS_SCTP, text, sizeof(text)) == 0;
	read_sockets(&ports);
	read_sctp(&ports);
	r = read_reserved(dirs, &facts->reserved_ports);
	if (r == 0)
		r = to_ranges(&ports, &facts->socket_ports);
	return r < 0 ? err_errno(err, ENOMEM, "read the host's ports") : 0;
}
