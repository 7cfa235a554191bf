# fish completion for wg(8). Interfaces and peers are read with wg.

function __wg_words
    commandline -opc
end

function __wg_interfaces
    wg show interfaces 2>/dev/null | string split -n ' '
end

function __wg_peers
    set -l words (__wg_words)
    wg show $words[3] peers 2>/dev/null
end

# Names of the peers of an interface, as @NAME with the key as its description.
function __wg_names
    set -l words (__wg_words)
    wg show $words[3] names 2>/dev/null | string replace -rf '^(?:\S+\t)?(\S+)\t(?!\(none\)$)([^\t]+)$' '@$2\t$1'
end

# __wg_at N COMMAND...: true if N words precede this one, and the command is one of these.
function __wg_at
    set -l words (__wg_words)
    test (count $words) -eq $argv[1]; and contains -- "$words[2]" $argv[2..-1]
end

# __wg_set_after SETTING...: true if this is the value of one of these settings.
function __wg_set_after
    set -l words (__wg_words)
    test (count $words) -gt 3; and test "$words[2]" = set; and contains -- "$words[-1]" $argv
end

# __wg_set_setting device|peer: true if a setting of the interface or of a peer is expected.
function __wg_set_setting
    set -l words (__wg_words)
    test (count $words) -ge 3; and test "$words[2]" = set; or return 1
    contains -- "$words[-1]" peer private-key preshared-key fwmark persistent-keepalive listen-port \
        endpoint allowed-ips; and return 1
    if test "$argv[1]" = peer
        contains -- peer $words[4..-1]
    else
        not contains -- peer $words[4..-1]
    end
end

# __wg_checks files|findings: true if "check" expects one of these: findings after --explain.
function __wg_checks
    set -l words (__wg_words)
    test (count $words) -ge 2; and test "$words[2]" = check; or return 1
    if test "$argv[1]" = findings
        contains -- --explain $words
    else
        not contains -- --explain $words
    end
end

set -l commands show showconf set setconf addconf syncconf genkey genpsk pubkey watch ping check help
set -l fields public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips \
    latest-handshakes transfer persistent-keepalive dump names json prometheus openmetrics

complete -c wg -f
complete -c wg -n 'test (count (__wg_words)) -eq 1' -a "$commands"
complete -c wg -n '__wg_at 2 watch' -a '(__wg_interfaces) all'
complete -c wg -n '__wg_at 3 watch; or __wg_at 4 watch' -a json
complete -c wg -n 'begin; __wg_at 3 watch; or __wg_at 4 watch; or __wg_at 5 watch; end; and string match -q "@*" -- (commandline -ct)' -a '(__wg_names)'
complete -c wg -n '__wg_at 2 show' -a '(__wg_interfaces) all interfaces'
complete -c wg -n '__wg_at 2 showconf set setconf addconf syncconf ping' -a '(__wg_interfaces)'
complete -c wg -n '__wg_at 3 show' -a "$fields"
complete -c wg -n '__wg_at 3 show; and string match -q "@*" -- (commandline -ct)' -a '(__wg_names)'
complete -c wg -n '__wg_at 4 show; and not string match -qr metrics\|prometheus -- (__wg_words)[4]' -a '(__wg_names)'
complete -c wg -n '__wg_at 4 show; and string match -qr metrics\|prometheus -- (__wg_words)[4]' -F
complete -c wg -n '__wg_at 3 setconf addconf syncconf' -F
complete -c wg -n '__wg_at 4 setconf syncconf' -a --allow-empty
complete -c wg -n '__wg_at 3 ping' -a '(__wg_peers) (__wg_names)'
complete -c wg -n '__wg_at 4 ping; or __wg_at 6 ping' -a '-c -a'
complete -c wg -n '__wg_checks files' -F
complete -c wg -n '__wg_checks files' -a '--strict --resolve --explain --format=text --format=json --format=github'
complete -c wg -n '__wg_checks findings' -a '(wg check --explain 2>/dev/null | string replace -r ":.*" "")'
complete -c wg -n '__wg_set_after peer' -a '(__wg_peers) (__wg_names)'
complete -c wg -n '__wg_set_after private-key preshared-key' -F
complete -c wg -n '__wg_set_after fwmark persistent-keepalive' -a off
complete -c wg -n '__wg_set_setting device' -a 'listen-port fwmark private-key peer'
complete -c wg -n '__wg_set_setting peer' \
    -a 'peer remove update-only preshared-key endpoint persistent-keepalive allowed-ips'
