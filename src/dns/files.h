/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DNS_FILES_H
#define VIA_DNS_FILES_H

/* Between files.c, which opens and lists files, and the readers of those of one program each. */

#include <limits.h>

#include "dns/internal.h"

#define FILES_ENTRIES_MAX 64 /* files of one directory that are read */

enum read_how {
	READ_TEXT,    /* the beginning, up to the last whole line */
	READ_TAIL,    /* the end, from the first whole line */
	READ_WHOLE,   /* nothing of a longer one */
	READ_THROUGH, /* as text, and a symbolic link is followed */
};

struct file {
	char *bytes;
	size_t len;
	int64_t written; /* seconds since the epoch */
};

void files_done(struct file *f);
#define _cleanup_file_ __attribute__((cleanup(files_done)))

/*
 * Reads a regular file, DNS_FILE_MAX bytes at most, and waits for nothing. name may be "". 0 or a
 * negative errno; *ret is to be given to files_done() in any case.
 */
int files_read(const struct dns *n, const char *dir, const char *name, enum read_how how,
	       struct file *ret);

struct entries {
	char v[FILES_ENTRIES_MAX][NAME_MAX + 1];
	size_t n;
};

/* The files in a directory that a function wants, in the order of their names. */
void files_list(const struct dns *n, const char *dir,
		bool (*wanted)(const char *name, const void *arg), const void *arg,
		struct entries *ret);
bool files_any(const char *name, const void *arg); /* wants them all */

/* False for a directory that is there and may not be read. */
bool files_may_list(const struct dns *n, const char *dir);

/* Whether it names something, has not run out, and is of an address on that link. */
bool files_lease_counts(const struct facts *f, const struct fact_link *link,
			const struct dns_lease *lease, int64_t now);
/* What stands in two leases, of either family, that count both or one; lease6 may be NULL. */
int files_from_leases(const struct facts *f, const struct fact_link *link, int64_t now,
		      const struct dns_lease *lease4, const struct dns_lease *lease6,
		      const char *source, struct fact_dns *ret);
/* Adds what is not there yet. */
void files_add_all(struct fact_dns *to, const struct fact_dns *from);

#endif
