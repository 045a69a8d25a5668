/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface attach --container. What a container has in its netns is read through /proc/PID/net,
 * which everybody may (proc(5)): it decides what the device is called, and is told to the user.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "ipc/msg.h"
#include "launch/name.h"
#include "model/ip.h"
#include "verbs/attach.h"
#include "verbs/attach_dns.h"
#include "verbs/wait.h"

#define REJECT     0x0200 /* RTF_REJECT of linux/route.h, which net/if.h excludes */
#define ROUTES_MAX 4096   /* as many as the daemon reads of such a netns */

static FILE *open_net(pid_t pid, const char *name)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, name);
	return fopen(path, "re");
}

static bool has_device(pid_t pid, const char *name)
{
	FILE *f = open_net(pid, "dev");
	char line[512], device[IFNAMSIZ];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, " %15[^: ]:", device) == 1 && !strcmp(device, name);
	if (f)
		fclose(f);
	return found;
}

/* Its default route of IPv4 (net/ipv4/fib_trie.c:fib_route_seq_show()). */
static bool default_route(pid_t pid, char ret[ATTACH_ROUTE_MAX])
{
	FILE *f = open_net(pid, "route");
	char line[256], device[IFNAMSIZ], text[IP_TEXT_MAX];
	unsigned int dst, gateway, flags, mask;
	bool found = false;

	for (int i = 0; f && !found && i < ROUTES_MAX && fgets(line, sizeof(line), f); i++) {
		struct ip ip = { .family = AF_INET };

		if (sscanf(line, "%15s %8x %8x %x %*s %*s %*s %8x", device, &dst, &gateway, &flags,
			   &mask) != 5 ||
		    dst || mask || flags & REJECT)
			continue;
		memcpy(ip.bytes, &gateway,
		       sizeof(gateway)); /* it is printed as it lies in memory */
		snprintf(ret, ATTACH_ROUTE_MAX, "by %s%s%s", device, gateway ? " via " : "",
			 gateway ? ip_format(&ip, text) : "");
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* The same of IPv6 (net/ipv6/route.c:rt6_seq_show() and ipv6_route_seq_show()). */
static bool default_route6(pid_t pid, char ret[ATTACH_ROUTE_MAX])
{
	FILE *f = open_net(pid, "ipv6_route");
	char line[256], dst[33], device[IFNAMSIZ];
	unsigned int len, flags;
	bool found = false;

	for (int i = 0; f && !found && i < ROUTES_MAX && fgets(line, sizeof(line), f); i++)
		if (sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %x %15s", dst, &len, &flags,
			   device) == 4 &&
		    !len && strspn(dst, "0") == 32 && !(flags & REJECT) &&
		    strcmp(device, "lo") != 0) {
			snprintf(ret, ATTACH_ROUTE_MAX, "by %s", device);
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

static void choose_device(struct request *r, pid_t pid)
{
	char name[IFNAMSIZ] = "via";

	if (r->device[0] || !has_device(pid, SESSION_DEV))
		return;
	for (int i = 1; i < 10 && has_device(pid, name); i++)
		snprintf(name, sizeof(name), "via%d", i);
	memcpy(r->device, name, sizeof(name)); /* the daemon refuses one that is taken */
}

const char *attach_fill_in(struct launch_options *o, pid_t pid, char ret_route[ATTACH_ROUTE_MAX])
{
	ret_route[0] = 0;
	choose_device(&o->request, pid);
	o->request.flags |= SESSION_REPLACE_ROUTE;
	if (!default_route(pid, ret_route))
		default_route6(pid, ret_route);
	return ret_route;
}

/* Answers to who comes by a published port would leave by the container's own default route. */
static void tell(const struct launch_options *o, const struct container *c,
		 const struct msg_reply *reply, const char *route)
{
	char title[CONTAINER_NAME_MAX];

	if (o->quiet)
		return;
	text_print(stdout, "%s; `via-iface detach %s` takes it away\n", reply->text, reply->name);
	if (*route)
		text_print(stdout,
			   "container '%s' has a default route %s, which is not used until then\n",
			   container_title(&c->id, title), route);
	if (*route && c->ports[0])
		text_print(stderr,
			   "via-iface: warning: ports of container '%s' that are published (%s) "
			   "serve the networks that it is on, and others no more: answers to those "
			   "do not leave by them\n",
			   container_title(&c->id, title), c->ports);
}

static int attach_open(struct launch_options *o, const struct container *c, int netns,
		       struct msg_reply *ret, struct err *err)
{
	char title[CONTAINER_NAME_MAX], route[ATTACH_ROUTE_MAX];
	int r;

	o->pid = (uint32_t)c->pid;
	if (o->given & GIVEN_NAME)
		name_claim(&o->request, geteuid());
	else
		cli_default_name(container_title(&c->id, title), o->request.name);
	attach_fill_in(o, c->pid, route);
	r = attach_dns_check(o, netns, err);
	if (r == 0 && o->wait)
		r = wait_for_uplink(o, err);
	if (r == 0)
		r = attach_netns(o, netns, ret, err);
	if (r == 0)
		tell(o, c, ret, route);
	return r;
}

int attach_container(struct launch_options *o, struct err *err)
{
	_cleanup_close_ int netns = -1, process = -1;
	struct container c;
	struct msg_reply reply;
	struct stat st;
	int r = container_find(o->container, &c, err);

	if (r == 0 && o->follow)
		r = attach_may_follow(&c, err);
	if (r == 0)
		r = container_open(&c, &netns, &process, err);
	if (r == 0)
		r = attach_open(o, &c, netns, &reply, err);
	if (r < 0 || !o->follow)
		return r;
	memcpy(o->request.name, reply.name, sizeof(o->request.name));
	if (fstat(netns, &st) < 0)
		return err_errno(err, errno, "read the inode of the netns");
	close_fd(&netns); /* which would keep it */
	return attach_follow(o, &c, steal_fd(&process), st.st_ino, err);
}
