/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/desktop_entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"

void entry_done(struct entry *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->v[i].key);
		free(e->v[i].value);
	}
	VEC_DONE(e);
}

/* --- reading --------------------------------------------------------------------------------- */

/* RFC 3629: no overlong forms, no surrogates. */
static bool utf8_valid(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < len;) {
		size_t more = s[i] < 0x80                   ? 0
			      : s[i] >= 0xc2 && s[i] < 0xe0 ? 1
			      : s[i] >= 0xe0 && s[i] < 0xf0 ? 2
			      : s[i] >= 0xf0 && s[i] < 0xf5 ? 3
							    : 4;

		if (more == 4 || len - i <= more)
			return false;
		for (size_t k = 1; k <= more; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return false;
		if ((s[i] == 0xe0 && s[i + 1] < 0xa0) || (s[i] == 0xed && s[i + 1] > 0x9f) ||
		    (s[i] == 0xf0 && s[i + 1] < 0x90) || (s[i] == 0xf4 && s[i + 1] > 0x8f))
			return false;
		i += more + 1;
	}
	return true;
}

static char *copy_bytes(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = 0;
	}
	return copy;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t entry_key_length(const char *key)
{
	return strcspn(key, "[");
}

/* Whether it stands in the group that the lines up to now end with. */
static struct entry_line *find_last(struct entry *e, const char *key)
{
	for (size_t i = e->n; i-- > 0 && e->v[i].kind != ENTRY_GROUP;)
		if (e->v[i].kind == ENTRY_KEY && !strcmp(e->v[i].key, key))
			return &e->v[i];
	return NULL;
}

static int add_line(struct entry *e, enum entry_kind kind, const char *key, size_t key_len,
		    const char *value, size_t value_len)
{
	struct entry_line line = { .kind = kind }, *to;

	line.key = kind == ENTRY_OTHER ? NULL : copy_bytes(key, key_len);
	line.value = kind == ENTRY_GROUP ? NULL : copy_bytes(value, value_len);
	if ((kind != ENTRY_OTHER && !line.key) || (kind != ENTRY_GROUP && !line.value))
		goto failed;
	to = kind == ENTRY_KEY ? find_last(e, line.key) : NULL;
	if (to) {
		free(to->key);
		free(to->value);
	} else {
		to = VEC_PUSH(e);
	}
	if (!to)
		goto failed;
	*to = line;
	return 0;
failed:
	free(line.key);
	free(line.value);
	return -ENOMEM;
}

static int add_group(struct entry *e, const char *line, size_t len, size_t number, struct err *err)
{
	const char *close = memchr(line, ']', len);
	_cleanup_free_ char *name = NULL;
	bool first = true;

	for (size_t i = 0; i < e->n && first; i++)
		first = e->v[i].kind != ENTRY_GROUP;
	for (size_t i = close ? (size_t)(close - line) + 1 : 0; i < len; i++)
		if (!is_blank(line[i]))
			close = NULL;
	if (!close || close == line + 1 || memchr(line + 1, '[', (size_t)(close - line) - 1))
		return err_set(err, EINVAL, "line %zu: that is no name of a group", number);
	name = copy_bytes(line + 1, (size_t)(close - line) - 1);
	if (!name)
		return err_errno(err, ENOMEM, "line %zu", number);
	if (first && strcmp(name, ENTRY_MAIN) != 0)
		return err_set(err, EINVAL,
			       "line %zu: the first group is [%s], not [" ENTRY_MAIN "]", number,
			       name);
	if (entry_group(e, name) < e->n)
		return err_set(err, EINVAL, "line %zu: the group [%s] is there twice", number,
			       name);
	if (add_line(e, ENTRY_GROUP, name, strlen(name), NULL, 0) < 0)
		return err_errno(err, ENOMEM, "line %zu", number);
	return 0;
}

