/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/share_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/log.h"
#include "base/parse.h"

#define HOSTS_PATH "/etc/hosts"
#define HOSTS_MAX  ((size_t)4 << 20) /* bytes of it that are copied; a larger one is refused */

void share_file_name(const struct session *s, char ret[SHARE_FILE_MAX])
{
	static_assert(sizeof("4294967295-") - 1 + SESSION_SHARE_MAX <= SHARE_FILE_MAX, "it fits");
	memset(ret, 0, SHARE_FILE_MAX);
	if (s->share[0])
		snprintf(ret, SHARE_FILE_MAX, "%" PRIu32 "-%s", s->uid, s->share);
}

static bool has_member(const struct facts *f, const struct session *s)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (session_shares(s, &f->sessions.v[i]))
			return true;
	return false;
}

/* Only the records that differ, a page of the file at most at once: no reader finds half a line. */
static int write_block(int fd, const char *before, const char *block)
{
	for (size_t i = 0; i < SHARE_BLOCK; i += SHARE_RECORD) {
		if (!memcmp(before + i, block + i, SHARE_RECORD))
			continue;
		if (pwrite(fd, block + i, SHARE_RECORD, (off_t)i) != SHARE_RECORD)
			return -EIO;
	}
	return 0;
}

/* The host's own hosts(5) of now; where there is none, nothing. */
static ssize_t read_hosts(char **ret, struct err *err)
{
	_cleanup_close_ int fd = open(HOSTS_PATH, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st = { 0 };
	ssize_t n;

	*ret = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "read '" HOSTS_PATH "'");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uintmax_t)st.st_size > HOSTS_MAX)
		return err_set(err, EFBIG,
			       "copy '" HOSTS_PATH "': it is no file of up to %zu bytes",
			       HOSTS_MAX);
	*ret = malloc((size_t)st.st_size + 1);
	if (!*ret)
		return err_errno(err, ENOMEM, "read '" HOSTS_PATH "'");
	n = read_up_to(fd, *ret, (size_t)st.st_size);
	return n < 0 ? err_errno(err, (int)-n, "read '" HOSTS_PATH "'") : n;
}

/* Behind the names of the group. */
static int write_hosts(int fd, struct err *err)
{
	_cleanup_free_ char *now = NULL, *before = NULL;
	ssize_t n = read_hosts(&now, err);
	off_t size = (off_t)SHARE_BLOCK + n;
	struct stat st;

	if (n < 0)
		return (int)n;
	before = malloc((size_t)n + 1);
	if (!before || fstat(fd, &st) < 0)
		return err_errno(err, before ? errno : ENOMEM, "copy '" HOSTS_PATH "'");
	if (st.st_size == size && (!now || (pread(fd, before, (size_t)n, (off_t)SHARE_BLOCK) == n &&
					    !memcmp(before, now, (size_t)n))))
		return 0;
	if (now && pwrite(fd, now, (size_t)n, (off_t)SHARE_BLOCK) != n)
		return err_errno(err, EIO, "copy '" HOSTS_PATH "'");
	return ftruncate(fd, size) < 0 ? err_errno(err, errno, "copy '" HOSTS_PATH "'") : 0;
}

static int write_file(struct host_state *h, const struct session *s, const char *path,
		      struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	char before[SHARE_BLOCK] = { 0 }, block[SHARE_BLOCK];
	struct pool pool;
	int r = plan_pool(&h->facts, &pool, err);

	if (r < 0)
		return r;
	if (fd < 0 || fchmod(fd, 0644) < 0 || pread(fd, before, sizeof(before), 0) < 0)
		return err_errno(err, errno, "write '%s'", path);
	memcpy(block, before, sizeof(block));
	plan_share_names(&h->facts, &pool, s, block);
	r = write_block(fd, before, block);
	if (r < 0)
		return err_errno(err, -r, "write '%s'", path);
	return write_hosts(fd, err);
}

int share_file_write(struct host_state *h, const struct session *s, struct err *err)
{
	char dir[PATH_MAX], path[PATH_MAX + SHARE_FILE_MAX], name[SHARE_FILE_MAX];

	if (!s->share[0])
		return 0;
	share_file_name(s, name);
	snprintf(dir, sizeof(dir), "%s/share", h->kernel.rundir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!has_member(&h->facts, s)) {
		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(err, errno, "unlink '%s'", path);
		return 0;
	}
	h->no_share_files = false;
	if (mkdir(dir, 0711) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make directory '%s'", dir);
	if (chmod(dir, 0711) <
	    0) /* as its parent: the names in it are known, and are all that is used */
		return err_errno(err, errno, "open directory '%s' to sessions", dir);
	return write_file(h, s, path, err);
}

static bool is_of_session(const struct facts *f, const char *file)
{
	struct session s = { 0 };
	char uid[16] = "", name[SHARE_FILE_MAX];
	size_t digits = strcspn(file, "-");

	if (digits >= sizeof(uid) || !file[digits])
		return false;
	memcpy(uid, file, digits);
	if (parse_u32(uid, 0, UINT32_MAX, &s.uid) < 0 ||
	    copy_string(s.share, sizeof(s.share), file + digits + 1) < 0)
		return false;
	share_file_name(&s, name);
	return !strcmp(name, file) && has_member(f, &s);
}

static void unlink_others(struct host_state *h)
{
	char path[PATH_MAX];
	const struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/share", h->kernel.rundir);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    !is_of_session(&h->facts, e->d_name))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	h->no_share_files = rmdir(path) == 0 || errno == ENOENT;
}

void share_files_write(struct host_state *h)
{
	const struct facts *f = &h->facts;
	struct err err = { 0 };

	if (h->no_share_files)
		return;
	for (size_t i = 0; i < f->sessions.n; i++) {
		size_t first = 0;

		if (!f->sessions.v[i].share[0])
			continue;
		while (first < i && !session_shares(&f->sessions.v[first], &f->sessions.v[i]))
			first++;
		if (first == i && share_file_write(h, &f->sessions.v[i], &err) < 0)
			log_line(LOG_ERR, "%s", err.text);
	}
	unlink_others(h);
}
