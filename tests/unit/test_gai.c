/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "etc/gai.h"
#include "unit.h"

#define ADDED "# of this session, added by via-iface\n"
#define DEFAULTS                                                                                   \
	"label ::1/128 0\nlabel ::/0 1\nlabel 2002::/16 2\nlabel ::/96 3\n"                        \
	"label ::ffff:0:0/96 4\nlabel fec0::/10 5\nlabel fc00::/7 6\nlabel 2001::/32 7\n"

static void check(const char *text, const char *want)
{
	struct strbuf sb = { 0 };

	gai_rewrite(text, strlen(text), &sb);
	assert_string_equal(strbuf_text(&sb), want);
	strbuf_done(&sb);
}

static void test_no_labels(void **state)
{
	(void)state;
	check("", ADDED DEFAULTS "label fd00::/8 1\n");
	check("# label fd00::/8 3\n#label  ::/0 9\n",
	      "# label fd00::/8 3\n#label  ::/0 9\n" ADDED DEFAULTS "label fd00::/8 1\n");
	/* IPv4 first, as many have it: that stays so */
	check("precedence ::ffff:0:0/96  100",
	      "precedence ::ffff:0:0/96  100\n" ADDED DEFAULTS "label fd00::/8 1\n");
	/* not lines that glibc takes */
	check("label\nlabel ::/0\nlabels ::/0 4\nlabel 10.0.0.0/8 4\nlabel ::/129 4\nlabel ::/0 "
	      "x\n",
	      "label\nlabel ::/0\nlabels ::/0 4\nlabel 10.0.0.0/8 4\nlabel ::/129 4\n"
	      "label ::/0 x\n" ADDED DEFAULTS "label fd00::/8 1\n");
}

static void test_labels(void **state)
{
	(void)state;
	check("label fc00::/7 6\n", "label fc00::/7 6\n" ADDED "label fd00::/8 1\n");
	check("\tlabel ::/0  42 # all\n", "\tlabel ::/0  42 # all\n" ADDED "label fd00::/8 42\n");
	check("label ::1 0\n", "label ::1 0\n" ADDED "label fd00::/8 1\n");
	/* whoever wrote this meant such addresses */
	check("label fd00::/8 3\n", "label fd00::/8 3\n");
	check("label fd12:3456::/32 3\n", "label fd12:3456::/32 3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_labels),
		cmocka_unit_test(test_labels),
	};

	return RUN_TESTS(tests);
}
