/** What a run over many hosts takes of the machine it is started on. */
import { setFlagsFromString } from 'node:v8'

/** Below this what is left lying does not add up to much, and a collection more costs time for nothing. */
const MANY_HOSTS = 300

/**
 * V8 lets garbage grow with the memory of the machine: 340 MB at a thousand hosts, of which 30 MB live through a full
 * collection, and 134 MB are room for what has just been made. Less could not be kept; it is that room which has to stay
 * small. Node lets nobody say so but at its start (--max-semi-space-size=16: 204 MB), and a second start would be
 * added to every command. Both flags are read at every collection, so they have their effect after the start, too; a V8
 * that does not know them goes on without. Without the second it is 250 MB. Costs about a tenth of CPU time.
 */
export function spareMemory(hosts: number): void {
  if (hosts < MANY_HOSTS) return
  keepYoungSmall()
  setFlagsFromString('--heap-growing-percent=50')
}

/**
 * Who makes the same small garbage over and over gains nothing by ever more room for it, which V8 would take: up to a third
 * of all that a watch of days has.
 */
function keepYoungSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/**
 * For a watch, before its modules are loaded, since room that was taken for them is kept: what lived for a second or two
 * and is garbage among the old is collected before it adds up to much.
 */
export function stayLean(): void {
  keepYoungSmall()
  setFlagsFromString('--heap-growing-percent=20')
}
