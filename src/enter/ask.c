/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enter/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config.h"
#include "enter/caps.h"
#include "enter/userns.h"
#include "ipc/ask.h"
#include "ipc/sock.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

/* What came along must be a netns. */
static int check_netns(int fd, struct err *err)
{
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return err_set(err, EBADMSG, "take over the session: the daemon sent no netns");
	return 0;
}

/*
 * In a user namespace that does not know root, root shows as nobody: there the daemon is asked to
 * bring the way out into a netns of ours, and an impostor could bring no more than none.
 */
static int check_peer(int fd, bool *ret_foreign, struct err *err)
{
	struct ucred peer = { 0 };
	int r = sock_peer(fd, &peer, err);

	if (r < 0)
		return r;
	*ret_foreign = peer.uid != 0 && userns_hides_root(peer.uid);
	if (peer.uid != 0 && !*ret_foreign)
		return err_set(err, EPERM,
			       "trust the daemon at " VIA_RUNDIR "/socket: it runs as uid %u, not "
			       "as root",
			       peer.uid);
	return 0;
}

/* *own is the netns of ours that the session is to be made in, once there is one; else -1. */
static int ask_once(const struct handover *h, int *own, struct answer *ret, struct err *err)
{
	_cleanup_close_ int fd = sock_connect(VIA_RUNDIR "/socket", err);
	struct msg_request request = h->request;
	bool foreign = false;
	int r = fd < 0 ? fd : check_peer(fd, &foreign, err);

	if (r == 0 && request.header.op == MSG_EXEC) {
		if (foreign || !caps_granted())
			return err_set(err, EPERM, "enter a session that runs: %s", caps_why_not());
		return ask_exchange(fd, &request, h->netns, &ret->reply, &ret->netns, err);
	}
	if (r == 0 && *own < 0 && (foreign || !caps_granted())) {
		if (h->verbose)
			fprintf(stderr, "via-iface: in a user namespace, since %s\n",
				caps_why_not());
		r = userns_enter(&request.request, own, err);
	}
	if (r < 0)
		return r;
	if (*own >= 0)
		request.header.op = MSG_RUN_IN;
	return ask_exchange(fd, &request, *own, &ret->reply, &ret->netns, err);
}

int ask(const struct handover *h, struct answer *ret, struct err *err)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };
	_cleanup_close_ int own = -1;

	for (int i = 0; i < ASK_TRIES; i++) {
		struct answer answer = { .netns = -1 };
		int r = ask_once(h, &own, &answer, err);

		if (r == 0 && answer.reply.status == MSG_OK && own < 0)
			r = check_netns(answer.netns, err);
		if (r == 0 && answer.reply.status == MSG_OK) {
			*ret = answer;
			return 0;
		}
		close_fd(&answer.netns);
		if (r < 0)
			return r;
		if (answer.reply.status != MSG_BUSY)
			return err_set(err, ECANCELED, "%s", answer.reply.text);
		nanosleep(&pause, NULL);
	}
	return err_set(err, EBUSY, "ask the daemon: it stayed busy for 5 s; try again");
}
