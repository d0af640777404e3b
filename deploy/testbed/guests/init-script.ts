/** The first program of a test VM. What differs between VMs comes on the kernel's command line. */

/** Kernel modules in the order in which they must be loaded; there is no depmod in the guest. */
export const guestModules: readonly string[] = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci',
  'net/core/failover',
  'drivers/net/net_failover',
  'drivers/net/virtio_net',
  'drivers/block/virtio_blk',
  'drivers/virtio/virtio_balloon',
  'drivers/input/evdev',
  'drivers/acpi/button',
];

/** Parameters of the kernel's command line that the script reads. */
export const guestParameters = {
  name: 'wattwin.name',
  /** With its prefix length. */
  address: 'wattwin.address',
  /** `redis` or nothing. */
  role: 'wattwin.role',
} as const;

/** Modules that are missing in /modules are built into the kernel. */
export const guestInit = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t tmpfs tmpfs /tmp
for module in ${guestModules.map((path) => path.split('/').at(-1)).join(' ')}; do
  [ ! -f "/modules/$module.ko" ] || insmod "/modules/$module.ko" || echo "init: no $module"
done
parameter() {
  for word in $(cat /proc/cmdline); do
    case $word in "$1="*) echo "\${word#*=}" ;; esac
  done
}
hostname "$(parameter ${guestParameters.name})"
ip link set lo up
tries=0
while [ ! -e /sys/class/net/eth0 ] && [ "$tries" -lt 50 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
ip link set eth0 up
ip addr add "$(parameter ${guestParameters.address})" dev eth0
case "$(parameter ${guestParameters.role})" in
redis)
  redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' --appendonly no \\
    --maxmemory 40mb --maxmemory-policy allkeys-lru >/tmp/redis.log 2>&1 &
  ;;
esac
echo "init: ready after $(cut -d ' ' -f 1 /proc/uptime) s"
# Init must not end; the agent never does by itself.
while :; do
  agent
  sleep 1
done
`;
