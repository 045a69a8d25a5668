/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/nsswitch.h"

#include "base/cleanup.h"
#include "etc/nss.h"
#include "etc/read.h"

int nsswitch_read(struct strbuf *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = etc_read(NSSWITCH_PATH, &text, &len, err);

	if (r > 0)
		nss_rewrite(text, len, ret);
	return r < 0 ? r : 0;
}
