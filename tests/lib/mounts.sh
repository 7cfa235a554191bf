# private_mounts: gives this mount namespace its own /etc (a copy of the outer one, with an empty
# /etc/wireguard), an empty /run, and a /sys that shows this network namespace. Sourced by sh.

private_mounts() {
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-mounts.XXXXXX")
	mount -t tmpfs -o mode=0755 tmpfs "$scratch"
	mkdir "$scratch/upper" "$scratch/work"
	mount -t overlay -o "lowerdir=/etc,upperdir=$scratch/upper,workdir=$scratch/work" overlay /etc \
		2>/dev/null || {
		mkdir "$scratch/etc"
		cp -a /etc/. "$scratch/etc/"
		mount --bind "$scratch/etc" /etc
	}
	# The folder's name goes at once, the file system stays with the namespace.
	umount -l "$scratch"
	rmdir "$scratch"
	mkdir -p /etc/wireguard
	mount -t tmpfs -o mode=0700 tmpfs /etc/wireguard
	mount -t tmpfs -o mode=0755 tmpfs /run
	mkdir -p /run/lock
	mount -t sysfs sysfs /sys 2>/dev/null || true
	rm -rf /run/mount # mount(8)'s own notes
}
