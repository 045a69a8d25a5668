/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/files.h"
#include "base/parse.h"
#include "base/util.h"

#define ANSWER_MAX 65536
#define INSPECT    "{{.Id}} {{.State.Pid}} {{.Name}} {{json .NetworkSettings.Ports}}"
#define WORDS_MAX  8

static void become(char *const argv[], int out, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	detach_default_signals();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || close_descriptors(STDERR_FILENO + 1, ~0u) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	execvp(argv[0], argv);
	_exit(127);
}

/* All that it prints, until it closes its end; -ETIMEDOUT, -E2BIG. */
static int collect(int fd, char *ret, size_t size)
{
	const int64_t end = clock_ms() + ENGINE_MS;
	size_t n = 0;

	for (;;) {
		int64_t left = end - clock_ms();
		int r = left > 0 ? wait_readable(fd, (int)left) : 0;
		ssize_t got;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		got = read(fd, ret + n, size - 1 - n);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		n += got > 0 ? (size_t)got : 0;
		if (n == size - 1)
			return -E2BIG;
	}
	ret[n] = 0;
	return 0;
}

/* Runs a command and reads what it prints. -ESRCH where it fails, or is not there. */
static int command(char *const argv[], char *ret, size_t size)
{
	_cleanup_close_ int in = -1, out = -1;
	const pid_t self = getpid();
	int fds[2], status, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in = fds[0];
	out = fcntl(fds[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fds[1]);
	if (out < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(argv, out, self);
	close_fd(&out);
	r = collect(in, ret, size);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (r == 0 && status)
		r = -ESRCH;
	return r;
}

static int inspect(const char *engine, const char *word, struct engine_answer *ret)
{
	char *const argv[] = { (char *)engine,     (char *)"inspect",
			       (char *)"--type",   (char *)"container",
			       (char *)"--format", (char *)INSPECT,
			       (char *)word,       NULL };
	_cleanup_free_ char *text = malloc(ANSWER_MAX);
	int r = text ? command(argv, text, ANSWER_MAX) : -ENOMEM;

	if (r < 0)
		return r;
	return container_read_inspect(text, &ret->id, &ret->pid, ret->ports) ? 0 : -EBADMSG;
}

/* Of a command that prints the number of the first process. */
static int ask_pid(char *const argv[], const char *word, struct engine_answer *ret)
{
	char text[256];
	int r = command(argv, text, sizeof(text));

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = 0;
	ret->pid = 0;
	if (text[0] && parse_u32(text, 0, INT_MAX, &ret->pid) < 0)
		return -EBADMSG;
	snprintf(ret->id.name, sizeof(ret->id.name), "%s", word);
	return 0;
}

int engine_ask(enum container_engine engine, const char *word, struct engine_answer *ret)
{
	char *const machine[] = {
		(char *)"machinectl", (char *)"show",    (char *)word, (char *)"-p",
		(char *)"Leader",     (char *)"--value", NULL
	};
	char *const lxc[] = { (char *)"lxc-info", (char *)"-n", (char *)word,
			      (char *)"-p",       (char *)"-H", NULL };
	struct engine_answer a = { .id.user = CONTAINER_UID_NONE };
	int r = -ESRCH;

	if (engine == ENGINE_DOCKER || engine == ENGINE_PODMAN)
		r = inspect(container_engine_name(engine), word, &a);
	else if (engine == ENGINE_NSPAWN)
		r = ask_pid(machine, word, &a);
	else if (engine == ENGINE_LXC)
		r = ask_pid(lxc, word, &a);
	a.id.engine = engine;
	if (r == 0)
		*ret = a;
	return r;
}
