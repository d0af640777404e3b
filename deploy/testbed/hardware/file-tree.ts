/** A fixed tree of files whose content is computed when they are read, as in sysfs and procfs. */

/** A file; its functions may throw `FileError`. */
export interface FileNode {
  readonly kind: 'file';
  /** Permission bits. */
  readonly mode: number;
  /** What `stat` says; sysfs says a page, procfs nothing. */
  readonly size: number;
  /** The whole content, newline included. */
  read(): string;
  /** Takes what one `write(2)` brought; absent where the file cannot be written. */
  write?(text: string): void;
  /** May refuse to be opened for writing. */
  openForWriting?(): void;
}

export interface LinkNode {
  readonly kind: 'link';
  readonly target: string;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly entries: ReadonlyMap<string, TreeNode>;
}

export type TreeNode = FileNode | LinkNode | DirectoryNode;

/** What sysfs says of the size of each of its files, whatever they hold; also the longest write. */
export const pageBytes = 4096;

export function directory(entries: Readonly<Record<string, TreeNode>>): DirectoryNode {
  return { kind: 'directory', entries: new Map(Object.entries(entries)) };
}

export function link(target: string): LinkNode {
  return { kind: 'link', target };
}

/** A sysfs file of one value that cannot be written. */
export function attribute(read: () => string | number, mode = 0o444): FileNode {
  return { kind: 'file', mode, size: pageBytes, read: () => `${read()}\n` };
}

/** A sysfs file of one value that takes values. */
export function setting(read: () => string | number, write: (text: string) => void): FileNode {
  return { ...attribute(read, 0o644), write };
}

/** A file of procfs. */
export function procFile(read: () => string): FileNode {
  return { kind: 'file', mode: 0o444, size: 0, read };
}

/** A node with its number; what may be changed of it (mode and owner) lives here. */
export interface Inode {
  /** From 1, the root. */
  readonly id: number;
  readonly parent: number;
  readonly node: TreeNode;
  /** Numbers of a directory's entries by name. */
  readonly entries: ReadonlyMap<string, number>;
  mode: number;
  uid: number;
  gid: number;
}

/** Every node of a tree by its number. */
export type InodeTable = ReadonlyMap<number, Inode>;

/** Numbers the nodes of a tree; the root is 1. */
export function numberTree(root: DirectoryNode): InodeTable {
  const inodes = new Map<number, Inode>();
  const add = (node: TreeNode, parent: number): number => {
    const id = inodes.size + 1;
    const entries = new Map<string, number>();
    const mode = node.kind === 'file' ? node.mode : node.kind === 'link' ? 0o777 : 0o755;
    inodes.set(id, { id, parent: parent === 0 ? id : parent, node, entries, mode, uid: 0, gid: 0 });
    if (node.kind === 'directory') {
      for (const [name, child] of node.entries) entries.set(name, add(child, id));
    }
    return id;
  };
  add(root, 0);
  return inodes;
}
