/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-ifaced [--linger SECONDS] [--ask SECONDS] [--ready FD] [--supervise]
 *
 * With --supervise a minimal parent stays, which only waits and starts the daemon again when it
 * was killed or crashed: for where there is no systemd.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "config.h"
#include "daemon/server.h"

#define LINGER_DEFAULT_S 2
#define ASK_DEFAULT_S    120
#define RESTARTS_MAX     100 /* more than that is a fault that restarting does not cure */

static pid_t child; /* the supervisor's, for its signal handler */

static void pass_on(int signal)
{
	if (child > 0)
		kill(child, signal);
}

static int serve(const struct server_options *options)
{
	struct err err = { 0 };

	openlog("via-ifaced", LOG_PID, LOG_DAEMON);
	if (server_run(options, &err) < 0) {
		syslog(LOG_ERR, "%s", err.text);
		if (options->ready_fd < 0)
			fprintf(stderr, "via-ifaced: %s\n", err.text);
		return 1;
	}
	return 0;
}

static int supervise(struct server_options options)
{
	struct sigaction act = { .sa_handler = pass_on };

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	for (int i = 0; i < RESTARTS_MAX; i++) {
		struct timespec pause = { .tv_nsec = i > 3 ? 200000000 : 0 };
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
		nanosleep(&pause, NULL); /* a crash loop must not eat the machine */
	}
	return 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: via-ifaced [--linger SECONDS] [--ask SECONDS] [--ready FD] "
			"[--supervise]\n");
	return 2;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "linger", required_argument, NULL, 'l' }, { "ask", required_argument, NULL, 'a' },
		{ "ready", required_argument, NULL, 'r' },  { "supervise", no_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },      { 0 },
	};
	struct server_options server = { .rundir = VIA_RUNDIR,
					 .confdir = VIA_SYSCONFDIR,
					 .linger_ms = LINGER_DEFAULT_S * 1000,
					 .ask_ms = ASK_DEFAULT_S * 1000,
					 .ready_fd = -1 };
	uint32_t number;
	int supervised = 0, c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'l':
			if (parse_u32(optarg, 0, 86400, &number) < 0)
				return usage();
			server.linger_ms = number * 1000;
			break;
		case 'a':
			if (parse_u32(optarg, 1, 3600, &number) < 0)
				return usage();
			server.ask_ms = number * 1000;
			break;
		case 'r':
			if (parse_u32(optarg, 3, 1023, &number) < 0)
				return usage();
			server.ready_fd = (int)number;
			break;
		case 's':
			supervised = 1;
			break;
		case 'V':
			printf("via-ifaced %s\n", VIA_VERSION);
			return 0;
		default:
			return usage();
		}
	}
	if (optind != argc)
		return usage();
	return supervised ? supervise(server) : serve(&server);
}
