/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_WIRE_H
#define VIA_TESTS_WIRE_H

/*
 * Netlink messages as bytes: read attribute by attribute, in order, with nothing left over; and
 * copied to where a read past the end is noticed. The macros fail the test that they stand in.
 */

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

struct wire {
	const char *at, *end;
};

/*
 * Behind the header of size bytes of a message, whose type and flags must be these. A nest is
 * marked as one.
 */
bool wire_starts(struct wire *w, const struct nlmsghdr *nlh, uint16_t type, uint16_t flags,
		 size_t header);
/* The next attribute is this one. */
bool wire_next(struct wire *w, uint16_t type, const void *data, size_t len);
bool wire_next_u32(struct wire *w, uint16_t type, uint32_t v);
bool wire_next_nest(struct wire *w, uint16_t type, struct wire *ret);
/* The next len bytes, of no attribute, are these. */
bool wire_raw(struct wire *w, const void *data, size_t len);

#define STARTS(w, nlh, type, flags, header) assert_true(wire_starts(&(w), nlh, type, flags, header))
#define ATTR(w, type, data, len)            assert_true(wire_next(&(w), type, data, len))
#define ATTR_U8(w, type, v)                 ATTR(w, type, &(uint8_t){ v }, 1)
#define ATTR_U16(w, type, v)                ATTR(w, type, &(uint16_t){ v }, 2)
#define ATTR_U32(w, type, v)                assert_true(wire_next_u32(&(w), type, v))
#define ATTR_STR(w, type, s)                ATTR(w, type, s, strlen(s) + 1)
#define ATTR_NEST(w, type, inner)           assert_true(wire_next_nest(&(w), type, &(inner)))
#define ENDS(w)                             assert_ptr_equal((w).at, (w).end)

/*
 * A copy of the first len bytes on the heap that says so in its length. As every message from
 * the kernel it fills whole words; the byte behind the last one is nobody's.
 */
struct nlmsghdr *wire_cut(const struct nlmsghdr *nlh, size_t len);

#endif
