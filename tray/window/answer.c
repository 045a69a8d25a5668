/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/answer.h"

static struct json_object *value_of(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

const char *answer_text(struct json_object *o, const char *key)
{
	struct json_object *value = value_of(o, key, json_type_string);

	return value ? json_object_get_string(value) : "";
}

bool answer_bool(struct json_object *o, const char *key)
{
	struct json_object *value = value_of(o, key, json_type_boolean);

	return value && json_object_get_boolean(value);
}

double answer_number(struct json_object *o, const char *key)
{
	struct json_object *value = value_of(o, key, json_type_double);

	if (!value)
		value = value_of(o, key, json_type_int);
	return value ? json_object_get_double(value) : 0;
}

struct json_object *answer_array(struct json_object *o, const char *key)
{
	return value_of(o, key, json_type_array);
}
