/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers of services on the system bus. sd-bus checks that a message is well-formed before anybody
 * sees it, so the bytes here do not make up the message but choose what is in it: the type of each
 * value, with the keys that the readers know, and texts from the input.
 */
#include <sys/socket.h>

#include "dns/bus.h"
#include "fuzz.h"

#define DEPTH_MAX 3
#define MANY_MAX  6
#define TEXT_MAX  40

static const char *const keys[] = {
	"State",
	"Ethernet",
	"Interface",
	"IPv4",
	"IPv6",
	"Gateway",
	"Nameservers",
	"Domains",
	"Searches",
	"address",
	"AddressData",
	"NameserverData",
	"Bearers",
	"Connected",
	"Ip4Config",
	"Ip6Config",
	"dns1",
	"dns2",
	"dns3",
	"gateway",
	"Options",
	"routers",
	"Configuration",
	"nameservers",
	"domains",
	"interface",
	"DNS",
	"DNSEx",
	"Dhcp4Config",
	"Vpn",
	"ActiveConnections",
	"rfc3442_classless_static_routes",
	"ms_classless_static_routes",
	"Index",
	"other",
};

struct input {
	const uint8_t *at;
	size_t left;
	sd_bus_message *m;
};

static uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static size_t many(struct input *in)
{
	return in->left ? byte(in) % MANY_MAX : 0;
}

/* Printable, since sd-bus refuses to send other than UTF-8. */
static void text(struct input *in)
{
	char buf[TEXT_MAX + 1];
	size_t n = byte(in) % TEXT_MAX;

	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(' ' + byte(in) % 95);
	buf[n] = 0;
	if (!n)
		strcpy(buf, "wlp6s0");
	must(sd_bus_message_append(in->m, "s", buf) >= 0);
}

static void bytes(struct input *in)
{
	uint8_t buf[16];
	size_t n = byte(in) % 4;

	n = n == 0 ? 4 : n == 1 ? 16 : byte(in) % 17;
	for (size_t i = 0; i < n; i++)
		buf[i] = byte(in);
	must(sd_bus_message_append_array(in->m, 'y', buf, n) >= 0);
}

static void path(struct input *in)
{
	must(sd_bus_message_append(in->m, "o", byte(in) % 2 ? "/" : "/bearer/0") >= 0);
}

static void number(struct input *in, char type)
{
	uint32_t four = (uint32_t)byte(in) << 24 | byte(in);
	uint16_t two = byte(in) % 3 ? 53 : (uint16_t)four;
	int yes = byte(in) & 1;
	const void *value = type == 'q'   ? (const void *)&two
			    : type == 'b' ? (const void *)&yes
					  : (const void *)&four;

	must(sd_bus_message_append_basic(in->m, type, value) >= 0);
}

static void dictionary(struct input *in, int depth);

/* One complete type of those that are in the list below, "a…" but for an array of dictionaries. */
static void simple(struct input *in, const char *type)
{
	switch (*type) {
	case 's':
		text(in);
		break;
	case 'o':
		path(in);
		break;
	default:
		number(in, *type);
	}
}

static void structure(struct input *in, const char *contents)
{
	must(sd_bus_message_open_container(in->m, 'r', contents) >= 0);
	for (const char *c = contents; *c; c++)
		if (*c == 'a') {
			bytes(in);
			c++;
		} else {
			simple(in, c);
		}
	must(sd_bus_message_close_container(in->m) >= 0);
}

static void value(struct input *in, int depth)
{
	static const char *const types[] = { "s",      "u",        "b",     "o",     "as",
					     "ao",     "au",       "aay",   "ay",    "a(sb)",
					     "a(iay)", "a(iayqs)", "a{sv}", "aa{sv}" };
	const char *type = types[byte(in) % (depth ? sizeof(types) / sizeof(types[0]) : 4)];
	char contents[16];

	must(sd_bus_message_open_container(in->m, 'v', type) >= 0);
	if (*type != 'a') {
		simple(in, type);
	} else if (!strcmp(type, "ay")) {
		bytes(in);
	} else if (!strcmp(type, "a{sv}")) {
		dictionary(in, depth - 1);
	} else {
		must(sd_bus_message_open_container(in->m, 'a', type + 1) >= 0);
		for (size_t n = many(in); n; n--)
			if (type[1] == '(') {
				strcpy(contents, type + 2);
				contents[strlen(contents) - 1] = 0;
				structure(in, contents);
			} else if (!strcmp(type, "aay")) {
				bytes(in);
			} else if (type[1] == 'a') {
				dictionary(in, depth - 1);
			} else {
				simple(in, type + 1);
			}
		must(sd_bus_message_close_container(in->m) >= 0);
	}
	must(sd_bus_message_close_container(in->m) >= 0);
}

