# Functions for the benchmarks: the line that describes the machine and the programs. Source this.

cpu_field() { awk -F': *' -v k="$1" '$1 ~ "^" k "[ \t]*$" { print $2; exit }' /proc/cpuinfo; }

cpu_family() { # the name of the CPU's family: figures of different families are not comparable
	local model
	model="$(cpu_field vendor_id) $(cpu_field 'cpu family') $(cpu_field model)"
	case $model in
	'AuthenticAMD 23 '*) echo Zen 2 or earlier ;;
	'AuthenticAMD 25 '[01] | 'AuthenticAMD 25 8' | 'AuthenticAMD 25 '3[3-9] | 'AuthenticAMD 25 '[458]?) echo Zen 3 ;;
	'AuthenticAMD 25 '*) echo Zen 4 ;;
	'AuthenticAMD 26 '*) echo Zen 5 ;;
	'GenuineIntel 6 85') echo Skylake or Cascade Lake ;;
	'GenuineIntel 6 106' | 'GenuineIntel 6 108') echo Ice Lake ;;
	'GenuineIntel 6 143') echo Sapphire Rapids ;;
	'GenuineIntel 6 207') echo Emerald Rapids ;;
	'GenuineIntel 6 173' | 'GenuineIntel 6 174') echo Granite Rapids ;;
	*' '*' '?*) echo "$model" ;;
	*) uname -m ;;
	esac
}

cpu_isa() { # the widest instruction set that the programs may use
	local flag
	if [ -n "${WG_CPU-}" ]; then
		echo "$WG_CPU"
		return
	fi
	for flag in avx512ifma avx512f avx2 ssse3; do
		if cpu_field flags | grep -qw "$flag"; then
			echo "$flag"
			return
		fi
	done
	uname -m
}

about() { # about BENCH LABEL=COMMAND…: appends the line to the file $lines
	local bench=$1 daemon program version names='{}'
	shift
	for daemon; do
		program=${daemon#*=}
		[ "$program" != ceiling ] || continue
		program=${program%% *}
		if [ -e "$program.version" ]; then # written by tests/lib/get-peers.sh
			version=$(cat "$program.version")
		else
			version=$(timeout 5 "$program" --version 2> /dev/null < /dev/null | head -n 1) || version=
		fi
		names=$(jq -c --arg k "${daemon%%=*}" --arg v "$version" '. + {($k): $v}' <<< "$names")
	done
	# shellcheck disable=SC2154
	jq -cn --arg bench "$bench" --arg date "$(date -u +%FT%RZ)" --arg kernel "$(uname -sr)" --argjson cores "$(nproc)" \
		--arg cpu "$(cpu_field 'model name')" --arg family "$(cpu_family)" --arg isa "$(cpu_isa)" \
		--argjson load "$(cut -d' ' -f1 /proc/loadavg)" --argjson of "$names" \
		'{about: {$bench, $date, $cpu, $family, $isa, $cores, $kernel, $load, $of}}' >> "$lines"
}
