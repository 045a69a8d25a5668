/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_ENVIRONMENT_H
#define VIA_LAUNCH_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "launch/handover.h"
#include "launch/launch.h"

/*
 * The environment of a program (environ(7)) that is to run in another netns: addresses of buses, of
 * the display, of a proxy. What cannot be reached from there is said in a warning.
 */
struct environment {
	char **envp; /* what is handed over; ends with NULL */
	int notify;  /* for struct handover: who wants to know the session's id; or -1 */
	char **made; /* those strings of envp that are ours; the others are the environment's */
	size_t n_made;
};

/*
 * For a launch that is about to happen, of o->program as user (when wanted): the environment, in
 * its order and with its duplicates, but for what must change. May start xdg-dbus-proxy or a relay
 * for NOTIFY_SOCKET (launch/bus.h), and wait for it: a daemon without a session does not wait that
 * long, so this comes before it is started. Where there is no proxy, a warning says so, unless
 * o->quiet. With o->probe it starts a prober as well (launch/probe.h).
 */
int environment_prepare(const struct launch_options *o, const struct handover_user *user,
			struct environment *ret, struct err *err);
void environment_done(struct environment *s);

/*
 * Warns on standard error of all else that will not be as it is here, unless o->quiet; outside is
 * what outside_find_server() told, or empty.
 */
void environment_warn(const struct environment *s, const struct launch_options *o,
		      const struct err *outside);

/* --- pure parts ----------------------------------------------------------------------------- */

/* Whether "NAME=VALUE" sets a proxy, or where none is used (no_proxy); upper or lower case. */
bool proxy_variable(const char *entry);

/*
 * Whether the value of a proxy variable names a host that is this one: "localhost" and its kin,
 * or a loopback address. Its host goes to host, which is size bytes, when it fits.
 */
bool proxy_is_local(const char *value, char *host, size_t size);

/* Whether a value of DISPLAY is one of TCP ("localhost:10.0"), and no local socket. */
bool display_is_tcp(const char *display);

/*
 * The number of a display whose sockets are /tmp/.X11-unix/X<NUMBER> and the abstract one of the
 * same name: ":5", ":5.0", "unix:5" (libxcb, parse.c). False for all others.
 */
bool display_number(const char *display, unsigned int *ret);

/*
 * Whether "NAME=VALUE" leads to an abstract socket and nowhere else: NOTIFY_SOCKET=@…
 * (sd_notify(3)), SESSION_MANAGER=local/HOST:@… without an address that has a path (libICE).
 */
bool abstract_variable(const char *entry);

#endif
