/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that change their names between two looks, and the lists and slots that go with them. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/vec.h"
#include "list.h"
#include "plan/rename.h"
#include "plan/uplink.h"
#include "scene.h"
#include "unit.h"

#define CARDS 3

static const char *const cards[CARDS] = { "wlp6s0", "enp7s0", "enp9s0" };

static void host(struct facts *f, const char *const names[CARDS])
{
	*f = (struct facts){ 0 };
	scene_lo(f);
	for (size_t i = 0; i < CARDS; i++)
		scene_link(f, names[i]);
}

static void slot(struct facts *f, uint32_t number, const char *name, int index)
{
	scene_slot(f, number, name);
	f->slots.v[f->slots.n - 1].index = index;
}

/* A session as its alias has it. */
static struct session *session(struct facts *f, uint32_t id, uint32_t slot, const char *uplink,
			       const char *list)
{
	struct session *s = VEC_PUSH(&f->sessions);

	assert_non_null(s);
	*s = (struct session){ .id = id, .host = 9 + id, .slot = slot };
	s->uplinks = list_of(list);
	copy_string(s->uplink, sizeof(s->uplink), uplink);
	copy_string(s->recorded, sizeof(s->recorded), uplink);
	copy_string(s->name, sizeof(s->name), "s");
	return s;
}

static void map(const struct facts *old, struct facts *fresh)
{
	_cleanup_renames_ struct renames r = { 0 };

	assert_int_equal(renames_find(old, fresh, &r), 0);
	renames_apply(&r, fresh);
}

static void session_is(const struct facts *f, size_t i, uint32_t slot, const char *uplink,
		       const char *list)
{
	const struct session *s = &f->sessions.v[i];

	assert_int_equal(s->slot, slot);
	assert_string_equal(s->uplink, uplink);
	LIST_IS(s->uplinks, list);
}

/*
 * All permutations: with the facts of the last look, and by what nftables knows alone (known = 0),
 * of which the third card is no part.
 */
static void permute(const char *const names[CARDS], bool known)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };
	char both[64], mac[] = "mac:02:00:00:00:00:02";

	if (known)
		host(&old, cards);
	host(&fresh, names);
	slot(&fresh, 1, cards[0], 2);
	slot(&fresh, 2, cards[1], 3);
	session(&fresh, 1, 1, cards[0], cards[0]);
	session(&fresh, 2, 2, cards[1], cards[1]);
	session(&fresh, 3, 2, cards[1], "enp7s0,wlp6s0");
	session(&fresh, 4, 1, cards[0], mac);
	session(&fresh, 5, 0, "", "usb0,enp7s0");
	map(&old, &fresh);
	session_is(&fresh, 0, 1, names[0], names[0]);
	session_is(&fresh, 1, 2, names[1], names[1]);
	snprintf(both, sizeof(both), "%s,%s", names[1], names[0]);
	session_is(&fresh, 2, 2, names[1], both);
	session_is(&fresh, 3, 1, names[0], mac);
	snprintf(both, sizeof(both), "usb0,%s", names[1]);
	session_is(&fresh, 4, 0, "", both);
	assert_int_equal(facts_slot(&fresh, names[0]), 1);
	assert_int_equal(facts_slot(&fresh, names[1]), 2);
	assert_int_equal(fresh.slots.v[0].index, 2);
}

static void test_permutations(void **state)
{
	static const uint8_t orders[][CARDS] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
						 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		const char *names[CARDS];

		for (size_t j = 0; j < CARDS; j++)
			names[j] = cards[orders[i][j]];
		permute(names, true);
		permute(names, false);
	}
}

/* The third card, which no list names, takes the name of one that has gone. */
static void test_name_of_one_that_went(void **state)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };

	(void)state;
	host(&old, cards);
	host(&fresh, (const char *const[]){ "gone", "enp7s0", "wlp6s0" });
	fresh.links.v[1] = fresh.links.v[--fresh.links.n];
	slot(&fresh, 1, "wlp6s0", 2);
	slot(&fresh, 2, "enp7s0", 3);
	session(&fresh, 1, 1, "wlp6s0", "wlp6s0");
	session(&fresh, 2, 1, "wlp6s0", "wlp6s0,enp7s0");
	session(&fresh, 3, 2, "enp7s0", "enp9s0,enp7s0");
	map(&old, &fresh);
	session_is(&fresh, 0, 0, "", "mac:02:00:00:00:00:02");
	session_is(&fresh, 1, 0, "", "mac:02:00:00:00:00:02,enp7s0");
	session_is(&fresh, 2, 2, "enp7s0", "wlp6s0,enp7s0"); /* who listed the third goes along */
	assert_int_equal(facts_slot(&fresh, "wlp6s0"), 0);
}

/* It went at an earlier look: what is known of it is in its slot alone. */
static void test_name_of_one_that_went_before(void **state)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };

	(void)state;
	host(&old, cards);
	old.links.v[1] = old.links.v[--old.links.n];
	host(&fresh, (const char *const[]){ "gone", "enp7s0", "wlp6s0" });
	fresh.links.v[1] = fresh.links.v[--fresh.links.n];
	slot(&fresh, 1, "wlp6s0", 2);
	fresh.slots.v[0].mac = (struct mac){ { 2, 0, 0, 0, 0, 2 } };
	session(&fresh, 1, 1, "wlp6s0", "wlp6s0");
	map(&old, &fresh);
	session_is(&fresh, 0, 0, "", "mac:02:00:00:00:00:02");
}

