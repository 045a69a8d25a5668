/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/desktop/entries are entries of other programs; tests/desktop/expected is what their command
 * lines become, one line each: entry, group, value. VIA_GOLDEN_UPDATE=1 writes that file.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mutate.h"
#include "unit.h"
#include "verbs/desktop_exec.h"
#include "verbs/desktop_make.h"
#include "verbs/desktop_tidy.h"
#include "verbs/files.h"

static struct entry parse(const char *text)
{
	struct entry e = { 0 };
	struct err err = { 0 };

	if (entry_parse(text, strlen(text), &e, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return e;
}

static void assert_text(const struct entry *e, const char *text)
{
	_cleanup_strbuf_ struct strbuf have = { 0 };

	entry_print(e, &have);
	assert_string_equal(strbuf_text(&have), text);
}

static const struct desktop_wish plain = { .source = "/usr/share/applications/x.desktop",
					   .uplinks = "wlp6s0" };

/* --- text ---------------------------------------------------------------------------------- */

static void test_text_stays(void **state)
{
	static const char text[] = "# first\n\n[Desktop Entry]\nName=A b\nX-y[de]=c=d\n# in it\n\n"
				   "[X-Other Group]\nany thing=1\n\n";
	_cleanup_entry_ struct entry e = parse(text);

	(void)state;
	assert_text(&e, text);
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "X-y[de]"), "c=d");
	assert_null(entry_get(&e, ENTRY_MAIN, "X-y"));
	assert_null(entry_get(&e, "X-None", "any thing"));
	assert_int_equal(entry_set(&e, ENTRY_MAIN, "Name", "B"), 0);
	assert_int_equal(entry_set(&e, ENTRY_MAIN, "New", "N"), 0);
	assert_int_equal(entry_set(&e, "X-Third", "k", "v"), 0);
	entry_drop(&e, ENTRY_MAIN, "X-y", true);
	assert_text(&e, "# first\n\n[Desktop Entry]\nName=B\nNew=N\n# in it\n\n"
			"[X-Other Group]\nany thing=1\n\n[X-Third]\nk=v\n");
	entry_drop_group(&e, "X-Other Group");
	assert_text(&e, "# first\n\n[Desktop Entry]\nName=B\nNew=N\n# in it\n\n[X-Third]\nk=v\n");
}

static void test_odd_text(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "it has no group [Desktop Entry]" },
		{ "# only\n\n", "it has no group" },
		{ "Name=x\n[Desktop Entry]\n", "line 1: a key stands before the first group" },
		{ "[Other]\nx=y\n", "line 1: the first group is [Other]" },
		{ "[Desktop Entry]\nName\n", "line 2: it is neither a comment" },
		{ "[Desktop Entry]\n=x\n", "line 2: it is neither" },
		{ "[Desktop Entry\n", "line 1: that is no name of a group" },
		{ "[Desktop Entry] x\n", "line 1: that is no name" },
		{ "[]\n", "line 1: that is no name" },
		{ "[Desktop Entry]\n[X-a]\n[X-a]\n", "line 3: the group [X-a] is there twice" },
		{ "[Desktop Entry]\nName=\xff\n", "it is no text in UTF-8" },
		{ "[Desktop Entry]\nName=\xc0\xaf\n", "it is no text in UTF-8" },
		{ "[Desktop Entry]\nName=\xed\xa0\x80\n", "it is no text in UTF-8" },
		{ "[Desktop Entry]\nName=\xe2\x82", "it is no text in UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct entry e = { 0 };
		struct err err = { 0 };

		if (entry_parse(cases[i].text, strlen(cases[i].text), &e, &err) == 0)
			fail_msg("taken: %s", cases[i].text);
		if (!strstr(err.text, cases[i].error))
			fail_msg("%s: it says '%s'", cases[i].text, err.text);
	}
	assert_int_equal(entry_parse("[Desktop Entry]\0", 16, NULL, NULL), -EINVAL);
	{
		_cleanup_entry_ struct entry e =
			parse("\xef\xbb\xbf[Desktop Entry] \r\n  a = b  \r\na=c");

		assert_text(&e, "[Desktop Entry]\na=c\n"); /* the last one counts */
	}
}

