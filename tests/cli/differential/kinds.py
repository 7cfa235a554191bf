"""The kinds of cases, with their weights."""
import generate
import odd

KINDS = [
    (generate.show, 22), (generate.usage, 4), (generate.pubkey, 4), (generate.fresh_key, 4),
    (generate.terminal, 10), (odd.odd_name, 4), (odd.odd_setting, 7), (odd.odd_key, 2), (odd.odd_errno, 3),
    (odd.odd_state, 4), (odd.odd_retries, 1), (generate.some_unreadable, 4), (generate.many_peers, 1),
    (generate.many_signs, 3), (generate.set_arguments, 20), (generate.set_port_too_large, 2),
    (generate.set_signs, 3), (generate.set_unresolvable_name, 1), (generate.file_unresolvable_name, 1),
    (generate.large_count, 1), (generate.all_endpoints, 1), (generate.setconf, 14), (generate.invalid_file, 12),
    (generate.file_port_too_large, 2), (generate.peer_without_key, 1), (generate.syncconf, 6),
    (generate.empty_file, 2), (generate.invalid_reply, 5),
]


def cases(random, n):
    source = generate.Source(random)
    makers = [maker for maker, weight in KINDS for _ in range(weight)]
    for _ in range(n):
        yield random.choice(makers)(source)
