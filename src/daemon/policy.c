/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/conf.h"
#include "base/files.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "base/util.h"
#include "base/vec.h"
#include "model/session.h"

#define MAIN_FILE "access.conf"
#define DROP_INS  "access.d"

/* What holds where there is no access.conf; policies/access.conf says the same. */
static const char built_in[] = "[@active, %netdev, %sudo, %wheel]\n"
			       "uplinks = *\n";

/* --- one file's text ----------------------------------------------------------------------- */

struct parser {
	struct access_policy *to;
	size_t section_first; /* the section's rules go from here to the last one */
};

/* An id of a database, or -errno of its failure; ret is untouched when there is no such entry. */
static int look_up(const char *name, bool group, uint32_t *ret, bool *ret_known)
{
	const struct group *gr = NULL;
	const struct passwd *pw = NULL;

	errno = 0;
	if (group)
		gr = getgrnam(name);
	else
		pw = getpwnam(name);
	*ret_known = gr || pw;
	if (gr)
		*ret = gr->gr_gid;
	else if (pw)
		*ret = pw->pw_uid;
	else if (errno != 0 && errno != ENOENT && errno != ESRCH && errno != EBADF &&
		 errno != EPERM) /* getpwnam(3): these mean that there is none, too */
		return -errno;
	return 0;
}

static int resolve(struct conf *c, struct access_rule *r, const char *name)
{
	bool group = r->who == ACCESS_GROUP;
	int found;

	if (name[0] == '#') {
		if (parse_u32(name + 1, 0, UINT32_MAX - 1, &r->id) < 0)
			return CONF_COMPLAIN(c, r->line, "'%s': behind # stands a number", r->name);
		r->known = true;
		return 0;
	}
	found = look_up(name, group, &r->id, &r->known);
	if (found < 0)
		return c->r = err_errno(c->err, -found, "%s:%u: look up %s '%s'", c->file, r->line,
					group ? "group" : "user", name);
	return 0;
}

static int add_rule(struct conf *c, const char *who)
{
	struct access_policy *to = ((struct parser *)c->to)->to;
	struct access_rule *r = to->n < POLICY_RULES_MAX ? VEC_PUSH(to) : NULL;

	if (!r)
		return CONF_COMPLAIN(c, c->line, "there are more than %u rules", POLICY_RULES_MAX);
	r->line = c->line;
	r->lan = r->host_access = r->attach = true;
	r->sessions = ACCESS_SESSIONS_DEFAULT;
	r->share = r->host_port = true;
	if (strcmp(who, "*") != 0)
		r->publish[0] = (struct port_range){ ACCESS_PUBLISH_FIRST, UINT16_MAX };
	r->uplinks[0] = '*';
	if (copy_string(r->file, sizeof(r->file), c->file) < 0)
		return CONF_COMPLAIN(c, c->line, "the file's name is too long");
	if (copy_string(r->name, sizeof(r->name), who) < 0)
		return CONF_COMPLAIN(c, c->line, "'%s' is longer than %d bytes", who,
				     ACCESS_NAME_MAX - 1);
	if (!strcmp(who, "*")) {
		r->who = ACCESS_ANYBODY;
	} else if (!strcmp(who, "@active")) {
		r->who = ACCESS_ACTIVE;
	} else if (who[0] == '@') {
		return CONF_COMPLAIN(c, c->line, "'%s' is not known; there is only @active", who);
	} else if (!who[0] || !strcmp(who, "%") || strpbrk(who, "*?[]\"")) {
		return CONF_COMPLAIN(c, c->line, "'%s' is neither a user, a %%group, @active nor *",
				     who);
	} else {
		r->who = who[0] == '%' ? ACCESS_GROUP : ACCESS_USER;
		return resolve(c, r, who + (who[0] == '%'));
	}
	return 0;
}

/* "[alice, %netdev]": one rule for each. */
static int begin_section(struct conf *c, char *text)
{
	struct parser *p = c->to;
	char *rest = text, *who;

	p->section_first = p->to->n;
	while (c->r == 0 && (who = strsep(&rest, ",")))
		add_rule(c, conf_trim(who));
	return c->r;
}

