/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases, and what network managers keep about a link. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "dns/files.h"

static const char *const dhclient_dirs[] = { "/var/lib/dhcp", "/var/lib/dhclient",
					     "/var/lib/NetworkManager" };
static const char *const dhcpcd_dirs[] = { "/var/lib/dhcpcd", "/var/lib/dhcpcd5" };

const char *files_unreadable(const struct dns *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(dhclient_dirs); i++)
		if (!files_may_list(n, dhclient_dirs[i]))
			return dhclient_dirs[i];
	for (size_t i = 0; i < ARRAY_SIZE(dhcpcd_dirs); i++)
		if (!files_may_list(n, dhcpcd_dirs[i]))
			return dhcpcd_dirs[i];
	return NULL;
}

int files_nm(const struct dns *n, const struct facts *f, const struct fact_link *link, int64_t now,
	     struct fact_dns *ret)
{
	_cleanup_file_ struct file file = { 0 };
	struct dns_lease lease4, lease6;
	char name[16];

	snprintf(name, sizeof(name), "%d", link->index);
	if (files_read(n, "/run/NetworkManager/devices", name, READ_TEXT, &file) < 0)
		return -ENOENT;
	dns_parse_nm_device(file.bytes, file.len, &lease4, &lease6);
	return files_from_leases(f, link, now, &lease4, &lease6, "NetworkManager", ret);
}

/*
 * What is in force is in the link's file, and only where that names no server does the lease
 * count for names. The gateway is in the lease alone.
 */
int files_networkd(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret)
{
	static const char *const dirs[] = { "/run/systemd/netif/links",
					    "/run/systemd/netif/leases" };
	struct fact_dns found = { .index = link->index };
	char name[16];

	snprintf(name, sizeof(name), "%d", link->index);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_file_ struct file file = { 0 };
		struct dns_lease lease;
		struct fact_dns said;

		if (files_read(n, dirs[i], name, READ_TEXT, &file) < 0)
			continue;
		dns_parse_networkd(file.bytes, file.len, &lease);
		if (files_from_leases(f, link, now, &lease, NULL, "systemd-networkd", &said) < 0)
			continue;
		if (found.n) {
			said.n = 0;
			said.domains[0] = 0;
		}
		files_add_all(&found, &said);
		memcpy(found.source, said.source, sizeof(found.source));
	}
	if (!dns_found(&found))
		return -ENOENT;
	*ret = found;
	return 0;
}

/* The newest lease that counts. */
struct newest {
	struct dns_lease lease;
	int64_t written;
};

static void keep_newest(struct newest *best, const struct dns_lease *lease, int64_t written)
{
	if (!dns_found(&best->lease.dns) || written > best->written)
		*best = (struct newest){ *lease, written };
}

/* dhclient.leases, dhclient.eth0.leases, dhclient6-….lease, of Debian, Red Hat and others. */
static bool is_dhclient(const char *name, const void *arg)
{
	(void)arg;
	return !strncmp(name, "dhclient", 8) && strstr(name, ".lease");
}

int files_dhclient(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret)
{
	struct newest best4 = { 0 }, best6 = { 0 };
	struct entries entries;

	for (size_t i = 0; i < ARRAY_SIZE(dhclient_dirs); i++) {
		files_list(n, dhclient_dirs[i], is_dhclient, NULL, &entries);
		for (size_t k = 0; k < entries.n; k++) {
			_cleanup_file_ struct file file = { 0 };
			struct dns_lease lease4, lease6;

			if (files_read(n, dhclient_dirs[i], entries.v[k], READ_TAIL, &file) < 0)
				continue;
			dns_parse_dhclient(file.bytes, file.len, link->name, &lease4, &lease6);
			if (files_lease_counts(f, link, &lease4, now))
				keep_newest(&best4, &lease4, file.written);
			if (files_lease_counts(f, link, &lease6, now))
				keep_newest(&best6, &lease6, file.written);
		}
	}
	return files_from_leases(f, link, now, &best4.lease, &best6.lease, "dhclient", ret);
}

/*
 * IF.lease, IF-SSID.lease, the same with a 6, and dhcpcd-IF.lease of old. "a-b.lease" may be of
 * a-b, or of a in the network b: the address in it tells.
 */
