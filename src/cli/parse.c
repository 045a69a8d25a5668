/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/words.h"
#include "launch/probe.h"

static int take_probe(const char *text, struct launch_options *o, struct err *err)
{
	struct probe ignored;
	int r = probe_parse(text, &ignored, err);

	if (r == 0)
		o->probe = text;
	return r;
}

int cli_parse_wait(const char *text, uint32_t *ret, struct err *err)
{
	*ret = WAIT_FOREVER;
	if (!text || parse_u32(text, 1, INT_MAX, ret) == 0)
		return 0;
	return err_set(err, EINVAL,
		       "invalid --wait '%s': it is a number of seconds, 1 at least, or nothing",
		       text);
}

static int take_join(const char *name, struct launch_options *o, struct err *err)
{
	struct request *r = &o->request;

	if (!session_name_valid(name) || copy_string(r->name, sizeof(r->name), name) < 0)
		return err_set(err, EINVAL,
			       "invalid --join '%.60s': 1 to 32 of letters, digits and ._+-, the "
			       "first a letter or digit, and not digits alone",
			       name);
	o->join = name;
	r->flags |= SESSION_JOIN;
	return 0;
}

static int take_share(const char *group, struct launch_options *o, struct err *err)
{
	if (!session_share_valid(group))
		return err_set(err, EINVAL, SHARE_INVALID, group);
	return copy_string(o->request.share, sizeof(o->request.share), group);
}

static int take_host_port(const char *list, struct launch_options *o, struct err *err)
{
	const char *wrong = host_ports_add(list, &o->request.host_ports);

	if (!wrong)
		return 0;
	memset(&o->request.host_ports, 0, sizeof(o->request.host_ports));
	return err_set(err, EINVAL, "invalid --host-port '%.60s': %s", list, wrong);
}

static int take_rate(const char *text, struct launch_options *o, struct err *err)
{
	const char *wrong = rate_limits_read(text, &o->request.rates);

	return wrong ? err_set(err, EINVAL, "invalid --rate '%.60s': %s", text, wrong) : 0;
}

static int take_publish(const char *list, struct launch_options *o, struct err *err)
{
	const char *wrong = publish_add(list, &o->request.published);

	if (!wrong)
		return 0;
	memset(&o->request.published, 0, sizeof(o->request.published));
	return err_set(err, EINVAL, "invalid --publish '%.80s': %s", list, wrong);
}

