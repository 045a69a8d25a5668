/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-ifaced [--linger SECONDS] [--late SECONDS] [--ask SECONDS] [--spare 0|1] [--ready FD]
 *            [--stay] [--supervise]
 * via-ifaced --start-socket --ready FD
 * via-ifaced --clear
 * via-ifaced --check
 *
 * Under a service manager it takes the socket that it is given (manager.h). With --supervise a
 * minimal parent stays, which only waits and starts the daemon again when it was killed or crashed:
 * for where there is no systemd. --scope and --start-socket are for root's launch
 * (launch/daemon.c), and ask systemd (unit.h).
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/util.h"
#include "config.h"
#include "daemon/descriptors.h"
#include "daemon/late.h"
#include "daemon/manager.h"
#include "daemon/policy.h"
#include "daemon/sandbox.h"
#include "daemon/server.h"
#include "daemon/unit.h"

#define LINGER_DEFAULT_S 2
#define ASK_DEFAULT_S    120
#define RESTARTS_MAX     100   /* in a row: a fault that starting it again does not cure */
#define LIVED_MS         60000 /* one that lived for longer is the first of a new row */

static pid_t child; /* the supervisor's, for its signal handler */

static void pass_on(int signal)
{
	if (child > 0)
		kill(child, signal);
}

/* A manager shows the log, and standard error in it. */
static int complain(const struct server_options *options, const struct err *err)
{
	log_line(LOG_ERR, "%s", err->text);
	if (options->ready_fd < 0 && options->socket_fd < 0)
		fprintf(stderr, "via-ifaced: %s\n", err->text);
	return 1;
}

static int serve(const struct server_options *options)
{
	struct err err = { 0 };

	if (server_run(options, &err) < 0)
		return complain(options, &err);
	return 0;
}

static int clear(const struct server_options *options)
{
	struct err err = { 0 };

	return server_clear(options, &err) < 0 ? complain(options, &err) : 0;
}

/* Every mistake of the access policy, a line each. */
static int check(const struct server_options *options)
{
	struct conf_mistakes mistakes = { 0 };
	int status;

	policy_mistakes(options->confdir, &mistakes);
	for (size_t i = 0; i < mistakes.n; i++)
		printf("%s\n", mistakes.v[i].text);
	status = mistakes.n ? 1 : 0;
	conf_mistakes_done(&mistakes);
	return status;
}

/* Who started us waits at the other end of that pipe: a newline is good news (launch/daemon.c). */
static int start_socket(int ready_fd)
{
	struct err err = { 0 };
	int r = unit_start_socket(&err);

	if (ready_fd >= 0)
		dprintf(ready_fd, "%s", r < 0 ? err.text : "\n");
	else if (r < 0)
		fprintf(stderr, "via-ifaced: %s\n", err.text);
	return r < 0;
}

static int supervise(struct server_options options)
{
	struct sigaction act = { .sa_handler = pass_on };

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	for (int i = 0; i < RESTARTS_MAX; i++) {
		struct timespec pause = { .tv_nsec = i > 3 ? 200000000 : 0 };
		int64_t started = clock_ms();
		int status;

		child = fork();
		if (child < 0)
			return 1;
		if (child == 0) {
			signal(SIGTERM, SIG_DFL);
			signal(SIGINT, SIG_DFL);
			_exit(serve(&options));
		}
		if (options.ready_fd >= 0)
			close(options.ready_fd); /* the first child's */
		options.ready_fd = -1;
		while (waitpid(child, &status, 0) < 0)
			if (errno != EINTR)
				return 1;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT)
			return 0;
		log_line(LOG_WARNING, "the daemon was ended by signal %d; starting it again",
			 WTERMSIG(status));
		nanosleep(&pause, NULL); /* a crash loop must not eat the machine */
		if (clock_ms() - started > LIVED_MS)
			i = 0;
	}
	log_line(LOG_ERR, "the daemon was ended %d times in a row; giving up", RESTARTS_MAX);
	return 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: via-ifaced [--linger SECONDS] [--late SECONDS] [--ask SECONDS] "
			"[--spare 0|1] [--ready FD] [--stay] [--supervise]\n"
			"       via-ifaced --clear\n"
			"       via-ifaced --check\n");
	return 2;
}

