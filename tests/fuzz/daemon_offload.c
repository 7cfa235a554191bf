/* Super-packets of arbitrary bytes: split, and joined and split again, which must restore the packets. Input: a
 * virtio header of ten bytes; the protocols to join; packets, each after two bytes of length. The bytes after
 * the virtio header are also the super-packet to split; those after 24 bytes are one in a UDP tunnel. */
#include <stdlib.h>
#include "daemon/io/offload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct join joint;
static const struct tunnel_ports ports = { { 4789, 4789 + TUNNEL_PORT_V6 } };

static void split(const uint8_t *data, size_t n, size_t header_n)
{
	struct vnet_header h = { .gso = { 0 } };
	struct split s;
	uint32_t size, total = 0;
	uint8_t *packet, *out;

	if (n < header_n)
		return;
	memcpy(&h, data, header_n);
	n -= header_n;
	packet = malloc(n + 1);
	if (!packet)
		return;
	memcpy(packet, data + header_n, n);
	if (split_begin(&s, &h, packet, n)) {
		while ((size = split_size(&s)) > 0) {
			out = malloc(size); /* exact, so that a sanitizer sees the end */
			if (!out)
				abort();
			split_next(&s, out);
			free(out);
			total += size - s.header_n;
		}
		if (total != n - s.header_n)
			abort();
	}
	free(packet);
}

/* With DF, identifications have no meaning, and may change. */
static void forgive_identification(uint8_t *out, const uint8_t *p)
{
	if (!(out[6] & 0x40))
		return;
	memcpy(out + 4, p + 4, 2);
	memcpy(out + 10, p + 10, 2);
}

/* What splitting may change. */
static void forgive(uint8_t *out, const uint8_t *p, const struct join_item *it)
{
	if (!it->v6)
		forgive_identification(out + it->l3, p + it->l3);
	if (it->outer_l4 && !it->outer_v6)
		forgive_identification(out, p);
	if (it->protocol == 17 && load_be16(p + it->l4 + 6) == 0) /* a missing checksum is added */
		memset(out + it->l4 + 6, 0, 2);
}

/* Splitting a joined frame must restore exactly the packets that it was joined from. */
static void check_frame(uint32_t item)
{
	const struct join_item *it = &joint.items[item];
	struct vnet_header h;
	uint8_t header[JOIN_HEADER_MAX], *whole = malloc(it->total + 1), *out;
	struct iovec iov[JOIN_IOV_MAX];
	unsigned int n = join_frame(&joint, item, &h, header, iov);
	uint16_t packet = it->first;
	struct split s;
	uint32_t at = 0, size;

	if (!whole)
		return;
	for (unsigned int i = 1; i < n; at += (uint32_t)iov[i++].iov_len)
		memcpy(whole + at, iov[i].iov_base, iov[i].iov_len);
	if (at != it->total)
		abort();
	if (it->count > 1) {
		if (!split_begin(&s, &h, whole, at))
			abort();
		for (unsigned int i = 0; i < it->count; i++, packet = joint.next[packet]) {
			size = split_size(&s);
			out = malloc(size);
			if (!out || size != joint.packets[packet].n)
				abort();
			split_next(&s, out);
			forgive(out, joint.packets[packet].p, it);
			if (memcmp(out, joint.packets[packet].p, size) != 0)
				abort();
			free(out);
		}
		if (split_size(&s) != 0)
			abort();
	}
	free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copies[64];
	unsigned int n = 0;

	split(data, size, sizeof(struct virtio_net_hdr));
	split(data, size, sizeof(struct vnet_header));
	if (size < 11)
		return 0;
	join_begin(&joint, data[10] & (JOIN_TCP | JOIN_UDP | JOIN_VXLAN), &ports);
	for (size_t at = 11; at + 2 <= size && n < ARRAY_LEN(copies); n++) {
		size_t length = load_be16(data + at), left = size - at - 2;
		length = length < left ? length : left;
		copies[n] = malloc(length + 1);
		if (!copies[n])
			break;
		memcpy(copies[n], data + at + 2, length);
		join_add(&joint, copies[n], (uint32_t)length);
		at += 2 + length;
	}
	for (uint32_t i = 0; i < joint.n_items; i++)
		check_frame(i);
	while (n > 0)
		free(copies[--n]);
	return 0;
}
