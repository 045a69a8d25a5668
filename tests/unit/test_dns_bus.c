/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Name servers over D-Bus: a bus of our own, and on it a child that plays both
 * NetworkManager and systemd-resolved, as 1.42.4 and 252 answer, and in older and odder ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "bus_stage.h"
#include "dns/dns.h"
#include "fds.h"
#include "scene.h"
#include "unit.h"

#define NM       "org.freedesktop.NetworkManager"
#define NM_PATH  "/org/freedesktop/NetworkManager"
#define RESOLVED "org.freedesktop.resolve1"

/* --- the fake services ----------------------------------------------------------------------- */

static int error(sd_bus_message *m, const char *name)
{
	return sd_bus_reply_method_errorf(m, name, "no such thing");
}

static int device_by_name(sd_bus_message *m)
{
	static const char *const devices[] = {
		"enp7s0", "wlp6s0", "old0", "odd0", "bare0", "never0"
	};
	const char *name;
	char path[64];

	if (sd_bus_message_read(m, "s", &name) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strcmp(devices[i], name)) {
			snprintf(path, sizeof(path), NM_PATH "/Devices/%s", name);
			return sd_bus_reply_method_return(m, "o", path);
		}
	return error(m, NM ".UnknownDevice");
}

static int nm_device(sd_bus_message *m, const char *name)
{
	char four[64], six[64];

	snprintf(four, sizeof(four), NM_PATH "/IP4Config/%s", name);
	snprintf(six, sizeof(six), NM_PATH "/IP6Config/%s", name);
	if (!strcmp(name, "bare0")) /* not activated */
		return sd_bus_reply_method_return(m, "a{sv}", 2, "Ip4Config", "o", "/", "Ip6Config",
						  "o", "/");
	if (!strcmp(name, "odd0"))
		return sd_bus_reply_method_return(m, "a{sv}", 3, "Ip4Config", "s", "nonsense",
						  "Ip6Config", "o", six, "Mtu", "u", 1500);
	if (!strcmp(name, "never0")) /* never-default */
		return sd_bus_reply_method_return(m, "a{sv}", 5, "Ip4Config", "o", four,
						  "Dhcp4Config", "o", NM_PATH "/DHCP4Config/never0",
						  "Ip6Config", "o", "/", "Ip4Connectivity", "u", 2,
						  "Ip6Connectivity", "u", 4);
	return sd_bus_reply_method_return(m, "a{sv}", 4, "State", "u", 100, "Ip4Config", "o", four,
					  "Managed", "b", 1, "Ip6Config", "o", six);
}

static int nm_dhcp4(sd_bus_message *m)
{
	return sd_bus_reply_method_return(m, "a{sv}", 1, "Options", "a{sv}", 4, "expiry", "s",
					  "1795357418", "routers", "s", "10.7.0.1 10.7.0.2",
					  "requested_routers", "s", "1", "ip_address", "s",
					  "10.7.0.9");
}

static int nm_ip4(sd_bus_message *m, const char *name)
{
	if (!strcmp(name, "enp7s0"))
		return sd_bus_reply_method_return(m, "a{sv}", 6, "Domains", "as", 1, "corp.example",
						  "NameserverData", "aa{sv}", 2, 1, "address", "s",
						  "192.168.2.1", 2, "priority", "i", 7, "address",
						  "s", "192.168.2.53", "Nameservers", "au", 2,
						  htobe32(0xc0a80201), htobe32(0xc0a80235),
						  "Searches", "as", 2, "home.example",
						  "lab.example", "Gateway", "s", "192.168.2.1",
						  "DnsOptions", "as", 0);
	if (!strcmp(name, "old0")) /* before 1.14 */
		return sd_bus_reply_method_return(m, "a{sv}", 1, "Nameservers", "au", 3,
						  htobe32(0x7f000001), htobe32(0x09090909),
						  htobe32(0x0a000001));
	if (!strcmp(name, "never0"))
		return sd_bus_reply_method_return(m, "a{sv}", 2, "Gateway", "s", "",
						  "NameserverData", "aa{sv}", 1, 1, "address", "s",
						  "10.7.0.53");
	return sd_bus_reply_method_return(m, "a{sv}", 0);
}

