/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>

void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max < DESCRIPTORS_WANTED) {
		struct rlimit more = { .rlim_cur = DESCRIPTORS_WANTED,
				       .rlim_max = DESCRIPTORS_WANTED };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	if (limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* proc(5), /proc/PID/fd: all of limit where not even that can be opened. 0, or a negative errno. */
static int count_open(size_t limit, size_t *ret)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	*ret = limit;
	if (!dir)
		return errno == EMFILE ? 0 : -errno;
	while (readdir(dir))
		n++;
	closedir(dir);
	*ret = n - 3; /* "." and ".." and the directory's own */
	return 0;
}

int descriptors_room(size_t *ret, struct err *err)
{
	const size_t least = DESCRIPTORS_WORK + DESCRIPTORS_PER_CONNECTION;
	struct rlimit limit;
	size_t open = 0;
	int r;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, errno, "read the limit of open descriptors");
	r = count_open((size_t)limit.rlim_cur, &open);
	if (r < 0)
		return err_errno(err, -r, "count open descriptors");
	if (limit.rlim_cur < open + least) {
		err_set(err, EMFILE,
			"make room for a connection: the limit is %llu descriptors of at least %zu",
			(unsigned long long)limit.rlim_cur, open + least);
		return err_hint(err, "raise it: `ulimit -n %u`, or LimitNOFILE= in a unit",
				DESCRIPTORS_WANTED);
	}
	*ret = ((size_t)limit.rlim_cur - open - DESCRIPTORS_WORK) / DESCRIPTORS_PER_CONNECTION;
	return 0;
}
