/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loop over steps. What to do, and in which order, was decided before.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/flow.h"
#include "model/own.h"
#include "net/kernel.h"
#include "net/nft_codec.h"
#include "net/rtnl.h"
#include "net/sysctl.h"

static const struct object *object_of(const struct step *s)
{
	return s->want ? s->want : s->have;
}

static int story(struct err *err, const struct step *s)
{
	static const char *const verbs[] = {
		[STEP_ADD] = "make",
		[STEP_CHANGE] = "change",
		[STEP_REMOVE] = "remove",
	};
	char name[OBJECT_NAME_MAX];

	if (object_of(s)->kind == OBJ_SYSCTL)
		return err_wrap(err, "set %s", object_name(object_of(s), name));
	return err_wrap(err, "%s %s", verbs[s->action], object_name(object_of(s), name));
}

/* --- rtnetlink ----------------------------------------------------------------------------- */

static int take_index(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_link l;
	int r = rtnl_decode_link(nlh, &l);

	if (r > 0)
		*(int *)arg = l.fact.index;
	return r < 0 ? r : 0;
}

/* Names of one apply() whose numbers are known: most steps are about the same few devices. */
struct index_cache {
	struct {
		enum place place;
		char name[IFNAMSIZ];
		int index;
	} v[4];
	size_t n;
};

static int find_index(struct nl_sock *sock, enum place place, const char *name,
		      struct index_cache *cache, int *ret, struct err *err)
{
	struct nl_msg m;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(cache->v); i++)
		if (cache->v[i].index && cache->v[i].place == place &&
		    !strcmp(cache->v[i].name, name)) {
			*ret = cache->v[i].index;
			return 0;
		}
	rtnl_get_link(&m, name);
	r = nl_get(sock, &m, take_index, ret, err);
	if (r < 0)
		return err_wrap(err, "find device '%s'", name);
	cache->v[cache->n].place = place;
	cache->v[cache->n].index = *ret;
	memcpy(cache->v[cache->n].name, name, strlen(name) + 1);
	cache->n = (cache->n + 1) % ARRAY_SIZE(cache->v);
	return 0;
}

/* A link that was made or removed has another number, or none. */
static void forget_index(struct index_cache *cache, const struct object *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(cache->v); i++)
		if (o->kind == OBJ_LINK && !strcmp(cache->v[i].name, o->link.name))
			cache->v[i].index = 0;
}

static bool already_so(const struct step *s, int code)
{
	if (s->action == STEP_REMOVE)
		return code == -ENODEV || code == -ENOENT || code == -ESRCH ||
		       code == -EADDRNOTAVAIL || code == -EINVAL;
	return code == -EEXIST && (s->want->kind == OBJ_RULE || s->want->kind == OBJ_TC ||
				   s->want->kind == OBJ_ALTNAME || s->want->kind == OBJ_ADDRESS);
}

/* As a launch has it whose netns was made ahead, a move, and a pause. */
static bool alias_alone(const struct step *s)
{
	struct object as_wanted;

	if (s->action != STEP_CHANGE || !s->have || s->want->kind != OBJ_LINK)
		return false;
	as_wanted = *s->have;
	memcpy(as_wanted.link.alias, s->want->link.alias, sizeof(as_wanted.link.alias));
	return object_same(&as_wanted, s->want);
}

static int apply_rtnl(struct kernel *k, const struct step *s, struct index_cache *cache,
		      struct err *err)
{
	const struct object *o = object_of(s);
	struct nl_sock *sock = o->place == PLACE_HOST ? &k->route : &k->session_route;
	struct rtnl_numbers n = { .netns = k->session_ns };
	const char *dev = rtnl_device(o);
	bool creates = o->kind == OBJ_LINK && s->action == STEP_ADD;
	const bool alias = alias_alone(s);
	int parts = alias ? 1 : rtnl_parts(o, s->action), r = 0;

