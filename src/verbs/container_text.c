/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/container_text.h"

#include <assert.h>
#include <ctype.h>
#include <json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"

static const char *const engines[] = {
	[ENGINE_NONE] = "",   [ENGINE_DOCKER] = "docker", [ENGINE_PODMAN] = "podman",
	[ENGINE_LXC] = "lxc", [ENGINE_NSPAWN] = "nspawn", [ENGINE_OTHER] = "container",
};
static_assert(ARRAY_SIZE(engines) == ENGINE_COUNT, "a name for each engine");

const char *container_engine_name(enum container_engine engine)
{
	return engines[engine];
}

enum container_engine container_engine_find(const char *name, size_t len)
{
	for (enum container_engine e = ENGINE_DOCKER; e < ENGINE_OTHER; e++)
		if (strlen(engines[e]) == len && !strncmp(engines[e], name, len))
			return e;
	return ENGINE_NONE;
}

static bool name_valid(const char *name, size_t len)
{
	if (!len || len >= CONTAINER_NAME_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '.' &&
		    name[i] != '-')
			return false;
	return true;
}

bool container_word_valid(const char *word)
{
	return name_valid(word, strlen(word));
}

static size_t hex_digits(const char *text)
{
	return strspn(text, "0123456789abcdef");
}

/* --- a component of a cgroup's path -------------------------------------------------------- */

/* "PREFIXnameSUFFIX" */
static bool between(const char *component, const char *prefix, const char *suffix, const char **ret,
		    size_t *ret_len)
{
	const size_t len = strlen(component), before = strlen(prefix), behind = strlen(suffix);

	if (len <= before + behind || strncmp(component, prefix, before) != 0 ||
	    strcmp(component + len - behind, suffix) != 0)
		return false;
	*ret = component + before;
	*ret_len = len - before - behind;
	return true;
}

/* libpod-ID.scope, docker-ID.scope, ID: systemd's cgroups and those that the engine makes itself.
 */
