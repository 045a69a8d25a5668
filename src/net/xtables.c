/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/xtables.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "model/ip.h"

#define ENTRIES_BYTES_MAX (64u * 1024 * 1024)

/* What both families have, in structs of their own. */
struct entry {
	size_t at, next;      /* in the block */
	size_t target, match; /* offsets from at */
	uint64_t packets;
	const char *iif, *oif;
	struct prefix src, dst;
	uint16_t protocol;
	bool inverted;
};

static uint8_t prefix_len(const uint8_t *mask, size_t len)
{
	uint8_t n = 0;

	while (n < len * 8 && mask[n / 8] & 0x80 >> n % 8)
		n++;
	return n;
}

static struct prefix prefix_of(uint8_t family, const void *address, const void *mask)
{
	return (struct prefix){ .ip = ip_from_bytes(family, address),
				.len = prefix_len(mask, family == AF_INET ? 4 : 16) };
}

static bool read_entry(uint8_t family, const uint8_t *bytes, size_t len, size_t at,
		       struct entry *ret)
{
	*ret = (struct entry){ .at = at };
	if (family == AF_INET) {
		const struct ipt_entry *e = (const void *)(bytes + at);

		if (len - at < sizeof(*e))
			return false;
		ret->next = at + e->next_offset;
		ret->target = e->target_offset;
		ret->match = sizeof(*e);
		ret->packets = e->counters.pcnt;
		ret->iif = e->ip.iniface;
		ret->oif = e->ip.outiface;
		ret->src = prefix_of(AF_INET, &e->ip.src, &e->ip.smsk);
		ret->dst = prefix_of(AF_INET, &e->ip.dst, &e->ip.dmsk);
		ret->protocol = e->ip.proto;
		ret->inverted = e->ip.invflags != 0 || e->ip.flags & IPT_F_FRAG;
	} else {
		const struct ip6t_entry *e = (const void *)(bytes + at);

		if (len - at < sizeof(*e))
			return false;
		ret->next = at + e->next_offset;
		ret->target = e->target_offset;
		ret->match = sizeof(*e);
		ret->packets = e->counters.pcnt;
		ret->iif = e->ipv6.iniface;
		ret->oif = e->ipv6.outiface;
		ret->src = prefix_of(AF_INET6, &e->ipv6.src, &e->ipv6.smsk);
		ret->dst = prefix_of(AF_INET6, &e->ipv6.dst, &e->ipv6.dmsk);
		ret->protocol = e->ipv6.proto;
		ret->inverted = e->ipv6.invflags != 0;
	}
	if (ret->next != XT_ALIGN(ret->next) || ret->target != XT_ALIGN(ret->target))
		return false; /* the kernel takes no such entry */
	return ret->next > at && ret->next <= len && ret->target >= ret->match &&
	       at + ret->target + sizeof(struct xt_entry_target) <= ret->next;
}

/* "DROP" or "REJECT"; NULL where it does not stop. *ret_chain: the name of a chain that begins. */
static const char *read_target(const uint8_t *bytes, const struct entry *e, const char **ret_chain)
{
	const struct xt_entry_target *t = (const void *)(bytes + e->at + e->target);
	size_t room = e->next - e->at - e->target;

	*ret_chain = NULL;
	if (!memchr(t->u.user.name, 0, sizeof(t->u.user.name)))
		return NULL;
	if (!strcmp(t->u.user.name, XT_ERROR_TARGET)) {
		const struct xt_error_target *error = (const void *)t;

		if (room >= sizeof(*error) && memchr(error->errorname, 0, sizeof(error->errorname)))
			*ret_chain = error->errorname;
		return NULL;
	}
	if (!strcmp(t->u.user.name, "REJECT"))
		return "REJECT";
	if (t->u.user.name[0] || room < sizeof(struct xt_standard_target))
		return NULL;
	return ((const struct xt_standard_target *)t)->verdict == -NF_DROP - 1 ? "DROP" : NULL;
}

static void add_name(struct strbuf *sb, const char *option, const char *name)
{
	if (name[0])
		strbuf_add(sb, "%s %.*s ", option, (int)strnlen(name, IFNAMSIZ), name);
}

