import { vmContract } from './vm-contract.ts'

vmContract('7.x', 'main')
