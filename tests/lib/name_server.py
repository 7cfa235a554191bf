"""name_server.py ADDRESS: a name server there that gives its own address as the answer to every
question for one, and says `asked NAME`. For tests that must know which server was asked."""

import socket
import sys

address = sys.argv[1]
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.bind((address, 53))
print("ready", flush=True)
while True:
    question, asker = wire.recvfrom(4096)
    end, labels = 12, []
    while question[end]:
        labels.append(question[end + 1:end + 1 + question[end]].decode())
        end += 1 + question[end]
    is_address = question[end + 1:end + 5] == b"\0\1\0\1"
    print("asked", ".".join(labels), flush=True)
    # Response, recursion available; one question, one answer if it is for an IPv4 address.
    answer = question[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_address else b"\0\0") + b"\0\0\0\0"
    answer += question[12:end + 5]
    if is_address:
        answer += b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address)
    wire.sendto(answer, asker)
