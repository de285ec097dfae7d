#!/bin/busybox sh
# First program in the virtual machine: loads what it takes to see the machine's files, puts a writable layer on top of them,
# and goes on with guest.sh there. A shell script, because nothing else runs before the files are there.
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sysfs /sys
$B mount -t devtmpfs devtmpfs /dev
while read -r module; do $B insmod "/modules/$module"; done < /modules/order
$B mkdir -p /host /new /writable
$B mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /host
$B mount -t tmpfs tmpfs /writable
$B mkdir /writable/upper /writable/work
$B mount -t overlay -o lowerdir=/host,upperdir=/writable/upper,workdir=/writable/work overlay /new
for folder in proc sys dev; do $B mount --move "/$folder" "/new/$folder"; done
$B mount -t tmpfs tmpfs /new/run
$B mkdir -p /new/run/vm /new/lib/modules
$B mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000 vm /new/run/vm
$B mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose modules /new/lib/modules
exec $B switch_root /new /bin/bash /run/vm/guest.sh
