/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/doctor_trace.h"

#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "model/nft.h"
#include "net/sysctl.h"
#include "plan/plan.h"

void doctor_trace_begin(struct doctor_trace *d, const struct facts *f, const struct session *s,
			const char *uplink)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct err ignored = { 0 };
	struct pool pool;

	if (geteuid() != 0 || !s || plan_pool(f, &pool, NULL) < 0)
		return;
	session_port(s->id, d->port);
	d->of = (struct trace_of){ .port = d->port, .uplink = uplink };
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i] == AF_INET || !(s->flags & SESSION_NO_IPV6))
			d->of.session[i] = plan_address(&pool, s, families[i]);
	d->runs = trace_begin(&d->trace, &d->of, &ignored) == 0;
	if (!d->runs)
		trace_done(&d->trace);
}

void doctor_trace_end(struct doctor_trace *d)
{
	if (d->runs)
		trace_end(&d->trace, &d->of);
}

void doctor_trace_done(struct doctor_trace *d)
{
	if (d->runs)
		trace_done(&d->trace);
	*d = (struct doctor_trace){ 0 };
}

static bool is_ours(const struct trace_place *at)
{
	return !strcmp(at->table, NFT_TABLE_NAME) || !strcmp(at->table, TRACE_TABLE);
}

static bool is_same(const struct trace_place *a, const struct trace_place *b)
{
	return a->family == b->family && a->handle == b->handle && !strcmp(a->table, b->table) &&
	       !strcmp(a->chain, b->chain);
}

/* --- what to type -------------------------------------------------------------------------- */

static void add_option(struct strbuf *sb, const char *option, const char *value)
{
	strbuf_add(sb, " %s ", option);
	strbuf_add_word(sb, value);
}

/* A rule of iptables-nft is iptables' own to precede: nft(8) must not change its tables. */
static void propose_xtables(struct finding *f, const struct trace_packet *p, bool forward,
			    const char *uplink)
{
	_cleanup_strbuf_ struct strbuf line = { 0 };

	add_option(&line, "-t", p->last.table);
	add_option(&line, "-I", p->last.chain);
	add_option(&line, "-i", p->answer ? uplink : BRIDGE_NAME);
	if (forward)
		add_option(&line, "-o", p->answer ? BRIDGE_NAME : uplink);
	finding_fix(f, "`sudo %s%s%s -j ACCEPT` lets it pass",
		    p->last.family == NFPROTO_IPV6 ? "ip6tables" : "iptables", strbuf_text(&line),
		    p->answer ? " -m conntrack --ctstate RELATED,ESTABLISHED" : "");
}

/* For nft(8). Names in its quotes, since one may be a keyword or begin with a digit. */
static void add_match(struct strbuf *sb, const struct trace_packet *p, bool forward,
		      const char *uplink)
{
	bool bridge = p->last.family == NFPROTO_BRIDGE;

	strbuf_add(sb, "iifname \"%s\"", p->answer ? uplink : bridge ? "viap*" : BRIDGE_NAME);
	if (forward)
		strbuf_add(sb, " oifname \"%s\"", p->answer ? BRIDGE_NAME : uplink);
	if (p->answer)
		strbuf_add(sb, " ct state established,related");
}

static void propose_nft(struct finding *f, const struct trace_packet *p, const char *match)
{
	_cleanup_strbuf_ struct strbuf rule = { 0 }, word = { 0 };

	strbuf_add(&rule, "insert rule %s %s %s ", nft_family_name(p->last.family), p->last.table,
		   p->last.chain);
	if (p->last.handle)
		strbuf_add(&rule, "position %" PRIu64 " ", p->last.handle);
	strbuf_add(&rule, "%s accept", match);
	finding_fix(f, "`sudo nft %s` lets it pass", strbuf_word(&word, strbuf_text(&rule)));
}

/* nf_tables_api.c:nft_table_lookup: the kernel refuses the commands of everybody else. */
static void propose_owner(struct finding *f, const struct trace_packet *p, const char *match)
{
	finding_fix(f,
		    "no command of another program can be right: the program that owns table %s "
		    "%s has to accept `%s` there itself",
		    nft_family_name(p->last.family), p->last.table, match);
}

