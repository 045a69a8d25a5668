/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netns that somebody else made, and that gets a device of ours. Its routes and rules are read
 * once, before ours are added. What of ours is not bound to our device, so that it stops traffic
 * while the device is down, dormant or deleted, is found again by its routing protocol and its
 * table name: there is no record of it.
 */
#include "net/attached.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "model/diff.h"
#include "model/own.h"
#include "net/rtnl.h"

#define ROUTES_MAX 4096 /* a longer table is not read to its end by the daemon */
#define RULES_MAX  256

static const uint8_t families[] = { AF_INET, AF_INET6 };

/* --- reading ------------------------------------------------------------------------------- */

struct netns_dump {
	struct attached *a;
	size_t routes_before, rules_before; /* of the dump under way */
};

static void forget(void *arg)
{
	struct netns_dump *d = arg;

	d->a->routes.n = d->routes_before;
	d->a->rules.n = d->rules_before;
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	struct netns_dump *d = arg;
	struct fact_route route, *added;
	int r;

	for (int hop = 0; (r = rtnl_decode_route(nlh, hop, &route)) > 0; hop++) {
		if (route.table == RT_TABLE_LOCAL)
			return 0;
		if (d->a->routes.n >= ROUTES_MAX)
			return -E2BIG;
		added = VEC_PUSH(&d->a->routes);
		if (!added)
			return -ENOMEM;
		*added = route;
	}
	return r;
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct fact_rule rule = { 0 }, *added;
	struct netns_dump *d = arg;
	int r = rtnl_decode_host_rule(nlh, &rule); /* also of a via-iface in there */

	if (r <= 0 || rule.action != FR_ACT_TO_TBL)
		return r < 0 ? r : 0;
	if (d->a->rules.n >= RULES_MAX)
		return -E2BIG;
	added = VEC_PUSH(&d->a->rules);
	if (!added)
		return -ENOMEM;
	*added = rule;
	return 0;
}

static int read_family(struct kernel *k, uint8_t family, struct attached *a, struct err *err)
{
	struct netns_dump d = { .a = a, .routes_before = a->routes.n, .rules_before = a->rules.n };
	struct nl_msg m;
	int r;

	rtnl_dump_routes(&m, family);
	r = nl_dump(&k->session_route, &m, take_route, forget, &d, err);
	if (r == 0) {
		d.routes_before = a->routes.n;
		rtnl_dump_rules(&m, family);
		r = nl_dump(&k->session_route, &m, take_rule, forget, &d, err);
	}
	if (r == -E2BIG)
		return err_set(err, E2BIG,
			       "use that netns: it has more than %d routes or %d routing rules",
			       ROUTES_MAX, RULES_MAX);
	/* a kernel without policy routing, or without IPv6, has none */
	if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
		return 0;
	return r < 0 ? err_wrap(err, "read the routes of that netns") : 0;
}

static int nothing(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh, (void)arg;
	return 0;
}

static int check_device(struct kernel *k, const char *dev, struct err *err)
{
	struct err ignored = { 0 };
	struct nl_msg m;
	int r;

	rtnl_get_link(&m, dev);
	r = nl_get(&k->session_route, &m, nothing, NULL, &ignored);
	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return err_set(err, -r, "find device '%s' in that netns: %s", dev, ignored.text);
	err_set(err, EEXIST, "use that netns: it has device '%s'", dev);
	return err_hint(err, "--ifname NAME gives ours another name");
}

int attached_enter(struct kernel *k, int netns, const char *dev, struct attached *ret,
		   struct err *err)
{
	_cleanup_attached_ struct attached a = { 0 };
	int r = kernel_step_into(k, netns, err);

	if (r == 0)
		r = check_device(k, dev, err);
	if (r == 0)
		r = attached_remove(k, err);
	for (size_t i = 0; i < ARRAY_SIZE(families) && r >= 0; i++)
		r = read_family(k, families[i], &a, err);
	if (r < 0) {
		kernel_home(k);
		kernel_drop_session(k);
		return r;
	}
	*ret = a;
	a = (struct attached){ 0 };
	return 0;
}

/* --- removing ------------------------------------------------------------------------------ */

struct found {
	struct object_set set;
};

static void forget_found(void *arg)
{
	((struct found *)arg)->set.n = 0;
}

static int take_ours(const struct nlmsghdr *nlh, void *arg)
{
	struct object o = { .kind = OBJ_ROUTE, .place = PLACE_SESSION };
	struct found *found = arg;
	struct fact_route route;
	int r = rtnl_decode_route(nlh, 0, &route);

	if (r <= 0 || route.protocol != VIA_RTPROT || route.type != RTN_UNREACHABLE ||
	    route.table != RT_TABLE_MAIN || route.metric != OWN_METRIC_STOP)
		return r < 0 ? r : 0;
	o.route.table = route.table;
	o.route.dst = route.dst;
	o.route.metric = route.metric;
	o.route.stop = RTN_UNREACHABLE;
	set_add(&found->set, &o);
	return 0;
}

