/** Whose values these are. What somebody else owns is declined, with what to do instead. */
import type { Facts } from '../facts/facts.ts'
import type { Blocker } from './strategy.ts'

/** Reasons why this host's conntrack values are not ours to write. */
export function ownershipBlockers(facts: Facts): Blocker[] {
  const blockers: Blocker[] = []
  if (!facts.ownsKernel) {
    blockers.push({
      code: 'not-own-kernel',
      message: `this host does not own its kernel (${facts.container ?? 'limits are read-only'}): apply it on the machine that runs it`,
      forceable: false,
    })
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