static int nm_ip6(sd_bus_message *m, const char *name)
{
	if (!strcmp(name, "enp7s0") || !strcmp(name, "wlp6s0"))
		return sd_bus_reply_method_return(m, "a{sv}", 2, "Nameservers", "aay", 3, 16, 0x20,
						  1, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
						  16, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
						  0, 0, 1, 3, 1, 2, 3, "Searches", "as", 1,
						  "six.example");
	if (!strcmp(name, "odd0"))
		return sd_bus_reply_method_return(m, "a{sv}", 3, "Nameservers", "s", "9.9.9.9",
						  "NameserverData", "as", 1, "9.9.9.9", "Searches",
						  "a(sb)", 1, "a", 1);
	return sd_bus_reply_method_return(m, "a{sv}", 0);
}

static int nm_dns_manager(sd_bus_message *m)
{
	return sd_bus_reply_method_return(m, "a{sv}", 2, "Mode", "s", "default", "Configuration",
					  "aa{sv}", 3, 2, "nameservers", "as", 1, "192.168.2.1",
					  "interface", "s", "enp7s0", 4, "nameservers", "as", 2,
					  "10.8.0.1", "dns+tls://10.8.0.2", "domains", "as", 2,
					  "vpn.example", "~route.example", "interface", "s", "vpn0",
					  "vpn", "b", 1, 1, "nameservers", "as", 1, "9.9.9.9");
}

static int resolved_link(sd_bus_message *m, const char *path)
{
	if (!strcmp(path, "/org/freedesktop/resolve1/link/_31"))
		return sd_bus_reply_method_return(m, "a{sv}", 4, "ScopesMask", "t", (uint64_t)7,
						  "DNS", "a(iay)", 2, AF_INET, 4, 10, 9, 0, 1,
						  AF_INET, 4, 10, 9, 0, 2, "DNSEx", "a(iayqs)", 3,
						  AF_INET, 4, 10, 9, 0, 1, 0, "dns.example",
						  AF_INET, 4, 10, 9, 0, 2, 853, "", AF_INET6, 16,
						  0x20, 1, 0x0d, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0,
						  0, 1, 53, "", "Domains", "a(sb)", 3,
						  "static.example", 0, "route.example", 1, ".", 1);
	return sd_bus_reply_method_return(m, "a{sv}", 1, "DNS", "a(iay)", 2, AF_INET, 4, 10, 9, 0,
					  3, AF_INET, 3, 10, 9, 0); /* before 246 */
}

static int get_link(sd_bus_message *m)
{
	char path[64];
	int index;

	if (sd_bus_message_read(m, "i", &index) < 0)
		return -EINVAL;
	if (index < 100)
		return error(m, RESOLVED ".NoSuchLink");
	snprintf(path, sizeof(path), "/org/freedesktop/resolve1/link/_3%d", index - 100);
	return sd_bus_reply_method_return(m, "o", path);
}

static int get_all(sd_bus_message *m)
{
	const char *path = sd_bus_message_get_path(m), *last = strrchr(path, '/') + 1, *interface;

	if (sd_bus_message_read(m, "s", &interface) < 0)
		return -EINVAL;
	if (!strcmp(interface, NM ".Device"))
		return nm_device(m, last);
	if (!strcmp(interface, NM ".IP4Config"))
		return nm_ip4(m, last);
	if (!strcmp(interface, NM ".IP6Config"))
		return nm_ip6(m, last);
	if (!strcmp(interface, NM ".DHCP4Config"))
		return nm_dhcp4(m);
	if (!strcmp(interface, NM ".DnsManager"))
		return nm_dns_manager(m);
	if (!strcmp(interface, RESOLVED ".Link"))
		return resolved_link(m, path);
	return error(m, "org.freedesktop.DBus.Error.UnknownInterface");
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	(void)userdata;
	(void)e;
	if (sd_bus_message_is_method_call(m, NM, "GetDeviceByIpIface"))
		return device_by_name(m);
	if (sd_bus_message_is_method_call(m, RESOLVED ".Manager", "GetLink"))
		return get_link(m);
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "GetAll"))
		return get_all(m);
	return 0;
}

