/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_PRINT_H
#define VIA_MODEL_PRINT_H

#include "base/strbuf.h"
#include "model/diff.h"

/*
 * Objects as command lines of ip(8), bridge(8), tc(8), nft(8) and sysctl(8) that a person can
 * paste into a shell. netns is the name under which `ip netns` knows the session; a port leads
 * into the session that its alias names.
 */

/* What makes the object; one line, or two where the tools need two, each with its newline. */
void print_add(struct strbuf *sb, const struct object *o, const char *netns);

/* What undoes it. Nothing for what goes together with something else: see print_goes_along(). */
void print_remove(struct strbuf *sb, const struct object *o, const char *netns);

/* True for an object whose removal is that of its table, link or netns. */
bool print_goes_along(const struct object *o);

#endif
