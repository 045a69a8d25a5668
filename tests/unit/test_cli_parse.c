/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "list.h"
#include "unit.h"

/* argv, and how many words it has. */
struct words {
	char *v[32];
	int n;
};

static struct words words(const char *const *v)
{
	struct words w = { 0 };

	while (v[w.n] && w.n < 31) {
		w.v[w.n] = (char *)v[w.n];
		w.n++;
	}
	return w;
}

#define WORDS(...) words((const char *const[]){ "via-iface", __VA_ARGS__, NULL })

/* Parses, or fails the test with the line that a user would read. */
static struct launch_options parse_with(struct words *w, enum verb_id verb)
{
	struct launch_options o;
	struct err err = { 0 };

	memset(&o, 0xa5, sizeof(o));
	if (cli_parse_run(w->n, w->v, verb, &o, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(err.code, 0);
	return o;
}

/* w and o are the words and the result, for what follows. */
#define PARSE(...)                                                                                 \
	w = WORDS(__VA_ARGS__);                                                                    \
	o = parse_with(&w, VERB_RUN)

static void check_refused(struct words w, enum verb_id verb, int code, const char *part)
{
	struct launch_options o;
	struct err err = { 0 };

	assert_int_equal(cli_parse_run(w.n, w.v, verb, &o, &err), -code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, part))
		fail_msg("no '%s' in '%s'", part, err.text);
}

#define REFUSED(part, ...) check_refused(WORDS(__VA_ARGS__), VERB_RUN, EINVAL, part)

/* --- words --------------------------------------------------------------------------------- */

static void test_plain(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("wlp6s0", "curl", "example.org");
	LIST_IS(o.request.uplinks, "wlp6s0");
	assert_string_equal(o.request.name, "curl");
	assert_int_equal(o.request.flags, 0);
	assert_int_equal(o.request.mtu, 0);
	assert_int_equal(o.request.owner, REQUEST_OWNER_SELF);
	assert_false(o.quiet || o.verbose || o.json || o.dry_run);
	assert_null(o.user);
	assert_ptr_equal(o.program, w.v + 2); /* argv itself, to its end */
	assert_null(o.program[2]);
}

/* The first word that is no option ends them, and what follows is the program's. */
static void test_order(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("-q", "wlp6s0", "curl", "-v", "--json", "--", "--name", "x");
	assert_true(o.quiet);
	assert_false(o.verbose || o.json);
	assert_string_equal(o.request.name, "curl");
	assert_ptr_equal(o.program, w.v + 3);
	assert_string_equal(o.program[3], "--");
	PARSE("wlp6s0", "--no-lan", "-q", "--", "curl",
	      "--mtu"); /* no program begins with a dash */
	assert_string_equal(o.program[0], "curl");
	assert_int_equal(o.request.flags, SESSION_NO_LAN);
	assert_true(o.quiet);
	PARSE("wlp6s0", "--no-lan", "curl", "--host-access");
	assert_string_equal(o.program[0], "curl");
	assert_int_equal(o.request.flags, SESSION_NO_LAN);
	PARSE("wlp6s0", "curl", "wlp6s0");
	assert_string_equal(o.program[1], "wlp6s0");
}

static void test_dashes(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("wlp6s0", "--", "curl", "x");
	assert_ptr_equal(o.program, w.v + 3);
	PARSE("wlp6s0", "--", "--", "x"); /* the first one only */
	assert_string_equal(o.program[0], "--");
	PARSE("-", "curl"); /* a device may be called so */
	LIST_IS(o.request.uplinks, "-");
	PARSE("wlp6s0", "curl", "--");
	assert_string_equal(o.program[1], "--");
}

/* A "--" before everything: the program follows, and the app policy names the uplink. */
static void test_by_policy(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("--", "steam", "-q");
	LIST_IS(o.request.uplinks, "");
	assert_string_equal(o.request.name, "steam");
	assert_ptr_equal(o.program, w.v + 2);
	assert_false(o.quiet);
	PARSE("--ipv6=auto", "--name", "x", "--dns=9.9.9.9", "-q", "--", "wlp6s0", "--", "-v");
	LIST_IS(o.request.uplinks, "");
	assert_string_equal(o.program[0], "wlp6s0");
	assert_string_equal(o.program[1], "--");
	assert_int_equal(o.given, GIVEN_NAME | GIVEN_DNS | GIVEN_IPV6);
	assert_true(o.quiet);
	assert_false(o.no_app_policy);
	PARSE("--name=x", "--no-app-policy", "wlp6s0", "--", "steam");
	assert_int_equal(o.given, GIVEN_NAME);
	assert_true(o.no_app_policy);
	LIST_IS(o.request.uplinks, "wlp6s0");
	/* the rest is checked nevertheless, and no word can stand for the missing uplink */
	REFUSED("invalid --mtu", "--mtu=100", "--", "steam");
	REFUSED("read uplinks ''", "", "--", "steam");
}

static void test_missing(void **state)
{
	(void)state;
	check_refused(words((const char *const[]){ "via-iface", NULL }), VERB_RUN, EINVAL,
		      "no uplink is named");
	REFUSED("no uplink is named", "--");
	REFUSED("no uplink is named", "-q", "--json");
	REFUSED("no program is named", "wlp6s0");
	REFUSED("no program is named", "wlp6s0", "--");
	REFUSED("via-iface wlp6s0 -- PROGRAM", "-v", "wlp6s0"); /* what to say instead */
	REFUSED("`via-iface 'ssid:Our Net' -- PROGRAM`", "ssid:Our Net");
}

static void test_without_program(void **state)
{
	struct words w = WORDS("wlp6s0");
	struct launch_options o = parse_with(&w, VERB_PLAN);

	(void)state;
	assert_null(o.program);
	assert_string_equal(o.request.name, "session");
	w = WORDS("wlp6s0", "--");
	o = parse_with(&w, VERB_PLAN);
	assert_null(o.program);
	w = WORDS("wlp6s0", "--", "curl");
	o = parse_with(&w, VERB_PLAN);
	assert_string_equal(o.program[0], "curl");
	assert_string_equal(o.request.name, "curl");
	PARSE("--dry-run", "wlp6s0"); /* nothing is run */
	assert_true(o.dry_run);
	assert_null(o.program);
	assert_string_equal(o.request.name, "session");
	check_refused(words((const char *const[]){ "plan", NULL }), VERB_PLAN, EINVAL,
		      "no uplink is named");
}

/* --- options ------------------------------------------------------------------------------- */

static void test_switches(void **state)
{
	static const struct {
		const char *word;
		uint32_t flag;
		size_t member; /* of struct launch_options, a bool */
	} cases[] = {
		{ "--quiet", 0, offsetof(struct launch_options, quiet) },
		{ "-q", 0, offsetof(struct launch_options, quiet) },
		{ "--verbose", 0, offsetof(struct launch_options, verbose) },
		{ "-v", 0, offsetof(struct launch_options, verbose) },
		{ "--dry-run", 0, offsetof(struct launch_options, dry_run) },
		{ "--no-lan", SESSION_NO_LAN, 0 },
		{ "--keep", SESSION_KEEP, 0 },
		{ "--host-access", SESSION_HOST_ACCESS, 0 },
		{ "--ipv6=off", SESSION_NO_IPV6, 0 },
		{ "--ipv6=auto", 0, 0 },
	};
	struct launch_options o;
	struct words w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t member = cases[i].member;

		PARSE(cases[i].word, "wlp6s0", "curl");
		assert_int_equal(o.request.flags, cases[i].flag);
		assert_int_equal(o.quiet, member == offsetof(struct launch_options, quiet));
		assert_int_equal(o.verbose, member == offsetof(struct launch_options, verbose));
		assert_int_equal(o.json, member == offsetof(struct launch_options, json));
		assert_int_equal(o.dry_run, member == offsetof(struct launch_options, dry_run));
	}
}

