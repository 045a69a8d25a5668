/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Desktop entries: what is made of one is read back, and starts the same words. */
#include "fuzz.h"
#include "verbs/desktop_exec.h"
#include "verbs/desktop_make.h"
#include "verbs/desktop_tidy.h"

static void same_words(const char *before, const char *after)
{
	static const char *const words[] = { "via-iface", "run", "--strict", "ssid:My Net", "--" };
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

static void check(const struct entry *before, const struct entry *e)
{
	struct strbuf once = { 0 }, twice = { 0 };
	struct entry back = { 0 };
	struct err err = { 0 };

	must(desktop_kind_of(e) == DESKTOP_ENTRY);
	must(!entry_is_true(e, ENTRY_MAIN, "DBusActivatable"));
	same_words(entry_get(before, ENTRY_MAIN, "Exec"), entry_get(e, ENTRY_MAIN, "Exec"));
	entry_print(e, &once);
	must(entry_parse(once.text, once.len, &back, &err) == 0);
	must(entry_tidy(&back) == 0);
	entry_print(&back, &twice);
	must(once.len == twice.len && !memcmp(once.text, twice.text, once.len));
	entry_done(&back);
	strbuf_done(&once);
	strbuf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desktop_wish wish = { .source = "/x y's.desktop", .uplinks = "ssid:My Net" };
	char *text = fuzz_copy(data, size);
	struct entry before = { 0 }, e = { 0 };
	struct err err = { 0 };

	if (entry_parse(text, size, &before, &err) < 0) {
		must(err.code && err.text[0]);
	} else {
		must(entry_parse(text, size, &e, &err) == 0);
		if (desktop_make(&e, &wish, &err) == 0)
			check(&before, &e);
		else
			must(err.code && err.text[0]);
		entry_done(&e);
		wish.kind = DESKTOP_ACTION;
		must(entry_parse(text, size, &e, &err) == 0);
		if (desktop_make(&e, &wish, &err) == 0)
			must(desktop_unmake_action(&e, wish.uplinks) >= 0);
	}
	entry_done(&before);
	entry_done(&e);
	free(text);
	return 0;
}
