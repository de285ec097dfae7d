#!/bin/bash
# load-images.sh FOLDER: inside a node, loads those image archives of the cluster that it has not loaded yet.
set -eu
. "$1/node.env"
mkdir -p "$FOLDER/loaded"
for archive in "$CLUSTER"/images/*.tar; do
  mark="$FOLDER/loaded/$(basename "$archive")"
  [ -e "$mark" ] || { ctr -n k8s.io images import "$archive" && touch "$mark"; }
done
