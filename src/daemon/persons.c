/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/persons.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"

#define FIRST_OF_CONTAINERS 65536u /* below are users, and DynamicUser= of systemd.exec(5) */
#define KNOWN_MS            10000
#define SPENT_MS            10000
#define CHAIN_MAX           4 /* an owner may be in a range of somebody else's, and so on */

void persons_open(struct persons *p, const char *subuid)
{
	*p = (struct persons){ .subuid = subuid };
	persons_refresh(p);
}

static void forget_ranges(struct persons *p)
{
	for (size_t i = 0; i < p->ranges.n; i++)
		free(p->ranges.v[i].owner);
	p->ranges.n = 0;
}

void persons_done(struct persons *p)
{
	forget_ranges(p);
	VEC_DONE(&p->ranges);
	p->known.n = 0;
}

/* OWNER:FIRST:COUNT (subuid(5)). What is no such line is passed over, as newuidmap(1) does. */
static void read_line(struct persons *p, char *line)
{
	char *rest = line, *owner, *first, *count;
	struct uid_range range = { 0 }, *added;

	line[strcspn(line, "\n")] = 0;
	owner = strsep(&rest, ":");
	first = strsep(&rest, ":");
	count = strsep(&rest, ":");
	if (!count || rest || !*owner || *owner == '#' ||
	    parse_u32(first, 0, UINT32_MAX - 1, &range.first) < 0 ||
	    parse_u32(count, 1, UINT32_MAX, &range.n) < 0)
		return;
	range.owner = strdup(owner);
	added = range.owner ? VEC_PUSH(&p->ranges) : NULL;
	if (added)
		*added = range;
	else
		free(range.owner);
}

static void read_file(struct persons *p)
{
	FILE *file = fopen(p->subuid, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	forget_ranges(p);
	if (!file)
		return;
	while (getline(&line, &size, file) >= 0)
		read_line(p, line);
	fclose(file);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void persons_refresh(struct persons *p)
{
	int64_t now = clock_ms();
	struct stat st;

	if (stat(p->subuid, &st) < 0)
		memset(&st, 0, sizeof(st));
	if (!same_file(&st, &p->seen)) {
		read_file(p);
		p->seen = st;
		p->known.n = 0;
	}
	if (now - p->known_at > KNOWN_MS) {
		p->known.n = 0;
		p->known_at = now;
	}
}

static const struct uid_range *range_of(const struct persons *p, uid_t uid)
{
	for (size_t i = 0; i < p->ranges.n; i++)
		if (uid >= p->ranges.v[i].first && uid - p->ranges.v[i].first < p->ranges.v[i].n)
			return &p->ranges.v[i];
	return NULL;
}

/*
 * The user of that name, or with NULL of that uid, in /etc/passwd. The whole user database may be
 * asked over a network, or a daemon that does not answer (nsswitch.conf(5)), and this is the loop
 * that heals: so the file comes first. NULL: not there.
 */
static const struct passwd *local_user(const char *name, uid_t uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *pw = NULL;

	if (!file)
		return NULL;
	while ((pw = fgetpwent(file)))
		if (name ? !strcmp(pw->pw_name, name) : pw->pw_uid == uid)
			break;
	fclose(file);
	return pw;
}

/* Root's containers must not have what is kept for root. */
static uid_t owner_of(const struct uid_range *range)
{
	const struct passwd *pw;
	uint32_t uid = 0;

	if (parse_u32(range->owner, 0, UINT32_MAX - 1, &uid) < 0) {
		pw = local_user(range->owner, 0);
		if (!pw)
			pw = getpwnam(range->owner);
		uid = pw ? pw->pw_uid : 0;
	}
	return uid ? uid : range->first;
}

/* systemd, src/nsresourced/nsresourced-manager.c and userwork.c: "ns-NAMESPACE-UID". */
static bool is_user(uid_t uid)
{
	const struct passwd *pw = local_user(NULL, uid);

	if (!pw)
		pw = getpwuid(uid);
	return pw && strncmp(pw->pw_name, "ns-", 3) != 0;
}

static uid_t find_person(const struct persons *p, uid_t uid)
{
	const struct uid_range *range = range_of(p, uid);

	for (int i = 0; i < CHAIN_MAX && range; i++) {
		uid_t owner = owner_of(range);

		if (owner == uid || owner == range->first)
			return owner;
		uid = owner;
		range = range_of(p, uid);
	}
	return uid < FIRST_OF_CONTAINERS || is_user(uid) ? uid : PERSON_UNKNOWN;
}

bool person_may_have(uid_t person, size_t own, size_t taken, size_t all)
{
	size_t reserve = all / 8;

	if (person == 0)
		return taken < all;
	return taken < all - (own ? reserve : reserve / 4);
}

uid_t person_of(struct persons *p, uid_t uid)
{
	uid_t person;

	if (uid == 0)
		return 0;
	for (size_t i = 0; i < p->known.n; i++)
		if (p->known.v[i].uid == uid)
			return p->known.v[i].person;
	person = find_person(p, uid);
	if (p->known.n < ARRAY_SIZE(p->known.v))
		p->known.next = p->known.n++;
	else
		p->known.next = (p->known.next + 1) % ARRAY_SIZE(p->known.v);
	p->known.v[p->known.next].uid = uid;
	p->known.v[p->known.next].person = person;
	return person;
}

/* Of what was spent the same part is forgotten in each millisecond. */
static int64_t remembered(int64_t ns, int64_t ms)
{
	return ms >= SPENT_MS ? 0 : ns - ns / SPENT_MS * ms;
}

int64_t spent_of(const struct spent *s, uid_t person, int64_t now_ms)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].person == person)
			return remembered(s->v[i].ns, now_ms - s->v[i].at_ms);
	return 0;
}

/* The one who is remembered for least makes room for another. */
static size_t place_of(struct spent *s, uid_t person, int64_t now_ms)
{
	size_t least = 0;
	int64_t least_ns = INT64_MAX;

	for (size_t i = 0; i < s->n; i++) {
		int64_t ns = remembered(s->v[i].ns, now_ms - s->v[i].at_ms);

		if (s->v[i].person == person)
			return i;
		if (ns < least_ns) {
			least_ns = ns;
			least = i;
		}
	}
	if (s->n < ARRAY_SIZE(s->v))
		least = s->n++;
	s->v[least].person = person;
	s->v[least].ns = 0;
	s->v[least].at_ms = now_ms;
	return least;
}

void spent_add(struct spent *s, uid_t person, int64_t ns, int64_t now_ms)
{
	size_t i = place_of(s, person, now_ms);

	s->v[i].ns = remembered(s->v[i].ns, now_ms - s->v[i].at_ms) + ns;
	s->v[i].at_ms = now_ms;
}
