/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/loopback.h"

#include <netinet/in.h>
#include <string.h>

socklen_t loopback_address(int family, uint16_t port, struct sockaddr_storage *ret)
{
	const struct sockaddr_in four = { .sin_family = AF_INET,
					  .sin_port = htons(port),
					  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct sockaddr_in6 six = { .sin6_family = AF_INET6,
					  .sin6_port = htons(port),
					  .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	memset(ret, 0, sizeof(*ret));
	if (family == AF_INET)
		memcpy(ret, &four, sizeof(four));
	else
		memcpy(ret, &six, sizeof(six));
	return family == AF_INET ? sizeof(four) : sizeof(six);
}
