/** One host of the map with its VMs. */
import { element, keyedChildren, type Row, setAttribute, setProperty, setText } from './dom.ts';
import { bytes, count, frequency, percent, watts } from './format.ts';
import type { HostView, VmView } from './hosts.ts';

/** What a sentence can be said about: remembered by element, for pointer and keys. */
export type Subjects = WeakMap<Element, () => string>;

/** Above this the bar of a host is marked. */
const busyFrom = 0.9;

/** Side of a VM's square, px: its area grows with memory, within what can be seen and has room. */
const sideOf = (memoryBytes: number): number =>
  Math.round(Math.min(22, Math.max(8, 6 + 3.2 * Math.sqrt(memoryBytes / 2 ** 30))));

const stateOf = ({ host }: HostView): string => {
  if (host === undefined) return 'wait for a host';
  return host.state === 'on' && !host.acceptsVms ? 'on, takes no VMs' : host.state;
};

/** A host in one sentence. */
function sentenceOf(view: HostView): string {
  const { host, cpu, isCpuMeasured, memory, memoryBytes, vms } = view;
  const guests = vms.filter(({ move }) => move !== 'coming').length;
  if (host === undefined) return `${count(guests, 'VM')} without a host, ${bytes(memoryBytes)}`;
  const parts = [`${host.name}: ${stateOf(view)}`];
  if (host.rack !== undefined) parts.push(`rack ${host.rack}`);
  if (host.state === 'on') {
    const asked = host.requestedMhz;
    const told = asked === undefined ? '' : ` (told ${frequency(asked)})`;
    parts.push(
      `${count(host.cores, 'core')} at ${frequency(host.currentMhz)}${told}`,
      `CPU ${percent(cpu)}${isCpuMeasured ? '' : ' asked for'}`,
    );
  }
  parts.push(
    watts(host.measuredW ?? (host.state === 'off' ? host.offW : undefined)),
    `${count(guests, 'VM')} with ${bytes(memoryBytes)} of ${bytes(host.memoryBytes)} (${percent(memory)})`,
  );
  if (host.confidence < 1) parts.push(`confidence ${percent(host.confidence)}`);
  return parts.join(', ');
}

/** A VM in one sentence. */
function vmSentence(vm: VmView, host: string | undefined): string {
  const parts = [
    `${vm.name}${host === undefined ? '' : ` on ${host}`}: ${count(vm.vcpus, 'vCPU')}`,
    bytes(vm.memoryBytes),
    vm.demandMhz === undefined ? 'demand not known' : `asks for ${frequency(vm.demandMhz)}`,
  ];
  if (vm.move === 'leaving') parts.push(`on its way to ${vm.other}`);
  if (vm.move === 'coming') parts.push(`on its way here from ${vm.other ?? 'no host'}`);
  if (!vm.isMovable) parts.push('is never moved');
  return parts.join(', ');
}

function meter(label: string): { node: HTMLElement; update(share: number | undefined): void } {
  const value = element('span', { class: 'value' });
  const fill = element('i');
  const node = element(
    'div',
    { class: 'meter' },
    element('span', {}, label),
    element('span', { class: 'track' }, fill),
    value,
  );
  return {
    node,
    update: (share) => {
      setText(value, percent(share));
      setProperty(fill, '--share', `${Math.round((share ?? 0) * 1000) / 10}%`);
      setAttribute(node, 'data-full', share !== undefined && share >= busyFrom);
    },
  };
}

/** @param subjects Takes up what can be said about the tile and its VMs. */
export function hostTile(subjects: Subjects): Row<HostView> {
  let view: HostView | undefined;
  const name = element('h3');
  const state = element('span', { class: 'state' });
  const mhz = element('span');
  const power = element('span', { class: 'power' });
  const cpu = meter('CPU');
  const memory = meter('mem');
  const chips = element('ul', { class: 'vms' });
  const node = element(
    'li',
    { class: 'host', tabindex: -1, 'data-stop': 'host' },
    element('div', { class: 'title' }, element('i', { class: 'lamp' }), name),
    element('div', { class: 'line' }, state, mhz, power),
    cpu.node,
    memory.node,
    chips,
  );
  const showVms = keyedChildren<VmView>(
    chips,
    ({ key }) => key,
    () => vmChip(subjects, () => view?.host?.name),
  );
  subjects.set(node, () => (view === undefined ? '' : sentenceOf(view)));
  return {
    node,
    update: (next) => {
      view = next;
      const { host } = next;
      setAttribute(node, 'data-state', host?.state ?? 'waiting');
      setAttribute(node, 'data-name', host?.name);
      setAttribute(node, 'aria-label', sentenceOf(next));
      setText(name, host?.name ?? 'No host');
      setText(state, stateOf(next));
      const isOn = host?.state === 'on';
      setText(mhz, isOn ? frequency(host.currentMhz) : '');
      setText(power, host === undefined ? '' : watts(host.measuredW));
      cpu.node.hidden = !isOn;
      memory.node.hidden = !isOn;
      cpu.update(next.cpu);
      memory.update(next.memory);
      showVms(next.vms);
    },
  };
}

function vmChip(subjects: Subjects, hostName: () => string | undefined): Row<VmView> {
  let vm: VmView | undefined;
  const swatch = element('i', { class: 'swatch' });
  const name = element('span', { class: 'name' });
  const arrow = element('span', { class: 'arrow', 'aria-hidden': 'true' });
  const other = element('span', { class: 'name other', 'aria-hidden': 'true' });
  const node = element(
    'li',
    { class: 'vm', tabindex: -1, 'data-stop': 'vm' },
    swatch,
    name,
    arrow,
    other,
  );
  subjects.set(node, () => (vm === undefined ? '' : vmSentence(vm, hostName())));
  return {
    node,
    update: (next) => {
      vm = next;
      setAttribute(node, 'data-step', next.step);
      setAttribute(node, 'data-move', next.move);
      setAttribute(node, 'data-name', next.name);
      setAttribute(node, 'aria-label', vmSentence(next, hostName()));
      setProperty(swatch, '--side', `${sideOf(next.memoryBytes)}px`);
      setText(name, next.name);
      setText(arrow, next.move === undefined ? '' : next.move === 'leaving' ? '→' : '←');
      setText(other, next.other ?? '');
    },
  };
}
