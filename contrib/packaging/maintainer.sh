#!/bin/sh
# maintainer.sh name | email | url | update | check: prints that value of the file maintainer, writes all of them into the recipes
# (debian/control, PKGBUILD, APKBUILD, wgsuite.spec), or fails if a recipe has others, or if they are still those of example.org.
set -eu
cd "$(dirname "$0")"
value() { sed -n "s/^$1 *= *//p" maintainer; }
name=$(value name) email=$(value email) url=$(value url)
fail() {
	echo "maintainer.sh: $1" >&2
	echo "  help: edit contrib/packaging/maintainer, then: sh contrib/packaging/maintainer.sh update" >&2
	exit 1
}
valid() {
	case $name in *[\<\>\"\'\\]* | '') fail "no name" ;; esac
	case $email in *[!A-Za-z0-9._+@-]* | *@*@* | @* | *@) fail "\`$email' is not an e-mail address" ;; *@*) ;; *) fail "no e-mail address" ;; esac
	case $url in *[!A-Za-z0-9:/._~-]*) fail "\`$url' is not a URL" ;; https://?* | http://?*) ;; *) fail "no URL" ;; esac
}

# updated RECIPE: prints it with the values. The recipes have each of them in a line that has nothing else.
updated() {
	awk -v by="$name <$email>" -v url="$url" '
	/^Maintainer: / { $0 = "Maintainer: " by }
	/^# Maintainer: / { $0 = "# Maintainer: " by }
	/^\* .* <.*> - / { $0 = $1 " " $2 " " $3 " " $4 " " $5 " " by " - " $NF }
	/^Homepage: / { $0 = "Homepage: " url }
	/^URL: / { $0 = "URL:            " url }
	/^url="/ { $0 = "url=\"" url "\"" }
	/^url=h/ { $0 = "url=" url }
	{ print }' "$1"
}

recipes="debian/control arch/PKGBUILD alpine/APKBUILD rpm/wgsuite.spec"
case ${1-} in
name | email | url) value "$1" ;;
update)
	valid
	for recipe in $recipes; do
		new=$(updated "$recipe")
		printf '%s\n' "$new" > "$recipe"
	done
	;;
check)
	valid
	for recipe in $recipes; do
		[ "$(updated "$recipe")" = "$(cat "$recipe")" ] || fail "contrib/packaging/$recipe has another maintainer or URL"
	done
	for address in "$email" "$url"; do
		case $address in
		*[@./]example.org* | *[@./]example.com* | *[@./]example.net*) fail "contrib/packaging/maintainer has the placeholder $address" ;;
		esac
	done
	;;
*) sed -n '2,3s/^# //p' maintainer.sh >&2; exit 2 ;;
esac
