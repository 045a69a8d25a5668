/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launch's side of --probe: two forks, as for the bus helper (bus_proxy.c), so that the program
 * finds no child that it did not make; then the prober is via-iface-verbs, which has the libraries
 * that this program must not wait for.
 */
#include "launch/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/parse.h"
#include "launch/program.h"

static int bad(const char *text, const char *why, struct err *err)
{
	return err_set(err, EINVAL,
		       "invalid --probe '%.80s': %s; say ADDR, ADDR:PORT or [ADDR6]:PORT", text,
		       why);
}

int probe_parse(const char *text, struct probe *ret, struct err *err)
{
	const char *end = text + strlen(text), *port = NULL, *start = text;
	const char *dot = strchr(text, '.'), *colon = strchr(text, ':');
	char address[IP_TEXT_MAX] = "";
	struct probe p = { 0 };
	uint32_t number = 0;

	if (*text == '[') {
		start = text + 1;
		end = strchr(text, ']');
		if (!end || end[1] != ':')
			return bad(text, "brackets are for an IPv6 address with a port", err);
		port = end + 2;
	} else if (dot && colon && dot < colon) { /* in an IPv6 address dots come last */
		end = colon;
		port = end + 1;
	}
	if ((size_t)(end - start) < sizeof(address))
		memcpy(address, start, (size_t)(end - start));
	if (ip_parse(address, &p.ip) < 0 || (start != text && p.ip.family != AF_INET6))
		return bad(text, "it names no IPv4 or IPv6 address", err);
	if (port && parse_u32(port, 1, UINT16_MAX, &number) < 0)
		return bad(text, "a port is a number from 1 to 65535", err);
	if (!ip_can_serve(&p.ip))
		return bad(text, "no server can be asked at this address", err);
	p.port = (uint16_t)number;
	*ret = p;
	return 0;
}

/* In the grandchild. Nothing of the caller's stays: no descriptor, directory, handler, variable. */
static void become_prober(const char *path, const char *text, int line, int next)
{
	char *argv[] = { (char *)path, (char *)"prober", (char *)text, NULL }, *envp[8];

	program_clean_environment(envp);
	/* out of the way of each other first */
	line = fcntl(line, F_DUPFD, PROBER_NEXT + 1);
	if (next >= 0)
		next = fcntl(next, F_DUPFD, PROBER_NEXT + 1);
	close(PROBER_NEXT);
	if (line < 0 || dup2(line, PROBER_LINE) < 0 || (next >= 0 && dup2(next, PROBER_NEXT) < 0) ||
	    detach_leave(PROBER_NEXT, 077) < 0)
		_exit(1);
	execve(path, argv, envp);
	_exit(1);
}

int probe_start(const char *text, int next, int *ret_notify, struct err *err)
{
	_cleanup_close_ int line = -1;
	char path[PATH_MAX];
	int r = program_find("via-iface-verbs", path, err);

	if (r < 0)
		return r;
	r = detach_fork_with_line(&line);
	if (r < 0)
		return err_errno(err, -r, "start the prober");
	if (r == 0)
		become_prober(path, text, line, next);
	r = detach_inherit(line);
	if (r < 0)
		return err_errno(err, -r, "keep a socket for via-iface-enter");
	*ret_notify = r;
	return 0;
}