/* What comes from sessions, to that uplink where that is known in the hook, and nothing else. */
static void propose(struct finding *f, const struct trace_packet *p, const struct trace_text *text,
		    const char *uplink)
{
	bool forward = !strcmp(text->hook, "forward") || !text->hook[0];
	_cleanup_strbuf_ struct strbuf match = { 0 };

	add_match(&match, p, forward, uplink);
	if (p->answer && !forward)
		finding_fix(f, "no command can be right: such a packet has no mark yet, and only "
			       "who wrote the rule can say what else it is to stop");
	else if (text->xtables)
		propose_xtables(f, p, forward, uplink);
	else if (text->owned)
		propose_owner(f, p, strbuf_text(&match));
	else
		propose_nft(f, p, strbuf_text(&match));
}

/* --- br_netfilter -------------------------------------------------------------------------- */

/*
 * Whether a session's frame came to that rule by br_netfilter: it runs the hook prerouting of inet
 * within the bridge's own, and the packet does not pass that a second time when it is routed
 * (net/bridge/br_netfilter_hooks.c: br_nf_pre_routing, ip_sabotage_in). In the hooks that follow
 * the packet is a routed one, and only xt_physdev sees what br_netfilter remembered of the port.
 */
static bool by_br_netfilter(const struct trace_packet *p, const struct trace_place *at,
			    const struct trace_text *text)
{
	const char *path = p->family == AF_INET6 ? "net/bridge/bridge-nf-call-ip6tables"
						 : "net/bridge/bridge-nf-call-iptables";
	char value[16];

	if (p->answer || at->family == NFPROTO_BRIDGE ||
	    (strcmp(text->hook, "prerouting") != 0 && !text->physdev))
		return false;
	return sysctl_read(NULL, path, value, sizeof(value)) == 0 && strcmp(value, "0") != 0;
}

/* --- findings ------------------------------------------------------------------------------ */

/* A rule whose text is not known here: the command that lists it. */
static void add_listing(struct strbuf *sb, const struct trace_place *at)
{
	strbuf_add(sb, ", handle %" PRIu64 ", which `sudo nft -a list chain %s ", at->handle,
		   nft_family_name(at->family));
	strbuf_add_word(sb, at->table);
	strbuf_add(sb, " ");
	strbuf_add_word(sb, at->chain);
	strbuf_add(sb, "` shows");
}

/* "table inet other, chain c (hook forward), handle 4: iifname "via0" drop" */
static void add_place(struct strbuf *sb, const struct trace_packet *p, const struct trace_place *at,
		      const struct trace_text *text)
{
	strbuf_add(sb, "table %s %s, chain %s", nft_family_name(at->family), at->table, at->chain);
	if (text->hook[0])
		strbuf_add(sb, " (hook %s)", text->hook);
	if (by_br_netfilter(p, at, text))
		strbuf_add(sb, ", by br_netfilter (net.bridge.bridge-nf-call-ip%stables is not 0)",
			   p->family == AF_INET6 ? "6" : "");
	if (!at->handle)
		strbuf_add(sb, ", its policy");
	else if (text->rule[0])
		strbuf_add(sb, ", handle %" PRIu64 ": %s", at->handle, text->rule);
	else
		add_listing(sb, at);
}

static bool is_reverse_path_filter(const struct facts *f, const struct trace_place *at)
{
	for (size_t i = 0; i < f->stops.n; i++) {
		const struct fact_stop *s = &f->stops.v[i];

		if (s->kind == STOP_RPFILTER && s->family == at->family &&
		    s->handle == at->handle && !strcmp(s->table, at->table) &&
		    !strcmp(s->chain, at->chain))
			return true;
	}
	return false;
}

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "IPv4 " : family == AF_INET6 ? "IPv6 " : "";
}

static void tell_drop(struct doctor_trace *d, const struct facts *f, const struct trace_packet *p,
		      enum severity severity, struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf place = { 0 };
	struct trace_text text;
	struct finding *added;
	const char *id =
		is_reverse_path_filter(f, &p->last) ? "rpfilter-of-others" : "rule-of-others";

	trace_describe(&d->trace.events, &p->last, &text);
	add_place(&place, p, &p->last, &text);
	added = findings_add(ret, id, severity, d->of.uplink);
	finding_text(added, "%s%s '%s' are dropped by %s", family_name(p->family),
		     p->answer ? "answers that come in by" : "packets that a session sends by",
		     d->of.uplink, strbuf_text(&place));
	propose(added, p, &text, d->of.uplink);
}

