/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of events: what it keeps, for whom, and after which burst one entry stands for many. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/answers.h"
#include "daemon/history.h"
#include "daemon/journal.h"
#include "unit.h"

static char path[] = "/tmp/via-history-XXXXXX";
static struct history h;
static struct log_entry last;
static size_t added;

static void sink(const struct log_entry *e, void *arg)
{
	(void)arg;
	last = *e;
	added++;
}

static void reopen(void)
{
	struct err err = { 0 };

	history_close(&h);
	assert_int_equal(history_open(&h, path, sink, NULL, &err), 0);
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	close(fd);
	unlink(path);
	added = 0;
	memset(&h, 0, sizeof(h));
	h.fd = -1;
	reopen();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	history_close(&h);
	unlink(path);
	return 0;
}

static struct log_entry entry(enum event event, uint32_t uid, uint32_t id)
{
	static uint64_t now = 1000;
	struct log_entry e = { .time_us = now++,
			       .event = event,
			       .id = id,
			       .uid = uid,
			       .person = uid,
			       .rx_bytes = LOG_BYTES_UNKNOWN,
			       .tx_bytes = LOG_BYTES_UNKNOWN,
			       .by = LOG_UID_NONE,
			       .count = 1 };

	snprintf(e.session, sizeof(e.session), "s%u", id);
	strcpy(e.uplink, "wlp6s0");
	strcpy(e.uplinks, "wlp6s0");
	return e;
}

/* How many a user is given; the last one into *ret_last. */
static size_t exported(uid_t uid, uint64_t after, struct log_entry *ret_last)
{
	struct err err = { 0 };
	_cleanup_close_ int fd = history_export(&h, uid, uid, after, &err);
	struct log_entry e = { 0 }, before = { 0 };
	size_t n = 0;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, &e, 1), -1); /* sealed */
	for (off_t at = 0; pread(fd, &e, sizeof(e), at) == sizeof(e); at += (off_t)sizeof(e), n++) {
		assert_true(log_entry_valid(&e));
		assert_true(e.seq > before.seq);
		before = e;
	}
	if (ret_last)
		*ret_last = before;
	return n;
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* Whatever descriptors somebody keeps: no more than that many answers take memory. */
static void test_answers_are_bounded(void **state)
{
	struct answers a = { .most = ANSWERS_MAX };
	struct err err = { 0 };
	int kept[20], full = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		kept[i] = history_export(&h, 1000, 1000, 0, &err);
		assert_true(size_of(kept[i]) > 0);
		assert_int_equal(answers_add(&a, kept[i], 1000, (int64_t)i, &err), 0);
		for (size_t j = 0; j < i; j++)
			full += size_of(kept[j]) > 0;
		assert_true(full < ANSWERS_PER_PERSON);
		full = 0;
	}
	/* another person's do not go before their time */
	close(kept[0]);
	kept[0] = history_export(&h, 1001, 1001, 0, &err);
	assert_int_equal(answers_add(&a, kept[0], 1001, 1000, &err), 0);
	for (size_t i = 1; i < ARRAY_SIZE(kept); i++)
		assert_int_equal(answers_add(&a, kept[i], 1000, 1000, &err), 0);
	assert_true(size_of(kept[0]) > 0);
	answers_expire(&a, 1000 + ANSWERS_MS - 1);
	assert_true(size_of(kept[0]) > 0);
	assert_int_equal(answers_due(&a), 1000 + ANSWERS_MS);
	answers_expire(&a, 1000 + ANSWERS_MS);
	assert_int_equal(a.n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		assert_int_equal(size_of(kept[i]), 0);
		close(kept[i]);
	}
}

static void add(enum event event, uint32_t uid, uint32_t id, int64_t now)
{
	struct log_entry e = entry(event, uid, id);

	history_add(&h, &e, now);
}

static void test_own(void **state)
{
	struct log_entry e;

	(void)state;
	add(EVENT_STARTED, 1000, 1, 0);
	add(EVENT_STARTED, 1001, 2, 0);
	add(EVENT_HEALED, 0, 0, 0);
	add(EVENT_STARTED, 0, 3, 0);
	assert_int_equal(exported(1000, 0, NULL), 2);
	assert_int_equal(exported(1001, 0, &e), 2);
	assert_int_equal(exported(0, 0, NULL), 4);
	assert_int_equal(exported(1001, e.seq, NULL), 0);
}

