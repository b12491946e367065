# shellcheck shell=bash
# Bash completion of the ffs tools: options and their values as each tool's --help names them.
# One file for all; make install puts it under each tool's name.

_ffs_complete() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev='' option help
	local tool=${COMP_WORDS[0]}
	COMPREPLY=()
	[ "$COMP_CWORD" -eq 0 ] || prev=${COMP_WORDS[COMP_CWORD - 1]}
	help=$("$tool" --help 2>/dev/null) || return 0

	# Readline parts --option=value at the "=": the option is one or two words back.
	option=
	if [ "$cur" = = ]; then
		option=$prev cur=
	elif [ "$prev" = = ] && [ "$COMP_CWORD" -ge 2 ]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $cur == --*=* ]]; then
		option=${cur%%=*} cur=${cur#*=}
	fi
	if [[ $option == --* ]]; then
		# "--option=one|two|three" in the help names all values there are.
		local values
		values=$(grep -oE -e "${option}(=|\[=)[a-z0-9]+(\|[a-z0-9]+)+" <<<"$help" | head -n 1)
		values=${values#*=}
		mapfile -t COMPREPLY < <(compgen -W "${values//|/ }" -- "$cur")
		return 0
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$(grep -oE -e '--[a-z0-9][a-z0-9-]*' <<<"$help" | sort -u | tr '\n' ' ')" -- "$cur")
	fi
	# Anything else, and the values of other options: files, by "-o default".
}

complete -o default -F _ffs_complete ffs-split ffs-load ffs-get ffs-hotmon ffs-cache ffs-node
