/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "model/print.h"
#include "things.h"
#include "unit.h"

#define NETNS   "curl"
#define INET    NFPROTO_INET
#define FORWARD "net/ipv4/conf/wlp6s0/forwarding"

#define ADD_IS(thing_, text)                                                                       \
	do {                                                                                       \
		_cleanup_strbuf_ struct strbuf sb_ = { 0 };                                        \
		struct object o_ = (thing_);                                                       \
		print_add(&sb_, &o_, NETNS);                                                       \
		assert_string_equal(strbuf_text(&sb_), text);                                      \
	} while (0)
#define REMOVE_IS(thing_, text)                                                                    \
	do {                                                                                       \
		_cleanup_strbuf_ struct strbuf sb_ = { 0 };                                        \
		struct object o_ = (thing_);                                                       \
		print_remove(&sb_, &o_, NETNS);                                                    \
		assert_string_equal(strbuf_text(&sb_), text);                                      \
	} while (0)
#define WITH(o, change)                                                                            \
	({                                                                                         \
		struct object w = (o);                                                             \
		change;                                                                            \
		w;                                                                                 \
	})

static void test_links(void **state)
{
	const struct object port = thing_port("viap1");

	(void)state;
	ADD_IS(thing_netns(), "ip netns add curl\n");
	REMOVE_IS(thing_netns(), "ip netns del curl\n");
	ADD_IS(thing_bridge(), "ip link add name via0 address 0a:76:69:00:00:01 type bridge "
			       "group_fwd_mask 0xfff8\n"
			       "ip link set dev via0 mtu 65535 alias 'via1 bridge'\n");
	REMOVE_IS(thing_bridge(), "ip link del dev via0\n");
	ADD_IS(port,
	       "ip link add name viap1 group 22016 mtu 1500 address 0a:76:69:02:00:03 master via0 "
	       "type veth peer name eth0 mtu 1500 address 0a:76:69:01:00:03 netns curl\n"
	       "ip link set dev viap1 arp off alias "
	       "'via1 1 0 1 4026532001 wlp6s0 host=3,since=0 curl'\n"
	       "ip link set dev viap1 type bridge_slave isolated on learning off flood off "
	       "mcast_flood off bcast_flood off\n");
	ADD_IS(WITH(port, w.link.mtu = w.link.peer_mtu = 0),
	       "ip link add name viap1 group 22016 address 0a:76:69:02:00:03 master via0 "
	       "type veth peer name eth0 address 0a:76:69:01:00:03 netns curl\n"
	       "ip link set dev viap1 arp off alias "
	       "'via1 1 0 1 4026532001 wlp6s0 host=3,since=0 curl'\n"
	       "ip link set dev viap1 type bridge_slave isolated on learning off flood off "
	       "mcast_flood off bcast_flood off\n");
	/* the port of another session leads into that one's netns */
	ADD_IS(WITH(port, strcpy(w.link.alias, "via1 2 0 1 9 wlp6s0 host=4 steam")),
	       "ip link add name viap1 group 22016 mtu 1500 address 0a:76:69:02:00:03 master via0 "
	       "type veth peer name eth0 mtu 1500 address 0a:76:69:01:00:03 netns steam\n"
	       "ip link set dev viap1 arp off alias 'via1 2 0 1 9 wlp6s0 host=4 steam'\n"
	       "ip link set dev viap1 type bridge_slave isolated on learning off flood off "
	       "mcast_flood off bcast_flood off\n");
	ADD_IS(thing_up("via0"), "ip link set dev via0 up\n");
	REMOVE_IS(thing_up("via0"), "ip link set dev via0 down\n");
	ADD_IS(thing_inside(thing_up("eth0")), "ip -n curl link set dev eth0 up\n");
}

