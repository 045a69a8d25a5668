/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tray makes of the lines of via-iface. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tray/common/model.h"
#include "unit.h"

/* One session of `list --json`. */
static const char *session(int id, const char *name, const char *uplinks, const char *state,
			   int since, int rx, int tx)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "{\"name\":\"%s\",\"id\":%d,\"uplink\":\"%s\",\"uplinks\":[%s],\"state\":\"%s\","
		 "\"reason\":\"\",\"uid\":1000,\"user\":\"ann\",\"pids\":[],\"since\":%d,"
		 "\"rx_bytes\":%d,\"tx_bytes\":%d}",
		 name, id, strcmp(state, "paused") ? "wlp6s0" : "", uplinks, state, since, rx, tx);
	return text;
}

static void take(struct model *m, int64_t at, const char *first, const char *second)
{
	char text[1200];

	snprintf(text, sizeof(text), "[%s%s%s]", first ? first : "", second ? "," : "",
		 second ? second : "");
	assert_int_equal(model_take_list(m, text, at), 0);
}

static struct news line(struct model *m, const char *event, const char *name, int id,
			const char *uplink, const char *state)
{
	struct news news;
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"event\":\"%s\",\"time\":1.5,\"session\":\"%s\",\"id\":%d,\"uplink\":\"%s\","
		 "\"state\":\"%s\",\"reason\":\"%s\"}",
		 event, name, id, uplink, state, strcmp(state, "blocked") ? "" : "it is down");
	assert_int_equal(model_take_line(m, text, &news), 0);
	return news;
}

static void test_list(void **state)
{
	struct model m = { 0 };
	char one[512];
	const struct tray_session *s;

	(void)state;
	strcpy(one, session(7, "steam", "\"wlp6s0\",\"ssid:a,b\"", "up", 5, 10, 20));
	take(&m, 1000, one, session(3, "curl", "\"wifi\"", "blocked", 5, 0, 0));
	assert_int_equal(m.sessions.n, 2);
	assert_int_equal(m.sessions.v[0].id, 3); /* by their numbers */
	s = model_session(&m, 7);
	assert_string_equal(s->name, "steam");
	assert_string_equal(s->uplinks, "wlp6s0,ssid:a\\,b");
	assert_string_equal(s->user, "ann");
	assert_int_equal(s->rx_bytes, 10);
	assert_int_equal(s->tx_bytes, 20);
	assert_int_equal(s->state, TRAY_UP);
	assert_null(model_session(&m, 8));
	assert_int_equal(model_status(&m), STATUS_BLOCKED);
	take(&m, 1100, one, NULL);
	assert_int_equal(model_status(&m), STATUS_ACTIVE);
	take(&m, 1200, session(7, "steam", "\"wlp6s0\"", "paused", 5, 10, 20), NULL);
	assert_int_equal(model_status(&m), STATUS_NORMAL);
	/* A paused one has no uplink in the list; it will go on by the last one. */
	assert_string_equal(model_session(&m, 7)->uplink, "wlp6s0");
	take(&m, 1300, NULL, NULL);
	assert_int_equal(m.sessions.n, 0);
	model_done(&m);
}

static void test_other_text(void **state)
{
	static const char *const others[] = {
		"",
		"{}",
		"[1]",
		"[null]",
		"[{}]",
		"nonsense",
		"[{\"name\":\"x\",\"id\":-1}]",
		"[{\"name\":\"x\",\"id\":1,\"uid\":1,\"rx_bytes\":1,\"tx_bytes\":1,\"since\":1,"
		"\"state\":\"odd\",\"uplinks\":[]}]",
		"[{\"name\":\"x\",\"id\":1,\"uid\":1,\"rx_bytes\":1,\"tx_bytes\":1,\"since\":1,"
		"\"state\":\"up\",\"uplinks\":[null]}]",
	};
	struct model m = { 0 };
	struct news news;

	(void)state;
	take(&m, 1000, session(7, "steam", "\"wlp6s0\"", "up", 5, 10, 20), NULL);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(model_take_list(&m, others[i], 2000), -EINVAL);
		assert_int_equal(model_take_uplinks(&m, others[i]), -EINVAL);
		assert_int_equal(model_take_line(&m, others[i], &news), -EINVAL);
	}
	assert_int_equal(m.sessions.n, 1); /* nothing has changed */
	model_done(&m);
}

