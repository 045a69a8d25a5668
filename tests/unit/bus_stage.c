/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "fds.h"
#include "scene.h"
#include "unit.h"

static pid_t bus_pid, fake_pid;
static int fake_fd = -1;

sd_bus *stage_connect(void)
{
	char address[PATH_MAX];
	sd_bus *bus = NULL;

	snprintf(address, sizeof(address), "unix:path=%s", dir_path("run/dbus/system_bus_socket"));
	if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 ||
	    sd_bus_set_bus_client(bus, true) < 0 || sd_bus_start(bus) < 0)
		abort();
	return bus;
}

void stage_emit(sd_bus *bus, const char *destination, const char *path, const char *interface,
		const char *property)
{
	sd_bus_message *m = NULL;

	if (sd_bus_message_new_signal(bus, &m, path, "org.freedesktop.DBus.Properties",
				      "PropertiesChanged") < 0 ||
	    (destination && sd_bus_message_set_destination(m, destination) < 0) ||
	    sd_bus_message_append(m, "sa{sv}as", interface, 1, property, "s", "x", 0) < 0 ||
	    sd_bus_send(bus, m, NULL) < 0 || sd_bus_flush(bus) < 0)
		abort();
	sd_bus_message_unref(m);
}

/* Serves until the test hangs up. */
static void serve(int fd, const struct stage_fake *fake)
{
	sd_bus *bus = stage_connect();
	bool mute = false;
	char order;

	if (sd_bus_add_fallback(bus, NULL, "/", fake->answer, NULL) < 0)
		abort();
	for (;;) {
		struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
					{ .fd = mute ? -1 : sd_bus_get_fd(bus),
					  .events = POLLIN } };

		while (!mute && sd_bus_process(bus, NULL) > 0)
			;
		if (poll(fds, 2, -1) < 0)
			abort();
		if (!fds[0].revents)
			continue;
		if (read(fd, &order, 1) != 1)
			_exit(0);
		if (order == 'h')
			mute = true;
		else
			fake->obey(bus, order);
		if (write(fd, &order, 1) != 1)
			_exit(0);
	}
}

void stage_order(const char *letters)
{
	for (; *letters; letters++) {
		char answer = 0;

		assert_int_equal(write(fake_fd, letters, 1), 1);
		assert_int_equal(read(fake_fd, &answer, 1), 1);
		assert_int_equal(answer, *letters);
	}
}

void stage_start_fake(const struct stage_fake *fake)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fake_pid = fork();
	assert_true(fake_pid >= 0);
	if (fake_pid == 0) {
		close(fds[0]);
		serve(fds[1], fake);
	}
	close(fds[1]);
	fake_fd = fds[0];
}

static void end(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static void write_config(void)
{
	FILE *f = fopen(dir_path("bus.conf"), "we");

	assert_non_null(f);
	fprintf(f,
		"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\""
		" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
		"<busconfig><listen>unix:path=%s</listen><auth>EXTERNAL</auth>\n"
		"<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>"
		"<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n",
		dir_path("run/dbus/system_bus_socket"));
	fclose(f);
}

/* Starts a bus and waits until it listens; false where there is no dbus-daemon. */
static bool start_bus(void)
{
	char config[PATH_MAX], byte;
	const char *argv[] = { "dbus-daemon",       config, "--nofork", "--nopidfile",
			       "--print-address=3", NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], r;

	snprintf(config, sizeof(config), "--config-file=%s", dir_path("bus.conf"));
	write_config();
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 3);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, dir_path("bus.log"),
					 O_WRONLY | O_CREAT | O_APPEND, 0600);
	r = posix_spawnp(&bus_pid, "dbus-daemon", &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (r == 0)
		assert_int_equal(read(fds[0], &byte, 1), 1); /* its address: it is ready */
	close(fds[0]);
	return r == 0;
}

void stage_stop_fake(void)
{
	close_fd(&fake_fd);
	end(&fake_pid);
}

void stage_hang_up(void)
{
	close_fd(&fake_fd);
}

void stage_stop_bus(void)
{
	end(&bus_pid);
}

/* The bus with the services that the letters name, or the end of the test. */
void stage(const struct stage_fake *fake, const char *letters)
{
	if (!start_bus()) {
		if (getenv("VIA_TEST_STRICT"))
			fail_msg("there is no dbus-daemon");
		skip();
	}
	stage_start_fake(fake);
	stage_order(letters);
}

bool stage_make_dirs(void)
{
	return mkdir(dir_path("run"), 0755) == 0 && mkdir(dir_path("run/dbus"), 0755) == 0;
}

const char *stage_join(const struct fact_dns *dns)
{
	static char text[DNS_SERVERS_MAX * IP_TEXT_MAX];
	char one[IP_TEXT_MAX];

	text[0] = 0;
	for (size_t i = 0; i < dns->n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, ip_format(&dns->servers[i], one));
	}
	return text;
}

/* Takes events until one counts; false when none does within ms. */
bool stage_changed(struct dns *dns, int64_t ms)
{
	int64_t end = clock_ms() + ms;
	struct pollfd fds[DNS_FDS];

	for (;;) {
		int64_t left = end - clock_ms();

		dns_poll(dns, fds);
		if (left < 0 || poll(fds, DNS_FDS, (int)left) <= 0)
			return false;
		if (dns_take_events(dns))
			return true;
	}
}

struct dns sources;
struct facts facts;

int stage_setup(void **state, const char *const *links, size_t n)
{
	struct err err = { 0 };

	*state = (void *)dir_new();
	if (!stage_make_dirs())
		return -1;
	scene_host(&facts);
	for (size_t i = 0; i < n; i++)
		scene_link(&facts, links[i]);
	if (dns_open(&sources, dir_path("."), &err) < 0)
		return -1;
	assert_int_equal(sources.wait_ms, QUICK_MS);
	sources.wait_ms = WAIT_MS; /* a busy machine answers late */
	return 0;
}

int stage_teardown(void **state)
{
	(void)state;
	dns_close(&sources);
	stage_stop_fake();
	stage_stop_bus();
	facts_done(&facts);
	dir_remove();
	return 0;
}

void stage_link_has(const char *name, const char *source, const char *servers, const char *domains)
{
	struct fact_dns dns = { 0 };
	struct err err = { 0 };

	if (dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(dns.index, facts_link(&facts, name)->index);
	assert_string_equal(dns.source, source);
	assert_string_equal(stage_join(&dns), servers);
	assert_string_equal(dns.domains, domains);
}

int64_t stage_link_has_none(const char *name, const char *why)
{
	int64_t start = clock_ms();
	struct fact_dns dns = { 0 };
	struct err err = { 0 };

	assert_int_equal(dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, &err),
			 -ENOENT);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in: %s", why, err.text);
	return clock_ms() - start;
}

int64_t stage_soon_has_none(const char *name, const char *why)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t ms = stage_link_has_none(name, why);

		least = ms < least ? ms : least;
	}
	return least;
}

void stage_leads(const char *name, const char *gateway, const char *gateway6)
{
	char text[IP_TEXT_MAX] = "", text6[IP_TEXT_MAX] = "";
	struct fact_dns dns = { 0 };

	dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, NULL);
	if (ip_is_set(&dns.gateway4))
		ip_format(&dns.gateway4, text);
	if (ip_is_set(&dns.gateway6))
		ip_format(&dns.gateway6, text6);
	assert_string_equal(text, gateway);
	if (gateway6)
		assert_string_equal(text6, gateway6);
}
