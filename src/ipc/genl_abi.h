/* Numbers of the kernel's generic netlink family "wireguard", version 1 (include/uapi/linux/wireguard.h), and those
 * of netlink itself that the codec needs. */
#ifndef WG_GENL_ABI_H
#define WG_GENL_ABI_H

#define GENL_FAMILY_NAME "wireguard"

enum { GENL_FAMILY_VERSION = 1 };

enum wg_genl_command { GENL_GET_DEVICE = 0, GENL_SET_DEVICE = 1 };

enum wg_device_attribute {
	DEVICE_IFINDEX = 1,     /* u32 */
	DEVICE_IFNAME = 2,      /* string with NUL */
	DEVICE_PRIVATE_KEY = 3, /* 32 bytes */
	DEVICE_PUBLIC_KEY = 4,  /* 32 bytes, in replies only */
	DEVICE_FLAGS = 5,       /* u32 */
	DEVICE_LISTEN_PORT = 6, /* u16 */
	DEVICE_FWMARK = 7,      /* u32 */
	DEVICE_PEERS = 8,       /* array of nests */
};
enum { DEVICE_F_REPLACE_PEERS = 1 };

enum wg_peer_attribute {
	PEER_PUBLIC_KEY = 1,    /* 32 bytes */
	PEER_PRESHARED_KEY = 2, /* 32 bytes, zeros: none */
	PEER_FLAGS = 3,         /* u32 */
	PEER_ENDPOINT = 4,      /* sockaddr_in or sockaddr_in6 */
	PEER_KEEPALIVE = 5,     /* u16 */
	PEER_LAST_HANDSHAKE = 6, /* two s64: seconds, nanoseconds */
	PEER_RX_BYTES = 7,      /* u64 */
	PEER_TX_BYTES = 8,      /* u64 */
	PEER_ALLOWEDIPS = 9,    /* array of nests */
	PEER_PROTOCOL_VERSION = 10, /* u32 */
};
enum { PEER_F_REMOVE_ME = 1, PEER_F_REPLACE_ALLOWEDIPS = 2, PEER_F_UPDATE_ONLY = 4 };

enum wg_allowedip_attribute {
	ALLOWEDIP_FAMILY = 1,    /* u16: AF_INET or AF_INET6 */
	ALLOWEDIP_IPADDR = 2,    /* 4 or 16 bytes */
	ALLOWEDIP_CIDR_MASK = 3, /* u8 */
	ALLOWEDIP_FLAGS = 4,     /* u32, Linux 6.16 and newer */
};
enum { ALLOWEDIP_F_REMOVE_ME = 1 };

/* An attribute is a length (u16, header included, host order), a type (u16), the value, and zeros up
 * to a multiple of 4. */
enum {
	ATTR_HEADER_BYTES = 4,
	ATTR_NESTED = 1 << 15,
	ATTR_TYPE_MASK = 0x3fff,
	ATTR_BYTES_MAX = 65535,
	SOCKADDR_IN_BYTES = 16,
	SOCKADDR_IN6_BYTES = 28,
};

#endif
