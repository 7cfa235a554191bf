# Completion of wg-quick(8) for fish.
function __wg_quick_tunnels
	for file in /etc/wireguard/*.conf
		string replace -r '.*/(.*)\.conf$' '$1' -- $file
	end
	string split ' ' -- (wg show interfaces 2>/dev/null)
end
set -l verbs up down save strip reload diff
complete -c wg-quick -f
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a up -d 'Bring a tunnel up'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a down -d 'Take a tunnel down'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a save -d 'Write the state into the file'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a strip -d 'Print what wg reads of a file'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a reload -d 'Apply what changed in the file'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a diff -d 'Show what reload would do'
complete -c wg-quick -n "__fish_seen_subcommand_from $verbs" -a '(__wg_quick_tunnels)'
complete -c wg-quick -n '__fish_seen_subcommand_from up' -l dry-run -d 'Print, do nothing'
complete -c wg-quick -n '__fish_seen_subcommand_from up down' -l no-hooks -d 'Run no hooks'
