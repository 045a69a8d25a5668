/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fds.h"
#include "launch/app_policy.h"
#include "launch/apps.h"
#include "launch/apps_apply.h"
#include "list.h"
#include "mutate.h"
#include "unit.h"

static struct apps all;

static int setup(void **state)
{
	(void)state;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	apps_done(&all);
	return 0;
}

static void add(const char *file, const char *text)
{
	struct err err = { 0 };

	if (apps_parse(text, strlen(text), file, &all, &err) < 0)
		fail_msg("%s", err.text);
}

static struct app find(const char *program)
{
	struct err err = { 0 };
	struct app app;

	if (apps_find(&all, program, &app, &err) != 1)
		fail_msg("%s: %s", program, err.text);
	return app;
}

static void assert_none(const char *program)
{
	struct app app;

	assert_int_equal(apps_find(&all, program, &app, NULL), 0);
}

/* --- what is said -------------------------------------------------------------------------- */

static void test_all_keys(void **state)
{
	struct app a;
	char text[IP_TEXT_MAX];

	(void)state;
	add("F", "\xef\xbb\xbf# the browser\n"
		 "\n"
		 "[ firefox ] ; mine\r\n"
		 "match =  firefox   firefox-esr\torg.mozilla.firefox ; these\n"
		 "  uplink = wlp6s0,ssid:My\\,Net,wwan\n"
		 "name=web\n"
		 "dns: 9.9.9.9,2620:fe::fe\n"
		 "ipv6 = off\nlan = no\nhost-access = yes\nno-proxy-env = yes\n"
		 "host-port = 5037, 80/udp\nrate = 10mbit/2mbit\n"
		 "publish = 6881-6889, 27015/udp\n"
		 "separate-instance = --new-instance  --profile ~/x\n"
		 "separate = always\nprofile = metered\n"
		 "outside = client\noutside-when = run  --remote\noutside-when-env = STY\n"
		 "outside-unless = -x\noutside-value-options = -c\noutside-processes = a b\n"
		 "outside-socket = /x/y\noutside-who = the server's one\n"
		 "outside-advice = say `x \"$(y)\"`\noutside-separate = own-bus  -x=~/%u\n"
		 "[metered]\nuplink = wwan0");
	a = find("firefox-esr");
	assert_string_equal(a.section, "firefox");
	assert_string_equal(a.where.file, "F");
	assert_int_equal(a.where.line, 3);
	assert_string_equal(a.match, "firefox firefox-esr org.mozilla.firefox");
	LIST_IS(a.uplinks, "wlp6s0,ssid:My\\,Net,wwan");
	assert_string_equal(a.name, "web");
	assert_int_equal(a.n_dns, 2);
	assert_string_equal(ip_format(&a.dns[1], text), "2620:fe::fe");
	assert_false(a.ipv6 || a.lan);
	assert_true(a.host_access && a.no_proxy_env && a.separate_always);
	assert_int_equal(host_ports_count(&a.host_ports), 2);
	assert_int_equal(a.rates.down, 1250000);
	assert_int_equal(a.rates.up, 250000);
	assert_int_equal(publish_count(&a.published), 2);
	assert_string_equal(a.separate_instance, "--new-instance --profile ~/x");
	assert_int_equal(a.set, (1u << APP_KEY_COUNT) - 1);
	assert_int_equal(a.outside.how, APP_OUTSIDE_CLIENT);
	assert_string_equal(a.outside.when, "run --remote");
	assert_string_equal(a.outside.when_env, "STY");
	assert_string_equal(a.outside.unless, "-x");
	assert_string_equal(a.outside.value_options, "-c");
	assert_string_equal(a.outside.processes, "a b");
	assert_string_equal(a.outside.socket, "/x/y");
	assert_string_equal(a.outside.who, "the server's one");
	assert_string_equal(a.outside.advice, "say `x \"$(y)\"`");
	assert_string_equal(a.outside.separate, "own-bus -x=~/%u");
	assert_string_equal(find("firefox").section, "firefox");
	assert_string_equal(find("org.mozilla.firefox").section, "firefox");
	assert_none("fire");
	assert_none("firefox-");
	assert_none("firefox firefox-esr");
	assert_none("metered"); /* matches nothing */
	assert_none("");
}

