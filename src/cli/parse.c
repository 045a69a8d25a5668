/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "cli/cli.h"
#include "launch/probe.h"

enum {
	OPT_NAME = 256,
	OPT_IPV6,
	OPT_HOST_ACCESS,
	OPT_MTU,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_NO_LAN,
	OPT_KEEP,
	OPT_USER,
	OPT_DNS,
	OPT_NO_PROXY_ENV,
	OPT_ALLOW_SOCKETS,
	OPT_NO_APP_POLICY,
	OPT_PROBE,
	OPT_STRICT,
	OPT_PID,
	OPT_NETNS,
	OPT_IFNAME,
	OPT_REPLACE_ROUTE,
	OPT_FALLBACK,
	OPT_FOREIGN_RESOLVER,
};

static const struct option long_options[] = {
	{ "name", required_argument, NULL, OPT_NAME },
	{ "ipv6", required_argument, NULL, OPT_IPV6 },
	{ "host-access", no_argument, NULL, OPT_HOST_ACCESS },
	{ "mtu", required_argument, NULL, OPT_MTU },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "no-lan", no_argument, NULL, OPT_NO_LAN },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "user", required_argument, NULL, OPT_USER },
	{ "dns", required_argument, NULL, OPT_DNS },
	{ "no-proxy-env", no_argument, NULL, OPT_NO_PROXY_ENV },
	{ "allow-inherited-sockets", no_argument, NULL, OPT_ALLOW_SOCKETS },
	{ "no-app-policy", no_argument, NULL, OPT_NO_APP_POLICY },
	{ "probe", required_argument, NULL, OPT_PROBE },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ 0 },
};

/* What of these a netns can have that is there already, and which one it is. */
static const struct option attach_options[] = {
	{ "name", required_argument, NULL, OPT_NAME },
	{ "ipv6", required_argument, NULL, OPT_IPV6 },
	{ "host-access", no_argument, NULL, OPT_HOST_ACCESS },
	{ "mtu", required_argument, NULL, OPT_MTU },
	{ "quiet", no_argument, NULL, 'q' },
	{ "no-lan", no_argument, NULL, OPT_NO_LAN },
	{ "dns", required_argument, NULL, OPT_DNS },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "netns", required_argument, NULL, OPT_NETNS },
	{ "ifname", required_argument, NULL, OPT_IFNAME },
	{ "replace-route", no_argument, NULL, OPT_REPLACE_ROUTE },
	{ "fallback", no_argument, NULL, OPT_FALLBACK },
	{ "allow-foreign-resolver", no_argument, NULL, OPT_FOREIGN_RESOLVER },
	{ 0 },
};

static const struct option detach_options[] = {
	{ "quiet", no_argument, NULL, 'q' },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "netns", required_argument, NULL, OPT_NETNS },
	{ 0 },
};

static const char *option_name(int c)
{
	for (const struct option *o = long_options; o->name; o++)
		if (o->val == c)
			return o->name;
	return "?";
}

static int take_probe(const char *text, struct launch_options *o, struct err *err)
{
	struct probe ignored;
	int r = probe_parse(text, &ignored, err);

	if (r == 0)
		o->probe = text;
	return r;
}

