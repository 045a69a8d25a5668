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
#include "base/files.h"
#include "base/parse.h"
#include "config.h"
#include "ipc/sock.h"

int program_report(void)
{
	const char *text = getenv(REPORT_VARIABLE);
	struct stat st;
	uint32_t fd;

	if (!text || parse_u32(text, 3, INT_MAX, &fd) < 0 || fstat((int)fd, &st) < 0 ||
	    !S_ISFIFO(st.st_mode))
		return -1;
	return (int)fd;
}

int program_fail(const struct err *err)
{
	int report = program_report();

	print_error_line(err->text);
	if (report >= 0)
		(void)write_without_sigpipe(report, err->text, strlen(err->text));
	return EXIT_VIA_FAILED;
}

int program_finish(int status)
{
	struct err err = { 0 };

	/* EPIPE: the reader has ended. That is what SIGPIPE is for, which a caller may ignore */
	if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE || standard_output_closed())
		return status;
	err_errno(&err, errno, "write to standard output");
	return program_fail(&err);
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
