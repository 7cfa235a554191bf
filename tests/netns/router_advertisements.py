# router_advertisements.py INTERFACE PREFIX N: sends N router advertisements with this /64 prefix for autoconfiguration.
import socket, struct, sys, time

interface, prefix, n = sys.argv[1], socket.inet_pton(socket.AF_INET6, sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(interface))
advertisement = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
advertisement += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 7200, 3600, 0) + prefix
for i in range(n):
    s.sendto(advertisement, ("ff02::1", 0, 0, socket.if_nametoindex(interface)))
    time.sleep(0.05)