static int take_line(struct entry *e, const char *line, size_t len, size_t number, struct err *err)
{
	const char *equals;
	size_t key, value;

	while (len && is_blank(line[0]) && line[0]) {
		line++;
		len--;
	}
	if (!len || line[0] == '#')
		return add_line(e, ENTRY_OTHER, NULL, 0, line, len) < 0
			       ? err_errno(err, ENOMEM, "line %zu", number)
			       : 0;
	if (line[0] == '[')
		return add_group(e, line, len, number, err);
	equals = memchr(line, '=', len);
	key = equals ? (size_t)(equals - line) : 0;
	value = key + 1;
	while (key && is_blank(line[key - 1]))
		key--;
	if (!key)
		return err_set(err, EINVAL,
			       "line %zu: it is neither a comment, a [group] nor "
			       "key=value",
			       number);
	if (!entry_group_end(e, 0))
		return err_set(err, EINVAL, "line %zu: a key stands before the first group",
			       number);
	while (value < len && is_blank(line[value]))
		value++;
	while (len > value && is_blank(line[len - 1]))
		len--;
	if (add_line(e, ENTRY_KEY, line, key, line + value, len - value) < 0)
		return err_errno(err, ENOMEM, "line %zu", number);
	return 0;
}

int entry_parse(const char *text, size_t len, struct entry *ret, struct err *err)
{
	_cleanup_entry_ struct entry e = { 0 };
	size_t number = 0;

	if (len > ENTRY_BYTES_MAX)
		return err_set(err, EFBIG, "it is larger than %u bytes", ENTRY_BYTES_MAX);
	if (memchr(text, 0, len) || !utf8_valid(text, len))
		return err_set(err, EINVAL, "it is no text in UTF-8");
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		int r;

		if (++number > ENTRY_LINES_MAX)
			return err_set(err, EFBIG, "it has more than %u lines", ENTRY_LINES_MAX);
		r = take_line(&e, text + at, n && text[at + n - 1] == '\r' ? n - 1 : n, number,
			      err);
		if (r < 0)
			return r;
		at += n + 1;
	}
	if (!entry_group_end(&e, 0))
		return err_set(err, EINVAL, "it has no group [" ENTRY_MAIN "]");
	*ret = e;
	e = (struct entry){ 0 };
	return 0;
}

void entry_print(const struct entry *e, struct strbuf *sb)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct entry_line *l = &e->v[i];

		switch (l->kind) {
		case ENTRY_OTHER:
			strbuf_add(sb, "%s\n", l->value);
			break;
		case ENTRY_GROUP:
			strbuf_add(sb, "[%s]\n", l->key);
			break;
		case ENTRY_KEY:
			strbuf_add(sb, "%s=%s\n", l->key, l->value);
			break;
		}
	}
}

/* --- groups and keys ------------------------------------------------------------------------- */

size_t entry_group(const struct entry *e, const char *group)
{
	size_t i = 0;

	while (i < e->n && (e->v[i].kind != ENTRY_GROUP || strcmp(e->v[i].key, group) != 0))
		i++;
	return i;
}

/* From 0: 0 when there is no group at all, else the end of the first one. */
size_t entry_group_end(const struct entry *e, size_t at)
{
	while (at < e->n && e->v[at].kind != ENTRY_GROUP)
		at++;
	if (at == e->n)
		return 0;
	for (at++; at < e->n && e->v[at].kind != ENTRY_GROUP; at++)
		;
	return at;
}

static struct entry_line *find_key(const struct entry *e, const char *group, const char *key)
{
	size_t at = entry_group(e, group), end = at < e->n ? entry_group_end(e, at) : at;

	for (; at < end; at++)
		if (e->v[at].kind == ENTRY_KEY && !strcmp(e->v[at].key, key))
			return &e->v[at];
	return NULL;
}

const char *entry_get(const struct entry *e, const char *group, const char *key)
{
	const struct entry_line *l = find_key(e, group, key);

	return l ? l->value : NULL;
}

