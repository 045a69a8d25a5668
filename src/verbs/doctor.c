/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface doctor: gathers the input of plan/doctor.c, and prints what it finds. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "launch/environment.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "plan/uplink.h"
#include "verbs/doctor.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define TRIED_MAX       8 /* uplinks, of which each takes some two seconds */
#define FOUND_SOMETHING 1 /* the exit status */

/* By the names that they have as modules; built in, most of them are there by the same name. */
static const char *const parts[] = {
	"nf_tables", "nf_conntrack", "nf_nat",  "nft_ct",      "nft_masq",      "nft_limit",
	"veth",      "bridge",       "cls_bpf", "sch_ingress", "nft_connlimit",
};

/* Whether the file, a list of paths of modules, has that one; -1 when it cannot be read. */
static int is_listed(const char *path, const char *part)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, file[48];
	size_t size = 0;
	int found = 0;

	if (!f)
		return -1;
	snprintf(file, sizeof(file), "/%s.ko", part);
	while (!found && getline(&line, &size, f) >= 0) {
		line[strcspn(line, ":\n")] = 0; /* what it depends on stands behind */
		found = strstr(line, file) != NULL;
	}
	free(line);
	fclose(f);
	return found;
}

/* Where the system does not say what its kernel has, nothing is missing. */
static bool is_missing(const char *part)
{
	static const char *const lists[] = { "modules.builtin", "modules.dep" };
	char path[256];
	struct utsname u;
	struct stat st;

	snprintf(path, sizeof(path), "/sys/module/%s", part);
	if (stat(path, &st) == 0 || uname(&u) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/%s", u.release, lists[i]);
		if (is_listed(path, part) != 0)
			return false;
	}
	return true;
}

static void find_missing(const char *ret[ARRAY_SIZE(parts) + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (is_missing(parts[i]))
			ret[n++] = parts[i];
	ret[n] = NULL;
}

/* Names of variables, cut off in place of a copy. */
static int find_proxies(char ***ret, struct err *err)
{
	size_t n = 0;
	char **names;

	while (environ[n])
		n++;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return err_errno(err, ENOMEM, "read the environment");
	n = 0;
	for (char **at = environ; *at; at++)
		if (proxy_variable(*at) && strncasecmp(*at, "no_proxy=", 9) != 0)
			names[n++] = strndup(*at, strcspn(*at, "="));
	*ret = names;
	return 0;
}

/* The first usable uplink, of those first that the host itself does not use, and the others. */
static void list_usable(const struct facts *f, struct strbuf *ret_first, struct strbuf *ret_others)
{
	for (int is_default = 0; is_default < 2; is_default++)
		for (size_t i = 0; i < f->links.n; i++) {
			const struct fact_link *l = &f->links.v[i];

			if (view_is_default(f, l) != (bool)is_default ||
			    uplink_serves(f, l->name, 0) != UPLINK_USABLE)
				continue;
			if (!ret_first->len)
				strbuf_add_word(ret_first, l->name);
			else
				strbuf_add(ret_others, " %s", l->name);
		}
}

/* What a person does next: about the first thing in the way, or by the uplinks that were asked
 * about. */
static void print_end(const struct findings *findings, const struct facts *f,
		      const struct uplink_list *uplinks)
{
	_cleanup_strbuf_ struct strbuf uplink = { 0 }, others = { 0 };
	const struct finding *hidden = findings_find(findings, "firewall-not-visible");
	const struct finding *first = findings->v;
	char text[UPLINK_LIST_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += findings->v[i].severity == SEVERITY_ERROR;
	if (n) { /* they come first */
		text_print(stdout, "%zu thing%s in the way%s%s%s\n", n, n == 1 ? " is" : "s are",
			   first->fix[0] ? "; do this first: " : "", first->fix,
			   n == 1 ? "" : "; then run doctor again");
		return;
	}
	if (uplinks)
		strbuf_add_word(&uplink, uplink_list_format(uplinks, text));
	else
		list_usable(f, &uplink, &others);
	text_print(stdout,
		   "nothing%s is in the way%s%s: `via-iface %s -- PROGRAM` starts a program%s%s\n",
		   hidden ? " that is visible to you" : "",
		   hidden ? "; the rules of the firewall are root's to see, by " : "",
		   hidden ? hidden->fix : "", uplink.len ? strbuf_text(&uplink) : "UPLINK",
		   others.len ? "; usable, too:" : "", strbuf_text(&others));
}

static void print_findings(const struct findings *findings, bool colours)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *one = &findings->v[i];

		colour_begin(stdout, view_severity_colour(one->severity), colours);
		text_print(stdout, "%-8s", severity_name(one->severity));
		colour_end(stdout, view_severity_colour(one->severity), colours);
		text_print(stdout, " %s%s%s\n", one->text, one->fix[0] ? "; " : "", one->fix);
	}
}

static void print_json(const struct findings *findings)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "ok", json_object_new_boolean(!findings_bad(findings)));
	json_object_object_add(o, "findings", json_findings(findings));
	json_show(o);
}

