/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of the facts says what a search from end to end says. */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "list.h"
#include "model/facts.h"
#include "plan/uplink.h"
#include "scene.h"
#include "unit.h"

#define LINKS 300

static uint32_t state = 1;

static uint32_t draw(uint32_t below) /* Numerical Recipes, ranqd1 */
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % below;
}

static void add_address(struct facts *f, int index)
{
	static const char *const nets[] = { "10.%u.%u.%u", "192.168.%u.%u" };
	struct fact_addr *a = VEC_PUSH(&f->addrs);
	char text[64];

	assert_non_null(a);
	if (draw(5) == 0)
		snprintf(text, sizeof(text), "2001:db8:%x::%x/%u", draw(8), draw(50) + 1,
			 48 + draw(80));
	else if (draw(2))
		snprintf(text, sizeof(text), nets[1], draw(4), draw(250));
	else
		snprintf(text, sizeof(text), nets[0], draw(3), draw(3), draw(250));
	if (!strchr(text, '/'))
		snprintf(text + strlen(text), 8, "/%u", 8 + draw(25));
	a->index = index;
	a->prefix = scene_prefix(text);
	a->scope = RT_SCOPE_UNIVERSE;
}

static void add_route(struct facts *f, int index)
{
	static const uint8_t types[] = { RTN_UNICAST, RTN_UNICAST, RTN_UNREACHABLE, RTN_THROW };
	struct fact_route *r = VEC_PUSH(&f->routes);

	assert_non_null(r);
	r->index = index;
	r->table = 254;
	r->type = types[draw(4)];
	r->dst.ip.family = AF_INET;
	r->metric = draw(4);
}

/* Two that are short, or as many as a card ever had, of the longest. */
static void add_altnames(struct facts *f, int i)
{
	char name[ALTNAME_MAX];

	for (int k = 0; k < (i % 10 ? 0 : 40); k++) {
		snprintf(name, sizeof(name), "%d-%d-", i, k);
		memset(name + strlen(name), 'x', sizeof(name) - 1 - strlen(name));
		name[sizeof(name) - 1] = 0;
		assert_int_equal(facts_add_altname(f, name), 0);
	}
	snprintf(name, sizeof(name), "enp%ds0", i);
	assert_int_equal(facts_add_altname(f, name), 0);
	snprintf(name, sizeof(name), "lan%d", i);
	assert_int_equal(facts_add_altname(f, name), 0);
}

/* Numbers with gaps, some links of no number yet, altnames, addresses that share subnets. */
static void host(struct facts *f)
{
	for (int i = 0; i < LINKS; i++) {
		struct fact_link *l = VEC_PUSH(&f->links);

		assert_non_null(l);
		snprintf(l->name, sizeof(l->name), "card%d", i);
		l->index = i % 50 == 49 ? 0 : 3 * i + 2;
		if (draw(3) == 0 && l->index) /* a port without a number has none */
			add_altnames(f, i);
		for (uint32_t n = draw(3); n && l->index; n--)
			add_address(f, 3 * i + 2);
		add_route(f, 3 * i + 2);
	}
}

static uint64_t sum_of(const struct facts *f, int index)
{
	const struct fact_route *r = NULL;
	const struct fact_addr *a = NULL;
	uint64_t sum = 0;

	while ((a = facts_next_addr(f, index, a))) /* their order counts */
		sum = sum * 31 + (size_t)(a - f->addrs.v) + 1;
	while ((r = facts_next_route(f, index, r)))
		sum = sum * 31 + ((size_t)(r - f->routes.v) + 1) * 1000;
	return sum;
}

static ptrdiff_t place(const struct facts *f, const struct fact_link *l)
{
	return l ? l - f->links.v : -1;
}

/* a has an index, b has none. */
static void same(const struct facts *a, const struct facts *b)
{
	const struct fact_route *r = NULL, *s = NULL;

	assert_int_equal(a->index.names.n, a->links.n);
	assert_int_equal(b->index.names.n, 0);
	for (int i = -1; i < LINKS + 2; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "card%d", i);
		assert_int_equal(place(a, facts_link(a, name)), place(b, facts_link(b, name)));
		snprintf(name, sizeof(name), "lan%d", i);
		assert_int_equal(place(a, facts_link_by_altname(a, name)),
				 place(b, facts_link_by_altname(b, name)));
	}
	for (int i = 0; i < 3 * LINKS + 4; i++) {
		assert_int_equal(place(a, facts_link_by_index(a, i)),
				 place(b, facts_link_by_index(b, i)));
		assert_true(sum_of(a, i) == sum_of(b, i));
	}
	do {
		r = facts_next_stop(a, r);
		s = facts_next_stop(b, s);
		assert_true((r ? r - a->routes.v : -1) == (s ? s - b->routes.v : -1));
	} while (r);
	for (size_t i = 0; i < a->addrs.n; i++) {
		assert_int_equal(facts_same_subnet(a, &a->addrs.v[i], 0),
				 facts_same_subnet(b, &b->addrs.v[i], 0));
		assert_int_equal(facts_same_subnet(a, &a->addrs.v[i], 5),
				 facts_same_subnet(b, &b->addrs.v[i], 5));
	}
}

