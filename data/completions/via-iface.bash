# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for via-iface. What can stand there `via-iface --complete` says, by the tables of
# which the help is made; here it is only shown.

# A word as it has to be typed: names are what others like, and none is a command. compgen -W would
# run what is in them.
_via_iface_add() {
	local word=$1
	[[ $word != *[!A-Za-z0-9_@%+=:,./-]* || $cur == [\'\"]* ]] || printf -v word %q "$word"
	COMPREPLY+=("$word")
}

_via_iface() {
	local cur prev words cword line word
	_init_completion -n =:, || return

	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		'!command '*) _command_offset $((${line#* } + 1)); return ;;
		'!users') COMPREPLY+=($(compgen -u -- "$cur")) ;;
		'!pids') _pids ;;
		'!files') _filedir ;;
		'!entries')
			while read -r word _; do
				[[ $word != "$cur"* ]] || _via_iface_add "$word"
			done < <(via-iface desktop list 2>/dev/null | tail -n +2)
			;;
		*)
			_via_iface_add "${line%%$'\t'*}"
			;;
		esac
	done < <(via-iface --complete "${words[@]:1:cword}" 2>/dev/null)
	# readline replaces what stands behind the last of COMP_WORDBREAKS
	[[ $cur == *=* && $COMP_WORDBREAKS == *=* ]] && COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*=}"}"}")
	__ltrim_colon_completions "$cur"
}

complete -F _via_iface via-iface
