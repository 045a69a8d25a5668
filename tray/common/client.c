/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each question has at most one process under way; one more that comes meanwhile is asked when
 * that has ended. News wait for the answer about uplinks that was asked for after them: what is
 * offered with them must not be an uplink that has just failed. `status --follow` outlives the
 * daemon by itself; should it end, it is started again, at once and then after longer and longer
 * times.
 */
#include "tray/common/client.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tray/common/gather.h"
#include "tray/common/paths.h"

#define SETTLE_MS     50 /* changes come in groups */
#define RESTART_MAX_S 60
#define UPLINKS_EVERY 3 /* ticks: they change rarely, and asking for them costs more */
#define FOLLOWED_WELL (10 * G_TIME_SPAN_SECOND)
#define NEWS_MAX      64 /* that wait */

enum question {
	ASK_LIST,
	ASK_UPLINKS,
	ASK_COUNT,
};

struct client {
	const struct client_calls *calls;
	void *arg;
	char *program;
	struct model model;
	char *failure;
	GCancellable *cancel; /* all that is under way, at the end */

	GSubprocess *follow;
	GDataInputStream *lines;
	gint64 followed_since;
	guint restart, restart_s;

	guint settle, tick, ticks, views;
	gboolean asking[ASK_COUNT], again[ASK_COUNT];

	GArray *news;     /* struct news that wait, in the order in which they came */
	guint news_asked; /* of them: those that were there when uplinks were last asked for */
};

/* What an answer needs: the client may be gone when it comes, then it was cancelled. */
struct answer {
	struct client *c;
	enum question question;
};

static const char *const questions[ASK_COUNT] = {
	[ASK_LIST] = "list",
	[ASK_UPLINKS] = "uplinks",
};

static void follow(struct client *c);

static void set_failure(struct client *c, const char *text)
{
	if (g_strcmp0(c->failure, text) == 0)
		return;
	g_free(c->failure);
	c->failure = g_strdup(text);
	c->calls->changed(c->arg);
}

/* The first line that a program wrote to stderr, without its name. */
static char *first_line(const char *text, const char *otherwise)
{
	const char *start = text && g_str_has_prefix(text, "via-iface: ") ? text + 11 : text;

	if (!start || !*start)
		return g_strdup(otherwise);
	return g_strndup(start, strcspn(start, "\n"));
}

/* --- news ---------------------------------------------------------------------------------- */

/* The first n of those that wait. */
static void tell_news(struct client *c, guint n)
{
	for (guint i = 0; i < n; i++)
		c->calls->news(&g_array_index(c->news, struct news, i), c->arg);
	g_array_remove_range(c->news, 0, n);
	c->news_asked -= MIN(c->news_asked, n);
}

static void keep_news(struct client *c, const struct news *news)
{
	if (c->news->len == NEWS_MAX)
		tell_news(c, NEWS_MAX);
	g_array_append_val(c->news, *news);
}

/* --- questions ----------------------------------------------------------------------------- */

static void ask(struct client *c, enum question question);

static int take_answer(struct client *c, enum question question, const char *text)
{
	switch (question) {
	case ASK_LIST:
		return model_take_list(&c->model, text, g_get_monotonic_time() / 1000);
	case ASK_UPLINKS:
		return model_take_uplinks(&c->model, text);
	case ASK_COUNT:
		break;
	}
	return -EINVAL;
}

static void on_answer(GObject *source, GAsyncResult *result, void *data)
{
	struct answer *answer = data;
	struct client *c = answer->c;
	enum question question = answer->question;
	GSubprocess *process = G_SUBPROCESS(source);
	g_autofree char *out = NULL, *told = NULL, *text = NULL;
	g_autoptr(GError) error = NULL;
	gboolean done = gather_finish(process, result, &out, &told, &error);

	g_free(answer);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	c->asking[question] = FALSE;
	if (!done || !g_subprocess_get_successful(process)) {
		text = first_line(told, done ? _("via-iface failed") : error->message);
		set_failure(c, text);
	} else if (take_answer(c, question, out) < 0) {
		set_failure(c, _("via-iface said what this version does not understand"));
	} else {
		g_clear_pointer(&c->failure, g_free);
		c->calls->changed(c->arg);
	}
	if (question == ASK_UPLINKS)
		tell_news(c, c->news_asked);
	if (c->again[question]) {
		c->again[question] = FALSE;
		ask(c, question);
	}
}

