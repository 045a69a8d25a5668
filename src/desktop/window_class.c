/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/window_class.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

/* An option that ends in '=' is one word with its value. */
static const struct {
	const char *program, *option;
} known[] = {
	{ "firefox", "--class" },
	{ "firefox-bin", "--class" },
	{ "firefox-esr", "--class" },
	{ "librewolf", "--class" },
	{ "thunderbird", "--class" },
	{ "chromium", "--class=" },
	{ "chromium-browser", "--class=" },
	{ "google-chrome", "--class=" },
	{ "google-chrome-stable", "--class=" },
	{ "brave-browser", "--class=" },
	{ "brave-browser-stable", "--class=" },
	{ "vivaldi", "--class=" },
	{ "vivaldi-stable", "--class=" },
	{ "microsoft-edge", "--class=" },
	{ "microsoft-edge-stable", "--class=" },
	{ "alacritty", "--class" },
	{ "foot", "--app-id" },
	{ "kitty", "--class" },
	{ "xterm", "-class" },
};

/* A class in the line, or one that follows from it: an app of Chromium's is another entry's. */
static bool has_class(char *const argv[])
{
	static const char *const options[] = { "--class", "-class", "--app", "--name" };

	for (char *const *word = argv + 1; *word; word++)
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			if (g_str_has_prefix(*word, options[i]))
				return true;
	return false;
}

size_t window_class_words(char *const argv[], const char *class, char *ret[WINDOW_CLASS_WORDS])
{
	g_autofree char *name = g_path_get_basename(argv[0]);

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].program, name) != 0 || has_class(argv))
			continue;
		if (g_str_has_suffix(known[i].option, "=")) {
			ret[0] = g_strconcat(known[i].option, class, NULL);
			return 1;
		}
		ret[0] = g_strdup(known[i].option);
		ret[1] = g_strdup(class);
		return 2;
	}
	return 0;
}
