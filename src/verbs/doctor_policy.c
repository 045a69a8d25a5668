/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the access policy and the app policy say about the caller, and what is wrong in their files.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config.h"
#include "launch/apps_apply.h"
#include "launch/program.h"
#include "model/session.h"
#include "plan/uplink.h"
#include "verbs/doctor.h"

#define UPLINKS_ASKED 64 /* about as many interfaces as a person can read of */

/* --- files --------------------------------------------------------------------------------- */

/* "FILE:LINE" in front of a mistake, or what is in its quotes. */
static void place_of(const char *text, char ret[OBJECT_NAME_MAX])
{
	const char *end = strstr(text, ": "), *quote = strchr(text, '\'');

	if (end && end > text && isdigit((unsigned char)end[-1])) {
		snprintf(ret, OBJECT_NAME_MAX, "%.*s", (int)(end - text), text);
		return;
	}
	snprintf(ret, OBJECT_NAME_MAX, "%.*s", quote ? (int)strcspn(quote + 1, "'") : 0,
		 quote ? quote + 1 : "");
}

/* A command that the mistake proposes itself, for root's file; else to edit the line. */
static void mend(struct finding *f, const char *place, const char *command, bool root)
{
	const char *colon = strrchr(place, ':');
	_cleanup_strbuf_ struct strbuf word = { 0 };
	char path[OBJECT_NAME_MAX];

	if (command)
		finding_fix(f, "`sudo %.*s`", (int)strcspn(command, "`"), command);
	else if (colon) {
		snprintf(path, sizeof(path), "%.*s", (int)(colon - place), place);
		finding_fix(f, "correct line %s: `%s %s`", colon + 1,
			    root ? "sudoedit" : "${EDITOR:-vi}", strbuf_word(&word, path));
	}
}

static void tell_mistake(struct findings *ret, const char *id, enum severity severity,
			 const char *text, const char *what, bool root)
{
	const char *hint = strstr(text, "; `");
	char place[OBJECT_NAME_MAX];
	struct finding *f;

	place_of(text, place);
	f = findings_add(ret, id, severity, place);
	finding_text(f, "%s: %.*s", what, hint ? (int)(hint - text) : INT_MAX, text);
	mend(f, place, hint ? hint + 3 : NULL, root);
}

static void tell_access_mistake(struct doctor_launch *l, const char *text)
{
	bool root = geteuid() == 0;

	l->refused |= !root;
	tell_mistake(l->findings, "access-policy-mistake", root ? SEVERITY_WARNING : SEVERITY_ERROR,
		     text, "read the access policy, without which only root may start sessions",
		     true);
}

