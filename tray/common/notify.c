/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session that fails over is blocked for some milliseconds; so that it is blocked is told only
 * when it has been for a moment. The server numbers what it shows, and its answer with the number
 * may come after the next thing to show: then that waits for it.
 */
#include "tray/common/notify.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "base/language.h"
#include "tray/common/words.h"

#define MOMENT_MS    400
#define EXPECTED_MAX 16 /* moves that were ordered and have not come */
#define SERVER       "org.freedesktop.Notifications"
#define SERVER_PATH  "/org/freedesktop/Notifications"

enum urgency {
	URGENCY_NORMAL = 1,
	URGENCY_CRITICAL = 2,
};

struct notify {
	GDBusConnection *bus; /* or NULL */
	GCancellable *cancel;
	GHashTable *notes;                /* of sessions, by their number */
	const struct notify_calls *calls; /* NULL: no buttons */
	void *arg;
	guint signals;
	gboolean buttons; /* the server has them */
	guint32 token_of; /* the server's number of what was pressed */
	char *token;
	guint32 offer; /* the server's number of the offer of the window; 0: none */
};

/* What is shown about one session, or is to be. */
struct note {
	struct notify *all;
	char *title, *body; /* to be shown; NULL: nothing */
	const char *icon;
	enum urgency urgency;
	guint32 id;          /* of the session */
	char name[40];       /* its name */
	char uplink[16];     /* that a button moves it to; "": none */
	guint moment;        /* until it is shown */
	guint32 shown;       /* the server's number; 0: none */
	gboolean asked;      /* the number is to come */
	gboolean stale;      /* to be taken back as soon as that is known */
	gboolean ended;      /* the session; nothing more will be said of it */
	gboolean block;      /* it says that the session is blocked */
	gboolean pause;      /* it says that the session is paused */
	gboolean resume;     /* a button resumes it */
	gboolean pausing;    /* the user has ordered a pause */
	GPtrArray *expected; /* uplinks that the user has ordered it to, in that order */
};

static void free_note(void *data)
{
	struct note *n = data;

	g_clear_handle_id(&n->moment, g_source_remove);
	g_free(n->title);
	g_free(n->body);
	g_ptr_array_unref(n->expected);
	g_free(n);
}

/* A number may be another session's soon; its note is another one then. */
static void forget(struct note *n)
{
	if (n->asked)
		n->ended = TRUE;
	else
		g_hash_table_remove(n->all->notes, GUINT_TO_POINTER(n->id));
}

static struct note *note_of(struct notify *all, guint32 id)
{
	struct note *n = g_hash_table_lookup(all->notes, GUINT_TO_POINTER(id));

	if (n)
		n->ended = FALSE;

	if (!n) {
		n = g_new0(struct note, 1);
		n->all = all;
		n->id = id;
		n->expected = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(all->notes, GUINT_TO_POINTER(id), n);
	}
	return n;
}

static void call(struct notify *all, const char *method, GVariant *words,
		 GAsyncReadyCallback answered, void *data)
{
	g_dbus_connection_call(all->bus, SERVER, SERVER_PATH, SERVER, method, words, NULL,
			       G_DBUS_CALL_FLAGS_NONE, -1, all->cancel, answered, data);
}

/* Some servers take the body for markup; those that do not are spared the rest of escapes. */
static char *without_markup(const char *body)
{
	GString *text = g_string_new(NULL);

	for (; *body; body++)
		if (*body == '&')
			g_string_append(text, "&amp;");
		else if (*body == '<')
			g_string_append(text, "&lt;");
		else
			g_string_append_c(text, *body);
	return g_string_free(text, FALSE);
}

static GVariant *words_of(guint32 replaces, const char *icon, const char *title, const char *body,
			  enum urgency urgency, GVariant *actions)
{
	g_autofree char *text = without_markup(body);
	GVariantBuilder hints;

	g_variant_builder_init(&hints, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&hints, "{sv}", "urgency", g_variant_new_byte((guint8)urgency));
	g_variant_builder_add(&hints, "{sv}", "category", g_variant_new_string("network"));
	g_variant_builder_add(&hints, "{sv}", "desktop-entry",
			      g_variant_new_string("org.via_iface.via_iface"));
	return g_variant_new("(susss@asa{sv}i)", "via-iface", replaces, icon, title, text, actions,
			     &hints, -1);
}

/* --- of sessions --------------------------------------------------------------------------- */

static void show(struct note *n);

/* "default" is a press on the notification itself, and a button where the server makes one of it.
 */
static void begin_actions(const struct notify *all, GVariantBuilder *actions)
{
	g_variant_builder_init(actions, G_VARIANT_TYPE_STRING_ARRAY);
	if (!all->buttons)
		return;
	g_variant_builder_add(actions, "s", "default");
	g_variant_builder_add(actions, "s", _("Open"));
}

