/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/environment.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/strbuf.h"
#include "launch/binding.h"
#include "launch/bus.h"
#include "launch/probe.h"
#include "launch/program.h"
#include "launch/wrappers.h"
#include "model/session.h"

#define HOST_MAX     256
#define X11_PATH_MAX 32

static void __attribute__((format(printf, 2, 3)))
warn(const struct launch_options *o, const char *fmt, ...)
{
	struct err line = { 0 };
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (o->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&line, EIO, "warning: %s", text); /* one line, whatever a variable holds */
	print_error_line(line.text);
}

/* The length of NAME in "NAME=VALUE"; 0 when there is none. */
static size_t name_length(const char *entry)
{
	const char *equals = strchr(entry, '=');

	return equals ? (size_t)(equals - entry) : 0;
}

/* The first one counts, as for getenv(3). */
static const char *find_variable(char *const envp[], const char *name)
{
	size_t len = strlen(name);

	for (; *envp; envp++)
		if (name_length(*envp) == len && !strncmp(*envp, name, len))
			return *envp + len + 1;
	return NULL;
}

/* --- proxies of the environment -------------------------------------------------------------- */

bool proxy_variable(const char *entry)
{
	static const char *const names[] = {
		"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY",
	};
	size_t len = name_length(entry);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (len == strlen(names[i]) && !memcmp(entry, names[i], len))
			return true;
	return false;
}

/* The host of "[SCHEME://][USER[:PASSWORD]@]HOST[:PORT][/…]", without the brackets of IPv6. */
static bool copy_host(const char *value, char *host, size_t size)
{
	const char *at = strstr(value, "://");
	size_t len, n;

	if (at)
		value = at + 3;
	len = strcspn(value, "/?#");
	at = memrchr(value, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - value);
		value = at + 1;
	}
	if (*value == '[') {
		at = memchr(value, ']', len);
		if (!at)
			return false;
		n = (size_t)(at - ++value);
	} else {
		at = memchr(value, ':', len);
		n = at ? (size_t)(at - value) : len;
	}
	if (!n || n >= size)
		return false;
	memcpy(host, value, n);
	host[n] = 0;
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcasecmp(text + len - n, end);
}

/* RFC 6761 has "localhost" and all below it; connect(2) takes the unspecified address for us. */
static bool is_local(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_aton(host, &four)) /* as programs do: 127.1 is one, too */
		return (ntohl(four.s_addr) >> 24) == 127 || four.s_addr == 0;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six) ||
		       (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
	return !strcasecmp(host, "localhost") || !strcasecmp(host, "localhost.localdomain") ||
	       !strcasecmp(host, "ip6-localhost") || ends_with(host, ".localhost") ||
	       !strcasecmp(host, "localhost.");
}

bool proxy_is_local(const char *value, char *host, size_t size)
{
	return copy_host(value, host, size) && is_local(host);
}

static void warn_of_proxies(const struct launch_options *o, char *const envp[])
{
	_cleanup_strbuf_ struct strbuf names = { 0 };
	char host[HOST_MAX], first[HOST_MAX] = "";

	for (; *envp; envp++) {
		size_t len = name_length(*envp);

		if (!proxy_variable(*envp) || !strncasecmp(*envp, "no_proxy=", 9) ||
		    !proxy_is_local(*envp + len + 1, host, sizeof(host)))
			continue;
		strbuf_add(&names, "%s%.*s", names.len ? ", " : "", (int)len, *envp);
		if (!first[0])
			memcpy(first, host, sizeof(first));
	}
	if (names.len)
		warn(o,
		     "the proxy of %s is at '%s', this host itself, which cannot be reached from "
		     "inside; with --no-proxy-env the program does without",
		     strbuf_text(&names), first);
}

/* --- the display ------------------------------------------------------------------------------ */

bool display_is_tcp(const char *display)
{
	const char *colon = strrchr(display, ':');
	size_t len = colon ? (size_t)(colon - display) : 0;

	/* ":0", "unix:0", "unix/host:0", "/path:0" are sockets of this host (libxcb, parse.c) */
	return len && display[0] != '/' && !(len == 4 && !strncmp(display, "unix", 4)) &&
	       strncmp(display, "unix/", 5) != 0 && strncmp(display, "unix:", 5) != 0;
}

bool display_number(const char *display, unsigned int *ret)
{
	char *end;
	unsigned long n;

	if (!strncmp(display, "unix:", 5))
		display += 4;
	if (display[0] != ':' || !isdigit((unsigned char)display[1]))
		return false;
	n = strtoul(display + 1, &end, 10);
	if ((*end && *end != '.') || n > UINT16_MAX)
		return false;
	*ret = (unsigned int)n;
	return true;
}

