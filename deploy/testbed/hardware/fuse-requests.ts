/** Answers the kernel's requests from a tree of files. Pure but for what the files themselves do. */
import { errnoNumbers, FileError } from './errno.ts';
import { type FileNode, type Inode, type InodeTable, pageBytes } from './file-tree.ts';
import {
  type Attributes,
  decodeHandle,
  decodeInit,
  decodeName,
  decodeOpen,
  decodeRead,
  decodeRequest,
  decodeSetattr,
  decodeWrite,
  encodeAnswer,
  encodeAttributes,
  encodeEntries,
  encodeEntry,
  encodeInit,
  encodeOpen,
  encodeStatfs,
  encodeWritten,
  operations,
  protocolMajor,
  protocolMinorMin,
  type Request,
} from './fuse-protocol.ts';

/** The tree never changes, and what `setattr` changes the kernel hears from us. */
const validS = 3600;

/** Bytes that the device must be read with: a request's header, a write's arguments, and its data. */
export const requestBytesMax = 8192 + pageBytes;

/** An open file: what it held when it was last read from its start. */
interface OpenFile {
  content?: Buffer;
}

/** Answers requests; one for as long as the file system is mounted. */
export class RequestHandler {
  readonly #inodes: InodeTable;
  readonly #timeS: number;
  readonly #open = new Map<bigint, OpenFile>();
  #nextHandle = 1n;

  /** @param timeS When all files were made, s since 1970. */
  constructor(inodes: InodeTable, timeS: number) {
    this.#inodes = inodes;
    this.#timeS = timeS;
  }

  /** Files and directories that are open now. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The answer to a request; `undefined` where none is due. Never throws. */
  answer(bytes: Buffer): Buffer | undefined {
    const request = decodeRequest(bytes);
    if (request === undefined) return undefined;
    try {
      const body = this.#perform(request);
      return body === 'none' ? undefined : encodeAnswer(request.unique, 0, body);
    } catch (error) {
      // A body too short to be read is the asker's fault, anything else unforeseen is ours.
      const unforeseen = error instanceof RangeError ? errnoNumbers.EINVAL : errnoNumbers.EIO;
      const errno = error instanceof FileError ? error.number : unforeseen;
      return encodeAnswer(request.unique, errno);
    }
  }

