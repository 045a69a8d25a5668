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
#include "desktop/copy.h"
#include "desktop/exec.h"
#include "desktop/make.h"
#include "launch/files.h"
#include "mutate.h"
#include "unit.h"

static GKeyFile *parse(const char *text)
{
	struct err err = { 0 };
	GKeyFile *e = entry_parse(text, strlen(text), &err);

	if (!e)
		fail_msg("%s: %s", text, err.text);
	return e;
}

static void assert_text(GKeyFile *e, const char *text)
{
	g_autofree char *have = g_key_file_to_data(e, NULL, NULL);

	assert_string_equal(have, text);
}

/* A value as a string; NULL: there is none. */
static void assert_value(GKeyFile *e, const char *group, const char *key, const char *text)
{
	g_autofree char *value = entry_string(e, group, key);

	if (text)
		assert_string_equal(value, text);
	else
		assert_null(value);
}

static const struct desktop_wish plain = { .source = "/usr/share/applications/x.desktop",
					   .uplinks = "wlp6s0" };

/* --- reading and copying ------------------------------------------------------------------- */

static void assert_copy(const char *from, const char *to)
{
	g_autoptr(GKeyFile) e = parse(from);
	g_autoptr(GKeyFile) copy = entry_copy(e);
	g_autoptr(GKeyFile) again = entry_copy(copy);

	assert_text(copy, to);
	assert_text(again, to);
}

static void test_copy(void **state)
{
	(void)state;
	/* a vendor's group that is there twice */
	assert_copy("[Desktop Entry]\nType=Application\n[X-Vendor]\na=1\nb=2\n"
		    "[Desktop Action x]\nName=n\n[X-Vendor]\nb=3\nc=4\n",
		    "[Desktop Entry]\nType=Application\n\n[X-Vendor]\na=1\nb=3\nc=4\n");
	/* translations with their key, wherever they stand; without it, not */
	assert_copy("[Desktop Entry]\nName[de]=d\nGenericName[fr]=f\nX-A[de]=x\nName=n\n"
		    "Name[sr@latin]=s\nExec[de]=e\nExec=a\nPath=rel\nPath[de]=/x\n",
		    "[Desktop Entry]\nName=n\nName[de]=d\nName[sr@latin]=s\nExec=a\n");
	/* types */
	assert_copy("[Desktop Entry]\nTerminal=1\nStartupNotify=TRUE\nNoDisplay=maybe\n"
		    "Hidden=0\nIcon=a.png\nIcon[de]=/b.png\nVersion=1.5\nEncoding=UTF-8\n"
		    "Categories=Game;Own;X-Own;Game;KDE\nMimeType=text/plain;text;odd/x\n"
		    "MiniIcon=x\nX-Odd_Key=1\n[Other]\na=b\n",
		    "[Desktop Entry]\nTerminal=true\nStartupNotify=true\nHidden=false\nIcon=a\n"
		    "Icon[de]=/b.png\nCategories=Game;X-Own;KDE;\nMimeType=text/plain;\n");
	/* actions that are whole, each once */
	assert_copy("[Desktop Entry]\nActions=b;a;b;none;n_o;\n[Desktop Action a]\nName=A\n"
		    "Name[de]=B\nExec=a\nTerminal=true\n[Desktop Action b]\nExec=b\n",
		    "[Desktop Entry]\nActions=a;\n\n[Desktop Action a]\nName=A\nName[de]=B\n"
		    "Exec=a\n");
}

static void test_comment(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		/* Krita's: the comment goes, and so do its translations */
		{ "GenericName=Paint\nGenericName[de]=Malen\nComment=Paint\nComment[de]=Bilder\n",
		  "GenericName=Paint\nGenericName[de]=Malen\n" },
		{ "GenericName=Paint\nGenericName[de]=Malen\nComment=Art\nComment[de]=Malen\n"
		  "Comment[fr]=Art\n",
		  "GenericName=Paint\nGenericName[de]=Malen\nComment=Art\nComment[fr]=Art\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		g_autofree char *from = g_strconcat("[Desktop Entry]\n", cases[i].from, NULL);
		g_autofree char *to = g_strconcat("[Desktop Entry]\n", cases[i].to, NULL);
		g_autoptr(GKeyFile) e = parse(from);

		entry_drop_comment(e);
		assert_text(e, to);
	}
}

