#!/usr/bin/env bats
# `wg check` and `wg-quick check`. For each finding, tests/cli/check has files that show it (ID.bad.conf, or a folder ID.bad
# with several files) with the exact output (ID.expected), and files that must not show it (ID.good.conf). ID.options: which
# program and options, names of files, modes and the MTU of the path.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; umask 077; }
teardown() { wg_teardown; }

cases=$BATS_TEST_DIRNAME/check
QUICK=${WG%/wg}/wg-quick

ids() {
	"$WG" check --explain | sed 's/:.*//'
}

# prepare ID bad|good: copies the files into the current folder and sets `arguments`, the command that checks them.
prepare() {
	local id=$1 kind=$2 name=wg0 good_name= mode=600 good_mode= program=wg-quick options= mtu= file
	[ ! -e "$cases/$id.options" ] || . "$cases/$id.options"
	[ "$kind" = bad ] || name=${good_name:-$name} mode=${good_mode:-$mode}
	[ "$program" = wg ] && arguments=("$WG" check) || arguments=("$QUICK" check)
	[ -z "$options" ] || arguments+=("$options")
	[ -z "$mtu" ] || ip link set lo up mtu "$mtu"
	rm -f ./*.conf
	if [ -d "$cases/$id.$kind" ]; then
		cp "$cases/$id.$kind"/*.conf .
	else
		cp "$cases/$id.$kind.conf" "$name.conf"
	fi
	chmod 755 .
	chmod "$mode" ./*.conf
	for file in ./*.conf; do
		arguments+=("${file#./}")
	done
}

@test "every finding is reported, exactly as expected" {
	local id status failed=
	for id in $(ids); do
		prepare "$id" bad
		status=0
		"${arguments[@]}" > out 2> err || status=$?
		echo "exit status $status" >> out
		diff -u "$cases/$id.expected" out && [ ! -s err ] && grep -qF "[$id]" out || failed="$failed $id"
	done
	[ -z "$failed" ] || { echo "failed:$failed"; return 1; }
}

@test "no finding is reported for a similar file without it" {
	local id failed=
	for id in $(ids); do
		prepare "$id" good
		"${arguments[@]}" > out 2> err || [ $? = 1 ]
		[ ! -s err ] && ! grep -F "[$id]" out || failed="$failed $id"
	done
	[ -z "$failed" ] || { echo "failed:$failed"; return 1; }
}

@test "every finding has files, and every file a finding" {
	ls "$cases" | sed 's/\.\(bad\|good\|expected\|options\).*//' | sort -u > have
	ids | sort > want
	diff want have
}

