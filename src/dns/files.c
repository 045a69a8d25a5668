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
#include "dns/files.h"

#define DIRECTORY_MAX 4096 /* names in one directory */

void files_done(struct file *f)
{
	free(f->bytes);
}

static int full_path(const struct dns *n, char ret[PATH_MAX], const char *dir, const char *name)
{
	int len = snprintf(ret, PATH_MAX, "%s%s%s%s", n->root, dir, *name ? "/" : "", name);

	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Reads up to DNS_FILE_MAX bytes from where the descriptor is. */
static int fill(int fd, struct file *ret)
{
	ssize_t r;

	ret->bytes = malloc(DNS_FILE_MAX);
	if (!ret->bytes)
		return -ENOMEM;
	do {
		r = read(fd, ret->bytes + ret->len, DNS_FILE_MAX - ret->len);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0)
			ret->len += (size_t)r;
	} while (r && ret->len < DNS_FILE_MAX);
	return 0;
}

int files_read(const struct dns *n, const char *dir, const char *name, enum read_how how,
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
	more = st.st_size > (off_t)DNS_FILE_MAX;
	if (!S_ISREG(st.st_mode) || (more && how == READ_WHOLE))
		return -EINVAL;
	if (more && how == READ_TAIL && lseek(fd, st.st_size - (off_t)DNS_FILE_MAX, SEEK_SET) < 0)
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
	} else if (ret->len == DNS_FILE_MAX) {
		while (ret->len && ret->bytes[ret->len - 1] != '\n')
			ret->len--; /* half of an address may be another valid address */
	}
	return 0;
}

bool dns_on_link(const struct facts *f, int index, const struct ip *ip)
{
	for (size_t i = 0; i < f->addrs.n; i++)
		if (f->addrs.v[i].index == index && ip_equal(&f->addrs.v[i].prefix.ip, ip))
			return true;
	return false;
}

bool files_lease_counts(const struct facts *f, const struct fact_link *link,
			const struct dns_lease *lease, int64_t now)
{
	if (!dns_found(&lease->dns) || lease->until <= now)
		return false;
	for (size_t i = 0; i < lease->n; i++)
		if (dns_on_link(f, link->index, &lease->addrs[i]))
			return true;
	return !lease->n;
}

void files_add_all(struct fact_dns *to, const struct fact_dns *from)
{
	if (!ip_is_set(&to->gateway4))
		to->gateway4 = from->gateway4;
	if (!ip_is_set(&to->gateway6))
		to->gateway6 = from->gateway6;
	for (size_t i = 0; i < from->n; i++)
		dns_add_server(to, &from->servers[i]);
	dns_add_domains(to, (struct span){ from->domains, strlen(from->domains) });
	if (!to->options[0])
		memcpy(to->options, from->options, sizeof(to->options));
}

int files_from_leases(const struct facts *f, const struct fact_link *link, int64_t now,
		      const struct dns_lease *lease4, const struct dns_lease *lease6,
		      const char *source, struct fact_dns *ret)
{
	struct fact_dns found = { .index = link->index };

	if (files_lease_counts(f, link, lease4, now))
		files_add_all(&found, &lease4->dns);
	if (lease6 && files_lease_counts(f, link, lease6, now))
		files_add_all(&found, &lease6->dns);
	if (!dns_found(&found))
		return -ENOENT;
	copy_string(found.source, sizeof(found.source), source);
	*ret = found;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

void files_list(const struct dns *n, const char *dir,
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
	for (size_t i = 0; i < DIRECTORY_MAX && ret->n < FILES_ENTRIES_MAX && (e = readdir(d)); i++)
		if (e->d_name[0] != '.' && wanted(e->d_name, arg) &&
		    copy_string(ret->v[ret->n], sizeof(ret->v[0]), e->d_name) == 0)
			ret->n++;
	closedir(d);
	qsort(ret->v, ret->n, sizeof(ret->v[0]), by_name);
}

bool files_may_list(const struct dns *n, const char *dir)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	if (full_path(n, path, dir, "") < 0)
		return true;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 || errno != EACCES;
}

bool files_any(const char *name, const void *arg)
{
	(void)name;
	(void)arg;
	return true;
}
