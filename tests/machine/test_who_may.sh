#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What via-iface-services(7) says of linger, cron, at and ssh in WHO MAY: each runs the same line as
# somebody in no section of the access policy, with a section, in a group that has one, and as who
# sits at the machine. With the Debian package and its policy as installed.
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs
dpkg -i /src/packages/via-iface_*.deb >/tmp/dpkg.log 2>&1 && ok installs || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
OTHERS="nobodys sections groups"
for user in $OTHERS; do useradd -m -s /bin/bash $user; done
usermod -aG netdev groups
printf '[sections]\nuplinks = wlp6s0\n' >/etc/via-iface/access.d/60-sections.conf
same "gamer sits at the machine" "$(as-gamer id -un)" gamer

# the line, and where it says what came of it
SAID=/var/tmp/said
mkdir -m 1777 $SAID
cat >/usr/local/bin/job <<EOF
#!/bin/sh
exec >"$SAID/\$1-\$(id -un)" 2>&1
via-iface wlp6s0 -- curl -s --max-time 60 http://$SERVER/whoami
echo "exit \$?"
EOF
chmod 755 /usr/local/bin/job
ended() { grep -q '^exit ' "$SAID/$1"; }
may() { # WAY USER: by the uplink, with the status of the program
    holds "$1: $2's job ends" until_ok 120 ended "$1-$2"
    same "$1: $2 may" "$(xargs <"$SAID/$1-$2")" "$(address wlp6s0) exit 0"
}
refused() { # WAY USER: with the section to write
    holds "$1: $2's job ends" until_ok 120 ended "$1-$2"
    has "$1: $2 is refused" "$(cat "$SAID/$1-$2")" "write '[$2]'"
    has "$1: which is via-iface's own failure" "$(cat "$SAID/$1-$2")" "exit 125"
}
each_of() { refused "$1" nobodys; may "$1" sections; may "$1" groups; }
tcpdump -i enp7s0 -n -U -w "$ARTIFACTS/who-may.pcap" "host $SERVER" >/dev/null 2>&1 & capture=$!
until_ok 10 test -s "$ARTIFACTS/who-may.pcap"

# --- cron, which looks once a minute
for user in $OTHERS gamer; do echo "* * * * * $user [ -e $SAID/cron-\$(id -un) ] || /usr/local/bin/job cron"; done >/etc/cron.d/job
systemctl start cron.service
each_of cron
may cron gamer # who sits at the machine, wherever the job comes from
rm /etc/cron.d/job
systemctl stop cron.service

# --- at
systemctl start atd.service
for user in $OTHERS gamer; do
    runuser -u $user -- sh -c 'cd / && echo "/usr/local/bin/job at" | at now' 2>/tmp/at || bad "at: takes the job of $user" "$(cat /tmp/at)" ""
done
each_of at
may at gamer
systemctl stop atd.service

# --- a login by ssh
ssh-keygen -q -t ed25519 -N "" -f /tmp/key
systemctl start ssh.service
by_ssh() { timeout 200 ssh -n -i /tmp/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$1@127.0.0.1" "$2"; }
for user in $OTHERS gamer; do
    install -d -m 700 -o $user -g $user /home/$user/.ssh
    install -m 600 -o $user -g $user /tmp/key.pub /home/$user/.ssh/authorized_keys
    by_ssh $user "job ssh" >/tmp/ssh 2>&1 || bad "ssh: lets $user in" "$(tail -n 3 /tmp/ssh)" ""
done
each_of ssh
may ssh gamer
has "ssh: the login is remote" "$(by_ssh nobodys 'loginctl show-session "$XDG_SESSION_ID" -p Remote' 2>/dev/null)" "Remote=yes"
systemctl stop ssh.service

# --- linger: the user's service manager without a login
for user in $OTHERS; do
    loginctl enable-linger $user
    runtime=/run/user/$(id -u $user)
    holds "linger: $user has a service manager" until_ok 60 test -S "$runtime/systemd/private"
    runuser -u $user -- env XDG_RUNTIME_DIR="$runtime" systemd-run -q --user -- /usr/local/bin/job linger
done
each_of linger
for user in $OTHERS; do loginctl disable-linger $user; done

# --- the end
kill $capture
wait $capture 2>/dev/null
same "no packet by the wire" "$(tcpdump -n -r "$ARTIFACTS/who-may.pcap" 2>/dev/null | wc -l)" 0
cp -r $SAID "$ARTIFACTS"
daemon_leaves "the daemon leaves" 60
same "nothing is left" "$(leftovers)" ""
finish
