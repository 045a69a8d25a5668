/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/verb.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/nearest.h"

#define V(id) (1u << VERB_##id)

#define RUNS    (V(RUN) | V(PLAN))
#define CHANGES (V(MOVE) | V(PAUSE) | V(RESUME) | V(STOP) | V(DETACH))

/* A verb beats an interface of that name: `run list -- x` uses an interface called "list". */
static const struct verb verbs[] = {
	[VERB_RUN] = {
		.name = "run",
		.program = VERB_BY_LAUNCHER,
		.usage = "[OPTIONS] UPLINK[,UPLINK…] [--] PROGRAM [ARG…]\n"
			 "[OPTIONS] -- PROGRAM [ARG…]",
		.summary = "run a program through an uplink; the word 'run' may be left out",
		.text = "Runs PROGRAM so that all its traffic, and only its, leaves by UPLINK: an\n"
			"interface (`via-iface uplinks` lists them), wifi, ethernet, wwan, vpn, ssid:NAME\n"
			"or mac:ADDRESS. Of a list the first that can serve is used, and another one when\n"
			"that cannot any more. Without UPLINK the app policy says which one it is.",
		.words = { WORD_UPLINKS, WORD_COMMAND },
		.examples = { { "via-iface wlp6s0 -- curl https://example.org",
				"one command by that card" },
			      { "via-iface --no-lan wifi,ethernet -- curl https://example.org",
				"by Wi-Fi, by cable while there is none, and never to the LAN" } },
	},
	[VERB_PLAN] = {
		.name = "plan",
		.program = VERB_BY_VERBS,
		.usage = "[OPTIONS] UPLINK[,UPLINK…]",
		.summary = "print what a run would change on this host, and change nothing",
		.text = "Prints the commands of ip, bridge, tc, nft and sysctl that do what a run does,\n"
			"and after \"# to undo\" those that take it back.",
		.words = { WORD_UPLINKS, WORD_COMMAND },
		.examples = { { "via-iface plan wlp6s0", "as text" },
			      { "via-iface plan --json enp7s0,wlp6s0", "for a program" } },
	},
	[VERB_LIST] = {
		.name = "list",
		.program = VERB_BY_VERBS,
		.usage = "[--watch[=SECONDS]] [--json] [--all]",
		.summary = "list the sessions: uplink, state, traffic, processes",
		.text = "Prints one line for each session. Inside a session it says which one that is.\n"
			"It needs no daemon and no rights.",
		.examples = { { "via-iface list", "who uses which uplink" },
			      { "via-iface list --watch", "and how fast, until Ctrl-C" },
			      { "via-iface list --json", "the same for a program" } },
	},
	[VERB_STATUS] = {
		.name = "status",
		.program = VERB_BY_VERBS,
		.usage = "[SESSION] [--json] [--follow]",
		.summary = "show all about one session, or each change as it happens",
		.text = "Prints the interfaces that the session's list means and why one is not used, name\n"
			"servers, options, addresses, traffic and processes. Without SESSION: of each.",
		.words = { WORD_SESSION },
		.examples = { { "via-iface status curl", "the session 'curl'" },
			      { "via-iface status --follow", "what changes, until Ctrl-C" } },
	},
	[VERB_LOG] = {
		.name = "log",
		.program = VERB_BY_VERBS,
		.usage = "[SESSION] [--since TIME] [--follow] [--json]",
		.summary = "show when and why traffic changed card",
		.text = "Prints what happened to your sessions, also to those that have ended: start and\n"
			"end, block, failover and return, move, pause, refusal, each with its reason.",
		.words = { WORD_SESSION },
		.examples = { { "via-iface log", "all that is kept" },
			      { "via-iface log curl --since 10m", "of one session, lately" } },
	},
	[VERB_UPLINKS] = {
		.name = "uplinks",
		.program = VERB_BY_VERBS,
		.usage = "[--json]",
		.summary = "list the interfaces that can serve, and why one cannot",
		.text = "Prints kind, state, addresses, gateways, name servers and sessions of each\n"
			"interface, and what else it may be called: an altname, ssid:NAME.",
		.examples = { { "via-iface uplinks", "what there is" },
			      { "via-iface uplinks --json", "the same for a program" } },
	},
	[VERB_MOVE] = {
		.name = "move",
		.program = VERB_BY_VERBS,
		.usage = "SESSION UPLINK[,UPLINK…] [--only]",
		.summary = "give a running session another uplink",
		.text = "Moves the session to UPLINK. Where it has a list of uplinks, UPLINK is put before\n"
			"the others, which stay for the case that it fails; with --only, or with a list on\n"
			"the command line, they are dropped. Connections of TCP are reset.",
		.words = { WORD_SESSION, WORD_UPLINKS },
		.examples = { { "via-iface move curl enp7s0", "prefer that card; keep the others" },
			      { "via-iface move curl wlp6s0 --only", "that card, and no other" } },
	},
	[VERB_PAUSE] = {
		.name = "pause",
		.program = VERB_BY_VERBS,
		.usage = "SESSION…\n--all",
		.summary = "block sessions until they are resumed",
		.text = "Nothing of a paused session leaves. Its programs go on and wait.",
		.words = { WORD_SESSIONS },
		.examples = { { "via-iface pause curl", "block one session" },
			      { "via-iface pause --all", "block all of yours" } },
	},
	[VERB_RESUME] = {
		.name = "resume",
		.program = VERB_BY_VERBS,
		.usage = "SESSION…\n--all",
		.summary = "release sessions that were paused",
		.text = "Lets the sessions use their uplinks again.",
		.words = { WORD_SESSIONS },
		.examples = { { "via-iface resume curl", "release one session" },
			      { "via-iface resume --all", "release all of yours" } },
	},
	[VERB_EXEC] = {
		.name = "exec",
		.program = VERB_BY_VERBS,
		.usage = "[OPTIONS] SESSION [[--] PROGRAM [ARG…]]",
		.summary = "run one more program, or a shell, in a session",
		.text = "Runs PROGRAM in a session that is there already. Without PROGRAM it is your shell.",
		.words = { WORD_SESSION, WORD_COMMAND },
		.examples = { { "via-iface exec curl -- ip route", "what that session sees" },
			      { "via-iface exec curl", "a shell in it" } },
	},
	[VERB_CAPTURE] = {
		.name = "capture",
		.program = VERB_BY_CAPTURE,
		.usage = "[-w FILE|-] [-c N] SESSION [FILTER…]",
		.summary = "record the packets of one of your sessions, without root",
		.text = "Each packet that its programs send and receive, as they see it, until Ctrl-C or the\n"
			"session's end: into a file for Wireshark, or without -w as text, by tcpdump. FILTER is\n"
			"that of pcap-filter(7).",
		.words = { WORD_SESSION, WORD_FREE },
		.examples = { { "via-iface capture curl -w curl.pcapng", "into a file" },
			      { "via-iface capture curl udp port 53", "its questions for names" } },
	},
	[VERB_TOP] = {
		.name = "top",
		.program = VERB_BY_VERBS,
		.usage = "[-n N|--once] [--json]",
		.summary = "show how fast your sessions are, and with whom they speak",
		.text = "Once a second, the busiest first; for root of all users. On a terminal in place, until\n"
			"q or Ctrl-C. Of the kernel's table of connections only those of the session's own\n"
			"network namespace are read.",
		.examples = { { "via-iface top", "on a terminal" },
			      { "via-iface top --once --json", "one sample, for a program" } },
	},
	[VERB_PORTAL] = {
		.name = "portal",
		.program = VERB_BY_VERBS,
		.usage = "[--browser PROGRAM] [--lan] UPLINK",
		.summary = "open the login page of a network, in a browser of its own",
		.text = "Starts a browser with a profile that is removed when it ends, in a session of that\n"
			"uplink with its name servers. Of the LAN that session reaches the gateway alone, with\n"
			"--lan all of it. Other sessions use the uplink once NetworkManager finds that the page is passed.",
		.words = { WORD_UPLINKS },
		.examples = { { "via-iface portal wlp6s0", "by the desktop's browser" },
			      { "via-iface portal --browser chromium wlp6s0", "by that one" } },
	},
	[VERB_STOP] = {
		.name = "stop",
		.program = VERB_BY_VERBS,
		.usage = "SESSION…\n--all",
		.summary = "end the programs of sessions, and the sessions",
		.text = "Sends SIGTERM to each process of the session, after 5 seconds SIGKILL, and removes\n"
			"the session. A session that was attached is detached; its programs stay.",
		.words = { WORD_SESSIONS },
		.examples = { { "via-iface stop curl", "end one session" },
			      { "via-iface stop --all", "end all of yours" } },
	},
	[VERB_DOCTOR] = {
		.name = "doctor",
		.program = VERB_BY_VERBS,
		.usage = "[UPLINK[,UPLINK…]] [--json]\n"
			 "--live [--to ADDR] UPLINK [--json]",
		.summary = "find what is in the way, and say what to do about it",
		.text = "Checks the host, and with UPLINK that one. Run by root it sees more. Exit status 1:\n"
			"something is in the way.",
		.words = { WORD_UPLINKS },
		.examples = { { "via-iface doctor", "the host and all uplinks" },
			      { "via-iface doctor wlp6s0", "that one" },
			      { "via-iface doctor --live wlp6s0", "how far packets get by it" } },
	},
	[VERB_ATTACH] = {
		.name = "attach",
		.program = VERB_BY_VERBS,
		.usage = "[OPTIONS] UPLINK[,UPLINK…] --container NAME [--follow]\n"
			 "[OPTIONS] UPLINK[,UPLINK…] --pid PID\n"
			 "[OPTIONS] UPLINK[,UPLINK…] --netns NAME",
		.summary = "give a container, or a network namespace that is there, an uplink",
		.text = "The namespace gets one more device and a default route, and is a session until\n"
			"`via-iface detach`. It must be yours; by --pid and --netns root may attach any but\n"
			"the host's. A container's own default route is not used while it is attached.",
		.words = { WORD_UPLINKS },
		.examples = { { "via-iface attach wlp6s0 --container box",
				"of Docker, Podman, LXC or nspawn" },
			      { "via-iface attach wlp6s0 --netns box", "one of `ip netns`" },
			      { "via-iface attach wlp6s0 --pid 1234", "that of a process" } },
	},
	[VERB_DETACH] = {
		.name = "detach",
		.program = VERB_BY_VERBS,
		.usage = "SESSION…\n--all\n--container NAME\n--pid PID\n--netns NAME",
		.summary = "take away what attach made; ends no program",
		.text = "Removes the device and what stopped other traffic in the namespace. --container,\n"
			"--pid and --netns also serve where the session has gone and the namespace is still\n"
			"closed.",
		.words = { WORD_SESSIONS },
		.examples = { { "via-iface detach box", "one session" },
			      { "via-iface detach --netns box", "the namespace of that name" } },
	},
	[VERB_NETNS] = {
		.name = "netns",
		.program = VERB_BY_VERBS,
		.usage = "add [OPTIONS] NAME [UPLINK[,UPLINK…]]\n"
			 "del NAME\n"
			 "list [--json]",
		.summary = "make lasting network namespaces by name, for services and `ip netns`",
		.text = "`add` makes /run/netns/NAME, a session whose traffic leaves by UPLINK alone: `ip netns\n"
			"exec`, nsenter and units of systemd use it. It is blocked while no uplink can serve.\n"
			"Without UPLINK /etc/via-iface/netns.d/NAME.conf has it. `add` and `del` are for root.",
		.words = { WORD_OF_NETNS },
		.examples = { { "via-iface netns add vpn wlp6s0", "make it" },
			      { "via-iface netns list", "those there are" },
			      { "via-iface netns del vpn", "remove it; its programs lose the network" } },
	},
	[VERB_DESKTOP] = {
		.name = "desktop",
		.program = VERB_BY_DESKTOP,
		.usage = "add [OPTIONS] APP [UPLINK[,UPLINK…]]\n"
			 "always APP UPLINK[,UPLINK…]\n"
			 "remove ENTRY [UPLINK[,UPLINK…]]\n"
			 "list [--json]\n"
			 "games [--json]\n"
			 "launch [--check|--separate|--allow-handover] APP [UPLINK[,UPLINK…]]\n"
			 "start [OPTIONS] [UPLINK[,UPLINK…]] -- PROGRAM [ARG…]",
		.summary = "make entries for the menu that start an app through an uplink",
		.text = "APP is the id or the name of an entry of the menu, a path, or steam:NUMBER. The new\n"
			"entry is a file of yours in ~/.local/share/applications. `desktop start` is its command\n"
			"line: a run that shows why it failed, and asks before it would be handed to an instance\n"
			"outside. `desktop always` writes the uplink into your app policy, and an entry in the\n"
			"place of the original; `desktop remove` takes both away. `desktop launch` runs what an\n"
			"entry of the menu starts; with --check it prints whether that would be handed over.\n"
			"`desktop games` lists the games of Steam.",
		.words = { WORD_DESKTOP },
		.examples = { { "via-iface desktop add firefox wlp6s0", "one more entry" },
			      { "via-iface desktop always firefox wlp6s0", "each start of it" },
			      { "via-iface desktop list", "the entries that were made" } },
	},
	[VERB_HELP] = {
		.name = "help",
		.program = VERB_BY_LAUNCHER,
		.usage = "[VERB]",
		.summary = "explain a verb, or list them",
		.text = "`via-iface VERB --help` prints the same.",
		.words = { WORD_VERB },
		.examples = { { "via-iface help move", "one verb" },
			      { "via-iface help", "all of them" } },
	},
	[VERB_VERSION] = {
		.name = "version",
		.program = VERB_BY_LAUNCHER,
		.usage = "",
		.summary = "print the version",
		.text = "`via-iface --version` prints the same.",
		.examples = { { "via-iface version", "as text" },
			      { "via-iface --version", "the same" } },
	},
};
static_assert(ARRAY_SIZE(verbs) == VERB_COUNT, "a row for each verb");
static_assert(VERB_COUNT <= 32, "verbs fit into a mask");

