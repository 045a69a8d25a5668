/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_ACCESS_H
#define VIA_PLAN_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/nft.h"
#include "model/publish.h"
#include "model/rate_limits.h"
#include "model/uplink_list.h"

/*
 * The access policy: who may use which uplinks, and how. It is a list of rules, and the *last* rule
 * whose subject is the caller decides alone: so a drop-in, which is read behind the main file,
 * overrides that file. Polkit is asked only about a caller whom no rule concerns.
 */

#define ACCESS_NAME_MAX  48
#define ACCESS_FILE_MAX  192
#define ACCESS_GLOBS_MAX 192

/* Ranges of ports that may be published, and what most sections allow: those of no service. */
#define ACCESS_PUBLISH_MAX      8
#define ACCESS_PUBLISH_FIRST    1024
#define ACCESS_PUBLISH_TEXT_MAX (ACCESS_PUBLISH_MAX * 12)

/* As many as a rule that does not say, and for whom polkit admits. */
#define ACCESS_SESSIONS_DEFAULT 64u
#define ACCESS_SESSIONS_MAX     1020u /* as many as there are addresses */

enum access_who {
	ACCESS_ANYBODY, /* * */
	ACCESS_USER,    /* alice */
	ACCESS_GROUP,   /* %netdev */
	ACCESS_ACTIVE,  /* @active: sits at this machine */
	ACCESS_WHO_COUNT,
};

/* Whether a user may have the packets of own sessions. */
enum access_capture {
	ACCESS_CAPTURE_DEFAULT, /* where any user can have a packet socket in some netns */
	ACCESS_CAPTURE_YES,
	ACCESS_CAPTURE_NO,
};

struct access_rule {
	char file[ACCESS_FILE_MAX]; /* where it stands */
	uint32_t line;
	enum access_who who;
	char name[ACCESS_NAME_MAX];         /* as it is written there: "%netdev" */
	uint32_t id;                        /* of the user or group */
	bool known;                         /* there is such a user or group; else it fits nobody */
	char uplinks[ACCESS_GLOBS_MAX + 1]; /* glob(7) patterns, each terminated; "" ends them */
	bool lan;                           /* else --no-lan must be given */
	bool host_access;                   /* --host-access may be given */
	bool attach;
	bool share;     /* --share may be given */
	bool host_port; /* --host-port may be given */
	/* what --publish may name; max 0: no more of them */
	struct port_range publish[ACCESS_PUBLISH_MAX];
	enum access_capture capture;
	uint32_t sessions;        /* at once; 0: none, which is how to refuse somebody */
	uint32_t connections;     /* of each session, as struct session has it; 0: the default */
	struct rate_limits rates; /* of each session at most */
};

struct access_policy {
	struct access_rule *v;
	size_t n, size;
	char where[ACCESS_FILE_MAX + 64]; /* what it is called in a refusal */
	char drop_ins[ACCESS_FILE_MAX];   /* the directory of files that are read behind it */
	struct err broken;                /* when code is set: why only root may */
};

/* Who asks, as the kernel and logind tell. */
struct access_subject {
	uint32_t uid, gid;
	const uint32_t *groups; /* supplementary ones */
	size_t n_groups;
	bool active;      /* has an active session at a local seat */
	const char *name; /* that others know them by; NULL: none is known */
};

enum access_op {
	ACCESS_RUN,
	ACCESS_ATTACH,
	ACCESS_MOVE,    /* of a session to other uplinks */
	ACCESS_EXEC,    /* in a session */
	ACCESS_CAPTURE, /* the packets of a session */
	ACCESS_FLOWS,   /* the connections of a session */
	ACCESS_RESUME,
	ACCESS_STOP, /* of a session; pausing it, detaching */
	ACCESS_OP_COUNT,
};

struct access_question {
	enum access_op op;
	const struct uplink_list *uplinks; /* each must be allowed; NULL: they were before */
	uint32_t flags;                    /* enum session_flag, of the request or the session */
	uint32_t owner;           /* uid whose session it is; unless it is yet to be made */
	uint32_t sessions;        /* of the caller's that there are already */
	bool approved;            /* polkit was asked this, and said yes */
	bool share;               /* the session is to be in a group */
	bool host_port;           /* ports of its loopback addresses are to lead to the host's */
	struct rate_limits rates; /* that the session is to have, as it asks for */
	const struct publish_list *published; /* --publish; NULL: nothing */
	bool user_namespaces;                 /* of CAPTURE: the kernel gives them to users */
};

enum access_answer {
	ACCESS_ALLOW,
	ACCESS_ASK, /* polkit; where it is not there: refuse, for the reason given */
	ACCESS_REFUSE,
	ACCESS_ANSWER_COUNT,
};

/*
 * Decides. root may everything. A session is its owner's: nobody else may move it, add to it or
 * stop it, and its owner may always stop it. Unless the answer is ALLOW, why holds the reason, the
 * file and line of the deciding rule, and what can be done; it names neither caller nor uplink,
 * which is for the caller of this function to put in front. why is not NULL.
 */
enum access_answer access_decide(const struct access_policy *policy,
				 const struct access_subject *subject,
				 const struct access_question *question, struct err *why);

/*
 * What the rule that fits says of the connections of a session; 0: nothing, so that the default
 * holds. Of this alone the rules hold for root too.
 */
uint32_t access_connections(const struct access_policy *policy,
			    const struct access_subject *subject);

/* The rate that a session has which asks for none. Root has no limit. */
struct rate_limits access_rates(const struct access_policy *policy,
				const struct access_subject *subject);

/*
 * What would make the answer ALLOW for the subject, by its name, and gives no more than that:
 * "%GROUP", a group to be in, where no rule fits yet and one is for a group that gives no other
 * power over the machine (not sudo and its kin); else the text of a section for a file that is read
 * last, which has the values of the deciding rule and what was missing. False: there is no such
 * thing.
 */
#define ACCESS_REMEDY_MAX 512
bool access_remedy(const struct access_policy *policy, const struct access_subject *subject,
		   const struct access_question *question, char ret[ACCESS_REMEDY_MAX]);

/*
 * Whether the patterns of a rule cover a word of a list of uplinks. A condition - wifi, ssid:NAME
 * and their kin - is covered by "*", and by patterns that begin so.
 */
bool access_covers(const char *globs, const struct uplink_list *list, size_t word);

/* The ports that a rule lets publish, as a section has them: "1024-65535, 443", or "no". */
const char *access_publish_format(const struct access_rule *rule,
				  char text[ACCESS_PUBLISH_TEXT_MAX]);

/* The patterns as a section has them, with a blank between. Fills text and returns it. */
const char *access_globs_format(const char *globs, char text[ACCESS_GLOBS_MAX]);

void access_policy_done(struct access_policy *policy);

#define _cleanup_policy_ __attribute__((cleanup(access_policy_done)))

#endif
