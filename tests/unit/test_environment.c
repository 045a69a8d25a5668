/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "launch/environment.h"
#include "unit.h"

static void test_proxy_variables(void **state)
{
	(void)state;
	assert_true(proxy_variable("http_proxy=x"));
	assert_true(proxy_variable("HTTPS_PROXY=x"));
	assert_true(proxy_variable("all_proxy="));
	assert_true(proxy_variable("ftp_proxy=a=b"));
	assert_true(proxy_variable("NO_PROXY=x"));
	assert_true(proxy_variable("no_proxy=x"));
	assert_false(proxy_variable("http_proxy"));
	assert_false(proxy_variable("Http_Proxy=x"));
	assert_false(proxy_variable("http_proxy_=x"));
	assert_false(proxy_variable("my_http_proxy=x"));
	assert_false(proxy_variable("X=http_proxy=x"));
	assert_false(proxy_variable("=x"));
	assert_false(proxy_variable(""));
}

static void check_local(const char *value, const char *expected)
{
	char host[256] = "?";

	if (!proxy_is_local(value, host, sizeof(host)))
		fail_msg("'%s' is this host", value);
	assert_string_equal(host, expected);
}

static void test_local_proxies(void **state)
{
	static const char *const remote[] = {
		"",
		"http://",
		"http://:3128",
		"proxy.example:3128",
		"http://192.168.1.1:3128/",
		"http://10.0.0.127",
		"http://128.0.0.1",
		"http://[2001:db8::1]:3128",
		"http://[::1",
		"http://localhost@proxy.example/",
		"http://proxy.example/127.0.0.1",
		"http://notlocalhost",
		"http://localhost.example",
		"DIRECT",
	};
	char host[256];

	(void)state;
	check_local("localhost", "localhost");
	check_local("localhost:3128", "localhost");
	check_local("http://localhost:3128/", "localhost");
	check_local("HTTP://LocalHost", "LocalHost");
	check_local("http://localhost.localdomain:1", "localhost.localdomain");
	check_local("http://proxy.localhost:1", "proxy.localhost");
	check_local("socks5h://127.0.0.1:1080", "127.0.0.1");
	check_local("127.8.9.10:1", "127.8.9.10");
	check_local("127.1:1", "127.1");
	check_local("0.0.0.0:1", "0.0.0.0");
	check_local("http://user:pass@127.0.0.1:1/", "127.0.0.1");
	check_local("http://user:p@ss@127.0.0.1:1/", "127.0.0.1");
	check_local("http://[::1]:3128/", "::1");
	check_local("[::ffff:127.0.0.1]:3128", "::ffff:127.0.0.1");
	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		if (proxy_is_local(remote[i], host, sizeof(host)))
			fail_msg("'%s' is another host, or none", remote[i]);
	assert_false(proxy_is_local("localhost:1", host, 9)); /* does not fit */
	assert_true(proxy_is_local("localhost:1", host, 10));
}

static void test_displays(void **state)
{
	static const char *const tcp[] = { "localhost:10.0",   "localhost:10", "127.0.0.1:0",
					   "desk.example:0.0", "[::1]:1",      "tcp/desk:0",
					   "unixes:0" };
	static const char *const local[] = { ":0",       ":0.0",        "unix:0", "unix/desk:0",
					     "/tmp/x:0", "unix:/tmp/x", "",       "wayland-0" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tcp); i++)
		if (!display_is_tcp(tcp[i]))
			fail_msg("'%s' is reached by TCP", tcp[i]);
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		if (display_is_tcp(local[i]))
			fail_msg("'%s' is not reached by TCP", local[i]);
}

static void test_display_numbers(void **state)
{
	static const char *const none[] = { "",    ":",       "host:5", "/x:5", ":x",
					    ":5x", "unix/:5", "[::]:5", ":-1",  ":99999999" };
	unsigned int n = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (display_number(none[i], &n))
			fail_msg("'%s' has a number", none[i]);
	assert_int_equal(n, 77);
	assert_true(display_number(":5", &n) && n == 5);
	assert_true(display_number(":12.1", &n) && n == 12);
	assert_true(display_number("unix:0", &n) && n == 0);
}

static void test_abstract_variables(void **state)
{
	(void)state;
	assert_true(abstract_variable("NOTIFY_SOCKET=@x"));
	assert_false(abstract_variable("NOTIFY_SOCKET=/run/x"));
	assert_false(abstract_variable("NOTIFY_SOCKET=vsock:2:1"));
	assert_true(abstract_variable("SESSION_MANAGER=local/h:@/tmp/.ICE-unix/7"));
	assert_true(abstract_variable("SESSION_MANAGER=local/h:@/a,local/h:@/b"));
	assert_false(abstract_variable("SESSION_MANAGER=local/h:@/a,unix/h:/a"));
	assert_false(abstract_variable("SESSION_MANAGER="));
	assert_false(abstract_variable("OTHER=@x"));
	assert_false(abstract_variable("NOTIFY_SOCKET"));
}

