/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden plans: a host made of facts and a request, and what `via-iface plan` has to say to them,
 * line by line, in NAME.plan beside this file. What is already there ends in "# present", and is
 * not undone. tests/lab/test_plans_can_be_pasted.py pastes the texts into a shell.
 */
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "list.h"
#include "model/print.h"
#include "plan/plan.h"
#include "scene.h"
#include "unit.h"

/* --- the hosts ----------------------------------------------------------------------------- */

static void host_routes_by_itself(struct facts *f)
{
	scene_split(f);
	for (size_t i = 0; i < f->sysctls.n; i++)
		if (strstr(f->sysctls.v[i].path, "forwarding"))
			strcpy(f->sysctls.v[i].value, "1");
}

static void host_without_ipv6(struct facts *f)
{
	scene_split(f);
	scene_sysctl(f, "net/ipv6/conf/all/disable_ipv6", "1", "");
}

/* A kernel before force_forwarding: IPv6 stays closed. */
static void host_with_old_kernel(struct facts *f)
{
	size_t kept = 0;

	scene_split(f);
	for (size_t i = 0; i < f->sysctls.n; i++)
		if (!strstr(f->sysctls.v[i].path, "force_forwarding"))
			f->sysctls.v[kept++] = f->sysctls.v[i];
	f->sysctls.n = kept;
}

/* A stick with IPv6 alone, its router known by the link-local address only. */
static void host_with_wwan(struct facts *f)
{
	scene_split(f);
	scene_link(f, "wwan0");
	scene_addr(f, "wwan0", "2001:db8:5::5/64");
	scene_route(f, "wwan0", "2001:db8:5::/64", NULL, 700);
	scene_route(f, "wwan0", "::/0", "fe80::1", 700);
	scene_dns(f, "wwan0", "2001:db8:5::53");
}

/* A home router that names itself by its link-local address, beside another server. */
static void host_with_link_local_server(struct facts *f)
{
	host_with_wwan(f);
	scene_addr(f, "wwan0", "fe80::5/64");
	scene_dns(f, "wwan0", "fe80::1");
}

static void host_with_tun(struct facts *f)
{
	scene_split(f);
	scene_link(f, "tun0");
	scene_link_is(f, "tun0", "tun", IFF_UP | IFF_POINTOPOINT | IFF_NOARP | LINK_LOWER_UP);
	scene_addr(f, "tun0", "10.8.0.2/24");
	scene_route(f, "tun0", "10.8.0.0/24", NULL, 0);
	scene_dns(f, "tun0", "10.8.0.1");
}

static void host_without_gateway(struct facts *f)
{
	scene_split(f);
	scene_link(f, "usb0");
	scene_addr(f, "usb0", "192.168.42.2/24");
	scene_route(f, "usb0", "192.168.42.0/24", NULL, 800);
}

/* The same card, never to be the way out, and a lease that knows the gateway. */
static void host_with_lease(struct facts *f)
{
	host_without_gateway(f);
	scene_dns(f, "usb0", "192.168.42.1");
	scene_gateway(f, "usb0", "192.168.42.1");
}

static void host_without_names(struct facts *f)
{
	scene_split(f);
	scene_link(f, "wwan1");
	scene_link_is(f, "wwan1", "", IFF_UP | IFF_POINTOPOINT | IFF_NOARP | LINK_LOWER_UP);
	scene_addr(f, "wwan1", "10.64.1.2/32");
}

/* A name that both the shell and nft(8) must have quoted. */
static void host_with_odd_name(struct facts *f)
{
	scene_host(f);
	scene_link(f, "it's*");
	scene_addr(f, "it's*", "192.168.7.2/24");
	scene_route(f, "it's*", "192.168.7.0/24", NULL, 100);
	scene_route(f, "it's*", "0.0.0.0/0", "192.168.7.1", 100);
	scene_dns(f, "it's*", "192.168.7.1");
}

/* All of the first pool's range is somebody else's. */
static void host_with_wide_route(struct facts *f)
{
	scene_split(f);
	scene_route(f, "enp7s0", "10.0.0.0/8", "192.168.1.1", 100);
}

