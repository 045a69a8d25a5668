/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "fds.h"
#include "net/sysctl.h"
#include "unit.h"

#define FORWARDING "net/ipv4/conf/wlp6s0/forwarding"
#define OTHER(dev) "net/ipv4/conf/" dev "/forwarding"
#define ACCEPT_RA  "net/ipv6/conf/wlp6s0/accept_ra"

static int setup(void **state)
{
	*state = (void *)dir_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dir_remove();
	return 0;
}

static void save(const char *path, const char *before)
{
	struct err err = { 0 };

	if (sysctl_save(dir_path("."), path, before, "1", 0, &err) < 0)
		fail_msg("%s", err.text);
}

static void list(struct facts *f)
{
	struct err err = { 0 };

	facts_done(f);
	if (sysctl_list_saved(dir_path("."), f, &err) < 0)
		fail_msg("%s", err.text);
}

static void list_with(struct facts *f)
{
	struct err err = { 0 };

	if (sysctl_list_saved(dir_path("."), f, &err) < 0)
		fail_msg("%s", err.text);
}

static void saved_is(const struct facts *f, const char *path, const char *before)
{
	const struct fact_sysctl *s = facts_sysctl(f, path);

	assert_non_null(s);
	assert_string_equal(s->before, before);
	assert_string_equal(s->value, ""); /* not looked at */
}