static void obey(sd_bus *bus, char order)
{
	switch (order) {
	case 'n':
		if (sd_bus_request_name(bus, NM, 0) < 0)
			abort();
		break;
	case 'N':
		if (sd_bus_release_name(bus, NM) < 0)
			abort();
		break;
	case 'r':
		if (sd_bus_request_name(bus, RESOLVED, 0) < 0)
			abort();
		break;
	case 'c':
		stage_emit(bus, NULL, NM_PATH "/IP4Config/enp7s0", NM ".IP4Config",
			   "NameserverData");
		break;
	case 'l':
		stage_emit(bus, NULL, NM_PATH "/DHCP4Config/never0", NM ".DHCP4Config", "Options");
		break;
	case 'o': /* of no interest */
		stage_emit(bus, NULL, NM_PATH "/Devices/enp7s0", NM ".Device", "StateReason");
		break;
	case 'p': /* its check found something else */
		stage_emit(bus, NULL, NM_PATH "/Devices/enp7s0", NM ".Device", "Ip4Connectivity");
		break;
	case 'd':
		stage_emit(bus, NULL, "/org/freedesktop/resolve1", RESOLVED ".Manager", "DNS");
		break;
	default:
		abort();
	}
}

static const struct stage_fake fake = { on_message, obey };

/* --- the stage ------------------------------------------------------------------------------- */

static int setup(void **state)
{
	static const char *const links[] = { "enp7s0", "wlp6s0", "old0",  "odd0",
					     "bare0",  "vpn0",   "never0" };

	return stage_setup(state, links, ARRAY_SIZE(links));
}

/* Until dns_retry_at() has come. */
static bool changed_by_time(void)
{
	int64_t left;

	while ((left = dns_retry_at(&sources) - clock_ms()) > 0)
		poll(NULL, 0, (int)left);
	return dns_take_events(&sources);
}

static void put_networkd(const char *dev, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	mkdir(dir_path("run/systemd"), 0755);
	mkdir(dir_path("run/systemd/netif"), 0755);
	mkdir(dir_path("run/systemd/netif/links"), 0755);
	snprintf(path, sizeof(path), "%s/run/systemd/netif/links/%d", dir_path("."),
		 facts_link(&facts, dev)->index);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_nm(void **state)
{
	size_t before, sockets;

	(void)state;
	stage(&fake, "n");
	before = fds_open();
	sockets = fds_sockets();
	/* what it says goes before any file; the link's own domains behind those to search */
	put_networkd("enp7s0", "DNS=9.9.9.9\n");
	stage_link_has("enp7s0", "NetworkManager", "192.168.2.1 192.168.2.53 2001:db8:2::1 fe80::1",
		       "home.example lab.example six.example corp.example");
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
	stage_link_has("old0", "NetworkManager", "9.9.9.9 10.0.0.1", "");
	/* a VPN, which is no device of its own */
	stage_link_has("vpn0", "NetworkManager", "10.8.0.1", "vpn.example");
	stage_link_has_none("odd0", "NetworkManager names none");
	stage_link_has_none("bare0", "NetworkManager names none");
	put_networkd("bare0", "DNS=9.9.9.9\n");
	stage_link_has("bare0", "systemd-networkd", "9.9.9.9", "");
	/* one connection, which is kept; libsystemd may keep a pidfd of its other end as well */
	assert_int_equal(fds_sockets(), sockets + 1);
	dns_close(&sources);
	assert_int_equal(fds_open(), before);
}

static bool has_login_page(const char *name)
{
	struct fact_dns dns;

	assert_int_equal(dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, NULL), 0);
	return dns.portal;
}

