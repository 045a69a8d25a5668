/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/app_policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/conf.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "base/util.h"
#include "base/vec.h"

void apps_done(struct apps *a)
{
	VEC_DONE(a);
}

/* --- a file -------------------------------------------------------------------------------- */

static bool section_valid(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("[]\"'\\/,%", *c))
			return false;
	return name[0] != 0;
}

static struct app *find_section(const struct apps *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->v[i].section, name))
			return &a->v[i];
	return NULL;
}

/* A later file moves what it speaks of to the end: of two that match, it is to win. */
static struct app *to_the_end(struct apps *a, struct app *app)
{
	struct app moved = *app;
	size_t at = (size_t)(app - a->v);

	memmove(app, app + 1, (a->n - at - 1) * sizeof(*app));
	a->v[a->n - 1] = moved;
	return &a->v[a->n - 1];
}

static int begin_section(struct conf *c, char *name)
{
	struct apps *a = c->to;
	struct app *app;

	if (!section_valid(name))
		return CONF_COMPLAIN(c, c->line,
				     "'%s' is no name of an app: one word without quotes, "
				     "slashes and commas",
				     name);
	if (strlen(name) >= APP_NAME_MAX)
		return CONF_COMPLAIN(c, c->line, "'%s' is longer than %d bytes", name,
				     APP_NAME_MAX - 1);
	if (strlen(c->file) >= APP_FILE_MAX)
		return CONF_COMPLAIN(c, c->line, "the file's name is too long");
	app = find_section(a, name);
	if (app && !strcmp(app->where.file, c->file))
		return CONF_COMPLAIN(c, c->line, "[%s] is there twice, also in line %u", name,
				     app->where.line);
	if (app) {
		app = to_the_end(a, app);
	} else {
		app = a->n < APPS_MAX ? VEC_PUSH(a) : NULL;
		if (!app)
			return CONF_COMPLAIN(c, c->line, "there are more than %u apps", APPS_MAX);
		strcpy(app->section, name);
		app->ipv6 = app->lan = true;
	}
	strcpy(app->where.file, c->file);
	app->where.line = c->line;
	return 0;
}

/* Words with one blank between them; NULL, or what is wrong. */
static const char *set_words(char ret[APP_WORDS_MAX], const char *value, const char *forbidden,
			     const char *wrong)
{
	char list[APP_WORDS_MAX], *rest = list, *one;
	size_t len = 0;

	if (copy_string(list, sizeof(list), value) < 0)
		return "it is too long";
	ret[0] = 0;
	while ((one = strsep(&rest, CONF_BLANKS))) {
		if (!*one)
			continue;
		for (const char *ch = one; *ch; ch++)
			if ((unsigned char)*ch < ' ' || *ch == 0x7f || strchr(forbidden, *ch))
				return wrong;
		/* never longer than what it is taken from */
		len += (size_t)snprintf(ret + len, APP_WORDS_MAX - len, "%s%s", len ? " " : "",
					one);
	}
	return NULL;
}

static const char *set_match(struct app *a, const char *value)
{
	const char *wrong = set_words(a->match, value, "/\"'\\*?[]=#,%",
				      "each must be the name of a program without its directory, "
				      "or the id of a Flatpak, with blanks between");

	return wrong ? wrong : a->match[0] ? NULL : "no program is named; leave the line out";
}

static const char *set_uplink(struct app *a, const char *value)
{
	struct request r = { 0 };
	const char *wrong = request_conf_uplinks(value, &r);

	if (!wrong)
		a->uplinks = r.uplinks;
	return wrong;
}

static const char *set_name(struct app *a, const char *value)
{
	if (!session_name_valid(value))
		return "1 to 32 of letters, digits and ._+-, the first a letter or digit";
	strcpy(a->name, value);
	return NULL;
}

static const char *set_dns(struct app *a, const char *value)
{
	struct request r = { 0 };
	const char *wrong = request_conf_dns(value, &r);

	if (wrong)
		return wrong;
	memcpy(a->dns, r.dns, sizeof(a->dns));
	a->n_dns = r.n_dns;
	return NULL;
}

static const char *set_one_of(bool *ret, const char *value, const char *yes, const char *no,
			      const char *wrong)
{
	*ret = !strcmp(value, yes);
	return *ret || !strcmp(value, no) ? NULL : wrong;
}

static const char *set_ipv6(struct app *a, const char *value)
{
	return set_one_of(&a->ipv6, value, "auto", "off", "it is auto or off");
}

