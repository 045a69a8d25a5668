/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/access.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "model/session.h"

void access_policy_done(struct access_policy *policy)
{
	VEC_DONE(policy);
}

/*
 * A word for several interfaces leads to whichever of them is there one day, so a pattern made for
 * names must not happen to cover it: "w*" is not meant to cover "wifi".
 */
static bool covers(const char *glob, const struct uplink_list *list, size_t i)
{
	const char *word = uplink_list_word(list, i);

	if (!strcmp(glob, "*"))
		return true;
	switch ((enum uplink_word_kind)list->words[i].kind) {
	case UPLINK_BY_MEDIUM:
		return !strcmp(glob, word);
	case UPLINK_BY_SSID:
		return !strncmp(glob, word, 5) && fnmatch(glob, word, FNM_NOESCAPE) == 0;
	case UPLINK_BY_MAC: /* written in either case */
		return !strncmp(glob, word, 4) &&
		       fnmatch(glob, word, FNM_NOESCAPE | FNM_CASEFOLD) == 0;
	case UPLINK_BY_NAME:
	case UPLINK_WORD_KIND_COUNT:
		break;
	}
	return fnmatch(glob, word, FNM_NOESCAPE) == 0;
}

bool access_covers(const char *globs, const struct uplink_list *list, size_t word)
{
	for (const char *glob = globs; *glob; glob += strlen(glob) + 1)
		if (covers(glob, list, word))
			return true;
	return false;
}

const char *access_globs_format(const char *globs, char text[ACCESS_GLOBS_MAX])
{
	size_t n = 0;

	for (const char *glob = globs; *glob; glob += strlen(glob) + 1)
		n += (size_t)snprintf(text + n, ACCESS_GLOBS_MAX - n, "%s%s", n ? " " : "", glob);
	text[n] = 0;
	return text;
}

const char *access_publish_format(const struct access_rule *rule,
				  char text[ACCESS_PUBLISH_TEXT_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ACCESS_PUBLISH_MAX && rule->publish[i].max; i++) {
		const struct port_range *r = &rule->publish[i];

		n += (size_t)snprintf(text + n, (size_t)ACCESS_PUBLISH_TEXT_MAX - n,
				      r->min == r->max ? "%s%u" : "%s%u-%u", i ? " " : "",
				      (unsigned int)r->min, (unsigned int)r->max);
	}
	return n ? text : "no";
}

static bool may_publish(const struct access_rule *rule, const struct publish *p)
{
	for (size_t i = 0; i < ACCESS_PUBLISH_MAX && rule->publish[i].max; i++)
		if (p->first >= rule->publish[i].min && p->last <= rule->publish[i].max)
			return true;
	return false;
}

/* The first that the rule does not allow; no rule: the first. */
static const struct publish *forbidden_port(const struct access_rule *rule,
					    const struct publish_list *list)
{
	for (unsigned int i = 0; list && i < publish_count(list); i++)
		if (!rule || !may_publish(rule, &list->v[i]))
			return &list->v[i];
	return NULL;
}

static enum access_answer refuse_publish(const struct access_rule *r, const char *where,
					 const struct publish *p, struct err *why)
{
	char text[PUBLISH_TEXT_MAX], ports[ACCESS_PUBLISH_TEXT_MAX];

	err_set(why, EPERM, "%s allows no --publish %s", where, publish_format(p, text));
	if (r && r->publish[0].max)
		err_hint(why, "choose a port of %s, or ask the administrator to add it",
			 access_publish_format(r, ports));
	else
		err_hint(why,
			 "leave it out, or ask the administrator for a section with "
			 "'publish = %u-65535'",
			 ACCESS_PUBLISH_FIRST);
	return ACCESS_REFUSE;
}

static bool in_group(const struct access_subject *s, uint32_t gid)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (s->groups[i] == gid)
			return true;
	return s->gid == gid;
}

static bool fits(const struct access_rule *r, const struct access_subject *s)
{
	switch (r->who) {
	case ACCESS_ANYBODY:
		return true;
	case ACCESS_USER:
		return r->known && r->id == s->uid;
	case ACCESS_GROUP:
		return r->known && in_group(s, r->id);
	case ACCESS_ACTIVE:
		return s->active;
	case ACCESS_WHO_COUNT:
		break;
	}
	return false;
}

static const struct access_rule *rule_for(const struct access_policy *p,
					  const struct access_subject *s)
{
	for (size_t i = p->n; i-- > 0;)
		if (fits(&p->v[i], s))
			return &p->v[i];
	return NULL;
}