/* What has no effect where it stands is refused. */
static void test_no_effect(void **state)
{
	struct words w = WORDS("--json", "wlp6s0");
	struct launch_options o = parse_with(&w, VERB_PLAN);

	(void)state;
	assert_true(o.json);
	PARSE("--json", "--dry-run", "wlp6s0", "curl");
	assert_true(o.json && o.dry_run);
	REFUSED("invalid option '--json': a run prints nothing", "--json", "wlp6s0", "curl");
	REFUSED("invalid --name ''", "--name=", "wlp6s0", "curl");
	REFUSED("and 'wlp6s0' is one", "--probe=1.1.1.1", "wlp6s0", "curl");
	PARSE("--probe=1.1.1.1", "wifi", "curl"); /* which may be several */
	PARSE("--probe=1.1.1.1", "ssid:x", "curl");
}

static void test_all_at_once(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("-qv", "--no-lan", "--keep", "--host-access", "--ipv6", "off", "--mtu", "68",
	      "--name=n.1", "--user", "somebody", "--json", "--dry-run", "a,b", "true");
	assert_int_equal(o.request.flags,
			 SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS | SESSION_KEEP);
	assert_int_equal(o.request.mtu, 68);
	assert_string_equal(o.request.name, "n.1");
	LIST_IS(o.request.uplinks, "a,b");
	assert_string_equal(o.user, "somebody");
	assert_true(o.quiet && o.verbose && o.json && o.dry_run);
	assert_string_equal(o.program[0], "true");
}