static void test_random(void **unused)
{
	(void)unused;
	for (int round = 0; round < 20; round++) {
		_cleanup_facts_ struct facts a = { 0 }, b = { 0 };
		uint32_t seed = state;

		host(&a);
		state = seed;
		host(&b);
		facts_index_links(&a);
		facts_index_routing(&a);
		same(&a, &b);
		for (int i = 0; i < 100; i++) { /* ports come and go, and get their numbers */
			char name[IFNAMSIZ];
			struct fact_link *l;

			snprintf(name, sizeof(name), "card%u", draw(LINKS));
			facts_remove_link(&a, name);
			facts_remove_link(&b, name);
			snprintf(name, sizeof(name), "card%u", draw(LINKS));
			if (!facts_link(&a, name)) {
				l = VEC_PUSH(&a.links);
				memcpy(l->name, name, sizeof(name));
				facts_link_added(&a);
				l = VEC_PUSH(&b.links);
				memcpy(l->name, name, sizeof(name));
				facts_number_link(&a, name, 5000 + i);
				facts_number_link(&b, name, 5000 + i);
				assert_ptr_equal(facts_link_by_index(&a, 5000 + i),
						 facts_link(&a, name));
			}
		}
		same(&a, &b);
	}
}

static void test_sysctls(void **unused)
{
	_cleanup_facts_ struct facts f = { 0 };
	char path[SYSCTL_MAX];

	(void)unused;
	for (int i = 0; i < 1000; i++) {
		struct fact_sysctl *s = VEC_PUSH(&f.sysctls);

		snprintf(s->path, sizeof(s->path), "net/ipv6/conf/viap%d/disable_ipv6", i);
		if (i % 7 == 0)
			facts_sysctl_added(&f);
	}
	assert_ptr_equal(facts_sysctl(&f, "net/ipv6/conf/viap999/disable_ipv6"), &f.sysctls.v[999]);
	facts_sysctl_added(&f);
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "net/ipv6/conf/viap%d/disable_ipv6", i);
		assert_ptr_equal(facts_sysctl(&f, path), &f.sysctls.v[i]);
	}
	assert_null(facts_sysctl(&f, "net/ipv6/conf/viap1000/disable_ipv6"));
}

/* A list is found once, however many sessions have it, and walked over its interfaces alone. */
static void test_lists(void **unused)
{
	static const char *const lists[] = { "card9,card3", "usb0,ethernet,card3", "lan3,card9" };
	_cleanup_facts_ struct facts a = { 0 }, b = { 0 };
	uint32_t seed = state;

	(void)unused;
	host(&a);
	state = seed;
	host(&b);
	facts_index_links(&a);
	for (size_t i = 0; i < 1000; i++) {
		struct session *s = VEC_PUSH(&a.sessions);

		s->uplinks = list_of(lists[i % 3]);
	}
	assert_int_equal(uplinks_resolve_all(&a), 0);
	assert_int_equal(a.lists.n, 3);
	assert_int_equal(a.lists.words.n, 5);
	assert_int_equal(a.lists.words.conditions, 1);
	assert_true(uplinks_name(&a, "usb0"));
	assert_false(uplinks_name(&a, "card4"));
	for (size_t i = 0; i < 3; i++) {
		const struct uplink_list list = list_of(lists[i]);
		struct uplink_walk x = { .facts = &a, .list = &list },
				   y = { .facts = &b, .list = &list };
		const struct fact_link *l, *m;
		size_t n = 0;

		do {
			do
				m = uplink_walk(&y);
			while (m && !m->index); /* has no number that it could be found by */
			l = uplink_walk(&x);
			assert_int_equal(place(&a, l), place(&b, m));
			assert_true(!l || l->listed);
			if (l)
				assert_int_equal(x.word, y.word);
			n += l != NULL;
		} while (l);
		assert_int_equal(uplinks_found(&a, &list)->n, n);
	}
}

#define CARDS    200
#define SESSIONS 64

/* Cards with names, altnames, networks, addresses and of each kind. */
static void many_cards(struct facts *f)
{
	for (int i = 0; i < CARDS; i++) {
		struct fact_link *l = VEC_PUSH(&f->links);

		assert_non_null(l);
		l->index = i + 2;
		l->medium = (enum link_medium)(i % MEDIUM_COUNT);
		l->mac = (struct mac){ { 2, 0, 0, 0, 0, (uint8_t)i } };
		snprintf(l->name, sizeof(l->name), i == 7 ? "vpn" : "card%d", i);
		snprintf(l->ssid, sizeof(l->ssid), "net%d", i / 3);
		if (i % 2)
			add_altnames(f, i);
	}
}

/* Sixteen words, of each kind; those of one list are different. */
static struct uplink_list draw_list(void)
{
	static const char *const kinds[] = { "wifi", "ethernet", "wwan", "vpn" };
	struct uplink_list l = { 0 };

