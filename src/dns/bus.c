/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to the system bus, for the readers of its services (bus.h). None of these may
 * delay a launch: each question has one deadline for all its calls, no service is started by it,
 * and a service that does not answer is not asked again for a while (backoff). The bus's address is
 * fixed: a root program takes none from its environment. The owner of a service's name is asked
 * once and then tracked by NameOwnerChanged; a signal counts only from that owner, since any client
 * of the bus may send one to us.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "dns/bus.h"

#define BACKOFF_MS     1000 /* backoff after the first time */
#define BACKOFF_MAX_MS 30000
#define TAKE_MAX       1024 /* messages at once; who sends more is not listened to */
#define BUS            "org.freedesktop.DBus"
#define BUS_PATH       "/org/freedesktop/DBus"
#define PROPERTIES     "org.freedesktop.DBus.Properties"

static const char *const services[] = {
	[SERVICE_NM] = BUS_NAME_NM,
	[SERVICE_CONNMAN] = BUS_NAME_CONNMAN,
	[SERVICE_CONNMAN_VPN] = BUS_NAME_CONNMAN_VPN,
	[SERVICE_RESOLVED] = BUS_NAME_RESOLVED,
	[SERVICE_MODEM] = BUS_NAME_MODEM,
	[SERVICE_BUS] = BUS,
};
static_assert(ARRAY_SIZE(services) == SERVICE_COUNT, "services");
static_assert(SERVICE_BUS == DNS_SERVICES, "DNS_SERVICES");

void bus_message_done(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

void bus_close(struct dns *n)
{
	sd_bus_close(n->bus);
	n->bus = sd_bus_unref(n->bus);
	n->asked = 0;
	memset(n->owners, 0, sizeof(n->owners));
}

static void leave_alone(struct dns *n, enum service s)
{
	int64_t ms = n->backoff[s].ms ? 2 * n->backoff[s].ms : BACKOFF_MS;

	n->backoff[s].ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	n->backoff[s].until = clock_ms() + n->backoff[s].ms;
	if (s == SERVICE_BUS)
		bus_close(n);
}

static bool is_left_alone(const struct dns *n, enum service s)
{
	return n->backoff[s].until > clock_ms();
}

static void speaks(struct dns *n, enum service s)
{
	n->backoff[s].until = n->backoff[s].ms = 0;
}

/* --- signals ------------------------------------------------------------------------------- */

static void new_owner(struct dns *n, enum service s, const char *owner)
{
	if (copy_string(n->owners[s], sizeof(n->owners[s]), owner) < 0)
		n->owners[s][0] = 0;
	n->asked |= 1u << s;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *name, *before, *owner, *sender = sd_bus_message_get_sender(m);
	struct dns *n = userdata;

	(void)error;
	if (!sender || strcmp(sender, BUS) != 0 ||
	    sd_bus_message_read(m, "sss", &name, &before, &owner) < 0)
		return 0;
	for (enum service s = 0; s < SERVICE_BUS; s++)
		if (!strcmp(name, services[s])) {
			new_owner(n, s, owner);
			speaks(n, s);
			n->bus_changed = true;
		}
	return 0;
}

static bool tells_names(const char *property)
{
	static const char *const those[] = {
		"NameserverData",  "DnsOptions",      "Nameservers",   "Domains",
		"Searches",        "Ip4Config",       "Ip6Config",     "DNS",
		"DNSEx",           "Dhcp4Config",     "Gateway",       "Options",
		"Bearers",         "Connected",       "Configuration", "ActiveConnections",
		"Ip4Connectivity", "Ip6Connectivity",
	};

	for (size_t i = 0; i < ARRAY_SIZE(those); i++)
		if (!strcmp(property, those[i]))
			return true;
	return false;
}

/* Whether it is from one of the services, by its connection. */
static bool is_from_service(const struct dns *n, const char *sender)
{
	for (enum service s = 0; sender && s < SERVICE_BUS; s++)
		if (!strcmp(sender, n->owners[s]))
			return true;
	return false;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct dns *n = userdata;
	const char *property;

	(void)error;
	if (!is_from_service(n, sd_bus_message_get_sender(m)))
		return 0;
	if (sd_bus_message_skip(m, "s") < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return 0;
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &property) < 0)
			return 0;
		n->bus_changed |= tells_names(property);
		if (sd_bus_message_skip(m, "v") < 0 || sd_bus_message_exit_container(m) < 0)
			return 0;
	}
	return 0;
}

