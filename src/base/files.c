/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

int close_descriptors(unsigned int first, unsigned int last)
{
	return (int)syscall(SYS_close_range, first, last, 0);
}

int standard_files(struct err *err)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* the lowest that is free (open(2)), which is this one */
		if (open("/dev/null", (fd ? O_RDONLY : O_WRONLY) | O_CLOEXEC) != fd)
			return err_errno(err, errno, "open /dev/null as descriptor %d", fd);
	}
	return 0;
}

bool standard_output_closed(void)
{
	/* standard_files() sets the flag, and no inherited descriptor has it (execve(2)) */
	return fcntl(STDOUT_FILENO, F_GETFD) & FD_CLOEXEC;
}

ssize_t file_start(int dir, const char *path, int flags, char *ret, size_t size)
{
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | flags);
	ssize_t n = -1;

	ret[0] = 0;
	if (fd >= 0)
		do
			n = read(fd, ret, size - 1);
		while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	ret[n] = 0;
	return n;
}

ssize_t read_up_to(int fd, char *ret, size_t max)
{
	size_t len = 0;

	while (len < max) {
		ssize_t n = read(fd, ret + len, max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int each_file(const char *dir, unsigned int most, int (*wanted)(const struct dirent *entry),
	      int (*take)(const char *path, void *arg, struct err *err), void *arg, struct err *err)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, wanted, by_name), r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "read the directory '%s'", dir);
	if (n > (int)most)
		r = err_set(err, E2BIG, "read the directory '%s': it holds more than %u files", dir,
			    most);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX + NAME_MAX + 2];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (r >= 0)
			r = take(path, arg, err);
		free(names[i]);
	}
	free(names);
	return r < 0 ? r : 0;
}

int is_conf_file(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && !strcmp(name + len - 5, ".conf");
}

int wait_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	while ((n = poll(&p, 1, ms)) < 0 && errno == EINTR)
		;
	return n < 0 ? -errno : n;
}

int write_all(int fd, const void *bytes, size_t len)
{
	const char *next = bytes;

	while (len) {
		ssize_t n = write(fd, next, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		next += n;
		len -= (size_t)n;
	}
	return 0;
}

int write_without_sigpipe(int fd, const void *bytes, size_t len)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;
	int r;

	sigaction(SIGPIPE, &ignore, &before);
	r = write_all(fd, bytes, len);
	sigaction(SIGPIPE, &before, NULL);
	return r;
}

void print_error_line(const char *text)
{
	char line[ERR_TEXT_MAX + sizeof("via-iface: \n")];
	int n = snprintf(line, sizeof(line), "via-iface: %.*s\n", ERR_TEXT_MAX - 1, text);

	(void)write_without_sigpipe(STDERR_FILENO, line, (size_t)n);
}

pid_t process_next(DIR *proc)
{
	const struct dirent *e;

	while ((e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]))
			return (pid_t)strtol(e->d_name, NULL, 10);
	return 0;
}

uint64_t process_netns(pid_t pid)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

bool netns_is_named(const char *name, uint64_t netns)
{
	char path[PATH_MAX];
	struct stat st, own;

	return snprintf(path, sizeof(path), NETNS_DIR "/%s", name) < (int)sizeof(path) &&
	       lstat(path, &st) == 0 && stat("/proc/self/ns/net", &own) == 0 &&
	       st.st_ino == netns && st.st_dev == own.st_dev;
}
