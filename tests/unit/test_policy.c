/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/policy.h"
#include "fds.h"
#include "list.h"
#include "mutate.h"
#include "unit.h"

static const char *dir;

static int setup(void **state)
{
	(void)state;
	dir = dir_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dir_remove();
	return 0;
}

static void put(const char *name, const char *text)
{
	_cleanup_close_ int fd =
		open(dir_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, 0644), 0);
}

static int parse(const char *text, struct access_policy *to, struct err *err)
{
	return policy_parse(text, strlen(text), "F", to, err);
}

/* --- text ---------------------------------------------------------------------------------- */

static void test_all_keys(void **state)
{
	_cleanup_policy_ struct access_policy p = { 0 };
	char globs[ACCESS_GLOBS_MAX];
	struct err err = { 0 };
	int r = parse("\xef\xbb\xbf# who\n"
		      "; sits here\n"
		      "\n"
		      "[ root , %root,@active,#4711 , %#42 ]   ; for these\r\n"
		      "uplinks = wlp*,  eth[0-9] ,, usb0 wifi ssid:My?Net* mac:00:1b:*\t; these\n"
		      "   lan = no\n"
		      "host-access=no\n"
		      "attach: no\n"
		      "\tsessions = 3\n"
		      "connections = 300\nrate = 10mbit/2mbit\n"
		      "[*] # the others\n"
		      "sessions = 0",
		      &p, &err);

	(void)state;
	if (r < 0)
		fail_msg("%s", err.text);
	assert_int_equal(p.n, 6);
	for (size_t i = 0; i < 5; i++) {
		const struct access_rule *rule = &p.v[i];

		assert_string_equal(rule->file, "F");
		assert_int_equal(rule->line, 4);
		assert_string_equal(access_globs_format(rule->uplinks, globs),
				    "wlp* eth[0-9] usb0 wifi ssid:My?Net* mac:00:1b:*");
		assert_false(rule->lan || rule->host_access || rule->attach);
		assert_int_equal(rule->sessions, 3);
		assert_int_equal(rule->connections, 300);
		assert_int_equal(rule->rates.down, 1250000);
		assert_int_equal(rule->rates.up, 250000);
	}
	assert_int_equal(p.v[0].who, ACCESS_USER);
	assert_string_equal(p.v[0].name, "root");
	assert_true(p.v[0].known && p.v[0].id == 0);
	assert_int_equal(p.v[1].who, ACCESS_GROUP);
	assert_string_equal(p.v[1].name, "%root");
	assert_true(p.v[1].known && p.v[1].id == 0);
	assert_int_equal(p.v[2].who, ACCESS_ACTIVE);
	assert_int_equal(p.v[3].who, ACCESS_USER);
	assert_true(p.v[3].known && p.v[3].id == 4711);
	assert_int_equal(p.v[4].who, ACCESS_GROUP);
	assert_true(p.v[4].known && p.v[4].id == 42);
	assert_int_equal(p.v[5].who, ACCESS_ANYBODY);
	assert_int_equal(p.v[5].line, 12);
	assert_string_equal(access_globs_format(p.v[5].uplinks, globs), "*");
	assert_true(p.v[5].lan && p.v[5].host_access && p.v[5].attach);
	assert_int_equal(p.v[5].sessions, 0);
}

/* As many patterns as there is room for: each is one, and nothing is behind them. */
static void test_longest_list(void **state)
{
	_cleanup_policy_ struct access_policy p = { 0 };
	const struct uplink_list yes = list_of("b,a"), no = list_of("c");
	char text[64 + ACCESS_GLOBS_MAX] = "[*]\nuplinks=", globs[ACCESS_GLOBS_MAX];
	const size_t first = strlen(text);
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 189; i++) /* with its key as long as a line may be */
		text[first + i] = (char)(i % 2 ? ' ' : i ? 'a' : 'b');
	assert_int_equal(parse(text, &p, &err), 0);
	assert_string_equal(access_globs_format(p.v[0].uplinks, globs), text + first);
	assert_true(access_covers(p.v[0].uplinks, &yes, 0));
	assert_true(access_covers(p.v[0].uplinks, &yes, 1));
	assert_false(access_covers(p.v[0].uplinks, &no, 0));
}

