#!/bin/bash
# scripts.sh: runs the scripts that the kernel command line names (wgsuite.scripts=A,B) inside the test machine, one
# after the other; init.c starts it. Each runs in new network, mount and process namespaces, with /etc, /run and /tmp as
# after the boot and the modules loaded; guest.sh needs the initial ones.
words=$(< /proc/cmdline)
words=${words#*wgsuite.scripts=}
failed=0
enter='mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp
	cp -a /etc /tmp/etc; mount -t tmpfs tmpfs /etc; cp -a /tmp/etc/. /etc/; rm -r /tmp/etc
	mkdir /run/netns; ip link set lo up; exec bash "$0"'
for script in $(echo "${words%% *}" | tr , ' '); do
	/init modules
	echo "# begins $script"
	echo "wgsuite: $script begins" > /dev/kmsg
	case $script in
	guest) bash /guest.sh ;;
	*) unshare --net --mount --pid --fork --kill-child --mount-proc bash -c "$enter" "/$script.sh" ;;
	esac
	code=$?
	echo "# ended $script $code"
	[ "$code" = 0 ] || failed=1
done
exit $failed
