/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of polkit.c where libsystemd is not there: nobody can be asked. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/polkit.h"

int polkit_ask(struct polkit *p, const struct polkit_subject *subject, const char *action,
	       const struct polkit_detail *details, size_t n_details, struct polkit_ask **ret,
	       struct err *err)
{
	(void)p, (void)subject, (void)action, (void)details, (void)n_details, (void)ret;
	return err_set(err, ENOENT, "ask polkit: via-ifaced was built without libsystemd");
}

enum polkit_verdict polkit_verdict(const struct polkit_ask *ask, const char **ret_why)
{
	(void)ask;
	*ret_why = "";
	return POLKIT_MISSING;
}

struct polkit_ask *polkit_ask_free(struct polkit *p, struct polkit_ask *ask)
{
	(void)p, (void)ask; /* there never is one */
	return NULL;
}

struct pollfd polkit_pollfd(const struct polkit *p)
{
	(void)p;
	return (struct pollfd){ .fd = -1 };
}

int64_t polkit_deadline(const struct polkit *p)
{
	(void)p;
	return INT64_MAX;
}

void polkit_process(struct polkit *p)
{
	(void)p;
}
