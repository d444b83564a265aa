/** The steps of an apply as product's words have them, and how to make a run stand still at each. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FakeHost } from '../simulated/debian.ts'
import { type Gate, gateInConnect, gateInExec, gateInScript, gateInTool, type Scene, type ToolPlace } from './gate.ts'

export type Side = 'before' | 'during' | 'after'

export interface Moment {
  readonly step: string
  readonly side: Side
  /** A second one within the same step. */
  readonly what?: string
  /** Whether the host is there what it has to be. */
  readonly is?: (host: FakeHost) => boolean
  /** null: at the question, which is asked without --yes only. */
  readonly stop: ((scene: Scene) => Gate) | null
}

const exec =
  (n: number, side: 'asked' | 'answered'): ((scene: Scene) => Gate) =>
  scene =>
    gateInExec(scene, n, side)
const tool =
  (name: string, words: string, side: ToolPlace['side'], state?: ToolPlace['state']): ((scene: Scene) => Gate) =>
  scene =>
    gateInTool(scene, { tool: name, words, side, ...(state ? { state } : {}) })
/** Between what the change writes. */
const change =
  (line: string): ((scene: Scene) => Gate) =>
  scene =>
    gateInScript(scene, { words: '*"/apply.sh "*" change worker"', line })
const connect =
  (n: number): ((scene: Scene) => Gate) =>
  scene =>
    gateInConnect(scene, n)

const LIVE = ['sys/module/nf_conntrack/parameters/hashsize', 'proc/sys/net/netfilter/nf_conntrack_max'] as const
/** Which of the two values are as they are to be, and whether the run has that file. */
const hostIs =
  (hashsize: boolean, max: boolean, file: string): ((host: FakeHost) => boolean) =>
  ({ root }) => {
    const [size, most] = LIVE.map(path => readFileSync(join(root, path), 'utf8').trim() === '4096')
    return size === hashsize && most === max && globSync(join(root, 'var/lib/ctfix/*', file)).length === 1
  }

/** In their order. */
export const MOMENT_NAMES = [
  'connecting',
  'probeSent',
  'probing',
  'planned',
  'asking',
  'changeSent',
  'staging',
  'staged',
  'locking',
  'locked',
  'checked',
  'copying',
  'arming',
  'armedNoTimer',
  'armed',
  'changing',
  'unproved',
  'changed',
  'changeSaid',
  'comingBack',
  'proofSent',
  'proving',
  'proved',
  'keepSent',
  'confirming',
  'confirmed',
  'filesBegin',
  'fileBeside',
  'filePlaced',
  'filesDone',
  'unlocking',
  'kept',
  'lookingAgain',
  'allSaid',
] as const

export type MomentName = (typeof MOMENT_NAMES)[number]

/** An apply's commands: 1 look, 2 change, 3 proof, 4 files and the last look. */
export const MOMENTS: Readonly<Record<MomentName, Moment>> = {
  connecting: { step: 'connect', side: 'during', stop: connect(1) },
  probeSent: { step: 'probe', side: 'before', stop: exec(1, 'asked') },
  probing: { step: 'probe', side: 'during', stop: tool('dmesg', '*', 'before') },
  planned: { step: 'plan', side: 'before', stop: exec(1, 'answered') },
  asking: { step: 'plan', side: 'during', what: 'the question', stop: null },
  changeSent: { step: 'plan', side: 'after', stop: exec(2, 'asked') },
  staging: { step: 'stage', side: 'during', stop: tool('mkdir', '*.new.*', 'after') },
  staged: { step: 'stage', side: 'after', stop: tool('sync', '*/undo.sh*', 'after') },
  locking: { step: 'lock', side: 'before', stop: tool('sh', '*/guard.sh" start "*', 'before') },
  locked: { step: 'lock', side: 'after', stop: tool('sh', '*"/apply.sh "*" check"', 'before') },
  checked: { step: 'check', side: 'after', stop: tool('sh', '*"/apply.sh "*" check"', 'after') },
  copying: {
    step: 'snapshot',
    side: 'during',
    is: hostIs(false, false, 'begun'),
    stop: tool('grep', '"-s . /proc/modules "*', 'before'),
  },
  arming: { step: 'arm', side: 'before', stop: tool('mv', '*/begun*/armed', 'before') },
  armedNoTimer: { step: 'arm', side: 'during', stop: tool('setsid', '*', 'before') },
  armed: { step: 'arm', side: 'after', stop: tool('sh', '*"/apply.sh "*" change worker"', 'before') },
  changing: {
    step: 'runtime',
    side: 'during',
    is: hostIs(true, false, 'armed'),
    stop: change('still .* write_value .*/nf_conntrack_max '),
  },
  unproved: {
    step: 'runtime',
    side: 'during',
    what: 'read back',
    is: hostIs(true, true, 'armed'),
    stop: tool('grep', '*"/hashsize "*', 'before', 'armed'),
  },
  changed: { step: 'runtime', side: 'after', stop: tool('sh', '*"/apply.sh "*" change worker"', 'after') },
  changeSaid: { step: 'new connection', side: 'before', stop: exec(2, 'answered') },
  comingBack: { step: 'new connection', side: 'during', stop: connect(2) },
  proofSent: { step: 'verify', side: 'before', stop: exec(3, 'asked') },
  proving: { step: 'verify', side: 'during', stop: tool('dmesg', '*', 'before', 'armed') },
  proved: { step: 'verify', side: 'after', stop: exec(3, 'answered') },
  keepSent: { step: 'confirm', side: 'before', stop: exec(4, 'asked') },
  confirming: { step: 'confirm', side: 'during', stop: tool('mv', '*/armed*/confirmed', 'before') },
  confirmed: { step: 'confirm', side: 'after', stop: tool('mv', '*/armed*/confirmed', 'after') },
  filesBegin: { step: 'files', side: 'before', stop: tool('sh', '*"/apply.sh "*" files worker"', 'before') },
  fileBeside: { step: 'files', side: 'during', what: 'staging', stop: tool('chmod', '*.ctfix-new', 'before') },
  filePlaced: { step: 'files', side: 'during', what: 'one of three', stop: tool('mv', '*.ctfix-new*', 'after') },
  filesDone: { step: 'files', side: 'after', stop: tool('sh', '*"/apply.sh "*" files worker"', 'after') },
  unlocking: { step: 'unlock', side: 'before', stop: tool('mv', '*/confirmed*/kept', 'before') },
  kept: { step: 'unlock', side: 'after', stop: tool('mv', '*/confirmed*/kept', 'after') },
  lookingAgain: { step: 'verify again', side: 'during', stop: tool('ls', '-lnd*', 'before', 'kept') },
  allSaid: { step: 'verify again', side: 'after', stop: exec(4, 'answered') },
}
