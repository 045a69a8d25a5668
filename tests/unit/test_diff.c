/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter.h>
#include <string.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "model/diff.h"
#include "things.h"
#include "unit.h"

#define INET   NFPROTO_INET
#define BRIDGE NFPROTO_BRIDGE

struct fixture {
	struct object_set want, have;
	struct steps steps;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	set_done(&f->want);
	set_done(&f->have);
	steps_done(&f->steps);
	return 0;
}

static void add(struct object_set *set, struct object o)
{
	set_add(set, &o);
}

static void both(struct fixture *f, struct object o)
{
	add(&f->want, o);
	add(&f->have, o);
}

/* Steps as text: one a line, an nft rule with its place and fingerprint. */
static void describe(struct strbuf *sb, const struct step *s)
{
	static const char *const actions[STEP_ACTION_COUNT] = { "add", "change", "remove" };
	const struct object *o = s->want ? s->want : s->have;
	char name[OBJECT_NAME_MAX];

	assert_non_null(o);
	strbuf_add(sb, "%s %s", actions[s->action], object_name(o, name));
	if (o->kind == OBJ_NFT_RULE)
		strbuf_add(sb, " %u/%d", o->nft_rule.index, (int)o->nft_rule.fingerprint);
	if (o->kind == OBJ_LINK_UP)
		strbuf_add(sb, " up");
	strbuf_add(sb, "\n");
}

static void steps_are(struct fixture *f, const char *text)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	assert_int_equal(set_sort(&f->want), 0);
	assert_int_equal(set_sort(&f->have), 0);
	steps_done(&f->steps);
	assert_int_equal(diff(&f->want, &f->have, &f->steps), 0);
	for (size_t i = 0; i < f->steps.n; i++) {
		const struct step *s = &f->steps.v[i];

		assert_int_equal(s->want != NULL, s->action != STEP_REMOVE);
		assert_int_equal(s->have != NULL, s->action != STEP_ADD);
		describe(&sb, s);
	}
	assert_string_equal(strbuf_text(&sb), text);
}

static void test_nothing(void **state)
{
	steps_are(*state, "");
}

static void test_all_there(void **state)
{
	struct fixture *f = *state;

	both(f, thing_bridge());
	both(f, thing_table(INET));
	both(f, thing_chain(INET, "a"));
	both(f, thing_set(INET, "m"));
	both(f, thing_element(INET, "m", "x"));
	both(f, thing_rule(INET, "a", 0, 1));
	both(f, thing_rule(INET, "a", 1, 2));
	both(f, thing_sysctl("p", "1", "0"));
	steps_are(f, "");
}

static void test_from_nothing(void **state)
{
	struct fixture *f = *state;

	add(&f->want, thing_up("via0"));
	add(&f->want, thing_rule(INET, "a", 1, 2));
	add(&f->want, thing_rule(INET, "a", 0, 1));
	add(&f->want, thing_bridge());
	add(&f->want, thing_chain(INET, "a"));
	add(&f->want, thing_table(INET));
	steps_are(f, "add nft table inet via_iface\n"
		     "add nft chain inet via_iface a\n"
		     "add nft rule inet via_iface a 0/1\n"
		     "add nft rule inet via_iface a 1/2\n"
		     "add link via0\n"
		     "add link via0 up\n");
}

/* What is taken down goes backwards, what protects it last. */
static void test_to_nothing(void **state)
{
	struct fixture *f = *state;

	add(&f->have, thing_bridge());
	add(&f->have, thing_table(INET));
	add(&f->have, thing_up("via0"));
	add(&f->have, thing_stop_rule(AF_INET, 5181, "via0"));
	add(&f->have, thing_lookup(AF_INET, 5180, 0x56000001, 22017));
	add(&f->have, thing_sysctl("p", "1", "0"));
	add(&f->have, thing_chain(INET, "a"));
	add(&f->have, thing_rule(INET, "a", 0, 1));
	steps_are(f, "remove sysctl p\n"
		     "remove ip rule 5180\n"
		     "remove ip rule 5181\n"
		     "remove link via0 up\n"
		     "remove link via0\n"
		     "remove nft rule inet via_iface a 0/1\n"
		     "remove nft chain inet via_iface a\n"
		     "remove nft table inet via_iface\n");
}

