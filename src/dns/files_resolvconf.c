/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in the format of resolv.conf(5): of one link, by their names, or of the host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "dns/files.h"

struct owner {
	const struct facts *f;
	const struct fact_link *link;
};

/* Older versions of iwd register a device by its index. */
static bool is_index(const char *name, int index)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", index);
	return !strcmp(name, text);
}

/* The device of IF or IF.PROTOCOL: "eth0.100.dhcp" is not of eth0 where there is an eth0.100. */
static const struct fact_link *device_of(const struct facts *f, const char *name)
{
	const struct fact_link *best = NULL;

	for (size_t i = 0; i < f->links.n; i++) {
		const struct fact_link *l = &f->links.v[i];
		size_t len = strlen(l->name);

		if (!strncmp(name, l->name, len) && (!name[len] || name[len] == '.') &&
		    (!best || len > strlen(best->name)))
			best = l;
	}
	return best;
}

/*
 * Where Debian's resolvconf wants it, wg-quick(8) puts "tun." before the name of its tunnel. A
 * tunnel has a kind (IFLA_INFO_KIND), a card has none: "tun.eth0" is no file of the card eth0.
 */
static bool is_resolvconf(const char *name, const void *arg)
{
	const struct owner *o = arg;
	const struct fact_link *l = device_of(o->f, name);

	if (!l && !strncmp(name, "tun.", 4)) {
		l = device_of(o->f, name + 4);
		return l && l->kind[0] && l->index == o->link->index;
	}
	return l ? l->index == o->link->index : is_index(name, o->link->index);
}

int files_resolvconf(const struct dns *n, const struct facts *f, const struct fact_link *link,
		     int64_t now, struct fact_dns *ret)
{
	static const struct {
		const char *dir, *source;
	} places[] = {
		{ "/run/resolvconf/interface", "resolvconf" },  /* Debian's */
		{ "/run/resolvconf/interfaces", "resolvconf" }, /* openresolv */
		{ "/run/resolvconf/keys", "resolvconf" },       /* openresolv from 3.14 */
		{ "/run/dhcpcd/hook-state/resolv.conf", "dhcpcd" },
		{ "/run/dhcpcd/resolv.conf", "dhcpcd" }, /* before 9 */
	};
	struct owner owner = { f, link };
	struct entries entries;

	(void)now;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct fact_dns found = { .index = link->index };

		files_list(n, places[i].dir, is_resolvconf, &owner, &entries);
		for (size_t k = 0; k < entries.n; k++) {
			_cleanup_file_ struct file file = { 0 };

			if (files_read(n, places[i].dir, entries.v[k], READ_TEXT, &file) == 0)
				dns_parse_registered(file.bytes, file.len, &found);
		}
		if (found.n) {
			copy_string(found.source, sizeof(found.source), places[i].source);
			*ret = found;
			return 0;
		}
	}
	return -ENOENT;
}

/*
 * The servers that the peer of pppd(8) told (usepeerdns). The file does not say of which link they
 * are, so it counts only while there is one such link.
 */
int files_ppp(const struct dns *n, const struct facts *f, const struct fact_link *link, int64_t now,
	      struct fact_dns *ret)
{
	static const char *const dirs[] = { "/run/ppp", "/etc/ppp" };

	(void)now;
	for (size_t i = 0; i < f->links.n; i++)
		if (!strcmp(f->links.v[i].kind, "ppp") && f->links.v[i].index != link->index)
			return -ENOENT;
	if (strcmp(link->kind, "ppp") != 0)
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct fact_dns found = { .index = link->index };
		_cleanup_file_ struct file file = { 0 };

		if (files_read(n, dirs[i], "resolv.conf", READ_TEXT, &file) < 0)
			continue;
		dns_parse_resolv_conf(file.bytes, file.len, &found);
		if (!found.n)
			continue;
		copy_string(found.source, sizeof(found.source), "pppd");
		*ret = found;
		return 0;
	}
	return -ENOENT;
}

bool files_resolv_conf(const struct dns *n, const char *path, struct fact_dns *ret)
{
	_cleanup_file_ struct file file = { 0 };

	if (files_read(n, path, "", READ_THROUGH, &file) < 0)
		return false;
	dns_parse_resolv_conf(file.bytes, file.len, ret);
	return true;
}
