/* Tables of keys, and comparison that ignores blanks and case. */
#include "conf_keys.h"

const char *const conf_quick_keys[CONF_QUICK_KEYS] = {
	"Address", "DNS", "MTU", "Table", "SaveConfig", "PreUp", "PostUp", "PreDown", "PostDown",
	"RouteMetric",
};

static const char *const hook_keys[] = { "PreUp", "PostUp", "PreDown", "PostDown" };

const char *conf_quick_key(struct span key)
{
	for (size_t i = 0; i < CONF_QUICK_KEYS; i++)
		if (span_is_nocase(key, conf_quick_keys[i]))
			return conf_quick_keys[i];
	return NULL;
}

bool conf_is_quick_key(struct span key)
{
	return conf_quick_key(key) != NULL;
}

bool conf_is_hook_key(struct span key)
{
	for (size_t i = 0; i < ARRAY_LEN(hook_keys); i++)
		if (span_is_nocase(key, hook_keys[i]))
			return true;
	return false;
}
