/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a launch meets before it has a session, by the functions that a launch calls: its programs,
 * the capability of via-iface-enter, the socket, the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_caps.h"
#include "base/files.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "config.h"
#include "ipc/ask.h"
#include "ipc/sock.h"
#include "launch/ambient.h"
#include "launch/daemon.h"
#include "launch/init.h"
#include "launch/program.h"
#include "verbs/doctor.h"

/* --- programs ------------------------------------------------------------------------------ */

/* userns_enter() makes these two; whether the caller may is for the kernel to say. */
static bool can_make_user_namespace(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 || status == 0;
}

/* Root needs none, and nobody else gets one where the file has none. */
static void check_capability(struct doctor_launch *l, const char *enter)
{
	const char *why = file_caps_why_not(enter);
	bool missing = !strcmp(why, FILE_CAPS_MISSING);
	_cleanup_strbuf_ struct strbuf word = { 0 };
	struct finding *f;

	if (geteuid() == 0 || (missing && file_caps_has_admin(enter)))
		return;
	if (missing)
		why = "it has no file capability cap_sys_admin";
	if (can_make_user_namespace()) {
		f = findings_add(l->findings, "enter-no-capability", SEVERITY_WARNING, enter);
		finding_text(f,
			     "start a session without a capability: %s: %s; each session gets a "
			     "user namespace: sudo and other set-id programs do not work in it, "
			     "and `via-iface exec` cannot add programs",
			     enter, why);
	} else {
		l->refused = true;
		f = findings_add(l->findings, "enter-not-possible", SEVERITY_ERROR, enter);
		finding_text(f,
			     "start a session: %s: %s, and this kernel allows you no user "
			     "namespace in its place",
			     enter, why);
	}
	if (missing)
		finding_fix(f, "`sudo setcap cap_sys_admin=p %s`", strbuf_word(&word, enter));
	else
		finding_fix(f, "start via-iface where that is not so");
}

static void check_programs(struct doctor_launch *l)
{
	char path[PATH_MAX];
	struct err err = { 0 };
	struct finding *f;

	if (program_find("via-iface-enter", path, &err) < 0) {
		l->refused = true;
		f = findings_add(l->findings, "program-missing", SEVERITY_ERROR, "via-iface-enter");
		finding_text(f, "%s", err.text);
	} else {
		check_capability(l, path);
	}
	if (ambient_check(&err) < 0) {
		l->refused = true;
		f = findings_add(l->findings, "ambient-capabilities", SEVERITY_ERROR, "process");
		finding_text(f, "%s", err.text);
	}
}

/* --- the daemon ---------------------------------------------------------------------------- */

struct uplink_list doctor_any_list(void)
{
	struct uplink_list any = { 0 };

	uplink_list_add(&any, "any");
	return any;
}

/*
 * A socket that another process listens on for the daemon (systemd.socket(5)) has that one as its
 * peer until the daemon is ready (lifecycle_notify_ready()); a daemon that has exited is started
 * again by it. Without a pid, of another pid namespace, nothing is known: a daemon is assumed.
 */
static bool is_being_started(pid_t pid)
{
	char path[32], name[32] = "";

	if (pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (file_start(AT_FDCWD, path, 0, name, sizeof(name)) <= 0)
		return kill(pid, 0) < 0 && errno == ESRCH;
	return strcmp(name, "via-ifaced\n") != 0;
}

/* For how many seconds an answer is waited for: while a daemon is started, as a launch waits. */
static int seconds_for(int fd)
{
	struct ucred peer = { 0 };

	if (sock_peer(fd, &peer, NULL) < 0 || !is_being_started(peer.pid))
		return DOCTOR_ANSWER_S;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "via-iface: waiting for via-ifaced, which is being started\n");
	return DOCTOR_START_S;
}

static int exchange(const union msg_request *request, struct msg_reply *ret, struct err *err)
{
	_cleanup_close_ int fd = ask_connect(DAEMON_SOCKET, err), none = -1;
	struct timeval limit = { 0 };
	int r;

	if (fd < 0)
		return fd;
	limit.tv_sec = seconds_for(fd);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return err_errno(err, errno, "limit the time of a socket");
	r = ask_exchange(fd, request, -1, ret, &none, err);
	return r == -ECONNRESET ? -EBADMSG : r; /* it closes what it does not understand */
}

int doctor_explain(const struct uplink_list *uplinks, uint32_t flags, uint32_t part,
		   struct msg_reply *ret, struct err *err)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };
	union msg_request request;
	int r = -EBUSY;

	*ret = (struct msg_reply){ 0 };
	msg_request_init(&request, MSG_EXPLAIN);
	request.explain.part = part;
	request.explain.flags = flags;
	request.explain.uplinks = *uplinks;
	for (int i = 0; i < ASK_TRIES; i++) {
		r = exchange(&request, ret, err);
		if (r < 0 || ret->status != MSG_BUSY)
			break;
		nanosleep(&pause, NULL);
		r = -EAGAIN;
	}
	if (r < 0)
		return r;
	if (ret->status != MSG_OK)
		r = err_set(err, EINVAL, "%s", ret->text);
	return r;
}

