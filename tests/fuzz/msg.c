/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message from the other side of the socket: the daemon's view, and enter's. */
#include "ipc/msg.h"
#include "fuzz.h"

static void request(const uint8_t *data, size_t size)
{
	struct msg_request *m = fuzz_copy(data, size);
	struct err err = { 0 };

	if (msg_request_check(m, size) == 0) {
		must(size == sizeof(*m));
		if (request_check(&m->request, &err) == 0) {
			must(err.code == 0);
			must(strnlen(m->request.uplinks, sizeof(m->request.uplinks)) <
			     sizeof(m->request.uplinks));
			must(strnlen(m->request.name, sizeof(m->request.name)) <
			     sizeof(m->request.name));
			must(m->request.n_dns <= SESSION_DNS_MAX);
		} else {
			must(err.code != 0 && err.text[0]);
		}
		if (request_check_attach(&m->request, NULL) == 0)
			must(!strpbrk(m->request.device, "/ %\n") &&
			     strlen(m->request.device) < sizeof(m->request.device));
	}
	free(m);
}

static void reply(const uint8_t *data, size_t size)
{
	struct msg_reply *m = fuzz_copy(data, size);

	if (msg_reply_check(m, size) == 0) {
		must(size == sizeof(*m));
		must(strnlen(m->text, sizeof(m->text)) < sizeof(m->text));
		must(strnlen(m->name, sizeof(m->name)) < sizeof(m->name));
		must(m->names.n <= SESSION_DNS_MAX);
		must(strnlen(m->names.domains, sizeof(m->names.domains)) <
		     sizeof(m->names.domains));
	}
	free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	request(data, size);
	reply(data, size);
	return 0;
}