static void test_accepts(void **state)
{
	const struct object nft = thing_accept(INET, "filter", "forward");
	const struct object ip4 = WITH(thing_accept(NFPROTO_IPV4, "filter", "DOCKER-USER"),
				       w.nft_accept.iptables = true);
	const struct object ip6 =
		WITH(thing_accept(NFPROTO_IPV6, "mangle", "FORWARD"), w.nft_accept.iptables = true);

	(void)state;
	ADD_IS(nft, "nft 'insert rule inet filter forward iifname \"via0\" counter accept "
		    "comment \"via-iface\"'\n");
	REMOVE_IS(nft, "nft 'delete rule inet filter forward handle 7'\n");
	ADD_IS(WITH(nft, w.nft_accept.what = ACCEPT_REPLIES),
	       "nft 'insert rule inet filter forward oifname \"via0\" ct state "
	       "established,related counter accept comment \"via-iface\"'\n");
	REMOVE_IS(WITH(nft, w.nft_accept.what = ACCEPT_REPLIES; w.nft_accept.handle = 0),
		  "nft 'delete rule inet filter forward handle '$(nft -a 'list chain inet filter "
		  "forward' | sed -n 's/.*oifname \"via0\" ct state.* comment \"via-iface\" "
		  "# handle //p')\n");
	ADD_IS(WITH(nft, w.nft_accept.what = ACCEPT_INBOUND),
	       "nft 'insert rule inet filter forward oifname \"via0\" ct status dnat counter "
	       "accept comment \"via-iface\"'\n");
	ADD_IS(ip4, "iptables-nft -I DOCKER-USER -i via0 -m comment --comment via-iface "
		    "-j ACCEPT\n");
	REMOVE_IS(ip4, "iptables-nft -D DOCKER-USER -i via0 -m comment --comment via-iface "
		       "-j ACCEPT\n");
	ADD_IS(WITH(ip6, w.nft_accept.what = ACCEPT_REPLIES),
	       "ip6tables-nft -t mangle -I FORWARD -o via0 -m conntrack --ctstate "
	       "RELATED,ESTABLISHED -m comment --comment via-iface -j ACCEPT\n");
	ADD_IS(WITH(ip6, w.nft_accept.what = ACCEPT_INBOUND),
	       "ip6tables-nft -t mangle -I FORWARD -o via0 -m conntrack --ctstate DNAT -m comment "
	       "--comment via-iface -j ACCEPT\n");
	REMOVE_IS(ip6, "ip6tables-nft -t mangle -D FORWARD -i via0 -m comment --comment "
		       "via-iface -j ACCEPT\n");
	assert_false(print_goes_along(&nft));
}

static void test_addresses(void **state)
{
	(void)state;
	ADD_IS(thing_inside(thing_altname("eth0", "wlp6s0")),
	       "ip -n curl link property add dev eth0 altname wlp6s0\n");
	ADD_IS(thing_inside(thing_altname("eth0", "a b")),
	       "ip -n curl link property add dev eth0 altname 'a b'\n");
	ADD_IS(thing_address("via0", "10.209.0.1/22"),
	       "ip address add 10.209.0.1/22 brd + dev via0\n");
	REMOVE_IS(thing_address("via0", "10.209.0.1/22"),
		  "ip address del 10.209.0.1/22 dev via0\n");
	/* usable at once: nobody else can have it */
	ADD_IS(thing_inside(thing_address("eth0", "fd00::3/64")),
	       "ip -n curl address add fd00::3/64 dev eth0 nodad\n");
	REMOVE_IS(thing_address("via0", "fd00::1/64"), "ip address del fd00::1/64 dev via0\n");
}

