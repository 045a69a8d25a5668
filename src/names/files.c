/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that programs keep about their links. A lease may be left from another day or another
 * network, so it counts only while the address it is for is on the link; and what is no regular
 * file is not read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "names/internal.h"

#define ENTRIES_MAX 64 /* files of one directory that are looked at */
#define LOOK_MAX    4096

enum read_how {
	READ_TEXT,    /* the beginning, up to the last whole line */
	READ_TAIL,    /* the end, from the first whole line */
	READ_WHOLE,   /* nothing of a longer one */
	READ_THROUGH, /* as text, and a symbolic link is followed */
};

struct file {
	char *bytes;
	size_t len;
	int64_t written; /* seconds since the epoch */
};

static void file_done(struct file *f)
{
	free(f->bytes);
}
#define _cleanup_file_ __attribute__((cleanup(file_done)))

static int full_path(const struct names *n, char ret[PATH_MAX], const char *dir, const char *name)
{
	int len = snprintf(ret, PATH_MAX, "%s%s%s%s", n->root, dir, *name ? "/" : "", name);

	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Reads up to NAMES_FILE_MAX bytes from where the descriptor is. */
static int fill(int fd, struct file *ret)
{
	ssize_t r;

	ret->bytes = malloc(NAMES_FILE_MAX);
	if (!ret->bytes)
		return -ENOMEM;
	do {
		r = read(fd, ret->bytes + ret->len, NAMES_FILE_MAX - ret->len);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0)
			ret->len += (size_t)r;
	} while (r && ret->len < NAMES_FILE_MAX);
	return 0;
}

static int read_file(const struct names *n, const char *dir, const char *name, enum read_how how,
		     struct file *ret)
{
	int follow = how == READ_THROUGH ? 0 : O_NOFOLLOW, r;
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	bool more;

	*ret = (struct file){ 0 };
	r = full_path(n, path, dir, name);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | follow);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	more = st.st_size > (off_t)NAMES_FILE_MAX;
	if (!S_ISREG(st.st_mode) || (more && how == READ_WHOLE))
		return -EINVAL;
	if (more && how == READ_TAIL && lseek(fd, st.st_size - (off_t)NAMES_FILE_MAX, SEEK_SET) < 0)
		return -errno;
	ret->written = st.st_mtime;
	r = fill(fd, ret);
	if (r < 0)
		return r;
	if (more && how == READ_TAIL) {
		const char *first = memchr(ret->bytes, '\n', ret->len);
		size_t skip = first ? (size_t)(first + 1 - ret->bytes) : ret->len;

		ret->len -= skip;
		memmove(ret->bytes, ret->bytes + skip, ret->len);
	} else if (ret->len == NAMES_FILE_MAX) {
		while (ret->len && ret->bytes[ret->len - 1] != '\n')
			ret->len--; /* a half of an address can be another one */
	}
	return 0;
}

bool names_on_link(const struct facts *f, int index, const struct ip *ip)
{
	for (size_t i = 0; i < f->addrs.n; i++)
		if (f->addrs.v[i].index == index && ip_equal(&f->addrs.v[i].prefix.ip, ip))
			return true;
	return false;
}

static bool lease_counts(const struct facts *f, const struct fact_link *link,
			 const struct names_lease *lease, int64_t now)
{
	if (!names_found(&lease->dns) || lease->until <= now)
		return false;
	for (size_t i = 0; i < lease->n; i++)
		if (names_on_link(f, link->index, &lease->addrs[i]))
			return true;
	return !lease->n;
}

static void add_all(struct fact_dns *to, const struct fact_dns *from)
{
	if (!ip_is_set(&to->gateway4))
		to->gateway4 = from->gateway4;
	if (!ip_is_set(&to->gateway6))
		to->gateway6 = from->gateway6;
	for (size_t i = 0; i < from->n; i++)
		names_add_server(to, &from->servers[i]);
	names_add_domains(to, (struct span){ from->domains, strlen(from->domains) });
}

