#!/.standin/busybox sh
# The first program of the stand-in's guest. To the host it behaves as Nanos does: the console says when an address is
# set, one program runs, its exit code goes to the debug port, the power button is a SIGTERM to it.
b=/.standin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
. /.standin/settings
for module in $MODULES; do $b insmod /.standin/modules/$module; done

# Nanos: the byte goes to port 0x501, then the power goes off.
finish() {
  [ -z "$DEBUG_EXIT" ] || printf "\\$(printf %03o "$1")" | /.standin/port
  $b poweroff -f
  while :; do $b sleep 1; done
}

if [ -n "$PROBLEM" ]; then
  echo "program startup failed on exec: (result:$PROBLEM)"
  finish 127
fi

$b ip link set lo up
if [ -n "$ADDRESS" ] && [ -e /sys/class/net/eth0 ]; then
  $b ifconfig eth0 "$ADDRESS" netmask "$NETMASK" up
  [ -z "$GATEWAY" ] || $b ip route add default via "$GATEWAY"
  read -r up _ </proc/uptime
  echo "[${up}0000] en1: assigned $ADDRESS"
else
  echo "[0.000000] NET: no network interface found"
fi

$b sh /.standin/run &
program=$!

# Each event of an input device is 24 bytes (struct input_event on a 64-bit machine).
watch_button() {
  for device in /sys/class/input/event*; do
    [ "$($b cat "$device/device/name")" = "Power Button" ] || continue
    $b dd if="/dev/input/${device##*/}" of=/dev/null bs=24 count=1 2>/dev/null
    kill -TERM $program
    $b sleep 30
    finish 0
  done
}
watch_button &

wait $program
code=$?
# A program that a signal ended: Nanos writes the number of the signal.
[ $code -le 128 ] || code=$((code - 128))
finish $code
