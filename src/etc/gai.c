/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/gai.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "etc/read.h"
#include "model/ip.h"

#define LINE_MAX_BYTES 256

static const char default_labels[] = "label ::1/128 0\n"
				     "label ::/0 1\n"
				     "label 2002::/16 2\n"
				     "label ::/96 3\n"
				     "label ::ffff:0:0/96 4\n"
				     "label fec0::/10 5\n"
				     "label fc00::/7 6\n"
				     "label 2001::/32 7\n";

/* What the label lines of a file say. */
struct labels {
	bool any, unique_local; /* one for fd00::/8 or less of it */
	unsigned long global;   /* of ::/0 */
};

/* glibc takes an address of IPv6 alone, a length that it may have, and a number. */
static void take_label(char *value, struct labels *ret)
{
	char *save = NULL, *address = strtok_r(value, " \t", &save);
	char *number = strtok_r(NULL, " \t", &save), *end;
	struct prefix p = { 0 };
	unsigned long label;
	bool whole = address && !strchr(address, '/');

	if (!number || (whole ? ip_parse(address, &p.ip) : prefix_parse(address, &p)) < 0 ||
	    p.ip.family != AF_INET6)
		return;
	label = strtoul(number, &end, 10);
	if (end == number)
		return;
	if (whole)
		p.len = 128;
	ret->any = true;
	if (!p.len)
		ret->global = label;
	if (p.len >= 8 && p.ip.bytes[0] == 0xfd)
		ret->unique_local = true;
}

static void take_line(const char *at, size_t len, struct labels *ret)
{
	char line[LINE_MAX_BYTES];
	const char *comment = memchr(at, '#', len);
	size_t skipped = 0;

	if (comment)
		len = (size_t)(comment - at);
	if (len >= sizeof(line) || memchr(at, 0, len))
		return;
	memcpy(line, at, len);
	line[len] = 0;
	skipped = strspn(line, " \t");
	if (!strncmp(line + skipped, "label", 5) && strspn(line + skipped + 5, " \t"))
		take_label(line + skipped + 5, ret);
}

void gai_rewrite(const char *text, size_t len, struct strbuf *ret)
{
	struct labels labels = { .global = 1 };

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;

		take_line(text + at, n, &labels);
		at += n + 1;
	}
	strbuf_add_bytes(ret, text, len);
	if (labels.unique_local)
		return;
	if (len && text[len - 1] != '\n')
		strbuf_add(ret, "\n");
	strbuf_add(ret, "# of this session, added by via-iface\n%slabel fd00::/8 %lu\n",
		   labels.any ? "" : default_labels, labels.global);
}

int gai_read(struct strbuf *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	struct err unreadable = { 0 };
	size_t len;
	int r = etc_read(GAI_PATH, &text, &len, &unreadable);

	if (r == -ENOMEM)
		return err_errno(err, ENOMEM, "read '" GAI_PATH "'");
	if (r > 0)
		gai_rewrite(text, len, ret);
	return 0;
}