static void test_unknown_names_fit_nobody(void **state)
{
	_cleanup_policy_ struct access_policy p = { 0 };
	const struct access_subject s = { .uid = 0 + 1, .gid = 0 };
	const struct uplink_list list = list_of("wlp6s0");
	const struct access_question q = { .uplinks = &list };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(parse("[no-such-user, %no-such-group]\nuplinks=*\n", &p, &err), 0);
	assert_int_equal(p.n, 2);
	assert_false(p.v[0].known || p.v[1].known);
	assert_int_equal(access_decide(&p, &s, &q, &err), ACCESS_ASK);
}

static void test_nothing_is_passed_over(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "uplinks = *\n", "F:1: 'uplinks' stands before the first [section]" },
		{ "[alice]\n", "F:1: the section says nothing" },
		{ "# x\n[alice]\n\n[bob]\nlan=no\n", "F:2: the section says nothing" },
		{ "[alice]\nlan=no\n[bob]", "F:3: the section says nothing" },
		{ "[alice]\nuplink = *\n", "F:2: 'uplink' is not known" },
		{ "[alice]\nLAN = no\n", "F:2: 'LAN' is not known" },
		{ "[alice]\nuplinks\n", "F:2: it is neither '[WHO]' nor 'KEY = VALUE'" },
		{ "[alice]\nlan = no\n\nwhat is this\nlan = yes\n", "F:4: it is neither" },
		{ "[alice]\nuplinks =\n", "F:2: uplinks '': no uplink is named" },
		{ "[alice]\nuplinks = , ,\n", "F:2: uplinks ', ,': no uplink is named" },
		{ "[alice]\nuplinks = wlp* # spare\n",
		  "F:2: uplinks 'wlp* # spare': each must be" },
		{ "[alice]\nuplinks = a;b\n", "F:2: uplinks 'a;b': each must be" },
		{ "[alice]\nuplinks = wlp[0-9\n", "each must be an interface name" },
		{ "[alice]\nuplinks = eth0:1\n", "F:2: uplinks 'eth0:1': each must be" },
		{ "[alice]\nuplinks = /dev\n", "F:2: uplinks '/dev': each must be" },
		{ "[alice]\nlan = no\nlan = yes\n", "F:3: 'lan' is there twice" },
		{ "[alice]\nuplinks = wlp6s0\n  wwan0\n", "F:3: it is neither" },
		{ "[alice]\nlan = maybe\n", "F:2: lan 'maybe': it is yes or no" },
		{ "[alice]\nlan = \n", "F:2: lan '': it is yes or no" },
		{ "[alice]\nattach = true\n", "F:2: attach 'true': it is yes or no" },
		{ "[alice]\nhost-access = YES\n", "F:2: host-access 'YES': it is yes or no" },
		{ "[alice]\nsessions = 1021\n",
		  "F:2: sessions '1021': it is a number from 0 to 1020" },
		{ "[alice]\nrate = 0\n", "F:2: rate '0': it is DOWN or DOWN/UP" },
		{ "[alice]\nconnections = 15\n",
		  "F:2: connections '15': it is a number from 16 to 65536" },
		{ "[alice]\nconnections = 65537\n",
		  "F:2: connections '65537': it is a number from 16 to 65536" },
		{ "[alice]\nsessions = -1\n", "F:2: sessions '-1': it is a number" },
		{ "[alice]\nsessions = 4 5\n", "F:2: sessions '4 5': it is a number" },
		{ "[alice\nlan = no\n", "F:1: the section has no ']'" },
		{ "[alice] lan = no\n", "F:1: 'lan = no' stands behind the ']'" },
		{ "[]\nlan = no\n", "F:1: '' is neither a user, a %group, @active nor *" },
		{ "[alice,]\nlan = no\n", "F:1: '' is neither" },
		{ "[%]\nlan = no\n", "F:1: '%' is neither" },
		{ "[al*]\nlan = no\n", "F:1: 'al*' is neither" },
		{ "[[alice]\nlan = no\n", "F:1: '[alice' is neither" },
		{ "[@wheel]\nlan = no\n", "F:1: '@wheel' is not known; there is only @active" },
		{ "[#x]\nlan = no\n", "F:1: '#x': behind # stands a number" },
		{ "[%#4294967295]\nlan = no\n", "F:1: '%#4294967295': behind # stands a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_policy_ struct access_policy p = { 0 };
		struct err err = { 0 };

		if (parse(cases[i].text, &p, &err) >= 0)
			fail_msg("taken: %s", cases[i].text);
		if (!strstr(err.text, cases[i].error))
			fail_msg("%s: it says '%s'", cases[i].text, err.text);
	}
}

