/**
 * The first program of a Linux guest: a script for busybox ash. Each program that it starts costs some milliseconds
 * under emulation, so that it does with the shell's own words whatever they can do.
 *
 * It reads /.berth/modules.sh (which modules are there) and /.berth/config (this VM), starts /.berth/launch, and tells
 * the host through the virtio port `berth.report`. It never waits for ever: what cannot be had is a report and an end.
 */

/** Name of the virtio port that reports go to. */
const reportPort = 'berth.report';

/** Applets of busybox that the script uses; each has a link in /.berth/bin. */
export const initApplets = Object.freeze([
  'chmod',
  'chown',
  'cp',
  'dd',
  'ifconfig',
  'insmod',
  'mkdir',
  'mount',
  'poweroff',
  'rm',
  'route',
  'sleep',
  'stty',
  'umount',
]);

/** What is mounted before anything else. */
export const initFstab = ['proc /proc proc', 'sysfs /sys sysfs', 'devtmpfs /dev devtmpfs']
  .map((line) => `${line} defaults 0 0\n`)
  .join('');

/** What a program finds under /dev and /run beside devices. */
export const deviceFstab = ['devpts /dev/pts devpts gid=5,mode=620,ptmxmode=666', 'tmpfs /dev/shm tmpfs mode=1777']
  .map((line) => `${line} 0 0\n`)
  .join('');

