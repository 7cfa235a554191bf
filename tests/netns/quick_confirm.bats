# up --confirm, reload --confirm and confirm: a change that nobody confirms is rolled back, whatever becomes of the process
# that made it and of its terminal.
load ../lib/netns
load ../lib/quick

setup_file() { faults_build; }
setup() {
	net_begin
	quick_host
	quick_file wg0 "Address = 10.7.0.1/24
MTU = 1400
DNS = 10.7.0.53" "10.8.0.0/16"
}
teardown() { net_end; }

OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=

record() { on a sh -c 'ls /run/wgsuite | grep confirm'; }
no_record() { ! record; }
# watcher: the process that waits for the deadline.
watcher() { on a pgrep -x wg-quick; }
no_watcher() { ! watcher; }
is_down() { ! in_net a ip link show wg0 2> /dev/null; }
wg_state() { on a wg showconf wg0 | sed "s/AllowedIPs = //; s/, /\n/g" | sort; quick_state | grep -v -e confirm -e "^wg-quick\$"; }
is_as_before() { [ "$(wg_state)" = "$before" ]; }

edit() { on a sed -i "$1" /etc/wireguard/wg0.conf; }

# change: edits everything that reload can change.
change() {
	quick_file wg0 "Address = 10.7.0.2/24, fd07::2/64
ListenPort = 4444
MTU = 1300
FwMark = 0x77
DNS = 10.7.0.54" "10.9.0.0/16, ::/0
PersistentKeepalive = 5"
	printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.66.0.0/16\n' $OTHER | on a tee -a /etc/wireguard/wg0.conf > /dev/null
}

@test "up --confirm: confirmed, the tunnel stays; not confirmed, it is taken down, and nothing is left" {
	none=$(quick_state)
	run -0 on a wg-quick up --confirm 1000 wg0
	[[ $output == *"the change is rolled back in 1000 seconds, unless it is confirmed"*"help: run \`wg-quick confirm wg0'"* ]]
	watcher
	run -0 on a wg-quick status wg0
	[[ $output =~ "unconfirmed: the tunnel is rolled back in "[0-9]+" seconds unless you run \`wg-quick confirm wg0'" ]]
	run -0 on a wg-quick status wg0 json
	[[ $output =~ '"unconfirmed": {'[[:space:]]*'"command": "up",'[[:space:]]*'"secondsLeft": '[0-9]+ ]]
	run -0 on a wg-quick confirm wg0
	[ -z "$output" ]
	[[ $(on a wg-quick status wg0) != *unconfirmed* ]]
	eventually 5 no_watcher
	no_record
	run -1 on a wg-quick confirm wg0
	[[ $output == *"wg0: no change awaits confirmation"* ]]
	run -1 on a wg-quick confirm
	in_net a ip link show wg0
	on a wg-quick down wg0
	quick_settled "$none"

	on a wg-quick up --confirm=1 wg0
	eventually 10 is_down
	eventually 5 no_watcher
	quick_settled "$none"
}

@test "reload --confirm: everything is as it was after the time, and the edited file is left alone" {
	on a wg-quick up wg0
	on a wg set wg0 peer $OTHER persistent-keepalive 7 endpoint 192.168.5.254:99 # no file has it
	before=$(wg_state)
	change
	edited=$(on a cat /etc/wireguard/wg0.conf)
	run -0 on a wg-quick reload --confirm 1000 wg0
	[ "$(on a wg show wg0 listen-port)" = 4444 ]
	[[ $(on a wg show wg0 allowed-ips) == *"$OTHER"*10.66.0.0/16* ]]
	quick_expire
	eventually 10 is_as_before || diff <(echo "$before") <(wg_state)
	eventually 5 no_watcher
	no_record
	[ "$(on a cat /etc/wireguard/wg0.conf)" = "$edited" ]
	# The file is not in force: the next reload applies it, and with the old one there is no difference but the foreign peer.
	[ -n "$(on a wg-quick diff wg0)" ]
	run -0 on a wg-quick reload --confirm 1000 wg0
	on a wg-quick confirm
	[ "$(on a wg show wg0 listen-port)" = 4444 ]
	[ -z "$(on a wg-quick diff wg0)" ]
}