/* What stands in two leases, of either family, that count both or one. */
static int from_leases(const struct facts *f, const struct fact_link *link, int64_t now,
		       const struct names_lease *lease4, const struct names_lease *lease6,
		       const char *source, struct fact_dns *ret)
{
	struct fact_dns found = { .index = link->index };

	if (lease_counts(f, link, lease4, now))
		add_all(&found, &lease4->dns);
	if (lease6 && lease_counts(f, link, lease6, now))
		add_all(&found, &lease6->dns);
	if (!names_found(&found))
		return -ENOENT;
	copy_string(found.source, sizeof(found.source), source);
	*ret = found;
	return 0;
}

int files_nm(const struct names *n, const struct facts *f, const struct fact_link *link,
	     int64_t now, struct fact_dns *ret)
{
	_cleanup_file_ struct file file = { 0 };
	struct names_lease lease4, lease6;
	char name[16];

	snprintf(name, sizeof(name), "%d", link->index);
	if (read_file(n, "/run/NetworkManager/devices", name, READ_TEXT, &file) < 0)
		return -ENOENT;
	names_parse_nm_device(file.bytes, file.len, &lease4, &lease6);
	return from_leases(f, link, now, &lease4, &lease6, "NetworkManager", ret);
}

/*
 * What is in force is in the link's file, and only where that names no server does the lease
 * count for names. The gateway is in the lease alone.
 */
int files_networkd(const struct names *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret)
{
	static const char *const dirs[] = { "/run/systemd/netif/links",
					    "/run/systemd/netif/leases" };
	struct fact_dns found = { .index = link->index };
	char name[16];

	snprintf(name, sizeof(name), "%d", link->index);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_file_ struct file file = { 0 };
		struct names_lease lease;
		struct fact_dns said;

		if (read_file(n, dirs[i], name, READ_TEXT, &file) < 0)
			continue;
		names_parse_networkd(file.bytes, file.len, &lease);
		if (from_leases(f, link, now, &lease, NULL, "systemd-networkd", &said) < 0)
			continue;
		if (found.n) {
			said.n = 0;
			said.domains[0] = 0;
		}
		add_all(&found, &said);
		memcpy(found.source, said.source, sizeof(found.source));
	}
	if (!names_found(&found))
		return -ENOENT;
	*ret = found;
	return 0;
}

struct entries {
	char v[ENTRIES_MAX][NAME_MAX + 1];
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The files in a directory that a function wants, in the order of their names. */
static void list(const struct names *n, const char *dir,
		 bool (*wanted)(const char *name, const void *arg), const void *arg,
		 struct entries *ret)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d = NULL;

	ret->n = 0;
	if (full_path(n, path, dir, "") == 0)
		d = opendir(path);
	if (!d)
		return;
	for (size_t i = 0; i < LOOK_MAX && ret->n < ENTRIES_MAX && (e = readdir(d)); i++)
		if (e->d_name[0] != '.' && wanted(e->d_name, arg) &&
		    copy_string(ret->v[ret->n], sizeof(ret->v[0]), e->d_name) == 0)
			ret->n++;
	closedir(d);
	qsort(ret->v, ret->n, sizeof(ret->v[0]), by_name);
}

/* The newest lease that counts. */
struct newest {
	struct names_lease lease;
	int64_t written;
};

static void keep_newest(struct newest *best, const struct names_lease *lease, int64_t written)
{
	if (!names_found(&best->lease.dns) || written > best->written)
		*best = (struct newest){ *lease, written };
}

static bool is_any(const char *name, const void *arg)
{
	(void)name;
	(void)arg;
	return true;
}

/* dhclient.leases, dhclient.eth0.leases, dhclient6-….lease, of Debian, Red Hat and others. */
static bool is_dhclient(const char *name, const void *arg)
{
	(void)arg;
	return !strncmp(name, "dhclient", 8) && strstr(name, ".lease");
}

