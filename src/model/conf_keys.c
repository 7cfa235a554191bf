/* Tables of keys, and comparison that ignores blanks and case. */
#include "conf_keys.h"

#include "fields.h"

static const struct {
	const char *name;
	bool in_peer;
} quick_keys[] = {
	{ "Address", false },
	{ "DNS", false },
	{ "MTU", false },
	{ "Table", false },
	{ "SaveConfig", false },
	{ "PreUp", false },
	{ "PostUp", false },
	{ "PreDown", false },
	{ "PostDown", false },
	{ "RouteMetric", false },
	{ "ExcludeIPs", false },
	{ "Netns", false },
	{ "BindDevice", false },
	{ "SourceAddress", false },
	{ "PrivateKeyFile", false },
	{ "KillSwitch", false },
	{ "Disabled", true },
	{ "PresharedKeyFile", true },
	{ "Routes", true },
};

static const char *const hook_keys[] = { "PreUp", "PostUp", "PreDown", "PostDown" };

const char *conf_quick_key_at(size_t i)
{
	return i < ARRAY_LEN(quick_keys) ? quick_keys[i].name : NULL;
}

const char *conf_quick_key(struct span key, bool in_peer)
{
	for (size_t i = 0; i < ARRAY_LEN(quick_keys); i++)
		if (quick_keys[i].in_peer == in_peer && span_is_nocase(key, quick_keys[i].name))
			return quick_keys[i].name;
	return NULL;
}

bool conf_is_quick_key(struct span key, bool in_peer)
{
	return conf_quick_key(key, in_peer) != NULL;
}

bool conf_is_hook_key(struct span key)
{
	for (size_t i = 0; i < ARRAY_LEN(hook_keys); i++)
		if (span_is_nocase(key, hook_keys[i]))
			return true;
	return false;
}

bool conf_is_quick_line(struct span key, struct span value, bool in_peer)
{
	const struct field *f = field_find(SYNTAX_CONF, key, in_peer);

	return f ? f->kind->secret && span_starts(value, "@") : conf_is_quick_key(key, in_peer);
}

struct span conf_without_comment(struct span line)
{
	return span_sub(line, 0, span_find(line, '#'));
}

bool conf_is_key(struct span key)
{
	return field_find(SYNTAX_CONF, key, true) || field_find(SYNTAX_CONF, key, false) ||
	       conf_is_quick_key(span_trim(key), false) || conf_is_quick_key(span_trim(key), true);
}

bool conf_is_empty(struct span text)
{
	struct span rest = text, line;

	while (span_next(&line, &rest, '\n'))
		if (span_trim(conf_without_comment(line)).n > 0)
			return false;
	return true;
}
