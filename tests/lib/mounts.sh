# Private mounts of a test, for scripts to source: own_root and private_mounts.

# own_root SCRIPT ARGUMENT…: mounts of this namespace no longer propagate to others. In a plain chroot, / is not a mount
# point, which ip netns and others need: the script is then started again in a chroot whose root is one.
own_root() {
	mount -n --make-rprivate / 2>/dev/null && return
	mount -n --rbind / /mnt
	mount -n --make-rprivate /mnt
	exec chroot /mnt sh -c 'cd "$1" && shift && exec sh "$@"' sh "$PWD" "$@"
}

# private_mounts: mounts a copy of /etc with an empty /etc/wireguard, an empty /run, and /sys of this network namespace.
private_mounts() {
	mount -n -t tmpfs -o mode=0755 tmpfs /run # first: mount(8) writes to it
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
	# The file system remains in the namespace without its folder.
	umount -l "$scratch"
	rmdir "$scratch"
	mkdir -p /etc/wireguard
	mount -t tmpfs -o mode=0700 tmpfs /etc/wireguard
	mount -t sysfs sysfs /sys 2>/dev/null || true
	rm -rf /run/mount
}