static const char *set_lan(struct app *a, const char *value)
{
	return conf_set_bool(&a->lan, value);
}

static const char *set_host_access(struct app *a, const char *value)
{
	return conf_set_bool(&a->host_access, value);
}

static const char *set_host_port(struct app *a, const char *value)
{
	memset(&a->host_ports, 0, sizeof(a->host_ports)); /* a later file says it anew */
	return host_ports_add(value, &a->host_ports);
}

static const char *set_rate(struct app *a, const char *value)
{
	return rate_limits_read(value, &a->rates);
}

static const char *set_publish(struct app *a, const char *value)
{
	memset(&a->published, 0, sizeof(a->published)); /* a later file says it anew */
	return publish_add(value, &a->published);
}

static const char *set_no_proxy_env(struct app *a, const char *value)
{
	return conf_set_bool(&a->no_proxy_env, value);
}

static const char *set_separate(struct app *a, const char *value)
{
	return set_one_of(&a->separate_always, value, "always", "running",
			  "it is running (when another instance runs already) or always");
}

static const char *set_profile(struct app *a, const char *value)
{
	if (!section_valid(value) || strlen(value) >= APP_NAME_MAX)
		return "it is the name of another section";
	if (!strcmp(value, a->section))
		return "that is this section itself";
	strcpy(a->profile, value);
	return NULL;
}

static const char *set_outside(struct app *a, const char *value)
{
	static const char *const hows[] = {
		[APP_OUTSIDE_NO] = "no",           [APP_OUTSIDE_INSTANCE] = "instance",
		[APP_OUTSIDE_BUS] = "bus",         [APP_OUTSIDE_SERVER] = "server",
		[APP_OUTSIDE_CLIENT] = "client",   [APP_OUTSIDE_TMUX] = "tmux",
		[APP_OUTSIDE_FLATPAK] = "flatpak", [APP_OUTSIDE_SSH] = "ssh",
	};
	_Static_assert(ARRAY_SIZE(hows) == APP_OUTSIDE_COUNT, "one for each");

	for (size_t i = 0; i < APP_OUTSIDE_COUNT; i++)
		if (!strcmp(value, hows[i])) {
			a->outside.how = (enum app_outside_how)i;
			return NULL;
		}
	return "it is instance, bus, server, client, tmux, flatpak, ssh or no";
}

/* For a line of ours on standard error: it prints, and is one line anyway. */
static const char *set_text(char ret[APP_WORDS_MAX], const char *value)
{
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "it holds a control character";
	return copy_string(ret, APP_WORDS_MAX, value) < 0 ? "it is too long" : NULL;
}

static const char *set_arguments(char ret[APP_WORDS_MAX], const char *value)
{
	return set_words(ret, value, "\"'\\",
			 "quotes and backslashes mean nothing here; the words have blanks between");
}

static const char *set_when(struct app *a, const char *value)
{
	return set_arguments(a->outside.when, value);
}

static const char *set_when_env(struct app *a, const char *value)
{
	if (strpbrk(value, "= \t") || copy_string(a->outside.when_env, APP_NAME_MAX, value) < 0)
		return "it is the name of an environment variable";
	return NULL;
}

static const char *set_unless(struct app *a, const char *value)
{
	return set_arguments(a->outside.unless, value);
}

static const char *set_value_options(struct app *a, const char *value)
{
	return set_arguments(a->outside.value_options, value);
}

static const char *set_processes(struct app *a, const char *value)
{
	return set_words(a->outside.processes, value, "/",
			 "each must be the name of a program without its directory, with blanks "
			 "between");
}

static const char *set_socket(struct app *a, const char *value)
{
	return set_text(a->outside.socket, value);
}

static const char *set_who(struct app *a, const char *value)
{
	return set_text(a->outside.who, value);
}

static const char *set_advice(struct app *a, const char *value)
{
	return set_text(a->outside.advice, value);
}

/* Arguments with blanks between; an empty value takes back what an earlier file said. */
static const char *set_separate_words(char ret[APP_WORDS_MAX], const char *value)
{
	const char *wrong = set_words(ret, value, "\"'\\",
				      "quotes and backslashes mean nothing here; the arguments "
				      "have blanks between");
	size_t n = ret[0] != 0;

	for (const char *c = ret; *c; c++)
		n += *c == ' ';
	return wrong ? wrong : n > APP_SEPARATE_MAX ? "there are more than 16 arguments" : NULL;
}