static const struct verb_option options[] = {
	{ "name", 0, "NAME", WORD_FREE, OPT_NAME, RUNS | V(ATTACH),
	  "of the session; default: the program's name" },
	{ "join", 0, "SESSION", WORD_SESSION, OPT_JOIN, RUNS,
	  "run it in your session of this name, which is made if need be" },
	{ "share", 0, "GROUP", WORD_SHARE, OPT_SHARE, RUNS | V(ATTACH) | V(NETNS),
	  "your sessions of one group reach each other, as NAME.via too" },
	{ "dns", 0, "ADDR[,…]", WORD_FREE, OPT_DNS, RUNS | V(ATTACH) | V(NETNS),
	  "name servers of its own; default: the uplink's" },
	{ "ipv6", 0, "auto|off", WORD_FAMILY, OPT_IPV6, RUNS | V(ATTACH) | V(NETNS),
	  "off: the session has no IPv6" },
	{ "no-lan", 0, NULL, WORD_NONE, OPT_NO_LAN, RUNS | V(ATTACH) | V(NETNS),
	  "the internet alone: no private or local destinations" },
	{ "host-access", 0, NULL, WORD_NONE, OPT_HOST_ACCESS, RUNS | V(ATTACH) | V(NETNS),
	  "the session may reach services of this host" },
	{ "host-port", 0, "PORT[,…]", WORD_FREE, OPT_HOST_PORT, RUNS,
	  "127.0.0.1:PORT and [::1]:PORT inside are the host's; PORT/udp" },
	{ "rate", 0, "DOWN[/UP]", WORD_FREE, OPT_RATE, RUNS | V(ATTACH) | V(NETNS),
	  "receive and send no faster: 10mbit/2mbit" },
	{ "publish", 0, "PORT[:PORT]", WORD_FREE, OPT_PUBLISH, RUNS | V(NETNS),
	  "connections to the uplink's PORT come in; ADDR:PORT, PORT-PORT,\n"
	  "PORT/udp, and more with commas" },
	{ "mtu", 0, "N", WORD_FREE, OPT_MTU, RUNS | V(ATTACH) | V(NETNS),
	  "bytes; default: the uplink's" },
	{ "probe", 0, "ADDR[:PORT]", WORD_FREE, OPT_PROBE, RUNS,
	  "of a list, use an uplink only while this address answers: an\n"
	  "echo, with a port a connection; [ADDR]:PORT for IPv6" },
	{ "user", 0, "NAME", WORD_USER, OPT_USER, RUNS,
	  "run the program as this user (root only)" },
	{ "keep", 0, NULL, WORD_NONE, OPT_KEEP, RUNS,
	  "keep the netns, by name, when its programs end (root only)" },
	{ "no-proxy-env", 0, NULL, WORD_NONE, OPT_NO_PROXY_ENV, RUNS | V(EXEC),
	  "drop http_proxy and its kin from the environment" },
	{ "allow-inherited-sockets", 0, NULL, WORD_NONE, OPT_ALLOW_SOCKETS, RUNS | V(EXEC),
	  "let it keep sockets that were opened outside" },
	{ "strict", 0, NULL, WORD_NONE, OPT_STRICT, RUNS,
	  "refuse a program whose work another process outside would do" },
	{ "separate", 0, NULL, WORD_NONE, OPT_SEPARATE, V(RUN) | V(EXEC) | V(DESKTOP),
	  "start a separate instance, with a profile or a bus of its own" },
	{ "allow-handover", 0, NULL, WORD_NONE, OPT_ALLOW_HANDOVER, V(RUN) | V(EXEC) | V(DESKTOP),
	  "start it even if an instance outside would take the start" },
	{ "no-app-policy", 0, NULL, WORD_NONE, OPT_NO_APP_POLICY, RUNS,
	  "leave out what files of the app policy say of the program" },
	{ "wait", 0, "[=SECONDS]", WORD_FREE, OPT_WAIT, V(RUN) | V(ATTACH) | V(MOVE),
	  "until an uplink of the list is usable" },
	{ "wait", 0, "[=SECONDS]", WORD_FREE, OPT_WAIT, V(DESKTOP),
	  "add, start: wait until an uplink of the list is usable" },
	{ "no-ask-password", 0, NULL, WORD_NONE, OPT_NO_ASK_PASSWORD, V(RUN) | V(ATTACH) | V(MOVE),
	  "do not ask on the terminal for a password that polkit wants" },
	{ "dry-run", 0, NULL, WORD_NONE, OPT_DRY_RUN, RUNS, "print the plan, change nothing" },
	{ "container", 0, "NAME", WORD_CONTAINER, OPT_CONTAINER, V(ATTACH) | V(DETACH),
	  "that of this container: [docker:|podman:|lxc:|nspawn:]NAME or ID" },
	{ "pid", 0, "PID", WORD_PID, OPT_PID, V(ATTACH) | V(DETACH), "the netns of this process" },
	{ "netns", 0, "NAME", WORD_NETNS, OPT_NETNS, V(ATTACH) | V(DETACH),
	  "the one that `ip netns` calls so" },
	{ "ifname", 0, "NAME", WORD_FREE, OPT_IFNAME, V(ATTACH),
	  "of the device that it gets; default: eth0, in a container with\n"
	  "an eth0 of its own via" },
	{ "replace-route", 0, NULL, WORD_NONE, OPT_REPLACE_ROUTE, V(ATTACH),
	  "where it has a default route, put ours before it; with\n"
	  "--container it is put there anyway" },
	{ "fallback", 0, NULL, WORD_NONE, OPT_FALLBACK, V(ATTACH),
	  "its own routes serve whenever ours does not" },
	{ "allow-foreign-resolver", 0, NULL, WORD_NONE, OPT_FOREIGN_RESOLVER, V(ATTACH),
	  "name servers on its own links are asked as before" },
	{ "name", 0, "TEXT", WORD_FREE, OPT_TITLE, V(DESKTOP), "add: what the menu shows" },
	{ "replace", 0, NULL, WORD_NONE, OPT_REPLACE, V(DESKTOP),
	  "add: the entry takes the place of the original" },
	{ "action", 0, NULL, WORD_NONE, OPT_ACTION, V(DESKTOP),
	  "add: the original gets one more action" },
	{ "app-id", 0, "ID", WORD_FREE, OPT_APP_ID, V(DESKTOP),
	  "start: the app's name on the session bus" },
	{ "check", 0, NULL, WORD_NONE, OPT_CHECK, V(DESKTOP),
	  "launch: print whether it would be handed over, and start nothing" },
	{ "only", 0, NULL, WORD_NONE, OPT_ONLY, V(MOVE),
	  "drop the other uplinks of the session's list" },
	{ "all", 0, NULL, WORD_NONE, OPT_ALL, V(PAUSE) | V(RESUME) | V(STOP),
	  "every session of yours; for root every one" },
	{ "all", 0, NULL, WORD_NONE, OPT_ALL, V(DETACH), "every session that was attached" },
	{ "all", 0, NULL, WORD_NONE, OPT_ALL, V(LIST), "sessions of probes too" },
	{ "live", 0, NULL, WORD_NONE, OPT_LIVE, V(DOCTOR),
	  "send packets in a short session, and say how far they get" },
	{ "to", 0, "ADDR", WORD_FREE, OPT_TO, V(DOCTOR),
	  "with --live: to this address (default: 192.0.2.1, 2001:db8::1)" },
	{ "follow", 0, NULL, WORD_NONE, OPT_FOLLOW, V(STATUS) | V(LOG),
	  "print each change as it happens" },
	{ "follow", 0, NULL, WORD_NONE, OPT_FOLLOW, V(ATTACH),
	  "attach the container again whenever it is restarted, until Ctrl-C" },
	{ "since", 0, "TIME", WORD_FREE, OPT_SINCE, V(LOG),
	  "10m ago (s, m, h, d), today, 14:30, \"2026-03-01 14:30\"" },
	{ "json", 0, NULL, WORD_NONE, OPT_JSON,
	  V(PLAN) | V(LIST) | V(STATUS) | V(LOG) | V(UPLINKS) | V(DOCTOR) | V(DESKTOP) | V(NETNS) |
		  V(TOP),
	  "JSON instead of text" },
	{ "json", 0, NULL, WORD_NONE, OPT_JSON, V(RUN), "with --dry-run: JSON instead of text" },
	{ "watch", 0, "[=SECONDS]", WORD_FREE, OPT_WATCH, V(LIST),
	  "how fast each receives and sends, again and again" },
	{ "write", 'w', "FILE", WORD_FILE, OPT_WRITE, V(CAPTURE),
	  "into this file, as pcapng; - is the standard output" },
	{ "count", 'c', "N", WORD_FREE, OPT_COUNT, V(CAPTURE), "end after so many packets" },
	{ "count", 'n', "N", WORD_FREE, OPT_COUNT, V(TOP), "end after so many samples" },
	{ "browser", 0, "PROGRAM", WORD_FREE, OPT_BROWSER, V(PORTAL),
	  "default: the desktop's, or one that is installed" },
	{ "lan", 0, NULL, WORD_NONE, OPT_LAN, V(PORTAL),
	  "for a page that another machine of the LAN has" },
	{ "once", 0, NULL, WORD_NONE, OPT_ONCE, V(TOP), "the same as -n 1" },
	{ "color", 0, "WHEN", WORD_COLOR, OPT_COLOR, V(LIST) | V(STATUS) | V(UPLINKS) | V(DOCTOR),
	  "auto (on a terminal), always or never" },
	{ "quiet", 'q', NULL, WORD_NONE, OPT_QUIET,
	  RUNS | CHANGES | V(EXEC) | V(CAPTURE) | V(ATTACH) | V(DESKTOP) | V(NETNS),
	  "no warnings, and no line on success" },
	{ "verbose", 'v', NULL, WORD_NONE, OPT_VERBOSE, RUNS | V(EXEC), "say which session it is" },
	{ "help", 'h', NULL, WORD_NONE, OPT_HELP, UINT32_MAX, "this text" },
};

