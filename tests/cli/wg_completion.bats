#!/usr/bin/env bats
# Completion of wg(8): completions in bash and, if installed, fish; syntax of the zsh file; and the commands that the
# completion of wireguard-tools runs.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() {
	wg_setup
	mkdir bin
	ln -s "$WG" bin/wg
	PATH=$PWD/bin:$PATH
	printf 'public_key=%s\nerrno=0\n\n' "$HEX_A" > get.wg0
	fake_device wg0
	printf 'errno=0\n\n' > get.uu1
	fake_device uu1
}
teardown() {
	rm -f /etc/wireguard/wg0.conf
	wg_teardown
}

folder=$BATS_TEST_DIRNAME/../../completion

# complete_bash WORD…: the sorted completions that bash offers for the last word.
complete_bash() {
	bash -c '. "$0/wg.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
		_wg 2> /dev/null
		printf "%s\n" "${COMPREPLY[@]}"' "$folder" "$@" | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//'
}

@test "bash: commands" {
	[ "$(complete_bash wg s)" = "set setconf show showconf syncconf" ]
	[ "$(complete_bash wg gen)" = "genkey genpsk" ]
	[ "$(complete_bash wg watch '')" = "all uu1 wg0" ]
	[ "$(complete_bash wg ping wg0 '')" = "$KEY_A" ]
	[ "$(complete_bash wg ping wg0 "$KEY_A" -)" = "-a -c" ]
	[ "$(complete_bash wg nosuch)" = "" ]
}

@test "bash: interfaces" {
	[ "$(complete_bash wg show '')" = "all interfaces uu1 wg0" ]
	for word in showconf set setconf addconf syncconf; do
		[ "$(complete_bash wg $word '')" = "uu1 wg0" ]
		[ "$(complete_bash wg $word w)" = wg0 ]
	done
	[ "$(complete_bash wg genkey '')" = "" ]
}

@test "bash: fields" {
	[ "$(complete_bash wg show wg0 p)" = "peers persistent-keepalive preshared-keys private-key prometheus public-key" ]
	touch metrics.prom
	[ "$(complete_bash wg show all prometheus me)" = metrics.prom ]
	[ "$(complete_bash wg show all d)" = dump ]
	[ "$(complete_bash wg show interfaces '')" = "" ]
}

@test "bash: files" {
	touch one.conf two.key
	[ "$(complete_bash wg setconf wg0 one)" = one.conf ]
	[ "$(complete_bash wg set wg0 private-key tw)" = two.key ]
	[ "$(complete_bash wg set wg0 peer "$KEY_A" preshared-key tw)" = two.key ]
	[ "$(complete_bash wg syncconf wg0 one.conf -)" = --allow-empty ]
}

@test "bash: arguments of check" {
	touch one.conf
	[ "$(complete_bash wg ch)" = check ]
	[ "$(complete_bash wg check on)" = one.conf ]
	[ "$(complete_bash wg check --s)" = --strict ]
	[ "$(complete_bash wg check --explain dup)" = "dup-peer duplicate-address duplicate-endpoint" ]
	[ "$(complete_bash wg check --explain dup-peer hook-w)" = hook-without-inverse ]
}

@test "bash: arguments of set, each once and where valid" {
	[ "$(complete_bash wg set wg0 '')" = "fwmark listen-port peer private-key" ]
	[ "$(complete_bash wg set wg0 listen-port 5 '')" = "fwmark peer private-key" ]
	[ "$(complete_bash wg set wg0 listen-port '')" = "" ]
	[ "$(complete_bash wg set wg0 fwmark '')" = off ]
	[ "$(complete_bash wg set wg0 peer '')" = "$KEY_A" ]
	[ "$(complete_bash wg set wg0 peer xT)" = "$KEY_A" ]
	[ "$(complete_bash wg set wg0 peer "$KEY_A" '')" = \
		"allowed-ips endpoint peer persistent-keepalive preshared-key remove update-only" ]
	[ "$(complete_bash wg set wg0 peer "$KEY_A" remove endpoint 1.2.3.4:5 '')" = \
		"allowed-ips peer persistent-keepalive preshared-key update-only" ]
	[ "$(complete_bash wg set wg0 peer "$KEY_A" endpoint 1.2.3.4:5 peer "$KEY_B" e)" = endpoint ]
}

# Two named peers, one of whose names would be dangerous without quotes.
named_peers() {
	mkdir -p /etc/wireguard
	cat > /etc/wireguard/wg0.conf <<-'E'
	[Peer]
	# Name = laptop
	PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
	[Peer]
	# Name = $(touch pwned) 'x
	PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
	E
	printf 'public_key=%s\npublic_key=%s\nerrno=0\n\n' "$HEX_A" \
		"$(printf %s "$KEY_B" | base64 -d | od -An -tx1 | tr -d ' \n')" > get.wg0
}

