/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_RENAME_H
#define VIA_PLAN_RENAME_H

#include "model/facts.h"

/*
 * An uplink is a device, and the kernel knows a device by its number (ifindex), for as long as it
 * lives. Its name may change: udev(7) names cards late and exchanges their names, people rename
 * them. So between two looks all names are mapped at once, by the numbers: slots, sessions and the
 * words of their lists go with the device.
 *
 * A device that has gone is not followed. If a new one has its name, that is a candidate by its
 * word: it may be the same card, plugged in again. If one that was there all the time took the
 * name, it is somebody else's: the word then becomes the MAC address of the card that has gone.
 */
struct renames {
	struct rename {
		char from[IFNAMSIZ];
		struct uplink_list to; /* one word: a name, or mac:… of one that has gone */
	} * v;
	size_t n, size;
};

/*
 * What the devices were called in the facts of an earlier look, or where there was none (zeroed
 * facts) by the slots of the fresh ones, and are called now. Returns 0 or -ENOMEM.
 */
int renames_find(const struct facts *old, const struct facts *fresh, struct renames *ret);

/*
 * Renames slots, sessions and lists in the facts, and gives each slot the number of its device. A
 * slot whose device has gone and whose name another took is dropped, its sessions are blocked.
 */
void renames_apply(const struct renames *renames, struct facts *fresh);

void renames_done(struct renames *renames);

#define _cleanup_renames_ __attribute__((cleanup(renames_done)))

#endif