static void test_routes(void **state)
{
	const struct object r = thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.1");

	(void)state;
	ADD_IS(r, "ip route add default via 192.168.2.1 dev wlp6s0 table 22017 metric 100 "
		  "proto 86\n");
	REMOVE_IS(r, "ip route del default via 192.168.2.1 dev wlp6s0 table 22017 metric 100 "
		     "proto 86\n");
	ADD_IS(WITH(r, w.route.onlink = true),
	       "ip route add default via 192.168.2.1 dev wlp6s0 table 22017 metric 100 "
	       "proto 86 onlink\n");
	ADD_IS(thing_route(22017, "192.168.2.0/24", "wlp6s0", NULL),
	       "ip route add 192.168.2.0/24 dev wlp6s0 table 22017 metric 100 proto 86\n");
	ADD_IS(thing_route(22017, "::/0", "wlp6s0", "fe80::1"),
	       "ip -6 route add default via fe80::1 dev wlp6s0 table 22017 metric 100 proto 86\n");
	/* RFC 5549 */
	ADD_IS(thing_route(22017, "0.0.0.0/0", "wlp6s0", "fe80::1"),
	       "ip route add default via inet6 fe80::1 dev wlp6s0 table 22017 metric 100 "
	       "proto 86\n");
	ADD_IS(WITH(thing_route(22017, "10.209.0.0/22", "via0", NULL), w.route.mtu = 1400),
	       "ip route add 10.209.0.0/22 dev via0 table 22017 metric 100 proto 86 mtu 1400\n");
	ADD_IS(thing_stop(22017, "0.0.0.0/0"),
	       "ip route add unreachable default table 22017 metric 4278198272 proto 86\n");
	REMOVE_IS(thing_stop(22017, "::/0"),
		  "ip -6 route del unreachable default table 22017 metric 4278198272 proto 86\n");
	/* in a session nothing else is there to be told from */
	ADD_IS(thing_inside(WITH(thing_route(254, "0.0.0.0/0", "eth0", "10.209.0.1"),
				 w.route.metric = 0)),
	       "ip -n curl route add default via 10.209.0.1 dev eth0 table 254 proto static\n");
	ADD_IS(thing_inside(WITH(thing_route(254, "::/0", "eth0", "fd00::1"), w.route.metric = 0)),
	       "ip -n curl -6 route add default via fd00::1 dev eth0 table 254 proto static\n");
}

static void test_rules(void **state)
{
	(void)state;
	ADD_IS(thing_lookup(AF_INET, 5180, 0x56000001, 22017),
	       "ip rule add priority 5180 fwmark 0x56000001/0xff0000ff lookup 22017 "
	       "protocol 86\n");
	REMOVE_IS(thing_lookup(AF_INET6, 5180, 0x56000001, 22017),
		  "ip -6 rule del priority 5180 fwmark 0x56000001/0xff0000ff lookup 22017 "
		  "protocol 86\n");
	ADD_IS(thing_stop_rule(AF_INET, 5181, "via0"),
	       "ip rule add priority 5181 iif via0 protocol 86 unreachable\n");
}

static void test_neighbours(void **state)
{
	(void)state;
	ADD_IS(thing_neigh("via0", "10.209.0.3", 3),
	       "ip neighbour replace 10.209.0.3 lladdr 0a:76:69:01:00:03 nud permanent dev via0\n");
	REMOVE_IS(thing_neigh("via0", "10.209.0.3", 3), "ip neighbour del 10.209.0.3 dev via0\n");
	ADD_IS(thing_inside(thing_neigh("eth0", "fd00::1", 1)),
	       "ip -n curl neighbour replace fd00::1 lladdr 0a:76:69:01:00:01 nud permanent "
	       "dev eth0\n");
	ADD_IS(thing_fdb("viap1", 3),
	       "bridge fdb replace 0a:76:69:01:00:03 dev viap1 master static\n");
	REMOVE_IS(thing_fdb("viap1", 3), "bridge fdb del 0a:76:69:01:00:03 dev viap1 master\n");
}

