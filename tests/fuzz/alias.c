/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The alias of a port, which anybody with CAP_NET_ADMIN can write. */
#include "fuzz.h"
#include "model/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), again[ALIAS_MAX], list[UPLINK_LIST_TEXT_MAX];
	struct session s, same;
	struct uplink_list read;

	if (session_parse(text, &s) == 0) {
		must(strlen(s.name) <= SESSION_NAME_BYTES);
		must(s.n_dns <= SESSION_DNS_MAX);
		must(s.host >= SESSION_HOST_FIRST && s.host <= SESSION_HOST_LAST);
		must(s.uplinks.n > 0 && s.uplinks.n <= UPLINK_WORDS_MAX);
		must(uplink_list_read(uplink_list_format(&s.uplinks, list), &read) == 0);
		must(uplink_list_equal(&read, &s.uplinks));
		/* what is written back says the same */
		if (session_format(&s, again, NULL) == 0) {
			must(session_parse(again, &same) == 0);
			must(same.id == s.id && same.uid == s.uid && same.slot == s.slot);
			must(same.netns == s.netns && same.host == s.host);
			must(same.since == s.since && same.flags == s.flags && same.mtu == s.mtu);
			must(uplink_list_equal(&same.uplinks, &s.uplinks));
			must(!strcmp(same.name, s.name));
			must(same.n_dns == s.n_dns);
			must(!memcmp(same.dns, s.dns, s.n_dns * sizeof(s.dns[0])));
		}
	}
	free(text);
	return 0;
}
