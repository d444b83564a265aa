/** What goes wrong, and how it is put right again. */
import { NAME } from '../apply/stage.ts'
import type { Child } from '../simulated/child.ts'
import type { Disk } from './disk.ts'
import type { Scene } from './gate.ts'
import { timerOn } from './host-state.ts'
import { MOMENT_NAMES, type MomentName } from './moments.ts'

export interface Struck extends Scene {
  readonly child: Child
  readonly disk: Disk | null
  /** Runs a second one of the same, to its end. */
  readonly startSecond: () => Promise<void>
}

export interface Fault {
  /** Called while the run stands still. */
  readonly strike: (struck: Struck) => unknown
  readonly heal?: (struck: Struck) => unknown
  /** Who logs in; root when left out. */
  readonly user?: string
  readonly needsDisk?: boolean
  readonly prepare?: (scene: Scene) => void
  /** Where the host cannot be asked any more: `unknown` is then the truth. */
  readonly silentAt?: readonly MomentName[]
  /** Where nobody could bring the host to either side any more: it must be said that a person is needed. */
  readonly tornAt?: readonly MomentName[]
  /** How often the run may have to be resumed, when the first time can only clear away what was left. */
  readonly resumes?: number
  /** Where the run stands still for longer than most. */
  readonly revertIn?: string
  readonly at: readonly MomentName[]
}

const WHERE_IT_WRITES: readonly MomentName[] = [
  'changeSent',
  'staging',
  'staged',
  'locked',
  'checked',
  'copying',
  'arming',
  'armedNoTimer',
  'armed',
  'changed',
  'proving',
  'keepSent',
  'confirmed',
  'filesBegin',
  'fileBeside',
  'filePlaced',
  'filesDone',
  'kept',
]

export const FAULT_NAMES = [
  'controller killed',
  'TCP cut',
  'disk full',
  'read-only',
  'sudo lost',
  'clock jumps',
  'timer killed',
  'a second run',
] as const

export type FaultName = (typeof FAULT_NAMES)[number]

export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  'controller killed': { at: MOMENT_NAMES, strike: ({ child }) => child.kill() },
  'TCP cut': { at: MOMENT_NAMES, strike: ({ lab }) => lab.sever(NAME) },
  'disk full': {
    at: WHERE_IT_WRITES,
    needsDisk: true,
    strike: ({ disk }) => disk?.fill(),
    heal: ({ disk }) => disk?.heal(),
  },
  'read-only': {
    at: WHERE_IT_WRITES,
    needsDisk: true,
    // Its files can be neither completed nor removed.
    tornAt: ['filePlaced', 'filesDone'],
    // What was taken back could not be noted there.
    resumes: 2,
    strike: ({ disk }) => disk?.makeReadOnly(),
    heal: ({ disk }) => disk?.heal(),
  },
  'sudo lost': {
    at: ['connecting', 'planned', 'asking', 'changeSaid', 'comingBack', 'proofSent', 'proved', 'keepSent', 'allSaid'],
    silentAt: ['changeSaid', 'comingBack', 'proofSent', 'proved'],
    user: 'ops',
    strike: ({ sim }) => sim.failExec({ kind: 'sudo-refused' }),
    heal: ({ sim }) => sim.heal(),
  },
  'clock jumps': {
    at: ['probing', 'asking', 'staged', 'armed', 'proving', 'confirmed', 'filePlaced', 'lookingAgain'],
    prepare: ({ host }) => {
      host.put('/dev/now', `${new Date().toUTCString()}\n`)
      host.put('/usr/sbin/date', { content: '#!/bin/sh\ncat /dev/now\n', mode: 0o755 })
    },
    // A clock chip whose battery is empty comes up in 1970.
    strike: ({ host }) => host.put('/dev/now', 'Thu Jan  1 00:00:07 UTC 1970\n'),
  },
  'timer killed': {
    at: [
      'armed',
      'changing',
      'changed',
      'changeSaid',
      'comingBack',
      'proofSent',
      'proving',
      'proved',
      'keepSent',
      'confirming',
    ],
    strike: ({ host }) => process.kill(timerOn(host), 'SIGKILL'),
  },
  'a second run': {
    at: [
      'probing',
      'planned',
      'asking',
      'changeSent',
      'staged',
      'locked',
      'arming',
      'armed',
      'changing',
      'changeSaid',
      'proving',
      'proved',
      'confirming',
      'confirmed',
      'filePlaced',
      'unlocking',
      'kept',
      'allSaid',
    ],
    revertIn: '20s',
    strike: ({ startSecond }) => startSecond(),
  },
}