static GVariant *actions_of(const struct note *n)
{
	GVariantBuilder actions;

	begin_actions(n->all, &actions);
	if (n->resume) {
		g_variant_builder_add(&actions, "s", "resume");
		g_variant_builder_add(&actions, "s", _("Resume"));
	} else if (n->all->buttons && n->uplink[0]) {
		g_autofree char *label = g_strdup_printf(_("Move to %s"), n->uplink);

		g_variant_builder_add(&actions, "s", "move");
		g_variant_builder_add(&actions, "s", label);
	}
	return g_variant_builder_end(&actions);
}

static void take_back(struct note *n)
{
	g_clear_handle_id(&n->moment, g_source_remove);
	g_clear_pointer(&n->title, g_free);
	g_clear_pointer(&n->body, g_free);
	n->stale = n->asked;
	n->block = FALSE;
	n->pause = FALSE;
	if (n->shown)
		call(n->all, "CloseNotification", g_variant_new("(u)", n->shown), NULL, NULL);
	n->shown = 0;
}

static void on_shown(GObject *source, GAsyncResult *result, void *data)
{
	struct note *n = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	n->asked = FALSE;
	if (answer && g_variant_is_of_type(answer, G_VARIANT_TYPE("(u)")))
		g_variant_get(answer, "(u)", &n->shown);
	if (n->stale)
		take_back(n);
	if (n->ended)
		forget(n);
	else if (n->title && !n->moment)
		show(n);
}

static void show(struct note *n)
{
	if (n->asked)
		return;
	n->asked = TRUE;
	n->stale = FALSE;
	call(n->all, "Notify",
	     words_of(n->shown, n->icon, n->title, n->body, n->urgency, actions_of(n)), on_shown,
	     n);
	g_clear_pointer(&n->title, g_free);
	g_clear_pointer(&n->body, g_free);
}

static gboolean on_moment(void *data)
{
	struct note *n = data;

	n->moment = 0;
	show(n);
	return G_SOURCE_REMOVE;
}

/* `block`: only to be shown when it is still so in a moment. */
static void say(struct note *n, char *title, char *body, gboolean block)
{
	g_clear_handle_id(&n->moment, g_source_remove);
	g_free(n->title);
	g_free(n->body);
	n->title = title;
	n->body = body;
	n->stale = FALSE;
	n->block = block;
	n->pause = FALSE;
	n->icon = block ? "via-iface-blocked-symbolic" : "via-iface-active-symbolic";
	n->urgency = block ? URGENCY_CRITICAL : URGENCY_NORMAL;
	if (block)
		n->moment = g_timeout_add(MOMENT_MS, on_moment, n);
	else
		show(n);
}

static void say_blocked(struct note *n, const struct news *news)
{
	const char *why = language_reason(news->reason);

	say(n, g_strdup_printf(_("%s is blocked"), news->name),
	    news->uplink[0] ? g_strdup_printf("%s: %s", news->uplink, why) : g_strdup(why), TRUE);
}

/* The last of that name; the length of the array where there is none. */
static guint find_expected(const struct note *n, const char *uplink)
{
	for (guint i = n->expected->len; i-- > 0;)
		if (!strcmp(n->expected->pdata[i], uplink))
			return i;
	return n->expected->len;
}

/* Moves come in the order in which they were ordered. After another one, none of them counts. */
static gboolean is_expected(struct note *n, const char *uplink)
{
	guint at = find_expected(n, uplink);
	gboolean found = at < n->expected->len;

	g_ptr_array_remove_range(n->expected, 0, found ? at + 1 : at);
	return found;
}

static void say_moved(struct note *n, const struct news *news)
{
	if (is_expected(n, news->uplink)) {
		take_back(n);
		return;
	}
	/* TRANSLATORS: session, uplink */
	say(n, g_strdup_printf(_("%s goes by %s now"), news->name, news->uplink),
	    news->before[0] ? g_strdup_printf(_("It went by %s before."), news->before)
			    : g_strdup(""),
	    FALSE);
}

static void say_paused(struct note *n, const struct news *news)
{
	if (n->pausing) {
		n->pausing = FALSE;
		take_back(n);
		return;
	}
	/* TRANSLATORS: session */
	say(n, g_strdup_printf(_("%s is paused"), news->name),
	    g_strdup(_("Nothing leaves it until it is resumed.")), FALSE);
	n->pause = TRUE;
}

void notify_news(struct notify *all, const struct news *news)
{
	const char *alternative;
	struct note *n;

	if (!all->bus)
		return;
	n = note_of(all, news->id);
	g_strlcpy(n->name, news->name, sizeof(n->name));
	alternative = all->buttons ? all->calls->alternative(news, all->arg) : NULL;
	g_strlcpy(n->uplink, alternative ? alternative : "", sizeof(n->uplink));
	n->resume = all->buttons && news->paused && all->calls->may_change(news, all->arg);
	switch (news->kind) {
	case NEWS_PAUSED:
		say_paused(n, news);
		break;
	case NEWS_BLOCKED:
		say_blocked(n, news);
		break;
	case NEWS_MOVED:
		say_moved(n, news);
		break;
	case NEWS_FREE:
		n->pausing = FALSE;
		if (n->block || n->pause)
			take_back(n);
		break;
	case NEWS_ENDED:
		take_back(n);
		forget(n);
		break;
	case NEWS_NONE:
		break;
	}
}

