/* Finds the bytes of a line that may be a secret. Masks too much rather than too little: only the source line loses them. */
#include "crypto/crypto.h"
#include "finding.h"

enum {
	RUN_MAX = 24,     /* base64 characters that may be a key, or most of one */
	UNKNOWN_MAX = 20, /* characters that are shown of the value of an unknown key, which may be a misspelt PrivateKey */
};

static bool is_base64(char c)
{
	char l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || ascii_is_digit(c) || c == '+' || c == '/' || c == '=';
}

static bool looks_random(struct span run)
{
	bool upper = false, lower = false, digit = false;

	for (size_t i = 0; i < run.n; i++) {
		upper |= run.p[i] >= 'A' && run.p[i] <= 'Z';
		lower |= run.p[i] >= 'a' && run.p[i] <= 'z';
		digit |= ascii_is_digit(run.p[i]) || run.p[i] == '+';
	}
	return run.n >= RUN_MAX && ((upper && lower) || (digit && (upper || lower)));
}

static void mask(struct text *out, size_t from, size_t n)
{
	for (size_t i = from; i < from + n && i < out->n; i++)
		if (!ascii_is_blank(out->p[i]))
			out->p[i] = '*';
}

/* Words that may be keys; the digits and letters of file names and host names are not masked if they differ. */
static void mask_runs(struct text *out, size_t begin, size_t from)
{
	size_t start = from;

	for (size_t i = from; i <= out->n - begin; i++) {
		struct span run = { out->p + begin + start, i - start };
		if (i < out->n - begin && is_base64(out->p[begin + i]))
			continue;
		if (looks_random(run))
			mask(out, begin + start, run.n);
		start = i + 1;
	}
}

static bool is_secret(const struct check *c, const uint8_t key[KEY_BYTES])
{
	struct wg_hash hash;

	hash2(&hash, key, KEY_BYTES, NULL, 0);
	for (size_t i = 0; i < c->n_files; i++) {
		const struct check_file *f = c->files[i];
		if (f->has_private && memcmp(f->private_hash.b, hash.b, sizeof hash.b) == 0)
			return true;
		for (size_t k = 0; k < f->n_peers; k++)
			if (f->peers[k].has_psk && memcmp(f->peers[k].psk_hash.b, hash.b, sizeof hash.b) == 0)
				return true;
	}
	return false;
}

/* A valid public key, which is not also a secret one: the user may have taken one for the other. */
static bool is_public_key(const struct check *c, struct span value)
{
	struct wg_public key;

	return key_from_base64(key.b, span_trim(value)) && !is_secret(c, key.b);
}

/* True if the value may be a key, with blanks inside. Hooks have long texts; names of hosts have no capital letters. */
static bool is_suspicious(struct span key, struct span value)
{
	if (conf_is_hook_key(span_trim(key)))
		return false;
	if (!conf_is_key(key))
		return text_may_be_key(value) || span_trim(value).n > UNKNOWN_MAX;
	return text_may_be_key(value) && looks_random(value);
}

void check_mask_line(const struct check *c, const struct check_file *f, uint32_t number, struct text *out)
{
	struct span line = check_line(f, number);
	struct span code = conf_without_comment(line);
	size_t equals = span_find(code, '='), begin = out->n;
	struct span key = span_sub(code, 0, equals), value = span_sub(code, equals + 1, code.n);

	text_span(out, line);
	if (out->failed)
		return;
	if (span_is_spaced(key, "PrivateKey") || span_is_spaced(key, "PresharedKey")) {
		mask(out, begin + key.n + 1, line.n);
		return;
	}
	if (span_is_spaced(key, "PublicKey") && is_public_key(c, value)) {
		mask_runs(out, begin, code.n);
		return;
	}
	if (!conf_is_key(key) && text_may_be_key(key))
		mask(out, begin, line.n);
	else if (is_suspicious(key, value))
		mask(out, begin + equals + 1, line.n);
	mask_runs(out, begin, 0);
}