/* *ret_may: the caller may start a session. */
static int examine(const struct facts *f, const struct uplink_list *uplinks, struct findings *ret,
		   bool *ret_may, struct err *err)
{
	struct doctor_launch launch = { .facts = f, .uplinks = uplinks, .findings = ret };
	const char *missing[ARRAY_SIZE(parts) + 1];
	char **proxies = NULL, **differences = NULL;
	int r = find_proxies(&proxies, err);

	doctor_launch(&launch);
	*ret_may = !launch.refused;
	if (r == 0)
		r = doctor_difference(f, launch.answers, &differences, err);
	find_missing(missing);
	if (r == 0 &&
	    doctor(&(struct doctor_input){ .facts = f,
					   .uplinks = uplinks,
					   .proxies = (const char *const *)proxies,
					   .missing = missing,
					   .heal = launch.heal[0] ? launch.heal : NULL,
					   .differences = (const char *const *)differences },
		   ret) < 0)
		r = err_errno(err, ENOMEM, "find what is in the way");
	if (r == 0)
		doctor_routes(f, NULL, launch.heal[0] ? launch.heal : NULL, ret);
	doctor_live_forget(f, ret);
	strings_free(proxies);
	strings_free(differences);
	return r;
}

/*
 * The uplinks, and what --live and --to say: a destination in *ret_to, when there is one. A word
 * that no interface can be called is in the way like one that none is called.
 */
static int read_words(const struct words *w, struct uplink_list *ret, struct ip *ret_to,
		      struct err *err)
{
	*ret_to = (struct ip){ 0 };
	if (w->n && uplink_list_read(w->v[0], ret) < 0)
		return uplink_list_parse(w->v[0], ret, err);
	if (w->to && !w->live)
		return err_set(err, EINVAL, "read the command line: --to goes with --live");
	if (w->live && (!w->n || ret->n > 1)) {
		err_set(err, EINVAL, "read the command line: --live takes one uplink");
		return err_hint(err, "say for example `via-iface doctor --live wlp6s0`");
	}
	if (w->to && ip_parse(w->to, ret_to) < 0)
		return err_set(err, EINVAL, "invalid --to '%s': expected an IPv4 or IPv6 address",
			       w->to);
	return 0;
}

/*
 * For a person who sees that nothing is in the way: whether packets get out by the uplinks that a
 * session would take. What goes well is no finding, so programs that read JSON miss nothing but
 * time.
 */
static int try_uplinks(const struct facts *f, const struct uplink_list *uplinks,
		       struct findings *ret, struct err *err)
{
	char chosen[IFNAMSIZ];
	size_t tried = 0;
	int r = 0;

	if (uplinks)
		return uplink_choose(f, uplinks, 0, chosen, err) < 0
			       ? 0
			       : doctor_live(f, chosen, NULL, true, ret, err);
	for (size_t i = 0; i < f->links.n && tried < TRIED_MAX && r == 0; i++) {
		const char *name = f->links.v[i].name;

		if (uplink_serves(f, name, 0) != UPLINK_USABLE)
			continue;
		tried++;
		r = doctor_live(f, name, NULL, true, ret, err);
	}
	return r;
}

/*
 * Inside a session the host cannot be examined: the netns has one card of its own. Returns whether
 * the caller is in one.
 */
static bool tell_inside(const struct words *w)
{
	_cleanup_findings_ struct findings findings = { 0 };
	char name[SESSION_NAME_MAX];
	struct finding *f;
	uint32_t id;

	if (!session_around(name, &id))
		return false;
	f = findings_add(&findings, "inside-session", SEVERITY_WARNING, name);
	finding_text(f,
		     "this is inside session '%s' (%" PRIu32
		     "): the host and its uplinks are not seen from here",
		     name, id);
	finding_fix(f, "`via-iface log %s` shows by which uplink it leaves; run doctor outside it",
		    name);
	if (w->json)
		print_json(&findings);
	else
		print_findings(&findings, terminal_of_stdout(w->color).colours);
	return true;
}

int verb_doctor(int argc, char *argv[])
{
	_cleanup_findings_ struct findings findings = { 0 };
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };
	struct uplink_list list, *uplinks = NULL;
	bool may = false;
	struct words w;
	struct ip to;
	int r = words_read(VERB_DOCTOR, argc, argv, 1, &w, &err);

	if (r == 0)
		r = read_words(&w, &list, &to, &err);
	if (r == 0 && w.n)
		uplinks = &list;
	if (r == 0)
		r = observe_host(OBSERVE_STOPS, &f, &err);
	if (r == 0 && !f.sessions.n && tell_inside(&w))
		return 0;
	if (r == 0)
		r = observe_dns(NULL, &f, &err);
	if (r == 0)
		r = examine(&f, uplinks, &findings, &may, &err);
	if (r == 0 && w.live && !findings_bad(&findings))
		r = doctor_live(&f, uplink_list_word(&list, 0), w.to ? &to : NULL, false, &findings,
				&err);
	else if (r == 0 && !w.json && isatty(STDOUT_FILENO) && may && !findings_bad(&findings))
		r = try_uplinks(&f, uplinks, &findings, &err);
	if (r < 0)
		return program_fail(&err);
	if (w.json) {
		print_json(&findings);
	} else {
		print_findings(&findings, terminal_of_stdout(w.color).colours);
		print_end(&findings, &f, uplinks);
	}
	return findings_bad(&findings) ? FOUND_SOMETHING : 0;
}