@test "a full tunnel that was changed into another and back has its mark, rules, firewall and name servers again" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
DNS = 10.7.0.53" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	before=$(wg_state)
	change
	on a wg-quick reload --confirm 1000 wg0
	[[ $(wg_state) != "$before" ]]
	quick_expire
	eventually 10 is_as_before || diff <(echo "$before") <(wg_state)
	eventually 5 no_watcher
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
DNS = 10.7.0.53" "0.0.0.0/0, ::/0"
	[ -z "$(on a wg-quick diff wg0)" ]
	on a wg-quick down wg0
}

@test "the roll-back looks up no names" {
	edit "s/^Endpoint.*/Endpoint = server.example:5801/"
	echo "192.168.5.254 server.example" | on a tee -a /etc/hosts
	on a wg-quick up wg0
	before=$(wg_state)
	edit "s/^Endpoint.*/Endpoint = 192.168.5.9:9/"
	on a wg-quick reload --confirm 1000 wg0
	[[ $(on a wg show wg0 endpoints) == *192.168.5.9:9* ]]
	on a sed -i /server.example/d /etc/hosts
	quick_expire
	eventually 10 is_as_before || diff <(echo "$before") <(wg_state)
	eventually 5 no_watcher
	echo "192.168.5.254 server.example" | on a tee -a /etc/hosts
	edit "s/^Endpoint.*/Endpoint = server.example:5801/"
	[ -z "$(on a wg-quick diff wg0)" ]
}

@test "a second change continues the first: the roll-back leads to the last confirmed state" {
	on a wg-quick up wg0
	before=$(wg_state)
	change
	on a wg-quick reload --confirm 1000 wg0
	first=$(watcher)
	for verb in reload restart; do
		run -1 on a wg-quick $verb wg0
		[[ $output == *"an earlier change of the tunnel awaits confirmation"*"help: run \`wg-quick confirm wg0' first"* ]]
	done
	edit "s/4444/5555/"
	on a wg-quick reload --confirm 1000 wg0
	[ "$(on a wg show wg0 listen-port)" = 5555 ]
	one_other() { [ "$(watcher | wc -l)" = 1 ] && [ "$(watcher)" != "$first" ]; }
	eventually 5 one_other
	# One that fails leaves it as it is.
	edit "s/MTU = 1300/MTU = 1301/; s/10.66.0.0/nonsense/"
	run -1 on a wg-quick reload --confirm 1000 wg0
	record
	quick_expire
	eventually 10 is_as_before || diff <(echo "$before") <(wg_state)
	eventually 5 no_watcher
	# Of an `up` that is not confirmed, the roll-back of a reload is `down`.
	on a wg-quick down wg0
	quick_file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
	on a wg-quick up --confirm 1000 wg0
	quick_file wg0 "Address = 10.7.0.2/24" "10.8.0.0/16"
	on a wg-quick reload --confirm 1000 wg0
	quick_expire
	eventually 10 is_down
}

