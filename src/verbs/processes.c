/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/text.h"
#include "base/vec.h"

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int processes_find(struct processes *ret, struct err *err)
{
	_cleanup_processes_ struct processes found = { 0 };
	DIR *proc = opendir("/proc");
	pid_t pid;

	if (!proc)
		return err_errno(err, errno, "read /proc");
	while ((pid = process_next(proc))) {
		struct process *p = VEC_PUSH(&found);

		if (!p) {
			closedir(proc);
			return err_errno(err, ENOMEM, "read /proc");
		}
		p->pid = pid;
		p->netns = process_netns(p->pid);
	}
	closedir(proc);
	if (found.n)
		qsort(found.v, found.n, sizeof(*found.v), by_pid);
	*ret = found;
	found = (struct processes){ 0 };
	return 0;
}

void processes_done(struct processes *p)
{
	VEC_DONE(p);
}

size_t processes_in(const struct processes *p, uint64_t netns)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].netns == netns;
	return n;
}

bool process_read(int pid, int *ret_parent, char name[16])
{
	char path[40], text[256], *open_at, *close_at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_start(AT_FDCWD, path, 0, text, sizeof(text)) <= 0)
		return false;
	open_at = strchr(text, '(');
	close_at = strrchr(text, ')'); /* the name itself may hold brackets */
	if (!open_at || !close_at || sscanf(close_at, ") %*c %d", ret_parent) != 1)
		return false;
	snprintf(name, 16, "%.*s", (int)(close_at - open_at - 1), open_at + 1);
	text_make_printable(name); /* a process names itself as it likes */
	return true;
}

bool process_started(int pid, uint64_t *ret)
{
	char path[40], text[1024], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_start(AT_FDCWD, path, 0, text, sizeof(text)) <= 0)
		return false;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++) { /* the name is the second one */
		at = strchr(at, ' ');
		at += at != NULL;
	}
	return at && sscanf(at, "%" SCNu64, ret) == 1;
}
