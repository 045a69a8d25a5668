/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/netns_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "etc/nsswitch.h"
#include "etc/resolv.h"
#include "model/session.h"

/* Is there when the directory was made by us, and then goes with the last netns in it. */
#define BASE_MARK NETNS_FILES_DIR "/.via-iface"

#define FIRST_LINE                                                                                 \
	"# made by via-iface for session %" PRIu32 " in netns %" PRIu64 ", directory made %d\n"
#define FIRST_SCAN                                                                                 \
	"# made by via-iface for session %" SCNu32 " in netns %" SCNu64 ", directory made %d"

static const char *const files[] = { "resolv.conf", "nsswitch.conf" };

#define HOSTS_LINK "hosts"

/* Under this name a file is written, so that it has all its text when it gets its own. */
#define TEMPORARY ".via-iface.new"

/* What the first line of a file of ours says; false for somebody else's. */
struct owner {
	uint32_t id;
	uint64_t netns;
	int made;
};

static bool read_owner(int dir, const char *file, struct owner *ret)
{
	_cleanup_close_ int fd =
		openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct owner o = { 0 };
	char line[128] = "";
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    read(fd, line, sizeof(line) - 1) <= 0 ||
	    sscanf(line, FIRST_SCAN, &o.id, &o.netns, &o.made) != 3)
		return false;
	*ret = o;
	return true;
}

/* Only root makes links in that directory. */
static bool is_hosts_link(int dir)
{
	char target[sizeof(SHARE_DIR) + SHARE_FILE_MAX] = "";

	return readlinkat(dir, HOSTS_LINK, target, sizeof(target) - 1) > 0 &&
	       !strncmp(target, SHARE_DIR "/", strlen(SHARE_DIR "/"));
}

bool netns_files_ours(int dir, const char *file)
{
	struct owner ignored;

	return read_owner(dir, file, &ignored) || (!strcmp(file, HOSTS_LINK) && is_hosts_link(dir));
}

static int open_dir(const char *name)
{
	char path[NETNS_FILES_PATH_MAX];

	if (snprintf(path, sizeof(path), NETNS_FILES_DIR "/%s", name) >= (int)sizeof(path))
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* --- removing ------------------------------------------------------------------------------ */

static void mark_base(void)
{
	int fd = open(BASE_MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	close_fd(&fd);
}

/* The directory of a netns when it was made for it, then the one around it; both only when empty.
 */
static void remove_dirs(const char *name, bool made)
{
	char path[NETNS_FILES_PATH_MAX];

	snprintf(path, sizeof(path), NETNS_FILES_DIR "/%s", name);
	if (!made || rmdir(path) < 0)
		return;
	if (unlink(BASE_MARK) == 0 && rmdir(NETNS_FILES_DIR) < 0)
		mark_base(); /* another netns has one */
}

/* Whether one of those removed says that the directory was made for it. */
static bool remove_ours(int dir, bool (*gone)(const struct owner *o, const void *arg),
			const void *arg)
{
	bool made = false, removed = false;
	struct owner o;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!read_owner(dir, files[i], &o) || !gone(&o, arg) ||
		    unlinkat(dir, files[i], 0) < 0)
			continue;
		removed = true;
		made |= o.made;
	}
	if (removed && is_hosts_link(dir))
		unlinkat(dir, HOSTS_LINK, 0);
	return made;
}

/* Those of a session, or with NULL those of any that has no port. */
static void remove_files(const char *name, bool (*gone)(const struct owner *o, const void *arg),
			 const void *arg)
{
	_cleanup_close_ int dir = open_dir(name);
	bool made = dir >= 0 && remove_ours(dir, gone, arg);

	remove_dirs(name, made);
}

static bool is_of(const struct owner *o, const void *arg)
{
	const struct owner *wanted = arg;

	return o->id == wanted->id && o->netns == wanted->netns;
}

void netns_files_remove(const char *name, uint32_t id, uint64_t netns)
{
	const struct owner wanted = { .id = id, .netns = netns };

	remove_files(name, is_of, &wanted);
}

/* A port tells whose it is in its alias, which everybody may read. */
static bool has_no_port(const struct owner *o, const void *arg)
{
	char path[64], port[IFNAMSIZ], alias[ALIAS_MAX];
	struct session s;

	(void)arg;
	session_port(o->id, port);
	snprintf(path, sizeof(path), "/sys/class/net/%s/ifalias", port);
	if (file_start(AT_FDCWD, path, 0, alias, sizeof(alias)) <= 0)
		return true;
	alias[strcspn(alias, "\n")] = 0;
	return session_parse(alias, &s) < 0 || s.id != o->id || s.netns != o->netns;
}

void netns_files_sweep(void)
{
	DIR *d = opendir(NETNS_FILES_DIR);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			remove_files(entry->d_name, has_no_port, NULL);
	if (d)
		closedir(d);
}