/* --- keys ---------------------------------------------------------------------------------- */

static const char *set_uplinks(struct access_rule *r, const char *value)
{
	char list[ACCESS_GLOBS_MAX], globs[ACCESS_GLOBS_MAX + 1] = "", *rest = list, *one;
	size_t len = 0;

	if (copy_string(list, sizeof(list), value) < 0)
		return "the list is too long; write a second file or wider patterns";
	while ((one = strsep(&rest, CONF_BLANKS ","))) {
		size_t n = strlen(one);

		if (!n)
			continue;
		if (strpbrk(one, "/\"\\#;=") || (strchr(one, '[') && !strchr(one, ']')) ||
		    (strchr(one, ':') && strncmp(one, "ssid:", 5) != 0 &&
		     strncmp(one, "mac:", 4) != 0))
			return "each must be an interface name, wifi, ethernet, wwan, vpn, "
			       "ssid:NAME, mac:ADDRESS, or a pattern for some with * ? [ ]";
		memcpy(globs + len, one, n + 1); /* never longer than what it is taken from */
		len += n + 1;
	}
	memcpy(r->uplinks, globs, sizeof(globs));
	return len ? NULL : "no uplink is named; 'sessions = 0' refuses all";
}

static const char *set_lan(struct access_rule *r, const char *value)
{
	return conf_set_bool(&r->lan, value);
}

static const char *set_host_access(struct access_rule *r, const char *value)
{
	return conf_set_bool(&r->host_access, value);
}

static const char *set_attach(struct access_rule *r, const char *value)
{
	return conf_set_bool(&r->attach, value);
}

static const char *set_share(struct access_rule *r, const char *value)
{
	return conf_set_bool(&r->share, value);
}

static const char *set_host_port(struct access_rule *r, const char *value)
{
	return conf_set_bool(&r->host_port, value);
}

static const char *set_publish(struct access_rule *r, const char *value)
{
	char list[ACCESS_GLOBS_MAX], *rest = list, *one, *last;
	uint32_t v[2];
	size_t n = 0;

	memset(r->publish, 0, sizeof(r->publish));
	if (!strcmp(value, "no"))
		return NULL;
	_Static_assert(ACCESS_PUBLISH_MAX == 8, "the text below");
	if (copy_string(list, sizeof(list), value) < 0)
		return "the list is too long";
	while ((one = strsep(&rest, CONF_BLANKS ","))) {
		if (!*one)
			continue;
		last = strchr(one, '-');
		if (last)
			*last++ = 0;
		if (n == ACCESS_PUBLISH_MAX || parse_u32(one, 1, UINT16_MAX, &v[0]) < 0 ||
		    parse_u32(last ? last : one, v[0], UINT16_MAX, &v[1]) < 0)
			return "it is no, or ports and ranges of ports such as 1024-65535, 8 at "
			       "most";
		r->publish[n++] = (struct port_range){ (uint16_t)v[0], (uint16_t)v[1] };
	}
	return n ? NULL : "no port is named; 'publish = no' forbids it";
}

static const char *set_capture(struct access_rule *r, const char *value)
{
	bool may = false;
	const char *wrong = conf_set_bool(&may, value);

	r->capture = may ? ACCESS_CAPTURE_YES : ACCESS_CAPTURE_NO;
	return wrong;
}

static const char *set_sessions(struct access_rule *r, const char *value)
{
	_Static_assert(ACCESS_SESSIONS_MAX == 1020, "the text below");
	return parse_u32(value, 0, ACCESS_SESSIONS_MAX, &r->sessions) < 0
		       ? "it is a number from 0 to 1020"
		       : NULL;
}

static const char *set_connections(struct access_rule *r, const char *value)
{
	_Static_assert(SESSION_CONNECTIONS_MAX == 65536, "the text below");
	return parse_u32(value, 16, SESSION_CONNECTIONS_MAX, &r->connections) < 0
		       ? "it is a number from 16 to 65536"
		       : NULL;
}

