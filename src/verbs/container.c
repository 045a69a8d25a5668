/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process table shows containers to everybody: by the cgroup that an engine puts a container's
 * processes in, and by conmon(8), which Podman starts for each. Both are texts that a user may make
 * up for processes of their own. So they only lead to a process; that its netns is the caller's own
 * is asked of the kernel (container_open()).
 */
#include "verbs/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "verbs/engine.h"
#include "verbs/processes.h"

#define TEXT_MAX 8192

struct found {
	struct container_id id;
	int pid; /* 0: all of it is in the caller's netns */
	uint64_t start;
};

struct table {
	struct {
		struct found *v;
		size_t n, size;
	} containers;
	struct {
		struct conmon {
			struct container_id id;
			int pid;
		} * v;
		size_t n, size;
	} conmons;
};

static void table_done(struct table *t)
{
	VEC_DONE(&t->containers);
	VEC_DONE(&t->conmons);
}

/* --- one process --------------------------------------------------------------------------- */

static ssize_t proc_text(int pid, const char *name, char ret[TEXT_MAX])
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return file_start(AT_FDCWD, path, 0, ret, TEXT_MAX);
}

static bool of_cgroup(int pid, struct container_id *ret)
{
	char text[TEXT_MAX];

	return proc_text(pid, "cgroup", text) > 0 && container_of_cgroup(text, ret);
}

static bool of_conmon(int pid, struct container_id *ret)
{
	char text[TEXT_MAX], path[24];
	ssize_t n = proc_text(pid, "cmdline", text);
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	if (n <= 0 || !container_of_conmon(text, (size_t)n, ret) || stat(path, &st) < 0)
		return false;
	ret->user = st.st_uid;
	return true;
}

bool container_of_process(pid_t pid, struct container_id *ret)
{
	struct container_id conmon;
	char name[16];
	int parent;

	if (of_cgroup(pid, ret)) {
		if (!ret->name[0] && process_read(pid, &parent, name) &&
		    of_conmon(parent, &conmon) && !strcmp(conmon.id, ret->id))
			memcpy(ret->name, conmon.name, sizeof(ret->name));
		return true;
	}
	return process_read(pid, &parent, name) && of_conmon(parent, ret);
}

/* --- the process table --------------------------------------------------------------------- */

static bool same(const struct container_id *x, const struct container_id *y)
{
	if (x->id[0] || y->id[0])
		return !strcmp(x->id, y->id);
	return x->engine == y->engine && !strcmp(x->name, y->name);
}

/* A process of that container: of all that are not in the caller's netns the first one counts. */
static int note(struct table *t, const struct container_id *id, int pid, uint64_t own)
{
	uint64_t netns = process_netns(pid), start = 0;
	struct found *f = NULL;

	for (size_t i = 0; i < t->containers.n && !f; i++)
		if (same(&t->containers.v[i].id, id))
			f = &t->containers.v[i];
	if (!f) {
		f = VEC_PUSH(&t->containers);
		if (!f)
			return -ENOMEM;
		f->id = *id;
	}
	if (netns == own || !process_started(pid, &start))
		return 0;
	if (!f->pid || start < f->start) {
		f->pid = pid;
		f->start = start;
		memcpy(f->id.group, id->group, sizeof(f->id.group));
	}
	return 0;
}

static int note_process(struct table *t, int pid, uint64_t own)
{
	struct container_id id;
	struct conmon *c;

	if (of_cgroup(pid, &id))
		return note(t, &id, pid, own);
	if (!of_conmon(pid, &id))
		return 0;
	c = VEC_PUSH(&t->conmons);
	if (!c)
		return -ENOMEM;
	*c = (struct conmon){ id, pid };
	return 0;
}

