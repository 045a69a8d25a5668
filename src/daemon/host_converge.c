/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing the host to what its sessions want: plan, diff, apply. When that touches nothing but
 * sessions, the facts are brought up to date without another observation, so that a launch beside
 * others costs no dump.
 */
#include "daemon/host_internal.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/share_files.h"
#include "model/own.h"
#include "net/nft_codec.h"

/* Steps that change nothing of what the facts say besides our own objects and sessions. */
static bool only_sessions(const struct steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct object *o = steps->v[i].want ? steps->v[i].want : steps->v[i].have;

		if (o->kind == OBJ_NFT_ACCEPT)
			return false; /* its handle is still to be learnt */
		if (o->place == PLACE_SESSION || object_is_nft(o))
			continue;
		switch (o->kind) {
		case OBJ_LINK:
		case OBJ_LINK_UP:
			if (!strcmp(o->link.name, BRIDGE_NAME))
				return false;
			break;
		case OBJ_SYSCTL:
			if (!own_is_port_sysctl(o->sysctl.path))
				return false;
			break;
		case OBJ_NEIGH:
		case OBJ_FDB:
		case OBJ_QDISC:
		case OBJ_NETNS:
			break;
		case OBJ_ALTNAME:
		case OBJ_ADDRESS:
		case OBJ_ROUTE:
		case OBJ_RULE:
		case OBJ_TC:
		case OBJ_NFT_TABLE:
		case OBJ_NFT_CHAIN:
		case OBJ_NFT_SET:
		case OBJ_NFT_ELEMENT:
		case OBJ_NFT_RULE:
		case OBJ_NFT_ACCEPT:
		case OBJ_KIND_COUNT:
			return false;
		}
	}
	return true;
}

static bool is_host_object(const struct object *o)
{
	return o->place == PLACE_HOST && o->kind != OBJ_NETNS;
}

static bool ends_with_session(const struct object *o)
{
	return o->kind == OBJ_NFT_ELEMENT || o->kind == OBJ_NEIGH || o->kind == OBJ_ROUTE;
}

/* What was wanted is now what is there; the inside of a session is nobody's business any more. */
static void adopt(struct host_state *h, struct object_set *want)
{
	for (size_t i = 0; i < want->n; i++) {
		struct object *o = &want->v[i];
		const struct object *have =
			o->kind == OBJ_NFT_ACCEPT ? set_find(&h->facts.ours, o) : NULL;

		if (have) /* by which it can be removed */
			o->nft_accept.handle = have->nft_accept.handle;
	}
	set_filter(want, is_host_object);
	set_done(&h->facts.ours);
	h->facts.ours = *want;
	*want = (struct object_set){ 0 };
}

/* Nobody can remove a sysctl but by its device: a port that ends takes it along. */
static bool ends_now(const struct step *s)
{
	return s->want && s->want->kind == OBJ_SYSCTL && !s->have;
}

/*
 * Counts what was wanted before, is wanted still, and had to be put there again: somebody else had
 * taken it away or changed it. A foreign rule in a chain of ours counts as the chain's first.
 */
static void count_healed(struct host_state *h, const struct steps *steps)
{
	for (size_t i = 0; i < steps->n && h->knowledge != HOST_SETTLED; i++) {
		const struct step *s = &steps->v[i];
		const struct object *before = s->want ? set_find(&h->wanted, s->want) : NULL;

		if (before && !ends_now(s) && object_same(s->want, before) &&
		    (step_differs(s) || steps_have_stray_rule(steps, i, &h->wanted)) &&
		    !h->healed.n++)
			object_name(s->want, h->healed.first);
	}
}

/*
 * Brings the kernel from what was observed to want. When that touched nothing but sessions, the
 * facts are brought up to date without another observation, so that a launch costs no dump.
 */
int host_converge_to(struct host_state *h, struct object_set *want, struct refusals *refused,
		     struct err *err)
{
	_cleanup_steps_ struct steps steps = { 0 };
	bool simple;
	int r = h->knowledge == HOST_OBSERVED ? nft_fingerprint(want) : 0;

	if (r == 0)
		r = diff(want, &h->facts.ours, &steps);
	if (r < 0)
		return err_errno(err, -r, "compare what is with what should be");
	simple = only_sessions(&steps);
	r = steps.n ? apply(&h->kernel, &steps, refused, err) : 0;
	if (r == 0 && refused && refused->n)
		r = err_set(err, refused->v[0].code, "%s", refused->v[0].text);
	if (r == 0)
		count_healed(h, &steps);
	if (r == 0 && simple) {
		adopt(h, want);
		host_set_settled(h);
		return 0;
	}
	set_filter(want, is_host_object);
	host_set_changed(h, r == 0 ? want : NULL);
	return r;
}

/* The elements of two sessions that publish one port have one key. */
static bool meets_another(const struct host_state *h, const struct session *s)
{
	for (size_t i = 0; plan_publishes(s) && i < h->facts.sessions.n; i++)
		if (plan_publish_meets(s, &h->facts.sessions.v[i]))
			return true;
	return false;
}

/* Whether what a session has in common with others is in place already: plan_session(). */
bool host_has_like(const struct host_state *h, const struct session *s)
{
	bool slot = false, limits = false, group = !plan_shares(s), publish = !plan_publishes(s);

	for (size_t i = 0; i < h->facts.sessions.n && !(slot && limits && group && publish); i++) {
		const struct session *other = &h->facts.sessions.v[i];

		slot |= other->slot == s->slot && other->id != s->id;
		limits |= plan_limits_alike(other, s) && other->id != s->id;
		group |= plan_shares(other) && session_shares(other, s) && other->id != s->id;
		publish |= plan_publishes(other) && other->id != s->id;
	}
	return slot && limits && group && publish && !meets_another(h, s);
}