  #perform(request: Request): Buffer | undefined | 'none' {
    const { body } = request;
    switch (request.operation) {
      case operations.init:
        return this.#init(body);
      case operations.forget:
      case operations.batchForget:
      // Every request is answered before the next is read: there is nothing to interrupt.
      case operations.interrupt:
        return 'none';
      case operations.lookup:
        return this.#lookup(this.#inode(request), decodeName(body));
      case operations.getattr:
        return encodeAttributes(this.#attributes(this.#inode(request)), validS);
      case operations.setattr:
        return this.#setattr(this.#inode(request), body);
      case operations.readlink:
        return readLink(this.#inode(request));
      case operations.open:
        return this.#openFile(this.#inode(request), body);
      case operations.read:
        return this.#read(this.#inode(request), body);
      case operations.write:
        return write(fileOf(this.#inode(request)), body);
      case operations.opendir:
        directoryOf(this.#inode(request));
        return encodeOpen(this.#newHandle(), false);
      case operations.readdir:
        return this.#readDirectory(this.#inode(request), body);
      case operations.release:
      case operations.releasedir:
        this.#open.delete(decodeHandle(body));
        return undefined;
      case operations.destroy:
        return undefined;
      case operations.statfs:
        return encodeStatfs(this.#inodes.size);
      // As sysfs: nobody makes or removes files here.
      case operations.create:
      case operations.mknod:
        throw new FileError('EACCES');
      case operations.symlink:
      case operations.link:
      case operations.mkdir:
      case operations.unlink:
      case operations.rmdir:
      case operations.rename:
      case operations.rename2:
        throw new FileError('EPERM');
      default:
        // Of flush and fsync too: told once, the kernel asks no more at every close.
        throw new FileError('ENOSYS');
    }
  }

  #init(body: Buffer): Buffer {
    const { major, minor } = decodeInit(body);
    // A newer kernel is told our version and asks again.
    if (major > protocolMajor) return encodeInit(minor, pageBytes);
    if (major < protocolMajor || minor < protocolMinorMin) throw new FileError('EPROTO');
    return encodeInit(minor, pageBytes);
  }

  #inode({ inode }: Request): Inode {
    const found = this.#inodes.get(inode);
    if (found === undefined) throw new FileError('ENOENT');
    return found;
  }

  #attributes({ id, node, entries, mode, uid, gid }: Inode): Attributes {
    const size =
      node.kind === 'file' ? node.size : node.kind === 'link' ? Buffer.byteLength(node.target) : 0;
    const directories = [...entries.values()].filter(
      (entry) => this.#inodes.get(entry)!.node.kind === 'directory',
    );
    const links = node.kind === 'directory' ? 2 + directories.length : 1;
    return { inode: id, kind: node.kind, mode, size, links, uid, gid, timeS: this.#timeS };
  }

  #lookup(folder: Inode, name: string | undefined): Buffer {
    if (name === undefined) throw new FileError('EINVAL');
    directoryOf(folder);
    const id = folder.entries.get(name);
    if (id === undefined) throw new FileError('ENOENT');
    return encodeEntry(this.#attributes(this.#inodes.get(id)!), validS);
  }

  #setattr(inode: Inode, body: Buffer): Buffer {
    const { mode, uid, gid, size } = decodeSetattr(body);
    // Opening with O_TRUNC sets the size; files whose content is computed have none.
    if (size !== undefined && fileOf(inode).write === undefined) throw new FileError('EACCES');
    if (mode !== undefined) inode.mode = mode;
    if (uid !== undefined) inode.uid = uid;
    if (gid !== undefined) inode.gid = gid;
    return encodeAttributes(this.#attributes(inode), validS);
  }

  #newHandle(): bigint {
    const handle = this.#nextHandle++;
    this.#open.set(handle, {});
    return handle;
  }

  #openFile(inode: Inode, body: Buffer): Buffer {
    const file = fileOf(inode);
    const { isForReading, isForWriting } = decodeOpen(body);
    // Even for root, as in sysfs: what matters is whether the file can do it at all.
    if (isForReading && (file.mode & 0o444) === 0) throw new FileError('EACCES');
    if (isForWriting) {
      if (file.write === undefined) throw new FileError('EACCES');
      file.openForWriting?.();
    }
    return encodeOpen(this.#newHandle(), true);
  }

  /** Content is made when a file is read from its start; the rest of it is of the same moment. */
  #read(inode: Inode, body: Buffer): Buffer {
    const { handle, offset, size } = decodeRead(body);
    const open = this.#open.get(handle);
    if (open === undefined) throw new FileError('EBADF');
    if (offset === 0 || open.content === undefined) {
      open.content = Buffer.from(fileOf(inode).read());
    }
    return open.content.subarray(offset, offset + size);
  }

  #readDirectory(folder: Inode, body: Buffer): Buffer {
    const { offset, size } = decodeRead(body);
    directoryOf(folder);
    const entries = [...folder.entries].map(([name, id]) => ({
      inode: id,
      name,
      kind: this.#inodes.get(id)!.node.kind,
    }));
    const all = [
      { inode: folder.id, name: '.', kind: 'directory' as const },
      { inode: folder.parent, name: '..', kind: 'directory' as const },
      ...entries,
    ];
    return encodeEntries(all, offset, size);
  }
}

function fileOf({ node }: Inode): FileNode {
  if (node.kind === 'directory') throw new FileError('EISDIR');
  if (node.kind === 'link') throw new FileError('EINVAL');
  return node;
}

function directoryOf({ node }: Inode): void {
  if (node.kind !== 'directory') throw new FileError('ENOTDIR');
}

function readLink({ node }: Inode): Buffer {
  if (node.kind !== 'link') throw new FileError('EINVAL');
  return Buffer.from(node.target);
}

/** Each write is a value of its own, wherever in the file it goes, as in sysfs. */
function write(file: FileNode, body: Buffer): Buffer {
  const { data } = decodeWrite(body);
  if (file.write === undefined) throw new FileError('EACCES');
  file.write(data.toString('utf8'));
  return encodeWritten(data.length);
}
