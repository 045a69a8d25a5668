/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each check asks one question of the facts and says what a person would want to know: what it is,
 * what follows, what to do. What via-iface gets along with by itself (strict reverse-path
 * filtering, forwarding that is off, another firewall's policy) is no finding.
 */
#include "plan/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "plan/others.h"
#include "plan/plan.h"
#include "plan/state.h"
#include "plan/uplink.h"

#define OBJECTS_NAMED 4

static void check_names(const struct doctor_input *in, const struct fact_link *l,
			enum severity severity, struct findings *ret)
{
	struct err err = { 0 };
	struct finding *f;

	if (plan_check_names(in->facts, l->name, &err) == 0)
		return;
	f = findings_add(ret, "no-name-servers", severity, l->name);
	finding_error(f, err.text, "");
	finding_run(f, "--dns 9.9.9.9", l->name, "asks that one");
}

/* A card without a default route: that it serves all the same, and by which gateway. */
static void check_lease(const struct doctor_input *in, const struct fact_link *l,
			struct findings *ret)
{
	struct uplink u = uplink_lookup(in->facts, l->name);
	const struct way_out *way = u.ip4.leased ? &u.ip4 : &u.ip6;
	char gateway[IP_TEXT_MAX];

	if (!u.ip4.leased && !u.ip6.leased)
		return;
	finding_text(findings_add(ret, "gateway-of-lease", SEVERITY_INFO, l->name),
		     "no default route leads through '%s'; sessions leave it by %s, the gateway "
		     "that its lease names",
		     l->name, ip_format(&way->gateway, gateway));
}

/* An address that is deprecated goes soon, and connections with it (RFC 4862, section 5.5.4). */
static void check_deprecated(const struct doctor_input *in, const struct fact_link *l,
			     struct findings *ret)
{
	struct uplink u = uplink_lookup(in->facts, l->name);
	const struct way_out *ways[] = { &u.ip4, &u.ip6 };
	char address[IP_TEXT_MAX];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i]->deprecated)
			finding_text(findings_add(ret, "address-deprecated", SEVERITY_INFO,
						  l->name),
				     "the address %s of '%s' is deprecated, and it has no other of "
				     "its family: sessions use it until it expires",
				     ip_format(&ways[i]->address, address), l->name);
}

static void tell_silent(const struct fact_link *l, const char *text, struct findings *ret)
{
	struct finding *f = findings_add(ret, "gateway-silent", SEVERITY_WARNING, l->name);
	_cleanup_strbuf_ struct strbuf word = { 0 };

	finding_text(f, "uplink '%s': %s", l->name, text);
	finding_fix(f,
		    "`via-iface doctor --live %s` asks it once more; whether it is on is to be "
		    "seen there",
		    strbuf_word(&word, l->name));
}

/* A gateway that does not answer: the next one serves, or, where there is none, nothing does. */
static void check_gateways(const struct doctor_input *in, const struct fact_link *l,
			   struct findings *ret)
{
	struct uplink u = uplink_lookup(in->facts, l->name);
	const struct way_out *ways[] = { &u.ip4, &u.ip6 };
	char text[SILENT_TEXT_MAX];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (way_silent_text(ways[i], text))
			tell_silent(l, text, ret);
}

static void tell_unusable(const struct doctor_input *in, const struct fact_link *l,
			  enum uplink_problem problem, struct findings *ret)
{
	struct finding *f = findings_add(ret, "uplink-unusable", SEVERITY_WARNING, l->name);
	struct uplink_list one = { 0 };
	char chosen[IFNAMSIZ];
	struct err err = { 0 };

	if (uplink_list_add(&one, l->name) == 0 &&
	    uplink_choose(in->facts, &one, 0, chosen, &err) < 0)
		finding_error(f, err.text, "");
	finding_text(f, "'%s' cannot serve now: %s", l->name, uplink_problem_text(problem));
}

/* The hint of one uplink is its fix; one of several has none that is sure to help. */
static void tell_no_uplink(const char *uplinks, const char *text, struct findings *ret)
{
	struct finding *f = findings_add(ret, "no-uplink", SEVERITY_ERROR, uplinks);
	static const char all[] = "`via-iface uplinks` shows what there is, and what can serve";

	if (strncmp(text, "use one of", 10) != 0)
		finding_error(f, text, all);
	else
		finding_text(f, "%s", text);
	if (f && !strchr(f->fix, '`')) {
		char hint[sizeof(f->fix)];

		memcpy(hint, f->fix, sizeof(hint));
		finding_fix(f, "%s%s%s", hint, hint[0] ? "; " : "", all);
	}
}

