/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface list: read from the kernel alone, without the daemon and without privilege. The
 * processes of a session are those in its netns that the caller may see.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/vec.h"
#include "cli/cli.h"
#include "config.h"
#include "net/kernel.h"
#include "plan/plan.h"
#include "plan/uplink.h"
#include "verbs/verbs.h"

struct process {
	int pid;
	uint64_t netns;
};

struct processes {
	struct process *v;
	size_t n, size;
};

static int find_processes(struct processes *ret, struct err *err)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return err_errno(err, errno, "read /proc");
	while ((entry = readdir(proc))) {
		char path[300];
		struct process *p;
		struct stat st;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		if (stat(path, &st) < 0)
			continue; /* another user's, or gone */
		p = VEC_PUSH(ret);
		if (!p) {
			closedir(proc);
			return err_errno(err, ENOMEM, "read /proc");
		}
		p->pid = (int)strtol(entry->d_name, NULL, 10);
		p->netns = st.st_ino;
	}
	closedir(proc);
	return 0;
}

/* One row, whatever it is printed as. */
struct row {
	const struct session *session;
	const char *state, *reason;
	char user[33], netns[24], address[IP_TEXT_MAX], address6[IP_TEXT_MAX];
	uint64_t rx_bytes, tx_bytes; /* as the program sees them: the port's, exchanged */
	size_t n_pids;
};

static void name_user(uint32_t uid, char ret[33])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		snprintf(ret, 33, "%s", pw->pw_name);
	else
		snprintf(ret, 33, "%" PRIu32, uid);
}

static void fill(const struct facts *f, const struct session *s, const struct processes *p,
		 struct row *row)
{
	const struct fact_link *port;
	enum uplink_problem problem;
	char name[IFNAMSIZ];
	struct pool pool;
	struct ip ip;

	problem = s->slot ? uplink_look(f, s->uplink).problem : UPLINK_MISSING;
	*row = (struct row){ .session = s, .state = "up", .reason = "" };
	if (problem != UPLINK_USABLE) {
		row->state = "blocked";
		row->reason =
			s->slot ? uplink_problem_text(problem) : "no uplink of its list is usable";
	}
	session_port(s->id, name);
	port = facts_link(f, name);
	if (port) {
		row->rx_bytes = port->tx_bytes;
		row->tx_bytes = port->rx_bytes;
	}
	for (size_t i = 0; i < p->n; i++)
		row->n_pids += p->v[i].netns == s->netns;
	/* root sees all processes, so for root none means that only connections are left */
	if (!row->n_pids && geteuid() == 0 && !(s->flags & SESSION_KEEP)) {
		row->state = "closing";
		row->reason = "its programs have ended";
	}
	name_user(s->uid, row->user);
	snprintf(row->netns, sizeof(row->netns), "%" PRIu64, s->netns);
	if (plan_pool(f, &pool, NULL) == 0) {
		ip = plan_address(&pool, s, AF_INET);
		ip_format(&ip, row->address);
		ip = plan_address(&pool, s, AF_INET6);
		if (!(s->flags & SESSION_NO_IPV6))
			ip_format(&ip, row->address6);
	}
}

static struct json_object *to_json(const struct row *row, const struct processes *p)
{
	struct json_object *o = json_object_new_object();
	struct json_object *pids = json_object_new_array(), *uplinks = json_object_new_array();
	const struct session *s = row->session;
	const char *at = s->uplinks;
	char port[IFNAMSIZ], word[UPLINK_WORD_MAX];

