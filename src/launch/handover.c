/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/handover.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/files.h"

static int read_all(int fd, void *bytes, size_t len, off_t at)
{
	char *to = bytes;

	while (len) {
		ssize_t n = pread(fd, to, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		to += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static void measure(char *const strings[], uint32_t *count, uint64_t *len)
{
	for (; *strings; strings++) {
		*len += strlen(*strings) + 1;
		++*count;
	}
}

static char *copy_strings(char *to, char *const strings[])
{
	for (; *strings; strings++)
		to = stpcpy(to, *strings) + 1;
	return to;
}

/* One buffer and one write: a call for each variable would cost more than the copy. */
static int write_it(int fd, const struct handover *h, char *const argv[], char *const envp[])
{
	size_t len = sizeof(*h) + (size_t)(h->argv_len + h->env_len);
	_cleanup_free_ char *bytes = malloc(len);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, h, sizeof(*h));
	copy_strings(copy_strings(bytes + sizeof(*h), argv), envp);
	return write_all(fd, bytes, len);
}

int handover_write(const struct handover *what, char *const argv[], char *const envp[],
		   struct err *err)
{
	struct handover h = { .magic = HANDOVER_MAGIC,
			      .version = MSG_VERSION,
			      .request = what->request,
			      .user = what->user,
			      .verbose = what->verbose,
			      .quiet = what->quiet,
			      .allow_sockets = what->allow_sockets,
			      .no_password = what->no_password,
			      .netns = what->netns,
			      .notify = what->notify,
			      .host_ports = what->host_ports,
			      .report = what->report };
	_cleanup_close_ int fd = -1;
	int death_signal = 0, r;

	measure(argv, &h.argc, &h.argv_len);
	measure(envp, &h.envc, &h.env_len);
	if (h.argv_len + h.env_len > HANDOVER_MAX)
		return err_errno(err, E2BIG, "hand over arguments and environment");
	if (prctl(PR_GET_PDEATHSIG, &death_signal) == 0)
		h.death_signal = death_signal;
	h.personality = (uint32_t)personality(0xffffffff);
	if (getrlimit(RLIMIT_STACK, &h.stack) < 0)
		return err_errno(err, errno, "read the stack limit");
	fd = memfd_create("via-iface", 0); /* inherited on purpose */
	if (fd < 0)
		return err_errno(err, errno, "make a memfd");
	r = write_it(fd, &h, argv, envp);
	if (r < 0)
		return err_errno(err, -r, "hand over arguments and environment");
	return steal_fd(&fd);
}

int handover_read(int fd, struct handover *ret, struct err *err)
{
	struct handover h;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "stat descriptor %d", fd);
	if (!S_ISREG(st.st_mode) || read_all(fd, &h, sizeof(h), 0) < 0 ||
	    (h.request.header.op != MSG_RUN && h.request.header.op != MSG_EXEC) ||
	    h.magic != HANDOVER_MAGIC || h.version != MSG_VERSION || h.argv_len > HANDOVER_MAX ||
	    h.env_len > HANDOVER_MAX || h.argv_len + h.env_len > HANDOVER_MAX || h.argc == 0 ||
	    h.argc > h.argv_len || h.envc > h.env_len || h.user.n_groups > HANDOVER_GROUPS_MAX ||
	    (uint64_t)st.st_size != sizeof(h) + h.argv_len + h.env_len)
		return err_set(err, EBADMSG, "descriptor %d is not from this version of via-iface",
			       fd);
	*ret = h;
	return 0;
}

/* Points at n terminated strings that fill len bytes exactly. */
static int split(char *bytes, uint64_t len, uint32_t n, char **strings)
{
	char *end = bytes + len;

	for (uint32_t i = 0; i < n; i++) {
		char *stop = memchr(bytes, 0, (size_t)(end - bytes));

		if (!stop)
			return -EBADMSG;
		strings[i] = bytes;
		bytes = stop + 1;
	}
	strings[n] = NULL;
	return bytes == end ? 0 : -EBADMSG;
}

int handover_read_strings(int fd, const struct handover *h, char ***ret_argv, char ***ret_envp,
			  char **ret_bytes, struct err *err)
{
	size_t len = (size_t)(h->argv_len + h->env_len);
	_cleanup_free_ char *bytes = malloc(len + 1);
	_cleanup_free_ char **argv = calloc((size_t)h->argc + 1, sizeof(*argv));
	_cleanup_free_ char **envp = calloc((size_t)h->envc + 1, sizeof(*envp));
	int r;

	if (!bytes || !argv || !envp)
		return err_errno(err, ENOMEM, "take over arguments and environment");
	r = read_all(fd, bytes, len, sizeof(*h));
	if (r == 0)
		r = split(bytes, h->argv_len, h->argc, argv);
	if (r == 0)
		r = split(bytes + h->argv_len, h->env_len, h->envc, envp);
	if (r < 0)
		return err_errno(err, -r, "take over arguments and environment");
	*ret_argv = steal_ptr(argv);
	*ret_envp = steal_ptr(envp);
	*ret_bytes = steal_ptr(bytes);
	return 0;
}

int handover_become_user(const struct handover_user *u, struct err *err)
{
	gid_t groups[HANDOVER_GROUPS_MAX];

	if (!u->wanted)
		return 0;
	for (uint32_t i = 0; i < u->n_groups; i++)
		groups[i] = u->groups[i];
	if (setgroups(u->n_groups, groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return err_errno(err, errno, "become uid %u", u->uid);
	return 0;
}
