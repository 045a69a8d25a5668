/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface portal UPLINK: the login page of a network, in a browser of its own, in a session that
 * may use an uplink behind such a page. The browser is the child of a keeper, which removes its
 * profile when it has ended; the keeper is a child, so that it does so where this process is
 * killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/cli.h"
#include "dns/dns.h"
#include "launch/launch.h"
#include "launch/program.h"
#include "verbs/browser.h"
#include "verbs/verbs.h"

/* Made for this: it is never answered by TLS, which no login page can take the place of. */
#define NEUTRAL_URL "http://neverssl.com/"

#define DIRECTORY_MAX 160 /* of the profile's path */

/* What NetworkManager itself asks for, which a login page is known to answer. */
static void find_url(char ret[DNS_URL_MAX])
{
	struct dns dns;

	snprintf(ret, DNS_URL_MAX, "%s", NEUTRAL_URL);
	if (dns_open(&dns, "", NULL) < 0)
		return;
	dns_check_url(&dns, ret);
	dns_close(&dns);
}

/* --- the profile --------------------------------------------------------------------------- */

static int make_profile(char ret[DIRECTORY_MAX], struct err *err)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	const int n = snprintf(ret, DIRECTORY_MAX, "%s/via-iface-portal-XXXXXX",
			       base && base[0] == '/' ? base : "/tmp");

	if (n >= DIRECTORY_MAX)
		return err_set(err, ENAMETOOLONG, "make a profile for the browser in '%s'", base);
	if (!mkdtemp(ret))
		return err_errno(err, errno, "make a profile for the browser: %s", ret);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)at;
	return kind == FTW_DP ? rmdir(path) : unlink(path);
}

/* A browser's last processes may still write there. */
static int remove_profile(const char *path, struct err *err)
{
	int r = -1;

	for (int tries = 0; tries < 20 && r != 0; tries++) {
		if (tries)
			usleep(50000);
		r = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (r != 0 && errno == ENOENT && access(path, F_OK) < 0)
			return 0;
	}
	return r == 0 ? 0 : err_errno(err, errno, "remove the browser's profile '%s'", path);
}

/* --- the session --------------------------------------------------------------------------- */

/* In the child: becomes the browser. Returns an exit status when it could not. */
static int open_page(const struct words *w, const struct browser *b)
{
	/* the words of a run; what is outside plays no part: the instance has a profile of its own
	 */
	char *words[BROWSER_WORDS_MAX + 8] = { (char *)"",
					       (char *)"--no-proxy-env",
					       (char *)"--no-app-policy",
					       (char *)"--allow-handover",
					       (char *)w->v[0],
					       (char *)"--" };
	struct launch_options o;
	struct err err = { 0 };
	int n = 6;

	for (size_t i = 0; b->words[i]; i++)
		words[n++] = (char *)b->words[i];
	if (cli_parse_run(n, words, VERB_RUN, &o, &err) < 0)
		return program_fail(&err);
	copy_string(o.request.name, sizeof(o.request.name), "portal");
	o.request.flags |= SESSION_PORTAL | (w->lan ? SESSION_PORTAL_LAN : 0);
	return launch(&o, &(struct launch_target){ .netns = -1 });
}

/* Until that child has ended; a signal to this process is passed on to it. An exit status. */
static int wait_for(pid_t pid)
{
	int status = 0, number;
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (sigwait(&ending, &number) == 0 && number != SIGCHLD)
			kill(pid, number);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The keeper: the browser's parent, which removes the profile. Returns an exit status. */
static int keep(const struct words *w, const struct browser *b, const char *profile,
		const sigset_t *mask)
{
	struct err err = { 0 }, left = { 0 };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		_exit(open_page(w, b));
	}
	if (pid < 0)
		err_errno(&err, errno, "start the browser");
	status = pid < 0 ? program_fail(&err) : wait_for(pid);
	if (remove_profile(profile, &left) < 0)
		program_fail(&left);
	return status;
}

static int serve(const struct words *w, const struct browser *b, const char *profile,
		 struct err *err)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid == 0)
		_exit(keep(w, b, profile, &before));
	if (pid > 0)
		return wait_for(pid);
	err_errno(err, errno, "start the browser");
	remove_profile(profile, NULL);
	return program_fail(err);
}

static int read_uplink(int argc, char *argv[], struct words *ret, struct err *err)
{
	struct uplink_list list;
	int r = words_read(VERB_PORTAL, argc, argv, 1, ret, err);

	if (r == 0 && ret->n < 1)
		return words_usage(VERB_PORTAL, err);
	if (r == 0)
		r = uplink_list_parse(ret->v[0], &list, err);
	if (r == 0 && list.n > 1)
		return err_set(err, EINVAL, "open the login page of '%s': name one uplink",
			       ret->v[0]);
	return r;
}

int verb_portal(int argc, char *argv[])
{
	char profile[DIRECTORY_MAX], url[DNS_URL_MAX];
	struct browser browser = { 0 };
	struct err err = { 0 };
	struct words w;
	int status;
	int r = read_uplink(argc, argv, &w, &err);

	if (r == 0)
		r = make_profile(profile, &err);
	if (r < 0)
		return program_fail(&err);
	find_url(url);
	r = browser_find(w.browser, profile, url, &browser, &err);
	if (r == 0) {
		status = serve(&w, &browser, profile, &err);
	} else {
		status = program_fail(&err);
		remove_profile(profile, NULL);
	}
	browser_done(&browser);
	return status;
}
