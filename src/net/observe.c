/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observing: dumps become facts, and what of them is ours becomes objects of the same kinds as the
 * plan's, so that the difference is what has to be done. observe_links.c reads links, addresses,
 * routes, rules and the bridge's tables, observe_firewalls.c nftables, observe_sysctls.c sysctls.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/util.h"
#include "model/own.h"
#include "model/recorded.h"
#include "net/observe_internal.h"
#include "net/ports.h"

static void forget(void *arg)
{
	struct observation *obs = arg;

	if (obs->count)
		*obs->count = obs->count_before;
	obs->f->ours.n = obs->ours_before;
	obs->nft.chain[0] = 0;
	obs->nft.index = 0;
	if (obs->chain) {
		obs->chain->closes = false;
		obs->chain->leads_to = 0;
	}
}

int observe_dump(struct observation *obs, struct nl_sock *sock, struct nl_msg *m, size_t *count,
		 nl_handler handler, const char *what, struct err *err)
{
	int r;

	obs->count = count;
	obs->count_before = count ? *count : 0;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): observe() points it at its own */
	obs->ours_before = obs->f->ours.n;
	r = nl_dump(sock, m, handler, forget, obs, err);
	if (r < 0)
		return err_wrap(err, "read the %s", what);
	return obs->f->ours.failed ? err_errno(err, ENOMEM, "read the %s", what) : 0;
}

/* What makes the ULA prefix this machine's own: a hash, from which machine-id(5) is not known. */
static void read_host_id(struct facts *f)
{
	uint64_t h = HASH_START;
	char id[33];

	if (file_start(AT_FDCWD, "/etc/machine-id", 0, id, sizeof(id)) != (ssize_t)sizeof(id) - 1)
		return;
	for (int round = 0; round < 2; round++) {
		h = hash_bytes(h, id, sizeof(id) - 1);
		memcpy(f->host_id + 8 * (size_t)round, &h, sizeof(h));
	}
}

static bool has_chain(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->ours.n; i++)
		if (f->ours.v[i].kind == OBJ_NFT_CHAIN && f->ours.v[i].family == NFPROTO_INET &&
		    !strcmp(f->ours.v[i].nft_chain.name, name))
			return true;
	return false;
}

/*
 * The check takes the kernel 10 ms (it waits for RCU before it frees the checked rule), so the
 * daemon alone does it, once; others recognize the result by the chains that the daemon has made
 * (plan/masquerade.c).
 */
static bool has_socket_match(struct observation *obs)
{
	if (obs->k->host_ns >= 0)
		return kernel_has_socket_match(obs->k);
	return !has_chain(obs->f, "zone") || has_chain(obs->f, "from_socket");
}

static int find_recorded(struct facts *f, struct err *err)
{
	return recorded_find(f) < 0 ? err_errno(err, ENOMEM, "observe the host") : 0;
}

/* What is behind the links: all that is planned with. */
static int observe_rest(struct observation *obs, struct err *err)
{
	struct facts *f = obs->f;
	int r = observe_routing(obs, err);

	facts_index_routing(f);
	if (r == 0 && !(obs->what & OBSERVE_STATES))
		r = observe_bridge(obs, err);
	if (r == 0)
		r = observe_firewalls(obs, err);
	if (r == 0)
		r = find_recorded(f, err);
	if (r == 0 && !(obs->what & OBSERVE_STATES))
		r = observe_qdiscs(obs, err);
	if (r == 0)
		r = observe_sysctls(obs, err);
	if (r == 0)
		r = ports_observe(&obs->k->sysctls, f, err);
	if (r < 0)
		return r;
	f->no_socket_match = !has_socket_match(obs);
	observe_own_sysctls(f);
	read_host_id(f);
	return set_sort(&f->ours) < 0 ? err_errno(err, ENOMEM, "observe the host") : 0;
}

int observe(struct kernel *k, unsigned int what, struct facts *ret, struct err *err)
{
	struct facts f = { 0 };
	struct observation obs = { .k = k, .what = what, .f = &f };
	int r = observe_links(&obs, what & OBSERVE_COUNTERS, err);

	if (r == 0 && what & OBSERVE_SESSIONS)
		r = find_recorded(&f, err);
	else if (r == 0)
		r = observe_rest(&obs, err);
	if (r < 0)
		facts_done(&f);
	else
		*ret = f;
	return r;
}