/* Docker's chains in iptables-nft's table, and somebody's own table for both families. */
static void host_with_firewalls(struct facts *f)
{
	struct fact_chain *c;

	scene_split(f);
	c = scene_chain(f, NFPROTO_IPV4, "filter", "FORWARD");
	c->drops = true;
	c->leads_to = 1; /* DOCKER-USER */
	scene_chain(f, NFPROTO_IPV4, "filter", "DOCKER-USER")->base = false;
	scene_chain(f, NFPROTO_IPV6, "filter", "FORWARD")->drops = true;
	scene_chain(f, NFPROTO_INET, "own", "transit")->closes = true;
}

/* --- what is planned ----------------------------------------------------------------------- */

struct wish {
	const char *uplinks;
	struct request rest;
};

struct golden {
	const char *name;
	void (*host)(struct facts *f);
	struct wish request;
	struct wish running; /* a session that is there already; no name: none */
};

static struct request request_of(const struct wish *w)
{
	struct request r = w->rest;

	r.uplinks = list_of(w->uplinks);
	return r;
}

static const struct golden cases[] = {
	{ "split", scene_split, { "wlp6s0", { .name = "curl" } } },
	{ "same", scene_same, { "wlp6s0", { .name = "curl" } } },
	{ "list", scene_split, { "wwan0,wlp6s0,enp7s0", { .name = "curl" } } },
	{ "ipv6-only", host_with_wwan, { "wwan0", { .name = "curl" } } },
	{ "link-local-server", host_with_link_local_server, { "wwan0", { .name = "curl" } } },
	{ "point-to-point", host_with_tun, { "tun0", { .name = "curl" } } },
	{ "no-fence", host_routes_by_itself, { "wlp6s0", { .name = "curl" } } },
	{ "no-ipv6", host_without_ipv6, { "wlp6s0", { .name = "curl" } } },
	{ "old-kernel", host_with_old_kernel, { "wlp6s0", { .name = "curl" } } },
	{ "odd-name", host_with_odd_name, { "it's*", { .name = "curl" } } },
	{ "other-pool", host_with_wide_route, { "wlp6s0", { .name = "curl" } } },
	{ "options",
	  scene_split,
	  { "wlp6s0",
	    { .name = "curl", .flags = SESSION_NO_IPV6 | SESSION_HOST_ACCESS, .mtu = 1400 } } },
	{ "second",
	  scene_split,
	  { "wlp6s0", { .name = "curl" } },
	  { "wlp6s0", { .name = "curl" } } },
	{ "two-uplinks",
	  scene_split,
	  { "enp7s0", { .name = "steam" } },
	  { "wlp6s0", { .name = "curl" } } },
	{ "own-names",
	  scene_split,
	  { "wlp6s0", { .name = "curl", .n_dns = 1, .dns = { { AF_INET, { 9, 9, 9, 9 } } } } } },
	{ "share", scene_split, { "wlp6s0", { .name = "curl", .share = "g+1" } } },
	{ "rate", scene_split, { "wlp6s0", { .name = "curl", .rates = { 1250000, 250000 } } } },
	{ "publish",
	  scene_split,
	  { "wlp6s0",
	    { .name = "curl",
	      .published = { { { .first = 6881, .last = 6882, .to = 6881 },
			       { .first = 53, .last = 53, .to = 5353, .udp = 1 },
			       { .first = 80,
				 .last = 80,
				 .to = 80,
				 .address = { AF_INET, { 192, 168, 2, 10 } } } } } } } },
	{ "no-names", host_without_names, { "wwan1", { .name = "curl" } } },
	{ "firewalls", host_with_firewalls, { "wlp6s0", { .name = "curl" } } },
	{ "no-gateway", host_without_gateway, { "usb0", { .name = "curl" } } },
	{ "never-default", host_with_lease, { "usb0", { .name = "curl" } } },
};

/* The facts after the launch of a session. */
static void launch(struct facts *f, const struct wish *w)
{
	const struct request r = request_of(w);
	const struct admit_memory memory = { 0 };
	struct session s, *made;

	assert_int_equal(plan_admit(f, &r, 1000, &memory, &s, NULL), 0);
	scene_slot(f, s.slot, s.uplink);
	made = scene_session(f, s.id, s.host, s.slot, w->uplinks, s.name);
	made->uid = 1000;
	made->since = 1700000000;
	assert_int_equal(plan_host(f, f->sessions.v, f->sessions.n, &f->ours, NULL), 0);
	for (size_t i = 0; i < f->ours.n; i++)
		if (f->ours.v[i].kind == OBJ_SYSCTL)
			scene_sysctl(f, f->ours.v[i].sysctl.path, f->ours.v[i].sysctl.value,
				     f->ours.v[i].sysctl.before);
}