int files_dhclient(const struct names *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret)
{
	static const char *const dirs[] = { "/var/lib/dhcp", "/var/lib/dhclient",
					    "/var/lib/NetworkManager" };
	struct newest best4 = { 0 }, best6 = { 0 };
	struct entries entries;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		list(n, dirs[i], is_dhclient, NULL, &entries);
		for (size_t k = 0; k < entries.n; k++) {
			_cleanup_file_ struct file file = { 0 };
			struct names_lease lease4, lease6;

			if (read_file(n, dirs[i], entries.v[k], READ_TAIL, &file) < 0)
				continue;
			names_parse_dhclient(file.bytes, file.len, link->name, &lease4, &lease6);
			if (lease_counts(f, link, &lease4, now))
				keep_newest(&best4, &lease4, file.written);
			if (lease_counts(f, link, &lease6, now))
				keep_newest(&best6, &lease6, file.written);
		}
	}
	return from_leases(f, link, now, &best4.lease, &best6.lease, "dhclient", ret);
}

/*
 * IF.lease, IF-SSID.lease, the same with a 6, and dhcpcd-IF.lease of old. "a-b.lease" may be of
 * a-b, or of a in the network b: the address in it tells.
 */
static bool is_dhcpcd(const char *name, const void *arg)
{
	const char *ifname = arg, *dot = strrchr(name, '.');
	size_t len = strlen(ifname);

	if (!dot || (strcmp(dot, ".lease") != 0 && strcmp(dot, ".lease6") != 0))
		return false;
	if (!strncmp(name, "dhcpcd-", 7) && (size_t)(dot - name) == 7 + len)
		return !strncmp(name + 7, ifname, len);
	return !strncmp(name, ifname, len) && (name + len == dot || name[len] == '-');
}

int files_dhcpcd(const struct names *n, const struct facts *f, const struct fact_link *link,
		 int64_t now, struct fact_dns *ret)
{
	static const char *const dirs[] = { "/var/lib/dhcpcd", "/var/lib/dhcpcd5" };
	struct newest best4 = { 0 }, best6 = { 0 };
	struct entries entries;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		list(n, dirs[i], is_dhcpcd, link->name, &entries);
		for (size_t k = 0; k < entries.n; k++) {
			const char *name = entries.v[k];
			bool six = name[strlen(name) - 1] == '6';
			_cleanup_file_ struct file file = { 0 };
			struct names_lease lease;
			int r;

			if (read_file(n, dirs[i], name, READ_WHOLE, &file) < 0)
				continue;
			r = (six ? names_parse_dhcp6
				 : names_parse_dhcp)((const uint8_t *)file.bytes, file.len,
						     file.written, &lease);
			if (r == 0 && lease_counts(f, link, &lease, now))
				keep_newest(six ? &best6 : &best4, &lease, file.written);
		}
	}
	return from_leases(f, link, now, &best4.lease, &best6.lease, "dhcpcd", ret);
}

struct owner {
	const struct facts *f;
	const struct fact_link *link;
};

/*
 * IF or IF.PROTOCOL; wg-quick(8) puts "tun." before where Debian's resolvconf wants it. The name
 * "eth0.100.dhcp" is not of eth0 where there is an eth0.100.
 */
static bool is_resolvconf(const char *name, const void *arg)
{
	const struct owner *o = arg;
	const struct fact_link *best = NULL;

	if (!strncmp(name, "tun.", 4) && !facts_link(o->f, "tun"))
		name += 4;
	for (size_t i = 0; i < o->f->links.n; i++) {
		const struct fact_link *l = &o->f->links.v[i];
		size_t len = strlen(l->name);

		if (!strncmp(name, l->name, len) && (!name[len] || name[len] == '.') &&
		    (!best || len > strlen(best->name)))
			best = l;
	}
	return best && best->index == o->link->index;
}