/* Whether something listens at @/tmp/.X11-unix/X<NUMBER>, and there is no path of that name. */
static bool display_is_abstract(const char *display, char path[X11_PATH_MAX])
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	unsigned int number;
	size_t len;

	if (!display_number(display, &number))
		return false;
	len = (size_t)snprintf(path, X11_PATH_MAX, "/tmp/.X11-unix/X%u", number);
	if (access(path, F_OK) == 0)
		return false;
	memcpy(at.sun_path + 1, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd >= 0 &&
	       connect(fd, (struct sockaddr *)&at,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) == 0;
}

static void warn_of_display(const struct launch_options *o, char *const envp[])
{
	const char *display = find_variable(envp, "DISPLAY");
	char path[X11_PATH_MAX];

	if (display && display_is_abstract(display, path))
		warn(o,
		     "DISPLAY is '%s', whose server listens on the abstract socket '@%s' alone, "
		     "which "
		     "cannot be reached from inside: programs will open no window there; start the "
		     "server without `-nolisten unix`",
		     display, path);

	if (display && display_is_tcp(display))
		warn(o,
		     "DISPLAY is '%s', a display by TCP as `ssh -X` gives it, which cannot be "
		     "reached "
		     "from inside: programs will open no window there",
		     display);
}

/* --- where it is told to bind --------------------------------------------------------------------
 */

static void warn_of_bindings(const struct launch_options *o)
{
	const struct uplink_list *list = &o->request.uplinks;
	char text[UPLINK_LIST_TEXT_MAX];
	const char *uplinks = list->n ? uplink_list_format(list, text) : "the session's uplink";
	char *const *argv = o->program;
	struct binding b;

	for (size_t i = 0; i < WRAPPERS_MAX && argv; i++, argv = wrapper_behind(argv)) {
		size_t at = 0;

		while (!wrapper_behind(argv) && binding_next(argv, &at, &b)) {
			const bool apart = !b.option[b.option_len];

			if (b.address ? !binding_is_of_host(b.value)
				      : !uplink_list_has(list, b.value))
				continue;
			warn(o, "%s: %s '%s': %s; leave out `%s%s%s`: all traffic leaves by %s",
			     program_base_name(argv[0]), b.address ? "address" : "device", b.value,
			     b.address ? "it is the host's, and nothing can be bound to it inside"
				       : "its list of devices has eth0 alone inside",
			     b.option, apart ? " " : "", apart ? b.value : "", uplinks);
		}
	}
}

/* --- other abstract sockets ------------------------------------------------------------------- */

/* "local/HOST:@/tmp/.ICE-unix/7,unix/HOST:/tmp/.ICE-unix/7": one of them is enough. */
static bool all_abstract(const char *addresses)
{
	for (size_t len; *addresses; addresses += len + (addresses[len] == ',')) {
		const char *colon;

		len = strcspn(addresses, ",");
		colon = memchr(addresses, ':', len);
		if (len && (!colon || colon[1] != '@'))
			return false;
	}
	return true;
}

bool abstract_variable(const char *entry)
{
	if (!strncmp(entry, "NOTIFY_SOCKET=", 14))
		return entry[14] == '@';
	return !strncmp(entry, "SESSION_MANAGER=", 16) && entry[16] && all_abstract(entry + 16);
}

static void warn_of_abstract(const struct launch_options *o, char *const envp[])
{
	for (; *envp; envp++)
		if (abstract_variable(*envp))
			warn(o,
			     "%.*s is an abstract socket, which cannot be reached from inside: the "
			     "program does without",
			     (int)name_length(*envp), *envp);
}

/* --- buses ------------------------------------------------------------------------------------ */

/* Lists of addresses that need a proxy, each once. Borrowed from the environment. */
struct buses {
	const char **v;
	size_t n;
};

static size_t find_bus(const struct buses *b, const char *addresses)
{
	size_t i = 0;

	while (i < b->n && strcmp(b->v[i], addresses) != 0)
		i++;
	return i;
}

static const char *abstract_bus(const char *entry)
{
	const char *addresses = bus_variable(entry);

	return addresses && bus_is_abstract(addresses) ? addresses : NULL;
}

/* Replaces the addresses of abstract sockets by those of the proxy's sockets. */
static int replace_buses(struct environment *s, const struct buses *b, const char *dir)
{
	for (char **entry = s->envp; *entry; entry++) {
		const char *addresses = abstract_bus(*entry);
		_cleanup_strbuf_ struct strbuf text = { 0 };
		char path[PATH_MAX];

		if (!addresses)
			continue;
		bus_socket(dir, find_bus(b, addresses), path);
		strbuf_add_bytes(&text, *entry, (size_t)(addresses - *entry));
		bus_add_address(&text, path, addresses);
		if (strbuf_failed(&text))
			return -ENOMEM;
		*entry = s->made[s->n_made++] = steal_ptr(text.text);
	}
	return 0;
}

/* Where NOTIFY_SOCKET leads to an abstract socket (sd_notify(3)), that one; else NULL. */
static const char *abstract_notify(char *const envp[])
{
	const char *address = find_variable(envp, "NOTIFY_SOCKET");

	return address && address[0] == '@' && address[1] ? address : NULL;
}

