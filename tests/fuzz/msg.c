/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message from the other side of the socket: the daemon's view, and enter's. */
#include "ipc/msg.h"
#include "fuzz.h"

/* One that was taken is what its own text says. */
static void check_list(const struct uplink_list *l)
{
	char text[UPLINK_LIST_TEXT_MAX];
	struct uplink_list again;

	must(uplink_list_parse(uplink_list_format(l, text), &again, NULL) == 0);
	must(uplink_list_equal(&again, l));
}

static void check_host_ports(const struct host_ports *p)
{
	struct host_ports again = { 0 };
	char text[HOST_PORTS_TEXT_MAX];

	if (!host_ports_count(p))
		return;
	must(!host_ports_add(host_ports_format(p, ",", text), &again));
	must(host_ports_equal(&again, p));
}

static void check_published(const struct publish_list *list)
{
	struct publish_list again = { 0 };
	char text[PUBLISH_LIST_TEXT_MAX];

	if (!publish_count(list))
		return;
	must(!publish_add(publish_list_format(list, ",", text), &again));
	must(publish_equal(&again, list));
	publish_write_alias(list, text);
	must(publish_read_alias(text, &again) == 0 && publish_equal(&again, list));
}

static void check_run(const struct request *r)
{
	struct err err = { 0 };

	if (request_check(r, &err) == 0) {
		must(err.code == 0);
		check_list(&r->uplinks);
		must(strnlen(r->name, sizeof(r->name)) < sizeof(r->name));
		must(r->n_dns <= SESSION_DNS_MAX);
		must(!r->share[0] || session_share_valid(r->share));
		check_host_ports(&r->host_ports);
		must(rate_limits_valid(&r->rates));
		check_published(&r->published);
	} else {
		must(err.code != 0 && err.text[0]);
	}
}

static void request(const uint8_t *data, size_t size)
{
	union msg_request *m = fuzz_copy(data, size);
	struct err err = { 0 };

	if (msg_request_check(m, size) < 0) {
		free(m);
		return;
	}
	must(size == msg_request_size(m->header.op));
	switch (m->header.op) {
	case MSG_RUN:
	case MSG_RUN_IN:
		check_run(&m->run.request);
		break;
	case MSG_ATTACH:
		if (request_check_attach(&m->attach.request, NULL) == 0)
			must(!strpbrk(m->attach.request.device, "/ %\n"));
		break;
	case MSG_MOVE:
		if (uplink_list_check(&m->move.uplinks, &err) == 0)
			check_list(&m->move.uplinks);
		else
			must(err.code != 0 && err.text[0]);
		break;
	case MSG_PROBE:
		if (msg_probe_check(&m->probe, NULL) == 0)
			must(m->probe.failed <= 1 && strnlen(m->probe.uplink, IFNAMSIZ) < IFNAMSIZ);
		break;
	}
	free(m);
}

static void reply(const uint8_t *data, size_t size)
{
	struct msg_reply *m = fuzz_copy(data, size);

	if (msg_reply_check(m, size) == 0) {
		must(size == sizeof(*m));
		must(strnlen(m->text, sizeof(m->text)) < sizeof(m->text));
		must(strnlen(m->share, sizeof(m->share)) < sizeof(m->share));
		must(!strchr(m->share, '/') && m->share[0] != '.');
		must(strnlen(m->name, sizeof(m->name)) < sizeof(m->name));
		must(m->dns.n <= SESSION_DNS_MAX);
		must(strnlen(m->dns.domains, sizeof(m->dns.domains)) < sizeof(m->dns.domains));
	}
	free(m);
}

/* An entry of the log: of the daemon's file as well. */
static void logged(const uint8_t *data, size_t size)
{
	struct msg_logged *m = fuzz_copy(data, size);

	if (msg_logged_check(m, size) == 0) {
		_cleanup_strbuf_ struct strbuf line = { 0 };

		log_entry_text(&m->entry, &line);
		must(!strchr(strbuf_text(&line), '\n'));
	}
	free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	request(data, size);
	reply(data, size);
	logged(data, size);
	return 0;
}