static int take_option(int c, const char *arg, struct launch_options *o, struct err *err)
{
	switch (c) {
	case OPT_NO_LAN:
		o->request.flags |= SESSION_NO_LAN;
		return 0;
	case OPT_KEEP:
		o->request.flags |= SESSION_KEEP;
		return 0;
	case OPT_USER:
		o->user = arg;
		return 0;
	case OPT_NAME:
		o->given |= GIVEN_NAME;
		if (copy_string(o->request.name, sizeof(o->request.name), arg) < 0)
			return err_set(err, EINVAL,
				       "read --name '%.60s': it is longer than 32 bytes", arg);
		return 0;
	case OPT_IPV6:
		o->given |= GIVEN_IPV6;
		if (!strcmp(arg, "off"))
			o->request.flags |= SESSION_NO_IPV6;
		else if (!strcmp(arg, "auto"))
			o->request.flags &= ~(uint32_t)SESSION_NO_IPV6;
		else
			return err_set(err, EINVAL, "read --ipv6 '%s': it is auto or off", arg);
		return 0;
	case OPT_HOST_ACCESS:
		o->request.flags |= SESSION_HOST_ACCESS;
		return 0;
	case OPT_MTU:
		if (parse_u32(arg, 1, 65535, &o->request.mtu) < 0)
			return err_set(err, EINVAL,
				       "read --mtu '%s': it is a number of bytes, 1280 "
				       "to 65535",
				       arg);
		return 0;
	case OPT_DNS:
		o->given |= GIVEN_DNS;
		return request_read_dns(arg, &o->request, err);
	case OPT_PROBE:
		return take_probe(arg, o, err);
	case OPT_STRICT:
		o->strict = true;
		return 0;
	case OPT_NO_PROXY_ENV:
		o->no_proxy_env = true;
		return 0;
	case OPT_ALLOW_SOCKETS:
		o->allow_sockets = true;
		return 0;
	case OPT_PID:
		if (parse_u32(arg, 1, INT_MAX, &o->pid) < 0)
			return err_set(err, EINVAL,
				       "read --pid '%s': it is the number of a process", arg);
		return 0;
	case OPT_NETNS:
		o->netns = arg;
		return 0;
	case OPT_IFNAME:
		if (!*arg || copy_string(o->request.device, sizeof(o->request.device), arg) < 0)
			return err_set(err, EINVAL, "read --ifname '%.40s': it is 1 to 15 bytes",
				       arg);
		return 0;
	case OPT_REPLACE_ROUTE:
		o->request.flags |= SESSION_REPLACE_ROUTE;
		return 0;
	case OPT_FALLBACK:
		o->request.flags |= SESSION_FALLBACK;
		return 0;
	case OPT_FOREIGN_RESOLVER:
		o->request.flags |= SESSION_FOREIGN_RESOLVER;
		return 0;
	case OPT_NO_APP_POLICY:
		o->no_app_policy = true;
		return 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	default:
		return err_set(err, ENOTSUP, "option --%s is not in this version", option_name(c));
	}
}

void cli_default_name(const char *program, char ret[SESSION_NAME_MAX])
{
	const char *slash = program ? strrchr(program, '/') : NULL;
	const char *base = slash ? slash + 1 : program ? program : "session";
	char one[2] = { 0 };
	size_t n = 0;

	for (; *base && n < 32; base++) {
		one[0] = *base;
		if (session_name_characters(one) || (n && strchr("._+-", *base)))
			ret[n++] = *base;
	}
	ret[n] = 0;
	if (!n)
		strcpy(ret, "session");
	else if (!session_name_valid(ret)) /* digits alone, which are a session's number */
		snprintf(ret, SESSION_NAME_MAX, "run-%.*s", 28, base - n);
}

/* getopt takes "--na" for "--name"; what a script says today must not change its meaning. */
static bool abbreviated(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, "--", 2) == 0 &&
	       (strncmp(word + 2, name, len) != 0 || (word[2 + len] && word[2 + len] != '='));
}

/*
 * Options up to the first word that is none; optind is where that stands. Returns 1 when a "--"
 * stood before it.
 */
static int take_options(int argc, char *argv[], const struct option options[], int at,
			struct launch_options *o, struct err *err)
{
	int c, r, which = -1;

	optind = at;
	for (; (c = getopt_long(argc, argv, "+:qv", options, &which)) >= 0; at = optind) {
		if (at == 0)
			at = 1;
		if (which >= 0 && abbreviated(argv[at], options[which].name))
			c = '?';
		which = -1;
		if (c == '?' || c == ':') {
			const char *word = argv[c == '?' ? at : optind - 1];

			err_set(err, EINVAL,
				c == '?' ? "read option '%s': there is no such option"
					 : "read option '%s': its value is missing",
				word);
			return err_hint(err, "see `via-iface --help`");
		}
		r = take_option(c, optarg, o, err);
		if (r < 0)
			return r;
	}
	return (at ? at : 1) < optind;
}

/* The word where the options ended. */
static int take_uplinks(int argc, char *argv[], const char *example, struct launch_options *o,
			struct err *err)
{
	if (optind >= argc) {
		err_set(err, EINVAL, "read the command line: no uplink is named");
		return err_hint(err, "say for example `via-iface %s`", example);
	}
	if (copy_string(o->request.uplinks, sizeof(o->request.uplinks), argv[optind]) < 0)
		return err_set(err, EINVAL,
			       "read uplinks '%.40s…': the list is longer than %d bytes",
			       argv[optind], SESSION_UPLINKS_MAX - 1);
	optind++;
	return 0;
}