static void test_strings(void **state)
{
	static const char *const same[] = { "", "a", "a b", "\\s a \\s", "\\n\\t\\r\\\\x" };
	_cleanup_strbuf_ struct strbuf text = { 0 };

	(void)state;
	entry_unescape(&text, "a\\sb\\n\\t\\r\\\\s\\x\\");
	assert_string_equal(strbuf_text(&text), "a b\n\t\r\\s\\x\\");
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		_cleanup_strbuf_ struct strbuf once = { 0 }, back = { 0 };

		entry_unescape(&once, same[i]);
		entry_escape(&back, strbuf_text(&once));
		assert_string_equal(strbuf_text(&back), same[i]);
	}
}

/* --- command lines ------------------------------------------------------------------------- */

static void assert_exec(const char *from, const char *to)
{
	_cleanup_strbuf_ struct strbuf have = { 0 };
	_cleanup_exec_ struct exec x = { 0 };
	struct err err = { 0 };

	if (exec_parse(from, &x, &err) < 0)
		fail_msg("%s: %s", from, err.text);
	assert_int_equal(exec_set_location(&x, "/a b's/x.desktop"), 0);
	exec_print(&x, &have);
	assert_string_equal(strbuf_text(&have), to);
}

static void test_exec(void **state)
{
	static const char *const refused[] = { "",     "  ",     "%f",       "a \"b", "a 'b",
					       "\"\"", "a \\\\", "a \"\\\\", "# a" };

	(void)state;
	assert_exec("a b  c", "a b c");
	assert_exec("a 'b c' \"d e\"", "a \"b c\" \"d e\"");
	assert_exec("a --x='b c'd", "a \"--x=b cd\"");
	assert_exec("a \"\" ''", "a \"\" \"\"");
	assert_exec("a %% 1%%", "a %% 1%%");
	assert_exec("a %f %i --c=%c", "a %f %i --c=%c");
	assert_exec("a \"%f\" 'b %u'", "a \"%f\" \"b \"");
	assert_exec("a 'b %u'", "a \"b %u\"");
	assert_exec("a 'b c'%u\"d e\"", "a \"b c\"%u\"d e\"");
	assert_exec("a --n='b c' %u", "a \"--n=b c\" %u");
	assert_exec("a %d %Dx %n %N %v %m y", "a x y");
	assert_exec("a \"%d\"", "a \"\"");
	assert_exec("a %x% 5%", "a 5%%"); /* "% " is a code, too */
	/* a string's backslashes, then a shell's */
	assert_exec("a \\\\\"b", "a \"\\\\\"b\"");
	assert_exec("a b\\\\ c", "a \"b c\"");
	assert_exec("a b\\sc", "a b c");
	assert_exec("a \"b\\tc\"", "a \"b\\tc\"");
	assert_exec("a \"\\\\$b \\\\`c \\\\\\\\ \\\\x\"", "a \"\\\\$b \\\\`c \\\\\\\\ \\\\\\\\x\"");
	assert_exec("a '$b'", "a \"\\\\$b\"");
	assert_exec("a b;c", "a \"b;c\"");
	assert_exec("a b#c #d e", "a \"b#c\"");
	assert_exec("a %k", "a \"/a b's/x.desktop\"");
	assert_exec("a \"-d %k\"", "a \"-d '/a b'\\\\\\\\''s/x.desktop'\"");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct exec x = { 0 };
		struct err err = { 0 };

		if (exec_parse(refused[i], &x, &err) != -EINVAL)
			fail_msg("taken: %s", refused[i]);
		assert_non_null(strstr(err.text, "read its command line 'Exec="));
	}
}

static void test_words(void **state)
{
	static const char *const wanted[] = { "env", "A=b c", "", "--x=", "d", NULL };
	_cleanup_exec_ struct exec x = { 0 };
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(exec_parse("env A='b c' %f \"\" --x=%c d %i", &x, NULL), 0);
	assert_int_equal(exec_words(&x, &words, &bytes), 0);
	for (; words[n] && wanted[n]; n++)
		assert_string_equal(words[n], wanted[n]);
	assert_null(words[n]);
	assert_null(wanted[n]);
}