@test "a second change that cannot begin leaves the first one to the process that waits for it" {
	on a wg-quick up wg0
	before=$(wg_state)
	change
	on a wg-quick reload --confirm 1000 wg0
	first=$(watcher)
	edit "s/4444/5555/"
	# Its file cannot be made, or named, or its process cannot be started.
	has_changed() { [ "$(watcher | wc -l)" = 1 ] && [ "$(watcher)" != "$first" ]; }
	only_first() { [ "$(watcher)" = "$first" ]; }
	on a env WG_QUICK_FAULT_LOG="$NET_DIR/steps" "$FAULTS/wg-quick" reload --confirm 1000 wg0
	watch=$(grep -m 1 watcher "$NET_DIR/steps")
	rm "$NET_DIR/steps"
	edit "s/5555/6666/"
	eventually 5 has_changed
	first=$(watcher)
	for step in -2 -1 0 1; do
		run -1 on a env WG_QUICK_FAULT=$((${watch% *} + step)) WG_QUICK_FAULT_LOG="$NET_DIR/steps" "$FAULTS/wg-quick" reload --confirm 1000 wg0
		eventually 5 only_first
		[ "$(on a wg show wg0 listen-port)" = 5555 ]
	done
	[ "$(cut -d" " -f2 "$NET_DIR/steps" | grep -xE "create|watcher|rename" | sort -u | xargs)" = "create rename watcher" ]
	# It begins and is rolled back: the first change is in effect again, so that a login confirms it.
	run -1 on a env WG_QUICK_FAULT=$((${watch% *} + 2)) "$FAULTS/wg-quick" reload --confirm 1000 wg0
	[[ $output == *"wg0: warning: the reload was rolled back"* ]]
	[ "$(on a wg show wg0 listen-port)" = 5555 ]
	on a grep -q "^in-effect 0*[1-9][0-9]* 0*[1-9]" "/run/wgsuite/$(record)"
	quick_expire
	eventually 10 is_as_before || diff <(echo "$before") <(wg_state)
	eventually 5 no_watcher # the record is removed last
	no_record
}

@test "a change is rolled back although its record cannot be read for a while, and the tunnel is locked for long" {
	printf '[lock]\ntimeout = 0\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	on a wg-quick up wg0
	before=$(wg_state)
	change
	on a wg-quick reload --confirm 1000 wg0
	file=/run/wgsuite/$(record) pid=$(watcher)
	switches() { on a awk '/^voluntary/ { print $2 }' "/proc/$pid/status"; }
	has_looked() { [ "$(switches)" -gt "$switches" ] && on a grep -q "^State:.S" "/proc/$pid/status"; }
	on a cp "$file" /run/record
	switches=$(switches)
	on a dd if=/dev/zero of="$file" bs=1 count=4 conv=notrunc status=none
	eventually 10 has_looked
	[ "$(watcher)" = "$pid" ]
	on_bg a flock -F "/run/wgsuite/$(on a sh -c 'cd /run/wgsuite; echo wg0@*[0-9]').lock" sleep 1000
	eventually 5 on a pgrep -fx "sleep 1000" # has the lock
	on a dd if=/run/record of="$file" conv=notrunc status=none
	on a rm /run/record
	quick_expire
	for i in 1 2; do
		switches=$(switches)
		eventually 10 has_looked
	done
	record
	on a pkill -x sleep
	eventually 10 is_as_before || diff <(echo "$before") <(wg_state)
	eventually 5 no_watcher
}

@test "down and up while a change awaits confirmation; a reload without changes needs none" {
	none=$(quick_state)
	on a wg-quick up wg0
	run -0 on a wg-quick reload --confirm 1000 wg0
	[[ $output == *"the file has no changes, so there is nothing to confirm"* ]]
	no_record
	change
	on a wg-quick reload --confirm 1000 wg0
	on a wg-quick down wg0
	no_record
	eventually 5 no_watcher
	quick_settled "$none"
	on a wg-quick up --confirm 1000 wg0
	in_net a ip link delete wg0
	on a wg-quick up wg0
	no_record
	eventually 5 no_watcher
	on a wg-quick down wg0
}

@test "the terminal and the process that made the change die; the process that waits is killed" {
	on a wg-quick up wg0
	before=$(wg_state)
	change
	# The session leader's end sends SIGHUP to all that it has.
	on a python3 - <<-'END'
	import os, pty, sys
	pid, fd = pty.fork()
	if pid == 0:
	    os.execvp("bash", ["bash", "-c", "wg-quick reload --confirm 1000 wg0; exec sleep 1000"])
	said = b""
	while b"unless it is confirmed" not in said:
	    said += os.read(fd, 4096)
	os.close(fd) # hangs up
	os.waitpid(pid, 0)
	END
	watcher
	quick_expire
	eventually 10 is_as_before || diff <(echo "$before") <(wg_state)
	eventually 5 no_watcher

	# Killed before the time: the next command waits again, and confirming is possible.
	on a wg-quick reload --confirm 1000 wg0
	on a kill -KILL "$(watcher)"
	eventually 5 no_watcher
	record
	run -1 on a wg-quick reload wg0
	watcher
	on a kill -KILL "$(watcher)"
	eventually 5 no_watcher
	on a wg-quick confirm wg0
	[ "$(on a wg show wg0 listen-port)" = 4444 ]
	no_record

	# Killed, and the time is over: the next command rolls back, and confirms nothing.
	edit "s/4444/5555/"
	before=$(wg_state)
	on a wg-quick reload --confirm 1000 wg0
	on a kill -KILL "$(watcher)"
	eventually 5 no_watcher
	quick_expire
	run -1 on a wg-quick confirm wg0
	[[ $output == *"the change was not confirmed within 1000 seconds and was rolled back"* ]]
	is_as_before
}