int files_resolvconf(const struct names *n, const struct facts *f, const struct fact_link *link,
		     int64_t now, struct fact_dns *ret)
{
	static const struct {
		const char *dir, *source;
	} places[] = {
		{ "/run/resolvconf/interface", "resolvconf" },  /* Debian's */
		{ "/run/resolvconf/interfaces", "resolvconf" }, /* openresolv */
		{ "/run/resolvconf/keys", "resolvconf" },       /* openresolv from 3.14 */
		{ "/run/dhcpcd/hook-state/resolv.conf", "dhcpcd" },
		{ "/run/dhcpcd/resolv.conf", "dhcpcd" }, /* before 9 */
	};
	struct owner owner = { f, link };
	struct entries entries;

	(void)now;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct fact_dns found = { .index = link->index };

		list(n, places[i].dir, is_resolvconf, &owner, &entries);
		for (size_t k = 0; k < entries.n; k++) {
			_cleanup_file_ struct file file = { 0 };

			if (read_file(n, places[i].dir, entries.v[k], READ_TEXT, &file) == 0)
				names_parse_resolv_conf(file.bytes, file.len, &found);
		}
		if (found.n) {
			copy_string(found.source, sizeof(found.source), places[i].source);
			*ret = found;
			return 0;
		}
	}
	return -ENOENT;
}

/*
 * What is configured, not leased: of an interface that ifupdown brought up, the stanza that it
 * used. Files that others include are those of interfaces.d, as Debian has it.
 */
int files_ifupdown(const struct names *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret)
{
	struct fact_dns found = { .index = link->index };
	_cleanup_file_ struct file state = { 0 }, main = { 0 };
	char logical[NAMES_LOGICAL_MAX];
	struct entries entries;

	(void)f;
	(void)now;
	if (read_file(n, "/run/network", "ifstate", READ_TEXT, &state) < 0 ||
	    !names_parse_ifstate(state.bytes, state.len, link->name, logical))
		return -ENOENT;
	if (read_file(n, "/etc/network", "interfaces", READ_THROUGH, &main) == 0)
		names_parse_interfaces(main.bytes, main.len, logical, &found);
	list(n, "/etc/network/interfaces.d", is_any, NULL, &entries);
	for (size_t i = 0; i < entries.n; i++) {
		_cleanup_file_ struct file file = { 0 };

		if (read_file(n, "/etc/network/interfaces.d", entries.v[i], READ_TEXT, &file) == 0)
			names_parse_interfaces(file.bytes, file.len, logical, &found);
	}
	if (!names_found(&found))
		return -ENOENT;
	copy_string(found.source, sizeof(found.source), "ifupdown");
	*ret = found;
	return 0;
}

/*
 * The servers that the peer of pppd(8) told (usepeerdns). The file does not say of which link they
 * are, so it counts only while there is one such link.
 */
int files_ppp(const struct names *n, const struct facts *f, const struct fact_link *link,
	      int64_t now, struct fact_dns *ret)
{
	static const char *const dirs[] = { "/run/ppp", "/etc/ppp" };

	(void)now;
	for (size_t i = 0; i < f->links.n; i++)
		if (!strcmp(f->links.v[i].kind, "ppp") && f->links.v[i].index != link->index)
			return -ENOENT;
	if (strcmp(link->kind, "ppp") != 0)
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct fact_dns found = { .index = link->index };
		_cleanup_file_ struct file file = { 0 };

		if (read_file(n, dirs[i], "resolv.conf", READ_TEXT, &file) < 0)
			continue;
		names_parse_resolv_conf(file.bytes, file.len, &found);
		if (!found.n)
			continue;
		copy_string(found.source, sizeof(found.source), "pppd");
		*ret = found;
		return 0;
	}
	return -ENOENT;
}

bool files_resolv_conf(const struct names *n, const char *path, struct fact_dns *ret)
{
	_cleanup_file_ struct file file = { 0 };

	if (read_file(n, path, "", READ_THROUGH, &file) < 0)
		return false;
	names_parse_resolv_conf(file.bytes, file.len, ret);
	return true;
}
