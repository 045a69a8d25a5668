/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/nss.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* A stretch of the text; nothing in it is terminated. */
struct span {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(struct span *s)
{
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
}

static bool starts(const struct span *s, char c)
{
	return s->at < s->end && *s->at == c;
}

/* Takes up to the first byte of `stops` or a blank. */
static struct span take_word(struct span *s, const char *stops)
{
	struct span word = { s->at, s->at };

	while (s->at < s->end && !is_blank(*s->at) && !strchr(stops, *s->at))
		s->at++;
	word.end = s->at;
	return word;
}

static bool is_word(const struct span *word, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(word->end - word->at) == len && !memcmp(word->at, name, len);
}

/* Statuses and actions, other than services, are the same in upper and lower case. */
static bool is_one_of(const struct span *word, const char *const names[], size_t n)
{
	size_t len = (size_t)(word->end - word->at);

	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len && !strncasecmp(word->at, names[i], len))
			return true;
	return false;
}

/* [!STATUS=action STATUS=action …], behind a service: true, and *s behind it, when it is sound. */
static bool take_actions(struct span *s)
{
	static const char *const statuses[] = { "success", "notfound", "unavail", "tryagain" };
	static const char *const actions[] = { "return", "continue", "merge" };
	struct span in = { s->at + 1, s->end };

	for (bool any = false;; any = true) {
		struct span word;

		skip_blanks(&in);
		if (any && starts(&in, ']'))
			break;
		if (starts(&in, '!'))
			in.at++;
		word = take_word(&in, "=]");
		if (!is_one_of(&word, statuses, ARRAY_SIZE(statuses)))
			return false;
		skip_blanks(&in);
		if (!starts(&in, '='))
			return false;
		in.at++;
		skip_blanks(&in);
		word = take_word(&in, "]");
		if (!is_one_of(&word, actions, ARRAY_SIZE(actions)))
			return false;
	}
	s->at = in.at + 1;
	return true;
}

/* Past a bracket that is not understood, and to the end when it is never closed. */
static void skip_bracket(struct span *s)
{
	while (s->at < s->end && *s->at++ != ']')
		;
}

/* The services of a line, behind its colon. */
static void rewrite_services(struct span services, struct strbuf *ret)
{
	bool files = false, dns = false, dropped = false;
	_cleanup_strbuf_ struct strbuf kept = { 0 };

	for (skip_blanks(&services); services.at < services.end; skip_blanks(&services)) {
		struct span word = take_word(&services, "[");
		bool is_files = is_word(&word, "files"), is_dns = is_word(&word, "dns");
		bool keep = is_files || is_dns || is_word(&word, "myhostname");

		files |= is_files;
		dns |= is_dns;
		dropped |= !keep;
		if (keep) {
			strbuf_add(&kept, " ");
			strbuf_add_bytes(&kept, word.at, (size_t)(word.end - word.at));
		}
		for (skip_blanks(&services); starts(&services, '['); skip_blanks(&services)) {
			struct span items = services;

			if (!take_actions(&services)) {
				skip_bracket(&services);
				continue;
			}
			items.end = services.at;
			if (keep) {
				strbuf_add(&kept, " ");
				strbuf_add_bytes(&kept, items.at, (size_t)(items.end - items.at));
			}
		}
	}
	if (dropped && !files)
		strbuf_add(ret, " files");
	strbuf_add(ret, "%s", strbuf_text(&kept));
	if (dropped && !dns)
		strbuf_add(ret, " dns");
	ret->failed |= kept.failed;
}

/* One line without its newline. */
static void rewrite_line(struct span line, struct strbuf *ret)
{
	struct span rest = { line.at, line.at }, name;

	while (rest.end < line.end && *rest.end != '#' && *rest.end)
		rest.end++;
	skip_blanks(&rest);
	name = take_word(&rest, ":");
	if (!is_word(&name, "hosts") || rest.at == rest.end) {
		strbuf_add_bytes(ret, line.at, (size_t)(line.end - line.at));
		return;
	}
	rest.at++; /* a colon, or what glibc takes for one */
	strbuf_add(ret, "hosts:");
	rewrite_services(rest, ret);
}

void nss_rewrite(const char *text, size_t len, struct strbuf *ret)
{
	const char *end = text + len;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		struct span line = { text, stop ? stop : end };

		rewrite_line(line, ret);
		if (stop)
			strbuf_add(ret, "\n");
		text = stop ? stop + 1 : end;
	}
}
