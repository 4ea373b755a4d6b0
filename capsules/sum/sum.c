/* Adds a number to those that runs before it have said, and says the sum.
 *
 * Input: a number, eight bytes little-endian. Mesh inbound: messages of eight bytes each, in any number. Result and
 * mesh outbound: the sum, eight bytes little-endian, modulo 2^64.
 * Exits with 1 if the input is not eight bytes long, with 2 if a message is not.
 */
#include "../sdk/c/nonos.h"

NONOS_EXPORT(main) void run(void) {
    if (nonos_len(NONOS_INPUT) != 8) nonos_exit(1);
    uint64_t sum = nonos_read(NONOS_INPUT);
    struct nonos_message message = {0};
    while (nonos_next_message(&message)) {
        uint64_t said;
        if (nonos_read_message(&message, &said, 8) != 8) nonos_exit(2);
        sum += said;
    }
    nonos_write_bytes(NONOS_RESULT, &sum, 8);
    nonos_write_bytes(NONOS_OUTBOUND, &sum, 8);
}
