#compdef wg
# zsh completion for wg(8). Interfaces and peers are read with wg.

_wg_interfaces() {
	local -a names
	names=(${=$(_call_program interfaces wg show interfaces 2> /dev/null)} "$@")
	_wanted interfaces expl interface compadd -a names
}

# Names of the peers of an interface, as @NAME.
_wg_names() {
	local -a names
	names=(${${(M)${(f)"$(_call_program names wg show ${(q)words[3]} names 2> /dev/null)"}:#*$'\t'*}##*$'\t'})
	names=(@${^${names:#\(none\)}})
	_wanted names expl 'peer by name' compadd -a names
}

_wg_peers() {
	local -a peers
	peers=(${(f)"$(_call_program peers wg show ${(q)words[3]} peers 2> /dev/null)"})
	_wanted peers expl peer compadd -a peers
	_wg_names
}

_wg_set() {
	local -a settings_left device_settings peer_settings
	device_settings=(listen-port fwmark private-key)
	peer_settings=(remove update-only preshared-key endpoint persistent-keepalive allowed-ips)
	case ${words[CURRENT - 1]} in
	peer) _wg_peers; return ;;
	private-key | preshared-key) _files; return ;;
	fwmark | persistent-keepalive) _message 'number or off'; compadd off; return ;;
	listen-port) _message port; return ;;
	endpoint) _message 'host:port'; return ;;
	allowed-ips) _message 'address/bits, separated by commas'; return ;;
	esac
	if ((${words[(I)peer]})); then
		settings_left=(peer $peer_settings)
	else
		settings_left=($device_settings peer)
	fi
	_wanted settings expl setting compadd -a settings_left
}

_wg_check() {
	local -a findings
	if ((${words[(I)--explain]})); then
		findings=(${${(f)"$(_call_program findings wg check --explain 2> /dev/null)"}%%:*})
		_wanted findings expl finding compadd -a findings
		return
	fi
	[[ $PREFIX != -* ]] || compadd -- --strict --resolve --explain --format=text --format=json --format=github
	_files
}

_wg() {
	local -a commands fields
	commands=(
		'show:show configuration and state of interfaces'
		'showconf:print the configuration of an interface as a file'
		'set:change the configuration of an interface'
		'setconf:replace the configuration with that of a file'
		'addconf:add the configuration of a file'
		'syncconf:apply only the differences to a file'
		'genkey:generate a private key'
		'genpsk:generate a preshared key'
		'pubkey:derive the public key of a private key on standard input'
		'watch:show a live table of peers and their traffic'
		'ping:send through the tunnel to a peer'
		'check:find and explain mistakes in files'
		'help:list the commands'
	)
	fields=(public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
		latest-handshakes transfer persistent-keepalive dump names json prometheus openmetrics)
	case $CURRENT:${words[2]} in
	2:*) _describe command commands ;;
	3:watch) _wg_interfaces all ;;
	4:watch | 5:watch | 6:watch) compadd json; [[ $PREFIX != @* ]] || _wg_names ;;
	3:show) _wg_interfaces all interfaces ;;
	3:showconf | 3:set | 3:setconf | 3:addconf | 3:syncconf | 3:ping) _wg_interfaces ;;
	4:show) _wanted fields expl field compadd -a fields; [[ $PREFIX != @* ]] || _wg_names ;;
	5:show) [[ $words[4] == (prometheus|openmetrics) ]] && _files || _wg_names ;;
	4:setconf | 4:addconf | 4:syncconf) _files ;;
	5:setconf | 5:syncconf) compadd -- --allow-empty ;;
	4:ping) _wg_peers ;;
	*:ping) compadd -- -c -a ;;
	*:check) _wg_check ;;
	*:set) _wg_set ;;
	esac
}

_wg "$@"
