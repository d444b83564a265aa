/** The probe's raw answer, taken apart but not yet understood. */
import { ProbeError } from '../errors.ts'
import { FrameError, parseFrames } from '../lang/frames.ts'
import { lastLine, plain } from '../lang/text.ts'

/** A line of a file, as `grep -n` names it. */
export interface FoundLine {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** What `ls -ln` says of a path. */
interface Entry {
  /** First letter of the mode: `-`, `d`, `l`. */
  readonly type: string
  /** Octal, four digits. */
  readonly mode: string
  readonly owner: string
  readonly size: number
  /** Where a link leads; null for what is none, or could not be read. */
  readonly leadsTo: string | null
}

/** Everything the probe printed, by what it is about. */
export interface Look {
  readonly host: string
  readonly sections: ReadonlyMap<string, string>
  /** Lines of small files read whole, by path. A path that is missing was absent, empty or unreadable. */
  readonly values: ReadonlyMap<string, readonly string[]>
  /** Paths that exist, with what the probe's user may do there. */
  readonly present: ReadonlyMap<string, { readonly readable: boolean; readonly writable: boolean }>
  readonly entries: ReadonlyMap<string, Entry>
  /** Lines of configuration, of /proc/meminfo and the like that matched the probe's pattern. */
  readonly lines: readonly FoundLine[]
}

/** And `log`, where that was asked for: without it a log counts as one that could not be read. */
const REQUIRED = ['values', 'host', 'places', 'listing', 'lines', 'names', 'connection', 'rules']

/** No setting is longer; a host that prints a megabyte without a newline must not keep us busy. */
const LONGEST_LINE = 1000

/** Takes the output apart. Throws ProbeError when it is cut off, or not the probe's. */
export function readLook(host: string, stdout: string, nonce: string): Look {
  const sections = framesOf(host, stdout, nonce)
  const missing = REQUIRED.find(name => !sections.has(name))
  if (missing !== undefined) throw new ProbeError(host, `${host}: the probe's answer has no section ${missing}`)
  return {
    host,
    sections,
    values: wholeFiles(sections.get('values') ?? ''),
    present: presence(sections.get('places') ?? ''),
    entries: listing(sections.get('listing') ?? ''),
    lines: foundLines(sections.get('lines') ?? ''),
  }
}

function framesOf(host: string, stdout: string, nonce: string): ReadonlyMap<string, string> {
  try {
    return parseFrames(stdout, nonce)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    const said = lastLine(stdout, 80)
    const printed = said === '' ? 'the host printed nothing' : `the last line it printed: ${said}`
    // Such an account ends well, whatever it was asked for.
    const forced = '; a forced command answers so: command= in authorized_keys, ForceCommand in sshd_config'
    const hint = stdout.includes(nonce) ? printed : printed + forced
    throw new ProbeError(host, `${host}: cannot read the probe's answer: ${error.message}`, { cause: error, hint })
  }
}

/** `path:line` → lines by path. */
export function wholeFiles(section: string): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>()
  for (const [, path = '', text = ''] of section.matchAll(/^(\/[^:\n]*):(.*)$/gm)) {
    const lines = files.get(path)
    if (lines) lines.push(text)
    else files.set(path, [text])
  }
  return files
}

function foundLines(section: string): FoundLine[] {
  return [...section.matchAll(/^(\/[^:\n]*):(\d+):(.*)$/gm)].map(([, file = '', line, text = '']) => ({
    file: plain(file),
    line: Number(line),
    text: text.trim().slice(0, LONGEST_LINE),
  }))
}

function presence(section: string): Look['present'] {
  const matches = [...section.matchAll(/^e(r?)(w?) (\/.*)$/gm)]
  return new Map(matches.map(([, r, w, path = '']) => [path, { readable: r === 'r', writable: w === 'w' }]))
}

function listing(section: string): Look['entries'] {
  // The date has three words in the C locale; the paths are the probe's own and hold no blanks.
  const line = /^([-dlcbps])([-rwxsStT]{9})\S* +\d+ +(\d+) +(\d+) +(\d+) +\S+ +\S+ +\S+ (\/\S*)(?: -> (.*))?$/gm
  return new Map(
    [...section.matchAll(line)].map(([, type = '', bits = '', uid, gid, size, path = '', leadsTo]) => [
      path,
      { type, mode: octal(bits), owner: `${uid}:${gid}`, size: Number(size), leadsTo: leadsTo ?? null },
    ]),
  )
}

/** `rw-r--r--` → `0644`; s, S, t and T are the bits above. */
export function octal(bits: string): string {
  const digits = [bits.slice(0, 3), bits.slice(3, 6), bits.slice(6, 9)].map(([r, w, x]) =>
    Number((r === 'r' ? 4 : 0) + (w === 'w' ? 2 : 0) + (x !== undefined && 'xst'.includes(x) ? 1 : 0)),
  )
  const special = [2, 5, 8].reduce((sum, at, i) => sum + (/[sStT]/.test(bits[at] ?? '') ? 4 >> i : 0), 0)
  return [special, ...digits].join('')
}

/** The whole number a file holds; null when the file is absent or unreadable. Throws ProbeError when it holds none. */
export function numberIn(look: Look, path: string): number | null {
  const text = look.values.get(path)?.[0]?.trim()
  if (text === undefined) return null
  if (!/^-?\d{1,15}$/.test(text)) throw notANumber(look, path, text)
  return Number(text)
}

/** For a file of the kernel that holds no number where it must hold one. */
export function notANumber(look: Look, what: string, text: string): ProbeError {
  return new ProbeError(look.host, `${look.host}: ${what} holds no number but "${lastLine(text, 40)}"`)
}

/** The probe's effective user. */
export function isRoot(look: Look): boolean {
  return /^uid 0$/m.test(look.sections.get('host') ?? '')
}
