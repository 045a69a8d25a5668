/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sibling programs: where they are, and how they are started. */
#include "launch/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "config.h"
#include "ipc/sock.h"

#define READY_MS 10000
#define READY_FD 3

int program_fail(const struct err *err)
{
	fprintf(stderr, "via-iface: %s\n", err->text);
	return EXIT_VIA_FAILED;
}

int program_find(const char *name, char *ret, struct err *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = 0;
		slash = strrchr(self, '/');
		if (slash) {
			*slash = 0;
			if (snprintf(ret, PATH_MAX, "%s/%s", self, name) < PATH_MAX &&
			    access(ret, X_OK) == 0)
				return 0;
		}
	}
	snprintf(ret, PATH_MAX, "%s/%s", VIA_LIBEXECDIR, name);
	if (access(ret, X_OK) == 0)
		return 0;
	return err_set(err, errno,
		       "find '%s': it is neither beside via-iface nor at %s; install it", name,
		       ret);
}

int program_become(const char *path, char *const argv[], int argc, struct err *err)
{
	char **words = calloc((size_t)argc + 2, sizeof(*words));

	if (!words)
		return err_errno(err, ENOMEM, "start '%s'", path);
	words[0] = (char *)path;
	memcpy(words + 1, argv, (size_t)argc * sizeof(*argv));
	execv(path, words);
	err_errno(err, errno, "start '%s'", path);
	free(words);
	return -err->code;
}

void program_clean_environment(char *ret[8])
{
	static const char *const kept[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };
	size_t n = 0;

	ret[n++] = (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin";
#ifdef VIA_SANITIZED
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *value = getenv(kept[i]);
		char *text = NULL;

		if (value && asprintf(&text, "%s=%s", kept[i], value) > 0)
			ret[n++] = text;
	}
#else
	(void)kept;
#endif
	ret[n] = NULL;
}

/* In the grandchild: becomes the daemon. Only the pipe survives, as READY_FD. */
static void become_daemon(const char *path, int ready)
{
	char *argv[] = { (char *)"via-ifaced", (char *)"--supervise", (char *)"--ready",
			 (char *)"3", NULL };
	char *envp[8];
	sigset_t none;

	program_clean_environment(envp);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(ready, READY_FD) < 0 || close_range(READY_FD + 1, ~0u, 0) < 0)
		_exit(1);
	for (int fd = 0; fd < 3; fd++) {
		close(fd);
		if (open("/dev/null", O_RDWR) != fd)
			_exit(1);
	}
	umask(022);
	if (chdir("/") < 0)
		_exit(1);
	execve(path, argv, envp);
	dprintf(READY_FD, "start '%s': %s", path, strerror(errno));
	_exit(1);
}

/* Waits for the newline that means ready; anything else is the reason why not. */
static int await_ready(int fd, struct err *err)
{
	char text[ERR_TEXT_MAX];
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = poll(&p, 1, READY_MS);
		ssize_t got;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(
				err, ETIMEDOUT,
				"start the daemon: it was not ready within %d s; see its log",
				READY_MS / 1000);
		got = read(fd, text + len, sizeof(text) - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got > 0 && text[len] == '\n' && len == 0)
			return 0;
		if (got <= 0 || len + (size_t)got == sizeof(text) - 1)
			break;
		len += (size_t)got;
	}
	text[len] = 0;
	return err_set(err, ECHILD, "start the daemon: %s", len ? text : "it ended at once");
}

static int start_daemon(struct err *err)
{
	_cleanup_close_ int ready_read = -1, ready_write = -1;
	char path[PATH_MAX];
	int pipe_fds[2], r = program_find("via-ifaced", path, err);

	if (r < 0)
		return r;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	ready_read = pipe_fds[0];
	ready_write = pipe_fds[1];
	r = detach_fork();
	if (r < 0)
		return err_errno(err, -r, "start the daemon");
	if (r == 0)
		become_daemon(path, ready_write);
	close_fd(&ready_write);
	return await_ready(ready_read, err);
}

int program_start_daemon(struct err *err)
{
	struct err refused = { 0 };
	_cleanup_close_ int fd = sock_connect(VIA_RUNDIR "/socket", &refused);

	if (fd >= 0)
		return 0;
	if (fd != -ENOENT && fd != -ECONNREFUSED) {
		*err = refused;
		return fd;
	}
	if (geteuid() != 0) {
		err_set(err, ECONNREFUSED,
			"ask the daemon at " VIA_RUNDIR
			"/socket: it does not run, and only root may "
			"start it");
		return err_hint(err, "run via-iface with sudo");
	}
	return start_daemon(err);
}
