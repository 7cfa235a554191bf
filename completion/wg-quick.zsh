#compdef wg-quick
# Completion of wg-quick(8) for zsh.
_wg-quick_tunnels() {
	local -a names
	names=(/etc/wireguard/*.conf(N:t:r))
	case $words[2] in
	down|save|reload|diff) names+=(${(z)"$(_call_program interfaces wg show interfaces 2>/dev/null)"}) ;;
	esac
	_alternative "interfaces:tunnel:(${(u)names})" 'files:tunnel file:_files -g "*.conf"'
}
_wg-quick() {
	local -a commands
	commands=(
		'up:bring a tunnel up'
		'down:take a tunnel down'
		'save:write the state of a tunnel into its file'
		'strip:print what wg reads of a tunnel file'
		'reload:apply what changed in the file'
		'diff:show what reload would do'
	)
	if (( CURRENT == 2 )); then
		_describe command commands
		return
	fi
	case $words[2] in
	up) _arguments '--dry-run[print, do nothing]' '--no-hooks[run no hooks]' '*:tunnel:_wg-quick_tunnels' ;;
	down) _arguments '--no-hooks[run no hooks]' '*:tunnel:_wg-quick_tunnels' ;;
	*) _wg-quick_tunnels ;;
	esac
}
_wg-quick "$@"
