/** A lab that cannot start is skipped with its reason; on the CI machine that is a failure. */
import { afterAll, beforeAll, describe, type TestContext, test } from 'vitest'
import { LabUnavailable } from './lab.ts'

export interface Suite<L extends AsyncDisposable> {
  /** A test in this lab; skipped with the reason when the lab is not there. */
  it(name: string, body: (lab: L) => Promise<void>, timeoutMs?: number): void
}

/** Starts a lab for the tests of `body` and stops it afterwards. */
export function labSuite<L extends AsyncDisposable>(
  name: string,
  start: () => Promise<L>,
  body: (suite: Suite<L>) => void,
): void {
  describe(name, () => {
    let lab: L | undefined
    let why = ''
    beforeAll(async () => {
      try {
        lab = await start()
      } catch (error) {
        if (!(error instanceof LabUnavailable) || process.env.CI === 'true') throw error
        why = error.message
        process.stderr.write(`${name}: skipped: ${why}\n`)
      }
    })
    afterAll(async () => {
      await lab?.[Symbol.asyncDispose]()
    })
    const it = (title: string, run: (lab: L) => Promise<void>, timeoutMs?: number): void => {
      test(
        title,
        async (context: TestContext) => {
          if (!lab) context.skip(why)
          else await run(lab)
        },
        timeoutMs,
      )
    }
    body({ it })
  })
}
