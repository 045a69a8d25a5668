/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_AMBIENT_H
#define VIA_LAUNCH_AMBIENT_H

#include "base/err.h"

/*
 * 0, unless the caller is not root and has ambient capabilities: via-iface-enter has a file
 * capability, and its exec would silently empty that set (capabilities(7)).
 */
int ambient_check(struct err *err);

#endif