static bool present(const struct facts *f, const struct object *o)
{
	const struct object *have = set_find(&f->ours, o);

	return have && object_same(o, have);
}

static void print_step(struct strbuf *out, const struct facts *f, const struct object *o,
		       const char *netns)
{
	_cleanup_strbuf_ struct strbuf step = { 0 };
	const char *text, *end;

	print_add(&step, o, netns);
	for (text = strbuf_text(&step); (end = strchr(text, '\n')); text = end + 1) {
		strbuf_add_bytes(out, text, (size_t)(end - text));
		strbuf_add(out, "%s\n", present(f, o) ? " # present" : "");
	}
	assert_string_equal(text, ""); /* whole lines only */
}

static void print_plan(struct strbuf *out, struct facts *f, const struct wish *w)
{
	const struct request r = request_of(w);
	const struct admit_memory memory = { 0 };
	_cleanup_set_ struct object_set all = { 0 }, inside = { 0 };
	struct session s, *added;
	struct err err = { 0 };

	assert_int_equal(request_check(&r, &err), 0);
	if (plan_admit(f, &r, 1000, &memory, &s, &err) < 0) {
		strbuf_add(out, "%s\n", err.text);
		return;
	}
	added = VEC_PUSH(&f->sessions);
	*added = s;
	assert_int_equal(plan_host(f, f->sessions.v, f->sessions.n, &all, &err), 0);
	assert_int_equal(plan_inside(f, &s, &inside, &err), 0);
	for (size_t i = 0; i < inside.n; i++)
		set_add(&all, &inside.v[i]);
	inside.n = 0; /* moved */
	assert_int_equal(set_sort(&all), 0);
	for (size_t i = 0; i < all.n; i++)
		print_step(out, f, &all.v[i], s.name);
	strbuf_add(out, "# to undo\n");
	for (size_t i = all.n; i-- > 0;)
		if (!print_goes_along(&all.v[i]) && !present(f, &all.v[i]))
			print_remove(out, &all.v[i], s.name);
}

/* --- comparing ----------------------------------------------------------------------------- */

static void read_golden(struct strbuf *sb, const char *path)
{
	char bytes[4096];
	size_t n;
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("%s is missing; VIA_GOLDEN_UPDATE=1 writes it", path);
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		strbuf_add_bytes(sb, bytes, n);
	fclose(file);
}

static void write_golden(const char *text, const char *path)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The first line that differs says more than two long texts. */
static void compare_texts(const char *got, const char *wanted, const char *path)
{
	unsigned int line = 1;

	for (;; line++) {
		size_t a = strcspn(got, "\n"), b = strcspn(wanted, "\n");

		if (a != b || strncmp(got, wanted, a) != 0 || got[a] != wanted[b])
			fail_msg("%s:%u:\n  wanted: %.*s\n  got:    %.*s\n"
				 "VIA_GOLDEN_UPDATE=1 tests/golden/run writes all plans anew",
				 path, line, (int)b, wanted, (int)a, got);
		if (!got[a])
			return;
		got += a + 1;
		wanted += b + 1;
	}
}

static void test_case(void **state)
{
	const struct golden *c = *state;
	const char *update = getenv("VIA_GOLDEN_UPDATE");
	_cleanup_strbuf_ struct strbuf got = { 0 }, wanted = { 0 }, path = { 0 };
	_cleanup_facts_ struct facts f = { 0 };

	strbuf_add(&path, GOLDEN_DIR "/%s.plan", c->name);
	c->host(&f);
	if (c->running.uplinks)
		launch(&f, &c->running);
	print_plan(&got, &f, &c->request);
	assert_false(strbuf_failed(&got));
	if (update && !strcmp(update, "1"))
		write_golden(strbuf_text(&got), strbuf_text(&path));
	read_golden(&wanted, strbuf_text(&path));
	compare_texts(strbuf_text(&got), strbuf_text(&wanted), strbuf_text(&path));
}

int main(void)
{
	struct CMUnitTest tests[sizeof(cases) / sizeof(cases[0])];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tests[i] = (struct CMUnitTest){ .name = cases[i].name,
						.test_func = test_case,
						.initial_state = (void *)&cases[i] };
	return RUN_TESTS(tests);
}
