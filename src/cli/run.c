/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the command line to the launch, or to the program that has the verb. */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/cli.h"

/*
 * Whether a list names an interface that is here, as far as one call can tell. The kernel finds
 * altnames by SIOCGIFINDEX too, but for those longer than its structure. What a kind or an SSID
 * means takes more than that.
 */
static bool is_here(const struct uplink_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *word = uplink_list_word(list, i);

		if (!uplink_list_condition(list, i) &&
		    (strlen(word) >= IFNAMSIZ || if_nametoindex(word)))
			return true;
	}
	return false;
}

/* "wlp6s0 doctor": a verb in the program's place, where there is no such program. */
static int check_order(const struct launch_options *o, struct err *err)
{
	const char *word = o->program ? o->program[0] : "";
	enum verb_id verb = verb_find(word);
	_cleanup_strbuf_ struct strbuf uplinks = { 0 };

	if (verb == VERB_COUNT || launch_find_program(word, NULL) == 0)
		return 0;
	err_set(err, EINVAL, "read '%s': the verb stands first", word);
	if (verb_get(verb)->words[0] == WORD_UPLINKS)
		return err_hint(err, "say `via-iface %s %s`", word,
				o->uplinks ? strbuf_word(&uplinks, o->uplinks) : "UPLINK");
	return err_hint(err, "`via-iface help %s` explains it", word);
}

int cli_run(int argc, char *argv[], const struct cli_helpers *helpers)
{
	struct launch_target target = { .netns = -1 };
	struct launch_options options;
	struct handover_user user;
	int status;
	struct err err = { 0 };
	int r = cli_parse_run(argc, argv, VERB_RUN, &options, &err);
	bool unclear = options.uplinks && options.uplinks[0] &&
		       (r < 0 || !is_here(&options.request.uplinks));

	if (r < 0 && !unclear)
		return program_fail(&err);
	if (!unclear && !argv[0][0] && check_order(&options, &err) < 0)
		return program_fail(&err);
	if (r == 0 && options.dry_run) {
		argv[0] = (char *)"plan"; /* which takes the options of a run */
		return cli_verb(argc, argv);
	}
	if (!helpers && (unclear || options.user || options.wait))
		return cli_verb(argc, argv);
	/* with --join the session may be there without its uplink */
	if (unclear && helpers && (r < 0 || !options.join)) {
		r = helpers->explain(argc, argv, &options);
		if (r >= 0)
			return r;
	}
	if (err.code)
		return program_fail(&err);
	if (options.user) {
		if (helpers->find_user(options.user, &user, &err) < 0)
			return program_fail(&err);
		target.user = &user;
	}
	options.wait_for = helpers ? helpers->wait : NULL;
	status = launch(&options, &target);
	free(options.made);
	free(options.made_bytes);
	return status;
}

/* hint: what to do where that program is not installed; NULL: it always is. */
static int become(const char *program, char *argv[], int argc, const char *hint)
{
	char path[PATH_MAX];
	struct err err = { 0 };

	if (program_find(program, path, &err) == 0) {
		program_become(path, argv, argc, &err);
	} else if (hint) {
		err_set(&err, ENOENT, "start '%s': it is not installed", program);
		err_hint(&err, "%s", hint);
	}
	return program_fail(&err);
}

int cli_verb(int argc, char *argv[])
{
	return become("via-iface-verbs", argv, argc, NULL);
}

int cli_desktop(int argc, char *argv[])
{
	return become("via-iface-desktop", argv + 1, argc - 1,
		      "install the package via-iface-tray, which has it");
}

int cli_capture(int argc, char *argv[])
{
	return become("via-iface-capture", argv + 1, argc - 1,
		      "this via-iface was built without libpcap");
}
