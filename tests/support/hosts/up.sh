#!/bin/bash
# up.sh NAME ADDRESS ROOTFS: boots ROOTFS in the network namespace mt-NAME, on the bridge of the
# namespace mt-client (10.98.0.1/24). A `reboot` there boots it again, a `poweroff` ends it. Runs
# until then, or until TERM.
set -e
NAME=$1 ADDRESS=$2 ROOT=$3 D=$(dirname "$(readlink -f "$0")")
(
  flock 9
  if ! ip netns list | grep -qw mt-client; then
    ip netns add mt-client
    ip -n mt-client link set lo up
    ip -n mt-client link add mtbr0 type bridge
    ip -n mt-client addr add 10.98.0.1/24 dev mtbr0
    ip -n mt-client link set mtbr0 up
  fi
) 9>/tmp/machine-hosts.lock
ip netns del "mt-$NAME" 2>/dev/null || true
ip -n mt-client link del "v-$NAME" 2>/dev/null || true
ip netns add "mt-$NAME"
ip -n "mt-$NAME" link set lo up
ip -n mt-client link add "v-$NAME" type veth peer name eth0 netns "mt-$NAME"
ip -n mt-client link set "v-$NAME" master mtbr0 up
ip -n "mt-$NAME" addr add "$ADDRESS/24" dev eth0
ip -n "mt-$NAME" link set eth0 up
ip -n "mt-$NAME" route add default via 10.98.0.1
end() {
  kill -9 $P 2>/dev/null
  wait $P 2>/dev/null
  ip netns del "mt-$NAME"
  exit
}
trap end TERM
set +e
while :; do
  ip netns exec "mt-$NAME" "$D/boot.sh" "$ROOT" "$NAME" </dev/null &
  P=$!
  wait $P
  [ $? = 129 ] || break
done
ip netns del "mt-$NAME"
