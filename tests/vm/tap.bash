# TAP for the scripts of the test machine: same, works and fails are tests, tap_end comes last. The scripts run in a
# writable folder; the file "said" there has the output of a command.
n=0
failed=0
# runs_every_test: this kernel runs every test (run.sh), also those that take long and do not depend on the kernel.
runs_every_test() { [[ $(< /proc/cmdline) == *wgsuite.complete* ]]; }
# same NAME EXPECTED ACTUAL
same() {
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		failed=1
		echo "not ok $n - $1"
		diff <(echo "$2") <(echo "$3") | head -n 20 | cut -c1-300 | sed 's/^/# /'
	fi
}
# works NAME COMMAND…
works() {
	local name=$1 code=0
	shift
	"$@" > said 2>&1 || code=$?
	same "$name" "0 " "$code $(head -c 400 said)"
}
# fails NAME MESSAGE COMMAND…
fails() {
	local name=$1 message=$2 code=0
	shift 2
	"$@" > said 2>&1 || code=$?
	same "$name" "1 $message" "$code $(cat said)"
}
tap_end() {
	echo "1..$n"
	exit "$failed"
}
