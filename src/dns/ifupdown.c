/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interfaces(5) of ifupdown, as far as name servers and gateways stand there. A stanza begins with
 * a keyword at the start of a line and lasts until the next keyword; "\" at the end of a line
 * continues it. The options dns-* are those of resolvconf's hooks.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "dns/internal.h"

/* The line without its end, continued lines with it: the backslashes are taken for blanks. */
static bool logical_line(struct span *rest, struct span *ret)
{
	struct span line;

	if (!span_line(rest, ret))
		return false;
	while (ret->len && ret->at[ret->len - 1] == '\\' && span_line(rest, &line))
		ret->len = (size_t)(line.at + line.len - ret->at);
	return true;
}

#define SEPARATORS "\\\r\n"

static bool begins_stanza(const struct span *word)
{
	static const char *const keywords[] = { "iface",        "mapping",          "auto",
						"source",       "source-directory", "template",
						"no-auto-down", "no-scripts",       "rename" };

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (span_is(word, keywords[i]))
			return true;
	return word->len > 6 && !memcmp(word->at, "allow-", 6);
}

static bool copy_word(const struct span *word, char *ret, size_t size)
{
	if (!word->len || word->len >= size || memchr(word->at, 0, word->len))
		return false;
	memcpy(ret, word->at, word->len);
	ret[word->len] = 0;
	return true;
}

static void add_parent(struct dns_stanza *s, const struct span *word)
{
	if (s->n < DNS_PARENTS_MAX && copy_word(word, s->parents[s->n], DNS_LOGICAL_MAX))
		s->n++;
}

static void option(const struct span *name, struct span value, struct dns_stanza *ret)
{
	struct span word;

	while (span_word(&value, SEPARATORS, &word))
		if (span_is(name, "dns-nameservers") || span_is(name, "dns-nameserver"))
			dns_add_server_text(&ret->dns, word.at, word.len);
		else if (span_is(name, "dns-options"))
			dns_add_option(&ret->dns, word.at, word.len);
		else if (span_is(name, "dns-search") || span_is(name, "dns-domain"))
			dns_add_domain(&ret->dns, word.at, word.len);
		else if (span_is(name, "gateway"))
			dns_add_gateway_text(&ret->dns, word.at, word.len);
		else if (span_is(name, "inherit") || span_is(name, "inherits"))
			add_parent(ret, &word); /* ifupdown-ng */
}

void dns_parse_interfaces(const char *bytes, size_t len, const char *logical,
			  struct dns_stanza *ret)
{
	struct span rest = { bytes, len }, line, word, name;
	bool ours = false;

	while (logical_line(&rest, &line)) {
		if (!span_word(&line, SEPARATORS, &word) || word.at[0] == '#')
			continue;
		if (!begins_stanza(&word)) {
			if (ours)
				option(&word, line, ret);
			continue;
		}
		ours = (span_is(&word, "iface") || span_is(&word, "template")) &&
		       span_word(&line, SEPARATORS, &name) && span_is(&name, logical);
		while (ours && span_word(&line, SEPARATORS, &word))
			if (span_is(&word, "inherits") && span_word(&line, SEPARATORS, &word))
				add_parent(ret, &word);
	}
}

size_t dns_parse_sources(const char *bytes, size_t len, struct dns_source ret[DNS_SOURCES_MAX])
{
	struct span rest = { bytes, len }, line, word;
	size_t n = 0;

	while (n < DNS_SOURCES_MAX && logical_line(&rest, &line)) {
		bool directory;

		if (!span_word(&line, SEPARATORS, &word))
			continue;
		directory = span_is(&word, "source-directory");
		if (!directory && !span_is(&word, "source"))
			continue;
		while (n < DNS_SOURCES_MAX && span_word(&line, SEPARATORS, &word))
			if (copy_word(&word, ret[n].pattern, sizeof(ret[n].pattern)))
				ret[n++].directory = directory;
	}
	return n;
}

bool dns_parse_ifstate(const char *bytes, size_t len, const char *ifname, char ret[DNS_LOGICAL_MAX])
{
	struct span rest = { bytes, len }, line, device, value, logical;

	/* ifupdown-ng has more words behind it */
	while (span_line(&rest, &line))
		if (span_pair(&line, &device, &value) && span_is(&device, ifname) &&
		    span_word(&value, "", &logical) && copy_word(&logical, ret, DNS_LOGICAL_MAX))
			return true;
	return false;
}
