/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_NAME_H
#define VIA_LAUNCH_NAME_H

#include <stdint.h>

#include "model/request.h"

/*
 * For a request whose name the caller gave: sets SESSION_NAME_GIVEN, and SESSION_NAME_AGAIN when
 * sessions of that name and of that uid are there and no process is left in them. The aliases of
 * ports in /sys/class/net tell which there are, /proc what runs in them.
 */
void name_claim(struct request *r, uint32_t uid);

/*
 * For a request that publishes ports: sets SESSION_PORTS_AGAIN when sessions of that uid publish
 * one of them and no process is left in those.
 */
void ports_claim(struct request *r, uint32_t uid);

#endif
