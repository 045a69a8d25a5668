/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ConnMan, ModemManager, and NetworkManager's VPN connections: a child on a bus of our own plays
 * all three, as ConnMan 1.41, ModemManager 1.20 and NetworkManager 1.42 answer, and in ways that
 * they never would.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "bus_stage.h"
#include "fds.h"
#include "scene.h"
#include "unit.h"

#define CONNMAN  "net.connman"
#define MODEM    "org.freedesktop.ModemManager1"
#define NM       "org.freedesktop.NetworkManager"
#define NM_PATH  "/org/freedesktop/NetworkManager"
#define RESOLVED "org.freedesktop.resolve1"

/* --- ConnMan --------------------------------------------------------------------------------- */

/* One service: "Ethernet" names the device, and each known network of a radio has one. */
static int connman_service(sd_bus_message *m, const char *name, const char *state, const char *dev,
			   const char *server, const char *gateway)
{
	char path[64];

	snprintf(path, sizeof(path), "/net/connman/service/%s", name);
	return sd_bus_message_append(m, "(oa{sv})", path, 9, "Type", "s", "wifi", "Strength", "y",
				     70, "State", "s", state, "Ethernet", "a{sv}", 3, "Method", "s",
				     "auto", "Interface", "s", dev, "MTU", "q", 1500, "IPv4",
				     "a{sv}", 4, "Method", "s", "dhcp", "Address", "s", "10.3.0.9",
				     "Netmask", "s", "255.255.255.0", "Gateway", "s", gateway,
				     "IPv4.Configuration", "a{sv}", 2, "Method", "s", "manual",
				     "Gateway", "s", "10.3.0.77", "Nameservers", "as", 3,
				     "127.0.0.1", server, "2001:db8:3::53",
				     "Nameservers.Configuration", "as", 1, "9.9.9.9", "Domains",
				     "as", 1, "cafe.example");
}

/* With a value of a wrong type in each place. */
static int connman_odd(sd_bus_message *m)
{
	return sd_bus_message_append(m, "(oa{sv})", "/net/connman/service/odd", 6, "State", "u", 7,
				     "Ethernet", "a{sv}", 1, "Interface", "u", 3, "IPv4", "s",
				     "10.3.0.1", "Nameservers", "s", "10.3.0.53", "Domains",
				     "a{sv}", 0, "IPv6", "a{sv}", 1, "Gateway", "ay", 2, 1, 2);
}

static int connman_services(sd_bus_message *call)
{
	sd_bus_message *m = NULL;
	int r;

	if (sd_bus_message_new_method_return(call, &m) < 0 ||
	    sd_bus_message_open_container(m, 'a', "(oa{sv})") < 0 || connman_odd(m) < 0 ||
	    connman_service(m, "idle", "idle", "wlp6s0", "10.99.0.53", "10.99.0.1") < 0 ||
	    connman_service(m, "longer", "online", "wlp6s0x", "10.98.0.53", "10.98.0.1") < 0 ||
	    connman_service(m, "ours", "ready", "wlp6s0", "10.3.0.53", "10.3.0.1") < 0 ||
	    connman_service(m, "all", "online", "all0", "10.13.0.53", "0.0.0.0") < 0 ||
	    connman_service(m, "wired", "online", "enp7s0", "10.4.0.53", "0.0.0.0") < 0 ||
	    sd_bus_message_close_container(m) < 0)
		abort();
	r = sd_bus_send(NULL, m, NULL);
	sd_bus_message_unref(m);
	return r < 0 ? r : 1;
}

/* connman-vpnd: the device by its index. */
static int connman_vpns(sd_bus_message *m)
{
	int index = facts_link(&facts, "tun0")->index;

	return sd_bus_reply_method_return(m, "a(oa{sv})", 3, "/net/connman/vpn/connection/old", 3,
					  "State", "s", "idle", "Index", "i", index, "Nameservers",
					  "as", 1, "10.95.0.53", "/net/connman/vpn/connection/odd",
					  3, "State", "s", "ready", "Index", "s", "tun0",
					  "Nameservers", "as", 1, "10.94.0.53",
					  "/net/connman/vpn/connection/ours", 4, "Type", "s",
					  "openvpn", "State", "s", "ready", "Index", "i", index,
					  "Nameservers", "as", 1, "10.3.9.53");
}

