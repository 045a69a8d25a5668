/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_host.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "list.h"
#include "net/nft_codec.h"
#include "unit.h"

struct host_state fake_host;

int fake_host_set_up(void **state)
{
	(void)state;
	fake_kernel_init();
	fake_kernel_host(&fake_host);
	return 0;
}

int fake_host_tear_down(void **state)
{
	(void)state;
	host_close(&fake_host);
	fake_kernel_done();
	return 0;
}

int fake_host_run_with(const char *uplinks, const char *name, uint32_t flags)
{
	struct request r = { .owner = REQUEST_OWNER_SELF, .flags = flags };
	struct settle settle;
	struct session s;
	struct err err = { 0 };
	int netns = -1, code;

	r.uplinks = list_of(uplinks);
	assert_int_equal(copy_string(r.name, sizeof(r.name), name), 0);
	code = host_launch(&fake_host, &(struct launch){ .request = &r, .uid = 1000, .peer = 1000 },
			   &s, &settle, &netns, &err);
	close_fd(&netns);
	if (code < 0)
		return code;
	return (int)s.id;
}

int fake_host_run(const char *uplinks, const char *name)
{
	return fake_host_run_with(uplinks, name, 0);
}

/* What still differs from what the sessions that are there want, as the fake kernel has it. */
static size_t differences(char *first)
{
	_cleanup_facts_ struct facts f = { 0 };
	_cleanup_set_ struct object_set want = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	struct err err = { 0 };
	size_t n = 0;

	fake_kernel_facts(&f);
	/* which slot a session has is the daemon's decision, that what it has follows from it is
	 * not */
	for (size_t i = 0; i < f.sessions.n; i++) {
		const struct session *known = host_session(&fake_host, f.sessions.v[i].id);

		if (known)
			f.sessions.v[i] = *known;
	}
	f.dns = fake_host.facts.dns;
	assert_int_equal(refused_tell(&fake_host.refused, &f, clock_ms()), 0);
	for (size_t i = 0; i < fake_host.facts.slots.n && f.refused.n; i++) {
		const struct fact_slot *known = &fake_host.facts.slots.v[i];
		struct fact_slot *added = facts_slot(&f, known->uplink) ? NULL : VEC_PUSH(&f.slots);

		if (added) /* of one that is blocked there may be nothing to know it by */
			*added = *known;
	}
	assert_int_equal(plan_host(&f, f.sessions.v, f.sessions.n, &want, &err), 0);
	refused_leave_out(&fake_host.refused, &f, &want, clock_ms());
	assert_int_equal(nft_fingerprint(&want), 0);
	assert_int_equal(diff(&want, &f.ours, &steps), 0);
	memset(&f.dns, 0, sizeof(f.dns));
	for (size_t i = 0; i < steps.n; i++)
		if ((step_differs(&steps.v[i]) || steps_have_stray_rule(&steps, i, NULL)) && !n++)
			object_name(steps.v[i].want ? steps.v[i].want : steps.v[i].have, first);
	return n;
}

void fake_host_converges(void)
{
	char first[OBJECT_NAME_MAX] = "";
	struct err err = { 0 };

	for (int i = 0; i < 8 && (fake_host.stale || fake_host.ended.n || differences(first));
	     i++) {
		assert_int_equal(host_heal(&fake_host, &err), 0);
		if (!host_sessions(&fake_host))
			assert_int_equal(host_clear(&fake_host, &err), 0);
	}
	if (differences(first))
		fail_msg("still differs: %s", first);
}

bool fake_host_has_link(const char *name)
{
	struct object key = { .kind = OBJ_LINK, .place = PLACE_HOST };

	assert_int_equal(copy_string(key.link.name, sizeof(key.link.name), name), 0);
	return set_find(&fake_kernel.ours, &key) != NULL;
}

void fake_host_lose_all(void)
{
	for (size_t i = 0; i < fake_kernel.ours.n;)
		if (fake_kernel.ours.v[i].kind == OBJ_LINK)
			i++;
		else
			fake_kernel_remove(i);
	fake_kernel_lose_events(&fake_host);
}

static const struct object *element(uint32_t id)
{
	struct object key = { .kind = OBJ_NFT_ELEMENT,
			      .family = 7 /* NFPROTO_BRIDGE */,
			      .nft_element = { .set = "ports" } };
	char port[IFNAMSIZ];

	session_port(id, port);
	nft_key_ifname(&key.nft_element.key, port);
	return set_find(&fake_kernel.ours, &key);
}

bool fake_host_is_blocked(uint32_t id)
{
	const struct object *e = element(id);

	return !e || !strcmp(e->nft_element.chain, "slot0");
}

void fake_host_heal(void)
{
	struct err err = { 0 };

	if (host_heal(&fake_host, &err) < 0)
		fail_msg("heal: %s", err.text);
}
