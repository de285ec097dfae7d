/** What the compiler has to know of the devices of a namespace. */

/** What has to be known of a device. */
export interface Device {
  /** Its number. */
  readonly index: number;
  /** In bytes. */
  readonly mtu: number;
  /** What of others' traffic passes it as well: of devices that stand on it. Absent: nothing. */
  readonly carries?: Carried;
}

/** Traffic of devices that stand on another one: it meets our hooks at its own device, and again at the one below. */
export interface Carried {
  /** Whether there are VLANs on it. */
  readonly vlans: boolean;
  /** MAC addresses of macvlan devices on it. */
  readonly addresses: readonly string[];
}

/** The devices of a namespace by name. One that is not there (yet) is named in rules, which only a dry run may do. */
export type Devices = ReadonlyMap<string, Device>;
