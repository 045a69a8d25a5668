/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fds.h"
#include "mutate.h"
#include "unit.h"
#include "verbs/files.h"
#include "verbs/steam.h"

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
		if (strcmp(err.text, cases[i].error) != 0)
			fail_msg("%s: it says '%s'", cases[i].text, err.text);
	}
	assert_int_equal(vdf_parse("a \0", 3, &v, &err), -EINVAL);
	assert_int_equal(vdf_parse("a \"\0\"", 5, &v, &err), -EINVAL);
	for (size_t i = 0; i <= VDF_DEPTH_MAX; i++)
		strcat(deep, "a{");
	assert_int_equal(vdf_parse(deep, strlen(deep), &v, &err), -EINVAL);
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
	const char *home = dir_new();
	struct steam_game game;
	struct err err = { 0 };
	char text[PATH_MAX + 128];

	(void)state;
	assert_int_equal(steam_find(home, 70, &game, &err), -ENOENT);
	assert_non_null(strstr(err.text, "find the Steam game 70: no library in '"));
	put_in(home, ".local/share/Steam/steamapps/appmanifest_70.acf",
	       "\"AppState\"\n{\n\t\"appid\"\t\"70\"\n\t\"name\"\t\"Half-Life: \\\"1\\\"\"\n}\n");
	if (steam_find(home, 70, &game, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(game.name, "Half-Life: \"1\"");
	assert_string_equal(game.command[0], "steam");
	assert_null(game.command[1]);
	/* in another library, which an old file tells of, and one that is not there */
	put_in(home, "library/steamapps/appmanifest_71.acf", "AppState { name Opposing }");
	snprintf(text, sizeof(text), "LibraryFolders { 1 \"/nowhere\" 2 \"%s/library\" }", home);
	put_in(home, ".local/share/Steam/steamapps/libraryfolders.vdf", text);
	if (steam_find(home, 71, &game, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(game.name, "Opposing");
	/* of Flatpak's Steam, which a new file tells of */
	put_in(home, "library2/steamapps/appmanifest_72.acf", "AppState { name Blue }");
	snprintf(text, sizeof(text), "libraryfolders { 0 { path \"%s/library2\" } }", home);
	put_in(home,
	       ".var/app/com.valvesoftware.Steam/.local/share/Steam/config/libraryfolders.vdf",
	       text);
	if (steam_find(home, 72, &game, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(game.command[0], "flatpak");
	assert_string_equal(game.command[2], "com.valvesoftware.Steam");
	/* what is broken is said, with its line */
	put_in(home, "library/steamapps/appmanifest_73.acf", "AppState\n{ name");
	assert_int_equal(steam_find(home, 73, &game, &err), -EINVAL);
	assert_non_null(strstr(err.text, "appmanifest_73.acf': line 2: a value is missing"));
	put_in(home, "library/steamapps/appmanifest_74.acf", "AppState { appid 74 }");
	assert_int_equal(steam_find(home, 74, &game, &err), -EINVAL);
	assert_non_null(strstr(err.text, "the game has no name"));
	dir_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_wrong_text),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_games),
	};

	return RUN_TESTS(tests);
}
