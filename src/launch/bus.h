/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_BUS_H
#define VIA_LAUNCH_BUS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "launch/handover.h"

/*
 * Message buses (D-Bus, AT-SPI, IBus) of the environment, for a program in another netns. An
 * abstract socket (unix(7)) belongs to a netns and cannot be reached from another one; a path
 * socket can. So xdg-dbus-proxy stands in between, outside, on a path.
 */

/* --- addresses: D-Bus specification, "Server Addresses"; pure ------------------------------ */

/* The value in "NAME=VALUE" when NAME is a variable that holds the address of a bus, else NULL. */
const char *bus_variable(const char *entry);

/*
 * Whether a list of addresses holds an abstract socket and nothing that is reached by a path:
 * clients try one address after the other. False for what is no list of addresses.
 */
bool bus_is_abstract(const char *addresses);

/* Adds the address of path; the guid is that of the list, when it names one server only. */
void bus_add_address(struct strbuf *sb, const char *path, const char *addresses);

/* --- the proxy: src/launch/bus_proxy.c -------------------------------------------------------- */

#define BUS_PROXY_PROGRAM "xdg-dbus-proxy"

/* The directory of the sockets; with "/bus" and a number it fits a struct sockaddr_un. */
#define BUS_DIR_MAX 92

/* The path of the socket that stands for the i-th address, and for NOTIFY_SOCKET. */
void bus_socket(const char *dir, size_t i, char ret[PATH_MAX]);
void bus_notify_socket(const char *dir, char ret[PATH_MAX]);

/*
 * Starts xdg-dbus-proxy for n lists of addresses, as the caller (or as user, when wanted), and
 * waits until it serves in *ret_dir, 2 s at most. A helper process, which is not a child of this
 * one, ends it and removes the directory when the session is over. The helper learns which
 * session that is by a uint32_t, its id, written to *ret_notify; the end of *ret_notify without
 * one means that the launch failed. The descriptor survives an exec.
 *
 * Where notify is not NULL, the helper passes on what is sent to bus_notify_socket() to that
 * abstract socket of NOTIFY_SOCKET (notify_relay.h); with n = 0 it does only that.
 *
 * -ENOENT: the program is not installed.
 */
int bus_proxy_start(const char *const addresses[], size_t n, const char *notify,
		    const struct handover_user *user, char ret_dir[BUS_DIR_MAX], int *ret_notify,
		    struct err *err);

#endif
