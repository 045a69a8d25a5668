/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --rate: a session receives and sends no faster than that.
 *
 * What comes to it waits in a token bucket on its port (tc-tbf(8)), which is the host's. What it
 * sends waits in another one on its own device, so that a program that sends too fast is told to
 * wait (a socket's buffer fills up) rather than loses packets, as on a slow card. Root inside, and
 * who owns a netns of others, can remove that one. So a rule at the port drops what is above the
 * rate all the same, and another one what comes down too fast: those alone hold it in a kernel
 * without sch_tbf. They count neither the frame's header nor those of the segments of one large
 * packet, hence no more than the token buckets do, and drop nothing that has passed one.
 *
 * A rule's bucket holds a second's worth and its burst (net/netfilter/nft_limit.c): after a pause
 * the rules let so much pass at once.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/fw.h"
#include "plan/internal.h"

/*
 * Behind the token bucket waits what passes in 30 ms, so that nothing waits longer. It passes 5 ms'
 * worth at once; larger packets of many segments are cut before it (sch_tbf.c:tbf_segment).
 */
#define QUEUE_MS      30u
#define BURST_MS      5u
#define QUEUE_FRAMES  8u
#define BURST_FRAMES  2u
#define FRAME_HEADERS (ETHER_HDR_LEN + 4u) /* with a VLAN's */

/* As many elements as there can be sessions; gone after that time, when the bucket is full again.
 */
#define PORTS_MAX      1024
#define BUCKET_SECONDS 60

enum direction { DOWN, UP, DIRECTIONS };

static const struct {
	const char *chain, *map;
	enum nft_field port;
} directions[DIRECTIONS] = {
	[DOWN] = { "down", "rates_down", NFT_FIELD_OIFNAME },
	[UP] = { "up", "rates_up", NFT_FIELD_IIFNAME },
};

static uint32_t rate_of(const struct session *s, enum direction d)
{
	return d == DOWN ? s->rates.down : s->rates.up;
}

static uint32_t at_least(uint32_t rate, uint32_t ms, uint32_t bytes)
{
	const uint32_t n = (uint32_t)((uint64_t)rate * ms / 1000);

	return n > bytes ? n : bytes;
}

static void chain_name(uint32_t rate, enum direction d, char ret[NFT_NAME_MAX])
{
	snprintf(ret, NFT_NAME_MAX, "%s_%u", directions[d].chain, rate);
}

static void add_qdisc(const struct session *s, enum place place, const char *dev, uint32_t rate,
		      struct object_set *set)
{
	struct object o = plan_object(OBJ_QDISC, place);
	const uint32_t frame = s->mtu + FRAME_HEADERS;

	snprintf(o.qdisc.dev, sizeof(o.qdisc.dev), "%s", dev);
	o.qdisc.rate = rate;
	o.qdisc.burst = at_least(rate, BURST_MS, BURST_FRAMES * frame);
	o.qdisc.limit = at_least(rate, QUEUE_MS, QUEUE_FRAMES * frame);
	set_add(set, &o);
}

/* Sessions of one rate share a chain, and have a bucket each. */
static void plan_chain(const struct plan_ctx *x, uint32_t rate, enum direction d)
{
	const struct nft_limit limit = { rate, at_least(rate, BURST_MS, 0), true };
	const struct nft_key k = fw_key_ifname("");
	char name[NFT_NAME_MAX];
	struct nft_rule r = { 0 };
	struct fw_chain c;

	chain_name(rate, d, name);
	c = fw_chain(x->set, NFPROTO_BRIDGE, name);
	fw_dynamic_set(x->set, NFPROTO_BRIDGE, name, PORTS_MAX, BUCKET_SECONDS, &k);
	nft_update(&r, name, 1, &directions[d].port, &limit);
	fw_rule_verdict(&c, r, NF_DROP);
}

static bool first_of_rate(const struct plan_ctx *x, size_t i, enum direction d)
{
	for (size_t j = 0; j < i; j++)
		if (rate_of(&x->sessions[j], d) == rate_of(&x->sessions[i], d))
			return false;
	return true;
}

static void plan_direction(const struct plan_ctx *x, struct fw_chain *c, enum direction d)
{
	const struct nft_key k = fw_key_ifname("");
	struct nft_rule r = { 0 };

	fw_set(x->set, NFPROTO_BRIDGE, directions[d].map, true, &k);
	for (size_t i = 0; i < x->n_sessions; i++)
		if (rate_of(&x->sessions[i], d) && first_of_rate(x, i, d))
			plan_chain(x, rate_of(&x->sessions[i], d), d);
	nft_vmap(&r, directions[d].port, directions[d].map);
	fw_rule(c, &r);
}

void plan_rates(const struct plan_ctx *x, struct fw_chain *prerouting)
{
	struct fw_chain c;
	bool any = false;

	for (size_t i = 0; i < x->n_sessions; i++)
		any |= x->sessions[i].rates.down != 0;
	if (!any)
		return;
	plan_direction(x, prerouting, UP);
	c = fw_base_chain(x->set, NFPROTO_BRIDGE, "postrouting", "filter", NF_INET_POST_ROUTING,
			  PRIORITY_BRIDGE);
	plan_direction(x, &c, DOWN);
}

void plan_rates_session(const struct plan_ctx *x, const struct session *s, const char *port)
{
	for (enum direction d = DOWN; d < DIRECTIONS && s->rates.down; d++) {
		struct object o = plan_object(OBJ_NFT_ELEMENT, PLACE_HOST);

		o.family = NFPROTO_BRIDGE;
		snprintf(o.nft_element.set, sizeof(o.nft_element.set), "%s", directions[d].map);
		o.nft_element.key = fw_key_ifname(port);
		o.nft_element.vmap = true;
		o.nft_element.verdict = NFT_JUMP;
		chain_name(rate_of(s, d), d, o.nft_element.chain);
		set_add(x->set, &o);
	}
	if (s->rates.down && !x->facts->no_shaper)
		add_qdisc(s, PLACE_HOST, port, s->rates.down, x->set);
}

void plan_rates_inside(const struct facts *f, const struct session *s, struct object_set *set)
{
	if (s->rates.up && !f->no_shaper)
		add_qdisc(s, PLACE_SESSION, session_device(s), s->rates.up, set);
}
