/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface doctor: gathers what plan/doctor.c looks at, and prints what it finds. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "launch/environment.h"
#include "launch/program.h"
#include "model/diff.h"
#include "net/kernel.h"
#include "net/nft_codec.h"
#include "plan/plan.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define FOUND_SOMETHING 1 /* the exit status */

/* By the names that they have as modules; built in, most of them are there by the same name. */
static const char *const parts[] = {
	"nf_tables", "nf_conntrack", "nf_nat",  "nft_ct",      "nft_masq",      "nft_limit",
	"veth",      "bridge",       "cls_bpf", "sch_ingress", "nft_connlimit",
};

/* Whether the file, a list of paths of modules, has that one; -1 when it cannot be read. */
static int is_listed(const char *path, const char *part)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, file[48];
	size_t size = 0;
	int found = 0;

	if (!f)
		return -1;
	snprintf(file, sizeof(file), "/%s.ko", part);
	while (!found && getline(&line, &size, f) >= 0) {
		line[strcspn(line, ":\n")] = 0; /* what it depends on stands behind */
		found = strstr(line, file) != NULL;
	}
	free(line);
	fclose(f);
	return found;
}

/* Where the system does not say what its kernel has, nothing is missing. */
static bool is_missing(const char *part)
{
	static const char *const lists[] = { "modules.builtin", "modules.dep" };
	char path[256];
	struct utsname u;
	struct stat st;

	snprintf(path, sizeof(path), "/sys/module/%s", part);
	if (stat(path, &st) == 0 || uname(&u) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/%s", u.release, lists[i]);
		if (is_listed(path, part) != 0)
			return false;
	}
	return true;
}

static void find_missing(const char *ret[ARRAY_SIZE(parts) + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (is_missing(parts[i]))
			ret[n++] = parts[i];
	ret[n] = NULL;
}

/* Names of variables, cut off in place of a copy. */
static int find_proxies(char ***ret, struct err *err)
{
	size_t n = 0;
	char **names;

	while (environ[n])
		n++;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return err_errno(err, ENOMEM, "look at the environment");
	n = 0;
	for (char **at = environ; *at; at++)
		if (proxy_variable(*at) && strncasecmp(*at, "no_proxy=", 9) != 0)
			names[n++] = strndup(*at, strcspn(*at, "="));
	*ret = names;
	return 0;
}

static void free_names(char **names)
{
	for (char **at = names; at && *at; at++)
		free(*at);
	free(names);
}

/* What is ours and not as the sessions want it; root alone can see all of it. */
static int find_difference(const struct facts *f, struct object_set *want, struct steps *ret,
			   struct err *err)
{
	int r;

	if (!f->nft_visible || geteuid() != 0)
		return 0;
	r = plan_host(f, f->sessions.v, f->sessions.n, want, err);
	if (r == 0 && (nft_fingerprint(want) < 0 || diff(want, &f->ours, ret) < 0))
		r = err_errno(err, ENOMEM, "compare what is with what should be");
	return r;
}

static void print_text(const struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->v[i];

		text_print(stdout, "%-8s %s%s%s\n", severity_name(f->severity), f->text,
			   f->fix[0] ? "; " : "", f->fix);
	}
	if (!findings_bad(findings))
		puts("nothing is in the way");
}

static void print_json(const struct findings *findings)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "ok", json_object_new_boolean(!findings_bad(findings)));
	json_object_object_add(o, "findings", json_findings(findings));
	json_show(o);
}

static int examine(const struct facts *f, const char *uplinks, struct findings *ret,
		   struct err *err)
{
	const char *missing[ARRAY_SIZE(parts) + 1];
	_cleanup_set_ struct object_set want = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	struct err why = { 0 };
	char **proxies = NULL;
	int r = find_proxies(&proxies, err);

	/* where there is no plan, the findings tell why */
	if (r == 0 && find_difference(f, &want, &steps, &why) < 0)
		steps.n = 0;
	find_missing(missing);
	if (r == 0 && doctor(&(struct doctor_input){ .facts = f,
						     .uplinks = uplinks,
						     .proxies = (const char *const *)proxies,
						     .missing = missing,
						     .difference = &steps },
			     ret) < 0)
		r = err_errno(err, ENOMEM, "look for what is in the way");
	free_names(proxies);
	return r;
}

int verb_doctor(int argc, char *argv[])
{
	_cleanup_findings_ struct findings findings = { 0 };
	_cleanup_facts_ struct facts f = { 0 };
	struct err err = { 0 };
	struct words w;
	int r = words_read(VERB_DOCTOR, argc, argv, 1, &w, &err);

	if (r == 0)
		r = observe_host(OBSERVE_STOPS, &f, &err);
	if (r == 0)
		r = observe_dns(NULL, &f, &err);
	if (r == 0)
		r = examine(&f, w.n ? w.v[0] : NULL, &findings, &err);
	if (r < 0)
		return program_fail(&err);
	if (w.json)
		print_json(&findings);
	else
		print_text(&findings);
	return findings_bad(&findings) ? FOUND_SOMETHING : 0;
}