/* --- entries ------------------------------------------------------------------------------- */

static struct entry make(const char *text, const struct desktop_wish *wish)
{
	struct entry e = parse(text);
	struct err err = { 0 };

	if (desktop_make(&e, wish, &err) < 0)
		fail_msg("%s", err.text);
	return e;
}

static const char steam[] = "[Desktop Entry]\n"
			    "Type=Application\n"
			    "Name=Steam\n"
			    "Name[de]=Dampf\n"
			    "Comment=Games\n"
			    "Exec=steam %U\n"
			    "Icon=steam\n"
			    "MimeType=x-scheme-handler/steam;\n"
			    "DBusActivatable=true\n"
			    "StartupWMClass=Steam\n"
			    "Actions=Store;Bus;\n"
			    "\n"
			    "[Desktop Action Store]\n"
			    "Name=Store\n"
			    "Exec=steam steam://store\n"
			    "\n"
			    "[Desktop Action Bus]\n"
			    "Name=By the bus alone\n";

static void test_entry(void **state)
{
	_cleanup_entry_ struct entry e = make(steam, &plain);

	(void)state;
	assert_text(&e, "[Desktop Entry]\n"
			"Type=Application\n"
			"Name=Steam (via wlp6s0)\n"
			"Name[de]=Dampf (via wlp6s0)\n"
			"Comment=Games\n"
			"Exec=via-iface run --strict wlp6s0 -- steam %U\n"
			"Icon=steam\n"
			"DBusActivatable=false\n"
			"StartupWMClass=Steam\n"
			"Actions=Store;\n"
			"TryExec=steam\n"
			"X-ViaIface-Kind=entry\n"
			"X-ViaIface-Source=/usr/share/applications/x.desktop\n"
			"X-ViaIface-Uplink=wlp6s0\n"
			"\n"
			"[Desktop Action Store]\n"
			"Name=Store\n"
			"Exec=via-iface run --strict wlp6s0 -- steam steam://store\n"
			"\n");
	assert_int_equal(desktop_kind_of(&e), DESKTOP_ENTRY);
}

static void test_replace(void **state)
{
	const struct desktop_wish wish = { .kind = DESKTOP_REPLACE,
					   .source = "/x y",
					   .uplinks = "ssid:My Net,wwan",
					   .name = " Dampf\\" };
	_cleanup_entry_ struct entry e = make(steam, &wish);

	(void)state;
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Name"), "\\sDampf\\\\");
	assert_null(entry_get(&e, ENTRY_MAIN, "Name[de]"));
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "MimeType"), "x-scheme-handler/steam;");
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Exec"),
			    "via-iface run --strict \"ssid:My Net,wwan\" -- steam %U");
	assert_string_equal(entry_get(&e, ENTRY_MAIN, DESKTOP_UPLINK), "ssid:My Net,wwan");
	assert_int_equal(desktop_kind_of(&e), DESKTOP_REPLACE);
}

static void test_by_policy(void **state)
{
	const struct desktop_wish wish = { .source = "/x", .uplinks = "" };
	const struct desktop_wish verb = { .source = "/x", .uplinks = "list" };
	const struct desktop_wish kind = { .source = "/x", .uplinks = "wifi" };
	_cleanup_entry_ struct entry e = make(steam, &wish), v = make(steam, &verb),
				     k = make(steam, &kind);

	(void)state;
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Exec"),
			    "via-iface run --strict -- steam %U");
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Name"), "Steam (via-iface)");
	/* a word that is a verb, or may be one some day */
	assert_string_equal(entry_get(&v, ENTRY_MAIN, "Exec"),
			    "via-iface run --strict list -- steam %U");
	assert_string_equal(entry_get(&k, ENTRY_MAIN, "Exec"),
			    "via-iface run --strict wifi -- steam %U");
}

