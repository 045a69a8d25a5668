/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, addresses, names: what was taken is written back and read again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"
#include "etc/gai.h"
#include "fuzz.h"
#include "model/ip.h"

static void addresses(const char *text)
{
	struct prefix prefix, prefix2;
	struct ip ip, ip2;
	char buf[IP_TEXT_MAX];

	if (ip_parse(text, &ip) == 0) {
		must(ip_is_set(&ip));
		must(strlen(ip_format(&ip, buf)) < sizeof(buf));
		must(ip_parse(buf, &ip2) == 0 && ip_equal(&ip, &ip2));
	}
	if (prefix_parse(text, &prefix) == 0) {
		must(prefix.len <= ip_size(&prefix.ip) * 8);
		must(strlen(prefix_format(&prefix, buf)) < sizeof(buf));
		must(prefix_parse(buf, &prefix2) == 0 && prefix2.len == prefix.len);
		must(ip_equal(&prefix.ip, &prefix2.ip));
		prefix2 = prefix_masked(&prefix);
		must(prefix_contains(&prefix2, &prefix.ip) && prefix_overlap(&prefix, &prefix2));
	}
}

/* Whatever it is, what a printer writes of it is printable, and what is printable stays as it is.
 */
static void printed(const char *text)
{
	bool clean = text_printable(text);
	char *tame = strdup(text), *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	must(tame && f);
	text_make_printable(tame);
	must(text_printable(tame) && strlen(tame) == strlen(text));
	must(!clean || !strcmp(tame, text));
	text_print(f, "%s", text);
	must(fclose(f) == 0 && text_printable(out));
	must(!clean || !strcmp(out, text));
	free(out);
	f = open_memstream(&out, &len);
	must(f != NULL);
	text_print_json(f, text);
	must(fclose(f) == 0);
	for (const char *at = out; *at;) {
		size_t n = *at == '\n' || *at == '\t' ? 1 : text_char(at);

		must(n);
		at += n;
	}
	free(tame);
	free(out);
}

/* A gai.conf(5): what was there stays, and once it has our label nothing is added. */
static void order_of_addresses(const char *text, size_t len)
{
	struct strbuf once = { 0 }, twice = { 0 };

	gai_rewrite(text, len, &once);
	must(once.len >= len && !memcmp(strbuf_text(&once), text, len));
	gai_rewrite(strbuf_text(&once), once.len, &twice);
	must(twice.len == once.len);
	strbuf_done(&once);
	strbuf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), name[16];
	uint32_t number = 7;
	uint64_t big = 7;
	int r;

	r = parse_u32(text, 3, 1022, &number);
	must(r == 0 ? number >= 3 && number <= 1022 : number == 7);
	r = parse_u64(text, UINT64_MAX, &big);
	must(r == 0 || big == 7);
	if (ifname_valid(text))
		must(strlen(text) < 16 && text[0] && !strchr(text, '/') && !strchr(text, ' '));
	if (session_name_valid(text))
		must(strlen(text) <= 32 && text[0] != '-' && text[0] != '.' &&
		     strspn(text, "0123456789") < strlen(text));
	if (copy_string(name, sizeof(name), text) == 0)
		must(!strcmp(name, text));
	addresses(text);
	order_of_addresses(text, strlen(text));
	printed(text);
	free(text);
	return 0;
}
