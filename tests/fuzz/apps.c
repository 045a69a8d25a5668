/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The app policy: two files, with a zero byte between; what is found of them, for each program. */
#include <stdio.h>

#include "fuzz.h"
#include "launch/app_policy.h"

static void look_up(const struct apps *all, const struct app *of)
{
	char *line[] = { (char *)of->match, (char *)of->outside.when, (char *)of->outside.unless,
			 NULL };
	const struct app *outside = apps_find_outside(all, line);
	char **words = NULL, *bytes = NULL;
	struct app found;
	struct err err = { 0 };
	char program[APP_WORDS_MAX];
	int n, r;

	must(strlen(of->section) > 0 && of->where.line > 0);
	must(!outside || outside->outside.how != APP_OUTSIDE_NO);
	must(strcspn(of->match, "/") == strlen(of->match));
	snprintf(program, sizeof(program), "%.*s", (int)strcspn(of->match, " "), of->match);
	r = apps_find(all, program, &found, &err);
	must(program[0]
		     ? r == 1 || (r < 0 && err.text[0]) || (r == 0 && of->set >= 1u << APP_OUTSIDE)
		     : r == 0);
	if (r != 1)
		return;
	if (found.set & 1u << APP_UPLINK)
		must(uplink_list_check(&found.uplinks, &err) == 0);
	else
		uplink_list_add(&found.uplinks, "wlp6s0");
	must(found.n_dns <= SESSION_DNS_MAX);
	/* a launch has an uplink: the app policy's, or its own */
	n = app_separate_arguments(found.separate_instance, "/home/me", &found.uplinks, &words,
				   &bytes);
	must(n >= 0 && n <= APP_SEPARATE_MAX && !words[n]);
	for (int i = 0; i < n; i++)
		must(words[i][0]);
	free(words);
	free(bytes);
}

/* A text with a mistake has one for who asks for all, too. */
static void all_mistakes(const char *text, size_t len)
{
	struct conf_mistakes mistakes = { 0 };
	struct apps all = { 0 };

	must(apps_parse_all(text, len, "one", &all, &mistakes) < 0);
	must(mistakes.n && mistakes.n <= CONF_MISTAKES_MAX);
	for (size_t i = 0; i < mistakes.n; i++)
		must(!strncmp(mistakes.v[i].text, "one:", 4));
	conf_mistakes_done(&mistakes);
	apps_done(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t first = zero ? (size_t)(zero - data) : size;
	size_t second = zero ? size - first - 1 : 0;
	char *one = fuzz_copy(data, first), *two = fuzz_copy(data + size - second, second);
	struct apps all = { 0 };
	struct err err = { 0 };

	if (apps_parse(one, first, "one", &all, &err) < 0) {
		must(err.code && !strncmp(err.text, "one:", 4));
		all_mistakes(one, first);
	} else if (apps_parse(two, second, "two", &all, &err) < 0)
		must(err.code && !strncmp(err.text, "two:", 4));
	else
		for (size_t i = 0; i < all.n; i++)
			look_up(&all, &all.v[i]);
	apps_done(&all);
	free(one);
	free(two);
	return 0;
}