/* Key by key, the later file wins; so does the later section when two match. */
static void test_files_add_up(void **state)
{
	struct app a;

	(void)state;
	add("shipped", "[steam]\nmatch = steam\nname = steam\nlan = no\n"
		       "[other]\nmatch = steam game\n");
	assert_string_equal(find("steam").section, "other");
	add("own", "[steam]\nuplink = wlp6s0\nlan = yes\n");
	a = find("steam");
	assert_string_equal(a.section, "steam");
	LIST_IS(a.uplinks, "wlp6s0");
	assert_string_equal(a.name, "steam");
	assert_true(a.lan);
	assert_string_equal(a.where.file, "own");
	assert_int_equal(a.where.line, 1);
	assert_string_equal(find("game").section, "other");
	assert_int_equal(all.n, 2);
}

#define OUTSIDE(...)                                                                               \
	apps_find_outside(&all, (char *const *)(const char *const[]){ __VA_ARGS__, NULL })

/* A section that says where the work is done is none of how to run, and the other way round. */
static void test_outside(void **state)
{
	(void)state;
	add("shipped", "[game]\nmatch = game\nlan = no\n"
		       "[outside.game]\nmatch = game\noutside = instance\n"
		       "[outside.game-run]\nmatch = game\noutside = server\noutside-when = run\n");
	assert_string_equal(find("game").section, "game");
	assert_string_equal(OUTSIDE("/usr/bin/game")->section, "outside.game");
	assert_string_equal(OUTSIDE("game", "-x", "run")->section, "outside.game-run");
	assert_null(OUTSIDE("other"));
	add("own",
	    "[outside.game-run]\noutside = no\n[both]\nmatch = both\noutside = bus\nlan = no\n");
	assert_null(OUTSIDE("game", "run"));
	assert_string_equal(OUTSIDE("game")->section, "outside.game");
	assert_string_equal(find("game").section, "game");
	assert_string_equal(find("both").section, "both");
	assert_string_equal(OUTSIDE("both")->section, "both");
}

static void test_profile(void **state)
{
	struct err err = { 0 };
	struct app a;

	(void)state;
	add("F", "[mail]\nmatch = mutt\nprofile = metered\nlan = yes\n"
		 "[metered]\nuplink = wwan\nlan = no\nno-proxy-env = yes\ndns = 9.9.9.9\n"
		 "match = none\n"
		 "[lost]\nmatch = lost\nprofile = nowhere\n");
	a = find("mutt");
	assert_string_equal(a.section, "mail");
	assert_string_equal(a.match, "mutt");
	LIST_IS(a.uplinks, "wwan");
	assert_true(a.lan && a.no_proxy_env);
	assert_int_equal(a.n_dns, 1);
	assert_int_equal(apps_find(&all, "lost", &a, &err), -ENOENT);
	assert_string_equal(err.text, "F:11: [lost] has the profile 'nowhere', and no file has "
				      "such a section");
}

