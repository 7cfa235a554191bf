# rule_remover.py TABLE: removes the IPv4 policy rules that lead to a table, whenever there is one, over one netlink socket.
import socket, struct, sys, time

RTM_DELRULE, NLM_F_REQUEST, NLM_F_ACK, FRA_TABLE = 33, 1, 4, 15
table = int(sys.argv[1])
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((0, 0))
body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0) + struct.pack("=HHI", 8, FRA_TABLE, table)
message = struct.pack("=IHHII", 16 + len(body), RTM_DELRULE, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body
while True:
    s.send(message)
    s.recv(4096)
    time.sleep(0.02)
