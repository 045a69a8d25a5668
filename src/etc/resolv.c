/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/resolv.h"

#include <string.h>

#include "model/ip.h"

#define DOMAIN_BYTES                                                                               \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                     \
	"0123456789.-_ "

#define OPTION_BYTES "abcdefghijklmnopqrstuvwxyz0123456789-: "

void resolv_format(const struct msg_dns *dns, struct strbuf *ret)
{
	char text[IP_TEXT_MAX];

	strbuf_add(ret, "# of this session, made by via-iface\n");
	for (uint8_t i = 0; i < dns->n; i++)
		strbuf_add(ret, "nameserver %s\n", ip_format(&dns->servers[i], text));
	if (dns->domains[0] && !dns->domains[strspn(dns->domains, DOMAIN_BYTES)])
		strbuf_add(ret, "search %s\n", dns->domains);
	if (dns->options[0] && !dns->options[strspn(dns->options, OPTION_BYTES)])
		strbuf_add(ret, "options %s\n", dns->options);
}