/* Its probe sessions have the session's options. */
static int check_probe(const struct launch_options *o, struct err *err)
{
	struct probe p;

	if (!o->probe || !(o->request.flags & SESSION_NO_IPV6) ||
	    probe_parse(o->probe, &p, err) < 0 || p.ip.family != AF_INET6)
		return 0;
	err_set(err, EINVAL, "read --probe '%.80s': with --ipv6=off no IPv6 address can be asked",
		o->probe);
	return err_hint(err, "give an IPv4 address");
}

int cli_parse_run(int argc, char *argv[], bool with_program, struct launch_options *ret,
		  struct err *err)
{
	struct launch_options o = { .request.owner = REQUEST_OWNER_SELF };
	struct request checked;
	/* 0: start anew, also after an earlier call (getopt(3)) */
	int r = take_options(argc, argv, long_options, 0, &o, err);
	bool by_policy = r > 0 && optind < argc; /* no uplink, but the program */

	if (r >= 0 && !by_policy)
		r = take_uplinks(argc, argv, "wlp6s0 -- curl example.org", &o, err);
	if (r < 0)
		return r;
	if (!by_policy && optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind < argc)
		o.program = argv + optind;
	if (with_program && !o.program && !o.dry_run) {
		err_set(err, EINVAL, "read the command line: no program is named");
		return err_hint(err, "say for example `via-iface %s -- curl example.org`",
				o.request.uplinks);
	}
	if (!o.request.name[0])
		cli_default_name(o.program ? o.program[0] : NULL, o.request.name);
	checked = o.request;
	if (by_policy) /* what the policy says is checked with the rest, then */
		strcpy(checked.uplinks, "any");
	r = request_check(&checked, err);
	if (r == 0)
		r = check_probe(&o, err);
	if (r == 0)
		*ret = o;
	return r;
}

static int check_netns_name(const char *name, struct err *err)
{
	if (name && (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")))
		return err_set(err, EINVAL, "read --netns '%s': it is a name of `ip netns`", name);
	return 0;
}

int cli_parse_attach(int argc, char *argv[], struct launch_options *ret, struct err *err)
{
	struct launch_options o = { .request.owner = REQUEST_OWNER_SELF };
	int r = take_options(argc, argv, attach_options, 0, &o, err);
	bool named;

	if (r >= 0)
		r = take_uplinks(argc, argv, "attach wlp6s0 --pid 1234", &o, err);
	if (r == 0) /* which netns is said behind the uplink, and any other option may be */
		r = take_options(argc, argv, attach_options, optind, &o, err);
	if (r < 0)
		return r;
	if (optind < argc)
		return err_set(err, EINVAL, "read '%s': attach takes one list of uplinks",
			       argv[optind]);
	if (!o.pid == !o.netns)
		return err_set(err, EINVAL,
			       "read the command line: say either --pid PID or --netns NAME");
	r = check_netns_name(o.netns, err);
	if (r < 0)
		return r;
	named = o.request.name[0] || o.netns;
	if (!o.request.name[0])
		cli_default_name(o.netns, o.request.name);
	r = request_check_attach(&o.request, err);
	if (r < 0)
		return r;
	*ret = o;
	if (!named)
		memset(ret->request.name, 0, sizeof(ret->request.name));
	return 0;
}

int cli_parse_detach(int argc, char *argv[], struct launch_options *ret, struct err *err)
{
	struct launch_options o = { .request.owner = REQUEST_OWNER_SELF };
	const char *session;
	int r = take_options(argc, argv, detach_options, 0, &o, err);

	session = r >= 0 && optind < argc ? argv[optind++] : NULL;
	if (r == 0 && session)
		r = take_options(argc, argv, detach_options, optind, &o, err);
	if (r < 0)
		return r;
	if (optind < argc)
		return err_set(err, EINVAL, "read '%s': that is a word too many for detach",
			       argv[optind]);
	if (!!session + !!o.pid + !!o.netns != 1)
		return err_set(err, EINVAL,
			       "read the command line: say `via-iface detach SESSION`, or --pid "
			       "PID or --netns NAME in its place");
	r = check_netns_name(o.netns, err);
	if (r == 0 && session && copy_string(o.request.name, sizeof(o.request.name), session) < 0)
		r = err_set(err, ESRCH, "find session '%.40s…': there is none of that name or id",
			    session);
	if (r == 0 && session && !*session)
		r = err_set(err, ESRCH, "find session '': there is none of that name or id");
	if (r == 0)
		*ret = o;
	return r;
}
