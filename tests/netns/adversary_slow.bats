# Cases of the protocol adversary that take minutes: see adversary.bats.
load ../lib/adversary

setup_file() { adversary_start slow; }
teardown_file() { adversary_stop; }
setup() { adversary_require; }

@test "this file lists every case of the adversary" { every_case_is_listed slow slowest; }
@test "c11s: a received cookie is used for two minutes and no longer" { verdict c11s; }
@test "c05s: a cookie older than two minutes is rejected" { verdict c05s; }
@test "t04s: a handshake is given up after twenty attempts and starts again when there is new data" { verdict t04s; }
@test "t09s: new data keeps handshake attempts going" { verdict t09s; }
@test "t06s: a session is unusable in both directions after 180 seconds" { verdict t06s; }
@test "t07s: an initiator that sends starts a new handshake after 120 seconds" { verdict t07s; }
@test "t08s: an initiator that only receives starts one new handshake after 165 seconds" { verdict t08s; }
@test "k04s: 540 seconds after the last session began no key material is left in memory" { verdict k04s; }
