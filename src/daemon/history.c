/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/parse.h"
#include "base/vec.h"

#define FIRST_SIZE  16
#define FILE_MAX    (2ul * HISTORY_MAX) /* entries; then it is written anew */
#define FILE_SUFFIX ".new"
#define SEQ_MAX     (UINT64_MAX / 2) /* of a file; so those after it do not begin anew */

static const char magic[] = LOG_FILE_MAGIC;

/* --- in memory ----------------------------------------------------------------------------- */

static struct log_entry *at(const struct history_person *p, size_t i)
{
	return &p->v[(p->first + i) % p->size];
}

static void drop_oldest(struct history *h, struct history_person *p)
{
	p->first = (p->first + 1) % p->size;
	p->n--;
	h->total--;
}

static void drop_person(struct history *h, struct history_person *p)
{
	h->total -= p->n;
	free(p->v);
	VEC_DONE(&p->limits);
	*p = h->persons[--h->n];
}

/* Makes room for another person: the one of whom nothing was heard for longest goes. */
static void make_room(struct history *h)
{
	struct history_person *oldest = &h->persons[0];

	for (size_t i = 0; i < h->n; i++) {
		struct history_person *p = &h->persons[i];
		uint64_t last = p->n ? at(p, p->n - 1)->seq : 0;

		if (last < (oldest->n ? at(oldest, oldest->n - 1)->seq : 0))
			oldest = p;
	}
	drop_person(h, oldest);
}

static struct history_person *person_in(struct history *h, uid_t person)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->persons[i].person == person)
			return &h->persons[i];
	if (h->n == HISTORY_PERSONS_MAX)
		make_room(h);
	h->persons[h->n] = (struct history_person){ .person = person };
	return &h->persons[h->n++];
}

static struct history_person *biggest(struct history *h)
{
	struct history_person *most = &h->persons[0];

	for (size_t i = 1; i < h->n; i++)
		if (h->persons[i].n > most->n)
			most = &h->persons[i];
	return most;
}

