/* A path-compressed trie with a stride of six bits and nodes that are exactly as large as they need
 * to be (a relative of the "tree bitmap" of Eatherton, Varghese and Dittia, 2004). A node at depth
 * d, a multiple of six, stores the prefixes of length d to d+5 as *values*, numbered as in a binary
 * heap: 1 for length d, 2 and 3 for d+1, up to 63. Its *slots* are indexed by the next six bits;
 * each holds a deeper node, or a longer prefix if there is only one. Two bitmaps mark which values
 * and slots exist, and population counts in them are the array positions. A look-up among a million
 * prefixes touches a few cache lines, and misses the cache for the last one or two. */
#include "trie.h"

#include <assert.h>
#include <stdlib.h>

#define STRIDE 6u
enum { DEPTHS_MAX = 128 / STRIDE + 2 };

struct trie_slot {
	struct route_key key;
	union {
		struct trie_node *node;
		struct routes_owner *owner;
	};
	uint32_t route; /* 0: the slot holds a node */
	uint8_t bits;   /* length of the prefix, or depth of the node */
};

struct trie_value {
	struct routes_owner *owner;
	uint32_t route;
};

struct trie_node {
	uint64_t slot_bits;  /* bit c: there is a slot for the next six bits c */
	uint64_t value_bits; /* bit v: there is a value numbered v */
	uint8_t depth;
	uint8_t pad[15];
	struct trie_slot slots[]; /* in the order of c; the values follow, in the order of v */
};

/* The values that are prefixes of the six bits c. */
#define ANCESTORS(c) (1ull << 1 | 1ull << (2 | (c) >> 5) | 1ull << (4 | (c) >> 4) | \
		      1ull << (8 | (c) >> 3) | 1ull << (16 | (c) >> 2) | 1ull << (32 | (c) >> 1))
#define ANCESTORS4(c) ANCESTORS(c), ANCESTORS((c) + 1), ANCESTORS((c) + 2), ANCESTORS((c) + 3)
#define ANCESTORS16(c) ANCESTORS4(c), ANCESTORS4((c) + 4), ANCESTORS4((c) + 8), ANCESTORS4((c) + 12)
static const uint64_t ancestors[1 << STRIDE] = {
	ANCESTORS16(0), ANCESTORS16(16), ANCESTORS16(32), ANCESTORS16(48),
};

struct route_key trie_key(enum ip_family family, const uint8_t *b)
{
	if (family == IP_V4)
		return (struct route_key){ (uint64_t)load_be32(b) << 32, 0 };
	return (struct route_key){ load_be64(b), load_be64(b + 8) };
}

/* The six bits at `depth`; zeros beyond the end of the key. */
static inline unsigned int chunk_at(struct route_key k, unsigned int depth)
{
	if (depth < 64)
		return (unsigned int)((k.hi << depth | k.lo >> 1 >> (63 - depth)) >> 58);
	return (unsigned int)(k.lo << (depth - 64) >> 58);
}

static inline bool matches(struct route_key a, struct route_key b, unsigned int bits)
{
	if (bits <= 64)
		return bits == 0 || (a.hi ^ b.hi) >> (64 - bits) == 0;
	return a.hi == b.hi && (a.lo ^ b.lo) >> (128 - bits) == 0;
}

static unsigned int common_bits(struct route_key a, struct route_key b)
{
	if (a.hi != b.hi)
		return (unsigned int)__builtin_clzll(a.hi ^ b.hi);
	return a.lo == b.lo ? 128 : 64 + (unsigned int)__builtin_clzll(a.lo ^ b.lo);
}

/* Population count by sums of pairs, nibbles and bytes: without the instruction, the builtin is a
 * library call. */
static inline unsigned int count(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555ull;
	bits = (bits & 0x3333333333333333ull) + (bits >> 2 & 0x3333333333333333ull);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned int)(bits * 0x0101010101010101ull >> 56);
}