static void put_file(const char *name, const char *text)
{
	_cleanup_close_ int fd = open(dir_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_save(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	size_t before = fds_open();
	struct stat st;
	char text[8] = "";
	int fd;

	(void)state;
	list(&f); /* nothing was ever saved */
	assert_int_equal(f.sysctls.n, 0);
	save(FORWARDING, "0");
	save(ACCEPT_RA, "1");
	list(&f);
	assert_int_equal(f.sysctls.n, 2);
	saved_is(&f, FORWARDING, "0");
	saved_is(&f, ACCEPT_RA, "1");

	/* as the header has it */
	fd = open(dir_path("sysctl/net:ipv4:conf:wlp6s0:forwarding"), O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0644u, 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 4);
	assert_string_equal(text, "0\n1\n"); /* before, and what we set */
	close(fd);
	assert_int_equal(fds_open(), before);
}

/* What is there is from before the first change; a later value is our own. */
static void test_keeps_first(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	save(FORWARDING, "0");
	save(FORWARDING, "1");
	list(&f);
	assert_int_equal(f.sysctls.n, 1);
	saved_is(&f, FORWARDING, "0");
	assert_int_equal(sysctl_forget(dir_path("."), FORWARDING), 0);
	save(FORWARDING, "1");
	list(&f);
	saved_is(&f, FORWARDING, "1");
}

static void test_forget(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	assert_int_equal(sysctl_forget(dir_path("."), FORWARDING), 0); /* no directory */
	save(FORWARDING, "0");
	save(ACCEPT_RA, "1");
	assert_int_equal(sysctl_forget(dir_path("."), FORWARDING), 0);
	assert_int_equal(sysctl_forget(dir_path("."), FORWARDING), 0);
	list(&f);
	assert_int_equal(f.sysctls.n, 1);
	saved_is(&f, ACCEPT_RA, "1");
}

/* A device may be called nearly anything. */
static void test_odd_devices(void **state)
{
	static const char *const paths[] = {
		"net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/wl~0/forwarding",
		"net/ipv4/conf/~/forwarding",        "net/ipv4/conf/a b/forwarding",
		"net/ipv4/conf/'$x/forwarding",      "net/ipv4/conf/exactly15bytes_/src_valid_mark",
	};
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		save(paths[i], "0");
	list(&f);
	assert_int_equal(f.sysctls.n, ARRAY_SIZE(paths));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		saved_is(&f, paths[i], "0");
		assert_int_equal(sysctl_forget(dir_path("."), paths[i]), 0);
	}
	list(&f);
	assert_int_equal(f.sysctls.n, 0);
}

static void test_foreign_files(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	char name[160] = "sysctl/net:";

	(void)state;
	save(FORWARDING, "0");
	put_file("sysctl/README", "1");
	put_file("sysctl/kernel:ostype", "Linux");
	put_file("sysctl/.net:ipv4:hidden", "1");
	put_file("sysctl/net:ipv4:conf:eth0:forwarding~", "1"); /* the maker died */
	put_file("sysctl/net:ipv4:conf:eth1:forwarding", "");   /* the machine did */
	put_file("sysctl/net:ipv4:conf:eth2:forwarding", "\n");
	memset(name + strlen(name), 'n', 100); /* longer than any of ours */
	put_file(name, "1");
	assert_int_equal(mkdir(dir_path("sysctl/net:ipv4:conf:dir:forwarding"), 0700), 0);
	assert_int_equal(mkfifo(dir_path("sysctl/net:ipv4:conf:fifo:forwarding"), 0600), 0);
	put_file("elsewhere", "1\n2\n");
	assert_int_equal(symlink(dir_path("elsewhere"),
				 dir_path("sysctl/net:ipv4:conf:link:forwarding")),
			 0);
	/* what is never changed was never saved */
	put_file("sysctl/net:core:somaxconn", "1\n2\n");
	put_file("sysctl/net:ipv4:conf:eth0:accept_local", "1\n2\n");
	put_file("sysctl/net:ipv4:conf:eth0:forwarding:x", "1\n2\n");
	put_file("sysctl/net:ipv6:conf:..:force_forwarding", "1\n2\n");
	assert_int_equal(sysctl_save(dir_path("."), "net/core/somaxconn", "1", "2", 0, NULL),
			 -EINVAL);
	list(&f);
	assert_int_equal(f.sysctls.n, 1);
	saved_is(&f, FORWARDING, "0");
}

/* Two lines and no more count: what cannot be ours is not put back. */
static void test_values(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	char much[100] = { 0 };

	(void)state;
	memset(much, '7', sizeof(much) - 1);
	save(OTHER("a"), "0");
	put_file("sysctl/net:ipv4:conf:b:forwarding", "1\n2\n");
	put_file("sysctl/net:ipv4:conf:c:forwarding", "0"); /* no second line */
	put_file("sysctl/net:ipv4:conf:d:forwarding", much);
	list(&f);
	assert_int_equal(f.sysctls.n, 2);
	saved_is(&f, OTHER("a"), "0");
	saved_is(&f, OTHER("b"), "1");
	assert_string_equal(facts_sysctl(&f, OTHER("a"))->set, "1");
	assert_string_equal(facts_sysctl(&f, OTHER("b"))->set, "2");
}

static void test_half_written(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	save(ACCEPT_RA, "1");
	put_file("sysctl/net:ipv4:conf:wlp6s0:forwarding~", "from an earlier version's try");
	save(FORWARDING, "0");
	list(&f);
	assert_int_equal(f.sysctls.n, 2);
	saved_is(&f, FORWARDING, "0");
}

/* Never through a link that somebody laid there. */
static void test_links(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	save(ACCEPT_RA, "1");
	assert_int_equal(symlink(dir_path("victim"),
				 dir_path("sysctl/net:ipv4:conf:wlp6s0:forwarding")),
			 0);
	assert_int_equal(sysctl_save(dir_path("."), FORWARDING, "0", "1", 0, NULL), -EEXIST);
	assert_int_equal(access(dir_path("victim"), F_OK), -1);
	list(&f);
	assert_int_equal(f.sysctls.n, 1);
	assert_int_equal(sysctl_forget(dir_path("."), FORWARDING), 0);
	save(FORWARDING, "0");
	list(&f);
	assert_int_equal(f.sysctls.n, 2);
}

static void test_errors(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	size_t before = fds_open();
	struct err err = { 0 };
	char much[2 * PATH_MAX];

	(void)state;
	assert_int_equal(sysctl_save(dir_path("no/where"), FORWARDING, "0", "1", 0, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no/where/sysctl"));
	assert_int_equal(sysctl_list_saved(dir_path("no/where"), &f, &err), 0);
	put_file("sysctl", "not a directory");
	assert_true(sysctl_save(dir_path("."), FORWARDING, "0", "1", 0, &err) < 0);
	assert_non_null(strstr(err.text, FORWARDING));
	assert_int_equal(sysctl_list_saved(dir_path("."), &f, &err), -ENOTDIR);

	memset(much, 'm', sizeof(much));
	much[sizeof(much) - 1] = 0;
	assert_int_equal(sysctl_forget(much, FORWARDING), -ENAMETOOLONG);
	much[PATH_MAX - strlen("/sysctl/" FORWARDING)] = 0;
	assert_int_equal(sysctl_forget(much, FORWARDING), -ENAMETOOLONG);
	assert_int_equal(f.sysctls.n, 0);
	assert_int_equal(fds_open(), before);
}

static void save_of(const char *path, const char *before, int index)
{
	struct err err = { 0 };

	if (sysctl_save(dir_path("."), path, before, "1", index, &err) < 0)
		fail_msg("%s", err.text);
}

static void link_is(struct facts *f, int index, const char *name)
{
	struct fact_link *l = VEC_PUSH(&f->links);

	assert_non_null(l);
	l->index = index;
	memcpy(l->name, name, strlen(name) + 1);
}

/* What was saved goes with the device, whatever it is called by now, and ends with it. */
static void test_devices(void **state)
{
	struct facts f = { 0 };

	(void)state;
	save_of("net/ipv4/conf/eth0/forwarding", "a", 2);
	save_of("net/ipv4/conf/eth1/forwarding", "b", 3);
	save_of("net/ipv4/conf/eth2/forwarding", "c", 4);
	save_of("net/ipv4/conf/eth3/forwarding", "d", 5);
	save_of("net/ipv6/conf/all/forwarding", "e", 0);
	save_of("net/ipv4/conf/usb0/forwarding", "f", 6);
	link_is(&f, 2, "eth1"); /* three go round, one stays, one has gone */
	link_is(&f, 3, "eth2");
	link_is(&f, 4, "eth0");
	link_is(&f, 5, "eth3");
	link_is(&f, 7, "usb0");                   /* another one, which is as it came */
	for (int round = 0; round < 2; round++) { /* read so before the files are renamed, too */
		VEC_DONE(&f.sysctls);
		list_with(&f);
		assert_int_equal(f.sysctls.n, 5);
		saved_is(&f, "net/ipv4/conf/eth1/forwarding", "a");
		saved_is(&f, "net/ipv4/conf/eth2/forwarding", "b");
		saved_is(&f, "net/ipv4/conf/eth0/forwarding", "c");
		saved_is(&f, "net/ipv4/conf/eth3/forwarding", "d");
		saved_is(&f, "net/ipv6/conf/all/forwarding", "e");
		assert_int_equal(facts_sysctl(&f, "net/ipv4/conf/eth1/forwarding")->index, 2);
		assert_int_equal(sysctl_rename_saved(dir_path("."), &f), 0);
	}
	assert_int_equal(access(dir_path("sysctl/net:ipv4:conf:usb0:forwarding"), F_OK), -1);
	for (size_t i = 0; i < f.sysctls.n; i++)
		assert_int_equal(sysctl_forget(dir_path("."), f.sysctls.v[i].path), 0);
	assert_int_equal(rmdir(dir_path("sysctl")), 0); /* no file is left under another name */
	facts_done(&f);
}

static void test_device_of_path(void **state)
{
	char path[64];

	(void)state;
	assert_true(sysctl_with_device("net/ipv4/conf/eth0.100/forwarding", "wlan0", path, 64));
	assert_string_equal(path, "net/ipv4/conf/wlan0/forwarding");
	assert_true(sysctl_with_device("net:ipv6:conf:a:accept_ra", "eth0.100", path, 64));
	assert_string_equal(path, "net:ipv6:conf:eth0.100:accept_ra");
	assert_false(sysctl_with_device("net/ipv6/conf/eth0/accept_ra", "wlan0", path, 29));
	assert_true(sysctl_with_device("net/ipv6/conf/eth0/accept_ra", "wlan0", path, 30));
	assert_false(sysctl_with_device("net/ipv4/conf/eth0", "wlan0", path, 64));
	assert_false(sysctl_with_device("net/core/somaxconn", "wlan0", path, 64));
}

static void test_proc(void **state)
{
	char text[32] = "", few[4];

	(void)state;
	assert_int_equal(sysctl_read(NULL, "kernel/ostype", text, sizeof(text)), 0);
	assert_string_equal(text, "Linux");
	assert_int_equal(sysctl_read(NULL, "kernel/ostype", few, sizeof(few)), 0);
	assert_string_equal(few, "Lin");
	assert_int_equal(sysctl_read(NULL, "net/no/such", text, sizeof(text)), -ENOENT);
	assert_int_equal(sysctl_open(NULL, "net/no/such"), -ENOENT);
	assert_string_equal(text, "Linux");
}

/* By an open directory the same is read, and no look-up goes through those of other netns. */
static void test_dirs(void **state)
{
	static const char path[] = "net/ipv4/conf/lo/forwarding";
	char name[SYSCTL_NAME_MAX], text[32] = "", same[32];
	struct sysctl_dirs dirs = { 0 };

	(void)state;
	assert_string_equal(sysctl_name(&dirs, path, name),
			    "/proc/sys/net/ipv4/conf/lo/forwarding");
	sysctl_dirs_open(&dirs);
	assert_true(dirs.known && dirs.ip4 >= 0);
	assert_memory_equal(sysctl_name(&dirs, path, name), "/proc/self/fd/", 14);
	assert_string_equal(strchr(name + 14, '/'), "/conf/lo/forwarding");
	assert_int_equal(sysctl_read(&dirs, path, text, sizeof(text)), 0);
	assert_int_equal(sysctl_read(NULL, path, same, sizeof(same)), 0);
	assert_string_equal(text, same);
	assert_int_equal(sysctl_read(&dirs, "net/ipv4/no_such", text, sizeof(text)), -ENOENT);
	assert_int_equal(sysctl_read(&dirs, "kernel/ostype", text, sizeof(text)), 0);
	assert_string_equal(text, "Linux");
	if (dirs.ip6 >= 0)
		close(dirs.ip6);
	dirs.ip6 = -1; /* as in a kernel without IPv6 */
	assert_string_equal(sysctl_name(&dirs, "net/ipv6/conf", name), "/proc/sys/net/ipv6/conf");
	sysctl_dirs_close(&dirs);
	assert_string_equal(sysctl_name(&dirs, path, name),
			    "/proc/sys/net/ipv4/conf/lo/forwarding");
	sysctl_dirs_close(&dirs);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_save),         TEST(test_keeps_first),   TEST(test_forget),
		TEST(test_odd_devices),  TEST(test_foreign_files), TEST(test_values),
		TEST(test_half_written), TEST(test_links),         TEST(test_errors),
		TEST(test_proc),         TEST(test_devices),       TEST(test_device_of_path),
		TEST(test_dirs),
	};
#undef TEST

	return RUN_TESTS(tests);
}