/* --- writing ------------------------------------------------------------------------------- */

static int make_dir(const char *path, bool *made, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0755) == 0) {
		*made = true;
		return chmod(path, 0755) < 0 ? err_errno(err, errno, "make directory '%s'", path)
					     : 0;
	}
	if (errno == EEXIST && lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	return errno == EEXIST ? 0 : err_errno(err, errno, "make directory '%s'", path);
}

static int write_file(int dir, const char *file, const struct strbuf *text, bool *ret_foreign,
		      struct err *err)
{
	_cleanup_close_ int fd = -1;
	int r = 0;
	ssize_t n;

	unlinkat(dir, TEMPORARY, 0);
	fd = openat(dir, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_errno(err, errno, "write '%s'", file);
	n = write(fd, strbuf_text(text), text->len);
	if (n < 0 || (size_t)n != text->len || fchmod(fd, 0644) < 0) {
		r = err_errno(err, n < 0 ? errno : ENOSPC, "write '%s'", file);
	} else if (linkat(dir, TEMPORARY, dir, file, 0) < 0) {
		*ret_foreign = errno == EEXIST;
		if (errno != EEXIST)
			r = err_errno(err, errno, "write '%s'", file);
	}
	unlinkat(dir, TEMPORARY, 0);
	return r;
}

static void tell_foreign(const struct netns_files *f, const char *file,
			 char ret[NETNS_FILES_PATH_MAX])
{
	snprintf(ret, NETNS_FILES_PATH_MAX, NETNS_FILES_DIR "/%.200s/%s", f->name, file);
}

/* The file of the session's group, as it is and will be. */
static int link_hosts(const struct netns_files *f, int dir, bool *ret_foreign, struct err *err)
{
	char target[sizeof(SHARE_DIR) + SHARE_FILE_MAX];

	if (!f->share[0])
		return 0;
	snprintf(target, sizeof(target), SHARE_DIR "/%s", f->share);
	if (symlinkat(target, dir, HOSTS_LINK) == 0)
		return 0;
	*ret_foreign = errno == EEXIST;
	return *ret_foreign ? 0 : err_errno(err, errno, "write '" HOSTS_LINK "'");
}

static int write_files(const struct netns_files *f, int dir, bool made,
		       char ret_foreign[NETNS_FILES_PATH_MAX], struct err *err)
{
	_cleanup_strbuf_ struct strbuf nsswitch = { 0 };
	bool ours = false, taken = false;
	int r = nsswitch_read(&nsswitch, err);

	for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++) {
		_cleanup_strbuf_ struct strbuf text = { 0 };
		bool foreign = false;

		if (i == 1 && !nsswitch.len)
			break;
		strbuf_add(&text, FIRST_LINE, f->id, f->netns, made);
		if (i == 0)
			resolv_format(f->dns, &text);
		else
			strbuf_add_bytes(&text, nsswitch.text, nsswitch.len);
		if (strbuf_failed(&text))
			return err_errno(err, ENOMEM, "write '%s'", files[i]);
		r = write_file(dir, files[i], &text, &foreign, err);
		if (foreign)
			tell_foreign(f, files[i], ret_foreign);
		ours |= !foreign;
	}
	if (r == 0 && ours)
		r = link_hosts(f, dir, &taken, err);
	if (taken)
		tell_foreign(f, HOSTS_LINK, ret_foreign);
	return r;
}

static bool is_any(const struct owner *o, const void *arg)
{
	(void)o, (void)arg;
	return true;
}

int netns_files_write(const struct netns_files *f, char ret_foreign[NETNS_FILES_PATH_MAX],
		      struct err *err)
{
	_cleanup_close_ int dir = -1;
	char path[NETNS_FILES_PATH_MAX];
	bool made_base = false, made = false;
	int r;

	*ret_foreign = 0;
	netns_files_sweep();
	snprintf(path, sizeof(path), NETNS_FILES_DIR "/%s", f->name);
	r = make_dir(NETNS_FILES_DIR, &made_base, err);
	if (made_base)
		mark_base();
	if (r == 0)
		r = make_dir(path, &made, err);
	dir = r == 0 ? open_dir(f->name) : -1;
	if (r == 0 && dir < 0)
		r = err_errno(err, errno, "open directory '%s'", path);
	if (r == 0)
		made |= remove_ours(dir, is_any,
				    NULL); /* of a session of the name that is ending */
	if (r == 0)
		r = write_files(f, dir, made, ret_foreign, err);
	if (r == 0)
		r = netns_files_watch(f, err);
	if (r < 0) {
		netns_files_remove(f->name, f->id, f->netns);
		remove_dirs(f->name, made);
		return err_wrap(err, "write the name servers of '%s' to " NETNS_FILES_DIR, f->name);
	}
	return 0;
}