static pid_t daemon_pid(void)
{
	_cleanup_close_ int fd = sock_connect(DAEMON_SOCKET, NULL);
	struct ucred peer = { 0 };

	return fd >= 0 && sock_peer(fd, &peer, NULL) == 0 ? peer.pid : 0;
}

/* Where nothing starts services, root's launch starts the daemon: there it is no finding. */
static void tell_not_running(struct doctor_launch *l, const struct err *err)
{
	bool root = geteuid() == 0;
	enum init init = init_running();
	struct finding *f;

	init_start_command(init, l->heal, sizeof(l->heal));
	if (root && init == INIT_NONE)
		return;
	l->refused |= !root;
	f = findings_add(l->findings, "daemon-not-running",
			 root ? SEVERITY_WARNING : SEVERITY_ERROR, DAEMON_SOCKET);
	finding_text(f, "ask the daemon: %s: %s: via-ifaced is not running%s", DAEMON_SOCKET,
		     strerror(err->code),
		     root ? ": a run by root starts it, and until then nobody else can start a "
			    "session"
			  : "");
	finding_fix(f, "`%s`", l->heal);
}

/* To start it anew would only have it begin once more. */
static void tell_starting(struct doctor_launch *l)
{
	struct finding *f =
		findings_add(l->findings, "daemon-starting", SEVERITY_ERROR, DAEMON_SOCKET);

	l->refused = true;
	finding_text(f, "ask the daemon: %s: it is being started, and did not answer within %d s",
		     DAEMON_SOCKET, DOCTOR_START_S);
	if (init_running() == INIT_SYSTEMD)
		finding_fix(f, "its log says how far it is: `sudo journalctl -b -u "
			       "via-iface.service`");
	else
		finding_fix(f, "see the log of what listens on that socket for it");
}

static void tell_failure(struct doctor_launch *l, int r, const struct err *err)
{
	const char *id = r == -EAGAIN    ? "daemon-silent"
			 : r == -EBADMSG ? "daemon-other-version"
					 : "daemon-not-reachable";
	pid_t pid = daemon_pid();
	struct finding *f;

	if (r == -EAGAIN && is_being_started(pid)) {
		tell_starting(l);
		return;
	}
	l->refused = true;
	f = findings_add(l->findings, id, SEVERITY_ERROR, DAEMON_SOCKET);
	if (r == -EAGAIN)
		finding_text(f, "ask the daemon: %s: it did not answer within %d s", DAEMON_SOCKET,
			     DOCTOR_ANSWER_S);
	else if (r == -EBADMSG)
		finding_text(f,
			     "ask the daemon: %s: it does not understand via-iface %s: it is of "
			     "another version",
			     DAEMON_SOCKET, VIA_VERSION);
	else
		finding_text(f, "ask the daemon: %s: %s", DAEMON_SOCKET, err->text);
	if (r != -EAGAIN && r != -EBADMSG)
		return;
	init_restart_command(init_running(), pid, l->heal, sizeof(l->heal));
	finding_fix(f, "`%s`; sessions stay", l->heal);
}

static void tell_version(struct doctor_launch *l, const struct msg_reply *reply)
{
	char command[128];
	struct finding *f;

	if (!strcmp(reply->name, VIA_VERSION))
		return;
	f = findings_add(l->findings, "daemon-other-version", SEVERITY_WARNING, DAEMON_SOCKET);
	finding_text(f, "the daemon is via-ifaced %s, and this is via-iface %s", reply->name,
		     VIA_VERSION);
	init_restart_command(init_running(), daemon_pid(), command, sizeof(command));
	finding_fix(f, "`%s`; sessions stay", command);
}

static void check_daemon(struct doctor_launch *l)
{
	const struct uplink_list any = doctor_any_list();
	struct msg_reply reply;
	struct err err = { 0 };
	int r = doctor_explain(&any, 0, MSG_EXPLAIN_REASON, &reply, &err);

	l->answers = r == 0;
	if (r == 0) {
		tell_version(l, &reply);
		doctor_policy(l);
		return;
	}
	if (r == -ENOENT || r == -ECONNREFUSED)
		tell_not_running(l, &err);
	else
		tell_failure(l, r, &err);
	doctor_policy_files(l);
}

void doctor_launch(struct doctor_launch *l)
{
	check_programs(l);
	check_daemon(l);
	doctor_apps(l);
}