	while (uplinks_next(&at, word))
		json_object_array_add(uplinks, json_object_new_string(word));
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].netns == s->netns)
			json_object_array_add(pids, json_object_new_int(p->v[i].pid));
	session_port(s->id, port);
	json_object_object_add(o, "name", json_object_new_string(s->name));
	json_object_object_add(o, "id", json_object_new_int64(s->id));
	json_object_object_add(o, "uplink", json_object_new_string(s->uplink));
	json_object_object_add(o, "uplinks", uplinks);
	json_object_object_add(o, "state", json_object_new_string(row->state));
	json_object_object_add(o, "reason", json_object_new_string(row->reason));
	json_object_object_add(o, "uid", json_object_new_int64(s->uid));
	json_object_object_add(o, "user", json_object_new_string(row->user));
	json_object_object_add(o, "pids", pids);
	json_object_object_add(o, "netns", json_object_new_int64((int64_t)s->netns));
	json_object_object_add(o, "ifname", json_object_new_string(port));
	json_object_object_add(o, "address", json_object_new_string(row->address));
	json_object_object_add(o, "address6", json_object_new_string(row->address6));
	json_object_object_add(o, "rx_bytes", json_object_new_int64((int64_t)row->rx_bytes));
	json_object_object_add(o, "tx_bytes", json_object_new_int64((int64_t)row->tx_bytes));
	json_object_object_add(o, "since", json_object_new_int64((int64_t)s->since));
	return o;
}

static void human_bytes(uint64_t bytes, char ret[24])
{
	static const char units[] = "BKMGT";
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit < sizeof(units) - 2) {
		value /= 1024;
		unit++;
	}
	snprintf(ret, 24, unit && value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

static void human_age(uint64_t since, char ret[24])
{
	uint64_t now = (uint64_t)time(NULL), s = now > since ? now - since : 0;

	if (s < 120)
		snprintf(ret, 24, "%" PRIu64 "s", s);
	else if (s < 7200)
		snprintf(ret, 24, "%" PRIu64 "m", s / 60);
	else if (s < 172800)
		snprintf(ret, 24, "%" PRIu64 "h", s / 3600);
	else
		snprintf(ret, 24, "%" PRIu64 "d", s / 86400);
}

static void print_text(const struct row *row, const struct processes *p)
{
	char rx[24], tx[24], age[24];
	size_t shown = 0;

	human_bytes(row->rx_bytes, rx);
	human_bytes(row->tx_bytes, tx);
	human_age(row->session->since, age);
	printf("%-16s %-12s %-8s %-10s %6s %6s %5s  ", row->session->name,
	       row->session->slot ? row->session->uplink : "-", row->state, row->user, rx, tx, age);
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].netns == row->session->netns && shown++ < 8)
			printf("%s%d", shown > 1 ? "," : "", p->v[i].pid);
	printf("%s\n", shown > 8 ? ",…" : shown ? "" : "-");
}

static int by_id(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void print_all(struct facts *f, const struct processes *p, bool json)
{
	struct json_object *array = json ? json_object_new_array() : NULL;
	struct row row;

	if (f->sessions.n)
		qsort(f->sessions.v, f->sessions.n, sizeof(*f->sessions.v), by_id);
	if (!json && f->sessions.n)
		printf("%-16s %-12s %-8s %-10s %6s %6s %5s  %s\n", "NAME", "UPLINK", "STATE",
		       "USER", "RX", "TX", "AGE", "PIDS");
	for (size_t i = 0; i < f->sessions.n; i++) {
		fill(f, &f->sessions.v[i], p, &row);
		if (json)
			json_object_array_add(array, to_json(&row, p));
		else
			print_text(&row, p);
	}
	if (json) {
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
		json_object_put(array);
	}
}

int verb_list(int argc, char *argv[])
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct processes processes = { 0 };
	struct facts f = { 0 };
	struct err err = { 0 };
	struct kernel k;
	bool json = false;
	int c, r;

	optind = 0;
	while ((c = getopt_long(argc, argv, "+:", options, NULL)) >= 0) {
		if (c != 'j') {
			err_set(&err, EINVAL, "read option '%s': list knows --json only",
				argv[optind - 1]);
			return cli_fail(&err);
		}
		json = true;
	}
	if (optind != argc) {
		err_set(&err, EINVAL, "read '%s': list takes no words", argv[optind]);
		return cli_fail(&err);
	}
	r = kernel_open(&k, VIA_RUNDIR, false, &err);
	if (r < 0)
		return cli_fail(&err);
	r = observe(&k, OBSERVE_COUNTERS, &f, &err);
	if (r == 0)
		r = find_processes(&processes, &err);
	if (r == 0)
		print_all(&f, &processes, json);
	VEC_DONE(&processes);
	facts_done(&f);
	kernel_close(&k);
	return r < 0 ? cli_fail(&err) : 0;
}