static void ask(struct client *c, enum question question)
{
	struct answer *answer;
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;

	if (c->asking[question]) {
		c->again[question] = TRUE;
		return;
	}
	process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
				   &error, c->program, questions[question], "--json", NULL);
	if (!process) {
		set_failure(c, error->message);
		if (question == ASK_UPLINKS)
			tell_news(c, c->news->len);
		return;
	}
	c->asking[question] = TRUE;
	if (question == ASK_UPLINKS)
		c->news_asked = c->news->len;
	answer = g_new(struct answer, 1);
	*answer = (struct answer){ c, question };
	gather_async(process, c->cancel, on_answer, answer);
}

static gboolean on_settled(void *data)
{
	struct client *c = data;

	c->settle = 0;
	ask(c, ASK_LIST);
	ask(c, ASK_UPLINKS);
	return G_SOURCE_REMOVE;
}

static void ask_soon(struct client *c)
{
	if (!c->settle)
		c->settle = g_timeout_add(SETTLE_MS, on_settled, c);
}

/* --- somebody looks ------------------------------------------------------------------------ */

static gboolean on_tick(void *data)
{
	struct client *c = data;

	ask(c, ASK_LIST);
	if (++c->ticks % UPLINKS_EVERY == 0)
		ask(c, ASK_UPLINKS);
	return G_SOURCE_CONTINUE;
}

void client_begin_view(struct client *c)
{
	if (c->views++)
		return;
	c->ticks = 0;
	ask(c, ASK_LIST);
	ask(c, ASK_UPLINKS);
	c->tick = g_timeout_add_seconds(1, on_tick, c);
}

void client_end_view(struct client *c)
{
	g_return_if_fail(c->views);
	if (--c->views == 0)
		g_clear_handle_id(&c->tick, g_source_remove);
}

/* --- following ----------------------------------------------------------------------------- */

static gboolean on_restart(void *data)
{
	struct client *c = data;

	c->restart = 0;
	follow(c);
	return G_SOURCE_REMOVE;
}

static void follow_later(struct client *c)
{
	g_clear_object(&c->lines);
	g_clear_object(&c->follow);
	if (g_get_monotonic_time() - c->followed_since > FOLLOWED_WELL)
		c->restart_s = 0;
	if (!c->restart)
		c->restart = g_timeout_add_seconds(c->restart_s, on_restart, c);
	c->restart_s = CLAMP(c->restart_s * 2, 1, RESTART_MAX_S);
}

static void on_line(GObject *source, GAsyncResult *result, void *data);

static void read_line(struct client *c)
{
	g_data_input_stream_read_line_async(c->lines, G_PRIORITY_DEFAULT, c->cancel, on_line, c);
}

static void on_line(GObject *source, GAsyncResult *result, void *data)
{
	struct client *c = data;
	struct news news = { 0 };
	g_autoptr(GError) error = NULL;
	g_autofree char *line = g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(source),
								     result, NULL, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (!line) {
		follow_later(c);
		return;
	}
	if (model_take_line(&c->model, line, &news) == 0) {
		c->calls->changed(c->arg);
		if (news.kind != NEWS_NONE)
			keep_news(c, &news);
	}
	ask_soon(c);
	read_line(c);
}

static void follow(struct client *c)
{
	g_autoptr(GError) error = NULL;

	c->followed_since = g_get_monotonic_time();
	c->follow = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, c->program, "status",
				     "--follow", "--json", NULL);
	if (!c->follow) {
		set_failure(c, error->message);
		follow_later(c);
		return;
	}
	c->lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(c->follow));
	model_forget(&c->model);
	ask_soon(c); /* what went while nobody followed */
	read_line(c);
}

void client_refused(struct client *c, const char *text)
{
	c->calls->refused(text, c->arg);
}

/* --- orders -------------------------------------------------------------------------------- */

/* What its answer needs; see struct answer. */
struct order {
	struct client *c;
	guint32 id;      /* of a move, and of the pause of one session */
	char uplink[16]; /* where to; "": it is no move */
	gboolean pause;  /* of the one, or of all */
};