static void write_text(const struct entry *e, const char *target, struct xtables_stop *s)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	if (!s->number) {
		snprintf(s->text, sizeof(s->text), "-P %s %s", s->chain, target);
		return;
	}
	strbuf_add(&sb, "-A %s ", s->chain);
	prefix_print(&sb, "-s", &e->src);
	prefix_print(&sb, "-d", &e->dst);
	add_name(&sb, "-i", e->iif);
	add_name(&sb, "-o", e->oif);
	if (e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP)
		strbuf_add(&sb, "-p %s ", e->protocol == IPPROTO_TCP ? "tcp" : "udp");
	else if (e->protocol)
		strbuf_add(&sb, "-p %u ", e->protocol);
	strbuf_add(&sb, "-j %s", target);
	snprintf(s->text, sizeof(s->text), "%s", strbuf_text(&sb));
	s->more = e->inverted || e->target > e->match;
}

static int find_hook(const uint32_t v[5], size_t at)
{
	for (int i = 0; i < 5; i++)
		if (v[i] == at)
			return i;
	return -1;
}

int xtables_decode(uint8_t family, const char *table, const struct xtables_hooks *hooks,
		   const void *data, size_t len, struct xtables_stops *ret)
{
	static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" };
	const uint8_t *bytes = data;
	char chain[32] = "";
	unsigned int number = 0;
	struct entry e;

	for (size_t at = 0; at < len; at = e.next) {
		struct xtables_stop s = { .family = family }, *added;
		const char *begins, *target;
		int hook = find_hook(hooks->entry, at);

		if (!read_entry(family, bytes, len, at, &e))
			return -EBADMSG;
		if (hook >= 0) {
			snprintf(chain, sizeof(chain), "%s", names[hook]);
			number = 0;
		}
		target = read_target(bytes, &e, &begins);
		if (begins) {
			snprintf(chain, sizeof(chain), "%s", begins);
			number = 0;
			continue;
		}
		number++;
		if (!target)
			continue;
		s.number = find_hook(hooks->underflow, at) < 0 ? number : 0;
		s.packets = e.packets;
		snprintf(s.table, sizeof(s.table), "%s", table);
		memcpy(s.chain, chain, sizeof(s.chain));
		write_text(&e, target, &s);
		added = VEC_PUSH(ret);
		if (!added)
			return -ENOMEM;
		*added = s;
	}
	return 0;
}

/* --- the kernel ---------------------------------------------------------------------------- */

/* The structs of both families have the same fields, and their options the same numbers (64, 65).
 */
static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "x_tables differ");

static void read_table(int fd, uint8_t family, const char *table, struct xtables_stops *ret)
{
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	struct ipt_getinfo info = { 0 };
	struct xtables_hooks hooks;
	socklen_t len = sizeof(info);
	_cleanup_free_ struct ipt_get_entries *entries = NULL;

	snprintf(info.name, sizeof(info.name), "%s", table);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &len) < 0 ||
	    info.size > ENTRIES_BYTES_MAX)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hooks.entry); i++) {
		bool valid = info.valid_hooks & 1u << i;

		hooks.entry[i] = valid ? info.hook_entry[i] : ~0u;
		hooks.underflow[i] = valid ? info.underflow[i] : ~0u;
	}
	len = (socklen_t)(sizeof(*entries) + info.size);
	entries = calloc(1, len);
	if (!entries)
		return;
	memcpy(entries->name, info.name, sizeof(entries->name));
	entries->size = info.size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, entries, &len) == 0)
		(void)!xtables_decode(family, table, &hooks, entries->entrytable, entries->size,
				      ret);
}

static void read_family(uint8_t family, const char *path, struct xtables_stops *ret)
{
	char names[512], *rest = names, *name;
	_cleanup_close_ int fd = -1;

	if (file_start(AT_FDCWD, path, 0, names, sizeof(names)) <= 0)
		return;
	fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	while (fd >= 0 && (name = strsep(&rest, "\n")))
		if (*name)
			read_table(fd, family, name, ret);
}

void xtables_read(struct xtables_stops *ret)
{
	read_family(AF_INET, "/proc/net/ip_tables_names", ret);
	read_family(AF_INET6, "/proc/net/ip6_tables_names", ret);
}

void xtables_done(struct xtables_stops *s)
{
	VEC_DONE(s);
}