/* How many bits are set below bit i. */
static inline unsigned int rank(uint64_t bits, unsigned int i)
{
	return count(bits & ((1ull << i) - 1));
}

static inline bool has(uint64_t bits, unsigned int i)
{
	return bits >> i & 1;
}

static inline struct trie_value *values_of(struct trie_node *node)
{
	return (struct trie_value *)(node->slots + count(node->slot_bits));
}

static unsigned int value_number(struct route_key key, unsigned int bits, unsigned int depth)
{
	assert(bits >= depth && bits < depth + STRIDE);
	return ((1u << STRIDE) | chunk_at(key, depth)) >> (depth + STRIDE - bits);
}

/* A look-up in progress: the current node, and the node and values of the longest match so far. */
struct walk {
	struct trie_node *node, *best;
	uint64_t best_values;
	struct route_key key;
	const struct trie_slot *slot;
};

static inline struct walk walk_start(const struct trie_roots *r, enum ip_family family,
				     const uint8_t *address)
{
	return (struct walk){ .node = family == IP_V4 ? r->v4 : r->v6,
			      .key = trie_key(family, address) };
}

/* Remembers a match among the values of the node, and moves to the slot of the next six bits. False: no
 * such slot exists. */
static inline bool walk_to_slot(struct walk *w)
{
	const struct trie_node *node = w->node;
	unsigned int c = chunk_at(w->key, node->depth);

	if (node->value_bits & ancestors[c]) {
		w->best = w->node;
		w->best_values = node->value_bits & ancestors[c];
	}
	w->slot = &node->slots[rank(node->slot_bits, c)];
	return has(node->slot_bits, c);
}

/* Moves to the node of the slot. False: it has no node; if it is a prefix that matches, *owner
 * is its owner. */
static inline bool walk_to_node(struct walk *w, struct routes_owner **owner)
{
	if (!matches(w->key, w->slot->key, w->slot->bits))
		return false;
	if (w->slot->route) {
		*owner = w->slot->owner;
		return false;
	}
	w->node = w->slot->node;
	return true;
}

static inline struct routes_owner *walk_best(const struct walk *w)
{
	unsigned int v;

	if (!w->best)
		return NULL;
	v = 63 - (unsigned int)__builtin_clzll(w->best_values);
	return values_of(w->best)[rank(w->best->value_bits, v)].owner;
}

struct routes_owner *trie_lookup(const struct trie_roots *roots, enum ip_family family,
				 const uint8_t *address)
{
	struct walk w = walk_start(roots, family, address);
	struct routes_owner *owner = NULL;

	while (w.node && walk_to_slot(&w) && walk_to_node(&w, &owner))
		continue;
	return owner ? owner : walk_best(&w);
}