static const char *set_separate_instance(struct app *a, const char *value)
{
	return set_separate_words(a->separate_instance, value);
}

static const char *set_outside_separate(struct app *a, const char *value)
{
	return set_separate_words(a->outside.separate, value);
}

static const char *const keys[] = {
	[APP_MATCH] = "match",
	[APP_UPLINK] = "uplink",
	[APP_NAME] = "name",
	[APP_DNS] = "dns",
	[APP_IPV6] = "ipv6",
	[APP_LAN] = "lan",
	[APP_HOST_ACCESS] = "host-access",
	[APP_HOST_PORT] = "host-port",
	[APP_RATE] = "rate",
	[APP_PUBLISH] = "publish",
	[APP_NO_PROXY_ENV] = "no-proxy-env",
	[APP_SEPARATE_INSTANCE] = "separate-instance",
	[APP_SEPARATE] = "separate",
	[APP_PROFILE] = "profile",
	[APP_OUTSIDE] = "outside",
	[APP_OUTSIDE_WHEN] = "outside-when",
	[APP_OUTSIDE_WHEN_ENV] = "outside-when-env",
	[APP_OUTSIDE_UNLESS] = "outside-unless",
	[APP_OUTSIDE_VALUE_OPTIONS] = "outside-value-options",
	[APP_OUTSIDE_PROCESSES] = "outside-processes",
	[APP_OUTSIDE_SOCKET] = "outside-socket",
	[APP_OUTSIDE_WHO] = "outside-who",
	[APP_OUTSIDE_ADVICE] = "outside-advice",
	[APP_OUTSIDE_SEPARATE] = "outside-separate",
	[APP_KEY_COUNT] = NULL,
};

static const char *(*const setters[])(struct app *a, const char *value) = {
	[APP_MATCH] = set_match,
	[APP_UPLINK] = set_uplink,
	[APP_NAME] = set_name,
	[APP_DNS] = set_dns,
	[APP_IPV6] = set_ipv6,
	[APP_LAN] = set_lan,
	[APP_HOST_ACCESS] = set_host_access,
	[APP_HOST_PORT] = set_host_port,
	[APP_RATE] = set_rate,
	[APP_PUBLISH] = set_publish,
	[APP_NO_PROXY_ENV] = set_no_proxy_env,
	[APP_SEPARATE_INSTANCE] = set_separate_instance,
	[APP_SEPARATE] = set_separate,
	[APP_PROFILE] = set_profile,
	[APP_OUTSIDE] = set_outside,
	[APP_OUTSIDE_WHEN] = set_when,
	[APP_OUTSIDE_WHEN_ENV] = set_when_env,
	[APP_OUTSIDE_UNLESS] = set_unless,
	[APP_OUTSIDE_VALUE_OPTIONS] = set_value_options,
	[APP_OUTSIDE_PROCESSES] = set_processes,
	[APP_OUTSIDE_SOCKET] = set_socket,
	[APP_OUTSIDE_WHO] = set_who,
	[APP_OUTSIDE_ADVICE] = set_advice,
	[APP_OUTSIDE_SEPARATE] = set_outside_separate,
};
_Static_assert(ARRAY_SIZE(setters) == APP_KEY_COUNT && APP_KEY_COUNT < 32, "one for each key");

static const char *take_value(struct conf *c, size_t key, const char *value)
{
	struct apps *a = c->to;
	struct app *app = &a->v[a->n - 1]; /* the section's, in either case */

	app->set |= 1u << key;
	return setters[key](app, value);
}

static int parse(const char *text, size_t len, const char *file, struct apps *to,
		 struct conf_mistakes *mistakes, struct err *err)
{
	static const struct conf_format format = {
		.section = "[APP]",
		.example = "uplink = wlp6s0",
		.keys = keys,
		.begin = begin_section,
		.take = take_value,
	};
	struct conf c = {
		.format = &format, .file = file, .to = to, .err = err, .mistakes = mistakes
	};

	return conf_read(&c, text, len);
}

int apps_parse(const char *text, size_t len, const char *file, struct apps *to, struct err *err)
{
	return parse(text, len, file, to, NULL, err);
}

int apps_parse_all(const char *text, size_t len, const char *file, struct apps *to,
		   struct conf_mistakes *mistakes)
{
	struct err err = { 0 };