static void test_odd_text(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "its first group is not [Desktop Entry]" },
		{ "# only\n\n", "its first group is not" },
		{ "Name=x\n[Desktop Entry]\n", "start with a group" },
		{ "[Other]\nx=y\n", "its first group is not [Desktop Entry]" },
		{ "[Desktop Entry]\nName\n", "not a key-value pair" },
		{ "[Desktop Entry]\n=x\n", "not a key-value pair" },
		{ "[Desktop Entry\n", "not a key-value pair" },
		{ "[]\n", "Invalid group name" },
		{ "[Desktop Entry]\nEncoding=Legacy-Mixed\n", "unsupported encoding" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { 0 };

		if (entry_parse(cases[i].text, strlen(cases[i].text), &err))
			fail_msg("taken: %s", cases[i].text);
		if (!strstr(err.text, cases[i].error))
			fail_msg("%s: it says '%s'", cases[i].text, err.text);
	}
	assert_null(entry_parse("[Desktop Entry]\0", 16, NULL));
	assert_copy("\xef\xbb\xbf[Desktop Entry] \r\n  X-a = b  \r\nX-a=c",
		    "[Desktop Entry]\nX-a=c\n"); /* the last one counts */
}

/* What is not UTF-8 is left out, and what must be there is missed. */
static void test_bytes(void **state)
{
	struct err err = { 0 };
	g_autoptr(GKeyFile) name = parse("[Desktop Entry]\nType=Application\nName=\xff\nExec=a\n");
	g_autoptr(GKeyFile) exec = parse("[Desktop Entry]\nType=Application\nName=n\nExec=\xff\n");
	g_autoptr(GKeyFile) line = parse("[Desktop Entry]\nType=Application\nName=n\nExec=a %k\n");
	const struct desktop_wish odd = { .source = "/a\xff b.desktop", .uplinks = "wlp6s0" };
	g_autofree char *source = NULL;

	(void)state;
	assert_copy("[Desktop Entry]\nX-A=\xff\nX-B=b\nX-B[de]=\xc0\xaf\n[X-\xff]\na=b\n",
		    "[Desktop Entry]\nX-B=b\n");
	assert_null(desktop_make(name, &plain, &err));
	assert_non_null(strstr(err.text, "it has no name"));
	assert_null(desktop_make(exec, &plain, &err));
	assert_non_null(strstr(err.text, "read its command line"));
	assert_null(desktop_make(line, &odd, &err));
	assert_non_null(strstr(err.text, "is not UTF-8, and the entry asks for its path"));
	/* where an original has such a name, that is recorded */
	entry_set_source(line, odd.source);
	assert_value(line, ENTRY_MAIN, DESKTOP_SOURCE, "file:///a%FF%20b.desktop");
	source = entry_source(line);
	assert_string_equal(source, odd.source);
}

/* --- command lines ------------------------------------------------------------------------- */

/* As it stands in a file, where it is escaped as a string. */
static int read_exec(const char *value, struct exec *ret, struct err *err)
{
	g_autoptr(GKeyFile) e = parse("[Desktop Entry]\n");
	g_autofree char *text = NULL;

	g_key_file_set_value(e, ENTRY_MAIN, "Exec", value);
	text = entry_string(e, ENTRY_MAIN, "Exec");
	assert_non_null(text);
	return exec_parse(text, ret, err);
}