static void test_actions(void **state)
{
	struct desktop_wish wish = plain;
	_cleanup_entry_ struct entry e = { 0 };
	struct err err = { 0 };

	(void)state;
	wish.kind = DESKTOP_ACTION;
	e = make(steam, &wish);
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Exec"), "steam %U");
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Name"), "Steam");
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "MimeType"), "x-scheme-handler/steam;");
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "DBusActivatable"), "false");
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Actions"), "Store;via-iface-wlp6s0;");
	assert_string_equal(entry_get(&e, ENTRY_ACTION "Store", "Exec"), "steam steam://store");
	assert_string_equal(entry_get(&e, ENTRY_ACTION "via-iface-wlp6s0", "Exec"),
			    "via-iface run --strict wlp6s0 -- steam %U");
	assert_string_equal(entry_get(&e, ENTRY_ACTION "via-iface-wlp6s0", "Name"),
			    "Run via wlp6s0");
	/* one more, the same once more */
	wish.uplinks = "eth0.5";
	for (int i = 0; i < 2; i++)
		assert_int_equal(desktop_make(&e, &wish, &err), 0);
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Actions"),
			    "Store;via-iface-wlp6s0;via-iface-eth0-5;");
	assert_int_equal(desktop_kind_of(&e), DESKTOP_ACTION);
	assert_int_equal(desktop_unmake_action(&e, "nosuch0"), 2);
	assert_int_equal(desktop_unmake_action(&e, "wlp6s0"), 1);
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Actions"), "Store;via-iface-eth0-5;");
	assert_int_equal(desktop_unmake_action(&e, "eth0.5"), 0);
	assert_string_equal(entry_get(&e, ENTRY_MAIN, "Actions"), "Store;");
}

static void test_what_cannot_be_started(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "[Desktop Entry]\nType=Link\nName=x\n", "it is no application, but 'Link'" },
		{ "[Desktop Entry]\nName=x\nExec=x\n", "it is no application, but ''" },
		{ "[Desktop Entry]\nType=Application\nExec=x\n", "it has no name" },
		{ "[Desktop Entry]\nType=Application\nName=x\n", "it has no command line" },
		{ "[Desktop Entry]\nType=Application\nName=x\nDBusActivatable=true\n",
		  "it has no command line, only a name on the session bus" },
		{ "[Desktop Entry]\nType=Application\nName=x\nExec=x 'y\n",
		  "read its command line 'Exec=x 'y': a quote or a backslash has no end" },
		{ "[Desktop Entry]\nType=Application\nName=x\nExec=x\n[Desktop Action a]\n"
		  "Exec=\"\n",
		  "read its command line 'Exec=\"'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_entry_ struct entry e = parse(cases[i].text);
		struct err err = { 0 };

		assert_int_equal(desktop_make(&e, &plain, &err), -EINVAL);
		if (!strstr(err.text, cases[i].error))
			fail_msg("%s: it says '%s'", cases[i].text, err.text);
	}
}

/* --- those of others ----------------------------------------------------------------------- */

/* What the program gets does not change, but for where the entry lies. */
static void assert_same_words(const char *before, const char *after, const char *path)
{
	_cleanup_exec_ struct exec x = { 0 }, y = { 0 };
	_cleanup_free_ char **a = NULL, **b = NULL;
	_cleanup_free_ char *a_bytes = NULL, *b_bytes = NULL;
	size_t n = 0;

	assert_int_equal(exec_parse(before, &x, NULL), 0);
	assert_int_equal(exec_parse(after, &y, NULL), 0);
	assert_int_equal(exec_set_location(&x, path), 0);
	assert_int_equal(exec_words(&x, &a, &a_bytes), 0);
	assert_int_equal(exec_words(&y, &b, &b_bytes), 0);
	assert_string_equal(b[0], "via-iface");
	assert_string_equal(b[1], "run");
	assert_string_equal(b[2], "--strict");
	assert_string_equal(b[3], "wlp6s0");
	assert_string_equal(b[4], "--");
	for (; a[n] && b[n + 5]; n++)
		assert_string_equal(a[n], b[n + 5]);
	assert_null(a[n]);
	assert_null(b[n + 5]);
}