static void test_values(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("--mtu", "1280", "--name", "x", "--user", "0", "--ipv6", "auto", "wlp6s0", "curl");
	assert_int_equal(o.request.mtu, 1280);
	assert_string_equal(o.request.name, "x");
	assert_string_equal(o.user, "0");
	PARSE("--mtu=65535", "--name=x", "--user=u=v", "--ipv6=auto", "wlp6s0", "curl");
	assert_int_equal(o.request.mtu, 65535);
	assert_string_equal(o.request.name, "x");
	assert_string_equal(o.user, "u=v");
	PARSE("--mtu=1280", "--mtu=1400", "--ipv6=off", "--ipv6=auto", "wlp6s0", "curl");
	assert_int_equal(o.request.mtu, 1400); /* the last one holds */
	assert_int_equal(o.request.flags, 0);
	PARSE("--user", "--keep", "wlp6s0", "curl"); /* a value is whatever comes next */
	assert_string_equal(o.user, "--keep");
	assert_int_equal(o.request.flags, 0);
}

static void test_missing_values(void **state)
{
	static const char *const options[] = { "--name", "--ipv6", "--mtu",
					       "--user", "--dns",  "--probe" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char part[64];

		snprintf(part, sizeof(part), "option '%s': its value is missing", options[i]);
		REFUSED(part, options[i]);
		REFUSED(part, "-q", "--keep", options[i]);
	}
	REFUSED("invalid --ipv6 ''", "--ipv6=", "wlp6s0", "curl");
	REFUSED("invalid --mtu ''", "--mtu=", "wlp6s0", "curl");
}

static void test_bad_values(void **state)
{
	static const char *const mtus[] = { "0",     "1279",  "65536", "-1",  "+1500",     " 1500",
					    "1500 ", "1500b", "0x5dc", "1e3", "4294968796" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++)
		REFUSED("invalid --mtu", "--mtu", mtus[i], "wlp6s0", "curl");
	REFUSED("68 to 65535", "--ipv6=off", "--mtu=67", "wlp6s0", "curl");
	REFUSED("invalid --ipv6 'on': it is auto or off", "--ipv6=on", "wlp6s0", "curl");
	REFUSED("invalid --ipv6 'OFF'", "--ipv6=OFF", "wlp6s0", "curl");
	REFUSED("invalid --name 'a b'", "--name", "a b", "wlp6s0", "curl");
	REFUSED("invalid --name '-x'", "--name=-x", "wlp6s0", "curl");
	REFUSED("invalid --name 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'", "--name",
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", "wlp6s0", "curl"); /* 33 */
	REFUSED("longer than 32 bytes", "--name", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", "wlp6s0",
		"curl"); /* 36 */
}

/* What is told from the rest by its first letters today may be two tomorrow. */
static void test_abbreviations(void **state)
{
	static const char *const shortened[] = {
		"--n",      "--na",    "--nam",        "--nam=x",   "--no",  "--no-l", "--no-la",
		"--ip",     "--ipv",   "--ipv=off",    "--h",       "--m",   "--mt",   "--mt=1400",
		"--d",      "--dry",   "--dry-ru",     "--j",       "--jso", "--q",    "--quie",
		"--v",      "--verb",  "--k",          "--kee",     "--u",   "--use",  "--use=x",
		"--dn",     "--dn=1",  "--no-proxy",   "--allow",   "--p",   "--prob", "--host",
		"--quiet-", "--names", "--keep-going", "--no-lanx",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shortened); i++) {
		char part[64];

		snprintf(part, sizeof(part), "unknown option '%s' of run", shortened[i]);
		REFUSED(part, shortened[i], "1400", "wlp6s0", "curl");
		REFUSED(part, "-q", "--keep", "--name", "x", shortened[i], "1400", "wlp6s0",
			"curl");
	}
	REFUSED("option '--na'", "--na"); /* where its value would be missing too */
}

