/**
 * How many logins are under way at one door: a server, a jump host, a proxy. sshd drops connections at random once ten have
 * not logged in (MaxStartups 10:30:100), so fewer are begun at a time, and fewer still once one was dropped.
 */
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Route } from './route.ts'

/** How an attempt ended, as far as the door is concerned: `dropped` = sshd hung up before it spoke, or while it did. */
export type Passed = 'in' | 'dropped' | 'other'

/** A place at a door. Given back once; later words are not heard. */
export interface Slot {
  release(passed: Passed): void
}

interface DoorLimits {
  readonly start: number
  readonly most: number
  /** An attempt that hangs counts no longer than this: hosts that are down must not keep the others out. */
  readonly holdMs?: number
}

/** What a sshd of its own may have; what a jump host's connection, where MaxStartups does not count, may come to. */
const DOOR: DoorLimits = { start: 8, most: 8 }
const JUMP_DOOR: DoorLimits = { start: 8, most: 32 }

const HOLD_MS = 5_000

export class Door {
  readonly #most: number
  readonly #holdMs: number
  /** Those who go first, and the others. */
  readonly #queues = { first: [] as (() => void)[], later: [] as (() => void)[] }
  #limit: number
  #inside = 0
  #sinceRaised = 0
  /** Counts the times the limit was lowered: several dropped of one rush are one lesson. */
  #lessons = 0

  constructor({ start, most, holdMs = HOLD_MS }: DoorLimits) {
    this.#limit = start
    this.#most = most
    this.#holdMs = holdMs
  }

  /** Attempts allowed at once, as learnt so far. */
  get limit(): number {
    return this.#limit
  }

  /** A place, if one is free and nobody waits for it. */
  tryEnter(): Slot | null {
    return this.#inside < this.#limit && !this.#isAwaited ? this.#slot() : null
  }

  get #isAwaited(): boolean {
    return this.#queues.first.length + this.#queues.later.length > 0
  }

  /** `when`: `first` = before all who do not say so. Rejects with ConnectError `aborted`. */
  async enter(host: Host, signal: AbortSignal, when: 'first' | 'later' = 'later'): Promise<Slot> {
    const queue = this.#queues[when]
    const slot = this.tryEnter()
    if (slot) return slot
    const { promise, resolve, reject } = Promise.withResolvers<Slot>()
    const turn = (): void => resolve(this.#slot())
    const onAbort = (): void => {
      const at = queue.indexOf(turn)
      if (at !== -1) queue.splice(at, 1)
      reject(new ConnectError(host.name, 'aborted', `${host.name}: stopped while it waited to connect`))
    }
    queue.push(turn)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  #slot(): Slot {
    this.#inside += 1
    const lessons = this.#lessons
    let held = true
    const giveBack = (): void => {
      if (!held) return
      held = false
      clearTimeout(timer)
      this.#inside -= 1
      while (this.#inside < this.#limit) {
        const next = this.#queues.first.shift() ?? this.#queues.later.shift()
        if (!next) return
        next()
      }
    }
    const timer = setTimeout(giveBack, this.#holdMs)
    let heard = false
    return {
      release: passed => {
        if (!heard) this.#learn(passed, lessons)
        heard = true
        giveBack()
      },
    }
  }

  #learn(passed: Passed, lessons: number): void {
    if (passed === 'dropped' && lessons === this.#lessons) {
      this.#lessons += 1
      this.#limit = Math.max(1, Math.floor(this.#limit / 2))
      this.#sinceRaised = 0
    } else if (passed === 'in' && this.#limit < this.#most) {
      this.#sinceRaised += 1
      if (this.#sinceRaised < this.#limit) return
      this.#limit += 1
      this.#sinceRaised = 0
    }
  }
}

export type DoorKey = Pick<Route, 'via' | 'host'>

/** Hosts that share a way in share a door: a jump host, a proxy command that differs only in its host, one address and port. */
export function createDoors(): (route: DoorKey) => Door {
  const doors = new Map<unknown, Door>()
  return ({ via, host }) => {
    const jump = via !== null && 'jump' in via ? via.jump : null
    const key = jump ?? (via !== null && 'template' in via ? via.template : `${host.address}:${host.port}`)
    const door = doors.get(key) ?? new Door(jump ? JUMP_DOOR : DOOR)
    doors.set(key, door)
    return door
  }
}