/* ConnMan's own kind of signal, of one property; the match has told that it is of interest. */
static int on_connman(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct dns *n = userdata;

	(void)error;
	n->bus_changed |= is_from_service(n, sd_bus_message_get_sender(m));
	return 0;
}

static int subscribe(struct dns *n)
{
#define OWNER(name)                                                                                \
	"type='signal',sender='" BUS "',path='" BUS_PATH "',interface='" BUS                       \
	"',member='NameOwnerChanged',arg0='" name "'"
#define CHANGED(name, interface)                                                                   \
	"type='signal',sender='" name "',interface='" PROPERTIES                                   \
	"',member='PropertiesChanged',arg0='" name interface "'"
#define CONNMAN(name, interface, property)                                                         \
	"type='signal',sender='" name                                                              \
	"',interface='" name interface "',member='PropertyChanged',arg0='" property "'"
#define CONNMAN_SERVICE(property) CONNMAN(BUS_NAME_CONNMAN, ".Service", property)
#define CONNMAN_VPN(property)     CONNMAN(BUS_NAME_CONNMAN_VPN, ".Connection", property)
	static const struct {
		const char *match;
		sd_bus_message_handler_t handler;
	} matches[] = {
		{ OWNER(BUS_NAME_NM), on_owner },
		{ OWNER(BUS_NAME_CONNMAN), on_owner },
		{ OWNER(BUS_NAME_CONNMAN_VPN), on_owner },
		{ OWNER(BUS_NAME_RESOLVED), on_owner },
		{ OWNER(BUS_NAME_MODEM), on_owner },
		{ CHANGED(BUS_NAME_NM, ""), on_properties },
		{ CHANGED(BUS_NAME_NM, ".Device"), on_properties },
		{ CHANGED(BUS_NAME_NM, ".IP4Config"), on_properties },
		{ CHANGED(BUS_NAME_NM, ".IP6Config"), on_properties },
		{ CHANGED(BUS_NAME_NM, ".DHCP4Config"), on_properties },
		{ CHANGED(BUS_NAME_NM, ".DnsManager"), on_properties },
		{ CHANGED(BUS_NAME_NM, ".Connection.Active"), on_properties },
		{ CHANGED(BUS_NAME_RESOLVED, ".Manager"), on_properties },
		{ CHANGED(BUS_NAME_RESOLVED, ".Link"), on_properties },
		{ CHANGED(BUS_NAME_MODEM, ".Modem"), on_properties },
		{ CHANGED(BUS_NAME_MODEM, ".Bearer"), on_properties },
		{ CONNMAN_SERVICE("State"), on_connman },
		{ CONNMAN_SERVICE("IPv4"), on_connman },
		{ CONNMAN_SERVICE("IPv6"), on_connman },
		{ CONNMAN_SERVICE("Nameservers"), on_connman },
		{ CONNMAN_SERVICE("Domains"), on_connman },
		{ CONNMAN_VPN("State"), on_connman },
		{ CONNMAN_VPN("Nameservers"), on_connman },
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(matches); i++)
		r = sd_bus_add_match_async(n->bus, NULL, matches[i].match, matches[i].handler, NULL,
					   n);
	return r;
}

/* --- the connection ------------------------------------------------------------------------ */

static int connect_socket(const struct dns *n)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	int len;

	len = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s%s/%s", n->root, BUS_SOCKET_DIR,
		       BUS_SOCKET);
	if (len >= (int)sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* Runs the handshake, for which sd_bus_call() alone would allow minutes. */
static int wait_ready(struct dns *n, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - clock_ms();
		int r = sd_bus_process(n->bus, NULL);

		if (r < 0)
			return r;
		if (sd_bus_is_ready(n->bus) > 0)
			return 0;
		if (r > 0)
			continue;
		if (left <= 0)
			return -ETIMEDOUT;
		r = sd_bus_wait(n->bus, (uint64_t)left * 1000);
		if (r < 0 && r != -EINTR)
			return r;
	}
}

