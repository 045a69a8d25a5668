/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of connection tracking, one message behind the other. */
#include "net/conntrack.h"

#include <sys/socket.h>

#include "fuzz.h"

static void decode(const struct nlmsghdr *nlh)
{
	struct conntrack_entry e;
	struct nl_msg m;
	struct flow f;

	if (conntrack_decode(nlh, &e) > 0) {
		must(e.from.family == e.to.family);
		must(e.from.family == AF_INET || e.from.family == AF_INET6);
	}
	if (conntrack_decode_flow(nlh, &f) > 0)
		must(f.from.family && f.from.family == f.to.family && (f.counted || !f.sent));
	/* never a deletion that names no entry: it would be one of all */
	if (conntrack_encode_delete(&m, nlh) == 0)
		must(mnl_nlmsg_get_payload_len(&m.nlh) > 4 + sizeof(struct nlattr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *bytes = fuzz_copy(data, size);
	const struct nlmsghdr *nlh = bytes;
	int left = (int)size;

	for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		decode(nlh);
	free(bytes);
	return 0;
}