static void test_nothing_is_passed_over(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "match = x\n", "F:1: 'match' stands before the first [section]" },
		{ "[steam]\n", "F:1: the section says nothing; write for example 'uplink = wlp" },
		{ "[steam]\nuplinks = x\n",
		  "F:2: 'uplinks' is not known; it is one of match, uplink, name, dns, ipv6, lan, "
		  "host-access, host-port, rate, publish, no-proxy-env, separate-instance, "
		  "separate, "
		  "profile, "
		  "outside, "
		  "outside-when, "
		  "outside-when-env, outside-unless, outside-value-options, outside-processes, "
		  "outside-socket, outside-who, outside-advice and outside-separate" },
		{ "[steam]\nlan = no\nsteam\n", "F:3: it is neither '[APP]' nor 'KEY = VALUE'" },
		{ "[a]\nlan=no\n\n[b]\nlan=no\n[a]\nlan=no\n",
		  "F:6: [a] is there twice, also in line 1" },
		{ "[a]\nlan=no\nlan=no\n", "F:3: 'lan' is there twice in this section" },
		{ "[]\nlan=no\n", "F:1: '' is no name of an app" },
		{ "[a b]\nlan=no\n", "F:1: 'a b' is no name of an app" },
		{ "[../a]\nlan=no\n", "F:1: '../a' is no name of an app" },
		{ "[a]\nmatch =\n", "F:2: match '': no program is named" },
		{ "[a]\nmatch = /usr/bin/steam\n", "F:2: match '/usr/bin/steam': each must be" },
		{ "[a]\nmatch = fire*\n", "F:2: match 'fire*': each must be the name" },
		{ "[a]\nmatch = x # y\n", "F:2: match 'x # y': each must be" },
		{ "[a]\nuplink =\n", "F:2: uplink '': each must be the name of an interface" },
		{ "[a]\nuplink = a, b\n", "F:2: uplink 'a, b': each must be" },
		{ "[a]\nuplink = a,a\n", "F:2: uplink 'a,a': each must be" },
		{ "[a]\nname = -x\n", "F:2: name '-x': 1 to 32 of letters" },
		{ "[a]\ndns = 9.9.9\n", "F:2: dns '9.9.9': it is one to three" },
		{ "[a]\ndns = 1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4\n", "it is one to three" },
		{ "[a]\ndns = 127.0.0.53\n", "F:2: dns '127.0.0.53': no name server can" },
		{ "[a]\nipv6 = on\n", "F:2: ipv6 'on': it is auto or off" },
		{ "[a]\nlan = No\n", "F:2: lan 'No': it is yes or no" },
		{ "[a]\nhost-access = 1\n", "F:2: host-access '1': it is yes or no" },
		{ "[a]\nrate = 10\n", "F:2: rate '10': it is DOWN or DOWN/UP" },
		{ "[a]\nhost-port = 80 81\n", "F:2: host-port '80 81': it is PORT or PORT/udp" },
		{ "[a]\npublish = 80-79\n", "F:2: publish '80-79': it is [ADDR:]PORT" },
		{ "[a]\nno-proxy-env =\n", "F:2: no-proxy-env '': it is yes or no" },
		{ "[a]\nseparate-instance = --x \"a b\"\n", "quotes and backslashes mean nothing" },
		{ "[a]\nseparate-instance = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
		  "there are more than 16 arguments" },
		{ "[a]\nseparate = yes\n", "F:2: separate 'yes': it is running" },
		{ "[a]\noutside = yes\n", "F:2: outside 'yes': it is instance, bus, server" },
		{ "[a]\noutside-when-env = A=b\n", "it is the name of an environment variable" },
		{ "[a]\noutside-processes = /bin/x\n", "without its directory" },
		{ "[a]\nprofile = a\n", "F:2: profile 'a': that is this section itself" },
		{ "[a]\nprofile = b c\n", "F:2: profile 'b c': it is the name of another" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct apps a = { 0 };
		struct err err = { 0 };

		if (apps_parse(cases[i].text, strlen(cases[i].text), "F", &a, &err) >= 0)
			fail_msg("taken: %s", cases[i].text);
		if (!strstr(err.text, cases[i].error))
			fail_msg("%s: it says '%s'", cases[i].text, err.text);
		apps_done(&a);
	}
}

