/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_DOCTOR_H
#define VIA_PLAN_DOCTOR_H

#include "model/diff.h"
#include "model/facts.h"

/* What is, or would be, in the way; and what else a person may want to know. */
enum severity {
	SEVERITY_ERROR,   /* in the way */
	SEVERITY_WARNING, /* may surprise */
	SEVERITY_INFO,
	SEVERITY_COUNT,
};

/* "error", "warning", "info" */
const char *severity_name(enum severity severity);

struct finding {
	const char *id; /* what it is, for programs: one word that stays the same */
	enum severity severity;
	char object[OBJECT_NAME_MAX]; /* what it is about */
	char text[512];
	char fix[640]; /* what to do, commands in backquotes; "" when there is nothing */
};

struct findings {
	struct finding *v;
	size_t n, size;
	bool failed; /* for lack of memory */
};

/* A new finding without text; NULL when there is no memory, which the two below take. */
struct finding *findings_add(struct findings *f, const char *id, enum severity severity,
			     const char *object);
void finding_text(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_fix(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * As finding_text(), of a line of err.h; what follows its first "; " is the fix, or, where there is
 * nothing, `otherwise` is.
 */
void finding_error(struct finding *f, const char *line, const char *otherwise);

/* A fix that starts a program with that option: "`via-iface --dns … wlp6s0 -- PROGRAM` what". */
void finding_run(struct finding *f, const char *option, const char *uplinks, const char *what);

/* The first one of that id, or NULL. */
const struct finding *findings_find(const struct findings *f, const char *id);
/* Whether one is in the way. */
bool findings_bad(const struct findings *f);
/* The worst first; then by id and object. */
void findings_sort(struct findings *f);
void findings_done(struct findings *f);

#define _cleanup_findings_ __attribute__((cleanup(findings_done)))

/* The input of doctor(), besides the facts. */
struct doctor_input {
	const struct facts *facts;         /* with the name servers of the uplinks in question */
	const struct uplink_list *uplinks; /* or NULL: every interface that could serve */
	const char *const *proxies;        /* names of variables that are set; ends with NULL */
	const char *const *missing;     /* parts of the kernel that are not to be had; the same */
	const char *const *differences; /* by doctor_difference_names(); or NULL */
	const char *heal;               /* the command that starts a daemon; or NULL */
};

/*
 * "missing ip rule 5180" for each step from what is ours to what sessions want; ret ends with NULL,
 * it and its strings are the caller's to free. Returns 0 or -ENOMEM.
 */
int doctor_difference_names(const struct steps *difference, char ***ret);

/*
 * Adds what questions by an uplink lack: servers that sessions cannot ask, and TLS and DNSSEC,
 * which systemd-resolved does for the host.
 */
void findings_of_names(const struct facts *f, const struct fact_link *l, struct findings *ret);

/* Adds the findings, the worst first. Returns 0 or -ENOMEM. */
int doctor(const struct doctor_input *in, struct findings *ret);

#endif
