/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stopwatch ROUNDS PAUSE-MS COMMAND… :: COMMAND… [:: …]
 *
 * Runs the commands in turn, ROUNDS times, and prints a line for each round: the nanoseconds from
 * before each one's start to its end. The pause lets the kernel take the last netns down.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define COMMANDS_MAX 8

extern char **environ;

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static long long take_time(char **command)
{
	long long start = now();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, command[0], NULL, NULL, command, environ) != 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? now() - start : -1;
}

int main(int argc, char *argv[])
{
	char **commands[COMMANDS_MAX];
	size_t n = 0;

	if (argc < 4)
		return 2;
	commands[n++] = argv + 3;
	for (int i = 4; i < argc && n < COMMANDS_MAX; i++)
		if (!strcmp(argv[i], "::")) {
			argv[i] = NULL;
			commands[n++] = argv + i + 1;
		}
	for (long round = atol(argv[1]); round > 0; round--)
		for (size_t i = 0; i < n; i++) {
			long pause_ms = atol(argv[2]);
			const struct timespec pause = { .tv_sec = pause_ms / 1000,
							.tv_nsec = pause_ms % 1000 * 1000000 };

			printf("%lld%c", take_time(commands[i]), i + 1 < n ? ' ' : '\n');
			nanosleep(&pause, NULL);
		}
	return 0;
}
