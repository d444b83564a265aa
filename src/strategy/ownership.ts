/** Whose values these are. What somebody else owns is declined, with what to do instead. */
import type { Facts } from '../facts/facts.ts'
import type { Blocker } from './strategy.ts'

/** Where to look for what says so, by what was found to run this host. */
const SIGNS: Readonly<Record<string, string>> = {
  docker: 'see /.dockerenv, or the control group of process 1',
  podman: 'see /run/.containerenv, or /run/systemd/container',
  openvz: 'see /proc/user_beancounters, /proc/vz, or module counts of -2',
  lxc: 'see /dev/lxd, /dev/.lxc, or the control group of process 1',
  kubepods: 'see the control group of process 1',
  libpod: 'see the control group of process 1',
  netns: 'its network namespace is not the first one',
}

/** Nobody can insist on what only another machine can do. */
export function notOwnKernel({ container }: Pick<Facts, 'container'>): Blocker {
  const what = container ?? 'limits are read-only'
  const sign = container === null ? undefined : SIGNS[container]
  const why = sign === undefined ? what : `${what}: ${sign}`
  return {
    code: 'not-own-kernel',
    message: `this host does not own its kernel (${why}): apply it on the machine that runs it; --force does not change that`,
    forceable: false,
  }
}

/** Reasons why this host's conntrack values are not ours to write. */
export function ownershipBlockers(facts: Facts): Blocker[] {
  const blockers: Blocker[] = []
  if (!facts.ownsKernel) {
    blockers.push(notOwnKernel(facts))
    return blockers
  }
  if (!facts.root) {
    blockers.push({ code: 'needs-root', message: 'the login user is not root: run with --become', forceable: false })
  }
  if (facts.managers.includes('kube-proxy')) {
    blockers.push({
      code: 'kube-proxy-owns',
      message:
        'kube-proxy writes these values itself: set conntrack.maxPerCore, min and the timeouts in its KubeProxyConfiguration instead',
      forceable: true,
    })
  }
  if (!facts.writable.etc) {
    blockers.push({
      code: 'etc-read-only',
      message: '/etc is read-only, so nothing would survive a reboot: change the image this host boots from',
      forceable: false,
    })
  }
  return blockers
}
