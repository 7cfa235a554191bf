# The adversary's cases that wait for minutes.
load ../lib/adversary

setup_file() { adversary_begin slow; }
teardown_file() { adversary_end; }
setup() { adversary_ready; }

@test "every case of the adversary is asked for here" { all_are_asked_for slow slowest; }
@test "c11s: a cookie is used for two minutes and no longer" { verdict c11s; }
@test "c05s: a cookie of two minutes ago is refused" { verdict c05s; }
@test "t04s: twenty tries, then silence until there is something new to say" { verdict t04s; }
@test "t09s: while there is always something new to say the tries go on" { verdict t09s; }
@test "t06s: after 180 seconds a session is dead in both directions" { verdict t06s; }
@test "t07s: an initiator renews after 120 seconds when it sends" { verdict t07s; }
@test "t08s: an initiator who only listens renews after 165 seconds, once" { verdict t08s; }
@test "k04s: 540 seconds after the last session began nothing is left of any" { verdict k04s; }
