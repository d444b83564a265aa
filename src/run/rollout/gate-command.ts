/** The command of a gate: run as it was written; what is shown and recorded has no secret in it. */
import { secretsIn, withoutSecrets } from '../../lang/secrets.ts'

export class GateCommand {
  /** With `***` in the place of secrets. */
  readonly shown: string
  readonly #command: string | null
  readonly #secrets: readonly string[]

  /** `known`: passwords of the run. A command of null is one that was written down without its secrets. */
  constructor(command: string | null, { known = [], shown = '' }: { known?: readonly string[]; shown?: string } = {}) {
    this.#command = command
    this.#secrets = command === null ? [] : [...secretsIn(command), ...known]
    this.shown = command === null ? shown : this.mask(command)
  }

  /** False: the record does not have it, and nobody else does. */
  get isKnown(): boolean {
    return this.#command !== null
  }

  /** True where what is shown cannot be run. */
  get isMasked(): boolean {
    return this.shown !== this.#command
  }

  /** The only way to the command itself; for who runs it. */
  reveal(): string {
    if (this.#command === null) throw new TypeError(`the gate ${this.shown} is not known`)
    return this.#command
  }

  /** What the command says may have its secrets, too. */
  mask(text: string): string {
    return withoutSecrets(text, this.#secrets)
  }

  toJSON(): string {
    return this.shown
  }
}
