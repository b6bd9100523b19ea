/** Bits of mstatus and of the interrupt registers, as 32-bit numbers: all that change lie in the low half. */

export const MSTATUS = {
  SIE: 1 << 1,
  MIE: 1 << 3,
  SPIE: 1 << 5,
  MPIE: 1 << 7,
  SPP: 1 << 8,
  MPP: 3 << 11,
  FS: 3 << 13,
  MPRV: 1 << 17,
  SUM: 1 << 18,
  MXR: 1 << 19,
  TVM: 1 << 20,
  TW: 1 << 21,
  TSR: 1 << 22,
} as const;

/** Bits of menvcfg and senvcfg (Privileged 3.1.18, 4.1.10; Cache-Block Management 2.7). */
export const ENVCFG = {
  CBIE: 3n << 4n,
  CBCFE: 1n << 6n,
  CBZE: 1n << 7n,
  ADUE: 1n << 61n,
  PBMTE: 1n << 62n,
  STCE: 1n << 63n,
} as const;

/** Positions of the fields MPP and FS. */
export const MPP_SHIFT = 11;
export const FS_SHIFT = 13;

/** FS of a floating-point unit that is off, or whose registers have changed (Privileged 3.1.6.6). */
export const FLOAT_STATE = { off: 0, dirty: 3 } as const;

/** Interrupts: bit numbers in mie, mip and mideleg, and cause codes (Privileged 3.1.9). */
export const INTERRUPT = {
  supervisorSoftware: 1,
  machineSoftware: 3,
  supervisorTimer: 5,
  machineTimer: 7,
  supervisorExternal: 9,
  machineExternal: 11,
} as const;

/** Exceptions that the machine raises: cause codes (Privileged, table 3.6). */
export const EXCEPTION = {
  fetchAccess: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadAccess: 5,
  storeAccess: 7,
  /** From U-mode; 9 from S-mode, 11 from M-mode. */
  ecall: 8,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;