/* The gateway of what is configured; where that has none, of the lease. */
static void test_nm_gateway(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "n");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_leads("enp7s0", "", NULL); /* it is nobody's neighbour yet */
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	stage_leads("enp7s0", "192.168.2.1", NULL);
	scene_addr(&facts, "never0", "10.7.0.9/24");
	stage_leads("never0", "10.7.0.1", NULL);
	stage_link_has("never0", "NetworkManager", "10.7.0.53", "");
	assert_true(has_login_page("never0")); /* of one family */
	assert_false(has_login_page("enp7s0"));
	scene_addr(&facts, "wlp6s0", "10.7.0.10/24");
	stage_leads("wlp6s0", "", NULL);
	while (stage_changed(&sources, 0))
		;
	stage_order("l"); /* the lease was renewed */
	assert_true(stage_changed(&sources, WAIT_MS));
}

static void test_resolved(void **state)
{
	(void)state;
	stage(&fake, "r");
	stage_link_has_none("enp7s0", "systemd-resolved names none");
	stage_link_has_none("enp7s0", "NetworkManager is not on the bus");
	facts.links.v[facts_link(&facts, "enp7s0") - facts.links.v].index = 101;
	facts.links.v[facts_link(&facts, "wlp6s0") - facts.links.v].index = 102;
	/* not the one on port 853 */
	stage_link_has("enp7s0", "systemd-resolved", "10.9.0.1 2001:db8:9::1", "static.example");
	stage_link_has("wlp6s0", "systemd-resolved", "10.9.0.3", "");
	put_networkd("enp7s0", "DNS=9.9.9.9\n");
	stage_link_has("enp7s0", "systemd-networkd", "9.9.9.9", "");
}

static void test_signals(void **state)
{
	struct err err = { 0 };
	const char *us;
	sd_bus *other;

	(void)state;
	stage(&fake, "nr");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_link_has("enp7s0", "NetworkManager", "192.168.2.1 192.168.2.53 2001:db8:2::1 fe80::1",
		       "home.example lab.example six.example corp.example");
	facts.links.v[facts_link(&facts, "bare0") - facts.links.v].index = 101;
	stage_link_has("bare0", "systemd-resolved", "10.9.0.1 2001:db8:9::1", "static.example");
	while (stage_changed(&sources, 0))
		;
	stage_order("c");
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_order("d");
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_order("p");
	assert_true(stage_changed(&sources, WAIT_MS));
	assert_false(stage_changed(&sources, 0));
	/* one that is of no interest, and one that anybody may send, come before one that counts */
	stage_order("o");
	other = stage_connect();
	assert_int_equal(sd_bus_get_unique_name(sources.bus, &us), 0);
	stage_emit(other, us, NM_PATH "/IP4Config/enp7s0", NM ".IP4Config", "NameserverData");
	assert_false(stage_changed(&sources, SOON_MS));
	sd_bus_flush_close_unref(other);
	stage_order("c");
	assert_true(stage_changed(&sources, WAIT_MS));
}

/* A signal that comes while a question is asked is told afterwards. */
static void test_signal_meanwhile(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "n");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
	while (stage_changed(&sources, 0))
		;
	stage_order("c");
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
	assert_true(stage_changed(&sources, WAIT_MS));
	assert_false(stage_changed(&sources, 0));
}

static void test_comes_and_goes(void **state)
{
	struct err err = { 0 };

	(void)state;
	stage(&fake, "");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_link_has_none("wlp6s0", "NetworkManager is not on the bus");
	stage_order("n");
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
	stage_order("N");
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_link_has_none("wlp6s0", "NetworkManager is not on the bus");
	stage_order("n");
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
	stage_hang_up(); /* it dies */
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_link_has_none("wlp6s0", "NetworkManager is not on the bus");
}

