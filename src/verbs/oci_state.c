/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/oci_state.h"

#include <errno.h>
#include <json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define DEPTH_MAX 16
#define PREFIX    "via-iface."
#define VALUE_MAX 512 /* bytes of an annotation's value */

static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o = NULL;
	size_t end;

	if (!tok || len > OCI_STATE_MAX)
		goto out;
	o = json_tokener_parse_ex(tok, text, (int)len);
	end = json_tokener_get_parse_end(tok);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    (end < len && strspn(text + end, " \t\r\n") < len - end)) {
		json_object_put(o);
		o = NULL;
	}
out:
	if (tok)
		json_tokener_free(tok);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	return json_object_is_type(o, json_type_object) &&
			       json_object_object_get_ex(o, key, &value) &&
			       json_object_is_type(value, type)
		       ? value
		       : NULL;
}

/* Its text, where that is one: without a NUL in it, and not longer than max. */
static const char *text_of(struct json_object *o, size_t max)
{
	const char *text = o ? json_object_get_string(o) : NULL;
	const size_t len = text ? strlen(text) : 0;

	if (!text || len > max || len != (size_t)json_object_get_string_len(o))
		return NULL;
	return text;
}

static int add(struct oci_state *s, const char *option, const char *value)
{
	if (s->n_words == OCI_WORDS_MAX ||
	    asprintf(&s->words[s->n_words], "%s%s", option, value) < 0) {
		s->words[s->n_words] = NULL;
		return -ENOMEM;
	}
	s->n_words++;
	return 0;
}

/* One annotation of ours; the uplinks come last, and by another way. */
static int take(struct oci_state *s, const char *key, const char *value, struct err *err)
{
	static const struct {
		const char *key, *option;
		bool is_switch;
	} known[] = {
		{ "name", "--name=", false },       { "dns", "--dns=", false },
		{ "ipv6", "--ipv6=", false },       { "mtu", "--mtu=", false },
		{ "no-lan", "--no-lan", true },     { "host-access", "--host-access", true },
		{ "fallback", "--fallback", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(key, known[i].key) != 0)
			continue;
		if (!known[i].is_switch)
			return add(s, known[i].option, value);
		if (!strcmp(value, "true"))
			return add(s, known[i].option, "");
		if (!strcmp(value, "false"))
			return 0;
		return err_set(err, EINVAL, "invalid annotation " PREFIX "%s: it is true or false",
			       key);
	}
	return err_set(err, EINVAL, "unknown annotation " PREFIX "%.60s", key);
}

static int take_annotations(struct oci_state *s, struct json_object *all, struct err *err)
{
	const char *uplinks = NULL;

	json_object_object_foreach(all, key, object)
	{
		const bool is_string = json_object_is_type(object, json_type_string);
		const char *value = is_string ? text_of(object, VALUE_MAX) : NULL;
		int r;

		if (strncmp(key, PREFIX, strlen(PREFIX)) != 0)
			continue;
		key += strlen(PREFIX);
		if (!value)
			return err_set(err, EINVAL,
				       "invalid annotation " PREFIX
				       "%.60s: it is a text of %d bytes at most",
				       key, VALUE_MAX);
		if (!strcmp(key, "uplink")) {
			uplinks = value;
			continue;
		}
		r = take(s, key, value, err);
		if (r < 0)
			return r;
	}
	if (!uplinks || !*uplinks || *uplinks == '-')
		return err_set(err, EINVAL,
			       "invalid annotation " PREFIX "uplink: it names no uplink");
	return add(s, "", uplinks);
}

int oci_state_read(const char *text, size_t len, struct oci_state *ret, struct err *err)
{
	struct json_object *state = parse(text, len), *annotations;
	struct oci_state s = { 0 };
	const char *id = text_of(member(state, "id", json_type_string), CONTAINER_NAME_MAX - 1);
	int64_t pid = json_object_get_int64(member(state, "pid", json_type_int));
	int r = 0;

	annotations = member(state, "annotations", json_type_object);
	if (!state || !id || !container_word_valid(id) || pid < 1 || pid > INT_MAX || !annotations)
		r = err_set(err, EINVAL,
			    "read the container's state: it is none, or has no id, process and "
			    "annotations");
	if (r == 0) {
		s.pid = (uint32_t)pid;
		snprintf(s.id, sizeof(s.id), "%s", id);
		r = add(&s, "attach", "");
	}
	if (r == 0)
		r = take_annotations(&s, annotations, err);
	if (r == -ENOMEM)
		r = err_errno(err, ENOMEM, "read the container's state");
	json_object_put(state);
	if (r < 0) {
		oci_state_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void oci_state_done(struct oci_state *s)
{
	for (int i = 0; i < s->n_words; i++)
		free(s->words[i]);
	s->n_words = 0;
}
