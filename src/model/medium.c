/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/medium.h"

#include <assert.h>
#include <string.h>

static const char *const media[] = {
	[MEDIUM_ETHERNET] = "ethernet", [MEDIUM_WIFI] = "wifi",   [MEDIUM_WWAN] = "wwan",
	[MEDIUM_VPN] = "vpn",           [MEDIUM_OTHER] = "other",
};
static_assert(sizeof(media) / sizeof(media[0]) == MEDIUM_COUNT, "a medium has no name");

const char *link_medium_name(enum link_medium medium)
{
	return media[medium];
}

enum link_medium link_medium_of(const char *name)
{
	for (int m = 0; m < MEDIUM_COUNT; m++)
		if (m != MEDIUM_OTHER && !strcmp(name, media[m]))
			return (enum link_medium)m;
	return MEDIUM_OTHER;
}
