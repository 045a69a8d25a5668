/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * polkit(8), org.freedesktop.PolicyKit1.Authority. A message is made only once the bus has let us
 * in: before that sd-bus would wait for it, where descriptors are passed. A question that is open
 * when it is freed, or for too long, is cancelled; should the message get lost, polkit notices
 * that our connection is gone.
 */
#include "daemon/polkit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/util.h"

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define MAY_INTERACT     1u /* CheckAuthorizationFlags: AllowUserInteraction */

#define DETAILS_MAX 4
#define VALUE_MAX   128

struct polkit_ask {
	struct polkit_ask *next;
	struct polkit_subject subject;
	int pidfd;
	char action[64];
	struct {
		char key[32], value[VALUE_MAX];
	} details[DETAILS_MAX];
	size_t n_details;
	char id[16]; /* to cancel it by */
	int64_t deadline;
	struct sd_bus_slot *slot; /* NULL until it was sent */
	enum polkit_verdict verdict;
	char why[192];
};

enum polkit_verdict polkit_verdict(const struct polkit_ask *ask, const char **ret_why)
{
	*ret_why = ask->why;
	return ask->verdict;
}

static void settle(struct polkit_ask *ask, enum polkit_verdict verdict, const char *why)
{
	ask->verdict = verdict;
	snprintf(ask->why, sizeof(ask->why), "%s", why);
}

/* --- the answer ---------------------------------------------------------------------------- */

static void on_error(struct polkit_ask *ask, const sd_bus_error *e)
{
	static const char *const missing[] = {
		"org.freedesktop.DBus.Error.ServiceUnknown",
		"org.freedesktop.DBus.Error.NameHasNoOwner",
		"org.freedesktop.DBus.Error.Spawn.",
		"org.freedesktop.systemd1.",
	};
	char why[sizeof(ask->why)];

	snprintf(why, sizeof(why), "polkit could not be asked (%s)",
		 e->message ? e->message : e->name);
	settle(ask, POLKIT_NO, why);
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		if (!strncmp(e->name, missing[i], strlen(missing[i])))
			ask->verdict = POLKIT_MISSING;
}

/* (bba{ss}): authorized, could be by asking somebody, details. */
static int read_answer(sd_bus_message *m, int *ret_yes, int *ret_challenge, bool *ret_dismissed)
{
	const char *key, *value;
	int r = sd_bus_message_enter_container(m, 'r', "bba{ss}");

	*ret_dismissed = false;
	if (r > 0)
		r = sd_bus_message_read(m, "bb", ret_yes, ret_challenge);
	if (r > 0)
		r = sd_bus_message_enter_container(m, 'a', "{ss}");
	while (r > 0 && (r = sd_bus_message_read(m, "{ss}", &key, &value)) > 0)
		*ret_dismissed |= !strcmp(key, "polkit.dismissed");
	return r < 0 ? r : 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct polkit_ask *ask = userdata;
	int yes = 0, challenge = 0;
	bool dismissed;

	(void)ret_error;
	if (ask->verdict != POLKIT_OPEN)
		return 0;
	if (sd_bus_message_is_method_error(m, NULL))
		on_error(ask, sd_bus_message_get_error(m));
	else if (read_answer(m, &yes, &challenge, &dismissed) < 0)
		settle(ask, POLKIT_NO, "polkit's answer could not be read");
	else if (yes)
		settle(ask, POLKIT_YES, "");
	else if (dismissed)
		settle(ask, POLKIT_NO, "polkit's question was dismissed");
	else if (challenge)
		settle(ask, POLKIT_NO_AGENT,
		       "polkit wants a password, and no agent of yours can ask for it (on a "
		       "terminal that is pkttyagent)");
	else
		settle(ask, POLKIT_NO, "polkit refused it");
	return 0;
}

/* --- the question -------------------------------------------------------------------------- */

/*
 * A polkit that knows no pidfd passes over it and goes by pid and start time, one that does
 * passes over these. Without a start time the old one has to fail: it would look for it itself,
 * maybe in another process by now.
 */
