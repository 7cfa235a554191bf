#compdef wg
# Completion of wg(8) for zsh. Interfaces and peers come from wg itself.

_wg_interfaces() {
	local -a names
	names=(${=$(_call_program interfaces wg show interfaces 2> /dev/null)} "$@")
	_wanted interfaces expl interface compadd -a names
}

_wg_set() {
	local -a peers offer device_words peer_words
	device_words=(listen-port fwmark private-key)
	peer_words=(remove update-only preshared-key endpoint persistent-keepalive allowed-ips)
	case ${words[CURRENT - 1]} in
	peer)
		peers=(${(f)"$(_call_program peers wg show ${(q)words[3]} peers 2> /dev/null)"})
		_wanted peers expl peer compadd -a peers
		return
		;;
	private-key | preshared-key) _files; return ;;
	fwmark | persistent-keepalive) _message 'number, or off'; compadd off; return ;;
	listen-port) _message port; return ;;
	endpoint) _message 'host:port'; return ;;
	allowed-ips) _message 'address/bits, separated by commas'; return ;;
	esac
	if ((${words[(I)peer]})); then
		offer=(peer $peer_words)
	else
		offer=($device_words peer)
	fi
	_wanted settings expl setting compadd -a offer
}

_wg() {
	local -a commands fields
	commands=(
		'show:show interfaces'
		'showconf:print an interface as a configuration file'
		'set:change an interface'
		'setconf:make an interface what a file says'
		'addconf:add what a file says'
		'syncconf:apply what differs from a file'
		'genkey:print a new private key'
		'genpsk:print a new preshared key'
		'pubkey:private key on standard input to public key'
		'help:list the commands'
	)
	fields=(public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
		latest-handshakes transfer persistent-keepalive dump)
	case $CURRENT:${words[2]} in
	2:*) _describe command commands ;;
	3:show) _wg_interfaces all interfaces ;;
	3:showconf | 3:set | 3:setconf | 3:addconf | 3:syncconf) _wg_interfaces ;;
	4:show) _wanted fields expl field compadd -a fields ;;
	4:setconf | 4:addconf | 4:syncconf) _files ;;
	5:setconf | 5:syncconf) compadd -- --allow-empty ;;
	*:set) _wg_set ;;
	esac
}

_wg "$@"
