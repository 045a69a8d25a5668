/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a uid is, by /etc/subuid and the user database. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/persons.h"
#include "unit.h"

struct files {
	char dir[64], path[96];
	struct persons p;
};

static void write_subuid(struct files *f, const char *text)
{
	static int n;
	char other[112];
	FILE *file;

	snprintf(other, sizeof(other), "%s.%d", f->path, n++);
	file = fopen(other, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(rename(other, f->path), 0); /* as usermod(8) does */
	persons_refresh(&f->p);
}

static int set_up(void **state)
{
	struct files *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/via-persons-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/subuid", f->dir);
	persons_open(&f->p, f->path);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct files *f = *state;

	persons_done(&f->p);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void test_no_file(void **state)
{
	struct files *f = *state;

	assert_int_equal(person_of(&f->p, 0), 0);
	assert_int_equal(person_of(&f->p, 1000), 1000);
	assert_int_equal(person_of(&f->p, 61184), 61184); /* DynamicUser= */
	assert_int_equal(person_of(&f->p, 65534), 65534);
	/* no user of ours, and of some container: all of them together are one */
	assert_int_equal(person_of(&f->p, 65536), PERSON_UNKNOWN);
	assert_int_equal(person_of(&f->p, 1879048191), PERSON_UNKNOWN);
}

static void test_ranges(void **state)
{
	struct files *f = *state;

	write_subuid(f, "1000:100000:65536\n"
			"root:1000000:65536\n"
			"nobody-of-that-name:2000000:10\n"
			"1001:3000:5\n");
	assert_int_equal(person_of(&f->p, 1000), 1000);
	assert_int_equal(person_of(&f->p, 99999), PERSON_UNKNOWN);
	assert_int_equal(person_of(&f->p, 100000), 1000);
	assert_int_equal(person_of(&f->p, 165535), 1000);
	assert_int_equal(person_of(&f->p, 165536), PERSON_UNKNOWN);
	/* root's containers are not root: one person, by the first uid of the range */
	assert_int_equal(person_of(&f->p, 1000000), 1000000);
	assert_int_equal(person_of(&f->p, 1065535), 1000000);
	assert_int_equal(person_of(&f->p, 2000009), 2000000);
	assert_int_equal(person_of(&f->p, 3000), 1001);
	assert_int_equal(person_of(&f->p, 3004), 1001);
	assert_int_equal(person_of(&f->p, 3005), 3005);
}

/* newuidmap(1) passes over lines that it cannot read, and so do we. */
static void test_odd_lines(void **state)
{
	struct files *f = *state;

	write_subuid(f, "\n"
			"# 1009:100000:65536\n"
			"1002:100000\n"
			"1003:x:65536\n"
			"1004:100000:\n"
			"1005:100000:0\n"
			"1006:4294967295:1\n"
			"1007:4294967290:100\n"
			":100000:5\n"
			"1008:100000:65536:9\n"
			"1000:100000:65536"); /* and no end of line */
	assert_int_equal(person_of(&f->p, 100000), 1000);
	assert_int_equal(person_of(&f->p, 4294967290U), 1007); /* as far as uids go */
	assert_int_equal(person_of(&f->p, 4294967294U), 1007);
}

static void test_chains(void **state)
{
	struct files *f = *state;

	/* who is in a range may own one, in a file that root wrote so; and there may be a circle */
	write_subuid(f, "1000:100000:10\n"
			"100001:200000:10\n"
			"300001:400000:10\n"
			"400001:300000:10\n");
	assert_int_equal(person_of(&f->p, 200005), 1000);
	assert_in_range(person_of(&f->p, 300001), 0, UINT32_MAX);
}

static void test_changes(void **state)
{
	struct files *f = *state;

	write_subuid(f, "1000:100000:10\n");
	assert_int_equal(person_of(&f->p, 100001), 1000);
	write_subuid(f, "1001:100000:10\n");
	assert_int_equal(person_of(&f->p, 100001), 1001);
	unlink(f->path);
	persons_refresh(&f->p);
	assert_int_equal(person_of(&f->p, 100001), PERSON_UNKNOWN);
}

static void test_reserve(void **state)
{
	(void)state;
	/* of 256, 224 are for everybody; 24 more for who has none; the last 8 for root */
	assert_true(person_may_have(1000, 15, 223, 256));
	assert_false(person_may_have(1000, 15, 224, 256));
	assert_true(person_may_have(1000, 0, 247, 256));
	assert_false(person_may_have(1000, 0, 248, 256));
	assert_true(person_may_have(0, 15, 255, 256));
	assert_false(person_may_have(0, 0, 256, 256));
	/* where there are few, none is kept */
	assert_true(person_may_have(1000, 1, 2, 3));
	assert_false(person_may_have(0, 0, 3, 3));
	assert_false(person_may_have(0, 0, 0, 0));
}

static void test_spent(void **state)
{
	struct spent s = { 0 };

	(void)state;
	assert_int_equal(spent_of(&s, 1000, 5000), 0);
	spent_add(&s, 1000, 8000000, 5000);
	assert_int_equal(spent_of(&s, 1000, 5000), 8000000);
	assert_int_equal(spent_of(&s, 1000, 10000), 4000000);
	assert_int_equal(spent_of(&s, 1000, 15000), 0);
	assert_int_equal(spent_of(&s, 1001, 5000), 0);
	spent_add(&s, 1000, 1000000, 10000);
	assert_int_equal(spent_of(&s, 1000, 10000), 5000000);
	/* a crowd does not make one forget who took most */
	for (uid_t person = 2000; person < 2200; person++)
		spent_add(&s, person, 1000, 10001);
	assert_in_range(spent_of(&s, 1000, 10001), 4900000, 5000000);
	/* many small ones are forgotten, too */
	for (int64_t ms = 30000; ms < 50000; ms++)
		spent_add(&s, 1001, 10000, ms);
	assert_in_range(spent_of(&s, 1001, 50000), 50000000, 100000000);
	assert_int_equal(spent_of(&s, 1001, 60001), 0);
}

static void test_very_long(void **state)
{
	struct files *f = *state;
	char *text = calloc(1, 2 << 20), *at = text;

	assert_non_null(text);
	for (unsigned int i = 0; i < 60000; i++)
		at += sprintf(at, "%u:%u:10\n", 10000 + i % 50000, 1000000 + i * 10);
	write_subuid(f, text);
	free(text);
	assert_int_equal(person_of(&f->p, 1000009), 10000);
	assert_int_equal(person_of(&f->p, 1000000 + 59999 * 10), 19999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ranges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_odd_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_chains, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_spent),
		cmocka_unit_test_setup_teardown(test_very_long, set_up, tear_down),
	};

	return RUN_TESTS(tests);
}
