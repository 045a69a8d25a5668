/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_REQUEST_H
#define VIA_MODEL_REQUEST_H

#include <stdint.h>

#include "base/err.h"
#include "model/session.h"

#define REQUEST_OWNER_SELF UINT32_MAX

/* What is wrong with a group's name, a format for it. */
#define SHARE_INVALID                                                                              \
	"invalid --share '%.60s': 1 to 15 of letters, digits and ._+-, the first a letter or "     \
	"digit, and not digits alone"

/*
 * A request for a session, of a run or an attachment, as the command line says it and as it crosses
 * to the daemon: a struct of fixed size, without pointers and padding. Text is terminated and
 * zero-filled.
 */
struct request {
	uint32_t flags;    /* enum session_flag */
	uint32_t mtu;      /* bytes, 0: the uplink's */
	uint32_t probe_of; /* id of the session whose probe session it is (plan/probe.h); or 0 */
	uint32_t owner;    /* uid whose session it is; REQUEST_OWNER_SELF, or root's choice */
	struct rate_limits rates;      /* --rate */
	struct host_ports host_ports;  /* --host-port */
	struct publish_list published; /* --publish */
	struct uplink_list uplinks;
	char name[SESSION_NAME_MAX];
	char device[IFNAMSIZ];          /* of an attachment, in its netns; "": SESSION_DEV */
	char share[SESSION_SHARE_MAX];  /* the group that it is to be in; "": none */
	char program[SESSION_NAME_MAX]; /* base name of what is to be run, for the log; or "" */
	uint8_t n_dns;                  /* 0: the name servers of the uplink */
	struct ip dns[SESSION_DNS_MAX];
};

/*
 * Checks every field, whoever filled it: terminated text, names within their character sets,
 * no unknown flag, a list without empty or repeated entries, name servers that can be one, an MTU
 * of 1280 (RFC 8200, section 5; 68 without IPv6, RFC 791) to 65535. Returns 0, or -EINVAL with a
 * line for the caller.
 */
int request_check(const struct request *r, struct err *err);

/*
 * The same for an attachment: there the device has a name, of the characters that a path in
 * /proc/sys and a shell take as they are, and three more flags are known, one less may be set.
 */
int request_check_attach(const struct request *r, struct err *err);

/* Name servers from "ADDR[,ADDR…]", as --dns has them; n_dns is 0 again when it fails. */
int request_read_dns(const char *list, struct request *r, struct err *err);

/*
 * Uplinks and name servers as a configuration file names them ("uplink =", "dns ="): they are the
 * request's. Returns NULL, or what is wrong with the value, for a file's line; the request is then
 * undefined.
 */
const char *request_conf_uplinks(const char *value, struct request *r);
const char *request_conf_dns(const char *value, struct request *r);
#endif