static void test_tc(void **state)
{
	(void)state;
	/* load the mark; and 0xff000000; is it 0x56000000? go on : drop */
	ADD_IS(thing_tc("via0"),
	       "tc qdisc add dev via0 clsact\n"
	       "tc filter add dev via0 ingress protocol all priority 1 handle 1 bpf "
	       "direct-action bytecode "
	       "'5,32 0 0 4294963220,84 0 0 4278190080,21 0 1 1442840576,6 0 0 4294967295,"
	       "6 0 0 2'\n");
	REMOVE_IS(thing_tc("via0"), "tc qdisc del dev via0 clsact\n");
	ADD_IS(thing_shaper("viap1"), "tc qdisc replace dev viap1 root handle 7669: tbf rate "
				      "10000000bit burst 6250 limit 37500\n");
	REMOVE_IS(thing_shaper("viap1"), "tc qdisc del dev viap1 root\n");
}

static void test_sysctls(void **state)
{
	(void)state;
	ADD_IS(thing_sysctl(FORWARD, "1", "0"), "sysctl -qw " FORWARD "=1\n");
	REMOVE_IS(thing_sysctl(FORWARD, "1", "0"), "sysctl -qw " FORWARD "=0\n");
	REMOVE_IS(thing_sysctl(FORWARD, "1", ""), "");
	ADD_IS(thing_inside(thing_sysctl("net/ipv4/ping_group_range", "0 2147483647", "")),
	       "ip netns exec curl sysctl -qw 'net/ipv4/ping_group_range=0 2147483647'\n");
	/* the dot of a VLAN's name stands between slashes */
	ADD_IS(thing_sysctl("net/ipv4/conf/eth0.5/forwarding", "1", "0"),
	       "sysctl -qw net/ipv4/conf/eth0.5/forwarding=1\n");
}

static struct object rule_for(const char *ifname)
{
	struct object o = thing_rule(INET, "marks", 0, 0);
	static struct nft_rule rule;

	rule = (struct nft_rule){ 0 };
	nft_match_ifname(&rule, NFT_FIELD_IIFNAME, ifname, false);
	nft_verdict(&rule, NF_DROP, NULL);
	o.nft_rule.rule = &rule;
	return o;
}

static void test_nft(void **state)
{
	struct object base = thing_chain(NFPROTO_BRIDGE, "prerouting"),
		      map = thing_set(NFPROTO_BRIDGE, "ports"), set = thing_set(INET, "uplinks");

	(void)state;
	base.nft_chain.base = true;
	base.nft_chain.priority = -300;
	strcpy(base.nft_chain.type, "filter");
	map.nft_set.vmap = true;
	set.nft_set.types[0] = NFT_TYPE_MARK;
	set.nft_set.types[1] = NFT_TYPE_IFNAME;
	set.nft_set.n_types = 2;

	ADD_IS(thing_table(INET), "nft 'add table inet via_iface'\n");
	REMOVE_IS(thing_table(INET), "nft 'delete table inet via_iface'\n");
	ADD_IS(thing_chain(INET, "slot1"), "nft 'add chain inet via_iface slot1'\n");
	ADD_IS(base, "nft 'add chain bridge via_iface prerouting "
		     "{ type filter hook prerouting priority -300; }'\n");
	REMOVE_IS(base, "nft 'delete chain bridge via_iface prerouting'\n");
	ADD_IS(set, "nft 'add set inet via_iface uplinks { type mark . ifname; }'\n");
	REMOVE_IS(set, "nft 'delete set inet via_iface uplinks'\n");
	ADD_IS(map, "nft 'add map bridge via_iface ports { type ifname : verdict; }'\n");
	REMOVE_IS(map, "nft 'delete map bridge via_iface ports'\n");
	ADD_IS(thing_element(INET, "fenced4", "wlp6s0"),
	       "nft 'add element inet via_iface fenced4 { \"wlp6s0\" }'\n");
	REMOVE_IS(thing_element(INET, "fenced4", "wlp6s0"),
		  "nft 'delete element inet via_iface fenced4 { \"wlp6s0\" }'\n");
	ADD_IS(thing_vmap_element(NFPROTO_BRIDGE, "ports", "viap1", "slot1"),
	       "nft 'add element bridge via_iface ports { \"viap1\" : goto slot1 }'\n");
	REMOVE_IS(thing_vmap_element(NFPROTO_BRIDGE, "ports", "viap1", "slot1"),
		  "nft 'delete element bridge via_iface ports { \"viap1\" }'\n");
	ADD_IS(rule_for("wlp6s0"), "nft 'add rule inet via_iface marks iifname \"wlp6s0\" drop'\n");
	REMOVE_IS(rule_for("wlp6s0"), "nft 'flush chain inet via_iface marks'\n");
}

