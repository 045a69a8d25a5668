/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_OCI_STATE_H
#define VIA_VERBS_OCI_STATE_H

#include "base/err.h"
#include "verbs/container_text.h"

/*
 * The state of a container, as a runtime hands it to a hook (OCI runtime-spec, runtime.md,
 * "State"), and what its annotations ask for, as the words of a command line of `attach`: their
 * values are checked where those of a command line are. Pure.
 */
#define OCI_STATE_MAX (1u << 20) /* bytes */
#define OCI_WORDS_MAX 10

struct oci_state {
	uint32_t pid;
	char id[CONTAINER_NAME_MAX];
	char *words[OCI_WORDS_MAX + 1]; /* "attach", options, the uplinks; NULL at the end */
	int n_words;
};

/*
 * 0; or -EINVAL with a line, also for an annotation of ours that is not known, and where none names
 * an uplink. text need not end in a NUL.
 */
int oci_state_read(const char *text, size_t len, struct oci_state *ret, struct err *err);
void oci_state_done(struct oci_state *s);

#endif