static const char *set_rate(struct access_rule *r, const char *value)
{
	return rate_limits_read(value, &r->rates);
}

static const char *const keys[] = { "uplinks",  "lan",         "host-access", "attach",
				    "sessions", "connections", "share",       "host-port",
				    "capture",  "rate",        "publish",     NULL };
static const char *(*const setters[])(struct access_rule *r, const char *value) = {
	set_uplinks, set_lan,       set_host_access, set_attach, set_sessions, set_connections,
	set_share,   set_host_port, set_capture,     set_rate,   set_publish,
};
_Static_assert(ARRAY_SIZE(keys) == ARRAY_SIZE(setters) + 1, "one for each");

static const char *take_value(struct conf *c, size_t key, const char *value)
{
	struct parser *p = c->to;
	const char *wrong = NULL;

	for (size_t i = p->section_first; i < p->to->n && !wrong; i++)
		wrong = setters[key](&p->to->v[i], value);
	return wrong;
}

static int parse(const char *text, size_t len, const char *file, struct access_policy *to,
		 struct conf_mistakes *mistakes, struct err *err)
{
	static const struct conf_format format = {
		.section = "[WHO]",
		.example = "uplinks = *",
		.keys = keys,
		.begin = begin_section,
		.take = take_value,
	};
	struct parser p = { .to = to };
	struct conf c = {
		.format = &format, .file = file, .to = &p, .err = err, .mistakes = mistakes
	};

	return conf_read(&c, text, len);
}

int policy_parse(const char *text, size_t len, const char *file, struct access_policy *to,
		 struct err *err)
{
	return parse(text, len, file, to, NULL, err);
}

/* --- files --------------------------------------------------------------------------------- */

/* Only root, or who we are, may be able to write it. */
static int check_owner(const struct stat *st, const char *path, struct err *err)
{
	_cleanup_strbuf_ struct strbuf word = { 0 };

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		err_set(err, EPERM, "trust '%s': it belongs to uid %u", path, st->st_uid);
		return err_hint(err, "`chown root: %s`", strbuf_word(&word, path));
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		err_set(err, EPERM, "trust '%s': %s may write it", path,
			st->st_mode & S_IWOTH ? "everybody" : "its group");
		return err_hint(err, "`chmod go-w %s`", strbuf_word(&word, path));
	}
	return 0;
}

/* What is read into, and all mistakes; mistakes is NULL where the first one ends reading. */
struct load {
	struct access_policy *to;
	struct conf_mistakes *mistakes;
};

/* Where all mistakes are wanted, the next file is read all the same. */
static int passed_over(const struct load *l, int r, const struct err *err)
{
	if (r >= 0 || !l->mistakes)
		return r;
	conf_mistakes_add(l->mistakes, err);
	return 0;
}

/* Returns 1 when it was read, 0 when it is not there. */
static int read_file(const char *path, const struct load *l, struct err *err)
{
	/* not a link that leads elsewhere, and no FIFO that is waited for */
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t len;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno == ELOOP)
		return err_set(err, ELOOP, "read '%s': it is a symbolic link; put the file there",
			       path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "read '%s': it is no regular file", path);
	r = check_owner(&st, path, err);
	if (r < 0)
		return r;
	text = malloc(POLICY_FILE_BYTES_MAX + 1);
	if (!text)
		return err_errno(err, ENOMEM, "read '%s'", path);
	len = read_up_to(fd, text, POLICY_FILE_BYTES_MAX + 1);
	if (len < 0)
		return err_errno(err, (int)-len, "read '%s'", path);
	if (len > (ssize_t)POLICY_FILE_BYTES_MAX)
		return err_set(err, EFBIG, "read '%s': it is larger than %u bytes", path,
			       POLICY_FILE_BYTES_MAX);
	r = parse(text, (size_t)len, path, l->to, l->mistakes, err);
	return r < 0 && !l->mistakes ? r : 1;
}