static void connman_changed(sd_bus *bus, const char *property)
{
	if (sd_bus_emit_signal(bus, "/net/connman/service/ours", CONNMAN ".Service",
			       "PropertyChanged", "sv", property, "s", "x") < 0 ||
	    sd_bus_flush(bus) < 0)
		abort();
}

/* --- ModemManager ---------------------------------------------------------------------------- */

static int modems(sd_bus_message *m)
{
	return sd_bus_reply_method_return(m, "a{oa{sa{sv}}}", 2, "/modem/0", 2,
					  "org.freedesktop.DBus.Properties", 0, MODEM ".Modem", 3,
					  "Model", "s", "stick", "Bearers", "ao", 4, "/bearer/gone",
					  "/bearer/odd", "/bearer/old", "/bearer/mbim", "Ports",
					  "a(su)", 1, "wwan0", 2, "/modem/1", 1, MODEM ".Modem", 1,
					  "Bearers", "ao", 2, "/bearer/qmi", "/bearer/all");
}

static int bearer(sd_bus_message *m, const char *name)
{
	if (!strcmp(name, "all"))
		return sd_bus_reply_method_return(m, "a{sv}", 3, "Connected", "b", 1, "Interface",
						  "s", "all0", "Ip4Config", "a{sv}", 1, "dns1", "s",
						  "10.11.0.53");
	if (!strcmp(name, "odd"))
		return sd_bus_reply_method_return(m, "a{sv}", 4, "Connected", "s", "yes",
						  "Interface", "u", 5, "Ip4Config", "a{sv}", 2,
						  "dns1", "u", 0x01020304, "gateway", "as", 1,
						  "10.5.0.1", "Ip6Config", "s", "none");
	if (!strcmp(name, "old")) /* of the same device, before it connected anew */
		return sd_bus_reply_method_return(m, "a{sv}", 3, "Connected", "b", 0, "Interface",
						  "s", "wwan0", "Ip4Config", "a{sv}", 1, "dns1",
						  "s", "10.97.0.53");
	if (!strcmp(name, "mbim"))
		return sd_bus_reply_method_return(m, "a{sv}", 4, "Interface", "s", "wwan0",
						  "Connected", "b", 1, "Ip4Config", "a{sv}", 7,
						  "method", "u", 2, "address", "s", "10.5.0.6",
						  "prefix", "u", 30, "dns1", "s", "10.5.53.1",
						  "dns2", "s", "10.5.53.2", "gateway", "s",
						  "10.5.0.5", "mtu", "u", 1430, "Ip6Config",
						  "a{sv}", 4, "method", "u", 2, "address", "s",
						  "2001:db8:5::6", "dns1", "s", "2001:db8:5::53",
						  "gateway", "s", "2001:db8:5::5");
	if (!strcmp(name, "qmi"))
		return sd_bus_reply_method_return(m, "a{sv}", 3, "Interface", "s", "wwan1",
						  "Connected", "b", 1, "Ip4Config", "a{sv}", 1,
						  "method", "u", 3); /* DHCP: it does not know */
	return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.UnknownObject", "gone");
}

/* --- NetworkManager -------------------------------------------------------------------------- */

static int nm(sd_bus_message *m)
{
	return sd_bus_reply_method_return(m, "a{sv}", 2, "Version", "s", "1.42.4",
					  "ActiveConnections", "ao", 4, NM_PATH "/Active/1",
					  NM_PATH "/Active/2", NM_PATH "/Active/3",
					  NM_PATH "/Active/4");
}

