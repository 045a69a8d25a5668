/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: words with a line end between them; and a text that a sandbox has. */
#include "cli/cli.h"
#include "fuzz.h"
#include "launch/binding.h"
#include "launch/sandboxes.h"
#include "launch/wrappers.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1] = { (char *)"run" }, *text, *rest;
	struct launch_options options;
	char *const *at = NULL;
	struct binding b;
	char app[FLATPAK_ID_MAX];
	struct err err = { 0 };
	int argc = 1, said;

	if (!size)
		return 0;
	text = rest = fuzz_string(data + 1, size - 1);
	said = flatpak_talks_to_host(text);
	must(said >= -1 && said <= 1);
	while (argc < WORDS_MAX && rest)
		argv[argc++] = strsep(&rest, "\n");
	argv[argc] = NULL;
	if (cli_parse_run(argc, argv, data[0] & 1 ? VERB_RUN : VERB_PLAN, &options, &err) < 0) {
		must(err.code != 0 && err.text[0]);
	} else {
		/* without an uplink, which the app policy is to name, it is checked later */
		must(!options.request.uplinks.n || request_check(&options.request, &err) == 0);
		must(!(data[0] & 1) || (options.program && options.program[0]));
		if (options.program) {
			must(options.program >= argv && options.program <= argv + argc);
			for (size_t i = 0; binding_next(options.program, &i, &b);)
				must(b.option_len > 1 && b.value[0] != 0);
			must(!flatpak_app(options.program, app) || !strchr(app, '/'));
			(void)snap_name(options.program, options.program[0]);
			at = wrapper_behind(options.program);
			must(!at ||
			     (at > (char *const *)options.program && at < argv + argc && *at));
		}
	}
	argv[0] = (char *)"attach"; /* getopt(3) has put the words in another order, or not */
	err = (struct err){ 0 };
	if (cli_parse_attach(argc, argv, &options, &err) < 0) {
		must(err.code != 0 && err.text[0]);
	} else {
		must(!options.pid != !options.netns);
		must(!options.netns || !strchr(options.netns, '/'));
	}
	free(text);
	return 0;
}
