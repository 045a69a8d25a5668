/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stopwatch ROUNDS PAUSE-MS COMMAND… :: COMMAND… [:: …]
 *
 * Runs each command ROUNDS times, in another order each round, and prints a line for each round:
 * the nanoseconds from before each one's start to its end, in the order given. The kernel takes
 * the netns of the one before down meanwhile, in as far as the pause does not cover it; with a
 * random order that befalls all alike.
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

static void shuffle(size_t order[], size_t n)
{
	for (size_t i = n; i-- > 1;) {
		size_t j = (size_t)rand() % (i + 1), other = order[j];

		order[j] = order[i];
		order[i] = other;
	}
}

int main(int argc, char *argv[])
{
	size_t order[COMMANDS_MAX] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	long long took[COMMANDS_MAX];
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
	for (long round = atol(argv[1]); round > 0; round--) {
		long pause_ms = atol(argv[2]);
		const struct timespec pause = { .tv_sec = pause_ms / 1000,
						.tv_nsec = pause_ms % 1000 * 1000000 };

		shuffle(order, n);
		for (size_t i = 0; i < n; i++) {
			took[order[i]] = take_time(commands[order[i]]);
			nanosleep(&pause, NULL);
		}
		for (size_t i = 0; i < n; i++)
			printf("%lld%c", took[i], i + 1 < n ? ' ' : '\n');
	}
	return 0;
}