static int nm_active(sd_bus_message *m, const char *number)
{
	char four[64];

	if (*number == '2') /* the Wi-Fi under it: no VPN */
		return sd_bus_reply_method_return(m, "a{sv}", 2, "Vpn", "b", 0, "Ip4Config", "o",
						  NM_PATH "/IP4Config/4");
	if (*number == '3')
		return sd_bus_reply_method_return(m, "a{sv}", 2, "Vpn", "s", "odd", "Ip4Config",
						  "s", NM_PATH "/IP4Config/4");
	snprintf(four, sizeof(four), NM_PATH "/IP4Config/%s", number);
	return sd_bus_reply_method_return(m, "a{sv}", 4, "Type", "s", "vpn", "Vpn", "b", 1,
					  "Ip4Config", "o", four, "Ip6Config", "o", "/");
}

static int nm_ip4(sd_bus_message *m, const char *name)
{
	if (!strcmp(name, "wg0")) /* a device of NetworkManager's own */
		return sd_bus_reply_method_return(m, "a{sv}", 2, "AddressData", "aa{sv}", 1, 2,
						  "address", "s", "10.6.0.2", "prefix", "u", 32,
						  "NameserverData", "aa{sv}", 1, 1, "address", "s",
						  "10.6.0.53");
	if (!strcmp(name, "all0"))
		return sd_bus_reply_method_return(m, "a{sv}", 1, "NameserverData", "aa{sv}", 1, 1,
						  "address", "s", "10.14.0.53");
	if (!strcmp(name, "lease0"))
		return sd_bus_reply_method_return(m, "a{sv}", 1, "NameserverData", "aa{sv}", 1, 1,
						  "address", "s", "10.7.0.53");
	if (*name == '1') /* another VPN */
		return sd_bus_reply_method_return(m, "a{sv}", 2, "AddressData", "aa{sv}", 2, 1,
						  "address", "u", 1, 1, "address", "s", "10.8.9.9",
						  "NameserverData", "aa{sv}", 1, 1, "address", "s",
						  "10.96.0.53");
	if (*name == '4')
		return sd_bus_reply_method_return(m, "a{sv}", 4, "AddressData", "aa{sv}", 1, 2,
						  "address", "s", "10.8.0.2", "prefix", "u", 24,
						  "NameserverData", "aa{sv}", 1, 1, "address", "s",
						  "10.8.0.53", "Domains", "as", 1, "vpn.example",
						  "Gateway", "s", "10.8.0.1");
	return sd_bus_reply_method_return(m, "a{sv}", 0);
}

static int nm_device_of(sd_bus_message *m)
{
	const char *name;
	char path[64];

	if (sd_bus_message_read(m, "s", &name) < 0)
		return -EINVAL;
	if (strcmp(name, "wg0") != 0 && strcmp(name, "tun0") != 0 && strcmp(name, "lease0") != 0 &&
	    strcmp(name, "all0") != 0)
		return sd_bus_reply_method_errorf(m, NM ".UnknownDevice", "no such thing");
	snprintf(path, sizeof(path), NM_PATH "/Devices/%s", name);
	return sd_bus_reply_method_return(m, "o", path);
}

static int nm_device(sd_bus_message *m, const char *name)
{
	char four[64];

	snprintf(four, sizeof(four), NM_PATH "/IP4Config/%s", name);
	return sd_bus_reply_method_return(m, "a{sv}", 2, "Ip4Config", "o", four, "Dhcp4Config", "o",
					  strcmp(name, "lease0") != 0 ? "/"
								      : NM_PATH "/DHCP4Config/1");
}

/* Option 121 with a default route goes before option 3. */
static int nm_lease(sd_bus_message *m)
{
	return sd_bus_reply_method_return(m, "a{sv}", 1, "Options", "a{sv}", 2, "routers", "s",
					  "10.7.0.1", "rfc3442_classless_static_routes", "s",
					  "10.20.0.0/16 10.7.0.9 0.0.0.0/0 10.7.0.254");
}

