/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Desktop entries: what is made of one is read back, and starts the same words. */
#include "desktop/copy.h"
#include "desktop/exec.h"
#include "desktop/make.h"
#include "fuzz.h"

static void same_words(const char *before, const char *after)
{
	static const char *const words[] = { "via-iface", "desktop", "start", "ssid:My Net", "--" };
	const size_t front = sizeof(words) / sizeof(words[0]);
	struct exec x = { 0 }, y = { 0 };
	char **a, **b, *a_bytes, *b_bytes;
	size_t n = 0;

	must(exec_parse(before, &x, NULL) == 0 && exec_parse(after, &y, NULL) == 0);
	must(exec_set_location(&x, "/x y's.desktop") == 0);
	must(exec_words(&x, &a, &a_bytes) == 0 && exec_words(&y, &b, &b_bytes) == 0);
	for (size_t i = 0; i < front; i++)
		must(!strcmp(b[i], words[i]));
	for (; a[n] && b[n + front]; n++)
		must(!strcmp(a[n], b[n + front]));
	must(!a[n] && !b[n + front]);
	free(a);
	free(b);
	free(a_bytes);
	free(b_bytes);
	exec_done(&x);
	exec_done(&y);
}

static void check(GKeyFile *before, GKeyFile *e)
{
	g_autofree char *from = entry_string(before, ENTRY_MAIN, "Exec");
	g_autofree char *to = entry_string(e, ENTRY_MAIN, "Exec");
	g_autofree char *once = NULL, *twice = NULL;
	g_autoptr(GKeyFile) back = NULL;
	g_autoptr(GKeyFile) copy = NULL;
	struct err err = { 0 };
	gsize len;

	must(desktop_kind_of(e) == DESKTOP_ENTRY);
	must(!entry_is_true(e, ENTRY_MAIN, "DBusActivatable"));
	same_words(from, to);
	once = g_key_file_to_data(e, &len, NULL);
	must(g_utf8_validate(once, (gssize)len, NULL));
	if (len > ENTRY_BYTES_MAX)
		return;
	back = entry_parse(once, len, &err);
	must(back != NULL);
	copy = entry_copy(back);
	twice = g_key_file_to_data(copy, NULL, NULL);
	must(!strcmp(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desktop_wish wish = { .source = "/x y's.desktop", .uplinks = "ssid:My Net" };
	g_autofree char *text = g_memdup2(data, size);
	g_autoptr(GKeyFile) original = NULL;
	g_autoptr(GKeyFile) e = NULL;
	g_autoptr(GKeyFile) action = NULL;
	struct err err = { 0 };
	bool gone;

	original = entry_parse(text ? text : "", size, &err);
	if (!original) {
		must(err.code && err.text[0]);
		return 0;
	}
	e = desktop_make(original, &wish, &err);
	if (e)
		check(original, e);
	else
		must(err.code && err.text[0]);
	wish.kind = DESKTOP_ACTION;
	action = desktop_make(original, &wish, &err);
	if (action) {
		desktop_unmake_action(action, wish.uplinks, &gone);
		must(gone);
	}
	return 0;
}
