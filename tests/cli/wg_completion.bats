#!/usr/bin/env bats
# Completion of wg(8): bash by asking it, fish too where it is installed, zsh by its parser; and the
# questions that the completion of wireguard-tools asks.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() {
	wg_setup
	mkdir bin
	ln -s "$WG" bin/wg
	PATH=$PWD/bin:$PATH
	printf 'public_key=%s\nerrno=0\n\n' "$HEX_A" > get.wg0
	fake wg0
	printf 'errno=0\n\n' > get.uu1
	fake uu1
}
teardown() { wg_teardown; }

folder=$BATS_TEST_DIRNAME/../../completion

# ask WORD…: what bash offers for the last word, one per line, sorted.
ask() {
	bash -c '. "$0/wg.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
		_wg 2> /dev/null
		printf "%s\n" "${COMPREPLY[@]}"' "$folder" "$@" | sort | tr '\n' ' ' | sed 's/ $//'
}

@test "bash: commands" {
	[ "$(ask wg s)" = "set setconf show showconf syncconf" ]
	[ "$(ask wg gen)" = "genkey genpsk" ]
	[ "$(ask wg nosuch)" = "" ]
}

@test "bash: interfaces, as wg names them" {
	[ "$(ask wg show '')" = "all interfaces uu1 wg0" ]
	for word in showconf set setconf addconf syncconf; do
		[ "$(ask wg $word '')" = "uu1 wg0" ]
		[ "$(ask wg $word w)" = wg0 ]
	done
	[ "$(ask wg genkey '')" = "" ]
}

@test "bash: fields" {
	[ "$(ask wg show wg0 p)" = "peers persistent-keepalive preshared-keys private-key public-key" ]
	[ "$(ask wg show all d)" = dump ]
	[ "$(ask wg show interfaces '')" = "" ]
}

@test "bash: files" {
	touch one.conf two.key
	[ "$(ask wg setconf wg0 one)" = one.conf ]
	[ "$(ask wg set wg0 private-key tw)" = two.key ]
	[ "$(ask wg set wg0 peer "$KEY_A" preshared-key tw)" = two.key ]
	[ "$(ask wg syncconf wg0 one.conf -)" = --allow-empty ]
}

@test "bash: the words of set, where they may stand, each once" {
	[ "$(ask wg set wg0 '')" = "fwmark listen-port peer private-key" ]
	[ "$(ask wg set wg0 listen-port 5 '')" = "fwmark peer private-key" ]
	[ "$(ask wg set wg0 listen-port '')" = "" ]
	[ "$(ask wg set wg0 fwmark '')" = off ]
	[ "$(ask wg set wg0 peer '')" = "$KEY_A" ]
	[ "$(ask wg set wg0 peer xT)" = "$KEY_A" ]
	[ "$(ask wg set wg0 peer "$KEY_A" '')" = \
		"allowed-ips endpoint peer persistent-keepalive preshared-key remove update-only" ]
	[ "$(ask wg set wg0 peer "$KEY_A" remove endpoint 1.2.3.4:5 '')" = \
		"allowed-ips peer persistent-keepalive preshared-key update-only" ]
	[ "$(ask wg set wg0 peer "$KEY_A" endpoint 1.2.3.4:5 peer "$KEY_B" e)" = endpoint ]
}

@test "bash: words that the shell breaks at = and :" {
	[ "$(ask wg set wg0 peer "${KEY_A%=}" = '')" = "allowed-ips endpoint peer persistent-keepalive preshared-key remove update-only" ]
	[ "$(ask wg set wg0 peer "${KEY_A%=}" = endpoint 1.2.3.4 : 5 e)" = "" ]
}

@test "fish: the same" {
	command -v fish || skip "no fish"
	export HOME=$PWD XDG_CONFIG_HOME=$PWD XDG_DATA_HOME=$PWD
	fish -n "$folder/wg.fish"
	ask_fish() {
		fish --no-config -c "source '$folder/wg.fish'; complete -C '$1'" | cut -f1 | sort | tr '\n' ' ' |
			sed 's/ $//'
	}
	[ "$(ask_fish 'wg gen')" = "genkey genpsk" ]
	[ "$(ask_fish 'wg show ')" = "all interfaces uu1 wg0" ]
	[ "$(ask_fish 'wg set wg0 peer ')" = "$KEY_A" ]
	[ "$(ask_fish 'wg set wg0 ')" = "fwmark listen-port peer private-key" ]
	[ "$(ask_fish 'wg show wg0 d')" = dump ]
}

@test "zsh: the file can be read" {
	command -v zsh || skip "no zsh"
	zsh -n "$folder/wg.zsh"
	zsh -fc 'autoload -Uz compinit && compinit -D -u && fpath=("$1" $fpath) &&
		functions[_wg]="$(<"$1/wg.zsh")" && whence -w _wg' zsh "$folder"
}

@test "the questions of the completion of wireguard-tools" {
	theirs=${WGSUITE_PEERS-}/wg.completion
	[ -e "$theirs" ] || theirs=/usr/share/bash-completion/completions/wg
	[ -e "$theirs" ] || skip "wireguard-tools' completion is not here"
	grep -qF 'wg show interfaces' "$theirs"
	[ "$(wg show interfaces | tr ' ' '\n' | sort | tr '\n' ' ')" = "uu1 wg0 " ]
	[ "$(wg show wg0 peers)" = "$KEY_A" ]
	run -0 bash -c '. "$1"; COMP_WORDS=(wg show ""); COMP_CWORD=2; COMP_LINE="wg show "
		_init_completion() { COMPREPLY=(); }; _wg_completion; printf "%s\n" "${COMPREPLY[@]}"' _ "$theirs"
	[[ " ${lines[*]} " == *" wg0 "* ]]
	[[ " ${lines[*]} " == *" uu1 "* ]]
}
