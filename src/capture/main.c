/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-capture [-w FILE|-] [-c N] SESSION [FILTER…]
 *
 * What via-iface becomes for `capture`. No privilege: the daemon hands over a packet socket of the
 * session's netns, where it finds that the session is the caller's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/parse.h"
#include "base/util.h"
#include "capture/capture.h"
#include "capture/filter.h"
#include "capture/pcapng.h"
#include "config.h"
#include "launch/daemon.h"
#include "launch/netns.h"
#include "launch/program.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

struct line {
	struct words words;
	uint32_t most;
	struct strbuf filter; /* "": none */
};

static int read_line(int argc, char *argv[], struct line *ret, struct err *err)
{
	if (words_read(VERB_CAPTURE, argc, argv, INT_MAX, &ret->words, err) < 0)
		return -EINVAL;
	if (ret->words.n < 1)
		return words_usage(VERB_CAPTURE, err);
	if (ret->words.count && parse_u32(ret->words.count, 1, UINT32_MAX, &ret->most) < 0)
		return err_set(err, EINVAL, "invalid --count '%s': it is a number of packets",
			       ret->words.count);
	for (int i = 1; i < ret->words.n; i++)
		strbuf_add(&ret->filter, "%s%s", i > 1 ? " " : "", ret->words.v[i]);
	return strbuf_failed(&ret->filter) ? err_errno(err, ENOMEM, "read the filter") : 0;
}

/* A packet socket of the session's netns, from the daemon. */
static int ask_socket(const struct session *s, struct err *err)
{
	_cleanup_close_ int netns = netns_open_of(s);
	union msg_request request;
	struct msg_reply reply;
	int fd = -1, r;

	if (netns < 0)
		return err_set(err, ESRCH,
			       "capture packets of session '%s': no program is left in it that you "
			       "may see; it is closing",
			       s->name);
	msg_request_init(&request, MSG_CAPTURE);
	request.session.id = s->id;
	r = daemon_ask_netns(&request, netns, &reply, &fd, err);
	if (r < 0)
		return r;
	return fd < 0 ? err_set(err, EPROTO, "capture packets: via-ifaced sent no socket") : fd;
}

/* What a reader of the file sees instead of the session's addresses. */
static void add_names(struct strbuf *bytes, const struct session_view *v)
{
	struct pcapng_name names[2] = { { .name = v->session->name },
					{ .ipv6 = true, .name = v->session->name } };
	size_t n = 0;

	if (inet_pton(AF_INET, v->address, names[0].address) == 1)
		n++;
	if (inet_pton(AF_INET6, v->address6, names[1].address) == 1) {
		if (n == 0)
			names[0] = names[1];
		n++;
	}
	pcapng_add_names(bytes, names, n);
}

static void begin_file(struct strbuf *bytes, const struct facts *f, const struct session *s,
		       const char *filter)
{
	struct processes none = { 0 };
	struct session_view view;
	char description[160];

	view_session(f, s, &none, false, &view);
	snprintf(description, sizeof(description), "session '%s' (%u)%s%s", s->name, s->id,
		 s->uplink[0] ? " by " : ", blocked", s->uplink);
	pcapng_begin(bytes, "via-iface " VIA_VERSION,
		     &(struct pcapng_interface){ .name = session_device(s),
						 .description = description,
						 .filter = *filter ? filter : NULL,
						 .snaplen = FILTER_SNAPLEN });
	add_names(bytes, &view);
}

static int prepare(struct capture *c, const struct line *l, const struct facts *f,
		   const struct session *s, struct err *err)
{
	const char *filter = strbuf_text(&l->filter);
	const bool stays = s->flags & SESSION_KEEP;
	_cleanup_close_ int fd = ask_socket(s, err);
	int r = fd;

	if (r >= 0 && *filter)
		r = filter_attach(fd, filter, err);
	if (r >= 0)
		r = ring_open(&c->ring, steal_fd(&fd), session_device(s), err);
	if (r >= 0)
		r = programs_open(&c->programs, stays ? 0 : s->netns, err);
	if (r >= 0)
		r = output_open(&c->output, l->words.write, err);
	if (r >= 0)
		begin_file(&c->output.bytes, f, s, filter);
	return r;
}

static int run(const struct line *l, struct err *err)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct capture c = { .ring.fd = -1, .output.fd = -1, .most = l->most };
	const struct session *s = NULL;
	int r = observe_host(0, &f, err);

	if (r == 0)
		s = find_session(&f, l->words.v[0], err);
	if (!s || check_owner(s, "capture packets of", err) < 0)
		return -1;
	r = prepare(&c, l, &f, s, err);
	if (r >= 0 && !l->words.quiet)
		fprintf(stderr, "via-iface: capturing packets of session '%s'; Ctrl-C ends it\n",
			s->name);
	if (r >= 0)
		r = capture_serve(&c, err);
	ring_close(&c.ring);
	programs_close(&c.programs);
	output_close(&c.output);
	if (r >= 0 && !l->words.quiet)
		fprintf(stderr, "via-iface: %llu packets captured, %llu dropped by the kernel\n",
			(unsigned long long)c.received, (unsigned long long)c.ring.dropped);
	return r;
}

int main(int argc, char *argv[])
{
	struct line line = { 0 };
	struct err err = { 0 };
	int r = standard_files(&err);

	if (r == 0)
		r = read_line(argc, argv, &line, &err);
	if (r == 0)
		r = run(&line, &err);
	strbuf_done(&line.filter);
	return r < 0 ? program_fail(&err) : program_finish(0);
}