static void assert_exec(const char *from, const char *to)
{
	g_autoptr(GKeyFile) e = parse("[Desktop Entry]\n");
	_cleanup_strbuf_ struct strbuf have = { 0 };
	_cleanup_exec_ struct exec x = { 0 };
	g_autofree char *value = NULL;
	struct err err = { 0 };

	if (read_exec(from, &x, &err) < 0)
		fail_msg("%s: %s", from, err.text);
	assert_int_equal(exec_set_location(&x, "/a b's/x.desktop"), 0);
	exec_print(&x, &have);
	entry_set(e, ENTRY_MAIN, "Exec", strbuf_text(&have));
	value = g_key_file_get_value(e, ENTRY_MAIN, "Exec", NULL);
	assert_string_equal(value, to);
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
	assert_exec("a b\\;c '\\$d'", "a \"b;c\" \"\\\\\\\\\\\\$d\""); /* unknown escapes */
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

		if (read_exec(refused[i], &x, &err) != -EINVAL)
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

static GKeyFile *make(const char *text, const struct desktop_wish *wish)
{
	g_autoptr(GKeyFile) original = parse(text);
	struct err err = { 0 };
	GKeyFile *e = desktop_make(original, wish, &err);

	if (!e)
		fail_msg("%s", err.text);
	return e;
}

static const char steam[] = "[Desktop Entry]\n"
			    "Type=Application\n"
			    "Name=Steam\n"
			    "Name[de]=Dampf\n"
			    "X-GNOME-FullName=Steam Client\n"
			    "X-GNOME-FullName[de]=Dampf!\n"
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
	g_autoptr(GKeyFile) e = make(steam, &plain);

	(void)state;
	assert_text(e, "[Desktop Entry]\n"
		       "Type=Application\n"
		       "Name=Steam (via wlp6s0)\n"
		       "Name[de]=Dampf (via wlp6s0)\n"
		       "X-GNOME-FullName=Steam Client (via wlp6s0)\n"
		       "X-GNOME-FullName[de]=Dampf! (via wlp6s0)\n"
		       "Comment=Games\n"
		       "Exec=via-iface desktop start wlp6s0 -- steam %U\n"
		       "Icon=steam\n"
		       "DBusActivatable=false\n"
		       "Actions=Store;\n"
		       "TryExec=steam\n"
		       "X-ViaIface-Kind=entry\n"
		       "X-ViaIface-Source=/usr/share/applications/x.desktop\n"
		       "X-ViaIface-Uplink=wlp6s0\n"
		       "\n"
		       "[Desktop Action Store]\n"
		       "Name=Store\n"
		       "Exec=via-iface desktop start wlp6s0 -- steam steam://store\n");
	assert_int_equal(desktop_kind_of(e), DESKTOP_ENTRY);
}

static void test_replace(void **state)
{
	const struct desktop_wish wish = { .kind = DESKTOP_REPLACE,
					   .source = "/x y",
					   .uplinks = "ssid:My Net,wwan",
					   .name = " Dampf\\" };
	g_autoptr(GKeyFile) e = make(steam, &wish);

	(void)state;
	assert_value(e, ENTRY_MAIN, "Name", " Dampf\\");
	assert_value(e, ENTRY_MAIN, "Name[de]", NULL);
	assert_value(e, ENTRY_MAIN, "MimeType", "x-scheme-handler/steam;");
	assert_value(e, ENTRY_MAIN, "Exec",
		     "via-iface desktop start \"ssid:My Net,wwan\" -- steam %U");
	assert_value(e, ENTRY_MAIN, DESKTOP_UPLINK, "ssid:My Net,wwan");
	assert_int_equal(desktop_kind_of(e), DESKTOP_REPLACE);
}

static void test_by_policy(void **state)
{
	const struct desktop_wish wish = { .source = "/x", .uplinks = "" };
	const struct desktop_wish verb = { .source = "/x", .uplinks = "list" };
	const struct desktop_wish kind = { .source = "/x", .uplinks = "wifi" };
	g_autoptr(GKeyFile) e = make(steam, &wish);
	g_autoptr(GKeyFile) v = make(steam, &verb);
	g_autoptr(GKeyFile) k = make(steam, &kind);

	(void)state;
	assert_value(e, ENTRY_MAIN, "Exec", "via-iface desktop start -- steam %U");
	assert_value(e, ENTRY_MAIN, "Name", "Steam (via-iface)");
	/* a word that is a verb, or may be one some day */
	assert_value(v, ENTRY_MAIN, "Exec", "via-iface desktop start list -- steam %U");
	assert_value(k, ENTRY_MAIN, "Exec", "via-iface desktop start wifi -- steam %U");
}

