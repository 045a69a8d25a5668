/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Observing nftables, our tables and what of others' concerns sessions: see observe.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/util.h"
#include "base/vec.h"
#include "net/foreign.h"
#include "net/observe_internal.h"

static const uint8_t nft_families[] = { NFPROTO_BRIDGE, NFPROTO_INET, NFPROTO_ARP };
static const uint8_t foreign_families[] = { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 };

static int take_nft(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;

	return nft_decode(nlh, &obs->nft);
}

static int dump_nft(struct observation *obs, struct nl_msg *m, const char *what, struct err *err)
{
	obs->nft = (struct nft_decoder){ .set = &obs->f->ours };
	return observe_dump(obs, &obs->k->nft, m, NULL, take_nft, what, err);
}

static int dump_elements(struct observation *obs, uint8_t family, size_t first, struct err *err)
{
	size_t n = obs->f->ours.n;
	int r = 0;

	for (size_t i = first; i < n && r == 0; i++) {
		char name[NFT_NAME_MAX];
		struct nl_msg m;

		if (obs->f->ours.v[i].kind != OBJ_NFT_SET || obs->f->ours.v[i].family != family ||
		    obs->f->ours.v[i].nft_set.size) /* what rules add is no object */
			continue;
		memcpy(name, obs->f->ours.v[i].nft_set.name, sizeof(name)); /* the array may move */
		nft_dump_elements(&m, family, name);
		r = dump_nft(obs, &m, "nft elements", err);
	}
	return r;
}

static int dump_table(struct observation *obs, uint8_t family, struct err *err)
{
	size_t first = obs->f->ours.n;
	struct nl_msg m;
	int r;

	nft_dump_chains(&m, family);
	r = dump_nft(obs, &m, "nft chains", err);
	if (r < 0)
		return r;
	nft_dump_sets(&m, family);
	r = dump_nft(obs, &m, "nft sets", err);
	if (r == 0)
		r = dump_elements(obs, family, first, err);
	if (r < 0)
		return r;
	nft_dump_rules(&m, family);
	return dump_nft(obs, &m, "nft rules", err);
}

static bool has_table(const struct facts *f, uint8_t family)
{
	for (size_t i = 0; i < f->ours.n; i++)
		if (f->ours.v[i].kind == OBJ_NFT_TABLE && f->ours.v[i].family == family)
			return true;
	return false;
}

static int take_foreign_chain(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct fact_chain *fact;
	struct foreign seen;
	int r = foreign_decode(nlh, obs->f, &seen);

	if (r <= 0 || seen.what != FOREIGN_CHAIN)
		return r < 0 ? r : 0;
	fact = VEC_PUSH(&obs->f->chains);
	if (!fact)
		return -ENOMEM;
	*fact = seen.chain;
	return 0;
}

/* Tables come after the chains: only its maker can change a table with an owner. */
static int take_foreign_table(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct foreign seen;
	int r = foreign_decode(nlh, obs->f, &seen);

	if (r <= 0 || seen.what != FOREIGN_TABLE)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < obs->f->chains.n; i++) {
		struct fact_chain *c = &obs->f->chains.v[i];

		if (c->family == seen.chain.family && !strcmp(c->table, seen.chain.table))
			c->owned = seen.chain.owned;
	}
	return 0;
}

/* Of copies of one accept, which only somebody else can have made, each has a number. */
static uint32_t copies(const struct object_set *set, size_t first, const struct object *o)
{
	struct object same = *o;
	uint32_t n = 0;

	for (size_t i = first; i < set->n; i++) {
		same.nft_accept.nth = n;
		n += object_compare(&set->v[i], &same) == 0;
	}
	return n;
}

static int take_foreign_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct foreign seen;
	int r = foreign_decode(nlh, obs->f, &seen);

	if (r <= 0 || seen.what != FOREIGN_RULE || strcmp(seen.chain.table, obs->chain->table) ||
	    strcmp(seen.chain.name,
		   obs->chain->name)) /* should a kernel dump more than was asked for */
		return r < 0 ? r : 0;
	obs->chain->closes |= seen.chain.closes;
	obs->chain->leads_to |= seen.chain.leads_to;
	if (seen.ours) {
		seen.accept.nft_accept.nth = copies(&obs->f->ours, obs->ours_before, &seen.accept);
		set_add(&obs->f->ours, &seen.accept);
	}
	return 0;
}

/*
 * Other firewalls may have thousands of rules: what is asked for is all chains, and the rules of
 * those alone in which accepts of ours are, or would be.
 */
static int observe_other_firewalls(struct observation *obs, struct err *err)
{
	struct nl_sock *sock = &obs->k->nft;
	struct facts *f = obs->f;
	struct nl_msg m;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(foreign_families) && r == 0; i++) {
		nft_dump_chains(&m, foreign_families[i]);
		r = observe_dump(obs, sock, &m, &f->chains.n, take_foreign_chain, "nft chains",
				 err);
	}
	if (r < 0 || !f->chains.n)
		return r;
	nft_dump_tables(&m);
	r = observe_dump(obs, sock, &m, NULL, take_foreign_table, "nft tables", err);
	for (size_t i = 0; i < f->chains.n && r == 0; i++) {
		obs->chain = &f->chains.v[i];
		foreign_dump_rules(&m, obs->chain->family, obs->chain->table, obs->chain->name);
		r = observe_dump(obs, sock, &m, NULL, take_foreign_rule, "nft rules of others",
				 err);
		if (r == -ENOENT) /* it was removed meanwhile: an event says so */
			r = 0;
		obs->chain = NULL;
	}
	return r;
}

static bool filters_by_legacy(const char *path)
{
	char names[256];

	/* "mangle\nfilter\n": of the tables no other name ends so */
	return file_start(AT_FDCWD, path, 0, names, sizeof(names)) > 0 && strstr(names, "filter\n");
}

/* A table that is removed while it is read counts as absent. */
int observe_firewalls(struct observation *obs, struct err *err)
{
	struct nl_msg m;
	int r;

	if (!obs->k->nft.nl)
		return 0;
	nft_dump_tables(&m);
	r = dump_nft(obs, &m, "nft tables", err);
	if (r == -EPERM)
		return 0;
	if (r < 0)
		return r;
	obs->f->nft_visible = true;
	for (size_t i = 0; i < ARRAY_SIZE(nft_families) && r == 0; i++)
		if (has_table(obs->f, nft_families[i])) {
			r = dump_table(obs, nft_families[i], err);
			if (r == -ENOENT)
				r = 0;
		}
	if (r == 0)
		r = observe_other_firewalls(obs, err);
	obs->f->legacy_filter = filters_by_legacy("/proc/net/ip_tables_names") ||
				filters_by_legacy("/proc/net/ip6_tables_names");
	return r;
}