static int start(struct dns *n, int fd, int64_t deadline)
{
	int r = sd_bus_new(&n->bus);

	if (r < 0) {
		close(fd);
		return r;
	}
	r = sd_bus_set_fd(n->bus, fd, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = sd_bus_set_bus_client(n->bus, true);
	if (r >= 0)
		r = sd_bus_start(n->bus);
	if (r >= 0)
		r = wait_ready(n, deadline);
	return r < 0 ? r : subscribe(n);
}

int bus_open(struct dns *n, int64_t deadline)
{
	int fd, r;

	if (n->bus && sd_bus_is_open(n->bus) > 0)
		return 0;
	bus_close(n);
	if (is_left_alone(n, SERVICE_BUS))
		return -ETIMEDOUT;
	fd = connect_socket(n);
	if (fd == -EAGAIN) { /* it accepts no connection any more */
		leave_alone(n, SERVICE_BUS);
		return -ETIMEDOUT;
	}
	if (fd < 0)
		return -ESRCH;
	r = start(n, fd, deadline);
	if (r < 0) {
		leave_alone(n, SERVICE_BUS);
		return -ETIMEDOUT;
	}
	return 0;
}

static bool take_pending(struct dns *n)
{
	int r = 0;

	for (int i = 0; n->bus && i < TAKE_MAX; i++) {
		r = sd_bus_process(n->bus, NULL);
		if (r <= 0)
			break;
	}
	if (n->bus && r < 0) {
		bus_close(n); /* the bus went away; the next question looks for a new one */
		n->bus_changed = true;
	} else if (n->bus && r > 0) {
		leave_alone(n, SERVICE_BUS);
		n->bus_changed = true;
	}
	return n->bus_changed;
}

bool bus_take_events(struct dns *n)
{
	bool changed = take_pending(n);

	n->bus_changed = false;
	return changed;
}

int bus_poll(const struct dns *n, short *ret_events)
{
	int fd = n->bus ? sd_bus_get_fd(n->bus) : -1, events;

	*ret_events = 0;
	if (fd < 0)
		return -1;
	events = sd_bus_get_events(n->bus);
	*ret_events = (short)(events > 0 ? events : POLLIN);
	if (n->bus_changed)
		*ret_events |= POLLOUT; /* it came while a question was asked: wake at once */
	return fd;
}

/* --- calls --------------------------------------------------------------------------------- */

int bus_call(struct dns *n, enum service s, int64_t deadline, sd_bus_message *m,
	     sd_bus_message **ret)
{
	int64_t left = deadline - clock_ms();
	int r;

	sd_bus_message_set_auto_start(m, false);
	r = left > 0 ? sd_bus_call(n->bus, m, (uint64_t)left * 1000, NULL, ret) : -ETIMEDOUT;
	if (r == -ETIMEDOUT) {
		leave_alone(n, s);
		return r;
	}
	if (r < 0 && sd_bus_is_open(n->bus) <= 0)
		return -ESRCH;
	speaks(n, s);
	return r < 0 ? -ENOENT : 0;
}

int bus_reach(struct dns *n, enum service s, int64_t deadline)
{
	_cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
	const char *owner = "";
	int r;

	if (is_left_alone(n, s))
		return -ETIMEDOUT;
	r = bus_open(n, deadline);
	if (r < 0)
		return r;
	take_pending(n);
	if (!n->bus)
		return -ESRCH;
	if (!(n->asked & (1u << s))) {
		if (sd_bus_message_new_method_call(n->bus, &m, BUS, BUS_PATH, BUS, "GetNameOwner") <
			    0 ||
		    sd_bus_message_append(m, "s", services[s]) < 0)
			return -ENOENT;
		r = bus_call(n, SERVICE_BUS, deadline, m, &reply);
		if (r == 0 && sd_bus_message_read(reply, "s", &owner) < 0)
			owner = "";
		if (r < 0 && r != -ENOENT)
			return r;
		new_owner(n, s, owner);
	}
	return n->owners[s][0] ? 0 : -ESRCH;
}

int bus_new_call(struct dns *n, enum service s, const char *path, const char *interface,
		 const char *method, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(n->bus, ret, n->owners[s], path, interface, method) <
			       0
		       ? -ENOENT
		       : 0;
}

int bus_get_all(struct dns *n, enum service s, int64_t deadline, const char *path,
		const char *interface, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;

	if (bus_new_call(n, s, path, PROPERTIES, "GetAll", &m) < 0 ||
	    sd_bus_message_append(m, "s", interface) < 0)
		return -ENOENT;
	return bus_call(n, s, deadline, m, ret);
}

/* bus_poll() makes sure that what came is told. */
int bus_asked(struct dns *n, int r)
{
	take_pending(n);
	return r;
}
