/** The libvirt definition of a test VM. */

import { hostBridge } from '../hosts/network.ts';
import { imagesOnHost, networkBits, sharedOnHost } from '../layout.ts';
import type { VmPlan } from '../plan.ts';
import { imageFiles } from './images.ts';
import { guestParameters } from './init-script.ts';

/** Bytes of a VM's disk. */
export const diskBytes = 64 * 1024 * 1024;

/** Where a VM's disk is on a host; `undefined` when it has none. */
export function diskOnHost({ disk, name }: Pick<VmPlan, 'disk' | 'name'>): string | undefined {
  return {
    none: undefined,
    copy: `/var/lib/libvirt/images/${name}.raw`,
    shared: `${sharedOnHost}/${name}.raw`,
  }[disk];
}

/**
 * Parameters that let Linux run well on an emulated CPU of a busy machine: no time-stamp counter (its
 * calibration goes wrong when the emulator is not scheduled), no calibration of the delay loop, no check
 * of the timer, and nothing that costs time without a use here.
 */
const kernelParameters =
  'console=ttyS0 quiet tsc=unstable clocksource=acpi_pm no_timer_check lpj=8000000 nokaslr mitigations=off';

/** Text that is safe between tags and in attributes. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.codePointAt(0)};`);
}

/**
 * @param emulator Path of QEMU.
 * @see https://libvirt.org/formatdomain.html
 */
export function domainXml(vm: VmPlan, emulator: string): string {
  const image = vm.hasRedis ? imageFiles.redis : imageFiles.plain;
  const parameters = [
    kernelParameters,
    `${guestParameters.name}=${vm.name}`,
    `${guestParameters.address}=${vm.address}/${networkBits}`,
    ...(vm.hasRedis ? [`${guestParameters.role}=redis`] : []),
  ].join(' ');
  const x = xmlText;
  // The cache of translated code: smaller than 256 MiB makes QEMU 7.2 abort when a vCPU is added.
  return `<domain type='qemu'>
  <name>${x(vm.name)}</name>
  <uuid>${x(vm.uuid)}</uuid>
  <memory unit='MiB'>${vm.memoryMib}</memory>
  <vcpu placement='static' current='${vm.vcpus}'>${vm.vcpusMax}</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>${x(`${imagesOnHost}/${imageFiles.kernel}`)}</kernel>
    <initrd>${x(`${imagesOnHost}/${image}`)}</initrd>
    <cmdline>${x(parameters)}</cmdline>
  </os>
  <features><acpi/><tcg><tb-cache unit='MiB'>256</tb-cache></tcg></features>
  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>${x(emulator)}</emulator>
    <controller type='usb' model='none'/>${diskXml(vm)}
    <interface type='bridge'>
      <mac address='${x(vm.mac)}'/>
      <source bridge='${hostBridge}'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <serial type='file'><source path='${x(vm.consoleOnHost)}'/><target port='0'/></serial>
    <memballoon model='virtio'><stats period='2'/></memballoon>
  </devices>
</domain>
`;
}

function diskXml(vm: VmPlan): string {
  const path = diskOnHost(vm);
  if (path === undefined) return '';
  return `
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='${xmlText(path)}'/>
      <target dev='vda' bus='virtio'/>
    </disk>`;
}