/* Names, and containers without a cgroup of their own, of which conmon is the parent. */
static int merge_conmons(struct table *t, const struct processes *p, uint64_t own)
{
	for (size_t i = 0; i < t->conmons.n; i++) {
		const struct conmon *c = &t->conmons.v[i];
		bool known = false;
		char name[16];
		int parent, r = 0;

		for (size_t j = 0; j < t->containers.n; j++) {
			struct container_id *id = &t->containers.v[j].id;

			if (strcmp(id->id, c->id.id) != 0 || c->id.user != geteuid())
				continue;
			memcpy(id->name, c->id.name, sizeof(id->name));
			known = true;
		}
		for (size_t j = 0; j < p->n && !known && r == 0; j++)
			if (process_read(p->v[j].pid, &parent, name) && parent == c->pid)
				r = note(t, &c->id, p->v[j].pid, own);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_table(struct table *ret, struct err *err)
{
	_cleanup_processes_ struct processes p = { 0 };
	const uint64_t own = process_netns(getpid());
	int r = processes_find(&p, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < p.n && r == 0; i++)
		r = note_process(ret, p.v[i].pid, own);
	if (r == 0)
		r = merge_conmons(ret, &p, own);
	return r < 0 ? err_errno(err, -r, "find containers in /proc") : 0;
}

/* --- the one that is meant ----------------------------------------------------------------- */

/* What the command line says, and what was found. */
struct search {
	const char *word;
	enum container_engine engine; /* ENGINE_NONE: any */
	struct table table;
	struct found one;
	struct engine_answer answer;
	size_t n;
	uint32_t foreign; /* a uid, where another user's is called so */
	struct strbuf all;
};

static bool is_foreign(const struct container_id *id)
{
	return id->user != CONTAINER_UID_NONE && id->user != geteuid();
}

static void add(struct search *s, const struct found *f)
{
	char title[CONTAINER_NAME_MAX];

	strbuf_add(&s->all, "%s%s:%s", s->n ? ", " : "", container_engine_name(f->id.engine),
		   f->id.id[0] ? f->id.id : container_title(&f->id, title));
	s->n++;
	s->one = *f;
}

static void search_table(struct search *s)
{
	for (size_t i = 0; i < s->table.containers.n; i++) {
		const struct found *f = &s->table.containers.v[i];

		if (!container_is(&f->id, s->word) ||
		    (s->engine && f->id.engine != s->engine && f->id.engine != ENGINE_OTHER))
			continue;
		if (is_foreign(&f->id))
			s->foreign = f->id.user;
		else
			add(s, f);
	}
}

/* `docker` would start its daemon, where nothing of it runs yet (docker.socket). */
static bool may_run(const struct search *s, enum container_engine engine)
{
	for (size_t i = 0; i < s->table.containers.n; i++) {
		enum container_engine has = s->table.containers.v[i].id.engine;

		if (has == engine || has == ENGINE_OTHER)
			return true;
	}
	return engine != ENGINE_DOCKER || s->engine == engine;
}

/* Where the process table has the container of that id, it knows the first process of it. */
static void add_answer(struct search *s, const struct engine_answer *a)
{
	struct found f = { .id = a->id, .pid = (int)a->pid };

	for (size_t i = 0; i < s->table.containers.n; i++) {
		const struct found *in = &s->table.containers.v[i];

		if (!a->id.id[0] || strcmp(in->id.id, a->id.id) != 0)
			continue;
		f = *in;
		f.id.engine = a->id.engine;
		memcpy(f.id.name, a->id.name, sizeof(f.id.name));
	}
	s->answer = *a;
	add(s, &f);
}

static void search_engines(struct search *s)
{
	struct engine_answer a;

	for (enum container_engine e = ENGINE_DOCKER; e < ENGINE_OTHER; e++)
		if ((!s->engine || s->engine == e) && may_run(s, e) &&
		    engine_ask(e, s->word, &a) == 0)
			add_answer(s, &a);
}

/* Name and ports of a container that was found by its id, where its engine tells them. */
static void complete(struct search *s)
{
	struct container_id *id = &s->one.id;
	struct engine_answer a;

	if (s->answer.id.id[0] || !id->id[0])
		return;
	for (enum container_engine e = ENGINE_DOCKER; e <= ENGINE_PODMAN; e++) {
		if ((id->engine != e && id->engine != ENGINE_OTHER) || !may_run(s, e) ||
		    engine_ask(e, id->id, &a) < 0 || strcmp(a.id.id, id->id) != 0)
			continue;
		id->engine = e;
		memcpy(id->name, a.id.name, sizeof(id->name));
		s->answer = a;
		return;
	}
}

static int none(const struct search *s, struct err *err)
{
	if (s->foreign) {
		err_set(err, EPERM, "use container '%s': it belongs to uid %" PRIu32, s->word,
			s->foreign);
		return err_hint(err, "only who runs it may, as that user");
	}
	err_set(err, ESRCH, "find container '%s': none of that name or id runs", s->word);
	return err_hint(err, "say --pid PID where its engine is another one");
}

static int decide(const struct search *s, struct err *err)
{
	if (s->n == 0)
		return none(s, err);
	if (s->n > 1) {
		err_set(err, EEXIST, "find container '%s': several are called so: %s", s->word,
			strbuf_text(&s->all));
		return err_hint(err, "say one of these in its place");
	}
	if (s->one.pid)
		return 0;
	if (s->answer.id.engine && !s->answer.pid)
		return err_set(err, ESRCH, "use container '%s': it does not run", s->word);
	err_set(err, EINVAL, "use container '%s': it has no network namespace of its own", s->word);
	return err_hint(err, "it was started with the host's network; start it with another one");
}

static int search(struct search *s, struct err *err)
{
	const char *colon = strchr(s->word, ':');
	int r;

	if (colon) {
		s->engine = container_engine_find(s->word, (size_t)(colon - s->word));
		if (!s->engine && strncmp(s->word, "container:", 10) != 0)
			return err_set(err, EINVAL,
				       "invalid --container '%.60s': before ':' it is docker, "
				       "podman, lxc or nspawn",
				       s->word);
		s->word = colon + 1;
	}
	if (!container_word_valid(s->word))
		return err_set(err, EINVAL, "invalid --container '%.60s': it is a name or an id",
			       s->word);
	r = read_table(&s->table, err);
	if (r < 0)
		return r;
	search_table(s);
	if (!s->n)
		search_engines(s);
	r = decide(s, err);
	if (r == 0)
		complete(s);
	return r;
}

int container_find(const char *word, struct container *ret, struct err *err)
{
	struct search s = { .word = word };
	int r = search(&s, err);

	if (r == 0) {
		*ret = (struct container){ .id = s.one.id, .pid = s.one.pid };
		memcpy(ret->ports, s.answer.ports, sizeof(ret->ports));
	}
	table_done(&s.table);
	strbuf_done(&s.all);
	return r;
}

void container_each(void (*take)(const struct container_id *id, void *arg), void *arg)
{
	struct table t = { 0 };
	struct err ignored = { 0 };

	if (read_table(&t, &ignored) == 0)
		for (size_t i = 0; i < t.containers.n; i++)
			if (!is_foreign(&t.containers.v[i].id))
				take(&t.containers.v[i].id, arg);
	table_done(&t);
}

/* --- after a restart ----------------------------------------------------------------------- */

#define DEPTH_MAX 8 /* of cgroups below a container's own */

struct again {
	const struct container *of;
	uint64_t own;
	struct found first;
};

static void take_processes(struct again *a, int dir)
{
	_cleanup_close_ int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	struct container_id id;
	uint64_t start;
	int pid;

	if (!f)
		return;
	(void)steal_fd(&fd); /* f closes it */
	while (fscanf(f, "%d", &pid) == 1)
		if (pid > 0 && process_netns(pid) != a->own && process_started(pid, &start) &&
		    (!a->first.pid || start < a->first.start) && of_cgroup(pid, &id) &&
		    same(&id, &a->of->id))
			a->first = (struct found){ .pid = pid, .start = start };
	fclose(f);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX */
static void take_group(struct again *a, int fd, int depth)
{
	const struct dirent *e;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	take_processes(a, dirfd(dir));
	while (depth < DEPTH_MAX && (e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			take_group(a,
				   openat(dirfd(dir), e->d_name,
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				   depth + 1);
	closedir(dir);
}

int container_again(struct container *c, const char *unified)
{
	struct again a = { .of = c, .own = process_netns(getpid()) };
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s", unified, c->id.group) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	take_group(&a, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	if (!a.first.pid)
		return -ESRCH;
	c->pid = a.first.pid;
	return 0;
}

/* --- its netns ----------------------------------------------------------------------------- */

/*
 * Whether the process is still the container's. A container without a cgroup that says which one it
 * is has its engine asked once more: what it answers now is of a process that was open before.
 */
static bool is_of(const struct container *c)
{
	struct container_id now;
	struct engine_answer a;

	if (container_of_process(c->pid, &now))
		return same(&now, &c->id);
	return engine_ask(c->id.engine, c->id.id[0] ? c->id.id : c->id.name, &a) == 0 &&
	       (pid_t)a.pid == c->pid && same(&a.id, &c->id);
}

/* root, too, is to use containers of its own alone by this way: a name is anybody's to take. */
static int check_owner(const char *title, int netns, struct err *err)
{
	_cleanup_close_ int userns = ioctl(netns, NS_GET_USERNS);
	uid_t owner;

	if (userns < 0 || ioctl(userns, NS_GET_OWNER_UID, &owner) < 0)
		return err_errno(err, errno, "use container '%s': ask whose its netns is", title);
	if (owner == geteuid())
		return 0;
	err_set(err, EPERM, "use container '%s': it belongs to uid %u", title, owner);
	return err_hint(err, "only who runs it may, as that user");
}

int container_open(const struct container *c, int *ret_netns, int *ret_process, struct err *err)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, c->pid, 0u);
	struct pollfd ended = { .fd = process, .events = POLLIN };
	_cleanup_close_ int netns = -1;
	char title[CONTAINER_NAME_MAX], path[40];
	int r;

	container_title(&c->id, title);
	if (process < 0)
		return err_errno(err, errno, "use container '%s': find its process %d", title,
				 c->pid);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", c->pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0) {
		err_errno(err, errno, "open the netns of container '%s' (process %d)", title,
			  c->pid);
		return err->code == EACCES ? err_hint(err, "it must be yours; try as root")
					   : -err->code;
	}
	if (!is_of(c))
		return err_set(err, ESRCH,
			       "use container '%s': process %d is not its own, or no longer", title,
			       c->pid);
	r = check_owner(title, netns, err);
	if (r < 0)
		return r;
	if (poll(&ended, 1, 0) != 0)
		return err_set(err, ESRCH, "use container '%s': it has ended", title);
	*ret_netns = steal_fd(&netns);
	*ret_process = steal_fd(&process);
	return 0;
}
