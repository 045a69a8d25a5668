/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of message buses: a list of "transport:key=value,key=value", with ';' between. */
#include "launch/bus.h"

#include <string.h>

const char *bus_variable(const char *entry)
{
	static const char *const others[] = { "AT_SPI_BUS_ADDRESS", "IBUS_ADDRESS" };
	static const char front[] = "DBUS_", back[] = "_ADDRESS";
	const char *equals = strchr(entry, '=');
	size_t len;

	if (!equals)
		return NULL;
	len = (size_t)(equals - entry);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (len == strlen(others[i]) && !memcmp(entry, others[i], len))
			return equals + 1;
	if (len >= strlen(front) + strlen(back) && !memcmp(entry, front, strlen(front)) &&
	    !memcmp(equals - strlen(back), back, strlen(back)))
		return equals + 1;
	return NULL;
}

/* One address of a list: what lies between two ';'. */
struct address {
	const char *text;
	size_t len;
};

/* Steps to the next address that is not empty; false at the end. */
static bool next_address(const char **at, struct address *ret)
{
	*at += strspn(*at, ";");
	ret->text = *at;
	ret->len = strcspn(*at, ";");
	*at += ret->len;
	return ret->len > 0;
}

static bool has_transport(const struct address *a, const char *transport)
{
	size_t len = strlen(transport);

	return a->len > len && !memcmp(a->text, transport, len) && a->text[len] == ':';
}

/* The value of a key, still escaped; NULL when there is none. */
static const char *find_key(const struct address *a, const char *key, size_t *ret_len)
{
	const char *end = a->text + a->len, *at = memchr(a->text, ':', a->len);
	size_t len = strlen(key);

	while (at && ++at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;

		if ((size_t)(stop - at) > len && at[len] == '=' && !memcmp(at, key, len)) {
			*ret_len = (size_t)(stop - at) - len - 1;
			return at + len + 1;
		}
		at = comma;
	}
	return NULL;
}

bool bus_is_abstract(const char *addresses)
{
	struct address a;
	bool abstract = false;
	size_t len;

	while (next_address(&addresses, &a)) {
		if (!memchr(a.text, ':', a.len) || has_transport(&a, "unixexec"))
			return false;
		if (!has_transport(&a, "unix"))
			continue;
		if (find_key(&a, "path", &len) || find_key(&a, "runtime", &len))
			return false;
		if (find_key(&a, "abstract", &len))
			abstract = true;
	}
	return abstract;
}

/* What the specification lets stand for itself in a value. */
static bool optionally_escaped(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-_/.\\*", c));
}

void bus_add_address(struct strbuf *sb, const char *path, const char *addresses)
{
	struct address a, more;
	const char *guid;
	size_t len;

	strbuf_add(sb, "unix:path=");
	for (; *path; path++)
		if (optionally_escaped(*path))
			strbuf_add_bytes(sb, path, 1);
		else
			strbuf_add(sb, "%%%02x", (unsigned char)*path);
	if (!next_address(&addresses, &a) || next_address(&addresses, &more))
		return;
	guid = find_key(&a, "guid", &len);
	if (guid && len)
		strbuf_add(sb, ",guid=%.*s", (int)len, guid);
}
