/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unit.h without libsystemd. */
#include "daemon/unit.h"

#include <errno.h>

int unit_start_socket(struct err *err)
{
	err_set(err, EOPNOTSUPP, "ask systemd to start the daemon: built without libsystemd");
	return err_hint(err, "`systemctl start via-iface.socket` starts it");
}

int unit_leave(struct err *err)
{
	(void)err;
	return 0;
}
