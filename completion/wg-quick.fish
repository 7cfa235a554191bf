# fish completion for wg-quick(8).
function __wg_quick_tunnels
	for file in /etc/wireguard/*.conf
		string replace -r '.*/(.*)\.conf$' '$1' -- $file
	end
	string split ' ' -- (wg show interfaces 2>/dev/null)
end
set -l verbs up down restart save strip reload diff check graph status doctor confirm monitor qr run supervise
complete -c wg-quick -f
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a up -d 'Bring a tunnel up'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a down -d 'Take a tunnel down'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a restart -d 'Take a tunnel down and bring it up'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a save -d 'Write the running configuration to the file'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a strip -d 'Print the file without the keys of wg-quick'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a reload -d 'Apply the changes in the file'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a diff -d 'Show the changes that reload would apply'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a check -d 'Find and explain mistakes in tunnel files'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a graph -d 'Print the mesh of tunnel files for Graphviz'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a status -d 'Show the state of a tunnel, or of all tunnels'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a doctor -d 'Examine a tunnel and show how to fix it'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a confirm -d 'Keep a change made with --confirm'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a monitor -d 'Restore what other programs remove from tunnels'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a qr -d 'Show the file as a QR code for phones'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a run -d 'Run a command whose traffic goes through a tunnel'
complete -c wg-quick -n "not __fish_seen_subcommand_from $verbs" -a supervise -d 'Keep the tunnels of all files in a directory up'
complete -c wg-quick -n "__fish_seen_subcommand_from $verbs; and not __fish_seen_subcommand_from monitor supervise" -a '(__wg_quick_tunnels)'
complete -c wg-quick -n '__fish_seen_subcommand_from up' -l dry-run -d 'Print the steps only'
complete -c wg-quick -n '__fish_seen_subcommand_from reload' -l check -d 'Only report whether it would cut off the SSH session'
complete -c wg-quick -n '__fish_seen_subcommand_from up reload' -l confirm -x -d 'Roll back unless confirmed within SECONDS'
complete -c wg-quick -n '__fish_seen_subcommand_from up restart' -l netns -x -a '(ip netns list 2>/dev/null | string replace -r " .*" "")' -d 'Network namespace of the interface'
complete -c wg-quick -n '__fish_seen_subcommand_from up down restart supervise' -l no-hooks -d 'Do not run hooks'
complete -c wg-quick -n '__fish_seen_subcommand_from up down restart save reload supervise' -s q -l quiet -d 'Print no command trace'
complete -c wg-quick -n '__fish_seen_subcommand_from check' -l strict -d 'Fail for warnings'
complete -c wg-quick -n '__fish_seen_subcommand_from check' -l resolve -d 'Look names up'
complete -c wg-quick -n '__fish_seen_subcommand_from check' -l explain -x -a '(wg-quick check --explain 2>/dev/null | string replace -r ":.*" "")' -d 'Explain findings'
complete -c wg-quick -n '__fish_seen_subcommand_from check' -l format -x -a 'text json github' -d 'Choose the format'
complete -c wg-quick -n '__fish_seen_subcommand_from doctor' -l fix -d 'Do what reload would do'
complete -c wg-quick -n '__fish_seen_subcommand_from qr' -s o -l output -r -F -d 'Write an image'
complete -c wg-quick -n '__fish_seen_subcommand_from diff status' -l format -x -a 'text json' -d 'Format of the output'
complete -c wg-quick -n '__fish_seen_subcommand_from status' -l health -d 'Print problems only'
complete -c wg-quick -n '__fish_seen_subcommand_from supervise' -x -a '(__fish_complete_directories)'
complete -c wg-quick -n '__fish_seen_subcommand_from run' -l hooks -d 'Run the hooks inside'
complete -c wg-quick -n '__fish_seen_subcommand_from run; and test (count (string match -v -- "-*" (commandline -opc))) -gt 2' -a '(__fish_complete_subcommand --fcs-skip=3)'
