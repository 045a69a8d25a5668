/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What answers over D-Bus hold. A value of another type than the one that is documented is passed
 * over; sd-bus has checked the message itself.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "dns/bus.h"

int bus_each(sd_bus_message *m, bus_take_fn take, void *arg)
{
	const char *key, *type;
	int r;

	if (sd_bus_message_enter_container(m, 'a', "{sv}") <= 0)
		return -EBADMSG;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		if (sd_bus_message_read(m, "s", &key) < 0 ||
		    sd_bus_message_peek_type(m, NULL, &type) <= 0 ||
		    sd_bus_message_enter_container(m, 'v', type) <= 0)
			return -EBADMSG;
		r = take(m, key, type, arg);
		if (r < 0 || (r == 0 && sd_bus_message_skip(m, type) < 0))
			return -EBADMSG;
		r = sd_bus_message_exit_container(m); /* the variant, and the entry */
		if (r < 0 || sd_bus_message_exit_container(m) < 0)
			return -EBADMSG;
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 0;
}

int bus_take_strings(sd_bus_message *m, struct fact_dns *dns,
		     void (*add)(struct fact_dns *, const char *, size_t))
{
	const char *text;
	int r = sd_bus_message_enter_container(m, 'a', "s");

	while (r >= 0 && (r = sd_bus_message_read(m, "s", &text)) > 0)
		add(dns, text, strlen(text));
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

int bus_take_bytes(sd_bus_message *m, struct fact_dns *dns)
{
	const void *bytes;
	size_t size;
	struct ip ip;

	if (sd_bus_message_read_array(m, 'y', &bytes, &size) < 0)
		return -EBADMSG;
	if (size == 4 || size == 16) {
		ip = ip_from_bytes(size == 4 ? AF_INET : AF_INET6, bytes);
		dns_add_server(dns, &ip);
	}
	return 1;
}

int bus_take_string(sd_bus_message *m, const char *type, const char **ret)
{
	if (strcmp(type, "s") != 0 && strcmp(type, "o") != 0)
		return 0;
	return sd_bus_message_read(m, type, ret) < 0 ? -EBADMSG : 1;
}

int bus_take_bool(sd_bus_message *m, const char *type, bool *ret)
{
	int value;

	if (strcmp(type, "b") != 0)
		return 0;
	if (sd_bus_message_read(m, "b", &value) < 0)
		return -EBADMSG;
	*ret = value;
	return 1;
}

int bus_take_gateway(sd_bus_message *m, const char *type, struct fact_dns *dns)
{
	const char *text;

	if (strcmp(type, "s") != 0)
		return 0;
	if (sd_bus_message_read(m, "s", &text) < 0)
		return -EBADMSG;
	dns_add_gateways(dns, (struct span){ text, strlen(text) });
	return 1;
}
