/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/apps_apply.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "launch/apps.h"
#include "launch/files.h"
#include "launch/separate.h"

/* --- files ----------------------------------------------------------------------------------- */

/* What is read into, and all mistakes; mistakes is NULL where the first one ends reading. */
struct load {
	struct apps *to;
	struct conf_mistakes *mistakes;
	bool own; /* below the user's home */
};

/* Who owns a directory may put another in its place before its files are read: so each is checked.
 */
static bool is_anothers(const struct load *l, const struct stat *file)
{
	return l->own && geteuid() == 0 && file->st_uid != 0;
}

static int load_file(const char *path, void *arg, struct err *err)
{
	const struct load *l = arg;
	_cleanup_free_ char *text = NULL;
	struct stat file;
	size_t len;
	int r = file_read_stat(path, APPS_FILE_BYTES_MAX, &text, &len, &file, err);

	if (r == 0 && is_anothers(l, &file))
		return 0;
	if (!l->mistakes)
		return r < 0 ? r : apps_parse(text, len, path, l->to, err);
	if (r < 0)
		conf_mistakes_add(l->mistakes, err);
	else
		apps_parse_all(text, len, path, l->to, l->mistakes);
	return 0;
}

int apps_load(enum apps_dir end, struct apps *ret, struct err *err)
{
	struct apps all = { 0 };
	char dir[PATH_MAX];
	int r = 0;

	for (enum apps_dir which = 0; which < end && r == 0; which++)
		if (apps_dir_read(which, dir))
			r = each_file(dir, APPS_FILES_MAX, is_conf_file, load_file,
				      &(struct load){ .to = &all, .own = which == APPS_OWN }, err);
	if (r < 0)
		apps_done(&all);
	else
		*ret = all;
	return r;
}

void apps_mistakes(struct conf_mistakes *ret)
{
	struct apps all = { 0 };
	char dir[PATH_MAX];

	for (enum apps_dir which = 0; which < APPS_DIR_COUNT; which++) {
		struct err err = { 0 };

		if (apps_dir_read(which, dir) &&
		    each_file(dir, APPS_FILES_MAX, is_conf_file, load_file,
			      &(struct load){ &all, ret, which == APPS_OWN }, &err) < 0)
			conf_mistakes_add(ret, &err);
	}
	apps_done(&all);
}

/*
 * A section is found by a name of the command line, so where no file has one in it there is nothing
 * to parse: of what is shipped that would be a hundred sections. --separate wants to know more than
 * a section.
 */
int apps_load_for(const struct launch_options *o, bool for_uplink, struct apps *ret,
		  struct err *err)
{
	struct err mistake = { 0 };
	bool mentioned = apps_mention(o->program);
	int r;

	if (!mentioned && !for_uplink && !o->separate)
		return 0;
	r = apps_load(o->no_app_policy ? APPS_SHIPPED + 1 : APPS_DIR_COUNT, ret, &mistake);
	if (r == 0 || (!for_uplink && !mentioned))
		return 0;
	*err = mistake;
	return r;
}

/* --- the options ----------------------------------------------------------------------------- */

/* For an example: a device that is up and has an address; "UPLINK" where none is. */
static void example_uplink(char ret[IFNAMSIZ])
{
	const unsigned int up = IFF_UP | IFF_RUNNING;
	struct ifaddrs *all = NULL;

	snprintf(ret, IFNAMSIZ, "UPLINK");
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next)
		if ((a->ifa_flags & (up | IFF_LOOPBACK)) == up && a->ifa_addr &&
		    a->ifa_addr->sa_family == AF_INET && strcmp(a->ifa_name, BRIDGE_NAME) != 0)
			snprintf(ret, IFNAMSIZ, "%.15s", a->ifa_name);
	freeifaddrs(all);
}

