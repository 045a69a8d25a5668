/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/vec.h"
#include "plan/doctor.h"

static const char *const names[] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_INFO] = "info",
};
static_assert(sizeof(names) / sizeof(names[0]) == SEVERITY_COUNT, "a severity has no name");

const char *severity_name(enum severity severity)
{
	return names[severity];
}

struct finding *findings_add(struct findings *f, const char *id, enum severity severity,
			     const char *object)
{
	struct finding *added = VEC_PUSH(f);

	if (!added) {
		f->failed = true;
		return NULL;
	}
	added->id = id;
	added->severity = severity;
	snprintf(added->object, sizeof(added->object), "%s", object);
	return added;
}

void finding_text(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f)
		vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

void finding_fix(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f)
		vsnprintf(f->fix, sizeof(f->fix), fmt, ap);
	va_end(ap);
}

void finding_error(struct finding *f, const char *line, const char *otherwise)
{
	const char *hint = strstr(line, "; ");

	finding_text(f, "%.*s", hint ? (int)(hint - line) : (int)strlen(line), line);
	finding_fix(f, "%s", hint ? hint + 2 : otherwise);
}

void finding_run(struct finding *f, const char *option, const char *uplinks, const char *what)
{
	_cleanup_strbuf_ struct strbuf word = { 0 };

	finding_fix(f, "`via-iface %s %s -- PROGRAM` %s", option,
		    uplinks ? strbuf_word(&word, uplinks) : "UPLINK", what);
}

const struct finding *findings_find(const struct findings *f, const char *id)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->v[i].id, id))
			return &f->v[i];
	return NULL;
}

bool findings_bad(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].severity == SEVERITY_ERROR)
			return true;
	return false;
}

static int by_severity(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = (x->severity > y->severity) - (x->severity < y->severity);

	return order                  ? order
	       : strcmp(x->id, y->id) ? strcmp(x->id, y->id)
				      : strcmp(x->object, y->object);
}

void findings_sort(struct findings *f)
{
	if (f->n)
		qsort(f->v, f->n, sizeof(*f->v), by_severity);
}

void findings_done(struct findings *f)
{
	VEC_DONE(f);
}
