# Hooks: who may have written them, how they fail, and that reload and diff leave alone what they did.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# messages STATUS LINES: of `up` of a file with these hooks, which fails, without the command trace.
messages() {
	quick_file wg0 "$2" "10.8.0.0/16"
	run "-$1" on a wg-quick up wg0
	output=$(grep -v -e '^\[' <<< "$output")
}

@test "20: a failing hook prints its own messages and our sentence" {
	messages 1 'PostUp = false; echo x'
	[ "$output" = "wg-quick: wg0: PostUp line 1 failed with status 1: false; echo x" ]
	messages 1 'PreUp = true
PreUp = f() { local x=1; false | cat; }; f'
	[ "$output" = "wg-quick: wg0: PreUp line 2 failed with status 1: f() { local x=1; false | cat; }; f" ]
	messages 7 'PostUp = echo said >&2; ( exit 7 )'
	[ "$output" = "said
wg-quick: wg0: PostUp line 1 failed with status 7: echo said >&2; ( exit 7 )" ]
	messages 127 'PostUp = nosuchcommand a'
	[ "$output" = "wg-quick: nosuchcommand: command not found
wg-quick: wg0: PostUp line 1 failed with status 127: nosuchcommand a" ]
	messages 143 'PostUp = trap "echo bye >&2" EXIT; kill $BASHPID; true'
	[ "$output" = "bye
wg-quick: wg0: PostUp line 1 failed with status 143: trap \"echo bye >&2\" EXIT; kill \$BASHPID; true" ]
	quick_file wg0 'PostDown = cat /nonexistent' "10.8.0.0/16"
	on a wg-quick up wg0
	run -1 on a wg-quick down wg0
	[ "$(grep -v -e '^\[' <<< "$output")" = "cat: /nonexistent: No such file or directory
wg-quick: wg0: PostDown line 1 failed with status 1: cat /nonexistent" ]
}