/* --- the environment as it is handed over --------------------------------------------------- */

/* What is written to standard error meanwhile, if anything. */
struct hush {
	int saved, file;
};

static struct hush hush_start(void)
{
	struct hush h = { .saved = fcntl(2, F_DUPFD_CLOEXEC, 3),
			  .file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) };

	assert_true(h.saved >= 0 && h.file >= 0);
	fflush(stderr);
	assert_int_equal(dup2(h.file, 2), 2);
	return h;
}

static void hush_end(struct hush *h, char *text, size_t size)
{
	ssize_t n;

	fflush(stderr);
	assert_int_equal(dup2(h->saved, 2), 2);
	close(h->saved);
	n = pread(h->file, text, size - 1, 0);
	assert_true(n >= 0);
	text[n] = 0;
	close(h->file);
}

/* Prepares a launch in this environment; what is said goes to text, which is 1024 bytes. */
static struct environment prepare(char *env[], const struct launch_options *given, char *text)
{
	char *program[] = { (char *)"curl", NULL };
	struct launch_options o = *given;
	const struct handover_user nobody = { 0 };
	struct environment s;
	struct err err = { 0 };
	char **saved = environ;
	struct hush hush = hush_start();
	int r;

	o.program = program;
	environ = env;
	r = environment_prepare(&o, &nobody, &s, &err);
	environ = saved;
	if (r == 0)
		environment_warn(&s, &o, &(const struct err){ 0 });
	hush_end(&hush, text, 1024);
	if (r < 0)
		fail_msg("%s", err.text);
	return s;
}

static void check_env(char *env[], const struct launch_options *o, const char *const expected[],
		      const char *said)
{
	char text[1024];
	struct environment s = prepare(env, o, text);
	size_t i = 0;

	for (; expected[i]; i++)
		assert_string_equal(s.envp[i] ? s.envp[i] : "(end)", expected[i]);
	assert_null(s.envp[i]);
	assert_int_equal(s.notify, -1);
	if (said ? !strstr(text, said) : text[0])
		fail_msg("said: '%s'", text);
	environment_done(&s);
}

#define ENV(...) ((char **)(const char *[]){ __VA_ARGS__, NULL })

static void test_same_environment(void **state)
{
	const struct launch_options plain = { 0 };
	char **env = ENV("B=1", "A=2", "B=3", "odd", "=odder", "", "http_proxy=http://proxy:1",
			 "DBUS_SESSION_BUS_ADDRESS=unix:path=/x", "DISPLAY=:0");

	(void)state;
	check_env(env, &plain, (const char *const *)env, NULL);
	check_env(ENV(NULL), &plain, (const char *const *)ENV(NULL), NULL);
}

static void test_no_proxy_env(void **state)
{
	const struct launch_options o = { .no_proxy_env = true };

	(void)state;
	check_env(ENV("A=1", "http_proxy=http://127.0.0.1:1", "HTTP_PROXY=x", "https_proxy=x",
		      "B=2", "ALL_PROXY=x", "no_proxy=x", "ftp_proxy=x", "A=3", "rsync_proxy=x"),
		  &o, (const char *const[]){ "A=1", "B=2", "A=3", "rsync_proxy=x", NULL }, NULL);
}

static void test_warnings(void **state)
{
	const struct launch_options plain = { 0 }, quiet = { .quiet = true };
	char **env = ENV("http_proxy=http://me:secret@127.0.0.1:3128", "no_proxy=localhost",
			 "HTTPS_PROXY=localhost:1");
	char text[1024];
	struct environment s;

	(void)state;
	s = prepare(env, &plain, text);
	assert_non_null(strstr(text, "http_proxy, HTTPS_PROXY is at '127.0.0.1'"));
	assert_non_null(strstr(text, "--no-proxy-env"));
	assert_null(strstr(text, "secret"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	environment_done(&s);
	check_env(env, &quiet, (const char *const *)env, NULL);
	env = ENV("DISPLAY=localhost:10.0");
	check_env(env, &plain, (const char *const *)env, "DISPLAY is 'localhost:10.0'");
	check_env(env, &quiet, (const char *const *)env, NULL);
}

/* Nothing is started where there is no program to start, and the variable stays. */
static void test_proxy_missing(void **state)
{
	const struct launch_options plain = { 0 }, quiet = { .quiet = true };
	char **env = ENV("PATH=/nonexistent", "IBUS_ADDRESS=unix:abstract=x");

	(void)state;
	check_env(env, &plain, (const char *const *)env, "install the package xdg-dbus-proxy");
	check_env(env, &quiet, (const char *const *)env, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_variables),    cmocka_unit_test(test_local_proxies),
		cmocka_unit_test(test_displays),           cmocka_unit_test(test_same_environment),
		cmocka_unit_test(test_no_proxy_env),       cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_proxy_missing),      cmocka_unit_test(test_display_numbers),
		cmocka_unit_test(test_abstract_variables),
	};

	return RUN_TESTS(tests);
}
