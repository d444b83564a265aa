/**
 * Names each test that passed on its second try only, with what it said at its first: labs hang on the time that a busy
 * machine leaves them, but such a test is a defect to look into, of the test or of what it tests.
 */
export default class SecondTries {
  #lines = []

  onTestCaseResult(test) {
    if (!test.diagnostic()?.flaky) return
    const { errors = [] } = test.result()
    const [first = 'nothing'] = errors.map(({ message }) => String(message).split('\n', 1)[0])
    this.#lines.push(`  ${test.module.relativeModuleId} > ${test.fullName}: at first ${first}`)
  }

  onTestRunEnd() {
    const { length } = this.#lines
    process.stdout.write(`\n${length} passed on a second try${length === 0 ? '' : `:\n${this.#lines.join('\n')}`}\n`)
  }
}
