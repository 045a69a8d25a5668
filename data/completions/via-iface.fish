# SPDX-License-Identifier: GPL-2.0-or-later
# Options and verbs are those that the help names, so that there is no second list to keep.

function __via_iface_verbs
    via-iface --help 2>/dev/null | string match -rg '^  ([a-z]+)  ' | sort -u
end

function __via_iface_options
    via-iface help run 2>/dev/null | string match -arg '(?:^|[ ,])(--[a-z0-9-]+|-[a-z])' | sort -u
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

# ids of the menu's entries
function __via_iface_entries
    set -l data $XDG_DATA_HOME
    test -n "$data"; or set data $HOME/.local/share
    set -a data (string split -n : -- $XDG_DATA_DIRS)
    test -n "$XDG_DATA_DIRS"; or set -a data /usr/local/share /usr/share
    set -a data /var/lib/flatpak/exports/share /var/lib/snapd/desktop
    for dir in $data
        path basename $dir/applications/*.desktop
    end | string match -v 'via-iface-*' | string replace -r '\.desktop$' '' | sort -u
end

# those that `desktop add` has made
function __via_iface_own_entries
    via-iface desktop list 2>/dev/null | tail -n +2 | string match -rg '^(\S+)' | sort -u
end

# the words behind `desktop`: the verb, the app, the uplink
function __via_iface_desktop
    set -l words (__via_iface_words)
    test (count $words) -ge 1; and test $words[1] = desktop; or return 1
    switch $argv[1]
        case verb
            test (count $words) = 1
        case option
            test (count $words) -ge 2; and test $words[2] = $argv[2]
        case uplink
            test (count $words) = 3; and contains -- $words[2] add remove
        case '*'
            test (count $words) = 2; and test $words[2] = $argv[1]
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
            and test $words[1] != desktop
            and not __via_iface_at uplink
            and not __via_iface_at session
    end
end

complete -c via-iface -f
complete -c via-iface -n '__via_iface_at first' -a '(__via_iface_verbs)'
complete -c via-iface -n '__via_iface_at uplink' -a '(__via_iface_uplinks)'
complete -c via-iface -n '__via_iface_at uplink; and string match -q -- "-*" (commandline -ct)' -a '(__via_iface_options)'
complete -c via-iface -n '__via_iface_at session' -a '(__via_iface_sessions)'
complete -c via-iface -n '__via_iface_desktop verb' -a 'add remove list'
complete -c via-iface -n '__via_iface_desktop add' -a '(__via_iface_entries)'
complete -c via-iface -n '__via_iface_desktop remove' -a '(__via_iface_own_entries)'
complete -c via-iface -n '__via_iface_desktop uplink' -a '(__via_iface_uplinks)'
complete -c via-iface -n '__via_iface_desktop option add' -l name -x
complete -c via-iface -n '__via_iface_desktop option add' -l replace
complete -c via-iface -n '__via_iface_desktop option add' -l action
complete -c via-iface -n '__via_iface_desktop option list' -l json
complete -c via-iface -n '__via_iface_at program' -a '(__fish_complete_subcommand)'