const struct verb *verb_get(enum verb_id id)
{
	return &verbs[id];
}

enum verb_id verb_find(const char *name)
{
	enum verb_id id = 0;

	while (id < VERB_COUNT && strcmp(name, verbs[id].name) != 0)
		id++;
	return id;
}

bool verb_option_takes_word(const struct verb_option *o)
{
	return o->value && o->value[0] != '[';
}

const struct verb_option *verb_next_option(enum verb_id verb, const struct verb_option *last)
{
	const uint32_t mask = verb == VERB_COUNT ? UINT32_MAX : 1u << verb;

	for (const struct verb_option *o = last ? last + 1 : options;
	     o < options + ARRAY_SIZE(options); o++)
		if (o->verbs & mask)
			return o;
	return NULL;
}

const struct verb_option *verb_option(enum verb_id verb, const char *word, const char **ret_value)
{
	const size_t len = strcspn(word, "=");
	const struct verb_option *o = NULL;

	*ret_value = NULL;
	while ((o = verb_next_option(verb, o))) {
		if (o->letter && word[0] == '-' && word[1] == o->letter && !word[2])
			return o;
		if (strncmp(word, "--", 2) != 0 || strlen(o->name) != len - 2 ||
		    strncmp(word + 2, o->name, len - 2) != 0)
			continue;
		if (word[len])
			*ret_value = word + len + 1;
		return o;
	}
	return NULL;
}

