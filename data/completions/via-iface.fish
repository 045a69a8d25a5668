# SPDX-License-Identifier: GPL-2.0-or-later
# Options and verbs are those that the help names, so that there is no second list to keep.

function __via_iface_verbs
    via-iface --help 2>/dev/null | string match -rg '^  via-iface ([a-z]+)(?: .*)?$' | sort -u
end

function __via_iface_options
    via-iface --help 2>/dev/null | string match -arg '(?:^|[ ,])(--[a-z0-9-]+|-[a-z])' | sort -u
end

function __via_iface_uplinks
    path basename /sys/class/net/* | string match -vr '^(lo|via0|viap[0-9]+)$'
    printf '%s\n' wifi ethernet wwan vpn
end

function __via_iface_sessions
    via-iface list 2>/dev/null | tail -n +2 | string match -rg '^(\S+)'
end

# the words behind the options, the one being typed left out
function __via_iface_words
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
        else if contains -- $word --name --user --dns --mtu --probe --ipv6 --pid --netns --ifname
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

function __via_iface_at
    set -l words (__via_iface_words)
    switch $argv[1]
        case first
            test (count $words) = 0
        case uplink
            test (count $words) = 0
            or begin
                test (count $words) = 1
                and contains -- $words[1] run plan attach doctor
            end
            or begin
                test (count $words) = 2
                and test $words[1] = move
            end
        case session
            test (count $words) = 1
            and contains -- $words[1] status stop pause resume detach move exec
        case program
            test (count $words) -ge 1
            and not __via_iface_at uplink
            and not __via_iface_at session
    end
end

complete -c via-iface -f
complete -c via-iface -n '__via_iface_at first' -a '(__via_iface_verbs)'
complete -c via-iface -n '__via_iface_at uplink' -a '(__via_iface_uplinks)'
complete -c via-iface -n '__via_iface_at uplink; and string match -q -- "-*" (commandline -ct)' -a '(__via_iface_options)'
complete -c via-iface -n '__via_iface_at session' -a '(__via_iface_sessions)'
complete -c via-iface -n '__via_iface_at program' -a '(__fish_complete_subcommand)'
