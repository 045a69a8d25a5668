/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/since.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"

#define DAY 86400

/* A time_t has 32 bits on some machines: what does not fit is refused, not cut off. */
static int to_time(int64_t seconds, time_t *ret)
{
	if ((time_t)seconds != seconds)
		return -EOVERFLOW;
	*ret = (time_t)seconds;
	return 0;
}

static int parse_ago(const char *text, time_t now, time_t *ret)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY } };
	size_t len = strlen(text);
	char number[16] = "";
	uint32_t n = 0;

	if (len < 2 || len > sizeof(number))
		return -EINVAL;
	memcpy(number, text, len - 1);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (text[len - 1] == units[i].unit && parse_u32(number, 0, 1000000, &n) == 0)
			return to_time((int64_t)now - (int64_t)n * units[i].seconds, ret);
	return -EINVAL;
}

/* strptime(3) of all of the text; what the format does not name stays as in tm. */
static int parse_as(const char *format, const char *text, struct tm tm, time_t *ret)
{
	const char *end = strptime(text, format, &tm);

	tm.tm_isdst = -1;
	if (!end || *end)
		return -EINVAL;
	*ret = mktime(&tm);
	return *ret == -1 ? -EINVAL : 0;
}

static int parse_clock_of_day(const char *text, struct tm midnight, time_t *ret)
{
	if (parse_as("%H:%M:%S", text, midnight, ret) == 0)
		return 0;
	return parse_as("%H:%M", text, midnight, ret);
}

static int parse_clock(const char *text, time_t now, struct tm midnight, time_t *ret)
{
	int r = parse_clock_of_day(text, midnight, ret);

	if (r < 0 || *ret <= now)
		return r;
	midnight.tm_mday--; /* mktime(3) carries it over */
	return parse_clock_of_day(text, midnight, ret);
}

static int parse_date(const char *text, const struct tm *midnight, time_t *ret)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
					       "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (parse_as(formats[i], text, *midnight, ret) == 0)
			return 0;
	return -EINVAL;
}

int since_parse(const char *text, time_t now, time_t *ret, struct err *err)
{
	struct tm midnight = { 0 };
	uint64_t seconds = 0;

	localtime_r(&now, &midnight);
	midnight.tm_hour = midnight.tm_min = midnight.tm_sec = 0;
	midnight.tm_isdst = -1;
	if (!strcmp(text, "today")) {
		*ret = mktime(&midnight);
		return 0;
	}
	if (text[0] == '@' && parse_u64(text + 1, INT32_MAX * (uint64_t)DAY, &seconds) == 0 &&
	    to_time((int64_t)seconds, ret) == 0)
		return 0;
	if (parse_ago(text, now, ret) == 0 || parse_clock(text, now, midnight, ret) == 0 ||
	    parse_date(text, &midnight, ret) == 0)
		return 0;
	return err_set(err, EINVAL,
		       "invalid --since '%s': expected 10m (s, m, h, d), today, HH:MM, "
		       "\"YYYY-MM-DD HH:MM\" or @SECONDS",
		       text);
}
