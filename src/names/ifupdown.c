/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interfaces(5) of ifupdown, as far as name servers and gateways stand there. A stanza begins with
 * a keyword at the start of a line and lasts until the next keyword; "\" at the end of a line
 * continues it. The options dns-* are those of resolvconf's hooks.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "names/internal.h"

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

static void option(const struct span *name, struct span value, struct fact_dns *ret)
{
	struct span word;

	while (span_word(&value, SEPARATORS, &word))
		if (span_is(name, "dns-nameservers") || span_is(name, "dns-nameserver"))
			names_add_server_text(ret, word.at, word.len);
		else if (span_is(name, "dns-search") || span_is(name, "dns-domain"))
			names_add_domain(ret, word.at, word.len);
		else if (span_is(name, "gateway"))
			names_add_gateway_text(ret, word.at, word.len);
}

void names_parse_interfaces(const char *bytes, size_t len, const char *logical,
			    struct fact_dns *ret)
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
		ours = span_is(&word, "iface") && span_word(&line, SEPARATORS, &name) &&
		       span_is(&name, logical);
	}
}

bool names_parse_ifstate(const char *bytes, size_t len, const char *ifname,
			 char ret[NAMES_LOGICAL_MAX])
{
	struct span rest = { bytes, len }, line, device, logical;

	while (span_line(&rest, &line)) {
		if (!span_pair(&line, &device, &logical) || !span_is(&device, ifname) ||
		    !logical.len || logical.len >= NAMES_LOGICAL_MAX ||
		    memchr(logical.at, 0, logical.len))
			continue;
		memcpy(ret, logical.at, logical.len);
		ret[logical.len] = 0;
		return true;
	}
	return false;
}
