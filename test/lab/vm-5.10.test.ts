import { vmContract } from './vm-contract.ts'

vmContract('5.10', 'main')
