/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/util.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_SOCKET  "unix:path=/run/systemd/private"
#define SOCKET_UNIT     "via-iface.socket"
#define LIMIT_MS        9000 /* less than a launch waits for a daemon (launch/daemon.c) */

/* A job of systemd's that is waited for: JobRemoved has its object path and how it ended. */
struct job {
	char path[128];
	char removed[8][128]; /* those that ended before the answer with ours was read */
	char results[8][32];
	size_t n;
};

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	const char *path, *unit, *result;
	struct job *job = userdata;
	uint32_t id;

	(void)ret_error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	snprintf(job->removed[job->n % ARRAY_SIZE(job->removed)], sizeof(job->removed[0]), "%s",
		 path);
	snprintf(job->results[job->n % ARRAY_SIZE(job->results)], sizeof(job->results[0]), "%s",
		 result);
	job->n++;
	return 0;
}

/* How our job ended, or NULL while it runs. */
static const char *result_of(const struct job *job)
{
	for (size_t i = 0; i < job->n && i < ARRAY_SIZE(job->removed); i++)
		if (!strcmp(job->removed[i], job->path))
			return job->results[i];
	return NULL;
}

static int connect_systemd(sd_bus **ret)
{
	sd_bus *bus = NULL;
	int r = sd_bus_open_system(&bus);

	if (r < 0) {
		r = sd_bus_new(&bus);
		if (r >= 0)
			r = sd_bus_set_address(bus, SYSTEMD_SOCKET);
		if (r >= 0)
			r = sd_bus_start(bus);
	}
	if (r < 0)
		sd_bus_unref(bus);
	else
		*ret = bus;
	return r;
}

/* Signals come to who has subscribed alone. */
static int listen_to_jobs(sd_bus *bus, struct job *job)
{
	int r = sd_bus_match_signal(bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
				    "JobRemoved", on_removed, job);

	return r < 0 ? r
		     : sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
					  "Subscribe", NULL, NULL, NULL);
}

static int await_job(sd_bus *bus, const struct job *job, const char *unit, struct err *err)
{
	int64_t deadline = clock_ms() + LIMIT_MS;
	const char *result;

	while (!(result = result_of(job))) {
		int64_t left = deadline - clock_ms();
		int r = left > 0 ? sd_bus_process(bus, NULL) : -ETIMEDOUT;

		if (r == 0)
			r = sd_bus_wait(bus, (uint64_t)left * 1000);
		if (r < 0 && r != -EINTR)
			return err_errno(err, -r, "wait for systemd to start '%s'", unit);
	}
	if (!strcmp(result, "done") || !strcmp(result, "skipped"))
		return 0;
	err_set(err, ECHILD, "start '%s': systemd says '%s'", unit, result);
	return err_hint(err, "`systemctl status %s` says why", unit);
}

/* Sends it, and waits until the job that it makes has ended. */
static int call_for_job(sd_bus *bus, sd_bus_message *m, const char *unit, struct err *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct job job = { 0 };
	const char *path;
	int r = listen_to_jobs(bus, &job);

	if (r >= 0)
		r = sd_bus_call(bus, m, (uint64_t)LIMIT_MS * 1000, &error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &path);
	if (r >= 0) {
		snprintf(job.path, sizeof(job.path), "%s", path);
		r = await_job(bus, &job, unit, err);
	} else {
		err_set(err, -r, "start '%s': %s", unit,
			error.message ? error.message : strerror(-r));
		err_hint(err, "`systemctl status %s` says more", unit);
	}
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return r;
}

static int new_call(const char *method, sd_bus **ret_bus, sd_bus_message **ret, struct err *err)
{
	int r = connect_systemd(ret_bus);

	if (r >= 0)
		r = sd_bus_message_new_method_call(*ret_bus, ret, SYSTEMD_NAME, SYSTEMD_PATH,
						   SYSTEMD_MANAGER, method);
	if (r >= 0)
		return 0;
	err_errno(err, -r, "ask systemd to start the daemon");
	return err_hint(err, "`systemctl start " SOCKET_UNIT "` starts it");
}

int unit_start_socket(struct err *err)
{
	sd_bus_message *m = NULL;
	sd_bus *bus = NULL;
	int r = new_call("StartUnit", &bus, &m, err);

	if (r == 0) {
		r = sd_bus_message_append(m, "ss", SOCKET_UNIT, "replace");
		r = r < 0 ? err_errno(err, -r, "ask systemd to start '" SOCKET_UNIT "'")
			  : call_for_job(bus, m, SOCKET_UNIT, err);
	}
	sd_bus_message_unref(m);
	sd_bus_flush_close_unref(bus);
	return r;
}

int unit_leave(struct err *err)
{
	char unit[64];
	sd_bus_message *m = NULL;
	sd_bus *bus = NULL;
	int r = new_call("StartTransientUnit", &bus, &m, err);

	if (r == 0) {
		snprintf(unit, sizeof(unit), "via-ifaced-%" PRId64 ".scope", clock_ms());
		r = sd_bus_message_append(m, "ssa(sv)a(sa(sv))", unit, "fail", 3, "Description",
					  "s", "Daemon of via-iface", "Slice", "s", "system.slice",
					  "PIDs", "au", 1, 0u, 0); /* 0: the sender */
		r = r < 0 ? err_errno(err, -r, "make '%s'", unit) : call_for_job(bus, m, unit, err);
	}
	sd_bus_message_unref(m);
	sd_bus_flush_close_unref(bus);
	return r;
}
