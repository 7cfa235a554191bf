# Mounts of a test's own, for scripts to source: own_root and private_mounts.

# own_root SCRIPT ARGUMENT…: nothing mounted from here on shows outside. In a plain chroot / is no
# mount, which ip netns and others need: then the script is started again below one.
own_root() {
	mount -n --make-rprivate / 2>/dev/null && return
	mount -n --rbind / /mnt
	mount -n --make-rprivate /mnt
	exec chroot /mnt sh -c 'cd "$1" && shift && exec sh "$@"' sh "$PWD" "$@"
}

# private_mounts: gives this mount namespace its own /etc (a copy of the outer one, with an empty
# /etc/wireguard), an empty /run, and a /sys that shows this network namespace.
private_mounts() {
	mount -n -t tmpfs -o mode=0755 tmpfs /run # first: mount(8) keeps notes there
	mkdir -p /run/lock
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
	mount -t sysfs sysfs /sys 2>/dev/null || true
	rm -rf /run/mount
}