/* The uplinks of a list: in the way when none of them can serve. */
static void check_list(const struct doctor_input *in, struct findings *ret)
{
	struct uplink_walk walk = { .facts = in->facts, .list = in->uplinks };
	char chosen[IFNAMSIZ], text[UPLINK_LIST_TEXT_MAX];
	struct err err = { 0 };
	bool usable = uplink_choose(in->facts, in->uplinks, 0, chosen, &err) == 0;
	const struct fact_link *l;

	if (!usable)
		tell_no_uplink(uplink_list_format(in->uplinks, text), err.text, ret);
	while ((l = uplink_walk(&walk))) {
		enum uplink_problem problem = uplink_serves(in->facts, l->name, 0);

		check_lease(in, l, ret);
		check_deprecated(in, l, ret);
		findings_of_names(in->facts, l, ret);
		check_gateways(in, l, ret);
		if (problem == UPLINK_USABLE)
			check_names(in, l, SEVERITY_ERROR, ret);
		else if (usable)
			tell_unusable(in, l, problem, ret);
	}
}

static void check_all_uplinks(const struct doctor_input *in, struct findings *ret)
{
	struct finding *f;
	size_t usable = 0;

	for (size_t i = 0; i < in->facts->links.n; i++) {
		const struct fact_link *l = &in->facts->links.v[i];

		if (uplink_serves(in->facts, l->name, 0) != UPLINK_USABLE)
			continue;
		usable++;
		check_lease(in, l, ret);
		check_deprecated(in, l, ret);
		findings_of_names(in->facts, l, ret);
		check_gateways(in, l, ret);
		check_names(in, l, SEVERITY_WARNING, ret);
	}
	if (usable)
		return;
	f = findings_add(ret, "no-uplink", SEVERITY_ERROR, "");
	finding_text(f, "no interface of this host can serve");
	finding_fix(f, "see `via-iface uplinks` for why");
}

static void check_bridge(const struct facts *facts, struct findings *ret)
{
	const struct fact_link *bridge = facts_link(facts, BRIDGE_NAME);
	char by[PLAN_TAKEN_MAX];
	struct err err = { 0 };
	struct finding *f;
	struct pool pool;

	if (bridge && !facts_is_our_bridge(bridge)) {
		f = findings_add(ret, "foreign-bridge", SEVERITY_ERROR, BRIDGE_NAME);
		finding_text(f, "there is a device '" BRIDGE_NAME "' that is not of via-iface");
		finding_fix(f, "`sudo ip link set dev " BRIDGE_NAME
			       " down && sudo ip link set dev " BRIDGE_NAME
			       " name other0 && sudo ip link set dev other0 up` renames it, which "
			       "removes its routes; who made it has to give it another name, too");
		return;
	}
	if (plan_pool(facts, &pool, &err) < 0)
		finding_error(
			findings_add(ret, "pools-taken", SEVERITY_ERROR, "addresses"), err.text,
			"no command can be right: only who set those routes and addresses can "
			"say which of them may be narrower");
	else if (bridge && plan_pool_taken(facts, &pool, by)) {
		f = findings_add(ret, "pool-overlap", SEVERITY_WARNING, by);
		finding_text(f, "the addresses of the sessions overlap %s, which came later", by);
		finding_fix(f, "`sudo via-iface stop --all` ends all sessions: the next one takes "
			       "other addresses");
	}
}

