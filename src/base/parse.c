/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/text.h"

int parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return -EINVAL;
	for (; *s; s++) {
		uint64_t digit;

		if (*s < '0' || *s > '9')
			return -EINVAL;
		digit = (uint64_t)(*s - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t value;
	int r = parse_u64(s, max, &value);

	if (r < 0)
		return r;
	if (value < min)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

bool ifname_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, "..") ||
	    !text_printable(name))
		return false;
	for (; *name; name++)
		if (*name == ' ' || (unsigned char)*name == 0xa0 || strchr("/:\"\\", *name))
			return false; /* 0xa0 is a space to the kernel (lib/ctype.c) */
	return true;
}

static bool alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool session_name_characters(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 32 || !alphanumeric(name[0]))
		return false;
	for (; *name; name++)
		if (!alphanumeric(*name) && !strchr("._+-", *name))
			return false;
	return true;
}

bool session_name_valid(const char *name)
{
	return session_name_characters(name) && name[strspn(name, "0123456789")];
}

const char *parse_each(const char *list, const char *(*take)(const char *, size_t, void *),
		       void *arg)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		const char *wrong = take(list, len, arg);

		if (wrong || !list[len])
			return wrong;
		list += len + 1;
		list += strspn(list, " \t");
	}
}

int copy_string(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(dst, src, len + 1);
	return 0;
}
