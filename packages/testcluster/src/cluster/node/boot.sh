#!/bin/bash
# boot.sh FOLDER: what a machine's power supply and firmware do for a node. Gives it a network card, starts its init in
# namespaces of its own, and starts it again when it reboots. Ends when the node is killed or powers off.
# A shell script, because one stays for each node, and a bash costs 3 MB.
set -eu
. "$1/node.env"

power_off() {
  # Without the namespace the kernel answers no peer any more, as when the power is gone.
  ip -n "$MARK" link del "$LINK" 2> /dev/null || :
  ip netns del "$NETNS" 2> /dev/null || :
}

while :; do
  power_off
  cat /proc/sys/kernel/random/uuid > "$FOLDER/boot_id"
  ip netns add "$NETNS"
  ip link add "$LINK" netns "$MARK" type veth peer name eth0 netns "$NETNS"
  ip -n "$MARK" link set "$LINK" master br0 up
  ip -n "$NETNS" -batch "$FOLDER/routes"
  for root in $CGROUP_ROOTS; do
    find "$root/$CGROUP" -mindepth 1 -depth -type d -exec rmdir {} + 2> /dev/null || :
  done
  (
    for root in $CGROUP_ROOTS; do echo "$BASHPID" > "$root/$CGROUP/cgroup.procs"; done
    echo "$BASHPID" > "$FOLDER/unshare.pid"
    exec nsenter --net="/run/netns/$NETNS" -- \
      unshare --mount --pid --uts --ipc --cgroup --fork --kill-child -- "$(dirname "$0")/init.sh" "$1"
  ) &
  unshare=$!
  if [ "$CGROUP_ROOTS" = /sys/fs/cgroup ]; then
    # Version 2: a cgroup that passes controllers on may hold no process. init leaves it too.
    until [ -n "$(cat "/proc/$unshare/task/$unshare/children" 2> /dev/null)" ] || ! kill -0 "$unshare"; do :; done
    echo "$unshare" > "/sys/fs/cgroup/$MARK/control/cgroup.procs" || :
  fi
  status=0
  wait "$unshare" || status=$?
  echo "$(date +%T.%N) $NAME ended: $status"
  # reboot(2) in a pid namespace ends its init as by SIGHUP (pid_namespaces(7)).
  [ "$status" = 129 ] || break
done
rm -f "$FOLDER/unshare.pid"
power_off
