/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface netns: named network namespaces. Each is a session with --keep that no program began:
 * the daemon makes the netns and may leave it blocked (SESSION_PENDING), and this process, which is
 * root, gives it the name, as `ip netns add` does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/cli.h"
#include "etc/netns_files.h"
#include "etc/netns_name.h"
#include "launch/daemon.h"
#include "launch/name.h"
#include "net/kernel.h"
#include "verbs/netns_conf.h"
#include "verbs/stop.h"
#include "verbs/table.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

static int check_root(const char *what, const char *name, struct err *err)
{
	if (geteuid() == 0)
		return 0;
	return err_set(err, EPERM, "%s netns '%s': only root may", what, name);
}

static int stat_name(const char *name, struct stat *ret)
{
	char path[sizeof(NETNS_DIR) + 1 + SESSION_NAME_MAX];

	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	return lstat(path, ret);
}

/* --- add ------------------------------------------------------------------------------------- */

static int check_free(const char *name, struct err *err)
{
	struct stat st;

	if (stat_name(name, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "find " NETNS_DIR "/%s", name);
	err_set(err, EEXIST, "make netns '%s': " NETNS_DIR "/%s is there", name, name);
	return err_hint(err,
			"`via-iface netns list` shows whether it is one of these; "
			"`via-iface attach UPLINK --netns %s` gives another one an uplink",
			name);
}

/* Without its name nothing would hold the netns; the port goes at once, not with the kernel. */
static void take_back(uint32_t id)
{
	union msg_request request;
	struct msg_reply reply;
	struct err ignored = { 0 };

	msg_request_init(&request, MSG_STOP);
	request.session.id = id;
	daemon_ask(&request, -1, &reply, &ignored);
}

static int add(const struct launch_options *o, struct err *err)
{
	_cleanup_close_ int netns = -1;
	union msg_request request;
	struct msg_reply reply;
	int r;

	msg_request_init(&request, MSG_RUN);
	request.run.request = o->request;
	r = check_root("make", o->request.name, err);
	if (r == 0)
		r = check_free(o->request.name, err);
	if (r == 0 && !o->request.uplinks.n)
		r = netns_conf_read(&request.run.request, err);
	if (r == 0)
		r = request_check(&request.run.request, err);
	if (r < 0)
		return r;
	name_claim(&request.run.request, 0);
	ports_claim(&request.run.request, 0);
	r = daemon_ask_netns(&request, -1, &reply, &netns, err);
	if (r == 0 && netns < 0)
		r = err_set(err, EBADMSG, "make netns '%s': the daemon sent none", o->request.name);
	if (r < 0)
		return r;
	r = netns_name_add(netns, &reply, err);
	if (r < 0)
		take_back(reply.id);
	else if (!o->quiet)
		text_print(stdout, "%s; `via-iface netns del %s` removes it\n", reply.text,
			   reply.name);
	return r;
}

/* --- del ------------------------------------------------------------------------------------- */

/* The session with --keep of that name, root's first: of others root may have kept one (--user). */
static const struct session *find_kept(const struct facts *f, const char *name)
{
	const struct session *found = NULL;

	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];

		if (s->flags & SESSION_KEEP && !strcmp(s->name, name) && (!found || !s->uid))
			found = s;
	}
	return found;
}

static int no_such(const char *name, struct err *err)
{
	struct stat st;

	if (stat_name(name, &st) < 0) {
		err_set(err, ESRCH, "remove netns '%s': there is none", name);
		return err_hint(err, "`via-iface netns list` lists them");
	}
	err_set(err, ESRCH, "remove netns '%s': it was not made by via-iface", name);
	return err_hint(err, "`ip netns del %s` removes it", name);
}

static int del(const struct launch_options *o, struct err *err)
{
	const char *name = o->request.name;
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s;
	int r = check_root("remove", name, err);

	if (r == 0)
		r = observe_host(0, &f, err);
	if (r < 0)
		return r;
	s = find_kept(&f, name);
	if (!s)
		return no_such(name, err);
	r = netns_name_remove(name, s->netns, err);
	if (r >= 0)
		r = stop_remove_port(s, err);
	if (r < 0)
		return r;
	netns_files_remove(name, s->id, s->netns);
	if (!o->quiet)
		text_print(stdout, "netns '%s' is removed\n", name);
	return 0;
}

/* --- list ------------------------------------------------------------------------------------ */

static const struct table_column columns[] = {
	{ "NAME", .least = 8 },
	{ "ID", .right = true },
	{ "UPLINKS", .least = 8, .list = true },
	{ "UPLINK", .least = 6 },
	{ "STATE" },
	{ "NOTE", .least = 8 },
};

static void add_row(struct table *t, const struct session_view *v)
{
	char list[UPLINK_LIST_TEXT_MAX];
	const struct session *s = v->session;

	table_add(t, "%s", s->name);
	table_add(t, "%" PRIu32, s->id);
	table_add(t, "%s", uplink_list_format(&s->uplinks, list));
	table_add(t, "%s", s->slot ? s->uplink : "-");
	table_add(t, "%s", session_state_name(v->state));
	table_colour(t, view_state_colour(v->state));
	table_add(t, "%s", v->reason);
}

static int list(const struct launch_options *o, struct err *err)
{
	_cleanup_processes_ struct processes processes = { 0 };
	_cleanup_facts_ struct facts f = { 0 };
	struct json_object *array = o->json ? json_object_new_array() : NULL;
	struct terminal terminal = terminal_of_stdout(COLOR_AUTO);
	struct table t = { .of = columns, .columns = ARRAY_SIZE(columns) };
	int r = observe_host(OBSERVE_COUNTERS | OBSERVE_STOPS, &f, err);

	if (r == 0)
		r = processes_find(&processes, err);
	for (size_t i = 0; i < f.sessions.n && r == 0; i++) {
		const struct session *s = &f.sessions.v[i];
		struct session_view v;

		if (!(s->flags & SESSION_KEEP))
			continue;
		view_session(&f, s, &processes, geteuid() == 0, &v);
		if (o->json)
			json_object_array_add(array, json_session(&v));
		else
			add_row(&t, &v);
	}
	if (r == 0 && o->json)
		json_show(array);
	else if (r == 0 && !t.n)
		fputs("there is no netns of via-iface's\n", stdout);
	else if (r == 0 && table_print(&t, &terminal, stdout) < 0)
		r = err_set(err, ENOMEM, "print the list: out of memory");
	return r;
}

int verb_netns(int argc, char *argv[])
{
	static int (*const actions[])(const struct launch_options *, struct err *) = {
		[NETNS_ADD] = add,
		[NETNS_DEL] = del,
		[NETNS_LIST] = list,
	};
	enum netns_action action;
	struct launch_options o;
	struct err err = { 0 };
	int r = cli_parse_netns(argc, argv, &o, &action, &err);

	if (r == 0)
		r = actions[action](&o, &err);
	return r < 0 ? program_fail(&err) : 0;
}