static void test_rates(void **state)
{
	struct model m = { 0 };
	double rx, tx;

	(void)state;
	take(&m, 1000, session(7, "steam", "\"wlp6s0\"", "up", 5, 100, 1000), NULL);
	assert_false(tray_rate(model_session(&m, 7), &rx, &tx));
	take(&m, 3000, session(7, "steam", "\"wlp6s0\"", "up", 5, 300, 1000), NULL);
	assert_true(tray_rate(model_session(&m, 7), &rx, &tx));
	assert_int_equal((int)rx, 100);
	assert_int_equal((int)tx, 0);
	/* A second look at once makes no rate of its own, and loses no bytes. */
	take(&m, 3001, session(7, "steam", "\"wlp6s0\"", "up", 5, 4000, 1000), NULL);
	take(&m, 4000, session(7, "steam", "\"wlp6s0\"", "up", 5, 10300, 1500), NULL);
	assert_true(tray_rate(model_session(&m, 7), &rx, &tx));
	assert_int_equal((int)rx, 10000);
	assert_int_equal((int)tx, 500);
	/* After a pause of the looks they begin anew. */
	take(&m, 4000 + TRAY_RATE_MS + 1, session(7, "steam", "\"wlp6s0\"", "up", 5, 20000, 1500),
	     NULL);
	assert_false(tray_rate(model_session(&m, 7), &rx, &tx));
	/* And with another session of that number. */
	take(&m, 8000, session(7, "steam", "\"wlp6s0\"", "up", 5, 20100, 1500), NULL);
	assert_true(tray_rate(model_session(&m, 7), &rx, &tx));
	take(&m, 9000, session(7, "steam", "\"wlp6s0\"", "up", 8, 20200, 1500), NULL);
	assert_false(tray_rate(model_session(&m, 7), &rx, &tx));
	model_done(&m);
}

static void test_history_is_bounded(void **state)
{
	struct model m = { 0 };
	const struct tray_rates *r;

	(void)state;
	for (int i = 0; i < TRAY_HISTORY + 10; i++)
		take(&m, INT64_C(1000) * (i + 1),
		     session(7, "steam", "\"wlp6s0\"", "up", 5, i * (i + 1) / 2, 0), NULL);
	r = &model_session(&m, 7)->rates;
	assert_int_equal(r->n, TRAY_HISTORY);
	assert_int_equal((int)r->rx[TRAY_HISTORY - 1], TRAY_HISTORY + 9);
	assert_int_equal((int)r->rx[0], 10);
	model_done(&m);
}

static void test_news(void **state)
{
	struct model m = { 0 };
	struct news n;

	(void)state;
	assert_int_equal(line(&m, "added", "steam", 7, "wlp6s0", "up").kind, NEWS_NONE);
	assert_false(
		tray_may_change(model_session(&m, 7), 0)); /* whose it is comes with the list */
	assert_int_equal(line(&m, "added", "curl", 3, "wlp6s0", "up").kind, NEWS_NONE);
	assert_int_equal(m.sessions.v[0].id, 3);
	n = line(&m, "state", "steam", 7, "wlp6s0", "blocked");
	assert_int_equal(n.kind, NEWS_BLOCKED);
	assert_string_equal(n.name, "steam");
	assert_string_equal(n.reason, "it is down");
	assert_int_equal(model_status(&m), STATUS_BLOCKED);
	n = line(&m, "uplink", "steam", 7, "enp7s0", "up");
	assert_int_equal(n.kind, NEWS_MOVED);
	assert_string_equal(n.before, "wlp6s0");
	assert_string_equal(n.uplink, "enp7s0");
	assert_int_equal(line(&m, "state", "steam", 7, "enp7s0", "up").kind, NEWS_FREE);
	n = line(&m, "state", "steam", 7, "enp7s0", "paused");
	assert_int_equal(n.kind, NEWS_PAUSED);
	assert_true(n.paused);
	n = line(&m, "uplink", "steam", 7, "wlp6s0", "paused");
	assert_int_equal(n.kind, NEWS_MOVED);
	assert_true(n.paused);
	n = line(&m, "state", "steam", 7, "enp7s0", "up");
	assert_int_equal(n.kind, NEWS_FREE);
	assert_false(n.paused);
	assert_int_equal(line(&m, "removed", "other", 7, "enp7s0", "up").kind, NEWS_ENDED);
	assert_int_equal(m.sessions.n, 2); /* it was another one of that number */
	assert_int_equal(line(&m, "removed", "steam", 7, "enp7s0", "up").kind, NEWS_ENDED);
	assert_int_equal(m.sessions.n, 1);
	assert_int_equal(model_take_line(&m, "{\"event\":\"healed\",\"session\":null,\"count\":2}",
					 &n),
			 0);
	assert_int_equal(n.kind, NEWS_NONE);
	model_forget(&m);
	assert_int_equal(m.sessions.n, 0);
	model_done(&m);
}

