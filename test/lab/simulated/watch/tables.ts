/** Made-up tables that fill, drop and recover, for hosts that are only watched. What they say is what watch.sh prints. */
import type { Live } from '../host.ts'

/** One table at a time of its life. */
export interface Table {
  readonly count: number
  readonly max: number
  readonly drops: number
  readonly earlyDrops: number
  readonly lines: number
}

export type Life = (seconds: number) => Table

const MAX = 65_536

/** Of every twenty hosts one drops, one fills, one grows; the others breathe. */
export function lifeOf(n: number): Life {
  const phase = (n * 37) % 60
  const base = 4_000 + ((n * 911) % 30_000)
  return seconds => {
    if (n % 20 === 3) {
      const drops = Math.floor(seconds * (5 + (n % 40)))
      const count = MAX - Math.floor(Math.abs(Math.sin(seconds / 3)) * 60)
      return { count, max: MAX, drops, earlyDrops: Math.floor(drops / 9), lines: Math.floor(seconds / 5) }
    }
    if (n % 20 === 8) return quiet(Math.min(MAX - 1, Math.floor(48_000 + seconds * (90 + n))))
    if (n % 20 === 13) return quiet(Math.floor(30_000 + seconds * 20))
    return quiet(base + Math.floor(Math.sin((seconds + phase) / 9) * 900))
  }
}

const quiet = (count: number): Table => ({ count, max: MAX, drops: 0, earlyDrops: 0, lines: 0 })

const hex = (value: number): string => value.toString(16).padStart(8, '0')

/** Plays a life: one line at once, then one for each question, until the input ends. */
export function playing(life: Life): Live {
  const start = performance.now()
  return ({ command }, { input, output, end }) => {
    const nonce = / -- ([0-9a-f]{16}) /.exec(command)?.[1] ?? ''
    let [begun, lines, asked] = [false, 0, '']
    const say = (withLog: boolean): void => {
      const seconds = (performance.now() - start) / 1000
      const { count, max, drops, earlyDrops, lines: all } = life(seconds)
      const up = 86_400 + seconds
      const rows = [0, 1].map(
        cpu => `row=${hex(count)},00000000,${hex(cpu === 0 ? drops : 0)},${hex(cpu === 0 ? earlyDrops : 0)}`,
      )
      const log = withLog ? ` log=${all - lines},${up.toFixed(6)}` : ''
      if (withLog) lines = all
      const numbers = `count=${count} max=${max} buckets=${max}`
      const names = 'names=entries,insert_failed,drop,early_drop'
      output.write(`@@${nonce} up=${up.toFixed(2)} family=nf_conntrack ${numbers} ${names} ${rows.join(' ')}${log}\n`)
    }
    input.on('data', (chunk: Buffer) => {
      // The program itself comes first, then questions.
      const text = chunk.toString('utf8')
      asked = (asked + text).slice(-64)
      if (!begun && !asked.endsWith('main "$@"\n')) return
      say(!begun || text.includes('log'))
      begun = true
    })
    input.once('end', () => end(0))
  }
}
