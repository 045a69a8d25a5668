/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-verbs oci-hook: what a container runtime runs (OCI runtime-spec, config.md,
 * "POSIX-platform Hooks", createRuntime) once the container has its namespaces, and before anything
 * runs in it. When this fails the runtime starts nothing. It has the rights of who runs the
 * runtime, no environment, and the state on standard input.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "cli/cli.h"
#include "ipc/msg.h"
#include "launch/name.h"
#include "launch/program.h"
#include "verbs/attach.h"
#include "verbs/container.h"
#include "verbs/detach.h"
#include "verbs/oci_state.h"
#include "verbs/processes.h"
#include "verbs/verbs.h"

static int read_state(struct oci_state *ret, struct err *err)
{
	_cleanup_free_ char *text = malloc(OCI_STATE_MAX + 1);
	ssize_t n = text ? read_up_to(STDIN_FILENO, text, OCI_STATE_MAX + 1) : -ENOMEM;

	if (n < 0)
		return err_errno(err, (int)-n, "read the container's state");
	if ((size_t)n > OCI_STATE_MAX)
		return err_errno(err, E2BIG, "read the container's state");
	text[n] = 0;
	return oci_state_read(text, (size_t)n, ret, err);
}

/* As the engine calls it, where conmon started the runtime; else the id. */
static void name_after(const struct oci_state *s, char ret[SESSION_NAME_MAX])
{
	struct container_id id;
	char title[CONTAINER_NAME_MAX];

	if (!container_of_process(getppid(), &id) || strcmp(id.id, s->id) != 0) {
		id = (struct container_id){ 0 };
		snprintf(id.name, sizeof(id.name), "%.*s",
			 strlen(s->id) == CONTAINER_ID_LEN ? CONTAINER_ID_SHORT : 32, s->id);
	}
	cli_default_name(container_title(&id, title), ret);
}

static int attach(const struct oci_state *s, struct err *err)
{
	_cleanup_close_ int netns = -1;
	char pid[24], route[ATTACH_ROUTE_MAX];
	char *words[OCI_WORDS_MAX + 2];
	struct launch_options o;
	struct msg_reply reply;
	int n = s->n_words, r;

	memcpy(words, s->words, sizeof(s->words));
	snprintf(pid, sizeof(pid), "--pid=%u", s->pid);
	words[n++] = pid;
	words[n] = NULL;
	r = cli_parse_attach(n, words, &o, err);
	if (r == 0)
		r = netns_of_process(s->pid, &netns, err);
	if (r < 0)
		return r;
	if (o.given & GIVEN_NAME)
		name_claim(&o.request, geteuid());
	else
		name_after(s, o.request.name);
	o.no_password = true;
	attach_fill_in(&o, (pid_t)s->pid, route);
	return attach_netns(&o, netns, &reply, err);
}

int verb_oci_hook(int argc, char *argv[])
{
	struct oci_state state = { 0 };
	struct err err = { 0 };
	int r = read_state(&state, &err);

	(void)argc, (void)argv;
	if (r < 0)
		return program_fail(&err);
	r = attach(&state, &err);
	if (r < 0)
		err_wrap(&err, "attach container '%.12s'", state.id);
	oci_state_done(&state);
	return r < 0 ? program_fail(&err) : 0;
}