static void tell_mark(struct doctor_trace *d, const struct trace_packet *p, struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf place = { 0 };
	struct trace_text text;
	struct finding *added;

	trace_describe(&d->trace.events, &p->marked, &text);
	add_place(&place, p, &p->marked, &text);
	added = findings_add(ret, "rule-of-others", SEVERITY_ERROR, d->of.uplink);
	finding_text(added,
		     "%spackets that a session sends by '%s' get the mark 0x%08x instead of "
		     "via-iface's, which leads them to no uplink, by %s",
		     family_name(p->family), d->of.uplink, p->mark, strbuf_text(&place));
	finding_fix(added, "who wrote it has to give its chain a priority below 1000, at which "
			   "via-iface sets its mark again, or to leave out what has "
			   "`iifname " BRIDGE_NAME "`");
}

static bool is_told(const struct trace *t, size_t at)
{
	const struct trace_packet *p = &t->packets.v[at];

	for (size_t i = 0; i < at; i++) {
		const struct trace_packet *q = &t->packets.v[i];

		if (p->family == q->family && p->answer == q->answer && q->dropped &&
		    is_same(&p->last, &q->last))
			return true;
	}
	return false;
}

size_t doctor_trace_tell(struct doctor_trace *d, const struct facts *f,
			 const enum doctor_answered answered[2], struct findings *ret)
{
	const struct trace *t = &d->trace;
	size_t before = ret->n;

	for (size_t i = 0; d->runs && i < t->packets.n; i++) {
		const struct trace_packet *p = &t->packets.v[i];

		enum doctor_answered by =
			p->family ? answered[p->family == AF_INET6] : ANSWERED_BY_NOBODY;
		/* answers may be the host's own, where the session had all of its */
		bool concerns = !p->answer || by != ANSWERED_FROM_BEYOND;

		if (p->dropped && !is_ours(&p->last) && concerns && !is_told(t, i))
			tell_drop(d, f, p,
				  by == ANSWERED_BY_NOBODY || p->answer ? SEVERITY_ERROR
									: SEVERITY_WARNING,
				  ret);
	}
	return ret->n - before;
}

bool doctor_trace_tell_mark(struct doctor_trace *d, uint8_t family, struct findings *ret)
{
	const struct trace *t = &d->trace;

	for (size_t i = 0; d->runs && i < t->packets.n; i++) {
		const struct trace_packet *p = &t->packets.v[i];

		if (p->marked.table[0] && p->mark_now == p->mark && !p->answer &&
		    p->family == family) {
			tell_mark(d, p, ret);
			return true;
		}
	}
	return false;
}

/* In the order in which a packet passes them. */
static int rank_of(const struct trace_place *at, const char *hook)
{
	static const char *const hooks[] = { "prerouting", "forward", "postrouting" };

	if (at->family == NFPROTO_BRIDGE)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(hook, hooks[i]))
			return (int)i + 1;
	return 0; /* of a chain that others jump to */
}

void doctor_trace_last(struct doctor_trace *d, uint8_t family, char ret[224])
{
	const struct trace *t = &d->trace;
	int best = -1;

	ret[0] = 0;
	for (size_t i = 0; d->runs && i < t->packets.n; i++) {
		const struct trace_packet *p = &t->packets.v[i];
		struct trace_text text;
		int rank;

		if (p->answer || p->family != family)
			continue;
		trace_describe(&d->trace.events, &p->last, &text);
		rank = rank_of(&p->last, text.hook);
		if (rank <= best)
			continue;
		best = rank;
		snprintf(ret, 224, "last seen in %s%s%stable %s %s, chain %s",
			 text.hook[0] ? "hook " : "", text.hook, text.hook[0] ? ", " : "",
			 nft_family_name(p->last.family), p->last.table, p->last.chain);
	}
}
