#compdef wg-quick
# zsh completion for wg-quick(8).
_wg-quick_tunnels() {
	local -a names
	names=(/etc/wireguard/*.conf(N:t:r))
	case $words[2] in
	down|restart|save|reload|diff|status|doctor|confirm) names+=(${(z)"$(_call_program interfaces wg show interfaces 2>/dev/null)"}) ;;
	esac
	_alternative "interfaces:tunnel:(${(u)names})" 'files:tunnel file:_files -g "*.conf"'
}
_wg-quick() {
	local -a commands
	commands=(
		'up:bring a tunnel up'
		'down:take a tunnel down'
		'restart:take a tunnel down and bring it up'
		'save:write the configuration of a running tunnel to its file'
		'strip:print the file without the keys of wg-quick'
		'reload:apply the changes in the file'
		'diff:show the changes that reload would apply'
		'check:find and explain mistakes in tunnel files'
		'graph:print the mesh of tunnel files for Graphviz'
		'status:show the state of a tunnel, or of all tunnels'
		'doctor:examine a tunnel and show how to fix it'
		'confirm:keep a change made with --confirm'
		'monitor:restore what other programs remove from tunnels'
		'qr:show the file as a QR code for phones'
		'run:run a command whose traffic goes through a tunnel'
		'supervise:keep the tunnels of all files in a directory up'
	)
	if (( CURRENT == 2 )); then
		_describe command commands
		return
	fi
	case $words[2] in
	up) _arguments '--confirm[roll back unless confirmed in time]:seconds:' '--dry-run[print the steps only]' '--netns=[network namespace of the interface]:name:(${(f)"$(_call_program netns "ip netns list 2>/dev/null | cut -d \" \" -f 1")"})' '--no-hooks[do not run hooks]' '--quiet[print no command trace]' '*:tunnel:_wg-quick_tunnels' ;;
	restart) _arguments '--netns=[network namespace of the interface]:name:' '--no-hooks[do not run hooks]' '--quiet[print no command trace]' '*:tunnel:_wg-quick_tunnels' ;;
	down) _arguments '--no-hooks[do not run hooks]' '--quiet[print no command trace]' '*:tunnel:_wg-quick_tunnels' ;;
	status) _arguments '--format=[format of the output]:format:(text json)' '--health[print problems only]' '*:tunnel:_wg-quick_tunnels' ;;
	supervise) _arguments '--no-hooks[do not run hooks]' '--quiet[print no command trace]' '*:directory:_files -/' ;;
	diff) _arguments '--format=[format of the output]:format:(text json)' '*:tunnel:_wg-quick_tunnels' ;;
	save) _arguments '--quiet[print no command trace]' '*:tunnel:_wg-quick_tunnels' ;;
	reload) _arguments '--check[only report whether it would cut off the SSH session]' '--confirm[roll back unless confirmed in time]:seconds:' '--quiet[print no command trace]' '*:tunnel:_wg-quick_tunnels' ;;
	check)
		if (( ${words[(I)--explain]} )); then
			compadd -- ${${(f)"$(_call_program findings wg-quick check --explain 2>/dev/null)"}%%:*}
		else
			_arguments '--strict[fail for warnings]' '--resolve[look names up]' '--explain[explain findings]' '--format=[choose the format]:format:(text json github)' '*:tunnel:_wg-quick_tunnels'
		fi ;;
	doctor) _arguments '--fix[do what reload would do]' '*:tunnel:_wg-quick_tunnels' ;;
	qr) _arguments '(-o --output)'{-o,--output}'[write an image]:image file:_files -g "*.(svg|png)"' '*:tunnel:_wg-quick_tunnels' ;;
	monitor) _message 'no arguments' ;;
	run) _arguments '--hooks[run the hooks inside]' '2:tunnel:_wg-quick_tunnels' '*::command:_normal' ;;
	*) _wg-quick_tunnels ;;
	esac
}
_wg-quick "$@"