enum task {
	TASK_SERVE,
	TASK_SUPERVISE,
	TASK_SCOPE, /* supervise, in a scope of its own */
	TASK_SOCKET,
	TASK_CLEAR,
	TASK_CHECK,
	TASK_VERSION,
};

/* Returns 0, or -EINVAL when the command line cannot be understood. */
static int read_options(int argc, char *argv[], struct server_options *server, enum task *ret_task)
{
	static const struct option options[] = {
		{ "clear", no_argument, NULL, TASK_CLEAR },
		{ "supervise", no_argument, NULL, TASK_SUPERVISE },
		{ "scope", no_argument, NULL, TASK_SCOPE },
		{ "start-socket", no_argument, NULL, TASK_SOCKET },
		{ "version", no_argument, NULL, TASK_VERSION },
		{ "check", no_argument, NULL, TASK_CHECK },
		{ "linger", required_argument, NULL, 'l' },
		{ "late", required_argument, NULL, 't' },
		{ "ask", required_argument, NULL, 'a' },
		{ "ready", required_argument, NULL, 'r' },
		{ "spare", required_argument, NULL, 'n' },
		{ "stay", no_argument, NULL, 's' },
		{ 0 },
	};
	uint32_t number;
	int c, r = 0;

	*ret_task = TASK_SERVE;
	while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'l':
			r = parse_u32(optarg, 0, 86400, &number);
			server->linger_ms = r < 0 ? 0 : number * 1000;
			break;
		case 't':
			r = parse_u32(optarg, 0, 86400, &number);
			server->late_ms = r < 0 ? 0 : number * 1000;
			break;
		case 'a':
			r = parse_u32(optarg, 1, 3600, &number);
			server->ask_ms = r < 0 ? 0 : number * 1000;
			break;
		case 'r':
			r = parse_u32(optarg, 3, 1023, &number);
			server->ready_fd = r < 0 ? -1 : (int)number;
			break;
		case 'n':
			r = parse_u32(optarg, 0, 1, &number);
			server->spare = r == 0 && number;
			break;
		case 's':
			server->stay = true;
			break;
		case '?':
			r = -EINVAL;
			break;
		default:
			*ret_task = (enum task)c;
			break;
		}
	}
	return r < 0 || optind != argc ? -EINVAL : 0;
}

/*
 * An observation and a plan are large and short-lived. By default glibc takes from the first one
 * that is freed on such sizes from the heap, of which what lies below something else is never given
 * back (mallopt(3), M_MMAP_THRESHOLD). A limit that is set stays.
 */
static void return_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}

int main(int argc, char *argv[])
{
	struct server_options server = { .rundir = VIA_RUNDIR,
					 .confdir = VIA_SYSCONFDIR,
					 .linger_ms = LINGER_DEFAULT_S * 1000,
					 .late_ms = LATE_DEFAULT_S * 1000,
					 .ask_ms = ASK_DEFAULT_S * 1000,
					 .ready_fd = -1,
					 .socket_fd = -1 };
	struct err err = { 0 };
	enum task task;

	if (read_options(argc, argv, &server, &task) < 0)
		return usage();
	if (task == TASK_VERSION) {
		printf("via-ifaced %s\n", VIA_VERSION);
		return 0;
	}
	if (task == TASK_CHECK)
		return check(&server);
	if (task == TASK_SOCKET)
		return start_socket(server.ready_fd);
	descriptors_raise();
	return_memory();
	if (standard_files(&err) < 0 || (task == TASK_SCOPE && unit_leave(&err) < 0) ||
	    sandbox_capabilities(&err) < 0 || manager_socket(&server.socket_fd, &err) < 0) {
		if (server.ready_fd >= 0)
			dprintf(server.ready_fd, "%s", err.text);
		return complain(&server, &err);
	}
	if (task == TASK_CLEAR)
		return clear(&server);
	server.watchdog_ms = manager_watchdog_ms();
	return task == TASK_SUPERVISE || task == TASK_SCOPE ? supervise(server) : serve(&server);
}
