/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_VIEW_H
#define VIA_VERBS_VIEW_H

#include <json.h>

#include "base/text.h"
#include "model/facts.h"
#include "plan/doctor.h"
#include "plan/state.h"
#include "plan/uplink.h"
#include "verbs/container_text.h"
#include "verbs/processes.h"
#include "verbs/terminal.h"

/* Sessions and uplinks as a person or a program is shown them; text and JSON say the same. */

struct session_view {
	const struct session *session; /* borrowed, as all below */
	const struct facts *facts;
	const struct processes *processes;
	enum session_state state;
	const char *reason;
	char user[33], port[IFNAMSIZ];
	int port_index, device_index;  /* of the port, and of the device inside; 0: not known */
	struct container_id container; /* whose netns it is, by a process in it; ENGINE_NONE */
	char address[IP_TEXT_MAX], address6[IP_TEXT_MAX]; /* inside; "": none */
	uint64_t rx_bytes, tx_bytes;                      /* as the program sees them */
};

/* sees_all: every process was visible, so a session without one has none. */
void view_session(const struct facts *f, const struct session *s, const struct processes *p,
		  bool sees_all, struct session_view *ret);

/* As what a state and a finding are shown. */
enum colour view_state_colour(enum session_state state);
enum colour view_severity_colour(enum severity severity);

/* The name servers that a session's questions go to now; false when none are known. */
struct view_dns {
	const struct ip *servers;
	size_t n;
	const char *source;
};
bool view_dns(const struct session_view *v, struct view_dns *ret);

/* The devices that a session's list means, and each word that means none. */
struct view_way {
	const char *word;             /* borrowed from the session */
	const struct fact_link *link; /* NULL: there is none */
	enum uplink_problem problem;
	bool in_use;
};
/* Steps through them; start with { .view = v }. */
struct view_ways {
	const struct session_view *view;
	size_t word, next;
};
bool view_ways(struct view_ways *w, struct view_way *ret);
const char *view_way_text(const struct view_way *w);

/* An interface that could serve: neither ours nor a loopback. */
bool view_is_uplink(const struct fact_link *l);
/* Whether the host's own default route, of one family or both, is by it. */
bool view_is_default(const struct facts *f, const struct fact_link *l);
/* "up", "down", "no-carrier" */
const char *view_link_state(const struct fact_link *l);

/* JSON with the keys of the manual page; the caller's to put. */
struct json_object *json_session(const struct session_view *v);
/* The same and more; findings are this session's own. */
struct json_object *json_session_in_full(const struct session_view *v, const struct findings *f);
struct json_object *json_uplink(const struct facts *f, const struct fact_link *l);
struct json_object *json_findings(const struct findings *f);

/* Prints on stderr what is more than information. */
void view_warn(const struct findings *f);

/* "time": now, in seconds since the epoch, with three places. */
void json_add_time(struct json_object *o);

/* Prints and puts: for people, or as one line. */
void json_show(struct json_object *o);
void json_show_line(struct json_object *o);

/* The name of a user, or the number where there is none. */
void view_user(uint32_t uid, char ret[33]);

/* For people: "5m". Fills 24 bytes and returns them. */
const char *human_age(uint64_t since, char ret[24]);

#endif