	if (o->kind == OBJ_ROUTE && o->place == PLACE_HOST)
		n.dev = o->route.index;
	if (creates || s->action == STEP_REMOVE)
		forget_index(cache, o);
	if (o->kind == OBJ_LINK && o->link.master[0] && s->action != STEP_REMOVE && !alias)
		r = find_index(sock, o->place, o->link.master, cache, &n.master, err);
	for (int part = 0; part < parts && r == 0; part++) {
		struct nl_msg m;

		if (dev[0] && !n.dev && !(creates && part == 0))
			r = find_index(sock, o->place, dev, cache, &n.dev, err);
		if (r < 0)
			break;
		if (alias)
			rtnl_encode_alias(&m, &o->link, &n);
		else
			rtnl_encode(&m, o, s->action, part, &n);
		r = nl_talk(sock, &m, err);
		if (r < 0 && already_so(s, r))
			r = 0;
	}
	if (r < 0 && s->action == STEP_REMOVE && already_so(s, r))
		return 0;
	return r < 0 ? story(err, s) : 0;
}

/* --- sysctl -------------------------------------------------------------------------------- */

static int take_name(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_link l;
	int r = rtnl_decode_link(nlh, &l);

	if (r > 0)
		memcpy(arg, l.fact.name, IFNAMSIZ);
	return r < 0 ? r : 0;
}

static int find_name(struct kernel *k, int index, char ret[IFNAMSIZ])
{
	struct nl_msg m;

	rtnl_get_link_by_index(&m, index);
	return nl_get(&k->route, &m, take_name, ret, NULL);
}

/*
 * Opens the sysctl of the device that was meant, which may have another name by now, and another
 * device its name. The open file is the device's own, and of no use any more when that is renamed
 * or goes (fs/proc/proc_sysctl.c:grab_header); so the name is asked for again behind the open().
 * Returns a descriptor, -ENODEV when the device has gone, or another negative errno.
 */
static int open_sysctl(struct kernel *k, const struct obj_sysctl *s)
{
	const struct sysctl_dirs *dirs = k->at == PLACE_HOST ? &k->sysctls : NULL;
	char before[IFNAMSIZ], after[IFNAMSIZ], path[SYSCTL_MAX];

	if (!s->index)
		return sysctl_open(dirs, s->path);
	for (int i = 0; i < 4; i++) {
		_cleanup_close_ int fd = -1;
		int r = find_name(k, s->index, before);

		if (r == 0 && !sysctl_with_device(s->path, before, path, sizeof(path)))
			r = -ENAMETOOLONG;
		if (r == 0)
			fd = sysctl_open(dirs, path);
		if (r == 0)
			r = find_name(k, s->index, after);
		if (r < 0)
			return r;
		if (!strcmp(before, after))
			return fd < 0 ? fd : steal_fd(&fd);
	}
	return -EAGAIN;
}

static int set_sysctl(struct kernel *k, const struct obj_sysctl *s, const char *value)
{
	_cleanup_close_ int fd = open_sysctl(k, s);

	return fd < 0 ? fd : sysctl_put(fd, value);
}

/*
 * A sysctl is put back only while it has the value that we set: another value is somebody else's.
 * The sysctls of a device go with the device.
 */
static int sysctl_restore(struct kernel *k, const struct obj_sysctl *s, struct err *err)
{
	_cleanup_close_ int fd = open_sysctl(k, s);
	char now[sizeof(s->value)];
	int r = fd < 0 ? fd : sysctl_get(fd, now, sizeof(now));

	if (r == 0 && !strcmp(now, s->set))
		r = sysctl_put(fd, s->before);
	if (r < 0 && r != -ENODEV && (r != -ENOENT || s->index))
		return err_errno(err, -r, "write '%s'", s->before);
	r = sysctl_forget(k->rundir, s->path);
	return r < 0 ? err_errno(err, -r, "forget the saved value") : 0;
}

