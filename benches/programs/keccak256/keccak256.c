/* Keccak-256 as Ethereum has it: the sponge of FIPS 202 with the padding of the submission (0x01, not 0x06).
 *
 * Input: at most 65,536 bytes. Result: the digest, 32 bytes. Exits with 1 if the input is longer.
 */
#include "../../../capsules/sdk/c/nonos.h"

enum { RATE = 17 };
static uint64_t input[8192 + RATE];

static const uint64_t ROUND[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static inline uint64_t rotl(uint64_t x, int by) { return __builtin_rotateleft64(x, by); }

/* ρ and π of one lane: where it goes, and turned by how much. */
#define LANE(to, from, by) b[to] = rotl(a[from] ^ d[from % 5], by)

static void permute(uint64_t a[25]) {
    for (int round = 0; round < 24; round++) {
        uint64_t b[25], c[5], d[5];
        for (int x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (int x = 0; x < 5; x++) d[x] = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
        b[0] = a[0] ^ d[0];
        LANE(10, 1, 1), LANE(20, 2, 62), LANE(5, 3, 28), LANE(15, 4, 27);
        LANE(16, 5, 36), LANE(1, 6, 44), LANE(11, 7, 6), LANE(21, 8, 55), LANE(6, 9, 20);
        LANE(7, 10, 3), LANE(17, 11, 10), LANE(2, 12, 43), LANE(12, 13, 25), LANE(22, 14, 39);
        LANE(23, 15, 41), LANE(8, 16, 45), LANE(18, 17, 15), LANE(3, 18, 21), LANE(13, 19, 8);
        LANE(14, 20, 18), LANE(24, 21, 2), LANE(9, 22, 61), LANE(19, 23, 56), LANE(4, 24, 14);
        for (int y = 0; y < 25; y += 5)
            for (int x = 0; x < 5; x++) a[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
        a[0] ^= ROUND[round];
    }
}

NONOS_EXPORT(main) void run(void) {
    int64_t length = nonos_read_all(NONOS_INPUT, input, 65536);
    if (length < 0) nonos_exit(1);
    /* The tape pads with zeros; what follows it is zero as well. */
    int64_t blocks = length / (8 * RATE) + 1;
    uint8_t *bytes = (uint8_t *)input;
    bytes[length] ^= 0x01;
    bytes[8 * RATE * blocks - 1] ^= 0x80;
    uint64_t state[25] = {0};
    for (const uint64_t *block = input; blocks--; block += RATE) {
        for (int i = 0; i < RATE; i++) state[i] ^= block[i];
        permute(state);
    }
    nonos_write_bytes(NONOS_RESULT, state, 32);
}
