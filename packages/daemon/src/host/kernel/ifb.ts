/** IFB devices of a namespace: made and removed over rtnetlink, without a process. */
import { closeSync } from 'node:fs';
import { SystemError } from './libc.ts';
import { DELETE_LINK, ignoring, linkMessage, NEW_LINK, queueLength, raiseWithoutAddress } from './link-messages.ts';
import { attribute, CREATE, EXCLUSIVE, nested, zeroTerminated } from './netlink.ts';
import type { NetnsHandle } from './netns.ts';
import { openRtnetlink, request, requestOffThread } from './nfnetlink.ts';

/** rtnetlink(7). */
const [LINK_INFO, KIND] = [18, 1];

/** An IFB's queue, in packets; its own default of 32 would lose bursts. */
const PACKETS = 10_000;

/** Makes the device and sets it up. It gets no address, so that it sends nothing of its own. One that is there is kept. */
export function addIfb(netns: NetnsHandle, name: string): void {
  const fd = openRtnetlink(netns);
  try {
    const fresh = linkMessage(NEW_LINK, CREATE | EXCLUSIVE, name, [
      queueLength(PACKETS),
      nested(LINK_INFO, attribute(KIND, zeroTerminated('ifb'))),
    ]);
    ignoring('EEXIST', () => request(fd, `adding ${name}`, [fresh]));
    raiseWithoutAddress(fd, name);
  } finally {
    closeSync(fd);
  }
}

/** Removes the device, and its qdiscs with it. One that is not there is a success. */
export async function removeLink(netns: NetnsHandle, name: string): Promise<void> {
  const fd = openRtnetlink(netns);
  try {
    await requestOffThread(fd, `removing ${name}`, [linkMessage(DELETE_LINK, 0, name, [])]);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'ENODEV') throw error;
  } finally {
    closeSync(fd);
  }
}
