# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for via-iface. Options and verbs are those that its help names, so that there is
# no second list to keep.

_via_iface_verbs() {
	via-iface --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' | sort -u
}

_via_iface_options() {
	via-iface help run 2>/dev/null | grep -oE -- '(^|[ ,])(--[a-z0-9-]+|-[a-z])' | tr -d ' ,' | sort -u
}

_via_iface_uplinks() {
	local dev
	for dev in /sys/class/net/*; do
		dev=${dev##*/}
		[[ $dev =~ ^(lo|via0|viap[0-9]+)$ ]] || echo "$dev"
	done
	printf '%s\n' wifi ethernet wwan vpn
}

_via_iface_sessions() {
	via-iface list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# ids of the menu's entries: all, or those that `desktop add` has made
_via_iface_entries() {
	if [[ $1 == ours ]]; then
		via-iface desktop list 2>/dev/null | awk 'NR > 1 { print $1 }' | sort -u
		return
	fi
	local data=${XDG_DATA_HOME:-$HOME/.local/share}:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}
	local dir path dirs
	IFS=: read -ra dirs <<<"$data:/var/lib/flatpak/exports/share:/var/lib/snapd/desktop"
	for dir in "${dirs[@]}"; do
		for path in "$dir"/applications/*.desktop; do
			[[ -e $path && ${path##*/} != via-iface-* ]] && basename "$path" .desktop
		done
	done | sort -u
}

# words[i] is `desktop`
_via_iface_desktop() {
	local n=0 verb='' k
	for ((k = i + 1; k < cword; k++)); do
		[[ ${words[k]} == --name ]] && { ((k++)); continue; }
		[[ ${words[k]} == -* ]] && continue
		((n++)) || verb=${words[k]}
	done
	[[ $prev == --name ]] && return
	if [[ $cur == -* ]]; then
		case $verb in
		add) COMPREPLY=($(compgen -W '--name --replace --action --quiet' -- "$cur")) ;;
		remove) COMPREPLY=($(compgen -W '--quiet' -- "$cur")) ;;
		list) COMPREPLY=($(compgen -W '--json' -- "$cur")) ;;
		esac
		return
	fi
	case $n-$verb in
	0-*) COMPREPLY=($(compgen -W 'add remove list' -- "$cur")) ;;
	1-add) COMPREPLY=($(compgen -W "$(_via_iface_entries)" -- "$cur")) ;;
	1-remove) COMPREPLY=($(compgen -W "$(_via_iface_entries ours)" -- "$cur")) ;;
	2-add | 2-remove)
		local head=
		[[ $cur == *,* ]] && head=${cur%,*},
		COMPREPLY=($(compgen -P "$head" -W "$(_via_iface_uplinks)" -- "${cur##*,}"))
		;;
	esac
}

_via_iface() {
	local cur prev words cword verb='' i
	_init_completion -n =, || return

	case $prev in
	--user) COMPREPLY=($(compgen -u -- "$cur")); return ;;
	--ipv6) COMPREPLY=($(compgen -W 'auto off' -- "$cur")); return ;;
	--name | --dns | --mtu | --probe | --ifname) return ;;
	--pid) _pids; return ;;
	esac
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--name | --user | --dns | --mtu | --probe | --ipv6 | --pid | --netns | --ifname) ((i++)) ;;
		--) break ;;
		-*) ;;
		*) break ;;
		esac
	done
	# i: the first word that is no option, if it comes before the cursor
	if ((i < cword)); then
		verb=${words[i]}
		case $verb in
		run | plan | attach | doctor)
			for ((i++; i < cword; i++)); do
				case ${words[i]} in
				--name | --user | --dns | --mtu | --probe | --ipv6 | --pid | --netns | --ifname) ((i++)) ;;
				--) break ;;
				-*) ;;
				*) break ;;
				esac
			done
			((i < cword)) && [[ $verb == run ]] && { _via_iface_program; return; }
			;;
		desktop)
			_via_iface_desktop
			return
			;;
		list | status | uplinks | help) COMPREPLY=($(compgen -W '--json' -- "$cur")) ;;&
		status | stop | pause | resume | detach)
			COMPREPLY+=($(compgen -W "$(_via_iface_sessions)" -- "$cur"))
			return
			;;
		move)
			if ((i + 1 == cword)); then
				COMPREPLY=($(compgen -W "$(_via_iface_sessions)" -- "$cur"))
				return
			fi
			;;
		exec)
			if ((i + 1 == cword)); then
				COMPREPLY=($(compgen -W "$(_via_iface_sessions)" -- "$cur"))
			else
				((i++))
				_via_iface_program
			fi
			return
			;;
		list | uplinks | help) return ;;
		*)
			_via_iface_program
			return
			;;
		esac
	fi
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(_via_iface_options)" -- "$cur"))
		return
	fi
	# of a list of uplinks the last one is typed
	local head=
	[[ $cur == *,* ]] && head=${cur%,*},
	COMPREPLY=($(compgen -P "$head" -W "$(_via_iface_uplinks)" -- "${cur##*,}"))
	[[ $verb ]] || COMPREPLY+=($(compgen -W "$(_via_iface_verbs)" -- "$cur"))
}

# words[i] is the uplink or the session: behind it stands a command of its own
_via_iface_program() {
	((i++))
	[[ ${words[i]} == -- ]] && ((i < cword)) && ((i++))
	_command_offset "$i"
}

complete -F _via_iface via-iface
