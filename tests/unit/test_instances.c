/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "launch/app_policy.h"
#include "launch/files.h"
#include "launch/instances.h"
#include "launch/outside.h"
#include "list.h"
#include "unit.h"

/* The policy as it is shipped. */
static struct apps shipped;

static int read_shipped(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct err err = { 0 };
	size_t len;

	(void)state;
	if (file_read(SHIPPED_APPS "/outside.conf", 65536, &text, &len, &err) < 0 ||
	    apps_parse(text, len, "outside.conf", &shipped, &err) < 0)
		fail_msg("%s", err.text);
	return 0;
}

static int drop_shipped(void **state)
{
	(void)state;
	apps_done(&shipped);
	return 0;
}

static const struct app_outside *kind(char *const argv[])
{
	const struct app *app = outside_section(&shipped, argv, NULL);

	return app ? &app->outside : NULL;
}

static const char *names_of(const char *program)
{
	char *const argv[] = { (char *)program, NULL };

	return outside_section(&shipped, argv, NULL)->match;
}

#define KIND(...) kind((char *const *)(const char *const[]){ __VA_ARGS__, NULL })
/* Who does the work of a command line instead; NULL: nobody that is known. */
#define WHO(...) (KIND(__VA_ARGS__) ? KIND(__VA_ARGS__)->who : NULL)

static void test_kinds(void **state)
{
	(void)state;
	assert_non_null(KIND("firefox"));
	assert_ptr_equal(KIND("/usr/bin/firefox-esr"), KIND("firefox"));
	assert_ptr_equal(KIND("./firefox", "https://example.org/"), KIND("firefox"));
	assert_ptr_equal(KIND("google-chrome"), KIND("/opt/google/chrome/chrome"));
	assert_ptr_not_equal(KIND("chromium"), KIND("google-chrome"));
	assert_non_null(KIND("steam"));
	assert_string_equal(KIND("steam")->advice, "");
	assert_int_equal(KIND("gnome-terminal")->how, APP_OUTSIDE_BUS);
	assert_int_equal(KIND("firefox")->how, APP_OUTSIDE_INSTANCE);
}

/* Two of these are two, so nothing is to be said about them. */
static void test_others(void **state)
{
	(void)state;
	assert_null(KIND("curl"));
	assert_null(KIND("sh"));
	assert_null(KIND("firefo"));
	assert_null(KIND("firefoxx"));
	assert_null(KIND("/firefox/curl"));
	assert_null(KIND("firefox/"));
	assert_null(KIND(""));
}

static void test_separated(void **state)
{
	(void)state;
	assert_null(KIND("firefox", "--new-instance"));
	assert_null(KIND("firefox", "https://example.org/", "-P", "spare"));
	assert_null(KIND("chromium", "--user-data-dir=/x"));
	assert_null(KIND("code", "--user-data-dir", "/x"));
	assert_null(KIND("qbittorrent", "--profile=/x"));
	assert_non_null(KIND("chromium", "--user-data-directory=/x"));
	assert_non_null(KIND("chromium", "user-data-dir"));
	assert_non_null(KIND("steam", "--user-data-dir=/x"));
}

/* How a program is started without its arguments, which would be handed over as well. */
static void test_plain_length(void **state)
{
#define PLAIN(...) outside_plain_length((char *const *)(const char *const[]){ __VA_ARGS__, NULL })
	(void)state;
	assert_int_equal(PLAIN("firefox", "https://example.org/"), 1);
	assert_int_equal(PLAIN("env", "A=b", "firefox", "x"), 3);
	assert_int_equal(PLAIN("timeout", "9", "firefox", "x"), 3);
	assert_int_equal(PLAIN("flatpak", "run", "--command=x", "org.example.App", "x"), 4);
	assert_int_equal(PLAIN("snap", "run", "firefox", "x"), 3);
}

/* Each section that says how a separate one is started fits no more once that is done. */
static void test_separate_is_enough(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < shipped.n; i++) {
		const struct app_outside *o = &shipped.v[i].outside;
		char text[3 * APP_WORDS_MAX], *rest = text;
		const char *words[64] = { NULL };
		size_t at = 0;

		if (!o->separate[0])
			continue;
		assert_true(app_outside_hands_over(o->how));
		if (!strncmp(o->separate, OUTSIDE_OWN_BUS, strlen(OUTSIDE_OWN_BUS)))
			continue;
		snprintf(text, sizeof(text), "%.*s %s %s", (int)strcspn(shipped.v[i].match, " "),
			 shipped.v[i].match, o->when, o->separate);
		while ((words[at] = strsep(&rest, " ")) && at < ARRAY_SIZE(words) - 1)
			at += words[at][0] != 0;
		words[at] = NULL;
		if (outside_section(&shipped, (char *const *)words, NULL))
			fail_msg("[%s]: '%s' does not separate it", shipped.v[i].section,
				 o->separate);
		n++;
	}
	assert_in_range(n, 20, 100);
}