/* Options without a value. */
static bool take_switch(enum option_id id, struct launch_options *o)
{
	static const struct {
		enum option_id id;
		uint32_t flag; /* enum session_flag */
		size_t member; /* where flag is 0: a bool of struct launch_options */
	} switches[] = {
		{ OPT_NO_LAN, SESSION_NO_LAN, 0 },
		{ OPT_KEEP, SESSION_KEEP, 0 },
		{ OPT_HOST_ACCESS, SESSION_HOST_ACCESS, 0 },
		{ OPT_REPLACE_ROUTE, SESSION_REPLACE_ROUTE, 0 },
		{ OPT_FALLBACK, SESSION_FALLBACK, 0 },
		{ OPT_FOREIGN_RESOLVER, SESSION_FOREIGN_RESOLVER, 0 },
		{ OPT_STRICT, 0, offsetof(struct launch_options, strict) },
		{ OPT_SEPARATE, 0, offsetof(struct launch_options, separate) },
		{ OPT_ALLOW_HANDOVER, 0, offsetof(struct launch_options, allow_handover) },
		{ OPT_NO_PROXY_ENV, 0, offsetof(struct launch_options, no_proxy_env) },
		{ OPT_ALLOW_SOCKETS, 0, offsetof(struct launch_options, allow_sockets) },
		{ OPT_NO_APP_POLICY, 0, offsetof(struct launch_options, no_app_policy) },
		{ OPT_DRY_RUN, 0, offsetof(struct launch_options, dry_run) },
		{ OPT_JSON, 0, offsetof(struct launch_options, json) },
		{ OPT_FOLLOW, 0, offsetof(struct launch_options, follow) },
		{ OPT_NO_ASK_PASSWORD, 0, offsetof(struct launch_options, no_password) },
		{ OPT_QUIET, 0, offsetof(struct launch_options, quiet) },
		{ OPT_VERBOSE, 0, offsetof(struct launch_options, verbose) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		if (switches[i].id != id)
			continue;
		o->request.flags |= switches[i].flag;
		if (!switches[i].flag)
			*(bool *)((char *)o + switches[i].member) = true;
		return true;
	}
	return false;
}

static int take_option(enum option_id id, const char *arg, struct launch_options *o,
		       struct err *err)
{
	if (take_switch(id, o))
		return 0;
	switch (id) {
	case OPT_USER:
		o->user = arg;
		return 0;
	case OPT_NAME:
		o->given |= GIVEN_NAME;
		if (copy_string(o->request.name, sizeof(o->request.name), arg) < 0)
			return err_set(err, EINVAL,
				       "invalid --name '%.60s': it is longer than 32 bytes", arg);
		return 0;
	case OPT_JOIN:
		return take_join(arg, o, err);
	case OPT_SHARE:
		return take_share(arg, o, err);
	case OPT_HOST_PORT:
		return take_host_port(arg, o, err);
	case OPT_RATE:
		return take_rate(arg, o, err);
	case OPT_PUBLISH:
		return take_publish(arg, o, err);
	case OPT_IPV6:
		o->given |= GIVEN_IPV6;
		if (!strcmp(arg, "off"))
			o->request.flags |= SESSION_NO_IPV6;
		else if (!strcmp(arg, "auto"))
			o->request.flags &= ~(uint32_t)SESSION_NO_IPV6;
		else
			return err_set(err, EINVAL, "invalid --ipv6 '%s': it is auto or off", arg);
		return 0;
	case OPT_MTU:
		if (parse_u32(arg, 1, 65535, &o->request.mtu) < 0)
			return err_set(err, EINVAL,
				       "invalid --mtu '%s': it is a number of bytes, 1280 "
				       "to 65535",
				       arg);
		return 0;
	case OPT_DNS:
		o->given |= GIVEN_DNS;
		return request_read_dns(arg, &o->request, err);
	case OPT_PROBE:
		return take_probe(arg, o, err);
	case OPT_PID:
		if (parse_u32(arg, 1, INT_MAX, &o->pid) < 0)
			return err_set(err, EINVAL,
				       "invalid --pid '%s': it is the number of a process", arg);
		return 0;
	case OPT_NETNS:
		o->netns = arg;
		return 0;
	case OPT_CONTAINER:
		o->container = arg;
		return 0;
	case OPT_IFNAME:
		if (!*arg || copy_string(o->request.device, sizeof(o->request.device), arg) < 0)
			return err_set(err, EINVAL, "invalid --ifname '%.40s': it is 1 to 15 bytes",
				       arg);
		return 0;
	case OPT_WAIT:
		return cli_parse_wait(arg, &o->wait, err);
	default: /* of verbs whose words words_read() reads */
		return 0;
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

/* Options up to the first word that is none. Returns 1 when a "--" stood before it. */
static int take_options(struct option_reader *reader, struct launch_options *o, struct err *err)
{
	const struct verb_option *option;
	const char *value;
	int r;

	while ((r = option_read(reader, &option, &value, err)) > 0) {
		r = take_option(option->id, value, o, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : reader->ended;
}

/* The word where the options ended. */
static int take_uplinks(struct option_reader *reader, struct launch_options *o, struct err *err)
{
	const char *word = reader->at < reader->argc ? reader->argv[reader->at] : NULL;

	if (!word) {
		err_set(err, EINVAL, "read the command line: no uplink is named");
		return err_hint(err, "say `via-iface %s`; `via-iface uplinks` lists uplinks",
				reader->verb == VERB_ATTACH ? "attach UPLINK --container NAME"
				: reader->verb == VERB_PLAN ? "plan UPLINK"
							    : "UPLINK -- PROGRAM");
	}
	o->uplinks = word;
	uplink_list_parse(word, &o->request.uplinks, NULL); /* none, if that fails */
	reader->at++;
	return 0;
}

/* All but the list, for which one that is right stands in; then that, unless a policy names it. */
static int check_request(struct launch_options *o,
			 int (*check)(const struct request *r, struct err *err), struct err *err)
{
	struct request checked = o->request;
	int r;

	memset(&checked.uplinks, 0, sizeof(checked.uplinks));
	uplink_list_add(&checked.uplinks, "any");
	r = check(&checked, err);
	if (r < 0 || !o->uplinks || o->request.uplinks.n)
		return r;
	return uplink_list_parse(o->uplinks, &o->request.uplinks, err); /* for the line */
}

/* Its probe sessions have the session's options. */
static int check_probe(const struct launch_options *o, struct err *err)
{
	const struct uplink_list *list = &o->request.uplinks;
	struct probe p;
	const char *word;

	if (!o->probe || probe_parse(o->probe, &p, err) < 0)
		return 0;
	if (o->request.flags & SESSION_NO_IPV6 && p.ip.family == AF_INET6) {
		err_set(err, EINVAL,
			"invalid --probe '%.80s': with --ipv6=off no IPv6 address can be asked",
			o->probe);
		return err_hint(err, "give an IPv4 address");
	}
	/* wifi, ssid:NAME and their kin may mean several */
	if (list->n != 1 || uplink_list_condition(list, 0))
		return 0;
	word = uplink_list_word(list, 0);
	err_set(err, EINVAL, "invalid --probe '%.80s': it chooses among uplinks, and '%s' is one",
		o->probe, word);
	return err_hint(err, "name a list, '%s,UPLINK', or leave it out", word);
}

static int check_handover(const struct launch_options *o, struct err *err)
{
	if (!o->separate || !o->allow_handover)
		return 0;
	return err_set(err, EINVAL,
		       "read the command line: it is either --separate or --allow-handover");
}

static int check_join(const struct launch_options *o, struct err *err)
{
	if (o->join && o->given & GIVEN_NAME)
		return err_set(err, EINVAL, "read the command line: it is either --join or --name");
	if (o->join && o->probe) {
		err_set(err, EINVAL,
			"invalid option '--probe': a session that is joined keeps its own");
		return err_hint(err, "leave out --probe or --join");
	}
	return 0;
}

/* Options that have no effect where they stand are mistakes. */
static int check_effect(const struct launch_options *o, enum verb_id verb, struct err *err)
{
	if (o->given & GIVEN_NAME && !o->request.name[0])
		return err_set(err, EINVAL, "invalid --name '': it is empty");
	if (verb == VERB_RUN && o->json && !o->dry_run) {
		err_set(err, EINVAL, "invalid option '--json': a run prints nothing of its own");
		return err_hint(err, "with --dry-run it prints the plan");
	}
	if (o->dry_run && o->wait) {
		err_set(err, EINVAL, "invalid option '--wait': a plan waits for nothing");
		return err_hint(err, "leave out --wait or --dry-run");
	}
	if (o->dry_run && o->no_password) {
		err_set(err, EINVAL, "invalid option '--no-ask-password': a plan asks for nothing");
		return err_hint(err, "leave out --no-ask-password or --dry-run");
	}
	if (check_handover(o, err) < 0 || check_join(o, err) < 0)
		return -EINVAL;
	return check_probe(o, err);
}

static void take_program(const struct option_reader *reader, struct launch_options *o)
{
	o->program = reader->argv + reader->at;
	o->line = reader->argv;
	o->n_line = reader->at;
}

/* [OPTIONS] UPLINKS [OPTIONS] [--] PROGRAM, or [OPTIONS] -- PROGRAM. */
static int read_run(struct option_reader *reader, struct launch_options *o, struct err *err)
{
	int r = take_options(reader, o, err);
	const bool by_policy = r > 0;

	if (r == 0) { /* else no uplink, but the program */
		r = take_uplinks(reader, o, err);
		if (r == 0) /* no program begins with a dash */
			r = take_options(reader, o, err);
	}
	if (r < 0)
		return r;
	if (reader->at < reader->argc)
		take_program(reader, o);
	else if (by_policy)
		return take_uplinks(reader, o, err);
	return 0;
}

int cli_parse_run(int argc, char *argv[], enum verb_id verb, struct launch_options *ret,
		  struct err *err)
{
	struct launch_options o = { .request.owner = REQUEST_OWNER_SELF };
	struct option_reader reader = { verb, argc, argv, .at = 1 };
	_cleanup_strbuf_ struct strbuf word = { 0 };
	int r = read_run(&reader, &o, err);

	*ret = o;
	if (r == 0 && verb == VERB_RUN && !o.program && !o.dry_run) {
		err_set(err, EINVAL, "read the command line: no program is named");
		r = err_hint(err, "say `via-iface %s -- PROGRAM`", strbuf_word(&word, o.uplinks));
	}
	if (r == 0)
		r = check_effect(&o, verb, err);
	if (r < 0)
		return r;
	if (!o.request.name[0])
		cli_default_name(o.program ? o.program[0] : NULL, o.request.name);
	r = check_request(&o, request_check, err);
	*ret = o;
	return r;
}

int cli_check_netns_name(const char *name, struct err *err)
{
	if (name && (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")))
		return err_set(err, EINVAL, "invalid --netns '%s': it is a name of `ip netns`",
			       name);
	return 0;
}

static int check_target(const struct launch_options *o, struct err *err)
{
	if (!!o->pid + !!o->netns + !!o->container != 1)
		return err_set(err, EINVAL,
			       "read the command line: say one of --container NAME, --pid PID and "
			       "--netns NAME");
	if (o->follow && !o->container) {
		err_set(err, EINVAL, "invalid option '--follow': it follows a container");
		return err_hint(err, "say --container NAME, or leave it out");
	}
	return cli_check_netns_name(o->netns, err);
}

int cli_parse_attach(int argc, char *argv[], struct launch_options *ret, struct err *err)
{
	struct launch_options o = { .request.owner = REQUEST_OWNER_SELF };
	struct option_reader reader = { VERB_ATTACH, argc, argv, .at = 1 };
	int r = take_options(&reader, &o, err);
	bool named;

	if (r >= 0)
		r = take_uplinks(&reader, &o, err);
	if (r == 0) /* which netns is said behind the uplink, and any other option may be */
		r = take_options(&reader, &o, err);
	if (r < 0)
		return r;
	if (reader.at < argc)
		return err_set(err, EINVAL, "read '%s': attach takes one list of uplinks",
			       argv[reader.at]);
	if (o.given & GIVEN_NAME && !o.request.name[0])
		return err_set(err, EINVAL, "invalid --name '': it is empty");
	r = check_target(&o, err);
	if (r < 0)
		return r;
	named = o.request.name[0] || o.netns;
	if (!o.request.name[0])
		cli_default_name(o.netns, o.request.name);
	r = check_request(&o, request_check_attach, err);
	if (r < 0)
		return r;
	*ret = o;
	if (!named)
		memset(ret->request.name, 0, sizeof(ret->request.name));
	return 0;
}

#define NETNS_WORDS_MAX 3

/* The words that are no options: what to do, and with which. Returns how many, or -EINVAL. */
static int read_netns(struct option_reader *reader, struct launch_options *o,
		      char *words[NETNS_WORDS_MAX], struct err *err)
{
	int n = 0;

	for (;;) {
		int r = take_options(reader, o, err);

		if (r < 0)
			return r;
		if (reader->at >= reader->argc)
			return n;
		if (n == NETNS_WORDS_MAX)
			return err_set(err, EINVAL, "read '%s': that is a word too many for netns",
				       reader->argv[reader->at]);
		words[n++] = reader->argv[reader->at++];
	}
}

static int take_netns_name(const char *name, struct launch_options *o, struct err *err)
{
	if (session_name_valid(name))
		return copy_string(o->request.name, sizeof(o->request.name), name);
	return err_set(err, EINVAL,
		       "invalid name '%.60s': 1 to 32 of letters, digits and ._+-, the first a "
		       "letter or digit, and not digits alone",
		       name);
}

int cli_parse_netns(int argc, char *argv[], struct launch_options *ret, enum netns_action *ret_do,
		    struct err *err)
{
	static const struct {
		const char *name;
		int least, most; /* words */
	} actions[] = {
		[NETNS_ADD] = { "add", 2, 3 },
		[NETNS_DEL] = { "del", 2, 2 },
		[NETNS_LIST] = { "list", 1, 1 },
	};
	const struct launch_options none = { .request.owner = REQUEST_OWNER_SELF };
	struct option_reader reader = { VERB_NETNS, argc, argv, .at = 1 };
	struct launch_options o = none;
	char *words[NETNS_WORDS_MAX];
	int n = read_netns(&reader, &o, words, err), r = n < 0 ? n : 0;
	size_t i = 0;

	while (r == 0 && n && i < ARRAY_SIZE(actions) && strcmp(words[0], actions[i].name) != 0)
		i++;
	if (r == 0 &&
	    (!n || i == ARRAY_SIZE(actions) || n < actions[i].least || n > actions[i].most))
		r = words_usage(VERB_NETNS, err);
	if (r == 0 && ((i != NETNS_ADD && memcmp(&o.request, &none.request, sizeof(o.request))) ||
		       (i != NETNS_LIST && o.json) || (i == NETNS_LIST && o.quiet)))
		r = words_usage(VERB_NETNS, err);
	if (r == 0 && n > 1)
		r = take_netns_name(words[1], &o, err);
	if (r == 0 && n > 2) {
		o.uplinks = words[2];
		uplink_list_parse(words[2], &o.request.uplinks, NULL);
	}
	if (r == 0 && i == NETNS_ADD) {
		o.request.flags |= SESSION_KEEP | SESSION_PENDING;
		r = check_request(&o, request_check, err);
	}
	*ret = o;
	*ret_do = (enum netns_action)i;
	return r;
}

int cli_parse_exec(int argc, char *argv[], struct launch_options *ret, const char **ret_session,
		   struct err *err)
{
	struct launch_options o = { .request.owner = REQUEST_OWNER_SELF };
	struct option_reader reader = { VERB_EXEC, argc, argv, .at = 1 };
	int r = take_options(&reader, &o, err);

	if (r < 0)
		return r;
	if (reader.at >= argc)
		return words_usage(VERB_EXEC, err);
	*ret_session = argv[reader.at++];
	reader.ended = false;
	r = take_options(&reader, &o, err); /* no program begins with a dash */
	if (r >= 0)
		r = check_handover(&o, err);
	if (r < 0)
		return r;
	if (reader.at < argc)
		take_program(&reader, &o);
	*ret = o;
	return 0;
}