static bool is_dhcpcd(const char *name, const void *arg)
{
	const char *ifname = arg, *dot = strrchr(name, '.');
	size_t len = strlen(ifname);

	if (!dot || (strcmp(dot, ".lease") != 0 && strcmp(dot, ".lease6") != 0))
		return false;
	if (!strncmp(name, "dhcpcd-", 7) && (size_t)(dot - name) == 7 + len)
		return !strncmp(name + 7, ifname, len);
	return !strncmp(name, ifname, len) && (name + len == dot || name[len] == '-');
}

int files_dhcpcd(const struct dns *n, const struct facts *f, const struct fact_link *link,
		 int64_t now, struct fact_dns *ret)
{
	struct newest best4 = { 0 }, best6 = { 0 };
	struct entries entries;

	for (size_t i = 0; i < ARRAY_SIZE(dhcpcd_dirs); i++) {
		files_list(n, dhcpcd_dirs[i], is_dhcpcd, link->name, &entries);
		for (size_t k = 0; k < entries.n; k++) {
			const char *name = entries.v[k];
			bool six = name[strlen(name) - 1] == '6';
			_cleanup_file_ struct file file = { 0 };
			struct dns_lease lease;
			int r;

			if (files_read(n, dhcpcd_dirs[i], name, READ_WHOLE, &file) < 0)
				continue;
			r = (six ? dns_parse_dhcp6 : dns_parse_dhcp)((const uint8_t *)file.bytes,
								     file.len, file.written,
								     &lease);
			if (r == 0 && files_lease_counts(f, link, &lease, now))
				keep_newest(six ? &best6 : &best4, &lease, file.written);
		}
	}
	return files_from_leases(f, link, now, &best4.lease, &best6.lease, "dhcpcd", ret);
}

/* "udhcpc.IF", "udhcpc.IF.env" and the like: which interface it is for stands inside. */
static bool is_udhcpc(const char *name, const void *arg)
{
	(void)arg;
	return !strncmp(name, "udhcpc", 6) && name[6] && strchr(".-_", name[6]);
}

/*
 * udhcpc(8) keeps no lease: its script is given one as environment variables. Some scripts write
 * these down; BusyBox's own marks each line of resolv.conf with "# IF".
 */
int files_udhcpc(const struct dns *n, const struct facts *f, const struct fact_link *link,
		 int64_t now, struct fact_dns *ret)
{
	static const struct {
		const char *dir;
		bool (*wanted)(const char *name, const void *arg);
	} places[] = { { "/run", is_udhcpc }, { "/run/udhcpc", files_any } };
	struct fact_dns marked = { .index = link->index };
	_cleanup_file_ struct file resolv = { 0 };
	struct newest best = { 0 };
	struct entries entries;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		files_list(n, places[i].dir, places[i].wanted, NULL, &entries);
		for (size_t k = 0; k < entries.n; k++) {
			_cleanup_file_ struct file file = { 0 };
			struct dns_lease lease;

			if (files_read(n, places[i].dir, entries.v[k], READ_TEXT, &file) == 0 &&
			    dns_parse_udhcpc(file.bytes, file.len, link->name, &lease) == 0 &&
			    files_lease_counts(f, link, &lease, now))
				keep_newest(&best, &lease, file.written);
		}
	}
	if (files_from_leases(f, link, now, &best.lease, NULL, "udhcpc", ret) == 0)
		return 0;
	if (files_read(n, "/etc/resolv.conf", "", READ_THROUGH, &resolv) == 0)
		dns_parse_marked(resolv.bytes, resolv.len, link->name, &marked);
	if (!marked.n)
		return -ENOENT;
	copy_string(marked.source, sizeof(marked.source), "udhcpc");
	*ret = marked;
	return 0;
}

/* What an initramfs configured for the root file system; nobody renews it, and it may be all. */
int files_ipconfig(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret)
{
	_cleanup_file_ struct file file = { 0 };
	struct dns_lease lease;
	char name[64];

	snprintf(name, sizeof(name), "net-%s.conf", link->name);
	if (files_read(n, "/run", name, READ_TEXT, &file) < 0 ||
	    dns_parse_ipconfig(file.bytes, file.len, link->name, &lease) < 0)
		return -ENOENT;
	return files_from_leases(f, link, now, &lease, NULL, "initramfs", ret);
}
