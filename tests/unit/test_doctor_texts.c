/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of findings that only another kernel, lease or resolver would bring about: text, fix.
 */
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "list.h"
#include "plan/doctor.h"
#include "scene.h"
#include "unit.h"

/* The only finding of that id; with NULL for its text, there is none. */
static void expect(const struct doctor_input *in, const char *id, const char *object,
		   const char *text, const char *fix)
{
	_cleanup_findings_ struct findings found = { 0 };
	const struct finding *f;

	assert_int_equal(doctor(in, &found), 0);
	f = findings_find(&found, id);
	if (!text) {
		assert_null(f);
		return;
	}
	assert_non_null(f);
	assert_string_equal(f->object, object);
	assert_string_equal(f->text, text);
	assert_string_equal(f->fix, fix);
}

static void test_kernel(void **state)
{
	static const char *const missing[] = { "veth", NULL };
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f, .missing = missing };

	(void)state;
	scene_split(&f);
	expect(&in, "kernel-part", "veth", "this kernel has no 'veth', nor a module of that name",
	       "install the kernel's modules; after a kernel update, reboot");
	in.missing = NULL;
	expect(&in, "kernel-part", "", NULL, NULL);
	f.local_ports = (struct port_range){ 32768, 60999 };
	f.no_socket_match = true;
	expect(&in, "socket-match", "nft_socket",
	       "this kernel cannot ask for the socket of a packet (nft_socket): a server of this "
	       "host that is started on a port of 61000-65535 may lose packets to a session",
	       "install the kernel's modules, or start it on another port");
	f.no_socket_match = false;
	expect(&in, "socket-match", "", NULL, NULL);
	facts_done(&f);
}

static void test_lease(void **state)
{
	struct facts f = { 0 };
	struct uplink_list list = list_of("usb0");
	struct doctor_input in = { .facts = &f, .uplinks = &list };

	(void)state;
	scene_tethered(&f);
	scene_gateway(&f, "usb0", "192.168.42.1");
	expect(&in, "gateway-of-lease", "usb0",
	       "no default route leads through 'usb0'; sessions leave it by 192.168.42.1, the "
	       "gateway that its lease names",
	       "");
	scene_route(&f, "usb0", "0.0.0.0/0", "192.168.42.1", 900);
	expect(&in, "gateway-of-lease", "", NULL, NULL);
	facts_done(&f);
}

static void test_pools(void **state)
{
	struct facts f = { 0 };
	struct doctor_input in = { .facts = &f };
	static const char *const taken[] = { "10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10" };

	(void)state;
	scene_split(&f);
	for (size_t i = 0; i < 3; i++) {
		_cleanup_findings_ struct findings found = { 0 };
		const struct finding *one;

		scene_route(&f, "enp7s0", taken[i], "192.168.1.1", 0);
		assert_int_equal(doctor(&in, &found), 0);
		one = findings_find(&found, "pools-taken");
		assert_int_equal(one != NULL, i == 2);
		if (one)
			assert_string_not_equal(one->fix, "");
	}
	f.routes.n--;
	facts_index_routing(&f);
	expect(&in, "pools-taken", "", NULL, NULL);
	facts_done(&f);
}

static void test_resolved(void **state)
{
	struct facts f = { 0 };
	struct uplink_list list = list_of("wlp6s0");
	struct doctor_input in = { .facts = &f, .uplinks = &list };
	struct fact_dns *dns;
	char server[IP_TEXT_MAX], text[256];

	(void)state;
	scene_split(&f);
	dns = (struct fact_dns *)facts_dns(&f, facts_link(&f, "wlp6s0")->index);
	assert_non_null(dns);
	dns->n = 1;
	ip_format(&dns->servers[0], server);
	dns->tls = DNS_MODE_YES;
	snprintf(text, sizeof(text),
		 "systemd-resolved asks %s by TLS on 'wlp6s0' (DNSOverTLS=yes); a session asks in "
		 "clear text, which the network can read and change",
		 server);
	expect(&in, "dns-over-tls", "wlp6s0", text, "");
	dns->tls = 0;
	expect(&in, "dns-over-tls", "", NULL, NULL);
	dns->dnssec = DNS_MODE_YES;
	expect(&in, "dnssec", "wlp6s0",
	       "systemd-resolved validates answers on 'wlp6s0' (DNSSEC=yes); a session's answers "
	       "are as the server gives them",
	       "");
	dns->dnssec = 0;
	expect(&in, "dnssec", "", NULL, NULL);
	facts_done(&f);
}

/* Two routers, of which the first does not answer; a server that has no link-local IPv6 to be asked
 * by; and an address that is to go. */
static void test_network(void **state)
{
	struct facts f = { 0 };
	struct uplink_list list = list_of("wlp6s0");
	struct doctor_input in = { .facts = &f, .uplinks = &list };

	(void)state;
	scene_split(&f);
	scene_link(&f, "usb0");
	scene_addr_with(&f, "usb0", "192.168.42.2/24", 0, IFA_F_DEPRECATED);
	scene_route(&f, "usb0", "0.0.0.0/0", "192.168.42.1", 900);
	list = list_of("usb0");
	scene_last_route(&f)->silent = true;
	expect(&in, "address-deprecated", "usb0",
	       "the address 192.168.42.2 of 'usb0' is deprecated, and it has no other of its "
	       "family: sessions use it until it expires",
	       "");
	scene_route(&f, "usb0", "0.0.0.0/0", "192.168.42.3", 901);
	expect(&in, "gateway-silent", "usb0",
	       "uplink 'usb0': gateway 192.168.42.1 does not answer ARP; 192.168.42.3 is used",
	       "`via-iface doctor --live usb0` asks it once more; whether it is on is to be seen "
	       "there");
	f.routes.v[f.routes.n - 2].silent = false;
	expect(&in, "gateway-silent", "", NULL, NULL);
	scene_dns(&f, "usb0", "fe80::53");
	expect(&in, "name-server-not-asked", "usb0",
	       "sessions do not ask the name server fe80::53 of 'usb0': it is link-local, and the "
	       "interface has no IPv6 address to ask it from",
	       "`via-iface --dns 9.9.9.9 usb0 -- PROGRAM` asks another one");
	facts_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel),  cmocka_unit_test(test_lease),
		cmocka_unit_test(test_pools),   cmocka_unit_test(test_resolved),
		cmocka_unit_test(test_network),
	};

	return RUN_TESTS(tests);
}
