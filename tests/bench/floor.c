/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor BRIDGE PROGRAM [ARG...]
 *
 * The least that a program in a netns of its own behind a bridge can cost: what the kernel asks
 * for it, done in one process with a netlink socket on either side, no look at what is there, no
 * check of what was done beyond its acknowledgement, no firewall, no sysctl. via-iface is measured
 * against it. The bridge is there already, as with a warm daemon.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
	struct nlmsghdr head;
	char rest[1024];
};

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int open_netlink(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		die("netlink");
	return fd;
}

static void *start(struct message *m, uint16_t type, uint16_t flags, size_t size)
{
	memset(m, 0, sizeof(*m));
	m->head.nlmsg_type = type;
	m->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	m->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	return NLMSG_DATA(&m->head);
}

static struct rtattr *put(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	m->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void nest_end(struct message *m, struct rtattr *nest)
{
	nest->rta_len = (uint16_t)((char *)m + m->head.nlmsg_len - (char *)nest);
}

static void put_string(struct message *m, uint16_t type, const char *s)
{
	put(m, type, s, strlen(s) + 1);
}

static void talk(int fd, struct message *m, const char *what)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr e;
		char rest[4096];
	} answer;

	if (send(fd, m, m->head.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		die(what);
	errno = -answer.e.error;
	if (errno)
		die(what);
}

static void make_veth(int fd, const char *port, int bridge, int netns)
{
	struct rtattr *info, *data, *peer;
	struct message m;

	start(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	put_string(&m, IFLA_IFNAME, port);
	put(&m, IFLA_MASTER, &bridge, sizeof(bridge));
	info = put(&m, IFLA_LINKINFO, NULL, 0);
	put_string(&m, IFLA_INFO_KIND, "veth");
	data = put(&m, IFLA_INFO_DATA, NULL, 0);
	peer = put(&m, VETH_INFO_PEER, NULL, 0);
	m.head.nlmsg_len += (uint32_t)sizeof(struct ifinfomsg);
	put_string(&m, IFLA_IFNAME, "eth0");
	put(&m, IFLA_NET_NS_FD, &netns, sizeof(netns));
	nest_end(&m, peer);
	nest_end(&m, data);
	nest_end(&m, info);
	talk(fd, &m, "make the veth pair");
}

/* By index, or by name when that is 0. */
static void change_link(int fd, int index, const char *name, const char *alias, int up)
{
	struct message m;
	struct ifinfomsg *ifi = start(&m, RTM_NEWLINK, 0, sizeof(*ifi));

	ifi->ifi_index = index;
	if (up)
		ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	if (name)
		put_string(&m, IFLA_IFNAME, name);
	if (alias)
		put(&m, IFLA_IFALIAS, alias, strlen(alias));
	talk(fd, &m, "change a link");
}

static void add_address(int fd, int index, int family, const char *text, uint8_t len)
{
	struct message m;
	struct ifaddrmsg *ifa = start(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifa));
	size_t size = family == AF_INET ? 4 : 16;
	uint32_t flags = IFA_F_NODAD;
	char bytes[16];

	inet_pton(family, text, bytes);
	ifa->ifa_family = (uint8_t)family;
	ifa->ifa_prefixlen = len;
	ifa->ifa_index = (uint32_t)index;
	put(&m, IFA_LOCAL, bytes, size);
	put(&m, IFA_ADDRESS, bytes, size);
	if (family == AF_INET6)
		put(&m, IFA_FLAGS, &flags, sizeof(flags));
	talk(fd, &m, "add an address");
}

static void add_default(int fd, int index, int family, const char *gateway)
{
	struct message m;
	struct rtmsg *rtm = start(&m, RTM_NEWROUTE, NLM_F_CREATE, sizeof(*rtm));
	char bytes[16];

	inet_pton(family, gateway, bytes);
	rtm->rtm_family = (uint8_t)family;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	put(&m, RTA_OIF, &index, sizeof(index));
	put(&m, RTA_GATEWAY, bytes, family == AF_INET ? 4 : 16);
	talk(fd, &m, "add a route");
}

int main(int argc, char *argv[])
{
	const int lo = 1, eth0 = 2; /* in a fresh netns */
	char port[IFNAMSIZ], address[32], address6[48], alias[64];
	int host, inside, netns, bridge, n = getpid() % 60000;

	if (argc < 3)
		return 125;
	bridge = (int)if_nametoindex(argv[1]);
	host = open_netlink();
	if (!bridge || unshare(CLONE_NEWNET) < 0)
		die("unshare");
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	inside = open_netlink();

	snprintf(port, sizeof(port), "floor%d", n);
	snprintf(alias, sizeof(alias), "via1 %d 0 1 4026532601 wlp6s0 host=%d,since=0 true", n, n);
	make_veth(host, port, bridge, netns);
	change_link(host, 0, port, alias, 0);
	change_link(host, 0, port, NULL, 1);

	snprintf(address, sizeof(address), "10.217.%d.%d", 1 + n / 250, 1 + n % 250);
	snprintf(address6, sizeof(address6), "fd17::%x", n + 2);
	change_link(inside, lo, NULL, NULL, 1);
	add_address(inside, eth0, AF_INET, address, 16);
	add_address(inside, eth0, AF_INET6, address6, 64);
	change_link(inside, eth0, NULL, NULL, 1);
	add_default(inside, eth0, AF_INET, "10.217.0.1");
	add_default(inside, eth0, AF_INET6, "fd17::1");

	if (setns(netns, CLONE_NEWNET) < 0) /* as a client that is handed a netns has to */
		die("setns");
	execvp(argv[2], argv + 2);
	die(argv[2]);
}
