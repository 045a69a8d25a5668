/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "desktop/steam.h"
#include "fds.h"
#include "launch/files.h"
#include "mutate.h"
#include "unit.h"

static const char libraries[] = "\"libraryfolders\"\n"
				"{\n"
				"\t\"contentstatsid\"\t\t\"-123\"\n"
				"\t\"0\"\n"
				"\t{\n"
				"\t\t\"path\"\t\t\"/home/me/.local/share/Steam\"\n"
				"\t\t\"label\"\t\t\"\"\n"
				"\t\t\"apps\"\n"
				"\t\t{\n"
				"\t\t\t\"228980\"\t\t\"439331398\"\n"
				"\t\t}\n"
				"\t}\n"
				"\t\"1\"\t\"/mnt/my \\\"games\\\"\\\\x\" // an old way\n"
				"}\n";

static struct vdf parse(const char *text)
{
	struct vdf v = { 0 };
	struct err err = { 0 };

	if (vdf_parse(text, strlen(text), &v, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return v;
}

static void test_text(void **state)
{
	struct vdf v = parse(libraries);
	size_t root = vdf_find(&v, VDF_ROOT, "LibraryFolders", VDF_ROOT);
	size_t zero = vdf_find(&v, root, "0", VDF_ROOT);

	(void)state;
	assert_int_equal(v.n, 8);
	assert_int_equal(root, 0);
	assert_null(v.v[root].value);
	assert_string_equal(vdf_value(&v, root, "contentstatsid"), "-123");
	assert_string_equal(vdf_value(&v, zero, "path"), "/home/me/.local/share/Steam");
	assert_string_equal(vdf_value(&v, zero, "label"), "");
	assert_null(vdf_value(&v, root, "path"));
	assert_null(vdf_value(&v, zero, "228980"));
	assert_string_equal(vdf_value(&v, root, "1"), "/mnt/my \"games\"\\x");
	assert_int_equal(vdf_find(&v, root, NULL, zero), v.n - 1);
	vdf_done(&v);
	v = parse("a b c{d \"e\"[$WIN32]}f [$X360] { } // end");
	assert_int_equal(v.n, 4);
	assert_string_equal(vdf_value(&v, VDF_ROOT, "a"), "b");
	assert_string_equal(vdf_value(&v, 1, "d"), "e");
	assert_null(v.v[3].value);
	vdf_done(&v);
	v = parse("\xef\xbb\xbf"
		  "a b"); /* the byte order mark */
	assert_string_equal(v.v[0].key, "a");
	vdf_done(&v);
	v = parse("");
	assert_int_equal(v.n, 0);
	vdf_done(&v);
}

static void test_wrong_text(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "a", "line 1: a value is missing" },
		{ "a {\nb c\n", "line 3: a '{' without its '}'" },
		{ "a b }", "line 1: a key is missing" },
		{ "{ a b }", "line 1: a key is missing" },
		{ "a { b }", "line 1: a value is missing" },
		{ "a \"b", "line 1: a string without its end" },
		{ "\n\n\"a\nb\\", "line 4: a string without its end" },
	};
	char deep[2 * (VDF_DEPTH_MAX + 1) + 1] = "";
	struct err err = { 0 };
	struct vdf v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(vdf_parse(cases[i].text, strlen(cases[i].text), &v, &err),
				 -EINVAL);
		vdf_done(&v);
		if (strcmp(err.text, cases[i].error) != 0)
			fail_msg("%s: it says '%s'", cases[i].text, err.text);
	}
	assert_int_equal(vdf_parse("a \0", 3, &v, &err), -EINVAL);
	vdf_done(&v);
	assert_int_equal(vdf_parse("a \"\0\"", 5, &v, &err), -EINVAL);
	vdf_done(&v);
	for (size_t i = 0; i <= VDF_DEPTH_MAX; i++)
		strcat(deep, "a{");
	assert_int_equal(vdf_parse(deep, strlen(deep), &v, &err), -EINVAL);
	vdf_done(&v);
	/* what stands before the mistake is there */
	assert_int_equal(vdf_parse("a b\nc { d e", 11, &v, &err), -EINVAL);
	assert_int_equal(v.n, 3);
	assert_string_equal(vdf_value(&v, 1, "d"), "e");
	vdf_done(&v);
	err = (struct err){ 0 };
	assert_int_equal(vdf_parse(deep, strlen(deep), &v, &err), -EINVAL);
	vdf_done(&v);
	assert_string_equal(err.text, "line 1: it is nested too deeply");
}

static void test_mutations(void **state)
{
	struct chance c = { 0x737465616d0001 };
	size_t taken = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char copy[sizeof(libraries)];
		struct vdf v = { 0 };
		struct err err = { 0 };

		memcpy(copy, libraries, sizeof(libraries));
		mutate(&c, copy, sizeof(libraries) - 1);
		if (vdf_parse(copy, sizeof(libraries) - 1 - chance(&c, 3), &v, &err) == 0)
			taken++;
		else
			assert_int_equal(strncmp(err.text, "line ", 5), 0);
		for (size_t k = 0; k < v.n; k++)
			assert_true(v.v[k].parent == VDF_ROOT || v.v[k].parent < k);
		vdf_done(&v);
	}
	assert_in_range(taken, 500, 19500);
}

static void put(const char *path, const char *text)
{
	struct err err = { 0 };

	if (file_write(path, text, strlen(text), &err) < 0)
		fail_msg("%s", err.text);
}

static void put_in(const char *home, const char *path, const char *text)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", home, path);
	put(full, text);
}

