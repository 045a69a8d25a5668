/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_PERSONS_H
#define VIA_DAEMON_PERSONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Whose a uid is. A user with subordinate uids (subuid(5)) has up to 65536 of them in user
 * namespaces of their own, so whatever a user may have a number of is counted by person: the owner
 * of the range that the uid is in, else the uid itself. /etc/subuid is what newuidmap(1) asks
 * before it writes a map, so nobody without privileges has a uid of another kind.
 *
 * The kernel knows the owner of a peer's user namespace, but tells it only to who may trace the
 * peer (fs/pidfs.c:pidfd_ioctl, fs/proc/namespaces.c: PTRACE_MODE_READ_FSCREDS), which the daemon
 * may not: it has no CAP_SYS_PTRACE. And a peer that exits, or one behind another process of the
 * same number, could not be asked; the uid stands in the connection.
 */

/*
 * All uids together that belong to a container, and whose owner cannot be told: from 65536 on, in
 * no range, and without a name, or with one that systemd-nsresourced gave (ns-NAMESPACE-UID). No
 * user has this number.
 */
#define PERSON_UNKNOWN UINT32_MAX

struct persons {
	const char *subuid; /* path of the file */
	struct stat seen;   /* of the file that ranges are of; zeroed: there was none */
	int64_t known_at;   /* clock_ms() when `known` was empty */
	struct {
		struct uid_range {
			char *owner; /* a name or a number, as in the file */
			uint32_t first, n;
		} * v;
		size_t n, size;
	} ranges;
	struct {
		struct {
			uid_t uid, person;
		} v[64];
		size_t n, next;
	} known; /* found lately: users are looked up, which may take a while */
};

/*
 * The time that the daemon lately spent on a person's requests, by which those of several are put
 * in order. What was spent counts for about ten
 * seconds.
 */
struct spent {
	struct {
		uid_t person;
		int64_t ns, at_ms;
	} v[64];
	size_t n;
};
void spent_add(struct spent *s, uid_t person, int64_t ns, int64_t now_ms);
int64_t spent_of(const struct spent *s, uid_t person, int64_t now_ms);

void persons_open(struct persons *p, const char *subuid);
void persons_done(struct persons *p);

/* Reads the file anew when it has changed, and looks users up anew every ten seconds. */
void persons_refresh(struct persons *p);

/*
 * The person behind a uid, by what was read last. A range of root's is not root: its person is the
 * range's first uid, and so is that of a range whose owner is no user.
 */
uid_t person_of(struct persons *p, uid_t uid);

/*
 * Whether a person who has `own` of something may have one more, when `taken` of `all` are: an
 * eighth is kept for those who have none, and a quarter of that for root.
 */
bool person_may_have(uid_t person, size_t own, size_t taken, size_t all);

#endif