static void test_kept(void **state)
{
	struct stat st;

	(void)state;
	add(EVENT_STARTED, 1000, 1, 0);
	add(EVENT_BLOCKED, 1000, 1, 0);
	reopen();
	assert_int_equal(exported(1000, 0, NULL), 2);
	add(EVENT_ENDED, 1000, 1, 0);
	reopen();
	assert_int_equal(exported(1000, 0, NULL), 3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Nobody's events displace those of others, however many there are. */
static void test_bounds(void **state)
{
	struct stat st;

	(void)state;
	add(EVENT_STARTED, 1000, 1, 0);
	for (uint32_t i = 0; i < 3 * HISTORY_MAX; i++)
		add(EVENT_STARTED, 1001, i + 2, 0);
	assert_int_equal(exported(1000, 0, NULL), 1);
	assert_int_equal(exported(1001, 0, NULL), HISTORY_PER_PERSON_MAX);
	for (uint32_t uid = 2000; uid < 2000 + 2 * HISTORY_PERSONS_MAX; uid++)
		for (uint32_t i = 0; i < HISTORY_PER_PERSON_MAX; i++)
			add(EVENT_STARTED, uid, i + 1, 0);
	assert_true(h.total <= HISTORY_MAX);
	assert_int_equal(h.n, HISTORY_PERSONS_MAX);
	assert_int_equal(exported(0, 0, NULL), h.total);
	assert_int_equal(stat(path, &st), 0);
	assert_true((size_t)st.st_size <= (2 * HISTORY_MAX + 1) * sizeof(struct log_entry));
	reopen();
	assert_true(exported(0, 0, NULL) > HISTORY_MAX / 2);
}

static void test_storm(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		add(i % 2 ? EVENT_UNBLOCKED : EVENT_BLOCKED, 1000, 1, i);
	assert_int_equal(added, HISTORY_BURST);
	add(EVENT_BLOCKED, 1000, 2, 100); /* another session's come at once */
	assert_int_equal(added, HISTORY_BURST + 1);
	history_flush(&h, 101);
	assert_int_equal(added, HISTORY_BURST + 1);
	assert_int_equal(h.due, HISTORY_BURST + HISTORY_HOLD_MS);
	history_flush(&h, h.due);
	assert_int_equal(added, HISTORY_BURST + 2);
	assert_int_equal(last.count, 90);
	assert_int_equal(last.event, EVENT_UNBLOCKED); /* the last one: how it is now */
	assert_int_equal(h.due, INT64_MAX);
	add(EVENT_BLOCKED, 1000, 1, 200);
	add(EVENT_ENDED, 1000, 1, 201); /* what was held back comes before it */
	assert_int_equal(last.event, EVENT_ENDED);
	assert_int_equal(added, HISTORY_BURST + 4);
	add(EVENT_BLOCKED, 1000, 1, 202); /* another session of that number */
	assert_int_equal(added, HISTORY_BURST + 5);
}

/* A file that was cut or overwritten: what is an entry is kept, and nothing else. */
static void test_broken_file(void **state)
{
	struct log_entry bad = entry(EVENT_STARTED, 1000, 9);
	struct err err = { 0 };
	int fd;

	(void)state;
	add(EVENT_STARTED, 1000, 1, 0);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	bad.seq = UINT64_MAX;
	memset(bad.reason, 'x', sizeof(bad.reason));
	assert_int_equal(write(fd, &bad, sizeof(bad)), sizeof(bad));
	assert_int_equal(write(fd, "torn", 4), 4);
	close(fd);
	reopen();
	assert_int_equal(exported(1000, 0, NULL), 1);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	bad = entry(EVENT_STARTED, 1000, 9);
	bad.seq = UINT64_MAX; /* the number after it would be 0 */
	assert_int_equal(write(fd, &bad, sizeof(bad)), sizeof(bad));
	close(fd);
	reopen();
	add(EVENT_STARTED, 1000, 2, 0);
	add(EVENT_STARTED, 1000, 3, 0);
	reopen();
	assert_int_equal(exported(1000, 0, NULL), 3);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "no log", 6), 6);
	close(fd);
	history_close(&h);
	assert_true(history_open(&h, path, sink, NULL, &err) < 0);
	assert_non_null(strstr(err.text, "started anew"));
	add(EVENT_STARTED, 1000, 1, 0);
	reopen();
	assert_int_equal(exported(1000, 0, NULL), 1);
}

static void test_text(void **state)
{
	static const struct {
		enum event event;
		const char *text;
	} cases[] = {
		{ EVENT_STARTED, "session 's7' (7): started for uid 1000 through wlp6s0: why" },
		{ EVENT_BLOCKED, "session 's7' (7): blocked on wlp6s0: why" },
		{ EVENT_FAILOVER, "session 's7' (7): failover from enp7s0 to wlp6s0: why" },
		{ EVENT_RETURNED, "session 's7' (7): returned from enp7s0 to wlp6s0: why" },
		{ EVENT_MOVED, "session 's7' (7): moved from enp7s0 to wlp6s0: why" },
		{ EVENT_RESUMED, "session 's7' (7): resumed, goes through wlp6s0: why" },
		{ EVENT_REFUSED, "session 's7' (7): refused uid 1000: why" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_strbuf_ struct strbuf sb = { 0 };
		struct log_entry e = entry(cases[i].event, 1000, 7);

		strcpy(e.reason, "why");
		if (e.event != EVENT_STARTED && e.event != EVENT_BLOCKED)
			strcpy(e.from, "enp7s0");
		log_entry_text(&e, &sb);
		assert_string_equal(strbuf_text(&sb), cases[i].text);
	}
}

static void test_journal(void **state)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	struct log_entry e = entry(EVENT_ENDED, 1000, 7);

	(void)state;
	e.rx_bytes = 5;
	e.since = 1;
	e.time_us = 61000000;
	e.by = 0;
	journal_fields(&e, &sb);
	assert_non_null(strstr(strbuf_text(&sb), "MESSAGE=session 's7' (7): ended after 60 s, "
						 "received 5B, by uid 0\nMESSAGE_ID="));
	assert_non_null(strstr(strbuf_text(&sb), "\nVIA_IFACE_EVENT=ended\n"));
	assert_non_null(
		strstr(strbuf_text(&sb), "\nVIA_IFACE_DURATION=60\nVIA_IFACE_RX_BYTES=5\n"));
	assert_null(strstr(strbuf_text(&sb), "TX_BYTES"));
	assert_null(strstr(strbuf_text(&sb), "VIA_IFACE_FROM"));
}

static void test_text_is_cut(void **state)
{
	char cut[8];

	(void)state;
	log_text(cut, sizeof(cut), "a\nb");
	assert_string_equal(cut, "a?b");
	log_text(cut, sizeof(cut), "123456\xc3\xa9");
	assert_string_equal(cut, "123456?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_storm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_file, set_up, tear_down),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_text_is_cut),
	};

	return RUN_TESTS(tests);
}