void doctor_policy_files(struct doctor_launch *l)
{
	char path[PATH_MAX], line[ERR_TEXT_MAX + 2];
	int fds[2], status;
	FILE *out;
	pid_t pid;

	if (geteuid() != 0 || program_find("via-ifaced", path, NULL) < 0 || pipe(fds) < 0)
		return; /* files that root alone may read are no mistake */
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execl(path, "via-ifaced", "--check", (char *)NULL);
		_exit(EXIT_VIA_NOT_FOUND);
	}
	close(fds[1]);
	out = fdopen(fds[0], "r");
	while (pid > 0 && out && fgets(line, sizeof(line), out)) {
		line[strcspn(line, "\n")] = 0;
		tell_access_mistake(l, line);
	}
	if (out)
		fclose(out);
	else
		close(fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

void doctor_apps(struct doctor_launch *l)
{
	struct conf_mistakes mistakes = { 0 };
	char own[PATH_MAX];
	bool has_own = apps_dir(APPS_OWN, own);

	apps_mistakes(&mistakes);
	for (size_t i = 0; i < mistakes.n; i++)
		tell_mistake(l->findings, "app-policy-mistake", SEVERITY_ERROR, mistakes.v[i].text,
			     "read the app policy, without which programs that it names do not "
			     "start",
			     !has_own || strncmp(mistakes.v[i].text, own, strlen(own)) != 0);
	conf_mistakes_done(&mistakes);
}

/* --- the caller ---------------------------------------------------------------------------- */

static bool in_group_now(gid_t gid)
{
	int n = getgroups(0, NULL);
	_cleanup_free_ gid_t *groups = calloc(n > 0 ? (size_t)n : 1, sizeof(*groups));

	n = groups ? getgroups(n, groups) : -1;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return getegid() == gid;
}

/* The group database has the user in it, and this login began before that. */
static bool is_for_next_login(const char *user, const char *group)
{
	const struct group *gr = getgrnam(group);

	if (!gr || in_group_now(gr->gr_gid))
		return false;
	for (char *const *name = gr->gr_mem; *name; name++)
		if (!strcmp(*name, user))
			return true;
	return false;
}

bool doctor_polkit_asks(void)
{
	return access("/run/dbus/system_bus_socket", F_OK) == 0 &&
	       access("/usr/share/polkit-1/actions/org.via_iface.policy", F_OK) == 0 &&
	       access("/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service",
		      F_OK) == 0;
}

/* A section as printf(1) writes it, into a file that is read behind all others. */
static void propose_section(struct finding *f, const char *user, const char *section)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };

	for (; *section; section++)
		strbuf_add(&text, *section == '\n' ? "\\n" : "%c", *section);
	finding_fix(f,
		    "`printf '%s' | sudo install -D -m 644 /dev/stdin " VIA_SYSCONFDIR
		    "/access.d/zz-%s.conf`",
		    strbuf_text(&text), user);
}

static void propose(struct finding *f, const char *user, const char *remedy)
{
	if (remedy[0] == '%')
		finding_fix(f, "`sudo usermod -aG %s %s`, then log out and in again", remedy + 1,
			    user);
	else if (remedy[0])
		propose_section(f, user, remedy);
	else
		finding_fix(f, "ask the administrator to change that");
}

static void tell_no_section(struct doctor_launch *l, const char *user, const char *reason,
			    const char *remedy)
{
	bool asks = doctor_polkit_asks();
	struct finding *f;

	l->refused |= !asks;
	if (remedy[0] == '%' && is_for_next_login(user, remedy + 1)) {
		f = findings_add(l->findings, "group-not-in-login",
				 asks ? SEVERITY_WARNING : SEVERITY_ERROR, remedy + 1);
		finding_text(f,
			     "use an uplink as %s: you are a member of group '%s', but this login "
			     "began before that",
			     user, remedy + 1);
		finding_fix(f, "log out and in again; in one terminal: `newgrp %s`", remedy + 1);
		return;
	}
	f = findings_add(l->findings, "no-section", asks ? SEVERITY_WARNING : SEVERITY_ERROR, user);
	finding_text(f, "use an uplink as %s: %.*s%s", user, (int)strcspn(reason, ";"), reason,
		     asks ? "; each launch asks for an administrator's password" : "");
	propose(f, user, remedy);
}

static void tell_forbidden(struct doctor_launch *l, const char *user,
			   const struct uplink_list *uplinks, bool hard, const char *reason,
			   const char *remedy)
{
	char text[UPLINK_LIST_TEXT_MAX];
	const char *list = uplink_list_format(uplinks, text);
	struct msg_reply reply;
	bool lan = doctor_explain(uplinks, SESSION_NO_LAN, MSG_EXPLAIN_REASON, &reply, NULL) == 0 &&
		   reply.id == MSG_ALLOWED;
	struct finding *f;

	if (lan) {
		f = findings_add(l->findings, "no-lan-required", SEVERITY_WARNING, list);
		finding_text(f, "use uplink '%s' as %s: %.*s", list, user,
			     (int)strcspn(reason, ";"), reason);
		finding_fix(f, "`via-iface --no-lan %s -- PROGRAM`", list);
		return;
	}
	f = findings_add(l->findings, "uplink-forbidden", hard ? SEVERITY_ERROR : SEVERITY_INFO,
			 list);
	finding_text(f, "use uplink '%s' as %s: %.*s", list, user, (int)strcspn(reason, ";"),
		     reason);
	propose(f, user, remedy);
}