	while (l.n < UPLINK_WORDS_MAX) {
		char word[32];
		unsigned int i = draw(CARDS + 5);

		switch (draw(5)) {
		case 0:
			snprintf(word, sizeof(word), "%s", kinds[i % 4]);
			break;
		case 1:
			snprintf(word, sizeof(word), "ssid:net%u", i % 10);
			break;
		case 2:
			snprintf(word, sizeof(word), "lan%u", i);
			break;
		default:
			snprintf(word, sizeof(word), "card%u", i);
		}
		if (!uplink_list_has(&l, word))
			assert_int_equal(uplink_list_add(&l, word), 0);
	}
	return l;
}

/* As many comparisons as the lists have different words, and conditions times interfaces. */
static size_t comparisons_of(const struct facts *f)
{
	size_t conditions = 0;

	for (size_t i = 0; i < f->lists.words.n; i++) {
		const struct fact_word *w = &f->lists.words.v[i];
		const char *word = uplink_list_word(&f->lists.v[w->list].list, w->word);

		conditions += w->condition && !facts_link(f, word);
	}
	return conditions * f->links.n + f->lists.words.n - conditions;
}

/*
 * 64 sessions with 16 words each and 200 interfaces: a word is held against the interfaces once for
 * an observation, and nothing that asks about a list afterwards does so again. What is found is
 * what a search for each list alone finds.
 */
static void test_cost(void **unused)
{
	_cleanup_facts_ struct facts a = { 0 }, b = { 0 };
	size_t comparisons, steps = 0;

	(void)unused;
	many_cards(&a);
	many_cards(&b);
	facts_index_links(&a);
	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *s = VEC_PUSH(&a.sessions);

		s->uplinks = draw_list();
	}
	assert_int_equal(uplinks_resolve_all(&a), 0);
	comparisons = a.lists.comparisons;
	print_message("%zu comparisons for %d words\n", comparisons, SESSIONS * UPLINK_WORDS_MAX);
	assert_int_equal(comparisons, comparisons_of(&a));
	assert_in_range(comparisons, CARDS, SESSIONS * UPLINK_WORDS_MAX * 4);
	assert_int_equal(uplinks_resolve_all(&a), 0);
	for (size_t i = 0; i < SESSIONS; i++) {
		const struct uplink_list *list = &a.sessions.v[i].uplinks;
		struct uplink_walk x = { .facts = &a, .list = list };
		struct uplink_walk y = { .facts = &b, .list = list };
		const struct fact_link *l, *m;

		do {
			l = uplink_walk(&x);
			m = uplink_walk(&y);
			assert_int_equal(place(&a, l), place(&b, m));
			assert_true(!l || (x.word == y.word && uplink_listed(&a, list, l->name)));
			steps++;
		} while (l);
	}
	assert_in_range(steps, SESSIONS * UPLINK_WORDS_MAX, SESSIONS * (CARDS + 1));
	assert_int_equal(a.lists.comparisons, comparisons);
	/* as many sessions again with the same lists cost nothing */
	for (size_t i = 0; i < SESSIONS; i++) {
		const struct session copy = a.sessions.v[i];
		struct session *s = VEC_PUSH(&a.sessions);

		*s = copy;
	}
	assert_int_equal(uplinks_resolve_all(&a), 0);
	assert_int_equal(a.lists.comparisons, comparisons);
}

/* Each altname of a card finds it, alone and in a list, with an index and without. */
static void test_altnames(void **unused)
{
	_cleanup_facts_ struct facts f = { 0 };
	char name[ALTNAME_MAX];

	(void)unused;
	for (int i = 0; i < 3; i++) {
		struct fact_link *l = VEC_PUSH(&f.links);

		snprintf(l->name, sizeof(l->name), "card%d", i);
		l->index = i + 2;
		add_altnames(&f, i * 10);
	}
	assert_int_equal(f.links.v[1].n_altnames, 42);
	for (int indexed = 0; indexed < 2; indexed++) {
		for (size_t i = 0; i < f.altnames.n; i++) {
			const struct fact_link *l = &f.links.v[i / 42], *found;
			struct uplink_list list = list_of("no");
			struct uplink_walk walk = { .facts = &f, .list = &list };

			snprintf(name, sizeof(name), "%s", f.altnames.v[i].name);
			assert_int_equal(uplink_list_add(&list, name), 0);
			assert_ptr_equal(facts_link_by_altname(&f, name), l);
			assert_true(facts_has_altname(&f, l, name));
			assert_false(facts_has_altname(&f, &f.links.v[(i / 42 + 1) % 3], name));
			found = uplink_walk(&walk);
			assert_ptr_equal(found, l);
			assert_null(uplink_walk(&walk));
		}
		name[strlen(name) - 1] = 0; /* not by a part of one */
		assert_null(facts_link_by_altname(&f, name));
		facts_index_links(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),  cmocka_unit_test(test_altnames),
		cmocka_unit_test(test_sysctls), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_cost),
	};

	return RUN_TESTS(tests);
}
