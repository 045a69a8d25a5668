/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface plan: what a run would do, as lines to paste, and its undoing. Changes nothing. */
#include <errno.h>
#include <json.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "config.h"
#include "dns/dns.h"
#include "launch/apps_apply.h"
#include "launch/name.h"
#include "model/print.h"
#include "net/kernel.h"
#include "net/nft_codec.h"
#include "plan/plan.h"
#include "plan/uplink.h"
#include "verbs/verbs.h"

/* The whole wanted state for one more session, sorted. */
static int make_plan(struct facts *f, const struct request *request, uid_t uid, struct session *ret,
		     struct object_set *set, struct err *err)
{
	const struct admit_memory memory = { 0 };
	struct object_set inside = { 0 };
	struct session *added;
	int r = plan_admit(f, request, uid, &memory, ret, err);

	if (r < 0)
		return r;
	added = VEC_PUSH(&f->sessions);
	if (!added)
		return err_errno(err, ENOMEM, "plan");
	*added = *ret;
	r = plan_host(f, f->sessions.v, f->sessions.n, set, err);
	if (r == 0)
		r = plan_inside(f, ret, &inside, err);
	if (r == 0 && (set_merge(set, &inside) < 0 || nft_fingerprint(set) < 0))
		r = err_errno(err, ENOMEM, "plan");
	set_done(&inside);
	return r;
}

static bool present(const struct facts *f, const struct object *o)
{
	const struct object *have = set_find(&f->ours, o);

	return have && object_same(o, have);
}

/* Marks each line of a step that is already so. */
static void print_step(struct strbuf *out, const char *text, bool is_present)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		strbuf_add_bytes(out, text, (size_t)(end - text));
		strbuf_add(out, "%s\n", is_present ? " # present" : "");
	}
}

/*
 * What needs no line of its own in the undoing: what is there already and stays, and what goes
 * with its table, device or netns - unless that stays.
 */
static bool needs_no_undoing(const struct facts *f, const struct object *o)
{
	bool bridge_stays = facts_link(f, BRIDGE_NAME) != NULL;

	if (present(f, o))
		return true;
	if (o->place == PLACE_HOST && (o->kind == OBJ_NEIGH || o->kind == OBJ_ROUTE))
		return !bridge_stays && print_goes_along(o);
	if (o->kind == OBJ_NFT_ELEMENT)
		return !bridge_stays;
	return print_goes_along(o);
}

static void plan_text(const struct facts *f, const struct object_set *set, const char *netns)
{
	_cleanup_strbuf_ struct strbuf out = { 0 }, one = { 0 };

	if (!f->nft_visible)
		strbuf_add(&out, "# firewall: not visible\n");
	for (size_t i = 0; i < set->n; i++) {
		strbuf_truncate(&one, 0);
		print_add(&one, &set->v[i], netns);
		print_step(&out, strbuf_text(&one), present(f, &set->v[i]));
	}
	strbuf_add(&out, "# to undo\n");
	for (size_t i = set->n; i-- > 0;)
		if (!needs_no_undoing(f, &set->v[i]))
			print_remove(&out, &set->v[i], netns);
	for (const char *at = strbuf_text(&out), *end; (end = strchr(at, '\n')); at = end + 1)
		text_print(stdout, "%.*s\n", (int)(end - at), at);
}

static void add_step(struct json_object *array, const char *action, const struct object *o,
		     const char *text)
{
	struct json_object *step;

	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		step = json_object_new_object();
		json_object_object_add(step, "action", json_object_new_string(action));
		json_object_object_add(step, "kind",
				       json_object_new_string(object_kind_name(o->kind)));
		json_object_object_add(step, "text",
				       json_object_new_string_len(text, (int)(end - text)));
		json_object_array_add(array, step);
	}
}

static void plan_json(const struct facts *f, const struct object_set *set, const char *netns)
{
	struct json_object *root = json_object_new_object();
	struct json_object *steps = json_object_new_array(), *undo = json_object_new_array();
	_cleanup_strbuf_ struct strbuf one = { 0 };

	for (size_t i = 0; i < set->n; i++) {
		strbuf_truncate(&one, 0);
		print_add(&one, &set->v[i], netns);
		add_step(steps, present(f, &set->v[i]) ? "keep" : "add", &set->v[i],
			 strbuf_text(&one));
	}
	for (size_t i = set->n; i-- > 0;) {
		if (needs_no_undoing(f, &set->v[i]))
			continue;
		strbuf_truncate(&one, 0);
		print_remove(&one, &set->v[i], netns);
		add_step(undo, "remove", &set->v[i], strbuf_text(&one));
	}
	json_object_object_add(root, "steps", steps);
	json_object_object_add(root, "undo", undo);
	text_print_json(stdout,
			json_object_to_json_string_ext(root,
						       JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

/* What the request is about: the switches and the name servers of each uplink that it means. */
static int observe_request(const struct kernel *k, const struct request *request, struct facts *f,
			   struct err *err)
{
	struct uplink_walk walk = { .facts = f, .list = &request->uplinks };
	const struct fact_link *l;
	struct dns dns;
	int r = dns_open(&dns, "", err);

	if (r == 0)
		r = dns_observe(&dns, NULL, f, err);
	while (r == 0 && (l = uplink_walk(&walk))) {
		r = observe_uplink(k, l->name, f, err);
		if (r == 0)
			r = dns_observe(&dns, l->name, f, err);
	}
	dns_close(&dns);
	return r;
}

/* A new netns shows the defaults of a fresh one; the host was observed before that. */
static void observe_fresh_netns(struct facts *f)
{
	if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
		observe_fresh(f);
}

int verb_plan(int argc, char *argv[])
{
	struct launch_options options;
	struct kernel k;
	struct facts f = { 0 };
	struct object_set set = { 0 };
	struct session s;
	struct err err = { 0 };
	uid_t uid = geteuid(); /* now: observe_fresh_netns() may leave this user namespace */
	int r = cli_parse_run(argc, argv, VERB_PLAN, &options, &err);

	if (r == 0)
		r = apps_load_and_apply(&options, &err);
	if (r < 0)
		return program_fail(&err);
	r = kernel_open(&k, VIA_RUNDIR, false, &err);
	if (r < 0)
		return program_fail(&err);
	r = observe(&k, 0, &f, &err);
	if (r == 0 && options.given & GIVEN_NAME)
		name_claim(&options.request, uid);
	ports_claim(&options.request, uid);
	if (r == 0)
		r = observe_request(&k, &options.request, &f, &err);
	if (r == 0)
		r = ask_gateways(&k, &f, &err);
	if (r == 0)
		observe_fresh_netns(&f);
	if (r == 0)
		r = make_plan(&f, &options.request, uid, &s, &set, &err);
	if (r == 0 && options.json)
		plan_json(&f, &set, s.name);
	else if (r == 0)
		plan_text(&f, &set, s.name);
	free(options.made);
	free(options.made_bytes);
	set_done(&set);
	facts_done(&f);
	kernel_close(&k);
	return r < 0 ? program_fail(&err) : 0;
}