static void tell_too_many(struct doctor_launch *l, const char *user, const char *reason)
{
	struct finding *f = findings_add(l->findings, "too-many-sessions", SEVERITY_ERROR, user);

	l->refused = true;
	finding_text(f, "start a session as %s: %.*s", user, (int)strcspn(reason, ";"), reason);
	finding_fix(f, "end one of them: `via-iface list`, `via-iface stop SESSION`");
}

/* True when the answer would be the same for every other uplink. */
static bool tell_answer(struct doctor_launch *l, const struct uplink_list *list, bool hard,
			const struct msg_reply *reason)
{
	const struct passwd *pw = getpwuid(geteuid());
	struct msg_reply remedy = { 0 };
	char user[64];

	if (pw)
		snprintf(user, sizeof(user), "%.60s", pw->pw_name);
	else
		snprintf(user, sizeof(user), "uid %u", geteuid());
	if (doctor_explain(list, 0, MSG_EXPLAIN_REMEDY, &remedy, NULL) < 0 ||
	    remedy.id != reason->id)
		remedy.text[0] = 0;
	switch ((enum msg_allowed)reason->id) {
	case MSG_ALLOWED:
	case MSG_POLICY_BROKEN: /* its mistakes are findings of their own */
		break;
	case MSG_NO_SECTION:
		tell_no_section(l, user, reason->text, remedy.text);
		return true;
	case MSG_FORBIDDEN:
		tell_forbidden(l, user, list, hard, reason->text, remedy.text);
		break;
	case MSG_TOO_MANY:
		tell_too_many(l, user, reason->text);
		return true;
	}
	return false;
}

static void check_mistakes(struct doctor_launch *l)
{
	const struct uplink_list any = doctor_any_list();
	struct msg_reply reply;

	for (uint32_t i = 0; i < CONF_MISTAKES_MAX; i++) {
		if (doctor_explain(&any, 0, MSG_EXPLAIN_MISTAKE + i, &reply, NULL) < 0 ||
		    !reply.text[0])
			return;
		tell_access_mistake(l, reply.text);
	}
}

/* Of all that can serve: the caller needs to be allowed one of them. */
static void check_each_uplink(struct doctor_launch *l)
{
	struct {
		struct uplink_list list;
		struct msg_reply reply;
	} *asked = calloc(UPLINKS_ASKED, sizeof(*asked));
	size_t n = 0, allowed = 0;

	for (size_t i = 0; asked && i < l->facts->links.n && n < UPLINKS_ASKED; i++) {
		const struct fact_link *link = &l->facts->links.v[i];

		if (uplink_serves(l->facts, link->name, 0) != UPLINK_USABLE ||
		    uplink_list_add(&asked[n].list, link->name) < 0 ||
		    doctor_explain(&asked[n].list, 0, MSG_EXPLAIN_REASON, &asked[n].reply, NULL) <
			    0)
			continue;
		allowed += asked[n].reply.id == MSG_ALLOWED;
		n++;
	}
	l->refused |= n && !allowed;
	for (size_t i = 0; i < n; i++)
		if (asked[i].reply.id != MSG_ALLOWED &&
		    tell_answer(l, &asked[i].list, !allowed, &asked[i].reply))
			break;
	free(asked);
}

void doctor_policy(struct doctor_launch *l)
{
	struct msg_reply reply;

	check_mistakes(l);
	if (!l->uplinks) {
		check_each_uplink(l);
	} else if (doctor_explain(l->uplinks, 0, MSG_EXPLAIN_REASON, &reply, NULL) == 0 &&
		   reply.id != MSG_ALLOWED) {
		l->refused = true;
		tell_answer(l, l->uplinks, true, &reply);
	}
}
