/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_FILES_H
#define VIA_BASE_FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * A program may be started with descriptor 0, 1 or 2 closed (`>&-` in a shell). The next one that
 * it opens would take that place, and be read and written as standard input and output: so
 * /dev/null does first. Reading from 0 and writing to 1 and 2 still fail with EBADF, and a program
 * that is executed finds them closed, as they were. Call it before anything is opened.
 */
int standard_files(struct err *err);

/*
 * close_range(2) without flags, by its number: musl has no function of that name. 0, or -1 with
 * errno.
 */
int close_descriptors(unsigned int first, unsigned int last);

/* Whether descriptor 1 was closed when the program was started; after standard_files(). */
bool standard_output_closed(void);

/*
 * The start of a file as text: at most size - 1 bytes and a terminator, by one read(2), which is
 * all of a small file in /proc or /sys. flags stand beside O_RDONLY and O_CLOEXEC. Returns the
 * length, or a negative errno with "" in ret.
 */
ssize_t file_start(int dir, const char *path, int flags, char *ret, size_t size);

/* Reads to the end of the file, max bytes at most: their number, or a negative errno. */
ssize_t read_up_to(int fd, char *ret, size_t max);

/*
 * Calls take() for the path of each file in a directory that wanted() takes, in the order of their
 * names (strcmp(3)), until one fails with a negative errno, which is returned. A directory that is
 * not there has no files; one with more than most is an error, and none is taken.
 */
int each_file(const char *dir, unsigned int most, int (*wanted)(const struct dirent *entry),
	      int (*take)(const char *path, void *arg, struct err *err), void *arg,
	      struct err *err);

/*
 * For each_file(), of a directory of drop-ins: "NAME.conf", and no file that is hidden. Takes the
 * name alone.
 */
int is_conf_file(const struct dirent *entry);

/*
 * Waits until a descriptor is readable or its other end is closed: 1; 0 when ms are over (-1:
 * never), which begin anew after a signal; or a negative errno.
 */
int wait_readable(int fd, int ms);

/* Writes all of it: 0 or a negative errno. */
int write_all(int fd, const void *bytes, size_t len);

/* As write_all(), and where the reader of a pipe has ended it is -EPIPE without the signal. */
int write_without_sigpipe(int fd, const void *bytes, size_t len);

/*
 * Prints "via-iface: TEXT" and a newline on standard error. Before a program is executed: that
 * nobody reads the line any more (a desktop's launcher has ended) must not keep it from running.
 */
void print_error_line(const char *text);

/*
 * The next process that a directory stream of /proc has (proc(5), /proc/PID), in no order; 0 at its
 * end.
 */
pid_t process_next(DIR *proc);

/*
 * The inode of a process's netns (proc(5), ns/net); 0 where it has ended, or the caller may not
 * see it.
 */
uint64_t process_netns(pid_t pid);

/* Where the names of ip-netns(8) are (iproute2 include/namespace.h). */
#define NETNS_DIR "/run/netns"

/* Whether a name there stands for that netns (inode); not through a symbolic link. */
bool netns_is_named(const char *name, uint64_t netns);

#endif