/* Names that a shell would take apart. */
static void test_quoting(void **state)
{
	(void)state;
	ADD_IS(thing_route(22017, "1.0.0.0/8", "a b", NULL),
	       "ip route add 1.0.0.0/8 dev 'a b' table 22017 metric 100 proto 86\n");
	ADD_IS(thing_route(22017, "1.0.0.0/8", "x'y", NULL),
	       "ip route add 1.0.0.0/8 dev 'x'\\''y' table 22017 metric 100 proto 86\n");
	ADD_IS(thing_stop_rule(AF_INET, 5182, "$(id)"),
	       "ip rule add priority 5182 iif '$(id)' protocol 86 unreachable\n");
	ADD_IS(thing_sysctl("net/ipv4/conf/a;b/forwarding", "1", "0"),
	       "sysctl -qw 'net/ipv4/conf/a;b/forwarding=1'\n");
	ADD_IS(thing_element(INET, "fenced4", "x'y"),
	       "nft 'add element inet via_iface fenced4 { \"x'\\''y\" }'\n");
	ADD_IS(rule_for("x'y"), "nft 'add rule inet via_iface marks iifname \"x'\\''y\" drop'\n");
}

/* What is undone by itself: the rest goes with its table, its link or its netns. */
static void test_goes_along(void **state)
{
	const struct object alone[] = {
		thing_netns(),
		thing_bridge(),
		thing_port("viap1"),
		thing_stop(22017, "0.0.0.0/0"),
		thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.1"),
		thing_lookup(AF_INET, 5180, 0x56000001, 22017),
		thing_stop_rule(AF_INET, 5181, "via0"),
		thing_sysctl(FORWARD, "1", "0"),
		thing_table(INET),
	};
	const struct object along[] = {
		thing_up("via0"),
		thing_address("via0", "10.209.0.1/22"),
		thing_route(22017, "10.209.0.0/22", "via0", NULL),
		thing_inside(thing_route(254, "0.0.0.0/0", "eth0", "10.209.0.1")),
		thing_inside(thing_up("eth0")),
		thing_neigh("via0", "10.209.0.3", 3),
		thing_fdb("viap1", 3),
		thing_tc("via0"),
		thing_shaper("viap1"),
		thing_sysctl("net/ipv6/conf/via0/accept_ra", "0", ""),
		thing_inside(thing_sysctl("net/ipv4/x", "0", "")),
		thing_chain(INET, "a"),
		thing_set(INET, "m"),
		thing_element(INET, "m", "x"),
		thing_rule(INET, "a", 0, 0),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (print_goes_along(&alone[i]))
			fail_msg("%s must be undone", object_kind_name(alone[i].kind));
	for (size_t i = 0; i < sizeof(along) / sizeof(along[0]); i++)
		if (!print_goes_along(&along[i]))
			fail_msg("%s goes along", object_kind_name(along[i].kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),      cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_routes),     cmocka_unit_test(test_rules),
		cmocka_unit_test(test_neighbours), cmocka_unit_test(test_tc),
		cmocka_unit_test(test_sysctls),    cmocka_unit_test(test_nft),
		cmocka_unit_test(test_accepts),    cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_goes_along),
	};

	return RUN_TESTS(tests);
}
