/** Services as they run: how they are checked, stopped, started and shown. */
import { Script, sh } from '../lang/sh.ts'
import type { ServiceChange } from './change.ts'
import { type Looked, notALook } from './look.ts'

/** The words of the function it stands in: the run directory, or nothing where nobody changes anything. */
const run = Script.trusted('"$@"')

/** Exits as stale unless the service still runs, or still does not. */
export function expect({ before, target }: ServiceChange): Script {
  return before === null ? sh`expect_no_service ${target}` : sh`expect_service ${target}`
}

/** Starts it, or stops it; only its own status is believed, for a firewall that started has loaded rules or has not. */
export function render({ after, target }: ServiceChange): Script {
  return after === null ? sh`stop_service ${target} ${run}` : sh`start_service ${target}`
}

/** The other way round; one whose stop was cut off half-way is started whatever it says of itself. */
export function renderUndo({ before, target }: ServiceChange): Script {
  return before === null ? sh`stop_service ${target}` : sh`start_service ${target} ${run}`
}

/** Prints whether it runs. */
export function look({ target }: ServiceChange): Script {
  return sh`show_service ${target}`
}

/** Reads what `look` printed. Throws LookError. */
export function parse({ target }: ServiceChange, text: string): Looked<'running'> {
  const said = text.replace(/\n$/, '')
  if (said !== 'running' && said !== 'stopped') throw notALook(target, text)
  return { state: said === 'running' ? said : null }
}

/** One line for the diff. */
export function describe({ before, after, target }: ServiceChange): string {
  return `~ service ${target}: ${before ?? 'stopped'} → ${after ?? 'stopped'}`
}