static void one_of_others(const char *name, struct strbuf *out)
{
	_cleanup_entry_ struct entry before = { 0 }, e = { 0 };
	_cleanup_strbuf_ struct strbuf once = { 0 }, twice = { 0 };
	_cleanup_free_ char *text = NULL;
	struct desktop_wish wish = plain;
	struct err err = { 0 };
	char path[512], source[512];
	const char *group = "";
	size_t len;

	snprintf(path, sizeof(path), DESKTOP_ENTRIES "/%s", name);
	snprintf(source, sizeof(source), "/usr/share/applications/%s", name);
	wish.source = source;
	if (file_read(path, ENTRY_BYTES_MAX, &text, &len, &err) < 0 ||
	    entry_parse(text, len, &before, &err) < 0 || entry_parse(text, len, &e, &err) < 0 ||
	    desktop_make(&e, &wish, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	for (size_t i = 0; i < e.n; i++) {
		if (e.v[i].kind == ENTRY_GROUP)
			group = e.v[i].key;
		if (e.v[i].kind != ENTRY_KEY || strcmp(e.v[i].key, "Exec") != 0)
			continue;
		strbuf_add(out, "%.*s\t%s\t%s\n", (int)(strlen(name) - 8), name, group,
			   e.v[i].value);
		assert_same_words(entry_get(&before, group, "Exec"), e.v[i].value, source);
	}
	/* tidy stays tidy, and what was written is read back */
	entry_print(&e, &once);
	assert_int_equal(entry_tidy(&e), 0);
	entry_print(&e, &twice);
	assert_string_equal(strbuf_text(&once), strbuf_text(&twice));
	entry_done(&e);
	e = parse(strbuf_text(&once));
	strbuf_truncate(&twice, 0);
	entry_print(&e, &twice);
	assert_string_equal(strbuf_text(&once), strbuf_text(&twice));
}

static int is_entry(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void test_entries_of_others(void **state)
{
	_cleanup_strbuf_ struct strbuf have = { 0 };
	_cleanup_free_ char *wanted = NULL;
	struct dirent **names = NULL;
	struct err err = { 0 };
	int n = scandir(DESKTOP_ENTRIES, &names, is_entry, by_bytes);
	size_t len;

	(void)state;
	assert_in_range(n, 40, 1000);
	for (int i = 0; i < n; i++) {
		one_of_others(names[i]->d_name, &have);
		free(names[i]);
	}
	free(names);
	if (getenv("VIA_GOLDEN_UPDATE") &&
	    file_write(DESKTOP_EXPECTED, have.text, have.len, &err) < 0)
		fail_msg("%s", err.text);
	if (file_read(DESKTOP_EXPECTED, 1 << 20, &wanted, &len, &err) < 0)
		fail_msg("%s", err.text);
	for (const char *a = strbuf_text(&have), *b = wanted; *a || *b;) {
		size_t i = strcspn(a, "\n"), k = strcspn(b, "\n");

		if (i != k || memcmp(a, b, i) != 0)
			fail_msg("it is\n%.*s\nnot\n%.*s", (int)i, a, (int)k, b);
		a += i + (a[i] != 0);
		b += k + (b[k] != 0);
	}
}

/* Whatever stands there: refused, or an entry that is read back. */
static void test_mutations(void **state)
{
	struct chance c = { 0x6465736b746f7001 };
	size_t taken = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		_cleanup_strbuf_ struct strbuf text = { 0 };
		struct entry e = { 0 };
		struct err err = { 0 };
		char copy[sizeof(steam)];

		memcpy(copy, steam, sizeof(steam));
		mutate(&c, copy, sizeof(steam) - 1);
		if (entry_parse(copy, sizeof(steam) - 1, &e, &err) < 0)
			continue;
		if (desktop_make(&e, &plain, &err) == 0) {
			taken++;
			entry_print(&e, &text);
			entry_done(&e);
			e = parse(strbuf_text(&text));
			assert_int_equal(desktop_kind_of(&e), DESKTOP_ENTRY);
		}
		entry_done(&e);
	}
	assert_in_range(taken, 500, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_stays),
		cmocka_unit_test(test_odd_text),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_by_policy),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_what_cannot_be_started),
		cmocka_unit_test(test_entries_of_others),
		cmocka_unit_test(test_mutations),
	};

	return RUN_TESTS(tests);
}
