/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/util.h"
#include "base/vec.h"
#include "dns/internal.h"

static int add(struct facts *f, const struct fact_dns *dns, struct err *err)
{
	struct fact_dns *added = VEC_PUSH(&f->dns);

	if (!added)
		return err_errno(err, ENOMEM, "note the name servers");
	*added = *dns;
	return 0;
}

static int observe_link(struct dns *n, struct facts *f, const char *name, struct err *err)
{
	const struct fact_link *l = facts_link(f, name);
	struct fact_dns dns;
	struct err why_not = { 0 };

	if (!l || facts_dns(f, l->index))
		return 0;
	if (dns_of_link(n, f, l, &dns, &why_not) < 0) {
		f->leases_denied = files_unreadable(n);
		return 0;
	}
	return add(f, &dns, err);
}

void dns_protection(struct dns *n, struct facts *f, size_t first)
{
	for (size_t i = first; i < f->dns.n; i++) {
		struct fact_dns *dns = &f->dns.v[i];

		if (dns->index)
			bus_resolved_protection(n, dns->index, clock_ms() + n->wait_ms, dns);
	}
}

int dns_observe(struct dns *n, const char *uplink, struct facts *f, struct err *err)
{
	struct fact_dns dns;
	int r = 0;

	if (uplink)
		return observe_link(n, f, uplink, err);
	if (!facts_dns(f, 0)) {
		r = dns_of_host(n, &dns, err);
		if (r == 0)
			r = add(f, &dns, err);
	}
	for (size_t i = 0; i < f->slots.n && r == 0; i++)
		r = observe_link(n, f, f->slots.v[i].uplink, err);
	return r;
}
