/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface top: how fast sessions are and with whom they speak, once a second: on a terminal in
 * place, else block by block or line by line. Each picture is drawn into memory first, so that a
 * terminal gets it with one write(2).
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/util.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "verbs/samples.h"
#include "verbs/screen.h"
#include "verbs/table.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define INTERVAL_MS 1000

struct top {
	bool json, in_place;
	uint32_t left; /* samples to print; 0: without end */
	struct facts facts;
	struct samples samples;
	struct screen screen;
	int64_t next; /* clock_ms() */
};

/* --- a picture ----------------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{ "SESSION", .least = 20 },         { "UPLINK", .least = 6, .drop = 3 },
	{ "USER", .least = 6, .drop = 4 },  { "CONNS", .right = true, .drop = 2 },
	{ "RX/s", .right = true },          { "TX/s", .right = true },
	{ "RX", .right = true, .drop = 1 }, { "TX", .right = true, .drop = 1 },
};

static void add_bytes(struct table *t, bool known, uint64_t bytes)
{
	char buf[24];

	table_add(t, "%s", known ? human_bytes(bytes, buf) : "-");
}

static size_t connections_of(const struct sample *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->to.n; i++)
		n += s->to.v[i].connections;
	return n;
}

static void add_session(struct table *t, const struct session *s, const struct rate *rate,
			const struct sample *sample)
{
	const bool known = rate && rate->known;
	char user[33];

	view_user(s->uid, user);
	table_add(t, "%s", s->name);
	table_add(t, "%s", s->slot ? s->uplink : "-");
	table_add(t, "%s", user);
	if (sample && sample->at)
		table_add(t, "%zu", connections_of(sample));
	else
		table_add(t, "-");
	add_bytes(t, known, known ? rate->rx : 0);
	add_bytes(t, known, known ? rate->tx : 0);
	add_bytes(t, rate != NULL, rate ? rate->rx_bytes : 0);
	add_bytes(t, rate != NULL, rate ? rate->tx_bytes : 0);
}

static void add_line(struct table *t, const char *text)
{
	table_add(t, "  %s", text);
	for (size_t i = 1; i < ARRAY_SIZE(columns); i++)
		table_add(t, "%s", "");
}

/* Those that are busy now; the others stand in the number of connections. */
static void add_destinations(struct table *t, const struct sample *s)
{
	char name[DESTINATION_TEXT_MAX];

	if (!s->at)
		add_line(t, s->why.text);
	else if (!s->to.counted)
		add_line(t, "the kernel counts no bytes of its connections");
	for (size_t i = 0; i < s->to.n; i++) {
		const struct destination *d = &s->to.v[i];

		if (!d->rx && !d->tx)
			continue;
		table_add(t, "  %s", destination_format(d, name));
		table_add(t, "%s", "");
		table_add(t, "%s", "");
		table_add(t, "%zu", d->connections);
		add_bytes(t, true, d->rx);
		add_bytes(t, true, d->tx);
		add_bytes(t, true, d->rx_bytes);
		add_bytes(t, true, d->tx_bytes);
	}
}

static uint64_t speed(const struct rate *r)
{
	return r && r->known ? r->rx + r->tx : 0;
}

struct row {
	const struct session *session;
	const struct rate *rate;
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const uint64_t fast = speed(x->rate), faster = speed(y->rate);

	if (fast != faster)
		return fast < faster ? 1 : -1;
	return (x->session->id > y->session->id) - (x->session->id < y->session->id);
}

/* The sessions that are shown, the busiest first; the caller's to free. */
static struct row *rows_of(const struct top *t, size_t *ret_n)
{
	struct row *rows = calloc(t->facts.sessions.n + 1, sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; rows && i < t->facts.sessions.n; i++) {
		const struct session *s = &t->facts.sessions.v[i];

		if (samples_show(s))
			rows[n++] = (struct row){ s, rates_of(&t->samples.rates, s) };
	}
	if (rows)
		qsort(rows, n, sizeof(*rows), compare_rows);
	*ret_n = n;
	return rows;
}

