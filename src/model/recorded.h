/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_RECORDED_H
#define VIA_MODEL_RECORDED_H

#include "model/facts.h"

/*
 * Slots and sessions are recorded in objects of ours: slots in the nftables set "uplinks" and in
 * the routes of their tables, sessions in the aliases of their ports. Reads both into facts whose
 * links and objects have been observed. Returns 0 or -ENOMEM.
 */
int recorded_find(struct facts *f);

/*
 * The session that an observed link is the port of, as its alias tells: the name of its uplink is
 * that of the time when the alias was written. False where it is no port of ours.
 */
bool recorded_session(const struct fact_link *l, struct session *ret);

#endif
