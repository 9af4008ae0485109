#!/bin/sh
# An implementation of container networks for `goldpath run contract -i plugin:./plugin.sh`: bridges and veth pairs by ip,
# the rule by nft, JSON by jq. A question comes on standard input, the answer goes to standard output.
# shellcheck disable=SC2016 # variables of jq
# Every feature that you add to this list is tested: goldpath schema plugin describes them.
set -eu

features='["bridge", "masquerade"]'
question=$(cat)
ask() { printf '%s' "$question" | jq --raw-output "$1"; }
folder=$(ask '.folder // ""')

# One line for each network (NUMBER BRIDGE SUBNET GATEWAY/LENGTH) and one for each container on it (NUMBER BRIDGE NAME
# ADDRESS/LENGTH GATEWAY).
networks() {
  ask '.scenario.networks | to_entries[] | .value.subnets[0] as $subnet
    | "\(.key) br-\(.value.name) \($subnet.subnet) \($subnet.gateway)/\($subnet.subnet | split("/")[1])"'
}
members() {
  ask 'def number: split(".") | map(tonumber) | reduce .[] as $byte (0; . * 256 + $byte);
    def dotted: [16777216, 65536, 256, 1] as $units | . as $all | [$units[] | ($all / . | floor) % 256 | tostring] | join(".");
    .scenario.containers as $containers
    | .scenario.networks | to_entries[] | .key as $n | .value as $network | $network.subnets[0] as $subnet
    | ($subnet.subnet | split("/")) as [$base, $length]
    | [$containers[] | select(.attached | type == "object") | . as $container
       | .attached.networks[]? | select(.name == $network.name)
       | {name: $container.name, address: .addresses[0]}] as $members
    | ($members | map(.address) + [$subnet.gateway]) as $taken
    | [range(1; 250) | . + ($base | number) | dotted | select(. as $one | $taken | index($one) | not)] as $free
    | $members | to_entries[]
    | "\($n) br-\($network.name) \(.value.name) \(.value.address // $free[.key])/\($length) \($subnet.gateway)"'
}

setup() {
  cat /proc/sys/net/ipv4/ip_forward >"$folder/ip_forward"
  echo 1 >/proc/sys/net/ipv4/ip_forward
  nft add table ip plugin
  nft 'add chain ip plugin leave { type nat hook postrouting priority 100; }'
  nft 'add chain ip plugin pass { type filter hook forward priority 0; }'
  networks | while read -r _ bridge subnet gateway; do
    ip link add "$bridge" type bridge
    ip address add "$gateway" dev "$bridge"
    ip link set "$bridge" up
    nft "add rule ip plugin leave ip saddr $subnet oifname != $bridge masquerade"
    # A segment of no connection is not rewritten, and would leave with the container's address.
    nft "add rule ip plugin pass iifname $bridge ct state invalid drop"
  done
  members | while read -r number bridge name address gateway; do
    ip link add "v$number$name" type veth peer name eth0 netns "$name"
    ip link set "v$number$name" master "$bridge" up
    ip -n "$name" address add "$address" dev eth0
    ip -n "$name" link set eth0 up
    ip -n "$name" route add default via "$gateway"
  done
}

# Undoes everything and goes on after errors.
teardown() {
  nft delete table ip plugin || true
  members | while read -r number _ name _; do ip link delete "v$number$name" || true; done
  networks | while read -r _ bridge _; do ip link delete "$bridge" || true; done
  cat "$folder/ip_forward" >/proc/sys/net/ipv4/ip_forward
}

case $(ask .verb) in
  info) printf '{"protocol": 2, "name": "plugin", "version": "0.1", "features": %s}\n' "$features" ;;
  setup) setup >&2 && echo '{}' ;;
  teardown) teardown >&2 && echo '{}' ;;
esac
