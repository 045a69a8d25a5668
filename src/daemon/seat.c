/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/seat.h"

#include <stdlib.h>

#include "config.h"

#ifdef VIA_HAVE_SYSTEMD

#include <systemd/sd-login.h>

static bool counts(const char *session)
{
	char *seat = NULL;
	bool yes = sd_session_is_active(session) > 0 && sd_session_is_remote(session) == 0 &&
		   sd_session_get_seat(session, &seat) >= 0 && seat;

	free(seat);
	return yes;
}

bool seat_active(uid_t uid)
{
	char **sessions = NULL;
	int n = sd_uid_get_sessions(uid, 1, &sessions);
	bool yes = false;

	for (int i = 0; i < n; i++) {
		yes = yes || counts(sessions[i]);
		free(sessions[i]);
	}
	free(sessions);
	return yes;
}

#else

bool seat_active(uid_t uid)
{
	(void)uid;
	return false;
}

#endif
