/** What the kernel log says of full tables. */

export interface LogEvidence {
  /**
   * Lines `table full, dropping packet` in the kernel log that may be this host's. `expectation table full` is another
   * matter and not counted, nor are the lines below.
   */
  readonly lines: number
  /** Lines that name another network namespace (kernels from 2025 on). */
  readonly otherNamespaceLines: number
  /** Those lines by the namespace they name. Missing: there are none. */
  readonly byNamespace?: Readonly<Record<string, number>>
  /** Seconds since boot of the newest of those. Missing: there are none, or they have no time. */
  readonly elsewhereAtSeconds?: number
  /** Lines `expectation table full`. Missing: there are none. */
  readonly expectationLines?: number
  /** Seconds since boot of the newest of those. Missing: there are none, or they have no time. */
  readonly expectationAtSeconds?: number
  /** Seconds since boot of the newest line that may be this host's; null when there is none or the log has no timestamps. */
  readonly lastAtSeconds: number | null
  readonly source: 'dmesg' | 'journal' | 'file'
}