/* What sessions leave behind when the kernel has removed their ports. */
static int plan_ended(struct host_state *h, struct object_set *ret, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < h->ended.n && r == 0; i++) {
		_cleanup_set_ struct object_set part = { 0 };

		r = plan_session(&h->facts, &h->ended.v[i], &part, err);
		set_filter(&part, ends_with_session);
		for (size_t j = 0; j < part.n; j++)
			set_add(ret, &part.v[j]); /* of these kinds none owns anything */
	}
	return r;
}

static int remove_ended(struct host_state *h, struct err *err)
{
	_cleanup_set_ struct object_set parts = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	int r = plan_ended(h, &parts, err);

	if (r < 0)
		return r;
	if (set_sort(&parts) < 0 || diff(&nothing, &parts, &steps) < 0)
		return err_errno(err, ENOMEM, "plan the end of sessions");
	r = apply(&h->kernel, &steps, NULL, err);
	if (r == 0)
		set_subtract(&h->facts.ours, &parts);
	return r;
}

/* When nothing else happened and every slot stays, an end costs its own part alone. */
static bool only_ends(const struct host_state *h)
{
	for (size_t i = 0; i < h->ended.n; i++)
		if (!host_has_like(h, &h->ended.v[i]))
			return false;
	return !h->stale && h->knowledge == HOST_SETTLED && h->ended.n;
}

/* All of a burst at once: for nftables that is one transaction, after which the kernel waits. */
static int take_ends(struct host_state *h, struct err *err)
{
	int r = remove_ended(h, err);

	while (h->ended.n && r == 0)
		r = share_file_write(h, &h->ended.v[--h->ended.n], err);
	h->stale |= r < 0 ? HOST_STALE_FACTS : 0;
	return r;
}

/* When something is due although nothing happens. */
static void note_due(struct host_state *h)
{
	const int64_t due[] = { h->expire_at, h->gateways_at, refused_due(&h->refused) };

	for (size_t i = 0; i < ARRAY_SIZE(due); i++)
		if (due[i] < h->failover_at)
			h->failover_at = due[i];
}

int host_converge(struct host_state *h, struct err *err)
{
	_cleanup_set_ struct object_set want = { 0 };
	_cleanup_refusals_ struct refusals refused = { 0 };
	int64_t now = clock_ms();
	int r = failover(&h->facts, &h->failover, now, &h->failover_at, err);

	refused_mark(&h->refused, &h->facts, now);
	if (r == 0) /* a session may have gone to another uplink */
		r = host_find_gateways(h, NULL, err);
	if (r == 0)
		r = plan_host(&h->facts, h->facts.sessions.v, h->facts.sessions.n, &want, err);
	if (r == 0)
		refused_leave_out(&h->refused, &h->facts, &want, now);
	if (r == 0)
		r = host_converge_to(h, &want, &refused, err);
	if ((r == 0 || refused.n) && refused_note(&h->refused, &h->facts, &refused, now) < 0)
		r = err_errno(err, ENOMEM, "note what the kernel refused");
	if (refused.n == 1 && refused.v[0].removal)
		r = 0; /* all that is wanted is there */
	note_due(h);
	if (r == 0)
		session_log_compare(h);
	share_files_write(h);
	h->stale |= r < 0 ? HOST_STALE_FACTS : 0;
	return r;
}

/*
 * What is there without a session is removed when the daemon goes; what leads into none, at once.
 * Failing that it leads to an address that nobody has.
 */
static void unpublish(struct host_state *h)
{
	_cleanup_set_ struct object_set part = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	struct err err = { 0 };
	int r;

	for (size_t i = 0; i < h->facts.ours.n; i++)
		if (plan_is_published(&h->facts.ours.v[i]))
			set_add(&part, &h->facts.ours.v[i]);
	if (!part.n)
		return;
	r = set_sort(&part) < 0 || diff(&nothing, &part, &steps) < 0
		    ? err_errno(&err, ENOMEM, "plan the end of published ports")
		    : apply(&h->kernel, &steps, NULL, &err);
	if (r < 0)
		log_line(LOG_WARNING, "%s", err.text);
	else
		set_subtract(&h->facts.ours, &part);
}

int host_heal(struct host_state *h, struct err *err)
{
	int r = -EAGAIN;

	if (only_ends(h) && take_ends(h, err) == 0)
		return 0;

	for (int i = 0; i < HOST_TRIES && r < 0; i++) {
		h->failover_at = INT64_MAX;
		h->stale |= h->expire_at <= clock_ms() ? HOST_STALE_FACTS : 0;
		h->stale |= h->knowledge == HOST_OBSERVED
				    ? 0
				    : HOST_STALE_FACTS; /* what is to go is named by handles */
		r = host_observe(h, NULL, err);
		if (r == 0 && !h->facts.sessions.n) {
			refused_done(&h->refused);
			session_log_compare(h);
			share_files_write(h);
			unpublish(h);
		}
		if (r < 0 || !h->facts.sessions.n)
			return r;
		r = host_converge(h, err);
	}
	return r;
}

int host_clear(struct host_state *h, struct err *err)
{
	struct object_set nothing = { 0 };
	int r = -EAGAIN;

	spare_drop(h);
	for (int i = 0; i < HOST_TRIES && r < 0; i++) {
		h->stale |= HOST_STALE_FACTS;
		r = host_observe(h, NULL, err);
		if (r == 0)
			r = host_converge_to(h, &nothing, NULL, err);
	}
	share_files_write(h);
	if (r == 0)
		r = host_delete_last_entries(h, err);
	return r;
}