/* Who asks for all of them gets each, and no key of a section that was not understood counts. */
static void test_all_mistakes(void **state)
{
	static const char text[] = "uplink = a\n[a\nuplink = b\n[b]\nlan = 3\nnonsense\n"
				   "uplnik = c\nname = ok\n[c]\n[d]\nname = good\n";
	static const char *const wanted[] = {
		"F:1: ", "F:2: ", "F:5: ", "F:6: ", "F:7: ", "F:9: "
	};
	struct conf_mistakes mistakes = { 0 };
	struct apps a = { 0 };

	(void)state;
	assert_int_equal(apps_parse_all(text, strlen(text), "F", &a, &mistakes), -EINVAL);
	assert_int_equal(mistakes.n, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < mistakes.n; i++)
		if (strncmp(mistakes.v[i].text, wanted[i], strlen(wanted[i])) != 0)
			fail_msg("it says '%s', not '%s'", mistakes.v[i].text, wanted[i]);
	conf_mistakes_done(&mistakes);
	apps_done(&a);
	a = (struct apps){ 0 };
	assert_int_equal(apps_parse_all("[d]\nname = x\n", 12, "F", &a, &mistakes), 0);
	assert_int_equal(mistakes.n, 0);
	apps_done(&a);
}

/* Whatever stands there: taken, or refused with its line. */
static void test_mutations(void **state)
{
	static const char text[] = "# x\n[steam]\nmatch = steam game\nuplink = wlp6s0,wwan\n"
				   "dns = 9.9.9.9\nlan = no\n[b]\nprofile = steam\n"
				   "separate-instance = --a=~/%u b\n";
	struct chance c = { 0x617070730001 };
	size_t refused = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct apps a = { 0 };
		struct err err = { 0 };
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		mutate(&c, copy, sizeof(text) - 1);
		if (apps_parse(copy, sizeof(text) - 1 - chance(&c, 3), "F", &a, &err) < 0) {
			refused++;
			if (strncmp(err.text, "F:", 2) != 0 || err.text[2] < '1' ||
			    err.text[2] > '9')
				fail_msg("no line: %s", err.text);
		}
		apps_done(&a);
	}
	assert_in_range(refused, 2000, 19999);
}

/* --- arguments ----------------------------------------------------------------------------- */

static void assert_arguments(const char *value, const char *uplinks, const char *joined)
{
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	const struct uplink_list list = list_of(uplinks);
	char have[512] = "";
	int n;

	n = app_separate_arguments(value, "/home/me", &list, &words, &bytes);
	assert_true(n >= 0);
	assert_null(words[n]);
	for (int i = 0; i < n; i++)
		snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s|", words[i]);
	assert_string_equal(have, joined);
}

static void test_arguments(void **state)
{
	(void)state;
	assert_arguments("", "wlp6s0", "");
	assert_arguments("--new", "wlp6s0", "--new|");
	assert_arguments("--p ~/d/%u/x --dir=~/%u a~/b ~ %x %", "wlp6s0",
			 "--p|/home/me/d/wlp6s0/x|--dir=/home/me/wlp6s0|a~/b|~|%x|%|");
	assert_arguments("-env:X=file://~/%u x//~/y", "a", "-env:X=file:///home/me/a|x//~/y|");
	assert_arguments("--d=%u", "ssid:a/../b c,wwan", "--d=ssid:a_.._b c,wwan|");
}

/* --- programs ------------------------------------------------------------------------------ */

#define ASSERT_PROGRAM(name, place, ...)                                                           \
	do {                                                                                       \
		const char *const words[] = { __VA_ARGS__, NULL };                                 \
		char program[APPS_PROGRAM_MAX];                                                    \
		assert_int_equal(apps_program((char *const *)words, program), place);              \
		assert_string_equal(program, name);                                                \
	} while (0)