/* The first word of a list that the rule does not cover; NULL: it covers all. */
static const char *uncovered(const struct access_rule *r, const struct uplink_list *list)
{
	for (size_t i = 0; list && i < list->n; i++)
		if (!access_covers(r->uplinks, list, i))
			return uplink_list_word(list, i);
	return list && list->n ? NULL : ""; /* nothing covers a list that is none */
}

/* Membership in these gives more than uplinks, so it is never what is proposed. */
static bool is_for_admins(const char *group)
{
	static const char *const groups[] = { "root", "sudo",   "wheel",  "admin", "adm",
					      "disk", "shadow", "docker", "lxd",   "libvirt" };

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (!strcmp(group, groups[i]))
			return true;
	return false;
}

/* The first group of the policy that would do; NULL: none. */
static const char *group_that_would_do(const struct access_policy *p,
				       const struct access_question *q)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct access_rule *r = &p->v[i];

		if (r->who == ACCESS_GROUP && r->known && r->sessions && r->name[1] != '#' &&
		    (q->op != ACCESS_ATTACH || r->attach) && !is_for_admins(r->name + 1) &&
		    !uncovered(r, q->uplinks))
			return r->name + 1;
	}
	return NULL;
}

/* A list of uplinks as a section has it: blanks between the words, and '?' for one in a word. */
static void as_globs(const struct uplink_list *list, struct strbuf *sb)
{
	for (size_t i = 0; list && i < list->n; i++) {
		strbuf_add(sb, "%s", i ? " " : "");
		for (const char *c = uplink_list_word(list, i); *c; c++)
			strbuf_add_bytes(sb, *c == ' ' || *c == ';' || *c == '[' ? "?" : c, 1);
	}
}

/*
 * DynamicUser= of a unit: another uid at each start (systemd's UIDS-GIDS.md), which no section can
 * name; and the daemon may see no name of it (nss-systemd(8)).
 */
static bool is_dynamic(const struct access_subject *s)
{
	return s->uid >= 61184 && s->uid <= 65519;
}

static enum access_answer nobody_dynamic(const struct access_policy *p,
					 const struct access_subject *s, const char *group,
					 const char *globs, struct err *why)
{
	char add[128] = "";

	if (group)
		snprintf(add, sizeof(add), "add the line 'SupplementaryGroups=%s' to its unit, or ",
			 group);
	err_set(why, EPERM, "no section of %s is for you", p->where);
	err_hint(why,
		 "uid %u is of DynamicUser= and another one at each start: an administrator may "
		 "%sgive the unit 'User=NAME' of a user that stays, and write '[NAME]', 'uplinks = "
		 "%s' into a file .conf in %s",
		 s->uid, add, globs, p->drop_ins);
	return ACCESS_ASK;
}

/* What the caller of nobody's rule needs: a group that no more than this depends on, or a section.
 */
static enum access_answer nobody(const struct access_policy *p, const struct access_subject *s,
				 const struct access_question *q, struct err *why)
{
	_cleanup_strbuf_ struct strbuf globs = { 0 };
	const bool plain = s->name && session_name_characters(s->name);
	const char *group = group_that_would_do(p, q);
	char who[ACCESS_NAME_MAX], join[128] = "";

	if (plain)
		snprintf(who, sizeof(who), "%s", s->name);
	else
		snprintf(who, sizeof(who), "#%u", s->uid);
	as_globs(q->uplinks, &globs);
	if (is_dynamic(s) && !s->name)
		return nobody_dynamic(p, s, group, strbuf_text(&globs), why);
	if (group && plain)
		snprintf(join, sizeof(join),
			 "run `sudo usermod -aG %s %s` (log in again then), or ", group, s->name);
	err_set(why, EPERM, "no section of %s is for you", p->where);
	err_hint(why,
		 "an administrator may %swrite '[%s]', 'uplinks = %s'%s into a file .conf in %s",
		 join, who, strbuf_text(&globs), q->op == ACCESS_ATTACH ? ", 'attach = yes'" : "",
		 p->drop_ins);
	return ACCESS_ASK;
}

static enum access_answer too_many(uint32_t most, const char *where, struct err *why)
{
	err_set(why, EDQUOT, "you have %u session%s already, as many as %s allows", most,
		most == 1 ? "" : "s", where);
	err_hint(why, "end one first; `via-iface list` shows them");
	return ACCESS_REFUSE;
}

