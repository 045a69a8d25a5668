/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_FAKE_HOST_H
#define VIA_TESTS_FAKE_HOST_H

/* A daemon's host state on the fake kernel, and what tests ask of it. */

#include "fake_kernel.h"

extern struct host_state fake_host;

/* Before and after each test (cmocka_unit_test_setup_teardown()). */
int fake_host_set_up(void **state);
int fake_host_tear_down(void **state);

/* A session by the list; its id, or a negative errno. */
int fake_host_run(const char *uplinks, const char *name);
int fake_host_run_with(const char *uplinks, const char *name, uint32_t flags);

/* One healing, which does not fail. */
void fake_host_heal(void);

/* Heals until nothing differs; where no session is left, clears the host as a daemon that exits. */
void fake_host_converges(void);

/* All but the links is gone, and the daemon knows only that something happened. */
void fake_host_lose_all(void);

bool fake_host_has_link(const char *name);

/* Whether nothing of a session is let through: it has no port, or its packets get no slot. */
bool fake_host_is_blocked(uint32_t id);

#endif
