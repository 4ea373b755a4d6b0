/* SHA-256 of the public input, written to the result tape: 32 bytes.
 *
 * Proving cost is the number of instructions, not their size: the message schedule and the state live in locals,
 * rounds are unrolled by 16 (a full unroll would save 3 % of the steps and make the program four times as long),
 * and bytes are swapped two words at a time.
 */
#include "../sdk/c/nonos.h"

/* Aligned, so that `row | offset` is an address and the offset becomes part of the load. */
static const uint32_t K[64] __attribute__((aligned(256))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define ROTL(x, n) ROTR(x, 32 - (n))
/* Keeps the compiler from recognising a byte swap, which it would expand into more instructions. */
#define OPAQUE(x) __asm__("" : "+r"(x))

/* Eight bytes of a tape word to or from two big-endian words. */
static inline uint64_t swap_pairs(uint64_t x) {
    const uint64_t m = 0x00ff00ff00ff00ffull;
    x = ((x >> 8) & m) | ((x & m) << 8);
    OPAQUE(x);
    return x;
}

#define UNPACK(word, first, second)                     \
    do {                                                \
        uint64_t pair_ = swap_pairs(word);              \
        first = ROTL((uint32_t)pair_, 16);              \
        second = ROTL((uint32_t)(pair_ >> 32), 16);     \
    } while (0)

static inline uint64_t pack(uint32_t first, uint32_t second) {
    return swap_pairs((uint64_t)ROTL(first, 16) | (uint64_t)ROTL(second, 16) << 32);
}

#define ROUND(a, b, c, d, e, f, g, h, i)                                                     \
    do {                                                                                     \
        uint32_t t_ = h + *(const uint32_t *)(row | (i * 4)) + w##i + (ROTR(e, 6) ^ ROTR(e, 11) ^ ROTR(e, 25)) + (g ^ (e & (f ^ g))); \
        uint32_t ab_ = a ^ b;                                                                \
        d += t_;                                                                             \
        h = t_ + (ROTR(a, 2) ^ ROTR(a, 13) ^ ROTR(a, 22)) + (b ^ (ab_ & bc));                \
        bc = ab_;                                                                            \
    } while (0)

#define SCHEDULE(x, next, far, late) \
    x += (ROTR(next, 7) ^ ROTR(next, 18) ^ next >> 3) + far + (ROTR(late, 17) ^ ROTR(late, 19) ^ late >> 10)

/* The block being read, while the padding is put in. */
static uint64_t tail[8];

NONOS_EXPORT(main) void run(void) {
    uint32_t s0 = 0x6a09e667, s1 = 0xbb67ae85, s2 = 0x3c6ef372, s3 = 0xa54ff53a;
    uint32_t s4 = 0x510e527f, s5 = 0x9b05688c, s6 = 0x1f83d9ab, s7 = 0x5be0cd19;
    int64_t length = nonos_len(NONOS_INPUT);
    int64_t left = length; /* bytes not yet hashed; the end mark goes before the length drops below zero */

    for (;;) {
        uint32_t w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15;
        if (left >= 64) {
            UNPACK(nonos_read(NONOS_INPUT), w0, w1);
            UNPACK(nonos_read(NONOS_INPUT), w2, w3);
            UNPACK(nonos_read(NONOS_INPUT), w4, w5);
            UNPACK(nonos_read(NONOS_INPUT), w6, w7);
            UNPACK(nonos_read(NONOS_INPUT), w8, w9);
            UNPACK(nonos_read(NONOS_INPUT), w10, w11);
            UNPACK(nonos_read(NONOS_INPUT), w12, w13);
            UNPACK(nonos_read(NONOS_INPUT), w14, w15);
        } else {
            /* Past the end the tape reads as zeros. */
            for (int i = 0; i < 8; i++) tail[i] = nonos_read(NONOS_INPUT);
            if (left >= 0) tail[left >> 3] |= (uint64_t)0x80 << ((left & 7) << 3);
            UNPACK(tail[0], w0, w1);
            UNPACK(tail[1], w2, w3);
            UNPACK(tail[2], w4, w5);
            UNPACK(tail[3], w6, w7);
            UNPACK(tail[4], w8, w9);
            UNPACK(tail[5], w10, w11);
            UNPACK(tail[6], w12, w13);
            if (left < 56) {
                w14 = (uint32_t)(length >> 29);
                w15 = (uint32_t)(length << 3);
            } else {
                UNPACK(tail[7], w14, w15);
            }
        }

        uint32_t a = s0, b = s1, c = s2, d = s3, e = s4, f = s5, g = s6, h = s7;
        uint32_t bc = b ^ c;
        for (uintptr_t at = (uintptr_t)K;; at += 64) {
            uintptr_t row = at;
            OPAQUE(row);
            row &= -64u; /* changes nothing but what the compiler knows */
            ROUND(a, b, c, d, e, f, g, h, 0);
            ROUND(h, a, b, c, d, e, f, g, 1);
            ROUND(g, h, a, b, c, d, e, f, 2);
            ROUND(f, g, h, a, b, c, d, e, 3);
            ROUND(e, f, g, h, a, b, c, d, 4);
            ROUND(d, e, f, g, h, a, b, c, 5);
            ROUND(c, d, e, f, g, h, a, b, 6);
            ROUND(b, c, d, e, f, g, h, a, 7);
            ROUND(a, b, c, d, e, f, g, h, 8);
            ROUND(h, a, b, c, d, e, f, g, 9);
            ROUND(g, h, a, b, c, d, e, f, 10);
            ROUND(f, g, h, a, b, c, d, e, 11);
            ROUND(e, f, g, h, a, b, c, d, 12);
            ROUND(d, e, f, g, h, a, b, c, 13);
            ROUND(c, d, e, f, g, h, a, b, 14);
            ROUND(b, c, d, e, f, g, h, a, 15);
            if (at == (uintptr_t)(K + 48)) break;
            SCHEDULE(w0, w1, w9, w14);
            SCHEDULE(w1, w2, w10, w15);
            SCHEDULE(w2, w3, w11, w0);
            SCHEDULE(w3, w4, w12, w1);
            SCHEDULE(w4, w5, w13, w2);
            SCHEDULE(w5, w6, w14, w3);
            SCHEDULE(w6, w7, w15, w4);
            SCHEDULE(w7, w8, w0, w5);
            SCHEDULE(w8, w9, w1, w6);
            SCHEDULE(w9, w10, w2, w7);
            SCHEDULE(w10, w11, w3, w8);
            SCHEDULE(w11, w12, w4, w9);
            SCHEDULE(w12, w13, w5, w10);
            SCHEDULE(w13, w14, w6, w11);
            SCHEDULE(w14, w15, w7, w12);
            SCHEDULE(w15, w0, w8, w13);
        }
        s0 += a, s1 += b, s2 += c, s3 += d, s4 += e, s5 += f, s6 += g, s7 += h;

        if (left < 56) break;
        left -= 64;
    }

    nonos_write(NONOS_RESULT, pack(s0, s1));
    nonos_write(NONOS_RESULT, pack(s2, s3));
    nonos_write(NONOS_RESULT, pack(s4, s5));
    nonos_write(NONOS_RESULT, pack(s6, s7));
    nonos_commit_len(NONOS_RESULT, 32);
}