/* Each of those that hand over their work, and what of them does it itself. */
static void test_servers(void **state)
{
	const char *advice;

	(void)state;
	assert_string_equal(WHO("docker", "run", "--rm", "debian"), "the Docker daemon");
	assert_string_equal(WHO("docker", "--context", "home", "container", "exec", "c", "sh"),
			    "the Docker daemon");
	advice = KIND("docker", "start", "c")->advice;
	assert_true(advice && strstr(advice, "attach"));
	assert_string_equal(KIND("docker", "pull", "debian")->advice, "");
	assert_null(KIND("docker", "ps"));
	assert_null(KIND("docker", "--version"));
	assert_non_null(WHO("podman", "exec", "-it", "c", "sh"));
	assert_non_null(WHO("podman", "container", "attach", "c"));
	assert_string_equal(WHO("podman", "--url", "x", "--remote", "run", "a"),
			    "the Podman service");
	assert_null(KIND("podman", "run", "debian", "curl", "--remote", "x"));
	assert_null(KIND("podman", "run", "debian"));
	assert_string_equal(WHO("systemd-run", "--user", "--unit", "x", "curl", "--scope"),
			    "systemd");
	assert_string_equal(WHO("systemd-run", "curl"), "systemd");
	assert_null(KIND("systemd-run", "--user", "--unit", "x", "--scope", "curl"));
	assert_null(KIND("systemd-run", "--scope", "curl"));
	assert_non_null(WHO("systemctl", "--user", "restart", "x"));
	assert_null(KIND("systemctl", "status", "x"));
	assert_non_null(WHO("flatpak-spawn", "--host", "curl"));
	assert_int_equal(KIND("flatpak", "run", "org.example.App")->how, APP_OUTSIDE_FLATPAK);
	assert_non_null(WHO("flatpak", "enter", "org.example.App", "sh"));
	assert_null(KIND("flatpak", "list"));
	assert_int_equal(KIND("tmux")->how, APP_OUTSIDE_TMUX);
	assert_int_equal(KIND("tmux", "-L", "via", "new")->how, APP_OUTSIDE_TMUX);
	assert_null(KIND("tmux", "ls"));
	assert_int_equal(KIND("tmux", "new", "-s", "ls")->how, APP_OUTSIDE_TMUX);
	assert_non_null(WHO("screen", "-x", "s"));
	assert_non_null(WHO("zellij", "attach", "s"));
	assert_null(KIND("zellij"));
	assert_non_null(WHO("machinectl", "shell", "box"));
	assert_non_null(WHO("lxc", "exec", "box", "sh"));
	assert_non_null(WHO("virsh", "start", "box"));
	assert_non_null(WHO("at", "now"));
	assert_null(KIND("at", "-l"));
	assert_non_null(WHO("xdg-open", "https://example.org/"));
	assert_non_null(WHO("gpg", "--recv-keys", "0x1"));
	assert_null(KIND("gpg", "--verify", "x"));
	assert_non_null(WHO("resolvectl", "query", "example.org"));
	assert_null(KIND("resolvectl", "status"));
	assert_int_equal(KIND("ssh", "host")->how, APP_OUTSIDE_SSH);
}

/* In a screen already, a new one opens a window of that, unless it is told not to. */
static void test_around(void **state)
{
	(void)state;
	unsetenv("STY");
	assert_null(KIND("screen"));
	assert_null(KIND("screen", "-S", "x"));
	setenv("STY", "1.tty", 1);
	assert_non_null(WHO("screen", "-S", "x"));
	assert_null(KIND("screen", "-m"));
	assert_null(KIND("screen", "-ls"));
	unsetenv("STY");
}

