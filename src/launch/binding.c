/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/binding.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "launch/wrappers.h"

struct option {
	const char *program, *option;
};

/* Programs that find a device by its name in a list of all. */
static const struct option lists_devices[] = {
	{ "ssh", "-B" },
	{ "nmap", "-e" },
	{ "mtr", "-I" },
	{ "mtr", "--interface" },
	{ "aria2c", "--interface" },
};

/* Options of one letter that bind to an address; others mean something else by theirs. */
static const struct option binds_to[] = {
	{ "ssh", "-b" },        { "ping", "-I" },  { "ping4", "-I" },    { "ping6", "-I" },
	{ "traceroute", "-s" }, { "mtr", "-a" },   { "nc", "-s" },       { "ncat", "-s" },
	{ "netcat", "-s" },     { "iperf", "-B" }, { "iperf3", "-B" },   { "dig", "-b" },
	{ "nmap", "-S" },       { "fping", "-S" }, { "rtorrent", "-b" },
};

static bool is_address(const char *text)
{
	struct in6_addr any;

	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

static bool holds(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

static bool listed(const struct option *all, size_t n, const char *program, const char *option,
		   size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].program, program) && strlen(all[i].option) == len &&
		    !memcmp(all[i].option, option, len))
			return true;
	return false;
}

/* curl --interface, wget --bind-address, yt-dlp --source-address */
static bool binds(const char *program, const char *option, size_t len)
{
	static const char *const words[] = { "bind", "source", "interface", "listen", "address" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(option, "--", 2) && holds(option, len, words[i]))
			return true;
	return listed(binds_to, ARRAY_SIZE(binds_to), program, option, len);
}

bool binding_next(char *const argv[], size_t *at, struct binding *ret)
{
	const char *program = program_base_name(argv[0]);

	for (size_t i = *at ? *at : 1; argv[i] && strcmp(argv[i], "--") != 0; i++) {
		struct binding b = { .option = argv[i], .option_len = strcspn(argv[i], "=") };

		if (argv[i][0] != '-' || b.option_len < 2)
			continue;
		b.value = argv[i][b.option_len] ? argv[i] + b.option_len + 1 : argv[i + 1];
		if (!b.value)
			continue;
		b.address = is_address(b.value);
		if (b.address ? !binds(program, b.option, b.option_len)
			      : !listed(lists_devices, ARRAY_SIZE(lists_devices), program, b.option,
					b.option_len))
			continue;
		*ret = b;
		*at = i + 1;
		return true;
	}
	return false;
}

bool binding_is_of_host(const char *address)
{
	struct ifaddrs *all, *a;
	struct in6_addr six;
	struct in_addr four;
	bool is4 = inet_pton(AF_INET, address, &four) == 1;
	bool is6 = inet_pton(AF_INET6, address, &six) == 1, found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (a = all; a && !found; a = a->ifa_next) {
		const void *sa = a->ifa_addr;

		if (!sa || a->ifa_flags & IFF_LOOPBACK)
			continue;
		if (is4 && a->ifa_addr->sa_family == AF_INET)
			found = ((const struct sockaddr_in *)sa)->sin_addr.s_addr == four.s_addr;
		else if (is6 && a->ifa_addr->sa_family == AF_INET6)
			found = IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)sa)->sin6_addr,
						   &six);
	}
	freeifaddrs(all);
	return found;
}