static int apply_sysctl(struct kernel *k, const struct step *s, struct err *err)
{
	const struct object *o = object_of(s);
	int r = 0;

	if (o->place == PLACE_SESSION)
		r = kernel_enter_session(k, err);
	else
		kernel_home(k);
	if (r < 0)
		return story(err, s);
	if (s->action == STEP_REMOVE) {
		if (o->sysctl.before[0])
			r = sysctl_restore(k, &o->sysctl, err);
		return r < 0 ? story(err, s) : 0;
	}
	if (o->place == PLACE_HOST && o->sysctl.before[0])
		r = sysctl_save(k->rundir, o->sysctl.path, o->sysctl.before, o->sysctl.value,
				o->sysctl.index, err);
	if (r < 0)
		return story(err, s);
	r = set_sysctl(k, &o->sysctl, o->sysctl.value);
	/*
	 * When a session ends the kernel unregisters the sysctls of its port before the port itself
	 * (net/ipv6/addrconf.c:addrconf_ifdown): one that is closing has no IPv6 to switch off, and
	 * is no reason for another session's launch to fail.
	 */
	if (o->place == PLACE_HOST && r == -ENOENT && own_is_port_sysctl(o->sysctl.path))
		r = 0;
	/*
	 * the range of groups is outside of the user namespace's map: the sysctl is a convenience
	 * inside, no protection
	 */
	if (o->place == PLACE_SESSION && r == -EINVAL)
		r = 0;
	/* a kernel that counts no bytes of connections: `top` then shows none */
	if (o->place == PLACE_SESSION && r == -ENOENT && !strcmp(o->sysctl.path, FLOW_SYSCTL))
		r = 0;
	if (r < 0) {
		err_errno(err, -r, "write '%s'", o->sysctl.value);
		return story(err, s);
	}
	return 0;
}

/* --- nftables ------------------------------------------------------------------------------ */

static bool one_batch(const struct step *a, const struct step *b)
{
	return object_is_nft(object_of(b)) && object_of(a)->place == object_of(b)->place;
}

/* Whether the chain of rule i is flushed for a rule before it that is in the transaction. */
static bool flushed_before(const struct steps *steps, size_t first, size_t i,
			   const struct refusals *refused)
{
	const struct object *o = object_of(&steps->v[i]);

	for (size_t j = first; j < i; j++) {
		const struct object *p = object_of(&steps->v[j]);

		if (steps->v[j].action == STEP_CHANGE && p->kind == OBJ_NFT_RULE &&
		    p->family == o->family && !strcmp(p->nft_rule.chain, o->nft_rule.chain) &&
		    !refusals_cover(refused, steps->v[j].want))
			return true;
	}
	return false;
}

/*
 * What the kernel removes with its table needs no message of its own, and a message behind the
 * table's would fail. So it is with an element of a set that goes: a foreign one may be an
 * interval, whose ends we cannot name.
 */
static bool goes_along(const struct steps *steps, size_t i)
{
	const struct object *o = object_of(&steps->v[i]);

	if (steps->v[i].action != STEP_REMOVE || o->kind == OBJ_NFT_TABLE ||
	    o->kind == OBJ_NFT_ACCEPT) /* whose table is not ours */
		return false;
	for (size_t j = i + 1; j < steps->n; j++) { /* removals go backwards: the table is last */
		const struct object *p = object_of(&steps->v[j]);

		if (steps->v[j].action != STEP_REMOVE || p->family != o->family ||
		    p->place != o->place)
			continue;
		if (p->kind == OBJ_NFT_TABLE ||
		    (p->kind == OBJ_NFT_SET && o->kind == OBJ_NFT_ELEMENT &&
		     !strcmp(p->nft_set.name, o->nft_element.set)))
			return true;
	}
	return false;
}

/* On failure *ret_guilty is the object that was refused, or NULL. */
static int send_batch(struct nl_sock *sock, struct nft_batch *b, const struct object **ret_guilty,
		      struct err *err)
{
	const struct object *guilty = NULL;
	char name[OBJECT_NAME_MAX];
	uint32_t failed = 0;
	int r;

