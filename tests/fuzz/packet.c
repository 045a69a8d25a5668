/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases that are the server's answer as it came: DHCP and DHCPv6. */
#include "fuzz.h"
#include "names/parsers.h"

static void good(const struct names_lease *lease)
{
	must(lease->dns.n <= sizeof(lease->dns.servers) / sizeof(lease->dns.servers[0]));
	must(strnlen(lease->dns.domains, sizeof(lease->dns.domains)) < sizeof(lease->dns.domains));
	must(lease->n <= NAMES_LEASE_ADDRS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct names_lease lease;
	uint8_t *bytes = fuzz_copy(data, size);

	if (names_parse_dhcp(bytes, size, 1700000000, &lease) == 0)
		good(&lease);
	if (names_parse_dhcp6(bytes, size, 1700000000, &lease) == 0)
		good(&lease);
	free(bytes);
	return 0;
}
