#!/bin/sh
# terms.sh [ROOT]: refuses words that only this tree used for things that have a name in the field, and phrases that a
# technical editor would strike. Prints every offence with a better word; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-lint.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Not read: data, and configurations that other people wrote.
for place in src man README.md SECURITY.md contrib completion tests Makefile .ci; do
	[ ! -e "$place" ] || find "$place" -type f ! -path 'tests/fuzz/corpus/*' ! -path 'tests/vectors/*' \
		! -path 'tests/netns/configs/*' ! -name '*.jsonl' ! -name '*.svg'
done | sort > "$scratch/files"
code=0

# refuse INSTEAD PATTERN [FILES]: in upper or lower case, as a word or between underscores of a name, in the files
# whose path begins so (default: all). A letter of each pattern is in brackets: this file does not match itself.
refuse() {
	grep -E "^(${3:-.*})" "$scratch/files" | xargs -r grep -HniIP "(?<![A-Za-z])(?:$2)(?![A-Za-z])" > "$scratch/found" || :
	[ -s "$scratch/found" ] || return 0
	sed "s|$|  [write: $1]|" "$scratch/found"
	code=1
}

refuse "module, space or capacity"   '[r]ooms?'
refuse "source tree"                 '[h]ouses?'
refuse "public header, interface"    '[d]oors?'
refuse "thread pool, data threads"   '[c]rews?'
refuse "mailbox"                     '[h]andovers?|[h]anded over'
refuse "wake"                        '[p]okes?|[p]oked|[p]oking'
refuse "big-reader lock"             '[g]ate_[a-z]+|struct [g]ates?' src/
refuse "reader, section"             'struct [p]laces?|[p]lace_(init|enter|leave|sent|queue|of|in|wait|numbered)' src/
refuse "sequencer, ticket order"     'struct ([t]urn|[l]ine)|[t]urn_(wait|pass|init)' src/
refuse "implementation"              '[r]ows?_(table|of|for)|struct [a-z0-9_]*_[r]ows?|crypto_[r]ows?' '(src|tests)/'
refuse "implementation"              '[r]ows?' '(src/crypto|tests/unit/crypto|tests/ct|tests/fuzz/crypto_|tests/cli/crypto)'
refuse "packet_memory"               '[p]ages_(new|free)|struct [p]ages'
refuse "checksum"                    '[s]um_(copy|fold|rows?|bytes|of)' src/
refuse "last request, saved"         'struct ([a]sked|[k]ept)|[a]sked_[a-z]+'
refuse "diagnostics"                 '[r]emarks?(_[a-z]+)?'
refuse "report_…"                    '(?<!_)[s]ay_[a-z]+'
refuse "vector_…, text_heap"         '(?<!_)[g]row_[a-z]+'
refuse "fileio_…, subprocess_…, rtnetlink_…" '[f]iles_(read|write|replace|rewrite)[a-z_]*|[r]un_(program|words|find|status|stopped|watch)[a-z_]*|[r]t_(open|close|link|route|rule|dump|add|init|free)[a-z_]*' src/
refuse "fault_injected"              '[f]ault_here'
refuse "journal"                     '[r]ecord_(open|close|load|write|read|note|fill|parse|print|remove|forget|end|began|keeps)[a-z_]*|struct [r]ecord'
refuse "host state, actual"          '[s]tate_look[a-z_]*|struct [f]ound'
refuse "requested, desired"          '[w]ish(es|ed)?(_[a-z]+)?|struct [w]anted[a-z_]*' '(src|man|README|contrib)'
refuse "undo, roll back"             '[t]ak(e|es|en|ing) back|[t]ook back|[t]ake_back'
refuse "notified, reported"          '[t]old'
refuse "manually"                    '[b]y hand'
refuse "next to, in addition to"     '[b]eside'
refuse "its own"                     '[o]f (its|their|h[i]s|her|our|one.s) own'
refuse "is removed"                  '[g]o(es)? away|[w]ent away|[g]one away|[g]oing away'
refuse "starts, is brought up"       '[c]omes? up|[c]ame up|[c]oming up'
refuse "again, afresh"               '[a]new'
refuse "scratch, spare"              '[a]side' src/
refuse "the actor's name"            '[w]hoever|[w]homever|[s]omebody|[a]nybody|[e]verybody'
refuse "the thread, the peer"        'h[e]|s[h]e|h[i]m|h[i]s' '(src|man|README|contrib|tests)'
refuse "a statement"                 't[h]at much|t[h]ere (is|are) none|t[h]e news'
refuse "release"                     '[l]ets? go( of)?' '(src|man|README|contrib)'
refuse "receive"                     '(?<!_)([h]ears?|[h]eard)(?!_)' '(src|man|README|contrib)'
refuse "discard, delete"             '(?<!_)([f]orgets?|[f]orgot(ten)?|[f]orgetting)(?!_)' '(src|man|README|contrib)'
refuse "mode, result"                '[f]ates?'
refuse "conflict"                    '[r]ivals?'
refuse "stale, of an earlier run"    'of[ _]the[ _][p]ast'
refuse "if it changed"               'of_[n]ews'
refuse "leftover"                    'is_[r]est' src/
refuse "in another namespace"        'is_[a]way|[h]ome_ns' src/
refuse "tables and chains"           '(firewall|missing|new)_[f]rames' src/
refuse "path"                        '[w]ays? to (the|an) (endpoints?|peers?)'
exit $code