static void test_unknown_options(void **state)
{
	(void)state;
	REFUSED("unknown option '-x' of run", "-x", "wlp6s0", "curl");
	REFUSED("unknown option '-qx' of run", "-qx", "wlp6s0", "curl");
	REFUSED("option '-xq'", "-v", "-xq", "wlp6s0", "curl");
	REFUSED("unknown option '--nonsense' of run", "--nonsense", "wlp6s0", "curl");
	REFUSED("option '---q'", "---q", "wlp6s0", "curl");
	REFUSED("option '--='", "--=", "wlp6s0", "curl");
	REFUSED("option '-:'", "-:", "wlp6s0", "curl");
	REFUSED("option '-?'", "-?", "wlp6s0", "curl");
	REFUSED("option '-W'", "-W", "keep", "wlp6s0", "curl");
	REFUSED("option '-+'", "-+", "wlp6s0", "curl");
	/* a value where none belongs */
	REFUSED("option '--keep=1'", "--keep=1", "wlp6s0", "curl");
	REFUSED("option '--json='", "--json=", "wlp6s0", "curl");
	REFUSED("`via-iface help run` lists those", "--nonsense", "wlp6s0", "curl");
}

/* As it was said; the last one counts. */
static void test_probe(void **state)
{
	const struct words w =
		WORDS("--probe", "1.1.1.1", "--probe=[2001:db8::1]:443", "wlp6s0,wwan0", "curl");
	struct words copy = w;
	struct launch_options o;

	(void)state;
	assert_int_equal(cli_parse_run(copy.n, copy.v, VERB_RUN, &o, NULL), 0);
	assert_string_equal(o.probe, "[2001:db8::1]:443");
	copy = WORDS("wlp6s0", "curl");
	assert_int_equal(cli_parse_run(copy.n, copy.v, VERB_RUN, &o, NULL), 0);
	assert_null(o.probe);
	REFUSED("invalid --probe 'tcp:1.1.1.1:443'", "--probe=tcp:1.1.1.1:443", "wlp6s0", "curl");
	REFUSED("invalid --probe ''", "--probe=", "wlp6s0", "curl");
}

/* --- names --------------------------------------------------------------------------------- */

static void test_default_names(void **state)
{
	static const struct {
		const char *program, *name;
	} cases[] = {
		{ "curl", "curl" },
		{ "/usr/bin/curl", "curl" },
		{ "./a.out", "a.out" },
		{ "../x", "x" },
		{ "bin/", "session" },
		{ "/", "session" },
		{ "", "session" },
		{ ".hidden", "hidden" },
		{ "--help", "help" },
		{ "_x_", "x_" },
		{ "my prog", "myprog" },
		{ "g++-12.3_x", "g++-12.3_x" },
		{ "\xc3\xa4", "session" },
		{ "\xc3\xa4rger", "rger" },
		{ "a\nb", "ab" },
		{ "...", "session" },
		{ "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef" },
		{ "0123456789abcdef0123456789abcdefX", "0123456789abcdef0123456789abcdef" },
		{ "  0123456789abcdef0123456789abcdefX", "0123456789abcdef0123456789abcdef" },
	};
	struct launch_options o;
	struct words w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		PARSE("wlp6s0", "--", cases[i].program, "x/y");
		assert_string_equal(o.request.name, cases[i].name);
		assert_string_equal(o.program[0], cases[i].program); /* itself as it is */
	}
	PARSE("--name", "mine", "wlp6s0", "/usr/bin/curl");
	assert_string_equal(o.request.name, "mine");
}