static void test_sizes(void **state)
{
	_cleanup_policy_ struct access_policy p = { 0 };
	struct err err = { 0 };
	char text[600];

	(void)state;
	/* longer than the buffers of inih, which would cut it */
	snprintf(text, sizeof(text), "[alice]\nlan = no\n[%0400d]\nlan = no\n", 0);
	assert_int_equal(parse(text, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "F:3: the line is longer than"));
	snprintf(text, sizeof(text), "[%060d]\nlan = no\n", 0);
	assert_int_equal(parse(text, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is longer than 47 bytes"));
	/* a list of short ones may be longer than a section name is to inih */
	access_policy_done(&p);
	snprintf(text, sizeof(text), "[%s%s%s%s]\nlan = no\n", "#1,#2,#3,#4,#5,#6,#7,",
		 "#10,#20,#30,#40,#50,#60,", "#10,#20,#30,#40,#50,#60,", "#4294967294");
	if (parse(text, &p, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(p.n, 20);
	assert_int_equal(p.v[19].id, 4294967294u);
	assert_int_equal(policy_parse("[*]\nlan=no\0\n", 13, "F", &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "F:2: there is a zero byte"));
}

/* Whatever stands there: taken or refused with its line. */
/* Users and groups come from here while that is set: the host's databases may be slow to ask. */
static bool own_databases;

struct passwd *__real_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name)
{
	static struct passwd alice = { .pw_uid = 1000 };

	if (!own_databases)
		return __real_getpwnam(name);
	return strcmp(name, "alice") ? NULL : &alice;
}

struct group *__real_getgrnam(const char *name);
struct group *__wrap_getgrnam(const char *name);
struct group *__wrap_getgrnam(const char *name)
{
	static struct group netdev = { .gr_gid = 28 };

	if (!own_databases)
		return __real_getgrnam(name);
	return strcmp(name, "netdev") ? NULL : &netdev;
}

static void test_mutations(void **state)
{
	static const char text[] = "# comment\n[alice, %netdev]\nuplinks = wlp* eth0 ; these\n"
				   "lan = no\n\n[*]\nsessions = 12\nattach = yes\n";
	struct chance c = { 0x706f6c6963790001 };
	size_t refused = 0;

	(void)state;
	own_databases = true;
	for (int i = 0; i < 20000; i++) {
		_cleanup_policy_ struct access_policy p = { 0 };
		struct err err = { 0 };
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		mutate(&c, copy, sizeof(text) - 1);
		if (policy_parse(copy, sizeof(text) - 1 - chance(&c, 3), "F", &p, &err) == 0)
			continue;
		refused++;
		if (strncmp(err.text, "F:", 2) != 0 || err.text[2] < '1' || err.text[2] > '9')
			fail_msg("no line: %s", err.text);
	}
	own_databases = false;
	assert_in_range(refused, 2000, 19999);
}

/* --- files --------------------------------------------------------------------------------- */

static void assert_broken(const char *text)
{
	_cleanup_policy_ struct access_policy p = { 0 };

	policy_load(dir, &p);
	if (!p.broken.code || !strstr(p.broken.text, text))
		fail_msg("it says '%s', not '%s'", p.broken.text, text);
	assert_int_equal(p.n, 0);
}

static void assert_names(const char *names)
{
	_cleanup_policy_ struct access_policy p = { 0 };
	char have[256] = "";

	policy_load(dir, &p);
	if (p.broken.code)
		fail_msg("%s", p.broken.text);
	for (size_t i = 0; i < p.n; i++)
		snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s ", p.v[i].name);
	assert_string_equal(have, names);
}

static void test_built_in(void **state)
{
	_cleanup_policy_ struct access_policy p = { 0 };

	(void)state;
	assert_names("@active %netdev %sudo %wheel ");
	policy_load(dir_path("nowhere"), &p);
	assert_int_equal(p.n, 4);
	assert_non_null(strstr(p.where, "the built-in policy (there is no "));
	assert_int_equal(p.v[0].sessions, 64);
	assert_true(p.v[0].lan && p.v[0].host_access && p.v[0].attach);
}

/* What is installed says the same as what is built in. */
static void test_shipped(void **state)
{
	_cleanup_policy_ struct access_policy shipped = { 0 }, p = { 0 };
	_cleanup_close_ int fd = open(SHIPPED_POLICY, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };
	char text[8192];
	ssize_t len = read(fd, text, sizeof(text));

	(void)state;
	assert_in_range(len, 1, sizeof(text) - 1);
	if (policy_parse(text, (size_t)len, "F", &shipped, &err) < 0)
		fail_msg("%s", err.text);
	policy_load(dir, &p);
	assert_int_equal(p.n, shipped.n);
	for (size_t i = 0; i < p.n; i++) {
		struct access_rule *a = &p.v[i], *b = &shipped.v[i];

		memcpy(a->file, b->file, sizeof(a->file));
		a->line = b->line;
		assert_memory_equal(a, b, sizeof(*a));
	}
}

static void test_drop_ins(void **state)
{
	(void)state;
	assert_int_equal(mkdir(dir_path("access.d"), 0755), 0);
	put("access.d/20-b.conf", "[#20]\nlan=no\n");
	put("access.d/10-a.conf", "[#10]\nlan=no\n[#11]\nlan=no\n");
	put("access.d/9.conf", "[#9]\nlan=no\n");
	put("access.d/not.conf.bak", "rubbish");
	put("access.d/.hidden.conf", "rubbish");
	assert_names("@active %netdev %sudo %wheel #10 #11 #20 #9 ");
	put("access.conf", "# nobody but\n[#1]\nlan=no\n");
	assert_names("#1 #10 #11 #20 #9 ");
	put("access.conf", "");
	assert_names("#10 #11 #20 #9 ");
	put("access.d/20-b.conf", "[#20]\nlan=perhaps\n");
	assert_broken("access.d/20-b.conf:2: lan 'perhaps'");
}

static void test_who_can_write(void **state)
{
	static const struct {
		mode_t mode;
		const char *error;
	} cases[] = {
		{ 0646, "everybody may write it; `chmod go-w " },
		{ 0664, "its group may write it" },
		{ 0666, "everybody may write it" },
	};

	(void)state;
	put("access.conf", "[*]\nlan=no\n");
	assert_int_equal(mkdir(dir_path("access.d"), 0755), 0);
	put("access.d/x.conf", "[*]\nlan=no\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(chmod(dir_path("access.conf"), cases[i].mode), 0);
		assert_broken(cases[i].error);
		assert_int_equal(chmod(dir_path("access.conf"), 0644), 0);
		assert_int_equal(chmod(dir_path("access.d/x.conf"), cases[i].mode), 0);
		assert_broken(cases[i].error);
		assert_int_equal(chmod(dir_path("access.d/x.conf"), 0600), 0);
	}
	assert_names("* * ");
	assert_int_equal(chmod(dir_path("access.d"), 0777), 0);
	assert_broken("access.d': everybody may write it");
	assert_int_equal(chmod(dir_path("access.d"), 0755), 0);
	assert_int_equal(chmod(dir, 0775), 0);
	assert_broken("its group may write it");
	assert_int_equal(chmod(dir, 0755), 0);
	assert_names("* * ");
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(dir_path("access.conf"), 1, 0), 0);
	assert_broken("it belongs to uid 1; `chown root: ");
	assert_int_equal(chown(dir_path("access.conf"), 0, 1), 0);
	assert_names("* * ");
}

static void test_what_is_no_file(void **state)
{
	static char big[POLICY_FILE_BYTES_MAX + 2];

	(void)state;
	put("elsewhere", "[*]\nlan=no\n");
	assert_int_equal(symlink("elsewhere", dir_path("access.conf")), 0);
	assert_broken("it is a symbolic link");
	assert_int_equal(unlink(dir_path("access.conf")), 0);
	assert_int_equal(symlink("nowhere", dir_path("access.conf")), 0);
	assert_broken("it is a symbolic link");
	assert_int_equal(unlink(dir_path("access.conf")), 0);
	assert_int_equal(mkdir(dir_path("access.conf"), 0755), 0);
	assert_broken("it is no regular file");
	assert_int_equal(rmdir(dir_path("access.conf")), 0);
	assert_int_equal(mkfifo(dir_path("access.conf"), 0644), 0);
	assert_broken("it is no regular file");
	assert_int_equal(unlink(dir_path("access.conf")), 0);
	memset(big, '\n', sizeof(big) - 1);
	put("access.conf", big);
	assert_broken("it is larger than 65536 bytes");
	big[POLICY_FILE_BYTES_MAX] = 0;
	put("access.conf", big);
	assert_names("");
	put("access.d", "a file");
	assert_broken("access.d': it is no directory");
}

/* Root reads everything, so somebody else tries. */
static void test_unreadable(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	put("access.conf", "[*]\nlan=no\n");
	assert_int_equal(chmod(dir_path("access.conf"), 0), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct access_policy p;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		policy_load(dir, &p);
		_exit(p.broken.code == EACCES &&
				      strstr(p.broken.text, "access.conf': Permission denied")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_too_many_files(void **state)
{
	(void)state;
	assert_int_equal(mkdir(dir_path("access.d"), 0755), 0);
	for (unsigned int i = 0; i <= POLICY_FILES_MAX; i++) {
		char name[32];

		snprintf(name, sizeof(name), "access.d/%u.conf", i);
		put(name, "");
	}
	assert_broken("it holds more than 64 files");
	assert_int_equal(unlink(dir_path("access.d/0.conf")), 0);
	assert_names("@active %netdev %sudo %wheel ");
}

static void test_changes_are_seen(void **state)
{
	struct policy p = { .dir = dir };
	size_t open = fds_open();
	uint64_t seen;

	(void)state;
	assert_int_equal(policy_now(&p)->n, 4);
	put("access.conf", "[#1]\nlan=no\n");
	assert_int_equal(policy_now(&p)->n, 1);
	seen = p.seen;
	assert_int_equal(policy_now(&p)->n, 1);
	assert_true(p.seen == seen);
	assert_int_equal(chmod(dir_path("access.conf"), 0666), 0);
	assert_true(policy_now(&p)->broken.code != 0);
	assert_int_equal(chmod(dir_path("access.conf"), 0644), 0);
	assert_int_equal(policy_now(&p)->broken.code, 0);
	assert_int_equal(mkdir(dir_path("access.d"), 0755), 0);
	put("access.d/a.conf", "[#2]\nlan=no\n");
	assert_int_equal(policy_now(&p)->n, 2);
	put("access.d/a.conf", "[#2]\nlan=no\n[#3]\nlan=no\n");
	assert_int_equal(policy_now(&p)->n, 3);
	assert_int_equal(unlink(dir_path("access.d/a.conf")), 0);
	assert_int_equal(policy_now(&p)->n, 1);
	assert_int_equal(fds_open(), open);
	policy_done(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all_keys),
		TEST(test_longest_list),
		TEST(test_unknown_names_fit_nobody),
		TEST(test_nothing_is_passed_over),
		TEST(test_sizes),
		TEST(test_mutations),
		TEST(test_built_in),
		TEST(test_shipped),
		TEST(test_drop_ins),
		TEST(test_who_can_write),
		TEST(test_what_is_no_file),
		TEST(test_too_many_files),
		TEST(test_unreadable),
		TEST(test_changes_are_seen),
	};
#undef TEST

	return RUN_TESTS(tests);
}
