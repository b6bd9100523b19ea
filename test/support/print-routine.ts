/** Assembly that tests print numbers with: a0 in hexadecimal and a space, by a routine `put` that the program has. */
export const PRINT = `print:
  mv s3, ra
  mv s4, a0
  li s5, 60
1: srl a0, s4, s5
  andi a0, a0, 15
  addi a0, a0, 48
  li t0, 58
  blt a0, t0, 2f
  addi a0, a0, 39
2: call put
  addi s5, s5, -4
  bgez s5, 1b
  li a0, 32
  call put
  jr s3
`;
