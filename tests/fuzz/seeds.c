/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seeds DIRECTORY: writes the inputs that are messages of ours, DIRECTORY/TARGET/NAME. After a new
 * MSG_VERSION the old ones are refused at their first bytes, so run it again (tests/fuzz/record).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "launch/handover.h"
#include "model/ip.h"

static const char *top;

static void save(const char *target, const char *name, const void *bytes, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, target);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s", top, target, name);
	f = fopen(path, "we");
	if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static union msg_request request(void)
{
	union msg_request m;

	msg_request_init(&m, MSG_RUN);
	m.run.request.flags = SESSION_NO_LAN;
	m.run.request.mtu = 1400;
	m.run.request.owner = REQUEST_OWNER_SELF;
	uplink_list_parse("wlp6s0,enp7s0", &m.run.request.uplinks, NULL);
	strcpy(m.run.request.name, "steam");
	m.run.request.n_dns = 2;
	ip_parse("9.9.9.9", &m.run.request.dns[0]);
	ip_parse("2620:fe::fe", &m.run.request.dns[1]);
	return m;
}

static union msg_request move(void)
{
	union msg_request m;

	msg_request_init(&m, MSG_MOVE);
	m.move.id = 7;
	uplink_list_parse("ssid:My\\, Net,mac:02:00:00:00:00:01,wifi,wlp6s0", &m.move.uplinks,
			  NULL);
	return m;
}

static struct msg_reply reply(void)
{
	struct msg_reply m;

	msg_reply_init(&m, MSG_RUN);
	m.id = 7;
	strcpy(m.name, "steam-2");
	strcpy(m.text, "session 'steam-2' through wlp6s0, port viap7");
	m.dns.n = 2;
	ip_parse("10.209.0.1", &m.dns.servers[0]);
	ip_parse("fd00::1", &m.dns.servers[1]);
	strcpy(m.dns.domains, "lan example.org");
	return m;
}

/* As it lies in the memfd. */
static int handover(void)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 3", NULL };
	char *envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)"HOME=/root",
			 (char *)"EMPTY=", NULL };
	struct handover h = { .request = request(), .verbose = 1, .notify = -1, .report = -1 };
	char bytes[sizeof(h) + 256];
	struct err err = { 0 };
	_cleanup_close_ int fd = handover_write(&h, argv, envp, &err);
	ssize_t n = fd < 0 ? -1 : pread(fd, bytes, sizeof(bytes), 0);

	if (n < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	save("handover", "run", bytes, (size_t)n);
	return 0;
}

static struct msg_logged logged(void)
{
	struct msg_logged m;

	msg_logged_init(&m);
	m.entry = (struct log_entry){ .seq = 1, .time_us = 1, .event = EVENT_FAILOVER, .count = 1 };
	strcpy(m.entry.session, "steam");
	strcpy(m.entry.uplink, "wlp6s0");
	strcpy(m.entry.reason, "it has no carrier");
	return m;
}

int main(int argc, char *argv[])
{
	union msg_request ask = request(), other = move();
	struct msg_reply answer = reply();
	struct msg_logged entry = logged();

	if (argc != 2)
		return 2;
	top = argv[1];
	save("msg", "request", &ask, msg_request_size(ask.header.op));
	save("msg", "move", &other, msg_request_size(other.header.op));
	save("msg", "reply", &answer, sizeof(answer));
	save("msg", "logged", &entry, sizeof(entry));
	return handover();
}