static void test_program(void **state)
{
	(void)state;
	ASSERT_PROGRAM("steam", 0, "steam", "-x");
	ASSERT_PROGRAM("steam", 0, "/usr/games/steam");
	ASSERT_PROGRAM("kgx", 2, "dbus-run-session", "--", "kgx");
	ASSERT_PROGRAM("kgx", 4, "env", "A=b", "dbus-run-session", "--config-file=x", "kgx");
	ASSERT_PROGRAM("dbus-run-session", 0, "dbus-run-session", "--");
	ASSERT_PROGRAM("steam", 3, "env", "A=b", "C=", "/usr/bin/steam", "x=y");
	ASSERT_PROGRAM("steam", 5, "/usr/bin/env", "-i", "-u", "HOME", "--", "steam");
	ASSERT_PROGRAM("steam", 2, "env", "--unset=X", "steam");
	ASSERT_PROGRAM("steam", 3, "env", "A=b", "env", "steam");
	ASSERT_PROGRAM("env", 0, "env");
	ASSERT_PROGRAM("env", 0, "env", "A=b");
	ASSERT_PROGRAM("env", 0, "env", "-S", "steam x");
	ASSERT_PROGRAM("org.mozilla.firefox", 4, "/usr/bin/flatpak", "run", "--branch=stable",
		       "--command=firefox", "org.mozilla.firefox", "--new-window", "@@u");
	ASSERT_PROGRAM("org.mozilla.firefox", 2, "flatpak", "run",
		       "org.mozilla.firefox/x86_64/stable");
	ASSERT_PROGRAM("flatpak", 0, "flatpak", "list");
	ASSERT_PROGRAM("flatpak", 0, "flatpak", "run");
	ASSERT_PROGRAM("firefox", 4, "env", "BAMF=x", "snap", "run", "firefox");
	ASSERT_PROGRAM("firefox", 2, "env", "BAMF=x", "/snap/bin/firefox", "%u");
}

/* --- a look -------------------------------------------------------------------------------- */

