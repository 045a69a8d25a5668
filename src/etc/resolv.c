/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/resolv.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "model/ip.h"

#define MADE    "# of this session, made by via-iface\n"
#define SESSION "\n# session "

#define DOMAIN_BYTES                                                                               \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                     \
	"0123456789.-_ "

#define OPTION_BYTES "abcdefghijklmnopqrstuvwxyz0123456789-: "

void resolv_format(const struct msg_dns *dns, struct strbuf *ret)
{
	char text[IP_TEXT_MAX];

	strbuf_add(ret, MADE);
	for (uint8_t i = 0; i < dns->n; i++)
		strbuf_add(ret, "nameserver %s\n", ip_format(&dns->servers[i], text));
	if (dns->domains[0] && !dns->domains[strspn(dns->domains, DOMAIN_BYTES)])
		strbuf_add(ret, "search %s\n", dns->domains);
	if (dns->options[0] && !dns->options[strspn(dns->options, OPTION_BYTES)])
		strbuf_add(ret, "options %s\n", dns->options);
}

void resolv_add_session(const char *name, uint32_t id, struct strbuf *ret)
{
	strbuf_add(ret, "%s%u %s\n", &SESSION[1], id, name);
}

bool resolv_session(const char *text, char ret_name[SESSION_NAME_MAX], uint32_t *ret_id)
{
	const char *at = strncmp(text, MADE, strlen(MADE)) ? NULL : strstr(text, SESSION);
	char name[SESSION_NAME_MAX];

	if (!at || sscanf(at + strlen(SESSION), "%u %32[^\n]", ret_id, name) != 2 ||
	    !session_name_characters(name))
		return false;
	memcpy(ret_name, name, sizeof(name));
	return true;
}
