/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules and keys as nft(8) writes them. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "model/nft.h"

static const struct {
	enum nft_type type;
	const char *name;
	uint8_t len;
} types[] = {
	{ NFT_TYPE_IFNAME, "ifname", 16 },     { NFT_TYPE_ETHER, "ether_addr", 6 },
	{ NFT_TYPE_IPV4, "ipv4_addr", 4 },     { NFT_TYPE_IPV6, "ipv6_addr", 16 },
	{ NFT_TYPE_MARK, "mark", 4 },          { NFT_TYPE_PORT, "inet_service", 2 },
	{ NFT_TYPE_L4PROTO, "inet_proto", 1 }, { NFT_TYPE_IFINDEX, "iface_index", 4 },
};

const char *nft_type_name(enum nft_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

static size_t type_len(enum nft_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].len;
	return 4;
}

const char *nft_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	}
	return "?";
}

const char *nft_hook_name(uint8_t family, uint32_t hook)
{
	static const char *const inet[] = { "prerouting", "input", "forward", "output",
					    "postrouting" };
	static const char *const arp[] = { "input", "output" };

	if (family == NFPROTO_ARP)
		return hook < 2 ? arp[hook] : "?";
	return hook < 5 ? inet[hook] : "?";
}

static uint32_t value32(const uint8_t *bytes)
{
	uint32_t v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

static uint16_t value16(const uint8_t *bytes)
{
	uint16_t v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

static void print_flags(struct strbuf *sb, uint32_t value, const char *const *names, size_t n)
{
	const char *joint = "";

	for (size_t i = 0; i < n; i++) {
		if (!(value & 1u << i))
			continue;
		strbuf_add(sb, "%s%s", joint, names[i]);
		joint = ",";
	}
}

static const char *const tcp_flags[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr" };
static const char *const ct_states[] = { "invalid", "established", "related", "new" };
static const char *const ct_status[] = { "expected",  "seen-reply", "assured",
					 "confirmed", "snat",       "dnat" };

static const char *named_number(enum nft_type type, uint32_t v)
{
	static const struct {
		enum nft_type type;
		uint32_t value;
		const char *name;
	} names[] = {
		{ NFT_TYPE_NFPROTO, NFPROTO_IPV4, "ipv4" },
		{ NFT_TYPE_NFPROTO, NFPROTO_IPV6, "ipv6" },
		{ NFT_TYPE_L4PROTO, IPPROTO_TCP, "tcp" },
		{ NFT_TYPE_L4PROTO, IPPROTO_UDP, "udp" },
		{ NFT_TYPE_L4PROTO, IPPROTO_ICMP, "icmp" },
		{ NFT_TYPE_L4PROTO, IPPROTO_ICMPV6, "ipv6-icmp" },
		{ NFT_TYPE_ETHERTYPE, 0x0800, "ip" },
		{ NFT_TYPE_ETHERTYPE, 0x0806, "arp" },
		{ NFT_TYPE_ETHERTYPE, 0x86dd, "ip6" },
		{ NFT_TYPE_ARPOP, 1, "request" },
		{ NFT_TYPE_CT_DIR, 0, "original" },
		{ NFT_TYPE_CT_DIR, 1, "reply" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type && names[i].value == v)
			return names[i].name;
	return NULL;
}

/* A whole name, or a prefix, for which nft(8) writes an asterisk at the end. */
static void print_ifname(struct strbuf *sb, const char *name, size_t len)
{
	size_t used = strnlen(name, len);

	if (len < IFNAMSIZ)
		strbuf_add(sb, "\"%.*s*\"", (int)used, name);
	else if (used && name[used - 1] == '*')
		strbuf_add(sb, "\"%.*s\\*\"", (int)used - 1, name);
	else
		strbuf_add(sb, "\"%.*s\"", (int)used, name);
}

void nft_print_value(struct strbuf *sb, enum nft_type type, const uint8_t *bytes, size_t len)
{
	char buf[IP_TEXT_MAX];
	struct mac mac;
	struct ip ip;
	uint32_t v = 0;
	const char *name;

	switch (type) {
	case NFT_TYPE_IFNAME:
		print_ifname(sb, (const char *)bytes, len);
		return;
	case NFT_TYPE_ETHER:
		memcpy(mac.bytes, bytes, sizeof(mac.bytes));
		strbuf_add(sb, "%s", mac_format(&mac, buf));
		return;
	case NFT_TYPE_IPV4:
	case NFT_TYPE_IPV6:
		ip = ip_from_bytes(type == NFT_TYPE_IPV4 ? AF_INET : AF_INET6, bytes);
		strbuf_add(sb, "%s", ip_format(&ip, buf));
		return;
	case NFT_TYPE_MARK:
		strbuf_add(sb, "0x%08x", value32(bytes));
		return;
	case NFT_TYPE_IFINDEX:
	case NFT_TYPE_DEVGROUP:
		strbuf_add(sb, "%u", value32(bytes));
		return;
	case NFT_TYPE_CT_STATE:
		print_flags(sb, value32(bytes), ct_states, 4);
		return;
	case NFT_TYPE_CT_ZONE:
		strbuf_add(sb, "%u", value16(bytes));
		return;
	case NFT_TYPE_CT_STATUS:
	case NFT_TYPE_NFPROTO:
	case NFT_TYPE_INTEGER:
	case NFT_TYPE_ETHERTYPE:
	case NFT_TYPE_ARPOP:
	case NFT_TYPE_L4PROTO:
	case NFT_TYPE_PORT:
	case NFT_TYPE_ICMP:
	case NFT_TYPE_ICMPV6:
	case NFT_TYPE_TCPFLAGS:
	case NFT_TYPE_CT_DIR:
		break;
	}
	for (size_t i = 0; i < len; i++) /* one or two bytes, in network order */
		v = v << 8 | bytes[i];
	name = named_number(type, v);
	if (name)
		strbuf_add(sb, "%s", name);
	else
		strbuf_add(sb, "%u", v);
}

static void print_match(struct strbuf *sb, const struct nft_stmt *s)
{
	const struct nft_field_info *f = nft_field_info(s->fields[0]);
	const char *op = s->negate ? "!=" : "==";

	if (f->load == NFT_LOAD_EXTHDR) {
		strbuf_add(sb, "%s %s", f->text, s->value[0] ? "exists" : "missing");
		return;
	}
	switch (f->type) {
	case NFT_TYPE_CT_STATE: /* bits: any of them */
		strbuf_add(sb, "ct state ");
		print_flags(sb, s->mask, ct_states, 4);
		return;
	case NFT_TYPE_CT_STATUS: /* one of them; or, equal to none, none of them */
		strbuf_add(sb, s->negate ? "ct status " : "ct status ! ");
		print_flags(sb, s->mask, ct_status, 6);
		return;
	case NFT_TYPE_TCPFLAGS:
		strbuf_add(sb, "tcp flags & (");
		for (uint32_t i = 0, n = 0; i < 8; i++)
			if (s->mask & 1u << i)
				strbuf_add(sb, "%s%s", n++ ? "|" : "", tcp_flags[i]);
		strbuf_add(sb, ") %s ", op);
		print_flags(sb, s->value[0], tcp_flags, 8);
		return;
	case NFT_TYPE_NFPROTO:
	case NFT_TYPE_INTEGER:
	case NFT_TYPE_IPV4:
	case NFT_TYPE_IPV6:
	case NFT_TYPE_ETHER:
	case NFT_TYPE_ETHERTYPE:
	case NFT_TYPE_ARPOP:
	case NFT_TYPE_L4PROTO:
	case NFT_TYPE_PORT:
	case NFT_TYPE_ICMP:
	case NFT_TYPE_MARK:
	case NFT_TYPE_CT_DIR:
	case NFT_TYPE_CT_ZONE:
	case NFT_TYPE_ICMPV6:
	case NFT_TYPE_DEVGROUP:
	case NFT_TYPE_IFNAME:
	case NFT_TYPE_IFINDEX:
		break;
	}
	strbuf_add(sb, "%s ", f->text);
	if (s->mask)
		strbuf_add(sb, "& 0x%08x ", s->mask);
	if (s->negate || s->mask)
		strbuf_add(sb, "%s ", op);
	nft_print_value(sb, f->type, s->value, s->len);
	if (s->prefix)
		strbuf_add(sb, "/%u", s->prefix);
}

static void print_fields(struct strbuf *sb, const struct nft_stmt *s)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		strbuf_add(sb, "%s%s", i ? " . " : "", nft_field_info(s->fields[i])->text);
		if (i == 0 && s->mask)
			strbuf_add(sb, " & 0x%08x", s->mask);
	}
}

static void print_ports(struct strbuf *sb, const struct nft_stmt *s)
{
	uint16_t be[2];

	memcpy(be, s->value, sizeof(be));
	strbuf_add(sb, "%u-%u", ntohs(be[0]), ntohs(be[1]));
}

static void print_limit(struct strbuf *sb, const struct nft_limit *l)
{
	strbuf_add(sb, "limit rate over %u%s/second burst %u %s", l->rate, l->bytes ? " bytes" : "",
		   l->burst, l->bytes ? "bytes" : "packets");
}

static void print_update(struct strbuf *sb, const struct nft_stmt *s)
{
	strbuf_add(sb, "%s @%s { ", s->op == NFT_OP_DELETE ? "delete" : "update", s->name);
	print_fields(sb, s);
	if (s->limit.rate) {
		strbuf_add(sb, " ");
		print_limit(sb, &s->limit);
	}
	strbuf_add(sb, " }");
}

static void print_connections(struct strbuf *sb, const struct nft_stmt *s)
{
	if (s->name[0]) {
		strbuf_add(sb, "add @%s { ", s->name);
		print_fields(sb, s);
		strbuf_add(sb, " ct count over %u }", s->most);
	} else {
		strbuf_add(sb, "ct count over %u", s->most);
	}
}

void nft_print_verdict(struct strbuf *sb, int32_t verdict, const char *chain)
{
	switch (verdict) {
	case NF_ACCEPT:
		strbuf_add(sb, "accept");
		break;
	case NF_DROP:
		strbuf_add(sb, "drop");
		break;
	case NFT_JUMP:
		strbuf_add(sb, "jump %s", chain);
		break;
	case NFT_GOTO:
		strbuf_add(sb, "goto %s", chain);
		break;
	default:
		strbuf_add(sb, "verdict %d", verdict);
		break;
	}
}

/* An IPv6 address with ports is in brackets. */
static void print_nat_address(struct strbuf *sb, const struct nft_stmt *s)
{
	bool ip4 = s->family == NFPROTO_IPV4, ports = s->ports.max;

	strbuf_add(sb, "%s", !ip4 && ports ? "[" : "");
	nft_print_value(sb, ip4 ? NFT_TYPE_IPV4 : NFT_TYPE_IPV6, s->value, s->len);
	if (ports)
		strbuf_add(sb, "%s:%u-%u", ip4 ? "" : "]", s->ports.min, s->ports.max);
}

static void print_nat(struct strbuf *sb, const struct nft_stmt *s)
{
	if (s->op == NFT_OP_MASQUERADE) {
		strbuf_add(sb, "masquerade%s", s->len ? " to :" : "");
		if (s->len)
			print_ports(sb, s);
		return;
	}
	strbuf_add(sb, "%s %s to ", s->op == NFT_OP_SNAT ? "snat" : "dnat",
		   s->family == NFPROTO_IPV4 ? "ip" : "ip6");
	if (s->op == NFT_OP_DNAT_MAP || s->op == NFT_OP_DNAT_PORTS || s->op == NFT_OP_DNAT_SAME)
		print_fields(sb, s);
	else
		print_nat_address(sb, s);
	if (s->op == NFT_OP_DNAT_MAP || s->op == NFT_OP_DNAT_PORTS)
		strbuf_add(sb, " map @%s", s->name);
}

/* Statements without a value. */
static const char *const words[NFT_OP_COUNT] = {
	[NFT_OP_MSS_CLAMP] = "tcp option maxseg size set rt mtu",
	[NFT_OP_REJECT_PORT] = "reject with icmpx type port-unreachable",
	[NFT_OP_REJECT] = "reject with icmpx type admin-prohibited",
	[NFT_OP_RESET] = "reject with tcp reset",
	[NFT_OP_COUNTER] = "counter",
	[NFT_OP_NOTRACK] = "notrack",
	/* as nft(8) lists it; it cannot be written so */
	[NFT_OP_XT_REPLIES] = "ct state related,established",
	[NFT_OP_XT_TRANSLATED] = "ct status dnat",
};

static void print_payload(struct strbuf *sb, const struct nft_stmt *s)
{
	strbuf_add(sb, "@th,%u,%u & 0x", s->place * 8, s->len * 8);
	for (size_t i = 0; i < s->len; i++)
		strbuf_add(sb, "%02x", s->value[sizeof(s->value) / 2 + i]);
	strbuf_add(sb, " == 0x");
	for (size_t i = 0; i < s->len; i++)
		strbuf_add(sb, "%02x", s->value[i]);
}

static void print_find(struct strbuf *sb, const struct nft_stmt *s)
{
	print_fields(sb, s);
	if (s->op == NFT_OP_LOOKUP)
		strbuf_add(sb, " %s@%s", s->negate ? "!= " : "", s->name);
	else
		strbuf_add(sb, " vmap @%s", s->name);
}

static void print_stmt(struct strbuf *sb, const struct nft_stmt *s)
{
	switch (s->op) {
	case NFT_OP_MATCH:
		print_match(sb, s);
		break;
	case NFT_OP_RANGE:
		strbuf_add(sb, "%s ", nft_field_info(s->fields[0])->text);
		print_ports(sb, s);
		break;
	case NFT_OP_LOOKUP:
	case NFT_OP_VMAP:
		print_find(sb, s);
		break;
	case NFT_OP_PAYLOAD:
		print_payload(sb, s);
		break;
	case NFT_OP_SET_MARK:
		strbuf_add(sb, "%s set %s & 0x%08x | 0x%08x", nft_field_info(s->fields[0])->text,
			   nft_field_info(s->fields[0])->text, ~s->mask, value32(s->value));
		break;
	case NFT_OP_CT_ZONE:
	case NFT_OP_CT_ZONE_BOTH:
		strbuf_add(sb, "ct %szone set %u", s->op == NFT_OP_CT_ZONE ? "original " : "",
			   s->zone);
		break;
	case NFT_OP_LIMIT:
		print_limit(sb, &s->limit);
		break;
	case NFT_OP_UPDATE:
	case NFT_OP_DELETE:
		print_update(sb, s);
		break;
	case NFT_OP_CONNECTIONS:
		print_connections(sb, s);
		break;
	case NFT_OP_SET_ADDRESS:
		strbuf_add(sb, "%s set ", nft_field_info(s->fields[0])->text);
		nft_print_value(sb, nft_field_info(s->fields[0])->type, s->value, s->len);
		break;
	case NFT_OP_MASQUERADE:
	case NFT_OP_SNAT:
	case NFT_OP_DNAT:
	case NFT_OP_DNAT_MAP:
	case NFT_OP_DNAT_PORTS:
	case NFT_OP_DNAT_SAME:
		print_nat(sb, s);
		break;
	case NFT_OP_VERDICT:
		nft_print_verdict(sb, s->verdict, s->name);
		break;
	case NFT_OP_MSS_CLAMP:
	case NFT_OP_REJECT_PORT:
	case NFT_OP_REJECT:
	case NFT_OP_RESET:
	case NFT_OP_COUNTER:
	case NFT_OP_NOTRACK:
	case NFT_OP_XT_REPLIES:
	case NFT_OP_XT_TRANSLATED:
		strbuf_add(sb, "%s", words[s->op]);
		break;
	case NFT_OP_COUNT:
		break;
	}
}

void nft_print_rule(struct strbuf *sb, const struct nft_rule *r)
{
	for (size_t i = 0; i < r->n_stmts; i++) {
		if (i)
			strbuf_add(sb, " ");
		print_stmt(sb, &r->stmts[i]);
	}
}

void nft_print_key(struct strbuf *sb, const struct nft_key *k)
{
	const uint8_t *at = k->bytes;

	for (size_t i = 0; i < k->n_types; i++) {
		size_t len = type_len(k->types[i]);

		strbuf_add(sb, "%s", i ? " . " : "");
		nft_print_value(sb, k->types[i], at, len);
		at += (len + 3) / 4 * 4;
	}
	for (size_t i = 0; !k->n_types && i < k->len; i++)
		strbuf_add(sb, "%s%02x", i ? "" : "0x", k->bytes[i]);
}