static int append_subject(sd_bus_message *m, const struct polkit_ask *ask, bool can_pass)
{
	const struct polkit_subject *s = &ask->subject;
	int r = sd_bus_message_open_container(m, 'r', "sa{sv}");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", "unix-process");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_append(m, "{sv}", "uid", "i", (int32_t)s->uid);
	if (r >= 0 && s->start)
		r = sd_bus_message_append(m, "{sv}{sv}", "pid", "u", (uint32_t)s->pid, "start-time",
					  "t", s->start);
	if (r >= 0 && ask->pidfd >= 0 && can_pass)
		r = sd_bus_message_append(m, "{sv}", "pidfd", "h", ask->pidfd);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_details(sd_bus_message *m, const struct polkit_ask *ask)
{
	int r = sd_bus_message_open_container(m, 'a', "{ss}");

	for (size_t i = 0; i < ask->n_details && r >= 0; i++)
		r = sd_bus_message_append(m, "{ss}", ask->details[i].key, ask->details[i].value);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int send_question(struct polkit *p, struct polkit_ask *ask)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(p->bus, &m, POLKIT_NAME, POLKIT_PATH,
					       POLKIT_INTERFACE, "CheckAuthorization");

	if (r >= 0)
		r = append_subject(m, ask, sd_bus_can_send(p->bus, SD_BUS_TYPE_UNIX_FD) > 0);
	if (r >= 0)
		r = sd_bus_message_append(m, "s", ask->action);
	if (r >= 0)
		r = append_details(m, ask);
	if (r >= 0)
		r = sd_bus_message_append(m, "us", MAY_INTERACT, ask->id);
	if (r >= 0) /* the time limit is ours */
		r = sd_bus_call_async(p->bus, &ask->slot, m, on_answer, ask, UINT64_MAX);
	sd_bus_message_unref(m);
	return r;
}

static void send_cancel(struct polkit *p, const struct polkit_ask *ask)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(p->bus, &m, POLKIT_NAME, POLKIT_PATH,
					       POLKIT_INTERFACE, "CancelCheckAuthorization");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", ask->id);
	if (r >= 0)
		r = sd_bus_message_set_expect_reply(m, 0);
	if (r >= 0)
		sd_bus_send(p->bus, m, NULL); /* if not: see the top */
	sd_bus_message_unref(m);
}

/* --- the bus ------------------------------------------------------------------------------- */

static int open_bus(struct polkit *p, struct err *err)
{
	int r = p->bus ? 0 : sd_bus_open_system(&p->bus);

	return r < 0 ? err_errno(err, -r, "open the system bus") : 0;
}

static void close_bus(struct polkit *p)
{
	p->bus = sd_bus_close_unref(p->bus);
}

static void lose_bus(struct polkit *p, int r)
{
	char why[128];

	snprintf(why, sizeof(why), "the system bus was lost before polkit answered (%s)",
		 strerror(-r));
	for (struct polkit_ask *a = p->asks; a; a = a->next) {
		a->slot = sd_bus_slot_unref(a->slot);
		if (a->verdict == POLKIT_OPEN)
			settle(a, POLKIT_NO, why);
	}
	close_bus(p);
}

struct pollfd polkit_pollfd(const struct polkit *p)
{
	int events = p->bus ? sd_bus_get_events(p->bus) : 0;

	if (!p->bus)
		return (struct pollfd){ .fd = -1 };
	if (events > 0 && events & POLLOUT)
		return (struct pollfd){ .fd = sd_bus_get_fd(p->bus), .events = POLLIN | POLLOUT };
	return (struct pollfd){ .fd = sd_bus_get_fd(p->bus), .events = POLLIN };
}

/* Whether a question could go out now; the bus will not wake anybody up for it. */
static bool can_send(const struct polkit *p, const struct polkit_ask *ask)
{
	return !ask->slot && ask->verdict == POLKIT_OPEN && p->bus && sd_bus_is_ready(p->bus) > 0;
}

