import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../../src/run/status.ts'
import { code, fence, type Ticket, ticketText } from '../../../src/view/markdown.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'

const ESC = '\u001b'
const HOSTILE = [
  '```\n# I am a heading\n```',
  '`` ` ```` ~~~\n- item',
  `${ESC}[2J\u202e<script>alert(1)</script>`,
  '](http://evil.example) ![x](y) | a | b |',
  '\r\n## Results\r\n',
  '@everyone https://evil.example &amp; <!-- -->',
]

const story = { batches: [], gates: [], stopped: undefined }

function ticket(outcomes: readonly Outcome[], parts: Partial<Ticket> = {}): string {
  return ticketText({
    header: { run: 'RUN', command: 'apply', strategy: ['raise'] },
    outcomes,
    exitCode: 0,
    story,
    ...parts,
  })
}

/** Lines outside of fences, as a reader of CommonMark tells them; every fence must end. */
function outside(text: string): string[] {
  const kept: string[] = []
  let open: string | null = null
  for (const line of text.split('\n')) {
    const marks = /^ {0,3}(`{3,})/.exec(line)?.[1]
    if (open === null && marks) open = marks
    else if (open !== null && marks && marks.length >= open.length && line.trim() === marks) open = null
    else if (open === null) kept.push(line)
  }
  expect(open).toBe(null)
  return kept
}

/** A line without its code spans, by the rule that a row of marks is closed by a row of the same length. */
function withoutCode(line: string): string {
  return line.replace(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, '')
}

describe('a ticket', () => {
  const changed = Array.from({ length: 12 }, (_, i) =>
    makeOutcome('changed', { host: `web-${i + 1}`, plan: planFor() }),
  )

  it('has what, why, hosts, the diff once, batches, the way back, results with problems last', () => {
    const text = ticket(
      [...changed, makeOutcome('unknown', { host: 'db-1', error: { message: 'lost', hint: 'look' } })],
      {
        exitCode: 5,
        header: { run: 'RUN', command: 'apply', strategy: ['raise'], rules: ['stops at: more than 5 failed'] },
        story: {
          batches: [{ type: 'batch', index: 1, of: 2, hosts: ['web-1', 'web-2'], canary: true }],
          gates: [{ type: 'gate', after: 1, kind: 'bake', status: 'passed', detail: '2m' }],
          stopped: { reason: 'too many failed', notAttempted: ['web-8', 'web-9'] },
        },
      },
    )
    expect(text.match(/^#.*$/gm)).toEqual(
      [
        '# apply: `raise` on 13 hosts',
        '## Why',
        '## Hosts',
        '## What changes',
        '### `web-[1-12]` (12 hosts): 3 live changes, 3 files',
        '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.',
        '## Batches and limits',
        '## Way back',
        '## Results',
      ].filter(line => !line.startsWith('# Written')),
    )
    expect(text).toContain('```diff\n~ /sys/module')
    expect(text.match(/nf_conntrack_max: 65536/g)).toHaveLength(1)
    expect(text).toContain(
      '- `stops at: more than 5 failed`\n- batch 1 of 2, the canary: 2 hosts, `web-[1-2]`\n  - bake passed: `2m`',
    )
    expect(text).toContain('- **stopped**: `too many failed`\n- not attempted: 2 hosts, `web-[8-9]`')
    expect(text).toContain('```sh\nctfix rollback -i INVENTORY RUN\n```')
    expect(text).toMatch(
      /Exit code 5\. 12 changed, 1 unknown\.\n\n- \*\*changed\*\*.*\n- \*\*unknown\*\* `db-1`: `lost`\n {2}- try: `look`\n$/s,
    )
  })

  it('of a plan says how to take back what it will do', () => {
    const text = ticket(changed, { header: { run: 'R', command: 'plan', strategy: ['raise'] } })
    expect(text).toContain('ctfix rollback -i INVENTORY RUN\n```\n\nRUN is the id that the apply prints.')
  })

  it('of a dry run does so, too: its own id is of no record', () => {
    const planned = changed.map(outcome => ({ ...outcome, status: 'would-change' as const }))
    const text = ticket(planned, { header: { run: 'DRY', command: 'apply', strategy: ['raise'] } })
    expect(text).toContain('ctfix rollback -i INVENTORY RUN\n```\n\nRUN is the id that the apply prints.')
    expect(text).not.toContain('INVENTORY DRY')
  })

  it.each(HOSTILE)('holds %j where it belongs', evil => {
    const plan = {
      ...planFor(),
      warnings: [evil],
      forced: [{ code: 'c', message: evil, forceable: true }],
      blockers: [{ code: 'c', message: evil, forceable: false }],
      changes: planFor().changes.map(change => ({ ...change, why: evil })),
    }
    const outcome = makeOutcome('blocked', {
      facts: makeFacts({ kernel: evil }),
      plan,
      checks: [{ name: 'x', status: 'fail', detail: evil }],
      error: { message: evil, hint: evil },
    })
    const ours = ticket([makeOutcome('blocked', { plan: planFor() })])
      .split('\n')
      .filter(line => /^#{1,3} /.test(line))
    const lines = outside(ticket([outcome]))
    expect(lines.filter(line => line.startsWith('#'))).toEqual(ours.map(line => line))
    for (const line of lines.map(withoutCode)) expect(line).not.toMatch(/[<>`|@]|https?:|\]\(|evil|heading/)
  })

  it('has code marks that no text can close', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('`', '``', 'a', ' ', '\n', '~', '|')), parts => {
        expect(withoutCode(code(parts.join('')))).toMatch(/^(\(nothing\))?$/)
      }),
    )
  })

  it('has fences that no text can close', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.constantFrom('`', '```', '````', 'a', ' ', '\n', '\r', '~~~')), { minLength: 1 }),
        lines => {
          expect(
            outside(
              fence(
                'diff',
                lines.map(parts => parts.join('')),
              ).join('\n'),
            ),
          ).toEqual([])
        },
      ),
    )
  })
})
