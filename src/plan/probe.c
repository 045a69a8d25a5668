/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "plan/uplink.h"

/* What of the parent restricts the program inside; the rest says how the parent came to be. */
#define RESTRICTIONS (SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS)

static const struct session *find(const struct facts *f, uint32_t id)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (f->sessions.v[i].id == id)
			return &f->sessions.v[i];
	return NULL;
}

static bool has_probe(const struct facts *f, uint32_t id)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (f->sessions.v[i].probe_of == id)
			return true;
	return false;
}

/* Whether a list has one word, and another list means the interface of that name. */
static bool is_one_of(const struct facts *f, const struct uplink_list *one,
		      const struct uplink_list *of)
{
	return one->n == 1 && uplink_listed(f, of, uplink_list_word(one, 0));
}

static int check_parent(const struct facts *f, const struct session *s, uint32_t uid,
			struct err *err)
{
	if (uid && s->uid != uid)
		return err_set(err, EPERM, "it belongs to uid %" PRIu32, s->uid);
	if (uid && s->flags & SESSION_BY_ROOT)
		return err_set(err, EPERM, "root chose its uplinks, so only root may probe them");
	if (s->probe_of || s->flags & SESSION_ATTACHED)
		return err_set(err, EINVAL, "it is %s",
			       s->probe_of ? "a probe session itself" : "an attachment");
	if (s->flags & SESSION_PAUSED)
		return err_set(err, EINVAL, "it is paused");
	if (has_probe(f, s->id))
		return err_set(err, EBUSY, "another probe of it is under way");
	return 0;
}

int probe_request(const struct facts *f, const struct request *asked, uint32_t uid,
		  struct request *ret, const struct session **ret_parent, struct err *err)
{
	const struct session *parent = find(f, asked->probe_of);
	char text[UPLINK_LIST_TEXT_MAX];
	struct request r = { .probe_of = asked->probe_of, .owner = REQUEST_OWNER_SELF };
	int code;

	if (!parent)
		return err_set(err, ESRCH, "probe session %" PRIu32 ": there is none",
			       asked->probe_of);
	code = check_parent(f, parent, uid, err);
	if (code == 0 && !is_one_of(f, &asked->uplinks, &parent->uplinks))
		code = err_set(err, EINVAL, "'%s' is not in its list of uplinks",
			       uplink_list_format(&asked->uplinks, text));
	if (code < 0)
		return err_wrap(err, "probe session '%s'", parent->name);
	r.uplinks = asked->uplinks;
	snprintf(r.name, sizeof(r.name), "probe-%.*s", SESSION_NAME_BYTES - 6, parent->name);
	r.flags = parent->flags & RESTRICTIONS;
	r.mtu = parent->mtu;
	r.n_dns = (uint8_t)parent->n_dns;
	memcpy(r.dns, parent->dns, sizeof(r.dns));
	*ret = r;
	*ret_parent = parent;
	return 0;
}

bool probe_stands(const struct facts *f, const struct session *s)
{
	const struct session *parent;

	if (!s->probe_of)
		return true;
	parent = find(f, s->probe_of);
	return parent && !(parent->flags & SESSION_PAUSED) &&
	       is_one_of(f, &s->uplinks, &parent->uplinks);
}
