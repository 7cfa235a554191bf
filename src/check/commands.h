/* The commands of hooks, as far as they change the firewall, rules and routes. */
#ifndef WG_CHECK_COMMANDS_H
#define WG_CHECK_COMMANDS_H

#include "base/span.h"

enum { COMMAND_WORDS = 64 };

struct command {
	struct span text;
	struct span words[COMMAND_WORDS]; /* without quotes around them */
	size_t n;
	bool has_more; /* it has more words than these */
};

/* Takes the next command of a shell line off the front of *rest: commands are separated by ; & | and newlines outside of
 * quotes. False: none is left. */
must_check bool command_next(struct command *out, struct span *rest);
/* True if the line has control structures or substitutions, so that its words are not those that are executed. */
bool commands_are_complex(struct span line);

/* The words of the last component of the path, after sudo. */
enum command_kind {
	COMMAND_OTHER,     /* unknown: it may do anything */
	COMMAND_HARMLESS,  /* changes neither firewall nor routes */
	COMMAND_IPTABLES, COMMAND_IP_RULE, COMMAND_IP_ROUTE, COMMAND_NFT, COMMAND_UFW, COMMAND_FIREWALLD,
};
/* *program: the index of the word that names the program. */
enum command_kind command_kind(const struct command *c, size_t *program);

/* True if the command adds something that stays when the interface is removed. interface: its name, or the null span. */
bool command_adds(const struct command *c, struct span interface);
/* True if `down` removes what `up` adds. */
bool command_undoes(const struct command *down, const struct command *up);

#endif