static void test_mixed(void **state)
{
	struct fixture *f = *state;

	add(&f->want, thing_sysctl("a", "1", "0"));
	add(&f->want, thing_sysctl("b", "1", "0"));
	add(&f->want, thing_sysctl("d", "1", "0"));
	add(&f->have, thing_sysctl("b", "0", "0"));
	add(&f->have, thing_sysctl("c", "1", "0"));
	add(&f->have, thing_sysctl("d", "1", "0"));
	add(&f->have, thing_sysctl("e", "1", "0"));
	steps_are(f, "add sysctl a\n"
		     "change sysctl b\n"
		     "remove sysctl e\n"
		     "remove sysctl c\n");
	assert_string_equal(f->steps.v[1].want->sysctl.value, "1");
	assert_string_equal(f->steps.v[1].have->sysctl.value, "0");
	assert_ptr_equal(f->steps.v[1].have, &f->have.v[0]);
}

static void test_removals_come_after_additions(void **state)
{
	struct fixture *f = *state;

	/* the gateway's route changes family: the new one first, then the old one goes */
	add(&f->have, thing_route(22017, "10.0.0.0/8", "a", NULL));
	add(&f->want, thing_route(22017, "11.0.0.0/8", "a", NULL));
	steps_are(f, "add route 11.0.0.0/8 table 22017\n"
		     "remove route 10.0.0.0/8 table 22017\n");
}

/* A move: one map element, and nothing else. */
static void test_element_changes(void **state)
{
	struct fixture *f = *state;

	both(f, thing_table(BRIDGE));
	both(f, thing_chain(BRIDGE, "slot1"));
	both(f, thing_chain(BRIDGE, "slot2"));
	both(f, thing_set(BRIDGE, "ports"));
	both(f, thing_vmap_element(BRIDGE, "ports", "viap2", "slot1"));
	add(&f->have, thing_vmap_element(BRIDGE, "ports", "viap1", "slot1"));
	add(&f->want, thing_vmap_element(BRIDGE, "ports", "viap1", "slot2"));
	both(f, thing_rule(BRIDGE, "slot1", 0, 1));
	steps_are(f, "change nft element bridge via_iface ports\n");
	assert_string_equal(f->steps.v[0].want->nft_element.chain, "slot2");
	assert_string_equal(f->steps.v[0].have->nft_element.chain, "slot1");
}

/* --- chains -------------------------------------------------------------------------------- */

static void test_one_rule_differs(void **state)
{
	struct fixture *f = *state;

	both(f, thing_rule(INET, "a", 0, 1));
	add(&f->have, thing_rule(INET, "a", 1, 9));
	add(&f->want, thing_rule(INET, "a", 1, 2));
	both(f, thing_rule(INET, "a", 2, 3));
	both(f, thing_rule(INET, "b", 0, 4));
	steps_are(f, "change nft rule inet via_iface a 0/1\n"
		     "change nft rule inet via_iface a 1/2\n"
		     "change nft rule inet via_iface a 2/3\n");
}

static void test_rule_deleted_by_others(void **state)
{
	struct fixture *f = *state;

	both(f, thing_rule(INET, "a", 0, 1));
	both(f, thing_rule(INET, "a", 1, 2));
	add(&f->want, thing_rule(INET, "a", 2, 3));
	both(f, thing_rule(INET, "b", 0, 4));
	steps_are(f, "change nft rule inet via_iface a 0/1\n"
		     "change nft rule inet via_iface a 1/2\n"
		     "change nft rule inet via_iface a 2/3\n");
}

static void test_rule_added_by_others(void **state)
{
	struct fixture *f = *state;

	both(f, thing_rule(INET, "a", 0, 1));
	add(&f->have, thing_rule(INET, "a", 1, 7));
	add(&f->have, thing_rule(INET, "a", 2, 8));
	both(f, thing_rule(INET, "b", 0, 4));
	/* flushed as a whole, so the strange ones need no step */
	steps_are(f, "change nft rule inet via_iface a 0/1\n");
}

static void test_rules_swapped(void **state)
{
	struct fixture *f = *state;

	add(&f->want, thing_rule(INET, "a", 0, 1));
	add(&f->want, thing_rule(INET, "a", 1, 2));
	add(&f->have, thing_rule(INET, "a", 0, 2));
	add(&f->have, thing_rule(INET, "a", 1, 1));
	steps_are(f, "change nft rule inet via_iface a 0/1\n"
		     "change nft rule inet via_iface a 1/2\n");
}

