# A protocol adversary, written from the whitepaper apart from src/, plays peers and strangers against wireguardd:
# one @test per case of tests/netns/adversary, all of them beside each other, each in a network of its own.
load ../lib/adversary

setup_file() { adversary_begin fast; }
teardown_file() { adversary_end; }
setup() { adversary_ready; }

@test "every case of the adversary is asked for here" { all_are_asked_for fast; }
@test "h01: a handshake over IPv4 and one over IPv6, and echoes through both" { verdict h01; }
@test "h05: strangers, a wrong mac1 and another server's key are not answered" { verdict h05; }
@test "h06: a preshared key decides about the next handshake and leaves the session alone" { verdict h06; }
@test "h07: a recorded initiation is answered once only, also after minutes of other handshakes" { verdict h07; }
@test "h08: older and equal timestamps are refused, whatever else is new, until the peer is made anew" { verdict h08; }
@test "h09: points of small order: as ephemeral, as static, as a configured peer" { verdict h09; }
@test "h10: every type with a byte more or less, or with reserved bytes that are not zero" { verdict h10; }
@test "h11: an initiation with any one bit wrong, under a right mac1" { verdict h11; }
@test "h12: initiations of one peer within 20 ms are not all answered" { verdict h12; }
@test "h13: our own words come back to us: silence" { verdict h13; }
@test "h14: both begin at once: one session for both" { verdict h14; }
@test "h15: indices are random" { verdict h15; }
@test "h18: the responder does not use a session before the other side did" { verdict h18; }
@test "h22: mac2 is not looked at without load" { verdict h22; }
@test "h23: bit 255 of an ephemeral key is masked, not refused, and hashed as sent" { verdict h23; }
@test "h24: responses: right lengths, zero mac2, TOS 0x88, a mac1 of ours, fresh ephemeral keys" { verdict h24; }
@test "h25: a session of two handshakes ago is gone, that of one ago is not" { verdict h25; }
@test "h02: peers over IPv4 and IPv6 in turn: each gets all of its packets where it is" { verdict h02; }
@test "h03: initiations of ours: form, TOS 0x88, mac1, zero mac2; the staged packet follows the response" { verdict h03; }
@test "h04: with nothing to say the initiator confirms by a keepalive" { verdict h04; }
@test "h16: responses that nobody asked for, and with a wrong receiver" { verdict h16; }
@test "h17: a second response to the same initiation is refused" { verdict h17; }
@test "h19: timestamps are of now, whitened, and grow" { verdict h19; }
@test "h20: a response that fails leaves the handshake waiting for the right one" { verdict h20; }
@test "h21: a response to an initiation that was followed by another is refused" { verdict h21; }
@test "c03: a cookie for us: believed only with its tag, moves no endpoint, and comes back as mac2" { verdict c03; }
@test "c08: a forged cookie is not used" { verdict c08; }
@test "d21: a new private key: sessions end, a handshake with the new one begins at once" { verdict d21; }
@test "d22: what waits for a handshake: the last 128 packets, in order" { verdict d22; }
@test "d23: what waits for peers of both families reaches each of them" { verdict d23; }
@test "h27: a session that we began and did not confirm stays readable beside the one the daemon then began" { verdict h27; }
@test "d01: a data message is delivered once; flipped anywhere, never" { verdict d01; }
@test "d02: the window's edge: 8128 behind is taken, 8129 is not" { verdict d02; }
@test "d03: the kernel's list of counters" { verdict d03; }
@test "d04: counters at the end of their range" { verdict d04; }
@test "d12: authenticated data and keepalives move the endpoint, over both families" { verdict d12; }
@test "d13: replayed, forged and too old data move nothing" { verdict d13; }
@test "d14: a replayed initiation or one with an old timestamp moves nothing" { verdict d14; }
@test "d15: data to indices that nobody has, and to those of handshakes" { verdict d15; }
@test "d16: padding: zeros to a multiple of sixteen, never past the MTU" { verdict d16; }
@test "d19: a peer removed and made again under traffic" { verdict d19; }
@test "d20: counters of what is sent: from zero, one by one, never twice" { verdict d20; }
@test "d24: byte counters: what the kernel would show" { verdict d24; }
@test "d25: sessions of many peers, their packets in any order" { verdict d25; }
@test "d29: another port, another mark: sessions go on" { verdict d29; }
@test "d05: an inner source that is not the peer's is dropped, whoever else's it is" { verdict d05; }
@test "d06: the longest prefix decides whose an address is, on the way in and out" { verdict d06; }
@test "d07: IPv4 that is longer than its packet, or shorter than its header" { verdict d07; }
@test "d08: IPv6 that is longer than its packet, and cut headers" { verdict d08; }
@test "d09: a packet is cut to the length that it claims" { verdict d09; }
@test "d10: version nibbles that are not 4 or 6" { verdict d10; }
@test "d11: data messages of every short length, and with reserved bytes" { verdict d11; }
@test "d26: allowed IPs change under a session" { verdict d26; }
@test "e01: outer TOS: the inner congestion bits (CE as ECT(0)), nothing of the rest" { verdict e01; }
@test "e02: outer CE and ECT(1) reach the inside of what is ECN capable; nothing else of the outer TOS does" { verdict e02; }
@test "e03: outer headers: no DF, no flow label, the port that was spoken to" { verdict e03; }
@test "d28: what is no IP packet, or too short for one, does not leave" { verdict d28; }
@test "c01: under load initiations are answered by cookies, never by anything larger than they are" { verdict c01; }
@test "c02: a right mac2 opens the door under load; without load nobody needs one" { verdict c02; }
@test "c04: so many handshakes per address (IPv6: per /64) under load, and others are not touched by it" { verdict c04; }
@test "c05: a cookie is good for one address and one port" { verdict c05; }
@test "c06: under load a wrong mac1 has no answer, not even a cookie" { verdict c06; }
@test "c07: a response needs a cookie under load, too" { verdict c07; }
@test "c09: sessions go on under load" { verdict c09; }
@test "c10: a cookie for a response: the next response carries mac2" { verdict c10; }
@test "t01: ten seconds after data without an answer: an empty message, once; it is not answered itself" { verdict t01; }
@test "t02: data that goes on for longer is told every ten seconds that it arrives" { verdict t02; }
@test "t03: fifteen seconds after data that nobody answered: a handshake; not when something came back" { verdict t03; }
@test "t04: tries of a handshake: five seconds apart, each with keys, index and timestamp of its own" { verdict t04; }
@test "t05: persistent keepalives: at once when switched on, then every second; none when off" { verdict t05; }
@test "t06: a peer whom nobody talks to hears nothing" { verdict t06; }
@test "t07: a session ends when the link goes down" { verdict t07; }
@test "t11: a session that we began ends the daemon's own tries" { verdict t11; }
@test "g01: all lengths from 0 to 300 of all types, and up to 65,507 bytes" { verdict g01; }
@test "g02: garbage with a right mac1: nothing but silence, whatever is inside" { verdict g02; }
@test "g03: authenticated garbage inside" { verdict g03; }
@test "g04: a handshake's index as data, a session's as response: nothing is mixed up" { verdict g04; }
@test "g05: sources that cannot be answered: port 0, multicast, broadcast, nobody" { verdict g05; }
@test "g06: super-packets: good, forged, replayed and foreign messages side by side" { verdict g06; }
@test "d27: inner UDP with a wrong checksum stays wrong, also amid a run of right ones" { verdict d27; }
@test "g07: endpoints that cannot be sent to take nothing from the others of the same batch" { verdict g07; }
@test "t10: two daemons that begin at the same moment need few words and storm not" { verdict t10; }
@test "m01: handshakes that nobody confirms leave no memory behind" { verdict m01; }
@test "m02: packets for peers that never answer: a bounded number, and others get through" { verdict m02; }
@test "o01: g06 without vnet tso uso join segment gro mmsg: super-packets: good, forged, replayed and foreign messages side by side" { verdict o01; }
@test "o02: g06 without gro: super-packets: good, forged, replayed and foreign messages side by side" { verdict o02; }
@test "o03: d27 without join: inner UDP with a wrong checksum stays wrong, also amid a run of right ones" { verdict o03; }
@test "o04: e02 without vnet tso uso join segment gro mmsg: outer CE and ECT(1) reach the inside of what is ECN capable; nothing else of the outer TOS does" { verdict o04; }
@test "o05: e01 without segment: outer TOS: the inner congestion bits (CE as ECT(0)), nothing of the rest" { verdict o05; }
@test "o06: h02 without vnet tso uso join segment gro mmsg: peers over IPv4 and IPv6 in turn: each gets all of its packets where it is" { verdict o06; }
@test "o07: g01 without mmsg: all lengths from 0 to 300 of all types, and up to 65,507 bytes" { verdict o07; }
@test "o08: d25 without mmsg segment: sessions of many peers, their packets in any order" { verdict o08; }
@test "o09: c01 without vnet tso uso join segment gro mmsg: under load initiations are answered by cookies, never by anything larger than they are" { verdict o09; }
@test "o10: g07 without vnet mmsg: endpoints that cannot be sent to take nothing from the others of the same batch" { verdict o10; }
@test "k01: session keys are wiped when replaced, when the peer goes, when the link goes down" { verdict k01; }
@test "k02: the private key, and what was computed of it, when it is replaced" { verdict k02; }
@test "k03: ephemeral secrets: keys of handshakes that came to nothing" { verdict k03; }
@test "u01: the socket is for root alone, and its folder root's to write to, and gone with the daemon" { verdict u01; }
@test "u02: what lies where the socket belongs: stale sockets go, nothing else is touched" { verdict u02; }
@test "u03: eight clients ask and set at random under traffic, keys and peers among it" { verdict u03; }
@test "u04: requests that are wrong change nothing, and repeat no secrets" { verdict u04; }
@test "u05: huge lines, endless requests, clients that stop in the middle or never read" { verdict u05; }
@test "u06: requests in pieces of every size, and many on one connection" { verdict u06; }
