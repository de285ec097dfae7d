#!/bin/bash
# init.sh FOLDER: process 1 of a node. Gives the node its own /proc, /sys, /run, /etc, /var/lib and /var/log over this
# machine's files, then keeps containerd, kubelet and kube-proxy running.
# A shell script, because process 1 has to reap what others leave, and Node.js only reaps its own children.
set -eu
. "$1/node.env"

hostname "$NAME"
mount --make-rprivate /
mount -t proc proc /proc

# The node's own cgroups, seen at the usual place.
mkdir -p "$FOLDER/cgroup"
if [ "$CGROUP_ROOTS" = /sys/fs/cgroup ]; then
  mount --bind "/sys/fs/cgroup/$CGROUP" "$FOLDER/cgroup"
else
  mount -t tmpfs cgroup "$FOLDER/cgroup"
  for root in $CGROUP_ROOTS; do
    mkdir "$FOLDER/cgroup/$(basename "$root")"
    mount --bind "$root/$CGROUP" "$FOLDER/cgroup/$(basename "$root")"
  done
fi
mount -t sysfs sysfs /sys
mount --rbind "$FOLDER/cgroup" /sys/fs/cgroup
umount -l "$FOLDER/cgroup"
if [ "$CGROUP_ROOTS" = /sys/fs/cgroup ]; then
  mkdir -p /sys/fs/cgroup/init
  echo 0 > /sys/fs/cgroup/init/cgroup.procs
fi

# What a node writes stays in its folder.
for place in /etc /var/lib /var/log; do
  own="$FOLDER/disk$place"
  mkdir -p "$own" "$own.work"
  mount -t overlay -o "lowerdir=$place,upperdir=$own,workdir=$own.work" overlay "$place"
done
# No overlay below these: containerd puts overlays of its own there, and journals want a real file system.
for place in /var/lib/containerd /var/lib/kubelet /var/lib/chaosplane; do
  mkdir -p "$place" "$FOLDER/disk$place.own"
  mount --bind "$FOLDER/disk$place.own" "$place"
done
mkdir -p /var/lib/cni /etc/cni/net.d /etc/kubernetes/manifests /var/log/pods /var/log/containers
mount -t tmpfs -o mode=700 cni /var/lib/cni
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lock /run/netns
rm -f /etc/cni/net.d/*
cp "$FOLDER/cni.conflist" /etc/cni/net.d/10-pods.conflist
[ -s "$FOLDER/machine-id" ] || tr -d - < /proc/sys/kernel/random/uuid > "$FOLDER/machine-id"
rm -f /etc/machine-id
cp "$FOLDER/machine-id" /etc/machine-id
rm -f /etc/hostname
echo "$NAME" > /etc/hostname
mount --bind "$FOLDER/boot_id" /proc/sys/kernel/random/boot_id
# A node must not be able to reset the machine it runs on. A privileged pod with a /proc of its own still could.
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger
# Pods that mount folders of the node see what is mounted there later.
mount --make-rshared /
echo 1 > /proc/sys/net/ipv4/ip_forward

keep() {
  local program=$1
  shift
  (
    while :; do
      "$@" >> "$FOLDER/$program.log" 2>&1 || :
      echo "$program ended and is started again" >> "$FOLDER/$program.log"
      sleep 0.5
    done
  ) &
}

keep containerd containerd --config "$FOLDER/containerd.toml"
until ctr version > /dev/null 2>&1; do sleep 0.05; done
"$(dirname "$0")/load-images.sh" "$1"
keep kubelet "$PROGRAMS/kubelet" --config="$FOLDER/kubelet.yaml" --kubeconfig="$CLUSTER/${LINK}.kubeconfig" \
  --hostname-override="$NAME" --node-ip="$ADDRESS"
keep kube-proxy "$PROGRAMS/kube-proxy" --config="$FOLDER/kube-proxy.yaml"
while :; do wait || :; done
