/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/seat.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"

#ifdef VIA_HAVE_SYSTEMD

#include <systemd/sd-login.h>

/*
 * Of a user who has logged out, logind keeps the session while a process of it is left: in state
 * "closing", and still the active one of its seat until somebody else's takes that place
 * (systemd, src/login/logind-session.c:session_get_state and session_is_active).
 */
static bool counts(const char *session)
{
	char *seat = NULL, *state = NULL;
	bool yes = sd_session_get_state(session, &state) >= 0 && !strcmp(state, "active") &&
		   sd_session_is_remote(session) == 0 && sd_session_get_seat(session, &seat) >= 0 &&
		   seat;

	free(state);
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