static bool take_id(const char *component, const char *parent, struct container_id *ret)
{
	static const struct {
		const char *prefix;
		enum container_engine engine;
	} kinds[] = {
		{ "docker-", ENGINE_DOCKER },        { "libpod-", ENGINE_PODMAN },
		{ "crio-", ENGINE_OTHER },           { "nerdctl-", ENGINE_OTHER },
		{ "cri-containerd-", ENGINE_OTHER }, { "", ENGINE_OTHER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *id = component + strlen(kinds[i].prefix);

		if (strncmp(component, kinds[i].prefix, strlen(kinds[i].prefix)) != 0 ||
		    hex_digits(id) != CONTAINER_ID_LEN ||
		    (id[CONTAINER_ID_LEN] && strcmp(id + CONTAINER_ID_LEN, ".scope") != 0))
			continue;
		memcpy(ret->id, id, CONTAINER_ID_LEN);
		ret->id[CONTAINER_ID_LEN] = 0;
		ret->engine = kinds[i].engine;
		if (!kinds[i].prefix[0] && !strcmp(parent, "docker"))
			ret->engine = ENGINE_DOCKER;
		return true;
	}
	return false;
}

/* The name of a unit, in which systemd.unit(5) writes \xNN for what may not stand there. */
static bool take_name(const char *text, size_t len, struct container_id *ret)
{
	char name[CONTAINER_NAME_MAX];
	size_t n = 0;

	for (size_t i = 0; i < len && n < sizeof(name) - 1; n++) {
		unsigned int byte;

		if (len - i >= 4 && text[i] == '\\' && text[i + 1] == 'x' &&
		    sscanf(text + i + 2, "%2x", &byte) == 1) {
			name[n] = (char)byte;
			i += 4;
		} else {
			name[n] = text[i++];
		}
	}
	name[n] = 0;
	if (!name_valid(name, n))
		return false;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	return true;
}

static bool take_component(const char *component, const char *parent, const char *next,
			   struct container_id *ret)
{
	const char *name;
	size_t len;

	if (take_id(component, parent, ret))
		return true;
	if (between(component, "lxc.payload.", "", &name, &len) ||
	    (!strcmp(parent, "lxc") && between(component, "", "", &name, &len))) {
		ret->engine = ENGINE_LXC;
		return take_name(name, len, ret);
	}
	if (strcmp(next, "supervisor") != 0 &&
	    (between(component, "machine-", ".scope", &name, &len) ||
	     between(component, "systemd-nspawn@", ".service", &name, &len))) {
		ret->engine = ENGINE_NSPAWN;
		return take_name(name, len, ret);
	}
	return false;
}

/* --- a cgroup ------------------------------------------------------------------------------ */

static void copy_component(char ret[NAME_MAX + 1], const char *from)
{
	size_t len = strcspn(from, "/");

	if (len > NAME_MAX)
		len = NAME_MAX;
	memcpy(ret, from, len);
	ret[len] = 0;
}

/* Of one line's path, which begins with a slash. */
static bool take_path(const char *path, struct container_id *ret)
{
	char component[NAME_MAX + 1] = "", parent[NAME_MAX + 1] = "", next[NAME_MAX + 1];
	struct container_id c = { .user = CONTAINER_UID_NONE };

	for (const char *at = path; *at == '/'; at += 1 + strcspn(at + 1, "/")) {
		const char *behind = at + 1 + strcspn(at + 1, "/");
		const char *uid;
		size_t len;
		char number[12];

		memcpy(parent, component, sizeof(parent));
		copy_component(component, at + 1);
		copy_component(next, *behind ? behind + 1 : "");
		if (between(component, "user@", ".service", &uid, &len) && len < sizeof(number)) {
			memcpy(number, uid, len);
			number[len] = 0;
			parse_u32(number, 0, UINT32_MAX - 1, &c.user);
		}
		if (!take_component(component, parent, next, &c))
			continue;
		if ((size_t)(behind - path) < sizeof(c.group)) {
			memcpy(c.group, path, (size_t)(behind - path));
			c.group[behind - path] = 0;
		}
		*ret = c;
		return true;
	}
	return false;
}

bool container_of_cgroup(const char *text, struct container_id *ret)
{
	struct container_id c;
	bool found = false;

	while (*text) {
		const size_t len = strcspn(text, "\n");
		const char *path = memchr(text, ':', len);
		const bool unified = !strncmp(text, "0::", 3);
		char line[4096];

		path = path ? memchr(path + 1, ':', len - (size_t)(path + 1 - text)) : NULL;
		if (path &&
		    snprintf(line, sizeof(line), "%.*s", (int)(len - (size_t)(path + 1 - text)),
			     path + 1) < (int)sizeof(line) &&
		    take_path(line, &c) && (!found || unified)) {
			if (!unified) /* of the first hierarchies */
				c.group[0] = 0;
			*ret = c;
			found = true;
		}
		text += len + (text[len] == '\n');
	}
	return found;
}

/* --- conmon -------------------------------------------------------------------------------- */

bool container_of_conmon(const char *cmdline, size_t len, struct container_id *ret)
{
	struct container_id c = { .engine = ENGINE_PODMAN, .user = CONTAINER_UID_NONE };
	const char *end = cmdline + len, *option = NULL;

	if (!len || end[-1])
		return false;
	for (const char *word = cmdline; word < end; word += strlen(word) + 1) {
		const char *base = strrchr(word, '/');

		if (word == cmdline && strcmp(base ? base + 1 : word, "conmon") != 0)
			return false;
		if (option && (!strcmp(option, "-c") || !strcmp(option, "--cid")) &&
		    hex_digits(word) == CONTAINER_ID_LEN && !word[CONTAINER_ID_LEN])
			memcpy(c.id, word, sizeof(c.id));
		if (option && (!strcmp(option, "-n") || !strcmp(option, "--name")) &&
		    container_word_valid(word))
			snprintf(c.name, sizeof(c.name), "%s", word);
		option = word;
	}
	if (!c.id[0])
		return false;
	*ret = c;
	return true;
}

/* --- what is shown and asked --------------------------------------------------------------- */

bool container_is(const struct container_id *c, const char *word)
{
	const size_t len = strlen(word);

	if (c->name[0] && !strcmp(c->name, word))
		return true;
	return c->id[0] && len >= CONTAINER_ID_SHORT && !strncmp(c->id, word, len);
}

const char *container_title(const struct container_id *c, char ret[CONTAINER_NAME_MAX])
{
	if (c->name[0])
		snprintf(ret, CONTAINER_NAME_MAX, "%s", c->name);
	else
		snprintf(ret, CONTAINER_NAME_MAX, "%.*s", CONTAINER_ID_SHORT, c->id);
	return ret;
}

static const char *string_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, …], "443/tcp": null} */
static void list_ports(struct json_object *all, char ret[CONTAINER_PORTS_MAX])
{
	size_t n = 0;

	if (!json_object_is_type(all, json_type_object))
		return;
	json_object_object_foreach(all, port, bindings)
	{
		const char *host;
		int len;

		if (!json_object_is_type(bindings, json_type_array) ||
		    !json_object_array_length(bindings))
			continue;
		host = string_of(json_object_array_get_idx(bindings, 0), "HostPort");
		if (!host)
			continue;
		len = snprintf(ret + n, CONTAINER_PORTS_MAX - n, "%s%.5s->%.12s", n ? ", " : "",
			       host, port);
		n += (size_t)len;
		if (n > CONTAINER_PORTS_MAX - 40) {
			snprintf(ret + n, CONTAINER_PORTS_MAX - n, ", …");
			break;
		}
	}
	text_make_printable(ret);
}

bool container_read_inspect(const char *text, struct container_id *ret, uint32_t *ret_pid,
			    char ret_ports[CONTAINER_PORTS_MAX])
{
	struct container_id c = { .user = CONTAINER_UID_NONE };
	char pid[12], name[CONTAINER_NAME_MAX + 1];
	const char *bare = name;
	struct json_object *ports;
	uint32_t number = 0;
	int at = 0;

	if (sscanf(text, "%64[0-9a-f] %10[0-9] %129s %n", c.id, pid, name, &at) != 3 || !at ||
	    strlen(c.id) != CONTAINER_ID_LEN || text[CONTAINER_ID_LEN] != ' ' ||
	    parse_u32(pid, 0, INT_MAX, &number) < 0)
		return false;
	bare += *bare == '/'; /* Docker's names have one */
	if (!container_word_valid(bare))
		return false;
	snprintf(c.name, sizeof(c.name), "%s", bare);
	ret_ports[0] = 0;
	ports = json_tokener_parse(text + at);
	list_ports(ports, ret_ports);
	json_object_put(ports);
	*ret = c;
	*ret_pid = number;
	return true;
}