int64_t polkit_deadline(const struct polkit *p)
{
	int64_t next = INT64_MAX;
	uint64_t usec;

	if (p->bus && sd_bus_get_timeout(p->bus, &usec) >= 0 && usec != UINT64_MAX)
		next = (int64_t)(usec / 1000) + (usec % 1000 != 0);
	for (const struct polkit_ask *a = p->asks; a; a = a->next) {
		if (can_send(p, a))
			return 0;
		if (a->verdict == POLKIT_OPEN && a->deadline < next)
			next = a->deadline;
	}
	return next;
}

static void give_up(struct polkit *p, struct polkit_ask *ask)
{
	char why[sizeof(ask->why)];

	if (ask->slot && p->bus)
		send_cancel(p, ask);
	snprintf(why, sizeof(why), "polkit's question was not answered within %u s",
		 p->limit_ms / 1000);
	settle(ask, POLKIT_NO, why);
}

void polkit_process(struct polkit *p)
{
	int64_t now = clock_ms();
	int r = 0;

	while (p->bus && (r = sd_bus_process(p->bus, NULL)) > 0)
		;
	for (struct polkit_ask *a = p->asks; a && r >= 0; a = a->next)
		if (can_send(p, a))
			r = send_question(p, a);
	if (r < 0)
		lose_bus(p, r);
	for (struct polkit_ask *a = p->asks; a; a = a->next)
		if (a->verdict == POLKIT_OPEN && a->deadline <= now)
			give_up(p, a);
}

/* --- questions ----------------------------------------------------------------------------- */
/* D-Bus takes no text but UTF-8, and an interface's name may be any bytes. */
static void copy_ascii(char *to, size_t size, const char *from)
{
	size_t len = strlen(from);

	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	for (char *at = to; at < to + len; at++)
		if (*at < ' ' || *at >= 0x7f)
			*at = '?';
	to[len] = 0;
}

static size_t open_of(const struct polkit *p, uid_t person)
{
	size_t n = 0;

	for (const struct polkit_ask *a = p->asks; a; a = a->next)
		n += a->subject.person == person;
	return n;
}

int polkit_ask(struct polkit *p, const struct polkit_subject *subject, const char *action,
	       const struct polkit_detail *details, size_t n_details, struct polkit_ask **ret,
	       struct err *err)
{
	struct polkit_ask *ask;
	int r;

	if (open_of(p, subject->person) >= POLKIT_PER_PERSON_MAX)
		return err_set(err, EBUSY, "%d of your questions to polkit are open already",
			       POLKIT_PER_PERSON_MAX);
	r = open_bus(p, err);
	if (r < 0)
		return r;
	ask = calloc(1, sizeof(*ask));
	if (!ask)
		return err_errno(err, ENOMEM, "ask polkit");
	ask->subject = *subject;
	ask->pidfd = subject->pidfd >= 0 ? fcntl(subject->pidfd, F_DUPFD_CLOEXEC, 3) : -1;
	copy_ascii(ask->action, sizeof(ask->action), action);
	for (size_t i = 0; i < n_details && i < DETAILS_MAX; i++) {
		copy_ascii(ask->details[i].key, sizeof(ask->details[i].key), details[i].key);
		copy_ascii(ask->details[i].value, sizeof(ask->details[i].value), details[i].value);
		ask->n_details++;
	}
	snprintf(ask->id, sizeof(ask->id), "%u", ++p->next_id);
	ask->deadline = clock_ms() + p->limit_ms;
	ask->next = p->asks;
	p->asks = ask;
	*ret = ask;
	return 0;
}

struct polkit_ask *polkit_ask_free(struct polkit *p, struct polkit_ask *ask)
{
	struct polkit_ask **at = &p->asks;

	if (!ask)
		return NULL;
	while (*at != ask)
		at = &(*at)->next;
	*at = ask->next;
	if (ask->verdict == POLKIT_OPEN && ask->slot && p->bus)
		send_cancel(p, ask);
	sd_bus_slot_unref(ask->slot);
	close_fd(&ask->pidfd);
	free(ask);
	if (!p->asks)
		close_bus(p);
	return NULL;
}
