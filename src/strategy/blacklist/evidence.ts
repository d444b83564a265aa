/** What shows that conntrack is out: the kernel's own list, what modprobe would do, and services that were to come up. */
import type { Facts } from '../../facts/facts.ts'
import type { Blocker, Evidence } from '../strategy.ts'
import { holdersOf } from './modules.ts'
import type { Service } from './services.ts'
import { userOf } from './users.ts'

/** All checks there are for it. `now`: the modules are to go without a reboot. */
export function evidenceOf(facts: Facts, now: boolean, stopped: readonly Service[]): Evidence[] {
  return [gone(facts, now), ...refuses(facts), ...imageUnread(facts), ...comesUp(facts, stopped)]
}

/** An empty list of modules says nothing where there is none; a kernel without the files of conntrack has no conntrack. */
export function gone({ family, providedBy, modules }: Facts, now: boolean): Evidence {
  const name = 'conntrack-gone'
  const when = 'always'
  const left = holdersOf(modules ?? [])
  if (family === null && providedBy === 'absent' && left.length === 0) {
    return { name, when, status: 'pass', detail: 'no module of it is loaded, and the kernel shows no table' }
  }
  const leaving = left.find(({ unloading }) => unloading)
  if (leaving) {
    return {
      name,
      when,
      status: 'unknown',
      detail: `${leaving.name} is being taken out and something holds it: gone at the next reboot`,
    }
  }
  const names = left.map(module => module.name).join(', ')
  return now
    ? {
        name,
        when,
        status: 'fail',
        detail: names === '' ? 'the kernel still shows its table' : `still loaded: ${names}`,
      }
    : { name, when, status: 'unknown', detail: `gone at the next reboot; until then loaded: ${names}` }
}

/** What was not looked at for these reasons shows nothing. */
export function unlooked(blockers: readonly Blocker[]): Evidence[] {
  const detail = blockers.map(({ message }) => message).join('; ')
  return [{ name: 'conntrack-gone', when: 'always', status: 'unknown', detail }]
}

/** A name that this kernel has no module of cannot be loaded either. */
function refuses({ tracking }: Facts): Evidence[] {
  const name = 'modprobe-refuses'
  const when = 'kept'
  const runs = Object.entries(tracking?.dryRuns ?? {}).filter(([, said]) => said !== 'no-such-module')
  const loads = runs.filter(([, said]) => said === 'loads').map(([module]) => module)
  if (loads.length > 0) return [{ name, when, status: 'fail', detail: `modprobe would still load ${loads.join(', ')}` }]
  if (runs.length === 0 || runs.some(([, said]) => said === 'unreadable')) {
    return [{ name, when, status: 'unknown', detail: 'modprobe did not say what it would do' }]
  }
  const detail = `modprobe refuses ${runs.map(([module]) => module).join(', ')}`
  return [{ name, when, status: 'pass', detail }]
}

/** Modules in an image may be loaded before any line of ours is read. */
function imageUnread({ tracking }: Facts): Evidence[] {
  const image = tracking?.initramfs
  if (!image?.unread) return []
  return [{ name: 'image-without', when: 'kept', status: 'unknown', detail: `${image.path} could not be listed` }]
}

/**
 * Firewalls that boot starts, but for those that the plan stops. What else the probe lists may be off for reasons of its
 * own, and ufw is by the time of a plan.
 */
function atBoot({ tracking }: Facts, stopped: readonly Service[]): Service[] {
  return (tracking?.services ?? []).filter(
    ({ name, enabled }) =>
      enabled && name !== 'ufw' && userOf(name) === null && !stopped.some(service => service.name === name),
  )
}

/** A firewall that boot starts and that is down is one whose rules did not load. */
function comesUp(facts: Facts, stopped: readonly Service[]): Evidence[] {
  const wanted = atBoot(facts, stopped)
  if (wanted.length === 0) return []
  const name = 'firewall-service-up'
  const down = wanted.filter(({ running }) => !running).map(service => service.name)
  return down.length === 0
    ? [{ name, when: 'kept', status: 'pass', detail: `${wanted.map(service => service.name).join(', ')} is up` }]
    : [
        {
          ...{ name, when: 'kept', status: 'fail', excusedBy: 'firewall-down' },
          detail: `boot starts ${down.join(', ')}, and it is not up`,
        },
      ]
}

/** One that is down already would look as if we had done it, now and at every verify. */
export function downBlockers(facts: Facts, stopped: readonly Service[]): Blocker[] {
  return atBoot(facts, stopped)
    .filter(({ running }) => !running)
    .map(({ name }) => ({
      code: 'firewall-down',
      message: `boot starts ${name}, and it is not up: find out why first, or nobody could tell what is ours`,
      forceable: true,
    }))
}
