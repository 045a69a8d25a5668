/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The access policy's text, and each question to what it made. */
#include "daemon/policy.h"
#include "fuzz.h"
#include "model/session.h"

static void decide(const struct access_policy *policy)
{
	const uint32_t groups[] = { 4, 27 };
	struct uplink_list list;

	must(uplink_list_parse("wlp6s0,enp7s0", &list, NULL) == 0);
	for (enum access_op op = 0; op < ACCESS_OP_COUNT; op++) {
		for (uint32_t uid = 0; uid < 2; uid++) {
			const struct access_subject subject = { .uid = uid,
								.gid = 4,
								.groups = groups,
								.n_groups = 2,
								.active = true };
			const struct access_question question = {
				.op = op, .uplinks = &list, .flags = SESSION_HOST_ACCESS, .owner = 1
			};
			struct err why = { 0 };
			enum access_answer answer =
				access_decide(policy, &subject, &question, &why);

			must(uid != 0 || answer == ACCESS_ALLOW);
			must(answer == ACCESS_ALLOW || why.text[0]);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_policy_ struct access_policy policy = { 0 };
	char *text = fuzz_copy(data, size);
	struct err err = { 0 };

	if (policy_parse(text, size, "access.conf", &policy, &err) == 0) {
		must(policy.n <= POLICY_RULES_MAX);
		decide(&policy);
	} else {
		must(err.code != 0 && !strncmp(err.text, "access.conf", 11));
	}
	free(text);
	return 0;
}
