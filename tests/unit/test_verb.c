/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "cli/words.h"
#include "list.h"
#include "unit.h"
#include "verbs/verbs.h"

static const char *nearest(const char *word, const char *const *names)
{
	struct nearest n = { .word = word };

	while (*names)
		nearest_offer(&n, *names++);
	return n.best ? n.best : "";
}

#define NEAR(word, expected, ...)                                                                  \
	assert_string_equal(nearest(word, (const char *const[]){ __VA_ARGS__, NULL }), expected)

static void test_nearest(void **state)
{
	(void)state;
	assert_int_equal(nearest_distance("", ""), 0);
	assert_int_equal(nearest_distance("abc", ""), 3);
	assert_int_equal(nearest_distance("abcd", "acbd"), 1); /* a transposition */
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	NEAR("lst", "list", "status", "list");
	NEAR("stauts", "status", "list", "status");
	NEAR("wlp6s1", "wlp6s0", "enp7s0", "wlp6s0");
	NEAR("list", "", "list");                   /* that is it */
	NEAR("wlp6", "wlp6s0", "enp7s0", "wlp6s0"); /* its beginning */
	NEAR("upl", "uplinks", "list", "uplinks");
	NEAR("abc", "", "abcdefgh");
	NEAR("stat", "stab", "status", "stab"); /* a mistake is likelier */
	NEAR("all", "", "allow-inherited-sockets");
	NEAR("ls", "", "list"); /* too short to be a mistake */
	NEAR("steam", "", "stop", "status");
	NEAR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", "list"); /* 41 bytes */
	NEAR("list", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

/* The tables: each verb can be explained, and no option is there twice. */
static void test_tables(void **state)
{
	(void)state;
	for (enum verb_id id = 0; id < VERB_COUNT; id++) {
		const struct verb *v = verb_get(id);
		const struct verb_option *o = NULL, *other;

		assert_int_equal(verb_find(v->name), id);
		assert_true(v->summary && v->text && v->usage);
		assert_true(v->examples[0].command && v->examples[1].command);
		while ((o = verb_next_option(id, o))) {
			other = o;
			while ((other = verb_next_option(id, other)))
				assert_string_not_equal(o->name, other->name);
			assert_true(!o->value == !o->completes);
		}
	}
	assert_int_equal(verb_find("nosuch"), VERB_COUNT);
	assert_string_equal(verb_nearest("uplink"), "uplinks");
	assert_string_equal(verb_nearest_option(VERB_RUN, "--no-lam")->name, "no-lan");
	assert_string_equal(verb_nearest_option(VERB_RUN, "--nane=x")->name, "name");
	assert_null(verb_nearest_option(VERB_LIST, "--nonsense"));
	assert_null(verb_nearest_option(VERB_LIST, "-x"));
}

static bool wants_help(enum verb_id verb, const char *const *v)
{
	char *argv[8] = { NULL };
	int argc = 0;

	for (; *v; v++)
		argv[argc++] = (char *)*v;
	return verb_wants_help(verb, argc, argv);
}

#define HELP(verb, expected, ...)                                                                  \
	assert_int_equal(wants_help(verb, (const char *const[]){ "verb", __VA_ARGS__, NULL }),     \
			 expected)

/* What stands behind a program is the program's. */
static void test_wants_help(void **state)
{
	(void)state;
	HELP(VERB_RUN, true, "--help");
	HELP(VERB_RUN, true, "--name", "x", "-h");
	HELP(VERB_RUN, false, "--name", "--help", "wlp6s0", "curl");
	HELP(VERB_RUN, false, "wlp6s0", "curl", "--help");
	HELP(VERB_RUN, false, "--", "curl", "--help");
	HELP(VERB_EXEC, false, "game", "ls", "-h");
	HELP(VERB_MOVE, true, "game", "wlp6s0", "--help");
	HELP(VERB_STOP, false, "--", "--help");
}

static int read_words(enum verb_id verb, const char *const *v, int max, struct words *ret,
		      struct err *err)
{
	static char *argv[16];
	int argc = 1;

	argv[0] = (char *)"verb";
	for (; *v; v++)
		argv[argc++] = (char *)*v;
	return words_read(verb, argc, argv, max, ret, err);
}

#define READ(verb, max, ...)                                                                       \
	assert_int_equal(read_words(verb, (const char *const[]){ __VA_ARGS__, NULL }, max, &w,     \
				    &err),                                                         \
			 0)

#define UNREAD(part, verb, max, ...)                                                               \
	do {                                                                                       \
		int r_ = read_words(verb, (const char *const[]){ __VA_ARGS__, NULL }, max, &w,     \
				    &err);                                                         \
                                                                                                   \
		assert_int_equal(r_, -EINVAL);                                                     \
		if (!strstr(err.text, part))                                                       \
			fail_msg("no '%s' in '%s'", part, err.text);                               \
	} while (0)

static void test_words(void **state)
{
	struct err err = { 0 };
	struct words w;

	(void)state;
	READ(VERB_STOP, 9, "one", "-q", "two", "--", "--three");
	assert_true(w.quiet && !w.all && w.n == 3);
	assert_string_equal(w.v[1], "two");
	assert_string_equal(w.v[2], "--three");
	READ(VERB_DETACH, 9, "--netns", "box", "--pid=7");
	assert_string_equal(w.netns, "box");
	assert_string_equal(w.pid, "7");
	assert_int_equal(w.n, 0);
	READ(VERB_DESKTOP, 3, "add", "x", "--name", "--json", "wlp6s0");
	assert_string_equal(w.title, "--json");
	assert_int_equal(w.n, 3);
	UNREAD("read 'two': that is a word too many for status", VERB_STATUS, 1, "one", "two");
	UNREAD("unknown option '--jsn' of list; did you mean '--json'?", VERB_LIST, 0, "--jsn");
	UNREAD("it is an option of status, log, attach; `via-iface help uplinks` lists those of "
	       "uplinks",
	       VERB_UPLINKS, 0, "--follow");
	UNREAD("unknown option '-qv' of stop", VERB_STOP, 9, "-qv", "x");
	UNREAD("invalid option '--json=x': --json takes no value", VERB_LIST, 0, "--json=x");
	UNREAD("invalid option '--pid': its value is missing: --pid PID", VERB_DETACH, 1, "--pid");
	words_usage(VERB_PAUSE, &err);
	assert_string_equal(err.text, "read the command line: say `via-iface pause SESSION…` or "
				      "`via-iface pause --all`");
}

static void test_move_list(void **state)
{
	static const struct {
		const char *before, *uplinks, *list;
	} rows[] = {
		{ "wlp6s0", "enp7s0", "enp7s0" }, /* no list */
		{ "wlp6s0,enp7s0", "enp7s0", "enp7s0,wlp6s0" },
		{ "wlp6s0,enp7s0", "wlp6s0", "wlp6s0,enp7s0" },
		{ "wlp6s0,enp7s0", "wwan0", "wwan0,wlp6s0,enp7s0" },
		{ "a,b,c", "c", "c,a,b" },
		{ "a,b,c", "b", "b,a,c" },
		{ "a,b,c", "b,a", "b,a" }, /* said otherwise */
		{ "ssid:x\\,y,b", "b", "b,ssid:x\\,y" },
		{ "b,ssid:x\\,", "c", "c,b,ssid:x\\," },
		{ "b,ssid:x\\,y", "ssid:x\\,y", "ssid:x\\,y,b" },
		{ "", "b", "b" },
	};
	struct uplink_list before, to, list;
	char long_list[UPLINK_LIST_MAX];
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		before = list_of(rows[i].before);
		to = list_of(rows[i].uplinks);
		assert_int_equal(move_list(&before, &to, &list, &err), 0);
		LIST_IS(list, rows[i].list);
	}
	memset(long_list, 'x', sizeof(long_list));
	long_list[80] = ',';
	long_list[sizeof(long_list) - 1] = 0;
	before = list_of(long_list);
	to = list_of("wlp6s0");
	assert_int_equal(move_list(&before, &to, &list, &err), -EINVAL);
	assert_non_null(strstr(err.text, "--only drops the others"));
	before = list_of("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p");
	assert_int_equal(move_list(&before, &to, &list, &err), -EINVAL);
	assert_int_equal(move_list(NULL, &to, &list, &err), 0);
	LIST_IS(list, "wlp6s0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),    cmocka_unit_test(test_tables),
		cmocka_unit_test(test_wants_help), cmocka_unit_test(test_words),
		cmocka_unit_test(test_move_list),
	};

	return RUN_TESTS(tests);
}