const char *verb_nearest(const char *word)
{
	struct nearest n = { .word = word };

	for (enum verb_id id = 0; id < VERB_COUNT; id++)
		nearest_offer(&n, verbs[id].name);
	return n.best;
}

const struct verb_option *verb_nearest_option(enum verb_id verb, const char *word)
{
	const struct verb_option *o = NULL, *best = NULL;
	struct nearest n = { 0 };
	char name[NEAREST_WORD_MAX + 1] = "";
	const size_t len = strcspn(word, "=");

	if (strncmp(word, "--", 2) != 0 || len - 2 >= sizeof(name))
		return NULL;
	memcpy(name, word + 2, len - 2);
	n.word = name;
	while ((o = verb_next_option(verb, o))) {
		const char *before = n.best;

		nearest_offer(&n, o->name);
		if (n.best != before)
			best = o;
	}
	return best;
}

int verb_first_word(enum verb_id verb, int argc, char *const argv[], int at)
{
	for (; at < argc && argv[at][0] == '-' && argv[at][1] && strcmp(argv[at], "--") != 0;
	     at++) {
		const char *value;
		const struct verb_option *o = verb_option(verb, argv[at], &value);

		if (o && verb_option_takes_word(o) && !value)
			at++;
	}
	return at < argc ? at : argc;
}

bool verb_wants_help(enum verb_id verb, int argc, char *const argv[])
{
	const bool program = verb == VERB_RUN || verb == VERB_EXEC;
	const char *value;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const struct verb_option *o = verb_option(verb, argv[i], &value);

		if (o && o->id == OPT_HELP)
			return true;
		if (program && argv[i][0] != '-')
			return false;
		if (o && verb_option_takes_word(o) && !value)
			i++;
	}
	return false;
}
