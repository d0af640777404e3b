/** What is read from libvirt, and what is concluded from it. */
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../../deploy/actions/command-line.ts';
import { disksInXml, sizeInXml } from '../../../deploy/actions/domain-xml.ts';
import type { HostDomains } from '../../../deploy/actions/domains.ts';
import { readJobInfo } from '../../../deploy/actions/job-info.ts';
import { Patience } from '../../../deploy/actions/migration-patience.ts';
import { placeOf } from '../../../deploy/actions/migration-place.ts';

it('a command quotes every word that a shell could take for more', () => {
  expect(commandLine(['virsh', '-c', 'qemu:///system', 'start', '--domain', "a'; $(b) *"])).toBe(
    "virsh -c qemu:///system start --domain 'a'\\''; $(b) *'",
  );
});

describe('a job of libvirt 9', () => {
  it('is read while it is under way', () => {
    const text = [
      'Job type:         Unbounded   ',
      'Operation:        Outgoing migration',
      'Time elapsed:     1203         ms',
      'Data processed:   85.276 MiB',
      'Data remaining:   73.492 MiB',
      'Data total:       192.008 MiB',
      'Memory bandwidth: 47.583 MiB/s',
      'Dirty rate:       0            pages/s',
      'Iteration:        1            ',
      'Expected downtime: 300          ms',
    ].join('\n');
    expect(readJobInfo(text)).toEqual({
      isActive: true,
      operation: 'Outgoing migration',
      elapsedMs: 1203,
      processedBytes: Math.round(85.276 * 2 ** 20),
      remainingBytes: Math.round(73.492 * 2 ** 20),
      totalBytes: Math.round(192.008 * 2 ** 20),
      bytesPerS: Math.round(47.583 * 2 ** 20),
      iteration: 1,
    });
  });

  it('is none when there is none, or nothing is known', () => {
    expect(readJobInfo('Job type:         None        \n')).toEqual({ isActive: false });
    expect(readJobInfo('error: failed to get domain')).toEqual({ isActive: false });
    expect(readJobInfo('Job type: Unbounded\nData total: many MiB')).toEqual({ isActive: true });
  });
});

describe('the XML of a VM', () => {
  const disk = (inside: string, attributes = "type='file' device='disk'"): string =>
    `<disk ${attributes}>${inside}<target dev='vda' bus='virtio'/></disk>`;
  const xml = (...disks: string[]): string =>
    `<?xml version="1.0"?><!-- <domain><devices>${disk("<source file='/c'/>")} -->
<domain type='kvm'>
  <metadata><x:disk xmlns:x="a>b"><devices>${disk("<source file='/metadata'/>")}</devices></x:disk></metadata>
  <currentMemory unit='KiB'>114688</currentMemory><memory unit='KiB'>262144</memory>
  <vcpu placement='static' current='1'>4</vcpu>
  <devices>${disks.join('\n')}</devices>
</domain>`;

  it('has the disks that a migration copies, and no others', () => {
    const source = "<driver name='qemu' type='qcow2'/><source file='/a&amp;b &#39;&lt;.img'/>";
    expect(
      disksInXml(
        xml(
          disk(source),
          disk("<source file='/ro'/><readonly/>"),
          disk("<source file='/shared'/><shareable/>"),
          disk("<source file='/cd'/>", "type='file' device='cdrom'"),
          disk(''),
          disk("<source dev='/dev/vg/web'/>", "type='block' device='disk'"),
        ),
      ),
    ).toEqual([
      { device: 'vda', kind: 'file', path: "/a&b '<.img", format: 'qcow2' },
      { device: 'vda', kind: 'block', format: 'raw' },
    ]);
  });

  it('has the size that a start gives it', () => {
    expect(sizeInXml(xml())).toEqual({ vcpus: 1, memoryBytes: 114_688 * 1024 });
    expect(sizeInXml('<domain><vcpu>4</vcpu><memory unit="bytes">99</memory></domain>')).toEqual({
      vcpus: 4,
      memoryBytes: 99,
    });
  });

  it.each(['', '<', '<domain', '</domain></domain>', '<domain><devices><disk>', 'text & more'])(
    'that is none has nothing: %j',
    (text) => {
      expect(disksInXml(text)).toEqual([]);
      expect(sizeInXml(text)).toEqual({});
    },
  );
});

