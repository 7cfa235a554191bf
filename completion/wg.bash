# bash completion for wg(8). Interfaces and peers are read with wg.

_wg_complete() {
	local word
	while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$cur")
}

_wg_interfaces() {
	_wg_complete "$("${COMP_WORDS[0]}" show interfaces 2> /dev/null) $1"
}

# Names of the peers of an interface, as @NAME and quoted for the shell.
_wg_names() {
	local key name typed=${cur//\\/}
	while IFS=$'\t' read -r key name; do
		[[ ${words[2]} != all ]] || name=${name#*$'\t'}
		[[ $name == "(none)" || -z $name || @$name != "$typed"* ]] || COMPREPLY+=("$(printf %q "@$name")")
	done < <("${COMP_WORDS[0]}" show "${words[2]}" names 2> /dev/null)
}

_wg_peers() {
	_wg_complete "$("${COMP_WORDS[0]}" show "${words[2]}" peers 2> /dev/null)"
	_wg_names
}

_wg_files() {
	local word
	compopt -o filenames 2> /dev/null
	while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
}

# Completes an argument of "set": a value, or one of the settings that are still allowed.
_wg_set() {
	local i in_peer= seen=
	case $before in
	peer)
		_wg_peers
		return
		;;
	private-key | preshared-key)
		_wg_files
		return
		;;
	fwmark | persistent-keepalive)
		_wg_complete off
		return
		;;
	listen-port | endpoint | allowed-ips) return ;;
	esac
	for ((i = 3; i < at; i++)); do
		case ${words[i]} in
		peer)
			in_peer=yes seen=
			((i++))
			;;
		remove | update-only) seen="$seen ${words[i]}" ;;
		*)
			seen="$seen ${words[i]}"
			((i++))
			;;
		esac
	done
	local word settings="peer"
	for word in listen-port fwmark private-key; do
		[[ -n $in_peer || " $seen " == *" $word "* ]] || settings="$settings $word"
	done
	for word in remove update-only preshared-key endpoint persistent-keepalive allowed-ips; do
		[[ -z $in_peer || " $seen " == *" $word "* ]] || settings="$settings $word"
	done
	_wg_complete "$settings"
}

# Completes an argument of "check": options, findings after --explain, and files.
_wg_check() {
	if [[ " ${words[*]} " == *" --explain "* ]]; then
		_wg_complete "$("${COMP_WORDS[0]}" check --explain 2> /dev/null | cut -d: -f1)"
	elif [[ $cur == -* ]]; then
		_wg_complete "--strict --resolve --explain --format=text --format=json --format=github"
	else
		_wg_files
	fi
}

_wg() {
	local cur words at before i word
	# Joins words that were split at ":" and "=", so that "[2001:db8::1]:51820" is one word, and at "@".
	words=()
	at=0
	for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
		word=${COMP_WORDS[i]}
		if ((${#words[@]} > 1)) && [[ ${words[-1]} == @ && -n $word ]]; then
			words[-1]+=$word
		elif ((${#words[@]} > 1)) && [[ $word == [:=]* || ${words[-1]} == *[:=] ]] &&
			[[ -n $word && ${words[-1]} != *= || $word == [:=]* ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		((i != COMP_CWORD)) || at=$((${#words[@]} - 1))
	done
	cur=${words[at]-}
	before=${words[at - 1]-}
	COMPREPLY=()
	case $at:${words[1]-} in
	1:*) _wg_complete "show showconf set setconf addconf syncconf genkey genpsk pubkey watch ping check help --help --version" ;;
	2:watch) _wg_interfaces all ;;
	3:watch | 4:watch | 5:watch)
		_wg_complete json
		[[ $cur != @* ]] || _wg_names
		;;
	2:show) _wg_interfaces "all interfaces" ;;
	2:showconf | 2:set | 2:setconf | 2:addconf | 2:syncconf | 2:ping) _wg_interfaces "" ;;
	3:show)
		[[ ${words[2]} == interfaces ]] || {
			_wg_complete "public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
				latest-handshakes transfer persistent-keepalive dump names json
				prometheus openmetrics"
			[[ $cur != @* ]] || _wg_names
		}
		;;
	4:show)
		case ${words[3]} in
		prometheus | openmetrics) _wg_files ;;
		peers | preshared-keys | endpoints | allowed-ips | latest-handshakes | transfer | \
			persistent-keepalive | dump | names | json) _wg_names ;;
		esac
		;;
	3:setconf | 3:addconf | 3:syncconf) _wg_files ;;
	4:setconf | 4:syncconf) _wg_complete --allow-empty ;;
	3:ping) _wg_peers ;;
	*:ping) _wg_complete "-c -a" ;;
	*:check) _wg_check ;;
	*:set) _wg_set ;;
	esac
	# readline replaces only the text after the last word break.
	case $cur in
	@*) ;; # "@" belongs to the word
	*[:=]*)
		local stem=${cur%"${cur##*[:=]}"}
		[[ ${COMP_WORDBREAKS-} != *[:=]* || ${COMP_WORDS[COMP_CWORD]} == "$cur" ]] ||
			COMPREPLY=("${COMPREPLY[@]#"$stem"}")
		;;
	esac
}

complete -F _wg wg
