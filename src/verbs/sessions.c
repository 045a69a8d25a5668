/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs share: words of the command line, sessions, and the observation of the host. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/nearest.h"
#include "base/parse.h"
#include "base/vec.h"
#include "config.h"
#include "dns/dns.h"
#include "etc/resolv.h"
#include "net/kernel.h"
#include "net/stops.h"
#include "plan/silent.h"
#include "plan/uplink.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

bool session_around(char ret_name[SESSION_NAME_MAX], uint32_t *ret_id)
{
	char text[4096];

	return file_start(AT_FDCWD, "/etc/resolv.conf", 0, text, sizeof(text)) > 0 &&
	       resolv_session(text, ret_name, ret_id);
}

static int by_id(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Some session that lists it is blocked, and not by hand: it may be behind a login page. */
static bool keeps_one_blocked(const struct facts *f, const struct fact_link *l)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!f->sessions.v[i].slot && !(f->sessions.v[i].flags & SESSION_PAUSED) &&
		    uplink_listed(f, &f->sessions.v[i].uplinks, l->name))
			return true;
	return false;
}

/* Where no route leads out, a lease may: what a session's state depends on is looked up. */
static int read_leases(struct facts *f, struct err *err)
{
	struct dns dns;
	int r = dns_open(&dns, "", err);

	if (r == 0 && uplinks_resolve_all(f) < 0)
		r = err_errno(err, ENOMEM, "find the uplinks of sessions");
	for (size_t i = 0; i < f->links.n && r == 0; i++) {
		const struct fact_link *l = &f->links.v[i];

		if (l->listed && (uplink_lookup(f, l->name).problem == UPLINK_NO_GATEWAY ||
				  keeps_one_blocked(f, l)))
			r = dns_observe(&dns, l->name, f, err);
	}
	dns_close(&dns);
	return r;
}

int ask_gateways(struct kernel *k, struct facts *f, struct err *err)
{
	struct gateway_memory nothing = { 0 };
	int64_t ignored;
	int r = 0;

	for (size_t i = 0; i < f->links.n && r == 0; i++)
		if (view_is_uplink(&f->links.v[i]))
			r = gateways_find(f, &f->links.v[i], true);
	if (r == 0) {
		observe_gateways(k, f);
		r = gateways_decide(f, &nothing, 0, &ignored);
	}
	gateways_done(&nothing);
	return r < 0 ? err_errno(err, -r, "find the gateways of uplinks") : 0;
}

int observe_host(unsigned int what, struct facts *ret, struct err *err)
{
	struct kernel k;
	int r = kernel_open(&k, VIA_RUNDIR, false, err);

	if (r < 0)
		return r;
	r = observe(&k, what, ret, err);
	if (r == 0 && what & OBSERVE_STOPS)
		r = observe_stops(&k, ret, err);
	if (r == 0 && !(what & OBSERVE_SESSIONS))
		r = ask_gateways(&k, ret, err);
	if (r == 0)
		*err = (struct err){ 0 }; /* of what a plain user may not see, and need not */
	kernel_close(&k);
	if (r == 0 && !(what & OBSERVE_SESSIONS))
		r = read_leases(ret, err);
	if (r == 0 && ret->sessions.n)
		qsort(ret->sessions.v, ret->sessions.n, sizeof(*ret->sessions.v), by_id);
	return r;
}

/* By number each costs one question. 1: all are found; 0: one is not, or is meant by its name. */
static int observe_numbers(char *const words[], size_t n, struct facts *ret, struct err *err)
{
	struct kernel k;
	int r = kernel_open(&k, VIA_RUNDIR, false, err), found = 1;

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && found > 0; i++) {
		struct session s, *added;
		uint32_t id;

		found = parse_u32(words[i], 1, UINT32_MAX, &id) < 0
				? 0
				: observe_session(&k, id, &s, err);
		added = found > 0 ? VEC_PUSH(&ret->sessions) : NULL;
		if (added)
			*added = s;
		else if (found > 0)
			found = err_errno(err, ENOMEM, "find the sessions");
	}
	kernel_close(&k);
	return found;
}

int observe_sessions(char *const words[], size_t n, struct facts *ret, struct err *err)
{
	struct facts f = { 0 };
	int r = n ? observe_numbers(words, n, &f, err) : 0;

	if (r > 0) {
		*ret = f;
		return 0;
	}
	facts_done(&f);
	return r < 0 ? r : observe_host(OBSERVE_SESSIONS, ret, err);
}

int observe_dns(const char *uplink, struct facts *f, struct err *err)
{
	const size_t first = f->dns.n;
	struct dns dns;
	int r = dns_open(&dns, "", err);

	dns_take_time(&dns);
	if (r == 0)
		r = dns_observe(&dns, uplink, f, err);
	for (size_t i = 0; i < f->links.n && r == 0 && !uplink; i++)
		if (view_is_uplink(&f->links.v[i]))
			r = dns_observe(&dns, f->links.v[i].name, f, err);
	if (r == 0)
		dns_protection(&dns, f, first);
	dns_close(&dns);
	return r;
}

/*
 * The caller's own first; of several the newest: the others, of which nothing runs any more, are
 * closing (SESSION_NAME_AGAIN).
 */
static bool is_meant_before(const struct session *a, const struct session *b)
{
	bool mine = a->uid == getuid();

	if (mine != (b->uid == getuid()))
		return mine;
	return a->since != b->since ? a->since > b->since : a->id > b->id;
}

const struct session *find_session(const struct facts *f, const char *word, struct err *err)
{
	const struct session *by_name = NULL, *by_number = NULL;
	struct nearest near = { .word = word };
	uint32_t id = 0;

	bool number = parse_u32(word, 1, UINT32_MAX, &id) == 0;

	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];

		if (!number && !strcmp(s->name, word) && (!by_name || is_meant_before(s, by_name)))
			by_name = s;
		if (s->id == id)
			by_number = s;
	}
	if (by_name || by_number)
		return by_name ? by_name : by_number;
	err_set(err, ESRCH, "find session '%s': there is none of that name or id", word);
	for (size_t i = 0; i < f->sessions.n; i++)
		if (!f->sessions.v[i].probe_of)
			nearest_offer(&near, f->sessions.v[i].name);
	if (near.best)
		err_hint(err, "did you mean '%s'?", near.best);
	else
		err_hint(err, "`via-iface list` shows them");
	return NULL;
}

int check_owner(const struct session *s, const char *verb, struct err *err)
{
	if (geteuid() == 0 || s->uid == getuid())
		return 0;
	return err_set(err, EPERM,
		       "%s session '%s': it belongs to uid %" PRIu32 "; only they and root may",
		       verb, s->name, s->uid);
}