describe('where a VM is', () => {
  type Seen = 'runs' | 'incoming' | 'migrating' | 'post-copy' | 'off' | 'none' | 'paused';
  const states = {
    runs: ['running', 1],
    paused: ['paused', 1],
    incoming: ['paused', 11],
    migrating: ['paused', 2],
    'post-copy': ['running', 10],
    off: ['shut off', 1],
  } as const;
  const reading = (seen: Seen, hasJob = false): HostDomains => ({
    host: 'h',
    sections: new Map(),
    ...(hasJob ? { job: { isActive: true } } : {}),
    domains:
      seen === 'none'
        ? []
        : [
            {
              name: 'web',
              state: states[seen][0],
              reason: states[seen][1],
              isActive: seen !== 'off',
              isRunning: seen === 'runs',
              isPersistent: true,
              currentBytes: 1,
              maximumBytes: 1,
              vcpus: 1,
              vcpusMaximum: 1,
              disks: [],
            },
          ],
  });

  it.each([
    ['runs', 'none', 'source'],
    ['runs', 'off', 'source'],
    ['paused', 'none', 'source'],
    ['none', 'runs', 'target'],
    ['off', 'runs', 'target'],
    ['runs', 'incoming', 'moving'],
    ['migrating', 'incoming', 'moving'],
    ['migrating', 'runs', 'moving'],
    ['none', 'incoming', 'moving'],
    ['none', 'post-copy', 'moving'],
    ['runs', 'runs', 'both'],
    ['none', 'none', 'neither'],
    ['off', 'off', 'neither'],
  ] as const)('source %s, target %s: %s', (source, target, place) => {
    expect(placeOf('web', reading(source), reading(target))).toBe(place);
    expect(placeOf('web', reading(source, true), reading(target))).toBe('moving');
  });
});

describe('patience with a migration', () => {
  const bytes = (remainingBytes: number, iteration?: number) => ({
    isActive: true,
    remainingBytes,
    ...(iteration === undefined ? {} : { iteration }),
  });
  const patience = () => new Patience(0, { timeoutMs: 1_000_000, stallMs: 60_000 });

  it('lasts while passes begin with less and less, however long each takes', () => {
    const one = patience();
    // 100 s for all of it, then half of it again and again.
    for (let pass = 1, left = 1e9, nowMs = 0; pass < 9; pass++, left /= 2) {
      expect(one.lost(nowMs, bytes(left, pass))).toBeUndefined();
      nowMs += left / 1e4;
      expect(one.lost(nowMs, bytes(0, pass))).toBeUndefined();
    }
  });

  it('is not lost over disks, which are sent before memory and count anew', () => {
    const one = patience();
    expect(one.lost(0, bytes(6e7))).toBeUndefined();
    expect(one.lost(100_000, bytes(0))).toBeUndefined();
    expect(one.lost(300_000, bytes(1e8, 1))).toBeUndefined();
    expect(one.lost(500_000, bytes(5e5, 2))).toBeUndefined();
  });

  it('ends when passes begin with as much as ever', () => {
    const one = patience();
    for (let pass = 1; pass <= 62; pass++) {
      expect(one.lost(pass * 1000, bytes(1e8, pass))).toBeUndefined();
    }
    // Pass 2 was the best, pass 3 no better: 60 s after that.
    expect(one.lost(63_000, bytes(1e8, 63))).toMatch(/no closer for 60 s/);
  });

  it('ends with the time', () => {
    expect(patience().lost(1_000_000, { isActive: false })).toBe('it was not done within 1000 s');
  });
});