static void test_chain_flushed_by_others(void **state)
{
	struct fixture *f = *state;

	both(f, thing_chain(INET, "a"));
	both(f, thing_rule(INET, "0", 0, 9));
	add(&f->want, thing_rule(INET, "a", 0, 1));
	add(&f->want, thing_rule(INET, "a", 1, 2));
	both(f, thing_rule(INET, "b", 0, 4));
	steps_are(f, "add nft rule inet via_iface a 0/1\n"
		     "add nft rule inet via_iface a 1/2\n");
}

static void test_chain_that_stays_is_emptied(void **state)
{
	struct fixture *f = *state;

	both(f, thing_chain(INET, "a"));
	add(&f->have, thing_rule(INET, "a", 0, 1));
	add(&f->have, thing_rule(INET, "a", 1, 2));
	steps_are(f, "remove nft rule inet via_iface a 1/2\n"
		     "remove nft rule inet via_iface a 0/1\n");
}

static void test_one_name_in_two_families(void **state)
{
	struct fixture *f = *state;

	add(&f->want, thing_rule(INET, "a", 0, 1));
	add(&f->have, thing_rule(INET, "a", 0, 2));
	both(f, thing_rule(BRIDGE, "a", 0, 3));
	steps_are(f, "change nft rule inet via_iface a 0/1\n");
}

static void test_chain_of_a_slot_comes_and_goes(void **state)
{
	struct fixture *f = *state;

	both(f, thing_table(BRIDGE));
	both(f, thing_chain(BRIDGE, "slot0"));
	both(f, thing_rule(BRIDGE, "slot0", 0, 1));
	add(&f->have, thing_chain(BRIDGE, "slot1"));
	add(&f->have, thing_rule(BRIDGE, "slot1", 0, 2));
	add(&f->want, thing_chain(BRIDGE, "slot2"));
	add(&f->want, thing_rule(BRIDGE, "slot2", 0, 3));
	steps_are(f, "add nft chain bridge via_iface slot2\n"
		     "add nft rule bridge via_iface slot2 0/3\n"
		     "remove nft rule bridge via_iface slot1 0/2\n"
		     "remove nft chain bridge via_iface slot1\n");
}

/* In the table of ours nothing else may stand. */
static void test_foreign_chain_in_our_table(void **state)
{
	struct fixture *f = *state;

	both(f, thing_table(INET));
	both(f, thing_chain(INET, "forward"));
	both(f, thing_rule(INET, "forward", 0, 1));
	add(&f->have, thing_chain(INET, "accept_all"));
	add(&f->have, thing_rule(INET, "accept_all", 0, 66));
	add(&f->have, thing_set(INET, "strange"));
	add(&f->have, thing_element(INET, "strange", "x"));
	steps_are(f, "remove nft rule inet via_iface accept_all 0/66\n"
		     "remove nft element inet via_iface strange\n"
		     "remove nft set inet via_iface strange\n"
		     "remove nft chain inet via_iface accept_all\n");
}

/* --- a table made anew --------------------------------------------------------------------- */

static void table_of(struct fixture *f, uint8_t family)
{
	both(f, thing_table(family));
	both(f, thing_chain(family, "a"));
	both(f, thing_set(family, "m"));
	both(f, thing_element(family, "m", "x"));
	both(f, thing_rule(family, "a", 0, 1));
}

#define INET_ANEW                                                                                  \
	"remove nft table inet via_iface\n"                                                        \
	"add nft table inet via_iface\n"                                                           \
	"add nft chain inet via_iface a\n"                                                         \
	"add nft set inet via_iface m\n"                                                           \
	"add nft element inet via_iface m\n"                                                       \
	"add nft rule inet via_iface a 0/1\n"

static struct object *of_kind(struct object_set *set, enum object_kind kind)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].kind == kind && set->v[i].family != BRIDGE)
			return &set->v[i];
	return NULL;
}

static void test_set_redefined(void **state)
{
	struct fixture *f = *state;

	table_of(f, INET);
	table_of(f, BRIDGE);
	both(f, thing_bridge());
	of_kind(&f->have, OBJ_NFT_SET)->nft_set.key_len = 20;
	steps_are(f, INET_ANEW);
}

static void test_chain_redefined(void **state)
{
	struct fixture *f = *state;

	table_of(f, INET);
	table_of(f, BRIDGE);
	both(f, thing_bridge());
	of_kind(&f->have, OBJ_NFT_CHAIN)->nft_chain.priority = 5;
	steps_are(f, INET_ANEW);
}

static void test_dormant_table(void **state)
{
	struct fixture *f = *state;

	table_of(f, INET);
	table_of(f, BRIDGE);
	of_kind(&f->have, OBJ_NFT_TABLE)->nft_table.flags = 1; /* NFT_TABLE_F_DORMANT */
	steps_are(f, INET_ANEW);
}

