/** libvirt definitions of VMs: well-formed whatever the names, and what each option changes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diskOnHost, domainXml, xmlText } from '../../../deploy/testbed/guests/domain-xml.ts';
import { socketUri } from '../../../deploy/testbed/guests/virsh.ts';
import { planTestbed, type VmPlan } from '../../../deploy/testbed/plan.ts';

const spec = { name: 'test', hosts: 2, vms: 3, redis: 1, disk: 'none', hardware: {} } as const;
const [first, second] = planTestbed(spec).vms as [VmPlan, VmPlan, VmPlan];
const emulator = '/usr/bin/qemu-system-x86_64';

/** Undoes character references, as any XML reader does. */
const plainText = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));

describe('text in XML', () => {
  it('comes back as it was and holds nothing that would end it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const safe = xmlText(text);
        expect(safe).not.toMatch(/[<>"'\n\t]|&(?!#\d+;)/);
        expect(plainText(safe)).toBe(text);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it('of a hostile name stays text', () => {
    const name = `x</name><devices/>'"&`;
    const xml = domainXml({ ...first, name }, emulator);
    expect(xml.match(/<devices/g)).toHaveLength(1);
    expect(plainText(/<name>([^<]*)<\/name>/.exec(xml)![1]!)).toBe(name);
  });
});

describe('the definition of a VM', () => {
  it('is of an emulated CPU with a large cache of translated code', () => {
    const xml = domainXml(first, emulator);
    expect(xml).toContain("<domain type='qemu'>");
    expect(xml).toContain("<tb-cache unit='MiB'>256</tb-cache>");
    expect(xml).toContain("current='1'>2</vcpu>");
    expect(xml).toContain("<stats period='2'/>");
    expect(xml).toContain('<on_crash>destroy</on_crash>');
  });

  it('tells the guest its name and address', () => {
    expect(domainXml(second, emulator)).toContain(
      'wattwin.name=vm2 wattwin.address=10.77.0.102/24</cmdline>',
    );
  });

  it('gives Redis more memory, another file system and its role', () => {
    const [redis, plain] = [first, second].map((vm) => domainXml(vm, emulator));
    expect(redis).toContain("<memory unit='MiB'>160</memory>");
    expect(redis).toContain('initrd-redis.img');
    expect(redis).toContain('wattwin.role=redis');
    expect(plain).toContain("<memory unit='MiB'>112</memory>");
    expect(plain).not.toContain('redis');
  });

  it.each([
    ['none', undefined],
    ['copy', '/var/lib/libvirt/images/vm1.raw'],
    ['shared', '/srv/wattwin/shared/vm1.raw'],
  ] as const)('with the disk %s has it at %s', (disk, path) => {
    const vm = { ...first, disk };
    expect(diskOnHost(vm)).toBe(path);
    const xml = domainXml(vm, emulator);
    expect(xml.includes('<disk')).toBe(path !== undefined);
    if (path !== undefined) expect(xml).toContain(`<source file='${path}'/>`);
  });

  it('opens and closes every element', () => {
    const open: string[] = [];
    for (const [, close, name, empty] of domainXml({ ...first, disk: 'copy' }, emulator).matchAll(
      /<(\/?)([a-z_-]+)[^>]*?(\/?)>/g,
    )) {
      if (close === '/') expect(open.pop()).toBe(name);
      else if (empty === '') open.push(name!);
    }
    expect(open).toEqual([]);
  });
});

it("a host's libvirt is reached through the root of its first process", () => {
  expect(socketUri(42, false)).toBe('qemu:///system?socket=/proc/42/root/run/libvirt/libvirt-sock');
  expect(socketUri(42, true)).toBe(
    'qemu:///system?socket=/proc/42/root/run/libvirt/libvirt-sock-ro',
  );
});
