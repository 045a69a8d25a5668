/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks of a file by their bytes, as draft-ietf-opsawg-pcapng has them. */
#include <string.h>

#include "capture/pcapng.h"
#include "unit.h"

#define LITTLE (*(const uint8_t *)&(const uint16_t){ 1 })

static uint32_t u32(const struct strbuf *b, size_t at)
{
	uint32_t n;

	memcpy(&n, b->text + at, sizeof(n));
	return n;
}

static uint16_t u16(const struct strbuf *b, size_t at)
{
	uint16_t n;

	memcpy(&n, b->text + at, sizeof(n));
	return n;
}

/* Each block has its length at both ends, which is a multiple of four. Returns how many there are.
 */
static size_t walk(const struct strbuf *b, uint32_t *types, size_t max)
{
	size_t n = 0;

	for (size_t at = 0; at < b->len; n++) {
		uint32_t len = u32(b, at + 4);

		assert_true(n < max && len >= 12 && len % 4 == 0 && at + len <= b->len);
		assert_int_equal(u32(b, at + len - 4), len);
		types[n] = u32(b, at);
		at += len;
	}
	return n;
}

static void test_file(void **state)
{
	static const uint8_t frame[] = "a frame of 22 bytes...";
	const struct pcapng_name names[] = {
		{ .address = { 10, 209, 0, 5 }, .name = "game" },
		{ .ipv6 = true, .address = { 0xfd, 1 }, .name = "game" },
	};
	struct strbuf b = { 0 };
	uint32_t types[8];

	(void)state;
	pcapng_begin(&b, "via-iface 1",
		     &(struct pcapng_interface){ .name = "eth0",
						 .description = "session 'game'",
						 .filter = "udp",
						 .snaplen = 262144 });
	pcapng_add_names(&b, names, 2);
	pcapng_add_names(&b, names, 0); /* no block without a name */
	pcapng_add_packet(&b, &(struct pcapng_packet){ .ns = 0x123456789abcdef0u,
						       .bytes = frame,
						       .captured = 22,
						       .length = 60,
						       .sent = true });
	pcapng_end(&b, 1, 2, 3);
	assert_false(strbuf_failed(&b));
	assert_int_equal(walk(&b, types, 8), 5);
	assert_int_equal(types[0], 0x0a0d0d0a);
	assert_int_equal(types[1], 1);
	assert_int_equal(types[2], 4);
	assert_int_equal(types[3], 6);
	assert_int_equal(types[4], 5);
	assert_int_equal(u32(&b, 8), 0x1a2b3c4d); /* in this machine's order */
	assert_int_equal((uint8_t)b.text[8], LITTLE ? 0x4d : 0x1a);
	strbuf_done(&b);
}

static void test_packet(void **state)
{
	static const uint8_t frame[] = "12345";
	struct strbuf b = { 0 };

	(void)state;
	pcapng_add_packet(&b, &(struct pcapng_packet){ .ns = 0x0102030405060708u,
						       .bytes = frame,
						       .captured = 5,
						       .length = 9 });
	assert_int_equal(b.len,
			 28 + 8 + 8 + 4 + 4); /* head, packet, flags, end of options, length */
	assert_int_equal(u32(&b, 8), 0);
	assert_int_equal(u32(&b, 12), 0x01020304);
	assert_int_equal(u32(&b, 16), 0x05060708);
	assert_int_equal(u32(&b, 20), 5);
	assert_int_equal(u32(&b, 24), 9);
	assert_memory_equal(b.text + 28, "12345\0\0\0", 8);
	assert_int_equal(u16(&b, 36), 2); /* epb_flags */
	assert_int_equal(u16(&b, 38), 4);
	assert_int_equal(u32(&b, 40), 1); /* inbound */
	assert_int_equal(u32(&b, 44), 0);
	strbuf_done(&b);
}

/* An option's length has 16 bits: what is longer is cut. */
static void test_long_text(void **state)
{
	static char text[70000];
	struct strbuf b = { 0 };
	uint32_t types[2];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	pcapng_begin(&b, text,
		     &(struct pcapng_interface){
			     .name = "eth0", .description = text, .filter = text });
	assert_int_equal(walk(&b, types, 2), 2);
	strbuf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_long_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