/* Of the windows, where the program can be told; else panels do not take others' for these. */
static void test_window_class(void **state)
{
	static const struct {
		const char *exec, *wanted, *class;
	} cases[] = {
		{ "/usr/bin/firefox-esr %u", "/usr/bin/firefox-esr --class via-iface-x %u",
		  "via-iface-x" },
		{ "chromium --new-window", "chromium --class=via-iface-x --new-window",
		  "via-iface-x" },
		{ "xterm", "xterm -class via-iface-x", "via-iface-x" },
		{ "env A=b firefox", "env A=b firefox", NULL },
		{ "chromium --app-id=abc", "chromium --app-id=abc", NULL },
		{ "kitty --class own", "kitty --class own", NULL },
	};
	struct desktop_wish wish = plain;

	(void)state;
	wish.class = "via-iface-x";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		g_autofree char *text =
			g_strdup_printf("[Desktop Entry]\nType=Application\nName=x\n"
					"StartupWMClass=X\nExec=%s\n",
					cases[i].exec);
		g_autofree char *line =
			g_strconcat("via-iface desktop start wlp6s0 -- ", cases[i].wanted, NULL);
		g_autoptr(GKeyFile) e = NULL, in_its_place = NULL;
		g_autofree char *class = NULL;

		wish.kind = DESKTOP_ENTRY;
		e = make(text, &wish);
		assert_value(e, ENTRY_MAIN, "Exec", line);
		class = entry_string(e, ENTRY_MAIN, "StartupWMClass");
		assert_int_equal(g_strcmp0(class, cases[i].class), 0);
		wish.kind = DESKTOP_REPLACE;
		wish.class = NULL;
		in_its_place = make(text, &wish);
		assert_value(in_its_place, ENTRY_MAIN, "StartupWMClass", "X");
		wish.class = "via-iface-x";
	}
}

