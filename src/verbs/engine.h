/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_ENGINE_H
#define VIA_VERBS_ENGINE_H

#include "verbs/container_text.h"

/* What an engine's own command says of a container: it runs as the caller, with no more rights. */
struct engine_answer {
	struct container_id id;
	uint32_t pid;                    /* of its first process; 0: it does not run */
	char ports[CONTAINER_PORTS_MAX]; /* that are published; "": none */
};

/*
 * `docker inspect`, `podman inspect`, `machinectl show`, `lxc-info`: found in PATH, standard input
 * and error /dev/null, ended after ENGINE_MS. word is valid (container_word_valid()). 0;
 * -ESRCH: it knows no such container, or is not there; another negative errno.
 */
#define ENGINE_MS 15000
int engine_ask(enum container_engine engine, const char *word, struct engine_answer *ret);

#endif