static void test_dns(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("--dns=9.9.9.9,2620:fe::fe", "--no-proxy-env", "--allow-inherited-sockets", "wlp6s0",
	      "curl");
	assert_int_equal(o.request.n_dns, 2);
	assert_int_equal(o.request.dns[0].family, AF_INET);
	assert_int_equal(o.request.dns[1].family, AF_INET6);
	assert_true(o.no_proxy_env);
	assert_true(o.allow_sockets);
	PARSE("--dns", "1.1.1.1", "--dns=1.0.0.1", "wlp6s0", "curl"); /* the last one counts */
	assert_int_equal(o.request.n_dns, 1);
	REFUSED("'' is no IPv4 or IPv6 address", "--dns=", "wlp6s0", "curl");
	REFUSED("'' is no IPv4", "--dns=1.1.1.1,", "wlp6s0", "curl");
	REFUSED("'dns.test' is no IPv4", "--dns=1.1.1.1,dns.test", "wlp6s0", "curl");
	REFUSED("'1.1.1.1:53' is no IPv4", "--dns=1.1.1.1:53", "wlp6s0", "curl");
	REFUSED("more than 3 servers", "--dns=1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4", "wlp6s0", "curl");
	REFUSED("no name server can have this address", "--dns=127.0.0.53", "wlp6s0", "curl");
	REFUSED("no name server can have this address", "--dns=::1", "wlp6s0", "curl");
	REFUSED("no name server can have this address", "--dns=224.0.0.251", "wlp6s0", "curl");
	REFUSED("no name server can have this address", "--dns=fe80::1", "wlp6s0", "curl");
}

static void test_uplinks(void **state)
{
	char longest[UPLINK_LIST_MAX + 2];
	struct launch_options o;
	struct words w;

	(void)state;
	PARSE("wlp6s0,enp7s0,exactly15bytes_", "curl");
	LIST_IS(o.request.uplinks, "wlp6s0,enp7s0,exactly15bytes_");
	PARSE("a.b,c@d,e~f", "curl");
	LIST_IS(o.request.uplinks, "a.b,c@d,e~f");
	REFUSED("read uplinks", "", "curl");
	REFUSED("read uplinks ','", ",", "curl");
	REFUSED("nothing behind the last comma", "a,", "curl");
	REFUSED("read uplinks ',a'", ",a", "curl");
	REFUSED("read uplinks 'a,,b'", "a,,b", "curl");
	REFUSED("'a' is there twice", "a,b,a", "curl");
	PARSE("ssid:My\\, net,wifi,mac:AA:bb:cc:dd:ee:0f", "curl");
	LIST_IS(o.request.uplinks, "ssid:My\\, net,wifi,mac:AA:bb:cc:dd:ee:0f");
	REFUSED("read uplinks",
		"an_altname_of_128_bytes_is_more_than_a_word_may_have_"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"curl");
	REFUSED("read uplinks", "mac:AA", "curl");
	REFUSED("read uplinks", "a b", "curl");
	REFUSED("read uplinks", "a/b", "curl");
	REFUSED("read uplinks", "..", "curl");
	REFUSED("read uplinks", "a,", "--", "curl");

	for (size_t i = 0; i < sizeof(longest); i++) /* aaaaaaaaaaaaaaa,bbbbbbbbbbbbbbb,… */
		longest[i] = (char)(i % 16 == 15 ? ',' : 'a' + i / 16);
	strcpy(longest + UPLINK_LIST_MAX, "z");
	REFUSED("longer than 159 bytes", longest, "curl");
	longest[UPLINK_LIST_MAX - 1] = 0;
	PARSE(longest, "curl");
	LIST_IS(o.request.uplinks, longest);
}

/* Nothing is left over from an earlier call, however it ended. */
static void test_again(void **state)
{
	struct launch_options o;
	struct words w;

	(void)state;
	REFUSED("option '-qx'", "-qx", "--keep", "wlp6s0", "curl"); /* amid a word */
	PARSE("-v", "wlp6s0", "curl");
	assert_true(o.verbose);
	assert_false(o.quiet);
	REFUSED("its value is missing", "-q", "-v", "--keep", "--mtu");
	PARSE("wlp6s0", "curl");
	assert_int_equal(o.request.flags, 0);
	assert_ptr_equal(o.program, w.v + 2);
}

