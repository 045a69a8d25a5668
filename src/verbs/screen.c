/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/screen.h"

#include <errno.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The other screen and no cursor; a cursor and the first screen (DECSET 1049, 25). */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

/* A background process that changes the terminal's mode is stopped (SIGTTOU), as any other. */
static void enter(struct screen *s)
{
	struct termios mode;

	s->keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &s->before) == 0;
	if (s->keys) {
		mode = s->before;
		mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		mode.c_cc[VMIN] = 0;
		mode.c_cc[VTIME] = 0;
		s->keys = tcsetattr(STDIN_FILENO, TCSANOW, &mode) == 0;
	}
	fputs(ENTER, stdout);
	fflush(stdout);
}

static void leave(struct screen *s)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	if (s->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
}

int screen_open(struct screen *s, struct err *err)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH };
	sigset_t set;

	*s = (struct screen){ .signals = -1 };
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_BLOCK, &set, &s->mask) < 0)
		return err_errno(err, errno, "wait for signals");
	s->open = true;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0) {
		err_errno(err, errno, "wait for signals");
		sigprocmask(SIG_SETMASK, &s->mask, NULL);
		s->open = false;
		return -err->code;
	}
	enter(s);
	return 0;
}

void screen_close(struct screen *s)
{
	if (!s->open)
		return;
	leave(s);
	close_fd(&s->signals);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	s->open = false;
}

int screen_signals(const struct screen *s, int *ret_keys)
{
	*ret_keys = s->keys ? STDIN_FILENO : -1;
	return s->signals;
}

/* Ends as without us: the shell sees by which signal. */
static void end_by(struct screen *s, int number)
{
	screen_close(s);
	signal(number, SIG_DFL);
	raise(number);
	_exit(128 + number); /* it was blocked by who started us */
}

static enum screen_event take_signal(struct screen *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return SCREEN_NOTHING;
	switch (info.ssi_signo) {
	case SIGINT:
		return SCREEN_END;
	case SIGTSTP:
		leave(s);
		raise(SIGSTOP);
		enter(s);
		return SCREEN_DRAW;
	case SIGWINCH:
	case SIGCONT:
		return SCREEN_DRAW;
	default:
		end_by(s, (int)info.ssi_signo);
		return SCREEN_END;
	}
}

static enum screen_event take_keys(void)
{
	char keys[64];
	const ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	for (ssize_t i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q')
			return SCREEN_END;
	return n < 0 && errno != EINTR && errno != EAGAIN ? SCREEN_END : SCREEN_NOTHING;
}

enum screen_event screen_take(struct screen *s, bool keys)
{
	return keys ? take_keys() : take_signal(s);
}