@test "the change of another boot is forgotten, and nonsense is refused" {
	on a wg-quick up wg0
	before=$(wg_state)
	change
	on a wg-quick reload --confirm 1000 wg0
	on a kill -KILL "$(watcher)"
	eventually 5 no_watcher
	on a sed -i 's/^boot .*/boot other/' "/run/wgsuite/$(record)"
	run -1 on a wg-quick confirm wg0
	[[ $output == *"no change awaits confirmation"* ]]
	no_record
	[ "$(on a wg show wg0 listen-port)" = 4444 ]
	for value in 0 -1 x 86401 ""; do
		run -1 on a wg-quick reload --confirm="$value" wg0
		[[ $output == *"option \`--confirm' needs a number of seconds from 1 to 86400"* ]]
	done
	run -1 on a wg-quick reload wg0 --confirm
	[[ $output == *"needs a number of seconds"* ]]
	run -1 on a wg-quick down --confirm 5 wg0
	[[ $output == *"down does not accept the option \`--confirm'"* ]]
	# A journal of an earlier version does not have the lines of the file.
	edit "s/4444/5555/"
	on a sh -c 'sed -i "/^line /d" /run/wgsuite/wg0@*'
	run -1 on a wg-quick reload --confirm 5 wg0
	[[ $output == *"cannot roll back a change: the journal has no record of the previous file"* ]]
	[ "$(on a wg show wg0 listen-port)" = 4444 ]
}

@test "reload --check tells whether the change cuts the SSH session, and changes nothing" {
	on a wg-quick up wg0
	state=$(quick_state)
	check() { on a env SSH_CONNECTION="$1" wg-quick reload --check wg0; }
	outside="8.8.8.8 50022 192.168.5.1 22" near="192.168.5.254 50022 192.168.5.1 22" inside="10.8.0.9 50022 10.7.0.1 22"
	for session in "$outside" "$near" "$inside"; do
		run -0 check "$session"
		[ "$output" = "the change does not concern the way to and from ${session%% *}" ]
	done
	quick_file wg0 "Address = 10.7.0.2/24" "0.0.0.0/0"
	run -5 check "$outside"
	[[ $output == *"wg-quick: wg0: the reload would cut this SSH session: replies to 8.8.8.8 would enter the tunnel"* ]]
	[[ $output == *"help: run \`wg-quick reload --confirm 60 wg0', which is rolled back unless \`wg-quick confirm' is run"* ]]
	run -0 check "$near" # the main table has its network
	run -5 check "$inside"
	[[ $output == *"the address of this host that it is connected to would be removed, and is not reached from 10.8.0.9"* ]]
	# sudo(8) removes the variable, but not from its parent.
	run -5 on a env SSH_CONNECTION="$outside" sh -c 'env -u SSH_CONNECTION wg-quick reload --check wg0; exit $?'
	run -0 on a wg-quick reload --check wg0
	[[ $output == *"warning: no SSH session was found: SSH_CONNECTION is not set"* ]]
	[ "$(quick_state)" = "$state" ]
	# It is right: the next one is as this one says.
	before=$(on a ip route get 8.8.8.8 | grep -c wg0) || true
	on a wg-quick reload wg0
	[ "$before" = 0 ]
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0"* ]]
	[[ $(on a ip route get 192.168.5.254) == *"dev eth0"* ]]
	run -0 check "$near"
}
