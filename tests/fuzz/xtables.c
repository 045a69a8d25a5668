/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of iptables-legacy: the family, where its chains begin and end, then its entries. */
#include "net/xtables.h"

#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xtables_stops stops = { 0 };
	struct xtables_hooks hooks;
	void *bytes;

	if (size < 1 + sizeof(hooks))
		return 0;
	memcpy(&hooks, data + 1, sizeof(hooks));
	size -= 1 + sizeof(hooks);
	bytes = fuzz_copy(data + 1 + sizeof(hooks), size);
	xtables_decode(data[0] & 1 ? AF_INET6 : AF_INET, "filter", &hooks, bytes, size, &stops);
	for (size_t i = 0; i < stops.n; i++) {
		const struct xtables_stop *s = &stops.v[i];

		must(strnlen(s->text, sizeof(s->text)) < sizeof(s->text));
		must(strnlen(s->chain, sizeof(s->chain)) < sizeof(s->chain));
	}
	xtables_done(&stops);
	free(bytes);
	return 0;
}
