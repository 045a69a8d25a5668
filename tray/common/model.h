/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_MODEL_H
#define VIA_TRAY_COMMON_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What `via-iface … --json` has told: sessions, uplinks, and how fast bytes go. Pure: no GTK, no
 * clock, no input or output. Text that does not fit is cut; it is only shown.
 */

#define TRAY_HISTORY 60 /* rates kept of a session, one for each look at the counters */

enum tray_state {
	TRAY_UP,
	TRAY_BLOCKED,
	TRAY_PAUSED,
	TRAY_CLOSING,
	TRAY_STATE_COUNT,
};

struct tray_rates {
	double rx[TRAY_HISTORY], tx[TRAY_HISTORY]; /* bytes a second, the oldest first */
	size_t n;
};

struct tray_session {
	uint32_t id;
	char name[40];
	char uplink[16];   /* in use, or the last one that was; "" while none ever was seen */
	char uplinks[160]; /* the list as it was asked for, as `move` takes it; "" unknown */
	enum tray_state state;
	char reason[120]; /* why it is not up, in English */
	char user[40];
	uint32_t uid;
	bool listed; /* user, uid, uplinks and bytes are known */
	int64_t since;
	uint64_t rx_bytes, tx_bytes;
	int64_t counted_ms; /* when these were read; 0: never */
	struct tray_rates rates;
	char told_uplink[16]; /* by the last line of `status --follow` */
};

struct tray_uplink {
	char name[16];
	char kind[16]; /* wifi, ethernet, wwan, vpn, other */
	char ssid[40];
	char address[64]; /* the first one */
	bool usable;
	char reason[120]; /* why it is not */
};

struct tray_sessions {
	struct tray_session *v;
	size_t n, size;
};

struct tray_uplinks {
	struct tray_uplink *v;
	size_t n, size;
};

struct model {
	struct tray_sessions sessions; /* by their numbers */
	struct tray_uplinks uplinks;
};

void model_done(struct model *m);

/* Forgets the sessions: those who told of them start anew. */
void model_forget(struct model *m);

const struct tray_session *model_session(const struct model *m, uint32_t id);

/*
 * Takes what `list --json` and `uplinks --json` printed; now_ms is any clock that only goes on. Two
 * looks at the counters that lie no more than TRAY_RATE_MS apart make a rate. Returns 0, -EINVAL
 * when the text is something else (nothing has changed then), or -ENOMEM.
 */
#define TRAY_RATE_MS 3000
int model_take_list(struct model *m, const char *text, int64_t now_ms);
int model_take_uplinks(struct model *m, const char *text);

/* What a line of `status --follow --json` means to somebody who is not looking. */
enum news_kind {
	NEWS_NONE,    /* came, or of no importance */
	NEWS_BLOCKED, /* it lost its last way out */
	NEWS_PAUSED,
	NEWS_FREE,  /* it is no longer blocked, or paused */
	NEWS_MOVED, /* it goes by another uplink */
	NEWS_ENDED,
};

struct news {
	enum news_kind kind;
	uint32_t id;
	char name[40];
	char uplink[16], before[16]; /* of NEWS_MOVED: the new one and the old one */
	char reason[120];
	bool paused; /* as it is now */
};

/* Takes one such line. Returns 0, -EINVAL when it is something else, or -ENOMEM. */
int model_take_line(struct model *m, const char *line, struct news *ret);

/* The latest rates in bytes a second. False: not known yet. */
bool tray_rate(const struct tray_session *s, double *ret_rx, double *ret_tx);

/* Is the uplink the one that the session goes by? */
bool tray_goes_by(const struct tray_session *s, const struct tray_uplink *u);

/* An uplink as a word of a list, in which a comma is written "\,". */
#define TRAY_WORD_MAX 32
void tray_uplink_word(const struct tray_uplink *u, char ret[TRAY_WORD_MAX]);

/* What all sessions together look like. */
enum tray_status {
	STATUS_NORMAL,  /* nothing goes by a session */
	STATUS_ACTIVE,  /* one is up */
	STATUS_BLOCKED, /* one is blocked */
};
enum tray_status model_status(const struct model *m);

/* May this user change the session? The daemon has the last word. */
bool tray_may_change(const struct tray_session *s, uint32_t uid);

#endif
