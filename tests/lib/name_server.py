"""name_server.py ADDRESS: a name server that answers every query for an IPv4 address with its own address and prints
`asked NAME` for each query, for tests that check which server receives a query."""

import socket
import sys

address = sys.argv[1]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((address, 53))
print("ready", flush=True)
while True:
    query, client = server.recvfrom(4096)
    end, labels = 12, []
    while query[end]:
        labels.append(query[end + 1:end + 1 + query[end]].decode())
        end += 1 + query[end]
    is_address = query[end + 1:end + 5] == b"\0\1\0\1"
    print("asked", ".".join(labels), flush=True)
    # Response, recursion available: one question, one answer if it is for an IPv4 address.
    answer = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_address else b"\0\0") + b"\0\0\0\0"
    answer += query[12:end + 5]
    if is_address:
        answer += b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address)
    server.sendto(answer, client)
