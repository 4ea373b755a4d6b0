/* Counts the primes up to n by the sieve of Eratosthenes.
 *
 * Input: n, eight bytes little-endian. Result: the count, eight bytes little-endian.
 * Exits with 1 if the input is not eight bytes long, with 2 if n needs more memory than the policy grants.
 */
#include "../sdk/c/nonos.h"

NONOS_EXPORT(main) void run(void) {
    if (nonos_len(NONOS_INPUT) != 8) nonos_exit(1);
    uint64_t n = nonos_read(NONOS_INPUT);
    uint64_t count = 0;
    if (n >= 2) {
        if (n >> 31) nonos_exit(2);
        /* Byte i stands for the odd number 2i + 1; fresh memory is zero, and zero means prime. */
        uint32_t odds = ((uint32_t)n + 1) >> 1;
        uint32_t page = __builtin_wasm_memory_grow(0, (odds + 0xffff) >> 16);
        if (page == 0xffffffff) nonos_exit(2);
        uint8_t *composite = (uint8_t *)(page << 16);
        count = 1; /* the number 2 */
        uint32_t i = 1;
        /* (2i + 1)² is at 2i² + 2i. */
        for (uint32_t square = 4; square < odds; square += ++i << 2) {
            if (composite[i]) continue;
            count++;
            for (uint32_t j = square; j < odds; j += 2 * i + 1) composite[j] = 1;
        }
        for (; i < odds; i++) count += !composite[i];
    }
    nonos_write(NONOS_RESULT, count);
    nonos_commit_len(NONOS_RESULT, 8);
}