void notify_expect_move(struct notify *all, guint32 id, const char *uplink, gboolean ordered)
{
	struct note *n = note_of(all, id);
	guint at = find_expected(n, uplink);

	if (!ordered && at < n->expected->len)
		g_ptr_array_remove_index(n->expected, at);
	if (!ordered)
		return;
	if (n->expected->len == EXPECTED_MAX)
		g_ptr_array_remove_index(n->expected, 0);
	g_ptr_array_add(n->expected, g_strdup(uplink));
}

void notify_expect_pause(struct notify *all, guint32 id, gboolean ordered)
{
	note_of(all, id)->pausing = ordered;
}

/* --- buttons ------------------------------------------------------------------------------- */

static void pressed(struct notify *all, guint32 number, const char *action)
{
	g_autofree char *token = all->token_of == number ? g_steal_pointer(&all->token) : NULL;
	GHashTableIter iter;
	void *value;

	if (number && number == all->offer && g_str_equal(action, "default")) {
		all->calls->open(token, all->arg);
		return;
	}
	g_hash_table_iter_init(&iter, all->notes);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct note *n = value;

		if (!number || n->shown != number)
			continue;
		if (g_str_equal(action, "move") && n->uplink[0])
			all->calls->move(n->id, n->name, n->uplink, all->arg);
		else if (g_str_equal(action, "resume") && n->resume)
			all->calls->resume(n->id, n->name, all->arg);
		else if (g_str_equal(action, "default"))
			all->calls->open(token, all->arg);
		return;
	}
}

/* ActivationToken (us) comes before the ActionInvoked (us) that it is for. The subscription is of
 * the server alone: anybody on the bus may send such signals. */
static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
		      const char *interface, const char *name, GVariant *values, void *data)
{
	struct notify *all = data;
	const char *text;
	guint32 number;

	(void)bus, (void)sender, (void)path, (void)interface;
	if (!g_variant_is_of_type(values, G_VARIANT_TYPE("(us)")))
		return;
	g_variant_get(values, "(u&s)", &number, &text);
	if (g_str_equal(name, "ActivationToken")) {
		g_free(all->token);
		all->token = g_strdup(text);
		all->token_of = number;
	} else if (g_str_equal(name, "ActionInvoked")) {
		pressed(all, number, text);
	}
}

static void on_capabilities(GObject *source, GAsyncResult *result, void *data)
{
	struct notify *all = data;
	g_autoptr(GError) error = NULL;
	g_autofree const char **names = NULL;
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (!answer || !g_variant_is_of_type(answer, G_VARIANT_TYPE("(as)")))
		return;
	g_variant_get(answer, "(^a&s)", &names);
	all->buttons = g_strv_contains(names, "actions");
}

void notify_offer(struct notify *all, const struct notify_calls *calls, void *arg)
{
	if (!all->bus)
		return;
	all->calls = calls;
	all->arg = arg;
	all->signals =
		g_dbus_connection_signal_subscribe(all->bus, SERVER, SERVER, NULL, SERVER_PATH,
						   NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, all,
						   NULL);
	call(all, "GetCapabilities", NULL, on_capabilities, all);
}

/* --- and the rest -------------------------------------------------------------------------- */

static void on_offered(GObject *source, GAsyncResult *result, void *data)
{
	struct notify *all = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (answer && g_variant_is_of_type(answer, G_VARIANT_TYPE("(u)")))
		g_variant_get(answer, "(u)", &all->offer);
	else
		all->calls->open(NULL, all->arg);
}

void notify_window(struct notify *all)
{
	GVariantBuilder actions;

	if (!all->bus || !all->calls)
		return;
	begin_actions(all, &actions);
	call(all, "Notify",
	     words_of(0, "via-iface", _("This desktop shows no icon of via-iface"),
		      _("The window shows the same: sessions, uplinks, and what is blocked."),
		      URGENCY_NORMAL, g_variant_builder_end(&actions)),
	     on_offered, all);
}

void notify_refused(struct notify *all, const char *text)
{
	if (all->bus)
		call(all, "Notify",
		     words_of(0, "via-iface", _("via-iface refused"), text, URGENCY_NORMAL,
			      g_variant_new_strv(NULL, 0)),
		     NULL, NULL);
}

struct notify *notify_new(void)
{
	struct notify *all = g_new0(struct notify, 1);

	all->bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	all->cancel = g_cancellable_new();
	all->notes = g_hash_table_new_full(NULL, NULL, NULL, free_note);
	return all;
}

void notify_free(struct notify *all)
{
	if (!all)
		return;
	g_cancellable_cancel(all->cancel);
	if (all->signals)
		g_dbus_connection_signal_unsubscribe(all->bus, all->signals);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_hash_table_unref(all->notes);
	g_object_unref(all->cancel);
	g_free(all->token);
	g_clear_object(&all->bus);
	g_free(all);
}
