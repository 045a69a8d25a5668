/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What processes and engines say of containers, and the state that a runtime hands to a hook. */
#include "fuzz.h"
#include "verbs/container_text.h"
#include "verbs/oci_state.h"

static void check(const struct container_id *c)
{
	must(c->engine > ENGINE_NONE && c->engine < ENGINE_COUNT);
	must(c->id[0] || c->name[0]);
	must(!c->id[0] || strlen(c->id) == CONTAINER_ID_LEN);
	must(!c->name[0] || container_word_valid(c->name));
	must(!c->group[0] || c->group[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), *bytes = fuzz_copy(data, size);
	char ports[CONTAINER_PORTS_MAX], title[CONTAINER_NAME_MAX];
	struct container_id c;
	struct oci_state s;
	struct err err = { 0 };
	uint32_t pid;

	if (container_of_cgroup(text, &c))
		check(&c);
	if (container_of_conmon(bytes, size, &c))
		check(&c);
	if (container_read_inspect(text, &c, &pid, ports)) {
		must(strlen(c.id) == CONTAINER_ID_LEN && container_word_valid(c.name));
		must(strlen(ports) < sizeof(ports) && pid <= INT32_MAX);
		must(container_is(&c, c.id) && container_is(&c, container_title(&c, title)));
	}
	if (oci_state_read(bytes, size, &s, &err) == 0) {
		must(s.pid > 0 && container_word_valid(s.id) && s.n_words >= 2);
		must(s.words[s.n_words - 1][0] != '-' && !s.words[s.n_words]);
		oci_state_done(&s);
	} else {
		must(err.code && err.text[0]);
	}
	free(bytes);
	free(text);
	return 0;
}
