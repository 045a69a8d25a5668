/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scene.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/vec.h"
#include "list.h"
#include "must.h"

#define PUSH(vec)                                                                                  \
	({                                                                                         \
		__typeof__((vec)->v) item_ = VEC_PUSH(vec);                                        \
		MUST(item_ != NULL);                                                               \
		item_;                                                                             \
	})

#define COPY(dst, src) MUST(copy_string(dst, sizeof(dst), src) == 0)

struct ip scene_ip(const char *text)
{
	struct ip ip;

	MUST(ip_parse(text, &ip) == 0);
	return ip;
}

struct prefix scene_prefix(const char *text)
{
	struct prefix p;

	MUST(prefix_parse(text, &p) == 0);
	return p;
}

static void dev_sysctl(struct facts *f, const char *family, const char *dev, const char *key,
		       const char *value)
{
	char path[SYSCTL_MAX];

	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family, dev, key);
	scene_sysctl(f, path, value, "");
}

int scene_link(struct facts *f, const char *name)
{
	struct fact_link *l = PUSH(&f->links);

	l->index = (int)f->links.n;
	COPY(l->name, name);
	l->mac = (struct mac){ { 2, 0, 0, 0, 0, (uint8_t)l->index } };
	l->mtu = 1500;
	l->flags = IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST | LINK_LOWER_UP;
	dev_sysctl(f, "ipv4", name, "forwarding", "0");
	dev_sysctl(f, "ipv4", name, "src_valid_mark", "0");
	dev_sysctl(f, "ipv6", name, "force_forwarding", "0");
	return l->index;
}

static struct fact_link *link_of(struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->links.n; i++)
		if (!strcmp(f->links.v[i].name, name))
			return &f->links.v[i];
	fprintf(stderr, "no link '%s' in the scene\n", name);
	abort();
}

void scene_link_is(struct facts *f, const char *name, const char *kind, uint32_t flags)
{
	struct fact_link *l = link_of(f, name);

	COPY(l->kind, kind);
	l->flags = flags;
}

void scene_lo(struct facts *f)
{
	struct fact_link *lo;

	scene_link(f, "lo");
	lo = link_of(f, "lo");
	lo->flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | LINK_LOWER_UP;
	lo->mtu = 65536;
	lo->mac = (struct mac){ 0 };
	scene_addr_with(f, "lo", "127.0.0.1/8", RT_SCOPE_HOST, IFA_F_PERMANENT);
	scene_addr_with(f, "lo", "::1/128", RT_SCOPE_HOST, IFA_F_PERMANENT);
}

void scene_addr_with(struct facts *f, const char *dev, const char *prefix, uint8_t scope,
		     uint32_t flags)
{
	struct fact_addr *a = PUSH(&f->addrs);

	a->index = link_of(f, dev)->index;
	a->prefix = scene_prefix(prefix);
	a->scope = scope;
	a->flags = flags;
}

void scene_addr(struct facts *f, const char *dev, const char *prefix)
{
	scene_addr_with(f, dev, prefix, RT_SCOPE_UNIVERSE, IFA_F_PERMANENT);
}

void scene_route(struct facts *f, const char *dev, const char *dst, const char *gateway,
		 uint32_t metric)
{
	struct fact_route *r = PUSH(&f->routes);

	r->table = RT_TABLE_MAIN;
	r->metric = metric;
	r->dst = scene_prefix(dst);
	r->type = RTN_UNICAST;
	r->protocol = gateway ? RTPROT_DHCP : RTPROT_KERNEL;
	r->index = dev ? link_of(f, dev)->index : 0;
	if (gateway)
		r->gateway = scene_ip(gateway);
}

struct fact_route *scene_last_route(struct facts *f)
{
	MUST(f->routes.n > 0);
	return &f->routes.v[f->routes.n - 1];
}

void scene_sysctl(struct facts *f, const char *path, const char *value, const char *before)
{
	struct fact_sysctl *s = NULL;

	for (size_t i = 0; i < f->sysctls.n && !s; i++)
		if (!strcmp(f->sysctls.v[i].path, path))
			s = &f->sysctls.v[i];
	if (!s)
		s = PUSH(&f->sysctls);
	COPY(s->path, path);
	COPY(s->value, value);
	COPY(s->before, before);
}

struct fact_chain *scene_chain(struct facts *f, uint8_t family, const char *table, const char *name)
{
	struct fact_chain *c = PUSH(&f->chains);

	c->family = family;
	COPY(c->table, table);
	COPY(c->name, name);
	c->base = true;
	return c;
}

void scene_slot(struct facts *f, uint32_t slot, const char *uplink)
{
	struct fact_slot *s = PUSH(&f->slots);

	s->slot = slot;
	COPY(s->uplink, uplink);
}

static struct fact_dns *dns_of(struct facts *f, const char *dev)
{
	int index = dev ? link_of(f, dev)->index : 0;
	struct fact_dns *d = NULL;