	nft_batch_end(b);
	if (b->failed)
		return err_errno(err, ENOMEM, "build the nft transaction");
	sock->seq = b->seq;
	r = nl_batch(sock, b->buf, b->len, nft_batch_last(b), &failed, err);
	if (r < 0)
		guilty = nft_batch_object(b, failed);
	if (r < 0 && guilty)
		err_wrap(err, "%s", object_name(guilty, name));
	if (r == -EOPNOTSUPP || (r == -ENOENT && guilty && guilty->kind != OBJ_NFT_ELEMENT))
		err_hint(err, "the kernel may lack a part of nf_tables, or nobody may load it now");
	*ret_guilty = guilty;
	return r < 0 ? err_wrap(err, "change the firewall") : 0;
}

static int try_batch(struct nl_sock *sock, const struct steps *steps, size_t first, size_t end,
		     const struct refusals *refused, const struct object **ret_guilty,
		     struct err *err)
{
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	bool empty = true;

	*ret_guilty = NULL;
	nft_batch_begin(&b, sock->seq + 1);
	for (size_t i = first; i < end; i++) {
		const struct step *s = &steps->v[i];
		const struct object *o = object_of(s);

		if (goes_along(steps, i) || refusals_cover(refused, s->want))
			continue;
		if (o->kind == OBJ_NFT_RULE && s->action == STEP_CHANGE &&
		    !flushed_before(steps, first, i, refused))
			nft_batch_flush_chain(&b, o);
		nft_batch_step(&b, o, s->action);
		empty = false;
	}
	return empty ? 0 : send_batch(sock, &b, ret_guilty, err);
}

/* Only what is wanted has an owner: what is to go is known by its key in the same place. */
static const struct object *wanted(const struct steps *steps, size_t first, size_t end,
				   const struct object *o)
{
	for (size_t i = first; i < end && o; i++)
		if (steps->v[i].want == o)
			return o;
	return NULL;
}

/*
 * Returns how many steps it took, or a negative errno. A transaction is refused as a whole: it is
 * sent again without what belongs to the owner of the object that the kernel named.
 */
static ssize_t apply_nft(struct kernel *k, const struct steps *steps, size_t first,
			 struct refusals *refused, struct err *err)
{
	struct nl_sock *sock =
		object_of(&steps->v[first])->place == PLACE_HOST ? &k->nft : &k->session_nft;
	const struct object *guilty;
	size_t end = first;
	int r;

	while (end < steps->n && one_batch(&steps->v[first], &steps->v[end]))
		end++;
	do {
		r = try_batch(sock, steps, first, end, refused, &guilty, err);
	} while (r < 0 && guilty &&
		 refusals_note(refused, wanted(steps, first, end, guilty), r, err) == 0);
	return r < 0 ? r : (ssize_t)(end - first);
}

/* ------------------------------------------------------------------------------------------- */

static int take_step(struct kernel *k, const struct step *s, struct index_cache *cache,
		     struct err *err)
{
	const struct object *o = object_of(s);

	if (o->kind == OBJ_NETNS) /* made before: its inode is in the plan */
		return 0;
	return o->kind == OBJ_SYSCTL ? apply_sysctl(k, s, err) : apply_rtnl(k, s, cache, err);
}

static int take_steps(struct kernel *k, const struct steps *steps, struct refusals *refused,
		      struct err *err)
{
	struct index_cache cache = { 0 };
	int r = 0;

	for (size_t i = 0; i < steps->n && r == 0;) {
		const struct step *s = &steps->v[i];
		ssize_t taken = 1;

		if (object_is_nft(object_of(s))) {
			taken = apply_nft(k, steps, i, refused, err);
			r = taken < 0 ? (int)taken : 0;
		} else if (!refusals_cover(refused, s->want)) {
			r = take_step(k, s, &cache, err);
			if (r < 0)
				r = refusals_note(refused, s->want, r, err);
		}
		i += (size_t)taken;
	}
	return r;
}

int apply_inside(struct kernel *k, const struct steps *steps, struct err *err)
{
	return take_steps(k, steps, NULL, err);
}

int apply(struct kernel *k, const struct steps *steps, struct refusals *refused, struct err *err)
{
	int r = take_steps(k, steps, refused, err);

	kernel_home(k);
	if (r < 0 && refused)
		refusals_done(refused);
	return r;
}