static enum access_answer check_rule(const struct access_rule *r, const struct access_question *q,
				     struct err *why)
{
	const struct publish *port = forbidden_port(r, q->published);
	const char *uplink = uncovered(r, q->uplinks);
	char where[ACCESS_FILE_MAX + ACCESS_NAME_MAX + 32], globs[ACCESS_GLOBS_MAX];

	snprintf(where, sizeof(where), "%s:%u [%s]", r->file, r->line, r->name);
	if (!r->sessions || (q->op == ACCESS_ATTACH && !r->attach)) {
		err_set(why, EPERM, "%s allows no %s", where, r->sessions ? "attach" : "session");
		err_hint(why, "ask the administrator to change that");
		return ACCESS_REFUSE;
	}
	if (uplink) {
		err_set(why, EPERM, "%s allows only '%s', and not '%s'", where,
			access_globs_format(r->uplinks, globs), uplink);
		err_hint(why, "name one of those, or ask the administrator to add '%s'", uplink);
		return ACCESS_REFUSE;
	}
	if (!r->lan && !(q->flags & SESSION_NO_LAN)) {
		err_set(why, EPERM, "%s allows no private or link-local destinations", where);
		err_hint(why, q->op == ACCESS_MOVE ? "start it anew with --no-lan"
						   : "add the option --no-lan");
		return ACCESS_REFUSE;
	}
	if (!r->host_access && q->flags & SESSION_HOST_ACCESS) {
		err_set(why, EPERM, "%s allows no services of this host", where);
		err_hint(why, q->op == ACCESS_MOVE ? "start it anew without --host-access"
						   : "leave out --host-access");
		return ACCESS_REFUSE;
	}
	if (!r->share && q->share) {
		err_set(why, EPERM, "%s allows no --share", where);
		err_hint(why, "leave it out");
		return ACCESS_REFUSE;
	}
	if (!r->host_port && q->host_port) {
		err_set(why, EPERM, "%s allows no --host-port", where);
		err_hint(why, "leave it out");
		return ACCESS_REFUSE;
	}
	if (rate_limits_exceed(&q->rates, &r->rates)) {
		char most[RATE_LIMITS_TEXT_MAX];

		err_set(why, EPERM, "%s allows no --rate above %s", where,
			rate_limits_format(&r->rates, most));
		err_hint(why, "give less, or leave it out");
		return ACCESS_REFUSE;
	}
	if (port)
		return refuse_publish(r, where, port, why);
	if (q->op != ACCESS_MOVE && q->sessions >= r->sessions)
		return too_many(r->sessions, where, why);
	return ACCESS_ALLOW;
}

/*
 * A packet socket can have as much of the kernel's memory as it asks for, which is charged to
 * nobody. Who may make user namespaces can have one of those without us; else that is for the
 * administrator to allow.
 */
static enum access_answer check_capture(const struct access_rule *r,
					const struct access_question *q, struct err *why)
{
	const enum access_capture said = r ? r->capture : ACCESS_CAPTURE_DEFAULT;

	if (said == ACCESS_CAPTURE_YES || (said == ACCESS_CAPTURE_DEFAULT && q->user_namespaces))
		return ACCESS_ALLOW;
	if (said == ACCESS_CAPTURE_NO)
		err_set(why, EPERM, "%s:%u [%s] allows no captures", r->file, r->line, r->name);
	else
		err_set(why, EPERM,
			"this kernel gives users no user namespaces, and so no packet sockets");
	err_hint(why,
		 "run it with sudo, or ask the administrator for a section with `capture = yes`");
	return ACCESS_REFUSE;
}

