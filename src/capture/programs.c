/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/programs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/vec.h"
#include "verbs/processes.h"

static int find(struct programs *p, struct err *err)
{
	_cleanup_processes_ struct processes all = { 0 };
	int r = processes_find(&all, err);

	for (size_t i = 0; i < all.n && r == 0; i++) {
		struct pollfd *added;
		int fd;

		if (all.v[i].netns != p->netns)
			continue;
		fd = (int)syscall(SYS_pidfd_open, all.v[i].pid, 0);
		if (fd < 0 && errno == ESRCH)
			continue;
		if (fd < 0)
			return err_errno(err, errno, "wait for process %d", all.v[i].pid);
		added = VEC_PUSH(p);
		if (!added) {
			close(fd);
			return err_errno(err, ENOMEM, "wait for the session's programs");
		}
		*added = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	return r;
}

int programs_open(struct programs *p, uint64_t netns, struct err *err)
{
	*p = (struct programs){ .netns = netns };
	return netns ? find(p, err) : 0;
}

void programs_close(struct programs *p)
{
	for (size_t i = 0; i < p->n; i++)
		close(p->v[i].fd);
	VEC_DONE(p);
}

int programs_take(struct programs *p, struct err *err)
{
	bool took = false;

	for (size_t i = p->n; i-- > 0;)
		if (p->v[i].revents) {
			close(p->v[i].fd);
			p->v[i] = p->v[--p->n];
			took = true;
		}
	return took && p->n == 0 ? find(p, err) : 0; /* each may have left a child */
}

bool programs_ended(const struct programs *p)
{
	return p->netns && p->n == 0;
}
