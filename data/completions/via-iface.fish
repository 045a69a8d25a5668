# SPDX-License-Identifier: GPL-2.0-or-later
# What can stand there `via-iface --complete` says, by the tables of which the help is made; here it is
# only shown.

function __via_iface_complete
    set -l typed (commandline -opc)[2..]
    set -l current (commandline -ct)
    # what is quoted or escaped on the line is a plain word for the program
    set -l word (string unescape -- $current)
    or set word $current
    for line in (via-iface --complete $typed "$word" 2>/dev/null)
        switch $line
            case '!command *'
                set -l at (math (string replace -r '^\S+ ' '' -- $line) + 1)
                set -l all (commandline -opc) $current
                complete -C (string join -- ' ' (string escape -- $all[(math $at + 1)..-2]) $current)
            case '!users'
                __fish_complete_users
            case '!pids'
                __fish_complete_pids
            case '!files'
                __fish_complete_path $current
            case '!entries'
                via-iface desktop list 2>/dev/null | tail -n +2 | string match -rg '^(\S+)' | sort -u
            case '*'
                echo $line
        end
    end
end

complete -c via-iface -f -a '(__via_iface_complete)'