	return parse(text, len, file, to, mistakes, &err);
}

/* --- a program ----------------------------------------------------------------------------- */

/* All that says where a program's work is done, and not how it is to run. */
#define OUTSIDE_KEYS ((1u << APP_KEY_COUNT) - (1u << APP_OUTSIDE))

static bool matches(const struct app *a, const char *program)
{
	bool only_outside = a->set & OUTSIDE_KEYS && !(a->set & ~(OUTSIDE_KEYS | 1u << APP_MATCH));

	return !only_outside && word_listed(a->match, program);
}

/* What the profile says and the app does not. */
static void add_profile(struct app *a, const struct app *profile)
{
	const uint32_t more = profile->set & ~a->set;

	if (more & 1u << APP_UPLINK)
		a->uplinks = profile->uplinks;
	if (more & 1u << APP_NAME)
		memcpy(a->name, profile->name, sizeof(a->name));
	if (more & 1u << APP_DNS) {
		memcpy(a->dns, profile->dns, sizeof(a->dns));
		a->n_dns = profile->n_dns;
	}
	if (more & 1u << APP_IPV6)
		a->ipv6 = profile->ipv6;
	if (more & 1u << APP_LAN)
		a->lan = profile->lan;
	if (more & 1u << APP_HOST_ACCESS)
		a->host_access = profile->host_access;
	if (more & 1u << APP_HOST_PORT)
		a->host_ports = profile->host_ports;
	if (more & 1u << APP_RATE)
		a->rates = profile->rates;
	if (more & 1u << APP_PUBLISH)
		a->published = profile->published;
	if (more & 1u << APP_NO_PROXY_ENV)
		a->no_proxy_env = profile->no_proxy_env;
	if (more & 1u << APP_SEPARATE_INSTANCE)
		memcpy(a->separate_instance, profile->separate_instance,
		       sizeof(a->separate_instance));
	if (more & 1u << APP_SEPARATE)
		a->separate_always = profile->separate_always;
	a->set |= more & ~(1u << APP_MATCH | 1u << APP_PROFILE | OUTSIDE_KEYS);
}

int apps_find(const struct apps *a, const char *program, struct app *ret, struct err *err)
{
	const struct app *profile;

	for (size_t i = a->n; i-- > 0;) {
		if (!matches(&a->v[i], program))
			continue;
		profile = find_section(a, a->v[i].profile);
		if (a->v[i].profile[0] && !profile)
			return err_set(err, ENOENT,
				       "%s:%u: [%s] has the profile '%s', and no file "
				       "has such a section",
				       a->v[i].where.file, a->v[i].where.line, a->v[i].section,
				       a->v[i].profile);
		*ret = a->v[i];
		if (profile)
			add_profile(ret, profile);
		return 1;
	}
	return 0;
}

/* --- arguments ----------------------------------------------------------------------------- */

/* One word; a list such as "ssid:a/b,wwan0" is one directory. */
static void expand(struct strbuf *sb, const char *word, size_t len, const char *home,
		   const char *uplinks)
{
	for (size_t i = 0; i < len; i++) {
		bool starts = i == 0 || word[i - 1] == '=' ||
			      (i >= 3 && !strncmp(word + i - 3, "://", 3));

		if (word[i] == '~' && i + 1 < len && word[i + 1] == '/' && starts) {
			strbuf_add(sb, "%s", home);
		} else if (word[i] == '%' && i + 1 < len && word[i + 1] == 'u') {
			for (const char *u = uplinks; *u; u++)
				strbuf_add_bytes(sb, *u == '/' ? "_" : u, 1);
			i++;
		} else {
			strbuf_add_bytes(sb, word + i, 1);
		}
	}
	strbuf_add_bytes(sb, "", 1);
}

int app_separate_arguments(const char *arguments, const char *home,
			   const struct uplink_list *uplinks, char ***ret, char **ret_bytes)
{
	char list[UPLINK_LIST_TEXT_MAX];
	_cleanup_strbuf_ struct strbuf bytes = { 0 };
	size_t n = 0;
	int r;

	for (const char *word = arguments; *word && n < APP_SEPARATE_MAX; n++) {
		size_t len = strcspn(word, " ");

		expand(&bytes, word, len, home, uplink_list_format(uplinks, list));
		word += len + (word[len] == ' ');
	}
	r = strbuf_steal_argv(&bytes, n, ret, ret_bytes);
	return r < 0 ? r : (int)n;
}
