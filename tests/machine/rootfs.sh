# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Root file systems of Debian's suites, made by mmdebstrap and entered by chroot(1). Sourced by vm and
# suites, beside this file. Needs root, mmdebstrap and debian-archive-keyring.

# The URI of the Debian archive that this computer's apt uses.
rootfs_archive() {
    local uri
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 2>/dev/null | grep -m1 '/debian/$')
    echo "${uri:-http://deb.debian.org/debian/}"
}

# rootfs_sources SUITE: lines of sources.list(5); what this computer's apt has for its own suite, with
# the updates and the security archive, renamed to SUITE; the release alone with ROOTFS_RELEASE_ALONE=1.
# VIAVM_APT replaces them.
rootfs_sources() {
    local own
    if [ -n "${VIAVM_APT:-}" ]; then echo "$VIAVM_APT"; return; fi
    echo "deb $(rootfs_archive) $1 main"
    [ "$1" != sid ] && [ -z "${ROOTFS_RELEASE_ALONE:-}" ] || return 0 # sid has no others
    own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ -z "$own" ] || apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Identifier: Packages' 2>/dev/null |
        sort -u | sed -nE "s/^([^ ]*\/debian(-security)?\/) $own(-updates|-security)\$/deb \\1 $1\\3 main/p"
}

# rootfs_make SUITE DIRECTORY PACKAGE...: exits with mmdebstrap's status. ROOTFS_ARCH names another
# architecture. The Release file of sid expires within days: a mirror that is behind is no fault.
rootfs_make() {
    local suite=$1 directory=$2; shift 2
    rootfs_sources "$suite" | mmdebstrap --mode=root --variant=minbase --format=directory \
        ${ROOTFS_ARCH:+--architectures="$ROOTFS_ARCH"} \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
        --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
        --include="$*" "" "$directory" -
}

# rootfs_run ROOT WORK DIRECTORY SCRIPT: runs a copy of SCRIPT in ROOT, in namespaces of its own for
# mounts, processes and network (which has no interface but lo). DIRECTORY is /src there, and it is
# written to; all else that is written goes to a tmpfs over ROOT, mounted on WORK/nat.m.
rootfs_run() {
    local directory; directory=$(readlink -f "$3")
    mkdir -p "$2/nat.m" && cp "$4" "$2/native.sh" || return 125
    unshare -m -n -p -f --kill-child --mount-proc bash -c '
        root=$1 W=$2 d=$3; set -e
        mount -t tmpfs none $W/nat.m; mkdir $W/nat.m/up $W/nat.m/wk $W/nat.m/r
        mount -t overlay none -o lowerdir=$root,upperdir=$W/nat.m/up,workdir=$W/nat.m/wk $W/nat.m/r
        r=$W/nat.m/r; mount -t proc none $r/proc; mount --rbind /dev $r/dev; mkdir -p $r/src
        mount --bind "$d" $r/src; cp $W/native.sh $r/run.sh; chmod 755 $r/run.sh
        cd /; exec chroot $r /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 sh -c "cd /src; exec /run.sh"
    ' _ "$1" "$2" "$directory"
}

# copy_tree ROOT DIRECTORY: the files of the tree ROOT as they lie there, committed or not; DIRECTORY/build stays.
copy_tree() {
    mkdir -p "$2" && find "$2" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} + &&
        (cd "$1" && git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
            tar cf - --null -T -) | tar xf - -C "$2"
}
