/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_CONTAINER_TEXT_H
#define VIA_VERBS_CONTAINER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What texts of others say about containers: proc(5) (cgroup, cmdline), and the answer of an
 * engine's own `inspect`. Pure.
 */

enum container_engine {
	ENGINE_NONE,
	ENGINE_DOCKER,
	ENGINE_PODMAN,
	ENGINE_LXC,
	ENGINE_NSPAWN,
	ENGINE_OTHER, /* an id, and no command that can be asked: containerd, CRI-O */
	ENGINE_COUNT,
};

#define CONTAINER_ID_LEN    64  /* hexadecimal digits, as Docker, Podman and CRI-O make them */
#define CONTAINER_ID_SHORT  12  /* as they print them, and the least that is taken for an id */
#define CONTAINER_NAME_MAX  129 /* with the terminator */
#define CONTAINER_GROUP_MAX 512
#define CONTAINER_PORTS_MAX 200
#define CONTAINER_UID_NONE  UINT32_MAX

struct container_id {
	enum container_engine engine;
	char id[CONTAINER_ID_LEN + 1];   /* "": the engine has names alone */
	char name[CONTAINER_NAME_MAX];   /* "": not known from here */
	char group[CONTAINER_GROUP_MAX]; /* its cgroup in the unified hierarchy, or "" */
	uint32_t user; /* below whose user@UID.service it is; CONTAINER_UID_NONE: below none */
};

/* "docker", "podman", "lxc", "nspawn"; of others "container". */
const char *container_engine_name(enum container_engine engine);

/* The engine of that name, or ENGINE_NONE. */
enum container_engine container_engine_find(const char *name, size_t len);

/* What a command line may say: letters, digits and "_.-", the first a letter or digit; 128 at most.
 */
bool container_word_valid(const char *word);

/*
 * The container to which a process with that text in /proc/PID/cgroup belongs: of nested ones the
 * outermost, since who is inside one may make cgroups of any name below its own. What supervises a
 * container (libpod-conmon-…, lxc.monitor.…, …/supervisor) belongs to none.
 */
bool container_of_cgroup(const char *text, struct container_id *ret);

/*
 * The container that conmon(8) with that command line runs, words with a NUL behind each: Podman
 * need not make a cgroup, and its name is not in that.
 */
bool container_of_conmon(const char *cmdline, size_t len, struct container_id *ret);

/* By its name, or by its id, whole or CONTAINER_ID_SHORT digits of it at least. */
bool container_is(const struct container_id *c, const char *word);

/* The name, else the short id. */
const char *container_title(const struct container_id *c, char ret[CONTAINER_NAME_MAX]);

/*
 * The answer of `docker inspect` or `podman inspect` in the form "ID PID NAME PORTS", PORTS being
 * .NetworkSettings.Ports as JSON. ret_pid is 0 where it does not run, ret_ports a list such as
 * "8080->80/tcp, 53->53/udp", which ends in "…" where it is longer. False where it is something
 * else.
 */
bool container_read_inspect(const char *text, struct container_id *ret, uint32_t *ret_pid,
			    char ret_ports[CONTAINER_PORTS_MAX]);

#endif
