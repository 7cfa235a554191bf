# wg-quick without privileges: usage, names, error messages, strip, --dry-run, completion.
bats_require_minimum_version 1.5.0

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	WQ=${WGSUITE_BUILD:-$root/build}/wg-quick
	cd "$BATS_TEST_TMPDIR" || return 1
	umask 077
	KEY=Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=
}

@test "help prints the usage on standard error and succeeds; without arguments it is an error" {
	for word in help -h --help; do
		run --separate-stderr "$WQ" $word
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		[[ $stderr == "Usage: wg-quick "* ]]
	done
	run --separate-stderr "$WQ"
	[ "$status" -eq 1 ]
	[[ $stderr == "Usage: wg-quick "*"See wg-quick(8)"* ]]
	usage=$stderr
	for verb in up down restart reload diff save strip status doctor confirm monitor qr run supervise; do
		for word in -h --help; do
			run --separate-stderr "$WQ" $verb $word
			[ "$status" -eq 0 ]
			[ "$stderr" = "$usage" ]
		done
	done
	for verb in up down restart reload diff save strip check graph status doctor confirm monitor qr run supervise; do
		[[ $stderr == *"
  $verb "* ]]
	done
}

# expect_usage_error ERROR SUGGESTION ARGUMENT…: the error, a suggestion unless SUGGESTION is empty, and the usage line.
expect_usage_error() {
	local error=$1 help=$2
	shift 2
	run --separate-stderr "$WQ" "$@"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$stderr" = "wg-quick: $error${help:+
  help: did you mean $help?}
Usage: wg-quick [ up | down | restart | save | strip | reload | diff | check | graph | status | doctor | confirm | monitor | qr | run | supervise ] [ CONFIG_FILE | INTERFACE ]" ]
}

@test "an unknown command or option is reported with a suggestion and the usage line" {
	expect_usage_error "unknown command \`frobnicate'" "" frobnicate wg0
	expect_usage_error "unknown command \`resart'" restart resart wg0
	expect_usage_error "unknown command \`UP'" up UP wg0
	expect_usage_error "unknown command \`dwon'" down dwon wg0
	expect_usage_error "unknown command \`pu'" up pu wg0
	expect_usage_error "unknown command \`start'" up start wg0
	expect_usage_error "unknown command \`stop'" down stop wg0
	expect_usage_error "unknown option \`--dryrun'" --dry-run up --dryrun wg0
	expect_usage_error "unknown option \`-x'" "" up -x wg0
	expect_usage_error "option \`--help' takes no further arguments" "" --help wg0
	expect_usage_error "option \`-v' takes no further arguments" "" up -v wg0
	expect_usage_error "option \`--help' takes no further arguments" "" up --help wg0
	expect_usage_error "down does not accept the option \`--dry-run'" "" down --dry-run wg0
	expect_usage_error "strip does not accept the option \`--no-hooks'" "" strip --no-hooks wg0
	expect_usage_error "diff does not accept the option \`--quiet'" "" diff -q wg0
	expect_usage_error "strip does not accept the option \`--output'" "" strip -o a.svg wg0
	expect_usage_error "status does not accept the option \`--fix'" "" status --fix wg0
	expect_usage_error "option \`--fix' needs the name of an interface or the path of a tunnel file" "" doctor --fix
	expect_usage_error "up needs the name of an interface or the path of a tunnel file" "" up
	expect_usage_error "monitor watches all tunnels: it takes no interface" "" monitor wg0
	expect_usage_error "option \`--health' cannot be combined with JSON" "" status --health json
	expect_usage_error "monitor does not accept the option \`--quiet'" "" monitor -q
	expect_usage_error "unexpected argument \`b': up takes one tunnel" "" up a b
}

@test "--version prints name and version on stdout" {
	for word in -v --version version; do
		run --separate-stderr "$WQ" $word
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[[ $output =~ ^wg-quick\ v[0-9]+\.[0-9]+\.[0-9]+\ -\ wgsuite$ ]]
	done
	run bash -c '"$1" --version > /dev/full' - "$WQ"
	[ "$status" -eq 1 ]
}

@test "interface names and paths of tunnel files" {
	run "$WQ" strip no_such_tunnel
	[ "$status" -eq 1 ]
	[ "$output" = "wg-quick: \`/etc/wireguard/no_such_tunnel.conf' does not exist" ]
	# The nearest name of a tunnel file.
	touch /etc/wireguard/{office,home}.conf /etc/wireguard/offise.txt
	for word in offise ofice OFFICE; do
		run "$WQ" strip "$word"
		[ "$output" = "wg-quick: \`/etc/wireguard/$word.conf' does not exist
  help: did you mean office?" ]
	done
	run "$WQ" strip ./ofice.conf
	[ "$output" = "wg-quick: \`./ofice.conf' does not exist" ]
	rm /etc/wireguard/{office,home}.conf /etc/wireguard/offise.txt
	# A symbolic link to nowhere has the same name.
	ln -s nowhere /etc/wireguard/away.conf
	run "$WQ" strip away
	[ "$output" = "wg-quick: \`/etc/wireguard/away.conf' does not exist" ]
	rm /etc/wireguard/away.conf
	for missing in sixteen-letters-1 a/b ./nosuch.txt; do
		for command in up down save strip; do
			run "$WQ" "$command" "$missing"
			[ "$status" -eq 1 ]
			[ "$output" = "wg-quick: \`$missing' does not exist" ]
		done
	done
	# A valid interface name is one even if a file of that name exists here.
	printf '[Interface]\n' > wg0.conf
	run "$WQ" strip wg0.conf
	[ "$output" = "wg-quick: \`/etc/wireguard/wg0.conf.conf' does not exist
  help: use ./wg0.conf for the file in this directory" ]
	for bad in ./wg0.txt ./sixteen-letters-1.conf './w g.conf' './$(id).conf' ./.conf; do
		printf '[Interface]\n' > "$bad"
		run "$WQ" strip "$bad"
		[ "$status" -eq 1 ]
		[ "$output" = "wg-quick: The config file must be a valid interface name, followed by .conf" ]
	done
	for good in ./wg0.conf ./fifteen-letters.conf ./a=b+c_d.e.conf; do
		printf '[Interface]\n' > "$good"
		"$WQ" strip "$good"
	done
}

@test "strip removes only the keys of wg-quick" {
	printf '%s\n' '# first' '[interface]' 'address=10.0.0.1/24' '  ListenPort = 1 # one  ' 'PostUp = a # b; c' \
		'PostUp = ' 'SaveConfig=FALSE' '' '[Peer]' "PublicKey = $KEY" '# Name = x' 'AllowedIPs = 10.0.0.2/32' \
		'[Interface]' 'DNS = 1.1.1.1, a.b' 'MTU = 1400' 'table=off' > wg0.conf
	run --separate-stderr "$WQ" strip ./wg0.conf
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "# first
[interface]
ListenPort = 1 # one

[Peer]
PublicKey = $KEY
# Name = x
AllowedIPs = 10.0.0.2/32
[Interface]" ]
	[ "$("$WQ" strip ./wg0.conf | tail -c 2 | od -An -c | tr -d ' ')" = '\n\n' ]
}

@test "strip writes everything to a non-blocking pipe" {
	{ printf '[Interface]\nAddress = 10.0.0.1/24\n'; yes '# comment' | head -n 50000; } > wg0.conf
	"$WQ" strip ./wg0.conf > all
	run -0 --separate-stderr python3 "$root/tests/lib/full_pipe.py" "$WQ" strip ./wg0.conf
	[ "$output" = "$(cat all)" ]
	[ -z "$stderr" ]
}

@test "strip prints no warnings about the values of a valid file" {
	printf '%s\n' '[Interface]' 'Address = 10.0.0.1/24, 10.0.0.1/24' '[Peer]' "PublicKey = $KEY" 'AllowedIPs = 10.0.0.2/24' > wg0.conf
	run --separate-stderr "$WQ" strip ./wg0.conf
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	run --separate-stderr "$WQ" up --dry-run ./wg0.conf
	[[ $stderr == *"duplicate address"*"Warning: AllowedIP has nonzero host part: 10.0.0.2/24" ]]
}

@test "strip removes whole lines and blanks around them, also at the end of the file" {
	# stripped TEXT: the output of strip, with a dollar at each line end.
	stripped() {
		printf '%b' "$1" > wg0.conf
		"$WQ" strip ./wg0.conf | sed 's/$/\$/' | tr '\n' ' '
	}
	[ "$(stripped "  [Interface] \t\nMTU = 1300\n\t PrivateKey = $KEY\n# c \n\nDNS = 1.1.1.1\n")" = \
		"[Interface]\$ PrivateKey = $KEY\$ # c\$ \$ \$ " ]
	[ "$(stripped "[Interface]\nMTU = 1300")" = '[Interface]$ $ ' ]
	[ "$(stripped "[Interface]\nListenPort = 5  ")" = '[Interface]$ ListenPort = 5$ $ ' ]
	[ "$(stripped "[Interface]\nPostUp = a # b\n  \t ")" = '[Interface]$ $ ' ]
	[ "$(stripped "[Peer]\nPublicKey = $KEY\n[Interface]\nSaveConfig = true\n[Peer]\nPublicKey = $KEY \n")" = \
		"[Peer]\$ PublicKey = $KEY\$ [Interface]\$ [Peer]\$ PublicKey = $KEY\$ \$ " ]
}

@test "the addconf command of --dry-run works for any path of the file" {
	for folder in "a b" "o'clock" '$(touch x)' $'two\nlines' plain; do
		mkdir "$folder"
		printf '%s\n' "[Interface]" "PrivateKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=" > "$folder/wg0.conf"
		line=$("$WQ" up --dry-run "$folder/wg0.conf" | grep addconf)
		wg() { cat "$3"; } # addconf wg0 /dev/fd/63
		wg-quick() { "$WQ" "$@"; }
		eval "${line#"[#] "}" > out
		[ "$(head -1 out)" = "[Interface]" ]
	done
}

@test "output that cannot be written is an error" {
	printf '%s\n' "[Interface]" "PrivateKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=" > wg0.conf
	for words in strip "up --dry-run"; do
		run bash -c "$WQ $words ./wg0.conf > /dev/full"
		[ "$status" -eq 1 ]
		[[ $output == *"wg-quick: wg0: cannot write to standard output: No space left on device" ]]
		run bash -c "$WQ $words ./wg0.conf >&-"
		[ "$status" -eq 1 ]
		[[ $output == "wg-quick: cannot write to standard output: Bad file descriptor" ]]
	done
}

@test "strip of an invalid file prints nothing on standard output" {
	printf '[Interface]\nPrivateKey = c2VjcmV0\n' > wg0.conf
	run --separate-stderr "$WQ" strip ./wg0.conf
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *"/wg0.conf:2:14: error: "* && $stderr != *c2VjcmV0* ]]
}

# expect_error LINE COLUMN TEXT: a file with this text after [Interface] is invalid at this position.
expect_error() {
	printf '[Interface]\n%s\n' "$3" > wg0.conf
	run --separate-stderr "$WQ" up --dry-run ./wg0.conf
	[ "$status" -eq 1 ] && [ -z "$output" ] && [[ $stderr == *"/wg0.conf:$1:$2: error: "* ]] ||
		{ echo "$3: $stderr" >&2; return 1; }
}

@test "errors in a file are reported with line and column" {
	expect_error 2 11 'Address = 10.0.0.300'
	expect_error 2 23 'Address = 10.0.0.1/24,10.0.0.2/33'
	expect_error 2 11 'Address = *'
	expect_error 2 7 'MTU = 1e3'
	expect_error 2 7 'MTU = 67'
	expect_error 2 7 'MTU = 65536'
	expect_error 2 7 'DNS = 1.2.3'
	expect_error 2 16 'DNS = 1.1.1.1, a;b'
	expect_error 2 9 'Table = no-such-table'
	expect_error 2 14 'SaveConfig = yes'
	expect_error 2 1 'Adress = 10.0.0.1'
	expect_error 3 1 $'MTU = 1400\nPostUpp = x'
	expect_error 2 1 'PostUp'
	run "$WQ" strip ./wg0.conf
	[[ $output == *"help: write PostUp = VALUE"* ]]
	: > wg0.conf
	run "$WQ" strip ./wg0.conf
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	mkdir dir.conf
	run "$WQ" strip ./dir.conf
	[ "$status" -eq 1 ]
	[[ $output == *"Is a directory"* ]]
}

@test "every error in a file is reported once, in order, and nothing is changed" {
	cat > wg0.conf <<-END
	[Interface]
	PrivateKey = ${KEY:0:40}
	MTU = 9
	Adress = 10.0.0.1/24
	DNS = 1.1.1.1, a;b
	Table = $KEY
	PostUp = touch $BATS_TEST_TMPDIR/touched
	[Peer]
	AllowedIPs = 10.0.0.0/33
	# An invalid public key is not a missing one. A missing one is reported at the peer's section.
	[Peer]
	PublicKey = short
	Endpoint = 192.0.2.1
	[Pear]
	PublicKey = $KEY
	AllowedIPs = 10.0.0.0/8
	PersistentKeepalive = x
	[Interface]
	SaveConfig = yes
	Address = 10.0.0.1/24, 10.0.0.300
	END
	cp wg0.conf before.conf
	up=$(ip link; ls -d /run/wgsuite 2>&1 || true)
	commands=(strip 'up --dry-run')
	[ "$(id -u)" != 0 ] || commands+=(up save reload diff down)
	for words in "${commands[@]}"; do
		run -1 --separate-stderr "$WQ" $words ./wg0.conf
		[ -z "$output" ]
		[[ $stderr != *"${KEY:0:20}"* ]]
		[ "$(sed -n "s|^$PWD/wg0.conf:||; s/^\([0-9:]*\): error: \([A-Za-z]*\).*/\1 \2/p" <<< "$stderr")" = "2:14 Key
3:7 MTU
4:1 Line
5:16 DNS
6:9 Table
8:1 A
9:14 AllowedIP
12:13 Key
13:12 Unable
14:1 Line
17:23 Persistent
19:14 SaveConfig
20:24 Address" ]
		# The other lines are source lines, carets and help.
		[ -z "$(grep -v -e ': error: ' -e '^  ' <<< "$stderr")" ]
	done
	cmp wg0.conf before.conf
	[ ! -e touched ]
	[ "$(ip link; ls -d /run/wgsuite 2>&1 || true)" = "$up" ]
}

@test "300 errors in a file are all reported" {
	{ echo '[Interface]'; seq -f 'MTU = %.0fx' 300; } > wg0.conf
	run -1 --separate-stderr "$WQ" strip ./wg0.conf
	[ -z "$output" ]
	[ "$(grep -o "^$PWD/wg0.conf:[0-9]*:7: error: " <<< "$stderr" | cut -d: -f2)" = "$(seq 2 301)" ]
}

@test "a world-readable file in a world-accessible folder is a warning" {
	printf '[Interface]\n' > wg0.conf
	chmod 755 . && chmod 644 wg0.conf
	run --separate-stderr "$WQ" strip ./wg0.conf
	[ "$status" -eq 0 ]
	[ "$stderr" = "Warning: \`$(realpath wg0.conf)' is world accessible" ]
	chmod 700 .
	run --separate-stderr "$WQ" strip ./wg0.conf
	[ -z "$stderr" ]
}

@test "a symbolic link determines the interface name, its target the file" {
	printf '[Interface]\nAddress = 10.0.0.1/24\n' > real-file
	ln -s real-file wg7.conf
	run "$WQ" up --dry-run ./wg7.conf
	[[ ${lines[1]} == "[#] wg addconf wg7 /dev/fd/63 63< <(wg-quick strip $(realpath real-file))" ]]
}

@test "--dry-run as an unprivileged user prints the command trace and changes nothing" {
	[ "${WGSUITE_BOX-}" = root ] || skip "only root can become another user"
	cat > wg0.conf <<-END
	[Interface]
	Address = 10.0.0.2/24, fd00::2
	DNS = 10.0.0.1
	PostUp = touch $BATS_TEST_TMPDIR/touched
	[Peer]
	PublicKey = $KEY
	AllowedIPs = 10.7.0.0/16, 0.0.0.0/0
	Endpoint = 127.0.0.1:51820
	END
	here=$(mktemp -d /run/quick_usage.XXXXXX)
	chmod 755 "$here" && install -m 644 wg0.conf "$here/wg0.conf"
	before=$(ip rule; ip link; ls -d /run/wgsuite 2>&1 || true)
	install -m 755 "$WQ" "$here/wg-quick"
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$here/wg-quick" up --dry-run "$here/wg0.conf"
	rm -r "$here"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "[#] ip link add dev wg0 type wireguard"* ]]
	[[ $output == *$'\n[#] wg set wg0 fwmark 51820\n'* ]]
	[[ $output == *$'\n[#] ip -4 address add 10.0.0.2/24 dev wg0\n[#] ip -6 address add fd00::2 dev wg0\n'* ]]
	[[ $output == *$'\n[#] ip -4 rule add not fwmark 51820 table 51820\n'* ]]
	[ "${lines[-1]}" = "[#] touch $BATS_TEST_TMPDIR/touched" ]
	[ "$before" = "$(ip rule; ip link; ls -d /run/wgsuite 2>&1 || true)" ]
	[ ! -e touched ]
}

@test "an error in wgsuite.ini is reported with line and column" {
	[ -n "${WGSUITE_BOX-}" ] || skip "only in tests/lib/box.sh"
	printf '[Interface]\n' > wg0.conf
	printf '[dns]\nbackend = fil\n' > /etc/wireguard/wgsuite.ini
	run "$WQ" up --dry-run ./wg0.conf
	rm /etc/wireguard/wgsuite.ini
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "/etc/wireguard/wgsuite.ini:2:11: error: invalid value: \`fil'" ]
}

@test "manual pages, completions and the OpenRC script have no syntax errors" {
	run mandoc -T lint -W warning "$root"/man/*.[578]
	[ "$status" -eq 0 ]
	bash -n "$root/completion/wg-quick.bash"
	! command -v zsh || zsh -n "$root/completion/wg-quick.zsh"
	! command -v fish || fish -n "$root/completion/wg-quick.fish"
	for script in "$root"/contrib/openrc/*; do sh -n "$script"; done
}

@test "apparmor_parser accepts the profiles" {
	local hosts=$WGSUITE_PEERS/hosts
	[ -e "$hosts/done" ] || skip "tests/lib/get-hosts.sh $WGSUITE_PEERS has not been run"
	for profile in "$root"/contrib/apparmor/*; do
		# Rules about user namespaces need AppArmor 4.
		! grep -q 'abi <abi/4' "$profile" || [ -e "$hosts/etc/apparmor.d/abi/4.0" ] || continue
		"$hosts/usr/sbin/apparmor_parser" -Q -K -T -I "$hosts/etc/apparmor.d" --base "$hosts/etc/apparmor.d" "$profile"
	done
}

@test "completion of commands, options and tunnels" {
	[ -n "${WGSUITE_BOX-}" ] || skip "only in tests/lib/box.sh"
	. "$root/completion/wg-quick.bash"
	touch /etc/wireguard/{office,home}.conf
	complete_words() { COMP_WORDS=(wg-quick "$@"); COMP_CWORD=$#; _wg_quick; }
	complete_words ""
	[ "${COMPREPLY[*]}" = "up down restart save strip reload diff check graph status doctor confirm monitor qr run supervise" ]
	complete_words up ""
	[ "${COMPREPLY[*]}" = "home office" ]
	complete_words check office ""
	[ "${COMPREPLY[*]}" = "home office" ]
	complete_words up office ""
	[ "${COMPREPLY[*]}" = "" ]
	complete_words up --
	[ "${COMPREPLY[*]}" = "--confirm --dry-run --netns --no-hooks --quiet" ]
	complete_words status --h
	[ "${COMPREPLY[*]}" = "--health" ]
	complete_words supervise --
	[ "${COMPREPLY[*]}" = "--no-hooks --quiet" ]
	complete_words supervise /etc/wiregua
	[ "${COMPREPLY[*]}" = "/etc/wireguard" ]
	complete_words run --
	[ "${COMPREPLY[*]}" = "--hooks" ]
	complete_words run ""
	[ "${COMPREPLY[*]}" = "home office" ]
	complete_words run --hooks home pin
	[[ " ${COMPREPLY[*]} " = *" ping "* ]]
	complete_words run home ping --
	[ "${COMPREPLY[*]}" = "" ]
	complete_words up --dry-run of
	[ "${COMPREPLY[*]}" = office ]
	rm /etc/wireguard/{office,home}.conf
}
