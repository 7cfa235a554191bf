# The picture of the README (contrib/speed.svg), from the data blocks of report.py --picture; see `make bench-picture`.
# Groups of three columns: our figure, that of the peer, and that of the ceiling or of libsodium; the ratio of the first
# two stands above the first.
set terminal svg size 980,1260 font "sans-serif,13" background "#ffffff"
set encoding utf8
set style fill solid noborder
set border 3 linecolor "#6b7280"
set tics nomirror scale 0.5 textcolor "#374151"
set xtics scale 0 font ",11"
set ytics font ",11"
set grid ytics linecolor "#e5e7eb" linetype 1
set key off

ours = "#2563eb"
theirs = "#f59e0b"
third = "#b6bdc8"

set macros
columns = 'using ($0 - 0.27):($2 / unit):(0.25) with boxes linecolor rgb ours, \
"" using ($0 + 0.0):($3 / unit):(0.25):xticlabels(1) with boxes linecolor rgb theirs, \
"" using ($0 + 0.27):($4 / unit):(0.25) with boxes linecolor rgb third, \
"" using ($0 - 0.27):($2 / unit):5 with labels offset 0,0.6 font ",12" textcolor rgb ours'

# legend: names in the colours of the columns, at height y of the page
legend(y, second, last) = sprintf("set label 1 '■ wgsuite' at screen 0.055,%g textcolor rgb ours; \
	set label 2 '■ %s' at screen 0.16,%g textcolor rgb theirs; \
	set label 3 '■ %s' at screen 0.29,%g textcolor rgb '#8b93a1'", y, second, y, last, y)

set multiplot layout 4,2 margins 0.055,0.985,0.04,0.885 spacing 0.075,0.095
set label 10 "{/:Bold wireguardd and ".peer." ".version."}" at screen 0.5,0.982 center font ",18" textcolor "#111827"
set label 11 where at screen 0.5,0.961 center font ",11" textcolor "#374151"
set label 12 "2.5×: times better than the second column" at screen 0.985,0.935 right font ",11" textcolor rgb ours
eval(legend(0.935, peer, "wgsuite without cryptography"))
set offsets 0.35, 0.35, graph 0.14, 0
set title font ",13" textcolor "#111827" offset 0,0.2

set yrange [0:*]
unit = 1000
set title "{/:Bold Throughput, Gbit/s}"
plot $tcp @columns
unset for [i = 1:12] label i
unit = 1
set title "{/:Bold CPU time of both daemons, s per GB of TCP}"
plot $cpu @columns
unit = 1000
set title "{/:Bold UDP, thousand packets per second}"
plot $packets @columns
unit = 1
set logscale y
set offsets 0.35, 0.35, 0, 0
set title "{/:Bold Round trip, ms (logarithmic)}"
plot [][0.02:40] $rtt @columns
set title "{/:Bold Memory of a daemon, MiB (logarithmic)}"
plot [][1:5000] $memory @columns
unset logscale y
set yrange [0:*]
set offsets 0.35, 0.35, graph 0.14, 0
set title "{/:Bold CPU time per answered handshake, µs}"
plot $handshake @columns
eval(legend(0.227, "OpenSSL 3", "libsodium"))
set title "{/:Bold ChaCha20-Poly1305, ns per packet}"
plot $crypto @columns
unset for [i = 1:3] label i
unit = 1000
set title "{/:Bold X25519, µs}"
plot $x25519 @columns
unset multiplot