static void print_head(const struct row *rows, size_t n, FILE *out)
{
	const time_t now = time(NULL);
	char at[16] = "", rx[24], tx[24];
	uint64_t sum_rx = 0, sum_tx = 0;
	struct tm tm;

	for (size_t i = 0; i < n; i++)
		if (rows[i].rate && rows[i].rate->known) {
			sum_rx += rows[i].rate->rx;
			sum_tx += rows[i].rate->tx;
		}
	if (localtime_r(&now, &tm))
		strftime(at, sizeof(at), "%T", &tm);
	text_print(out, "%s  %zu session%s  RX %s/s  TX %s/s\n", at, n, n == 1 ? "" : "s",
		   human_bytes(sum_rx, rx), human_bytes(sum_tx, tx));
}

static int print_table(const struct top *t, const struct row *rows, size_t n, FILE *out)
{
	const struct terminal terminal = { .width = terminal_width() };
	struct table table = { .of = columns, .columns = ARRAY_SIZE(columns) };

	print_head(rows, n, out);
	for (size_t i = 0; i < n; i++) {
		const struct sample *sample = samples_of(&t->samples, rows[i].session);

		add_session(&table, rows[i].session, rows[i].rate, sample);
		if (sample)
			add_destinations(&table, sample);
	}
	if (n)
		return table_print(&table, &terminal, out);
	fprintf(out, "no session%s runs\n", geteuid() ? " of yours" : "");
	return 0;
}

static int draw_text(const struct top *t, const struct row *rows, size_t n, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r = out ? print_table(t, rows, n, out) : -ENOMEM;

	if (out && fclose(out) != 0)
		r = -ENOMEM;
	if (r < 0)
		return err_errno(err, ENOMEM, "print the sessions");
	if (t->in_place)
		terminal_draw(text);
	else
		printf("%s\n", text);
	return 0;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void add_number(struct json_object *o, const char *key, bool known, uint64_t n)
{
	json_object_object_add(o, key, known ? json_object_new_int64((int64_t)n) : NULL);
}

static struct json_object *json_destination(const struct destination *d, bool rated)
{
	struct json_object *o = json_object_new_object();
	char buf[IP_TEXT_MAX], protocol[8];

	json_object_object_add(o, "address", json_object_new_string(ip_format(&d->address, buf)));
	json_object_object_add(o, "port", json_object_new_int(d->port));
	json_object_object_add(o, "proto",
			       json_object_new_string(protocol_name(d->protocol, protocol)));
	json_object_object_add(o, "inbound", json_object_new_boolean(d->inbound));
	add_number(o, "connections", true, d->connections);
	add_number(o, "rx_rate", rated, d->rx);
	add_number(o, "tx_rate", rated, d->tx);
	add_number(o, "rx_bytes", true, d->rx_bytes);
	add_number(o, "tx_bytes", true, d->tx_bytes);
	return o;
}

static struct json_object *json_destinations(const struct sample *s)
{
	struct json_object *array = NULL; /* null */

	if (!s || !s->at)
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; i < s->to.n; i++)
		json_object_array_add(array, json_destination(&s->to.v[i], s->rated));
	return array;
}

static struct json_object *json_row(const struct top *t, const struct row *row)
{
	const struct sample *sample = samples_of(&t->samples, row->session);
	const struct session *s = row->session;
	const struct rate *rate = row->rate;
	const bool known = rate && rate->known;
	struct json_object *o = json_object_new_object();
	char user[33];

	view_user(s->uid, user);
	json_object_object_add(o, "name", json_object_new_string(s->name));
	json_object_object_add(o, "id", json_object_new_int64(s->id));
	json_object_object_add(o, "uplink", json_object_new_string(s->uplink));
	json_object_object_add(o, "uid", json_object_new_int64(s->uid));
	json_object_object_add(o, "user", json_object_new_string(user));
	add_number(o, "rx_rate", known, known ? rate->rx : 0);
	add_number(o, "tx_rate", known, known ? rate->tx : 0);
	add_number(o, "rx_bytes", rate, rate ? rate->rx_bytes : 0);
	add_number(o, "tx_bytes", rate, rate ? rate->tx_bytes : 0);
	json_object_object_add(o, "counted",
			       json_object_new_boolean(sample && sample->at && sample->to.counted));
	json_object_object_add(o, "destinations", json_destinations(sample));
	return o;
}