enum access_answer access_decide(const struct access_policy *p, const struct access_subject *s,
				 const struct access_question *q, struct err *why)
{
	bool existing = q->op != ACCESS_RUN && q->op != ACCESS_ATTACH;
	const struct access_rule *rule;

	if (s->uid == 0)
		return ACCESS_ALLOW;
	if (existing && q->owner != s->uid) {
		err_set(why, EPERM, "the session belongs to uid %u", q->owner);
		err_hint(why, "only that user and root may");
		return ACCESS_REFUSE;
	}
	if (q->op == ACCESS_STOP)
		return ACCESS_ALLOW; /* to give up needs nobody's leave */
	if (p->broken.code) {
		err_set(why, p->broken.code,
			"the access policy cannot be used, so only root may: %s", p->broken.text);
		return ACCESS_REFUSE;
	}
	if (q->flags & SESSION_KEEP && !existing) {
		err_set(why, EPERM, "only root may --keep the netns");
		return ACCESS_REFUSE;
	}
	if (q->op == ACCESS_EXEC || q->op == ACCESS_FLOWS || q->op == ACCESS_RESUME)
		return ACCESS_ALLOW;
	rule = rule_for(p, s);
	if (q->op == ACCESS_CAPTURE)
		return check_capture(rule, q, why);
	if (rule)
		return check_rule(rule, q, why);
	if (q->op != ACCESS_MOVE && q->sessions >= ACCESS_SESSIONS_DEFAULT)
		return too_many(ACCESS_SESSIONS_DEFAULT, "polkit", why);
	if (forbidden_port(NULL, q->published))
		return refuse_publish(NULL, "polkit", forbidden_port(NULL, q->published), why);
	return q->approved ? ACCESS_ALLOW : nobody(p, s, q, why);
}

/* The words of the list that the rule, if any, does not cover; false where a file cannot say one.
 */
static bool add_missing(struct strbuf *to, const struct access_rule *rule,
			const struct uplink_list *list)
{
	for (size_t i = 0; list && i < list->n; i++) {
		const char *word = uplink_list_word(list, i);

		if (strpbrk(word, " \t,/\"\\#;='[%"))
			return false;
		if (!rule || !access_covers(rule->uplinks, list, i))
			strbuf_add(to, " %s", word);
	}
	return list && list->n;
}

bool access_remedy(const struct access_policy *p, const struct access_subject *s,
		   const struct access_question *q, char ret[ACCESS_REMEDY_MAX])
{
	static const struct access_rule none = {
		.lan = true, .share = true, .host_port = true, .sessions = ACCESS_SESSIONS_DEFAULT
	};
	const struct access_rule *rule = rule_for(p, s), *from = rule ? rule : &none;
	const char *group = rule ? NULL : group_that_would_do(p, q);
	_cleanup_strbuf_ struct strbuf text = { 0 };
	bool lan = from->lan || !(q->flags & SESSION_NO_LAN);
	char globs[ACCESS_GLOBS_MAX], rates[RATE_LIMITS_TEXT_MAX], ports[ACCESS_PUBLISH_TEXT_MAX];

	if (p->broken.code || !s->name || !session_name_characters(s->name) ||
	    q->op != ACCESS_RUN || (rule && !rule->sessions))
		return false;
	if (group)
		return snprintf(ret, ACCESS_REMEDY_MAX, "%%%s", group) < ACCESS_REMEDY_MAX;
	strbuf_add(&text, "[%s]\nuplinks =%s%s", s->name, from->uplinks[0] ? " " : "",
		   access_globs_format(from->uplinks, globs));
	if (!add_missing(&text, rule, q->uplinks))
		return false;
	strbuf_add(&text, "\nlan = %s\nhost-access = %s\nattach = %s\nsessions = %u\n",
		   lan ? "yes" : "no", from->host_access ? "yes" : "no",
		   from->attach ? "yes" : "no", from->sessions);
	if (!from->share)
		strbuf_add(&text, "share = no\n");
	if (!from->host_port)
		strbuf_add(&text, "host-port = no\n");
	strbuf_add(&text, "publish = %s\n", access_publish_format(from, ports));
	if (from->capture != ACCESS_CAPTURE_DEFAULT)
		strbuf_add(&text, "capture = %s\n",
			   from->capture == ACCESS_CAPTURE_YES ? "yes" : "no");
	if (from->connections)
		strbuf_add(&text, "connections = %u\n", from->connections);
	if (from->rates.down)
		strbuf_add(&text, "rate = %s\n", rate_limits_format(&from->rates, rates));
	return snprintf(ret, ACCESS_REMEDY_MAX, "%s", strbuf_text(&text)) < ACCESS_REMEDY_MAX;
}

uint32_t access_connections(const struct access_policy *p, const struct access_subject *s)
{
	const struct access_rule *rule = p->broken.code ? NULL : rule_for(p, s);

	return rule ? rule->connections : 0;
}

struct rate_limits access_rates(const struct access_policy *p, const struct access_subject *s)
{
	const struct access_rule *rule = p->broken.code || !s->uid ? NULL : rule_for(p, s);

	return rule ? rule->rates : (struct rate_limits){ 0 };
}