/* Of that session, or of each (0) that a pause changes; numbers begin at 1. */
static void expect_pause(struct client *c, guint32 id, gboolean ordered)
{
	for (size_t i = 0; i < c->model.sessions.n; i++) {
		const struct tray_session *s = &c->model.sessions.v[i];

		if (id ? s->id == id : tray_may_change(s, getuid()) && s->state != TRAY_PAUSED)
			c->calls->pausing(s->id, ordered, c->arg);
	}
}

static void refuse(const struct order *o, const char *text)
{
	if (o->uplink[0])
		client_expect_move(o->c, o->id, o->uplink, FALSE);
	if (o->pause)
		expect_pause(o->c, o->id, FALSE);
	o->c->calls->refused(text, o->c->arg);
}

static void on_done(GObject *source, GAsyncResult *result, void *data)
{
	g_autofree struct order *o = data;
	GSubprocess *process = G_SUBPROCESS(source);
	g_autofree char *told = NULL, *text = NULL;
	g_autoptr(GError) error = NULL;
	gboolean done = gather_finish(process, result, NULL, &told, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (!done || !g_subprocess_get_successful(process)) {
		text = first_line(told, done ? _("via-iface failed") : error->message);
		refuse(o, text);
	}
	ask_soon(o->c);
}

static void order(const struct order *o, const char *verb, const char *who, const char *list)
{
	const char *const words[] = { o->c->program, verb, who, list, NULL };
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;
	struct order *kept;

	process = g_subprocess_newv(
		words, G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
	if (!process) {
		refuse(o, error->message);
		return;
	}
	kept = g_new(struct order, 1);
	*kept = *o;
	gather_async(process, o->c->cancel, on_done, kept);
}

/* By number: a name may be another's by now. */
static void order_about(const struct order *o, const char *verb, guint32 id, const char *list)
{
	char who[16];

	g_snprintf(who, sizeof(who), "%" G_GUINT32_FORMAT, id);
	order(o, verb, who, list);
}

void client_expect_move(struct client *c, guint32 id, const char *uplink, gboolean ordered)
{
	c->calls->moving(id, uplink, ordered, c->arg);
}

void client_move(struct client *c, guint32 id, const struct tray_uplink *to)
{
	struct order o = { .c = c, .id = id };
	char word[TRAY_WORD_MAX];

	if (!model_session(&c->model, id))
		return;
	tray_uplink_word(to, word);
	g_strlcpy(o.uplink, to->name, sizeof(o.uplink));
	client_expect_move(c, id, o.uplink, TRUE);
	order_about(&o, "move", id, word); /* the others of its list stay (via-iface(1), move) */
}

void client_stop(struct client *c, guint32 id)
{
	order_about(&(struct order){ .c = c }, "stop", id, NULL);
}

void client_pause(struct client *c, guint32 id, gboolean pause)
{
	const struct order o = { .c = c, .id = id, .pause = pause };
	const struct tray_session *s = model_session(&c->model, id);

	if (pause && s && s->state != TRAY_PAUSED)
		expect_pause(c, id, TRUE);
	order_about(&o, pause ? "pause" : "resume", id, NULL);
}

void client_pause_all(struct client *c, gboolean pause)
{
	const struct order o = { .c = c, .pause = pause };

	if (pause)
		expect_pause(c, 0, TRUE);
	order(&o, pause ? "pause" : "resume", "--all", NULL);
}

/* --- coming and going ---------------------------------------------------------------------- */

const struct model *client_model(const struct client *c)
{
	return &c->model;
}

const char *client_failure(const struct client *c)
{
	return c->failure;
}

struct client *client_new(const struct client_calls *calls, void *arg)
{
	struct client *c = g_new0(struct client, 1);

	c->calls = calls;
	c->arg = arg;
	c->program = paths_via_iface();
	c->cancel = g_cancellable_new();
	c->news = g_array_new(FALSE, FALSE, sizeof(struct news));
	follow(c);
	return c;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	g_cancellable_cancel(c->cancel);
	if (c->follow)
		g_subprocess_send_signal(c->follow, SIGTERM);
	g_clear_handle_id(&c->restart, g_source_remove);
	g_clear_handle_id(&c->settle, g_source_remove);
	g_clear_handle_id(&c->tick, g_source_remove);
	/* Answers that were cancelled are still to be told so. */
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_clear_object(&c->lines);
	g_clear_object(&c->follow);
	g_object_unref(c->cancel);
	g_array_unref(c->news);
	model_done(&c->model);
	g_free(c->failure);
	g_free(c->program);
	g_free(c);
}
