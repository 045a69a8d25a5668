/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_PROCESSES_H
#define VIA_VERBS_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/files.h"

/* Processes and the netns that each is in, as far as the caller may see that (proc(5), ns/net). */
struct processes {
	struct process {
		int pid;
		uint64_t netns; /* inode; 0: it is not the caller's to see */
	} * v;
	size_t n, size;
};

/* All that run now, in the order of their numbers; one that goes meanwhile is left out. */
int processes_find(struct processes *ret, struct err *err);
void processes_done(struct processes *p);

/* How many are in a netns. */
size_t processes_in(const struct processes *p, uint64_t netns);

/* Its parent and its name (proc(5), stat), which everybody may see. False when it is gone. */
bool process_read(int pid, int *ret_parent, char name[16]);

/* When it started (proc(5), stat, starttime); false when it is gone. */
bool process_started(int pid, uint64_t *ret);

#define _cleanup_processes_ __attribute__((cleanup(processes_done)))

#endif
