/**
 * Mounts a tree of files: the device is opened here and handed to mount(8), so neither libfuse nor
 * fusermount is needed. Root only.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, read, statSync, writeSync } from 'node:fs';
import type { HardwareClock } from './clock.ts';
import { systemCode } from './errno.ts';
import type { InodeTable } from './file-tree.ts';
import { RequestHandler, requestBytesMax } from './fuse-requests.ts';

/** Requests were lost to these: the kernel took a request back, or the wait for one was disturbed. */
const passing = new Set(['ENOENT', 'EINTR', 'EAGAIN']);

export interface MountedTree {
  /** Resolves when the tree is no longer mounted, whoever unmounted it; rejects if the device fails. */
  readonly ended: Promise<void>;
  /** Unmounts, even where files are open or parts are mounted elsewhere too. */
  unmount(): void;
}

/**
 * Mounts a tree at a directory, which is made if it is missing; a dead mount of an earlier life there
 * is taken away first.
 *
 * @throws Error when the device cannot be opened or mount(8) fails.
 */
export async function mountTree(
  inodes: InodeTable,
  directory: string,
  clock: HardwareClock,
): Promise<MountedTree> {
  clearDeadMount(directory);
  mkdirSync(directory, { recursive: true });
  const device = openSync('/dev/fuse', 'r+');
  const handler = new RequestHandler(inodes, clock.wallS());
  let isMounted = false;
  let isClosed = false;
  const ended = new Promise<void>((resolve, reject) => {
    // The kernel keeps the bytes of one request apart from the next: one buffer serves all.
    const buffer = Buffer.alloc(requestBytesMax);
    const finish = (error?: Error): void => {
      isClosed = true;
      closeSync(device);
      if (error === undefined) resolve();
      else reject(error);
    };
    const next = (): void => read(device, buffer, 0, buffer.length, null, take);
    const take = (error: NodeJS.ErrnoException | null, length: number): void => {
      if (error === null) {
        const answer = handler.answer(buffer.subarray(0, length));
        if (answer !== undefined) send(device, answer);
        next();
      } else if (error.code === 'ENODEV') finish();
      else if (passing.has(error.code ?? '')) next();
      // Not mounted yet: the device answers when mount(8) has come so far, or never will.
      else if (error.code === 'EPERM' && !isMounted && !isClosed) clock.after(5, next);
      else finish(error);
    };
    next();
  });
  try {
    await mount(device, directory);
  } catch (error) {
    isMounted = true;
    await ended.catch(() => undefined);
    throw error;
  }
  isMounted = true;
  return {
    ended,
    // Not waited for: it may look at the tree, which must go on answering.
    unmount: () => {
      spawn('umount', unmountArguments(directory), { stdio: 'ignore' });
    },
  };
}

/** ENOENT: whoever asked was interrupted and is gone. ENODEV: unmounted, as the next read will say. */
function send(device: number, answer: Buffer): void {
  try {
    writeSync(device, answer);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
  }
}

function mount(device: number, directory: string): Promise<void> {
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions';
  const child = spawn(
    'mount',
    ['-i', '-n', '-t', 'fuse', '-o', options, 'wattwin-hardware', directory],
    {
      stdio: ['ignore', 'ignore', 'pipe', device],
    },
  );
  const stderr = child.stderr!;
  const errors: Buffer[] = [];
  stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`mount at ${directory} failed: ${Buffer.concat(errors)}`.trim()));
    });
  });
}

/** `-f` ends the connection at once, also where a part of the tree is mounted a second time. */
function unmountArguments(directory: string): string[] {
  return ['-i', '-n', '-f', '-l', directory];
}

function clearDeadMount(directory: string): void {
  try {
    statSync(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOTCONN') {
      spawnSync('umount', unmountArguments(directory), { stdio: 'ignore' });
    }
  }
}