static int no_uplink(const struct launch_options *o, const char *program, const struct app *app,
		     struct err *err)
{
	_cleanup_strbuf_ struct strbuf name = { 0 }, word = { 0 };
	char uplink[IFNAMSIZ];

	example_uplink(uplink);
	if (o->no_app_policy)
		err_set(err, EINVAL,
			"run '%s': no uplink is named, and the app policy is not to "
			"be asked",
			program);
	else if (app)
		err_set(err, EINVAL,
			"run '%s': no uplink is named, and [%s] of the app policy (%s:%u) has none",
			program, app->section, app->where.file, app->where.line);
	else
		err_set(err, EINVAL,
			"run '%s': no uplink is named, and no app policy is for that program",
			program);
	if (app)
		return err_hint(err,
				"say for example `via-iface %s -- %s`, or write '[%s]' and 'uplink "
				"= %s' into ~/.config/via-iface/apps/%s.conf",
				strbuf_word(&name, uplink), strbuf_word(&word, program),
				app->section, uplink, app->section);
	return err_hint(err,
			"say for example `via-iface %s -- %s`, or write '[%s]', 'match = %s' and "
			"'uplink = %s' into ~/.config/via-iface/apps/%s.conf",
			strbuf_word(&name, uplink), strbuf_word(&word, program), program, program,
			uplink, program);
}

static void take_flag(struct launch_options *o, const struct app *app, enum app_key key, bool value,
		      uint32_t flag)
{
	if (app->set & 1u << key && value)
		o->request.flags |= flag;
}

static void take_options(struct launch_options *o, const struct app *app)
{
	struct request *r = &o->request;

	if (!r->uplinks.n)
		r->uplinks = app->uplinks;
	if (app->set & 1u << APP_NAME && !(o->given & GIVEN_NAME))
		memcpy(r->name, app->name, sizeof(r->name));
	if (app->set & 1u << APP_DNS && !(o->given & GIVEN_DNS)) {
		memcpy(r->dns, app->dns, sizeof(r->dns));
		r->n_dns = (uint8_t)app->n_dns;
	}
	if (!(o->given & GIVEN_IPV6))
		take_flag(o, app, APP_IPV6, !app->ipv6, SESSION_NO_IPV6);
	take_flag(o, app, APP_LAN, !app->lan, SESSION_NO_LAN);
	take_flag(o, app, APP_HOST_ACCESS, app->host_access, SESSION_HOST_ACCESS);
	if (app->set & 1u << APP_HOST_PORT && !host_ports_count(&r->host_ports))
		r->host_ports = app->host_ports;
	if (app->set & 1u << APP_RATE && !r->rates.down)
		r->rates = app->rates;
	if (app->set & 1u << APP_PUBLISH && !publish_count(&r->published))
		r->published = app->published;
	if (app->set & 1u << APP_NO_PROXY_ENV && app->no_proxy_env)
		o->no_proxy_env = true;
}

int apps_apply(struct launch_options *o, const struct apps *apps, const struct handover_user *user,
	       struct err *err)
{
	char program[APPS_PROGRAM_MAX] = "";
	struct app app;
	size_t at = 0;
	int found = 0, r = 0;

	if (!o->program)
		return 0;
	at = apps_program(o->program, program);
	if (!o->no_app_policy)
		found = apps_find(apps, program, &app, err);
	if (found < 0)
		return found;
	if (found)
		take_options(o, &app);
	if (!o->request.uplinks.n)
		return no_uplink(o, program, found ? &app : NULL, err);
	r = request_check(&o->request, err);
	if (r == 0 && found)
		r = separate_by_policy(o, &app, at, user, err);
	return r;
}

int apps_load_and_apply(struct launch_options *o, struct err *err)
{
	struct apps apps = { 0 };
	int r = o->program ? apps_load_for(o, !o->request.uplinks.n, &apps, err) : 0;

	if (r == 0)
		r = apps_apply(o, &apps, NULL, err);
	apps_done(&apps);
	return r;
}
