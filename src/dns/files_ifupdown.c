/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is configured, not leased: of an interface that ifupdown brought up, the stanza that it
 * used, and those from which that one inherits.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "dns/files.h"

#define DIR_ETC     "/etc/network"
#define FILES_MAX   64 /* that are read: interfaces, and what it leads to */
#define STANZAS_MAX 8  /* of a chain of inheritance */

struct texts {
	struct file v[FILES_MAX];
	size_t n;
};

static void texts_done(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		files_done(&t->v[i]);
}
#define _cleanup_texts_ __attribute__((cleanup(texts_done)))

static void add_text(const struct dns *n, const char *path, struct texts *t)
{
	char *less;

	if (t->n == FILES_MAX)
		return;
	if (files_read(n, path, "", READ_THROUGH, &t->v[t->n]) < 0) {
		files_done(&t->v[t->n]);
		return;
	}
	less = realloc(t->v[t->n].bytes, t->v[t->n].len + 1);
	if (less)
		t->v[t->n].bytes = less;
	t->n++;
}

/* source-directory takes such names alone (interfaces(5)). */
static bool is_plain(const char *name, const void *arg)
{
	(void)arg;
	return !name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

static void add_directory(const struct dns *n, const char *path, struct texts *t)
{
	struct entries entries;
	char full[PATH_MAX];

	files_list(n, path, is_plain, NULL, &entries);
	for (size_t i = 0; i < entries.n; i++)
		if (snprintf(full, sizeof(full), "%s/%s", path, entries.v[i]) < (int)sizeof(full))
			add_text(n, full, t);
}

/*
 * The files of a line `source` or `source-directory`, below /etc/network alone, which is what the
 * daemon may read.
 */
static void add_source(const struct dns *n, const struct dns_source *s, struct texts *t)
{
	bool absolute = s->pattern[0] == '/';
	char pattern[PATH_MAX];
	glob_t found;
	int len;

	if ((absolute && strncmp(s->pattern, DIR_ETC "/", sizeof(DIR_ETC)) != 0) ||
	    strstr(s->pattern, ".."))
		return;
	len = snprintf(pattern, sizeof(pattern), "%s%s%s", n->root, absolute ? "" : DIR_ETC "/",
		       s->pattern);
	if (len >= (int)sizeof(pattern) || glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && t->n < FILES_MAX; i++) {
		const char *path = found.gl_pathv[i] + strlen(n->root);

		if (s->directory)
			add_directory(n, path, t);
		else
			add_text(n, path, t);
	}
	globfree(&found);
}

/* interfaces, and all that it leads to, whatever that leads to. */
static void read_all(const struct dns *n, struct texts *t)
{
	struct dns_source sources[DNS_SOURCES_MAX];

	add_text(n, DIR_ETC "/interfaces", t);
	for (size_t i = 0; i < t->n; i++) {
		size_t many = dns_parse_sources(t->v[i].bytes, t->v[i].len, sources);

		for (size_t k = 0; k < many; k++)
			add_source(n, &sources[k], t);
	}
}

struct chain {
	char v[STANZAS_MAX][DNS_LOGICAL_MAX];
	size_t n;
};

static void add_stanza(struct chain *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i], name))
			return;
	if (c->n < STANZAS_MAX)
		copy_string(c->v[c->n++], DNS_LOGICAL_MAX, name);
}

/* A stanza's own servers and domains go before those that it inherits. */
static void take_stanza(const struct dns_stanza *s, struct fact_dns *ret)
{
	struct fact_dns more = s->dns;

	if (ret->n)
		more.n = 0;
	if (ret->domains[0])
		more.domains[0] = 0;
	files_add_all(ret, &more);
}

static bool read_state(const struct dns *n, const char *ifname, char ret[DNS_LOGICAL_MAX])
{
	/* Debian's; BusyBox's and ifupdown-ng's */
	static const char *const dirs[] = { "/run/network", "/run" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_file_ struct file file = { 0 };

		if (files_read(n, dirs[i], "ifstate", READ_TEXT, &file) == 0 &&
		    dns_parse_ifstate(file.bytes, file.len, ifname, ret))
			return true;
	}
	return false;
}

int files_ifupdown(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret)
{
	struct fact_dns found = { .index = link->index };
	_cleanup_texts_ struct texts texts = { 0 };
	char logical[DNS_LOGICAL_MAX];
	struct chain chain = { 0 };

	(void)f;
	(void)now;
	if (!read_state(n, link->name, logical))
		return -ENOENT;
	read_all(n, &texts);
	add_stanza(&chain, logical);
	for (size_t i = 0; i < chain.n; i++) {
		struct dns_stanza stanza = { 0 };

		for (size_t k = 0; k < texts.n; k++)
			dns_parse_interfaces(texts.v[k].bytes, texts.v[k].len, chain.v[i], &stanza);
		take_stanza(&stanza, &found);
		for (size_t k = 0; k < stanza.n; k++)
			add_stanza(&chain, stanza.parents[k]);
	}
	if (!dns_found(&found))
		return -ENOENT;
	copy_string(found.source, sizeof(found.source), "ifupdown");
	*ret = found;
	return 0;
}