static int replace_notify(struct environment *s, const char *dir)
{
	char path[PATH_MAX];

	bus_notify_socket(dir, path);
	for (char **entry = s->envp; *entry; entry++) {
		if (strncmp(*entry, "NOTIFY_SOCKET=", 14) != 0)
			continue;
		if (asprintf(&s->made[s->n_made], "NOTIFY_SOCKET=%s", path) < 0)
			return -ENOMEM;
		*entry = s->made[s->n_made++];
	}
	return 0;
}

/* Each list of addresses of an abstract socket once; *ret_first is the variable of the first. */
static void find_buses(char *const envp[], struct buses *ret, const char **ret_first)
{
	for (; *envp; envp++) {
		const char *bus = abstract_bus(*envp);

		if (bus && find_bus(ret, bus) == ret->n)
			ret->v[ret->n++] = bus;
		if (bus && !*ret_first)
			*ret_first = *envp;
	}
}

/*
 * One helper for both. Where it cannot serve the buses, it does without them; what is not served
 * then is warned of.
 */
static int prepare_sockets(const struct launch_options *o, const struct handover_user *user,
			   struct environment *s, size_t n)
{
	_cleanup_free_ const char **addresses = calloc(n + 1, sizeof(*addresses));
	const char *notify = abstract_notify(s->envp), *first = NULL;
	struct buses b = { .v = addresses };
	char dir[BUS_DIR_MAX];
	struct err err = { 0 };
	int r;

	s->made = calloc(n + 1, sizeof(*s->made));
	if (!addresses || !s->made)
		return -ENOMEM;
	find_buses(s->envp, &b, &first);
	if (!first && !notify)
		return 0;
	r = bus_proxy_start(addresses, b.n, notify, user, dir, &s->notify, &err);
	if (r < 0 && first) {
		warn(o, "%.*s is an abstract socket, which cannot be reached from inside: %s%s",
		     (int)name_length(first), first, err.text,
		     r == -ENOENT ? "; install the package " BUS_PROXY_PROGRAM : "");
		b.n = 0;
		if (notify)
			r = bus_proxy_start(addresses, 0, notify, user, dir, &s->notify, &err);
	}
	if (r < 0) /* NOTIFY_SOCKET is as it was, and is warned of with other such sockets */
		return 0;
	r = b.n ? replace_buses(s, &b, dir) : 0;
	return r == 0 && notify ? replace_notify(s, dir) : r;
}

/* --- the prober ------------------------------------------------------------------------------- */

/* There is one descriptor for the session's id: the prober passes it on to the bus helper. */
static int prepare_probe(const struct launch_options *o, struct environment *s, struct err *err)
{
	int notify, r;

	if (!o->probe)
		return 0;
	r = probe_start(o->probe, s->notify, &notify, err);
	if (r < 0)
		return r;
	close_fd(&s->notify);
	s->notify = notify;
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

int environment_prepare(const struct launch_options *o, const struct handover_user *user,
			struct environment *ret, struct err *err)
{
	struct environment s = { .notify = -1 };
	size_t n = 0, kept = 0;

	while (environ[n])
		n++;
	s.envp = calloc(n + 1, sizeof(*s.envp));
	if (!s.envp)
		return err_errno(err, ENOMEM, "hand over the environment");
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], REPORT_VARIABLE "=", sizeof(REPORT_VARIABLE)) != 0 &&
		    (!o->no_proxy_env || !proxy_variable(environ[i])))
			s.envp[kept++] = environ[i];
	if (prepare_sockets(o, user, &s, kept) < 0) {
		environment_done(&s);
		return err_errno(err, ENOMEM, "hand over the environment");
	}
	if (prepare_probe(o, &s, err) < 0) {
		environment_done(&s);
		return -err->code;
	}
	*ret = s;
	return 0;
}

/*
 * A service that was restarted is visible in sessions from which it was hidden, and they ask it
 * from then on (verbs/masks.h). The check is made only where there is such a service.
 */
static void warn_of_masks(void)
{
	char path[PATH_MAX], *argv[] = { path, (char *)"warnings", NULL };
	struct err ignored = { 0 };
	pid_t pid;
	int status;

	if (access("/run/nscd", F_OK) < 0 || program_find("via-iface-verbs", path, &ignored) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		execv(path, argv);
		_exit(EXIT_VIA_NOT_EXEC);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

void environment_warn(const struct environment *s, const struct launch_options *o,
		      const struct err *outside)
{
	if (o->quiet)
		return;
	warn_of_display(o, s->envp);
	warn_of_abstract(o, s->envp);
	warn_of_bindings(o);
	warn_of_proxies(o, s->envp);
	if (outside->code)
		warn(o, "%s", outside->text);
	warn_of_masks();
}

void environment_done(struct environment *s)
{
	for (size_t i = 0; i < s->n_made; i++)
		free(s->made[i]);
	free(s->made);
	free(s->envp);
	close_fd(&s->notify);
	*s = (struct environment){ .notify = -1 };
}
