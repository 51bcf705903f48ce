/* void sl_fiber_swap(void **save, void *to): leaves the callee-saved registers (System V ABI 3.2.1) on this stack, keeps
 * where they stand in *save, and goes on with those that stand at `to`. The control words of SSE and x87 are never
 * changed and so not kept. */
#if defined(__x86_64__)
    .text
    .globl sl_fiber_swap
    .hidden sl_fiber_swap
    .type sl_fiber_swap, @function
sl_fiber_swap:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size sl_fiber_swap, . - sl_fiber_swap
#endif
    .section .note.GNU-stack, "", @progbits
