/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_ANSWER_H
#define VIA_TRAY_WINDOW_ANSWER_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/cleanup.h"

/* What the command line printed as JSON: values of any type but the one meant count as none. */

static inline void answer_put(struct json_object **o)
{
	json_object_put(*o);
}
#define _cleanup_json_ __attribute__((cleanup(answer_put)))

const char *answer_text(struct json_object *o, const char *key); /* "": none; borrowed */
bool answer_bool(struct json_object *o, const char *key);
double answer_number(struct json_object *o, const char *key);             /* 0: none */
struct json_object *answer_array(struct json_object *o, const char *key); /* NULL: none */

#endif