static void check_firewalls(const struct doctor_input *in, struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf word = { 0 };
	const struct facts *facts = in->facts;
	char name[2 * FOREIGN_NAME_MAX + 32], list[UPLINK_LIST_TEXT_MAX];
	struct finding *f;

	if (!facts->nft_visible) {
		f = findings_add(ret, "firewall-not-visible", SEVERITY_INFO, "nftables");
		finding_text(f, "firewall: its rules are not visible to you, and may drop what "
				"sessions send");
		if (in->uplinks) {
			strbuf_add(&word, " ");
			strbuf_add_word(&word, uplink_list_format(in->uplinks, list));
		}
		finding_fix(f, "`sudo via-iface doctor%s`", strbuf_text(&word));
	}
	if (facts->legacy_filter) {
		f = findings_add(ret, "iptables-legacy", SEVERITY_WARNING, "iptables-legacy");
		finding_text(f, "iptables-legacy has a filter table here, which nft cannot "
				"show; a drop in it stops sessions");
		finding_fix(f, "`sudo iptables-legacy -nvL FORWARD` shows it");
	}
	for (size_t i = 0; i < facts->chains.n; i++) {
		const struct fact_chain *c = &facts->chains.v[i];

		if (!c->base || !c->owned || !(c->drops || c->closes))
			continue;
		snprintf(name, sizeof(name), "table %s, chain %s", c->table, c->name);
		f = findings_add(ret, "firewall-owned", SEVERITY_INFO, name);
		finding_text(f,
			     "%s drops what is forwarded, and only its own program can change "
			     "it",
			     name);
		if (!strncmp(c->table, "firewalld", 9))
			finding_fix(f, "`sudo firewall-cmd --reload` loads the zone and the policy "
				       "of via-iface");
		else
			finding_fix(f, "no command of another program can be right: it has to "
				       "accept what has `iifname " BRIDGE_NAME "`, itself");
	}
}

/* The ports that sessions leave from: too few, or the host's own too. */
static void check_ports(const struct facts *facts, struct findings *ret)
{
	static const char key[] = "net.ipv4.ip_local_port_range";
	struct port_range ports;
	enum ports_state state = plan_masquerade_ports(facts, &ports);
	struct finding *f = NULL;

	switch (state) {
	case PORTS_FREE:
		break;
	case PORTS_FEW:
		f = findings_add(ret, "masquerade-ports", SEVERITY_WARNING, key);
		finding_text(f,
			     "sessions have %u ports, %u-%u: all others are handed out by the host "
			     "or reserved, and flows of sessions to one server may fail",
			     (unsigned int)ports.max - ports.min + 1, ports.min, ports.max);
		break;
	case PORTS_SHARED:
		f = findings_add(ret, "masquerade-ports", SEVERITY_WARNING, key);
		finding_text(f,
			     "the host hands out all ports, so that sessions share %u-%u with it: "
			     "a flow of a session fails where the host uses its port",
			     ports.min, ports.max);
		break;
	}
	finding_fix(f, "`sudo sysctl -w %s=\"32768 60999\"` leaves 61000-65535 to them", key);
	if (!facts->no_socket_match)
		return;
	f = findings_add(ret, "socket-match", SEVERITY_WARNING, "nft_socket");
	finding_text(f,
		     "this kernel cannot ask for the socket of a packet (nft_socket): a server of "
		     "this host that is started on a port of %u-%u may lose packets to a session",
		     ports.min, ports.max);
	finding_fix(f, "install the kernel's modules, or start it on another port");
}

static void check_proxies(const struct doctor_input *in, struct findings *ret)
{
	char list[UPLINK_LIST_TEXT_MAX];
	_cleanup_strbuf_ struct strbuf names = { 0 };
	struct finding *f;

	for (const char *const *name = in->proxies; name && *name; name++)
		strbuf_add(&names, "%s%s", names.len ? ", " : "", *name);
	if (!names.len)
		return;
	f = findings_add(ret, "proxy", SEVERITY_WARNING, "environment");
	finding_text(f,
		     "%s: a program that minds this asks the proxy, by the uplink, and not the "
		     "server itself",
		     strbuf_text(&names));
	finding_run(f, "--no-proxy-env", in->uplinks ? uplink_list_format(in->uplinks, list) : NULL,
		    "runs it without them");
}

static void check_kernel(const struct doctor_input *in, struct findings *ret)
{
	for (const char *const *part = in->missing; part && *part; part++) {
		struct finding *f = findings_add(ret, "kernel-part", SEVERITY_ERROR, *part);

		finding_text(f, "this kernel has no '%s', nor a module of that name", *part);
		finding_fix(f, "install the kernel's modules; after a kernel update, reboot");
	}
}

/* To an uplink that can serve now, where there is one. */
static void tell_move(const struct facts *facts, const struct session *s, struct finding *f)
{
	_cleanup_strbuf_ struct strbuf line = { 0 };

	strbuf_add(&line, "via-iface move ");
	strbuf_add_word(&line, s->name);
	for (size_t i = 0; i < facts->links.n; i++) {
		const struct fact_link *l = &facts->links.v[i];

		if (strcmp(l->name, s->uplink) == 0 ||
		    uplink_lookup(facts, l->name).problem != UPLINK_USABLE)
			continue;
		strbuf_add(&line, " ");
		strbuf_add_word(&line, l->name);
		finding_fix(f, "`%s` lets it leave by that uplink", strbuf_text(&line));
		return;
	}
	finding_fix(f, "no other uplink can serve now: `via-iface uplinks` shows why");
}

