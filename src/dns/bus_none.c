/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for bus.c and the readers of services where there is no libsystemd. */
#include <errno.h>

#include "dns/internal.h"

int bus_nm(struct dns *n, const struct facts *f, const struct fact_link *link, int64_t deadline,
	   struct fact_dns *ret)
{
	(void)n;
	(void)f;
	(void)link;
	(void)deadline;
	(void)ret;
	return -ENOSYS;
}

int bus_nm_check_url(struct dns *n, int64_t deadline, char ret[DNS_URL_MAX])
{
	(void)n;
	(void)deadline;
	(void)ret;
	return -ENOSYS;
}

int bus_connman(struct dns *n, const struct facts *f, const struct fact_link *link,
		int64_t deadline, struct fact_dns *ret)
{
	(void)n;
	(void)f;
	(void)link;
	(void)deadline;
	(void)ret;
	return -ENOSYS;
}

int bus_resolved(struct dns *n, const struct facts *f, const struct fact_link *link,
		 int64_t deadline, struct fact_dns *ret)
{
	(void)n;
	(void)f;
	(void)link;
	(void)deadline;
	(void)ret;
	return -ENOSYS;
}

int bus_modem(struct dns *n, const struct facts *f, const struct fact_link *link, int64_t deadline,
	      struct fact_dns *ret)
{
	(void)n;
	(void)f;
	(void)link;
	(void)deadline;
	(void)ret;
	return -ENOSYS;
}

void bus_resolved_protection(struct dns *n, int ifindex, int64_t deadline, struct fact_dns *ret)
{
	(void)n;
	(void)ifindex;
	(void)deadline;
	(void)ret;
}

int bus_open(struct dns *n, int64_t deadline)
{
	(void)n;
	(void)deadline;
	return -ENOSYS;
}

void bus_close(struct dns *n)
{
	(void)n;
}

int bus_poll(const struct dns *n, short *ret_events)
{
	(void)n;
	*ret_events = 0;
	return -1;
}

bool bus_take_events(struct dns *n)
{
	(void)n;
	return false;
}