/* --- systemd-resolved ------------------------------------------------------------------------ */

static int resolved_of(sd_bus_message *m)
{
	int index;

	if (sd_bus_message_read(m, "i", &index) < 0)
		return -EINVAL;
	if (index != facts_link(&facts, "all0")->index)
		return sd_bus_reply_method_errorf(m, RESOLVED ".NoSuchLink", "no such thing");
	return sd_bus_reply_method_return(m, "o", "/org/freedesktop/resolve1/link/all0");
}

static int resolved(sd_bus_message *m)
{
	return sd_bus_reply_method_return(m, "a{sv}", 1, "DNS", "a(iay)", 1, AF_INET, 4, 10, 12, 0,
					  53);
}

/* --- all of them ----------------------------------------------------------------------------- */

static int get_all(sd_bus_message *m)
{
	const char *path = sd_bus_message_get_path(m), *last = strrchr(path, '/') + 1, *interface;

	if (sd_bus_message_read(m, "s", &interface) < 0)
		return -EINVAL;
	if (!strcmp(interface, MODEM ".Bearer"))
		return bearer(m, last);
	if (!strcmp(interface, RESOLVED ".Link"))
		return resolved(m);
	if (!strcmp(interface, NM))
		return nm(m);
	if (!strcmp(interface, NM ".Device"))
		return nm_device(m, last);
	if (!strcmp(interface, NM ".Connection.Active"))
		return nm_active(m, last);
	if (!strcmp(interface, NM ".IP4Config"))
		return nm_ip4(m, last);
	if (!strcmp(interface, NM ".DHCP4Config"))
		return nm_lease(m);
	return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.UnknownInterface", "no");
}

static bool slow; /* in the child: each answer takes 250 ms */

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	(void)userdata;
	(void)e;
	if (slow)
		poll(NULL, 0, 250);
	if (sd_bus_message_is_method_call(m, CONNMAN ".Manager", "GetServices"))
		return connman_services(m);
	if (sd_bus_message_is_method_call(m, RESOLVED ".Manager", "GetLink"))
		return resolved_of(m);
	if (sd_bus_message_is_method_call(m, CONNMAN ".vpn.Manager", "GetConnections"))
		return connman_vpns(m);
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.ObjectManager",
					  "GetManagedObjects"))
		return modems(m);
	if (sd_bus_message_is_method_call(m, NM, "GetDeviceByIpIface"))
		return nm_device_of(m);
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "GetAll"))
		return get_all(m);
	return 0;
}

static void own(sd_bus *bus, const char *name)
{
	if (sd_bus_request_name(bus, name, 0) < 0)
		abort();
}

static void obey(sd_bus *bus, char letter)
{
	switch (letter) {
	case 'c':
		own(bus, CONNMAN);
		break;
	case 'v':
		own(bus, CONNMAN ".vpn");
		break;
	case 'w':
		slow = true;
		break;
	case 'm':
		own(bus, MODEM);
		break;
	case 'n':
		own(bus, NM);
		break;
	case 'r':
		own(bus, RESOLVED);
		break;
	case 's':
		connman_changed(bus, "Nameservers");
		break;
	case 'x': /* of no interest, and often */
		connman_changed(bus, "Strength");
		break;
	case 'b':
		stage_emit(bus, NULL, "/bearer/mbim", MODEM ".Bearer", "Ip4Config");
		break;
	case 'a':
		stage_emit(bus, NULL, NM_PATH, NM, "ActiveConnections");
		break;
	default:
		abort();
	}
}

static const struct stage_fake fake = { on_message, obey };

static int setup(void **state)
{
	static const char *const links[] = { "enp7s0", "wlp6s0", "wwan0",  "wwan1", "wg0",
					     "tun0",   "tun1",   "lease0", "all0" };

	return stage_setup(state, links, ARRAY_SIZE(links));
}

