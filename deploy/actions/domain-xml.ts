/** What of a VM only its XML tells. */

/** One element with its place: `domain/devices/disk`. */
interface Element {
  readonly path: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
}

/**
 * An instruction, a tag, or the text before the next of them. Nothing in it crosses a `<`, which no tag
 * holds, so that the time grows with the length alone, whatever a host calls XML.
 */
const token =
  /<[?!][^<>]*>|<(\/?)([^\s/<>"']+)(?=[\s/>])((?:[^<>"']|"[^"<]*"|'[^'<]*')*?)(\/?)>|([^<]+)/g;
const attribute = /(?<![^\s=])([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

const unescaped = (text: string): string =>
  text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

/** Without comments and CDATA. What has no end goes on to that of the text. */
function bare(xml: string): string {
  const parts: string[] = [];
  let start = 0;
  for (const { 0: opening, index } of xml.matchAll(/<!--|<!\[CDATA\[/g)) {
    // Within the one before.
    if (index < start) continue;
    parts.push(xml.slice(start, index));
    const closing = opening === '<!--' ? '-->' : ']]>';
    const end = xml.indexOf(closing, index + opening.length);
    if (end < 0) return parts.join('');
    start = end + closing.length;
  }
  return parts.join('') + xml.slice(start);
}

/** Elements by path. What stands in metadata, which is anyone's, stays below its own path. */
function parse(xml: string): Element {
  const root: Element = { path: '', attributes: new Map(), children: [], text: '' };
  const open = [root];
  for (const [, close, name, rest, selfClosing, text] of bare(xml).matchAll(token)) {
    const parent = open.at(-1)!;
    if (text !== undefined) parent.text += unescaped(text);
    else if (name === undefined) continue;
    else if (close === '/') {
      if (open.length > 1) open.pop();
    } else {
      const attributes = new Map(
        [...rest!.matchAll(attribute)].map(([, key, double, single]) => [
          key!,
          unescaped(double ?? single ?? ''),
        ]),
      );
      const path = parent.path === '' ? name : `${parent.path}/${name}`;
      const element: Element = { path, attributes, children: [], text: '' };
      parent.children.push(element);
      if (selfClosing !== '/') open.push(element);
    }
  }
  return root;
}

function all({ children }: Element, path: string): Element[] {
  return children.flatMap((child) => {
    if (child.path === path) return [child];
    return path.startsWith(`${child.path}/`) ? all(child, path) : [];
  });
}

const childOf = (element: Element, name: string): Element | undefined =>
  element.children.find(({ path }) => path === `${element.path}/${name}`);

/** A disk that a migration with its storage copies. */
export interface XmlDisk {
  /** `vda`. */
  readonly device: string;
  /** `file`, `block`, `network` …. */
  readonly kind: string;
  /** Absent where it is no file. */
  readonly path?: string;
  /** `raw`, `qcow2`. */
  readonly format: string;
}

/** Disks with content that the VM alone writes: no CD-ROMs, nothing read-only or shared. */
export function disksInXml(xml: string): XmlDisk[] {
  return all(parse(xml), 'domain/devices/disk').flatMap((disk) => {
    const source = childOf(disk, 'source');
    const isFixed = ['readonly', 'shareable'].some((name) => childOf(disk, name) !== undefined);
    if (source === undefined || isFixed || disk.attributes.get('device') === 'cdrom') return [];
    const path = source.attributes.get('file');
    return [
      {
        device: childOf(disk, 'target')?.attributes.get('dev') ?? '?',
        kind: disk.attributes.get('type') ?? '?',
        ...(path === undefined ? {} : { path }),
        format: childOf(disk, 'driver')?.attributes.get('type') ?? 'raw',
      },
    ];
  });
}

/** libvirt writes KiB, whatever it was given. */
const unitBytes: Readonly<Record<string, number>> = { bytes: 1, b: 1, KiB: 1024, k: 1024 };

/** vCPUs and memory with which the VM starts. */
export function sizeInXml(xml: string): { readonly vcpus?: number; readonly memoryBytes?: number } {
  const tree = parse(xml);
  const [vcpu] = all(tree, 'domain/vcpu');
  const [memory] = [...all(tree, 'domain/currentMemory'), ...all(tree, 'domain/memory')];
  const vcpus = Number(vcpu?.attributes.get('current') ?? vcpu?.text);
  const unit = unitBytes[memory?.attributes.get('unit') ?? 'KiB'];
  const memoryBytes = Number(memory?.text) * (unit ?? Number.NaN);
  return {
    ...(vcpus > 0 ? { vcpus } : {}),
    ...(memoryBytes > 0 ? { memoryBytes } : {}),
  };
}
