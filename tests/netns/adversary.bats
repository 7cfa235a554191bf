# wireguardd against the protocol adversary, an independent implementation in Python (tests/netns/adversary) that acts
# as peers and attackers: one @test per case. The cases run in parallel, each in its own network namespace.
load ../lib/adversary

setup_file() { adversary_start fast; }
teardown_file() { adversary_stop; }
setup() { adversary_require; }

@test "this file lists every case of the adversary" { every_case_is_listed fast; }
@test "h01: handshakes over IPv4 and IPv6, and an echo request through each session" { verdict h01; }
@test "h05: initiations from an unknown key, with a wrong mac1 or for another responder get no response" { verdict h05; }
@test "h06: a changed preshared key affects the next handshake, not the established session" { verdict h06; }
@test "h07: a replayed initiation gets no second response, even after later handshakes" { verdict h07; }
@test "h08: initiations with older or equal timestamps are rejected until the peer is removed and added again" { verdict h08; }
@test "h09: low-order points as ephemeral key, as static key and as a configured peer's key" { verdict h09; }
@test "h10: messages that are one byte too short or too long, or have nonzero reserved bytes, are ignored" { verdict h10; }
@test "h11: an initiation with a flipped bit and a valid mac1 gets no response" { verdict h11; }
@test "h12: initiations of one peer less than 20 ms apart are rate limited" { verdict h12; }
@test "h13: the daemon ignores its own messages when they are reflected" { verdict h13; }
@test "h14: simultaneous initiations from both sides lead to one session" { verdict h14; }
@test "h15: session indices are random" { verdict h15; }
@test "h18: the responder does not send with a session before the initiator has used it" { verdict h18; }
@test "h22: mac2 is ignored when not under load" { verdict h22; }
@test "h23: bit 255 of an ephemeral key is masked for X25519 and hashed as received" { verdict h23; }
@test "h24: form of responses: length, zero mac2, TOS 0x88, mac1 for the initiator, fresh ephemeral keys" { verdict h24; }
@test "h25: the previous session still decrypts after a new handshake; the one before it does not" { verdict h25; }
@test "h02: alternating traffic for an IPv4 and an IPv6 peer reaches the right endpoints" { verdict h02; }
@test "h03: form of initiations: length, TOS 0x88, mac1, zero mac2; the staged packet follows the response" { verdict h03; }
@test "h04: an initiator without staged packets confirms the session with a keepalive" { verdict h04; }
@test "h16: unsolicited responses and responses with a wrong receiver index are ignored" { verdict h16; }
@test "h17: a second response to the same initiation is rejected" { verdict h17; }
@test "h19: timestamps are current, whitened and increasing" { verdict h19; }
@test "h20: invalid responses do not end the handshake; a valid one still completes it" { verdict h20; }
@test "h21: a response to a superseded initiation is rejected" { verdict h21; }
@test "c03: a received cookie is used for mac2 only if authentic, and does not change the endpoint" { verdict c03; }
@test "c08: a forged cookie reply is ignored" { verdict c08; }
@test "d21: a new private key ends all sessions and immediately starts handshakes with the new key" { verdict d21; }
@test "d22: the last 128 packets are staged during a handshake and sent in order" { verdict d22; }
@test "d23: packets staged for IPv4 and IPv6 peers reach each of them" { verdict d23; }
@test "h27: an unconfirmed session of the peer still decrypts after the daemon initiated another one" { verdict h27; }
@test "d01: a data message is delivered once; with any bit flipped it is dropped" { verdict d01; }
@test "d02: replay window: a counter 8128 behind is accepted, one 8129 behind is rejected" { verdict d02; }
@test "d03: replay window: the counter sequences of the kernel's self-test" { verdict d03; }
@test "d04: replay window: counters near their maximum" { verdict d04; }
@test "d12: authenticated data and keepalives update the endpoint, over IPv4 and IPv6" { verdict d12; }
@test "d13: replayed, forged and too old data does not change the endpoint" { verdict d13; }
@test "d14: an initiation that is replayed or has an old timestamp does not change the endpoint" { verdict d14; }
@test "d15: data for unknown indices and for indices of pending handshakes is dropped" { verdict d15; }
@test "d16: padding: zeros up to a multiple of 16 bytes, but not beyond the MTU" { verdict d16; }
@test "d19: a peer is removed and added again under traffic" { verdict d19; }
@test "d20: send counters start at zero and increase by one" { verdict d20; }
@test "d24: transfer counters match the kernel's accounting" { verdict d24; }
@test "d25: sessions of 20 peers with interleaved packets" { verdict d25; }
@test "d29: sessions survive a change of the listen port and the fwmark" { verdict d29; }
@test "d05: packets with an inner source outside the peer's allowed IPs are dropped" { verdict d05; }
@test "d06: the longest matching prefix determines the peer, for received and sent packets" { verdict d06; }
@test "d07: inner IPv4 packets with a total length beyond the message or below the header are dropped" { verdict d07; }
@test "d08: inner IPv6 packets with a payload length beyond the message, and truncated headers, are dropped" { verdict d08; }
@test "d09: inner packets are truncated to the length in their header" { verdict d09; }
@test "d10: inner packets with an IP version other than 4 or 6 are dropped" { verdict d10; }
@test "d11: data messages that are too short or have nonzero reserved bytes are dropped" { verdict d11; }
@test "d26: allowed IPs that move between peers take effect in established sessions" { verdict d26; }
@test "e01: outgoing ECN: the outer header has the inner ECN bits (CE becomes ECT(0)) and no DSCP" { verdict e01; }
@test "e02: incoming ECN: outer CE and ECT(1) are copied to ECN-capable inner packets, outer DSCP is not" { verdict e02; }
@test "e03: outer headers have no DF and no flow label, and the listen port as source port" { verdict e03; }
@test "d28: packets that are not valid IP are not sent" { verdict d28; }
@test "c01: under load initiations are answered with cookie replies, which are never larger than the initiation" { verdict c01; }
@test "c02: under load an initiation with a valid mac2 is accepted; without load mac2 is not required" { verdict c02; }
@test "c04: under load handshakes are rate limited per IPv4 address and IPv6 /64; other sources are not affected" { verdict c04; }
@test "c05: a cookie is valid for one source address and port" { verdict c05; }
@test "c06: under load a message with a wrong mac1 gets no reply, not even a cookie" { verdict c06; }
@test "c07: under load a response also needs mac2" { verdict c07; }
@test "c09: established sessions keep working under load" { verdict c09; }
@test "c10: after a cookie reply to a response the next response carries mac2" { verdict c10; }
@test "t01: passive keepalive: one empty message ten seconds after data was received; it is not answered itself" { verdict t01; }
@test "t02: continuous incoming data gets a passive keepalive every ten seconds" { verdict t02; }
@test "t03: a handshake starts fifteen seconds after data was sent and nothing was received; a keepalive prevents it" { verdict t03; }
@test "t04: handshake attempts are five seconds apart, each with a new ephemeral key, index and timestamp" { verdict t04; }
@test "t05: persistent keepalives: immediately when enabled, then every interval; none when disabled" { verdict t05; }
@test "t06: an idle peer gets no messages" { verdict t06; }
@test "t07: sessions end when the link goes down" { verdict t07; }
@test "t11: a handshake completed by the peer stops the daemon's own attempts" { verdict t11; }
@test "g01: garbage of every type and of all lengths from 0 to 300, and up to 65,507 bytes" { verdict g01; }
@test "g02: garbage with a valid mac1 gets no reply" { verdict g02; }
@test "g03: authenticated messages that contain garbage" { verdict g03; }
@test "g04: handshake indices in data messages and session indices in handshake messages are rejected" { verdict g04; }
@test "g05: source addresses that cannot be answered: port 0, multicast, broadcast, a closed port" { verdict g05; }
@test "g06: super-packets that mix valid, forged, replayed and misdirected messages" { verdict g06; }
@test "d27: inner UDP packets with a wrong checksum keep it, even within a run of correct ones" { verdict d27; }
@test "g07: unreachable endpoints do not affect other packets of the same batch" { verdict g07; }
@test "t10: two daemons that initiate at the same time agree on a session with few messages" { verdict t10; }
@test "m01: handshakes that are never confirmed do not increase memory use" { verdict m01; }
@test "m02: packets staged for peers that never respond use bounded memory; other peers stay reachable" { verdict m02; }
@test "o01: g06 without vnet tso uso join segment gro mmsg: super-packets that mix valid, forged, replayed and misdirected messages" { verdict o01; }
@test "o02: g06 without gro: super-packets that mix valid, forged, replayed and misdirected messages" { verdict o02; }
@test "o03: d27 without join: inner UDP packets with a wrong checksum keep it, even within a run of correct ones" { verdict o03; }
@test "o04: e02 without vnet tso uso join segment gro mmsg: incoming ECN: outer CE and ECT(1) are copied to ECN-capable inner packets, outer DSCP is not" { verdict o04; }
@test "o05: e01 without segment: outgoing ECN: the outer header has the inner ECN bits (CE becomes ECT(0)) and no DSCP" { verdict o05; }
@test "o06: h02 without vnet tso uso join segment gro mmsg: alternating traffic for an IPv4 and an IPv6 peer reaches the right endpoints" { verdict o06; }
@test "o07: g01 without mmsg: garbage of every type and of all lengths from 0 to 300, and up to 65,507 bytes" { verdict o07; }
@test "o08: d25 without mmsg segment: sessions of 20 peers with interleaved packets" { verdict o08; }
@test "o09: c01 without vnet tso uso join segment gro mmsg: under load initiations are answered with cookie replies, which are never larger than the initiation" { verdict o09; }
@test "o10: g07 without vnet mmsg: unreachable endpoints do not affect other packets of the same batch" { verdict o10; }
@test "k01: session keys are wiped on replacement, on removal of the peer and when the link goes down" { verdict k01; }
@test "k02: the private key and the secrets derived from it are wiped when it is replaced" { verdict k02; }
@test "k03: secrets of incomplete handshakes are wiped" { verdict k03; }
@test "u01: the socket is accessible to root only, and is removed when the daemon ends" { verdict u01; }
@test "u02: a stale socket is replaced at start; any other file at its path is left untouched" { verdict u02; }
@test "u03: eight clients send random requests under traffic, including changes of keys and peers" { verdict u03; }
@test "u04: invalid requests change nothing, and replies contain no secrets" { verdict u04; }
@test "u05: huge lines, endless requests, and clients that stop midway or never read" { verdict u05; }
@test "u06: requests split into pieces of every size, and many requests on one connection" { verdict u06; }
@test "s01: 300 peers keep the source address they sent to, whatever unrelated routes, rules and links change" { verdict s01; }
@test "s02: a removed source address is given up by each peer that had it when it is sent to, and by no other" { verdict s02; }
@test "v01: after the kernel's message that the machine was copied, the daemon sends only with new sessions" { verdict v01; }
@test "v02: other messages about devices, and those of programs, do not end sessions" { verdict v02; }
