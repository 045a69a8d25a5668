/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tray's menu: what is in it, and the ids by which a panel's copy of it is clicked. */
#include <string.h>

#include "tray/indicator/menu.h"
#include "unit.h"

struct stage {
	struct model model;
	struct items *items;
	struct items_change change;
	struct menu_scene scene;
};

static int begin(void **state)
{
	struct stage *t = g_new0(struct stage, 1);

	t->items = items_new();
	t->scene.model = &t->model;
	t->scene.uid = 1000;
	*state = t;
	return 0;
}

static int end(void **state)
{
	struct stage *t = *state;

	items_change_clear(&t->change);
	items_free(t->items);
	model_done(&t->model);
	g_free(t);
	return 0;
}

static void list(struct stage *t, const char *text)
{
	assert_int_equal(model_take_list(&t->model, text, 0), 0);
}

static void uplinks(struct stage *t, const char *text)
{
	assert_int_equal(model_take_uplinks(&t->model, text), 0);
}

static void update(struct stage *t)
{
	items_change_clear(&t->change);
	items_take(t->items, menu_make(&t->scene), &t->change);
}

/* The child with that key, below the one of `menu` (NULL: the root). */
static const struct item *child(const struct stage *t, const char *menu, const char *key)
{
	const struct item *parent = menu ? child(t, NULL, menu) : items_root(t->items);

	for (guint i = 0; parent && i < parent->children->len; i++) {
		const struct item *item = parent->children->pdata[i];

		if (!strcmp(item->key, key))
			return item;
	}
	return NULL;
}

static gboolean has(const GArray *ids, gint32 id)
{
	for (guint i = 0; i < ids->len; i++)
		if (g_array_index(ids, gint32, i) == id)
			return TRUE;
	return FALSE;
}

#define SESSION(id, name, uplink, state)                                                           \
	"{\"name\":\"" name "\",\"id\":" #id ",\"uplink\":\"" uplink                               \
	"\",\"uplinks\":[\"wlp6s0\"],\"state\":\"" state                                           \
	"\",\"reason\":\"\",\"uid\":1000,\"user\":\"ann\",\"pids\":[],\"since\":5,"                \
	"\"rx_bytes\":1,\"tx_bytes\":2}"
#define UPLINK(name)                                                                               \
	"{\"name\":\"" name "\",\"kind\":\"wifi\",\"ssid\":\"\",\"addresses\":[],"                 \
	"\"gateways\":[],\"usable\":true,\"reason\":\"\"}"

#define GAME "session 1 my_game"

static void test_layout(void **state)
{
	struct stage *t = *state;
	const struct item *game;

	update(t);
	assert_string_equal(child(t, NULL, "none")->look.label, "No session");
	assert_true(child(t, NULL, "none")->look.disabled);
	assert_null(child(t, NULL, "start"));
	list(t, "[" SESSION(1, "my_game", "wlp6s0", "up") "]");
	uplinks(t, "[" UPLINK("wlp6s0") "," UPLINK("enp7s0") "]");
	update(t);
	game = child(t, NULL, GAME);
	assert_string_equal(game->look.label, "my__game via wlp6s0");
	assert_true(game->look.submenu);
	assert_int_equal(child(t, GAME, "to wlp6s0")->look.mark, MARK_ON);
	assert_int_equal(child(t, GAME, "to enp7s0")->look.mark, MARK_OFF);
	assert_int_equal(child(t, GAME, "to enp7s0")->order.kind, ORDER_MOVE);
	assert_string_equal(child(t, GAME, "to enp7s0")->order.uplink, "enp7s0");
	/* one level of submenus */
	for (guint i = 0; i < items_root(t->items)->children->len; i++) {
		const struct item *top = items_root(t->items)->children->pdata[i];

		for (guint k = 0; k < top->children->len; k++)
			assert_int_equal(
				((const struct item *)top->children->pdata[k])->children->len, 0);
	}
}

/* A look is no layout, and a layout is told of the parent whose children have changed. */
static void test_changes(void **state)
{
	struct stage *t = *state;
	guint32 revision;

	list(t, "[" SESSION(1, "my_game", "wlp6s0", "up") "]");
	uplinks(t, "[" UPLINK("wlp6s0") "," UPLINK("enp7s0") "]");
	update(t);
	revision = items_revision(t->items);
	update(t);
	assert_int_equal(t->change.layouts->len + t->change.looks->len, 0);
	list(t, "[" SESSION(1, "my_game", "enp7s0", "up") "]");
	update(t);
	assert_int_equal(t->change.layouts->len, 0);
	assert_int_equal(t->change.looks->len, 3); /* its own, and both marks */
	assert_int_equal(items_revision(t->items), revision);
	uplinks(t, "[" UPLINK("wlp6s0") "," UPLINK("enp7s0") "," UPLINK("wwan0") "]");
	update(t);
	assert_int_equal(t->change.layouts->len, 1);
	assert_true(has(t->change.layouts, child(t, NULL, GAME)->id));
	assert_int_equal(items_revision(t->items), revision + 1);
	list(t, "[]");
	update(t);
	assert_true(t->change.layouts->len == 1 && has(t->change.layouts, 0));
}