static int grow(struct history_person *p)
{
	size_t size = p->size ? p->size * 2 : FIRST_SIZE;
	struct log_entry *v = calloc(size, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		v[i] = *at(p, i);
	free(p->v);
	p->v = v;
	p->first = 0;
	p->size = size;
	return 0;
}

static int keep(struct history *h, const struct log_entry *e)
{
	struct history_person *p = person_in(h, e->person);

	if (p->n == HISTORY_PER_PERSON_MAX)
		drop_oldest(h, p);
	else if (h->total == HISTORY_MAX)
		drop_oldest(h, biggest(h));
	if (p->n == p->size && grow(p) < 0)
		return -ENOMEM;
	p->n++;
	h->total++;
	*at(p, p->n - 1) = *e;
	if (e->seq > h->seq)
		h->seq = e->seq;
	return 0;
}

static int compare_seq(const void *a, const void *b)
{
	const struct log_entry *x = *(const struct log_entry *const *)a;
	const struct log_entry *y = *(const struct log_entry *const *)b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/*
 * Pointers to the entries of a person and of root, or with uid 0 of all, in their order; the
 * caller's to free.
 */
static const struct log_entry **sorted(const struct history *h, uid_t uid, uid_t person,
				       uint64_t after, size_t *ret_n)
{
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are sorted */
	const struct log_entry **v = calloc(h->total + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; v && i < h->n; i++) {
		const struct history_person *p = &h->persons[i];

		if (uid != 0 && p->person != 0 && p->person != person)
			continue;
		for (size_t j = 0; j < p->n; j++)
			if (at(p, j)->seq > after && log_entry_visible(at(p, j), uid))
				v[n++] = at(p, j);
	}
	if (v && n)
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are sorted */
		qsort(v, n, sizeof(*v), compare_seq);
	*ret_n = n;
	return v;
}

/* --- files --------------------------------------------------------------------------------- */

static int write_entries(int fd, const struct log_entry *const *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = write_all(fd, v[i], sizeof(*v[i]));
	return r;
}

/* All that is kept goes into a new file, which takes the old one's place. */
static int write_anew(struct history *h)
{
	char path[sizeof(h->path) + sizeof(FILE_SUFFIX)];
	_cleanup_free_ const struct log_entry **v = NULL;
	_cleanup_close_ int fd = -1;
	size_t n = 0;
	int r;

	snprintf(path, sizeof(path), "%s" FILE_SUFFIX, h->path);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	v = sorted(h, 0, 0, 0, &n);
	r = v ? write_all(fd, magic, sizeof(magic)) : -ENOMEM;
	if (r == 0)
		r = write_entries(fd, v, n);
	if (r == 0 && rename(path, h->path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(path);
		return r;
	}
	close_fd(&h->fd);
	h->fd = steal_fd(&fd);
	h->in_file = n;
	return 0;
}

/* A file that cannot be written any more is given up: events are still kept in memory. */
static void append(struct history *h, const struct log_entry *e)
{
	if (h->fd < 0)
		return;
	if (write_all(h->fd, e, sizeof(*e)) < 0)
		close_fd(&h->fd);
	else if (++h->in_file >= FILE_MAX)
		write_anew(h);
}

/* What is not whole, or no entry, is left out. */
static int read_entries(struct history *h, FILE *file)
{
	char head[sizeof(magic)];
	struct log_entry e;

	if (fread(head, sizeof(head), 1, file) != 1 || memcmp(head, magic, sizeof(head)) != 0)
		return -EBADMSG;
	for (size_t i = 0; i < 2 * FILE_MAX && fread(&e, sizeof(e), 1, file) == 1; i++)
		if (log_entry_valid(&e) && e.seq > h->seq && e.seq <= SEQ_MAX && keep(h, &e) < 0)
			return -ENOMEM;
	return 0;
}

static int read_file(struct history *h)
{
	_cleanup_close_ int fd = open(h->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	FILE *file;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	file = fdopen(fd, "re");
	if (!file)
		return -errno;
	steal_fd(&fd);
	r = read_entries(h, file);
	fclose(file);
	return r;
}

int history_open(struct history *h, const char *path, history_sink *sink, void *arg,
		 struct err *err)
{
	int r, written;

	*h = (struct history){ .fd = -1, .due = INT64_MAX, .sink = sink, .arg = arg };
	r = copy_string(h->path, sizeof(h->path), path);
	if (r < 0)
		return err_errno(err, -r, "read the log of events '%s'", path);
	r = read_file(h);
	if (r < 0)
		err_errno(err, -r, "read the log of events '%s', which is started anew", path);
	written = write_anew(h);
	if (written < 0)
		return err_errno(err, -written, "write the log of events '%s'", path);
	return r;
}

void history_close(struct history *h)
{
	while (h->n)
		drop_person(h, &h->persons[h->n - 1]);
	close_fd(&h->fd);
}

int history_each(const struct history *h, history_sink *each, void *arg)
{
	size_t n = 0;
	_cleanup_free_ const struct log_entry **v = sorted(h, 0, 0, 0, &n);

	for (size_t i = 0; i < n && v; i++)
		each(v[i], arg);
	return v ? 0 : -ENOMEM;
}

/* The daemon shortens it (answers.h). */
static const int seals = F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE;

int history_export(const struct history *h, uid_t uid, uid_t person, uint64_t after,
		   struct err *err)
{
	_cleanup_close_ int fd = memfd_create("via-iface-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_free_ const struct log_entry **v = NULL;
	size_t n = 0;
	int r;

	if (fd < 0)
		return err_errno(err, errno, "make a file for the log");
	v = sorted(h, uid, person, after, &n);
	r = v ? write_entries(fd, v, n) : -ENOMEM;
	if (r == 0)
		r = write_all(fd, magic, sizeof(magic));
	if (r == 0 && fcntl(fd, F_ADD_SEALS, seals) < 0)
		r = -errno;
	return r < 0 ? err_errno(err, -r, "write the log") : steal_fd(&fd);
}

/* --- adding -------------------------------------------------------------------------------- */

static void commit(struct history *h, const struct log_entry *e)
{
	struct log_entry added = *e;

	added.seq = e->time_us > h->seq ? e->time_us : h->seq + 1;
	h->seq = added.seq;
	keep(h, &added);
	append(h, &added);
	if (h->sink)
		h->sink(&added, h->arg);
}

static void fill(struct history_limit *l, int64_t now)
{
	int64_t more = (now - l->filled_at) / HISTORY_HOLD_MS;

	if (more <= 0)
		return;
	l->tokens = more > HISTORY_BURST - l->tokens ? HISTORY_BURST : l->tokens + (int)more;
	l->filled_at += more * HISTORY_HOLD_MS;
}

/* That of a session; those of others that have nothing to tell any more go. */
static struct history_limit *limit_of(struct history_person *p, uint32_t id, int64_t now)
{
	struct history_limit *l;

	for (size_t i = p->limits.n; i-- > 0;) {
		l = &p->limits.v[i];
		fill(l, now);
		if (l->id != id && l->tokens == HISTORY_BURST && l->due == INT64_MAX)
			*l = p->limits.v[--p->limits.n];
	}
	for (size_t i = 0; i < p->limits.n; i++)
		if (p->limits.v[i].id == id)
			return &p->limits.v[i];
	l = VEC_PUSH(&p->limits);
	if (l)
		*l = (struct history_limit){
			.id = id, .tokens = HISTORY_BURST, .filled_at = now, .due = INT64_MAX
		};
	return l;
}

static void release(struct history *h, struct history_limit *l, int64_t now)
{
	struct log_entry e = l->held;

	l->due = INT64_MAX;
	l->tokens = 0;
	l->filled_at = now;
	commit(h, &e);
}

static void hold(struct history *h, struct history_limit *l, const struct log_entry *e, int64_t now)
{
	uint32_t count = l->due == INT64_MAX ? 0 : l->held.count;

	if (l->due == INT64_MAX)
		l->due = now + HISTORY_HOLD_MS;
	l->held = *e;
	l->held.count = count + 1;
	if (l->due < h->due)
		h->due = l->due;
}

/* Those that happen once in the life of a session are never held back. */
static bool once(uint32_t event)
{
	return event == EVENT_STARTED || event == EVENT_ATTACHED || event == EVENT_ENDED ||
	       event == EVENT_DETACHED;
}

void history_add(struct history *h, const struct log_entry *e, int64_t now)
{
	struct history_limit *l = limit_of(person_in(h, e->person), e->id, now);

	if (l && once(e->event)) {
		if (l->due != INT64_MAX)
			release(h, l, now);
		l->tokens = HISTORY_BURST; /* the id is another session's next time */
	} else if (l && (l->due != INT64_MAX || !l->tokens)) {
		hold(h, l, e, now);
		return;
	} else if (l) {
		l->tokens--;
	}
	commit(h, e);
}

void history_flush(struct history *h, int64_t now)
{
	h->due = INT64_MAX;
	for (size_t i = 0; i < h->n; i++) {
		struct history_person *p = &h->persons[i];

		for (size_t j = 0; j < p->limits.n; j++) {
			struct history_limit *l = &p->limits.v[j];

			if (l->due <= now && l->due != INT64_MAX)
				release(h, l, now);
			else if (l->due < h->due)
				h->due = l->due;
		}
	}
}
