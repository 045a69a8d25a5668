/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface attach: a device and routes for a netns that exists already, such as a container's. It
 * is opened here, with the caller's rights; the daemon gets the descriptor and asks the kernel who
 * owns it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config.h"
#include "launch/agent.h"
#include "launch/daemon.h"
#include "launch/name.h"
#include "net/attached.h"
#include "verbs/attach.h"
#include "verbs/attach_dns.h"
#include "verbs/detach.h"
#include "verbs/verbs.h"
#include "verbs/wait.h"

/* A session's name where none is given: what the process is called. */
static void name_after(uint32_t pid, char ret[SESSION_NAME_MAX])
{
	char path[32], comm[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	n = file_start(AT_FDCWD, path, 0, comm, sizeof(comm));
	comm[n > 0 ? n - 1 : 0] = 0; /* its end is a newline */
	cli_default_name(comm, ret);
}

/* Without its files no program that is started there would ask the uplink's name servers. */
static void take_back(uint32_t id, int netns)
{
	union msg_request request;
	struct msg_reply reply;
	struct err err = { 0 };

	msg_request_init(&request, MSG_STOP);
	request.session.id = id;
	if (daemon_ask(&request, -1, &reply, &err) < 0 ||
	    attached_release(netns, VIA_RUNDIR, &err) < 0)
		program_fail(&err);
}

int attach_netns(const struct launch_options *o, int netns, struct msg_reply *ret, struct err *err)
{
	union msg_request request;
	int r;

	msg_request_init(&request, MSG_ATTACH);
	request.attach.request = o->request;
	r = agent_ask(&request, netns, !o->no_password, ret, err);
	if (r < 0)
		return r;
	r = attach_dns_write(o, netns, ret, err);
	if (r < 0)
		take_back(ret->id, netns);
	return r;
}

static int attach(struct launch_options *o, struct err *err)
{
	_cleanup_close_ int netns = -1;
	struct msg_reply reply;
	int r = o->netns ? netns_by_name(o->netns, &netns, err)
			 : netns_of_process(o->pid, &netns, err);

	if (r == 0)
		r = attach_dns_check(o, netns, err);
	if (r < 0)
		return r;
	if (o->given & GIVEN_NAME)
		name_claim(&o->request, geteuid());
	if (o->wait)
		r = wait_for_uplink(o, err);
	if (r == 0)
		r = attach_netns(o, netns, &reply, err);
	if (r == 0 && !o->quiet)
		text_print(stdout, "%s; `via-iface detach %s` takes it away\n", reply.text,
			   reply.name);
	return r;
}

int verb_attach(int argc, char *argv[])
{
	struct err err = { 0 };
	struct launch_options o;
	int r = cli_parse_attach(argc, argv, &o, &err);

	if (r == 0 && o.container)
		return attach_container(&o, &err) < 0 ? program_fail(&err) : 0;
	if (r == 0 && !o.request.name[0])
		name_after(o.pid, o.request.name);
	if (r == 0)
		r = attach(&o, &err);
	return r < 0 ? program_fail(&err) : 0;
}