export const initScript = String.raw`#!/.berth/bin/busybox ash
PATH=/.berth/bin
port=
root=
mounted=
loaded=

report() { [ -z "$port" ] || echo "$1" >"$port"; }

# finish CODE: tells the code, leaves clean disks, switches off.
finish() {
  report "{\"event\":\"exited\",\"code\":$1}"
  kill -9 -1
  release_volumes
  # Waits until the console has taken all that was written to it.
  stty opost </dev/console
  # The log ends with the program's last line, not with the kernel's farewell.
  echo 0 >/proc/sys/kernel/printk
  poweroff -f
  sleep 60
}

# fail MESSAGE CODE: MESSAGE must be fit for a JSON string.
fail() {
  echo "berth: $1" >/dev/console
  report "{\"event\":\"failed\",\"message\":\"$1\"}"
  finish "$2"
}

load() {
  for module in $1; do
    case " $loaded " in *" $module "*) continue ;; esac
    insmod "/.berth/modules/$module" || echo "berth: module $module could not be loaded" >/dev/console
    loaded="$loaded $module"
  done
}

find_port() {
  cd /sys/class/virtio-ports 2>/dev/null || return 1
  for entry in *; do
    name=
    { read -r name <"$entry/name"; } 2>/dev/null
    if [ "$name" = "${reportPort}" ] && [ -c "/dev/$entry" ]; then port="/dev/$entry"; return 0; fi
  done
  return 1
}

# await COMMAND...: until it succeeds; false after $patience tries, which are some seconds.
patience=300
await() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt "$patience" ] || return 1
    [ "$tries" -lt 200 ] || sleep 0.01
  done
}

# find_disk SERIAL: puts its path into $device.
find_disk() {
  cd /sys/block || return 1
  for entry in vd*; do
    serial=
    { read -r serial <"$entry/serial"; } 2>/dev/null
    if [ "$serial" = "$1" ]; then device="/dev/$entry"; return 0; fi
  done
  return 1
}

replace() {
  [ ! -L "$1" ] || rm -f "$1"
  { echo "$2" >"$1"; } 2>/dev/null
}

is_fresh() {
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    case "$entry" in */lost+found) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then return 1; fi
  done
}

# volume SERIAL TARGET OPTIONS WORDS: WORDS name it in a message.
volume() {
  await find_disk "$1" || fail "the disk of $4 is missing" 125
  place="/.berth/mounts/$1"
  mkdir -p "$place"
  [ -d "$root$2" ] || { mkdir -p "$root$2" && chown "$owner" "$root$2"; }
  mount -t ext4 -o "$3" "$device" "$place" || fail "the disk of $4 cannot be mounted" 125
  # A disk that holds nothing yet takes the image's files of that folder, and its owner, as a container's volume does.
  if [ "$3" = rw ] && is_fresh "$place"; then
    cp -a "$root$2/." "$place/" || fail "the image's files cannot be copied to the disk of $4" 125
  fi
  mount -o move "$place" "$root$2" || fail "the disk of $4 cannot be mounted at its place" 125
  mounted="$mounted $1"
}

# release SERIAL TARGET: leaves the disk clean.
release() {
  case " $mounted " in *" $1 "*) ;; *) return ;; esac
  tries=0
  # What was killed may take a moment to let go of its files.
  until umount "$root$2" 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -ge 200 ]; then mount -o remount,ro "$root$2"; return; fi
    sleep 0.01
  done
}

disk_root() {
  load "$modules_root"
  await find_disk "$1" || fail "the disk of the root file system is missing" 125
  root=/.berth/root
  mkdir -p /.berth/lower "$root"
  mount -t squashfs -o ro "$device" /.berth/lower || fail "the disk of the root file system cannot be mounted" 125
  mkdir /.berth/upper
  mount -t tmpfs -o mode=0755 tmpfs /.berth/upper
  mkdir /.berth/upper/data /.berth/upper/work
  mount -t overlay -o lowerdir=/.berth/lower,upperdir=/.berth/upper/data,workdir=/.berth/upper/work overlay "$root" ||
    fail "the root file system cannot be mounted" 125
  mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/etc" "$root/run"
  [ -d "$root/tmp" ] || { mkdir "$root/tmp" && chmod 1777 "$root/tmp"; }
  for folder in proc sys dev; do mount -o rbind "/$folder" "$root/$folder"; done
}

mount -a -T /.berth/fstab
cp -a /.berth/dev/. /dev/
release_volumes() { :; }
. /.berth/modules.sh
. /.berth/config
load "$modules_core"
if [ -d /sys/bus/pci/devices/0000:00:00.0 ]; then load "$modules_pci"; else load "$modules_mmio"; fi
load "$modules_port"
load "$modules_net"
mount -a -T /.berth/fstab.devices
ifconfig lo up
echo "$hostname" >/proc/sys/kernel/hostname
configure_network
# Without it nobody would ever learn what became of the program. QEMU tells of it when it comes to it, on a busy host late.
patience=1000
await find_port || { echo "berth: the port for reports is missing" >/dev/console; finish 125; }
patience=300
configure_root
configure_volumes
replace "$root/etc/hostname" "$hostname"
replace "$root/etc/hosts" "$hosts"
[ -z "$resolv" ] || replace "$root/etc/resolv.conf" "$resolv"
[ -d "$root$workdir" ] || mkdir -p "$root$workdir"

# The launcher closes the gate when it has become the program, or says what kept it.
/.berth/launch 3>/.berth/gate <"$console" >"$console" 2>&1 &
program=$!
problem=
read -r problem </.berth/gate
case "$problem" in
  '') ;;
  x2) fail "$program_words was not found in the image, or the interpreter that it needs was not" 127 ;;
  x'=') fail "$program_words may not be executed by user $user_words" 126 ;;
  x8) fail "$program_words is no program for this machine" 126 ;;
  x7) fail "$program_words has too many or too long arguments" 126 ;;
  w*) fail "the working directory cannot be entered" 126 ;;
  *) fail "$program_words could not be started ($problem)" 126 ;;
esac

# From here on the power button ends the program.
load "$modules_power"
cd /sys/class/input
for entry in event*; do
  name=
  { read -r name <"$entry/device/name"; } 2>/dev/null
  [ "$name" = "Power Button" ] || continue
  exec 4<"/dev/input/$entry"
  { dd bs=24 count=1 <&4 >/dev/null 2>&1 && kill -s "$stop_signal" "$program"; } 2>/dev/null &
  exec 4<&-
done
report '{"event":"started"}'
rm -rf /.berth/config /.berth/launch /.berth/modules
wait "$program" 2>/dev/null
finish $?
`;
