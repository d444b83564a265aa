/**
 * Holds src/ to its floors: a file imports from lower floors and its own only, without cycles. The order below is the
 * architecture. Type imports count too.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Lowest first; rooms of one floor stand beside each other and do not see each other. */
const FLOORS: readonly (readonly string[])[] = [
  ['errors.ts'],
  ['lang'],
  ['inventory'],
  ['transport'],
  ['facts'],
  ['firewall'],
  ['change'],
  ['strategy'],
  ['plan'],
  ['diagnose'],
  ['run'],
  ['watch'],
  ['view'],
  ['report'],
  ['cli'],
  ['main.ts'],
]
/** Rooms that must stay pure: plain data in, plain data out. */
const PURE = ['change', 'firewall', 'strategy', 'plan', 'diagnose', 'report']
/** Packages that stay behind one file, so that they can be replaced. */
const ONLY_IN: Readonly<Record<string, string>> = { ssh2: 'transport/ssh2.ts', listr2: 'view/live.ts' }

const roomOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : file)
const floorOf = (file: string): number => FLOORS.findIndex(rooms => rooms.includes(roomOf(file)))

const files = globSync('**/*.ts', { cwd: 'src' }).toSorted()
const imports = new Map(files.map(file => [file, importsOf(file)]))
const problems: string[] = []

function importsOf(file: string): string[] {
  const text = readFileSync(join('src', file), 'utf8')
  const found = text.matchAll(
    /^(?:import|export)\s[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gms,
  )
  return [...found].map(match => match[1] ?? match[2] ?? match[3] ?? '')
}

for (const [file, targets] of imports) {
  if (floorOf(file) === -1) problems.push(`${file}: its room is on no floor`)
  for (const target of targets) {
    const only = ONLY_IN[target]
    if (only && file !== only) problems.push(`${file}: imports ${target}, which belongs to ${only}`)
    if (target.startsWith('node:') && PURE.includes(roomOf(file)))
      problems.push(`${file}: imports ${target}, but ${roomOf(file)} is pure`)
    if (!target.startsWith('.')) continue
    const resolved = normalize(join(dirname(file), target))
    if (!imports.has(resolved)) problems.push(`${file}: imports ${target}, which is not there`)
    if (floorOf(resolved) > floorOf(file)) problems.push(`${file}: looks up to ${resolved}`)
  }
}

function visit(file: string, path: readonly string[]): void {
  const at = path.indexOf(file)
  if (at !== -1) {
    problems.push(`cycle: ${[...path.slice(at), file].join(' → ')}`)
    return
  }
  if (done.has(file)) return
  for (const target of imports.get(file) ?? []) {
    if (target.startsWith('.')) visit(normalize(join(dirname(file), target)), [...path, file])
  }
  done.add(file)
}
const done = new Set<string>()
for (const file of files) visit(file, [])

for (const problem of [...new Set(problems)]) process.stderr.write(`${problem}\n`)
process.stdout.write(`   ${files.length} files, ${problems.length} problems\n`)
if (problems.length > 0) process.exit(1)
