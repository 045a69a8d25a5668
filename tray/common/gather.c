/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/common/gather.h"

#define CHUNK 16384

enum { OUT, ERR, PIPES };

struct gather {
	GString *text[PIPES]; /* NULL: there is no such pipe */
	int open;
};

/* Of one pipe; the task is the source's. */
struct pipe {
	GTask *task;
	GString *text;
};

static void free_gather(void *data)
{
	struct gather *g = data;

	for (int i = 0; i < PIPES; i++)
		if (g->text[i])
			g_string_free(g->text[i], TRUE);
	g_free(g);
}

static void free_pipe(void *data)
{
	struct pipe *p = data;

	g_object_unref(p->task);
	g_free(p);
}

static void on_ended(GObject *source, GAsyncResult *result, void *data)
{
	g_autoptr(GTask) task = data;
	GError *error = NULL;

	if (g_subprocess_wait_finish(G_SUBPROCESS(source), result, &error))
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, error);
}

static void wait_for_end(GTask *task)
{
	g_subprocess_wait_async(g_task_get_source_object(task), g_task_get_cancellable(task),
				on_ended, g_object_ref(task));
}

/* All that is there. FALSE: it has ended, or cannot be read, which the end of the process tells. */
static gboolean read_some(GPollableInputStream *from, GCancellable *cancel, GString *text)
{
	for (;;) {
		g_autoptr(GError) error = NULL;
		char chunk[CHUNK];
		gssize n = g_pollable_input_stream_read_nonblocking(from, chunk, sizeof(chunk),
								    cancel, &error);

		if (n <= 0)
			return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
		g_string_append_len(text, chunk, n);
	}
}

static gboolean on_readable(GObject *from, void *data)
{
	struct pipe *p = data;
	struct gather *g = g_task_get_task_data(p->task);

	if (read_some(G_POLLABLE_INPUT_STREAM(from), g_task_get_cancellable(p->task), p->text))
		return G_SOURCE_CONTINUE;
	if (--g->open == 0)
		wait_for_end(p->task);
	return G_SOURCE_REMOVE;
}

static void watch(GTask *task, int which, GInputStream *from)
{
	struct gather *g = g_task_get_task_data(task);
	g_autoptr(GSource) source = NULL;
	struct pipe *p;

	if (!from)
		return;
	g->text[which] = g_string_new(NULL);
	g->open++;
	p = g_new(struct pipe, 1);
	*p = (struct pipe){ g_object_ref(task), g->text[which] };
	source = g_pollable_input_stream_create_source(G_POLLABLE_INPUT_STREAM(from),
						       g_task_get_cancellable(task));
	g_source_set_callback(source, G_SOURCE_FUNC(on_readable), p, free_pipe);
	g_source_attach(source, g_task_get_context(task));
}

void gather_async(GSubprocess *process, GCancellable *cancel, GAsyncReadyCallback done, void *data)
{
	g_autoptr(GTask) task = g_task_new(process, cancel, done, data);
	struct gather *g = g_new0(struct gather, 1);

	g_task_set_task_data(task, g, free_gather);
	watch(task, OUT, g_subprocess_get_stdout_pipe(process));
	watch(task, ERR, g_subprocess_get_stderr_pipe(process));
	if (!g->open)
		wait_for_end(task);
}

gboolean gather_finish(GSubprocess *process, GAsyncResult *result, char **ret_out, char **ret_err,
		       GError **error)
{
	char **const rets[PIPES] = { [OUT] = ret_out, [ERR] = ret_err };
	const struct gather *g = g_task_get_task_data(G_TASK(result));

	g_return_val_if_fail(g_task_is_valid(result, process), FALSE);
	if (!g_task_propagate_boolean(G_TASK(result), error))
		return FALSE;
	for (int i = 0; i < PIPES; i++)
		if (rets[i])
			*rets[i] = g->text[i] ? g_utf8_make_valid(g->text[i]->str,
								  (gssize)g->text[i]->len)
					      : NULL;
	return TRUE;
}
