/** The table of rules, in the order in which findings of one severity are told. Adding one is one file and one line here. */
import type { Rule } from '../finding.ts'
import { badTimeouts } from './bad-timeouts.ts'
import { blanket } from './blanket-untracked.ts'
import { brokenModprobe } from './broken-modprobe.ts'
import { buckets } from './buckets.ts'
import { competingFirewalls } from './competing-firewalls.ts'
import { competingValues } from './competing-values.ts'
import { earlyDrop } from './early-drop.ts'
import { expectations } from './expectations.ts'
import { filledBy } from './filled-by.ts'
import { idleEntries } from './idle-entries.ts'
import { insertFailed } from './insert-failed.ts'
import { leak } from './leak.ts'
import { longChains } from './long-chains.ts'
import { lostAtReboot } from './lost-at-reboot.ts'
import { lostAtRestart } from './lost-at-restart.ts'
import { namespaces } from './namespaces.ts'
import { nat } from './nat.ts'
import { noLimit } from './no-limit.ts'
import { notOwnKernel } from './not-own-kernel.ts'
import { oneWay } from './one-way-notrack.ts'
import { otherAtBoot } from './other-at-boot.ts'
import { pathMtu } from './path-mtu.ts'
import { recipeMistakes } from './recipe-mistakes.ts'
import { tableFull } from './table-full.ts'
import { tableWasFull } from './table-was-full.ts'
import { unassured } from './unassured.ts'
import { unread } from './unread.ts'
import { unseen } from './unseen.ts'
import { nearlyFull } from './usage.ts'

export const RULES: readonly Rule[] = [
  ...[tableFull, leak, longChains, earlyDrop, blanket, brokenModprobe, badTimeouts, nearlyFull, tableWasFull],
  ...[namespaces, expectations, unassured, idleEntries, oneWay, pathMtu, buckets, noLimit, insertFailed],
  ...[lostAtReboot, lostAtRestart, otherAtBoot, competingValues, competingFirewalls, recipeMistakes, notOwnKernel],
  ...[filledBy, nat, unread, unseen],
]
