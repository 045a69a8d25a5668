/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memfd that enter reads: the struct, then arguments and environment as byte ranges. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "launch/handover.h"

/* Each string lies in the bytes, terminated. */
static void inside(char **strings, uint32_t n, const char *from, const char *to)
{
	for (uint32_t i = 0; i < n; i++) {
		must(strings[i] >= from && strings[i] < to);
		must(strnlen(strings[i], (size_t)(to - strings[i])) < (size_t)(to - strings[i]));
	}
	must(!strings[n]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char **argv = NULL, **envp = NULL, *bytes = NULL;
	struct handover h;
	struct err err = { 0 };
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, 0) == 0);
	must(pwrite(fd, data, size, 0) == (ssize_t)size);
	must(lseek(fd, 0, SEEK_SET) == 0);
	if (handover_read(fd, &h, &err) < 0) {
		must(err.code != 0);
		return 0;
	}
	must(h.user.n_groups <= HANDOVER_GROUPS_MAX);
	if (handover_read_strings(fd, &h, &argv, &envp, &bytes, &err) == 0) {
		const char *end = bytes + h.argv_len + h.env_len;

		must(h.argv_len + h.env_len <= size);
		inside(argv, h.argc, bytes, end);
		inside(envp, h.envc, bytes, end);
	} else {
		must(!argv && !envp && !bytes);
	}
	free(argv);
	free(envp);
	free(bytes);
	return 0;
}
