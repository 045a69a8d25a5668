/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_JOURNAL_H
#define VIA_DAEMON_JOURNAL_H

#include "base/strbuf.h"
#include "model/log_entry.h"

/*
 * Writes an event to the host's log: where systemd-journald listens, with a field for each value
 * (via-ifaced(8) lists them), else as one line for syslog (base/log.h). Does not wait.
 */
void journal_write(const struct log_entry *e);

/* The fields, in the form of systemd's native journal protocol (JOURNAL_NATIVE_PROTOCOL). Pure. */
void journal_fields(const struct log_entry *e, struct strbuf *ret);

#endif
