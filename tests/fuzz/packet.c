/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases that are the server's answer as it came: DHCP and DHCPv6. */
#include "dns/parsers.h"
#include "fuzz.h"

static void good(const struct dns_lease *lease)
{
	must(lease->dns.n <= sizeof(lease->dns.servers) / sizeof(lease->dns.servers[0]));
	must(strnlen(lease->dns.domains, sizeof(lease->dns.domains)) < sizeof(lease->dns.domains));
	must(lease->n <= DNS_LEASE_ADDRS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_lease lease;
	uint8_t *bytes = fuzz_copy(data, size);

	if (dns_parse_dhcp(bytes, size, 1700000000, &lease) == 0)
		good(&lease);
	if (dns_parse_dhcp6(bytes, size, 1700000000, &lease) == 0)
		good(&lease);
	free(bytes);
	return 0;
}