static void put(const char *name, const char *text)
{
	_cleanup_close_ int fd =
		open(dir_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

#define MENTION(...) apps_mention((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static void test_mention(void **state)
{
	static char big[APPS_FILE_BYTES_MAX + 2];
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(setenv("XDG_CONFIG_HOME", dir_new(), 1), 0);
	assert_true(apps_dir(APPS_OWN, path));
	assert_string_equal(path, dir_path("via-iface/apps"));
	assert_false(MENTION("no-such-game"));
	assert_int_equal(mkdir(dir_path("via-iface"), 0755), 0);
	assert_int_equal(mkdir(dir_path("via-iface/apps"), 0755), 0);
	assert_false(MENTION("no-such-game"));
	put("via-iface/apps/x.conf", "[x]\nmatch = a no-such-game b\n");
	assert_true(MENTION("no-such-game"));
	assert_false(MENTION("no-such-game2"));
	assert_false(MENTION("no-such")); /* a word, and not a part of one */
	assert_false(MENTION("such-game"));
	assert_true(MENTION("/usr/games/no-such-game", "x"));
	assert_true(MENTION("sudo", "-u", "me", "nice", "no-such-game"));
	assert_false(MENTION("other", "no-such-game"));
	assert_int_equal(rename(dir_path("via-iface/apps/x.conf"),
				dir_path("via-iface/apps/x.conf~")),
			 0);
	assert_false(MENTION("no-such-game"));
	memset(big, '\n', sizeof(big) - 1);
	put("via-iface/apps/big.conf", big); /* who reads it will say that it is too large */
	assert_true(MENTION("no-such-game"));
	assert_int_equal(unlink(dir_path("via-iface/apps/big.conf")), 0);
	assert_int_equal(symlink("nowhere", dir_path("via-iface/apps/l.conf")), 0);
	assert_false(MENTION("no-such-game"));
	assert_int_equal(mkdir(dir_path("via-iface/apps/d.conf"), 0755), 0);
	assert_true(MENTION("no-such-game"));
	dir_remove();
	/* a relative one is not set */
	assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
	assert_int_equal(setenv("HOME", "/home/me", 1), 0);
	assert_true(apps_dir(APPS_OWN, path));
	assert_string_equal(path, "/home/me/.config/via-iface/apps");
	assert_int_equal(unsetenv("HOME"), 0);
	assert_false(apps_dir(APPS_OWN, path));
}

/* How many sections a launch of one word parses. */
static size_t parsed(const char *program, bool for_uplink, bool separate)
{
	char *argv[] = { (char *)program, NULL };
	const struct launch_options o = { .program = argv, .separate = separate };
	struct apps apps = { 0 };
	struct err err = { 0 };
	size_t n;

	if (apps_load_for(&o, for_uplink, &apps, &err) < 0)
		return SIZE_MAX;
	n = apps.n;
	apps_done(&apps);
	return n;
}

/* A file that does not have the program's name is not parsed, so what is wrong with it is not said.
 */
static void test_parsed_where_mentioned(void **state)
{
	size_t installed;

	(void)state;
	assert_int_equal(setenv("XDG_CONFIG_HOME", dir_new(), 1), 0);
	assert_int_equal(mkdir(dir_path("via-iface"), 0755), 0);
	assert_int_equal(mkdir(dir_path("via-iface/apps"), 0755), 0);
	installed = parsed("no-such-5", true, false);
	put("via-iface/apps/a.conf", "[a]\nmatch=no-such-1 no-such-2;no-such-3\nlan = no\n");
	put("via-iface/apps/b.conf", "[b]\nmatch : no-such-4\nprofile = a\n");
	assert_int_equal(parsed("no-such-1", false, false),
			 installed + 2); /* with what its section may refer to */
	assert_int_equal(parsed("no-such-3", false, false), installed + 2);
	assert_int_equal(parsed("no-such-4", false, false), installed + 2);
	assert_int_equal(parsed("no-such-5", false, false), 0);
	assert_int_equal(parsed("no-such-5", true, false), installed + 2);
	assert_int_equal(parsed("no-such-5", false, true), installed + 2);
	put("via-iface/apps/b.conf", "[b]\nmatch = no-such-5\nprofile = a\n");
	assert_int_equal(parsed("no-such-5", false, false), installed + 2);
	put("via-iface/apps/c.conf", "[broken\n");
	assert_int_equal(parsed("no-such-5", false, false), SIZE_MAX);
	assert_int_equal(parsed("no-such-6", false, false), 0);
	assert_int_equal(parsed("no-such-6", true, false), SIZE_MAX);
	assert_int_equal(parsed("no-such-6", false, true), 0);
	dir_remove();
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

/* --- what is installed --------------------------------------------------------------------- */

static void test_shipped(void **state)
{
	static const char *const files[] = { "chromium",    "firefox", "metered",     "outside",
					     "qbittorrent", "steam",   "transmission" };
	struct app a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[512], text[32768];
		_cleanup_close_ int fd = -1;
		ssize_t len;

		snprintf(path, sizeof(path), "%s/%s.conf", SHIPPED_APPS, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = read(fd, text, sizeof(text) - 1);
		assert_in_range(len, 1, sizeof(text) - 2);
		text[len] = 0;
		add(path, text);
	}
	a = find("firefox-esr");
	assert_string_equal(a.separate_instance, "--profile ~/.local/share/via-iface/%u/firefox");
	assert_false(a.separate_always);
	assert_string_equal(find("org.mozilla.firefox").separate_instance, "");
	assert_string_equal(find("com.valvesoftware.Steam").name, "steam");
	assert_false(find("qbittorrent").lan);
	assert_true(find("transmission-daemon").host_access);
	/* which uplinks there are is not ours to know: only the profile has one */
	for (size_t i = 0; i < all.n; i++)
		assert_int_equal(all.v[i].uplinks.n != 0, !strcmp(all.v[i].section, "metered"));
	add("own", "[mail]\nmatch = mutt\nprofile = metered\n");
	LIST_IS(find("mutt").uplinks, "wwan");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_add_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_profile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outside, setup, teardown),
		cmocka_unit_test(test_nothing_is_passed_over),
		cmocka_unit_test(test_all_mistakes),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_mention),
		cmocka_unit_test(test_parsed_where_mentioned),
		cmocka_unit_test_setup_teardown(test_shipped, setup, teardown),
	};

	return RUN_TESTS(tests);
}