void trie_lookup_many(const struct trie_roots *roots, struct route_query *queries, size_t n)
{
	uint8_t going[ROUTE_QUERIES_MAX];
	struct walk walks[ROUTE_QUERIES_MAX];
	size_t n_going = 0, left;

	assert(n <= ROUTE_QUERIES_MAX);
	for (size_t i = 0; i < n; i++) {
		walks[i] = walk_start(roots, queries[i].family, queries[i].address);
		queries[i].owner = NULL;
		if (walks[i].node)
			going[n_going++] = (uint8_t)i;
	}
	for (; n_going > 0; n_going = left) { /* every walk to its slot, then every walk to its node */
		left = 0;
		for (size_t i = 0; i < n_going; i++) {
			struct walk *w = &walks[going[i]];
			if (walk_to_slot(w)) {
				__builtin_prefetch(w->slot);
				going[left++] = going[i];
			}
		}
		n_going = left;
		left = 0;
		for (size_t i = 0; i < n_going; i++) {
			struct walk *w = &walks[going[i]];
			if (walk_to_node(w, &queries[going[i]].owner)) {
				__builtin_prefetch(w->node);
				going[left++] = going[i];
			}
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!queries[i].owner)
			queries[i].owner = walk_best(&walks[i]);
}

/* ---- nodes ---- */

static size_t node_bytes(unsigned int slots, unsigned int values)
{
	return sizeof(struct trie_node) + slots * sizeof(struct trie_slot) +
	       values * sizeof(struct trie_value);
}

static struct trie_node *node_new(unsigned int depth)
{
	struct trie_node *node = calloc(1, sizeof *node);

	assert(depth % STRIDE == 0);
	if (node)
		node->depth = (uint8_t)depth;
	return node;
}

static struct trie_node *node_resize(struct trie_node **link, unsigned int slots,
				     unsigned int values)
{
	struct trie_node *node = realloc(*link, node_bytes(slots, values));

	if (node)
		*link = node;
	return node;
}

static bool node_add_slot(struct trie_node **link, unsigned int c, const struct trie_slot *slot)
{
	unsigned int slots = count((*link)->slot_bits), values = count((*link)->value_bits);
	unsigned int i = rank((*link)->slot_bits, c);
	struct trie_node *node = node_resize(link, slots + 1, values);

	if (!node)
		return false;
	memmove(node->slots + i + 1, node->slots + i,
		(slots - i) * sizeof *node->slots + values * sizeof(struct trie_value));
	node->slots[i] = *slot;
	node->slot_bits |= 1ull << c;
	return true;
}

static void node_remove_slot(struct trie_node **link, unsigned int c)
{
	struct trie_node *node = *link;
	unsigned int slots = count(node->slot_bits), values = count(node->value_bits);
	unsigned int i = rank(node->slot_bits, c);

	memmove(node->slots + i, node->slots + i + 1,
		(slots - i - 1) * sizeof *node->slots + values * sizeof(struct trie_value));
	node->slot_bits &= ~(1ull << c);
	node_resize(link, slots - 1, values); /* if shrinking fails, the old block stays */
}

static bool node_add_value(struct trie_node **link, unsigned int v, struct routes_owner *owner,
			   uint32_t route)
{
	unsigned int values = count((*link)->value_bits), i = rank((*link)->value_bits, v);
	struct trie_node *node = node_resize(link, count((*link)->slot_bits), values + 1);
	struct trie_value *at;

	if (!node)
		return false;
	at = values_of(node) + i;
	memmove(at + 1, at, (values - i) * sizeof *at);
	*at = (struct trie_value){ owner, route };
	node->value_bits |= 1ull << v;
	return true;
}

static void node_remove_value(struct trie_node **link, unsigned int v)
{
	struct trie_node *node = *link;
	unsigned int values = count(node->value_bits), i = rank(node->value_bits, v);
	struct trie_value *at = values_of(node) + i;

	memmove(at, at + 1, (values - i - 1) * sizeof *at);
	node->value_bits &= ~(1ull << v);
	node_resize(link, count(node->slot_bits), values - 1);
}

/* ---- tries ---- */

bool trie_find(struct trie_position *out, struct trie_node *node, struct route_key key, unsigned int bits)
{
	while (node) {
		unsigned int c = chunk_at(key, node->depth);
		struct trie_slot *slot;

		if (bits < node->depth + STRIDE) {
			unsigned int v = value_number(key, bits, node->depth);
			struct trie_value *value = values_of(node) + rank(node->value_bits, v);

			*out = (struct trie_position){ &value->owner, &value->route };
			return has(node->value_bits, v);
		}
		if (!has(node->slot_bits, c))
			return false;
		slot = &node->slots[rank(node->slot_bits, c)];
		if (bits < slot->bits || !matches(key, slot->key, slot->bits))
			return false;
		if (slot->route) {
			*out = (struct trie_position){ &slot->owner, &slot->route };
			return bits == slot->bits;
		}
		node = slot->node;
	}
	return false;
}

/* Inserts a node between the slot and its contents, at the greatest depth that both the contents and
 * the new prefix share. */
static bool slot_split(struct trie_slot *slot, struct route_key key, unsigned int bits)
{
	unsigned int common = common_bits(key, slot->key), depth;
	struct trie_node *node;
	bool ok;

	if (common > bits)
		common = bits;
	if (common > slot->bits)
		common = slot->bits;
	depth = common - common % STRIDE;
	node = node_new(depth);
	if (!node)
		return false;
	if (slot->route && slot->bits < depth + STRIDE)
		ok = node_add_value(&node, value_number(slot->key, slot->bits, depth), slot->owner,
				    slot->route);
	else
		ok = node_add_slot(&node, chunk_at(slot->key, depth), slot);
	if (!ok) {
		free(node);
		return false;
	}
	slot->node = node;
	slot->bits = (uint8_t)depth;
	slot->route = 0;
	return true;
}

bool trie_add(struct trie_node **link, struct route_key key, unsigned int bits,
	      struct routes_owner *owner, uint32_t route)
{
	if (!*link)
		*link = node_new(0);
	while (*link) {
		struct trie_node *node = *link;
		unsigned int c = chunk_at(key, node->depth);
		struct trie_slot *slot;

		if (bits < node->depth + STRIDE)
			return node_add_value(link, value_number(key, bits, node->depth), owner,
					      route);
		if (!has(node->slot_bits, c)) {
			struct trie_slot leaf = { key, { .owner = owner }, route, (uint8_t)bits };
			return node_add_slot(link, c, &leaf);
		}
		slot = &node->slots[rank(node->slot_bits, c)];
		if ((slot->route || bits < slot->bits || !matches(key, slot->key, slot->bits)) &&
		    !slot_split(slot, key, bits))
			return false;
		link = &slot->node;
	}
	return false;
}

/* Replaces the node of the slot by the only slot or value that is left in it. */
static void slot_collapse(struct trie_slot *slot, const struct route *all)
{
	struct trie_node *node = slot->node;

	if (node->slot_bits) {
		*slot = node->slots[0];
	} else {
		struct trie_value value = *values_of(node);

		slot->key = all[value.route - 1].key;
		slot->bits = all[value.route - 1].bits;
		slot->owner = value.owner;
		slot->route = value.route;
	}
	free(node);
}

void trie_remove(struct trie_node **root, struct route_key key, unsigned int bits,
		 const struct route *all)
{
	struct trie_node **links[DEPTHS_MAX] = { root };
	unsigned int n = 0, c;

	for (;;) { /* descend to the node that holds the prefix, *links[n] */
		struct trie_node *node = *links[n];
		struct trie_slot *slot;

		if (bits < node->depth + STRIDE) {
			node_remove_value(links[n], value_number(key, bits, node->depth));
			break;
		}
		c = chunk_at(key, node->depth);
		slot = &node->slots[rank(node->slot_bits, c)];
		if (slot->route) {
			node_remove_slot(links[n], c);
			break;
		}
		assert(n + 1 < DEPTHS_MAX);
		links[++n] = &slot->node;
	}
	for (;; n--) { /* and ascend as long as nodes became too small */
		struct trie_node *node = *links[n];
		unsigned int left = count(node->slot_bits) + count(node->value_bits);

		if (left > 1 || (left == 1 && n == 0))
			return;
		if (left == 1) {
			slot_collapse(container_of(links[n], struct trie_slot, node), all);
			return;
		}
		free(node);
		*links[n] = NULL;
		if (n == 0)
			return;
		node_remove_slot(links[n - 1], chunk_at(key, (*links[n - 1])->depth));
	}
}

void trie_free(struct trie_node *node)
{
	if (!node)
		return;
	for (unsigned int i = 0; i < count(node->slot_bits); i++)
		if (!node->slots[i].route)
			trie_free(node->slots[i].node);
	free(node);
}
