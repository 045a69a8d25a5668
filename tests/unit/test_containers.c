/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers, as texts of others say them: cgroups, conmon, an engine's answer, a runtime's state.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"
#include "verbs/container_text.h"
#include "verbs/oci_state.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void test_cgroups(void **state)
{
	static const struct {
		const char *text;
		enum container_engine engine;
		const char *id, *name, *group;
		uint32_t user;
	} rows[] = {
		{ "0::/system.slice/docker-" ID ".scope\n", ENGINE_DOCKER, ID, "",
		  "/system.slice/docker-" ID ".scope", UINT32_MAX },
		{ "5:cpu:/docker/" ID "\n0::/\n", ENGINE_DOCKER, ID, "", "", UINT32_MAX },
		{ "5:cpu:/docker/" ID "\n0::/docker/" ID "\n", ENGINE_DOCKER, ID, "", "/docker/" ID,
		  UINT32_MAX },
		{ "0::/user.slice/user-7.slice/user@7.service/user.slice/libpod-" ID
		  ".scope/container\n",
		  ENGINE_PODMAN, ID, "",
		  "/user.slice/user-7.slice/user@7.service/user.slice/libpod-" ID ".scope", 7 },
		{ "0::/machine.slice/libpod-" ID "/x", ENGINE_PODMAN, ID, "",
		  "/machine.slice/libpod-" ID, UINT32_MAX },
		{ "0::/lxc.payload.web/init.scope\n", ENGINE_LXC, "", "web", "/lxc.payload.web",
		  UINT32_MAX },
		{ "0::/lxc/web\n", ENGINE_LXC, "", "web", "/lxc/web", UINT32_MAX },
		{ "0::/machine.slice/machine-my\\x2dweb.scope/payload\n", ENGINE_NSPAWN, "",
		  "my-web", "/machine.slice/machine-my\\x2dweb.scope", UINT32_MAX },
		{ "0::/machine.slice/systemd-nspawn@a.service/payload\n", ENGINE_NSPAWN, "", "a",
		  "/machine.slice/systemd-nspawn@a.service", UINT32_MAX },
		/* the outermost */
		{ "0::/docker-" ID ".scope/docker-" OTHER ".scope\n", ENGINE_DOCKER, ID, "",
		  "/docker-" ID ".scope", UINT32_MAX },
		/* none */
		{ "0::/machine.slice/libpod-conmon-" ID ".scope\n", .id = NULL },
		{ "0::/lxc.monitor.web\n", .id = NULL },
		{ "0::/machine.slice/machine-a.scope/supervisor\n", .id = NULL },
		{ "0::/system.slice/docker-" ID "0.scope\n", .id = NULL },
		{ "0::/system.slice/docker-" ID ".scopes\n", .id = NULL },
		{ "0::/machine-\\x1b.scope\n", .id = NULL },
		{ "0::/machine-\\x2fa.scope\n", .id = NULL },
		{ "0::/\n", .id = NULL },
		{ "", .id = NULL },
		{ "docker-" ID ".scope", .id = NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct container_id c;

		assert_int_equal(container_of_cgroup(rows[i].text, &c), rows[i].id != NULL);
		if (!rows[i].id)
			continue;
		assert_int_equal(c.engine, rows[i].engine);
		assert_string_equal(c.id, rows[i].id);
		assert_string_equal(c.name, rows[i].name);
		assert_string_equal(c.group, rows[i].group);
		assert_int_equal(c.user, rows[i].user);
	}
}

static void test_conmon(void **state)
{
	static const char right[] = "/usr/bin/conmon\0--api-version\0001\0-c\0" ID "\0-n\0web\0-s";
	static const char name[] = "/usr/bin/conmon\0-c\0" ID "\0-n\0-web";
	static const char other[] = "/usr/bin/conmond\0-c\0" ID;
	static const char no_id[] = "conmon\0-c\0web";
	struct container_id c;

	(void)state;
	assert_true(container_of_conmon(right, sizeof(right), &c));
	assert_string_equal(c.id, ID);
	assert_string_equal(c.name, "web");
	assert_true(container_is(&c, "web") && container_is(&c, ID) &&
		    container_is(&c, "0123456789ab"));
	assert_false(container_is(&c, "0123456789a") || container_is(&c, "we") ||
		     container_is(&c, "") || container_is(&c, OTHER));
	assert_true(container_of_conmon(name, sizeof(name), &c));
	assert_string_equal(c.name, "");
	assert_false(container_of_conmon(other, sizeof(other), &c));
	assert_false(container_of_conmon(no_id, sizeof(no_id), &c));
	assert_false(container_of_conmon(right, sizeof(right) - 1, &c)); /* cut off */
	assert_false(container_of_conmon("", 0, &c));
}

static void test_inspect(void **state)
{
	static const char *const wrong[] = {
		"",
		"x",
		ID,
		ID " 1",
		ID "0 1 web {}",
		ID " -1 web {}",
		ID " 1 -x {}",
		ID " 99999999999 web {}",
	};
	char ports[CONTAINER_PORTS_MAX];
	struct container_id c;
	uint32_t pid = 0;

	(void)state;
	assert_true(container_read_inspect(
		ID " 77 /web {\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}],"
		   "\"81/tcp\":null,\"53/udp\":[{\"HostPort\":\"53\"}],\"1/tcp\":[7]}\n",
		&c, &pid, ports));
	assert_int_equal(pid, 77);
	assert_string_equal(c.name, "web");
	assert_string_equal(ports, "8080->80/tcp, 53->53/udp");
	assert_true(container_read_inspect(ID " 0 web {{{", &c, &pid, ports));
	assert_string_equal(ports, "");
	assert_true(container_read_inspect(ID " 0 web {\"\\u001b[1m\":[{\"HostPort\":\"1\"}]}", &c,
					   &pid, ports));
	assert_string_equal(ports, "1->?[1m");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(container_read_inspect(wrong[i], &c, &pid, ports));
}

static void test_state(void **state)
{
	static const char right[] =
		"{\"id\":\"" ID "\",\"pid\":77,\"annotations\":{\"a\":\"b\",\"via-iface.uplink\":"
		"\"wlp6s0,enp7s0\",\"via-iface.dns\":\"9.9.9.9\",\"via-iface.no-lan\":\"true\","
		"\"via-iface.host-access\":\"false\"}} \n";
	struct oci_state s;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(oci_state_read(right, strlen(right), &s, &err), 0);
	assert_int_equal(s.pid, 77);
	assert_string_equal(s.id, ID);
	assert_int_equal(s.n_words, 4);
	assert_string_equal(s.words[0], "attach");
	assert_string_equal(s.words[1], "--dns=9.9.9.9");
	assert_string_equal(s.words[2], "--no-lan");
	assert_string_equal(s.words[3], "wlp6s0,enp7s0");
	assert_null(s.words[4]);
	oci_state_done(&s);
	for (size_t len = 0; len < strlen(right) - 2; len++)
		assert_int_equal(oci_state_read(right, len, &s, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_conmon),
		cmocka_unit_test(test_inspect),
		cmocka_unit_test(test_state),
	};

	return RUN_TESTS(tests);
}
