/** Where VMs are now, whoever has moved them: a journal knows only what its controllers did. */

/** A host on which a VM is known. */
export interface VmPlace {
  readonly host: string;
  /** `paused` also where it is arriving. `off`: defined there. */
  readonly state: 'running' | 'paused' | 'off';
}

export interface VmPlaces {
  /** By name of the VM. */
  readonly places: ReadonlyMap<string, readonly VmPlace[]>;
  /** Hosts that did not answer; they may be off. */
  readonly unanswered: readonly string[];
}

export interface VmFinder {
  /** Asks all hosts of the cluster. Changes nothing. */
  find(limits: { readonly signal?: AbortSignal | undefined }): Promise<VmPlaces>;
}