@test "no output contains a secret" {
	local id key format
	for id in $(ids); do
		prepare "$id" bad
		for format in text json github; do
			"${arguments[@]}" --format=$format > out 2>&1 || true
			for key in $(sed -n 's/^ *\(PrivateKey\|PresharedKey\) *= *\([^ ]\{40,\}\)$/\2/p' ./*.conf); do
				if grep -F "${key:0:20}" out; then
					return 1
				fi
			done
		done
	done
}

# The file and the output of the example in contrib/doc/tour.md. The manual pages have the same output, README.md its first lines.
@test "the example in contrib/doc/tour.md and in the manual pages" {
	local document=contrib/doc/tour.md
	sed -n '/^    server# cat wg0.conf$/,/^    server# wg-quick check/{/server#/d; s/^    //; p;}' "$root/$document" > wg0.conf
	sed -n '/^    server# wg-quick check/,/^$/{/server#/d; /^$/d; s/^    //; p;}' "$root/$document" > want
	[ -s want ]
	"$QUICK" check wg0.conf | diff want -
	document=README.md
	sed -n '/^    server# wg-quick check/,/^$/{/server#/d; /^$/d; s/^    //; p;}' "$root/$document" > short
	[ -s short ]
	head -n "$(wc -l < short)" want | diff short -
	for document in wg-quick.8 wgsuite.7; do
		sed -n '/^# wg-quick check wg0.conf$/,/^\.Ed$/p' "$root/man/$document" | sed '1d; $d' | diff want -
	done
}

@test "every page has all parts, and no line is longer than a terminal" {
	local id
	for id in $(ids); do
		"$WG" check --explain "$id" > page
		[ "$(grep -cxE 'Why|Wrong|Right|How to fix it' page)" = 4 ]
		if tail -n +2 page | grep -E '.{81}'; then
			return 1
		fi
		"$QUICK" check --explain "$id" | diff page -
	done
	"$WG" check --explain crlf | diff <("$WG" check --explain dos-line-ends) -
	"$WG" check --explain $(ids) > pages
	[ "$(grep -cx 'Why' pages)" = "$(ids | wc -l)" ]
	run -1 --separate-stderr "$WG" check --explain dup-peers
	[ "$stderr" = "wg: there is no finding \`dup-peers'
  help: did you mean dup-peer?" ]
}

@test "options, exit status, files that cannot be read" {
	prepare dup-peer bad
	"$QUICK" check ./wg0.conf > out
	run -2 "$QUICK" check --strict ./wg0.conf
	[ "$output" = "$(cat out)" ]
	run -0 "$QUICK" check --format=gcc ./wg0.conf
	[ "$output" = "$(cat out)" ]
	prepare empty-hook bad
	run -0 "$QUICK" check --strict ./wg0.conf
	prepare bad-port bad
	run -1 "$QUICK" check --strict ./wg0.conf
	run -1 --separate-stderr "$WG" check nosuch.conf
	[ "$stderr" = "wg: cannot read nosuch.conf: No such file or directory" ]
	run -1 --separate-stderr "$WG" check .
	[ "$stderr" = "wg: cannot read .: Is a directory" ]
	run -1 --separate-stderr "$WG" check --formt=text x
	[ "${stderr_lines[0]}" = "wg: unknown option \`--formt=text'" ]
	[ "${stderr_lines[1]}" = "  help: did you mean --format=text?" ]
	run -1 --separate-stderr "$WG" check
	[ "${stderr_lines[0]}" = "Usage: wg check [--strict] [--resolve] [--format=text|json|github] <file>..." ]
	run -1 --separate-stderr "$WG" check --format=xml x
	[ "${stderr_lines[0]}" = "wg: unknown format \`xml'" ]
	prepare dup-peer good
	run -0 "$QUICK" check --strict -- wg0.conf
	[ -z "$output" ]
	sed '/Address/d' wg0.conf | "$WG" check /dev/stdin
}

@test "without arguments, all files of /etc/wireguard are checked" {
	prepare dup-peer bad
	mkdir -p /etc/wireguard
	cp wg0.conf /etc/wireguard/b0.conf
	cp wg0.conf /etc/wireguard/a0.conf
	echo text > /etc/wireguard/notes
	"$QUICK" check | grep -F '[dup-peer]' | cut -d: -f1 | diff <(printf '/etc/wireguard/%s.conf\n' a0 b0) -
	"$QUICK" check b0 | grep -F '[dup-peer]' | grep ^/etc/wireguard/b0.conf:
	rm -r /etc/wireguard/*
}

@test "the format for GitHub has one line for each finding, and escapes what ends a line or a property" {
	prepare preshared-key-mismatch bad
	cp a.conf 'a,%:.conf'
	"$WG" check --format=github 'a,%:.conf' nosuch.conf > out 2> err || true
	"$QUICK" check --format=github 'a,%:.conf' b.conf > out || true
	grep -F '::error file=a%2C%25%3A.conf,line=1,col=1,endColumn=2,title=bad-name::' out
	grep -F '::warning file=a%2C%25%3A.conf,line=9,col=16,endColumn=60,title=preshared-key-mismatch::' out
	if grep -v '^::' out; then
		return 1
	fi
}

@test "JSON has the findings of the text, is valid, and has the keys of the manual page" {
	local id
	for id in $(ids); do
		prepare "$id" bad
		"${arguments[@]}" > out 2> err || true
		grep -aE '^[^ ].*: (error|warning|note): .*\[[a-z0-9-]*\]$' out > "text.$id"
		"${arguments[@]}" --format=json > "json.$id" 2> err || true
	done
	"$WG" check --format=json nosuch.conf > json.none 2> err || true
	: > text.none
	python3 - <<-'END'
		import glob, json
		files = glob.glob("json.*")
		assert len(files) > 50
		for name in files:
		    d = json.load(open(name))
		    for level in ["error", "warning", "note"]:
		        assert d[level + "s"] == sum(f["severity"] == level for f in d["findings"])
		    for f in d["findings"]:
		        assert set(f) <= {"file", "line", "column", "endColumn", "severity", "id", "message", "source", "help", "note"}
		    text = "".join("%(file)s:%(line)d:%(column)d: %(severity)s: %(message)s [%(id)s]\n" % f for f in d["findings"])
		    assert text == open(name.replace("json", "text", 1)).read(), name
	END
}

@test "long lines, control characters, text from right to left" {
	prepare dup-peer good
	awk 'BEGIN { printf "AllowedIPs = "; for (i = 0; i < 65536; i++) printf "10.%d.%d.0/24, ", i / 256, i % 256; print "10.0.0.1/33" }' \
		>> wg0.conf
	printf 'Endpoint = \033[2J\342\200\256\302\233\377:1:x\n' >> wg0.conf
	printf '# \342\200\256 \033]0;title\007\nPostUp\342\200\213 = x\n' >> wg0.conf
	"$QUICK" check ./wg0.conf > out || true
	[ "$(wc -L < out)" -lt 400 ]
	grep -F '[allowed-ips-range]' out
	iconv -f UTF-8 -t UTF-8 out > again
	cmp out again
	"$QUICK" check --format=json ./wg0.conf >> out || true
	"$QUICK" check --format=github ./wg0.conf >> out || true
	if LC_ALL=C grep -P '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xc2[\x80-\x9f]' out; then
		return 1
	fi
}

# Each folder has the files of one network, which are checked together and one by one.
@test "no error and no warning for 250 files as installers, providers and people write them" {
	local folder file n
	n=$(python3 "$BATS_TEST_DIRNAME/real_world.py" files)
	[ "$n" -ge 250 ]
	for folder in files/*; do
		(cd "$folder" && "$QUICK" check --strict ./*.conf > "$BATS_TEST_TMPDIR/out") || { cat out; return 1; }
		for file in "$folder"/*.conf; do
			"$QUICK" check --strict "$file" > out || { cat out; return 1; }
		done
	done
}
