/** Which end of a TCP connection is ours: AddressFamily, BindAddress and BindInterface of ssh_config. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { firstOf, type Settings } from './ssh-config.ts'

export interface LocalEnd {
  /** 0 = either. */
  readonly family: 0 | 4 | 6
  readonly address: string | null
  /** Counts where no address is named. */
  readonly interface: string | null
}

export const ANYWHERE: LocalEnd = { family: 0, address: null, interface: null }

export interface Address {
  readonly address: string
  readonly family: number
}

export function localEnd(settings: Settings): LocalEnd {
  const family = firstOf(settings, 'addressfamily')?.toLowerCase()
  return {
    family: family === 'inet' ? 4 : family === 'inet6' ? 6 : 0,
    address: firstOf(settings, 'bindaddress'),
    interface: firstOf(settings, 'bindinterface'),
  }
}

/** The pairs that go together, theirs in the order given; `local` is null where the kernel may choose. */
export async function endsFor(
  { family, address, interface: name }: LocalEnd,
  remote: readonly Address[],
): Promise<{ readonly local: string | null; readonly remote: readonly Address[] }> {
  const wanted = remote.filter(to => family === 0 || to.family === family)
  if (address === null && name === null) return { local: null, remote: wanted }
  const locals = address !== null ? await numbersOf(address) : addressesAt(name ?? '')
  const found = wanted.find(to => locals.some(local => local.family === to.family))
  const local = locals.find(own => own.family === found?.family) ?? null
  // One socket has one address of its own: those of the other family cannot be reached from it.
  return {
    local: local?.address ?? null,
    remote: local === null ? [] : wanted.filter(to => to.family === local.family),
  }
}

/** As ssh: those that others can reach before those that only this machine or its link knows. */
function addressesAt(name: string): readonly Address[] {
  const all = (networkInterfaces()[name] ?? []).map(own => ({
    family: own.family === 'IPv4' ? 4 : 6,
    address: own.address.startsWith('fe80:') ? `${own.address}%${name}` : own.address,
    isNear: own.internal || own.address.startsWith('fe80:'),
  }))
  return [...all.filter(({ isNear }) => !isNear), ...all.filter(({ isNear }) => isNear)]
}

async function numbersOf(address: string): Promise<readonly Address[]> {
  const family = isIP(address)
  return family === 0 ? await lookup(address, { all: true }) : [{ address, family }]
}
