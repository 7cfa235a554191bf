/* The kernel's text in the answers of netlink, from bytes as a kernel sends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/netlink.h>

#include "ipc/ext_ack.h"
#include "ipc/genl_codec.h"

/* An answer under construction. */
struct answer {
	uint8_t b[512];
	size_t n;
};

static void put(struct answer *a, const void *p, size_t n)
{
	memcpy(a->b + a->n, p, n);
	a->n += NLMSG_ALIGN(n);
}

/* The refusal of a request of n bytes, which is repeated unless capped. */
static void begin(struct answer *a, uint16_t type, uint16_t flags, uint32_t request)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = 7 };
	struct nlmsghdr repeated = { .nlmsg_len = request, .nlmsg_type = 30, .nlmsg_seq = 7 };
	int error = -EINVAL;

	*a = (struct answer){ 0 };
	put(a, &h, sizeof h);
	put(a, &error, sizeof error);
	if (type != NLMSG_ERROR)
		return;
	put(a, &repeated, sizeof repeated);
	if (!(flags & NLM_F_CAPPED))
		a->n += NLMSG_ALIGN(request) - sizeof repeated;
}

static void put_attribute(struct answer *a, uint16_t type, const void *p, size_t n)
{
	a->n += genl_attr_put(a->b + a->n, type, p, n);
}

static const char *text_in(struct answer *a, size_t n)
{
	static char buffer[EXT_ACK_TEXT_MAX];
	struct text t = text_fixed(buffer, sizeof buffer);
	uint8_t *exact = test_malloc(n); /* the sanitizer sees reads behind it */
	uint32_t length = (uint32_t)a->n;

	memcpy(a->b, &length, sizeof length);
	memcpy(exact, a->b, n);
	ext_ack_text(&t, exact, n);
	test_free(exact);
	return buffer;
}

static void errors_and_ends_of_dumps(void **state)
{
	static const uint32_t requests[] = { 16, 28, 30 };
	static const char message[] = "Attribute failed policy validation";
	uint32_t offset = 28;
	struct answer a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		for (unsigned int capped = 0; capped < 2; capped++) {
			begin(&a, NLMSG_ERROR, (uint16_t)(NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0)), requests[i]);
			put_attribute(&a, NLMSGERR_ATTR_OFFS, &offset, sizeof offset);
			put_attribute(&a, NLMSGERR_ATTR_MSG, message, sizeof message);
			assert_string_equal(text_in(&a, a.n), message);
		}
	begin(&a, NLMSG_DONE, NLM_F_ACK_TLVS | NLM_F_MULTI, 0);
	put_attribute(&a, NLMSGERR_ATTR_MSG, message, sizeof message);
	assert_string_equal(text_in(&a, a.n), message);
}

static void answers_without_a_text(void **state)
{
	uint32_t offset = 28;
	struct answer a;

	(void)state;
	begin(&a, NLMSG_ERROR, NLM_F_CAPPED, 28); /* an old kernel */
	assert_string_equal(text_in(&a, a.n), "");
	begin(&a, NLMSG_ERROR, 0, 28);
	assert_string_equal(text_in(&a, a.n), "");
	begin(&a, NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, 28);
	assert_string_equal(text_in(&a, a.n), "");
	put_attribute(&a, NLMSGERR_ATTR_OFFS, &offset, sizeof offset);
	assert_string_equal(text_in(&a, a.n), "");
	begin(&a, NLMSG_DONE, NLM_F_MULTI, 0);
	assert_string_equal(text_in(&a, a.n), "");
}

/* Whatever is cut off, nothing behind the end is read. */
static void cut_answers(void **state)
{
	static const char message[] = "text";
	struct answer a;
	size_t whole;

	(void)state;
	begin(&a, NLMSG_ERROR, NLM_F_ACK_TLVS, 40);
	put_attribute(&a, NLMSGERR_ATTR_MSG, message, sizeof message);
	whole = a.n - NLMSG_ALIGN(sizeof message) + sizeof message;
	for (size_t n = 0; n < whole; n++)
		assert_string_equal(text_in(&a, n), "");
	assert_string_equal(text_in(&a, whole), message);
	begin(&a, NLMSG_ERROR, NLM_F_ACK_TLVS, 0xffffffff); /* the length of the request is a lie */
	a.n = 80;
	assert_string_equal(text_in(&a, a.n), "");
}

static void texts_are_printable_and_short(void **state)
{
	static const char odd[] = { 'a', '\n', '\033', '\x80', 'b' }; /* and without a NUL */
	char endless[300];
	struct answer a;

	(void)state;
	begin(&a, NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, 28);
	put_attribute(&a, NLMSGERR_ATTR_MSG, odd, sizeof odd);
	assert_string_equal(text_in(&a, a.n), "a???b");
	memset(endless, 'x', sizeof endless);
	begin(&a, NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, 28);
	put_attribute(&a, NLMSGERR_ATTR_MSG, endless, sizeof endless);
	assert_int_equal(strlen(text_in(&a, a.n)), EXT_ACK_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_and_ends_of_dumps),
		cmocka_unit_test(answers_without_a_text),
		cmocka_unit_test(cut_answers),
		cmocka_unit_test(texts_are_printable_and_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
