/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inih splits lines into keys and values, and gets one line at a time, so that the line number is
 * known when a key arrives. It ignores a few mistakes: it cuts long lines and section names,
 * ignores text behind a ']', does not report a section without keys, and takes an indented line for
 * a continuation. A policy must not be read that way, so lines are checked, and section lines read,
 * before inih gets them.
 */
#include "base/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/vec.h"

void conf_mistakes_add(struct conf_mistakes *to, const struct err *err)
{
	struct err *added = to->n < CONF_MISTAKES_MAX ? VEC_PUSH(to) : NULL;

	if (added)
		*added = *err;
}

void conf_mistakes_done(struct conf_mistakes *mistakes)
{
	VEC_DONE(mistakes);
}

/* Where all mistakes are wanted, reading goes on behind this one. */
static void note(struct conf *c)
{
	if (!c->mistakes || c->r == 0)
		return;
	conf_mistakes_add(c->mistakes, c->err);
	if (!c->failed)
		c->failed = c->r;
	c->r = 0;
}

const char *conf_set_bool(bool *ret, const char *value)
{
	*ret = !strcmp(value, "yes");
	return *ret || !strcmp(value, "no") ? NULL : "it is yes or no";
}

char *conf_trim(char *s)
{
	size_t len;

	s += strspn(s, CONF_BLANKS);
	len = strlen(s);
	while (len && strchr(CONF_BLANKS, s[len - 1]))
		len--;
	s[len] = 0;
	return s;
}

/* A section without keys is more likely a slip than a wish. */
static int end_section(struct conf *c)
{
	if (c->r == 0 && c->section_line && !c->seen && !c->skip)
		CONF_COMPLAIN(c, c->section_line,
			      "the section says nothing; write for example '%s'",
			      c->format->example);
	return c->r;
}

static int begin_section(struct conf *c, char *text)
{
	char *close = strchr(text, ']'), *rest;

	end_section(c);
	note(c);
	if (c->r < 0)
		return c->r;
	c->section_line = c->line;
	c->seen = 0;
	c->skip = true;
	if (!close)
		return CONF_COMPLAIN(c, c->line, "the section has no ']'");
	rest = close + 1 + strspn(close + 1, CONF_BLANKS);
	if (*rest && !strchr(";#", *rest))
		return CONF_COMPLAIN(c, c->line, "'%s' stands behind the ']'", rest);
	*close = 0;
	c->skip = c->format->begin(c, conf_trim(text + 1)) < 0;
	return c->r;
}

static int unknown_key(struct conf *c, const char *name)
{
	_cleanup_strbuf_ struct strbuf all = { 0 };

	for (const char *const *key = c->format->keys; *key; key++)
		strbuf_add(&all, "%s%s", !all.len ? "" : key[1] ? ", " : " and ", *key);
	return CONF_COMPLAIN(c, c->line, "'%s' is not known; it is one of %s", name,
			     strbuf_text(&all));
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct conf *c = user;

	(void)section;
	if (c->r < 0)
		return 0;
	if (!c->section_line)
		return CONF_COMPLAIN(c, c->line, "'%s' stands before the first [section]", name), 0;
	if (c->skip)
		return 1;
	for (size_t k = 0; c->format->keys[k]; k++) {
		const char *wrong;

		if (strcmp(c->format->keys[k], name) != 0)
			continue;
		if (c->seen & 1u << k)
			return CONF_COMPLAIN(c, c->line, "'%s' is there twice in this section",
					     name),
			       0;
		c->seen |= 1u << k;
		wrong = c->format->take(c, k, value);
		if (wrong)
			CONF_COMPLAIN(c, c->line, "%s '%s': %s", name, value, wrong);
		return c->r == 0;
	}
	return unknown_key(c, name), 0;
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
	struct conf *c = user;

	take(c, section, name, value);
	note(c);
	return c->r == 0;
}

static void not_understood(struct conf *c, uint32_t line)
{
	CONF_COMPLAIN(c, line, "it is neither '%s' nor 'KEY = VALUE'", c->format->section);
}

/* What inih takes for neither a key nor a comment; of several it reports the first alone. */
static bool no_key(const char *line)
{
	return *line && !strchr(";#[", *line) && !strpbrk(line, "=:");
}

/* What inih calls for the next line; NULL ends the text. */
static char *next_line(char *to, int size, void *user)
{
	struct conf *c = user;
	size_t len;

	if (c->r < 0 || c->at == c->end)
		return NULL;
	c->line++;
	c->at += c->line > 1 || strncmp(c->at, "\xef\xbb\xbf", 3) != 0 ? 0 : 3;
	while (c->at < c->end && strchr(CONF_BLANKS, *c->at) && *c->at)
		c->at++;
	len = strcspn(c->at, "\n");
	if (c->at + len < c->end && c->at[len] != '\n') {
		CONF_COMPLAIN(c, c->line, "there is a zero byte");
		return NULL;
	}
	if (len + 2 > (size_t)size) {
		CONF_COMPLAIN(c, c->line, "the line is longer than %d bytes", size - 2);
		return NULL;
	}
	memcpy(to, c->at, len);
	to[len] = 0;
	c->at += len + (c->at[len] == '\n');
	if (to[0] == '[') {
		begin_section(c, to);
		strcpy(to, "[]"); /* it has been read */
	} else if (c->mistakes && no_key(to)) {
		not_understood(c, c->line);
		to[0] = 0;
	}
	note(c);
	return c->r < 0 ? NULL : to;
}

int conf_read(struct conf *c, const char *text, size_t len)
{
	_cleanup_free_ char *copy = malloc(len + 1);
	int line;

	if (!copy)
		return err_errno(c->err, ENOMEM, "read '%s'", c->file);
	memcpy(copy, text, len);
	copy[len] = 0;
	c->at = copy;
	c->end = copy + len;
	line = ini_parse_stream(next_line, c, take_key, c);
	/* it goes on reading behind a line that it does not understand */
	if (line > 0 && (c->r == 0 || (uint32_t)line < c->wrong_at))
		not_understood(c, (uint32_t)line);
	if (c->r == 0 && line < 0)
		c->r = err_errno(c->err, ENOMEM, "read '%s'", c->file);
	end_section(c);
	note(c);
	c->at = c->end = NULL;
	return c->failed ? c->failed : c->r;
}
