/** Files on the target for disks that are copied: libvirt wants them there, of the right size. */
import type { ScriptSection } from '../ssh/frames.ts';
import { commandLine } from './command-line.ts';
import { disksInXml, type XmlDisk } from './domain-xml.ts';
import type { Domain, HostDomains } from './domains.ts';
import type { OperationLimits } from './executor.ts';
import { failureOf } from './said.ts';
import { refused, type Site } from './site.ts';

export interface NewFile {
  readonly path: string;
  readonly format: string;
  /** As the guest sees it. */
  readonly bytes: number;
}

/** The section that `filesToMake` reads. */
export function xmlSection(site: Site, vm: string): ScriptSection {
  return { name: 'xml', commands: site.virshRead('dumpxml', '--domain', vm) };
}

/**
 * Files that the target must have for a VM's disks.
 *
 * @throws OperationError `ERR_REFUSED` for a disk that is no plain file, or whose place is another VM's.
 */
export function filesToMake(domain: Domain, xml: string, target: HostDomains): readonly NewFile[] {
  const { host } = target;
  return disksInXml(xml).map(({ device, kind, path, format }: XmlDisk) => {
    const bytes = domain.disks.find((disk) => disk.device === device)?.capacityBytes;
    if (kind !== 'file' || path === undefined || !path.startsWith('/')) {
      throw refused(host, `disk ${device} is a ${kind}, for which no place can be made there`);
    }
    if (format !== 'raw' && format !== 'qcow2') {
      throw refused(host, `disk ${device} is of format ${format}; raw and qcow2 can be copied`);
    }
    if (bytes === undefined) throw refused(host, `the size of disk ${device} is not known`);
    const owner = target.domains.find(({ disks }) => disks.some((disk) => disk.path === path));
    if (owner !== undefined && owner.name !== domain.name) {
      throw refused(host, `${path} belongs to VM ${owner.name} there`);
    }
    return { path, format, bytes };
  });
}

/** Of the script: there is a file of that name and another size. */
const otherSizeStatus = 8;

/**
 * Makes one file unless it is there already with the size it should have, which is what an earlier stay of the VM leaves.
 * Prints `made` if it did. Never writes over a file.
 */
export function makeScript({ path, format, bytes }: NewFile): string {
  const make =
    format === 'raw'
      ? commandLine(['truncate', '-s', String(bytes), path])
      : commandLine(['qemu-img', 'create', '-q', '-f', format, path, String(bytes)]);
  const file = commandLine([path]);
  const check =
    format === 'raw'
      ? `[ "$(stat -c %s ${file})" = ${bytes} ] || { echo 'a file of another size is there'; exit ${otherSizeStatus}; }`
      : ':';
  return [
    `if [ -e ${file} ]; then ${check}`,
    // Its own, and empty: `set -C` makes the shell refuse a file that has just come.
    `else (umask 077; set -C; : >${file}) && ${make} && echo made; fi`,
  ].join('\n');
}

export const removeScript = ({ path }: NewFile): string => commandLine(['rm', '-f', path]);

/**
 * Makes the files.
 *
 * @returns Those that were not there before.
 * @throws OperationError when one cannot be made; those made before are gone again.
 */
export async function makeFiles(
  site: Site,
  host: string,
  files: readonly NewFile[],
  limits: OperationLimits,
): Promise<readonly NewFile[]> {
  const sections = files.map((file, index) => ({
    name: `file-${index}`,
    commands: `exec 2>&1\n${site.root(makeScript(file))}`,
  }));
  if (sections.length === 0) return [];
  const answer = await site.ask(host, sections, limits);
  const outputs = files.map((_, index) => answer.sections.get(`file-${index}`)!);
  const made = files.filter((_, index) => /^made$/m.test(outputs[index]!.text));
  const failure = outputs.findIndex(({ status }) => status !== 0);
  if (failure < 0) return made;
  await removeFiles(site, host, made);
  throw failureOf(host, `making a place for ${files[failure]!.path}`, outputs[failure]!);
}

/** Takes away what was made, after a migration that failed. */
export async function removeFiles(
  site: Site,
  host: string,
  made: readonly NewFile[],
): Promise<void> {
  if (made.length === 0) return;
  const commands = site.root(made.map(removeScript).join('\n'));
  await site.ask(host, [{ name: 'remove', commands }], {});
}