/* Options stand on both sides of the uplink, where the netns is said. */
static void test_attach(void **state)
{
	static const struct {
		const char *words[8], *part;
	} refused[] = {
		{ { "attach", "wlp6s0" },
		  "say one of --container NAME, --pid PID and --netns NAME" },
		{ { "attach", "wlp6s0", "--pid", "1", "--netns", "a" }, "say one of --container" },
		{ { "attach", "wlp6s0", "--container", "a", "--netns", "a" }, "say one of" },
		{ { "attach", "wlp6s0", "--pid", "1", "--follow" }, "option '--follow'" },
		{ { "attach", "--pid", "1" }, "no uplink is named" },
		{ { "attach", "wlp6s0", "--netns", "a/b" }, "invalid --netns 'a/b'" },
		{ { "attach", "wlp6s0", "--netns", ".." }, "invalid --netns '..'" },
		{ { "attach", "wlp6s0", "--netns", "" }, "invalid --netns ''" },
		{ { "attach", "wlp6s0", "--pid", "0" }, "invalid --pid '0'" },
		{ { "attach", "wlp6s0", "--pid", "-1" }, "invalid --pid '-1'" },
		{ { "attach", "wlp6s0", "--pid", "1", "x" }, "read 'x'" },
		{ { "attach", "wlp6s0", "--pid" }, "its value is missing" },
		{ { "attach", "wlp6s0", "--pid", "1", "--keep" }, "option '--keep'" },
		{ { "attach", "wlp6s0", "--pid", "1", "--user", "x" }, "option '--user'" },
		{ { "attach", "wlp6s0", "--pid", "1", "--ifname", "" }, "invalid --ifname ''" },
		{ { "attach", "wlp6s0", "--pid", "1", "--ifname", "0123456789abcdef" },
		  "invalid --ifname" },
	};
	struct launch_options o;
	struct err err = { 0 };
	struct words w;

	(void)state;
	w = words((const char *const[]){ "attach", "--ipv6=off", "wlp6s0", "--netns", "my box",
					 "--replace-route", "--ifname=out0", "-q", NULL });
	assert_int_equal(cli_parse_attach(w.n, w.v, &o, &err), 0);
	LIST_IS(o.request.uplinks, "wlp6s0");
	assert_string_equal(o.request.name, "mybox");
	assert_string_equal(o.request.device, "out0");
	assert_string_equal(o.netns, "my box");
	assert_int_equal(o.pid, 0);
	assert_int_equal(o.request.flags, SESSION_NO_IPV6 | SESSION_REPLACE_ROUTE);
	assert_true(o.quiet);
	w = words((const char *const[]){ "attach", "--pid", "77", "wlp6s0,wwan", NULL });
	assert_int_equal(cli_parse_attach(w.n, w.v, &o, &err), 0);
	assert_int_equal(o.pid, 77);
	assert_string_equal(o.request.name, ""); /* it is for the caller to name */
	w = words((const char *const[]){ "attach", "wlp6s0", "--pid", "77", "--name", "b", NULL });
	assert_int_equal(cli_parse_attach(w.n, w.v, &o, &err), 0);
	assert_string_equal(o.request.name, "b");
	w = words(
		(const char *const[]){ "attach", "wlp6s0", "--container", "b", "--follow", NULL });
	assert_int_equal(cli_parse_attach(w.n, w.v, &o, &err), 0);
	assert_string_equal(o.container, "b");
	assert_string_equal(o.request.name, ""); /* as the container is called */
	assert_true(o.follow);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		w = words(refused[i].words);
		memset(&o, 0xa5, sizeof(o));
		assert_int_equal(cli_parse_attach(w.n, w.v, &o, &err), -EINVAL);
		if (!strstr(err.text, refused[i].part))
			fail_msg("no '%s' in '%s'", refused[i].part, err.text);
	}
}

static void test_attach_flags(void **state)
{
	struct launch_options o;
	struct err err = { 0 };
	struct words w;

	(void)state;
	w = words((const char *const[]){ "attach", "wlp6s0", "--pid", "77", "--fallback",
					 "--allow-foreign-resolver", NULL });
	assert_int_equal(cli_parse_attach(w.n, w.v, &o, &err), 0);
	assert_int_equal(o.request.flags, SESSION_FALLBACK | SESSION_FOREIGN_RESOLVER);
	o.request.device[0] = 0; /* they are of an attachment alone */
	assert_int_equal(request_check(&o.request, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_attach_flags),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_dashes),
		cmocka_unit_test(test_by_policy),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_without_program),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_no_effect),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_missing_values),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_abbreviations),
		cmocka_unit_test(test_unknown_options),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_default_names),
		cmocka_unit_test(test_uplinks),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_attach),
	};

	return RUN_TESTS(tests);
}