static int load_file(const char *path, const struct load *l, struct err *err)
{
	return passed_over(l, read_file(path, l, err), err);
}

/* Returns 1 for a directory to be trusted, 0 when it is not there. */
static int check_dir(const char *path, struct err *err)
{
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "read the directory '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "read the directory '%s': it is no directory", path);
	r = check_owner(&st, path, err);
	return r < 0 ? r : 1;
}

static int take_drop_in(const char *path, void *arg, struct err *err)
{
	return load_file(path, arg, err);
}

static int load_all(const char *dir, const struct load *l, struct err *err)
{
	struct access_policy *to = l->to;
	char path[PATH_MAX];
	int r = check_dir(dir, err), own = 0;

	snprintf(path, sizeof(path), "%s/" MAIN_FILE, dir);
	if (r > 0)
		r = own = load_file(path, l, err);
	if (r < 0)
		return r;
	snprintf(to->where, sizeof(to->where),
		 own ? "%.*s" : "the built-in policy (there is no %.*s)", ACCESS_FILE_MAX - 1,
		 path);
	if (!own)
		r = policy_parse(built_in, strlen(built_in), "built-in policy", to, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/" DROP_INS, dir);
	snprintf(to->drop_ins, sizeof(to->drop_ins), "%.*s", ACCESS_FILE_MAX - 1, path);
	r = check_dir(path, err);
	return r > 0 ? each_file(path, POLICY_FILES_MAX, is_conf_file, take_drop_in, (void *)l, err)
		     : r;
}

void policy_mistakes(const char *dir, struct conf_mistakes *ret)
{
	struct access_policy rules = { 0 };
	struct err err = { 0 };

	if (load_all(dir, &(struct load){ &rules, ret }, &err) < 0)
		conf_mistakes_add(ret, &err);
	access_policy_done(&rules);
}

void policy_load(const char *dir, struct access_policy *ret)
{
	struct access_policy fresh = { 0 };
	struct err err = { 0 };

	if (load_all(dir, &(struct load){ .to = &fresh }, &err) < 0) {
		access_policy_done(&fresh);
		fresh.broken = err;
	}
	*ret = fresh;
}

/* --- changes ------------------------------------------------------------------------------- */

static int mark(const char *path, void *arg, struct err *err)
{
	uint64_t *h = arg;
	struct stat st;

	(void)err;
	*h = hash_bytes(*h, path, strlen(path) + 1);
	if (lstat(path, &st) < 0)
		return 0;
	*h = hash_bytes(*h, &st.st_dev, sizeof(st.st_dev));
	*h = hash_bytes(*h, &st.st_ino, sizeof(st.st_ino));
	*h = hash_bytes(*h, &st.st_size, sizeof(st.st_size));
	*h = hash_bytes(*h, &st.st_mtim, sizeof(st.st_mtim));
	*h = hash_bytes(*h, &st.st_ctim, sizeof(st.st_ctim)); /* owner and mode, too */
	return 0;
}

const struct access_policy *policy_now(struct policy *p)
{
	static const char *const databases[] = { "/etc/passwd", "/etc/group" };
	uint64_t h = HASH_START;
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(databases); i++)
		mark(databases[i], &h, NULL);
	mark(p->dir, &h, NULL);
	snprintf(path, sizeof(path), "%s/" MAIN_FILE, p->dir);
	mark(path, &h, NULL);
	snprintf(path, sizeof(path), "%s/" DROP_INS, p->dir);
	mark(path, &h, NULL);
	each_file(path, POLICY_FILES_MAX, is_conf_file, mark, &h, NULL);
	/* a broken one is tried again: it may have been the user database that failed */
	if (!p->loaded || p->seen != h || p->access.broken.code) {
		access_policy_done(&p->access);
		policy_load(p->dir, &p->access);
		p->loaded = true;
		p->seen = h;
	}
	return &p->access;
}

void policy_done(struct policy *p)
{
	access_policy_done(&p->access);
	p->loaded = false;
}