bool entry_is_true(const struct entry *e, const char *group, const char *key)
{
	const char *value = entry_get(e, group, key);

	return value && (!strcmp(value, "true") || !strcmp(value, "1"));
}

/* Makes room for one line at a place. */
static struct entry_line *insert(struct entry *e, size_t at)
{
	if (!VEC_PUSH(e))
		return NULL;
	memmove(&e->v[at + 1], &e->v[at], (e->n - 1 - at) * sizeof(*e->v));
	e->v[at] = (struct entry_line){ 0 };
	return &e->v[at];
}

/* Takes the value over when it succeeds. */
static int add_key(struct entry *e, size_t group, const char *key, char **value)
{
	_cleanup_free_ char *name = strdup(key);
	size_t at = entry_group_end(e, group);
	struct entry_line *l;

	while (at > group + 1 && e->v[at - 1].kind != ENTRY_KEY)
		at--;
	l = name ? insert(e, at) : NULL;
	if (!l)
		return -ENOMEM;
	*l = (struct entry_line){ .kind = ENTRY_KEY,
				  .key = steal_ptr(name),
				  .value = steal_ptr(*value) };
	return 0;
}

int entry_set(struct entry *e, const char *group, const char *key, const char *value)
{
	struct entry_line *l = find_key(e, group, key);
	_cleanup_free_ char *copy = strdup(value);
	size_t at;

	if (!copy)
		return -ENOMEM;
	if (l) {
		free(l->value);
		l->value = steal_ptr(copy);
		return 0;
	}
	if (entry_group(e, group) == e->n) {
		if ((e->n && e->v[e->n - 1].kind == ENTRY_KEY &&
		     add_line(e, ENTRY_OTHER, NULL, 0, "", 0) < 0) ||
		    add_line(e, ENTRY_GROUP, group, strlen(group), NULL, 0) < 0)
			return -ENOMEM;
	}
	at = entry_group(e, group);
	return add_key(e, at, key, &copy);
}

void entry_remove(struct entry *e, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++) {
		free(e->v[i].key);
		free(e->v[i].value);
	}
	memmove(&e->v[at], &e->v[at + n], (e->n - at - n) * sizeof(*e->v));
	e->n -= n;
}

void entry_drop(struct entry *e, const char *group, const char *key, bool localized)
{
	size_t at = entry_group(e, group), len = strlen(key);

	for (at = at < e->n ? at + 1 : at; at < e->n && e->v[at].kind != ENTRY_GROUP;) {
		const struct entry_line *l = &e->v[at];

		if (l->kind == ENTRY_KEY && !strncmp(l->key, key, len) &&
		    (!l->key[len] || (localized && l->key[len] == '[')))
			entry_remove(e, at, 1);
		else
			at++;
	}
}

void entry_drop_group(struct entry *e, const char *group)
{
	size_t at = entry_group(e, group);

	if (at < e->n)
		entry_remove(e, at, entry_group_end(e, at) - at);
}

/* --- strings --------------------------------------------------------------------------------- */

void entry_unescape(struct strbuf *sb, const char *value)
{
	for (; *value; value++) {
		static const char from[] = "sntr\\", to[] = " \n\t\r\\";
		const char *known = *value == '\\' && value[1] ? strchr(from, value[1]) : NULL;

		strbuf_add_bytes(sb, known ? &to[known - from] : value, 1);
		value += known != NULL;
	}
}

void entry_escape(struct strbuf *sb, const char *text)
{
	static const char from[] = "\n\t\r\\", to[] = "ntr\\";

	for (const char *c = text; *c; c++) {
		const char *known = strchr(from, *c);

		if (known)
			strbuf_add(sb, "\\%c", to[known - from]);
		else if (*c == ' ' && (c == text || !c[1])) /* at the ends it would be cut off */
			strbuf_add(sb, "\\s");
		else
			strbuf_add_bytes(sb, c, 1);
	}
}