/* A tunnel has no address; the word that is left means no interface at all. */
static void test_without_address(void **state)
{
	const struct uplink_list none = list_of("mac:00:00:00:00:00:00");
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };

	(void)state;
	host(&old, (const char *const[]){ "tun0", "enp7s0", "enp9s0" });
	old.links.v[1].mac = (struct mac){ 0 };
	host(&fresh, (const char *const[]){ "gone", "enp7s0", "tun0" });
	fresh.links.v[1] = fresh.links.v[--fresh.links.n];
	fresh.links.v[1].mac = (struct mac){ 0 };
	slot(&fresh, 1, "tun0", 2);
	session(&fresh, 1, 1, "tun0", "tun0");
	map(&old, &fresh);
	session_is(&fresh, 0, 0, "", "mac:00:00:00:00:00:00");
	assert_false(uplink_listed(&fresh, &none, "tun0"));
}

/* Made anew, it is a candidate by its word, in its old slot. */
static void test_made_anew(void **state)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };

	(void)state;
	host(&old, cards);
	host(&fresh, cards);
	fresh.links.v[1].index = 77;
	slot(&fresh, 1, "wlp6s0", 2);
	session(&fresh, 1, 1, "wlp6s0", "wlp6s0");
	map(&old, &fresh);
	session_is(&fresh, 0, 1, "wlp6s0", "wlp6s0");
	assert_int_equal(fresh.slots.v[0].index, 77);
}

/* A number that was used again is another card's when the permanent address says so. */
static void test_number_used_again(void **state)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };

	(void)state;
	host(&old, cards);
	old.links.v[1].permanent = (struct mac){ { 2, 0, 0, 0, 0, 0xaa } };
	host(&fresh, (const char *const[]){ "other", "enp7s0", "wlp6s0" });
	fresh.links.v[1].permanent = (struct mac){ { 2, 0, 0, 0, 0, 0xbb } };
	slot(&fresh, 1, "wlp6s0", 2);
	session(&fresh, 1, 1, "wlp6s0", "wlp6s0");
	map(&old, &fresh);
	session_is(&fresh, 0, 0, "", "mac:02:00:00:00:00:aa");
}

/* A name that nobody had: as udev gives a modem its own a moment after it was plugged in. */
static void test_new_name_is_its_word(void **state)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };

	(void)state;
	host(&old, (const char *const[]){ "wlp6s0", "enp7s0", "usb0" });
	host(&fresh, (const char *const[]){ "wlp6s0", "enp7s0", "wwan0" });
	slot(&fresh, 1, "wlp6s0", 2);
	session(&fresh, 1, 1, "wlp6s0", "wwan0,wlp6s0");
	map(&old, &fresh);
	session_is(&fresh, 0, 1, "wlp6s0", "wwan0,wlp6s0");
}

/* The daemon died between nftables and the alias: that is behind, and is not renamed twice. */
static void test_alias_behind(void **state)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };

	(void)state;
	host(&fresh, (const char *const[]){ "enp7s0", "wlp6s0", "enp9s0" });
	slot(&fresh, 1, "enp7s0", 2);
	slot(&fresh, 2, "wlp6s0", 3);
	session(&fresh, 1, 1, "wlp6s0", "wlp6s0");
	session(&fresh, 2, 2, "enp7s0", "enp7s0,wlp6s0");
	session(&fresh, 3, 2, "wlp6s0", "wlp6s0"); /* already rewritten */
	map(&old, &fresh);
	session_is(&fresh, 0, 1, "enp7s0", "enp7s0");
	session_is(&fresh, 1, 2, "wlp6s0", "wlp6s0,enp7s0");
	session_is(&fresh, 2, 2, "wlp6s0", "wlp6s0");
}

/* What does not fit into the list, or its alias, is left out as a whole. */
static void test_longer_names(void **state)
{
	_cleanup_facts_ struct facts old = { 0 }, fresh = { 0 };
	char list[UPLINK_LIST_MAX] = "wlp6s0", alias[ALIAS_MAX], text[UPLINK_LIST_TEXT_MAX];
	struct session *s;
	size_t n;

	(void)state;
	for (int i = 1; i < UPLINK_WORDS_MAX; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), ",a_card%02zu",
			 strlen(list));
	host(&old, cards);
	host(&fresh, (const char *const[]){ "exactly15bytes_", "enp7s0", "enp9s0" });
	slot(&fresh, 1, "wlp6s0", 2);
	s = session(&fresh, 1, 1, "wlp6s0", list);
	s->netns = s->since = UINT64_MAX;
	s->flags = SESSION_NO_IPV6 | SESSION_NO_LAN | SESSION_HOST_ACCESS;
	s->mtu = 65535;
	map(&old, &fresh);
	s = &fresh.sessions.v[0];
	uplink_list_format(&s->uplinks, text);
	assert_int_equal(strncmp(text, "exactly15bytes_,a_card06,", 25), 0);
	n = strlen(text) - strlen("exactly15bytes_");
	assert_int_equal(strncmp(text + strlen("exactly15bytes_"), list + strlen("wlp6s0"), n), 0);
	assert_int_equal(list[strlen("wlp6s0") + n], ',');
	assert_int_equal(session_format(s, alias, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permutations),
		cmocka_unit_test(test_name_of_one_that_went),
		cmocka_unit_test(test_name_of_one_that_went_before),
		cmocka_unit_test(test_without_address),
		cmocka_unit_test(test_made_anew),
		cmocka_unit_test(test_number_used_again),
		cmocka_unit_test(test_new_name_is_its_word),
		cmocka_unit_test(test_alias_behind),
		cmocka_unit_test(test_longer_names),
	};

	return RUN_TESTS(tests);
}