/* 1 when our table is there, 0 when not; a kernel without nf_tables has none. */
static int has_table(struct kernel *k)
{
	struct err ignored = { 0 };
	struct nfgenmsg *nfg;
	struct nl_msg m;

	nfg = nl_msg_start(&m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, sizeof(*nfg));
	nfg->nfgen_family = NFPROTO_INET;
	nfg->version = NFNETLINK_V0;
	nl_put_str(&m, NFTA_TABLE_NAME, NFT_TABLE_ATTACHED);
	return nl_get(&k->session_nft, &m, nothing, NULL, &ignored) == 0;
}

int attached_remove(struct kernel *k, struct err *err)
{
	struct object table = { .kind = OBJ_NFT_TABLE,
				.place = PLACE_SESSION,
				.family = NFPROTO_INET,
				.attached = true };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set none = { 0 };
	struct found found = { 0 };
	struct nl_msg m;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		struct found one = { 0 };

		rtnl_dump_routes(&m, families[i]);
		r = nl_dump(&k->session_route, &m, take_ours, forget_found, &one, err);
		if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
			r = 0;
		for (size_t j = 0; j < one.set.n; j++)
			set_add(&found.set, &one.set.v[j]);
		found.set.failed |= one.set.failed;
		set_done(&one.set);
	}
	if (has_table(k))
		set_add(&found.set, &table);
	if (r == 0 && (set_sort(&found.set) < 0 || diff(&none, &found.set, &steps) < 0))
		r = err_errno(err, ENOMEM, "remove what is ours from a netns");
	if (r == 0)
		r = apply_inside(k, &steps, err);
	if (r == 0)
		r = (int)steps.n;
	set_done(&found.set);
	return r;
}

/* --- from outside -------------------------------------------------------------------------- */

/* The owner of a user namespace has every capability in it, once inside (user_namespaces(7)). */
static int enter_owner(int netns, struct err *err)
{
	_cleanup_close_ int userns = ioctl(netns, NS_GET_USERNS);

	if (userns < 0 || setns(userns, CLONE_NEWUSER) < 0)
		return err_errno(err, errno, "enter the user namespace of that netns");
	return 0;
}

/* In a child: a process that has entered a user namespace cannot return to its own (setns(2)). */
static int release(int netns, const char *rundir, struct err *err)
{
	struct kernel k = { 0 };
	int r = kernel_open(&k, rundir, true, err);

	if (r == 0 && geteuid() != 0)
		r = enter_owner(netns, err);
	if (r == 0)
		r = kernel_step_into(&k, netns, err);
	return r == 0 ? attached_remove(&k, err) : r;
}

int attached_release(int netns, const char *rundir, struct err *err)
{
	struct {
		int result;
		struct err err;
	} said = { .result = -EIO };
	_cleanup_close_ int ours = -1;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	ours = ends[0];
	pid = fork();
	if (pid == 0) {
		said.err = (struct err){ 0 };
		said.result = release(netns, rundir, &said.err);
		_exit(write(ends[1], &said, sizeof(said)) == sizeof(said) ? 0 : 1);
	}
	close(ends[1]);
	if (pid < 0)
		return err_errno(err, errno, "enter that netns");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (read(ours, &said, sizeof(said)) != sizeof(said))
		return err_set(err, EIO, "remove what is ours from a netns: a child ended early");
	if (said.result < 0)
		*err = said.err;
	return said.result;
}

static int open_inode(const char *path, uint64_t inode)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == inode &&
			       ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET
		       ? steal_fd(&fd)
		       : -1;
}

/* The entries of a directory, each with its path. */
static int find_below(const char *dir, const char *tail, uint64_t inode)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int fd = -1;

	while (d && fd < 0 && (entry = readdir(d))) {
		char path[512];

		if (entry->d_name[0] != '.' && snprintf(path, sizeof(path), "%s/%s%s", dir,
							entry->d_name, tail) < (int)sizeof(path))
			fd = open_inode(path, inode);
	}
	if (d)
		closedir(d);
	return fd;
}

static int find_mounted(uint64_t inode)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], root[64], path[512], wanted[64];
	int fd = -1;

	snprintf(wanted, sizeof(wanted), "net:[%llu]", (unsigned long long)inode);
	while (f && fd < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %63s %511s", root, path) == 2 &&
		    !strcmp(root, wanted))
			fd = open_inode(path, inode);
	if (f)
		fclose(f);
	return fd;
}

int attached_find(uint64_t inode)
{
	int fd = find_below("/proc", "/ns/net", inode);

	if (fd < 0)
		fd = find_below(NETNS_DIR, "", inode);
	if (fd < 0)
		fd = find_mounted(inode);
	return fd < 0 ? -ESRCH : fd;
}