@test "bash: names of peers, quoted" {
	named_peers
	quoted='@\$\(touch\ pwned\)\ '"\'x"
	[ "$(complete_bash wg set wg0 peer @la)" = @laptop ]
	[ "$(complete_bash wg set wg0 peer @ la)" = @laptop ] # as words that the shell splits at "@"
	[ "$(complete_bash wg set wg0 peer @)" = "$quoted @laptop" ]
	[ "$(complete_bash wg set wg0 peer '@\$\(t')" = "$quoted" ]
	[ "$(complete_bash wg show wg0 @l)" = @laptop ]
	[ "$(complete_bash wg show wg0 transfer '')" = "$quoted @laptop" ]
	[ "$(complete_bash wg show all transfer @l)" = @laptop ]
	[ "$(complete_bash wg watch wg0 1 json @l)" = @laptop ]
	[ "$(complete_bash wg show wg0 fwmark '')" = "" ]
	[ ! -e pwned ]
}

@test "bash: arguments that the shell splits at = and :" {
	[ "$(complete_bash wg set wg0 peer "${KEY_A%=}" = '')" = "allowed-ips endpoint peer persistent-keepalive preshared-key remove update-only" ]
	[ "$(complete_bash wg set wg0 peer "${KEY_A%=}" = endpoint 1.2.3.4 : 5 e)" = "" ]
}

@test "fish: commands, interfaces, peers, arguments, fields" {
	command -v fish || skip "no fish"
	export HOME=$PWD XDG_CONFIG_HOME=$PWD XDG_DATA_HOME=$PWD
	fish -n "$folder/wg.fish"
	complete_fish() {
		fish --no-config -c "source '$folder/wg.fish'; complete -C '$1'" | cut -f1 | LC_ALL=C sort | tr '\n' ' ' |
			sed 's/ $//'
	}
	[ "$(complete_fish 'wg gen')" = "genkey genpsk" ]
	[ "$(complete_fish 'wg show ')" = "all interfaces uu1 wg0" ]
	[ "$(complete_fish 'wg set wg0 peer ')" = "$KEY_A" ]
	[ "$(complete_fish 'wg set wg0 ')" = "fwmark listen-port peer private-key" ]
	[ "$(complete_fish 'wg show wg0 d')" = dump ]
	named_peers
	names="@\$(touch pwned) 'x @laptop"
	[ "$(complete_fish 'wg set wg0 peer @')" = "$names" ]
	[ "$(complete_fish 'wg show wg0 @')" = "$names" ]
	[ "$(complete_fish 'wg show all transfer ')" = "$names" ]
	[ "$(complete_fish 'wg watch wg0 1 @')" = "$names" ]
	[ "$(complete_fish 'wg show wg0 n')" = names ]
	touch metrics.prom
	[ "$(complete_fish 'wg show all prometheus me')" = metrics.prom ]
}

@test "zsh: the file has no syntax errors and defines _wg" {
	command -v zsh || skip "no zsh"
	zsh -n "$folder/wg.zsh"
	zsh -fc 'autoload -Uz compinit && compinit -D -u && fpath=("$1" $fpath) &&
		functions[_wg]="$(<"$1/wg.zsh")" && whence -w _wg' zsh "$folder"
}

@test "zsh: names of peers" {
	command -v zsh || skip "no zsh"
	named_peers
	run -0 zsh -fc '_call_program() { shift; eval "$@"; }; _wanted() { print -rl -- $names; }
		functions[_load]="$(<"$1/wg.zsh")"; _describe() { }; words=(wg) CURRENT=2; _load
		words=(wg set wg0 peer @) _wg_names; words=(wg show all transfer @) _wg_names' zsh "$folder"
	[ "$(printf '%s\n' "${lines[@]}" | LC_ALL=C sort -u | tr '\n' '|')" = "@\$(touch pwned) 'x|@laptop|" ]
	[ ! -e pwned ]
}

@test "the bash completion of wireguard-tools works with wg" {
	theirs=${WGSUITE_PEERS-}/wg.completion
	[ -e "$theirs" ] || theirs=/usr/share/bash-completion/completions/wg
	[ -e "$theirs" ] || skip "the completion of wireguard-tools is not available"
	grep -qF 'wg show interfaces' "$theirs"
	[ "$(wg show interfaces | tr ' ' '\n' | sort | tr '\n' ' ')" = "uu1 wg0 " ]
	[ "$(wg show wg0 peers)" = "$KEY_A" ]
	run -0 bash -c '. "$1"; COMP_WORDS=(wg show ""); COMP_CWORD=2; COMP_LINE="wg show "
		_init_completion() { COMPREPLY=(); }; _wg_completion; printf "%s\n" "${COMPREPLY[@]}"' _ "$theirs"
	[[ " ${lines[*]} " == *" wg0 "* ]]
	[[ " ${lines[*]} " == *" uu1 "* ]]
}