static void dictionary(struct input *in, int depth)
{
	must(sd_bus_message_open_container(in->m, 'a', "{sv}") >= 0);
	for (size_t n = many(in); n; n--) {
		const char *key = keys[byte(in) % (sizeof(keys) / sizeof(keys[0]))];

		must(sd_bus_message_open_container(in->m, 'e', "sv") >= 0);
		must(sd_bus_message_append(in->m, "s", key) >= 0);
		value(in, depth);
		must(sd_bus_message_close_container(in->m) >= 0);
	}
	must(sd_bus_message_close_container(in->m) >= 0);
}

static void services(struct input *in)
{
	must(sd_bus_message_open_container(in->m, 'a', "(oa{sv})") >= 0);
	for (size_t n = many(in); n; n--) {
		must(sd_bus_message_open_container(in->m, 'r', "oa{sv}") >= 0);
		path(in);
		dictionary(in, DEPTH_MAX);
		must(sd_bus_message_close_container(in->m) >= 0);
	}
	must(sd_bus_message_close_container(in->m) >= 0);
}

static void objects(struct input *in)
{
	must(sd_bus_message_open_container(in->m, 'a', "{oa{sa{sv}}}") >= 0);
	for (size_t n = many(in); n; n--) {
		must(sd_bus_message_open_container(in->m, 'e', "oa{sa{sv}}") >= 0);
		path(in);
		must(sd_bus_message_open_container(in->m, 'a', "{sa{sv}}") >= 0);
		for (size_t k = many(in); k; k--) {
			must(sd_bus_message_open_container(in->m, 'e', "sa{sv}") >= 0);
			must(sd_bus_message_append(in->m, "s",
						   byte(in) % 2 ? BUS_NAME_MODEM ".Modem"
								: "x.y") >= 0);
			dictionary(in, DEPTH_MAX);
			must(sd_bus_message_close_container(in->m) >= 0);
		}
		must(sd_bus_message_close_container(in->m) >= 0);
		must(sd_bus_message_close_container(in->m) >= 0);
	}
	must(sd_bus_message_close_container(in->m) >= 0);
}

static void good(const struct fact_dns *dns)
{
	must(dns->n <= sizeof(dns->servers) / sizeof(dns->servers[0]));
	must(strnlen(dns->domains, sizeof(dns->domains)) < sizeof(dns->domains));
	for (size_t i = 0; i < dns->n; i++)
		must(ip_can_serve_link(&dns->servers[i]));
}

static int from_start(sd_bus_message *m, int r)
{
	must(r <= 0);
	must(sd_bus_message_rewind(m, true) >= 0);
	return r;
}

/* All readers see all three shapes: a service may answer with any. */
static void read_all(sd_bus_message *m)
{
	struct bus_nm_config config = { .f = &(struct facts){ 0 }, .index = 2 };
	const struct fact_link link = { .index = 2, .name = "wlp6s0" };
	struct bus_nm_dns search = { .ifname = "wlp6s0" };
	struct bus_bearers bearers;
	struct dns_lease lease;
	struct fact_dns dns = { 0 };

	from_start(m, bus_read_nm_config(m, &config));
	good(&config.dns);
	good(&config.domains);
	from_start(m, bus_read_nm_lease(m, &lease));
	good(&lease.dns);
	from_start(m, bus_read_nm_dns(m, &search));
	good(&search.dns);
	from_start(m, bus_read_connman(m, &link, &dns));
	good(&dns);
	from_start(m, bus_read_resolved(m, &dns));
	good(&dns);
	if (from_start(m, bus_read_bearer(m, "wlp6s0", &dns)) == 0)
		good(&dns);
	from_start(m, bus_read_modems(m, &bearers));
	must(bearers.n <= BUS_BEARERS_MAX);
	for (size_t i = 0; i < bearers.n; i++)
		must(bearers.paths[i][0] == '/');
}

/* A bus that never gets anywhere: messages can be made for it. */
static sd_bus *idle_bus(void)
{
	sd_bus *bus = NULL;
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	must(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
	must(sd_bus_start(bus) >= 0);
	return bus;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static sd_bus *bus;
	struct input in = { .at = data, .left = size };

	if (!bus)
		bus = idle_bus();
	must(sd_bus_message_new_method_call(bus, &in.m, NULL, "/", "x.y", "Z") >= 0);
	switch (byte(&in) % 3) {
	case 0:
		dictionary(&in, DEPTH_MAX);
		break;
	case 1:
		services(&in);
		break;
	default:
		objects(&in);
	}
	must(sd_bus_message_seal(in.m, 1, 0) >= 0 && sd_bus_message_rewind(in.m, true) >= 0);
	read_all(in.m);
	sd_bus_message_unref(in.m);
	return 0;
}
