/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session's questions for names lack that the host's own have: servers, and protection. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "plan/doctor.h"
#include "plan/plan.h"

static void check_servers(const struct facts *f, const struct fact_link *l,
			  const struct fact_dns *dns, struct findings *ret)
{
	char text[IP_TEXT_MAX];
	struct finding *found;

	for (size_t i = 0; i < dns->n; i++) {
		const char *problem = plan_server_problem(f, l, &dns->servers[i]);

		if (!problem)
			continue;
		found = findings_add(ret, "name-server-not-asked", SEVERITY_WARNING, l->name);
		finding_run(found, "--dns 9.9.9.9", l->name, "asks another one");
		finding_text(found, "sessions do not ask the name server %s of '%s': %s",
			     ip_format(&dns->servers[i], text), l->name, problem);
	}
}

/* resolved.conf(5), DNSOverTLS= and DNSSEC=: both are systemd-resolved's doing, not the server's.
 */
static void check_protection(const struct fact_link *l, const struct fact_dns *dns,
			     struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf servers = { 0 };
	char text[IP_TEXT_MAX];
	struct finding *f;

	for (size_t i = 0; i < dns->n; i++)
		strbuf_add(&servers, "%s%s", i ? ", " : "", ip_format(&dns->servers[i], text));
	if (dns->tls) {
		bool strict = dns->tls == DNS_MODE_YES;

		f = findings_add(ret, "dns-over-tls", strict ? SEVERITY_WARNING : SEVERITY_INFO,
				 l->name);
		finding_text(f,
			     "systemd-resolved asks %s by TLS on '%s'%s (DNSOverTLS=%s); a session "
			     "asks in clear text, which the network can read and change",
			     strbuf_text(&servers), l->name, strict ? "" : " where that works",
			     strict ? "yes" : "opportunistic");
	}
	if (dns->dnssec) {
		f = findings_add(ret, "dnssec", SEVERITY_INFO, l->name);
		finding_text(f,
			     "systemd-resolved validates answers on '%s' (DNSSEC=%s); a session's "
			     "answers are as the server gives them",
			     l->name, dns->dnssec == DNS_MODE_YES ? "yes" : "allow-downgrade");
	}
}

void findings_of_names(const struct facts *f, const struct fact_link *l, struct findings *ret)
{
	const struct fact_dns *dns = facts_dns(f, l->index);

	if (!dns || !dns->n)
		return;
	check_servers(f, l, dns, ret);
	check_protection(l, dns, ret);
}