static void test_actions(void **state)
{
	struct desktop_wish wish = plain;
	g_autoptr(GKeyFile) e = NULL;
	struct err err = { 0 };
	bool gone;

	(void)state;
	wish.kind = DESKTOP_ACTION;
	e = make(steam, &wish);
	assert_value(e, ENTRY_MAIN, "Exec", "steam %U");
	assert_value(e, ENTRY_MAIN, "Name", "Steam");
	assert_value(e, ENTRY_MAIN, "MimeType", "x-scheme-handler/steam;");
	assert_value(e, ENTRY_MAIN, "DBusActivatable", "false");
	assert_value(e, ENTRY_MAIN, "Actions", "Store;via-iface-wlp6s0;");
	assert_value(e, ENTRY_ACTION "Store", "Exec", "steam steam://store");
	assert_value(e, ENTRY_ACTION "via-iface-wlp6s0", "Exec",
		     "via-iface desktop start wlp6s0 -- steam %U");
	assert_value(e, ENTRY_ACTION "via-iface-wlp6s0", "Name", "Run via wlp6s0");
	/* one more, the same once more */
	wish.uplinks = "eth0.5";
	for (int i = 0; i < 2; i++) {
		GKeyFile *more = desktop_make(e, &wish, &err);

		assert_non_null(more);
		g_key_file_unref(e);
		e = more;
	}
	assert_value(e, ENTRY_MAIN, "Actions", "Store;via-iface-wlp6s0;via-iface-eth0-5;");
	assert_int_equal(desktop_kind_of(e), DESKTOP_ACTION);
	assert_int_equal(desktop_unmake_action(e, "nosuch0", &gone), 2);
	assert_false(gone);
	assert_int_equal(desktop_unmake_action(e, "wlp6s0", &gone), 1);
	assert_true(gone);
	assert_value(e, ENTRY_MAIN, "Actions", "Store;via-iface-eth0-5;");
	assert_int_equal(desktop_unmake_action(e, "eth0.5", &gone), 0);
	assert_true(gone);
	assert_value(e, ENTRY_MAIN, "Actions", "Store;");
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
		{ "[Desktop Entry]\nType=Application\nName=x\nExec=x\nActions=a;\n"
		  "[Desktop Action a]\nName=a\nExec=\"\n",
		  "read its command line 'Exec=\"'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		g_autoptr(GKeyFile) e = parse(cases[i].text);
		struct err err = { 0 };

		if (desktop_make(e, &plain, &err))
			fail_msg("taken: %s", cases[i].text);
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
	size_t n = 0, at;

	assert_int_equal(exec_parse(before, &x, NULL), 0);
	assert_int_equal(exec_parse(after, &y, NULL), 0);
	assert_int_equal(exec_set_location(&x, path), 0);
	assert_int_equal(exec_words(&x, &a, &a_bytes), 0);
	assert_int_equal(exec_words(&y, &b, &b_bytes), 0);
	assert_string_equal(b[0], "via-iface");
	assert_string_equal(b[1], "desktop");
	assert_string_equal(b[2], "start");
	at = 3 + !strncmp(b[3], "--app-id=", 9);
	assert_string_equal(b[at], "wlp6s0");
	assert_string_equal(b[at + 1], "--");
	for (at += 2; a[n] && b[n + at]; n++)
		assert_string_equal(a[n], b[n + at]);
	assert_null(a[n]);
	assert_null(b[n + at]);
}

/* Keys of the original whose translations all came along, or none of them. */
static void assert_translations(GKeyFile *before, GKeyFile *e, const char *name)
{
	g_auto(GStrv) keys = g_key_file_get_keys(before, ENTRY_MAIN, NULL, NULL);

	for (size_t i = 0; keys[i]; i++) {
		g_autofree char *base = g_strndup(keys[i], entry_key_length(keys[i]));
		bool localized = keys[i][strlen(base)] != 0;

		if (!localized || !strcmp(base, "Comment"))
			continue;
		if (g_key_file_has_key(e, ENTRY_MAIN, keys[i], NULL) !=
		    g_key_file_has_key(e, ENTRY_MAIN, base, NULL))
			fail_msg("%s: %s without its key, or the other way", name, keys[i]);
	}
}

static void one_of_others(const char *name, struct strbuf *out)
{
	g_autofree char *path = g_strconcat(DESKTOP_ENTRIES "/", name, NULL);
	g_autofree char *source = g_strconcat("/usr/share/applications/", name, NULL);
	g_autofree char *once = NULL, *twice = NULL;
	g_autoptr(GKeyFile) before = NULL;
	g_autoptr(GKeyFile) e = NULL;
	g_autoptr(GKeyFile) back = NULL;
	g_autoptr(GKeyFile) copy = NULL;
	g_auto(GStrv) groups = NULL;
	struct desktop_wish wish = plain;
	struct err err = { 0 };

	wish.source = source;
	before = entry_load(path, &err);
	e = before ? desktop_make(before, &wish, &err) : NULL;
	if (!e)
		fail_msg("%s: %s", name, err.text);
	groups = g_key_file_get_groups(e, NULL);
	for (size_t i = 0; groups[i]; i++) {
		g_autofree char *value = g_key_file_get_value(e, groups[i], "Exec", NULL);
		g_autofree char *from = entry_string(before, groups[i], "Exec");
		g_autofree char *to = entry_string(e, groups[i], "Exec");

		if (!value)
			continue;
		strbuf_add(out, "%.*s\t%s\t%s\n", (int)(strlen(name) - 8), name, groups[i], value);
		assert_same_words(from, to, source);
	}
	assert_translations(before, e, name);
	/* a copy is the same, and what was written is read back */
	once = g_key_file_to_data(e, NULL, NULL);
	back = parse(once);
	copy = entry_copy(back);
	twice = g_key_file_to_data(copy, NULL, NULL);
	assert_string_equal(once, twice);
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
		g_autoptr(GKeyFile) original = NULL;
		g_autoptr(GKeyFile) e = NULL;
		g_autoptr(GKeyFile) back = NULL;
		g_autofree char *text = NULL;
		struct err err = { 0 };
		char copy[sizeof(steam)];

		memcpy(copy, steam, sizeof(steam));
		mutate(&c, copy, sizeof(steam) - 1);
		original = entry_parse(copy, sizeof(steam) - 1, &err);
		e = original ? desktop_make(original, &plain, &err) : NULL;
		if (!e) {
			assert_true(err.code && err.text[0]);
			continue;
		}
		taken++;
		text = g_key_file_to_data(e, NULL, NULL);
		assert_true(g_utf8_validate(text, -1, NULL));
		back = parse(text);
		assert_int_equal(desktop_kind_of(back), DESKTOP_ENTRY);
	}
	assert_in_range(taken, 500, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_comment),
		cmocka_unit_test(test_odd_text),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_by_policy),
		cmocka_unit_test(test_window_class),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_what_cannot_be_started),
		cmocka_unit_test(test_entries_of_others),
		cmocka_unit_test(test_mutations),
	};

	return RUN_TESTS(tests);
}