/* Who does not answer costs 300 ms once, and then nothing for a while. */
static void test_mute(void **state)
{
	struct fact_dns dns = { 0 };
	struct err err = { 0 };
	int64_t before;

	(void)state;
	sources.wait_ms = QUICK_MS;
	stage(&fake, "nr");
	assert_int_equal(dns_watch(&sources, &err), 0);
	stage_order("h");
	put_networkd("enp7s0", "DNS=9.9.9.9\n");
	assert_in_range(stage_link_has_none("wlp6s0", "NetworkManager does not answer"), 200,
			BOUND_MS);
	assert_in_range(stage_soon_has_none("wlp6s0", "NetworkManager does not answer"), 0,
			SOON_MS);
	assert_in_range(stage_soon_has_none("wlp6s0", "systemd-resolved does not answer"), 0,
			SOON_MS);
	stage_link_has("enp7s0", "systemd-networkd", "9.9.9.9", "");
	/* for a second, and each time for longer; it is told when that is over */
	assert_true(dns_retry_at(&sources) <= clock_ms() + 1000);
	assert_true(changed_by_time());
	before = clock_ms(); /* the machine may be busy from here on */
	assert_in_range(stage_link_has_none("wlp6s0", "NetworkManager does not answer"), 200,
			BOUND_MS);
	assert_true(dns_retry_at(&sources) <= clock_ms() + 2000);
	while (dns_retry_at(&sources) != INT64_MAX)
		assert_true(changed_by_time());
	assert_true(clock_ms() >=
		    before + 2000); /* NetworkManager's; resolved's time was over before */
	assert_false(dns_take_events(&sources));
	stage_link_has_none("wlp6s0", "NetworkManager does not answer");
	/* until somebody else takes its place */
	sources.wait_ms = WAIT_MS;
	stage_stop_fake();
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_start_fake(&fake);
	stage_order("n");
	while (dns_of_link(&sources, &facts, facts_link(&facts, "wlp6s0"), &dns, &err) < 0)
		assert_true(stage_changed(&sources, WAIT_MS));
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
}

/* A socket that nobody answers at. */
static void test_mute_bus(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t before;

	(void)state;
	sources.wait_ms = QUICK_MS;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", dir_path("run/dbus/system_bus_socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 0), 0);
	before = fds_open();
	assert_in_range(stage_link_has_none("wlp6s0", "NetworkManager does not answer"), 200,
			BOUND_MS);
	assert_in_range(stage_soon_has_none("wlp6s0", "NetworkManager does not answer"), 0,
			SOON_MS);
	assert_int_equal(fds_open(), before);
}

static void test_bus_restarts(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(dns_watch(&sources, &err), 0); /* before there is any */
	assert_in_range(stage_soon_has_none("wlp6s0", "NetworkManager is not on the bus"), 0,
			SOON_MS);
	stage(&fake, "n");
	assert_true(stage_changed(&sources, WAIT_MS)); /* its socket */
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
	while (stage_changed(&sources, 0))
		;
	stage_stop_fake();
	stage_stop_bus();
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_link_has_none("wlp6s0", "NetworkManager is not on the bus");
	unlink(dir_path("run/dbus/system_bus_socket"));
	stage(&fake, "n");
	assert_true(stage_changed(&sources, WAIT_MS));
	stage_link_has("wlp6s0", "NetworkManager", "2001:db8:2::1 fe80::1", "six.example");
	stage_order("c");
	assert_true(stage_changed(&sources, WAIT_MS));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nm),      TEST(test_nm_gateway),       TEST(test_resolved),
		TEST(test_signals), TEST(test_signal_meanwhile), TEST(test_comes_and_goes),
		TEST(test_mute),    TEST(test_mute_bus),         TEST(test_bus_restarts),
	};
#undef TEST

	return RUN_TESTS(tests);
}