static void check_sessions(const struct facts *facts, struct findings *ret)
{
	for (size_t i = 0; i < facts->sessions.n; i++) {
		const struct session *s = &facts->sessions.v[i];
		_cleanup_strbuf_ struct strbuf word = { 0 };
		const char *reason;
		enum session_state state = session_state(facts, s, false, &reason);
		struct finding *f;

		if (state == STATE_BLOCKED) {
			f = findings_add(ret, "session-blocked", SEVERITY_ERROR, s->name);
			finding_text(f, "session '%s' is blocked: %s%s%s", s->name,
				     s->uplink[0] ? s->uplink : "", s->uplink[0] ? ": " : "",
				     reason);
			tell_move(facts, s, f);
		} else if (state == STATE_PAUSED) {
			f = findings_add(ret, "session-paused", SEVERITY_INFO, s->name);
			finding_text(f, "session '%s' was paused", s->name);
			finding_fix(f, "`via-iface resume %s`", strbuf_word(&word, s->name));
		}
	}
}

/* What is wrong by the step at i, in words; false when nothing is. */
static bool explain(const struct steps *steps, size_t i, const char **ret_how, char *name)
{
	const struct step *s = &steps->v[i];
	bool stray = steps_have_stray_rule(steps, i, NULL);
	struct object chain = { .kind = OBJ_NFT_CHAIN };

	if (stray) {
		*ret_how = "a foreign rule in";
		chain.family = s->want->family;
		memcpy(chain.nft_chain.name, s->want->nft_rule.chain, sizeof(chain.nft_chain.name));
		object_name(&chain, name);
	} else if (step_differs(s)) {
		*ret_how = !s->have ? "missing" : !s->want ? "stale" : "changed";
		object_name(s->want ? s->want : s->have, name);
	}
	return stray || step_differs(s);
}

int doctor_difference_names(const struct steps *difference, char ***ret)
{
	char **names = calloc(difference->n + 1, sizeof(*names));
	char name[OBJECT_NAME_MAX] = "";
	const char *how = "";
	size_t n = 0;

	for (size_t i = 0; names && i < difference->n; i++) {
		if (!explain(difference, i, &how, name))
			continue;
		if (asprintf(&names[n], "%s %s", how, name) < 0) {
			names[n] = NULL;
			break;
		}
		n++;
	}
	*ret = names;
	return names ? 0 : -ENOMEM;
}

/* What should be there and is not, or the other way round. */
static void check_difference(const struct doctor_input *in, struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf names = { 0 };
	struct finding *f;
	size_t n = 0;

	for (; in->differences && in->differences[n]; n++)
		if (n < OBJECTS_NAMED)
			strbuf_add(&names, "%s%s", n ? ", " : "", in->differences[n]);
	if (!n)
		return;
	f = findings_add(ret, "not-as-planned", SEVERITY_WARNING, "kernel");
	finding_text(f, "%zu object%s of via-iface %s not as %s should be: %s%s", n,
		     n == 1 ? "" : "s", n == 1 ? "is" : "are", n == 1 ? "it" : "they",
		     strbuf_text(&names), n > OBJECTS_NAMED ? ", …" : "");
	finding_fix(f,
		    in->heal
			    ? "a daemon that starts puts that right: `%s`"
			    : "a running daemon puts that right at once; `sudo via-iface log` says "
			      "what it could not%s",
		    in->heal ? in->heal : "");
}

int doctor(const struct doctor_input *in, struct findings *ret)
{
	if (in->uplinks)
		check_list(in, ret);
	else
		check_all_uplinks(in, ret);
	check_bridge(in->facts, ret);
	check_firewalls(in, ret);
	check_kernel(in, ret);
	check_ports(in->facts, ret);
	check_proxies(in, ret);
	check_difference(in, ret);
	others_check(in->facts, NULL, ret);
	if (!in->uplinks)
		check_sessions(in->facts, ret);
	findings_sort(ret);
	return ret->failed ? -ENOMEM : 0;
}
