/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NetworkManager and systemd-resolved over D-Bus. Neither may hold up a launch, so each question
 * has one deadline for all its calls, nobody is started by being asked, and who does not answer
 * is left alone for a while. The bus's address is fixed: a root program takes none from its
 * environment. Who owns the two names is asked once and kept by the bus's own signals; a signal
 * counts only from that owner, since anybody on the bus may send one to us.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "names/internal.h"

#define QUIET_MS      1000 /* how long it is left alone, the first time */
#define QUIET_MAX_MS  30000
#define TAKE_MAX      1024 /* messages at once; who sends more is not listened to */
#define NM            "org.freedesktop.NetworkManager"
#define NM_PATH       "/org/freedesktop/NetworkManager"
#define RESOLVED      "org.freedesktop.resolve1"
#define RESOLVED_PATH "/org/freedesktop/resolve1"
#define BUS           "org.freedesktop.DBus"
#define BUS_PATH      "/org/freedesktop/DBus"
#define PROPERTIES    "org.freedesktop.DBus.Properties"

enum service { SERVICE_NM, SERVICE_RESOLVED, SERVICE_BUS };
static const char *const services[] = { NM, RESOLVED, BUS };

static void message_done(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}
#define _cleanup_message_ __attribute__((cleanup(message_done)))

void bus_close(struct names *n)
{
	sd_bus_close(n->bus);
	n->bus = sd_bus_unref(n->bus);
	n->asked = 0;
	memset(n->owners, 0, sizeof(n->owners));
}

static void leave_alone(struct names *n, enum service s)
{
	int64_t ms = n->quiet[s].ms ? 2 * n->quiet[s].ms : QUIET_MS;

	n->quiet[s].ms = ms < QUIET_MAX_MS ? ms : QUIET_MAX_MS;
	n->quiet[s].until = clock_ms() + n->quiet[s].ms;
	if (s == SERVICE_BUS)
		bus_close(n);
}

static bool is_left_alone(const struct names *n, enum service s)
{
	return n->quiet[s].until > clock_ms();
}

static void speaks(struct names *n, enum service s)
{
	n->quiet[s].until = n->quiet[s].ms = 0;
}

/* --- signals ------------------------------------------------------------------------------- */

static void new_owner(struct names *n, enum service s, const char *owner)
{
	if (copy_string(n->owners[s], sizeof(n->owners[s]), owner) < 0)
		n->owners[s][0] = 0;
	n->asked |= 1u << s;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *name, *before, *owner, *sender = sd_bus_message_get_sender(m);
	struct names *n = userdata;

	(void)error;
	if (!sender || strcmp(sender, BUS) != 0 ||
	    sd_bus_message_read(m, "sss", &name, &before, &owner) < 0)
		return 0;
	for (enum service s = SERVICE_NM; s < SERVICE_BUS; s++)
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
		"NameserverData", "Nameservers", "Domains", "Searches",
		"Ip4Config",      "Ip6Config",   "DNS",     "DNSEx",
		"Dhcp4Config",    "Gateway",     "Options", "Configuration",
	};

	for (size_t i = 0; i < ARRAY_SIZE(those); i++)
		if (!strcmp(property, those[i]))
			return true;
	return false;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *sender = sd_bus_message_get_sender(m), *property;
	struct names *n = userdata;

	(void)error;
	if (!sender || (strcmp(sender, n->owners[SERVICE_NM]) != 0 &&
			strcmp(sender, n->owners[SERVICE_RESOLVED]) != 0))
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

static int subscribe(struct names *n)
{
#define OWNER(name)                                                                                \
	"type='signal',sender='" BUS "',path='" BUS_PATH "',interface='" BUS                       \
	"',member='NameOwnerChanged',arg0='" name "'"
#define CHANGED(name, interface)                                                                   \
	"type='signal',sender='" name "',interface='" PROPERTIES                                   \
	"',member='PropertiesChanged',arg0='" interface "'"
	static const struct {
		const char *match;
		sd_bus_message_handler_t handler;
	} matches[] = {
		{ OWNER(NM), on_owner },
		{ OWNER(RESOLVED), on_owner },
		{ CHANGED(NM, NM ".Device"), on_properties },
		{ CHANGED(NM, NM ".IP4Config"), on_properties },
		{ CHANGED(NM, NM ".IP6Config"), on_properties },
		{ CHANGED(NM, NM ".DHCP4Config"), on_properties },
		{ CHANGED(NM, NM ".DnsManager"), on_properties },
		{ CHANGED(RESOLVED, RESOLVED ".Manager"), on_properties },
		{ CHANGED(RESOLVED, RESOLVED ".Link"), on_properties },
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(matches); i++)
		r = sd_bus_add_match_async(n->bus, NULL, matches[i].match, matches[i].handler, NULL,
					   n);
	return r;
}

