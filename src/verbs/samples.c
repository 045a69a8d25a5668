/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/samples.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/util.h"
#include "base/vec.h"
#include "launch/daemon.h"
#include "launch/netns.h"
#include "model/session.h"
#include "plan/plan.h"

#define READ_AT_ONCE 64

/* --- one session's connections ------------------------------------------------------------- */

/* Up to the flow that ends them. The daemon's child ends by itself, and with it the pipe. */
static int read_flows(int fd, struct flows *ret, struct err *err)
{
	struct flow some[READ_AT_ONCE];

	for (;;) {
		const ssize_t n = read_up_to(fd, (char *)some, sizeof(some));

		if (n < 0)
			return err_errno(err, (int)-n, "read its connections");
		for (size_t i = 0; i < (size_t)n / sizeof(*some); i++) {
			struct flow *one;

			if (!some[i].from.family)
				return 0;
			one = VEC_PUSH(ret);
			if (!one)
				return err_errno(err, ENOMEM, "read its connections");
			*one = some[i];
		}
		if ((size_t)n < sizeof(some))
			return err_set(err, EAGAIN,
				       "read its connections: via-ifaced sent only some of them");
	}
}

static int ask(const struct session *s, struct flows *ret, struct err *err)
{
	_cleanup_close_ int netns = netns_open_of(s), fd = -1;
	union msg_request request;
	struct msg_reply reply;
	int r;

	if (netns < 0)
		return err_set(err, ESRCH,
			       "read its connections: no program is left in it that you may see");
	msg_request_init(&request, MSG_FLOWS);
	request.session.id = s->id;
	r = daemon_ask_netns(&request, netns, &reply, &fd, err);
	if (r < 0)
		return r;
	if (fd < 0)
		return err_set(err, EPROTO, "read its connections: via-ifaced sent no pipe");
	return read_flows(fd, ret, err);
}

/* --- samples ------------------------------------------------------------------------------- */

static struct sample *find(const struct samples *all, const struct session *s)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].id == s->id && all->v[i].since == s->since)
			return &all->v[i];
	return NULL;
}

static void sample_done(struct sample *s)
{
	VEC_DONE(&s->flows);
	destinations_done(&s->to);
}

/* Nothing has passed: the connections are those from before, and none carries anything. */
static void stand_still(struct sample *before, int64_t at, struct sample *ret)
{
	ret->flows = before->flows;
	ret->to = before->to;
	ret->at = at;
	ret->rated = true;
	before->flows = (struct flows){ 0 };
	before->to = (struct destinations){ 0 };
	for (size_t i = 0; i < ret->to.n; i++)
		ret->to.v[i].rx = ret->to.v[i].tx = 0;
}

static int take(const struct facts *f, const struct session *s, const struct rate *rate,
		struct sample *before, struct sample *ret)
{
	const bool known = before && before->at;
	const int64_t at = clock_ns();
	struct ip own[2] = { 0 };
	struct pool pool;

	if (known && rate && rate->known && !rate->rx && !rate->tx) {
		stand_still(before, at, ret);
		return 0;
	}
	if (ask(s, &ret->flows, &ret->why) < 0) {
		VEC_DONE(&ret->flows);
		return 0;
	}
	if (plan_pool(f, &pool, NULL) == 0) {
		own[0] = plan_address(&pool, s, AF_INET);
		own[1] = plan_address(&pool, s, AF_INET6);
	}
	ret->at = at;
	ret->rated = known;
	return destinations_take(&ret->flows, known ? &before->flows : NULL,
				 known ? at - before->at : 0, own, &ret->to);
}

bool samples_show(const struct session *s)
{
	return !s->probe_of && (geteuid() == 0 || s->uid == getuid());
}

int samples_take(struct samples *all, const struct facts *f, int64_t at, struct err *err)
{
	struct samples now = { .rates = all->rates };
	int r = rates_take(&now.rates, f, at);

	all->rates = (struct rates){ 0 };
	for (size_t i = 0; i < f->sessions.n && r == 0; i++) {
		const struct session *s = &f->sessions.v[i];
		struct sample *one;

		if (!samples_show(s))
			continue;
		one = VEC_PUSH(&now);
		if (one) {
			one->id = s->id;
			one->since = s->since;
		}
		r = one ? take(f, s, rates_of(&now.rates, s), find(all, s), one) : -ENOMEM;
	}
	samples_done(all);
	*all = now;
	return r < 0 ? err_errno(err, -r, "sample the sessions") : 0;
}

void samples_done(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++)
		sample_done(&s->v[i]);
	VEC_DONE(s);
	rates_done(&s->rates);
}

const struct sample *samples_of(const struct samples *all, const struct session *s)
{
	return find(all, s);
}
