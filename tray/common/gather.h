/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_GATHER_H
#define VIA_TRAY_COMMON_GATHER_H

#include <gio/gio.h>

/*
 * g_subprocess_communicate_utf8_async() without a thread. GIO closes the pipes in a thread of its
 * pool, and a thread that is done waits half a second for more to do (glib/gthreadpool.c,
 * g_thread_pool_wait_for_new_task()): one more wake-up for each question. The process has pipes for
 * stdout and stderr, or for one of them, and no stdin.
 */
void gather_async(GSubprocess *process, GCancellable *cancel, GAsyncReadyCallback done, void *data);

/* TRUE: the process has ended, and this is what it wrote; NULL where it has no pipe. The caller
 * frees both; NULL where one is not of interest. */
gboolean gather_finish(GSubprocess *process, GAsyncResult *result, char **ret_out, char **ret_err,
		       GError **error);

#endif
