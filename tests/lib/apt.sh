# A separate apt, for scripts to source: packages of other suites and machines, fetched and not installed. This
# system's sources, lists and packages stay as they are. The script has $scratch.

# mirror_of SUITE: the mirror from which this machine takes the suite, or nothing.
mirror_of() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2> /dev/null |
		awk -v suite="$1" '$2 == suite { print $1; exit }'
}

# apt_suite URL SUITE [MACHINE]: the only source from now on.
apt_suite() {
	apt_machine=${3:-$(dpkg --print-architecture)}
	rm -rf "$scratch/lists" "$scratch/cache"
	mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
	echo "deb [arch=$apt_machine signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 $2 main" > "$scratch/list"
	own_apt apt-get update
}

own_apt() { # own_apt PROGRAM ARGUMENT…
	apt_program=$1
	shift
	"$apt_program" -qq -o APT::Architecture="$apt_machine" -o APT::Architectures="$apt_machine" \
		-o Dir::Etc::SourceList="$scratch/list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Parts=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null -o Dir::State::Lists="$scratch/lists" \
		-o Dir::Cache="$scratch/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# apt_unpack FOLDER PACKAGE…: the packages' files, in a new folder.
apt_unpack() {
	apt_into=$1
	shift
	rm -rf "$apt_into" "$scratch/debs"
	mkdir -p "$apt_into" "$scratch/debs"
	(cd "$scratch/debs" && own_apt apt-get download "$@")
	for deb in "$scratch"/debs/*.deb; do
		dpkg-deb -x "$deb" "$apt_into"
	done
}
