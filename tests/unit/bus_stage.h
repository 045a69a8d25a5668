/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TEST_BUS_STAGE_H
#define VIA_TEST_BUS_STAGE_H

/*
 * A system bus of a test's own, below its directory (fds.h: dir_new()), and on it a child that
 * plays services. The child takes one-letter orders and answers each with a letter.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "dns/dns.h"

struct stage_fake {
	sd_bus_message_handler_t answer;        /* to every call, below "/" */
	void (*obey)(sd_bus *bus, char letter); /* but 'h', which makes it mute, yet alive */
};

bool stage_make_dirs(void); /* where the bus's socket will be */

/* The bus, and a child that has obeyed the letters; skips the test where there is no dbus-daemon.
 */
void stage(const struct stage_fake *fake, const char *letters);
void stage_start_fake(const struct stage_fake *fake);
void stage_order(const char *letters);
void stage_hang_up(void);   /* the child ends by itself, when it hears of it */
void stage_stop_fake(void); /* kills it */
void stage_stop_bus(void);

sd_bus *stage_connect(void);
void stage_emit(sd_bus *bus, const char *destination, const char *path, const char *interface,
		const char *property);

/* The servers with spaces between; borrowed until the next call. */
const char *stage_join(const struct fact_dns *dns);
/* Takes events until one counts; false when none does within ms. */
bool stage_changed(struct dns *dns, int64_t ms);

/* What most tests here have: a host with those links, and what asks for its name servers. */
extern struct dns sources;
extern struct facts facts;

/* What is waited for will come; what a service is given, unless a test says otherwise. */
#define WAIT_MS  10000
#define QUICK_MS 300  /* what the daemon gives it */
#define SOON_MS  200  /* what was given up before takes less */
#define BOUND_MS 5000 /* what is given up now takes less, on a slow machine */

int stage_setup(void **state, const char *const *links, size_t n);
int stage_teardown(void **state);

/* That the link has just those servers and domains, by that source. */
void stage_link_has(const char *name, const char *source, const char *servers, const char *domains);
/* That it has neither server nor gateway, and the error says why. Returns how many ms it took. */
int64_t stage_link_has_none(const char *name, const char *why);

/* The least of five times: the machine may be busy with something else. */
int64_t stage_soon_has_none(const char *name, const char *why);
/* That its gateways are those, "" for none; gateway6 may be NULL: whatever it is. */
void stage_leads(const char *name, const char *gateway, const char *gateway6);

#endif