static void test_games(void **state)
{
	_cleanup_strbuf_ struct strbuf notes = { 0 };
	const char *home = dir_new();
	struct steam_game game;
	struct err err = { 0 };
	char text[PATH_MAX + 128];

	(void)state;
	assert_int_equal(steam_find(home, 70, &game, &notes, &err), -ENOENT);
	assert_non_null(strstr(err.text, "find the Steam game 70: no library in '"));
	put_in(home, ".local/share/Steam/steamapps/appmanifest_70.acf",
	       "\"AppState\"\n{\n\t\"appid\"\t\"70\"\n\t\"name\"\t\"Half-Life: \\\"1\\\"\"\n}\n");
	if (steam_find(home, 70, &game, &notes, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(game.name, "Half-Life: \"1\"");
	assert_string_equal(game.command[0], "steam");
	assert_null(game.command[1]);
	/* in another library, which an old file tells of, and one that is not there */
	put_in(home, "library/steamapps/appmanifest_71.acf", "AppState { name Opposing }");
	snprintf(text, sizeof(text), "LibraryFolders { 1 \"/nowhere\" 2 \"%s/library\" }", home);
	put_in(home, ".local/share/Steam/steamapps/libraryfolders.vdf", text);
	if (steam_find(home, 71, &game, &notes, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(game.name, "Opposing");
	/* of Flatpak's Steam, which a new file tells of */
	put_in(home, "library2/steamapps/appmanifest_72.acf", "AppState { name Blue }");
	snprintf(text, sizeof(text), "libraryfolders { 0 { path \"%s/library2\" } }", home);
	put_in(home,
	       ".var/app/com.valvesoftware.Steam/.local/share/Steam/config/libraryfolders.vdf",
	       text);
	if (steam_find(home, 72, &game, &notes, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(game.command[0], "flatpak");
	assert_string_equal(game.command[2], "com.valvesoftware.Steam");
	assert_string_equal(strbuf_text(&notes), "");
	dir_remove();
}

/* One broken file is noted with its line, and the others are read all the same. */
static void test_broken_files(void **state)
{
	_cleanup_strbuf_ struct strbuf notes = { 0 };
	const char *home = dir_new();
	char text[PATH_MAX + 128], zeros[64] = "";
	struct steam_game game;
	struct err err = { 0 };

	(void)state;
	/* the list is cut off in its second library; the first is one of zeros, as after a crash */
	snprintf(text, sizeof(text),
		 "\"libraryfolders\"\n{\n\"0\"\n{\n\"path\" \"%s/one\"\n}\n\"1\"\n{\n\"path\" "
		 "\"%s/two\"\n\"la",
		 home, home);
	put_in(home, ".local/share/Steam/steamapps/libraryfolders.vdf", text);
	put_in(home, "one/steamapps/x", "");
	snprintf(text, sizeof(text), "%s/one/steamapps/appmanifest_70.acf", home);
	if (file_write(text, zeros, sizeof(zeros), &err) < 0)
		fail_msg("%s", err.text);
	put_in(home, "two/SteamApps/appmanifest_70.acf",
	       "\xef\xbb\xbf"
	       "AppState { name \"Half\" }");
	if (steam_find(home, 70, &game, &notes, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(game.name, "Half");
	assert_non_null(
		strstr(strbuf_text(&notes), "libraryfolders.vdf': line 10: a string without"));
	assert_non_null(
		strstr(strbuf_text(&notes), "one/steamapps/appmanifest_70.acf': line 1: a zero"));
	strbuf_truncate(&notes, 0);
	/* a manifest that ends early, and one without a name: the game is there */
	put_in(home, "two/SteamApps/appmanifest_73.acf", "AppState\n{ name");
	assert_int_equal(steam_find(home, 73, &game, &notes, &err), 0);
	assert_string_equal(game.name, "Steam game 73");
	assert_non_null(
		strstr(strbuf_text(&notes), "appmanifest_73.acf': line 2: a value is missing"));
	assert_non_null(strstr(strbuf_text(&notes), "appmanifest_73.acf': the game has no name"));
	put_in(home, "two/SteamApps/appmanifest_74.acf", "AppState { name \"\" }");
	assert_int_equal(steam_find(home, 74, &game, &notes, &err), 0);
	assert_string_equal(game.name, "Steam game 74");
	/* a name that is not UTF-8, or of several lines, or too long: cut at a character */
	put_in(home, "two/SteamApps/appmanifest_75.acf", "AppState { name \"M\xfcnchen\\nx\" }");
	assert_int_equal(steam_find(home, 75, &game, &notes, &err), 0);
	assert_string_equal(game.name, "M?nchen?x");
	strcpy(text, "AppState { name \"x");
	for (int i = 0; i < STEAM_NAME_MAX; i++)
		strcat(text, "\xc3\xbc");
	strcat(text, "\" }");
	put_in(home, "two/SteamApps/appmanifest_76.acf", text);
	assert_int_equal(steam_find(home, 76, &game, &notes, &err), 0);
	assert_int_equal(strlen(game.name), 2 * ((STEAM_NAME_MAX - 2) / 2) + 1);
	assert_int_equal(text_char(game.name + strlen(game.name) - 2), 2);
	/* nothing at all */
	assert_int_equal(steam_find(home, 77, &game, &notes, &err), -ENOENT);
	dir_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),         cmocka_unit_test(test_wrong_text),
		cmocka_unit_test(test_mutations),    cmocka_unit_test(test_games),
		cmocka_unit_test(test_broken_files),
	};

	return RUN_TESTS(tests);
}
