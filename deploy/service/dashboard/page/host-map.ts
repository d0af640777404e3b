/** The map: every host with its VMs, a way to find one among many, and what is known of it. */
import { byId, element, keyedChildren, setAttribute, setText } from './dom.ts';
import { count, percent } from './format.ts';
import { hostTile, type Subjects } from './host-tile.ts';
import {
  demandSteps,
  type HostOrder,
  type HostView,
  hostOrders,
  hostViews,
  matching,
  ordered,
} from './hosts.ts';
import type { State } from './state.ts';

/** With more than so many, tiles are small and VMs have no names; and one can search. */
const dense = { hosts: 24, vms: 240 } as const;
const searchFrom = 12;

export interface HostMap {
  show(state: State): void;
  /** Marks hosts and a VM; what was marked before no longer is. */
  point(hosts: readonly string[], vm: string | undefined): void;
}

export function createHostMap(): HostMap {
  const list = byId('host-list');
  const facts = byId('facts');
  const form = byId('find') as HTMLFormElement;
  const text = byId('find-text') as HTMLInputElement;
  const order = byId('find-order') as HTMLSelectElement;
  order.append(...hostOrders.map((name) => element('option', {}, name)));
  byId('hosts-key').append(...demandKey());

  const subjects: Subjects = new WeakMap();
  const showTiles = keyedChildren<HostView>(
    list,
    ({ key }) => key,
    () => hostTile(subjects),
  );
  let views: readonly HostView[] = [];

  const draw = (): void => {
    const found = matching(views, text.value);
    showTiles(ordered(found, order.value as HostOrder));
    setText(byId('hosts-note'), noteOf(views, found));
    markFound(list, text.value);
    keepOneStop(list);
  };
  text.addEventListener('input', draw);
  order.addEventListener('change', draw);
  form.addEventListener('submit', (event) => event.preventDefault());
  tellAbout(list, facts, subjects);
  moveByKeys(list);

  return {
    show: (state) => {
      views = hostViews(state);
      const vms = state.snapshot?.vms.length ?? 0;
      setAttribute(list, 'data-dense', views.length > dense.hosts || vms > dense.vms);
      byId('hosts-key').hidden = vms === 0;
      form.hidden = views.length <= searchFrom;
      draw();
    },
    point: (hosts, vm) => {
      for (const marked of list.querySelectorAll('[data-pointed]')) {
        marked.removeAttribute('data-pointed');
      }
      if (hosts.length === 0 && vm === undefined) return;
      for (const tile of list.querySelectorAll<HTMLElement>('[data-stop]')) {
        const isVm = tile.dataset['stop'] === 'vm';
        const name = tile.dataset['name'];
        const isMeant = isVm ? name === vm : name !== undefined && hosts.includes(name);
        if (isMeant) tile.setAttribute('data-pointed', '');
      }
    },
  };
}

function noteOf(all: readonly HostView[], found: readonly HostView[]): string {
  if (all.length === 0) return 'No host has been read yet.';
  const hosts = all.filter(({ host }) => host !== undefined).length;
  const vms = all.reduce(
    (total, view) => total + view.vms.filter(({ move }) => move !== 'coming').length,
    0,
  );
  const told = `${count(hosts, 'host')}, ${count(vms, 'VM')}`;
  return found.length === all.length ? told : `${found.length} of ${told}`;
}

/** VMs whose name holds the text stand out. */
function markFound(list: HTMLElement, text: string): void {
  const wanted = text.trim().toLowerCase();
  setAttribute(list, 'data-searched', wanted !== '');
  for (const chip of list.querySelectorAll<HTMLElement>('.vm')) {
    const isFound = wanted !== '' && (chip.dataset['name'] ?? '').toLowerCase().includes(wanted);
    setAttribute(chip, 'data-found', isFound);
  }
}

/** The sentence about what the pointer or the focus is on. */
function tellAbout(list: HTMLElement, facts: HTMLElement, subjects: Subjects): void {
  const tell = (event: Event): void => {
    const stop = (event.target as Element).closest('[data-stop]');
    const sentence = stop === null ? undefined : subjects.get(stop);
    if (sentence !== undefined) setText(facts, sentence());
  };
  for (const kind of ['pointerover', 'focusin', 'click']) list.addEventListener(kind, tell);
}

/** The map is one stop of the tab key; arrows move in it. */
function keepOneStop(list: HTMLElement): void {
  if (list.querySelector('[data-stop][tabindex="0"]') !== null) return;
  list.querySelector('[data-stop]')?.setAttribute('tabindex', '0');
}

function moveByKeys(list: HTMLElement): void {
  const steps: Readonly<Record<string, readonly [selector: string, by: number]>> = {
    ArrowRight: ['[data-stop]', 1],
    ArrowLeft: ['[data-stop]', -1],
    ArrowDown: ['.host', 1],
    ArrowUp: ['.host', -1],
    Home: ['.host', -Infinity],
    End: ['.host', Infinity],
  };
  list.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    const from = (event.target as Element).closest<HTMLElement>('[data-stop]');
    if (step === undefined || from === null) return;
    event.preventDefault();
    const [selector, by] = step;
    const stops = [...list.querySelectorAll<HTMLElement>(selector)];
    const here = stops.indexOf(selector === '.host' ? from.closest<HTMLElement>('.host')! : from);
    const place = Math.min(stops.length - 1, Math.max(0, here + by));
    stops[place]!.focus();
  });
  list.addEventListener('focusin', (event) => {
    const stop = (event.target as Element).closest<HTMLElement>('[data-stop]');
    if (stop === null || stop.tabIndex === 0) return;
    for (const other of list.querySelectorAll('[data-stop][tabindex="0"]')) {
      other.setAttribute('tabindex', '-1');
    }
    stop.setAttribute('tabindex', '0');
  });
}

/** What squares and colours stand for. */
function demandKey(): HTMLElement[] {
  const swatch = (step: string, label: string): HTMLElement =>
    element('li', { 'data-step': step }, element('i', { class: 'swatch' }), label);
  const steps = demandSteps.map((from, index) => {
    const next = demandSteps[index + 1];
    return swatch(
      `${index}`,
      next === undefined ? `from ${percent(from)}` : `below ${percent(next)}`,
    );
  });
  return [
    element(
      'p',
      {},
      'A square is a VM, its area memory, its colour the share of its vCPUs it asks for:',
    ),
    element('ul', {}, ...steps, swatch('none', 'not known')),
  ];
}