static void test_rebuild_takes_all_along(void **state)
{
	struct fixture *f = *state;

	table_of(f, INET);
	of_kind(&f->have, OBJ_NFT_CHAIN)->nft_chain.hook = 1;
	/* what is not wanted in it goes with it, what differs elsewhere is mended as ever */
	add(&f->have, thing_chain(INET, "strange"));
	add(&f->have, thing_rule(INET, "strange", 0, 5));
	add(&f->have, thing_rule(INET, "a", 1, 6));
	add(&f->have, thing_set(BRIDGE, "other"));
	add(&f->want, thing_bridge());
	steps_are(f, INET_ANEW "add link via0\n"
			       "remove nft set bridge via_iface other\n");
}

/* An accept of ours in another table of that family stays, or goes by itself. */
static void test_rebuild_leaves_others_alone(void **state)
{
	struct fixture *f = *state;

	table_of(f, INET);
	of_kind(&f->have, OBJ_NFT_CHAIN)->nft_chain.hook = 1;
	both(f, thing_accept(INET, "filter", "forward"));
	add(&f->have, thing_accept(INET, "other", "forward"));
	add(&f->want, thing_accept(NFPROTO_IPV4, "filter", "DOCKER-USER"));
	steps_are(f, INET_ANEW "add nft accept ip filter DOCKER-USER\n"
			       "remove nft accept inet other forward\n");
}

static void test_copies_go(void **state)
{
	struct fixture *f = *state;
	struct object copy = thing_accept(INET, "filter", "forward");

	both(f, copy);
	copy.nft_accept.nth = 1;
	add(&f->have, copy);
	steps_are(f, "remove nft accept inet filter forward\n");
}

/* A step may change nothing: then it is there for the sake of the others, or of a foreign one. */
static void test_stray_rule(void **state)
{
	struct fixture *f = *state;

	both(f, thing_rule(INET, "a", 0, 1));
	both(f, thing_rule(INET, "a", 1, 2));
	add(&f->have, thing_rule(INET, "a", 2, 9)); /* behind ours */
	both(f, thing_rule(INET, "b", 0, 3));
	add(&f->want, thing_rule(INET, "b", 1, 4)); /* missing */
	set_sort(&f->want);
	set_sort(&f->have);
	assert_int_equal(diff(&f->want, &f->have, &f->steps), 0);
	assert_int_equal(f->steps.n, 4);
	assert_false(step_differs(&f->steps.v[0]));
	assert_false(step_differs(&f->steps.v[1]));
	assert_true(steps_have_stray_rule(&f->steps, 0, NULL));
	assert_false(steps_have_stray_rule(&f->steps, 1, NULL)); /* told once */
	assert_false(steps_have_stray_rule(&f->steps, 2, NULL));
	assert_true(step_differs(&f->steps.v[3]));
	assert_false(steps_have_stray_rule(&f->steps, 3, NULL));
	assert_false(steps_have_stray_rule(&f->steps, 0,
					   &f->have)); /* it was ours: it is wanted no more */
	assert_true(steps_have_stray_rule(&f->steps, 0, &f->want));
}

#define DIFF_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIFF_TEST(test_nothing),
		DIFF_TEST(test_all_there),
		DIFF_TEST(test_from_nothing),
		DIFF_TEST(test_to_nothing),
		DIFF_TEST(test_mixed),
		DIFF_TEST(test_removals_come_after_additions),
		DIFF_TEST(test_element_changes),
		DIFF_TEST(test_one_rule_differs),
		DIFF_TEST(test_rule_deleted_by_others),
		DIFF_TEST(test_rule_added_by_others),
		DIFF_TEST(test_rules_swapped),
		DIFF_TEST(test_chain_flushed_by_others),
		DIFF_TEST(test_chain_that_stays_is_emptied),
		DIFF_TEST(test_one_name_in_two_families),
		DIFF_TEST(test_chain_of_a_slot_comes_and_goes),
		DIFF_TEST(test_foreign_chain_in_our_table),
		DIFF_TEST(test_set_redefined),
		DIFF_TEST(test_chain_redefined),
		DIFF_TEST(test_dormant_table),
		DIFF_TEST(test_rebuild_takes_all_along),
		DIFF_TEST(test_rebuild_leaves_others_alone),
		DIFF_TEST(test_copies_go),
		DIFF_TEST(test_stray_rule),
	};

	return RUN_TESTS(tests);
}