/* What stands in front of the program changes nothing. */
static void test_wrappers(void **state)
{
	char *const *at = NULL;
	char *const argv[] = {
		(char *)"sudo", (char *)"-u", (char *)"x", (char *)"A=b", (char *)"/usr/bin/docker",
		(char *)"run",  (char *)"y",  NULL
	};

	(void)state;
	assert_non_null(outside_section(&shipped, argv, &at));
	assert_ptr_equal(at, argv + 4);
	assert_non_null(WHO("env", "-u", "X", "A=b", "docker", "run", "x"));
	assert_non_null(WHO("nice", "-n", "5", "nohup", "docker", "run", "x"));
	assert_non_null(WHO("timeout", "-s", "KILL", "5", "docker", "run", "x"));
	assert_non_null(WHO("setsid", "--", "docker", "run", "x"));
	assert_non_null(KIND("snap", "run", "firefox"));
	assert_non_null(KIND("snap", "run", "--shell", "firefox"));
	assert_null(KIND("env", "-S", "docker run x"));
	assert_null(KIND("env", "A=b"));
	assert_null(KIND("env"));
	assert_null(KIND("sh", "-c", "docker run x"));
	assert_null(KIND("echo", "docker", "run", "x"));
	assert_null(KIND("dbus-run-session", "--", "gnome-terminal"));
	assert_string_equal(WHO("mpc", "play"), "mpd");
}

/* What is to be pasted is right for a shell, whatever the uplink is called. */
static void test_advice(void **state)
{
	char *const argv[] = { (char *)"docker", (char *)"exec", (char *)"box", NULL };
	const struct uplink_list list = list_of("ssid:My Net's,wlp6s0");
	struct outside_question q = { .apps = &shipped, .argv = argv, .scope.uplinks = &list };
	struct outside_found found;

	(void)state;
	assert_int_equal(outside_find_server(&q, &found), 1);
	assert_non_null(
		strstr(found.line.text, "--replace-route 'ssid:My Net'\\''s,wlp6s0' --pid "));
	q.scope.uplinks = NULL;
	assert_int_equal(outside_find_server(&q, &found), 1);
	assert_non_null(strstr(found.line.text, "would not use the session's uplink; "));
	assert_non_null(strstr(found.line.text, "--replace-route UPLINK --pid "));
}

static void test_is(void **state)
{
	const char *firefox = names_of("firefox");
	const char *terminal = names_of("gnome-terminal");
	const char *libre = names_of("libreoffice");

	(void)state;
	assert_true(instance_is(firefox, "firefox-esr", "GeckoMain"));
	assert_true(instance_is(firefox, "python3.11", "firefox"));
	assert_true(instance_is(firefox, "", "firefox"));
	assert_false(instance_is(firefox, "", ""));
	assert_false(instance_is(firefox, "bash", "firefo"));
	assert_false(instance_is(firefox, "firefox-bin2", "fire"));
	assert_true(instance_is(terminal, "", "gnome-terminal-")); /* cut off by the kernel */
	assert_true(instance_is(libre, "soffice.bin", "soffice.bin"));
}

/* A process that goes by that name, and a child of it that does, too. */
static pid_t start(const char *name, int *ret_pipe)
{
	int hold[2], told[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(hold) + pipe(told), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(hold[1]);
		prctl(PR_SET_NAME, name);
		if (fork() == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(told[1], "x", 1) != 1)
			_exit(1);
		_exit(read(hold[0], &c, 1) < 0);
	}
	close(hold[0]);
	close(told[1]);
	assert_int_equal(read(told[0], &c, 1), 1);
	assert_int_equal(read(told[0], &c, 1), 1);
	close(told[0]);
	*ret_pipe = hold[1];
	return pid;
}

static void test_find(void **state)
{
	const char *names = names_of("transmission-qt");
	int hold, status;
	pid_t pid;

	(void)state;
	assert_int_equal(instance_find(names, geteuid(), NULL), 0);
	pid = start("transmission-qt", &hold);
	assert_int_equal(instance_find(names, geteuid(), NULL), pid);
	assert_int_equal(instance_find(names, geteuid() + 1, NULL), 0);
	assert_int_equal(instance_find(names_of("transmission-gtk"), geteuid(), NULL), 0);
	close(hold);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* One that has ended and is not waited for is no instance. */
static void test_find_zombie(void **state)
{
	siginfo_t info;
	int hold;
	pid_t pid = start("tilix", &hold);

	(void)state;
	assert_int_equal(instance_find(names_of("tilix"), geteuid(), NULL), pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	close(hold);
	assert_int_not_equal(instance_find(names_of("tilix"), geteuid(), NULL), pid);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),        cmocka_unit_test(test_others),
		cmocka_unit_test(test_separated),    cmocka_unit_test(test_is),
		cmocka_unit_test(test_servers),      cmocka_unit_test(test_around),
		cmocka_unit_test(test_wrappers),     cmocka_unit_test(test_advice),
		cmocka_unit_test(test_plain_length), cmocka_unit_test(test_separate_is_enough),
		cmocka_unit_test(test_find),         cmocka_unit_test(test_find_zombie),
	};

	return cmocka_run_group_tests(tests, read_shipped, drop_shipped);
}
