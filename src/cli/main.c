/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "cli/cli.h"
#include "config.h"

static int run(int argc, char *argv[]);
static int cli_help(int argc, char *argv[]);
static int cli_version(int argc, char *argv[]);

/* A verb beats an interface of that name: `run list -- x` is the way out. */
static const struct verb {
	const char *name;
	int (*run)(int argc, char *argv[]);
	const char *help;
} verbs[] = {
	{ "run", run, "[OPTIONS] [UPLINK[,UPLINK…]] -- PROGRAM [ARG…]" },
	{ "plan", cli_verb, "[OPTIONS] UPLINK[,UPLINK…]" },
	{ "list", cli_verb, "[--json] [--all]" },
	{ "status", cli_verb, "[SESSION] [--json] [--follow]" },
	{ "uplinks", cli_verb, "[--json]" },
	{ "move", cli_verb, "SESSION UPLINK[,UPLINK…]" },
	{ "pause", cli_verb, "SESSION|--all" },
	{ "resume", cli_verb, "SESSION|--all" },
	{ "exec", cli_verb, "[OPTIONS] SESSION [--] PROGRAM [ARG…]" },
	{ "stop", cli_verb, "SESSION" },
	{ "doctor", cli_verb, "[UPLINK[,UPLINK…]] [--json]" },
	{ "attach", cli_verb, "[OPTIONS] UPLINK[,UPLINK…] --pid PID|--netns NAME" },
	{ "detach", cli_verb, "SESSION|--pid PID|--netns NAME" },
	{ "desktop", cli_desktop, "add APP [UPLINK[,UPLINK…]] | remove ENTRY [UPLINK…] | list" },
	{ "help", cli_help, NULL },
	{ "--help", cli_help, NULL },
	{ "-h", cli_help, NULL },
	{ "--version", cli_version, NULL },
};

static int run(int argc, char *argv[])
{
	return cli_run(argc, argv, NULL);
}

static int cli_version(int argc, char *argv[])
{
	(void)argc, (void)argv;
	printf("via-iface %s\n", VIA_VERSION);
	return 0;
}

static void print_help(FILE *out)
{
	fprintf(out, "via-iface runs a program so that all its traffic, and only its, leaves by "
		     "one uplink.\n\n"
		     "  via-iface [OPTIONS] UPLINK[,UPLINK…] [--] PROGRAM [ARG…]\n");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].help)
			fprintf(out, "  via-iface %s %s\n", verbs[i].name, verbs[i].help);
	fprintf(out,
		"\nOptions of a run and a plan:\n"
		"  --name NAME      of the session; default: the program's name\n"
		"  --dns ADDR[,…]   name servers of its own; default: the uplink's\n"
		"  --ipv6=auto|off  off: the session has no IPv6\n"
		"  --no-lan         the internet alone: no private or local destinations\n"
		"  --host-access    the session may reach services of this host\n"
		"  --mtu N          bytes; default: the uplink's\n"
		"  --user NAME      run the program as this user (root only)\n"
		"  --keep           keep the netns, by name, when its programs end (root only)\n"
		"  --probe ADDR[:PORT]\n"
		"                   of a list, take an uplink only while this address answers: an\n"
		"                   echo, with a port a connection; [ADDR]:PORT for IPv6\n"
		"  --no-proxy-env   drop http_proxy and its kin from the environment\n"
		"  --allow-inherited-sockets\n"
		"                   let it keep sockets that were opened outside\n"
		"  --strict         refuse a program whose work another process outside would do\n"
		"  --no-app-policy  leave out what files of the app policy say of the program\n"
		"  --dry-run        print the plan, change nothing\n"
		"  -q, --quiet      no warnings\n"
		"  -v, --verbose    say which session it is\n\n"
		"Options of other verbs:\n"
		"  --json           JSON instead of text, for whatever prints\n"
		"  --follow         print each change as it happens\n"
		"  --all            every session of yours; list: probe sessions too\n"
		"  --replace        desktop add: the entry takes the place of the original\n"
		"  --action         desktop add: the original gets one more action\n"
		"  --name TEXT      desktop add: what is shown in the menu\n"
		"  exec takes -q, -v, --no-proxy-env and --allow-inherited-sockets.\n\n"
		"Options of attach: --name, --dns, --ipv6, --no-lan, --host-access, --mtu, -q, "
		"and\n"
		"  --pid PID        the netns of this process\n"
		"  --netns NAME     the one that `ip netns` calls so\n"
		"  --ifname NAME    of the device that it gets; default: eth0\n"
		"  --replace-route  where it has a default route, put ours before it\n"
		"  --fallback       its own routes serve whenever ours does not\n"
		"  --allow-foreign-resolver\n"
		"                   name servers on its own links are asked as before\n\n"
		"Exit status: the program's own; 125 via-iface failed before it ran, 126 it "
		"could not be\nexecuted, 127 it was not found; of doctor: 1 when anything is in "
		"the "
		"way.\n");
}

static int cli_help(int argc, char *argv[])
{
	(void)argc, (void)argv;
	print_help(stdout);
	return 0;
}

int main(int argc, char *argv[])
{
	struct err err = { 0 };

	if (standard_files(&err) < 0)
		return program_fail(&err);
	if (argc < 2) {
		print_help(stderr);
		return EXIT_VIA_FAILED;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	return run(argc, argv);
}