static void put(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s", dir_path(name));
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		if (mkdir(path, 0755) < 0)
			assert_int_equal(errno, EEXIST);
		*p = '/';
	}
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_networkd(const char *dev, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "run/systemd/netif/links/%d", facts_link(&facts, dev)->index);
	put(path, text);
}

/* --- tests ----------------------------------------------------------------------------------- */

/* A service takes its name on the bus, and that is told. */
static void comes(const char *letter)
{
	while (stage_changed(&sources, 0))
		;
	stage_order(letter);
	assert_true(stage_changed(&sources, WAIT_MS));
}

/* Of the connected service whose device it is; without its own proxy on the loopback. */
static void test_connman(void **state)
{
	(void)state;
	stage(&fake, "c");
	stage_link_has("wlp6s0", "ConnMan", "10.3.0.53 2001:db8:3::53", "cafe.example");
	stage_link_has("enp7s0", "ConnMan", "10.4.0.53 2001:db8:3::53", "cafe.example");
	stage_link_has_none("wwan0", "ConnMan names none");
	stage_leads("wlp6s0", "", ""); /* it is nobody's neighbour yet */
	scene_addr(&facts, "wlp6s0", "10.3.0.9/24");
	stage_leads("wlp6s0", "10.3.0.1", "");
	/* it is believed before networkd */
	put_networkd("wlp6s0", "DNS=9.9.9.9\n");
	stage_link_has("wlp6s0", "ConnMan", "10.3.0.53 2001:db8:3::53", "cafe.example");
}

/* ConnMan itself names no device of a VPN; the index tells, where connman-vpnd is there. */
static void test_connman_vpn(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "c");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_link_has_none("tun0", "ConnMan names none");
	comes("v");
	stage_link_has("tun0", "ConnMan", "10.3.9.53", "");
	stage_link_has_none("tun1", "ConnMan names none");
	stage_link_has("wlp6s0", "ConnMan", "10.3.0.53 2001:db8:3::53", "cafe.example");
}

static void test_connman_signals(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "c");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_link_has("wlp6s0", "ConnMan", "10.3.0.53 2001:db8:3::53", "cafe.example");
	while (stage_changed(&sources, 0))
		;
	stage_order("s");
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_order("x");
	assert_false(stage_changed(&sources, SOON_MS));
}

static void test_modem(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "m");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_link_has("wwan0", "ModemManager", "10.5.53.1 10.5.53.2 2001:db8:5::53", "");
	stage_link_has_none("wwan1", "ModemManager names none");
	stage_link_has_none("enp7s0", "ModemManager names none");
	scene_addr(&facts, "wwan0", "10.5.0.6/30");
	scene_addr(&facts, "wwan0", "2001:db8:5::6/64");
	stage_leads("wwan0", "10.5.0.5", "2001:db8:5::5");
	while (stage_changed(&sources, 0))
		;
	stage_order("b");
	assert_true(stage_changed(&sources, WAIT_MS));
	/* who configured the link is believed before the operator; the gateway is the bearer's */
	put_networkd("wwan0", "DNS=9.9.9.9\n");
	stage_link_has("wwan0", "systemd-networkd", "9.9.9.9", "");
	stage_leads("wwan0", "10.5.0.5", "2001:db8:5::5");
}

/* A VPN plugin's connection is known by its address on the tun device; WireGuard is a device. */
static void test_nm_vpn(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "n");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_link_has("wg0", "NetworkManager", "10.6.0.53", "");
	stage_link_has_none("tun0", "NetworkManager names none");
	scene_addr(&facts, "tun1", "10.8.0.2/24"); /* NetworkManager does not know this device */
	stage_link_has("tun1", "NetworkManager", "10.8.0.53", "vpn.example");
	stage_leads("tun1", "10.8.0.1", "");
	stage_link_has_none("tun0", "NetworkManager names none");
	scene_addr(&facts, "tun0", "10.8.0.2/24"); /* and this one from outside */
	stage_link_has("tun0", "NetworkManager", "10.8.0.53", "vpn.example");
	while (stage_changed(&sources, 0))
		;
	stage_order("a");
	assert_true(stage_changed(&sources, WAIT_MS));
}