/* --- the connection ------------------------------------------------------------------------ */

static int connect_socket(const struct names *n)
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

/* Runs the handshake; sd_bus_call() would give it minutes. */
static int wait_ready(struct names *n, int64_t deadline)
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

static int start(struct names *n, int fd, int64_t deadline)
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

int bus_open(struct names *n, int64_t deadline)
{
	int fd, r;

	if (n->bus && sd_bus_is_open(n->bus) > 0)
		return 0;
	bus_close(n);
	if (is_left_alone(n, SERVICE_BUS))
		return -ETIMEDOUT;
	fd = connect_socket(n);
	if (fd == -EAGAIN) { /* it accepts nobody any more */
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

static bool take_pending(struct names *n)
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

bool bus_take_events(struct names *n)
{
	bool changed = take_pending(n);

	n->bus_changed = false;
	return changed;
}

int bus_poll(const struct names *n, short *ret_events)
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

/*
 * Calls a method of a service, which must know the object: any error but silence means that it
 * has nothing to tell, and is -ENOENT.
 */
static int call(struct names *n, enum service s, int64_t deadline, sd_bus_message *m,
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

/* Makes sure that a service is there to be asked. */
static int reach(struct names *n, enum service s, int64_t deadline)
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
		r = call(n, SERVICE_BUS, deadline, m, &reply);
		if (r == 0 && sd_bus_message_read(reply, "s", &owner) < 0)
			owner = "";
		if (r < 0 && r != -ENOENT)
			return r;
		new_owner(n, s, owner);
	}
	return n->owners[s][0] ? 0 : -ESRCH;
}

static int get_all(struct names *n, enum service s, int64_t deadline, const char *path,
		   const char *interface, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;

	if (sd_bus_message_new_method_call(n->bus, &m, n->owners[s], path, PROPERTIES, "GetAll") <
		    0 ||
	    sd_bus_message_append(m, "s", interface) < 0)
		return -ENOENT;
	return call(n, s, deadline, m, ret);
}

/* --- what answers hold --------------------------------------------------------------------- */

/*
 * Walks an a{sv} and gives each value to take(), inside of its variant. take() reads all of it,
 * or returns 0 to pass it over.
 */
typedef int (*take_fn)(sd_bus_message *m, const char *key, const char *type, void *arg);

static int each(sd_bus_message *m, take_fn take, void *arg)
{
	const char *key, *type;
	int r;

	if (sd_bus_message_enter_container(m, 'a', "{sv}") <= 0)
		return -EBADMSG;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		if (sd_bus_message_read(m, "s", &key) < 0 ||
		    sd_bus_message_peek_type(m, NULL, &type) <= 0 ||
		    sd_bus_message_enter_container(m, 'v', type) <= 0)
			return -EBADMSG;
		r = take(m, key, type, arg);
		if (r < 0 || (r == 0 && sd_bus_message_skip(m, type) < 0))
			return -EBADMSG;
		r = sd_bus_message_exit_container(m); /* the variant, and the entry */
		if (r < 0 || sd_bus_message_exit_container(m) < 0)
			return -EBADMSG;
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 0;
}

static int take_strings(sd_bus_message *m, struct fact_dns *dns,
			void (*add)(struct fact_dns *, const char *, size_t))
{
	const char *text;
	int r = sd_bus_message_enter_container(m, 'a', "s");

	while (r >= 0 && (r = sd_bus_message_read(m, "s", &text)) > 0)
		add(dns, text, strlen(text));
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

static int take_bytes(sd_bus_message *m, struct fact_dns *dns)
{
	const void *bytes;
	size_t size;
	struct ip ip;

	if (sd_bus_message_read_array(m, 'y', &bytes, &size) < 0)
		return -EBADMSG;
	if (size == 4 || size == 16) {
		ip = ip_from_bytes(size == 4 ? AF_INET : AF_INET6, bytes);
		names_add_server(dns, &ip);
	}
	return 1;
}

static int take_address(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	const char *text;

	if (strcmp(key, "address") != 0 || strcmp(type, "s") != 0)
		return 0;
	if (sd_bus_message_read(m, "s", &text) < 0)
		return -EBADMSG;
	names_add_server_text(arg, text, strlen(text));
	return 1;
}

/* The servers of an IP4Config or IP6Config, in what older and newer ones call them. */
static int take_servers(sd_bus_message *m, const char *type, struct fact_dns *dns)
{
	uint32_t four;
	int r;

	if (!strcmp(type, "aa{sv}")) {
		r = sd_bus_message_enter_container(m, 'a', "a{sv}");
		while (r >= 0 && sd_bus_message_at_end(m, false) == 0)
			r = each(m, take_address, dns);
	} else if (!strcmp(type, "au")) {
		r = sd_bus_message_enter_container(m, 'a', "u");
		while (r >= 0 && (r = sd_bus_message_read(m, "u", &four)) > 0) {
			struct ip ip = ip_from_bytes(AF_INET, &four);

			names_add_server(dns, &ip);
		}
	} else if (!strcmp(type, "aay")) {
		r = sd_bus_message_enter_container(m, 'a', "ay");
		while (r >= 0 && sd_bus_message_at_end(m, false) == 0)
			r = take_bytes(m, dns);
	} else {
		return 0;
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

/* A gateway, or several with spaces between: the first is the one to use. */
static int take_gateway(sd_bus_message *m, const char *type, struct fact_dns *dns)
{
	const char *text;

	if (strcmp(type, "s") != 0)
		return 0;
	if (sd_bus_message_read(m, "s", &text) < 0)
		return -EBADMSG;
	names_add_gateways(dns, (struct span){ text, strlen(text) });
	return 1;
}

/* --- NetworkManager ------------------------------------------------------------------------ */

struct nm_config {
	struct fact_dns dns;     /* servers, and domains to search */
	struct fact_dns domains; /* the network's own domains */
};

static int take_nm_config(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct nm_config *c = arg;

	if (!strcmp(key, "NameserverData") || !strcmp(key, "Nameservers"))
		return take_servers(m, type, &c->dns);
	if (!strcmp(key, "Searches") && !strcmp(type, "as"))
		return take_strings(m, &c->dns, names_add_domain);
	if (!strcmp(key, "Domains") && !strcmp(type, "as"))
		return take_strings(m, &c->domains, names_add_domain);
	if (!strcmp(key, "Gateway"))
		return take_gateway(m, type, &c->dns);
	return 0;
}

static int take_nm_option(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct nm_config *c = arg;

	return strcmp(key, "routers") == 0 ? take_gateway(m, type, &c->dns) : 0;
}

static int take_nm_lease(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	if (strcmp(key, "Options") != 0 || strcmp(type, "a{sv}") != 0)
		return 0;
	return each(m, take_nm_option, arg) < 0 ? -EBADMSG : 1;
}

struct nm_device {
	const char *ip4, *ip6, *dhcp4; /* borrowed of the message */
};

static int take_nm_device(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct nm_device *d = arg;
	const char **to = !strcmp(key, "Ip4Config")     ? &d->ip4
			  : !strcmp(key, "Ip6Config")   ? &d->ip6
			  : !strcmp(key, "Dhcp4Config") ? &d->dhcp4
							: NULL;

	if (!to || strcmp(type, "o") != 0)
		return 0;
	return sd_bus_message_read(m, "o", to) < 0 ? -EBADMSG : 1;
}

static int nm_config(struct names *n, int64_t deadline, const char *path, const char *interface,
		     take_fn take, struct nm_config *c)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct nm_config got = *c;
	int r;

	if (!path || !strcmp(path, "/")) /* it has none of that family */
		return 0;
	r = get_all(n, SERVICE_NM, deadline, path, interface, &reply);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (each(reply, take, &got) == 0)
		*c = got;
	return 0;
}

static int nm_device(struct names *n, const char *ifname, int64_t deadline, struct nm_config *c)
{
	_cleanup_message_ sd_bus_message *m = NULL, *found = NULL, *reply = NULL;
	struct nm_device d = { 0 };
	const char *path;
	int r;

	if (sd_bus_message_new_method_call(n->bus, &m, n->owners[SERVICE_NM], NM_PATH, NM,
					   "GetDeviceByIpIface") < 0 ||
	    sd_bus_message_append(m, "s", ifname) < 0)
		return -ENOENT;
	r = call(n, SERVICE_NM, deadline, m, &found);
	if (r < 0)
		return r;
	if (sd_bus_message_read(found, "o", &path) < 0)
		return -ENOENT;
	r = get_all(n, SERVICE_NM, deadline, path, NM ".Device", &reply);
	if (r < 0)
		return r;
	if (each(reply, take_nm_device, &d) < 0)
		return -ENOENT;
	r = nm_config(n, deadline, d.ip4, NM ".IP4Config", take_nm_config, c);
	if (r == 0)
		r = nm_config(n, deadline, d.ip6, NM ".IP6Config", take_nm_config, c);
	/* without a default route it says no gateway either; the lease does */
	if (r == 0 && !ip_is_set(&c->dns.gateway4))
		r = nm_config(n, deadline, d.dhcp4, NM ".DHCP4Config", take_nm_lease, c);
	return r;
}

struct dns_entry {
	const char *ifname; /* that is looked for */
	bool ours;
	struct fact_dns dns;
};

static int take_dns_entry(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct dns_entry *e = arg;
	const char *text;

	if (!strcmp(key, "nameservers") && !strcmp(type, "as"))
		return take_strings(m, &e->dns, names_add_server_text);
	if (!strcmp(key, "domains") && !strcmp(type, "as"))
		return take_strings(m, &e->dns, names_add_domain);
	if (strcmp(key, "interface") != 0 || strcmp(type, "s") != 0)
		return 0;
	if (sd_bus_message_read(m, "s", &text) < 0)
		return -EBADMSG;
	e->ours = !strcmp(text, e->ifname);
	return 1;
}

struct dns_search {
	const char *ifname;
	struct fact_dns dns;
};

static int take_dns_manager(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct dns_search *s = arg;
	int r;

	if (strcmp(key, "Configuration") != 0 || strcmp(type, "aa{sv}") != 0)
		return 0;
	r = sd_bus_message_enter_container(m, 'a', "a{sv}");
	while (r >= 0 && sd_bus_message_at_end(m, false) == 0) {
		struct dns_entry e = { .ifname = s->ifname };

		r = each(m, take_dns_entry, &e);
		if (r < 0 || !e.ours)
			continue;
		for (size_t i = 0; i < e.dns.n; i++)
			names_add_server(&s->dns, &e.dns.servers[i]);
		names_add_domains(&s->dns, (struct span){ e.dns.domains, strlen(e.dns.domains) });
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

/* A VPN's servers belong to its connection and not to its device; the DNS manager has them. */
static int nm_dns_manager(struct names *n, const char *ifname, int64_t deadline,
			  struct fact_dns *dns)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct dns_search s = { .ifname = ifname };
	int r = get_all(n, SERVICE_NM, deadline, NM_PATH "/DnsManager", NM ".DnsManager", &reply);

	if (r < 0)
		return r;
	if (each(reply, take_dns_manager, &s) == 0) {
		s.dns.gateway4 = dns->gateway4;
		s.dns.gateway6 = dns->gateway6;
		*dns = s.dns;
	}
	return 0;
}

static int ask_nm(struct names *n, const char *ifname, int64_t deadline, struct fact_dns *ret)
{
	struct nm_config c = { 0 };
	int r = reach(n, SERVICE_NM, deadline);

	if (r == 0)
		r = nm_device(n, ifname, deadline, &c);
	if ((r == 0 || r == -ENOENT) && !c.dns.n)
		r = nm_dns_manager(n, ifname, deadline, &c.dns);
	if (r < 0)
		return r;
	if (!names_found(&c.dns))
		return -ENOENT;
	names_add_domains(&c.dns, (struct span){ c.domains.domains, strlen(c.domains.domains) });
	*ret = c.dns;
	copy_string(ret->source, sizeof(ret->source), "NetworkManager");
	return 0;
}

/* --- systemd-resolved ---------------------------------------------------------------------- */

/* DNS is a(iay); DNSEx, from 246 on, a(iayqs) with port and name, and the same servers. */
static int take_resolved_servers(sd_bus_message *m, bool ex, struct fact_dns *dns)
{
	int r = sd_bus_message_enter_container(m, 'a', ex ? "(iayqs)" : "(iay)");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', ex ? "iayqs" : "iay")) > 0) {
		struct fact_dns one = { 0 };
		uint16_t port = 0;
		const char *name;

		if (sd_bus_message_skip(m, "i") < 0 || take_bytes(m, &one) < 0 ||
		    (ex && sd_bus_message_read(m, "qs", &port, &name) < 0))
			return -EBADMSG;
		if (one.n && (!port || port == 53))
			names_add_server(dns, &one.servers[0]);
		r = sd_bus_message_exit_container(m);
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

static int take_resolved_domains(sd_bus_message *m, struct fact_dns *dns)
{
	int r = sd_bus_message_enter_container(m, 'a', "(sb)"), route_only;
	const char *name;

	while (r >= 0 && (r = sd_bus_message_read(m, "(sb)", &name, &route_only)) > 0)
		if (!route_only)
			names_add_domain(dns, name, strlen(name));
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

struct resolved_link {
	struct fact_dns dns;
	struct fact_dns plain; /* without ports */
	bool ex;
};

static int take_resolved_link(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct resolved_link *l = arg;

	if (!strcmp(key, "DNSEx") && !strcmp(type, "a(iayqs)")) {
		l->ex = true;
		return take_resolved_servers(m, true, &l->dns);
	}
	if (!strcmp(key, "DNS") && !strcmp(type, "a(iay)"))
		return take_resolved_servers(m, false, &l->plain);
	if (!strcmp(key, "Domains") && !strcmp(type, "a(sb)"))
		return take_resolved_domains(m, &l->dns);
	return 0;
}

static int ask_resolved(struct names *n, int ifindex, int64_t deadline, struct fact_dns *ret)
{
	_cleanup_message_ sd_bus_message *m = NULL, *found = NULL, *reply = NULL;
	struct resolved_link l = { 0 };
	const char *path;
	int r = reach(n, SERVICE_RESOLVED, deadline);

	if (r < 0)
		return r;
	if (sd_bus_message_new_method_call(n->bus, &m, n->owners[SERVICE_RESOLVED], RESOLVED_PATH,
					   RESOLVED ".Manager", "GetLink") < 0 ||
	    sd_bus_message_append(m, "i", ifindex) < 0)
		return -ENOENT;
	r = call(n, SERVICE_RESOLVED, deadline, m, &found);
	if (r < 0)
		return r;
	if (sd_bus_message_read(found, "o", &path) < 0)
		return -ENOENT;
	r = get_all(n, SERVICE_RESOLVED, deadline, path, RESOLVED ".Link", &reply);
	if (r < 0)
		return r;
	if (each(reply, take_resolved_link, &l) < 0)
		return -ENOENT;
	for (size_t i = 0; !l.ex && i < l.plain.n; i++)
		names_add_server(&l.dns, &l.plain.servers[i]);
	if (!l.dns.n)
		return -ENOENT;
	*ret = l.dns;
	copy_string(ret->source, sizeof(ret->source), "systemd-resolved");
	return 0;
}

/*
 * A signal that came between the answers has been read, and no poll(2) would tell of it: it is
 * taken in now, and bus_poll() makes sure that it is told.
 */
int bus_nm(struct names *n, const char *ifname, int64_t deadline, struct fact_dns *ret)
{
	int r = ask_nm(n, ifname, deadline, ret);

	take_pending(n);
	return r;
}

int bus_resolved(struct names *n, int ifindex, int64_t deadline, struct fact_dns *ret)
{
	int r = ask_resolved(n, ifindex, deadline, ret);

	take_pending(n);
	return r;
}
