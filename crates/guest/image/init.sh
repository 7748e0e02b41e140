#!/bin/bash
# The first process of the guest. Its root is the host's, read-only; what it writes goes to memory and is lost, except in the
# folder `out=` of the kernel's command line: there lies the script to run, and there its status is left.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
mount -t proc proc /proc
out=$(sed -n 's/.* out=\([^ ]*\).*/\1/p' /proc/cmdline)
mount -t tmpfs tmpfs /run
mkdir -p /run/upper /run/work /run/root /run/upper-shm /run/work-shm
mount -t overlay overlay -o "lowerdir=/,upperdir=/run/upper,workdir=/run/work" /run/root
for folder in proc sys dev tmp; do mkdir -p "/run/root/$folder"; done
mount -t proc proc /run/root/proc
mount -t sysfs sysfs /run/root/sys
mount -t devtmpfs devtmpfs /run/root/dev
mkdir -p /run/root/dev/shm /run/root/dev/pts
mount -t overlay overlay -o "lowerdir=/dev/shm,upperdir=/run/upper-shm,workdir=/run/work-shm" /run/root/dev/shm 2>/dev/null ||
    mount -t tmpfs tmpfs /run/root/dev/shm
mount -t devpts devpts /run/root/dev/pts 2>/dev/null
mkdir -p "/run/root$out"
mount -t hostfs none -o "$out" "/run/root$out"
busybox ip link set lo up
# phones look for an address that is not a loopback one
busybox ip addr add 10.9.0.1/24 dev dummy0
busybox ip link set dummy0 up
busybox ip route add default via 10.9.0.2
chroot /run/root /bin/bash "$out/script.sh"
echo $? > "/run/root$out/status"
busybox poweroff -f