/* A list that tells it first takes nothing from the line that follows. */
static void test_list_before_line(void **state)
{
	struct model m = { 0 };
	struct news n;

	(void)state;
	line(&m, "added", "steam", 7, "enp7s0", "up");
	take(&m, 1000, session(7, "steam", "\"enp7s0\",\"wlp6s0\"", "up", 5, 1, 1), NULL);
	assert_string_equal(model_session(&m, 7)->uplink, "wlp6s0");
	n = line(&m, "uplink", "steam", 7, "wlp6s0", "up");
	assert_int_equal(n.kind, NEWS_MOVED);
	assert_string_equal(n.before, "enp7s0");
	assert_string_equal(model_session(&m, 7)->uplinks, "enp7s0,wlp6s0"); /* still known */
	model_done(&m);
}

static void test_uplinks(void **state)
{
	static const char text[] =
		"[{\"name\":\"enp7s0\",\"kind\":\"ethernet\",\"state\":\"up\",\"usable\":true,"
		"\"reason\":\"\",\"addresses\":[\"192.168.1.10/24\",\"2001:db8::1/"
		"64\"],\"ssid\":\"\"},"
		"{\"name\":\"wlp6s0\",\"kind\":\"wifi\",\"state\":\"up\",\"usable\":false,"
		"\"reason\":\"it has no address\",\"addresses\":[],\"ssid\":\"Home\"}]";
	struct model m = { 0 };
	const struct tray_session *s;

	(void)state;
	assert_int_equal(model_take_uplinks(&m, text), 0);
	assert_int_equal(m.uplinks.n, 2);
	assert_string_equal(m.uplinks.v[0].address, "192.168.1.10/24");
	assert_true(m.uplinks.v[0].usable);
	assert_string_equal(m.uplinks.v[1].ssid, "Home");
	assert_string_equal(m.uplinks.v[1].reason, "it has no address");
	take(&m, 1000, session(7, "steam", "\"wlp6s0\"", "up", 5, 1, 1), NULL);
	s = model_session(&m, 7);
	assert_true(tray_goes_by(s, &m.uplinks.v[1]));
	assert_false(tray_goes_by(s, &m.uplinks.v[0]));
	assert_true(tray_may_change(s, 1000));
	assert_true(tray_may_change(s, 0));
	assert_false(tray_may_change(s, 1001));
	model_done(&m);
}

static void test_uplink_word(void **state)
{
	struct tray_uplink u = { .name = "wlp6s0" };
	char word[TRAY_WORD_MAX];

	(void)state;
	tray_uplink_word(&u, word);
	assert_string_equal(word, "wlp6s0");
	snprintf(u.name, sizeof(u.name), "a,b\\c");
	tray_uplink_word(&u, word);
	assert_string_equal(word, "a\\,b\\\\c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),    cmocka_unit_test(test_other_text),
		cmocka_unit_test(test_rates),   cmocka_unit_test(test_history_is_bounded),
		cmocka_unit_test(test_news),    cmocka_unit_test(test_list_before_line),
		cmocka_unit_test(test_uplinks), cmocka_unit_test(test_uplink_word),
	};

	return RUN_TESTS(tests);
}
