/* Parsing of messages: the only code that looks at types and lengths. */
#include "message.h"

bool msg_parse(struct wg_msg *out, const uint8_t *p, size_t n)
{
	if (n < 4)
		return false;
	switch (load_le32(p)) {
	case MSG_INITIATION:
		out->type = MSG_INITIATION;
		out->initiation = (const struct msg_initiation *)p;
		return n == MSG_INITIATION_BYTES;
	case MSG_RESPONSE:
		out->type = MSG_RESPONSE;
		out->response = (const struct msg_response *)p;
		return n == MSG_RESPONSE_BYTES;
	case MSG_COOKIE:
		out->type = MSG_COOKIE;
		out->cookie = (const struct msg_cookie *)p;
		return n == MSG_COOKIE_BYTES;
	case MSG_DATA:
		out->type = MSG_DATA;
		out->data = (const struct msg_data *)p;
		return n >= MSG_DATA_MIN_BYTES;
	default:
		return false;
	}
}

void msg_data_header(uint8_t *out, uint32_t receiver, uint64_t counter)
{
	store_le32(out, MSG_DATA);
	store_le32(out + 4, receiver);
	store_le64(out + 8, counter);
}