	for (size_t i = 0; i < f->dns.n && !d; i++)
		if (f->dns.v[i].index == index)
			d = &f->dns.v[i];
	if (!d)
		d = PUSH(&f->dns);
	d->index = index;
	return d;
}

void scene_dns(struct facts *f, const char *dev, const char *server)
{
	struct fact_dns *d = dns_of(f, dev);

	MUST(d->n < DNS_SERVERS_MAX);
	d->servers[d->n++] = scene_ip(server);
}

void scene_gateway(struct facts *f, const char *dev, const char *gateway)
{
	struct fact_dns *d = dns_of(f, dev);
	struct ip ip = scene_ip(gateway);

	*(ip.family == AF_INET ? &d->gateway4 : &d->gateway6) = ip;
}

void scene_bridge(struct facts *f, const char *pool)
{
	struct fact_link *l;
	char text[IP_TEXT_MAX];
	struct prefix p = scene_prefix(pool);

	scene_link(f, BRIDGE_NAME);
	l = link_of(f, BRIDGE_NAME);
	COPY(l->kind, "bridge");
	COPY(l->alias, BRIDGE_ALIAS);
	l->mtu = 65535;
	p.ip = ip_add(&p.ip, 1);
	scene_addr(f, BRIDGE_NAME, prefix_format(&p, text));
	scene_route(f, BRIDGE_NAME, pool, NULL, 0);
}

struct session *scene_session(struct facts *f, uint32_t id, uint32_t host, uint32_t slot,
			      const char *uplinks, const char *name)
{
	struct session *s;
	struct fact_link *l;
	char port[IFNAMSIZ];

	if (!facts_link(f, BRIDGE_NAME))
		scene_bridge(f, "10.209.0.0/22");
	s = PUSH(&f->sessions);
	s->id = id;
	s->host = host;
	s->slot = slot;
	s->netns = 4026532000u + id;
	s->uplinks = list_of(uplinks);
	COPY(s->name, name);
	if (facts_slot_uplink(f, slot))
		COPY(s->uplink, facts_slot_uplink(f, slot));
	session_port(id, port);
	scene_link(f, port);
	l = link_of(f, port);
	COPY(l->kind, "veth");
	l->master = link_of(f, BRIDGE_NAME)->index;
	MUST(session_format(s, l->alias, NULL) == 0);
	return s;
}

void scene_host(struct facts *f)
{
	static const uint8_t id[16] = { 0xc0, 0xff, 0xee, 0x12, 0x34, 0x56 };

	memcpy(f->host_id, id, sizeof(id));
	f->nft_visible = true;
	scene_lo(f);
	scene_sysctl(f, "net/ipv6/conf/all/disable_ipv6", "0", "");
	scene_sysctl(f, "net/ipv6/conf/all/force_forwarding", "0", "");
}

/* One card as a DHCP client and a router advertisement leave it. */
static void card(struct facts *f, const char *dev, const char *const addrs[2],
		 const char *const gateways[2], uint32_t metric)
{
	scene_link(f, dev);
	for (size_t i = 0; i < 2; i++) {
		struct prefix p = scene_prefix(addrs[i]);
		char text[IP_TEXT_MAX];

		scene_addr(f, dev, addrs[i]);
		p = prefix_masked(&p);
		scene_route(f, dev, prefix_format(&p, text), NULL, metric);
		scene_route(f, dev, i ? "::/0" : "0.0.0.0/0", gateways[i], metric);
		scene_dns(f, dev, gateways[i]);
	}
	scene_addr_with(f, dev, "fe80::2/64", RT_SCOPE_LINK, IFA_F_PERMANENT);
	scene_route(f, dev, "fe80::/64", NULL, 256);
}

void scene_split(struct facts *f)
{
	scene_host(f);
	card(f, "enp7s0", (const char *[]){ "192.168.1.10/24", "2001:db8:1::10/64" },
	     (const char *[]){ "192.168.1.1", "2001:db8:1::1" }, 100);
	card(f, "wlp6s0", (const char *[]){ "192.168.2.10/24", "2001:db8:2::10/64" },
	     (const char *[]){ "192.168.2.1", "2001:db8:2::1" }, 600);
	scene_dns(f, NULL, "192.168.1.1");
}

void scene_tethered(struct facts *f)
{
	scene_split(f);
	scene_link(f, "usb0");
	scene_addr(f, "usb0", "192.168.42.2/24");
	scene_dns(f, "usb0", "192.168.42.1");
}

void scene_same(struct facts *f)
{
	scene_host(f);
	card(f, "enp7s0", (const char *[]){ "192.168.1.123/24", "2001:db8:1::123/64" },
	     (const char *[]){ "192.168.1.8", "2001:db8:1::8" }, 100);
	card(f, "wlp6s0", (const char *[]){ "192.168.1.4/24", "2001:db8:1::4/64" },
	     (const char *[]){ "192.168.1.1", "2001:db8:1::1" }, 600);
	scene_dns(f, NULL, "192.168.1.8");
}