static void test_nm_classless(void **state)
{
	(void)state;
	stage(&fake, "n");
	scene_addr(&facts, "lease0", "10.7.0.7/24");
	stage_link_has("lease0", "NetworkManager", "10.7.0.53", "");
	stage_leads("lease0", "10.7.0.254", "");
}

/* In the order of trust, from the last to the first; files that rank beside each other are in
 * test_dns_files.c. */
static void test_order(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "");
	assert_int_equal(dns_watch(&sources, &err), 0);
	scene_addr(&facts, "all0", "10.0.0.9/24");
	put("run/net-all0.conf", "DEVICE=all0\nIPV4ADDR=10.0.0.9\nIPV4DNS0=10.1.0.53\n");
	stage_link_has("all0", "initramfs", "10.1.0.53", "");
	comes("m");
	stage_link_has("all0", "ModemManager", "10.11.0.53", "");
	put("run/resolvconf/interface/all0.x", "nameserver 10.2.0.53\n");
	stage_link_has("all0", "resolvconf", "10.2.0.53", "");
	put("var/lib/dhcp/dhclient.leases",
	    "lease {\n  interface \"all0\";\n  fixed-address 10.0.0.9;\n"
	    "  option domain-name-servers 10.3.0.53;\n}\n");
	stage_link_has("all0", "dhclient", "10.3.0.53", "");
	comes("r");
	stage_link_has("all0", "systemd-resolved", "10.12.0.53", "");
	put_networkd("all0", "DNS=10.4.0.53\n");
	stage_link_has("all0", "systemd-networkd", "10.4.0.53", "");
	comes("c");
	stage_link_has("all0", "ConnMan", "10.13.0.53 2001:db8:3::53", "cafe.example");
	comes("n");
	stage_link_has("all0", "NetworkManager", "10.14.0.53", "");
}

/* Answers that come one by one share a deadline: many bearers do not add up. */
static void test_slow(void **state)
{
	(void)state;
	sources.wait_ms = QUICK_MS;
	stage(&fake, "mw");
	assert_in_range(stage_link_has_none("wwan0", "ModemManager does not answer"), 250, 1000);
	assert_in_range(stage_soon_has_none("wwan0", "ModemManager does not answer"), 0, SOON_MS);
	dns_close(&sources);
	assert_int_equal(dns_open(&sources, dir_path("."), NULL), 0);
	dns_take_time(&sources);
	assert_int_equal(sources.wait_ms, 3000);
	sources.wait_ms = WAIT_MS;
	stage_link_has("wwan0", "ModemManager", "10.5.53.1 10.5.53.2 2001:db8:5::53", "");
}

/* All four mute: two of them cost 300 ms each, and the others at the next look; then none does. */
static void test_mute(void **state)
{
	struct err err = { 0 };

	(void)state;
	sources.wait_ms = QUICK_MS;
	stage(&fake, "ncrm");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_order("h");
	assert_in_range(stage_link_has_none("wwan0", "ModemManager does not answer"), 500,
			BOUND_MS);
	assert_in_range(stage_link_has_none("wwan0", "ModemManager does not answer"), 500,
			BOUND_MS);
	assert_in_range(stage_soon_has_none("wwan0", "ConnMan does not answer"), 0, SOON_MS);
	put_networkd("enp7s0", "DNS=9.9.9.9\n");
	stage_link_has("enp7s0", "systemd-networkd", "9.9.9.9", "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_connman),     TEST(test_connman_signals),
		TEST(test_connman_vpn), TEST(test_modem),
		TEST(test_nm_vpn),      TEST(test_nm_classless),
		TEST(test_order),       TEST(test_slow),
		TEST(test_mute),
	};
#undef TEST

	return RUN_TESTS(tests);
}