static void draw_json(const struct top *t, const struct row *rows, size_t n)
{
	struct json_object *o = json_object_new_object(), *array = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_row(t, &rows[i]));
	json_add_time(o);
	json_object_object_add(o, "sessions", array);
	json_show_line(o);
}

static int draw(const struct top *t, struct err *err)
{
	size_t n = 0;
	_cleanup_free_ struct row *rows = rows_of(t, &n);
	int r = 0;

	if (!rows)
		return err_errno(err, ENOMEM, "print the sessions");
	if (t->json)
		draw_json(t, rows, n);
	else
		r = draw_text(t, rows, n, err);
	fflush(stdout);
	return r;
}

/* --- the loop ------------------------------------------------------------------------------ */

static int sample(struct top *t, struct err *err)
{
	int r;

	facts_done(&t->facts);
	t->facts = (struct facts){ 0 };
	r = observe_host(OBSERVE_COUNTERS | OBSERVE_STATES, &t->facts, err);
	return r < 0 ? r : samples_take(&t->samples, &t->facts, clock_ns(), err);
}

/* Returns 1 after the last one that was asked for. */
static int tick(struct top *t, struct err *err)
{
	const int64_t now = clock_ms();
	int r;

	t->next = now - t->next < INTERVAL_MS ? t->next + INTERVAL_MS : now + INTERVAL_MS;
	r = sample(t, err);
	if (r == 0)
		r = draw(t, err);
	return r == 0 && t->left && --t->left == 0 ? 1 : r;
}

static int take_event(struct top *t, bool keys, struct err *err)
{
	switch (screen_take(&t->screen, keys)) {
	case SCREEN_NOTHING:
		break;
	case SCREEN_DRAW:
		return draw(t, err);
	case SCREEN_END:
		return 1;
	}
	return 0;
}

/* Returns 1 when it is to end: somebody says so, or nobody reads any more. */
static int turn(struct top *t, struct err *err)
{
	struct pollfd fds[] = { { .fd = STDOUT_FILENO }, /* its reader may leave */
				{ .fd = -1, .events = POLLIN },
				{ .fd = -1, .events = POLLIN } };
	const int64_t left = t->next - clock_ms();
	int r = 0;

	if (t->in_place)
		fds[1].fd = screen_signals(&t->screen, &fds[2].fd);
	if (poll(fds, ARRAY_SIZE(fds), left < 0 ? 0 : (int)left) < 0)
		return errno == EINTR ? 0 : err_errno(err, errno, "wait for the next second");
	if (fds[0].revents & (POLLERR | POLLHUP) || ferror(stdout))
		return 1;
	if (fds[1].revents)
		r = take_event(t, false, err);
	if (r == 0 && fds[2].revents)
		r = take_event(t, true, err);
	return r == 0 && t->next <= clock_ms() ? tick(t, err) : r;
}

/* Rates take two samples: without a terminal the first one that is printed is the second. */
static int serve(struct top *t, struct err *err)
{
	int r = t->in_place ? screen_open(&t->screen, err) : 0;

	t->next = clock_ms() + INTERVAL_MS;
	if (r == 0)
		r = sample(t, err);
	if (r == 0 && t->in_place)
		r = draw(t, err);
	while (r == 0)
		r = turn(t, err);
	screen_close(&t->screen);
	samples_done(&t->samples);
	facts_done(&t->facts);
	return r < 0 ? r : 0;
}

int verb_top(int argc, char *argv[])
{
	struct top t = { .screen.signals = -1 };
	struct err err = { 0 };
	struct words w;
	int r = words_read(VERB_TOP, argc, argv, 0, &w, &err);

	if (r == 0 && w.count && parse_u32(w.count, 1, UINT32_MAX, &t.left) < 0)
		r = err_set(&err, EINVAL, "invalid --count '%s': it is a number of samples",
			    w.count);
	if (r == 0) {
		t.json = w.json;
		t.left = w.once ? 1 : t.left;
		t.in_place = terminal_can_move() && !t.json && !t.left;
		r = serve(&t, &err);
	}
	return r < 0 ? program_fail(&err) : 0;
}