/* An old copy is clicked: that acts on what was written there, or on nothing. */
static void test_ids(void **state)
{
	struct stage *t = *state;
	gint32 game, pause, wwan, resume;

	list(t, "[" SESSION(1, "my_game", "wlp6s0", "up") "]");
	uplinks(t, "[" UPLINK("wlp6s0") "," UPLINK("wwan0") "]");
	update(t);
	game = child(t, NULL, GAME)->id;
	pause = child(t, GAME, "pause")->id;
	wwan = child(t, GAME, "to wwan0")->id;
	uplinks(t, "[" UPLINK("enp7s0") "," UPLINK("wlp6s0") "]");
	list(t, "[" SESSION(1, "my_game", "", "paused") "," SESSION(2, "x", "wlp6s0", "up") "]");
	update(t);
	assert_int_equal(child(t, NULL, GAME)->id, game);
	assert_null(items_find(t->items, wwan));
	assert_null(items_find(t->items, pause)); /* "Pause" does not resume */
	resume = child(t, GAME, "resume")->id;
	assert_true(resume > wwan && resume > pause);
	/* it goes, and its number is another session's */
	list(t, "[" SESSION(1, "editor", "wlp6s0", "up") "]");
	update(t);
	assert_null(items_find(t->items, game));
	assert_null(items_find(t->items, resume));
	list(t, "[" SESSION(1, "my_game", "", "paused") "]");
	update(t);
	assert_true(child(t, NULL, GAME)->id > resume);
	assert_int_equal(items_find(t->items, 0)->id, 0);
}

static void test_properties(void **state)
{
	const char *const asked[] = { "label", "nonsense", NULL };
	struct stage *t = *state;
	g_autoptr(GVariant) all = NULL, some = NULL, layout = NULL, top = NULL;
	g_autofree char *text = NULL;

	list(t, "[" SESSION(1, "my_game", "wlp6s0", "blocked") "]");
	uplinks(t, "[" UPLINK("wlp6s0") "]");
	update(t);
	all = g_variant_ref_sink(item_properties(child(t, NULL, GAME), NULL));
	text = g_variant_print(all, FALSE);
	assert_string_equal(text, "{'label': <'my__game: blocked'>, 'icon-name': "
				  "<'via-iface-blocked-symbolic'>, 'disposition': <'alert'>, "
				  "'children-display': <'submenu'>}");
	some = g_variant_ref_sink(item_properties(child(t, NULL, GAME), asked));
	assert_int_equal(g_variant_n_children(some), 1);
	top = g_variant_ref_sink(item_layout(items_root(t->items), 0, NULL));
	assert_true(g_variant_is_of_type(top, G_VARIANT_TYPE("(ia{sv}av)")));
	layout = g_variant_get_child_value(top, 2);
	assert_int_equal(g_variant_n_children(layout), 0);
}

/* Entries with the same name, and what does not fit a line. */
static void test_rest(void **state)
{
	static const struct menu_starter starters[] = { { "Web_1", "/a.desktop", NULL },
							{ "Web_1", "/b.desktop", "web" } };
	struct stage *t = *state;
	g_autofree char *text = g_strnfill(200, 'x');
	const struct item *menu;

	text[100] = (char)0xff; /* no UTF-8: the bus would close the connection */
	t->scene.failure = text;
	t->scene.starters = starters;
	t->scene.n_starters = G_N_ELEMENTS(starters);
	update(t);
	assert_true(g_utf8_validate(child(t, NULL, "failure")->look.label, -1, NULL));
	assert_int_equal(g_utf8_strlen(child(t, NULL, "failure")->look.label, -1), 73);
	menu = child(t, NULL, "start");
	assert_int_equal(menu->children->len, 2);
	assert_string_equal(((const struct item *)menu->children->pdata[0])->look.label, "Web__1");
	assert_string_equal(((const struct item *)menu->children->pdata[1])->order.entry,
			    "/b.desktop");
	/* somebody else's session: to be seen */
	t->scene.uid = 7;
	list(t, "[" SESSION(1, "my_game", "wlp6s0", "up") "]");
	uplinks(t, "[" UPLINK("wlp6s0") "]");
	update(t);
	assert_string_equal(child(t, NULL, GAME)->look.label, "my__game (ann) via wlp6s0");
	assert_true(child(t, GAME, "to wlp6s0")->look.disabled);
	assert_true(child(t, GAME, "stop")->look.disabled);
	assert_true(child(t, NULL, "pause all")->look.disabled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_layout, begin, end),
		cmocka_unit_test_setup_teardown(test_changes, begin, end),
		cmocka_unit_test_setup_teardown(test_ids, begin, end),
		cmocka_unit_test_setup_teardown(test_properties, begin, end),
		cmocka_unit_test_setup_teardown(test_rest, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
