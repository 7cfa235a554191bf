# bash completion for wg-quick(8).
_wg_quick() {
	local cur=${COMP_WORDS[COMP_CWORD]} verb= word names= file tunnels=0
	COMPREPLY=()
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-o | --output) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--confirm) return ;;
	--netns) mapfile -t COMPREPLY < <(compgen -W "$(ip netns list 2>/dev/null | cut -d " " -f 1)" -- "$cur"); return ;;
	esac
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in
		-o | --output | --confirm | --netns) skip=yes ;;
		-*) ;;
		*)
			if [ -n "$skip" ]; then
				skip=
			elif [ -n "$verb" ]; then
				case $verb in
				check | graph | supervise) ;;
				run) ((++tunnels)) ;;
				*) return ;;
				esac
			else
				verb=$word
			fi
			;;
		esac
	done
	if [ "$tunnels" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
		return
	elif [ "$tunnels" -gt 1 ]; then
		case $cur in -*) ;; *) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;; esac
		return
	fi
	if [ "$verb" = supervise ] && [[ $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
	fi
	if [ -z "$verb" ]; then
		mapfile -t COMPREPLY < <(compgen -W "up down restart save strip reload diff check graph status doctor confirm monitor qr run supervise" -- "$cur")
		return
	fi
	case $cur in
	-*)
		case $verb in
		up) mapfile -t COMPREPLY < <(compgen -W "--confirm --dry-run --netns --no-hooks --quiet" -- "$cur") ;;
		down) mapfile -t COMPREPLY < <(compgen -W "--no-hooks --quiet" -- "$cur") ;;
		restart) mapfile -t COMPREPLY < <(compgen -W "--netns --no-hooks --quiet" -- "$cur") ;;
		save) mapfile -t COMPREPLY < <(compgen -W "--quiet" -- "$cur") ;;
		reload) mapfile -t COMPREPLY < <(compgen -W "--check --confirm --quiet" -- "$cur") ;;
		diff) mapfile -t COMPREPLY < <(compgen -W "--format=json --format=text" -- "$cur") ;;
		status) mapfile -t COMPREPLY < <(compgen -W "--format=json --format=text --health" -- "$cur") ;;
		supervise) mapfile -t COMPREPLY < <(compgen -W "--no-hooks --quiet" -- "$cur") ;;
		doctor) mapfile -t COMPREPLY < <(compgen -W "--fix" -- "$cur") ;;
		qr) mapfile -t COMPREPLY < <(compgen -W "--output" -- "$cur") ;;
		run) mapfile -t COMPREPLY < <(compgen -W "--hooks" -- "$cur") ;;
		check) mapfile -t COMPREPLY < <(compgen -W "--strict --resolve --explain --format=text --format=json --format=github" -- "$cur") ;;
		esac
		return
		;;
	*/*) mapfile -t COMPREPLY < <(compgen -f -X '!*.conf' -- "$cur"); return ;;
	esac
	case $verb in
	down | restart | save | reload | diff | status | doctor | confirm) names=$(wg show interfaces 2>/dev/null) ;;
	esac
	[ "$verb" != monitor ] || return
	if [ "$verb" != down ]; then
		for file in /etc/wireguard/*.conf; do
			[ -e "$file" ] || continue
			file=${file##*/}
			names="$names ${file%.conf}"
		done
	fi
	mapfile -t COMPREPLY < <(compgen -W "$names" -- "$cur" | sort -u)
}
complete -F _wg_quick wg-quick
